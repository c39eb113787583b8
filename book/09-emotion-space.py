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
# **Question.** Embed the codes of many clips in the plane and colour each point by the listener's emotion. In the paper's Figure 7 the emotions
# are mixed in the Base Space V and fall apart in U ([Song et al., 2023](references.bib#song2023elp)). What does this picture show, and what can it not show?
#
# The definition of U already answers half of it. With $k \in \{1 \dots V\}$ the category that head $h$ takes at frame $t$ and $n$ the emotion,
#
# $$
# \mathcal{U}_{t,h} \;=\; n V + k_{t,h}, \qquad n \in \{0 \dots N-1\}. \tag{9.1}$$
#
# The label $n$ is *written into* every codeword. Two clips of different emotions share no codeword at all, so any embedding that looks at
# codewords must separate them: for a trained model, for an untrained one, and for labels drawn by lot. We make the picture, then the controls
# that tell a finding from an identity, and then look at what is not decided in advance: the motion that comes out.

# %%
import numpy as np
import plotly.graph_objects as go
import torch

from elp.book import analysis, figures, plots
from elp.simulator import simulate
from elp.listener.responder import ELPResponder
from elp.model import ASE

figures.setup()

# %% [markdown]
# ## The codes of many clips
#
# The model is the one that ships. The conversations are simulated afresh: other seeds than in training, hence other people. Each is cut
# into clips of two seconds that start one second apart, so that neighbours overlap, and each clip gets its Base Space codes, sampled as in generation with the emotion inferred from the speaker. They say the face; head and lids of this model are drawn beside them (chapter "Training").

# %%
import tempfile

folder = tempfile.TemporaryDirectory()
corpora = [
    simulate(f"{folder.name}/{seed}", preset="tiny", seed=seed)
    for seed in (101, 102)
]
responder = ELPResponder.from_checkpoint()
codes = analysis.encode(responder, corpora, stride=25)

# %% tags=["nbval-check-output"]
clips, frames, heads = codes.base.shape
print(
    f"{clips} clips of {frames} frames, {heads} heads, "
    f"{codes.categories} categories"
)
print(
    {
        name: int((codes.emotion == n).sum())
        for n, name in enumerate(codes.emotions)
    },
    "clips per emotion",
)
print(f"{len(set(codes.listener))} listeners")

# %% [markdown]
# A clip is described by *how often each head takes each value*. Order in time is dropped: two clips in which the same happens at different
# moments should be neighbours.

# %% tags=["remove-input"]
from elp.book.analysis import histogram

figures.source(histogram)

# %%
size, count = codes.categories, len(codes.emotions)
lot = np.random.default_rng(0).permutation(codes.emotion)
features = {
    "V": analysis.histogram(codes.base, size),
    "U": analysis.histogram(codes.u() - 1, count * size),
    "U, labels by lot": analysis.histogram(codes.u(lot) - 1, count * size),
}
colour = {"V": codes.emotion, "U": codes.emotion, "U, labels by lot": lot}

# %% [markdown]
# ## t-SNE, and the control that it needs
#
# t-SNE ([van der Maaten and Hinton, 2008](references.bib#vandermaaten2008tsne)) keeps neighbours together; sizes of clusters and distances between them mean nothing
# ([Wattenberg et al., 2016](references.bib#wattenberg2016tsne)). The third panel is the control: the labels are shuffled over the clips *before* U is formed, so they have nothing
# to do with speaker, listener or motion, and the points are coloured by these shuffled labels.

# %%
reduced = {name: analysis.reduce(x) for name, x in features.items()}
planes = {name: analysis.embed(x, "tsne") for name, x in reduced.items()}
fig = plots.panels(planes, colour, codes.emotions)

# %%
figures.show(
    fig,
    name="tsne",
    caption=(
        "t-SNE of clips of two seconds, one point each. Left: V. Middle: "
        "U. Right: U formed with labels drawn by lot, coloured by these "
        "labels."
    ),
    alt=(
        "Three scatter plots. In V the three emotions overlap. In U they "
        "form separate groups. With random labels U forms equally "
        "separate groups."
    ),
)

# %% [markdown]
# The right panel is as tidy as the middle one. What separates the groups in U is the label that Eq. 9.1 put there.
#
# ## UMAP says the same
#
# UMAP ([McInnes et al., 2018](references.bib#mcinnes2018umap)) is another way to draw neighbours; it is no independent witness, since it reads the same codewords.

