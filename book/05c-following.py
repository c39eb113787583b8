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
# # A listener that follows
#
# **Question.** How does a listener come to notice the speaker: to smile back, to nod when the voice invites it, to blink at the end of a phrase?
#
# After this page you can test with a linear regression whether a corpus holds anything to follow, say which input and which path through the network are needed, and describe the model that ships. You need the energy score of [the last page](05b-standing-still.ipynb) and the gain of [Metrics](07-metrics.ipynb).

# %%
import tempfile

import numpy as np
from plotly.subplots import make_subplots

from elp.book import figures, following, results
from elp.evaluation import tables
from elp.listener import ELPResponder
from elp.simulator import simulate

figures.setup()

# %% [markdown]
# ## Is there anything to follow?
#
# So far our listener moves like a person in the right mood, but takes no notice of the speaker: give it another speaker, and the answer is just as good. The simulator's listeners are made to return about a quarter of a smile, and to answer some of the speaker's blinks at the ends of phrases. Is an hour of conversation enough to learn this from?
#
# A linear regression with a penalty (ridge) can tell. It predicts the listener's smile and blinks from the speaker's last two seconds, once from the style of Eq. P1 and once from β and $p$ themselves. The numbers are correlations with what the real listeners did, within clips, on unseen people.

# %%
folder = tempfile.TemporaryDirectory()
talks = simulate(f"{folder.name}/vico", "vico", audio=False)
inputs = {"the style of Eq. P1": False, "β and p themselves": True}
found = {
    name: following.linear_baseline(talks, raw_motion=raw)
    for name, raw in inputs.items()
}
for name, r in found.items():
    print(
        f"from {name:19} smile {r['smile']:+.2f}   blinks {r['blink']:+.2f}"
    )

# %%
style, motion = found.values()
assert abs(style["smile"]) < 0.05 < 0.08 < min(motion.values())

# %% [markdown]
# The regression in full:

# %% tags=["remove-input", "hide-output"]
figures.source(following.linear_baseline)

# %% [markdown]
# The correlations are small, because most of what a listener does is chance. But they exist: a linear model finds what our networks had missed. Two things stood in their way.
#
# **The input.** A smile cannot be read off the style of Eq. P1, which says how much each coefficient moved within a second. A smile that lasts does not move, and its end looks like its beginning. Given β and $p$ beside the style (`raw_motion=True`), the encoder sees what a listener follows.
#
# **The path to D2.** The speaker's blinks leave a trace in either input. But this cue has to pass the encoder, the draws and three LSTM layers, which at first let a hundredth of it through, and the gradient has to come back the same way. With a linear **shortcut** past the LSTMs of D2 (`shortcut=True`), blinks are learned within 2000 steps.
#
# We also expected four draws to be better than two, and little noise on each frame to be better than noise as large as the style itself, which hides a blink of three frames. Three seeds show neither.

# %% tags=["remove-input"]
from elp.model.decoders import BlinkDecoder

figures.source(BlinkDecoder.read)

# %% [markdown]
# Here is what these options change on unseen people, with three seeds each. The [gain](glossary.md#gain) is the share of the speaker's smile that comes back; the *blink term* is the cross-entropy of Eq. P4 on clips of two seconds.

# %% tags=["hide-input"]
ablations = results.read("training_ablations")["runs"]
options = results.by_name(
    ablations,
    ("scores", "smile_gain"),
    ("validation", "blink"),
    ("scores", "nod_gain"),
)

# %% tags=["hide-input"]
follow = {"U": "lively", "causal": "causal", "V": "V", "Eq 1": "Eq 1 alone"}
for name in ("no shortcut", "two draws", "more noise", "no noise"):
    follow[name] = name

# %% tags=["hide-input"]
side = {"shared_yaxes": True, "horizontal_spacing": 0.04}
titles = ["gain of the smile", "blink term"]
fig = make_subplots(1, 2, subplot_titles=titles, **side)
dot = {"mode": "markers", "showlegend": False}
dot["marker"] = {"size": 9, "color": figures.COLORS[0]}
for column in (0, 1):
    for name, label in follow.items():
        x = options[name][:, column]
        place = {"row": 1, "col": column + 1}
        fig.add_scatter(x=x, y=[label] * len(x), **dot, **place)
fig = fig.update_layout(height=380, yaxis={"autorange": "reversed"})

# %% tags=["hide-input"]
figures.show(
    fig,
    name="follow",
    caption=(
        "What follows the speaker, by option of recipe <i>lively</i>: a "
        "dot for each seed, validation split. People's own gain on the "
        "test split: 0.12. Blink term: lower is better."
    ),
    alt=(
        "Two columns of dots. Gain: lively 0.12 to 0.15, causal 0.18 to "
        "0.40, V 0.22 to 0.26, Eq 1 alone -0.11 to 0.03. Blink term: "
        "causal, Eq 1 alone 0.165 to 0.171, lively mostly lower."
    ),
)

