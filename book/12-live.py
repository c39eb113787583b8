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
# **Question.** Can the listener respond while somebody is still talking, and how does its motion get into an avatar, a laboratory's recorder or a page of your own?
#
# After this page you can run a listener on a camera, read its latency, and send its frames to Unity, to the Lab Streaming Layer or to a browser.
#
# ```bash
# pip install -e ".[live]"
# elp live --camera 0 --osc 127.0.0.1:39539
# elp live --camera 0 --portrait listener.jpg --record talk.mp4
# elp live --camera talk.mp4 --websocket 8765
# ```
#
# A file is played as a camera would show it, 25 pictures a second, with its own sound; the address of a stream (`rtsp://...`) works like a camera. With `--camera -` the listener watches and hears what another program pipes in:
#
# ```bash
# ffmpeg -re -i talk.mp4 -f mpegts - | elp live --camera - --websocket 8765
# ```
#
# Only `--record` stores anything, and nothing leaves the machine except what you send. Ctrl-C ends the session and leaves complete files.

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
# A frame lasts 40 ms. In that time one thread finds the face's points, fits pose and expression to them, lets the model answer, draws the portrait and sends the frame out. It need not wait for sound: a frame's cepstra need the 32 ms after its time, which lie within its own 40 ms. So the latency from a picture to its answer is the sum of the stages, and the model uses nothing that has not happened yet.
#
# If a machine is too slow, it skips pictures but keeps time: the model still answers every frame, using the last pose it saw where it skipped the picture. Frames are timed from the start of the session, so delays do not add up over hours.

# %%
stages = ["track", "fit", "answer", "draw", "send"]
own = measured["processor"]
fig = go.Figure()
for name, quantile in (("median", 0), ("95th percentile", 1)):
    spent = [own[stage][quantile] for stage in stages]
    fig.add_bar(y=stages, x=spent, name=name, orientation="h")
fig.add_vline(x=40, line_dash="dot", line_color="gray")
fig.update_yaxes(autorange="reversed")
fig.update_xaxes(title="ms of one core", range=[0, 44])
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
# An answer is there within two frames. The stages together take less than a frame lasts: one core can look at all 25 pictures of a second while it draws a portrait. Pictures are left out by the clock on the wall when other programs need the core, when the calibration is computed beside the first frames, and now and then when the tracker looks for further faces, which doubles its time. Every frame is answered all the same.
#
# `python benchmarks/live.py VIDEO PORTRAIT -o live.json` measures how well your machine keeps up, and `elp live` prints its latency at the end of each session.
#
# ## What the past costs
#
# `elp extract` fits a whole clip: it takes identity and camera from frames of the whole clip, and ties every frame to both of its neighbours ([Parameter extraction](01-extraction.ipynb)). A live fit knows only the past.
#
# - **Calibration.** The first two seconds with a face give identity, focal length and noise, which then stay as they are. Keep still, look into the camera and do not smile: part of what the face shows all through these seconds is taken for its identity, and a smile would seem smaller from then on.
# - **Each further frame** starts from the result of the last one and takes two Gauss-Newton steps of the same energy as offline. Only then is it tied to the last frame, with the same robust prior, which suppresses noise and lets a blink through. (If it were tied *during* the fit, the face would lag behind.)
#
# The table gives the correlation of the live fit with the offline one, on the frames after the calibration; below it, in how many clips each part reaches our aim.

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
# Smile, jaw, outer brows, lids and rotation reach our aims in every clip. Inner brows miss theirs in two clips, in which they hardly move: the noise is half as large as their movement. There the offline fit needs its neighbours, too: where no frame is tied to them, it hardly agrees better with the smooth fit than the live fit does. Only later frames tell this noise from a brow that moves. A blink is reported from its first frame below the threshold, without knowing how long it will last; so a dip of a single frame, which the offline rule drops, counts.
#
# The eyelids of the *listener* are affected, too. When a file is rendered, the length of each blink shapes its course ({doc}`06-renderer`). Live, lids close within two frames, stay shut while $\varphi$ is 1, and open within three.
#
# ## Into an avatar: VMC protocol
#
# `--osc HOST:PORT` sends one bundle a frame in the Virtual Motion Capture (VMC) protocol, which VSeeFace, VMagicMirror, Unity and Unreal plugins receive (by convention on port 39539): `/VMC/Ext/Bone/Pos` with the head's rotation in Unity's axes, and `/VMC/Ext/Blend/Val` with ARKit's 52 blendshapes, for avatars with "perfect sync". In Unity, EVMC4U or uOSC apply them without a line of code.
#
# Blendshapes differ in how far they can be trusted. What we derive from $\beta$ was compared with what an independent network finds in the same pictures:

# %%
trust = pd.Series({name: reliability(name) for name in SHAPES})
words = trust.groupby(trust).apply(lambda x: ", ".join(x.index))
order = ["good", "fair", "poor", "none"]
figures.table(pd.DataFrame({"shapes": words.reindex(order)}))

