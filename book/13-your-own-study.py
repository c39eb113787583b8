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
# # Your own study
#
# **Question.** Metrics compare motion with motion. How do you ask *people* whether a face listens well, and how many of them do you have to ask?
#
# After this page you can run a blinded rating study with the questions of the paper's Table 4, join the answers of several raters, give every mean an interval that holds for other raters and other speakers, and say before you start how many of both you need. From the other chapters you only need to know [what a method is](10-add-a-method.ipynb).
#
# No person has rated anything on this page. All raters here are simulated, with a truth that we chose, so that the analysis can be checked against it.

# %%
import tempfile
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch

from elp.book import figures, plots, results, study
from elp.book.widgets import rating

figures.setup()

# %% [markdown]
# ## What the paper asked
#
# 42 people, found "through an online platform", saw videos of five methods and answered four questions ([Song et al., 2023](references.bib#song2023elp), section 4.4): "Do you think the [x] in video is like a listener?", from 1, disagree, to 5, agree. The [x] was facial expression, head pose movements, blink, or all aspects. The videos showed photographs that move ("real") or meshes. These are the means in Table 4:

# %%
paper = pd.DataFrame(results.read("paper_tables")["tables"]["4"])
paper.set_index("method")

# %% [markdown]
# There is no interval, and the number of speakers is not given. Look at the head movements: those of ELP are rated 4.9 as a mesh, those of the real listeners 3.9. Either ELP nods more like a listener than listeners do, or the difference is due to these raters and these videos. The table cannot tell which.
#
# ## A plan for every rater
#
# Three things spoil such a study. A rater who knows the method rates the method, so clips have random keys, and no name of a method reaches the rater's page. A clip looks better after a bad one, so the order must be balanced. And a rater gets tired, so every method must come early and late equally often. A *Williams square* ensures the last two, with as few orders as possible ([Williams, 1949](references.bib#williams1949balanced)):

# %% tags=["remove-input"]
figures.source(study.williams)

# %% tags=["nbval-check-output"]
square = study.williams(4)
print(square)
after = {two for row in square for two in pairwise(row)}
assert len(after) == 4 * 3  # each thing right after each other thing

# %% [markdown]
# Each number stands once in each column and once right after each other number. For speaker $s$, rater $n$ sees the methods in the order of row $(s + n) \bmod R$, with $R$ the number of rows; the speakers come in a random order that depends on the study's seed and on $n$. Then come pairs of methods answering one speaker, in either order, and some of these pairs are repeated.
#
# ## What a rater sees
#
# Here is such a study, small enough for a page: one simulated speaker and three listeners, which are the true listener of the simulator, the model that ships, and the mean face, which never moves. The heads are drawn by our own code, with the speaker on the left and the listener on the right.

# %%
from elp.evaluation.answers import generate
from elp.evaluation.methods import answerers
from elp.simulator import simulate
from elp.simulator.dyads import sound

folder = tempfile.TemporaryDirectory()
corpus = simulate(f"{folder.name}/tiny", "tiny", seed=3)
pair = next(corpus.pairs("test").itertuples())
seed = torch.Generator().manual_seed(0)
mood = corpus.emotions[pair.emotion]

# %%
cut = slice(0, 50)  # two seconds
speaker = corpus.speaker(pair).motion[cut]
voice = sound(corpus, pair)[: 50 * 640], 16000
clips = {}
names = ["GT", "listener", "mean face"]
for name, [method] in answerers(corpus, names).items():
    [answer] = generate(corpus, method, [pair], [mood], seed)
    clips[name, pair.clip] = study.drawn(
        speaker, answer[cut], voice, size=88, every=2
    )

# %%
small = study.Study(
    methods=names, speakers=[pair.clip], pairs=1, repeats=1, checks=1
)
rating.show(
    small,
    clips,
    folder=f"{folder.name}/ratings",
    name="rating",
    caption="Seven screens, with sound. Your browser keeps your answers.",
    alt="A rating study: a consent text, then videos with questions.",
)

