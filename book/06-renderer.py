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
# # The renderer
#
# **Question.** We have one picture of a person and a motion: expression $\beta(t)$, head pose $p(t)$, blinks $\varphi(t)$. What does this person look like while making this motion?
#
# After this page you can follow a pixel from the portrait to a frame, say what one picture cannot show and what has to be invented, and compute the blink control of the paper's Section 3.4.
#
# The paper trains a network for this, and so do we at the end of this page. Our first renderer learns nothing: it moves the picture itself. The picture is laid onto the fitted face mesh, the mesh makes the motion, and each pixel of the new frame looks up where in the portrait its piece of skin was. What one picture cannot show (the white of the eye behind a lid, the inside of the mouth, the wall behind the head) has to be invented, and we say where.

# %%
import cv2
import numpy as np
import plotly.graph_objects as go
from skimage import data

from elp.book import figures
from elp.motion import FPS, Motion
from elp.render import Portrait, WarpRenderer, blink_control, render

figures.setup()

# %% [markdown]
# ## From a portrait to a mesh
#
# `Portrait.load` finds the face, crops a square around it, tracks the 478 points and fits the face model of [Parameter extraction](01-extraction.ipynb) to this single
# frame. The fit gives each point a *depth*. MediaPipe's small segmentation network ([Lugaresi et al., 2019](references.bib#lugaresi2019mediapipe)), run by LiteRT, separates the person from the wall, and the cut is refined along the picture's edges. The result, a number between 0 and 1 for each pixel, is called the *matte*.

# %% tags=["nbval-check-output"]
portrait = Portrait.load(data.astronaut())
model = portrait.model
renderer = WarpRenderer(portrait)
print(portrait.image.shape, portrait.points.shape, portrait.depth.shape)
depth = portrait.depth[[234, 454]].mean() - portrait.depth[1]
print(f"the nose is {depth:.0f} cm nearer than the ears")

# %% [markdown]
# The mesh does not end with the face. Ten rings of points continue it over hair and neck to the edge of the picture and beyond: the skull's silhouette lies deeper than the cheeks, and below the head the movement fades gradually, so that the outer shoulders stay in place. Nothing is ever torn off, because the whole picture is *one* triangulation.

# %%
rest = renderer.rig.rest
canvas = cv2.resize(portrait.image, (512, 512)).copy()
edges = np.round(rest[renderer.rig.triangles] * 16).astype(np.int32)
weight = renderer.rig.weight[renderer.rig.triangles].mean(1)[:, None]
colour = (weight * [40, 200, 120] + (1 - weight) * [230, 90, 40]).tolist()
for triangle, ink in zip(edges, colour, strict=True):
    cv2.polylines(canvas, [triangle], True, ink, 1, cv2.LINE_AA, 4)

# %% tags=["hide-input"]
figures.image(
    cv2.resize(canvas, (320, 320), interpolation=cv2.INTER_AREA),
    name="mesh",
    caption=(
        "The mesh over the whole picture. Green follows the head, orange "
        "stays with the picture, between them motion fades."
    ),
    alt=(
        "The astronaut Eileen Collins under a triangle mesh: dense and "
        "green on face and hair, turning orange on the shoulders and at "
        "the lower edges."
    ),
)

# %% [markdown]
# ## The re-posing
#
# Let $\pi$ project a point of camera space to the picture. Vertex $i$ was tracked at $\mathbf{x}_i$; with its depth $z_i$ it is the point
# $\mathbf{X}_i = z_i\,(\mathbf{x}_i, 1)$ in units of the focal length, so $\pi(\mathbf{X}_i)=\mathbf{x}_i$ exactly. The motion adds an expression
# $\Delta\mathbf{S}_i = \sum_k \beta_k \mathbf{B}_{k,i}$, turned by the portrait's own rotation $R_0$, and moves the head about its centre $\mathbf{o}$:
#
# $$
# \begin{aligned} \mathbf{x}'_i &= \mathbf{x}_i + w_i \big[ \pi(\mathbf{X}'_i) - \pi(\mathbf{X}_i) \big], \\
# \mathbf{X}'_i &= R\,(\mathbf{X}_i + R_0\,\Delta\mathbf{S}_i - \mathbf{o}) + \mathbf{o} + \mathbf{t}, \\
# R &= R_0\, R(p)\, R_0^{\top}. \end{aligned} \tag{6.1}$$
#
# The weight $w_i$ is what the colour of the mesh above shows, and $\mathbf{t}$ the motion's translation. $R$ is the motion's rotation in the *head's own* axes: a nod stays a nod when the portrait looks to one side. For $\beta = 0$ and $p = 0$ the bracket vanishes: at rest, the frame *is* the portrait, whatever the errors of the fit. (Lids are left out of $\Delta\mathbf{S}$ and closed along this portrait's own lid lines; points that the portrait hardly shows follow their neighbours.)

# %% tags=["remove-input"]
from elp.render.warping import WarpRenderer

figures.source(WarpRenderer.vertices)

# %% [markdown]
# That the frame at rest is the portrait can be checked, up to rounding.

# %% tags=["nbval-check-output"]
zero = np.zeros(len(model.expression)), np.zeros(6)
still = renderer.frame(*zero)
picture = cv2.resize(
    portrait.image, (256, 256), interpolation=cv2.INTER_AREA
)
difference = np.abs(still.astype(int) - picture.astype(int)).max()
print("largest difference at rest, of 255, is at most 1:", difference <= 1)
assert difference <= 1

# %% [markdown]
# Now we move it: nod, turn and tilt by 12 degrees.

# %%
turns = np.deg2rad(
    [
        [12, 0, 0],
        [-12, 0, 0],
        [0, 12, 0],
        [0, -12, 0],
        [0, 0, 12],
        [0, 0, -12],
    ]
)
frames = [renderer.frame(zero[0], np.r_[turn, 0, 0, 0]) for turn in turns]

