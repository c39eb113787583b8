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
# # The emotion space
#
# **Question.** Embed the codes of many clips in the plane and colour each point by the listener's emotion. In the paper's Figure 7 the emotions are mixed in the Base Space V and form separate groups in U ([Song et al., 2023](references.bib#song2023elp)). What does this picture show, and what can it not show?
#
# After this chapter you will be able to
#
# - read such a map, and name the control without which it says nothing;
# - measure how much codes tell about an emotion, with a probe, with mutual information, and with an interval for each;
# - say what single heads of the model do, how many it needs, and how varied its answers are.
#
# Half of the answer lies in the definition of U. With $k \in \{1 \dots V\}$ the category that head $h$ takes at frame $t$ and $n$ the emotion,
#
# $$\mathcal{U}_{t,h} \;=\; n V + k_{t,h}, \qquad n \in \{0 \dots N-1\}. \tag{9.1}$$
#
# The label $n$ is *written into* every codeword. Two clips of different emotions share no codeword at all, so any method that looks at codewords must separate them. This is true for a trained model, for an untrained one, and even for labels assigned at random. We draw the map with its controls, and then look at what Eq. 9.1 does not decide: the motion that comes out.

# %%
import tempfile
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import torch

from elp.book import analysis, atlas, figures, heads, mesh, plots
from elp.book import probes, results, widgets
from elp.face import FaceModel
from elp.listener.responder import ELPResponder
from elp.simulator import simulate

figures.setup()

# %% [markdown]
# ## The codes of many clips
#
# The model is the one that ships. The conversations are simulated anew, with seeds that were not used in training, and so with other people. Each is cut into clips of two seconds that start one second apart. For each clip the model samples Base Space codes as in generation, with the emotion inferred from the speaker. These codes describe the face only; event heads draw head pose and lids ([A listener that follows](05c-following.ipynb)).

# %%
folder = tempfile.TemporaryDirectory()
corpora = [
    simulate(f"{folder.name}/{seed}", "tiny", seed=seed, version=2)
    for seed in (101, 102)
]
responder = ELPResponder.from_checkpoint()
codes = analysis.encode(responder, corpora, stride=25)

# %% tags=["nbval-check-output"]
clips, frames, count = codes.base.shape
names, size = codes.emotions, codes.categories
print(f"{clips} clips of {frames} frames, {count} heads of {size}")
for n, name in enumerate(names):
    print(f"{name:8} {(codes.emotion == n).sum():3} clips")
print(f"{len(set(codes.listener))} listeners")

# %% [markdown]
# A clip is described by *how often each head takes each value*. Order in time is ignored, because two clips in which the same happens at different moments should be neighbours.

# %% tags=["remove-input"]
from elp.book.analysis import histogram

figures.source(histogram)

# %% [markdown]
# There are two controls. **Random block** is U formed with labels that were shuffled over the clips, so that they have nothing to do with speaker, listener or motion. **V + e** is V with the label appended, as a one-hot vector times ten so that it has some weight beside the histogram. This is the simplest way to tell a decoder the emotion.

# %%
label, wide = codes.emotion, len(names) * size
lot = np.random.default_rng(0).permutation(label)
V = analysis.histogram(codes.base, size)
one_hot = 10 * np.eye(len(names), dtype=np.float32)[label]
features = {
    "V": V,
    "V + e": np.concatenate([V, one_hot], 1),
    "U": analysis.histogram(codes.u() - 1, wide),
    "random block": analysis.histogram(codes.u(lot) - 1, wide),
    "speaker's style": codes.style,
    "real motion": analysis.summary(codes.real),
}

# %%
face, parts = FaceModel.default(), heads.regions(FaceModel.default())
mean, std = (
    x.numpy() for x in (responder.model.beta_mean, responder.model.beta_std)
)
own = analysis.decode(responder, codes, label)
features["decoded motion"] = analysis.summary(own)

# %% [markdown]
# ## The map
#
# t-SNE, stochastic neighbour embedding ([van der Maaten and Hinton, 2008](references.bib#vandermaaten2008tsne)), keeps neighbours together; sizes of clusters and distances between them mean nothing
# ([Wattenberg et al., 2016](references.bib#wattenberg2016tsne)). Change the layout and the colour, and point at a clip to see the face that the model decodes for it, moving.
#
# Embedding so many clips five times takes minutes, so the map was made beforehand (`experiments/emotion_map.py`) and is read from a result file. It begins with the clips from above and goes on with clips of 36 more listeners. All numbers of this page are computed here, on the clips from above.