# %%
planes = {name: analysis.embed(x, "umap") for name, x in reduced.items()}
fig = plots.panels(planes, colour, codes.emotions)
figures.show(
    fig,
    name="umap",
    caption=(
        "UMAP of the same clips. Left: V. Middle: U. Right: U formed with "
        "labels drawn by lot."
    ),
    alt=(
        "Three scatter plots by UMAP. V overlaps; U and U with random "
        "labels each fall into three separate groups."
    ),
)

# %% [markdown]
# ## Numbers instead of pictures
#
# A picture can only persuade; a number can be shown to be wrong. In the full feature space we let the five nearest neighbours vote for a clip's emotion, with
# no listener both among the voters and among the judged (their speakers may be), and report the accuracy balanced over the emotions: one third is chance. The silhouette
# ([Rousseeuw, 1987](references.bib#rousseeuw1987silhouette)) compares the distance to one's own group with the distance to the nearest other; 0 means that the groups
# overlap. *V + e* is V with ten times the label's one-hot appended (large enough to count beside the histogram): the cheapest way to tell a decoder the emotion without any rearrangement.

# %%
one_hot = 10 * np.eye(count, dtype=np.float32)[codes.emotion]
features["V + e"] = np.concatenate([features["V"], one_hot], 1)
colour["V + e"] = codes.emotion
rows = {
    name: analysis.separability(x, colour[name], codes.listener)
    for name, x in features.items()
}

# %% tags=["nbval-check-output"]
for name in ("V", "V + e", "U", "U, labels by lot"):
    print(
        f"{name:17} accuracy {rows[name]['accuracy']:.1f}  silhouette "
        f"{round(rows[name]['silhouette'], 1) + 0:.1f}"
    )

# %% [markdown]
# V tells nothing here: the encoder never sees the label, so its codes can know no more about the *listener's* emotion than the speaker's
# face and voice give away, and of that they keep too little to beat chance. V + e, U and U by lot are alike perfect in accuracy, for the same reason. Separability of U is no merit of the training; it follows
# from a line of arithmetic. These are the assertions of this page:

# %%
assert rows["V"]["accuracy"] < 0.75
assert (
    min(
        rows[name]["accuracy"]
        for name in ("V + e", "U", "U, labels by lot")
    )
    == 1.0
)

# %% [markdown]
# ## What is not decided in advance: the motion
#
# The claim that matters is that the decoders do the *right* thing with the label: that a listener decoded as positive moves as positive
# listeners do. So we decode the same Base Space codes under labels drawn by lot and describe each clip by mean and standard deviation of the
# coefficients of its face. It is not enough to ask whether the generated motions of different labels differ from each other: an untrained decoder
# reads different codewords through different random vectors, and its meaningless motion differs too. We let *real* listeners vote on
# generated ones.

# %% tags=["remove-input"]
from elp.book.analysis import recognised

figures.source(recognised)

# %%
moved = analysis.decode(responder, codes, lot)
torch.manual_seed(1)
fresh = ELPResponder(ASE(responder.model.config))
real = analysis.summary(codes.real)
motion = {
    "trained": analysis.summary(moved),
    "untrained": analysis.summary(analysis.decode(fresh, codes, lot)),
}

# %%
told = analysis.separability(real, codes.emotion, codes.listener)[
    "accuracy"
]
apart = {
    name: analysis.separability(x, lot, codes.listener)["accuracy"]
    for name, x in motion.items()
}
width = codes.real.shape[-1]  # the first half of a summary: the means

# %%
right = {
    name: analysis.recognised(
        real[:, :width], codes.emotion, x[:, :width], lot
    )
    for name, x in motion.items()
}
whole = {
    name: analysis.recognised(real, codes.emotion, x, lot)
    for name, x in motion.items()
}

# %% tags=["nbval-check-output"]
print(f"real listeners recognise real ones        {told:.1f}")
for name in motion:
    print(f"{name:9} decoder: labels tell apart {apart[name]:.1f}")
    print(
        f"  real listeners recognise the means {right[name]:.1f}, "
        f"means and deviations {whole[name]:.1f}"
    )
print(f"chance                                    {1 / count:.1f}")

# %% tags=["nbval-check-output"]
lively = {
    name: x[:, width:].mean()
    for name, x in (("real", real), ("trained", motion["trained"]))
}
print(
    "deviations, generated over real           "
    f"{lively['trained'] / lively['real']:.1f}"
)

# %% [markdown]
# The first row is a property of the corpus: how visible an emotion is in two seconds of a listener whom the voters have never seen. The
# untrained decoder keeps the labels apart as well as the trained one does, and by its means nobody recognises what it shows. The trained one is recognised
# by the mean of its coefficients, although the labels were drawn by lot and have nothing to do with what the speaker did. That is the
# finding; the tidy clusters are not. With the standard deviations among the features it is recognised less often: generated deviations are
# smaller than real ones, a positive listener is a lively one, and so clips that were asked to be positive pass for neutral. The untrained one is recognised more often with them: which
# label makes random vectors move more is an accident, which can hit as well as miss.