# %% tags=["hide-input"]
sheet = np.vstack([np.hstack(frames[:3]), np.hstack(frames[3:])])
smaller = cv2.resize(sheet, (570, 380), interpolation=cv2.INTER_AREA)

# %% tags=["hide-input"]
figures.image(
    smaller,
    name="turns",
    caption=(
        "Pitch +12° and −12°, yaw +12°, yaw −12°, roll +12° and −12°. The "
        "wall stays where it is; the collar near the neck is drawn along, "
        "the shoulders below hardly."
    ),
    alt=(
        "Six views of the astronaut: looking down, up, to her right, to "
        "her left, tilted to either side; the background is unmoved, the "
        "collar of the suit bends with the head."
    ),
)

# %% [markdown]
# The eyes do not turn with the head. They turn back by most of its angle, as ours do when we look at somebody and nod (the vestibulo-ocular reflex). If the irises were fixed to the head, the person would look blind.
#
# ## From vertices to pixels
#
# The moved triangles are painted from far to near into a map that says for each pixel which triangle covers it. Within a triangle, the map back to the portrait is affine, so one look-up per pixel gives its source. One `remap` then gives the colours.

# %% tags=["remove-input"]
from elp.render.warp import Warp

figures.source(Warp.__call__)

# %% [markdown]
# The picture is composed of layers, from back to front.

# %%
face = {
    "smile_l": 0.5,
    "smile_r": 0.5,
    "blink_l": 0.55,
    "blink_r": 0.55,
    "jaw_open": 0.35,
}
beta = np.zeros(len(model.expression))
for name, share in face.items():
    beta[model.index(name)] = share * model.full[model.index(name)]

# %% tags=["hide-input"]
layers = renderer.layers(beta, np.r_[np.deg2rad([4, -8, 8]), 0, 0, 0])
figures.image(
    np.hstack(list(layers.values())),
    name="layers",
    caption=f"Layers, each with those before it: {', '.join(layers)}.",
    alt=(
        "Four pictures: the empty wall, smooth where the head was; the "
        "tilted head on it; the same with half-closed eyes; the same with "
        "an open mouth."
    ),
)

# %% [markdown]
# - **Background.** Behind the person the wall is continued: mirrored at the person's outline, smooth further in. Only a narrow band of it is
#   ever uncovered. It never moves, so straight lines stay straight.
# - **Person.** With $I$ the portrait, $B$ the background and $\alpha$ the matte, the layer stores $P = I - (1-\alpha) B$ and is composed as $P + (1-\alpha) B$. At rest this is $I$, however bad the matte
#   is. Since $P$ cannot be negative, $\alpha$ is at least $1 - I/B$ where $I$ is darker than the wall, so a dark wisp that the matte missed moves with the hair. The layer has twice the picture's resolution, so that it keeps its contrast.
# - **Light**, a factor on the person's skin (see the next section).
# - **Eyes.** The lids do not squeeze the eyeball. It is a layer of its own, continued behind them; the upper lid slides over it as a
#   sheet of skin, coloured like the skin between crease and brow, with a line of lashes.
# - **Mouth.** If the portrait shows teeth, they stay with the skull while the lips move. If it does not, invented teeth and a tongue appear, in the portrait's light, as the mouth opens.
#   Lips that touch are soft: a very small opening only relieves their pressure.
#
# ## Light
#
# A warp carries the portrait's light along: a cheek that a smile lifts keeps the brightness of a flat one. So we fit a simple light, partly from everywhere and partly from one side, to the portrait's own skin: $L(\mathbf{n}) = a + \mathbf{b}\cdot\mathbf{n}$, with $\mathbf{n}$ the normal of the skin. Each place is multiplied by $L(\mathbf{n}')/L(\mathbf{n})$, the light on its normal now over that at rest. At rest this is 1.
# The ratio is drawn softly towards 1, since hair and neck are not relit, and left out where skin is overexposed.
#
# Folds, which a mesh of 468 points does not have, are drawn as soft lines beside the nose, under the eyes and between the brows, with a strength that β determines (`elp.render.shade`).

# %%
unlit = WarpRenderer(portrait, shade=False)
smiling = model.beta(smile_l=0.7, smile_r=0.7, squint_l=0.5, squint_r=0.5)
knit = model.beta(
    brow_down_l=2, brow_down_r=2, squint_l=1, squint_r=1, press=0.5
)
rows = [
    np.hstack([r.frame(face, zero[1]) for face in (smiling, knit)])
    for r in (unlit, renderer)
]

# %% tags=["hide-input"]
figures.image(
    cv2.resize(np.hstack(rows), (800, 200), interpolation=cv2.INTER_AREA),
    name="light",
    caption=(
        "A broader smile and lowered brows: the portrait's light carried "
        "along (left two), and cast anew (right two)."
    ),
    alt=(
        "Four faces of the astronaut; in the right two the lines beside "
        "her nose and between her brows are darker."
    ),
)

# %% [markdown]
# ## Faces
#
# Now we ask for single movements of the face:

# %%
faces = {
    "smile": ("smile_l", "smile_r"),
    "frown": ("frown_l", "frown_r"),
    "brows up": ("brow_inner_up", "brow_outer_up_l", "brow_outer_up_r"),
    "eyes shut": ("blink_l", "blink_r"),
    "lips parted": ("jaw_open",),
    "pucker": ("pucker",),
}
frames = []
for names in faces.values():
    beta = np.zeros(len(model.expression))
    rows = [model.index(name) for name in names]
    beta[rows] = model.full[rows] * (0.4 if names == ("jaw_open",) else 1.0)
    frames.append(renderer.frame(beta, zero[1]))

