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
# # Base, Transformed, U
#
# **Question.** The same words can be answered with a smile or with a frown. How can *one* network give either answer, without a second network and without averaging the two?
#
# ELP's answer ([Song et al., 2023](references.bib#song2023elp)) is the **Adaptive Space Encoder** (ASE): a model that describes every frame of a response by H small whole numbers, its *codes*, and lets the emotion shift them before they are decoded into motion.
#
# After this chapter you will be able to
#
# - follow one frame from the encoder's output to a face, by hand;
# - draw the networks of the ASE and say what each one reads and returns;
# - sample codes, and say where their gradient comes from;
# - say what speaks for the paper's choices (discrete codes, 128 × 64, an emotion that shifts codewords), and what nobody has measured.

# %%
import tempfile

import numpy as np
import plotly.graph_objects as go
import torch

from elp.book import diagrams, figures, heads, results, widgets
from elp.listener.responder import ELPResponder
from elp.model import ASE, ASEConfig, space
from elp.simulator import simulate

figures.setup()

# %% [markdown]
# ## One frame, step by step
#
# We use `listener`, the model that ships with the package: H = 64 heads of V = 32 categories, trained on simulated conversations ([A listener that follows](05c-following.ipynb)). It listens to four seconds of a simulated speaker, once for each emotion and each time with the same random numbers. Let us follow one frame of its answer.

# %%
folder = tempfile.TemporaryDirectory()
corpus = simulate(f"{folder.name}/talk", "tiny", seed=3)
pairs = corpus.pairs("train")
speaker = corpus.speaker(pairs.loc[pairs["length"].idxmax()])[:100]
responder = ELPResponder.from_checkpoint()
traces = {
    e: responder.trace(
        speaker, e, generator=torch.Generator().manual_seed(0)
    )
    for e in responder.emotions
}

# %%
V = responder.model.config.categories
drawn = (traces["neutral"][1] - 1) % V
frame = heads.story_frame(responder, drawn, at=60, head=30)

# %% tags=["hide-input"]
caption = (
    "One frame of the shipped model, from its codes to a face. Back and "
    "Next, or the arrow keys, move between the six steps; another emotion "
    "changes the block, the codewords and the face, and nothing before."
)
alt = (
    "Six steps: 64 squares, one a head, lie in a grid of 32 columns; the "
    "grid is copied for three emotions; the squares slide into the block "
    "of the chosen emotion; their columns are the codewords; these are "
    "looked up as eight numbers each; a face smiles or frowns."
)
widgets.story(frame, start=2, caption=caption, alt=alt)

# %% tags=["nbval-check-output"]
for n, name in enumerate(frame.emotions):
    words = [frame.word(n, head) for head in range(6)]
    print(f"{name:8} first six codewords {words}")
assert frame.word(2, 30) == frame.word(0, 30) + 2 * V

# %% [markdown]
# These are the three spaces of this chapter's title. The **Base Space** holds what the heads drew. The **Transformed Space** holds the same draws, in the block of one emotion. **U** says where they lie: one integer for each head, between 1 and NV.
#
# ## The networks around it
#
# Before the formulas, here is the whole model. Solid boxes have weights, dashed ones have none. T is the number of frames, N that of emotions.

# %% tags=["hide-input"]
boxes = [
    diagrams.Box(95, 30, 150, "[speaker's sound]", "MFCC: T × 29"),
    diagrams.Box(265, 30, 150, "[speaker's face]", "β: T × 100, p: T × 6"),
    diagrams.Box(95, 100, 150, "audio encoder", "a: T × 128", True),
    diagrams.Box(265, 100, 150, "[spread over time]", "T × 206"),
    diagrams.Box(180, 170, 200, "[style: side by side]", "T × 334"),
    diagrams.Box(80, 240, 130, "TDNN", "e′: N", True),
    diagrams.Box(265, 240, 150, "encoder", "logits: T × H × V", True),
    diagrams.Box(265, 310, 150, "[Base Space]", "T × H × V"),
    diagrams.Box(180, 380, 200, "[split by e: U]", "T × H"),
    diagrams.Box(95, 450, 150, "D1", "β: T × 100, p: T × 6", True),
    diagrams.Box(265, 450, 150, "D2", "φ: T", True),
]