# %% [markdown]
# Shapes under *none* stay at 0: the face model has no such direction, and nothing in a motion says where the eyes look. Those under *poor* move with the mesh and look lively, but do not use them as measurements. `elp respond --arkit out.csv` writes the same columns to a file, as Live Link Face does.
#
# ## Into an experiment: Lab Streaming Layer
#
# `--lsl` opens two streams. "ELP listener" has 107 numbers a frame ($\beta$, $p$, $\varphi$, labelled in the stream's description), stamped with the moment at which the speaker's picture was taken, not the one at which the answer was ready. "ELP events" carries `blink`, and `listening` or `lost` when the speaker's face appears or disappears. LabRecorder aligns both with the clock of your other devices.
#
# A nod cannot be announced live, because only half a second later is it known whether a movement swings between 1 and 4 Hz. Take nods from the recorded motion:
#
# ```bash
# elp convert listener.npz --speaker speaker.npz --events events.eaf
# ```
#
# The first file is what `elp respond --params listener.npz` writes, the second what `elp extract talk.mp4 -o speaker.npz` does. ELAN opens the third. Events are defined as in the metrics ({doc}`07-metrics`), and each names the speaker's latest cue in whose window it begins, which may be by chance. A motion does not include the direction of the eyes; *looks aside* are listed only by `elp respond --portrait PICTURE -o OUT.mp4 --events OUT.eaf`, which moves the eyes of the portrait.
#
# ## Into a page: the websocket
#
# `--websocket 8765` serves JSON to programs on the same machine. A slow reader gets fewer frames, never old ones. Any page that is open in a browser there could read it too: it tells how the *listener* moves and whether a face is seen, nothing of picture or sound.
#
# ```javascript
# const socket = new WebSocket("ws://127.0.0.1:8765");
# socket.onmessage = ({ data }) => {
#   const { shapes, weights, head } = JSON.parse(data);
#   const all = Object.entries({ ...shapes, ...weights });
#   model.traverse((part) => {
#     const names = part.morphTargetDictionary ?? {};
#     for (const [name, weight] of all)
#       if (name in names) part.morphTargetInfluences[names[name]] = weight;
#   });
#   // from Unity's axes to three.js's
#   model.quaternion.set(head[0], -head[1], -head[2], head[3]);
# };
# ```
#
# Here `model` is a head that three.js has loaded: one whose morph targets have ARKit's names, for which `shapes` are sent, or the mesh that `elp respond --glb listener.glb` writes, whose morph targets are the face model's own directions, sent as `weights`.
#
# ## Limits
#
# - It listens to one speaker. Of several faces the largest is followed, and recognised again by its looks; several voices are not separated.
# - The speaker's head should not leave the camera's view for long. A lost face is held in its last pose, reported once, and fitted afresh when it comes back. The listener goes on all the while; without sound it hears silence.
# - Identity and focal length stay those of the calibration. If another person sits down, or the camera is moved, start again.
# - The microphone must not pick up the loudspeaker.
# - Lips and brows of the speaker reach the model through a linear face model; what it cannot represent, the listener cannot see.
# - People must be able to recognise a synthetic listener as one. The pictures carry the word *synthetic*; an avatar does not, so say it ({doc}`responsible-use`).
#
# ## Summary
#
# - One thread tracks, fits, answers and draws; the latency is the sum of these stages, since the model does not wait for the future.
# - A calibration of two still seconds replaces the rest of the clip: smile, jaw and lids correlate with the offline fit by 0.95 or more.
# - The frames go to avatars, recorders and browsers; for each blendshape it was measured how far it can be trusted.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-live-latency
# People's turns follow each other after some 200 ms, and a backchannel follows its cue ({py:obj}`elp.metrics.events.find_cues`) after 700 ms ([Ward and Tsukahara, 2000](references.bib#ward2000backchannel)). How much latency may a listener have before a nod is noticeably late?
# ```
#
# ```{solution} ex-live-latency
# :class: dropdown
# The model learned to answer at the right delay *after* the cue, and latency adds to this delay. The metrics count a nod as an answer up to a second after the moment at which the rule would answer, so 120 ms change little; with half a second, a nod would come when the next phrase has begun.
# ```
#
# ```{exercise}
# :label: ex-live-late
# Compute from the measured stages: how many pictures a second can one core look at while it draws a portrait, and how many if another core draws it?
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
# All of them, even while it draws; another core would leave room for a slower machine. Finding the face's points takes most of the time.
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
# Part of the smile becomes part of the identity. Your neutral face then differs from that identity by the opposite of a smile, and this is what $\beta$ contains and the listener answers. Start again with a neutral face, and compare.
# ```
#
# ## Further reading
#
# When people answer: [Ward and Tsukahara (2000)](references.bib#ward2000backchannel). A face fitted in real time: [Thies et al. (2016)](references.bib#thies2016face2face). The tracker of its points: [Kartynnik et al. (2019)](references.bib#kartynnik2019facemesh).