# %% [markdown]
# "Next" works once the video has been seen to its end and everything is answered. The digit keys answer, Enter goes on, and Tab and Space play the video. In JupyterLab the answers are written to a CSV file after every screen; on a page without a kernel they stay in the browser until the rater saves them as such a file. Close the page and open it again: it goes on where you stopped.
#
# Two questions are there as checks. One says which answer to give, to find raters who do not read (an *instructed response item*; [Meade and Craig, 2012](references.bib#meade2012careless)). And one pair comes twice, to show how well raters agree with themselves. Only the first decides who is left out: to change one's mind about two nearly equal videos is no mistake.
#
# ## What is stored
#
# Each answer is one line of the file, and nothing else is stored:
#
# | column | meaning |
# |---|---|
# | `study` | 8 digits computed from everything that defines the study; files of other studies are refused |
# | `rater` | 8 random hexadecimal digits; no name, no address, no date |
# | `number` | which plan: 0, 1, … |
# | `trial` | screen, from 1 |
# | `question` | `facial`, `head`, `blink`, `all`; `check-2`, which asks for answer 2; `prefer` for a pair |
# | `clip`, `other` | keys of the first and, in a pair, of the second video |
# | `answer` | 1 to 5; in a pair 1 or 2 |
# | `seconds` | spent on the screen |
#
# The plan follows from study and number, so a file can be compared with it line by line. A file that does not follow its rater's plan is refused, in one sentence that names the line. The names of the methods are added only when `study.gather` joins the files, so the analyst, too, can stay blind until then.
#
# ## Raters with a known truth
#
# To test the analysis, simulated raters answer a study of four methods and eight speakers. The impression of rater $r$ of method $m$ with speaker $c$ is
#
# $$y_{rcm} = \mu_m + a_r + b_c + (am)_{rm} + (bm)_{cm} + \varepsilon$$
#
# and the answer is the nearest whole number from 1 to 5. Here $\mu_m$ is the quality of the method, $a_r$ how lenient the rater is, and $b_c$ how easy the speaker. $(am)_{rm}$ says that raters have favourites, and $(bm)_{cm}$ that a method suits some speakers better than others. All except $\mu_m$ are random draws, and $\mu_m$ is set so that the *expected answer* is the number that we choose. The methods are called A to D, so that nobody takes these numbers for a result.

# %%
truth = study.Truth(
    scores={"A": 4.3, "B": 3.7, "C": 3.6, "D": 1.8},
    strengths={"A": 1.2, "B": 0.3, "C": 0.2, "D": -1.7},
    first=0.3,  # log-odds: a habit of choosing the first
)
mine = study.Study(
    methods="ABCD", speakers=[f"s{i}" for i in range(8)], seed=1
)
made_up = study.simulate(mine, truth, 24, careless=2, seed=1)
for rows in made_up:
    study.write(f"{folder.name}/{rows[0][1]}.csv", rows)

# %% tags=["nbval-check-output"]
answers = study.gather(folder.name, mine)
careful = study.attention(answers)
print(careful.sort_values("checks").head(4).to_string())
kept = careful[careful["kept"]]
print(f"{len(kept)} of {len(careful)} raters kept; of their repeated pairs")
print(f"the same video was chosen in {kept['agreement'].mean():.0%}")
assert len(kept) == 22

# %% [markdown]
# The checks find the two who press buttons at random. A rule about repeated pairs would have excluded careful raters too, since some pairs are of methods that are nearly equal.
#
# ## Means that hold for other raters and other speakers
#
# 22 raters times 8 speakers are 176 answers to a method, but not 176 independent ones. Another study would ask other people *about other conversations*; an interval that ignores the second finds differences that are not there ([Judd et al., 2012](references.bib#judd2012stimuli); see the exercise about two equal methods). With $u_i$ the contribution of answer $i$ to the error of a mean,
#
# $$\mathrm{Var} = \sum_r \Big(\sum_{i \in r} u_i\Big)^2 + \sum_c \Big(\sum_{i \in c} u_i\Big)^2 - \sum_{rc} \Big(\sum_{i \in rc} u_i\Big)^2$$
#
# The first sum is over raters, the second over speakers, and the third subtracts what both contain ([Cameron et al., 2011](references.bib#cameron2011multiway)). Every sum is scaled by $n/(n-1)$ for its $n$ terms. The quantile of $t$ in the interval has one degree of freedom less than there are raters, or speakers if these are fewer.

# %% tags=["remove-input"]
from elp.book.study.analysis import Estimates

figures.source(Estimates.error)

# %%
kept = study.attentive(answers)
found = study.scores(kept, against="A")
means = {m: row["all"] for m, row in found["methods"].items()}
color = dict.fromkeys("ABCD", 0)
fig = plots.dots({"mean answer": means}, color, height=260)
fig = fig.add_scatter(
    x=list(truth.scores.values()),
    y=list(truth.scores),
    mode="markers",
    marker={"symbol": "x-thin", "size": 10, "line": {"width": 2}},
    showlegend=False,
)

# %% tags=["remove-input"]
figures.show(
    fig,
    name="scores",
    caption=(
        "Simulated raters: mean answers about all aspects with 95 % "
        "intervals, and the truth (cross)."
    ),
    alt="All crosses lie in the intervals; those of B and C overlap.",
)

# %% tags=["nbval-check-output"]
for m, row in found["contrasts"].items():
    c = row["all"]
    print(
        f"A minus {m}: {c['value']:.2f} [{c['low']:.2f}, {c['high']:.2f}]"
        f"  p after Holm {c['p_holm']:.2g}"
    )
