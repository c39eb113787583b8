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
# # Speed
#
# **Question.** How does a run of ten thousand steps fit into forty seconds, and how long does a live listener take for one frame?
#
# After this page you can say where the time of a training step goes, why a CUDA graph helps when the arithmetic is small, when a second GPU pays, and how to answer somebody who is still speaking.

# %%
import tempfile

import numpy as np
import plotly.graph_objects as go
import torch

from elp.book import figures, following, results
from elp.listener import ELPResponder, ResponseStream
from elp.media.audio import mfcc
from elp.media.prosody import prosody
from elp.motion import Clip
from elp.simulator import simulate
from elp.simulator.dyads import sound

# %%
figures.setup()

# %% [markdown]
# ## Where the time goes
#
# The plain loop that everyone writes first (a `DataLoader`, float32, one operation after the other) needs tens of milliseconds for a step at the paper's size. Little of that is arithmetic: well over a thousand small kernels (programs that the GPU runs) wait for Python to launch them. Three changes follow, in the order in which they were made. Every bar is the same model and loss, in the same run.

# %% tags=["hide-input"]
speed = results.read("training_speed")
fig = go.Figure()
short = [
    "plain loop",
    "data on GPU,<br>flat weights",
    "bfloat16,<br>own kernels,<br>side streams",
    "one CUDA<br>graph",
]

# %% tags=["hide-input"]
for size in ("batch 32", "batch 128"):
    ms = list(speed[size]["ms"].values())
    fig.add_bar(
        y=short,
        x=ms,
        name=size,
        orientation="h",
        text=[f"{x:.1f}" for x in ms],
        cliponaxis=False,
    )

# %% tags=["hide-input"]
fig = fig.update_layout(
    xaxis={"title": "ms a step", "range": [0, 80]},
    yaxis={"autorange": "reversed"},
    height=420,
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="ladder",
    caption=(
        "Milliseconds a training step at H = 128, V = 64, T = 50 on one "
        f"{speed['device']}; each bar includes the changes above it."
    ),
    alt=(
        "Bars: about 39, 36, 47 and 3.9 milliseconds at batch 32; 57, 45, "
        "54 and 5.8 at batch 128. Only the CUDA graph makes the "
        "difference."
    ),
)

# %% tags=["nbval-check-output"]
full, long = results.read("training_vico"), results.read("training_l2l")
for size in ("batch 32", "batch 128"):
    print(
        size,
        "times faster than the plain loop:",
        list(speed[size]["times faster"].values())[-1],
    )
for card in (full, long):
    kilojoules, steps = card["joules"] / 1000, card["recipe"]["steps"]
    print(
        f"{card['recipe']['name']}: {card['train_seconds']:.1f} s and "
        f"{kilojoules:.1f} kJ for {steps} steps of "
        f"{card['recipe']['batch']}"
    )

# %%
assert full["train_seconds"] <= 40 and long["train_seconds"] <= 300
assert (
    min(
        speed[size]["times faster"]["whole step as one CUDA graph"]
        for size in ("batch 32", "batch 128")
    )
    > 8
)

# %% [markdown]
# Little is gained until the whole step, from drawing the clips to the optimiser, is recorded once as a **CUDA graph** and replayed. The change before it even costs time, because until then launching kernels from Python takes most of the step. With the graph, Python no longer stands between the kernels, and the other changes pay off:
#
# - The corpus lies on the GPU, and clips are gathered by index. All weights are slices of one tensor, so the cast to half precision, the clipping and AdamW ([Loshchilov and Hutter, 2019](references.bib#loshchilov2019adamw)) take one kernel or a few each.
# - Sampling and coding are one kernel forwards and one backwards, instead of some forty passes over 13 million numbers (52 million at batch 128). A layer norm with its shortcut and ReLU is one kernel each way, too.
# - Nothing waits for the gradients of weights: they are computed on streams of their own, in parallel with the backward pass. The emotion branch and D1 likewise run in parallel with the LSTMs ([Hochreiter and Schmidhuber, 1997](references.bib#hochreiter1997lstm)).
# - The longest chain of kernels has priority: it runs on a stream of high priority. A trace had shown that D2's LSTMs, which need all their blocks at once, started only after D1's convolutions had finished.
# - The first convolution of D1 adds its bias and applies its ReLU in the same kernel. Its output is the largest tensor of the step, and used to be read and written twice more.
# - Convolutions with a stride along the heads read pairs of heads as one with twice the channels, for which cuDNN has faster kernels.
#
# Nearly half of the time that is left goes into those LSTMs, which run through fifty frames one after the other:

# %% tags=["hide-input"]
where = speed["batch 32"]["profile"]["milliseconds"]
order = sorted(where, key=where.get)
fig = go.Figure(
    go.Bar(x=[where[name] for name in order], y=order, orientation="h")
)
fig = fig.update_layout(xaxis_title="ms of kernels in a step")

# %% tags=["hide-input"]
figures.show(
    fig,
    name="profile",
    caption=(
        "Kernels of one replayed step at batch 32 by kind, "
        f"{speed['batch 32']['profile']['kernels']} in all. They overlap: "
        "the step itself takes less than their sum."
    ),
    alt=(
        "Bars: LSTMs about three milliseconds, convolutions about one and "
        "a half, the rest about one; own kernels, optimiser and matrix "
        "products below half."
    ),
)

# %% [markdown]
# ## Is the fast step as good a teacher?
#
# Does the fast step, with its half precision, train equally good models? Here are the same recipe and seeds in float32 throughout, one operation after the other, measured on unseen people:

# %% tags=["hide-input"]
ablations = results.read("training_ablations")["runs"]
table = results.by_name(
    ablations,
    ("validation", "energy"),
    ("scores", "all_fd"),
    ("validation", "variance"),
    ("validation", "blink"),
)

# %% tags=["nbval-check-output"]
parts = {0: "energy", 1: "FD", 2: "liveliness"}
for column, label in parts.items():
    fast, slow = table["U"][:, column], table["float32"][:, column]
    print(
        f"{label:10} fast: {', '.join(f'{x:.2f}' for x in fast)}   "
        f"float32, step by step: {', '.join(f'{x:.2f}' for x in slow)}"
    )
    assert fast.min() <= slow.mean() <= fast.max()
for label, name in (("fast", "U"), ("float32", "float32")):
    seeds = ", ".join(f"{x:.3f}" for x in table[name][:, 3])
    print(f"blink term, {label}: {seeds}")

# %% [markdown]
# For energy, FD and liveliness, the mean of the slow runs lies within the range of the fast runs. (The reverse does not hold for FD, since the three slow FDs are nearly the same, by chance.) Two of the fast seeds learn blinks better than any slow one, and the third learns them worse. A test compares each of our kernels with PyTorch's on the GPU.
#
# ## Two GPUs
#
# `torchrun --nproc-per-node 2 -m elp.cli train RECIPE …` shares the batch of a recipe between GPUs. The gradients, one flat tensor, are averaged inside the graph. How much faster this is depends on how much of a step is arithmetic.

# %% tags=["hide-input"]
measured = results.read("training_scaling")
scaling, device = measured["processes"], measured["device"]
names = {
    "vico, batch 32": "vico, batch shared",
    "vico, batch 64": "vico, 32 each",
    "l2l, batch 128": "l2l, batch shared",
    "l2l, batch 256": "l2l, 128 each",
}
alone = scaling["1"]  # shared or not is the same
alone["vico, batch 64"] = alone["vico, batch 32"]
alone["l2l, batch 256"] = alone["l2l, batch 128"]

# %% tags=["hide-input"]
fig = go.Figure()
style = {"orientation": "h", "cliponaxis": False}
for count, row in scaling.items():
    x = [row[name]["clips_per_second"] / 1000 for name in names]
    style["name"] = f"{count} GPU{'s' * (count != '1')}"
    style["text"] = [f"{v:.1f}" for v in x]
    fig.add_bar(y=list(names.values()), x=x, **style)
fig.update_layout(yaxis={"autorange": "reversed"}, height=380)
fig = fig.update_xaxes(title="thousand clips a second", range=[0, 46])

