"""What moves a generated listener: the speaker, or its own seed? (chapter "Metrics")

Answers y to S speakers, drawn with K seeds each, vary at every frame t in two crossed ways,

    y_sk(t) = m(t) + speaker_s(t) + seed_k(t) + rest_sk(t),

and products of answers with other answers tell the variances apart: those to one speaker from
different seeds share the speaker's part, those to different speakers from one seed the seed's,
those that differ in both share m alone. In a balanced design these are the estimates of a two-way
analysis of variance (Searle, Casella & McCulloch 1992, section 4.3).
"""

# S speaker, K seed, T frame, D coefficient
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.metrics.clips import Clips, ClipsLike, Doubles, as_clips
from elp.metrics.events.modulation import divide, summed
from elp.metrics.metric import Case, Metric

SAME, SEED, NEITHER, OWN = range(4)  # columns of the terms


def explained_terms(answers: Sequence[ClipsLike], *, centre: bool = True) -> Doubles:
    """Products of answers with other answers, per speaker.

    Args:
        answers: K seeds, each S arrays (T_s, D): the answers to the same speakers in the same
            order. Clips may differ in length: at each frame those that last so long take part. So
            do only those of which all K answers are seen, where some hold rows of NaN.
        centre: take out each answer's mean over time first, which tells who listens and in what
            mood, not what is being answered.

    Returns:
        (S, 4) sums over frames and coefficients of an answer times: another seed's to the same
            speaker, the same seed's to other speakers, another seed's to other speakers, itself;
            each a mean over the partners.

    Raises:
        ElpError: fewer than two seeds or speakers, or differing shapes.
    """
    seeds = [as_clips(f"answers of seed {k}", clips) for k, clips in enumerate(answers)]
    _check(seeds)
    speakers, width = len(seeds[0]), seeds[0][0].shape[1]
    frames = max(len(x) for x in seeds[0])
    there = np.zeros((speakers, frames), bool)
    for s, together in enumerate(zip(*seeds, strict=True)):
        there[s, : len(together[0])] = ~np.any([np.isnan(x[:, 0]) for x in together], 0)
    there &= there.sum(0) > 1  # a speaker alone has nobody to be compared with
    terms = np.zeros((speakers, 4))
    for coefficient in range(width):
        y = np.zeros((speakers, len(seeds), frames))
        for k, clips in enumerate(seeds):
            for s, x in enumerate(clips):
                seen = there[s, : len(x)]
                one = x[seen, coefficient]
                y[s, k, : len(x)][seen] = one - one.mean() if centre and len(one) else one
        terms += _products(y, np.maximum(there.sum(0) - 1, 1))
    return terms


def _products(y: Doubles, others: NDArray[np.integer[Any]]) -> Doubles:
    """(S, 4) of one coefficient y (S, K, T), 0 where unseen; others: (T,) speakers beside each."""
    seeds = y.shape[1]
    strangers = (y.sum(0) - y) / others  # of each seed, mean over the other speakers
    all_seeds, all_strangers = y.sum(1), strangers.sum(1)
    own, same_seed = (np.einsum("skt,skt->s", y, x) for x in (y, strangers))
    terms = np.empty((len(y), 4))
    terms[:, OWN], terms[:, SEED] = own / seeds, same_seed / seeds
    pairs = seeds * (seeds - 1)
    terms[:, SAME] = (np.einsum("st,st->s", all_seeds, all_seeds) - own) / pairs
    terms[:, NEITHER] = (np.einsum("st,st->s", all_seeds, all_strangers) - same_seed) / pairs
    return terms


def speaker_share(totals: Doubles) -> Doubles:
    """Share of the answers' variance that the speaker explains, of (..., 4) sums of
    `explained_terms`.

    Match the oracle's. Chance is 0, around which the estimate varies, also below.
    """
    return divide(totals[..., SAME] - totals[..., NEITHER], totals[..., OWN] - totals[..., NEITHER])


def seed_share(totals: Doubles) -> Doubles:
    """Share that the seed alone explains: what answers to all speakers have in common because they
    were drawn alike. 0 for people; match.
    """
    return divide(totals[..., SEED] - totals[..., NEITHER], totals[..., OWN] - totals[..., NEITHER])


def _check(seeds: Sequence[Clips]) -> None:
    if len(seeds) < 2 or len(seeds[0]) < 2:
        raise ElpError(
            "the speaker's share needs two or more seeds' answers to two or more speakers"
        )
    shapes = [[x.shape for x in clips] for clips in seeds]
    if any(s != shapes[0] for s in shapes):
        raise ElpError("answers of all seeds need the same speakers in the same order and length")


def _terms(case: Case) -> Doubles:
    seeds = [list(clips) for clips in zip(*case.samples, strict=True)]
    if len(seeds) < 2 or len(seeds[0]) < 2:  # of one answer alone nothing is said
        return np.zeros((len(case.samples), 4))
    return explained_terms(seeds)


METRICS = tuple(
    Metric(
        name=f"{part}_speaker_share",
        title="explained by the speaker",
        direction="match",
        unit="1",
        convention="share of the answers' variance within clips that all seeds have in common "
        "and other speakers have not; chance 0",
        terms=_terms,
        reduce=summed(speaker_share),
        over=(f"{part} answers",),
        key="{name}",
        added=False,
        tabled=True,
    )
    for part in ("facial", "head", "smile")
)