# %%
made = results.read("emotion_map")
seen = atlas.read(made)
alone = results.read("emotion_space")  # of models trained elsewhere
assert alone["people"] == made["people"][:2] == [101, 102]
assert seen.labels["emotion"][:clips] == [names[n] for n in label]
layouts = dict(seen.layouts)
layouts["V, trained without e"] = np.array(alone["models"]["V"]["layout"])

# %% tags=["hide-input"]
caption = (
    f"t-SNE of {made['clips']} clips, as many as in the paper's Figure 7 "
    f"(of ViCo there), in six descriptions; the sixth of the first {clips}."
    " All of these people are new to the model; “split” is where their "
    "own corpus has them."
)
alt = (
    "Map of clips. In V the three emotions are mixed; in a model trained "
    "without emotion positive and negative lie more on opposite sides. In "
    "U they form separate groups; in the random block the random labels "
    "form equally separate groups. In decoded motion the emotions lie "
    "apart. By the speaker's style, clips of one recording lie together."
)

# %% tags=["hide-input"]
widgets.clip_map(
    layouts, seen.labels, seen.shown, face, caption=caption, alt=alt
)

# %% [markdown]
# Three things can be seen:
#
# - *U* coloured by emotion and *random block* coloured by the random label are equally tidy: what separates the groups is the label that Eq. 9.1 wrote into them.
# - *V* shows no emotion: the decoders are told the emotion, so the codes need not contain it.
# - *V* and *speaker's style* fall into short strings, each made of the clips of one recording. Clips close in time look alike, so every interval below is over people, not clips.
#
# The paper's panel (a) shows a model *trained* without emotion, while V is the Base Space of one trained with it; neither encoder is told the emotion. *V, trained without e* is such a model: recipe *live* in the space V, trained on other simulated people and shown the same clips (`experiments/emotion_space.py`, two minutes on a GPU for its three models). In its map the emotions overlap as well, but positive clips lie more on one side and negative ones on the other; the numbers below agree. (Its weights are not included, so its layout holds the clips that it was shown and no more.)
#
# ## Numbers instead of a picture
#
# A **linear probe** is a logistic regression that has to name the emotion in clips of people whom it has not seen. Its accuracy is balanced over the three emotions, so that guessing gives one third; intervals come from a bootstrap over listeners. A probe needs a control task, whose labels mean nothing ([Hewitt and Liang, 2019](references.bib#hewitt2019control)). Here this is the random block.

# %% tags=["remove-input"]
from elp.book.probes import linear_probe

figures.source(linear_probe)

# %%
asked = dict.fromkeys(features, label) | {"random block": lot}
said = {
    name: probes.linear_probe(x, asked[name], codes.listener)
    for name, x in features.items()
}
found = {
    name: probes.balanced(asked[name], said[name], codes.listener)
    for name in features
}

# %% tags=["hide-input"]
hues = dict.fromkeys(found, 0) | {"random block": 1, "V + e": 1}
fig = plots.dots({"accuracy": found}, hues, height=300)
fig = fig.add_vline(x=1 / 3, line_dash="dash", line_color=figures.INK)

# %% tags=["hide-input"]
figures.show(
    fig.update_xaxes(range=[0, 1.05]),
    name="probe",
    caption=(
        "How well a linear probe says the emotion of unseen people, with "
        "95 % intervals over listeners. Dashed: chance. Orange: controls "
        "with nothing learned in them."
    ),
    alt=(
        "V lies at chance; V + e, U and the random block are perfect; the "
        "speaker's style lies near 0.6, real motion near 0.9, decoded "
        "motion near 1."
    ),
)

# %% tags=["nbval-check-output"]
for name, x in found.items():
    print(f"{name:16} {x['value']:.1f} [{x['low']:.1f}, {x['high']:.1f}]")
assert found["V"]["low"] < 1 / 3 < found["V"]["high"]
for name in ("V + e", "U", "random block"):
    assert found[name]["value"] == 1

# %% [markdown]
# V is at chance. What about a model that was trained without emotion? We trained one recipe three times: with decoders that are not told the emotion (V), with decoders that are told it beside the codes (V + e), and in U. The probe then reads the Base Space of each.

