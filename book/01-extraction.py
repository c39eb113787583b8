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
# # Parameter extraction
#
# **Question.** A video is a quarter of a million pixels a frame. What a listener reacts to is much less: how the mouth and the brows moved, how the head
# turned, whether the eyes were shut. How do we get from the pixels to these few numbers, so that a nod is never mistaken for a smile?
#
# After this page you can explain how a linear face model turns tracked points into expression and pose, derive one Gauss-Newton step, tell a blink from a glance, and say where such measurements fail.
#
# The answer has three steps. A tracker finds 468 points of the skin. A linear **face model** says which point clouds are faces. **Gauss-Newton** finds the face, the expression β and the pose $p$ that best explain the points. Blinks φ are read off the eyelids. `elp.extract` does all of this.

# %%
import cv2
import numpy as np
import plotly.graph_objects as go
import skimage.data
import torch

from elp.book import figures
from elp.face import FaceModel

figures.setup()

# %%
from elp.extraction.blink import blink, ear, open_ear
from elp.face.camera import project
from elp.book.mesh import overlay, shaded, wireframe
from elp.extraction.fit import fit
from elp.motion import runs
from elp.simulator.scene import conversation, observe

model = FaceModel.default()
SKIN = model.triangles

# %% [markdown]
# ## A linear face
#
# $$S(\alpha, \beta) = \bar S + B_{id}\,\alpha + B_{exp}\,\beta \tag{1.1}$$
#
# $\bar S$ is a mean face of 468 points, $\alpha$ says whose face it is and $\beta$ what it does; the rows of $B_{id}$ and $B_{exp}$ are directions in which points move ([Blanz and Vetter, 1999](references.bib#blanz1999morphable)). All frames of a clip share α, while β changes. The paper fixes β at 100 numbers. Ours are 28 **named directions**, so that a coefficient means something, and 72 smooth modes for what is left.
#
# The model was made without a data set of faces. One public-domain photograph and its mirror image were tracked and averaged, and the smile was removed with the help of published average proportions. (An older tracker found these points; they are kept so that β keeps its meaning.)
#
# Each direction is a smooth field on the mesh: a few points are told where to go, and the other points follow so that the energy of a thin plate is smallest. Since the mesh is open at eyes and mouth, one lip can move without the other:

# %% tags=["remove-input"]
from elp.face.mesh import field

figures.source(field)

# %%
acts = [
    {},
    {"smile_l": 1, "smile_r": 1},
    {"frown_l": 1.3, "frown_r": 1.3},
    {"jaw_open": 0.7},
    {"blink_l": 1},
    {"brow_inner_up": 1.5},
    {"pucker": 1},
    {"brow_down_l": 1.5, "brow_down_r": 1.5},
]
heads = [
    shaded(model.shape(None, model.beta(**act)), SKIN, size=200, yaw=12)
    for act in acts
]

# %% tags=["hide-input"]
figures.image(
    np.vstack([np.hstack(heads[:4]), np.hstack(heads[4:])]),
    name="directions",
    caption=(
        "The mean face and seven named movements: smile, frown, open jaw, "
        "left wink; inner brows up, pucker, brows down."
    ),
    alt=(
        "Eight shaded heads in two rows. The first is at rest; each of "
        "the others shows one clear movement of mouth, eyes or brows, "
        "while the rest of the face stays."
    ),
)

# %% [markdown]
# The rows of $B_{exp}$ are orthonormal. Making them orthogonal one after the other would leave the first direction unchanged and alter the last beyond recognition. We use Löwdin's symmetric method, which changes all of them as little as possible, and blinks and smiles least. Besides, no row turns, shifts or scales the *skull* as a whole, so that all movement of the head is left to the pose:

# %% tags=["nbval-check-output"]
rows = model.expression.reshape(100, -1).astype(float)
from elp.face.skull import rigid, skull

bones = rigid(model.mean.astype(float)) * np.repeat(skull(468), 3)
off, rigidly = np.abs(rows @ rows.T - np.eye(100)), np.abs(rows @ bones.T)
print(f"orthonormal to 1e-5: {off.max() < 1e-5}")
print(
    "turn, shift or scale of the skull in an expression, below 1e-5: "
    f"{rigidly.max() < 1e-5}"
)

