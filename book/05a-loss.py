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
# # Training
#
# **Question.** What does the Adaptive Space Encoder (ASE) learn from, and what does each part of its loss do?
#
# After this page you can name the four networks of the ASE, write down the paper's loss, train a small model on your own machine, and say what goes wrong when one term of the loss is missing. Three more pages belong to it: [Why a listener stands still](05b-standing-still.ipynb), [A listener that follows](05c-following.ipynb) and [Speed](05d-speed.ipynb).

# %%
import tempfile
from dataclasses import replace

import numpy as np
import pandas as pd
from plotly.subplots import make_subplots

from elp.book import figures, results
from elp.simulator import simulate
from elp.training import recipes, train

figures.setup()

# %% [markdown]
# ## Four networks, trained together
#
# The ASE takes the speaker's style ([Style features](02-style.ipynb)) and gives the listener's motion. Four networks do this, and the loss trains all of them at once, together with the audio encoder inside the style.
#
# | network | made of | from | to |
# | --- | --- | --- | --- |
# | encoder | five 1-D convolutions over time, three LSTM layers ([Hochreiter and Schmidhuber, 1997](references.bib#hochreiter1997lstm)), an MLP of two layers | style, `(B, T, 334)` | logits of the codes, `(B, T, H, V)` |
# | emotion branch | a time-delay network (TDNN) ([Peddinti et al., 2015](references.bib#peddinti2015tdnn)): five layers that look at frames further and further apart, mean and deviation over time, an MLP | style | $e'$, one probability for each emotion |
# | decoder D1 | two 2-D convolutions over time and heads | codes U, `(B, T, H)` | expression β and head pose $p$ |
# | decoder D2 | four 2-D convolutions, three LSTM layers | codes U | probability of a blink φ |
#
# Between the encoder and the decoders the codes are drawn, as [Base, Transformed, U](03-space.ipynb) explains. In training the *true* emotion $e$ chooses the interval of the codes; $e'$ is used if the user names no emotion.
#
# ## The loss
#
# D1's output $\beta_{pred}$, $p_{pred}$ is compared with the true listener's $\beta'$, $p'$ by the squared error:
#
# $$\mathcal{L}_{L2} = \sum_{t=1}^{T} \big( \lVert \beta_{pred}(t) - \beta'(t) \rVert^2 + \lVert p_{pred}(t) - p'(t) \rVert^2 \big) \tag{P3}$$
#
# D2's output $\varphi_{pred}$ is a probability for each frame, and its loss is the cross-entropy. It counts open and shut eyes alike:
#
# $$\begin{aligned} \mathcal{L}_{CE_1} = -\sum_{t=1}^{T} \Big( & \varphi(t) \log \varphi_{pred}(t) \\ &+ \big[1 - \varphi(t)\big] \log \big[1 - \varphi_{pred}(t)\big] \Big) \end{aligned} \tag{P4}$$
#
# Blinks last for several frames, so neighbouring probabilities should not jump:
#
# $$\mathcal{L}_{reg} = \sum_{t=2}^{T} \lvert \varphi_{pred}(t) - \varphi_{pred}(t-1) \rvert \tag{P5}$$
#
# The emotion branch learns to read the emotion from the speaker's style:
#
# $$\mathcal{L}_{CE_2} = -\sum_{i=1}^{N} \Big( e_i \log e'_i + \big[1 - e_i\big] \log \big[1 - e'_i\big] \Big) \tag{P6}$$
#
# The whole loss is their weighted sum ([Song et al., 2023](references.bib#song2023elp)), with $\lambda_1 = \lambda_2 = 5$ and $\lambda_3 = 0.01$:
#
# $$\mathcal{L} = \mathcal{L}_{L2} + \lambda_1\,\mathcal{L}_{CE_1} + \lambda_2\,\mathcal{L}_{CE_2} + \lambda_3\,\mathcal{L}_{reg} \tag{P7}$$

# %% tags=["remove-input"]
from elp.training.losses import total

figures.source(total)

# %% [markdown]
# ## A run on this page
#
# The smallest recipe learns from three minutes of simulated conversation, on one processor core. Each step draws four clips of two seconds at random. The true emotion goes into the rearrangement, and the codes are sampled.