# %% tags=["hide-input"]
arrows = [(0, 2), (1, 3), (2, 4), (3, 4), (4, 5), (4, 6)]
arrows += [(6, 7), (7, 8), (5, 8), (8, 9), (8, 10)]
alt = (
    "Flow chart: MFCC go through the audio encoder, face and head through "
    "deviations; both make the style; the TDNN infers the emotion and the "
    "encoder the logits; a draw gives the Base Space; the emotion moves it "
    "to U; D1 returns face and head, D2 blinks."
)

# %% tags=["hide-input"]
figures.emit(
    diagrams.flow(boxes, arrows, 480, alt),
    caption=(
        "The Adaptive Space Encoder. In training, and whenever the user "
        "chooses an attitude, the given e takes the place of e′."
    ),
    alt=alt,
    name="ase",
)

# %% [markdown]
# **MFCC** are the usual numbers for the sound of speech ([Davis and Mermelstein, 1980](references.bib#davis1980mfcc)). A short window of sound is turned into a spectrum, which is summed in bands as wide as those of the ear. The logarithms of these sums are smoothed by a cosine transform. What is left says *which* vowel is spoken and how loudly, and little about the pitch. Here are 29 of them for each video frame:

# %% tags=["hide-input"]
sound = (speaker.mfcc - speaker.mfcc.mean(0)) / speaker.mfcc.std(0)
bar = {"title": "σ", "tickvals": [-20, 0, 20], "ticktext": [-2, 0, 2]}
fig = go.Figure(
    go.Heatmap(
        z=(10 * sound.T).clip(-25, 25).astype(np.int8),  # tenths
        dx=1 / 25,
        colorscale="RdBu_r",
        hoverinfo="skip",
        colorbar=bar,
    )
)
fig = fig.update_layout(
    xaxis_title="seconds", yaxis_title="coefficient", height=260
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="mfcc",
    caption=(
        "29 MFCC of four seconds of the speaker, each in deviations from "
        "its own mean: blocks are syllables, even stretches pauses."
    ),
    alt=(
        "Heat map of 29 rows over four seconds; vertical bands change "
        "every tenth of a second while the speaker talks."
    ),
)

# %% [markdown]
# The **audio encoder** turns them into 128 learned features: sixteen one-dimensional convolutions with shortcuts, "the first 16 layers of ResNet-50" ([He et al., 2016](references.bib#he2016resnet)) in one dimension. The chapter [Style features](02-style.ipynb) explains the rest of the style. Layer by layer, at the paper's sizes:

# %% tags=["hide-input"]
encoders = {
    "Audio encoder": [
        ("[MFCC]", "T × 29"),
        ("2 conv1d", "T × 48"),
        ("3 blocks of 2 conv1d", "T × 64"),
        ("4 blocks of 2 conv1d", "T × 128"),
        ("[dropout]", "T × 128"),
    ],
}

# %% tags=["hide-input"]
encoders |= {
    "Encoder": [
        ("[style]", "T × 334"),
        ("5 conv1d", "T × 256"),
        ("3 LSTM", "T × 256"),
        ("2-layer MLP", "T × 128 × 64"),
        ("[Gumbel-Softmax]", "T × 128 × 64"),
    ],
}

# %% tags=["hide-input"]
decoders = {
    "D1": [
        ("[U, looked up]", "8 × T × 128"),
        ("conv2d, 3 × 3", "32 × T × 128"),
        ("conv2d, 3 × all heads", "T × 106"),
        ("[β and p]", "T × 100, T × 6"),
    ],
    "D2": [
        ("[U, looked up]", "8 × T × 128"),
        ("4 conv2d that halve H", "32 × T × 8"),
        ("3 LSTM", "T × 128"),
        ("linear", "T: logit of φ"),
    ],
}

# %% tags=["hide-input"]
figures.emit(
    diagrams.stacks(encoders | decoders),
    caption=(
        "Four networks of the ASE at the paper's sizes (widths inside the "
        "encoder and D2 are ours: the paper gives none). Solid boxes have "
        "weights."
    ),
    alt="Four piles of layers: audio encoder, encoder, D1 and D2.",
    name="layers",
)

