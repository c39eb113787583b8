"""What is measured on real and simulated people alike: rows of `simulator_fit.py`'s table."""

# T frame, L lag

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.corpus import Corpus
from elp.evaluation.coupling import correlation
from elp.metrics.events import (
    autocorrelation_terms,
    autocorrelation_time,
    blink_terms,
    explained_terms,
    flags,
    interval_terms,
    median_speed,
    nod_terms,
    phrase_nod_terms,
    ratio,
    rest_share,
    slow_share,
    slow_terms,
    soon_again,
    speaker_share,
    speed_terms,
)
from elp.motion import FPS, Motion
from elp.simulator.behaviour import behaviour
from elp.simulator.cast import Meeting, cast
from elp.simulator.dyads import PERSON, PREROLL, answer, conversation
from elp.simulator.face import active
from elp.simulator.gaze import LISTENING, SPEAKING, looks
from elp.simulator.listener import cues
from elp.simulator.people import listener
from elp.simulator.speaker import Talk
from elp.simulator.speech import low_pitch_cues

Array = NDArray[np.float64]
Pairs = list[tuple[Array, Array]]  # one minute of two people's smiles, the speaker's first

PIECE = int(60 * FPS)
LAGS = np.arange(0, 4.01, 0.2)  # s
STRANGERS = 7  # each first person is paired with so many strangers
AU12, GAZE = 1, 3  # columns of the real corpus
SEED = 202  # of the simulated rows; the fit has another
BANDS = (0, 0.1, 0.2, 0.4, 1.0)  # Hz: within each the spectra are pooled


@dataclass(frozen=True, kw_only=True)
class Met:
    """One simulated minute: who met, what was said and shown, and several answers to it."""

    meeting: Meeting
    talk: Talk
    answers: list[Motion]


# what is measured on real and simulated smiles alike


def smiles(pairs: Pairs) -> dict[str, Any]:
    """Coupling over lags beside that of strangers, and time scales, of pairs of smiles."""
    both = [x for pair in pairs for x in pair]
    forward, backward = (coupling(pairs, sign) for sign in (1, -1))
    chance = [
        coupling([(x, pairs[(k + shift) % len(pairs)][1]) for k, (x, _) in enumerate(pairs)], 1)
        for shift in np.linspace(2, len(pairs) - 2, STRANGERS).astype(int)
    ]
    linear = linear_share(pairs)
    return {
        "pieces": len(pairs),
        "coupling": rounded((forward + backward) / 2),
        "second_after_first": rounded(forward),
        "strangers": rounded(np.mean(chance, 0)),
        "slow_share": rounded(slow_share(slow_terms(both).sum(0))),
        "autocorrelation_s": rounded(autocorrelation_time(autocorrelation_terms(both).sum(0)), 2),
        "linear_share": rounded(linear),
    }


def coupling(pairs: Pairs, sign: int) -> Array:
    """(L,) mean correlation of the first with the second so many seconds later (or earlier)."""
    lags = [sign * round(lag * FPS) for lag in LAGS]
    return np.mean([[correlation(x, y, lag) for lag in lags] for x, y in pairs], 0)


def linear_share(pairs: Pairs) -> float:
    """Share of a smile's variance that a linear filter of the other's smile explains: squared
    coherence in bands, weighted by their power.
    """
    x, y = (np.fft.rfft([p[k] - p[k].mean() for p in pairs], axis=1) for k in (0, 1))
    hertz = np.fft.rfftfreq(PIECE, 1 / FPS)
    cross, first, second = (x.conj() * y).sum(0), (abs(x) ** 2).sum(0), (abs(y) ** 2).sum(0)
    explained = 0.0
    for low, high in pairwise(BANDS):
        band = (hertz >= low) & (hertz < high)
        explained += abs(cross[band].sum()) ** 2 / first[band].sum()
    return float(explained / second.sum())


def rounded(x: Any, digits: int = 3) -> Any:
    """A number or a list of numbers with few digits."""
    return np.round(np.asarray(x, np.float64), digits).tolist()


# real people


def real_pairs(corpus: Corpus, splits: Sequence[str]) -> Pairs:
    """Minutes of both people's AU12, of the dyads in some splits."""
    pairs: Pairs = []
    for _, rows in corpus.index[corpus.index["split"].isin(splits)].groupby("clip"):
        x, y = (
            np.asarray(corpus.beta[o : o + n, AU12], np.float64)
            for o, n in zip(rows["offset"], rows["length"], strict=True)
        )
        whole = min(len(x), len(y)) - PIECE + 1
        pairs += [(x[k : k + PIECE], y[k : k + PIECE]) for k in range(0, whole, PIECE)]
    return pairs