# %%
from elp.face import FaceModel

face = FaceModel.default()
named = {
    "smile": ("smile_l", "smile_r"),
    "frown": ("frown_l", "frown_r"),
    "brow down": ("brow_down_l", "brow_down_r"),
}
mean, std = (
    responder.model.beta_mean.numpy(),
    responder.model.beta_std.numpy(),
)
fig = go.Figure()

# %%
for n, emotion in enumerate(codes.emotions):
    beta = (moved[lot == n] * std + mean).mean(1)
    for key, pair in named.items():
        columns = [face.index(name) for name in pair]
        share = (beta[:, columns] / face.full[columns]).mean(1)
        fig.add_box(
            x=[key] * len(share),
            y=100 * share,
            name=emotion,
            marker_color=figures.EMOTIONS[emotion],
            showlegend=key == "smile",
            boxpoints=False,
        )

# %%
fig = fig.update_layout(boxmode="group", yaxis_title="mean activation in %")

# %% tags=["hide-input"]
figures.show(
    fig,
    name="activation",
    caption=(
        "Mean activation of three named directions over clips of two "
        "seconds, decoded with labels drawn by lot. 100 % is the full "
        "expression."
    ),
    alt=(
        "Box plots. Smiles are high for positive listeners only; frowns "
        "and lowered brows are high for negative ones only; neutral stays "
        "low in all three."
    ),
)

# %%
smile = [
    (
        moved[lot == n, :, face.index("smile_l")]
        * std[face.index("smile_l")]
    ).mean()
    for n in range(count)
]
assert smile[2] > smile[1] > smile[0]
assert right["trained"] > 0.8 > 0.5 > right["untrained"]

# %% [markdown]
# ## Move through the space yourself
#
# Between the emotions lie mixtures: `e` need not be one-hot, and negative and positive may mix. The model runs in this page. Nearly all Base Space codes stay the same while you move the point; the block
# that they land in changes, and with it the face, and head and lids answer under the new mixture (of two blocks the decoder reads the weighted mean, which the map shows as a mixed hue). H takes heads away: the model was trained so that any prefix of its heads decodes.

# %%
from elp.book import widgets

pairs = list(corpora[0].pairs("test").itertuples())
pair = pairs[0]
talks = [
    widgets.talk(corpora[0], one, f"speaker {n}", frames=125, face=n)
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
# ```{admonition} What the paper leaves open
# :class: note
# The paper says that t-SNE shows "the features decoded from the U and V spaces", of 970 clips from ViCo. It does not say whether codewords or
# the decoders' inner features are meant, how a clip becomes one vector, or which perplexity was used. We take the codewords, counted per
# head. It compares with a model *without* emotion (V), and calls the separation in U "better feature distinction, as the value ranges of
# different emotions vary": which is the identity of Eq. 9.1, said in words.
# ```
#
# ## Exercises
#
# ```{exercise}
# :label: ex-emotion-lot
# Why must the nearest-neighbour vote be grouped by listener? What would be measured if clips of the same person were on both sides?
# ```
#
# ```{solution} ex-emotion-lot
# :class: dropdown
# Neighbouring clips of one recording overlap and share habits, such as how much this person nods. In this corpus one recording has one emotion. The vote would
# recognise the *recording* and read off its label; accuracy would rise with no knowledge about emotions. A test of the package tries
# features that do nothing but name the person: grouped by person, the vote fails on them, as it should.
# ```
#
# ```{exercise}
# :label: ex-emotion-mixture
# Decode one response with the mixture of half neutral, half positive. Where should the mean smile lie if the decoder were linear in `e`? Where does it lie?
# ```
#
# ```{solution-start} ex-emotion-mixture
# :class: dropdown
# ```

# %%
smiles = []
for x in (0.0, 0.5, 1.0):
    answer = responder.respond(
        corpora[0].speaker(pair)[:75],
        (0.0, 1 - x, x),
        generator=torch.Generator().manual_seed(3),
    )
    row = face.index("smile_l")
    smiles.append(answer.beta[:, row].mean() / face.full[row])

# %% tags=["nbval-check-output"]
print("smile, neutral to positive:", ", ".join(f"{x:.1f}" for x in smiles))

# %% [markdown]
# The embedding of a codeword is linear in `e`, but a non-linearity follows the first convolution, so that halfway in `e` need not be
# halfway in the smile. Here it nearly is.
#
# ```{solution-end}
# ```
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# ```