inside = [
    row[q]["low"] < truth.scores[m] < row[q]["high"]
    for m, row in found["methods"].items()
    for q in mine.questions
]
print(f"{np.mean(inside):.0%} of the intervals hold the truth")
assert np.mean(inside) > 0.8

# %% [markdown]
# The differences are paired, since a lenient rater is lenient with all methods. Holm's correction is explained in [Metrics](07-metrics.ipynb).
#
# A mean of answers from 1 to 5 assumes that the step from 1 to 2 is as large as that from 4 to 5. Nobody knows whether it is, and if methods lie near an end of the scale, the mean can mislead ([Liddell and Kruschke, 2018](references.bib#liddell2018ordinal)). Comparisons of pairs do not need this assumption.
#
# ## Which of the two?
#
# [Bradley and Terry (1952)](references.bib#bradley1952rank) give each method a strength $\theta$:
#
# $$P(i \text{ chosen before } j) = \frac{1}{1 + e^{-(\theta_i - \theta_j + f)}}$$
#
# where $i$ is shown first and $f$ is the habit of choosing what comes first. This is a logistic regression, and its standard errors come from the same formula, with the $u_i$ of that regression.

# %% tags=["nbval-check-output"]
choice = study.strengths(kept, against="A")
for m, row in choice["methods"].items():
    x, true = row["strength"], truth.strengths[m]
    print(
        f"{m}: {x['value']:+.2f} [{x['low']:+.2f}, {x['high']:+.2f}]"
        f"  truth {true:+.2f}"
    )
    assert x["low"] < true < x["high"]
f = choice["first"]
print(f"first: {f['value']:+.2f} [{f['low']:+.2f}, {f['high']:+.2f}]")

# %% [markdown]
# ## How many raters, how many speakers?
#
# Find out before you start. `power` simulates studies of two methods that differ by 0.3 points, analyses each of them like a real one, and counts how many find the difference.

# %%
raters = [10, 20, 40, 80]
fig = go.Figure()
for n, speakers in enumerate((4, 8, 16, 32)):
    share = [study.power(r, speakers, 0.3) for r in raters]
    fig.add_scatter(
        x=raters,
        y=[x["value"] for x in share],
        error_y=plots.interval(share),
        name=f"{speakers} speakers",
        marker={"symbol": figures.SYMBOLS[n], "size": 8},
    )

# %% tags=["remove-input"]
fig = fig.update_layout(
    xaxis={"title": "raters", "type": "log", "tickvals": raters},
    yaxis={"title": "found", "range": [0, 1], "tickformat": ".0%"},
    height=340,
)

# %% tags=["remove-input"]
figures.show(
    fig,
    name="power",
    caption=(
        "Share of 200 simulated studies that find a difference of 0.3 "
        "points, with 95 % intervals."
    ),
    alt=(
        "With 4 or 8 speakers the share stays low however many raters; "
        "with 32 speakers and 40 raters most studies find it."
    ),
)

# %% tags=["nbval-check-output"]
for r, c in ((80, 4), (40, 16), (40, 32)):
    p = study.power(r, c, 0.3)
    print(
        f"{r} raters, {c} speakers: {p['value']:.0%} "
        f"[{p['low']:.0%}, {p['high']:.0%}]"
    )
    chance = p["value"]
assert chance > 0.8

