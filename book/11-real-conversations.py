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
# # Real conversations
#
# **Question.** Do two people who talk really move together, and would we notice if they did not? And what does it take to bring real corpora, each in its own
# format, into the one that training reads?
#
# After this page you can test with pseudo-pairs whether two people are coupled, say how closely a method trained here would follow a real person, and import a corpus of your own.
#
# The data behind this page is not part of the book: each corpus has its own licence and shows people whom we have not asked. The page shows what we measured on it, read from a committed file that says how. If you have the data, one command repeats the measurement.

# %%
import tempfile

import numpy as np
import plotly.graph_objects as go

from elp.book import figures, results
from elp.evaluation import tables
from elp.simulator import simulate
from elp.evaluation.coupling import coupling
from elp.simulator.face import COLUMN

# %%
figures.setup()
measured = results.read("conversations")

# %% [markdown]
# ## Pseudo-pairs
#
# Two smiles may correlate because one answers the other, or because everybody smiles at the beginning and the end of a call. The control is a set of **pseudo-pairs**: one person of a dyad together with a person of another dyad, who never met but did the same task. With $x_i$ and $y_i$ the signals of the two people of dyad $i$, and $r_\ell$ the correlation of two signals at lag $\ell$,
#
# $$
# \begin{aligned} r_\ell(x, y) &= \operatorname{corr}\big(x(t),\, y(t+\ell)\big), \\
# \text{coupling} &= \overline{r_\ell(x_i, y_i)} - \overline{r_\ell(x_i, y_j)}_{\,j \ne i}. \end{aligned} \tag{11.1}$$
#
# where the bar is a mean over dyads. Frames are not independent samples: a test over frames would find almost anything significant. The unit is the *dyad*; a dyad recorded under three conditions counts once. We use two tests: a paired $t$-test on Fisher's $z$, a transformed correlation, and a permutation test that assigns partners at random and counts how often the result is as high as the measured one.

# %% tags=["remove-input"]
from elp.evaluation.coupling import coupling

figures.source(coupling)

# %% [markdown]
# ## Video calls
#
# [Diao et al. (2024)](references.bib#diao2024nonverbal) recorded 15 dyads in video calls, three minutes under each of three picture qualities, and published, per person and frame, the intensities of AU06 (raised
# cheeks) and AU12 (smile), body motion and gaze.

# %% tags=["nbval-check-output"]
print(
    "signal           dyads   met  pseudo     t   p (t)   p (permutation)"
)
rows = measured["vc_resolution"] | {"therapy: motion": measured["rmea"]}
for name, row in rows.items():
    print(
        f"{name:16s} {row['dyads']:5d} {row['real']:6.3f} "
        f"{row['pseudo']:6.3f} {row['t']:6.2f} {row['p_t']:8.2g} "
        f"{row['p_permutation']:8.2g}"
    )
smile = measured["vc_resolution"]["AU12"]
assert smile["real"] > 0.2
assert abs(smile["pseudo"]) < 0.03
assert smile["p_permutation"] < 0.01

# %% [markdown]
# Smiles are coupled: 0.24 between people who met, 0.01 between people who did not, and none of ten thousand random assignments reached 0.24. Body motion is coupled weakly in calls and, in the last row, between patients and therapists (motion energy, 20 pairs of ten minutes, the sample of the R package rMEA). For therapy the two tests disagree, because they ask different questions: the $t$-test whether other dyads would show the coupling too, the permutation test whether it matters who is paired with whom among these dyads.

# %% tags=["hide-input"]
fig = go.Figure()
for key, label, dash in (
    ("real_at_lag", "met", "solid"),
    ("pseudo_at_lag", "pseudo-pairs", "dash"),
):
    for k, name in enumerate(("AU12", "log_body_motion")):
        row = measured["vc_resolution"][name]
        style = {"color": figures.COLORS[k], "dash": dash}
        fig.add_scatter(
            x=row["lags"],
            y=row[key],
            line=style,
            name=f"{name.replace('log_', '').replace('_', ' ')}, {label}",
        )

# %% tags=["hide-input"]
fig = fig.update_layout(
    xaxis_title="lag (s)", yaxis_title="mean correlation", height=340
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="lags",
    caption=(
        "Correlation at each lag, mean over dyads: people who met (solid) "
        "and two pseudo-pairs for each dyad (dashed)."
    ),
    alt=(
        "For smiles a hill near lag zero, 0.25 high and several seconds "
        "wide, for body motion two low humps, before and after zero; "
        "pseudo-pairs stay near zero."
    ),
)