# %% [markdown]
# The **encoder** writes the codes. Its convolutions see a fraction of a second, its long short-term memory layers, LSTMs ([Hochreiter and Schmidhuber, 1997](references.bib#hochreiter1997lstm)), everything so far, and a multilayer perceptron (MLP) gives V numbers to each of H heads. The **decoders** read them. **D1** sees the looked-up codes as a picture of T × H pixels; its second kernel spans all heads, so that every coefficient depends on every head. **D2** halves the number of heads four times and remembers with LSTMs, since a blink depends on the last one.
#
# The **TDNN** (time-delay neural network) infers the speaker's emotion ([Peddinti et al., 2015](references.bib#peddinti2015tdnn); [Snyder et al., 2018](references.bib#snyder2018xvectors)). Each layer reads a few frames of the layer before, spaced further and further apart. Mean and deviation over the clip then make one vector from speech of any length, and a small MLP turns it into probabilities of the emotions.

# %% tags=["hide-input"]
alt = (
    "A tree of five layers: the top dot leads to one dot in each of two "
    "layers, then to three frames, to nine and to fifteen frames around t."
)
delays = [(-2, -1, 0, 1, 2), (-2, 0, 2), (-3, 0, 3), (0,), (0,)]
figures.emit(
    diagrams.contexts(delays, alt),
    caption=(
        "What one frame of the TDNN's last layer (top) sees of the style "
        "(bottom): fifteen frames, through five layers."
    ),
    alt=alt,
    name="tdnn",
)

# %% tags=["nbval-check-output"]
paper = ASE(ASEConfig())
parts = ("audio", "tdnn", "encoder", "coding", "motion", "blink")
sizes = {
    name: sum(p.numel() for p in getattr(paper, name).parameters())
    for name in parts
}
for name, size in sizes.items():
    print(f"{name:8} {size / 1e6:5.2f} million weights")
assert max(sizes, key=sizes.get) == "encoder"

# %% [markdown]
# These are the weights of each part, in millions. The encoder is by far the largest. More than a third of its weights are in its last layer, which has one row for each of 128 · 64 categories. (`listener` is smaller, and leaves head pose and lids to *event heads*; [A listener that follows](05c-following.ipynb) says why.)
#
# ## Step 1: Base Space
#
# For each frame $t$ and head $h$ the encoder gives V logits. One category is drawn:
#
# $$V_{t,h,1:V} = \left[\text{Gumbel-Softmax}\left(\text{enc}(s_{sty})_{t,h,1:V}\right)\right]_{t=1:T,\,h=1:H} \tag{P2}$$
#
# Adding Gumbel noise to the logits and taking the largest *is* a draw from their softmax ([Jang et al., 2017](references.bib#jang2017gumbel); [Maddison et al., 2017](references.bib#maddison2017concrete)). Taking the largest has no useful gradient, so in the backward pass the softmax of the same noisy numbers, divided by a temperature τ, replaces it. This is the *straight-through* estimate ([Bengio et al., 2013](references.bib#bengio2013straightthrough)):

# %% tags=["remove-input"]
from elp.model.space import base_space

figures.source(base_space)

# %% [markdown]
# A small example: T = 6 frames, H = 4 heads, V = 5 categories.

# %% tags=["nbval-check-output"]
T, H, V, N = 6, 4, 5, 2
generator = torch.Generator().manual_seed(0)
logits = torch.randn(1, T, H, V, generator=generator)
base = space.base_space(logits, noise=space.gumbel(logits, generator))
one_hot = bool((base.sum(-1) == 1).all())
shapes = f"logits {tuple(logits.shape)} -> base {tuple(base.shape)}"
print(f"{shapes} one-hot: {one_hot}")

# %% [markdown]
# ## Step 2: split and rearrange
#
# The emotion is a vector $e$ of N numbers, one of them 1. Each $e_n$ multiplies the whole Base Space, and the N results are laid side by side: T × H × NV numbers, all zero outside
# the block of the active emotion. One can build this array, but the model never does:

# %% tags=["remove-input"]
from elp.model.space import transformed_space

figures.source(transformed_space)

# %% [markdown]
# ## Step 3: U
#
# The position of the 1 in each row is the codeword. Codewords count from 1, and emotion $n$ (from 0) can only reach $[nV+1, (n+1)V]$:

# %% tags=["remove-input"]
from elp.model.space import rearrange

