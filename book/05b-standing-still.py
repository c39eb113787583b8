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
# # Why a listener stands still
#
# **Question.** A model that is right on average hardly moves. Why, and what has to change so that a listener moves as people do?
#
# After this page you can explain why the squared error rewards a still face, write down a score that rewards the right amount of variety, and read a table in which one option at a time was changed. You need the loss of [Training](05a-loss.ipynb).

# %%
import tempfile
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots
from skimage import data

# %%
from elp.baselines.simple import MeanFace
from elp.book import figures, results
from elp.listener import ELPResponder
from elp.render import Portrait, render
from elp.simulator import oracle, simulate

figures.setup()

# %% [markdown]
# ## The mean of all good answers
#
# The same speaker can be answered in many ways. The squared error of Eq. P3 compares a prediction with the *one* answer that was recorded. Over many recordings the smallest error belongs to the *mean* of all possible answers. The simulator can answer again and again, so we can compute that mean: it is the best answer that any training with Eq. P3 could reach.

# %%
folder = tempfile.TemporaryDirectory()
corpus = simulate(f"{folder.name}/talk", "tiny", seed=3, version=2)
pairs = corpus.pairs("train")
positive = pairs[pairs["emotion"] == corpus.emotions.index("positive")]
pair = next(positive.itertuples())
speaker = corpus.speaker(pair)[:100]
rng = np.random.default_rng(0)
true = [oracle(corpus, pair, rng)[:100] for _ in range(40)]
mean = replace(
    true[0],
    beta=np.mean([m.beta for m in true], axis=0),
    pose=np.mean([m.pose for m in true], axis=0),
    blink=np.zeros_like(true[0].blink),
)

# %% tags=["hide-input"]
lot = torch.Generator().manual_seed(5)
listener = ELPResponder.from_checkpoint()
answers = {
    "mean face": MeanFace(corpus).respond(
        speaker, "positive", generator=lot
    ),
    "best answer by Eq. P3": mean,
    "one draw": listener.respond(speaker, "positive", generator=lot),
}

# %% tags=["hide-input"]
portrait = Portrait.load(data.astronaut())
films = [
    list(
        render(
            portrait,
            replace(m, beta=m.beta - portrait.beta),
            size=192,
        )
    )
    for m in answers.values()
]

# %% tags=["hide-input"]
figures.image(
    [np.hstack(row) for row in zip(*films, strict=True)],
    name="three",
    caption=(
        "Four seconds of listening, in a positive mood: the mean face; "
        "the mean of forty true answers, the best there is by Eq. P3; "
        "one draw of the model that ships."
    ),
    alt=(
        "Three moving portraits. The left one stands still, the middle "
        "one hardly moves and never blinks, the right one moves."
    ),
)

# %% tags=["hide-input"]
speed = {}
for name, m in answers.items():
    turn = np.degrees(np.diff(m.pose[:, :3], axis=0))
    speed[name] = float(np.linalg.norm(turn, axis=1).mean() * 25)
turn = [np.degrees(np.diff(m.pose[:, :3], axis=0)) for m in true]
typical = float(np.linalg.norm(turn, axis=2).mean() * 25)

# %% tags=["nbval-check-output"]
print(f"{'a true answer':22} turns its head by {typical:.1f} °/s")
for name, value in speed.items():
    print(f"{name:22} turns its head by {value:.1f} °/s")
assert speed["best answer by Eq. P3"] < typical / 2

# %% [markdown]
# The mean moves at less than half the speed of any answer that it was made from, and it never blinks. Nobody has ever listened like this. The closer a model gets to the smallest squared error, the closer it gets to the film in the middle.
#
# ## What the trained models do
#
# At the paper's learning rate of 1e-3 our codes carry no information. As far as we can see, the LSTMs of the encoder saturate early, and D1 learns to ignore the codes; what is left is the mean face of each emotion. Only when the training error falls below the error of that mean face are the codes being used.

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
# So *vico* and *l2l*, our recipes with the paper's sizes, use 1e-4, with warm-up, clipped gradients and a cosine schedule down to zero. The paper's number of iterations and batch size are kept.
#
# Using the codes is not enough. A listener's next two seconds are mostly unpredictable, and none of our encoders brought the error on unseen people below that of the mean face. A full run memorises the answers of the training set, and answers new speakers with a patchwork of them.

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