# %% tags=["hide-input"]
fig = go.Figure()

# %% tags=["hide-input"]
grey = {"marker_color": figures.COLORS[5], "boxpoints": False}
for k, (name, row) in enumerate(rows.items()):
    label = name.replace("log_", "").replace("_", " ")
    boxes = {"pseudo": (row["pseudo_each"], grey)}
    dots = {"marker_color": figures.COLORS[k], "boxpoints": "all"}
    boxes["met"] = row["real_each"], dots | {"pointpos": 0}
    for who, (x, style) in boxes.items():
        who = f"{label}, {who}"
        fig.add_box(x=x, name=who, orientation="h", **style)

# %% tags=["hide-input"]
fig.update_layout(xaxis_title="correlation", showlegend=False, height=420)
figures.show(
    fig,
    name="dyads",
    caption=(
        "Correlation of each dyad that met (points), and of all "
        "pseudo-pairs (grey boxes)."
    ),
    alt=(
        "Dyads scatter widely, for raised cheeks and smiles from 0 to "
        "above 0.5, all on the positive side; the grey boxes sit at zero."
    ),
)

# %% [markdown]
# The hill is seconds wide and centred near zero: in a conversation without roles, each of the two is sometimes the one who smiles first. And dyads differ widely. Any metric that correlates a generated listener with the real speaker ([Metrics](07-metrics.ipynb)) inherits this spread.
#
# Gaze is not coupled in this way: whether one person looks at the other says nothing about whether the other looks back at the same moment.
#
# ## With a delay on the line
#
# The same authors delayed sound and picture between the two people ([Diao et al., 2024](references.bib#diao2024effects)), by nothing, half a second or a second each way (MIT licence; 15 dyads with body motion, 18 with gaze, not all of them under every condition). The signals are smoothed over a second, because body motion trembles from frame to frame.

# %% tags=["nbval-check-output"]
print("delay    signal           dyads   met   pseudo  p (permutation)")
for delay, found in measured["vc_delay"].items():
    for name, row in found.items():
        print(
            f"{delay:>4} ms  {name:16s} {row['dyads']:4d} "
            f"{row['real']:7.3f} {row['pseudo']:7.3f} "
            f"{row['p_permutation']:8.2g}"
        )
assert measured["vc_delay"]["500"]["log_body_motion"]["real"] > 0.1

# %% [markdown]
# Body motion is still coupled with a delay of half a second. With a whole second it is coupled less, and four in a hundred random assignments of partners are coupled as much. With that delay, people look at each other at the same moments *less* often than strangers would (ten dyads, paired t-test, p = 0.004, but this is one of six comparisons).
#
# ## Who begins after whom, and who could predict it?
#
# Two questions make sense even though these recordings have no roles and no sound. How much more often does one person *begin* (to smile, to move, to look) within two seconds after the other began than at other times? And how well do the other's last four seconds predict one's own signal now, for a ridge regression that was fitted without these two people (each dyad is left out in turn)? Strangers, paired with or predicted from somebody whom they did not meet, give the level of chance.
#
# Intervals are over dyads. In the table, *begins* is the ratio of the first question, *foretold* the correlation of the second:

# %% tags=["nbval-check-output"]
for corpus in ("vc_resolution", "vc_delay"):
    for name, told in measured["foretold"][corpus].items():
        begun = measured["onsets"][corpus][name]
        met, r = begun["met"], told["met"]
        print(
            f"{corpus:13s} {name:15s} begins {met['value']:.2f} "
            f"[{met['low']:.2f}, {met['high']:.2f}] p {begun['p']:.2g}"
            f"\n{'':30}foretold r {r['value']:.2f} [{r['low']:.2f}, "
            f"{r['high']:.2f}], strangers "
            f"{told['strangers']['value']:+.2f}"
        )

# %% [markdown]
# Smiles follow smiles: they begin a third more often after the other's smile than at other times. A linear regression on the other person's last seconds predicts the smile of somebody new with r = 0.28; from a stranger it predicts nothing. Body motion can be predicted too, though only in the first corpus does it also begin more often after the other's. Gaze hardly can (looks begin a fifth more often after a look, but r stays near 0.05).
#
# Does what was learned from simulated people hold for real ones? The smile is the one quantity that both have. The same regression is fitted to people, or to either version of the simulator (v1, v2), and predicts all three:

# %% tags=["nbval-check-output"]
names = ("people", "v1", "v2")
head = "   ".join(f"{n:17}" for n in names)
print(f"learned from, foretells  {head}".rstrip())
for source in names:
    row = [measured["transferred"][source][n]["met"] for n in names]
    cells = [
        f"{x['value']:.2f} [{x['low']:.2f}, {x['high']:.2f}]" for x in row
    ]
    print(f"{source:24} " + "   ".join(cells))

# %% [markdown]
# A fit to simulated people predicts real ones as well as a fit to other real people does: the values and their intervals agree to within two hundredths. What differs is how much there is to predict. For all three fits the listeners of version 1 are hardly predictable, and those of version 2 nearly as predictable as people.
#
# ## And simulated people?
#
# Here is the coupling of simulated dyads, measured by the same function. Their roles are fixed: the listener follows, and mimics the course of a smile with a known delay.

# %% tags=["nbval-check-output"]
simulated = simulate(
    tempfile.mkdtemp() + "/l2l", "l2l", seed=0, audio=False, hours=0.5
)
found = coupling(simulated, COLUMN["smile_l"], permutations=2000)
met = np.eye(len(found.dyads), dtype=bool)
print(
    f"{len(met)} dyads: met {found.dyads[met].mean():.2f}, pseudo "
    f"{found.dyads[~met].mean():.2f}, best at lag "
    f"{found.lags[found.real.argmax()]:.1f} s: {found.real.max():.2f}"
)
assert 0.2 <= found.lags[found.real.argmax()] <= 1.2

# %% tags=["hide-input"]
fig = go.Figure()
lags = {
    "simulated": (found.lags, found.real),
    "video calls": (smile["lags"], smile["real_at_lag"]),
}
for k, (name, (x, y)) in enumerate(lags.items()):
    fig.add_scatter(x=x, y=y, name=name, line_color=figures.COLORS[k])
fig = fig.update_layout(
    xaxis_title="second person after first (s)",
    yaxis_title="correlation of smiles",
    height=320,
)

# %% tags=["hide-input"]
figures.show(
    fig,
    name="simulated",
    caption=(
        "Smiles in simulated dyads, where the second person is always the "
        "listener, and in real calls without roles."
    ),
    alt=(
        "The simulated curve peaks at a positive lag of about half a "
        "second; the curve of real calls is a wide hill about zero."
    ),
)

# %% [markdown]
# The two curves have similar heights, but different shapes. The simulated listener is always late, by about the delay that the simulator gives to listeners ([Simulated dyads](04-corpus.ipynb)). The real curve is far wider and falls off slowly on both sides: moods in a call last for many seconds. In simulator 1, which is used here, a mood lasts for the whole clip, and so drops out of the correlation.
#
# ## Would a method find it?
#
# Here the methods of [Results](08-results.ipynb) answer these calls, in five folds of dyads: each dyad is answered by models that were trained without its two people. Every person is the listener in each of three calls, which makes ninety answers of three minutes. The data are four numbers a frame, without sound, head pose or emotion (so that U and V are the same). The *stranger* is the pseudo-pair.
#
# ELP is the recipe *small*, trained for 800 steps, with its variants Eq 1 (only the style of Eq. P1 as input) and causal; RLHG and PCH were trained for 3000 steps; each has one seed. Two action units, the logarithm of body motion and a gaze have no common unit, so errors and distances are in standard deviations. Intervals are over the fifteen dyads.

# %% tags=["nbval-check-output"]
calls = results.read("calls")["results"]
here = calls["calls"]
methods, against = here["methods"], here["contrasts"]
shown = list(methods)
columns = ["facial_fd", "facial_vd", "facial_sts_frame"]
columns += ["smile_wtlcc", "smile_gain"]
figures.table(tables.table(here, columns, methods=shown))
print(f"{here['units']['count']} {here['units']['name']}")

# %% tags=["nbval-check-output"]
people = methods["GT"]["facial_vd"]["value"]
for name in shown:
    fd, variance = (methods[name][k]["value"] for k in columns[:2])
    gain = methods[name]["smile_gain"]
    print(
        f"{name:14s} FD {fd:5.2f}   variance {variance / people:4.0%} "
        f"of people's   smile's gain {gain['value']:+.2f} "
        f"[{gain['low']:+.2f}, {gain['high']:+.2f}]"
    )

# %% tags=["nbval-check-output"]
for metric in ("facial_fd", "smile_gain"):
    apart = [name for name in against if against[name][metric]["separated"]]
    print(f"{metric}, separated from ELP-U:", ", ".join(apart))