# %% tags=["nbval-check-output"]
for name, x in alone["models"].items():
    low, high = x["probe"]["low"], x["probe"]["high"]
    print(
        f"trained as {name:5} {x['probe']['value']:.2f} "
        f"[{low:.2f}, {high:.2f}], {x['bits']:.3f} bits a head, "
        f"{x['bits_permuted']:.3f} with labels permuted"
    )
assert alone["models"]["V"]["probe"]["low"] > 1 / 3
for name in ("V + e", "U"):
    x = alone["models"][name]["probe"]
    assert x["low"] < 1 / 3 < x["high"]

# %% [markdown]
# The model that is never told the emotion keeps some of it in its codes, about as much as can be inferred from the speaker: it has no other way to decode a mood. When the decoders are told the emotion, the codes no longer contain it. This is the real difference between panels (a) and (b): emotions lie apart in U by arithmetic, and what training changes is that the Base Space no longer has to carry them. (Each model was trained once; the interval is over listeners.)
#
# The speaker's style says something about the listener's emotion, and the encoder reads this style, but its draws keep nothing of it that a linear probe can find. In V + e, U and the random block the probe is perfect because the label was written into them. (*Decoded motion* is decoded from U with the true label, so its accuracy only says that the decoder uses the label.)
#
# A linear probe could miss what is not linear. The **mutual information** between one head's category and the emotion misses nothing that this head alone tells. An estimate from counts is never 0, so as a control the labels are permuted over whole recordings:

# %%
seen = probes.counted(codes.base, codes.recording, size)
of_recording = probes.labels_of(codes.recording, label)
bits = probes.information(seen, of_recording)
chance = probes.shuffled(seen, of_recording)
low, high = np.percentile(chance.mean(1), (2.5, 97.5))
words = probes.counted(codes.u() - 1, codes.recording, wide)
in_u = probes.information(words, of_recording)

# %% tags=["nbval-check-output"]
print(f"V, mean over heads   {bits.mean():.2f} bits")
print(f"labels permuted      {low:.2f} to {high:.2f} bits")
above = int((bits > np.percentile(chance, 97.5, 0)).sum())
print(f"heads above their own 97.5 %: {above} of {count}")
print(f"U, every head        {in_u.min():.1f} to {in_u.max():.1f} bits")
print(f"entropy of the label {np.log2(len(names)):.1f} bits at most")
assert low < bits.mean() < high
assert np.ptp(in_u) < 1e-9

# %% [markdown]
# On average the heads of V say as much about the emotion as permuted labels do. (One or two of 64 heads should exceed their own 97.5 % by chance alone, and heads are not independent; the few that do are no discovery.) In U, by Eq. 9.1, every single head tells the emotion completely. **The separation in U is arithmetic, not learning.**
#
# ## What is learned: the motion
#
# What matters is whether the decoders do the *right* thing with the label: a listener decoded as positive should move as positive listeners do. So we decode codes under random labels, and let the nearest *real* clips vote on the emotion of the result. (Real means here the listeners that the simulator itself gives.) Four ways of decoding show which part is needed:
#
# - **trained**: the model's decoder and its codes;
# - **another clip's codes**: the same decoder, with the codes of some other clip;
# - **random codewords**: the same decoder, with categories drawn uniformly (the paper's baseline DLS-Random);
# - **untrained**: an untrained decoder with the model's codes.

# %% tags=["remove-input"]
from elp.book.probes import recognised

figures.source(recognised)

# %%
some, asked = codes.part(slice(None, None, 2)), lot[::2]
from elp.model import ASE

rng = np.random.default_rng(0)
order = rng.permutation(len(some.base))
anyhow = rng.integers(0, size, some.base.shape)
torch.manual_seed(1)
fresh = ELPResponder(ASE(responder.model.config))

# %%
tried = {
    "trained": (responder, some),
    "another clip's codes": (
        responder,
        replace(some, base=some.base[order]),
    ),
    "random codewords": (responder, replace(some, base=anyhow)),
    "untrained": (fresh, some),
}