# %% tags=["hide-input"]
sheet = np.vstack([np.hstack(frames[:3]), np.hstack(frames[3:])])
figures.image(
    cv2.resize(sheet, (570, 380), interpolation=cv2.INTER_AREA),
    name="faces",
    caption=(
        "Named directions asked for in full (the jaw at 0.4): "
        f"{', '.join(faces)}. The limits of the next section hold a part "
        "of the smiles and brows back."
    ),
    alt=(
        "Six faces of the astronaut: broader smile, a weaker "
        "smile, raised brows, closed eyes, lips parted, a narrower smile."
    ),
)

# %% [markdown]
# The astronaut smiles already. Her smile can still become broader, within limits (next section), and a full frown weakens it.
#
# ## Soft limits
#
# A picture taken from the front does not show the ears, and no mouth is wider than the face, so motion has limits. Up to three quarters of a limit it is unchanged; beyond that it is compressed, so that it approaches the limit and never passes it. A hard limit would stop a nod abruptly; this one slows it down.
#
# Limits of the face are set for measures of the face, not for coefficients. A single picture of a neutral face may be fitted as half a smile, and real smiles reach 1.8 times the named direction. So the width of the mouth, its corners, the parting of the lips and the height of the brows, in units of the distance between the eyes, stay within what people show. Where β asks for more, the likeliest smaller β is taken. A head that moves farther than its neck allows takes the shoulders along.

# %% tags=["remove-input"]
from elp.render.limits import saturate

figures.source(saturate)

# %%
from elp.render.limits import TURN, pose_limits, saturate

asked = np.linspace(-45, 45, 181)

# %% tags=["hide-input"]
fig = go.Figure()
for label, own in {
    "portrait from the front": 0.0,
    "portrait that looks 30° aside": np.deg2rad(30),
}.items():
    low, high = pose_limits(np.array([0.0, own, 0.0]))
    fig.add_scatter(
        x=asked,
        y=np.rad2deg(saturate(np.deg2rad(asked), low[1], high[1])),
        name=label,
    )
fig = fig.update_layout(
    xaxis_title="yaw asked for, degrees", yaxis_title="yaw shown, degrees"
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="limits",
    caption=(
        "Soft limits of yaw. A head that already looks aside may turn "
        "back, but hardly any farther: its far cheek would fold."
    ),
    alt=(
        "Two curves: straight near zero and levelling off at plus and "
        "minus 32 degrees; the second levels off at minus 26 and plus 9 "
        "degrees."
    ),
)

# %% tags=["nbval-check-output"]
pitch, yaw, roll = np.rad2deg(TURN)
print(
    f"most, from the front: pitch ±{pitch:.0f}°, yaw ±{yaw:.0f}°, "
    f"roll ±{roll:.0f}°"
)

# %% [markdown]
# ## Blink control
#
# ELP's decoder says *when* the eyes are shut, $\varphi(t) \in \{0, 1\}$; the face model knows *how*: $\beta_e$ closes the lids. Section 3.4 of
# [Song et al. (2023)](references.bib#song2023elp) joins them. Each run of ones is a group of length $L$. With $\beta_1$ and $\beta_2$ the eyelid coefficients at its start and end,
#
# $$
# \begin{aligned} \beta(k) &= \begin{cases} (1-w_k)\,\beta_1 + w_k\,\beta_e & k < L/2 \\ (1-w_k)\,\beta_2 + w_k\,\beta_e & k \ge L/2 \end{cases} \\
# w_k &= \frac{\min(k + 1,\; L - k)}{\lceil L/2 \rceil} \end{aligned} \tag{6.2}$$
#
# for $k = 0 \dots L-1$, on the eyelid directions only. One can read the text so that the first and last frame stay at $\beta_1$ and $\beta_2$ themselves. Then a blink of one or two frames would never close the eyes, and few blinks would close them entirely. We let the lids move in the first frame already. Both close alike, as people's lids do; only differences large enough for a wink are shown.

# %% tags=["remove-input"]
from elp.render.blink import blink_control

figures.source(blink_control)

# %%
phi = np.zeros(50, np.uint8)
phi[5:6] = phi[14:16] = phi[24:29] = phi[36:46] = 1
column = model.index("blink_l")
closed = blink_control(np.zeros((50, len(model.expression))), phi, model)
lids = closed[:, column] / model.full[column]
literal = np.zeros(50)
for start, length in ((5, 1), (14, 2), (24, 5), (36, 10)):
    k = np.arange(length)
    literal[start : start + length] = (
        2 * np.minimum(k, length - 1 - k) / length
    )

# %% tags=["hide-input"]
fig = go.Figure()
fig.add_bar(x=np.arange(50), y=phi, name="φ", marker_color=figures.LINE)
fig.add_scatter(
    x=np.arange(50), y=lids, mode="lines+markers", name="blink control"
)
fig = fig.add_scatter(
    x=np.arange(50),
    y=literal,
    mode="lines",
    line_dash="dot",
    name="ends at β₁ and β₂",
)

# %% tags=["hide-input"]
fig.update_layout(xaxis_title="frame", yaxis_title="closure of the lids")
figures.show(
    fig,
    name="blink",
    caption=(
        "Closure of the lids, 0 open to 1 shut (β<sub>e</sub>), for "
        "blinks of 1, 2, 5 and 10 frames."
    ),
    alt=(
        "Grey bars mark four runs of phi. The blink control curve reaches "
        "1 in each; the other reading reaches 0, 0, 0.8 and 0.8."
    ),
)

# %% tags=["nbval-check-output"]
peaks, others = (
    [float(run.max().round(1)) for run in np.split(x, [10, 20, 32])]
    for x in (lids, literal)
)
print("every run closes:", peaks)
print("ends at β₁ and β₂:", others)
assert peaks == [1.0] * 4