assert methods["ELP-U"]["smile_gain"]["low"] > 0
assert methods["ELP-U, Eq 1"]["smile_gain"]["low"] < 0
assert against["stranger"]["smile_gain"]["separated"]
assert not against["ELP-U, causal"]["smile_gain"]["separated"]

# %% [markdown]
# People return a quarter of each other's smiles, strangers nothing. RLHG and PCH return a fifth, with a face that does little else; hence their WTLCC is four and six times people's. They are mirrors rather than listeners. NN-motion returns a fifth, too, because people who move alike were answered alike, and its face moves a third more than people's.
#
# ELP returns a twentieth, which is little, but more than strangers do. With the style of Eq. P1 alone it returns nothing: what the simulated corpus showed about Eq. P1 holds for people too. Here, unlike in the simulations, the causal model does not follow better.
#
# By FD, ELP cannot be told from strangers or from a random listener; NN-motion is closer, and methods that stand still are farther away.
#
# ### Can one learn from simulated people how to answer real ones?
#
# The models below learned from smiles alone, those of the other people in these calls or those of simulated people, and answer all fifteen dyads:

# %% tags=["nbval-check-output"]
for name, found in calls.items():
    if name.startswith("smiles"):
        for row in ("RLHG", "ELP-U, causal", "ELP-U"):
            gain = found["methods"][row]["smile_gain"]
            print(
                f"{name:28s} {row:14s} gain {gain['value']:+.2f} "
                f"[{gain['low']:+.2f}, {gain['high']:+.2f}]"
            )
taught = calls["smiles of the simulator, v1"]["methods"]
own = calls["smiles of people"]["methods"]
assert (
    taught["RLHG"]["smile_gain"]["low"] > own["RLHG"]["smile_gain"]["high"]
)
assert taught["ELP-U, causal"]["smile_gain"]["low"] > 0

# %% [markdown]
# A regression can. Trained on simulator 1, RLHG returns over half of what people do. Trained on simulator 2, whose smiles are slow and whose people echo less, it returns half as much as that; trained on the smiles of the twelve other dyads only, next to nothing. The causal ELP returns a little after simulator 1, and otherwise hardly anything that can be told from 0. ELP-U, which sees the future, returns nothing in any of the three.
#
# So the simulator teaches something true about people's smiles, and here more than an hour or two of real calls did. What it does not teach is how strongly people return them.
#
# ### Does the shipped listener nod at the ends of real phrases?
#
# `listener` cannot be tested on these calls, which have no sound, but on videos and recordings of people who talk. A phrase of two seconds or more counts as *met* if a nod begins or continues within 1.2 s of its end; chance is the share of all moments for which that would be true.

# %% tags=["nbval-check-output"]
nods = results.read("phrase_nods")
for where in ("simulated", "real"):
    for name, x in nods[where].items():
        print(
            f"{where:9s} {name:24s} met {x['met']:4.0%}, chance "
            f"{x['chance']:4.0%}, {x['phrases']:3d} phrases"
        )

# %% tags=["nbval-check-output"]
voices = nods["real"]
each = len(voices) - 1  # the last is all together
phrases = voices["all"]["phrases"] // nods["takes"]
print(f"{each} real speakers, {phrases} phrases, {nods['takes']} answers")
simulated = nods["simulated"]
gap = voices["all"]["met"] - simulated["GT, positive"]["met"]
assert abs(gap) < 0.1

# %% [markdown]
# Asked to be positive, `listener` meets a good third of the real phrases, which is no more than chance; the simulator's own positive listeners (*GT, positive*) meet two fifths, also little more than chance. But there are only four real phrases, and half a minute of talk cannot tell us more. Nor is this measure a good one, since anybody who nods often meets most phrases by chance. For this reason [Results](08-results.ipynb) compares the strength of nods after cues with their strength elsewhere.
#
# ### An earlier run, and what we learned from it
#
# An earlier run trained three seeds on ten dyads and answered three dyads. It includes L2L, and answers to the most similar speaker of the training set.

# %% tags=["hide-input"]
few = results.read("tables-vc-resolution")
rows = ["GT", "stranger", "RLHG", "PCH", "L2L", "DLS-Random+U"]
rows += ["NN-motion+U", "NN-audio+U", "ELP-U, Eq 1", "ELP-U"]
figures.table(
    tables.table(few, columns, methods=rows),
    fold="The earlier run: three dyads, intervals over answers",
)