# %% [markdown]
# ## From face to picture
#
# A pinhole camera of focal length $f$ looks along $z$. Point $i$ of a head that is turned by $R(r)$ and placed at $t$ is seen at
#
# $$x_i = f\,\frac{(R\,S_i + t)_{x}}{(R\,S_i + t)_{z}}, \qquad y_i = f\,\frac{(R\,S_i + t)_{y}}{(R\,S_i + t)_{z}} . \tag{1.2}$$
#
# For each frame we observe 936 coordinates, and look for six numbers of pose and one hundred of expression that put the points where the tracker saw them. The fit minimises
#
# $$\begin{aligned} E ={}& \sum_t \sum_i w_i\, \rho\!\left(\frac{\lVert x_i(\alpha, \beta_t, p_t, f) - \hat x_{ti} \rVert}{\sigma}\right) \\
# &+ \lVert\alpha\rVert^2 + \sum_t \left\lVert \frac{\beta_t}{d} \right\rVert^2 \\
# &+ \lambda \sum_t \psi(\beta_t - \beta_{t-1},\, p_t - p_{t-1}) \end{aligned} \tag{1.3}$$
#
# Here $\hat x_{ti}$ are the tracked points, $w_i$ their weights and σ their noise. Cauchy's loss ρ hardly counts points that are far off, and $d$, the usual size of each coefficient, keeps expressions near what faces do. The prior ψ ties neighbouring frames together with weight λ, but gives way when they really differ: a blink is not noise. (The code also compares relative depth, weakly, keeps $f$ near a guess, and weights α's prior by the length of the clip.)
#
# ## Gauss-Newton
#
# Collect the unknowns in θ. Near a guess, the projection is almost linear: $x(\theta + \delta) \approx x(\theta) + J\delta$. The best step $\delta$ then solves a small linear system,
#
# $$(J^\top W J + P)\,\delta = -(J^\top W r + P\theta), \tag{1.4}$$
#
# with residuals $r$, weights $W$ and the prior $P$. This is repeated until nothing changes; a step that raises the cost is tried again with a share of the diagonal added (Levenberg-Marquardt). Only the Jacobian $J$ needs thought. Here it is, derived by hand; a test of the package compares it with automatic differentiation.

# %% tags=["remove-input"]
from elp.face.camera import derivatives

figures.source(derivatives)

# %% [markdown]
# ## A head whose truth is known
#
# To see whether a fit can be trusted, we give it a head that we moved ourselves: three seconds with nods, blinks, a smile and some speech, seen with half a pixel of noise.

# %% tags=["hide-input"]
scene = conversation(model, frames=75, noise=0.5)
found = fit(scene.points, scene.size)
seconds = np.arange(75) / 25
fig = go.Figure()
for name, costs in found.history.items():
    if name != "smooth":
        fig.add_scatter(
            y=np.array(costs) / costs[-1],
            name={
                "rough": "identity, σ guessed",
                "identity": "identity, σ known",
                "frames": "every frame",
            }[name],
        )

# %% tags=["hide-input"]
fig = fig.update_layout(
    xaxis_title="iteration",
    yaxis_title="cost / final cost",
    yaxis_type="log",
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="convergence",
    caption=(
        "Mean cost per frame after each Gauss-Newton iteration, relative "
        "to its final value, in the steps of the fit before neighbouring "
        "frames are tied."
    ),
    alt=(
        "Three curves: two fall steeply in the first iterations and are "
        "flat from then on, one is flat throughout."
    ),
)

# %% [markdown]
# A handful of iterations is enough. First, α and $f$ are estimated from 8 frames; once their residuals have shown the noise level, again from 24. Then every frame is solved by itself, and at last neighbouring frames are tied. Near the answer $J^\top W J$ hardly changes from step to step, so a frame keeps its matrix until a step fails. This saves work and does not change where the gradient is zero.
#
# Here are the points that the fit was given, and the mesh that it found:

# %%
zoom, middle = 0.85, 128  # of a picture of 256 pixels
frames = []
shape = torch.as_tensor(model.shape(found.alpha, found.beta))
seen = (
    project(shape, torch.as_tensor(found.pose), found.focal).numpy()
    + np.array(scene.size) / 2
)

# %%
inside = zoom * (seen - 256) + middle
given = zoom * (scene.points[..., :2] - 256) + middle
pixels = np.clip(np.round(given), 0, 255).astype(int)
blue, red = (150, 180, 215), (200, 30, 30)
for t in range(0, 75, 3):
    canvas = np.full((256, 256, 3), 255, np.uint8)
    canvas = wireframe(canvas, inside[t], SKIN, blue)
    x, y = pixels[t].T
    canvas[y, x] = red
    frames.append(canvas)