# %% [markdown]
# More raters cannot replace speakers: with eighty raters but only four conversations, few studies find a difference of 0.3. Take the standard deviations in `Truth` from a pilot study of your own; those here are our guesses. If you make several comparisons, give their number (`comparisons=`).
#
# ## With people
#
# 1. **Make the clips**, one folder for each method and one file for each speaker, all of the same length, size and loudness:
#
#    ```bash
#    elp respond talk-01.mp4 --portrait face.png --side-by-side \
#        -o clips/ELP/talk-01.mp4
#    ```
#
#    Render the true listeners with the *same* portrait and program (`elp.render.render(portrait, motion)`). Videos that `elp` writes carry the word *synthetic* in a corner; a ground truth without it is not blinded.
# 2. **Write down**, before the first rater and not after the last, which question and which comparisons decide, how many raters and speakers there will be, and who is left out (`attention`).
# 3. **Make one page for each rater.** It is a single HTML file that needs neither network nor Python; the rater sends back the CSV file that it saves. In JupyterLab, `rating.questionnaire(mine, clips)` shows the same questions in a cell.
#
#    ```python
#    from elp.book import study
#    from elp.book.widgets import rating
#
#    clips = study.films("clips")
#    mine = study.Study(
#        methods=sorted({method for method, _ in clips}),
#        speakers=sorted({speaker for _, speaker in clips}),
#        seed=2026,
#    )
#    mine.save("study.json")  # keep it from raters: it names the clips
#    for n in range(40):
#        rating.page(f"rater-{n:03}.html", mine, clips, number=n)
#    ```
# 4. **Ask for consent.** The page begins with a text that says what is shown, what is kept, that one may stop at any time, and how to have one's answers deleted. Add who you are and whom to ask (`consent=`), and what your ethics board requires. The CSV file holds no personal data, but a list of who got which file would. Faces and voices in the clips need [permission](responsible-use.md).
# 5. **Join and analyse**: `study.gather("answers", mine)`, then the cells above. Report intervals, how many raters were left out and why, where they came from, and what they were paid.
#
# ## Summary
#
# - Random keys blind the rater, a Williams square balances positions and neighbours, and checks decided beforehand say who is left out.
# - Raters and speakers are both samples. The interval must hold for other people and for other conversations, and more raters do not replace more speakers.
# - On simulated raters the analysis recovers the truth that was put in. It says nothing about ELP until people have answered.
#
# ```{admonition} What the paper leaves open
# :class: note
# The paper does not say how the 42 raters were chosen, instructed and paid; how many videos each saw, of how many speakers and in which order; whether they were blind to the method and heard the speaker; whether anybody was left out; and how far the answers spread. "More than 4 points are close to the real performance" has no source.
# ```
#
# ## Exercises
#
# ```{exercise}
# :label: ex-study-margin
# Table 4 prints no spread, but numbers from 1 to 5 with mean $m$ cannot have a variance above $(m-1)(5-m)$. How wide is the 95 % interval over 42 raters at most, for "all aspects" of the mesh videos? Is the true listener's lead over ELP beyond doubt?
# ```
#
# ```{solution-start} ex-study-margin
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
for name, m in paper.set_index("method")["all_mesh"].items():
    widest = 2.02 * np.sqrt((m - 1) * (5 - m) / 41)  # t of 41: 2.02
    print(f"{name:4} {m} ± {widest:.2f} at most")

# %% [markdown]
# This is an upper limit; the paper does not say how wide the intervals are. In the worst case those of GT and ELP overlap, so the lead is not beyond doubt, and they hold for these videos only. That RLHG and PCH are rated lower than the other three on these videos is beyond doubt.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-study-fixed
# Two methods do not differ at all; 30 raters rate 4 speakers. Average each rater's differences over the speakers and do a $t$-test over raters, as is often done. In how many of 300 studies is $p < 0.05$? In how many with the analysis above?
# ```
#
# ```{solution-start} ex-study-fixed
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
from scipy.stats import ttest_1samp

same = study.Truth(scores={"A": 3.5, "B": 3.5})
rng, alarms = np.random.default_rng(0), 0
for _ in range(300):
    y = same.draw(rng, 30, 4)[..., 0]
    gap = (y[..., 0] - y[..., 1]).mean(axis=1)
    alarms += ttest_1samp(gap, 0).pvalue < 0.05
both = study.power(30, 4, 0.0, simulations=300)["value"]
print(f"over raters alone {alarms / 300:.0%}, over both {both:.0%}")

# %% [markdown]
# Both methods are equally good on average over *all* speakers. With these four, one of them happens to be better, and the first test takes this for a difference between the methods. The second errs on the safe side with so few speakers.
#
# ```{solution-end}
# ```
#
# ```{exercise}
# :label: ex-study-checks
# Somebody presses any button. With one instructed answer out of five, how often does that rater pass? How many checks leave fewer than one in a hundred?
# ```
#
# ```{solution-start} ex-study-checks
# :class: dropdown
# ```

# %% tags=["nbval-check-output"]
for checks in (1, 2, 3):
    one = study.Study(methods="AB", speakers="xyz", checks=checks)
    even = study.Truth(scores={"A": 3, "B": 3})
    rows = study.simulate(one, even, 200, careless=200)
    table = study.unblinded((r for rater in rows for r in rater), one)
    passed = study.attention(table)["kept"].mean()
    print(f"{checks}: {0.2**checks:.1%} expected, {passed:.1%} seen")

# %% [markdown]
# Three. But every check tells careful raters that they are not trusted, and with two checks only one in 25 careless raters passes.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# Why stimuli are a random factor, and mixed models for it: [Judd et al. (2012)](references.bib#judd2012stimuli). Careless answers, and what finds them: [Meade and Craig (2012)](references.bib#meade2012careless). Means of ordered answers: [Liddell and Kruschke (2018)](references.bib#liddell2018ordinal). How studies of moving agents are done and reported, with a checklist: [Wolfert et al. (2022)](references.bib#wolfert2022review).