# %% [markdown]
# ## A person, not a mask
#
# A face that only makes the given motion looks lifeless. So `Manner` adds five things to every answer of `elp respond`. The motion starts from the portrait's own face and takes over within half a second. Half of a strong expression that the picture clearly shows (an open mouth, a deep frown) is taken away. The expression that was asked for is strengthened. The shoulders breathe and follow the head. And the eyes move.
#
# Why is the expression strengthened? In the drawn pictures a tracker finds less of it than was asked for, least of all of lowered brows, which are a matter of a millimetre or two. They are strengthened most, if they last (a mood, not a twitch), and the whole upper face frowns with them; lowered brows alone would look slanted, and lip corners alone like a grimace.
#
# Between blinks the lids close by a fifth at most: φ shuts the eyes, and lids that β lowers further look drowsy. `--vivid 1` leaves β unchanged, except for the lids. The effect is measured below.
#
# The eyes fixate and jump as those of people in video calls. Durations and steps come from 19 people (psyberlab, *Eye gaze during conversation*, Apache-2.0). How much of the time the partner is looked at, and for how long at a stretch, are constants for which we have no source.

# %% tags=["nbval-check-output"]
from elp.render import gaze

for role, how in {
    "listening": gaze.LISTENING,
    "speaking": gaze.SPEAKING,
}.items():
    print(
        f"{role}: {how.fixation:.2f} s a fixation, {how.step:.1f}° a step, "
        f"on the partner {how.partner:.0%} of the time, "
        f"{how.episode:.1f} s at a stretch"
    )

# %%
path = np.rad2deg(gaze.path(500, seed=1))
t = np.arange(500) / FPS

# %% tags=["hide-input"]
fig = go.Figure()
fig.add_scatter(x=t, y=path[:, 0], name="to the right")
fig.add_scatter(x=t, y=path[:, 1], name="down")
fig = fig.update_layout(
    xaxis_title="time, s", yaxis_title="from the partner's eyes, degrees"
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="gaze",
    caption=(
        "Where a listener looks in twenty seconds. Small steps stay on the "
        "partner's face, large ones leave it."
    ),
    alt=(
        "Two stepped curves within two degrees of zero that leave for "
        "four to ten degrees now and then."
    ),
)

# %% [markdown]
# ## A short answer
#
# Three seconds of listening: two nods, a turn, a tilt, a smile with raised brows that comes and goes, one blink. `render` yields one frame after the other in constant memory, however long the motion is, and writes *synthetic* into the corner.

# %%
t = np.arange(75) / FPS
beta, pose = np.zeros((75, len(model.expression))), np.zeros((75, 6))
rows = [
    model.index(name) for name in ("smile_l", "smile_r", "brow_inner_up")
]
beta[:, rows] = np.outer(
    0.5 - 0.5 * np.cos(2 * np.pi * t / 3), model.full[rows]
)
pose[:, 0] = np.deg2rad(7) * np.sin(2 * np.pi * 1.5 * t) * (t < 4 / 3)
pose[:, 1] = np.deg2rad(5) * np.sin(2 * np.pi * t / 3)
pose[:, 2] = np.deg2rad(6) * np.sin(np.pi * t / 3) ** 2
motion = Motion(beta=beta, pose=pose, blink=(t > 1.5) & (t < 1.7))

# %% tags=["hide-input"]
figures.image(
    list(render(portrait, motion)),
    name="answer",
    caption=(
        "Three seconds of a listener, from one photograph (NASA, public "
        "domain). The word in the corner says that it is no recording."
    ),
    alt=(
        "Animation: the astronaut nods twice, blinks, tilts her head and "
        "smiles, in front of a wall that stays still."
    ),
)

# %% [markdown]
# Its speed was measured on one core by `benchmarks/render.py`; real time is 25 frames per second.

# %%
from elp.book import results

speed = results.read("render")
for row in speed["render"]:
    print(
        f"{row['size']} pixels: {row['frames_per_second']} frames per "
        "second on one core"
    )

# %% [markdown]
# ## Does it do what was asked for?
#
# `experiments/renderer.py` tracks the drawn pictures again. Four clips of real people are redrawn from their own first frame and motion. How far are the tracked points from the true ones, compared with a still picture? How similar are the pictures (structural similarity, SSIM)? And how much of the widest smile is there?

# %%
seen = results.read("renderer")["clips"]["rows"]
for name, clip in seen.items():
    row = clip["limits"]
    print(
        f"{name}: {row['ratio']:.0%} of the still's distance, SSIM "
        f"{row['ssim']:.2f} (still {row['still_ssim']:.2f}), "
        f"smile {row['smile_of_true']:.0%}"
    )

# %% [markdown]
# The points follow closely, least in lp_d18, where little moves. The smile arrives whole in two clips, and to 74 % and 82 % in the others.
#
# And does a face show the emotion that was asked for? `experiments/portraits.py` lets portraits answer one speaker under every emotion and tracks the pictures again. A classifier trained on simulated listeners then says which emotion the face shows, relative to the same face at rest. The portraits are paintings, photographs, first frames of clips, and drawn people; none of them was used to choose a constant.

# %%
found = results.read("portraits")
for name, part in found.items():
    read = ", ".join(f"{e} {x:.0%}" for e, x in part["read"].items())
    print(f"{name}, vivid {part['vivid']}: read rightly: {read}")
    for share in ("smile", "frown", "brow_down"):
        print(f"  of {share} arrives {part[f'{share}_arrives']:.0%}")

# %%
shown = found["shown"]
print(
    f"{shown['people']} portraits, of blinks found: "
    f"{shown['blinks_found']:.0%}"
)
for part in ("read_all", "told_apart"):
    read = ", ".join(f"{e} {x:.0%}" for e, x in shown[part].items())
    print(f"{part}: {read}")

