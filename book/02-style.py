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
# # Style features
#
# **Question.** A listener does not copy the speaker's face; they react to *how* the speaker speaks: lively or flat, nodding or still.
# How can a few numbers for each frame describe that?
#
# After this page you can compute the paper's style feature by hand, choose its window, and say what it cannot see.
#
# ELP ([Song et al., 2023](references.bib#song2023elp)) adopts an idea of [Wu et al. (2021)](references.bib#wu2021style): the *style* of a movement is its spread over time. A mouth that stays open and one that
# stays shut have the same style; a mouth that opens and shuts has another.

# %%
import numpy as np
import plotly.graph_objects as go
import torch

from elp.book import figures
from elp.model import style
from elp.simulator import simulate
from elp.face.model import FaceModel
from elp.model.encoders import AudioEncoder

figures.setup()

# %% [markdown]
# ## The formula
#
# Each frame of the speaker is described by four parts, laid side by side (⊕):
#
# $$s_{sty}(t) = a(t) \oplus \sigma(\beta(t)) \oplus \sigma\!\left(\frac{\partial \beta(t)}{\partial t}\right) \oplus \sigma\!\left(\frac{\partial p(t)}{\partial t}\right) \tag{P1}$$
#
# $a(t)$ are 128 audio features, which a network learns from 29 mel-frequency cepstral coefficients (MFCC) of each frame: a short description of the spectrum of the voice, spaced as the ear hears pitch ([Davis and Mermelstein, 1980](references.bib#davis1980mfcc)). $\beta$ are the 100 expression coefficients, $p$ the six numbers of head pose, and $\sigma$ is the standard deviation over time.
# That makes 128 + 100 + 100 + 6 = 334 numbers a frame. All of it except $a(t)$ needs no learning, and takes only a few lines:

# %% tags=["remove-input"]
from elp.model.style import motion_style

figures.source(motion_style)

# %% [markdown]
# The derivative looks backwards, so that it can be computed while the speaker is still speaking:

# %% tags=["remove-input"]
from elp.model.style import derivative

figures.source(derivative)

# %% [markdown]
# ## A speaker to look at
#
# We take six seconds of a simulated speaker ([Simulated dyads](04-corpus.ipynb) explains how they are made) and watch one coefficient, the opening of the jaw.

# %%
import tempfile

folder = tempfile.TemporaryDirectory()
corpus = simulate(f"{folder.name}/talk", "tiny", seed=3, audio=False)
pairs = corpus.pairs("train")
speaker = corpus.speaker(pairs.loc[pairs["length"].idxmax()])
jaw = FaceModel.default().index("jaw_open")
beta, pose = (
    torch.from_numpy(x) for x in (speaker.motion.beta, speaker.motion.pose)
)
seconds = np.arange(len(speaker)) / 25

# %% tags=["nbval-check-output"]
features = style.motion_style(beta, pose)
width = features.shape[1] + AudioEncoder.width
print(f"motion style: {tuple(features.shape)} with audio: {width}")

# %% [markdown]
# ## Which window?
#
# A standard deviation is taken over some frames, and the formula does not say over which. Here are four answers for the jaw. Click on a name in the legend to hide or show its curve.

# %% tags=["hide-input"]
windows = {"9 frames": 9, "25 frames": 25, "75 frames": 75, "clip": "clip"}
fig = go.Figure(
    go.Scatter(
        x=seconds,
        y=beta[:, jaw] - beta[:, jaw].mean(),
        name="jaw opening",
        line={"color": figures.INK, "width": 1},
    )
)

# %% tags=["hide-input"]
for name, window in windows.items():
    fig.add_scatter(
        x=seconds,
        y=style.sigma(beta, window)[:, jaw],
        name=f"σ over {name}",
    )
fig = fig.update_layout(xaxis_title="seconds", yaxis_title="β of the jaw")

# %% tags=["hide-input"]
figures.show(
    fig,
    name="windows",
    caption=(
        "Opening of a simulated speaker's jaw (thin, around its mean) and "
        "its standard deviation over four windows. A short window follows "
        "bursts of speech, a long one only says how lively the speaker is."
    ),
    alt=(
        "Line chart: the nine-frame deviation rises with bursts of speech "
        "and drops to almost 0 in pauses, the one-second window changes "
        "slowly and sags around pauses, the clip's is constant."
    ),
)

# %% [markdown]
# A window of nine frames follows bursts of speech and drops in every pause. One of a second smooths over them, dips only a little around pauses, and says how lively the speaker is just now. The whole clip gives one number, repeated.
# The package's default is **25 frames**, one second.

# %% tags=["remove-input"]
from elp.model.style import sigma

figures.source(sigma)

# %% [markdown]
# ## A window that does not look ahead
#
# A centred window knows what comes half a second later. A listener in a live conversation does not. `causal=True` uses past frames only; the price is a delay, the same curve half a window late.

