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

import numpy as np

from elp.errors import ElpError
from elp.metrics.clips import Clips, ClipsLike, Doubles, as_clips
from elp.metrics.events.modulation import divide

SAME, SEED, NEITHER, OWN = range(4)  # columns of the terms


def explained_terms(answers: Sequence[ClipsLike], *, centre: bool = True) -> Doubles:
    """Products of answers with other answers, per speaker.

    Args:
        answers: K seeds, each S arrays (T_s, D): the answers to the same speakers in the same
            order. Clips may differ in length: at each frame those that last so long take part.
        centre: take out each answer's mean over time first, which tells who listens and in what
            mood, not what is being answered.

    Returns:
        (S, 4) sums over frames and coefficients of an answer times: another seed's to the same
            speaker, the same seed's to other speakers, another seed's to other speakers, itself;
            each a mean over the partners.

    Raises:
        ElpError: fewer than two seeds or speakers, differing shapes, or unseen frames.
    """
    seeds = [as_clips(f"answers of seed {k}", clips) for k, clips in enumerate(answers)]
    _check(seeds)
    lengths = np.array([len(x) for x in seeds[0]])
    y = np.zeros((len(lengths), len(seeds), lengths.max(), seeds[0][0].shape[1]))
    for k, clips in enumerate(seeds):
        for s, x in enumerate(clips):
            y[s, k, : len(x)] = x - x.mean(0) if centre else x
    speakers, draws = len(lengths), len(seeds)
    there = np.arange(lengths.max()) < lengths[:, None]  # (S, T)
    partners = np.maximum(there.sum(0) - 1, 1)[:, None]  # (T, 1) other speakers that last so long
    # where one speaker is left there is nobody to compare with
    together = (there & (there.sum(0) > 1))[:, None, :, None]
    y = y * together
    terms = np.empty((speakers, 4))
    all_seeds, others = y.sum(1), y.sum(0) - y  # (S, T, D); (S, K, T, D) of other speakers
    others = others / partners
    product = lambda a, b: np.einsum("sktd,sktd->s", a, b)  # noqa: E731
    own, same_seed = product(y, y), product(y, others)
    terms[:, OWN] = own / draws
    terms[:, SAME] = (np.einsum("std,std->s", all_seeds, all_seeds) - own) / (draws * (draws - 1))
    terms[:, SEED] = same_seed / draws
    everyone = np.einsum("std,std->s", all_seeds, others.sum(1))
    terms[:, NEITHER] = (everyone - same_seed) / (draws * (draws - 1))
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
    if any(np.isnan(x).any() for clips in seeds for x in clips):
        raise ElpError("answers hold NaN or unseen frames: generated answers are whole")