# %% tags=["hide-input"]
figures.image(
    frames,
    name="overlay",
    fps=25 / 3,
    caption=(
        "Three seconds of a synthetic head: the points that the fit was "
        "given (red) and the fitted mesh (blue)."
    ),
    alt=(
        "A wireframe head talks, raises its brows, smiles, nods twice and "
        "blinks; red points lie on its corners throughout."
    ),
)

# %% [markdown]
# The residuals, the distances between given and fitted points, show whether the model can explain what was seen. If it could not, they would be large in some part of the face:

# %%
residual = np.sqrt(((seen - scene.points[..., :2]) ** 2).sum(-1).mean(0))
print(f"root mean square residual: {np.sqrt((residual**2).mean()):.1f} px")

# %%
bright = residual / 1.5
views = [
    shaded(model.mean, SKIN, size=260, yaw=yaw, values=bright)
    for yaw in (-30, 0, 30)
]

# %% tags=["hide-input"]
figures.image(
    np.hstack(views),
    name="residuals",
    caption=(
        "Root mean square residual of each point over the clip, from 0 "
        "(dark) to 1.5 px (bright)."
    ),
    alt=(
        "Three views of a head, coloured evenly: no part of the face "
        "stands out."
    ),
)

# %% [markdown]
# The map is even: what is left is the noise that we put in (0.5 px in each of two directions make 0.7 px in the plane). Now we compare the answer with the truth, first with identity and camera given:

# %% tags=["nbval-check-output"]
known = fit(scene.points, scene.size, alpha=scene.alpha, focal=scene.focal)
turned = ((known.pose - scene.pose)[:, :3] ** 2).sum(1)
degrees = np.degrees(np.sqrt(turned.mean()))
error = np.linalg.norm(known.beta - scene.beta) / np.linalg.norm(scene.beta)
print(
    "identity, camera known: rotation within 0.5 degrees: "
    f"{degrees < 0.5} · β within 5 %: {error < 0.05}"
)
assert degrees < 0.5
assert error < 0.05

# %% tags=["hide-input"]
fig = go.Figure()

# %% tags=["hide-input"]
labels = {"smile_l": "smile", "jaw_open": "jaw"}
labels |= {"brow_inner_up": "brows", "blink_l": "blink"}
for k, (name, label) in enumerate(labels.items()):
    j, color = model.index(name), figures.COLORS[k]
    for beta, line in (
        (scene.beta, {"name": "", "line_dash": "dot", "showlegend": False}),
        (found.beta, {"name": label}),
    ):
        y = beta[:, j] / model.full[j]
        fig.add_scatter(x=seconds, y=y, line_color=color, **line)

# %% tags=["hide-input"]
named = ("smile", "brows up", "blink", "lips pressed")
events = [event for event in scene.events if event[0] in named]
for k, (name, first, last) in enumerate(events):
    fig.add_vrect(
        x0=first / 25,
        x1=last / 25,
        fillcolor=figures.INK,
        opacity=0.06,
        line_width=0,
        annotation={"text": name, "yanchor": "bottom", "y": 1},
        annotation_yshift=14 * (k % 3),  # neighbours must not touch
    )

# %% tags=["hide-input"]
fig = fig.update_layout(
    xaxis_title="seconds",
    yaxis_title="share of full activation",
    margin_t=60,
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="beta",
    caption=(
        "Four named coefficients with nothing known beforehand: found "
        "(solid) and true (dotted). What the head does is written above."
    ),
    alt=(
        "Solid and dotted curves run together: brows rise early, speech "
        "opens the jaw four times, one long smile, two short blinks."
    ),
)

# %% [markdown]
# Each curve has the right shape at the right time, and the blinks stay sharp although neighbouring frames are tied. Flat tops, and brows that move in steps, are the price of tying frames together: small changes from frame to frame are taken for noise. Where a solid curve runs parallel to its dotted one, a part of this person's resting face was taken for expression, or the other way round. From one clip nobody can tell a slight constant smile from a mouth of that shape.
#
# The head's rotation follows just as closely:

# %% tags=["hide-input"]
fig = go.Figure()
for k, label in enumerate(("pitch", "yaw", "roll")):
    fig.add_scatter(
        x=seconds,
        y=np.degrees(scene.pose[:, k]),
        line={"color": figures.COLORS[k], "dash": "dot"},
        showlegend=False,
    )
    fig.add_scatter(
        x=seconds,
        y=np.degrees(found.pose[:, k]),
        line={"color": figures.COLORS[k]},
        name=label,
    )