figures.source(rearrange)

# %% [markdown]
# A worked example with N = 2, as in the paper's Figure 3: the same Base Space under the first and under the second emotion.

# %% tags=["nbval-check-output"]
first, second = (
    space.rearrange(base, torch.eye(N)[[n]])[0] for n in range(N)
)
for name, u in {"first emotion": first, "second emotion": second}.items():
    low, high = int(u.min()), int(u.max())
    at = f"{name}, frame 1:"
    print(f"{at:24} {u[0].tolist()}  range [{low}, {high}]")
transformed = space.transformed_space(base, torch.eye(N)[[1]])
assert torch.equal(second, transformed.argmax(-1)[0] + 1)
assert torch.equal(second, first + V)

# %% [markdown]
# The second row is the first plus V. Only the interval has changed, and U is still T × H:

# %% tags=["hide-input"]
fig = go.Figure()

# %% tags=["hide-input"]
look = {"zmin": 1, "zmax": N * V, "showscale": False, "hoverinfo": "skip"}
words = {"texttemplate": "%{text}", "y": np.arange(1, T + 1)}
above = {"y": 1.12, "yref": "paper", "showarrow": False}
for n, (name, codes) in enumerate(
    {"first emotion": first, "second emotion": second}.items()
):
    x = np.arange(H) + n * (H + 1)
    fig.add_heatmap(z=codes, text=codes, x=x, **words, **look)
    fig.add_annotation(x=x.mean(), text=name, **above)

# %% tags=["hide-input"]
fig = fig.update_layout(
    yaxis={"title": "frame", "autorange": "reversed", "showgrid": False},
    xaxis={"visible": False},
    height=300,
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="worked-example",
    caption=(
        "U of the same Base Space under two emotions (T = 6, H = 4, V = "
        "5, N = 2). Left values 1 to 5, right 6 to 10: disjoint."
    ),
    alt=(
        "Two tables of codewords; every entry of the right one is five "
        "more than on the left."
    ),
)

# %% [markdown]
# ## The gradient through a draw
#
# What does the straight-through estimate pass back? We compare the gradient that arrives at one head's logits with that of the softmax itself, at four temperatures τ.

# %%
weight = torch.linspace(-1, 1, V)
leaf = logits[0, 0, :1].clone().requires_grad_()
noise = space.gumbel(leaf, torch.Generator().manual_seed(1))

# %% tags=["nbval-check-output"]
for tau in (0.1, 0.5, 1.0, 2.0):
    drawn = space.base_space(leaf, tau, noise=noise)
    likely = ((leaf + noise) / tau).softmax(-1)
    (hard,) = torch.autograd.grad((drawn * weight).sum(), leaf)
    (soft,) = torch.autograd.grad((likely * weight).sum(), leaf)
    values = " ".join(f"{x:+.2f}" for x in hard[0].tolist())
    same = torch.allclose(hard, soft)
    print(f"τ = {tau}: gradient {values}  equal to the soft one: {same}")
    assert same

# %% [markdown]
# They are equal by construction. A high τ gives small gradients, spread over all categories; a lower one gives larger gradients to the likely categories. With τ near 0, most draws pass back almost nothing and a few pass back a great deal.
#
# ## How decoders read a codeword
#
# Two readings fit the paper's words. `coding="value"` takes the integer itself, scaled to [-1, 1]: one channel of a T × H image. `coding="embedding"` looks up a learned vector for each
# pair of head and codeword. Both are linear in $e \otimes$ Base. So one function serves both: $e$ mixes the N tables of codewords, and the draws look up the mixture. A *blend* of emotions costs nothing:

# %% tags=["remove-input"]
from elp.model.decoders import encode

figures.source(encode)

