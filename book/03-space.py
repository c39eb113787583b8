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
# **Question.** The same words can be answered with a smile or with a frown. How can *one* network hold both answers apart, without a second network
# and without averaging them away?
#
# ELP's answer ([Song et al., 2023](references.bib#song2023elp)) is a space of codes in three steps. A network writes every frame of a response as H numbers from 1 to V (**Base Space**); the emotion shifts them into an interval of
# its own (**Transformed Space**); what the decoders read are those shifted numbers (**U**). This page takes the three steps apart. After it you can carry out Eq. P2 on paper, say which numbers an emotion can reach, explain why a draw still passes a gradient, and why codes that are drawn anew in every frame tremble.

# %%
import tempfile

import numpy as np
import plotly.graph_objects as go
import torch

from elp.book import figures, widgets
from elp.model import space
from elp.simulator import simulate
from elp.listener.responder import ELPResponder

figures.setup()

# %% [markdown]
# ## Step 1: Base Space
#
# An *encoder* reads the speaker's style: five convolutions over time, three LSTM layers and one linear layer, all trained ([training](05a-loss.ipynb)). For each frame $t$ and each head $h$ (a head is one of H small classifiers side by side) it gives V numbers, the logits. From them one category is drawn:
#
# $$V_{t,h,1:V} = \left[\text{Gumbel-Softmax}\left(\text{enc}(s_{sty})_{t,h,1:V}\right)\right]_{t=1:T,\,h=1:H} \tag{P2}$$
#
# Adding Gumbel noise to the logits and taking the largest *is* a draw from their softmax ([Jang et al., 2017](references.bib#jang2017gumbel); [Maddison et al., 2017](references.bib#maddison2017concrete)). The largest has no gradient, so backwards
# the softmax of the same noisy numbers stands in for it, a *straight-through* estimate ([Bengio et al., 2013](references.bib#bengio2013straightthrough)):

# %% tags=["remove-input"]
from elp.model.space import base_space

figures.source(base_space)

# %% [markdown]
# A small case: T = 6 frames, H = 4 heads, V = 5 categories.

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
# The emotion is a vector $e$ of N numbers, one of them 1. Each $e_n$ multiplies the whole Base Space, and the N results are laid side by side: T × H × NV, with everything zero but
# the block of the active emotion. It can be built; the model never does:

# %% tags=["remove-input"]
from elp.model.space import transformed_space

figures.source(transformed_space)

# %% [markdown]
# ## Step 3: U
#
# The position of the 1 in each row is the codeword. It counts from 1, and emotion $n$ (from 0) can only reach $[nV+1, (n+1)V]$:

# %% tags=["remove-input"]
from elp.model.space import rearrange

figures.source(rearrange)

# %% [markdown]
# The worked example with N = 2, as in the paper's Figure 3: the same Base Space under the first and under the second emotion.

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
# The second row is the first plus V: nothing but the interval changed, and U is still T × H.

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
# What does the stand-in pass back? We compare the gradient that arrives at one head's logits with that of the softmax itself, at four temperatures τ.

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
# They are the same by construction. A high τ gives small gradients, spread evenly; a lower one larger ones, for the likely categories. With τ near 0 most draws pass back almost nothing, and a few pass back much.
#
# ## How decoders read a codeword
#
# Two readings fit the paper's words. `coding="value"` takes the integer itself, scaled to [-1, 1]: one channel of a T × H image. `coding="embedding"` looks up a learned vector for each
# (head, codeword). Both are linear in $e \otimes$ Base, so that one line serves both, the table of size NV is only ever mixed by $e$, and a *blend* of emotions costs nothing:

# %% tags=["remove-input"]
from elp.model.decoders import encode

figures.source(encode)

# %% [markdown]
# ## The same codes, three emotions
#
# Now `listener`, the model that ships with the package: H = 64 heads of V = 32 categories, trained on simulated conversations ([a listener that follows](05c-following.ipynb)). We let it listen to four seconds of a simulated speaker, three
# times with the same random numbers, and change nothing but $e$.

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
# Three disjoint ranges, three faces: positive smiles, negative frowns. In this model codes say the face alone; head and lids are drawn beside them, by *event heads* ([a listener that follows](05c-following.ipynb)), and differ with the emotion. The encoder is told what they drew; so a few categories differ too:

# %% tags=["nbval-check-output"]
V, U = responder.model.config.categories, [u for _, u in traces.values()]
same = [np.mean((u - U[1]) % V == 0) for u in (U[0], U[2])]
print(f"categories as under neutral: at least {min(same):.1%}")
assert min(same) > 0.95

# %% [markdown]
# Move the slider: apart from these few, the texture of the codes stays the same, because the draws are the same. Only the interval changes.

# %% tags=["hide-input"]
fig = go.Figure()
for k, (name, (_, codes)) in enumerate(traces.items()):
    fig.add_heatmap(
        z=codes[:50].astype(np.int16),
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
# The same model, drawn. It runs in this page, without a kernel: what the speaker alone decides was computed when the page was made, and all that depends on the emotion is computed here, from the heads that draw head and
# lids (chapter "Training") over the codes to the expression. For a seed it draws what `ELPResponder` draws in Python.
#
# - Move the point in the triangle. A corner takes one block of codewords; between corners the decoder reads a *mixture* of the blocks, Σ e_n · table_n, and negative and positive may mix. The map shows it: categories keep their brightness, the hue changes.
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
# Eq. P2 fixes how likely each category is in each frame. It says nothing about whether frame 11 may draw anew what frame 10 has just drawn. If every frame draws anew, the face trembles. So the uniform numbers behind the Gumbel noise change slowly, while each frame's distribution stays exactly what it was.
#
#  In `listener` every third head moves fast, every third slowly, the others between, at the pace of their
# training, where a draw stays for 4, 12 or 50 frames and then jumps (option `holds`, see [why a listener stands still](05b-standing-still.ipynb)). White normal noise is smoothed by a Gaussian kernel, and Φ makes it uniform again:

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
# - **How decoders read U**: by value or through an embedding. Both are there; the embedding is the default ([why a listener stands still](05b-standing-still.ipynb) compares them).
# - **τ**, its schedule, and whether a response is drawn or takes the most probable category. Here: τ = 1, drawn; `temperature=0` takes the most probable.
# - **The relation of draws at neighbouring frames**, above.
# - **How many heads** a response needs. A model trained with `nested=True`, as `listener` is, sees random prefixes of its heads, so that `ELPResponder(model, heads=16)` can read the first 16 of
#   them at run time; [why a listener stands still](05b-standing-still.ipynb) measures what that costs.
# - **How many convolutions** the encoder has: the number is unreadable in our copy, five or eight. Option `convs`, by default 5.
# - **What else U does.** U also *tells* the decoders the emotion. Whether disjoint codes help beyond that needs a control that the paper lacks: codes without emotion, and $e$ handed to
#   the decoders directly. It is `space="V+e"`, beside the paper's own ablation `space="V"`, which has no emotion at all; both are measured in [why a listener stands still](05b-standing-still.ipynb).
# ```
#
# ## Summary
#
# - Base Space: one category for each head and frame, drawn by Gumbel noise, with a straight-through gradient (Eq. P2).
# - The emotion shifts categories into an interval of its own; U is as large as the Base Space, and the intervals are disjoint.
# - Eq. P2 fixes each frame alone. Draws that last keep a face from trembling.
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
#
# The value codings of 64 + 11 and 128 + 11, averaged. We ask the table:

# %% tags=["nbval-check-output"]
table = space.codeword_values(3, 64)
mixture = float(0.5 * table[1, 10] + 0.5 * table[2, 10])
print("codeword", round((mixture + 1) / 2 * 191 + 1))

# %% [markdown]
# That lies in the middle between the codewords of the two intervals. An `argmax` over the Transformed Space would have to choose one of the two.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-space-why
# Why not simply hand the emotion to the decoders beside the codes of the Base Space? What would that change in the worked example, and what does the measurement say?
# ```
#
# ```{solution} ex-space-why
# :class: dropdown
# The codes would stay in 1 to V, and the decoders would learn from $e$ what the interval tells them now. In the worked example both tables would show the same numbers. Measured as `space="V+e"`, this control cannot be told from U by its distance ([results](08-results.ipynb)): disjoint codes are one way to tell the decoders the emotion, not a better one.
# ```
#
# ## Further reading
#
# Draws with a gradient: [Jang et al. (2017)](references.bib#jang2017gumbel), [Maddison et al. (2017)](references.bib#maddison2017concrete), [Bengio et al. (2013)](references.bib#bengio2013straightthrough). Discrete codes learned as a dictionary: [van den Oord et al. (2017)](references.bib#vandenoord2017vqvae).