# %% [markdown]
# With strengthening (`shown`) the classifier reads every emotion rightly; without it (`plain`), it never reads negative. A classifier trained on the *other* portraits' re-tracked faces tells the three faces apart, too (`told_apart`). Lowered brows arrive at more than twice the strength that was asked for. `read_all` also gives the classifier the unnamed modes, which hold what the tracker sees of a person's own shape, and is right less often.
#
# The strength of a frown was set twice: the first setting did worse on these portraits (`first_setting` in the result file); the second was chosen on portraits that are not counted here. Blinks are missed if a head looks far aside or if the eyes are narrow already, as behind thick glasses.
#
# `relax` takes away a part of the portrait's own expression, where it is strong beyond doubt: an open mouth, or more than half of a named direction. Here is the share of it that a tracker still finds:

# %%
for relax, left in shown["own_left"].items():
    print(f"relax {relax}: {left:.0%} of its own expression is left")

# %% [markdown]
# More would be closer to a neutral face, but a mouth that is pushed shut over its teeth looks pinched. With a half, we found, the portrait looks like the same person at ease.
#
# ## Where it breaks
#
# One picture shows only one side of a head. Without the limits we see what they prevent.

# %%
free = WarpRenderer(portrait, limits=False)
wide = np.zeros(len(model.expression))
wide[model.index("jaw_open")] = 1.0 * model.full[model.index("jaw_open")]
cases = {
    "yaw 40°": (zero[0], [0, 40, 0]),
    "pitch 35°": (zero[0], [35, 0, 0]),
    "jaw wide open": (wide, [0, 0, 0]),
}

# %%
frames = [
    free.frame(b, np.r_[np.deg2rad(angles), 0, 0, 0])
    for b, angles in cases.values()
]

# %% tags=["hide-input"]
figures.image(
    np.hstack(frames),
    name="breaks",
    caption=f"Beyond the limits: {', '.join(cases)}.",
    alt=(
        "Three broken pictures: a face turned so far that the near cheek "
        "is flat and broad and the far one folds to a hard edge, a bowed "
        "head with squashed eyes and a dragged collar, a mouth whose "
        "tongue is a smooth hollow under her own teeth."
    ),
)

# %% [markdown]
# - **Large turns and profiles.** The near cheek is stretched, the far one folds; ears and the back of the head do not exist.
# - **Wide open mouths.** The inside is invented: a tongue in the portrait's light, and, if the portrait's lips are closed, teeth that do not look like the person's own.
# - **Glasses, hands, microphones** in front of the face bend with the skin as if painted on it. Where they hide the eyes, the eyes neither blink nor move, and a warning says so.
# - **Light.** Folds are drawn where most people have them; cast shadows and shine move with the skin, and hair is not relit.
# - **Hair and hats** are rigid; long hair slides into the shoulders.
#
# ## The paper's renderer
#
# ELP renders with the First Order Motion Model ([Siarohin et al., 2019](references.bib#siarohin2019fomm)): a network finds keypoints, guesses from them where each pixel of the new picture was in
# the portrait, and paints what the portrait does not show. Section 3.4 of [Song et al., 2023](references.bib#song2023elp) drives it with *mesh videos*, which show the shaded face model making the motion. `elp render MOTION.npz --mesh -o MESH.mp4` writes one.

# %%
from elp.render import mesh_frames

meshes = list(mesh_frames(motion, 256))

# %% tags=["hide-input"]
figures.image(
    np.hstack([meshes[k] for k in (0, 4, 12, 40, 55)]),
    name="mesh-video",
    caption=(
        "The same answer as a mesh video: frames 0, 4, 12, 40 and 55. In "
        "frame 40 the eyes are shut by blink control."
    ),
    alt=(
        "Five grey shaded faces: straight, nodding down, turned a little, "
        "eyes shut with a tilted smile, nearly straight again."
    ),
)

# %% [markdown]
# To train such a network one needs many people, each in several states, with a mesh for every picture. The authors use a corpus of videos. Ours learns from invented people: random identities of the face model, with a skull, hair, a neck, shoulders, skin, lamps and a wall behind. A GPU draws some hundreds of pictures a second, and the truth is known exactly.

# %%
from elp.render.mesh2video.studio import Studio

people = Studio(seed=4).film(3, 2, side=128).tensors
photos, greys = (
    np.hstack(
        people[name].flatten(0, 1).expand(-1, 3, -1, -1).permute(0, 2, 3, 1)
    )
    for name in ("photo", "mesh")
)

# %%
figures.image(
    np.vstack([photos, greys]),
    name="people",
    caption="Three simulated people in two states each, and their meshes.",
    alt=(
        "Six drawn portraits with plain features before coloured walls; "
        "below each the grey mesh of the same face, with white eyes and "
        "mouth."
    ),
)

# %% [markdown]
# ### Two ways to know the motion
#
# Our networks differ in how they get at the motion. Either way gives a list of candidate flows (where each pixel comes from), which a small network mixes, pixel by pixel, into one.
#
# - **Keypoints**, the paper's (`--renderer fomm`). A detector sees *mesh pictures only*: at places $\mathbf{p}^k$, with Jacobians $J^k$ that say how the
#   surroundings are turned and stretched, in the source $s$ and in the driving mesh $d$. Around keypoint $k$ the pixel $\mathbf{z}$ comes from
#
# $$
# \mathcal{T}^k(\mathbf{z}) = \mathbf{p}^k_s + J^k_s \,(J^k_d)^{-1} (\mathbf{z} - \mathbf{p}^k_d). \tag{6.3}$$
#
#   Without supervision, 32 keypoints take long to find what matters; ours are trained to be 32 known points of the mesh.
# - **The mesh itself** (`--renderer flow`). The motion of the mesh is known and need not be guessed. There are four candidates: *stay*; *skull and hair*, as rings around the face that
#   turn with the head; the same rings with a movement that *fades* towards the shoulders; and, for each pixel, the displacement of the piece of mesh that is seen there.
#
# All candidates are exactly zero where nothing moves. Everything else is the same in both networks. The portrait's features are moved along the flow and faded where an *occlusion map* says that the portrait does not show them. A decoder then mixes three layers for each pixel: the wall (continued behind the person), the warped portrait, and paint, the network's own colour.