# %% [markdown]
# ## Why these choices?
#
# **Why discrete codes?** A listener can answer one sentence in several good ways, and the mean of them is none of them ([Simulated dyads](04-corpus.ipynb) measures it). A variational autoencoder, VAE ([Kingma and Welling, 2014](references.bib#kingma2014vae)), draws a continuous latent vector, usually a normal one, around a single centre. A categorical head can give high probability to two very different answers at once, and a draw from it is always one of them, never something half way between.
#
# **Why not diffusion?** Diffusion models ([Ho et al., 2020](references.bib#ho2020ddpm)) represent such choices too, at the price of running the network many times for one answer; the ASE runs once a frame. The two can be combined: DiffListener ([Jung and Kim, 2025](references.bib#jung2025difflistener)) runs diffusion over the codes of a VQ-VAE ([van den Oord et al., 2017](references.bib#vandenoord2017vqvae)), which is also the kind of code that Learning2Listen draws ([Ng et al., 2022](references.bib#ng2022learning2listen)). **Not measured here**: this book trains neither a VAE nor a diffusion model of listeners.
#
# **Why many heads of few categories?** A single codebook that could express what 128 heads of 64 categories express would need $64^{128}$ entries. With H = 1 the ASE has a single codebook of size V, as a VQ-VAE has. The paper reports that results improve up to H = 128 and get worse at 256. Here are our own trainings, three seeds each, on unseen people. Two numbers say how far their answers are from the true listeners': the [energy score](glossary.md#energy-score) of short clips and the Fréchet distance [FD](glossary.md#fd) of whole answers. Later chapters define both.

# %%
runs = results.read("training_ablations")["runs"]
chosen = [run for run in runs if run.get("scores")]
table = results.by_name(
    chosen, ("validation", "energy"), ("scores", "all_fd")
)
named = {1: "H=1", 4: "H=4", 16: "H=16", 64: "H=64", 128: "U", 256: "H=256"}

# %% tags=["nbval-check-output"]
for heads_of, name in named.items():
    mean, half = table[name].mean(0), results.margin(table[name])
    print(
        f"{heads_of:3} heads: energy score {mean[0]:.2f} ± {half[0]:.2f}, "
        f"FD {mean[1]:.1f} ± {half[1]:.1f}"
    )
energy = {h: table[name][:, 0] for h, name in named.items()}
assert energy[1].min() > energy[4].max() > energy[16].max()

# %% [markdown]
# Lower is better. By the energy score, one head is clearly too few and sixteen are nearly enough. From 64 on the differences are as small as those between seeds; nothing here singles out 128. V = 64 has **not been varied**, neither in the paper nor here. The product 128 · 64 is a compromise: a space far larger than needed, from a last layer that is still affordable.
#
# **Why not simply give e to the decoders?** The paper compares U with V, where the decoders are not told the emotion. This shows that telling them helps; it does not show that shifting codewords is the best way to do it. So we trained a third model, V+e: its codes are not shifted, and the decoders see $e$ as N more channels of their image.

# %% tags=["nbval-check-output"]
for name in ("V", "U", "V+e"):
    mean, half = table[name].mean(0), results.margin(table[name])
    each = ", ".join(f"{x:.1f}" for x in sorted(table[name][:, 1]))
    print(f"{name:3} FD {mean[1]:.1f} ± {half[1]:.1f}  (seeds: {each})")
assert table["U"][:, 1].max() < table["V"][:, 1].min()
assert table["V+e"][:, 1].min() < table["U"][:, 1].max()

# %% [markdown]
# U is better than V in every seed. V+e cannot be told from U: **the improvement comes from telling the decoders the emotion; that the codewords must be disjoint for it is not shown.** U's advantage is economy. It adds no channel and no layer, each emotion has its own table of vectors, and a codeword itself says which emotion it belongs to.
#
# ## The same codes, three emotions
#
# Back to the answers of the beginning, where only $e$ was changed.

# %%
from elp.simulator.face import active

smiles, frowns = (
    [
        np.mean([active(motion, f"{name}_{side}") for side in "lr"])
        for motion, _ in traces.values()
    ]
    for name in ("smile", "frown")
)

# %% tags=["nbval-check-output"]
for (name, (_, codes)), smile, frown in zip(traces.items(), smiles, frowns):
    print(
        f"{name:8} U from {codes.min():2} to {codes.max():2}, mean "
        f"smile {smile + 0:4.0%} of full, frown {frown + 0:4.0%}"
    )
assert max(smiles[:2]) < smiles[2] - 0.2
assert frowns[0] > max(frowns[1:]) + 0.1

# %% [markdown]
# Three disjoint ranges give three faces: positive smiles, negative frowns. In this model the codes describe the face alone. Event heads draw head pose and lids, differently for each emotion, and tell the encoder what they drew, so a few categories differ too:

# %% tags=["nbval-check-output"]
V, U = responder.model.config.categories, [u for _, u in traces.values()]
same = [np.mean((u - U[1]) % V == 0) for u in (U[0], U[2])]
print(f"categories as under neutral: at least {min(same):.1%}")
assert min(same) > 0.95

# %% [markdown]
# Move the slider: the texture of the codes stays, since the draws are the same, and the interval changes.

# %% tags=["hide-input"]
fig = go.Figure()
for k, (name, (_, codes)) in enumerate(traces.items()):
    fig.add_heatmap(
        z=codes[:50].astype(np.uint8),
        zmin=1,
        zmax=96,
        visible=k == 2,
        name=name,
        colorbar={"title": "U"},
    )

# %% tags=["hide-input"]
steps = [
    {
        "label": trace.name,
        "method": "update",
        "args": [{"visible": [n == m for m in range(3)]}],
    }
    for n, trace in enumerate(fig.data)
]

# %% tags=["hide-input"]
fig = fig.update_layout(
    sliders=[{"active": 2, "steps": steps, "pad": {"t": 40}}],
    xaxis_title="head",
    yaxis_title="frame",
    height=460,
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="u-by-emotion",
    caption=(
        "U of two seconds of a response by emotion, all 64 heads. Emotion "
        "shifts every codeword into its own third of 1 to 96."
    ),
    alt=(
        "Heatmap of codewords by frame and head with a slider over three "
        "emotions; colour moves from low to high with the emotion."
    ),
)

# %% [markdown]
# ## A listener under your hands
#
# Here is the same model with a face. It runs in this page, without a kernel: what depends on the speaker alone was computed when the page was made, and everything that depends on the emotion is computed here, from the event heads ([A listener that follows](05c-following.ipynb)) and the codes to the expression. For a given seed it draws what `ELPResponder` draws in Python.
#
# - Move the point in the triangle. A corner selects one block of codewords; between corners the decoder reads a *mixture* of the blocks, $\sum_n e_n \cdot \text{table}_n$, and negative and positive may mix. The map shows it: categories keep their brightness, the hue changes.
# - Take heads away. The model was trained on random prefixes of its heads, so that any number from 1 to all of them decodes; the pale rows are not read.
# - Draw anew, or lower the temperature: at 0 each head takes its most probable category.

# %%
longest = next(pairs.nlargest(1, "length").itertuples())
listener = widgets.Listener([widgets.talk(corpus, longest, "a speaker")])
widgets.show(
    listener,
    caption=(
        "A conversation, its curves and its codes: one row per head, one "
        "column per frame. In JupyterLab `listener.emotion`, `.heads`, "
        "`.temperature` and `.seed` follow the controls, and move them."
    ),
    alt=(
        "Two drawn heads: one talks, the other answers; below them a "
        "triangle of emotions, curves and a map of the codes."
    ),
)

# %% [markdown]
# ## Temporally correlated sampling
#
# Eq. P2 says how likely each category is in each frame. It does not say how the draws of two neighbouring frames are related. If every frame draws anew, the face trembles. So we let the uniform numbers behind the Gumbel noise change slowly, while each frame's distribution stays exactly what it was.
#
# In `listener` a third of the heads change fast, a third slowly and a third at a pace in between, as in training, where a draw was held for 4, 50 or 12 frames (option `holds`, [Why a listener stands still](05b-standing-still.ipynb)). White normal noise is smoothed by a Gaussian kernel, and Φ, the normal distribution function, makes it uniform again:

# %% tags=["remove-input"]
from elp.listener.sampling import SmoothUniform

figures.source(SmoothUniform.draw)

# %% tags=["nbval-check-output"]
tremble = {}
for spread in (0.0, None):  # None: each head at its own pace
    loose = ELPResponder(responder.model, correlation=spread)
    motion = loose.respond(
        speaker, "positive", generator=torch.Generator().manual_seed(0)
    )
    tremble[spread] = float(np.abs(np.diff(motion.beta, 2, axis=0)).mean())
print(
    "acceleration with correlated draws, over that with independent "
    f"ones: {tremble[None] / tremble[0.0]:.1f}"
)
assert tremble[None] < tremble[0.0]