# %% tags=["nbval-check-output"]
print(f"{'':13}{'gain of the smile':20}{'blink term':20}gain of nods")
for name, label in follow.items():
    print(
        f"{label:13}"
        + "   ".join(
            " ".join(f"{x:{form}}" for x in row)
            for form, row in zip(
                ("+.2f", ".3f", "+.2f"), zip(*options[name])
            )
        )
    )

# %%
gains = {name: values[:, 0] for name, values in options.items()}
assert gains["Eq 1"].max() < gains["U"].min()
assert gains["U"].max() < gains["causal"].min()

# %% tags=["nbval-check-output"]
eq3 = options["Eq 3"][:, 0]
print(f"gain with Eq. P3: {eq3.min():.2f} to {eq3.max():.2f}")
lost = [n for n in ("two draws", "more noise") if gains[n].min() < 0.05]
print("one seed of three loses the smile:", ", ".join(lost))
assert np.ptp(options["no shortcut"][:, 1]) < 0.002

# %% [markdown]
# **Smiles.** With Eq. P1 alone no smile comes back in any seed. With β and $p$ it does in all three seeds of *lively* and of V; with two draws, and with more noise, one seed of three loses it. V, which is not told the mood and has to infer everything from the speaker, returns more. Even with Eq. P3 some of a smile comes back once the model is given β and $p$ (the line "gain with Eq. P3"): what matters is the input, not the loss.
#
# **Blinks.** Without the shortcut the blink term stays at 0.170 in all three seeds, as in a model that knows only how often people blink. With it, two of three seeds of *lively* fall below that, and so do all seeds with two draws or more noise. Those of V hardly do, nor do those of causal models. Without noise the model memorises the training blinks: two seeds end far above.
#
# **Causal models** (`causal=True`) see no future frame, so that they can run live. They return more of a smile than *lively* in every seed. Two of three seeds also return nods, 0.15 and 0.16, more than any other option here.
#
# Why should a model that sees less do better? A listener answers half a second late or more, and for that the past is enough. The convolutions of a centred encoder see four tenths of a second on either side; causal ones see the last eight tenths. Anything older reaches both only through the LSTMs. Do those eight tenths hold more information?

# %%
for name, lags in {
    "0.4 s before and after": range(-10, 11, 4),
    "0.8 s before": range(0, 21, 4),
}.items():
    r = following.linear_baseline(talks, raw_motion=True, lags=lags)
    print(
        f"a line, from β and p of {name:22}  smile {r['smile']:+.3f}   "
        f"blinks {r['blink']:+.3f}"
    )

# %% [markdown]
# For a linear model they do, but only by a little. The networks gain more than that, and these runs do not show why; by time-lagged correlation they cannot be told from *lively* on these speakers. On the test speakers of the chapter [Results](08-results.ipynb), too, a causal model returns twice as much of a smile, and there its correlation is higher. Its blinks coincide with the speaker's only by chance, as its blink term suggests.
#
# Recipe *small*, like *lively*, is centred, as we read the paper's figure. Recipe *live* is its causal variant, and *stream* is the causal recipe at the paper's sizes.
#
# ## The model that ships
#
# The model that ships, `listener`, is causal too, and extends recipe *live*. The blinks and nods above show what was still missing. Heads that draw each frame without knowing the one before can neither blink once and then wait, nor nod twice and then stop, and no training score makes them attend to the speaker much.
#
# So in `listener` the codes describe the face alone. A second, smaller group of heads draws eyelids and head pose, one frame after the other:

# %% tags=["remove-input"]
from elp.model.event_heads import EventHeads

figures.source(EventHeads.step)

# %% [markdown]
# These *event heads* are trained by maximum likelihood. Their inputs are the speaker's voice and blinks, their own past, and the emotion. The encoder is told what they drew, so that brows can rise with a nod. In training, some clips lose their sound, so that the model also learns what a listener does who hears nothing. *Guidance* can then push each draw a little further away from that.
#
# How far was chosen on validation speakers, who do not appear in the tables of the chapter [Results](08-results.ipynb). The columns give nods after low pitch, nods after the ends of phrases, and blinks after the speaker's blinks, each as a ratio to those elsewhere:

# %% tags=["hide-input"]
strengths = results.read("guidance")
columns = ["heard_nods", "heard_phrase_nods", "heard_blinks", "head_fd"]
figures.table(tables.table(strengths, columns))

# %% tags=["nbval-check-output"]
nods = [
    strengths["methods"][f"listener, guidance {g:g}"]["heard_nods"]["value"]
    for g in (1, 1.25, 1.5, 2)
]
print("nods after low pitch:", *(f"{x:.2f}" for x in nods))
print(f"shipped: guidance {strengths['shipped']:g}")
assert nods == sorted(nods)

# %% [markdown]
# The stronger the guidance, the more nods fall where the voice invites them, at next to no cost in FD. Blinks are not guided: the speaker's own blinks are cue enough.
#
# These are only a few minutes of conversation, so the intervals are wide. But all strengths share their random draws, so their order is no accident. We ship the weakest strength at which nodding is about twice as strong after low pitch as elsewhere. More guidance first brings a listener closer to what people do, and in the end beyond it.
#
# *Who* listens (where the head rests, how the face looks at rest) is drawn once for each response, or taken from one frame of the listener. Any prefix of the face's heads can be decoded. The model was trained on conversations that are not in the tables, those of the simulator's corpus `crowd`, which has so many people that it cannot memorise them:

# %% tags=["nbval-check-output"]
responder = ELPResponder.from_checkpoint()
card = responder.card
print(
    f"{card['name']}: {card['corpus']['clips']} clips of "
    f"{card['corpus']['name']}, {card['recipe']['steps']} steps, "
    f"{card['parameters']:,} weights"
)
v = card["validation"]
print(
    f"liveliness {v['variance']:.2f}, emotion recognised "
    f"{v['emotion_accuracy']:.0%}"
)
assert 0.7 < v["variance"] < 1.3

# %% [markdown]
# Now a corpus with other people, whose test speakers are each answered three times. The *oracle* is another true answer of the same person. *ELP-U* is recipe *lively*, trained on the training split of this corpus. *First frame* means that the model is given the true listener's first frame, which shows who listens.

# %% tags=["hide-input"]
told = results.read("tables-vico-v2-people77")
columns = [
    "all_fd",
    "smile_gain",
    "heard_nods",
    "heard_blinks",
    "blink_wtlcc",
    "blink_rate",
]
rows = ["GT", "oracle", "ELP-U", "listener", "listener, first frame"]
figures.table(tables.table(told, columns, methods=rows))

# %%
ours, codes_only = (told["methods"][row] for row in ("listener", "ELP-U"))
for answer in ("heard_nods", "heard_blinks"):
    assert ours[answer]["low"] > codes_only[answer]["high"]
    assert codes_only[answer]["value"] < 1.3

# %% [markdown]
# Nods after low pitch, and blinks after the speaker's blinks at the ends of phrases, are given as a ratio to those elsewhere: 1 is chance. `listener` answers with both, as people do, and with blinks even more often than these people. From codes alone (*ELP-U*) nearly nothing comes back. `listener` returns less of a smile than people do, and more than *ELP-U*. One frame of the true listener brings FD closer to the oracle's, because face and head then rest where they should. The chapter [Results](08-results.ipynb) has all rows and columns.
#
# ## Summary
#
# - A linear regression on the speaker's β and $p$ finds answered smiles and blinks; on the style of Eq. P1 it finds no smiles.
# - To follow, a model needs β and $p$ in its input, and a path to D2 along which the gradient can come back. A causal model loses nothing by seeing no future.
# - Codes alone do not put blinks and nods at the right moments. Event heads, which draw one frame after the other, do; they belong to the model that ships, not to the paper.
#
# ```{admonition} What the paper leaves open
# :class: note
# Whether the encoder sees the future: the figure shows no direction. The paper's style holds no position of the face at all, yet its text claims that ELP is closest to people in synchrony; with Eq. P1 alone, we find that no smile comes back.
# ```
#
# ## Exercises
#
# ```{exercise}
# :label: ex-following-linear
# Let the regression see only the last half second (`lags=range(0, 13, 4)`). Which of the two correlations falls, which one rises, and why?
# ```
#
# ```{solution-start} ex-following-linear
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
short = following.linear_baseline(
    talks, raw_motion=True, lags=range(0, 13, 4)
)
for part in ("smile", "blink"):
    print(f"{part}: {short[part]:+.2f} instead of {motion[part]:+.2f}")

# %% [markdown]
# A blink is answered within half a second. Older frames say nothing about it, and the fewer of them there are, the less noise the regression can fit. A smile is answered later and for longer, so its correlation falls a little.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-following-style
# Show in six lines of code that the style of Eq. P1 is the same for a face that smiles all the time and for one that never does.
# ```
#
# ```{solution-start} ex-following-style
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
import torch

from elp.model.style import motion_style

pose = torch.zeros(50, 6)
faces = [torch.full((50, 100), level) for level in (0.0, 3.0)]
rest, smiling = (motion_style(beta, pose) for beta in faces)
print("the same style:", torch.equal(rest, smiling))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-following-guidance
# Guidance moves a probability away from that of a listener who hears nothing ("deaf"):
#
# $$\log p = \log p_{deaf} + g\,(\log p_{heard} - \log p_{deaf}),$$
#
# normalised, so that $g = 1$ is no guidance. A nod has the probability 0.10 when the voice is heard and 0.05 when it is not. What does $g = 2$ make of it?
# ```
#
# ```{solution-start} ex-following-guidance
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
heard, deaf, g = np.array([0.10, 0.90]), np.array([0.05, 0.95]), 2
p = deaf * (heard / deaf) ** g
print(f"{(p / p.sum())[0]:.2f}")

# %% [markdown]
# It nearly doubles, because what the voice adds is counted twice.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# What invites a listener to respond: [Ward and Tsukahara (2000)](references.bib#ward2000backchannel). Blinks at the breakpoints of speech: [Nakano and Kitazawa (2010)](references.bib#nakano2010blink). How fast a face answers a face: [Dimberg and Thunberg (1998)](references.bib#dimberg1998rapid).