# %% tags=["remove-input"]
from elp.render.mesh2video.network import mixed

figures.source(mixed)

# %% [markdown]
# A warp can open no eye and no mouth. So the decoder also sees a *hint*: the driving mesh and the source mesh, warped, in one channel each. Where they differ, something has opened.
#
# The fine texture that the network does not reproduce at rest is moved along and added, so that a motion of zeros shows the portrait itself, as all renderers must. The network works at 256 pixels; the portrait's own pixels are moved at any size.

# %%
from elp.render import prepare

network = prepare(portrait, 256, "flow")
spoken = model.beta(jaw_open=0.5, smile_l=0.3, smile_r=0.3)
turned = np.r_[np.deg2rad([4, -14, 6]), 0, 0, 0]
drawn, view = network.draw(spoken, turned)
shares = drawn.gates[0].permute(1, 2, 0).numpy()
difference = np.abs(network.frame(*zero).astype(int) - picture).max()
print("largest difference at rest:", difference)
assert difference <= 2

# %%
flow = cv2.resize(drawn.flow[0].permute(1, 2, 0).numpy(), (256, 256)) * 128
arrows = network.frame(spoken, turned) // 2 + 100
for y, x in np.mgrid[8:256:16, 8:256:16].reshape(2, -1).T.tolist():
    was = (flow[y, x] + (x, y)).round().astype(int).tolist()
    cv2.arrowedLine(arrows, was, (x, y), (180, 40, 0), 1, cv2.LINE_AA)
hidden = cv2.resize(drawn.occlusion[0, 0].numpy(), (256, 256))
grey = [
    np.repeat((255 * g[..., None]).astype(np.uint8), 3, 2)
    for g in (view.mesh[0, 0].numpy(), hidden)
]

# %%
panels = [
    grey[0],
    arrows,
    grey[1],
    (255 * shares).astype(np.uint8),
    network.frame(spoken, turned),
]

# %% tags=["hide-input"]
figures.image(
    np.hstack(panels),
    name="flow",
    caption=(
        "The driving mesh; the flow, from where each pixel was to where it "
        "is; the occlusion map; the shares of wall (red), portrait (green) "
        "and paint (blue); the frame."
    ),
    alt=(
        "A turned head five times: grey mesh; arrows; an even grey map; "
        "red wall, green person, blue mouth; the astronaut, mouth open."
    ),
)

# %% [markdown]
# The shares are easy to read: the wall stays, the person is moved, and only the mouth and some edges are painted. They have taken over the work of the occlusion map, which is hardly used. The flow over the wall means nothing, since the wall is not taken from there.
#
# ### Side by side
#
# How do the two kinds of renderer compare? First by eye:

# %%
asked = {
    "nod": ({}, [12, 0, 0]),
    "turn": ({}, [0, 18, 0]),
    "eyes shut": ({"blink_l": 1, "blink_r": 1}, [0, 0, 0]),
    "mouth open": ({"jaw_open": 0.7}, [0, 0, 0]),
    "frown, tilt": ({"frown_l": 1, "frown_r": 1}, [0, 0, 12]),
}

# %%
rows = [
    np.hstack(
        [
            r.frame(model.beta(**face), np.r_[np.deg2rad(angles), 0, 0, 0])
            for face, angles in asked.values()
        ]
    )
    for r in (renderer, network)
]

# %% tags=["hide-input"]
figures.image(
    cv2.resize(np.vstack(rows), (560, 224), interpolation=cv2.INTER_AREA),
    name="two-renderers",
    caption=(
        f"{', '.join(asked)}: above the portrait renderer, below the "
        "mesh flow that ships."
    ),
    alt=(
        "Two rows of the astronaut, nodding, turned, with shut eyes, with "
        "an open mouth, frowning and tilted; the rows differ most in the "
        "mouth and around the hair."
    ),
)

# %% [markdown]
# Then by numbers: first on simulated people who were not seen in training, then on four real clips (which are not part of this repository). Each clip's own motion drives its first frame, so that the truth is known for every frame. *Landmarks* is the mean distance, in pixels of 256, between the points that a tracker finds in the drawn and in the true frame. No training loss has used this tracker.

# %%
import pandas as pd

found = results.read("mesh2video")
columns = ["l1", "psnr", "ssim", "landmarks", "blink_r", "fps_16"]
simulated = pd.DataFrame(found["simulated"]["rows"]).T
figures.table(simulated.loc[simulated.index != "truth", columns].round(3))

# %%
clips = pd.DataFrame(
    {
        (clip, name): row
        for clip, rows in found["clips"].items()
        for name, row in rows.items()
    }
).T
columns = ["face_l1", "psnr", "ssim", "sharpness", "landmarks", "lips"]
figures.table(clips[columns].groupby(level=1, sort=False).mean().round(3))

# %% [markdown]
# How much of this is chance? Each design was trained three more times, from the start, on other simulated people, for about two minutes each; the rows give the least and the most of the three. The last two rows are *slim-flow* as it ships, and after six more minutes of training on further people. That is a little closer to the truth.

# %%
rows = {}
for name in ("flow", "slim-flow", "fomm"):
    three = pd.DataFrame([s["rows"][name] for s in found["seeds"]])
    rows[f"{name}, least"], rows[f"{name}, most"] = three.min(), three.max()
rows |= found["longer"]["rows"]
columns = ["l1", "psnr", "ssim", "landmarks", "blink_r"]
figures.table(pd.DataFrame(rows).T[columns].round(3))