# %% tags=["hide-input"]
for name, first, last in scene.events:
    if name == "nod":
        fig.add_vrect(
            x0=first / 25,
            x1=last / 25,
            fillcolor=figures.COLORS[0],
            opacity=0.12,
            line_width=0,
            annotation_text="nod",
        )
fig = fig.update_layout(xaxis_title="seconds", yaxis_title="degrees")

# %% tags=["hide-input"]
figures.show(
    fig,
    name="pose",
    caption=(
        "Head rotation found (solid) and true (dotted); the two nods are "
        "shaded."
    ),
    alt=(
        "Pitch shows two humps of ten degrees within the shaded nods, yaw "
        "a slow wave, roll stays small."
    ),
)

# %% [markdown]
# ## A head has mass
#
# A real tracker errs in another way too: from frame to frame *all* its points turn or shift a little, together. Within one frame, this cannot be told from a movement of the head. Over time it can: such trembling is white noise, while a head is heavy and nearly keeps its speed from one frame to the next.
#
# So the last step looks for the likeliest path $y$ behind the poses $p$ that were found. It assumes normal noise of 0.08° to 0.15°, and accelerations with a Cauchy distribution: small at rest, but free to be large in a nod.

# %% tags=["remove-input"]
from elp.extraction.smoothness import smooth_pose

figures.source(smooth_pose)

# %%
from elp.extraction.fit import TREMBLE
from elp.extraction.smoothness import smooth_pose

trembling = scene.pose + TREMBLE * np.random.default_rng(0).normal(
    size=scene.pose.shape
)
calm = smooth_pose(trembling, np.ones(74, bool), TREMBLE)

# %% tags=["hide-input"]
fig = go.Figure()
for pose, label, line in (
    (trembling, "trembling", {"color": figures.COLORS[1], "width": 1}),
    (calm, "steadied", {"color": figures.COLORS[0]}),
    (scene.pose, "true", {"color": figures.INK, "dash": "dot"}),
):
    fig.add_scatter(
        x=seconds, y=np.degrees(pose[:, 0]), name=label, line=line
    )

# %% tags=["hide-input"]
fig.update_layout(xaxis_title="seconds", yaxis_title="pitch, degrees")
figures.show(
    fig,
    name="steady",
    caption=(
        "Pitch of the synthetic head: with white trembling added, "
        "steadied, and true."
    ),
    alt=(
        "The steadied curve leaves out the small teeth of the trembling "
        "one and keeps both nods at their full height."
    ),
)

# %%
nod = slice(28, 50)
for label, pose in (("trembling", trembling), ("steadied", calm)):
    off = np.degrees(np.sqrt(((pose - scene.pose)[:, :3] ** 2).mean()))
    height = pose[nod, 0].max() - scene.pose[nod, 0].max()
    print(
        f"{label}: {off:.2f} degrees RMS from the truth, "
        f"the nod's height off by {abs(np.degrees(height)):.2f}"
    )

# %% [markdown]
# ## A turned head is no smile
#
# When a head turns, all points move. A fit that explained part of this by expression would find smiles in every nod. As a test, we turn a face without expression by 30° to both sides.

# %%
pose = np.zeros((31, 6), np.float32)
pose[:, 1], pose[:, 5] = np.radians(np.linspace(-30, 30, 31)), 60
turned = fit(
    observe(
        model,
        scene.alpha,
        np.zeros((31, 100), np.float32),
        pose,
        768.0,
        (512, 512),
    ),
    (512, 512),
)

# %% tags=["nbval-check-output"]
smile = np.linalg.norm(
    [model.full[model.index(n)] for n in ("smile_l", "smile_r")]
)
leak = (
    np.linalg.norm(turned.beta - turned.beta.mean(0), axis=1).max() / smile
)
print(
    "expression from turning, of a smile's movement: below 2 %:",
    bool(leak < 0.02),
)
assert leak < 0.02

# %% [markdown]
# ## Blinks
#
# The **eye aspect ratio** ([Soukupová and Čech, 2016](references.bib#soukupova2016ear)) compares the height of an eye with its width. With $p_1$ and $p_4$ its corners, $p_2$ and $p_3$ points of the upper lid and $p_6$ and $p_5$ those below them,
#
# $$\mathrm{EAR} = \frac{|p_2 - p_6| + |p_3 - p_5|}{2\,|p_1 - p_4|} . \tag{1.5}$$
#
# The paper lets φ be 1 where a geometric ratio *exceeds* a threshold: the inverse, $1/\mathrm{EAR}$. Public code uses EAR below 0.16 to 0.26. No fixed number fits everyone: narrow eyes would count as shut all day. We compare with the person's own open eyes:

# %% tags=["remove-input"]
from elp.extraction.blink import blink

figures.source(blink)

# %% [markdown]
# Someone who looks down lowers the lids as well. The iris tells such a glance from a blink: irises of all people have nearly the same width, so they can serve as a ruler for the gap between the lids.
# The tracker gives ten points for the two irises, and `lid_aperture` measures the gap in iris diameters. A dip in which the gap never falls below a certain share of the iris (`COVERED`, below) is no blink.
#
# The two lids rarely move alike. φ takes the mean of both eyes, and a wink is no blink, since one eye stays open by more than 0.8 of its usual opening.

# %% tags=["nbval-check-output", "hide-input"]
from elp.extraction.blink import COVERED

print(f"a lid covers the iris below {COVERED} of its diameter")

# %% tags=["hide-input"]
ratio = ear(scene.points)
own, phi = open_ear(ratio), blink(ratio)
fig = go.Figure()

# %% tags=["hide-input"]
for k, side in enumerate(("right", "left")):
    fig.add_scatter(
        x=seconds,
        y=ratio[:, k],
        name=f"{side} eye",
        line_color=figures.COLORS[k],
    )
    fig.add_scatter(
        x=seconds[[0, -1]],
        y=[0.6 * own[k]] * 2,
        mode="lines",
        line={"dash": "dash", "color": figures.COLORS[k]},
        name="0.6 of it open",
    )

# %% tags=["hide-input"]
fig = fig.add_scatter(
    x=seconds[[0, -1]],
    y=[0.2, 0.2],
    mode="lines",
    line={"dash": "dot", "color": figures.INK},
    name="fixed 0.2",
)

# %% tags=["hide-input"]
for first, last in runs(phi):
    fig.add_vrect(
        x0=(first - 0.5) / 25,
        x1=(last - 0.5) / 25,
        fillcolor=figures.COLORS[3],
        opacity=0.2,
        line_width=0,
    )

# %% tags=["hide-input"]
fig = fig.update_layout(xaxis_title="seconds", yaxis_title="EAR")

# %% tags=["hide-input"]
figures.show(
    fig,
    name="ear",
    caption=(
        "Eye aspect ratio of both eyes, 0.6 of each eye's open "
        "ratio (dashed) and a fixed threshold (dotted); frames with "
        "φ = 1 are shaded."
    ),
    alt=(
        "Two curves, one well above the other, with two deep dips, both "
        "shaded as blinks. The fixed threshold lies at the lower eye's "
        "own, far below the other's."
    ),
)

# %% tags=["nbval-check-output"]
hits = sum(
    any(a < d and c < b for c, d in runs(phi)) for a, b in runs(scene.blink)
)
made, seen = len(runs(scene.blink)), len(runs(phi))
print(f"blinks made: {made} · found: {seen} · matched: {hits}")
assert hits == made == seen

# %% [markdown]
# ## A real face
#
# Now the same on a photograph of the astronaut Eileen Collins (NASA, public domain). One picture has to give identity *and* expression. The priors decide what counts as which, and take a grin for expression.

# %%
from elp.media.track import landmarks

face = cv2.resize(
    skimage.data.astronaut()[25:185, 145:305],
    (320, 320),
    interpolation=cv2.INTER_CUBIC,
)
photo = fit(landmarks([face], still=True), face.shape[1::-1])
posed, neutral = (
    model.shape(photo.alpha, photo.beta)[0],
    model.shape(photo.alpha),
)

# %%
opaque = np.full((320, 320, 1), 255, np.uint8)
mesh = overlay(face, photo, model)
photos = [np.dstack([picture, opaque]) for picture in (face, mesh)]
heads = [shaded(shape, SKIN, size=320) for shape in (posed, neutral)]

# %% tags=["hide-input"]
figures.image(
    np.hstack([*photos, *heads]),
    name="astronaut",
    caption=(
        "Photograph; fitted mesh; the fitted face from the front; the "
        "same face with β = 0."
    ),
    alt=(
        "The mesh follows lips, lids and brows. The third picture grins, "
        "the fourth has the same proportions with a closed mouth whose "
        "corners hang a little."
    ),
)

# %% tags=["nbval-check-output"]
share = photo.beta[0, : len(model.names)] / model.full
print(
    "smile, left and right:",
    [bool(share[model.index(n)] > 0.8) for n in ("smile_l", "smile_r")],
    "· head within 10 degrees of frontal:",
    bool(np.abs(np.degrees(photo.pose[0, :3])).max() < 10),
)