# %% tags=["nbval-check-output"]
still = [
    run["validation"]["motion"]
    for run in results.read("training_ablations")["runs"]
    if run["name"] == "Eq 3"
]
worse = full["validation"]["motion"] / np.mean(still)
print(
    f"motion error of runs that hardly move: {np.mean(still):.2f}; "
    f"the full run has {worse:.2f} times as much"
)

# %% [markdown]
# By the loss itself, the full run is *worse* on unseen people than a face that hardly moves, although it is the one of the two that moves. Stopped early, it moves no more than the mean face. The squared error offers only this choice: to memorise the answers or to stand still.
#
# ## A score that rewards variety
#
# What we want from the model is not the best single answer but *draws* that vary as people's answers do. A proper scoring rule rewards that. Let $a$ and $b$ be the motions decoded from two draws of one clip's codes, and $y$ the true answer:
#
# $$ES = \tfrac12\,|a-y| + \tfrac12\,|b-y| - \tfrac12\,|a-b| \tag{5.1}$$
#
# The first two terms pull both draws towards the truth; the third pushes them apart. On average this [energy score](glossary.md#energy-score) is smallest when the draws have exactly the distribution of the truth ([Gneiting and Raftery, 2007](references.bib#gneiting2007scoring)). Staying near the mean is penalised, and so is variety of the wrong kind.
#
# A listener whose answer is a single number shows this. The truth varies with a standard deviation of 1. A model draws around the right mean with some other standard deviation, and we compute both scores for it.

# %% tags=["nbval-check-output"]
rng = np.random.default_rng(1)
a, b, y = rng.normal(size=(3, 200_000))
spreads = np.linspace(0, 2, 21)
squared = [np.mean((s * a - y) ** 2) for s in spreads]
energies = [
    np.mean(abs(s * a - y) / 2 + abs(s * b - y) / 2 - s * abs(a - b) / 2)
    for s in spreads
]
print(
    f"least at a spread of: squared error {spreads[np.argmin(squared)]:.1f}"
    f", energy score {spreads[np.argmin(energies)]:.1f}"
)
assert spreads[np.argmin(squared)] == 0

# %% tags=["hide-input"]
fig = go.Figure()
for name, y in {"squared error": squared, "energy score": energies}.items():
    fig.add_scatter(x=spreads, y=np.array(y) / y[0], name=name)
fig.add_vline(x=1, line_dash="dash", line_color=figures.INK)
fig = fig.update_layout(
    xaxis_title="spread of the model's draws (the truth's is 1)",
    yaxis_title="score, relative to no spread",
)

# %% tags=["hide-input"]
figures.show(
    fig.update_yaxes(range=[0, 3]),
    name="spread",
    caption="What two scores say about a model that draws more or less.",
    alt=(
        "The squared error rises from the start; the energy score falls "
        "until the spread is that of the truth, then rises."
    ),
)

# %% [markdown]
# The squared error is smallest for a model that never varies, the energy score for one that varies as the truth does. More draws make the score less noisy; our final recipe uses four, each compared with the truth and with the three others.
#
# `LossWeights(score="energy")` replaces Eq. P3 by the energy score, for β and for $p$, of positions and of their changes over 2 and 12 frames.

# %% tags=["remove-input"]
from elp.training.losses import energy

figures.source(energy)

# %% [markdown]
# Two more things are needed.
#
# **[Holds](glossary.md#holds).** Codes that are drawn anew in every frame can only make a face tremble. The decoders average such draws away within a tenth of a second, while a smile lasts for seconds. So the heads *hold* their draws: a third of them for 4 frames, a third for 12 and a third for 50. The distribution of every single frame stays that of Eq. P2; the paper leaves open how the draws of neighbouring frames are related.
#
# **Noise.** Noise is added to the standardised style, one value for each clip and a smaller one for each frame, so that the encoder cannot recognise the clips it was trained on.

# %% tags=["remove-input"]
from elp.model.space import held

figures.source(held)