def real(corpus: Corpus, splits: Sequence[str]) -> dict[str, Any]:
    """A row of real people; their gaze was free between partner, notes and room."""
    rows = corpus.index[corpus.index["split"].isin(splits)]
    looked = [
        np.asarray(corpus.beta[o : o + n, GAZE]) > 0.5
        for o, n in zip(rows["offset"], rows["length"], strict=True)
    ]
    people = {"dyads": rows["person"].nunique() // 2}
    return people | smiles(real_pairs(corpus, splits)) | {"gaze": gazing(looked)}


def gazing(looked: Sequence[NDArray[np.bool_]]) -> dict[str, float]:
    """Share of the time on the partner, and the median look in s."""
    turns = [np.flatnonzero(np.diff(x.astype(int), prepend=0, append=0)) for x in looked]
    lengths = np.concatenate([np.diff(t)[::2] for t in turns]) / FPS
    return {
        "share": rounded(np.mean(np.concatenate(looked))),
        "median_s": rounded(np.median(lengths), 2),
    }


# simulated people


def simulated_minutes(version: int, seed: int, count: int, answers: int) -> list[Met]:
    """The first meetings of the preset "vico", a minute long each, with so many answers."""
    found = []
    for meeting in cast("vico", seed, version=version)[:count]:
        longer = replace(meeting, frames=PIECE)
        talk = conversation(longer, seed)
        draws = [np.random.default_rng([seed, meeting.number, k]) for k in range(answers)]
        given = [answer(longer, seed, talk, rng) for rng in draws]
        found.append(Met(meeting=longer, talk=talk, answers=given))
    return found


def smile(motion: Motion) -> Array:
    """(T,) mean of both corners of the mouth, in parts of the full movement."""
    return (active(motion, "smile_l") + active(motion, "smile_r")) / 2


def simulated_pairs(found: Sequence[Met], mood: int | None = None) -> Pairs:
    """Smiles of speakers and of their listeners' first answers, of one mood or of all."""
    return [
        (smile(x.talk.motion)[PREROLL:], smile(x.answers[0]))
        for x in found
        if mood is None or x.meeting.mood == mood
    ]


def simulated(version: int, count: int, answers: int) -> dict[str, Any]:
    """A row of one version of the simulator."""
    found = simulated_minutes(version, SEED, count, answers)
    positive = [x for x in found if x.meeting.mood == 1]
    return {
        **smiles(simulated_pairs(found)),
        "coupling_of_positive": rounded(coupling(simulated_pairs(positive), 1)),
        "speaker_explains": explains(found),
        "speaker_explains_of_positive": explains(positive),
        "head": heads(found),
        "events": events(found, version),
    }


def simulated_gaze(minutes: int) -> dict[str, Any]:
    """What people who look as `elp.simulator.gaze` has them look do in so many minutes."""
    rng = np.random.default_rng(SEED)
    return {
        name: gazing([looks(rng, PIECE, share) for _ in range(minutes)])
        for name, share in (("listening", LISTENING), ("speaking", SPEAKING))
    }


def explains(found: Sequence[Met]) -> float:
    """Share of the variance of the answers' smiles that the speaker explains."""
    seeds = [[smile(x.answers[k]) for x in found] for k in range(len(found[0].answers))]
    return rounded(speaker_share(explained_terms(seeds).sum(0)))


def heads(found: Sequence[Met]) -> dict[str, Any]:
    """Share of the time at rest and median speed, of all and of the middle nine tenths."""
    terms = speed_terms([x.answers[0].pose[:, :3] for x in found])
    return {
        "rest_share": rounded(rest_share(terms.sum(0))),
        "rest_share_5_to_95": rounded(np.percentile(rest_share(terms), [5, 95])),
        "median_speed": rounded(median_speed(terms.sum(0))),
        "median_speed_5_to_95": rounded(np.percentile(median_speed(terms), [5, 95])),
    }


def events(found: Sequence[Met], version: int) -> dict[str, Any]:
    """How often listeners answer and blink, and when."""
    low = [flags(low_pitch_cues(x.talk.speech) - PREROLL / FPS, PIECE) for x in found]
    ends = [flags(x.talk.speech.phrases[:, 1] - PREROLL / FPS, PIECE) for x in found]
    pitch, lids = ([getattr(x.answers[0], k) for x in found] for k in ("pose", "blink"))
    pitch = [p[:, 0] for p in pitch]
    spoken = [x.talk.motion.blink[PREROLL:] for x in found]
    rates = {m: rounded(np.mean([rate(x, version) for x in found if x.meeting.mood == m]), 1)
             for m in (-1, 0, 1)}  # fmt: skip
    return {
        "gestures_a_minute": {"negative": rates[-1], "neutral": rates[0], "positive": rates[1]},
        "nods_at_low_pitch": rounded(ratio(nod_terms(low, pitch).sum(0)), 2),
        "nods_at_phrase_ends": rounded(ratio(phrase_nod_terms(ends, pitch).sum(0)), 2),
        "blinks_at_breakpoints": rounded(ratio(blink_terms(spoken, ends, lids).sum(0)), 2),
        "blinks_within_1_s": rounded(soon_again(interval_terms(lids).sum(0))),
    }


def rate(x: Met, version: int) -> float:
    """Answered cues a minute."""
    who = listener(np.random.default_rng([SEED, PERSON, 1, x.meeting.listener]))
    rng = np.random.default_rng([SEED, x.meeting.number])
    times = cues(rng, x.talk, who, behaviour(version).answering)
    return len(times) * 60 * FPS / len(x.talk.motion)