# %% [markdown]
# There, too, RLHG and PCH return most. L2L has the highest FD of all. Answers to the most similar training speaker (NN-motion+U) are as good as those to the real one.
#
# We learned two lessons, both about units. The first: these calls have no head poses. Our first energy score divided the head's error by the size of its motion, which is zero, and the huge result made the gradient of the face negligible. What never moves is now left out of the score.
#
# The second: the logarithm of body motion has values several times as large as a smile's, so in ELP's loss and in every FD it counted as by far the larger movement. Measured that way, we called ELP's FD the lowest. In comparable units it is not; it cannot be told from that of a copied listener (*Random*). A corpus now says whether its units can be compared.

# %% tags=["remove-input"]
from elp.corpus.format import Corpus

figures.source(Corpus.units)

# %% [markdown]
# ## Importing corpora
#
# | command | reads | coefficients |
# | --- | --- | --- |
# | `elp corpus import vico SOURCE -o DEST` | RLD_data.csv, .mat of Deep3DFace or the raw mp4 and wav ([Zhou et al., 2022](references.bib#zhou2022rlhg)) | 64, or our 100 |
# | `... l2l` | p0/p1 .npy of DECA, mel spectra ([Ng et al., 2022](references.bib#ng2022learning2listen)) | 50 |
# | `... dualtalk` | .npz and .wav per person ([Peng et al., 2025](references.bib#peng2025dualtalk)) | 50 |
# | `... vc-resolution` | the authors' repository or its .zip ([Diao et al., 2024](references.bib#diao2024nonverbal)) | 4: AU06, AU12, body motion, gaze |
# | `... vc-delay` | the repository of its sequel ([Diao et al., 2024](references.bib#diao2024effects)), or its .zip | 2: body motion, gaze |
# | `... rmea` | .npz or two-column text | 1: motion energy |
# | `... folder` | your own videos, with a csv of pairs | our 100 |
#
# For your own videos, a file `pairs.csv` names in its columns `speaker` and `listener` the video files beside it. It may also have the columns `clip`, `speaker_id`, `listener_id`, `emotion`, `split` and `audio`.
#
# If one file, such as a recorded call, shows both people, the column `face` says on which side the speaker is, `left` or `right`; for two files, `speaker_face` and `listener_face` do. A row that cannot be right (one person twice, a misspelt emotion, a missing file, NaN) is left out, in any format, and the corpus's card lists it with the reason. The card also lists files whose ending is not that of a video.
#
# Everything is resampled to 25 frames per second: coefficients linearly, head rotations along the shortest arc, and blinks so that even the shortest one is kept:

# %% tags=["remove-input"]
from elp.corpus.importers.resample import events

figures.source(events)

# %% [markdown]
# Two traps of these formats are worth knowing. The six pose numbers of FLAME, the face model of DECA, are head rotation and *jaw* rotation, not translation; they stay where their authors put them, and the card says so. And the axes of Deep3DFace and FLAME point up and towards the camera; ours point down and away from it.
#
# Thousands of videos take days on one machine. `elp corpus build VIDEOS -o DEST` extracts them in parallel, on one machine or, with `--scheduler ADDRESS`, on a Dask cluster. If it is killed and started again, it repeats no finished video, and the final corpus is the same to the byte.
#
# ## Emotion from speech
#
# Learning2Listen has no emotion labels. The paper takes them from the speaker's voice, with a published analyser: happy becomes *positive*, the rest *unpositive*, and "to maintain the balance" more clips are labelled unpositive. The analyser is a convolutional network on 2.5 s of sound, trained on acted English. We run its weights, which you download from its authors, in torch. How far can its labels be trusted? Here is its accuracy on 176 acted German clips of EmoDB ([Burkhardt et al., 2005](references.bib#burkhardt2005emodb)), cut to two seconds:

# %% tags=["nbval-check-output"]
speech = measured["speech"]
print(
    f"happy or not: right {speech['accuracy']:.0%}; always saying no: "
    f"{speech['always_unpositive']:.0%}"
)
print(
    f"balanced accuracy {speech['balanced_accuracy']:.0%}, chance "
    f"{speech['balanced_chance']:.0%}"
)
print(
    f"five moods: right {speech['five_accuracy']:.0%}, chance "
    f"{speech['five_chance']:.0%}"
)
assert speech["accuracy"] < speech["always_unpositive"]