# %% [markdown]
# On the real clips the mesh flows are closer to the truth by nearly all of these measures, and the portrait renderer is sharper. What each does badly, as seen in these clips at full size:
#
# - **The portrait renderer.** A mouth that opens beyond what the portrait shows is a dark hollow; wisps of hair are torn off and stay on the wall; where a person moves away from the
#   picture's edge, a sleeve is smeared.
# - **The mesh flow** opens mouths with teeth and tongue, but they are a simulated person's: over teeth that the portrait shows it paints a grey band. Closed lids are soft, with a shimmer of the eye behind them.
#   Skin and hair lose some of their fine texture, long hair gets waves along its edge, and a large shift uncovers a blur.
# - **Keypoints** follow least closely, above all with the lips: between 32 points the mixer must guess.
#
# The portrait renderer remains the default: it is the sharpest, and needs no network and little processor time.
# `elp respond --renderer flow` uses the mesh flow that ships, the row *slim-flow*, with half a million parameters. `elp train fomm --out RUN` trains the paper's design, on simulated people or on a folder
# of videos (`--corpus`), on one GPU or, under `torchrun`, on several.
#
# ```{admonition} What the paper leaves open
# :class: note
# The paper does not say how mesh videos are rasterised for the motion module, how long it was trained (on TalkingHead-1KH, at 256 × 256), what happens to blinks of one or two frames, and whether $\beta$ is added to the portrait's own expression or replaces it. We add it, within limits (`elp.render.limits`): the portrait's own face counts as its neutral one.
# ```

# %% [markdown]
# ## Aims and results
#
# The aims were set beforehand; every value is read from the result files above.

# %%
limited = {name: clip["limits"] for name, clip in seen.items()}
ratio = {name: row["ratio"] for name, row in limited.items()}
smiles = {name: row["smile_of_true"] for name, row in limited.items()}
d18 = limited["lp_d18"]
fps = {r["size"]: r["frames_per_second"] for r in speed["render"]}
aims = [
    ("points, worst clip", "at most 0.33", max(ratio.values())),
    ("points, s29", "at most 0.10", ratio["lp_s29"]),
    ("SSIM, d18", f"{d18['still_ssim']:.3f}", d18["ssim"]),
    ("smile, least", "0.80", min(smiles.values())),
    ("uneven lids, frames", "0", shown["lids_differ"]),
    ("blinks found", "0.95", shown["blinks_found"]),
]

# %%
aims += [(f"{e} read", "0.90", x) for e, x in shown["read"].items()]
aims += [("frames a second, 256", "100", fps[256])]
aims += [("frames a second, 512", "50", fps[512])]
nets = simulated.loc[["flow", "slim-flow", "fomm"]]
aims += [("networks, batch 16", "300", nets["fps_16"].min())]
aims += [("networks, batch 1", "60", nets["fps_1_graph"].min())]
for part in ("clips", "drawn"):
    both = [(r["slim-flow"], r["warp"]) for r in found[part].values()]
    for what in ("l1", "landmarks"):
        won = sum(net[what] < warp[what] for net, warp in both)
        aims.append((f"{part}, slim-flow nearer: {what}", len(both), won))
names = ["aim", "asked", "measured"]
aims = [(aim, asked, f"{x:.4g}") for aim, asked, x in aims]
figures.table(pd.DataFrame(aims, columns=names).set_index("aim"))

# %% [markdown]
# Missed, and why:
#
# - *Smile, least*: in clip s18, whose widest smile is hardly wider than its first frame, so that one pixel decides. The other clips pass.
# - *Blinks found*: the portraits in which none is found (a head far aside; narrow eyes behind thick glasses) give a warning when they are loaded.
# - *Frames a second*: relighting costs a tenth of a frame's time or more, and without it the portrait renderer only just reached the aim.
# - *Slim-flow nearer than the portrait renderer*, on all four real clips: on d18 nearly all of the picture is still, and a network redraws it; on s18 the portrait renderer's error is below half a pixel.
#   (`drawn` are simulated people whom no network has seen.)
#
# Relighting brings the face closer to the truth where heads move much, but not on s18, whose skin is lit from the side:

# %%
for name, clip in seen.items():
    lit, unlit = (clip[k]["face_l1"] for k in ("limits", "no shade"))
    print(f"{name}: face L1 {lit:.4f}, light carried along {unlit:.4f}")

# %% [markdown]
# ## The paper's figures, with faces of our own
#
# Figures 5 and 6 of [Song et al. (2023)](references.bib#song2023elp) show listeners side by side: methods that answer one speaker, and one method asked for
# positive and for negative. Here a drawn person talks and another drawn person listens, in the manner of `elp respond`.

# %%
import torch

from elp.book.answers import answered
from elp.listener import ELPResponder

talk = answered({"preset": "vico", "seed": 0, "simulator": 2}, frames=100)
ours = ELPResponder.from_checkpoint()
lines = {"speaker": talk.speaker.motion}
for name in ("real listener", "Random", "listener"):
    lines[name] = talk.answers[name]
for mood in ("neutral", "negative"):
    draw = torch.Generator().manual_seed(0)
    lines[mood] = ours.respond(talk.speaker, mood, generator=draw)

# %%
from elp.render import Manner

talker, hearer = (
    Portrait.load(Studio(seed).portrait(384)) for seed in (5, 8)
)
rows = []
for name, moves in lines.items():
    who = talker if name == "speaker" else hearer
    shown = list(render(who, moves, 160, manner=Manner(), mark=False))
    some = [shown[k][10:144, 13:147] for k in (20, 45, 70)]
    rows.append(np.hstack(some))