# %% [markdown]
# ```{admonition} What the paper leaves open
# :class: note
# - **How decoders read U**: by value or through an embedding. Both are implemented; the embedding is the default ([Why a listener stands still](05b-standing-still.ipynb) compares them).
# - **τ**, its schedule, and whether a response is drawn or takes the most probable category. Here τ = 1 and responses are drawn; `temperature=0` takes the most probable category.
# - **How draws at neighbouring frames relate**: see above.
# - **How many heads** a response needs. A model trained with `nested=True`, as `listener` is, sees random prefixes of its heads, so that `ELPResponder(model, heads=16)` can read the first 16 of
#   them. [The emotion space](09-emotion-space.ipynb) measures what that costs.
# - **How many convolutions** the encoder has: the number is unreadable in our copy, five or eight. Option `convs`, by default 5.
# - **Whether the disjoint codewords matter**, or only that the decoders know the emotion. Our control is `space="V+e"`, above; the paper's own ablation is `space="V"`.
# ```
#
# ## Summary
#
# - The encoder gives each frame H categorical draws (Base Space). The emotion moves all of them into its own interval of codewords (Transformed Space), and their positions are U.
# - The draw is hard forwards and soft backwards; its temperature τ changes the gradient only.
# - Decoders look the codewords up. This look-up is linear in $e$, so emotions can be mixed.
# - Telling the decoders the emotion helps (U against V). That it must be told by shifting codewords is not shown (U against V+e).
# - Sixteen heads do nearly what 128 do; V has not been varied.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-space-size
# How many different frames can U express with H = 128, V = 64, for one emotion? How many numbers does the Transformed Space hold for T = 50, N = 3, and how many does U?
# ```
#
# ```{solution} ex-space-size
# :class: dropdown
# $64^{128} = 2^{768}$ frames. The Transformed Space holds 50 · 128 · 192 = 1 228 800 numbers, U 6 400: "without additional dimensional overhead".
# ```
#
# ```{exercise}
# :label: ex-space-mix
# What does $e = (0, 0.5, 0.5)$ give in the value coding, with V = 64 and N = 3, for a head that drew category 10 (from 0)?
# ```
#
# ```{solution-start} ex-space-mix
# :class: dropdown
# ```
#
# The value codings of 64 + 11 and 128 + 11, averaged: that of codeword 107, half way between the two. An `argmax`
# over the Transformed Space would have to choose one of the two. The table agrees:

# %% tags=["nbval-check-output"]
values = space.codeword_values(3, 64)
mixture = float(0.5 * values[1, 10] + 0.5 * values[2, 10])
print("codeword", round((mixture + 1) / 2 * 191 + 1))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-space-reach
# How many frames of the style does one frame of the TDNN's last layer see, and how many does one frame of the encoder's logits see at least, its LSTMs left aside? Ask the model.
# ```
#
# ```{solution-start} ex-space-reach
# :class: dropdown
# ```
#
# The TDNN: 2 + 2 + 3 frames on either side, 15 in all. Five convolutions of five frames: 2 each on either side, 21 in all.

# %% tags=["nbval-check-output"]
for name in ("tdnn", "encoder"):
    print(name, 2 * getattr(paper, name).reach + 1, "frames")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-space-draw
# Show that Gumbel noise and an argmax draw from the softmax: compare frequencies of 20 000 draws with the probabilities of logits 0, 1 and 2.
# ```
#
# ```{solution-start} ex-space-draw
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
three = torch.arange(3.0).expand(20_000, 3)
noise = space.gumbel(three, torch.Generator().manual_seed(0))
often = space.base_space(three, noise=noise).mean(0)
print("drawn   ", [round(x, 2) for x in often.tolist()])
print("softmax ", [round(x, 2) for x in three[0].softmax(0).tolist()])

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Jang et al. (2017)](references.bib#jang2017gumbel) and [Maddison et al. (2017)](references.bib#maddison2017concrete) for draws with gradients;
# - [van den Oord et al. (2017)](references.bib#vandenoord2017vqvae) for the other way to discrete codes, and [Ng et al. (2022)](references.bib#ng2022learning2listen) for listeners made of them;
# - [the emotion space](09-emotion-space.ipynb) for what the codes hold, and [Training](05a-loss.ipynb) for the losses that teach them.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# ```