# %%
real, width = features["real motion"], codes.real.shape[-1]
told, votes, lively = {}, {}, {}
for name, (model, which) in tried.items():
    x = analysis.summary(analysis.decode(model, which, asked))
    apart = probes.linear_probe(x, asked, some.listener)
    seen = probes.recognised(real[:, :width], label, x[:, :width])
    told[name] = probes.balanced(asked, apart, some.listener)
    votes[name] = probes.balanced(asked, seen, some.listener)
    share = x[:, width:].mean(1) / real[:, width:].mean()
    lively[name] = probes.over_people(share, some.listener)

# %% tags=["hide-input"]
shown = {
    "told apart": told,
    "recognised by real ones": votes,
    "deviation over real": lively,
}
fig = plots.dots(shown, dict.fromkeys(tried, 0), height=270)
for column in (1, 2):
    at = {"row": 1, "col": column, "line_color": figures.INK}
    fig.add_vline(x=1 / 3, line_dash="dash", **at)

# %% tags=["hide-input"]
figures.show(
    fig.update_xaxes(range=[0, 1.05]),
    name="motion",
    caption=(
        "Decoded under random labels: does a probe tell them apart, do "
        "the nearest real listeners see the label asked for, how much "
        "does the face move? 95 % intervals over listeners; dashed: chance."
    ),
    alt=(
        "All four are told apart. Only trained decoders with codes of the "
        "model, of this clip or of another, are recognised; random "
        "codewords and the untrained decoder are at chance."
    ),
)

# %% tags=["nbval-check-output"]
for name in tried:
    print(
        f"{name:21} told apart {told[name]['value']:.1f}, recognised "
        f"{votes[name]['value']:.1f} "
        f"[{votes[name]['low']:.1f}, {votes[name]['high']:.1f}], "
        f"deviation {lively[name]['value']:.1f}"
    )
assert min(x["value"] for x in told.values()) > 0.95
assert votes["trained"]["low"] > 0.7
assert votes["random codewords"]["high"] < 0.6

# %% [markdown]
# The labels can be told apart in all four cases, even with an untrained decoder, which maps different codewords to different random vectors. So being told apart proves nothing. The finding is that the emotion is *recognised*: the trained decoder shows what was asked for, although the labels were random. Figure 7 cannot show this.
#
# There are two more findings. With the codes of another clip the emotion is recognised nearly as well, so it comes from the label and not from the codes. With random codewords it is not: in training the decoders only met combinations that the encoder draws, and a uniform draw is not one of them. Averaged over all coefficients, all of these faces move less than real ones do.
#
# ## Which emotions are confused?
#
# The paper's Figure 8 shows that some emotions are rarer than others, and that two clips with different labels can look alike. We ask the same about our simulated listeners: how often does each emotion occur, and which ones does the probe on *real* motion confuse?

# %%
from elp.simulator.cast import cast

moods = [m.emotion for m in cast("vico", 2026, None, 2)]
shares = {name: moods.count(name) / len(moods) for name in names}
taken = np.zeros((len(names), len(names)))
np.add.at(taken, (label, said["real motion"]), 1)
taken = taken / taken.sum(1, keepdims=True)

# %% tags=["hide-input"]
fig = go.Figure(
    go.Heatmap(
        z=np.round(100 * taken),
        x=[f"taken for<br>{name}" for name in names],
        y=[f"{name}, {shares[name]:.0%}" for name in names],
        texttemplate="%{z} %",
        showscale=False,
        hoverinfo="skip",
    )
)

# %% tags=["hide-input"]
figures.show(
    fig.update_layout(height=260, yaxis_autorange="reversed"),
    name="confusion",
    caption=(
        "What a linear probe on real motion takes each emotion for; rows "
        "sum to 100 %. Beside the names: the share of each emotion in the "
        "preset vico, drawn as uneven as the paper's corpora."
    ),
    alt=(
        "Table of three rows: nine in ten clips are taken for what they "
        "are; the errors lie between neutral and its two neighbours."
    ),
)

# %% [markdown]
# Negative and positive are hardly ever confused; neutral is sometimes taken for either of its neighbours, and they for it. The paper shows a negative and a neutral clip that the eye cannot tell apart. Our simulator has such clips, too. Of all pairs of a negative and a neutral clip of different listeners, these have the most similar mean faces:

# %%
still = codes.real.mean(1)
a, b = (np.flatnonzero(label == n) for n in (0, 1))
away = np.linalg.norm(still[a][:, None] - still[b][None], axis=-1)
away[codes.listener[a][:, None] == codes.listener[b][None]] = np.inf
k, m = np.unravel_index(away.argmin(), away.shape)
pair = (a[k], b[m])
faces = [
    mesh.shaded(face.shape(beta=still[n] * std + mean), face.triangles)
    for n in pair
]

# %% tags=["hide-input"]
figures.image(
    np.concatenate(faces, 1),
    name="alike",
    caption=(
        "Mean faces of two real clips of different listeners: the left "
        "one is labelled negative, the right one neutral."
    ),
    alt="Two nearly equal calm faces, one labelled negative, one neutral.",
)

# %% tags=["nbval-check-output"]
typical = float(np.median(away[np.isfinite(away)]))
print(
    "their distance over that of a typical pair: "
    f"{away.min() / typical:.1f}"
)
for n, name in enumerate(names):
    print(
        f"{name:8} {shares[name]:.0%} of clips, recognised "
        f"{taken[n, n]:.1f}"
    )
assert taken[0, 2] + taken[2, 0] < taken[0, 1] + taken[1, 0]

# %% [markdown]
# ## What single heads do
#
# **How many of its V categories does a head use?** This is measured by the entropy of its draws over all clips, in bits; five bits would mean that it uses all 32 equally often.

# %%
pace = [f"{hold} frames" for hold in responder.model.config.holds]
turns = np.arange(count) % len(pace)
used = heads.entropy(
    probes.counted(codes.base, codes.recording, size).sum(0)
)

# %%
moves = heads.sensitivity(
    responder.model, codes.part(slice(None, None, 32)), face, parts
)

# %% tags=["hide-input"]
fig = go.Figure()
for n, name in enumerate(pace):
    chosen = np.flatnonzero(turns == n)
    x, y = chosen + 1, used[chosen].astype(np.float32)
    color = figures.COLORS[n]
    fig.add_bar(x=x, y=y, name=f"held {name}", marker_color=color, width=1)
fig = fig.update_layout(height=260, barmode="overlay", bargap=0.15)

# %% tags=["hide-input"]
figures.show(
    fig.update_layout(xaxis_title="head", yaxis_title="bits"),
    name="entropy",
    caption=(
        "Entropy of each head's category over all clips, at most 5 bits. "
        "The colour says how long a draw of this head was held in "
        "training."
    ),
    alt=(
        "Bars of 64 heads, most between two and four bits, one or a few "
        "near zero."
    ),
)

# %% [markdown]
# Most heads use many categories; one uses next to none.
#
# **Which part of the face does a head move?** We give one head the categories that it took in another clip, leave all the others as they are, and measure how far five parts of the decoded face move.

# %% tags=["hide-input"]
fig = go.Figure(
    go.Heatmap(
        z=np.log10(moves.T + 1e-3).astype(np.float32),
        x=np.arange(count) + 1,
        y=list(parts),
        hoverinfo="skip",
        colorbar={
            "title": "mm",
            "tickvals": [-2, -1, 0],
            "ticktext": ["0.01", "0.1", "1"],
        },
    )
)

# %% tags=["hide-input"]
figures.show(
    fig.update_layout(height=240, xaxis_title="head"),
    name="regions",
    caption=(
        "How far each part of the face moves when one head takes other "
        "categories: root mean square over its points, mean over frames, "
        "in millimetres on a logarithmic scale."
    ),
    alt=(
        "Heat map of five parts by 64 heads. A few early heads move "
        "every part of the face by several tenths of a millimetre; most "
        "later heads move it by a few hundredths."
    ),
)

# %% tags=["nbval-check-output"]
print(
    f"entropy: {used.min():.1f} to {used.max():.1f} bits, "
    f"{used.mean():.1f} on average"
)
print(f"heads that use less than one bit: {(used < 1).sum()}")
for n, name in enumerate(pace):
    print(f"held {name:9}: {moves[turns == n].mean():.2f} mm on average")
print(
    f"heads 1 to 16: {moves[:16].mean():.2f} mm, "
    f"others {moves[16:].mean():.2f}"
)

# %% tags=["nbval-check-output"]
for n, name in enumerate(parts):
    first = ", ".join(str(k + 1) for k in np.argsort(-moves[:, n])[:3])
    print(
        f"{name:6} {moves[:, n].mean():.2f} mm on average; "
        f"most: heads {first}"
    )