# %% tags=["hide-input"]
figures.image(
    cv2.resize(np.vstack(rows), (330, 660), interpolation=cv2.INTER_AREA),
    name="paper-figures",
    caption=(
        f"From above: {', '.join(lines)}; frames 20 to 70 of one answer. "
        "The row listener was asked for positive, as its real listener was."
    ),
    alt=(
        "Six rows of three drawn faces: somebody who talks, then the same "
        "listener five ways, of which the last lowers brows and lip "
        "corners."
    ),
)

# %% [markdown]
# Figure 6 of the paper also compares a model of the space U with one of V. `experiments/emotion_space.py` trains one of each, of the same size and on the same simulated people, lets them answer the same speakers under both emotions with the same draws, and keeps five frames of the first answer.

# %%
trained = results.read("emotion_space")["models"]
face = WarpRenderer(hearer)
rows = []
for name in ("V", "U"):
    for mood in ("negative", "positive"):
        five = trained[name]["frames"][mood]
        rows += [
            face.frame(np.array(b), np.array(p))[30:200, 40:210]
            for b, p in zip(five["beta"], five["pose"])
        ]

# %% tags=["hide-input"]
sheet = np.vstack([np.hstack(rows[k : k + 5]) for k in (0, 5, 10, 15)])
figures.image(
    cv2.resize(sheet, (425, 340), interpolation=cv2.INTER_AREA),
    name="u-against-v",
    caption=(
        "One speaker, answered by a model of V (upper two rows) and one of "
        "U (lower two), asked for negative and for positive."
    ),
    alt=(
        "Four rows of five drawn faces: the upper two are the same, in the "
        "lower two the first looks grave and the second smiles."
    ),
)

# %%
for name in ("V", "V + e", "U"):
    apart = trained[name]["smile apart"]
    print(
        f"{name}: positive smiles by {apart['mean']:.2f} deviations more "
        f"[{apart['low']:.2f}, {apart['high']:.2f}]"
    )

# %% [markdown]
# V is not told the emotion, so its two answers are the same. U smiles when asked to, and so does V with the emotion simply concatenated (V + e), a comparison that the paper lacks.
#
# ## Summary
#
# - One portrait, laid onto the fitted mesh, is moved by β, $p$ and φ; each pixel of a frame looks up where in the portrait it came from.
# - At rest the frame *is* the portrait, however wrong the fit or the matte.
# - Eyes, mouth and the wall behind the head are partly invented, and soft limits keep the motion within what one picture can show.
# - The paper's renderer is a network: it mixes flows from keypoints and paints what no flow can bring. Ours can also take the flow from the mesh itself, and then follows more closely. Networks open mouths better, and their pictures are softer.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-render-parallax
# By how many pixels does the tip of the nose (point 1) move against the corners of the mouth (61, 291) for a yaw of 5°? Predict it from `portrait.depth`, `portrait.focal` and `portrait.origin`, then look at `renderer.vertices`. (Its pixels and those of `focal` are half as large as a frame's.)
# ```
#
# ```{solution-start} ex-render-parallax
# :class: dropdown
# ```
#
# Turned by a small angle $\theta$ about an upright axis, two points whose depths differ by $d$ are shifted against each other by $d \sin\theta$, wherever the
# axis is; the projection scales this by $f/z$.

# %% tags=["nbval-check-output"]
nearer = portrait.depth[[61, 291]].mean() - portrait.depth[1]
predicted = (
    nearer * np.sin(np.deg2rad(5)) * portrait.focal / portrait.origin[2] / 2
)
moved = renderer.vertices(zero[0], np.r_[0, np.deg2rad(5), 0, 0, 0, 0])[0]
step = (moved - rest)[:, 0] / 2
print(
    f"predicted {predicted:.0f} pixels, seen "
    f"{step[[61, 291]].mean() - step[1]:.0f}"
)

# %% [markdown]
# About 3 pixels of a frame, to the left. This small difference, and not the shift of the whole, makes the picture look like a head in space.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-render-rest
# The matte $\alpha$ is wrong somewhere: a lock of hair counts as wall. Show that a frame at rest is right nevertheless. What is seen when the head moves?
# ```
#
# ```{solution} ex-render-rest
# :class: dropdown
# At rest the frame is $P + (1-\alpha)B$, and $P$ is $I - (1-\alpha)B$: their sum is $I$ for any $\alpha$ and $B$. With $\alpha = 0$ on a light lock, $P = I - B$ there: the lock's *difference*
# to the invented wall travels with the head and is added to the wall at its new place. Where the wall is even, this is the lock itself. On a dark lock $\alpha$ is raised to $1 - I/B$, so that it hides the wall wherever it
# comes. All this holds only where $B$ is invented, within 10 pixels of the matte. Further out, $B$ is the picture itself, so $P = 0$: that part of a wide lock stays on the wall.
# ```
#
# ```{exercise}
# :label: ex-render-blink
# A recording shows $\varphi = 1$ for a whole second while somebody closes the eyes in thought. What does blink control do, and what would you rather see?
# ```
#
# ```{solution} ex-render-blink
# :class: dropdown
# With $L = 25$ the lids need half a second to close and half a second to open: sleepy. Real lids close in 0.1 to 0.2 s and stay. Limit the ramp:
#
# $$w_k = \min\left(1,\; \frac{\min(k+1,\, L-k)}{\min(4,\, \lceil L/2 \rceil)}\right)$$
#
# For $L \le 8$ it is the curve of Eq. 6.2 itself.
# ```
#
# ## Further reading
#
# The paper's renderer is Section 3.4 of [Song et al. (2023)](references.bib#song2023elp); its network is that of [Siarohin et al. (2019)](references.bib#siarohin2019fomm). Re-posing a fitted face model goes back to
# [Blanz and Vetter (1999)](references.bib#blanz1999morphable) and, in real time, to [Thies et al. (2016)](references.bib#thies2016face2face).
