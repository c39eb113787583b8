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
# **Question.** What does the Adaptive Space Encoder learn from, what does each part of its loss do, why does a model that is right on average not move, and how does a run of ten thousand steps fit into forty seconds?

# %%
import tempfile
from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from IPython.display import display
from plotly.subplots import make_subplots

# %%
from elp.book import figures, following, results
from elp.evaluation import tables
from elp.training import recipes
from elp.simulator import simulate
from elp.simulator.dyads import sound
from elp.listener import ELPResponder, ResponseStream

# %%
from elp.media.audio import mfcc
from elp.media.prosody import prosody
from elp.motion import Clip
from elp.training import train

figures.setup()

# %% [markdown]
# ## The loss
#
# Four terms, from the paper's Eq. 3 to 7 {cite}`song2023elp`; β and p come from decoder D1, the blink φ from D2, and $e'$ from the emotion branch.
#
# $$\mathcal{L} = \underbrace{\sum_t |\beta-\beta'|^2 + |p-p'|^2}_{\text{motion}} + \lambda_1\,\underbrace{CE(\varphi)}_{\text{blink}} + \lambda_2\,\underbrace{CE(e)}_{\text{emotion}} + \lambda_3\,\underbrace{\sum_t |\varphi(t)-\varphi(t-1)|}_{\text{smooth}}$$ (eq-loss)
#
# with λ = 5, 5 and 0.01. Both cross-entropies are two-sided: being wrong about an open eye costs as much as being wrong about a shut one.

# %% tags=["remove-input"]
from elp.training.losses import total

figures.source(total)

# %% [markdown]
# ## A run in this page
#
# The smallest recipe, on three minutes of simulated conversation, on one processor core. Clips of two seconds are drawn at random, the true emotion goes to the rearrangement, codes are sampled.

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
# The run's folder holds the weights (safetensors, with configuration and statistics), the state to resume from, every step's losses, and a card: commit, command, seed, device, versions, seconds, curves. The same from a shell:
#
# ```
# elp train tiny --corpus TALK --out RUN           # Ctrl-C stops it after the step at hand
# elp train tiny --corpus TALK --out RUN --resume  # and this goes on, on CPU to the very bit
# ```
#
# A loss that is not finite stops the run and leaves the batch that caused it beside the log.
#
# ## What each term does
#
# The smallest recipe on the whole simulated ViCo for 100 steps of 4 clips, with one term switched off in each run. Each panel shows one term; grey is the run with all of them.

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
# No term is learned along with another. The smoothness term, with λ = 0.01 on probabilities that hardly move, does next to nothing.
#
# ## Learning to mean something: the learning rate
#
# At the paper's learning rate of 1e-3 our codes carry nothing: as far as we can see the encoder's LSTMs saturate early and D1 learns to ignore the codes; what is left is the mean face of each emotion. That
# the training error falls below that mean is the sign that codes are read.

# %% tags=["hide-input"]
sweep = {
    run["name"]: run["curve"] for run in results.read("training_lr")["runs"]
}
fig = go.Figure()
for name in ("1e-3 warm clip", "3e-4 warm clip", "1e-4 warm clip"):
    y = [point["motion"] for point in sweep[name]]
    fig.add_scatter(
        x=np.linspace(50, 2500, len(y)), y=y, name=name.split()[0]
    )
fig = fig.update_layout(
    xaxis_title="step", yaxis_title="motion error (training)"
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="learning-rate",
    caption=(
        "Motion error of recipe <i>vico</i> at three learning rates "
        "(warm-up of 500 steps, gradients clipped to norm 1; one H100; on "
        "the simulator's last version before it was frozen)."
    ),
    alt=(
        "Three curves; at 1e-3 the error stays near 1.5, at 3e-4 it sinks "
        "to 1.3, at 1e-4 to 0.9."
    ),
)

# %% tags=["nbval-check-output"]
ends = {
    name: round(sweep[f"{name} warm clip"][-1]["motion"], 2)
    for name in ("1e-3", "3e-4", "1e-4")
}
print("motion error after 2500 steps:", ends)
assert ends["1e-4"] < ends["3e-4"] < ends["1e-3"]

# %% [markdown]
# *vico* and *l2l* therefore use 1e-4, with warm-up, clipping and a cosine to zero; the paper's iterations and batch stay.
#
# ## What the mean cannot do
#
# The squared error asks for the *mean* of all good answers, and a listener's next two seconds are mostly unpredictable: none of our encoders brought the error on unseen people below that of the emotion's mean face. What
# a full run does is learn the answers of the training set by heart, and answer new speakers with a patchwork of them.

# %% tags=["nbval-check-output"]
full = results.read("training_vico")
print(
    f"vico, {full['recipe']['steps']} steps: motion error "
    f"{full['final']['motion']:.2f} in training, "
    f"{full['validation']['motion']:.2f} on unseen people"
)