# %% [markdown]
# Here is the energy score on people who do not appear in training, over the course of training:

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
# Eq. P3 gains nothing from the same holds and noise: the score matters most, and then the holds. Even with the energy score, memorising begins after one or two thousand steps, where the curves turn up. Noise that lasts for a whole clip, which was added after this run, is meant to prevent that.
#
# The result, together with what the [next page](05c-following.ipynb) adds, is the recipe *lively*, at the paper's sizes and with 2000 steps. Recipe *small* has 64 heads of 32 categories and narrower layers. As the energy score rewards informative codes from the first step on, a learning rate of 3e-4 does no harm here.
#
# ### A decoder that ignored its input
#
# Our first D2 had no normalisation, and answered every frame with the average blink rate. The reason is how little of its input an untrained LSTM layer passes on. Here is what is left of the input's standard deviation after one, two and three layers:

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
# A layer norm after each convolution of D2, and one before its last layer, cured this. Since then D2 *can* learn when to blink. With Eq. P3 it memorises the blinks of the training clips, and ends worse on unseen people than the average rate would be.
#
# ## One option changed at a time
#
# Now recipe *lively* at the paper's sizes, with 2000 steps and three seeds for each option, on unseen people. The energy score is that of clips of two seconds. The Fréchet distance (FD) is that of full-length answers, one to each validation speaker. (The [results](08-results.ipynb) use three answers to each test speaker, which gives lower values.) The grey band is the interval of U, the recipe unchanged: an option whose interval does not reach it differs from U. Where intervals overlap, the text says whether the seeds do.

# %% tags=["hide-input"]
ablations = results.read("training_ablations")["runs"]
table = results.by_name(
    ablations,
    ("validation", "energy"),
    ("scores", "all_fd"),
    ("validation", "variance"),
)

# %% tags=["hide-input"]
labels = {"U": "U (as it is)", "V": "V", "V+e": "V, e to the decoders"}
labels |= {"Eq 1": "Eq 1 alone", "no shortcut": "no shortcut"}
labels |= {"two draws": "two draws", "value": "value coding"}
labels |= {"causal": "causal", "clip": "σ over the clip"}
labels |= {"tau .5": "τ = 0.5", "tau 2": "τ = 2", "nested": "nested heads"}
labels |= {name: name for name in ("no holds", "no noise", "more noise")}
labels |= {f"H={h}": f"H = {h}" for h in (256, 64, 16, 4, 1)}
labels |= {"Eq 3": "Eq 3"}

# %% tags=["hide-input"]
side = {"shared_yaxes": True, "horizontal_spacing": 0.04}
dot = {"mode": "markers", "showlegend": False}
dot["marker"] = {"size": 8, "color": figures.COLORS[0]}

# %% tags=["hide-input"]
fig = make_subplots(1, 2, subplot_titles=["energy", "FD"], **side)
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
# Four things matter.
#
# - **The score.** With Eq. P3 in place of the energy score and all else unchanged, the face stands still. (The rows "Eq 3" of the [results](08-results.ipynb) are runs of the paper's length, without noise and holds.)
# - **The emotion.** V, which is not told the emotion, has a higher FD than U in every seed. Most of this difference comes from simply *knowing the emotion*: V with $e$ given to the decoders, a control that the paper lacks, cannot be told from U by FD. Its energy score is even a little lower in every seed.
# - **Draws that last.** Without holds the energy score is worse in every seed, and the variance of the face is three fifths of people's. FD is not worse.
# - **Heads.** By the energy score, one and four heads are far too few. 16, 64 and 256 seem a little worse than 128, but by less than the seeds of one recipe may differ.
#
# These two numbers do not show whether a listener follows the speaker: they are the same without β and $p$ in the input, without the shortcut of the next page, with two draws, and for a causal model. A score of the whole face hardly notices who follows whom, so the [next page](05c-following.ipynb) looks at single movements. The other options (τ, the window of σ, nested heads) do not differ from U by more than the noise of three seeds.
#
# ## How many heads, and one model for all of them
#
# A model that is trained on random prefixes of its heads (`nested=True`), that is the first few of them, can be decoded with any H afterwards. What does this cost, compared with a model trained for each H?

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
for (name, values), aside in zip(lines.items(), (0.97, 1.03)):
    x = aside * np.array(sizes[: len(values)])  # intervals must not touch
    y = [v.mean() for v in values]
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
# Decoded with 16 heads or more, the nested model cannot be told by FD from one trained for that H. With all its heads it is livelier: 0.98 of people's variance against 0.81. With its first head alone it is clearly worse, with four a little: these heads must do alone what they otherwise share.
#
# The paper claims that more heads help *until there are too many*. If this can be seen at all, it is in the energy score above, which falls up to 128 heads and is a little higher at 256. The FD of these runs does not change by more than its noise.

