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
# # Live
#
# **Question.** Can the listener listen while somebody is still talking, and how does it get into an avatar, a laboratory's recorder or a page of your own?
#
# After this page you can run a listener on a camera, read its latency, and plug its frames into Unity, into Lab Streaming Layer or into a browser.
#
# ```bash
# pip install -e ".[live]"
# elp live --camera 0 --osc 127.0.0.1:39539
# elp live --camera 0 --portrait listener.jpg --record talk.mp4
# elp live --camera talk.mp4 --websocket 8765
# ```
#
# A file is played as a camera would show it, 25 pictures a second, with its own sound; a stream's address (`rtsp://...`) works as a camera does. Nothing is kept but what `--record` asks for, and nothing leaves the machine but what you send. Ctrl-C ends it and leaves whole files.

# %%
import pandas as pd
import plotly.graph_objects as go

from elp.book import figures, results
from elp.exports import SHAPES, reliability

figures.setup()
measured = results.read("live")

# %% [markdown]
# ## Where the time goes
#
# A frame lasts 40 ms. In that time one thread finds the face's points, fits pose and expression to them, lets the model answer, draws the portrait and hands the frame out. Sound costs no waiting: a frame's cepstra need the 32 ms after its time, which lie within its own 40. So the latency from a picture to its answer is the sum of the stages, and the model looks at nothing that has not happened yet.
#
# When a machine is too slow, pictures are left out and time is not: the model answers every frame, those that nobody looked at with the pose last seen. Ticks are counted from the start of the session, so nothing adds up over hours.

# %%
stages = ["track", "fit", "answer", "draw", "send"]
own = measured["processor"]
fig = go.Figure()
for name, quantile in (("median", 0), ("95th percentile", 1)):
    spent = [own[stage][quantile] for stage in stages]
    fig.add_bar(y=stages, x=spent, name=name, orientation="h")
fig.add_vline(x=40, line_dash="dot")
fig.update_yaxes(autorange="reversed")
fig.update_xaxes(title="ms of one core")
fig = fig.update_layout(height=340, barmode="group")

# %%
figures.show(
    fig,
    name="stages",
    caption="Processor time of one frame by stage, after the calibration; "
    "the dotted line is a frame's 40 ms.",
    alt="Bars of the five stages: tracking, fitting, answering and drawing "
    "take most of the time, sending little.",
)

# %% tags=["nbval-check-output"]
total = sum(own[s][0] for s in stages)
print(f"one frame: {total:.0f} ms of one core")
for name in ("wall", "wall_without_portrait"):
    wall = measured[name]
    middle, late = wall["latency"]
    print(
        f"by the {name.replace('_', ' ')}: {wall['frames']} pictures "
        f"looked at, {wall['left_out']} left out; from picture to "
        f"answer {middle:.0f} ms at the median, {late:.0f} at p95"
    )

# %% [markdown]
# An answer is there within three frames. But the stages together take longer than a frame lasts: one core of the machine that made this page is too slow to look at all 25 pictures of a second while it draws a portrait. It looks at four of five, and without a portrait at six of seven. Every frame is answered all the same.
#
# How well your machine keeps up, `python benchmarks/live.py VIDEO PORTRAIT -o live.json` measures, and `elp live` says its own latency at the end of each session.
#
# ## What the past costs
#
# `elp extract` fits a whole clip: identity and camera from frames of all of it, every frame tied to both of its neighbours ([Parameter extraction](01-extraction.ipynb)). A live fit knows the past alone.
#
# - **Calibration.** The first two seconds with a face give identity, focal length and noise, which then stay as they are. Keep still and look into the camera: part of what the face shows all through these seconds is taken for its identity, and a smile would seem smaller from then on.
# - **Each further frame** starts from the last one's answer and takes two Gauss-Newton steps of the same energy as offline. Only then is it tied to the last frame, with the same robust prior, which holds noise back and lets a blink through. The order matters: tied *during* the fit, a face sticks to where it was.
#
# The table compares both on the frames after the calibration.

# %% tags=["nbval-check-output"]
rows = pd.DataFrame(measured["causal"]).T
parts = ["smile", "jaw", "outer brows", "inner brows", "lids"]
print(rows[parts].astype(float).round(2).to_string())
aims = {"smile": 0.95, "jaw": 0.95, "outer brows": 0.9, "inner brows": 0.9}
aims["lids"] = 0.97
for part, aim in aims.items():
    reached = (rows[part].astype(float) >= aim).sum()
    print(f"{part}: {aim} in {reached} of {len(rows)} clips")
worst = max(max(x) for x in rows["rotation_degrees"])
print(f"rotation: {worst:.2f} degrees at most, aimed at 0.2")
assert worst <= 0.2

# %% [markdown]
# Smile, jaw, lids and rotation reach in every clip what we aimed at; brows do not where they hardly move: little signal, the same noise. A blink is said from its first frame below the threshold, without knowing how long it will last; a dip of a single frame, which the offline rule drops, counts.
#
# The other cost is paid by the eyelids of the *listener*: a renderer of files shapes each blink by its whole length ({doc}`06-renderer`). Live, lids close within two frames, stay shut while $\varphi$ is 1, and open within three.
#
# ## Into an avatar: VMC protocol
#
# `--osc HOST:PORT` sends one bundle a frame in the VMC protocol, which VSeeFace, VMagicMirror, Unity and Unreal plugins receive (port 39539 by custom): `/VMC/Ext/Bone/Pos` with the head's rotation in Unity's axes, and `/VMC/Ext/Blend/Val` with ARKit's 52 blendshapes, for avatars with "perfect sync". In Unity, EVMC4U or uOSC apply them without a line of code.
#
# Not every blendshape deserves the same trust. What we read from $\beta$ was compared with what an independent network reads from the same pictures:

# %%
trust = pd.Series({name: reliability(name) for name in SHAPES})
words = trust.groupby(trust).apply(lambda x: ", ".join(x.index))
order = ["good", "fair", "poor", "none"]
figures.table(pd.DataFrame({"shapes": words.reindex(order)}))

# %% [markdown]
# *None* stays at 0: the face model has no such direction, and nothing in a motion says where the eyes look. *Poor* moves with the mesh and looks alive; take no measurement from it. The same columns go to a file with `elp respond --arkit out.csv`, as Live Link Face writes it.
#
# ## Into an experiment: Lab Streaming Layer
#
# `--lsl` opens two streams. "ELP listener" has 107 numbers a frame ($\beta$, $p$, $\varphi$, labelled in the stream's description), stamped with the moment at which the speaker's picture was taken, not the one at which the answer was ready. "ELP events" says `blink`, and `listening` or `lost` when the speaker's face comes and goes. LabRecorder brings both onto the clock of your other devices.
#
# A nod cannot be announced live: whether a movement swings between 1 and 4 Hz is known half a second later. Take nods from the recorded motion:
#
# ```bash
# elp convert listener.npz --speaker speaker.npz --events events.eaf
# ```
#
# ELAN opens that file. Every event comes from the definition that the metrics use ({doc}`07-metrics`), and names the speaker's latest cue in whose window it begins. A motion holds no eyes: *looks aside* are listed by `elp respond --portrait PICTURE -o OUT.mp4 --events OUT.eaf`, which moves the portrait's. Some do by chance; how many more do than that, the metrics tell, not the table.
#
# ## Into a page: the websocket
#
# `--websocket 8765` serves JSON to programs of the same machine. A reader that is slow gets fewer frames, never old ones.
#
# ```javascript
# const socket = new WebSocket("ws://127.0.0.1:8765");
# socket.onmessage = ({ data }) => {
#   const { shapes, head, state } = JSON.parse(data);
#   for (const [name, weight] of Object.entries(shapes)) {
#     const k = mesh.morphTargetDictionary[name];
#     if (k !== undefined) mesh.morphTargetInfluences[k] = weight;
#   }
#   // from Unity's axes to three.js's
#   mesh.quaternion.set(head[0], -head[1], -head[2], head[3]);
# };
# ```
#
# A mesh to drive comes from `elp respond --glb listener.glb`: its morph targets are the face model's own directions, by name.
#
# ## Limits
#
# - One speaker. Of several faces the largest is followed, and known again by its looks; the others are not heard apart.
# - The speaker's head should not leave the camera's view for long. A lost face is held in its last pose, reported once, and fitted afresh when it comes back. The listener goes on all the while; without sound it hears silence.
# - Identity and focal length stay those of the calibration. If another person sits down, or the camera is moved, start anew.
# - The microphone must not hear the listener's loudspeaker.
# - Lips and brows of the speaker reach the model through a linear face; what that cannot show, the listener cannot see.
# - A synthetic listener must be recognised as one. The pictures carry the word *synthetic*; an avatar does not: say it ({doc}`responsible-use`).
#
# ## Summary
#
# - One thread looks, fits, answers and draws; latency is their sum, and the model adds none of its own.
# - Two still seconds of calibration replace the future: smile, jaw and lids stay within a correlation of 0.95 of the offline fit.
# - Blendshapes come with the trust that was measured.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-live-latency
# People's turns follow each other after some 200 ms, and a backchannel follows its cue ({py:obj}`elp.metrics.events.find_cues`) after 700 ms ([Ward and Tsukahara, 2000](references.bib#ward2000backchannel)). How much latency may a listener have before a nod comes noticeably late?
# ```
#
# ```{solution} ex-live-latency
# :class: dropdown
# The model learned to answer at the right delay *after* the cue: latency adds to it. Metrics count a nod as an answer up to a second after the moment at which the rule would answer, so 120 ms move little; half a second would put a nod where the next phrase begins.
# ```
#
# ```{exercise}
# :label: ex-live-late
# From the measured stages: how many pictures of a second can one core look at while it draws a portrait, and how many if another core drew it?
# ```
#
# ```{solution-start} ex-live-late
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
work = {stage: own[stage][0] for stage in stages}
without = sum(work.values()) - work["draw"]
for name, ms in (("all stages", sum(work.values())), ("but draw", without)):
    print(f"{name}: {min(25, 1000 / ms):.0f} of 25")

# %% [markdown]
# Nearly all of them. Finding the face's points and fitting them take most of what is left.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-live-smile
# Smile through the calibration, then look neutral. What does the listener see?
# ```
#
# ```{solution} ex-live-smile
# :class: dropdown
# Part of the smile goes into the identity. Your neutral face then differs from that identity by the opposite of a smile, and that is what $\beta$ says and the listener answers. Start anew with a neutral face, and compare.
# ```
#
# ## Further reading
#
# When people answer: [Ward and Tsukahara (2000)](references.bib#ward2000backchannel). A face fitted in real time: [Thies et al. (2016)](references.bib#thies2016face2face). The tracker of its points: [Kartynnik et al. (2019)](references.bib#kartynnik2019facemesh).