# %%
folder = tempfile.TemporaryDirectory()
corpus = simulate(f"{folder.name}/talk", "tiny", seed=3, audio=False)
recipe = replace(
    recipes.tiny(), steps=60, batch=4, lr=2e-3, warmup=5, decay="none"
)
card = train(recipe, corpus, f"{folder.name}/run", device="cpu")
log = np.genfromtxt(f"{folder.name}/run/log.csv", delimiter=",", names=True)

# %% tags=["nbval-check-output"]
first, last = (
    log["loss"][part].mean() for part in (slice(10), slice(-10, None))
)
print(
    f"{card['parameters']:,} weights, {len(log)} steps; last ten "
    f"losses at most 0.9 of the first ten: {last < 0.9 * first}"
)
assert last < 0.9 * first

# %% [markdown]
# The run leaves a folder: the weights (safetensors, with configuration and statistics), the state to resume from, the losses of every step, and a card that records commit, command, seed, device, versions and seconds. The same run from a shell:
#
# ```bash
# elp train tiny --corpus TALK --out RUN           # Ctrl-C stops it
# elp train tiny --corpus TALK --out RUN --resume  # and this goes on
# ```
#
# After Ctrl-C the current step is finished first. On a CPU, a resumed run gives the same bits as one that was never stopped. If a loss is not finite, the run stops and saves the batch that caused it beside the log.
#
# ## What each term does
#
# We train the smallest recipe on the whole simulated ViCo for 100 steps of 4 clips, and switch one term off in each run. Each panel shows one term; the grey curve is the run with all of them.