# %% tags=["nbval-check-output"]
print(
    "liveliness (variance of β in a clip, over the truth's): "
    f"{full['validation']['variance']:.2f}"
)
print(
    "emotion recognised on unseen people: "
    f"{full['validation']['emotion_accuracy']:.0%} of clips, of three "
    "emotions"
)

# %% [markdown]
# Read it without mercy: by the loss itself the run is *worse* on unseen people than the mean face would be (runs that hardly move have about 1.55), and it is the only one of the two that moves. Stop it early and it moves no more than the mean face does. The squared error
# leaves only these two: to know the answers by heart, or to stand still.
#
# ## A score that pays for variety
#
# What we want from the model is not the best single answer but *draws* that cannot be told from people. A proper score asks for that. Take two draws $a$ and $b$ of the codes of one clip, and the true answer $y$:
#
# $$ES = \tfrac12\,|a-y| + \tfrac12\,|b-y| - \tfrac12\,|a-b|$$ (eq-energy)
#
# The first two terms pull both draws to the truth; the third pushes them apart. (More draws than two, ours are four in the end, make it less noisy: each draw is compared with the truth, and every two with one another.) In expectation this **energy score** is least where the draws have exactly the truth's distribution {cite}`gneiting2007scoring`: to huddle at the mean costs, and so does variety of the wrong kind.
# `LossWeights(score="energy")` puts it in the place of Eq. 3, for β and for p, on positions and on changes over 2 and 12 frames.

# %% tags=["remove-input"]
from elp.training.losses import energy

figures.source(energy)

# %% [markdown]
# Two more things are needed. Codes that are drawn anew in every frame can only tremble: the decoders average them away within a tenth of a second, while a smile lasts for seconds. So a third of the heads each **hold** their draw for 4, 12 and 50 frames; every frame's
# distribution stays what Eq. 2 says, and the paper does not say how neighbouring draws relate. And **noise** on the standardised style, one value a clip and a smaller one a frame, keeps the encoder from recognising clips.

# %% tags=["remove-input"]
from elp.model.space import held

figures.source(held)

# %% [markdown]
# The energy score on people not seen in training, while the training runs:

# %% tags=["hide-input"]
variants = {
    run["name"]: run for run in results.read("training_variants")["runs"]
}
fig = go.Figure()

# %% tags=["hide-input"]
for name in (
    "Eq 3",
    "Eq 3, noise, holds",
    "energy",
    "energy, holds",
    "energy, holds, noise",
    "energy, holds, noise, lr 3e-4",
):
    fig.add_scatter(
        x=variants[name]["steps"],
        y=variants[name]["validation"]["energy"],
        name=name,
        mode="lines+markers",
    )

# %% tags=["hide-input"]
fig = fig.update_layout(
    xaxis_title="step",
    yaxis_title="energy score, unseen people",
    legend={"orientation": "h", "y": -0.25},
    height=480,
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="energy",
    caption=(
        "Energy score of two draws on unseen people (lower is better), "
        "recipe <i>small</i>, one seed each, one H100. Noise here is one "
        "value a frame."
    ),
    alt=(
        "Eq 3 starts at 1.66 and rises to 1.76; with noise and holds it "
        "stays near 1.65. The energy score brings 1.43, with holds 1.38, "
        "with noise 1.33, at the higher learning rate 1.29."
    ),
)

# %% tags=["nbval-check-output"]
for name in (
    "Eq 3",
    "energy",
    "energy, holds",
    "energy, holds, noise, lr 3e-4",
):
    found = variants[name]["validation"]
    print(
        f"{name:30} energy at best {min(found['energy']):.3f}, "
        f"variance at last {found['variance'][-1]:.2f} of the true"
    )

# %%
assert (
    min(variants["energy, holds, noise"]["validation"]["energy"])
    < min(variants["energy"]["validation"]["energy"])
    < min(variants["Eq 3"]["validation"]["energy"])
)

# %% [markdown]
# Eq. 3 with the same holds and noise gains nothing: it is the score that counts, then the holds. With the score, learning by heart sets in after one or two thousand steps (the curves turn up); noise of a whole clip, added after this run, is meant against that. The result, and what the next two sections add, is the recipe `lively`, 2000 steps. Sizes of *lively* are the paper's; recipe *small* has 64 heads of 32 categories and narrower layers. The score also rewards codes that carry something from the first step on, so that a learning rate of 3e-4 does no harm here.

# %% [markdown]
# ### A decoder that heard nothing
#
# Our first D2, without the norms it has now, answered every frame with the mean blink rate. What an untrained LSTM layer passes on of what it hears, and three in a row, shows why:

# %% tags=["nbval-check-output"]
torch.manual_seed(0)
heard = torch.randn(16, 50, 128)
for layer in range(1, 4):
    heard, _ = torch.nn.LSTM(128, 128, batch_first=True)(heard)
    print(
        f"after layer {layer}: {heard.std((0, 1)).mean().item():.3f} "
        "of what went in"
    )

# %% tags=["nbval-check-output"]
blink = variants["Eq 3"]
print(
    f"blink term with norms: {blink['training']['blink'][-1]:.3f} in "
    f"training; unseen people {blink['validation']['blink'][0]:.3f} "
    f"first, {blink['validation']['blink'][-1]:.3f} last"
)

# %% [markdown]
# A layer norm after each of D2's convolutions and one before its last layer cured that. Since then D2 *can* learn when to blink: with Eq. 3 it learns the training clips' blinks by heart, and on unseen people ends worse than the bare rate.
#
# ## A listener that follows
#
# So far the listener moves like people, in the right mood, and takes no notice of the speaker: show it another one and the answer is as good. In the simulator a quarter of a smile comes back on average, and some blinks answer the speaker's at the end of a phrase. Does an hour of conversation tell enough of it? A ridge regression of the listener's smile and blinks on the speaker's last two seconds can tell, once on the style of Eq. 1, once on β and p themselves. Its correlation with what the real listeners did, unseen people, within clips:

# %%
talks = simulate(f"{folder.name}/vico", "vico", audio=False)
found = {
    "the style of Eq. 1": following.linear_baseline(
        talks, raw_motion=False
    ),
    "β and p themselves": following.linear_baseline(talks, raw_motion=True),
}
for name, r in found.items():
    print(
        f"from {name:19} smile {r['smile']:+.2f}   blinks {r['blink']:+.2f}"
    )

# %%
assert (
    abs(found["the style of Eq. 1"]["smile"])
    < 0.05
    < 0.08
    < min(found["β and p themselves"].values())
)

# %% [markdown]
# The regression in full:

# %% tags=["remove-input", "hide-output"]
figures.source(following.linear_baseline)

# %% [markdown]
# Little, since most of what a listener does is chance; but it is there, and a line finds what our networks did not. Two things stood in their way.
#
# **The input.** From the style of Eq. 1 nobody can know a smile. It hands over deviations: how much each coefficient moved within a second. A smile that lasts deviates by nothing, and its end looks like its beginning. With β and p themselves beside the style (`raw_motion=True`) the encoder sees what a listener follows.
#
# **The way to D2.** Blinks are in either input. A blink's cue must pass the encoder, the draws, and three LSTM layers that at first pass on a hundredth of it, and its error the same way back. A linear **shortcut** past D2's LSTMs (`shortcut=True`) can let blinks be learned within 2000 steps. Four draws instead of two, and less noise a frame, which at the style's own size hides a blink of three frames, are meant to help; each by itself makes no difference that three seeds would show.

# %% tags=["remove-input"]
from elp.model.decoders import BlinkDecoder

figures.source(BlinkDecoder.read)

# %% [markdown]
# Both remedies can be seen on unseen people, three seeds each. The gain is the share of the speaker's smile that comes back ([metrics](07-metrics)); the blink term is CE(φ) of two-second clips:

# %%
ablations = results.read("training_ablations")["runs"]
options = results.by_name(
    ablations,
    ("scores", "smile_gain"),
    ("validation", "blink"),
    ("scores", "nod_gain"),
)

# %%
follow = {"U": "lively", "causal": "causal", "V": "V", "Eq 1": "Eq 1 alone"}
for name in ("no shortcut", "two draws", "more noise", "no noise"):
    follow[name] = name

# %%
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

# %% [markdown]
# With Eq. 1 alone no smile comes back in any seed; with β and p it does in all three of *lively* and of V, while with two draws, and with more noise, one seed of three loses it. (V, which is not told the mood and must take everything from the speaker, returns more.) Even Eq. 3 returns 0.11 to 0.19 when it is given β and p: it is the input that counts, not the loss. Without the shortcut the blink term stays at 0.170 in all three seeds, as in a model that knows how often people blink and no more; with it two of three seeds of *lively* and all with two draws or more noise fall below; V's hardly do, nor do causal models or those of few heads. Without noise they are learned by heart: two seeds end far above, and one seed of *lively* and one of V a little.
#
# **Causal** models (`causal=True`: no future frame, so that they can stream) return more of a smile than *lively*, in every seed, two of them more than the simulator's own second answer; and two of their three seeds return nods, 0.15 and 0.16, more than any other option here (people: 0.09). A listener answers half a second late and more: for that the past is enough. Convolutions of a centred encoder see four tenths of a second on either side, causal ones eight tenths back; what is older reaches both through the LSTMs. Is there more to know in these eight tenths?

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
# For a line only just. The networks gain more than that; why, these runs do not tell, and on these speakers their WTLCC cannot be told from that of *lively*. On the test speakers of [the results](08-results) a causal model returns twice as much of a smile too, and its WTLCC is higher; blinks it answers by chance, as its blink term says. *small*, like *lively*, is centred, as we read the paper's figure; *live* is its causal sibling, and *stream* the causal recipe of the paper's sizes.
#
# ## The model that ships
#
# `listener` is causal too and begins where *live* ends. What is left to do shows in the blinks and nods above: heads that draw each frame without knowledge of the last one can neither blink once and wait nor nod twice and stop, and whatever the score is, it hears them little. So in `listener` codes say the face alone, and a second, smaller group of heads draws lids and head pose, one frame after the other:

# %% tags=["remove-input"]
from elp.model.event_heads import EventHeads

figures.source(EventHeads.step)

# %% [markdown]
# These *event heads* learn by likelihood, from the speaker's voice and blinks, from their own past and the emotion. What they drew is told to the encoder, so that brows may rise with a nod. In training some clips are deaf; *guidance* leads each draw a little further away from what a deaf listener would do. *Who* listens, where the head rests and how the face stands, is drawn once a response, or read off one frame of the listener. Any prefix of the heads of its face decodes (see below). It was trained on other conversations than the tables', the simulator's `crowd`, since it takes many people not to learn them by heart:

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
# On the test speakers of a corpus with people of its own, three answers to each. The *oracle* is another true answer, *ELP-U* is *lively* trained on this very corpus, and *first frame* means that the listener's first frame says who listens:

# %%
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
    assert codes_only[answer]["low"] < 1 < codes_only[answer]["high"]

# %% [markdown]
# Nods after low pitch, and blinks after the speaker's blinks at the ends of phrases, are given as a rate over that elsewhere: 1 is chance. `listener` answers both, as people do, with blinks even more often than these; from codes alone nearly nothing comes back. It returns less of a smile than people, and more than *ELP-U* does. One frame of the listener brings FD closer to the oracle's, for then the face and the head stand where they do. All rows and columns of this table are in [the results](08-results).
#
# ## One option changed at a time
#
# Recipe *lively* at the paper's sizes, 2000 steps, three seeds of each option, on unseen people. The energy score is that of two-second clips; the Fréchet distance is that of full-length answers, one to each validation speaker (the [results](08-results) have three to each test speaker: their figures are lower). The grey band is U itself: an interval that does not reach it is a difference, and where intervals of three seeds overlap the text says whether the seeds do.

# %%
table = results.by_name(
    ablations,
    ("validation", "energy"),
    ("scores", "all_fd"),
    ("validation", "variance"),
)

# %%
labels = {"U": "U (as it is)", "V": "V", "V+e": "V, e to the decoders"}
labels |= {"Eq 1": "Eq 1 alone", "no shortcut": "no shortcut"}
labels |= {"two draws": "two draws", "value": "value coding"}
labels |= {"causal": "causal", "clip": "σ over the clip"}
labels |= {"tau .5": "τ = 0.5", "tau 2": "τ = 2", "nested": "nested heads"}
labels |= {name: name for name in ("no holds", "no noise", "more noise")}
labels |= {f"H={h}": f"H = {h}" for h in (256, 64, 16, 4, 1)}
labels |= {"Eq 3": "Eq 3"}

# %% tags=["hide-input"]
fig = make_subplots(1, 2, subplot_titles=["energy", "FD"], **side)
dot["marker"]["size"] = 8
grey = {"fillcolor": figures.COLORS[5], "opacity": 0.2, "line_width": 0}
for k in (0, 1):
    x = [table[name][:, k].mean() for name in labels]
    half = [results.margin(table[name])[k] for name in labels]
    place, bars = {"row": 1, "col": k + 1}, {"error_x": {"array": half}}
    fig.add_scatter(x=x, y=list(labels.values()), **bars, **dot, **place)
    fig.add_vrect(x0=x[0] - half[0], x1=x[0] + half[0], **grey, **place)

# %% tags=["hide-input"]
figures.show(
    fig.update_layout(height=760, yaxis={"autorange": "reversed"}),
    name="options",
    caption=(
        "Energy score, and FD of face and head: mean of three seeds with "
        "95 % intervals; lower is better. Grey: the interval of U."
    ),
    alt=(
        "Two columns of dots with intervals. Energy: Eq 3 far above at "
        "1.63, one head 1.41, no holds 1.35, four heads 1.34, all others "
        "1.28 to 1.31. FD: Eq 3 and V above 8, all others between 6.3 and "
        "6.9."
    ),
)

# %% tags=["nbval-check-output"]
named = ["U", "V", "V+e", "Eq 1", "causal", "nested", "value"]
for name in (*named, "no holds", "Eq 3"):
    mean, half = table[name].mean(0), results.margin(table[name])
    print(
        f"{name:9} energy {mean[0]:.3f} ± {half[0]:.3f}   FD "
        f"{mean[1]:5.2f} ± {half[1]:.2f}   liveliness {mean[2]:.2f}"
    )