# %% tags=["hide-input"]
fig = go.Figure(
    go.Heatmap(
        z=speech["confusion"],
        x=speech["moods"],
        y=speech["moods"],
        colorscale="Blues",
        texttemplate="%{z}",
        showscale=False,
    )
)
fig = fig.update_layout(
    xaxis_title="heard by the analyser", yaxis_title="acted", height=340
)

# %% tags=["hide-input"]
fig.update_yaxes(autorange="reversed")
figures.show(
    fig,
    name="confusion",
    caption="What the analyser hears in 144 clips of known acted mood.",
    alt=(
        "A five by five table: most anger is heard as fear, calm and "
        "sadness as anger; four of 26 happy clips are heard as happy."
    ),
)

# %% [markdown]
# On this material, with another language, other microphones and shorter clips than it was trained on, its labels are close to chance. It never recognises calm or sad voices as such. As far as we can tell, our code is right: a plain numpy version of the network agrees to $10^{-5}$. So what a model learns from labels made this way may have little to do with anybody's emotion.
#
# ```{admonition} What the paper leaves open
# :class: note
# - **Which clips became unpositive for balance.** Here a clip is positive if its probability of happiness is at least 0.5; if that would be more than half of the clips, only the happiest half stays positive.
# - **How accurate the labels are.**
# - **Which sound was analysed.** Learning2Listen comes with mel spectra but without sound; from these the analyser's features can only be approximated, as its mel bands are different.
# ```
#
# ## Summary
#
# - Smiles of two people in a call are coupled, body motion weakly, gaze hardly. Pseudo-pairs are the control, and the dyad is the unit.
# - A linear regression of smiles that was fitted to simulated people predicts real ones as well as one fitted to other real people.
# - In real calls people return a quarter of each other's smiles. ELP returns a twentieth; RLHG and PCH return a fifth and do little else.
# - RLHG, trained on simulated smiles only, returns real ones, up to half as much as people do.
# - Every corpus is brought into one format, and whatever cannot be read is listed with the reason.
#
# ## Exercises
#
# ```{exercise}
# :label: ex-conversations-frames
# Why is a test that treats the 4500 frames of a conversation as independent samples wrong? With the curve above, guess how many independent samples three minutes of smiling hold.
# ```
#
# ```{solution} ex-conversations-frames
# :class: dropdown
# Neighbouring frames are nearly the same. The correlation stays high for several seconds; with a correlation time of about 5 s, three minutes hold some 180 / (2 · 5) ≈ 18 independent samples, not 4500. The standard error of $r$ is then about 0.24, as large as the effect. One dyad proves nothing; fifteen can.
# ```
#
# ```{exercise}
# :label: ex-conversations-blink
# At 30 frames per second a blink is flagged in a single frame. What share of such blinks would be lost if every frame at 25 frames per second took its nearest neighbour?
# ```
#
# ```{solution-start} ex-conversations-blink
# :class: dropdown
# ```
#
# A sixth, because one frame in six is nobody's nearest neighbour.

# %% tags=["nbval-check-output"]
from elp.corpus.importers.resample import events

single = np.eye(300, dtype=np.uint8)
kept = np.mean([events(row, 30.0).any() for row in single])
nearest = np.mean(
    [
        row[
            np.minimum(np.round(np.arange(250) * 1.2).astype(int), 299)
        ].any()
        for row in single
    ]
)
print(f"kept by the nearest neighbour {nearest:.2f}, by ours {kept:.2f}")
assert kept == 1

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-conversations-own
# Film a conversation with a friend, both faces, put the two videos and a `pairs.csv` into a folder and build a corpus from it. Who smiles first?
# ```
#
# ```{solution} ex-conversations-own
# :class: dropdown
# Run `elp corpus build FOLDER -o mine`. The function `coupling` needs three dyads; for a single one, plot the correlation $r_\ell(x, y)$ of Eq. 11.1 over the lag $\ell$, and see to which side of zero the hill leans. If it leans to positive lags, $x$ smiles first.
# ```
#
# ## Further reading
#
# Pseudo-pairs and windowed cross-correlation ([Boker et al., 2002](references.bib#boker2002wcc)); the calls ([Diao et al., 2024](references.bib#diao2024nonverbal)); acted German speech ([Burkhardt et al., 2005](references.bib#burkhardt2005emodb)); corpora ([Zhou et al., 2022](references.bib#zhou2022rlhg); [Ng et al., 2022](references.bib#ng2022learning2listen); [Peng et al., 2025](references.bib#peng2025dualtalk)).
