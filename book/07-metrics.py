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
# # Metrics
#
# **Question.** A listener can answer well in many ways, and the true answer is only one of them. Which numbers tell a good answer from a bad one,
# and which published numbers may be put side by side?
#
# After this page you can write down each metric of the field, name a failure that it does not see, and put an interval on its value.
#
# The field shares the *names* of its metrics, not their formulas: "FD" is a Fréchet distance in one report and a mean absolute difference in another; one paper's variance runs over time and another's over everything. So for every number in this book the convention is named. Here are the formulas, the code that computes them, and a set of deliberate failures to test them on.

# %%
import tempfile

import numpy as np
import plotly.graph_objects as go

from elp import metrics
from elp.book import figures, following, plots, results
from elp.simulator import simulate
from elp.face.model import FaceModel

figures.setup()

# %% [markdown]
# ## Something to measure
#
# Half an hour of simulated conversation, cut into pieces of 20 s. A metric compares a speaker, the listener who was there (`gt`, ground truth), and a generated one (`pred`).
# To keep this page quick we look at seven coefficients only: the head's rotation and translation, and the smile, which is the mean of both mouth corners' coefficients.
# A turn by one radian moves a face, ten centimetres from the head's centre, by about ten centimetres. Multiplied by this lever of 10 cm, the rotation is in centimetres like the translation.

# %%
folder = tempfile.TemporaryDirectory()
corpus = simulate(
    f"{folder.name}/talk", "l2l", seed=7, audio=False, hours=0.5
)
smile = [FaceModel.default().index(name) for name in ("smile_l", "smile_r")]
lever, length = np.array([10, 10, 10, 1, 1, 1]), 500
speaker, gt = [], []

# %%
for pair in corpus.pairs().itertuples():
    for clips, motion in (
        (speaker, corpus.speaker(pair).motion),
        (gt, corpus.listener(pair)),
    ):
        both = np.column_stack(
            [motion.pose * lever, motion.beta[:, smile].mean(1)]
        ).astype(float)
        clips += [
            both[start : start + length]
            for start in range(0, len(both) - length + 1, length)
        ]

# %% tags=["nbval-check-output"]
print(
    len(gt), "clips of", length, "frames,", gt[0].shape[1], "coefficients"
)

# %% [markdown]
# Arrays `(clips, T, D)` and lists of `(T, D)` are both fine; rows of NaN, or frames outside a `valid` mask, are left out of everything.
#
# ## Is the motion of the right kind? Fréchet distance
#
# Fit a Gaussian to the real frames, one to the generated frames, and measure how far one must be moved to become the other:
#
# $$
# \mathrm{FD} \;=\; \lVert \mu_x - \mu_y \rVert^2 \;+\; \operatorname{tr}\!\bigl(\Sigma_x + \Sigma_y - 2\,(\Sigma_x \Sigma_y)^{1/2}\bigr). \tag{7.1}$$
#
# Here $\mu$ and $\Sigma$ are mean and covariance of the frames. (Strictly this is the square of the Fréchet distance; the field calls it FD.) The first term says *where* a face rests, the second *how* it moves about that place.

# %% tags=["remove-input"]
from elp.metrics.gaussian import gaussian_terms

figures.source(gaussian_terms)

# %% [markdown]
# With a hundred coefficients and a clip of two seconds there are fewer frames than dimensions, the covariances are singular, and the usual matrix square root returns rounding noise. The sum of singular values needs no such root of the product (any $R$ with $R^\top R = \Sigma$ will do) and is exact there too. Two cases have known answers: a shift by $(3, 4)$ gives $3^2+4^2$, and doubling a centred motion gives its variance.

# %% tags=["nbval-check-output"]
x = np.random.default_rng(0).standard_normal((500, 2))
x -= x.mean(0)
shift, double = x + np.array([3, 4]), 2 * x
print(f"shifted by (3, 4): {metrics.gaussian_distance(x, shift):.3f}")
print(
    f"doubled:           {metrics.gaussian_distance(x, double):.3f}, "
    f"variance {np.trace(np.cov(x.T)):.3f}"
)

# %% [markdown]
# Pooling changes the question. Four functions ask four different ones:
#
# - `frechet` compares each clip with its own truth and averages over clips. This is our convention, and that of DIM and lm-listener ([Tran et al., 2024](references.bib#tran2024dim); [Ng et al., 2023](references.bib#ng2023lmlistener)).
# - `frechet_pooled` puts all frames together, no matter which clip they come from.
# - `paired_frechet` (P-FD) takes the vectors $(s_t, x_t)$ of speaker and listener side by side, so that their covariance counts.
# - `l1_distance`, the mean of $|x_{t,d} - y_{t,d}|$, is what RLHG and PCH call FD ([Zhou et al., 2022](references.bib#zhou2022rlhg); [Huang et al., 2022](references.bib#huang2022pch)).
#
# As a test, every listener is replaced by a real listener of another conversation:

# %%
places = [
    (p.clip, p.listener)
    for p in corpus.pairs().itertuples()
    for _ in range(int(p.length) // length)
]
moved = places[34:] + places[:34]
kept = [
    sum(here[k] == there[k] for here, there in zip(places, moved))
    for k in (0, 1)
]

# %% tags=["nbval-check-output"]
print(
    f"answers exchanged: {kept[0]} pieces keep their conversation, "
    f"{kept[1]} of {len(gt)} their listener"
)
other = gt[34:] + gt[:34]
for name in ("frechet", "frechet_pooled", "l1_distance"):
    print(
        f"{name:16s} a real listener of another conversation: "
        f"{getattr(metrics, name)(gt, other):.3f}"
    )

# %% tags=["nbval-check-output"]
print(
    f"{'paired_frechet':16s} "
    f"{metrics.paired_frechet(speaker, gt, other):.3f}"
)
fit = metrics.Gaussian.of
place, manner = np.mean(
    [metrics.gaussian_terms(fit(x), fit(y)) for x, y in zip(gt, other)], 0
)
print(
    f"of frechet, {place:.3f} for the place and {manner:.3f} for the manner"
)

# %% [markdown]
# The same answers give four numbers, and the pooled one is zero, since all frames are real. Most of what `frechet` counts here is the place: another person holds the head elsewhere and smiles more or less at rest. Keep this in mind for the chapter [Results](08-results.ipynb). A method that is not told *who* listens cannot know where that person's face rests, however well it moves, so no such method comes near 0.
#
# ## Is there enough of it? V-D and SI-D
#
# V-D is the variance over time, SI-D the Shannon entropy of a histogram over $K$ clusters of the *real* frames ($K = 40$ for expressions, 20 for the head):
#
# $$
# \begin{aligned} \text{V-D} &= \frac{1}{CD}\sum_{c,d} \operatorname{Var}_t\, x_{c,t,d}, \\ \text{SI-D} &= -\sum_{k=1}^{K} h_k \log_2 h_k . \end{aligned} \tag{7.2}$$

# %% tags=["remove-input"]
from elp.metrics.entropy import bits

figures.source(bits)

# %% [markdown]
# The paper does not give the logarithm's base. Its ground truth reaches 4.27, more than $\ln 40 = 3.69$ allows, so it is 2. For both, the best value is the ground truth's own, not the largest, since mere trembling gives a large variance. DIM flattens all values before it takes the variance; differences between people then count as motion:

# %% tags=["nbval-check-output"]
centres = metrics.cluster(gt, metrics.POSE_CLUSTERS)
print(
    f"V-D  over time {metrics.variance(gt):.3f}, flattened "
    f"{metrics.variance_flat(gt):.3f}"
)
still = metrics.BREAKAGES["constant output"](gt, 1.0, None)
print(
    f"  of people who never move: {metrics.variance(still):.3f}, "
    f"flattened {metrics.variance_flat(still):.3f}"
)
print(
    f"SI-D {metrics.entropy(gt, centres):.2f} bits of at most "
    f"{np.log2(len(centres)):.2f}"
)

# %% [markdown]
# ## Does it belong to this speaker? RPCC and WTLCC
#
# The residual Pearson correlation coefficient (RPCC) asks whether the generated listener co-varies with the speaker as much as the real one did:
#
# $$
# \begin{aligned} \mathrm{RPCC} = \bigl|\;& \bar\rho(\text{listener}_{gt}, \text{speaker}) \\ & - \bar\rho(\text{listener}_{pred}, \text{speaker}) \,\bigr| , \end{aligned} \tag{7.3}$$
#
# with $\bar\rho$ the mean of Pearson's correlation over clips and coefficients. But a listener answers *later*. The windowed time-lagged cross-correlation (WTLCC; [Boker et al., 2002](references.bib#boker2002wcc)) slides a window of 4 s of the speaker $s$ over the listener $x$:
#
# $$
# \begin{gathered} r_w(\ell) = \operatorname{corr}\bigl( s_{w \dots w+99},\; x_{w+\ell \dots w+\ell+99} \bigr), \\ -50 \le \ell \le 50 \text{ frames}. \end{gathered} \tag{7.4}$$
#
# A positive lag $\ell$ means that the listener follows. Windows start every two seconds, and the coefficients' correlations are averaged. Frames outside the clip are never made up, so fewer windows take part the larger the lag. (The small step at lag 0 in the figure below is a first or last window that drops out.)
#
# It matters most which summary of the numbers $r_w(\ell)$ is reported. The mean over windows, then the peak over lags (our "WTLCC"), is small between strangers.
# The peak of each window, then the mean, is large between strangers too, because a hundred lags offer a hundred chances.

# %%
smiles = {
    who: [x[:, 6] for x in clips]
    for who, clips in (
        ("speaker", speaker),
        ("gt", gt),
        ("stranger", other),
    )
}

# %% tags=["nbval-check-output"]
real, strangers = (
    metrics.wtlcc(smiles["speaker"], smiles[who])
    for who in ("gt", "stranger")
)
for name, found in (("who was there", real), ("a stranger", strangers)):
    print(
        f"{name:14s} WTLCC {found.peak:.2f} at {found.lag / 25:+.1f} "
        f"s, mean of window peaks {found.window_peak:.2f}"
    )

# %% [markdown]
# How large a value would chance give? We re-match the pairs many times, so that nobody keeps their partner, and measure again.

# %% tags=["remove-input"]
from elp.metrics.chance import chance

figures.source(chance)

# %%
rounds = metrics.chance(
    following.peak,
    smiles["speaker"],
    smiles["gt"],
    rng=np.random.default_rng(0),
    rounds=20,
)

# %% tags=["hide-input"]
fig = go.Figure()
fig.add_scatter(x=real.lags / 25, y=real.curve, name="smile, who was there")
fig.add_scatter(
    x=strangers.lags / 25,
    y=strangers.curve,
    name="smile, a stranger",
    line_dash="dot",
)
every = metrics.wtlcc([x[:, :6] for x in speaker], [x[:, :6] for x in gt])

# %% tags=["hide-input"]
fig = fig.add_scatter(
    x=every.lags / 25,
    y=every.curve,
    name="mean of the head's six, who was there",
    line_dash="longdash",
)

# %% tags=["hide-input"]
fig.add_hline(
    y=max(rounds),
    line_dash="dash",
    line_color=figures.INK,
    annotation_text="highest peak of 20 re-matchings",
)
fig = fig.update_xaxes(
    title="lag in s (positive: the listener follows)"
).update_yaxes(title="correlation")

# %% tags=["hide-input"]
figures.show(
    fig,
    name="correlogram",
    caption=(
        "Windowed time-lagged cross-correlation of speaker and listener, "
        "windows of 4 s, mean over windows. Simulated conversations in "
        "pieces of 20 s."
    ),
    alt=(
        "The smile of the true pairs peaks more than half a second after "
        "the speaker, above the dashed chance level. Strangers stay below "
        "it. The mean of the head's six coefficients is nearly flat."
    ),
)

# %%
assert real.peak > max(rounds) > strangers.peak and 0 < real.lag < 30
assert every.peak < real.peak / 3

# %% [markdown]
# The true pairs stand out, and the peak comes late: a listener needs a moment. The mean of window peaks hardly tells them from strangers.
#
# The *mean over coefficients*, here of the head, is far smaller, although heads are coupled too. This is how the WTLCC of a whole head or face is usually computed. But averaging signed correlations over coefficients that are not coupled, or that are coupled with opposite signs (people who face each other mirror: my left is your right), loses the signal. Our tables therefore show nods and smiles by themselves beside the mean.
#
# ### How much comes back
#
# A correlation depends on two things at once: whether the listener follows, and whether it does anything else. A lively face that returns each smile scores lower than a dull one that returns the same. The *gain* depends on the first only. It is the slope of the listener's movement $x$ on the mean $\bar s$ of the speaker's over the second before, after each clip's mean is subtracted:
#
# $$
# g = \frac{\sum_t \bar s(t)\, x(t)}{\sum_t \bar s(t)^2} , \qquad \bar s(t) = \frac{1}{25} \sum_{k=1}^{25} s(t-k) . \tag{7.5}$$
#
# To show the difference, we make the real listeners' smiles livelier, by adding once, twice and three times the smile of a stranger; the values are means over twenty choices of strangers.

# %%
heard, own = (np.stack(smiles[who])[..., None] for who in ("speaker", "gt"))
more = np.arange(4)
livelier = [
    [own + k * np.roll(own, shift, 0) for shift in range(5, 65, 3)]
    for k in more
]
gains, peaks = (
    [np.mean([measure(heard, x) for x in each]) for each in livelier]
    for measure in (metrics.gain, following.peak)
)

# %% tags=["hide-input"]
fig = go.Figure()
for name, y, dash in (("gain", gains, "solid"), ("WTLCC", peaks, "dash")):
    fig.add_scatter(
        x=more,
        y=np.array(y) / y[0],
        name=name,
        line_dash=dash,
        mode="lines+markers",
    )

# %% tags=["hide-input"]
fig.update_xaxes(
    title="stranger's smiles added, times", dtick=1
).update_yaxes(title="over its own value at 0", rangemode="tozero")
figures.show(
    fig,
    name="gain",
    caption=(
        "Gain and WTLCC of the smile while a stranger's smiles are added "
        "to the real listener's, each over its value without them."
    ),
    alt="The gain stays near one; the WTLCC falls.",
)

# %%
for name, y in (("gain", gains), ("WTLCC", peaks)):
    print(
        f"{name:5} of the real listeners {y[0]:.2f}, with three times "
        f"a stranger's smiles {y[3]:.2f}"
    )
assert (
    peaks[3] < 0.7 * peaks[0] and abs(gains[3] - gains[0]) < 0.3 * gains[0]
)

# %% [markdown]
# Liveliness lowers the correlation. The gain stays the same, though it becomes less certain. Neither should be as high as possible: people's own value is the target.
#
# ## Does it move at the same moments? STS
#
# The short time series distance compares steps from frame to frame:
#
# $$
# \mathrm{STS} = \sqrt{\textstyle\sum_{t,d} \bigl(\Delta x_{t,d} - \Delta y_{t,d}\bigr)^2 / \delta t}\,. \tag{7.6}$$
#
# Here $\Delta x_{t,d}$ is the step of coefficient $d$ at frame $t$, and $\delta t$ the time between frames. The published sum is not normalised: it grows with the square root of the size of the test set, so values from test sets of different sizes cannot be compared. Divided by the square root of the number of steps, they can:

# %% tags=["nbval-check-output"]
for n in (len(gt) // 4, len(gt)):
    raw, frame = (
        metrics.sts(gt[:n], other[:n], dt=1 / 25, per_frame=per_frame)
        for per_frame in (False, True)
    )
    print(f"{n:2d} clips: STS {raw:6.1f}, per frame {frame:.3f}")

# %% [markdown]
# ## Blinks
#
# A blink sequence is compared with the *real listener's* blinks, not with the speaker: the same correlogram, over windows in which the real listener blinks. A listener who never blinks scores 0, and one who blinks by chance a little more, because the peak is the best of many lags.

# %%
blinks = [
    corpus.listener(pair).blink for pair in corpus.pairs().itertuples()
]
tries = {
    "the same": blinks,
    "0.4 s late": [np.roll(b, 10) for b in blinks],
    "never": [0 * b for b in blinks],
}
tries["by chance"] = [np.roll(b, len(b) // 2) for b in blinks]

# %% tags=["nbval-check-output"]
tries["half of them"] = [
    b
    * np.repeat(
        np.random.default_rng(0).random(len(b) // 25 + 1) < 0.5, 25
    )[: len(b)]
    for b in blinks
]
for name, tried in tries.items():
    found = metrics.blink_wtlcc(blinks, tried)
    print(f"{name:12s} {found.peak:.2f} at {found.lag / 25:+.2f} s")

# %% [markdown]
# ## Does it answer cues? Event metrics
#
# People do not answer a nod with a nod. They nod when a voice falls or pauses; they blink when a phrase ends. So neither correlation nor gain can detect an attentive listener: what is answered is an *event*, in another channel. Event metrics therefore ask how much more of something happens after an event than elsewhere:
#
# $$
# m = \frac{\text{mean activity in the window after events}}{\text{mean activity in all other frames}} . \tag{7.7}$$
#
# At chance, $m = 1$: the events change nothing. The best value is people's own, not the highest possible. Sums are taken over all clips before dividing, so that a clip with few events does not dominate.

# %% [markdown]
# | metric | events of the speaker | activity of the listener | window |
# |---|---|---|---|
# | nods after low pitch | cues of the rule of [Ward and Tsukahara (2000)](references.bib#ward2000backchannel) | power of pitch at 1 to 4 Hz ([Hadar et al., 1985](references.bib#hadar1985listening)) | 0 to 1 s |
# | nods after phrases | ends of phrases | the same | 0.2 to 1.2 s |
# | blinks after blinks | blinks within 0.3 s of a phrase's end | starts of blinks ([Nakano and Kitazawa, 2010](references.bib#nakano2010blink)) | 0.2 to 0.56 s |
# | blinks after other blinks | blinks far from such ends, as a control, since people do not answer these | the same | the same |
# | onsets after onsets | starts of smiles | starts of smiles | 0 to 2 s |
#
# Cues are found in the *sound* ("heard"), so that this works for real recordings too; for simulated speakers the true ones are known as well ("known"). Let us build listeners whose answers we know. Every four seconds a speaker gives a cue. One listener nods for a second right after each cue, one does so a second and a half later, one nods as often but at random times, and one nods all the time.

# %%
from elp.metrics import events

rng, fps = np.random.default_rng(0), 25
cues = np.zeros((40, 1000))
cues[:, 50::100] = 1
burst = np.sin(2 * np.pi * 2 * np.arange(fps) / fps) * np.hanning(fps)
burst = np.deg2rad(2) * burst
starts = {"when invited": cues, "1.5 s late": np.roll(cues, 37, 1)}
anywhen = np.stack([rng.permutation(row) for row in cues])
starts |= {"whenever it likes": anywhen, "all the time": 0 * cues}

# %%
nodding = {
    name: np.stack([np.convolve(row, burst)[:1000] for row in at])
    for name, at in starts.items()
}
always = np.deg2rad(2) * np.sin(2 * np.pi * 2 * np.arange(1000) / fps)
nodding["all the time"] = np.tile(always, (40, 1))
nodding = {
    name: x + rng.normal(0, np.deg2rad(0.3), x.shape)
    for name, x in nodding.items()
}

# %% [markdown]
# The same with blinks: the speaker blinks at the ends of phrases and at other times. One listener answers only the blinks at the ends, one answers all, and one blinks by chance. All of them also blink a few times by themselves.

# %%
ends = np.roll(cues, -2, 1)
aside = np.roll(cues, 50, 1)
blinker = np.stack(
    [np.convolve(x, np.ones(5))[:1000] for x in cues + aside]
)
lids = {
    "phrase ends only": np.roll(cues, 8, 1),
    "every blink": np.roll(cues + aside, 8, 1),
    "by chance": np.stack([rng.permutation(row) for row in cues]),
}
lone = (rng.random(cues.shape) < 0.005).astype(float)  # everybody's own
lids = {name: np.maximum(at, lone) for name, at in lids.items()}

# %%
modulation = {}
for name, x in nodding.items():
    terms = events.nod_terms(list(cues), list(x))
    modulation[f"nods {name}"] = events.ratio(terms.sum(0))
for name, at in lids.items():
    shut = [np.convolve(row, np.ones(5))[:1000] for row in at]
    given = (list(blinker), list(ends), shut)
    for control in (False, True):
        terms = events.blink_terms(*given, control=control)
        label = f"{name}, {'other blinks' if control else 'at ends'}"
        modulation[f"blinks: {label}"] = events.ratio(terms.sum(0))

# %% tags=["hide-input"]
fig = go.Figure()
shades = [0 if name.startswith("nods") else 1 for name in modulation]
fig.add_scatter(
    x=list(modulation.values()),
    y=list(modulation),
    mode="markers+text",
    marker={"color": [figures.COLORS[k] for k in shades], "size": 10},
    text=[f"{v:.2f}" for v in modulation.values()],
    textposition="top center",
)
fig.add_vline(x=1, line_dash="dash", line_color=figures.INK)
ticks = {"tickvals": [0.1, 0.3, 1, 3, 10, 30], "range": [-1.3, 1.8]}
fig.update_xaxes(type="log", title="after events over elsewhere", **ticks)
fig = fig.update_yaxes(autorange="reversed").update_layout(height=420)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="events",
    caption=(
        "Constructed listeners: nod-band power after cues over elsewhere "
        "(blue), starts of blinks after the speaker's over elsewhere "
        "(orange), logarithmic. Dashed: chance."
    ),
    alt=(
        "Nods when invited stand far above 1, late ones far below, others "
        "near 1. Following at phrase ends only is high there and near 1 "
        "after other blinks; following every blink is high after both."
    ),
)

# %% tags=["nbval-check-output"]
for name, value in modulation.items():
    print(f"{name:40s} {value:6.2f}")
chance_level = [modulation[f"nods {n}"] for n in list(nodding)[2:]]
assert max(abs(np.log(chance_level))) < 0.2
assert modulation["nods when invited"] > 5
assert modulation["nods 1.5 s late"] < 0.5

# %% [markdown]
# No person has ratios as large as these, since nobody answers every cue and nothing else. A listener who nods all the time, however much, is at 1: the ratio does not reward activity. One who nods late is *below* 1, because the answer falls into "elsewhere". By chance alone, so few blinks give ratios as far off as 1.3 and 0.8; we therefore need intervals. And the control distinguishes a listener who answers every blink, which people do not do, from one who answers at the ends of phrases.
#
# ### Speed, rest, lids, and the speaker's share
#
# There are three more groups, for all of which people's own value is best.
#
# - **Spectra**: the power of pitch, yaw and roll in four bands (posture 0.1 to 0.5 Hz, sway, nods 1 to 4 Hz, tremble), the head's median speed, and the *rest share*, the share of frames in which it turns slower than 2 degrees a second.
# - **Lids**: the median interval between blinks, the share of intervals under one second, and the share of blinks that last one frame.
# - **Speaker's share**: how much do several answers to the same speaker have in common that answers to other speakers do not share?
#
# The last is an analysis of variance. Answers to one speaker with different seeds share the speaker's part, answers to different speakers with one seed the seed's part. Chance is 0, and an estimate may fall below. The target is the *oracle's* value, since most of what a person does has nothing to do with the speaker. We test it on listeners made of random numbers:

# %%
smooth = np.hanning(25) / np.hanning(25).sum()
noise = rng.standard_normal((3, 12, 1000))
alone, by_speaker, by_seed = (
    np.apply_along_axis(np.convolve, -1, x, smooth, "same")
    for x in (noise, noise[:1, ::-1], noise[:, :1])
)
kinds = {
    "only the seed": (0, 0, 1),
    "a fifth the speaker": (0.8, 0.2, 0),
    "only the speaker": (0, 1, 0),
}

# %% tags=["nbval-check-output"]
for name, (rest, heard_part, seed) in kinds.items():
    y = np.sqrt(rest) * alone + np.sqrt(heard_part) * by_speaker
    y = y + np.sqrt(seed) * by_seed
    terms = events.explained_terms([list(x[..., None]) for x in y])
    totals = terms.sum(0)
    print(
        f"{name:20s} speaker {events.speaker_share(totals):+.2f}, "
        f"seed {events.seed_share(totals):+.2f}"
    )

# %% tags=["nbval-check-output"]
turns = np.cumsum(rng.normal(0, 0.01, (40, 1000, 3)), 1)
rests = rng.normal(0, 1e-4, turns.shape)
half = np.where(np.arange(1000)[:, None] < 500, rests, turns)
for name, x in (("restless", turns), ("half at rest", half)):
    totals = events.speed_terms(list(x)).sum(0)
    print(
        f"{name:13s} rest share {events.rest_share(totals):.2f}, median "
        f"speed {events.median_speed(totals):.1f} degrees a second"
    )

# %% [markdown]
# The estimates are close to what was put in, and the rest share is right. The chapter [Results](08-results.ipynb) begins with these metrics.

# %% [markdown]
# ## Several answers at once: REACT
#
# If many answers are right, one can score many. The REACT challenges ([Song et al., 2023](references.bib#song2023react)) compare $K$ samples with *all* real listeners whose answer would have been appropriate. FRCorr takes the best concordance correlation, FRDist the least distance after dynamic time warping (DTW), both summed over the samples:
#
# $$
# \begin{aligned} \mathrm{FRCorr} &= \frac1N \sum_{n,k} \max_{y \in A_n} \frac{2 \operatorname{cov}(x_{nk}, y)}{\sigma_{x}^2 + \sigma_y^2 + (\mu_x - \mu_y)^2}, \\
# \mathrm{FRDist} &= \frac1N \sum_{n,k} \min_{y \in A_n} \operatorname{DTW}(x_{nk}, y), \end{aligned} \tag{7.8}$$
#
# with $x_{nk}$ the $k$-th answer to speaker $n$ and $A_n$ the real answers that count as appropriate to that speaker.
#
# FRDiv is the mean squared difference between two samples for one speaker, FRDvs that between the answers to two speakers, FRVar the variance over time of each answer, and FRSyn the absolute lag, up to two seconds, at which the correlation of the *whole* clip with the speaker is highest. Values are averaged over coefficients; only DTW takes all coefficients together. Here $A_n$ is the true listener alone, and the samples are real listeners of other conversations:

# %% tags=["nbval-check-output"]
samples = [[b, c] for b, c in zip(other[:12], gt[20:32])]
found = metrics.evaluate(speaker[:12], gt[:12], samples, convention="react")
for name, value in found.items():
    print(f"{metrics.METRICS[name].heading:10s} {value:8.3f}")

# %% [markdown]
# These are listeners who answered somebody else: there is no concordance, and the best lag can be anywhere within two seconds.
#
# ## Break it
#
# Now we take the ground truth as the prediction, which is perfect by definition, and damage it in four ways: constant output, noise, shuffled pairs, and a shift in time. A metric that does not notice a breakage does not measure what the breakage destroys. This is the code of the last one:

# %% tags=["remove-input"]
from elp.metrics.controls import shifted

figures.source(shifted)

# %%
tools = {
    "fd": lambda p: metrics.frechet(gt, p),
    "fd_pooled": lambda p: metrics.frechet_pooled(gt, p),
    "pfd": lambda p: metrics.paired_frechet(speaker, gt, p),
    "mse": lambda p: metrics.mse(gt, p),
    "vd": metrics.variance,
    "sid": lambda p: metrics.entropy(p, centres),
    "sts_frame": lambda p: metrics.sts(gt, p, dt=1 / 25, per_frame=True),
}

# %%
heard, own = smiles["speaker"], smiles["gt"]
tools |= {
    "rpcc": lambda p: metrics.rpcc(heard, own, [x[:, 6] for x in p]),
    "wtlcc": lambda p: following.peak(heard, [x[:, 6] for x in p]),
}

# %%
perfect = {m: tool(gt) for m, tool in tools.items()}
strengths = [0, 0.25, 0.5, 0.75, 1]
broken = {
    name: [spoil(gt, s, np.random.default_rng(1)) for s in strengths]
    for name, spoil in metrics.BREAKAGES.items()
}

# %% [markdown]
# Each metric has its own unit, so the figure shows damage: 0 for the ground truth, 1 for the worst that any of the four breakages does to that metric. Each metric's direction is respected, so a variance that is too large and one that is too small are both damage.

# %%
damage = {}
for name, preds in broken.items():
    for m, tool in tools.items():
        bad = np.array(
            [metrics.METRICS[m].badness(tool(p), perfect[m]) for p in preds]
        )
        damage[name, m] = bad - bad[0]
worst = {m: max(damage[name, m].max() for name in broken) for m in tools}
damage = {key: v / worst[key[1]] for key, v in damage.items()}

# %%
kinds = {
    "distribution": ("fd", "fd_pooled", "pfd"),
    "diversity": ("vd", "sid"),
    "frame by frame": ("mse", "sts_frame"),
    "with the speaker": ("rpcc", "wtlcc"),
}
order = [m for members in kinds.values() for m in members]
titles = [
    metrics.METRICS[m].title.replace(" per", "<br>per") for m in order
]

# %%
names, shown = list(broken), slice(0, 250)
lowest = min(v.min() for v in damage.values())
colors = [
    figures.COLORS[k]
    for k, members in enumerate(kinds.values())
    for _ in members
]

# %%
curves = {
    (name, k): preds[k][0][shown, 6].round(2)
    for name, preds in broken.items()
    for k in range(len(strengths))
}
bars = {
    (name, k): [round(damage[name, m][k], 3) for m in order]
    for name in names
    for k in range(len(strengths))
}

# %% tags=["hide-input"]
fig, start = go.Figure(), 2
above = {"x": np.arange(250) / 25, "xaxis": "x2", "yaxis": "y2"}
red, grey = figures.COLORS[1], figures.COLORS[5]
for name in names:
    curve, bar = curves[name, start], bars[name, start]
    first = {"visible": name == names[0]}
    fig.add_scatter(
        y=curve, name="broken", line_color=red, **above, **first
    )
    fig.add_bar(
        x=titles, y=bar, marker_color=colors, showlegend=False, **first
    )
real = {"name": "real", "line": {"color": grey, "dash": "dot"}}
fig = fig.add_scatter(y=gt[0][shown, 6].round(2), **above, **real)

# %% tags=["hide-input"]
traces = list(range(2 * len(names)))
visible = [[i // 2 == k for i in traces] for k in range(len(names))]
buttons = plots.choices(names, [{"visible": v} for v in visible], traces)
data = [
    [part for name in names for part in (curves[name, k], bars[name, k])]
    for k in range(len(strengths))
]
labels = [f"{strength:g}" for strength in strengths]
steps = plots.choices(labels, [{"y": y} for y in data], traces)

# %% tags=["hide-input"]
place = {"x": 0, "y": 1.2}
menu = {"buttons": buttons, "type": "buttons", "direction": "right"}
menu |= {"xanchor": "left", "yanchor": "bottom", "font_size": 11}
slider = {"steps": steps, "active": start, "len": 1, "pad_t": 10}
slider |= {"currentvalue_prefix": "strength ", "yanchor": "top"}
fig.update_layout(updatemenus=[menu | place], sliders=[slider | place])
fig = fig.update_layout(height=640, margin_t=150)

# %% tags=["hide-input"]
low, high = [0, 0.55], [0.72, 1]
fig = fig.update_layout(
    yaxis={"title": "damage", "range": [lowest - 0.05, 1.1], "domain": low},
    xaxis2={"title": "s", "anchor": "y2", "range": [0, 10]},
    yaxis2={"title": "smile", "domain": high},
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="break-it",
    caption=(
        "Choose a breakage, then its strength. Above: a smile, real and "
        "broken. Below: how much each metric reacts. Colours: "
        "distribution, diversity, frame by frame, with the speaker."
    ),
    alt=(
        "A bar for each metric. Constant output alarms SI-D, WTLCC, "
        "pooled FD; noise STS, V-D, pooled FD; shuffled pairs leave "
        "pooled FD, V-D and SI-D at zero; a time shift alarms MSE, WTLCC."
    ),
)

# %% [markdown]
# Here are all values at full strength. A cell near 0 is a blind spot.

# %% tags=["hide-input"]
grid = np.array([[damage[name, m][-1] for m in order] for name in names])
fig = go.Figure(
    go.Heatmap(
        z=grid,
        x=titles,
        y=names,
        texttemplate="%{z:.2f}",
        zmin=0,
        zmax=1,
        showscale=False,
    )
)

# %% tags=["hide-input"]
figures.show(
    fig.update_layout(height=300),
    name="blind-spots",
    caption=(
        "Damage at full strength, relative to each metric's worst over "
        "the four breakages."
    ),
    alt=(
        "Heat map of breakages against metrics. Shuffled pairs score zero "
        "on pooled FD, V-D and SI-D; the time shift scores near zero on "
        "FD, V-D and SI-D."
    ),
)

# %%
full = {key: values[-1] for key, values in damage.items()}
blind = [full["shuffled pairs", m] for m in ("fd_pooled", "vd", "sid")]
assert max(blind) < 1e-6  # real frames, whoever they belong to
assert full["time shift", "fd"] < 0.2 < full["time shift", "mse"]

# %% [markdown]
# No metric sees everything. Correlations do not notice that a movement becomes smaller until it is gone. STS notices noise and little else. Shuffled pairs are real listeners, so pooled FD, V-D and SI-D do not change; a time shift leaves nearly the same frames, so FD hardly notices it.
#
# The mean squared error, the natural training loss, rates a constant output better than a real listener of somebody else. A table of listeners therefore needs a metric of distribution, one of diversity *and* one of synchrony, and a single number never ranks methods.
#
# ```{admonition} What the paper leaves open
# :class: note
# The formulas of FD, RPCC, WTLCC and STS are in an appendix that was not published with the paper. So it is open whether FD is per clip or pooled; which unit head pose has (rotation and translation are added up); which summary of WTLCC is reported (peak or mean, at which lags); which time step and normalisation STS has; and whether the WTLCC columns are distances from the ground truth, as the text says, or correlations, as the table's GT row and arrows say.
# Here each of these is a function, an argument or a stated unit, and each table names its choice.
# ```
#
# ## Which published numbers can be compared?
#
# | columns | comparable? | why |
# |---|---|---|
# | FD of DIM, lm-listener, ours | formula yes, numbers only on the same coefficients | all are Eq. 7.1 per clip; the face models differ (FLAME 50, Deep3DFace 64, ours 100) and so do units |
# | FD of RLHG and PCH with FD of ELP, L2L | no | the first is a mean absolute difference; the paper's Table 1 marks the copied figures with a star |
# | V-D of DIM with V-D of L2L, ELP | no | flattened against over time |
# | SI-D | within one corpus | the clusters come from that corpus's ground truth |
# | RPCC | with care | flattened (L2L, DIM) correlates people's offsets; per coefficient (ours) it does not |
# | WTLCC | no | window 4 s is stated, lags and reduction are not |
# | STS | no, unless per frame | an un-normalised sum over the test set |
# | blink WTLCC | no | as WTLCC; the detectors of blinks differ, too |
#
# Our code reproduces the conventions it names. `evaluate(..., convention="dim")` gives the values that DIM's published code prints for the same arrays, to $10^{-6}$ relative; the tests hold it to that.

# %% tags=["nbval-check-output"]
for convention in ("dim", "lm-listener", "rlhg"):
    found = metrics.evaluate(
        speaker,
        gt,
        other,
        convention=convention,
        pose=slice(0, 6),
        expression=slice(6, 7),
    )
    print(
        f"{convention:12s}",
        ", ".join(f"{k} {v:.3f}" for k, v in list(found.items())[:4]),
    )

# %% [markdown]
# ## How sure? Intervals over people
#
# A test split has many clips and few people. The clips of one listener share a way of sitting and of smiling, so an interval over clips is as narrow as if every clip showed another person. A bootstrap must draw units that are independent: here *listeners*, each with all of their clips; if people listen and speak in turn, dyads.

# %% [markdown]
# How much does this matter? Here are the strangers' answers from above, with intervals over pieces and over listeners:

# %%
from elp.evaluation.bootstrap import holm, summarise
from elp.evaluation.units import Units, conversations
from elp.metrics.clips import as_clips

people = sorted({who for _, who in places})
number = np.array([people.index(who) for _, who in places])
over = {
    "pieces": conversations(len(number)),
    "listeners": Units(name="listeners", of_clip=number),
}

# %%
terms = {}
for part, columns, keys in (
    ("head", slice(0, 6), ("fd", "vd")),
    ("smile", slice(6, 7), ("gain",)),
):
    s, g, p = (
        as_clips(part, [x[:, columns] for x in clips])
        for clips in (speaker, gt, other)
    )
    case = metrics.Case(speaker=s, gt=g, pred=p)
    for key in keys:
        found = metrics.METRICS[key].terms(case)
        terms[f"{part}_{key}"] = np.asarray(found)[None]

# %%
summary = {
    name: summarise({"stranger": [terms]}, unit)["methods"]["stranger"]
    for name, unit in over.items()
}
rows = {"over pieces": 0, "over listeners": 1}
shown = {
    key.replace("_fd", " FD").replace("_vd", " V-D").replace("_", " "): {
        f"over {name}": found[key] for name, found in summary.items()
    }
    for key in terms
}
fig = plots.dots(shown, rows, height=200)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="intervals",
    caption=(
        f"Three values of strangers' answers with 95 % intervals over "
        f"{len(number)} pieces and over {len(people)} listeners."
    ),
    alt=(
        "The interval of the smile's gain is wider over listeners; those "
        "of distance and variance are about as wide as over pieces."
    ),
)

# %% tags=["nbval-check-output"]
print(f"{len(number)} pieces of {len(people)} listeners")
wider = {}
for key in terms:
    one, many = (
        found[key]["high"] - found[key]["low"]
        for found in (summary["pieces"], summary["listeners"])
    )
    wider[key] = many / one
    print(f"{key:11s} over listeners {wider[key]:.1f} times as wide")
assert wider["smile_gain"] > 1.4 and min(wider.values()) > 0.8

# %% [markdown]
# It depends on what is measured. A stranger's distance from the real listener, and how much heads move, are about as uncertain either way, because clips of one person differ more than these six people do. How much of a smile comes back depends on the person, so the interval over listeners is nearly twice as wide.
#
# Many comparisons are a second trap. Of twenty rows that do not differ at all, one is "significant" at 5 % by chance. The tables of [the results](08-results.ipynb) compare all rows of a column with one, so each column's $p$-values are corrected by Holm's method: the smallest is multiplied by the number of rows, the next by one less, and so on, and none may be smaller than the one before.

# %% tags=["nbval-check-output"]
drawn = np.random.default_rng(0).random((1000, 20))  # nothing differs
wrong = (drawn < 0.05).any(1).mean()
fixed = [
    min(holm({str(k): p for k, p in enumerate(row)}).values()) < 0.05
    for row in drawn
]
print(f"something found where nothing is: {wrong:.0%}")
print(f"after Holm's correction: {np.mean(fixed):.0%}")
assert np.mean(fixed) < 0.08 < wrong

# %% [markdown]
# ## What it costs
#
# If a table takes an hour, one evaluates only once. Here are the times for a corpus of ViCo's size on a machine without a GPU (`benchmarks/metrics.py`): all metrics of each convention, and then the Fréchet distance from singular values beside the usual matrix square root.

# %%
cost = results.read("metrics_speed")
print(
    f"{cost['clips']} clips, {cost['frames']:,} frames of "
    f"{cost['coefficients']} coefficients, {cost['cores']} cores"
)
for what, seconds in cost["seconds_of"].items():
    print(
        f"{what:34} {seconds['wall']:6.1f} s, {seconds['cpu']:6.1f} s "
        "of processor time"
    )

# %% [markdown]
# Clips of similar length are computed together, so that all cores work. Singular values are exact where the matrix root is not, and also many times faster.
#
# ## Summary
#
# - One name, several formulas: a number without its convention cannot be compared.
# - Distances see where a face rests and how much it moves; measures of synchrony see when it moves; none sees everything.
# - Event metrics ask what follows a cue. 1 is chance, people's own value is the target, and more is not better.
# - Intervals must be taken over people, and many comparisons need a correction.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-metrics-mean
# Let the prediction be each clip's own mean pose. Which of MSE and FD ranks it above a real listener of another conversation? What would a network trained on MSE learn from that?
# ```
#
# ```{solution-start} ex-metrics-mean
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
still = metrics.BREAKAGES["constant output"](gt, 1.0, None)
mean = np.concatenate(gt).mean(0)
everybody = [np.broadcast_to(mean, x.shape) for x in gt]
for name in ("mse", "frechet"):
    measure = getattr(metrics, name)
    own, all_, real = (measure(gt, x) for x in (still, everybody, other))
    print(
        f"{name:8} own mean {own:7.3f}, everybody's mean {all_:7.3f}, "
        f"another listener {real:7.3f}"
    )

# %% [markdown]
# Both do, if the mean is the clip's own, because knowing the true mean is worth a lot. With the mean over *all* listeners, only MSE still clearly prefers it. A network trained on MSE learns exactly this prediction, and V-D exposes it.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-metrics-reverse
# Play every listener backwards in time. Which metrics notice?
# ```
#
# ```{solution-start} ex-metrics-reverse
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
back = [x[::-1] for x in gt]
sts = metrics.sts(gt, back, dt=1 / 25, per_frame=True)
fd = metrics.frechet(gt, back)
more = metrics.variance(back) - metrics.variance(gt)
print(f"backwards: FD {fd:.4f}, variance {abs(more):.4f} more")
print(f"STS per frame {sts:.2f}")

# %% [markdown]
# FD, V-D and SI-D are exactly unchanged, because they ignore the order of frames. STS, MSE, RPCC and WTLCC notice.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-metrics-units
# Nods count in radians, displacements in centimetres. By how much does the head's Fréchet distance change if rotations are multiplied by a lever of 20 cm instead of 10?
# ```
#
# ```{solution} ex-metrics-units
# :class: dropdown
# The rotations' part grows fourfold, since variances and squared differences of means do; the translations' part stays (exactly so only where the two do not co-vary). So two tables with different levers cannot be compared, and neither can sums of radians and centimetres.
# ```
#
# ## Further reading
#
# The windowed cross-correlation: [Boker et al. (2002)](references.bib#boker2002wcc). The Fréchet distance between Gaussians as a measure of generated images: [Heusel et al. (2017)](references.bib#heusel2017fid). Many right answers: [Song et al. (2023)](references.bib#song2023react).