# %%
assert (
    table["U"][:, 1].max() < table["V"][:, 1].min()
    and table["U"][:, 0].max() < table["no holds"][:, 0].min()
)

# %% [markdown]
# Four things count. **The score**: with Eq. 3 in its place, all else as it is, the face stands still (the rows "Eq 3" of the [results](08-results) are runs of the paper's length, without noise and holds). **The emotion**: V has the higher FD in every seed, and most of that is simply *knowing the emotion*: V with $e$ handed to the decoders, the control that the paper lacks, cannot be told from U by FD (its energy score is a little lower, in every seed). **Lasting draws**: without holds the energy score is worse in every seed, and a face's variance three fifths of people's; FD is not worse. **Heads**: by the energy score one and four are far too few; 16, 64 and 256 seem a little worse than 128, by less than the seeds of one recipe may differ.
#
# What makes a listener follow is not in this picture: energy and FD are the same with Eq. 1 alone, without the shortcut, with two draws, and for a causal model. The score of a whole face hardly notices who follows whom, which is why the section above looks at single movements. The rest (τ, σ's window and nested heads among them) is, in these two numbers, within the noise of three seeds.
#
# What is each term of the loss for? Without it, one seed each:

# %%
terms = {
    "no motion": "no motion term",
    "no blink": "no blink term",
    "no emotion": "no emotion term",
    "no smooth": "no smooth term",
}
first = {
    run["name"]: run
    for run in results.read("training_ablations")["runs"]
    if run["seed"] == 0
}

# %%
shown = {
    label: [
        *(
            first[name]["validation"][k]
            for k in ("energy", "blink", "emotion_accuracy")
        ),
        first[name]["scores"]["all_fd"],
    ]
    for name, label in ({"U": "U"} | terms).items()
}

# %%
display(
    pd.DataFrame(
        shown, index=["energy", "blink term", "emotion recognised", "FD"]
    ).T.round(2)
)

# %% [markdown]
# Each term does its own work and nothing else changes clearly: without the motion term the face stands still, without the blink term D2 learns nothing about blinks, without the emotion term nothing is inferred. What the smooth term does at its small weight cannot be seen here.
#
# ## How many heads, and one model for all of them
#
# A model trained on random prefixes of its heads (`nested=True`) can be read at any H afterwards. What does that cost, against a model trained for each H?

# %% tags=["hide-input"]
sizes = [1, 4, 16, 64, 128, 256]
each = [table["U" if h == 128 else f"H={h}"][:, 1] for h in sizes]
part = ["scores" if h == 128 else f"scores with {h} heads" for h in sizes]
nested = [run for run in ablations if run["name"] == "nested"]
prefix = [
    np.array([run[scores]["all_fd"] for run in nested])
    for scores in part[:-1]
]

# %% tags=["hide-input"]
fig = go.Figure()
lines = {"a model for each H": each, "prefixes of one nested model": prefix}
for name, values in lines.items():
    x, y = sizes[: len(values)], [v.mean() for v in values]
    bars = {"array": [results.margin(v) for v in values]}
    style = {"name": name, "mode": "lines+markers"}
    fig.add_scatter(x=x, y=y, error_y=bars, **style)
fig.update_xaxes(type="log", tickvals=sizes, ticktext=list(map(str, sizes)))
fig = fig.update_layout(xaxis_title="H", yaxis_title="FD, face + head")

# %% tags=["hide-input"]
figures.show(
    fig.update_layout(legend_y=1.12),
    name="heads",
    caption=(
        "Fréchet distance of full-length answers on unseen people against "
        "the number of heads, three seeds, 95 % intervals."
    ),
    alt=(
        "Models for each H: 6.9 at one head, 6.4 to 6.6 from four on. The "
        "nested model's prefixes fall from 8.7 over 7.1 at four to 6.8 or "
        "6.9 at 16 heads and more."
    ),
)

# %% tags=["nbval-check-output"]
for h, own, part in zip(sizes, each, prefix):
    print(
        f"H = {h:3}  own model {own.mean():.2f} ± "
        f"{results.margin(own):.2f}   "
        f"prefix of the nested one {part.mean():.2f} ± "
        f"{results.margin(part):.2f}"
    )
assert prefix[0].min() > each[0].max()

# %% [markdown]
# Read with all its heads, or with 16 and more, the nested model cannot be told by FD from one made for that H, and with all it is livelier (0.98 of people's variance against 0.81); the prefix of one head pays clearly, that of four a little: they must do alone what they otherwise share. The paper's claim that more heads help *until too many* can be seen, if at all, in the energy score (above), which falls up to 128 heads and is a little higher at 256; FD of these runs falls within
# its noise. On the test speakers of `vico` ([results](08-results)) 256 heads have the lowest FD.
#
# ## Where the time goes
#
# The plain loop that everyone writes first (a `DataLoader`, float32, one operation after the other) needs tens of milliseconds a step at the paper's size, however little of it is arithmetic: well over a thousand tiny kernels wait for Python. Three changes, in the
# order in which they were made; each row is the same model and loss in the same run.