# %% tags=["hide-input"]
figures.show(
    fig,
    name="scaling",
    caption=(
        f"Clips a second of captured steps on one and two {device}, the "
        "recipe's batch shared between them or a whole one on each. "
        "Measured before streams had priorities."
    ),
    alt=(
        "Bars, thousands of clips a second. Shared batch: vico 8.0 and "
        "7.8, l2l 20.4 and 26.4; a batch each: vico 8.0 and 15.3, l2l "
        "20.4 and 39.5."
    ),
)

# %% tags=["hide-input"]
one, shared, weak = (
    scaling["1"]["l2l, batch 128"],
    scaling["2"]["l2l, batch 128"],
    scaling["2"]["l2l, batch 256"],
)

# %% tags=["nbval-check-output"]
print(
    "the same clips shared by two GPUs: "
    f"{shared['clips_per_second'] / one['clips_per_second']:.2f} "
    "times as many a second"
)
print(
    "twice the clips on two GPUs: "
    f"{weak['clips_per_second'] / one['clips_per_second']:.2f} times "
    "as many a second"
)

# %% [markdown]
# A batch of 32 is too little work to share: a step with 16 clips on each GPU takes as long as one with 32. Sharing a batch of 128 gains something. With a whole batch on each, two GPUs are nearly twice as fast.
#
# ## Answering while somebody speaks
#
# A causal model such as `listener` answers frame by frame (`ResponseStream`, see [Your own video](your-own-video.md)). Here it hears a simulated speaker of the test split as in a call: every fifth of a second, five frames of β, $p$ and blinks arrive with their sound, and are answered before the next five arrive.

# %%
folder = tempfile.TemporaryDirectory()
talks = simulate(f"{folder.name}/vico", "vico", audio=False)
responder = ELPResponder.from_checkpoint()
for pair in talks.pairs("test").itertuples():
    smile = following.smile(talks.speaker(pair).motion)
    if len(following.onsets(smile, rise=0.8)) > 1:
        break
heard, voice = talks.speaker(pair).motion, sound(talks, pair)
mood = talks.emotions[pair.emotion]

# %%
call = ResponseStream(
    responder, mood, generator=torch.Generator().manual_seed(7)
)
said = [
    call.push(
        voice[640 * t : 640 * (t + 5)],
        heard.beta[t : t + 5],
        heard.pose[t : t + 5],
        heard.blink[t : t + 5],
    )
    for t in range(0, len(heard), 5)
]

# %% tags=["nbval-check-output"]
n = len(heard)
print(
    f"{pair.clip}: {n} frames in {len(said)} pieces, "
    f"{sum(map(len, said))} answered before the end, "
    f"{len(call.finish())} after it"
)
answer = np.concatenate([motion.beta for motion in said])
clip = Clip(motion=heard, mfcc=mfcc(voice, n), prosody=prosody(voice, n))
lot = torch.Generator().manual_seed(7)
whole = responder.respond(clip, mood, generator=lot)
assert np.abs(answer - whole.beta[:n]).max() < 1e-4

# %% tags=["hide-input"]
fig = go.Figure()
live = np.concatenate([following.smile(motion) for motion in said])
lines = {"speaker": following.smile(heard), "live listener": live}
for n, (who, y) in enumerate(lines.items()):
    x, color = np.arange(len(y)) / 25, figures.COLORS[2 * n]
    fig.add_scatter(x=x, y=y, name=who, line_color=color)
fig = fig.update_layout(
    xaxis_title="seconds", yaxis_title="smile", height=340
)

# %% tags=["hide-input"]
figures.show(
    fig.update_layout(legend_y=1.12),
    name="live",
    caption=(
        "One call: the speaker's smile, and that of the listener, "
        f"computed while she speaks; mood {mood}, one draw. Test split."
    ),
    alt=(
        "Two lines over fourteen seconds. The speaker smiles four times; "
        "the listener's smile swings all the time about a higher level, "
        "and no eye could tell that it follows."
    ),
)

# %% [markdown]
# The answer equals that to the whole clip, up to rounding, however the clip is cut.
#
# At 25 frames a second there are 40 ms for each frame. How much of that does a model of the paper's sizes take to get from 640 samples, β and $p$ to one frame of motion? And a long answer is computed in pieces of ten seconds: can one see where they meet? The times are those of untrained weights. The seams are those of answers to two minutes of speech, by the model that ships.