# %% [markdown]
# ## Where it fails
#
# A tracker nearly always gives some answer. Here is the photograph darkened, with the mouth covered, and turned on its side.

# %%
rng = np.random.default_rng(0)
dim = np.clip(face * 0.04 + rng.normal(0, 3, face.shape), 0, 255).astype(
    np.uint8
)
covered = face.copy()
covered[205:275, 80:240] = 128
aside = np.ascontiguousarray(np.rot90(face))
pictures = {"dim": dim, "covered": covered, "aside": aside}

# %%
points = {
    name: landmarks([picture], still=True)
    for name, picture in pictures.items()
}
fits = {
    name: fit(at, face.shape[1::-1])
    for name, at in points.items()
    if np.isfinite(at).all()
}

# %%
drawn = [
    overlay(picture, fits[name], model) if name in fits else picture
    for name, picture in pictures.items()
]

# %% tags=["hide-input"]
figures.image(
    np.hstack(drawn),
    name="failures",
    caption=(
        "Four per cent of the light; a bar over the mouth; a head turned "
        "by 90° in the picture."
    ),
    alt=(
        "The three pictures with the mesh where a face was found; under "
        "the bar the mesh still has a mouth."
    ),
)

# %%
k = model.index("smile_l")
print(
    f"as it is: smile {share[k]:.1f} of full, the right one "
    f"{share[model.index('smile_r')]:.1f} (a broad grin goes beyond 1)"
)
for name in pictures:
    print(
        f"{name}:",
        f"smile {fits[name].beta[0, k] / model.full[k]:.1f} of full"
        if name in fits
        else "no face found",
    )

# %% [markdown]
# Darkness weakens the smile; a head on its side is no trouble. Under the bar the tracker *imagines* a mouth, more than half of the smile is lost, and the fit believes it: coefficients of hidden parts are guesses, and nothing in them says so.
#
# In a profile view, too, the far half of the face is the tracker's guess. To see up to which angle this works, we turn the photograph's skin on its own fitted mesh:

# %%
from scipy.spatial.transform import Rotation

from elp.render.warp import Warp

flat = landmarks([face], still=True)[0, :468, :2]
skin = Warp(
    rest=flat,
    triangles=SKIN[:, ::-1],
    still=np.zeros(468, bool),
    under=0,
    scale=1.0,
    size=320,
)

# %%
views = []

# %%
own, where = Rotation.from_rotvec(photo.pose[0, :3]), photo.pose[0, 3:]
for yaw in (30, 50, 70):
    turn = Rotation.from_rotvec([0, np.radians(yaw), 0]) * own
    pose = np.r_[turn.as_rotvec(), where].astype(np.float32)[None]
    at = project(
        torch.from_numpy(posed), torch.from_numpy(pose), photo.focal
    )
    at = at.numpy()[0] + 160
    depth = posed @ turn.as_matrix()[2].astype(np.float32)
    picture = cv2.remap(face, skin(at, depth), None, cv2.INTER_LINEAR)
    mask = np.zeros((320, 320, 1), np.uint8)
    for triangle in np.round(at[SKIN]).astype(np.int32):
        cv2.fillConvexPoly(mask, triangle, 1)
    views.append(np.where(mask > 0, picture, 128).astype(np.uint8))

# %%
tracked = [landmarks([view], still=True) for view in views]
fits = [
    fit(at, (320, 320)) if np.isfinite(at).all() else None for at in tracked
]

# %%
drawn = [
    overlay(view, found, model) if found else view
    for view, found in zip(views, fits, strict=True)
]

# %% tags=["hide-input"]
figures.image(
    np.hstack(drawn),
    name="profiles",
    caption=(
        "The photograph's skin turned by 30°, 50° and 70°, and what is "
        "found in it."
    ),
    alt=(
        "Three views of a face that turns to the left; the mesh looks "
        "right at 30 degrees and is too frontal at 50; at 70 there is "
        "none."
    ),
)

# %%
for yaw, found in zip((30, 50, 70), fits, strict=True):
    print(
        f"turned by {yaw}°:",
        (
            f"{np.degrees(found.pose[0, 1]):.0f}° found, smile "
            f"{found.beta[0, k] / model.full[k]:.1f} of full"
        )
        if found
        else "no face found",
    )

