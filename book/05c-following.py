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
# After this page you can test with a straight line whether a corpus has anything to follow, say which input and which path through the network are needed, and describe the model that ships. You need the energy score of [the last page](05b-standing-still.ipynb) and the gain of [Metrics](07-metrics.ipynb).

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
# So far the listener moves like people, in the right mood, and takes no notice of the speaker: give it another speaker, and the answer is just as good. In the simulator a quarter of a smile comes back on average, and some blinks answer the speaker's at the end of a phrase. Does an hour of conversation say enough about it?
#
# A linear regression with a penalty (ridge) can tell. It predicts the listener's smile and blinks from the last two seconds of the speaker: once from the style of Eq. P1, once from β and $p$ themselves. The numbers are correlations with what the real listeners did, within clips, on unseen people.

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
# The correlations are small, because most of what a listener does is chance. But they are there, and a straight line finds what our networks had missed. Two things stood in their way.
#
# **The input.** Nobody can read a smile from the style of Eq. P1. Style says how much each coefficient moved within a second. A smile that lasts does not move, and its end looks like its beginning. With β and $p$ beside the style (`raw_motion=True`) the encoder sees what a listener follows.
#
# **The way to D2.** The speaker's blinks leave their trace in either input. But the cue of a blink must pass the encoder, the draws, and three LSTM layers that at first pass on a hundredth of it, and its error has to come back the same way. A linear **shortcut** past the LSTMs of D2 (`shortcut=True`) lets blinks be learned within 2000 steps.
#
# Four draws instead of two are meant to help, and so is less noise on each frame: noise of the style's own size hides a blink of three frames. Neither makes a difference that three seeds would show.

# %% tags=["remove-input"]
from elp.model.decoders import BlinkDecoder

figures.source(BlinkDecoder.read)

# %% [markdown]
# Both remedies show on unseen people, with three seeds each. The [gain](glossary.md#gain) is the share of the speaker's smile that comes back; the *blink term* is the cross-entropy of Eq. P4 on clips of two seconds.

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
        "dot a seed, unseen people. People's own gain is 0.12. Blink "
        "term: lower is better."
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
# **Smiles.** With Eq. P1 alone no smile comes back in any seed. With β and $p$ it does in all three seeds of *lively* and of V; with two draws, and with more noise, one seed of three loses it. V is not told the mood, must take everything from the speaker, and returns more. Even Eq. P3 returns some when it is given β and $p$ (the line "gain with Eq. P3"): the input counts, not the loss.
#
# **Blinks.** Without the shortcut the blink term stays at 0.170 in all three seeds, as in a model that knows only how often people blink. With it, two of three seeds of *lively* fall below, and so do all seeds with two draws or more noise. V's hardly do, nor do those of causal models or of models with few heads. Without noise the blinks are learned by heart: two seeds end far above.
#
# **Causal models** (`causal=True`: no future frame, so that they can run live) return more of a smile than *lively* in every seed, and two of them more than the simulator's own second answer. Two of three seeds also return nods, 0.15 and 0.16, more than any other option here (people: 0.09).
#
# Why should a model that sees less do better? A listener answers half a second late or more, and for that the past is enough. The convolutions of a centred encoder see four tenths of a second on either side, causal ones eight tenths back; whatever is older reaches both through the LSTMs. Is there more to know in those eight tenths?

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
# For a straight line there is, but only just. The networks gain more than that, and these runs do not tell why; on these speakers their time-lagged correlation cannot be told from that of *lively*. On the test speakers of [the results](08-results.ipynb) a causal model returns twice as much of a smile too, and there its correlation is higher. Its blinks answer by chance, as its blink term says.
#
# *small*, like *lively*, is centred, as we read the paper's figure. *live* is its causal sibling, and *stream* is the causal recipe at the paper's sizes.
#
# ## The model that ships
#
# `listener` is causal too, and starts where *live* ends. The blinks and nods above show what is left to do. Heads that draw each frame without knowing the last one can neither blink once and wait, nor nod twice and stop, and no score makes them listen much.
#
# So in `listener` the codes say the face alone. A second, smaller group of heads draws eyelids and head pose, one frame after the other:

# %% tags=["remove-input"]
from elp.model.event_heads import EventHeads

figures.source(EventHeads.step)

# %% [markdown]
# These *event heads* learn by likelihood: from the speaker's voice and blinks, from their own past, and from the emotion. What they drew is told to the encoder, so that brows may rise with a nod. In training some clips have their sound taken away; *guidance* then leads each draw a little further from what a deaf listener would do.
#
# How far is chosen on validation speakers, whom the tables of the [results](08-results.ipynb) never meet. Nods are counted after low pitch and after the ends of phrases, as a rate over that elsewhere:

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
# The more guidance, the more nods fall where the voice invites them, at next to no cost in FD. Blinks are not guided: the speaker's own blinks say enough.
#
# These are a few minutes of conversation, so the intervals are wide; but the answers share their draws, and so the order of the strengths is no accident. We ship the weakest one with about two nods after a low pitch for each one elsewhere: guidance moves a listener from what people do towards what is asked for, and beyond them in the end.
#
# *Who* listens (where the head rests, how the face looks at rest) is drawn once for each response, or read off one frame of the listener. Any prefix of the heads of its face can be decoded. It was trained on other conversations than those of the tables, the simulator's corpus `crowd`, because it takes many people not to learn them by heart:

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
# On the test speakers of a corpus with people of its own, three answers to each. The *oracle* is another true answer of the same person. *ELP-U* is *lively*, trained on this very corpus. *First frame* means that the first frame of the true listener says who listens.

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
# Nods after low pitch, and blinks after the speaker's blinks at the ends of phrases, are given as a rate over that elsewhere: 1 is chance. `listener` answers both, as people do, and with blinks even more often than these people. From codes alone nearly nothing comes back. It returns less of a smile than people do, and more than *ELP-U*. One frame of the listener brings FD closer to the oracle's, because then face and head rest where they should. The [results](08-results.ipynb) have all rows and columns.
#
# ## Summary
#
# - A straight line on the speaker's β and $p$ finds smiles and blinks that are answered; on the style of Eq. P1 it finds no smiles.
# - To follow, a model needs β and $p$ in its input, and a path to D2 that an error can travel. A causal model loses nothing.
# - Codes alone do not time blinks and nods. Event heads that draw one frame after the other do; they are part of the model that ships, and not of the paper.
#
# ```{admonition} What the paper leaves open
# :class: note
# Whether the encoder sees the future: the figure shows no direction. The paper's style holds no position of the face at all, yet its text claims that ELP is closest to people in synchrony; with Eq. P1 alone we find no smile that comes back.
# ```
#
# ## Exercises
#
# ```{exercise}
# :label: ex-following-linear
# Let the regression see only the frames of the last half second (`lags=range(0, 13, 4)`). Which of the two correlations falls, which one rises, and why?
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
# A blink is answered within half a second: older frames hold nothing about it, and with fewer of them the regression finds less chance to fit. A smile is answered later and for longer, so it loses a little.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-following-style
# Show with six lines that the style of Eq. P1 is the same for a face that smiles all the time and for one that never does.
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
# Guidance leads a probability away from that of a deaf listener:
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
# It nearly doubles: what the voice adds is counted twice.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# What invites a listener to respond: [Ward and Tsukahara (2000)](references.bib#ward2000backchannel). Blinks at the breakpoints of speech: [Nakano and Kitazawa (2010)](references.bib#nakano2010blink). How fast a face answers a face: [Dimberg and Thunberg (1998)](references.bib#dimberg1998rapid).