# %%
stream = results.read("stream")
for row in stream["speed"]:
    who = f"{row['threads']} thread{'s' * (row['threads'] > 1)},"
    print(
        f"{who:10} emotion {row['emotion']:8}  median "
        f"{row['median_ms']:.1f} ms, 95 % within {row['p95_ms']:.1f} "
        "ms"
    )

# %%
for part, found in stream["seams"]["acceleration"].items():
    print(
        f"acceleration at seams over elsewhere, {part}: "
        f"{found['ratio']:.3f} ± {found['ci95']:.3f}"
    )
print(
    "largest difference from an answer in one piece:",
    stream["seams"]["largest_difference_from_one_piece"],
)

# %% [markdown]
# On one thread, a frame takes less than a quarter of the available time. A second thread gains little, because one frame is too little work to share. Much of that work is to read the weights. Those of checkpoints that ship fit into float16 without loss, and then half as many bytes are read: with such weights a frame takes 4.9 ms of processor time instead of 7.8 (emotion given, the fastest of three runs on a busy machine). A frame of `listener`, which is smaller, takes 4.0 ms, or 4.2 where it infers the emotion. An answer in pieces equals one in a single piece to the last bit, since each piece starts from the state at the end of the one before. So there are no seams; where the ratios differ from 1, the motion itself differs at those few places.
#
# ## Summary
#
# - At the paper's sizes a training step is launch-bound: more than a thousand kernels have little to do each. One CUDA graph removes the launches, and only then do faster kernels make a difference.
# - The fast step trains models as good as those of a plain float32 loop, within the noise of three seeds.
# - A causal model answers a frame in less than a quarter of the 40 ms that it has, the one that ships in a tenth, and a streamed answer is the same as one computed at once.
#
# ```{admonition} What is not reached, and not measured
# :class: note
# - The corpus of *l2l* has three simulated hours, two of them for training, which 50 000 steps memorise. The paper's has 72 hours.
# - Four GPUs and several machines were not measured.
# - `torch.compile`, the benchmark mode of cuDNN, LSTM layers run one by one, and a batch split over two streams (the LSTMs then take turns, in twice the time) were tried without improvement; no figures were kept.
# ```
#
# ## Exercises
#
# ```{exercise}
# :label: ex-training-graph
# A CUDA graph replays the same kernels with the same arguments. How can each replay draw other clips and other noise?
# ```
#
# ```{solution} ex-training-graph
# :class: dropdown
# The state of the random generator lies in device memory and is registered with the graph; every replay advances it. Nothing else changes: the learning rate, too, is a tensor that is filled before each replay.
# ```
#
# ```{exercise}
# :label: ex-speed-amdahl
# What share of the kernels' time do the LSTMs take at batch 32 (see the figure of kernels above)? If they cost nothing at all, by what factor would the sum of the kernels fall?
# ```
#
# ```{solution-start} ex-speed-amdahl
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
total = sum(where.values())
name = next(n for n in where if "LSTM" in n)
rest = total - where[name]
share, gain = where[name] / total, total / rest
print(f"{share:.0%} of the kernels; at most {gain:.1f} times")

# %% [markdown]
# That is Amdahl's law. The other half of the work sets the limit.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-speed-live
# The shipped model may have to wait for 32 ms of sound after the time of a frame. A video call adds 150 ms each way. How late does a nod appear to the speaker, at best, and does it matter beside the delay that people have anyway (about 0.7 s after a cue)?
# ```
#
# ```{solution-start} ex-speed-live
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
median = min(row["median_ms"] for row in stream["speed"])
late = 150 + 32 + median + 150
print(f"{late:.0f} ms, {late / 700:.0%} of a listener's own delay")

# %% [markdown]
# Nearly all of the delay is due to the call. It is half as long as people's own, so it does matter. A model could make up for it by answering earlier than people do.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# AdamW, whose step is one kernel here: [Loshchilov and Hutter (2019)](references.bib#loshchilov2019adamw). LSTMs, whose frames cannot run in parallel: [Hochreiter and Schmidhuber (1997)](references.bib#hochreiter1997lstm).