# %% [markdown]
# The angle comes out a sixth to a fifth too small even at 30°, because the tracker draws a face that is too frontal; at 70° it finds none. Beyond 40° or so β cannot be trusted either. A face that is not found at all does no harm: gaps of up to half a second are filled, longer ones are marked `valid = 0`.
#
# ## Real clips
#
# `benchmarks/extract.py` measured the following on four real clips that this book does not show. Jitter is given in degrees; blinks and frames with shut eyes are counted.

# %%
import pandas as pd

from elp.book import results

report = results.read("extract")

# %%
names = {
    "tracked": "share of frames tracked",
    "rms_of_eye_distance": "residual / eye distance",
    "jitter_deg": "jitter in the stillest second, °",
    "white_jitter_deg": "its white part, °",
    "shared_jitter_deg": "what mirrored pictures show too, °",
    "pictures_missing_or_repeated": "share of pictures missing or repeated",
    "blinks_seen_by_eye": "blinks seen by eye",
    "blinks": "blinks found",
    "shut_frames_missed": "shut frames missed",
    "shut_frames_false": "shut frames too many",
}

# %%
clips = pd.DataFrame(report["real"]).loc[list(names)].rename(names)
clips.columns = [f"clip {k + 1}" for k in range(clips.shape[1])]
clips

# %% [markdown]
# The residual is the distance between projected and tracked points as a share of the distance between the outer corners of the eyes. Jitter is the deviation of the head's rotation from a parabola in the second where this deviation is least: trembling, and all movement that is no parabola. Its white part, from third differences, is movement that a head hardly makes; but as the fit has already smoothed it, it says little by itself.
#
# Hence another check: the same pictures are measured once more with left and right exchanged. The tracker's errors differ between the two measurements, the head's movement does not. What both share, the root of their covariance, is therefore movement in the pictures, unless errors happen to agree. (It can exceed the jitter a little, where the mirrored measurement trembles more.)
#
# We want jitter of at most 0.15°. Where the tracker alone is to blame, a better fit can help; where the pictures move, it must not:

# %%
target = 0.15
for clip, row in zip(clips.columns, report["real"].values(), strict=True):
    print(
        f"{clip}: {row['jitter_deg']:.3f}°",
        "as wanted," if row["jitter_deg"] <= target else "too much, ",
        f"mirrored pictures share {row['shared_jitter_deg']:.3f}°;",
        f"missing or repeated {row['pictures_missing_or_repeated']:.0%}",
    )

# %% [markdown]
# A file can jerk by itself, and the last number counts this: a program that makes 25 pictures a second from 30 drops every sixth, one that makes 30 from 25 repeats every fifth. Such a head *does* jerk on the screen.
#
# The first three files hold 30 pictures a second. The points at 25 a second are interpolated between the tracker's answers, so our own change of rate adds no jerk. In clip 3, though, every sixth picture is a repeated one.
#
# Clip 4 holds 25 pictures a second from a camera that gave 30: one picture in six is lost for good, and the others were spaced evenly. Its person talks throughout and never rests. What the mirrored pictures confirm is by itself more than 0.15°, so a calmer fit would smooth away real movement.
#
# The same script moves synthetic heads of five people, whose truth is known. For the rows of rotation and β, identity and camera are given. The row of the turn is measured without noise and shows the worst of the five people. Blinks are read off points in space, without a fit.

# %%
labels = {
    "rotation_rms_deg": "rotation, RMS error in °",
    "beta_relative_error": "β, relative error",
    "blink_f1": "blinks, F1",
    "turn_30_deg_leak_of_smile": "a turn by ±30° taken for a smile",
}
errors = {label: report["synthetic"][key] for key, label in labels.items()}
pd.Series(errors).to_frame("value")

# %% [markdown]
# How fast is all this? First the whole, at 512 × 512 pixels and without start-up, on the machine that wrote the result file; then each stage by itself (pictures are decoded while others are tracked).

# %%
speed = report["speed_512"]
print(
    f"{report['cores']} cores, load average "
    f"{speed['load_average_before']} before: "
    f"{speed['frames_per_second']} frames per "
    f"second,\n{speed['times_real_time']} times real time, "
    f"{speed['processor_ms']} ms of processor time per frame"
)

# %%
stages = pd.Series(
    {
        name: speed[f"{name}_ms"]
        for name in ("decode", "track", "fit", "mfcc")
    }
)
pd.DataFrame(
    {"ms per frame": stages, "share": (stages / stages.sum()).round(2)}
)

# %% [markdown]
# Does a longer video need more memory? Here is the peak, in MB, for one clip repeated until it lasts one minute or three:

# %%
pd.DataFrame(report["memory"]).T

# %% [markdown]
# It does not. Points go to a temporary file while the video is read, and frames are fitted in windows, each by one thread, whose working memory is freed afterwards. What remains of each frame, 106 unknowns, its cepstra and little more, is a kilobyte or two.
#
# ```{admonition} What the paper leaves open
# :class: note
# - **The face model.** It is called "linear", without a name; that it has 100 expression coefficients follows from the sum 334 ([Style features](02-style.ipynb)). Ours is built by `experiments.face_model`; `elp.face.from_ict` reads ICT-FaceKit ([Li et al., 2020](references.bib#li2020ict))
#   from your own download, with its 57 named shapes and 100 identities.
# - **Gauss-Newton's details**: weights, priors, damping. Ours are the constants at the top of `elp/extraction/fit.py`, `shared.py`, `solve.py` and `energy.py`.
# - **The blink threshold.** "Exceeds a threshold", without a number. Options: relative to the person's own open eyes (default), or `threshold=` a fixed EAR.
# - **The camera**, unknown in every video. The focal length is estimated with a prior at 1.5 times the picture's longer side; the distance from the camera is as uncertain as that.
# - **What "frontal" means.** Pose 0 is how people hold their heads, on average, when they look into a camera. A person's own zero differs by some degrees, because pitch and the shape of a face can stand in for each other.
# ```
#
# ## Summary
#
# - A linear face model and Gauss-Newton turn 468 tracked points into expression β and head pose $p$; identity and camera are shared by a whole clip.
# - Priors and robust costs decide what a picture does not show. Hidden parts are guesses, and nothing in the coefficients says so.
# - Blinks are read off the eyelids, against the person's own open eyes.
# - From here on, a video is a `Motion` at 25 frames a second; no later step sees a pixel.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-extraction-own
# Extract a clip of your own with `elp extract me.mp4 -o me.npz`. Plot `smile_l` and `smile_r` over time. Are you smiling with both sides alike?
# ```
#
# ```{solution} ex-extraction-own
# :class: dropdown
# `clip = Clip.load("me.npz")`, then `clip.motion.beta[:, model.index("smile_l")] / model.full[model.index("smile_l")]`, the same for `smile_r` (`from elp.motion import Clip`). In the photograph above
# the left is 1.4 and the right 1.3: smiles lean to one side, and a head that is not quite frontal adds to it.
# ```
#
# ```{exercise}
# :label: ex-extraction-count
# How many numbers are observed per frame, how many are unknown? Why is a prior needed all the same?
# ```
#
# ```{solution-start} ex-extraction-count
# :class: dropdown
# ```
#
#
# 936 observed (468 points, x and y; relative depth adds 468 weak ones), 106 unknown. But many directions move points towards the camera, which a picture hardly shows, and neighbouring points have similar noise. Some combinations of coefficients therefore leave almost no trace, and the prior decides them. How many are there?

# %%
from elp.face.camera import derivatives

_, by_point, _ = derivatives(
    torch.as_tensor(model.mean)[None],
    torch.tensor([[0.0, 0, 0, 0, 0, 60]]),
    900.0,
)

# %% tags=["nbval-check-output"]
jacobian = torch.einsum(
    "pci,kpi->pck", by_point[0], torch.as_tensor(model.expression)
).reshape(-1, 100)
strength = torch.linalg.svdvals(jacobian)
print(
    "combinations seen ten times worse than the best:",
    int((strength < strength[0] / 10).sum()),
    "of 100",
)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-extraction-ear
# Why is the *mean* of both eyes not enough to tell a blink?
# ```
#
# ```{solution} ex-extraction-ear
# :class: dropdown
# A wink nearly halves the mean, and would count as a blink. So the more open eye must close as well, below 0.8 of its opening. (To ask the more open eye alone does not work either: on four real clips, the mean finds all 8 blinks that a person sees, while that eye, below 0.6, misses a half-closed one.)
# ```
#
# ## Further reading
#
# Morphable models ([Blanz and Vetter, 1999](references.bib#blanz1999morphable)); fitting them to video by Gauss-Newton ([Thies et al., 2016](references.bib#thies2016face2face)); the tracker ([Kartynnik et al., 2019](references.bib#kartynnik2019facemesh)),
# ([Grishchenko et al., 2020](references.bib#grishchenko2020attention)); EAR ([Soukupová and Čech, 2016](references.bib#soukupova2016ear)).