# %% tags=["hide-input"]
speed = results.read("training_speed")
fig = go.Figure()
short = [
    "plain loop",
    "data on GPU,<br>flat weights",
    "bfloat16,<br>own kernels,<br>side streams",
    "one CUDA<br>graph",
]

# %% tags=["hide-input"]
for size in ("batch 32", "batch 128"):
    ms = list(speed[size]["ms"].values())
    fig.add_bar(
        y=short,
        x=ms,
        name=size,
        orientation="h",
        text=[f"{x:.1f}" for x in ms],
        cliponaxis=False,
    )

# %% tags=["hide-input"]
fig = fig.update_layout(
    xaxis={"title": "ms a step", "range": [0, 80]},
    yaxis={"autorange": "reversed"},
    height=420,
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="ladder",
    caption=(
        "Milliseconds a training step at H = 128, V = 64, T = 50 on one "
        f"{speed['device']}; each bar keeps what the one above has."
    ),
    alt=(
        "Bars: about 39, 36, 47 and 3.9 milliseconds at batch 32; 57, 45, "
        "54 and 5.8 at batch 128. Only the CUDA graph makes the "
        "difference."
    ),
)

# %% tags=["nbval-check-output"]
full, long = results.read("training_vico"), results.read("training_l2l")
for size in ("batch 32", "batch 128"):
    print(
        size,
        "times faster than the plain loop:",
        list(speed[size]["times faster"].values())[-1],
    )
for card in (full, long):
    kilojoules, steps = card["joules"] / 1000, card["recipe"]["steps"]
    print(
        f"{card['recipe']['name']}: {card['train_seconds']:.1f} s and "
        f"{kilojoules:.1f} kJ for {steps} steps of "
        f"{card['recipe']['batch']}"
    )

# %%
assert full["train_seconds"] <= 40 and long["train_seconds"] <= 300
assert (
    min(
        speed[size]["times faster"]["whole step as one CUDA graph"]
        for size in ("batch 32", "batch 128")
    )
    > 8
)

# %% [markdown]
# Little is gained until the whole step, from drawing the clips to the optimiser, is recorded once as a **CUDA graph** and replayed; the third rung even loses before that, since launching from Python is all that counts there. Then no Python stands between the kernels, and what was done before pays:
#
# - The corpus lies on the GPU and clips are gathered by index; all weights are slices of one tensor, so that the cast to half precision, the clipping and AdamW {cite}`loshchilov2019adamw` take a kernel or a handful each.
# - Sampling and coding are one kernel forwards and one backwards instead of some forty passes over 13 million numbers (52 at batch 128); a layer norm with its shortcut and ReLU is one each way too.
# - Nothing waits for weight gradients: they are computed on side streams beside the backward pass, as are the emotion branch and D1 beside the LSTMs {cite}`hochreiter1997lstm`.
# - What waits for the longest chain of kernels goes first: the graph is recorded on a stream of high priority. Before, as a trace showed, D2's LSTMs, which need all their blocks at once, began only when D1's convolutions had left the chip.
# - D1's first convolution adds its bias and cuts at zero in the same kernel: its output is the largest tensor of the step, and crossed the memory two times more.
# - Convolutions with a stride along the heads read pairs of heads as one with twice the channels, for which cuDNN has faster kernels.
#
# Nearly half of what is left are those LSTMs, fifty frames one after the other:

# %% tags=["hide-input"]
where = speed["batch 32"]["profile"]["milliseconds"]
order = sorted(where, key=where.get)
fig = go.Figure(
    go.Bar(x=[where[name] for name in order], y=order, orientation="h")
)
fig = fig.update_layout(xaxis_title="ms of kernels in a step")

# %% tags=["hide-input"]
figures.show(
    fig,
    name="profile",
    caption=(
        "Kernels of one replayed step at batch 32 by kind, "
        f"{speed['batch 32']['profile']['kernels']} in all. They overlap: "
        "the step itself takes less than their sum."
    ),
    alt=(
        "Bars: LSTMs about three milliseconds, convolutions about one and "
        "a half, the rest about one; own kernels, optimiser and matrix "
        "products below half."
    ),
)

# %% [markdown]
# Is the fast step as good a teacher? The same recipe and seeds, in float32 throughout and one operation after the other, on unseen people:

# %% tags=["nbval-check-output"]
for column, label in ((0, "energy"), (1, "FD"), (2, "liveliness")):
    fast, slow = table["U"][:, column], table["float32"][:, column]
    print(
        f"{label:10} fast: {', '.join(f'{x:.2f}' for x in fast)}   "
        f"float32, step by step: {', '.join(f'{x:.2f}' for x in slow)}"
    )
    assert fast.min() <= slow.mean() <= fast.max()
print(
    "blink term",
    *(
        f"{label}: {', '.join(f'{row[1]:.3f}' for row in options[name])}"
        for label, name in (("fast", "U"), ("float32", "float32"))
    ),
)

# %% [markdown]
# The mean of the slow ones lies within the fast ones' seeds, for all three (not the other way round: three slow FDs lie within 0.01 of one another, by chance). Blinks are learned better by two of the fast seeds and worse by the third than by any slow one. A test compares each of our kernels with PyTorch's on the GPU.
#
# ### Two GPUs
#
# `torchrun --nproc-per-node 2 -m elp.cli train RECIPE …` shares a recipe's batch between GPUs; gradients, one flat tensor, are averaged inside the graph. What that gains depends on how much of a step is arithmetic.

# %% tags=["hide-input"]
measured = results.read("training_scaling")
scaling, device = measured["processes"], measured["device"]
names = {
    "vico, batch 32": "vico, batch shared",
    "vico, batch 64": "vico, 32 each",
    "l2l, batch 128": "l2l, batch shared",
    "l2l, batch 256": "l2l, 128 each",
}
alone = scaling["1"]  # shared or not is the same
alone["vico, batch 64"] = alone["vico, batch 32"]
alone["l2l, batch 256"] = alone["l2l, batch 128"]

# %% tags=["hide-input"]
fig = go.Figure()
style = {"orientation": "h", "cliponaxis": False}
for count, row in scaling.items():
    x = [row[name]["clips_per_second"] / 1000 for name in names]
    style["name"] = f"{count} GPU{'s' * (count != '1')}"
    style["text"] = [f"{v:.1f}" for v in x]
    fig.add_bar(y=list(names.values()), x=x, **style)
fig.update_layout(yaxis={"autorange": "reversed"}, height=380)
fig = fig.update_xaxes(title="thousand clips a second", range=[0, 46])

# %% tags=["hide-input"]
figures.show(
    fig,
    name="scaling",
    caption=(
        f"Clips a second of captured steps on one and two {device}, the "
        "recipe's batch shared between them or a whole one on each. "
        "Measured before streams had priorities."
    ),
    alt=(
        "Bars, thousands of clips a second. Shared batch: vico 8.0 and "
        "7.8, l2l 20.4 and 26.4; a batch each: vico 8.0 and 15.3, l2l "
        "20.4 and 39.5."
    ),
)

# %%
one, shared, weak = (
    scaling["1"]["l2l, batch 128"],
    scaling["2"]["l2l, batch 128"],
    scaling["2"]["l2l, batch 256"],
)

# %% tags=["nbval-check-output"]
print(
    "the same clips shared by two GPUs: "
    f"{shared['clips_per_second'] / one['clips_per_second']:.2f} "
    "times as many a second"
)
print(
    "twice the clips on two GPUs: "
    f"{weak['clips_per_second'] / one['clips_per_second']:.2f} times "
    "as many a second"
)

# %% [markdown]
# A batch of 32 is no work to share: a step of 16 clips on each takes as long as one of 32. A shared batch of 128 gains something; with a whole batch on each, two GPUs are nearly twice as fast.
#
# ## Answering while somebody speaks
#
# A causal model answers frame by frame (`ResponseStream`, see [your own video](your-own-video)), and so does `listener`. Here it hears a simulated speaker of the test split as in a call: every fifth of a second five frames of β, p and blinks arrive and the sound to them, and are answered before the next are there.

# %%
pair = next(
    p
    for p in talks.pairs("test").itertuples()
    if len(
        following.onsets(following.smile(talks.speaker(p).motion), rise=0.8)
    )
    > 1
)
heard, voice, mood = (
    talks.speaker(pair).motion,
    sound(talks, pair),
    talks.emotions[pair.emotion],
)

# %%
call = ResponseStream(
    responder, mood, generator=torch.Generator().manual_seed(7)
)
said = [
    call.push(
        voice[640 * t : 640 * (t + 5)],
        heard.beta[t : t + 5],
        heard.pose[t : t + 5],
        heard.blink[t : t + 5],
    )
    for t in range(0, len(heard), 5)
]

# %% tags=["nbval-check-output"]
n = len(heard)
print(
    f"{pair.clip}: {n} frames in {len(said)} pieces, "
    f"{sum(map(len, said))} answered before the end, "
    f"{len(call.finish())} after it"
)
answer = np.concatenate([motion.beta for motion in said])
clip = Clip(motion=heard, mfcc=mfcc(voice, n), prosody=prosody(voice, n))
lot = torch.Generator().manual_seed(7)
whole = responder.respond(clip, mood, generator=lot)
assert np.abs(answer - whole.beta[:n]).max() < 1e-4