# %% tags=["nbval-check-output"]
relative = moves / moves.mean(0)
alone = (relative.max(1) > 2 * relative.mean(1)).sum()
print(f"heads that move one part over twice as much as the rest: {alone}")

# %%
assert moves[turns == 2].mean() > moves[turns == 0].mean()
assert moves[:16].mean() > 1.5 * moves[16:].mean()
assert used.max() < np.log2(size)

# %% [markdown]
# Heads do not act like muscles. Nearly every head moves the whole face (mouth and chin most, because they move most anyway), and the same few heads have the largest effect on several parts. Heads differ in how *much* they move the face. Those that held their draws longest in training move it most, and so do the first heads, which nested training taught to work on their own.
#
# ## How many heads are needed?
#
# Because its heads are nested, the shipped model can be decoded from its first H heads only. We decode the same codes with their true labels and measure how many labels are recognised, how much the face moves compared with the real listener's, and the Fréchet distance to that listener's own answer (FD, smaller is closer; [Metrics](07-metrics.ipynb)).

# %%
from elp.metrics import frechet

few = codes.part(slice(None, None, 4))
there = few.real * std
motion = np.var(there, 1).sum(-1).mean()
sweep = {"recognised": {}, "variance over real": {}, "FD": {}}

# %%
for h in (1, 2, 4, 8, 16, 32, 64):
    read = ELPResponder(responder.model, heads=h)
    made = analysis.decode(read, few, few.emotion)
    seen = probes.recognised(real[:, :width], label, made.mean(1))
    here, who, row = made * std, few.listener, f"H = {h}"
    distance = [frechet([x], [y]) for x, y in zip(there, here, strict=True)]
    moving = np.var(here, 1).sum(-1) / motion
    sweep["recognised"][row] = probes.balanced(few.emotion, seen, who)
    sweep["variance over real"][row] = probes.over_people(moving, who)
    sweep["FD"][row] = probes.over_people(np.array(distance), who)

# %% tags=["hide-input"]
rows = dict.fromkeys(sweep["FD"], 0)
fig = plots.dots(sweep, rows, height=320)
at = {"row": 1, "col": 2, "line_dash": "dash"}
fig = fig.add_vline(x=1, line_color=figures.INK, **at)

# %% tags=["hide-input"]
figures.show(
    fig.update_xaxes(rangemode="tozero"),
    name="sweep",
    caption=(
        "The shipped model read with its first H heads, with 95 % "
        "intervals over listeners. Dashed: the real listeners' variance."
    ),
    alt=(
        "One head is recognised worst; from two on nearly all labels are. "
        "The variance grows from about half to a little more than that of "
        "real faces at 64 heads; FD grows with it."
    ),
)

# %% tags=["nbval-check-output"]
for row in rows:
    a, b, c = (sweep[key][row]["value"] for key in sweep)
    print(f"{row:7} recognised {a:.1f}, variance {b:.1f}, FD {c:.0f}")
last, first = (sweep["variance over real"][f"H = {h}"] for h in (64, 4))
assert last["low"] > first["value"]

# %% [markdown]
# To show the emotion, two heads are enough. Liveliness takes dozens: up to eight heads reach half to four fifths of the real variance, 32 nearly all of it, and all 64 a little more than all. (This variance is dominated by large movements. The deviations above are means over all coefficients, most of which are small, and the model moves these less than people do.)
#
# FD to one person's own answer *rises* with H: the more an answer moves, the further it is, on average, from any particular answer, however good it may be. ([Results](08-results.ipynb) has the FD of whole answers by models trained for each H.) So a higher FD with more heads is the price of liveliness here, and H should not be chosen by this number.
#
# ## How varied are twenty answers?
#
# The model gives twenty answers to the same three seconds of one speaker, all of them positive. We compare them with twenty answers of the simulator's **oracle**: one listener in the same mood, with new random draws. This is the variety that the model should match.

# %%
from elp.simulator import oracle

heard = corpora[0]
positive = next(p for p in heard.pairs().itertuples() if p.emotion == 2)
speaker = heard.speaker(positive)[:75]
generator = torch.Generator().manual_seed(0)
answers = responder.trace_all(
    [speaker] * 20, ["positive"] * 20, generator=generator
)
truth = [oracle(heard, positive, generator)[:75] for _ in range(20)]
betas = {
    "model": np.stack([motion.beta for motion, _ in answers]),
    "oracle": np.stack([motion.beta for motion in truth]),
}