# %% tags=["nbval-check-output"]
nested = table["nested"][:, 2].mean()
print(f"variance: nested {nested:.2f}, U {table['U'][:, 2].mean():.2f}")

# %% [markdown]
# ## Summary
#
# - The squared error is smallest for the mean of all answers. That mean moves little and never blinks, and a model trained with it either hardly moves or memorises.
# - The energy score is smallest for draws that vary as the truth does. It works best with codes that last, so the heads hold their draws for 4, 12 or 50 frames.
# - One option at a time: the score, the emotion, the holds and the number of heads matter. Most of U's lead over V comes from knowing the emotion.
#
# ```{admonition} What the paper leaves open
# :class: note
# - **How draws of neighbouring frames are related.** Eq. P2 fixes the distribution of each frame only. Holds are our answer.
# - **Whether the published model moves.** The paper reports variances near those of people for a loss that, as printed, has a still face as its best answer.
# ```
#
# ```{admonition} What was not measured
# :class: note
# The runs with one term switched off have one seed each. Shortcuts past the LSTMs of the encoder, and other biases of their forget gates, were tried with one seed each, without improvement; no figures were kept.
# ```
#
# ## Exercises
#
# ```{exercise}
# :label: ex-still-mean
# Forty answers, each with an independent part of variance $v$, are averaged. What is the variance of that part in the mean? What share of an answer's head speed would you expect in the middle film, if the answers shared nothing?
# ```
#
# ```{solution-start} ex-still-mean
# :class: dropdown
# ```
#
# The variance falls to $v/40$, so the speed falls to $1/\sqrt{40}$:

# %% tags=["nbval-check-output"]
shared = speed["best answer by Eq. P3"] / typical
print(f"{40**-0.5:.0%} expected, {shared:.0%} measured")

# %% [markdown]
# More is left than that, because some of the movement is shared: answers to the same cue come at the same time.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-still-energy
# Compute the energy score of Eq. 5.1 for a model that always gives the true mean, and for one that draws exactly as the truth does (standard normal). By how much is the second better?
# ```
#
# ```{solution-start} ex-still-energy
# :class: dropdown
# ```
#
# For the constant $a = b = 0$ the score is $E|y| = \sqrt{2/\pi}$. For two independent draws $E|a - y| = 2/\sqrt{\pi}$, and the score is half of that.

# %% tags=["nbval-check-output"]
constant, drawn = (2 / np.pi) ** 0.5, 1 / np.pi**0.5
print(f"{constant:.3f} against {drawn:.3f}: {1 - drawn / constant:.0%}")
assert abs(energies[0] - constant) < 0.01

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-still-hold
# A decoder averages over 5 frames. Codes are drawn anew in every frame, or held for 50. What share of a single draw's standard deviation is left in each case?
# ```
#
# ```{solution-start} ex-still-hold
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
rng = np.random.default_rng(0)
fresh = rng.normal(size=100_000)
held = np.repeat(rng.normal(size=2000), 50)
for name, x in {"drawn anew": fresh, "held": held}.items():
    smooth = np.convolve(x, np.ones(5) / 5, "valid")
    print(f"{name:10} {smooth.std() / x.std():.2f}")

# %% [markdown]
# Fresh draws lose more than half, held ones next to nothing.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# Proper scoring rules, the energy score among them: [Gneiting and Raftery (2007)](references.bib#gneiting2007scoring). Codes drawn from a learned dictionary are another way to keep a listener moving ([Ng et al., 2022](references.bib#ng2022learning2listen); [van den Oord et al., 2017](references.bib#vandenoord2017vqvae)).