# %% tags=["hide-input"]
runs = {run["name"]: run for run in results.read("training_terms")["runs"]}
panels = ["motion", "blink", "emotion", "smooth"]
fig = make_subplots(2, 2, subplot_titles=panels, vertical_spacing=0.16)
for n, term in enumerate(panels):
    for name, label, color in (
        ("all", "all terms", figures.COLORS[5]),
        (f"no {term}", "this one off", figures.COLORS[1]),
    ):
        y, every = runs[name]["curves"][term], runs[name]["every"]
        style = {"line_color": color, "showlegend": n == 0, "name": label}
        place = {"row": n // 2 + 1, "col": n % 2 + 1}
        fig.add_scatter(
            x=every * np.arange(1, len(y) + 1), y=y, **style, **place
        )

# %% tags=["hide-input"]
figures.show(
    fig.update_layout(height=460),
    name="terms",
    caption=(
        "Each term of the loss over 100 steps with all terms (grey) and "
        "with that term switched off (orange)."
    ),
    alt=(
        "Four small line charts; without its own term motion, blink and "
        "emotion stay where they started, the smoothness term hardly "
        "matters."
    ),
)

# %% tags=["nbval-check-output"]
for term in ("motion", "blink", "emotion"):
    on, off = runs["all"]["final"][term], runs[f"no {term}"]["final"][term]
    print(f"{term:8} with its term {on:.2f}, without {off:.2f}")
    assert on < off

# %% [markdown]
# Motion, blinks and emotion are each learned only from their own term. The smoothness term makes no difference: with $\lambda_3 = 0.01$, on probabilities that hardly change, it does next to nothing.
#
# The same holds at the paper's sizes. Here recipe *lively*, to which the [next page](05b-standing-still.ipynb) leads, was trained for 2000 steps, once with each term missing, and answered speakers whom it had not met in training:

# %%
ablations = results.read("training_ablations")["runs"]
terms = {
    f"no {t}": f"no {t} term" for t in ("motion", "blink", "emotion")
} | {"no smooth": "no smooth term"}
first = {run["name"]: run for run in ablations if run["seed"] == 0}

# %% tags=["hide-input"]
shown = {}
for name, label in ({"U": "all terms"} | terms).items():
    run = first[name]
    keys = ("energy", "blink", "emotion_accuracy")
    values = [run["validation"][key] for key in keys]
    shown[label] = [*values, run["scores"]["all_fd"]]
rows = ["energy score", "blink term", "emotion recognised", "FD"]
figures.table(pd.DataFrame(shown, index=rows).T.round(2))

# %% [markdown]
# Without the motion term the face hardly moves, and both the [energy score](glossary.md#energy-score) (defined on the next page) and the Fréchet distance ([FD](glossary.md#fd), defined in [Metrics](07-metrics.ipynb)) rise. Without the blink term D2 learns nothing about blinks. Without the emotion term fewer emotions are recognised than by guessing among three. The smoothness term has no visible effect. Each row is one run, so small differences mean nothing.
#
# ## Summary
#
# - The ASE consists of an encoder, an emotion branch, D1 for motion and D2 for blinks, all trained by one loss.
# - The paper's loss has four terms (Eqs. P3 to P6). Three do work that no other term does; the smoothness term is too small to matter.
# - A small model trains in seconds on a CPU, can be stopped and resumed, and leaves a card that says how it was made.
#
# ```{admonition} What the paper leaves open
# :class: note
# - **Reductions.** Eqs. P3 to P5 are sums. `reduction="mean"`, the default, averages over frames and over the coefficients of each vector. As printed (`"sum"`), the coefficients of a frame are 106 terms and its blink is one.
# - **Units of Eq. P3.** Here the error of β is that of the mesh, since its standardised coefficients are weighted by their variance; in a corpus that mixes units all count alike. Head pose mixes radians and centimetres and is standardised.
# - **Details of the networks and their training**: widths of the layers, their normalisation, the schedule of the learning rate, and whether gradients were clipped.
# - **Clips without a label** are not in the paper. Here $e$ is then spread evenly over the emotions, and the emotion term is left out.
# ```
#
# ## Exercises
#
# ```{exercise}
# :label: ex-training-blink
# Five of a hundred frames are blinks. What is the blink term for a model that answers 0.05 in every frame? Which threshold would make it blink?
# ```
#
# ```{solution-start} ex-training-blink
# :class: dropdown
# ```
#
# The cross-entropy of the bare rate:

# %% tags=["nbval-check-output"]
rate = 0.05
print(f"{-rate * np.log(rate) - (1 - rate) * np.log(1 - rate):.3f} nats")

# %% [markdown]
# With a threshold above 0.05 it never blinks, with one below it never opens its eyes. Blinks are therefore *drawn* from the probability, smoothly in time, and not thresholded.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-training-sum
# Take Eq. P3 as printed, a sum over 106 standardised coefficients, beside Eq. P4. A model misses each coefficient by half a standard deviation and answers 0.05 for every blink. Which share of the loss of one frame is the blink's, with $\lambda_1 = 5$, when the eyes are shut?
# ```
#
# ```{solution-start} ex-training-sum
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
motion, blink = 106 * 0.5**2, 5 * -np.log(0.05)
print(f"{blink / (motion + blink):.0%} of one frame with shut eyes")
open_eye = 5 * -np.log(0.95)
share = (0.05 * blink + 0.95 * open_eye) / (
    motion + 0.05 * blink + 0.95 * open_eye
)
print(f"{share:.0%} on average over all frames")

# %% [markdown]
# The blink is a third of the loss while it happens, and a few per cent on average. Its share grows as the motion error falls during training.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-training-smooth
# How large would $\lambda_3$ have to be for a single blink of three frames, predicted with certainty, to cost as much in Eq. P5 as missing it costs in Eq. P4 (with a predicted rate of 0.05)?
# ```
#
# ```{solution-start} ex-training-smooth
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
missed = 5 * 3 * -np.log(0.05)  # three shut frames, each at 0.05
jumps = 2  # up by one, down by one
print(f"λ3 = {missed / jumps:.0f}, {missed / jumps / 0.01:.0f} times 0.01")

# %% [markdown]
# At the paper's 0.01 the term cannot keep any blink from happening, nor smooth it.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# The time-delay network is that of speaker recognition ([Peddinti et al., 2015](references.bib#peddinti2015tdnn); [Snyder et al., 2018](references.bib#snyder2018xvectors)); the optimiser is AdamW ([Loshchilov and Hutter, 2019](references.bib#loshchilov2019adamw)).