# %%
wide_of = {
    name: heads.spread(beta, face, parts) for name, beta in betas.items()
}
various = {
    part: {
        name: probes.over_people(x[:, n], np.arange(len(x)))
        for name, x in wide_of.items()
    }
    for n, part in enumerate(parts)
}
points = {
    name: heads.spread_of_points(beta, face) for name, beta in betas.items()
}

# %% tags=["hide-input"]
most = max(x.max() for x in points.values())
pictures = [
    mesh.shaded(face.mean, face.triangles, values=x / most)
    for x in points.values()
]

# %% tags=["hide-input"]
figures.image(
    np.concatenate(pictures, 1),
    name="spread",
    caption=(
        "Where twenty answers to one speaker differ: the model's (left) "
        "and the oracle's (right), from dark (not at all) to bright."
    ),
    alt=(
        "Two heads coloured by spread; both are brightest around the "
        "mouth and the chin."
    ),
)

# %% tags=["hide-input"]
fig = go.Figure()
for color, name in enumerate(betas):
    values = [various[part][name] for part in parts]
    fig.add_scatter(
        x=[x["value"] for x in values],
        y=list(parts),
        error_x=plots.interval(values),
        mode="markers",
        marker={"color": figures.COLORS[2 * color], "size": 9},
        name=name,
    )
fig = fig.update_xaxes(rangemode="tozero", title="mm")
fig = fig.update_layout(height=280)

# %% tags=["hide-input"]
figures.show(
    fig.update_yaxes(autorange="reversed"),
    name="diversity",
    caption=(
        "Distance of an answer from the mean of twenty, in millimetres, "
        "by part of the face, with 95 % intervals over answers."
    ),
    alt=(
        "Two dots for each part of the face, the model's and the "
        "oracle's, with intervals that overlap or nearly do."
    ),
)

# %% tags=["nbval-check-output"]
for part, x in various.items():
    a, b = (x[name]["value"] for name in ("model", "oracle"))
    print(
        f"{part:6} model {a:.1f} mm, oracle {b:.1f} mm, ratio {a / b:.1f}"
    )

# %% [markdown]
# The model's answers differ as much as true ones do, to within about a tenth, and in the same places: most around mouth and chin, because these move most. This concerns the face alone, and one speaker and listener. Whether each answer is a good one is another question ([Results](08-results.ipynb)).
#
# ## Move through the space yourself
#
# Between the emotions lie mixtures: $e$ need not be one-hot, and negative and positive may mix. The model runs in this page. While you move the point, nearly all Base Space codes stay the same; what changes is the block that they land in, and with it the face. Head and lids are drawn anew under the new mixture. (Between two blocks the decoder reads their weighted mean, which the map shows as a mixed hue.)

# %%
pairs = list(corpora[0].pairs("test").itertuples())
talks = [
    widgets.talk(corpora[0], one, f"speaker {n}", frames=100, face=n)
    for n, one in enumerate((pairs[0], pairs[-1]), start=1)
]

# %%
widgets.show(
    widgets.Listener(talks, seed=3),
    caption=(
        "A listener for simulated speakers; below, curves of the response "
        "and its codes U. Click into them to go to a frame."
    ),
    alt=(
        "Two drawn heads: one talks, the other answers; a triangle of "
        "emotions and sliders change the answer, its curves and codes."
    ),
)

# %% [markdown]
# ## Verdict
#
# Every line is computed from the numbers of this page:

# %% tags=["nbval-check-output"]
verdict = {
    "U separates emotions (Fig. 7 b)": "true by definition",
    "  probe on U, on random blocks": f"{found['U']['value']:.1f}, "
    f"{found['random block']['value']:.1f}",
    "V does not (Fig. 7 a)": f"holds: probe {found['V']['value']:.1f}, "
    "chance 0.3",
    "decoders use the label rightly": f"holds: recognised "
    f"{votes['trained']['value']:.1f}",
    "codes carry the emotion": f"no: {bits.mean():.2f} bits a head, by "
    f"chance {low:.2f} to {high:.2f}",
}
for claim, answer in verdict.items():
    print(f"{claim:32} {answer}")

