# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Add a method
#
# **Question.** You have an idea of how a listener should move. How do you compare it with the others, on the same corpus and with the same intervals?
#
# After this page you can write a method that the evaluation accepts, put it into the tables beside the others, and say what a reader should ask of your numbers.
#
# You write one Python method, `respond`. Of everything that answers a speaker in this book, from the mean face to ELP, the evaluation knows only this interface:

# %% tags=["remove-input"]
from elp.book import figures
from elp.listener.contract import Responder

figures.source(Responder)

# %% [markdown]
# A [`Clip`](notation.md) holds the speaker: `motion.beta` `(T, D)`, `motion.pose` `(T, 6)`, `motion.blink` and `motion.valid` `(T,)`, and `mfcc` `(T, 29)`, at 25 frames per second. The answer is a `Motion` of the same length in the same units.
# Three rules make the numbers comparable. The answer covers *all* frames, however long the clip is; nothing is cut to a training window. All randomness comes from `generator`, so that a table can be repeated. And the method sees no frame of the true listener, not even the first.

# %%
import tempfile

import torch

from elp.baselines import Mirror
from elp.evaluation import tables
from elp.evaluation.evaluate import evaluate
from elp.evaluation.methods import answerers
from elp.simulator import simulate

figures.setup()

# %% [markdown]
# ## A method in thirty lines
#
# People mimic, a moment later, the person whom they listen to. So the simplest listener with any relation to the speaker is a mirror with a delay. It needs no training, and ignores sound and emotion.

# %% tags=["remove-input"]
from elp.baselines.mirror import Mirror

figures.source(Mirror)

# %% [markdown]
# Since `Responder` is a `Protocol`, nothing has to be inherited or registered: any object with this `respond` is a method that can be evaluated.

# %%
folder = tempfile.TemporaryDirectory()
corpus = simulate(
    f"{folder.name}/talk", "l2l", seed=3, audio=False, hours=0.2
)
mirror = Mirror(corpus)
pair = next(corpus.pairs("test").itertuples())
answer = mirror.respond(
    corpus.speaker(pair),
    "positive",
    generator=torch.Generator().manual_seed(0),
)
assert len(answer) == pair.length

# %% [markdown]
# Ten seconds of the two smiles show what the mirror does:

# %%
import numpy as np
import plotly.graph_objects as go

time = np.arange(250) / 25
fig = go.Figure()
fig.add_scatter(
    x=time, y=corpus.speaker(pair).motion.beta[:250, 2], name="speaker"
)
fig = fig.add_scatter(x=time, y=answer.beta[:250, 2], name="mirror")

# %% tags=["hide-input"]
fig.update_layout(
    xaxis_title="time (s)", yaxis_title="smile_l (cm √points)", height=300
)
figures.show(
    fig,
    name="mirror",
    caption="The smile of a simulated speaker and of the mirror, 10 s.",
    alt=(
        "The mirror repeats the speaker's smile a little later, at half "
        "its size."
    ),
)

# %% [markdown]
# The mirror repeats the speaker's smile, later and smaller. It has no smile of its own.
#
# ## Into the table
#
# `evaluate` lets every method answer every test speaker, measures each clip once, and resamples listeners for 95 % intervals (or conversations, if there are fewer than five listeners). A difference is called *separated* if its $p$-value is below 0.05 after Holm's correction for the rows compared ([Metrics](07-metrics.ipynb)).
#
# Include the bounds, too: the ground truth, the oracle (another true response of the simulator), a stranger (a real listener of another conversation) and the mean face. This corpus is small enough for a page: its test split holds two conversations of the same two people. So the stranger is the same listener in the other conversation here, and the numbers show how the table works, not which method is better. (FD is the sum of those of face and head.)

# %%
names = ["GT", "oracle", "stranger", "mean face", "Random"]
methods = answerers(corpus, names) | {"Mirror": [mirror]}
result = evaluate(
    corpus, methods, samples=1, bootstrap=200, against="Mirror"
)
columns = ("all_fd", "all_vd", "nod_wtlcc", "smile_wtlcc", "blink_wtlcc")
tables.table(result, columns, intervals=False).round(3)

# %% tags=["nbval-check-output"]
for name in ("stranger", "Random"):
    found = result["contrasts"][name]["smile_wtlcc"]
    print(
        f"smile WTLCC, Mirror minus {name}: {found['value']:.1f}, "
        f"separated from 0: {found['separated']}"
    )
assert result["contrasts"]["Random"]["smile_wtlcc"]["separated"]

# %% [markdown]
# The mirror is *too* synchronous, far more than the real listeners. This is why WTLCC is judged by its distance from the ground truth and not by its size: if the highest value were best, a mirror would win. In the column of blinks, where higher is better, it does win here, even over the oracle.
#
# For a trained method, give a list of models from different seeds instead of one object, and the intervals include the seeds. A method that is faster on many speakers at once may offer `respond_all(speakers, emotions, *, generator)` beside `respond`.
#
# All rows of the full tables are in one list, `METHODS` in `elp/evaluation/methods.py`. It says what a row is called, how it is built from a corpus and whether it competes; for a method that learns, its `Training` says how to train it step by step and how to load it. Add yours there. Then `experiments/tables.py` trains and measures it, `elp evaluate --method NAME --models FOLDER` measures trained models of it, and the chapter [Results](08-results.ipynb) shows it once its name is in the chapter's list `rows`.
#
# ## What a new method should show
#
# | show | because |
# |---|---|
# | P-FD or WTLCC beside FD | a real listener of somebody else has a perfect pooled FD ([Metrics](07-metrics.ipynb)) |
# | the stranger's row | it is the level of chance, if the split holds several listeners |
# | several samples and seeds, with intervals | a single random answer proves little |
# | the simulator's version, or the corpus's name and split | values of one metric on two corpora cannot be compared |
#
# ## Summary
#
# - A method is one function, `respond(speaker, emotion, *, generator)`, that answers all frames and never sees the true listener.
# - A table needs its bounds: the ground truth, the oracle, a stranger and the mean face.
# - Show several samples and seeds, with intervals over listeners.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-add-delay
# Set `mirror.late = 0`, so that the mirror moves at the same moment as the speaker. Does any column of the table show that no human listens like this?
# ```
#
# ```{solution-start} ex-add-delay
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
from elp import metrics

speaker = corpus.speaker(pair)
heard = [speaker.motion.beta[:, 2]]
for late in (15, 0):
    mirror.late = late
    answer = mirror.respond(speaker, None, generator=torch.Generator())
    found = metrics.wtlcc(heard, [answer.beta[:, 2]])
    print(f"late by {late} frames: peak at lag {found.lag}")

# %% [markdown]
# No. The peak of the correlogram moves to lag 0 and keeps its height, so WTLCC stays the same, and FD and V-D hardly change. The *lag* at the peak, `metrics.wtlcc(...).lag`, shows it, and so do P-FD and RPCC, which are not in the table.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-add-still
# Write the method that gives the mean of the speaker's own face for the whole clip. Which bound of the table should it be compared with first, and why?
# ```
#
# ```{solution} ex-add-still
# :class: dropdown
# With the mean face, the mean of all training listeners, which does not move either. If the speaker's mean is closer to the listener than the mean face is, the two people of a conversation tend to hold their faces alike. If not, the method is worse than not listening at all.
# ```

# %% [markdown]
# ## Further reading
#
# The challenge of many right answers, and metrics for it: [Song et al. (2023)](references.bib#song2023react). Mimicry and its timing as a baseline of listening behaviour: [Boker et al. (2002)](references.bib#boker2002wcc).