# %% tags=["hide-input"]
centred, causal = (
    style.sigma(beta, 25, causal=late)[:, jaw] for late in (False, True)
)
fig = go.Figure()
fig.add_scatter(x=seconds, y=centred, name="centred")
fig.add_scatter(x=seconds, y=causal, name="causal")
fig = fig.update_layout(
    xaxis_title="seconds", yaxis_title="σ of the jaw, 25 frames"
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="causal",
    caption=(
        "The same deviation from a centred window and from one that ends "
        "at the frame itself."
    ),
    alt=(
        "Two curves of the same shape; the causal one comes about half a "
        "second later."
    ),
)

# %% tags=["nbval-check-output"]
inner, end = centred[30:-30], len(causal) - 30
error = [
    float((inner - causal[30 + k : end + k]).abs().mean())
    for k in range(25)
]
lag = int(np.argmin(error))
print("the causal window lags by", lag, "frames")
assert lag == 12

# %% [markdown]
# Twelve frames are 0.48 s: half the window. A model for live use is therefore trained with the causal window from the start ([A listener that follows](05c-following.ipynb)).
#
# ## Two properties worth testing
#
# Style ignores *where* the face is and follows *how much* it moves. Both can be read off the formula, and both are tests of the package.

# %%
level = torch.allclose(style.sigma(beta + 3), style.sigma(beta), atol=1e-4)
scale = torch.allclose(
    style.sigma(2 * beta), 2 * style.sigma(beta), atol=1e-4
)
at_rest = style.motion_style(torch.ones(1, 50, 100), torch.ones(1, 50, 6))
still = float(at_rest.abs().max())

# %% tags=["nbval-check-output"]
print(
    f"level ignored: {level} · scale followed: {scale} · "
    f"a still face: {still}"
)
assert level
assert scale

# %% [markdown]
# ```{admonition} What the paper leaves open
# :class: note
# - **The window of σ.** "Frame by frame", no length. Option `window`: a number of frames (default 25) or `"clip"`; causal or centred. Its effect on the trained model is measured in [Why a listener stands still](05b-standing-still.ipynb).
# - **β and p themselves.** Eq. P1 names deviations only, so that a lasting smile and a face at rest look alike. Option `raw_motion` passes both on beside the style, and without it no ELP of ours follows a smile ([A listener that follows](05c-following.ipynb)).
# - **The audio network.** "The first 16 layers of ResNet-50", from 29 to 128 channels. A two-dimensional ResNet ([He et al., 2016](references.bib#he2016resnet)) has no such layer; the
#   one-dimensional one of [Wu et al. (2021)](references.bib#wu2021style) does: 16 convolutions of width three, 48, 64 and 128 channels. That is what `AudioEncoder` is, with stride one so that
#   every video frame keeps its own feature, and with layer normalisation.
# - **Units.** β and p are standardised with the statistics of the training split, and so is the finished style. Otherwise the deviations of velocities, more than ten times as large as those of positions, would drown the rest.
# ```
#
# ## Summary
#
# - Style is how much, not where: the standard deviation of expression, and of the speed of expression and head, beside 128 learned features of the voice.
# - The window decides whether style follows bursts of speech or the general liveliness; 25 frames is our default. A causal window costs half its length in delay.
# - A smile that lasts is invisible to it.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-style-nod
# Which of the four parts of Eq. P1 notices a speaker who nods with an otherwise still face?
# ```
#
# ```{solution} ex-style-nod
# :class: dropdown
# Only $\sigma(\partial p/\partial t)$, six numbers. It does not see a head that is held at an angle, and it hardly sees a slow turn, which a term $\sigma(p)$ would notice.
# ```
#
# ```{exercise}
# :label: ex-style-double
# Someone speaks twice as fast with the same movements. What happens to $\sigma(\beta)$ and to $\sigma(\partial\beta/\partial t)$ over a whole clip?
# ```
#
# ```{solution-start} ex-style-double
# :class: dropdown
# ```
#
#
# $\sigma(\beta)$ stays the same, since the same positions are visited; $\sigma(\partial\beta/\partial t)$ doubles. We check it on a sine by leaving out every second frame:

# %% tags=["nbval-check-output"]
smooth = torch.sin(torch.arange(1000) / 40.0)[:, None]
fast = smooth[::2]
ratios = [
    float(
        style.sigma(f(fast), "clip").mean()
        / style.sigma(f(smooth), "clip").mean()
    )
    for f in (lambda x: x, style.derivative)
]
print(f"positions × {ratios[0]:.2f}, velocities × {ratios[1]:.2f}")

# %% [markdown]
# A real jaw gives less than two: at 25 frames a second its fastest movements are cut off.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-style-smile
# A speaker smiles for the whole clip without moving, another never smiles. What does Eq. P1 say about the difference? What does that mean for a listener who should smile back?
# ```
#
# ```{solution} ex-style-smile
# :class: dropdown
# Nothing at all: both faces deviate by 0. A listener that knows only this style cannot smile back, which [A listener that follows](05c-following.ipynb) measures.
# ```
#
# ## Further reading
#
# Style as the spread of a movement: [Wu et al. (2021)](references.bib#wu2021style). MFCC: [Davis and Mermelstein (1980)](references.bib#davis1980mfcc).