# %%
end = sweep["variance over real"]["H = 64"]["value"]
start = sweep["variance over real"]["H = 1"]["value"]
ratios = [
    x["model"]["value"] / x["oracle"]["value"] for x in various.values()
]
verdict = {
    "any codes will do": f"no: random codewords are recognised "
    f"{votes['random codewords']['value']:.1f}",
    "more heads, more life": f"holds: variance {start:.1f} to {end:.1f}",
    "each head moves a part": f"no: {alone} of {count} heads do",
    "answers as various as people's": f"spread {min(ratios):.1f} to "
    f"{max(ratios):.1f} of the oracle's",
}

# %% tags=["nbval-check-output"]
for claim, answer in verdict.items():
    print(f"{claim:32} {answer}")

# %% [markdown]
# ```{admonition} What the paper leaves open
# :class: note
# The paper says that t-SNE shows "the features decoded from the U and V spaces", of 970 clips from ViCo. It does not say whether codewords or
# the decoders' inner features are meant, how a clip becomes one vector, or which perplexity was used. We take the codewords, counted per head, and the decoded motion as a second description. The paper compares with a model *without* emotion (V), and calls the separation in U "better feature distinction, as the value ranges of different emotions vary", which is Eq. 9.1 in words.
# ```
#
# ## Summary
#
# - U separates emotions because Eq. 9.1 writes the label into every codeword; random labels separate as well.
# - Codes before the label is added (V) say nothing about the listener's emotion: a probe is at chance, and the mutual information is that of permuted labels. The codes of a model that was never told the emotion do say something.
# - What the model has learned can be seen in the motion. By comparison with real clips, the emotion that was asked for is recognised, but only with codes that the encoder could have drawn.
# - Heads differ in how much and how fast they move the face more than in which part they move. Two heads are enough for the emotion; liveliness takes dozens.
# - Twenty answers to one speaker differ about as much as the oracle's do.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-emotion-lot
# Why must the probe be tested on people whom it has not seen? What would be measured if clips of the same person were on both sides?
# ```
#
# ```{solution} ex-emotion-lot
# :class: dropdown
# Neighbouring clips of one recording overlap and share habits, such as how much this person smiles. One recording has one emotion. The probe would recognise the *recording* and know its label; accuracy would rise without any knowledge about emotions. A test of the package uses features that do nothing but name the person: on unseen people the probe then fails, as it should.
# ```
#
# ```{exercise}
# :label: ex-emotion-permute
# The control of the mutual information permutes labels over recordings. Permute them over *clips* instead, as if all clips were independent. How does the level of chance change, and what would you have concluded?
# ```
#
# ```{solution-start} ex-emotion-permute
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
alone_each = probes.counted(codes.base, np.arange(clips), size)
wrong = probes.shuffled(alone_each, label, permutations=50).mean(1)
print(f"over recordings {low:.3f} to {high:.3f} bits")
print(f"over clips      {wrong.min():.3f} to {wrong.max():.3f} bits")
print(f"measured        {bits.mean():.3f} bits")
assert wrong.max() < bits.mean()

# %% [markdown]
# The level of chance would seem lower, since clips of one recording no longer stay together, and V would seem to contain the emotion. What it contains is the recording.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-emotion-mixture
# Decode one response with a mixture of half neutral, half positive. Where would the mean smile lie if the decoder were linear in $e$? Where does it lie?
# ```
#
# ```{solution-start} ex-emotion-mixture
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
left = face.index("smile_l")
smiles = []
for e in ([0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]):
    generator = torch.Generator().manual_seed(3)
    answer = responder.respond(speaker, e, generator=generator)
    smiles.append(answer.beta[:, left].mean() / face.full[left])
print("smile, neutral to positive:", ", ".join(f"{x:.1f}" for x in smiles))

# %% [markdown]
# If it were linear, half way. The embedding of a codeword is linear in $e$, but a non-linearity follows the first convolution, so half way in $e$ need not be half way in the smile. Here it nearly is.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Wattenberg et al. (2016)](references.bib#wattenberg2016tsne) on reading t-SNE;
# - [Hewitt and Liang (2019)](references.bib#hewitt2019control) on probes and their controls;
# - [the results](08-results.ipynb) for how each claim of the paper fares, and [Base, Transformed, U](03-space.ipynb) for why V+e does what U does.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# ```