# %% tags=["hide-input"]
fig = go.Figure()
live = np.concatenate([following.smile(motion) for motion in said])
lines = {"speaker": following.smile(heard), "live listener": live}
for n, (who, y) in enumerate(lines.items()):
    x, color = np.arange(len(y)) / 25, figures.COLORS[2 * n]
    fig.add_scatter(x=x, y=y, name=who, line_color=color)
fig = fig.update_layout(
    xaxis_title="seconds", yaxis_title="smile", height=340
)

# %% tags=["hide-input"]
figures.show(
    fig.update_layout(legend_y=1.12),
    name="live",
    caption=(
        "One call: the speaker's smile, and that of the listener who is "
        f"made while she speaks; mood {mood}, one draw. Test split."
    ),
    alt=(
        "Two lines over fourteen seconds. The speaker smiles four times; "
        "the listener's smile swings all the time about a higher level, "
        "and no eye could tell that it follows."
    ),
)

# %% [markdown]
# The answer is that of the whole, to rounding, however it is cut. A frame at 25 a second leaves 40 ms. What does it take at the paper's sizes, from 640 samples, β and p to one frame of motion? And does a long answer, which runs in pieces of ten seconds, show where they meet? Times are of untrained weights, the seams those of answers to five minutes of speech by a centred model of recipe *small*, whose pieces need frames on both sides.

# %%
stream = results.read("stream")
for row in stream["speed"]:
    who = f"{row['threads']} thread{'s' * (row['threads'] > 1)},"
    print(
        f"{who:10} emotion {row['emotion']:8}  median "
        f"{row['median_ms']:.1f} ms, 95 % within {row['p95_ms']:.1f} "
        "ms"
    )

# %%
for part, found in stream["seams"]["acceleration"].items():
    print(
        f"acceleration at seams over elsewhere, {part}: "
        f"{found['ratio']:.3f} ± {found['ci95']:.3f}"
    )
print(
    "largest difference from an answer in one piece:",
    stream["seams"]["largest_difference_from_one_piece"],
)

# %% [markdown]
# A fourteenth of the time there is, on one thread; a second one gains nothing, because a single frame is too little work to share. An answer in pieces equals one in a single piece to the last bit, since the pieces carry the state over: there are no seams, and what the ratios differ from 1 is the motion's own at those few places.
#
# ```{admonition} What is not reached, and not measured
# :class: note
# - The corpus of *l2l* is three simulated hours of conversation, two of them for training, which 50 000 steps learn by heart; the paper's has 72 hours.
# - Four GPUs and several machines were not measured.
# - `torch.compile`, cuDNN's benchmark mode, LSTM layers run one by one and a batch split over two streams (LSTMs take turns: twice the time) were tried without a gain; no figures were kept.
# - The terms switched off have one seed each in the comparison of options.
# - Beside the shortcut past D2's LSTMs, shortcuts past the encoder's, and biases of the forget gates were tried, one seed each, without a gain; no figures were kept.
# ```
#
# ```{admonition} What the paper leaves open
# :class: note
# - **Reductions.** Eq. 3 to 5 are sums. `reduction="mean"`, the default, averages over frames and each vector's coefficients; as printed (`"sum"`), 106 coefficients outweigh one blink a hundredfold.
# - **Units of Eq. 3.** β's error is that of the mesh (its coefficients weighted by their variance; in a corpus that mixes units all count alike); head pose mixes radians and centimetres and is standardised.
# - **Widths** of the layers, their normalisation, the schedule of the learning rate, and whether any gradient was clipped.
# - **How draws of neighbouring frames relate.** Eq. 2 fixes each frame's distribution only; see the holds above.
# - **Unlabelled clips** (not in the paper): $e$ is spread evenly over the emotions, and CE(e) is left out.
# ```
#
# ## Exercises
#
# ```{exercise}
# :label: ex-training-blink
# Five of a hundred frames are blinks. What is CE(φ) for a model that answers 0.05 in every frame? Which threshold would make it blink?
# ```
#
# ```{solution} ex-training-blink
# :class: dropdown
# $-0.05 \ln 0.05 - 0.95 \ln 0.95 = 0.199$ nats. No threshold above 0.05 lets it blink ever, none below lets it stop: that is why blinks are *drawn* from the probability, smoothly in time, instead of thresholded.
# ```
#
# ```{exercise}
# :label: ex-training-graph
# A CUDA graph replays the same kernels with the same arguments. How can each replay draw other clips and other noise?
# ```
#
# ```{solution} ex-training-graph
# :class: dropdown
# The random generator's state lies in device memory and is registered with the graph; every replay advances it. Nothing else changes: the learning rate, too, is a tensor that is filled before each replay.
# ```
