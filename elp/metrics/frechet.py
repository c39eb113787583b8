"""FD, the Fréchet distance between Gaussians fitted to motion: per clip, beside the speaker, or of
all frames at once (chapter "Metrics"). Lower is better.
"""

# C clip, T frame, D coefficient, B weighting of the clips
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from elp.metrics.clips import (
    Clips,
    ClipsLike,
    Doubles,
    aligned,
    as_clips,
    each_clip,
    seen,
    single_threaded,
)
from elp.metrics.gaussian import Gaussian, gaussian_terms
from elp.metrics.metric import Case, Metric, drawn, over_clips, plain

TOGETHER = 8  # clips whose singular values are found in one call


def frechet(gt: ClipsLike, pred: ClipsLike, valid: Any = None) -> float:
    """FD: the Fréchet distance of each clip's frames, averaged over clips (convention of DIM and
    lm-listener).

    Args:
        gt, pred: (C, T, D) or lists of (T_c, D), the real and the generated listener.
        valid: optional per-clip (T_c,) masks.
    """
    return plain(over_clips, _single(*aligned(valid, gt=gt, pred=pred)))


def paired_frechet(speaker: ClipsLike, gt: ClipsLike, pred: ClipsLike, valid: Any = None) -> float:
    """P-FD: `frechet` on speaker and listener side by side, (T, Ds+D), so that their covariance
    counts (DIM, L2L).
    """
    sets = aligned(valid, same_width=False, speaker=speaker, gt=gt, pred=pred)
    return plain(over_clips, _paired(*sets))


def frechet_pooled(gt: ClipsLike, pred: ClipsLike, valid: Any = None) -> float:
    """FD of all frames of all clips at once: compares distributions and forgives which clip a
    motion came from.
    """
    rows = [[seen(x) for x in as_clips(*named)] for named in (("gt", gt, valid), ("pred", pred))]
    return _of_all(*rows)


def _single(gts: Clips, preds: Clips) -> Doubles:
    return _distances(lambda a, b: (seen(a), seen(b)), gts, preds)


def _paired(speakers: Clips, gts: Clips, preds: Clips) -> Doubles:
    def beside(s: Doubles, a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
        return seen(np.hstack([s, a])), seen(np.hstack([s, b]))

    return _distances(beside, speakers, gts, preds)


def _distances(samples: Callable[..., tuple[Doubles, Doubles]], *sets: Clips) -> Doubles:
    """(C,) Fréchet distances of the two samples made of each clip's motions; NaN below two frames.

    Singular values of several clips of about one length are found in one call: NumPy keeps Python's
    lock, and so the other cores idle, through a call for few rows.
    """

    def measure(group: list[int]) -> list[float]:
        pairs = [samples(*(clips[i] for clips in sets)) for i in group]
        fits = [(Gaussian.of(x), Gaussian.of(y)) for x, y in pairs]
        products = [x.root @ y.root.T for x, y in fits]
        padded = np.zeros((len(products), *np.max([p.shape for p in products], 0)))
        for into, product in zip(padded, products, strict=True):
            into[: product.shape[0], : product.shape[1]] = product
        crosses = np.linalg.svd(padded, compute_uv=False).sum(1)
        return [
            sum(gaussian_terms(x, y, cross=cross))
            for (x, y), cross in zip(fits, crosses, strict=True)
        ]

    frames = np.array([(~np.isnan(x[:, 0])).sum() for x in sets[0]])
    longest_first = [int(i) for i in np.argsort(-frames, kind="stable") if frames[i] > 1]
    groups = [longest_first[i : i + TOGETHER] for i in range(0, len(longest_first), TOGETHER)]
    found = np.full(len(frames), np.nan)
    found[longest_first] = [d for distances in each_clip(measure, groups) for d in distances]
    return found


def _pooled(terms: Sequence[tuple[Doubles, Doubles]], weights: Doubles) -> Doubles:
    """Reducer of C pairs of clips: the covariance of few frames needs the frames themselves."""
    rows = [([seen(a) for a, _ in terms]), ([seen(b) for _, b in terms])]
    return np.array([_of_all(*(drawn(clips, w) for clips in rows)) for w in weights])


def _of_all(gts: list[Doubles], preds: list[Doubles]) -> float:
    if min(sum(len(x) for x in clips) for clips in (gts, preds)) < 2:
        return float("nan")
    with single_threaded():
        return sum(gaussian_terms(Gaussian.pooled(gts), Gaussian.pooled(preds)))


def _fd(case: Case) -> Doubles:
    return _single(case.gt, case.pred)


def _pfd(case: Case) -> Doubles:
    return _paired(case.speaker, case.gt, case.pred)


def _pairs(case: Case) -> list[tuple[Doubles, Doubles]]:
    return list(zip(case.gt, case.pred, strict=True))


_SQUARES: dict[str, Any] = {"direction": "lower", "unit": "coefficient²"}
_FD: dict[str, Any] = {**_SQUARES, "terms": _fd, "reduce": over_clips}
_PFD: dict[str, Any] = {**_SQUARES, "terms": _pfd, "reduce": over_clips}
METRICS = (
    Metric(
        name="fd",
        title="FD",
        convention="squared Fréchet distance per clip, mean over clips",
        tabled=True,
        **_FD,
    ),
    Metric(
        name="fd_pooled",
        title="FD pooled",
        convention="squared Fréchet distance of all frames at once",
        terms=_pairs,
        reduce=_pooled,
        **_SQUARES,
    ),
    Metric(
        name="pfd",
        title="P-FD",
        convention="FD of speaker and listener side by side",
        tabled=True,
        **_PFD,
    ),
    Metric(
        name="fid",
        title="FID",
        convention="DIM: squared Fréchet distance per clip, mean over clips",
        source="dim",
        over=("pose", "exp"),
        key="{name}_{part}",
        **_FD,
    ),
    Metric(
        name="pfid",
        title="P-FID",
        convention="DIM: FID of speaker and listener side by side",
        source="dim",
        over=("pose", "exp"),
        key="{name}_{part}",
        **_PFD,
    ),
    Metric(
        name="fid",
        title="FID",
        convention="lm-listener: squared Fréchet distance per clip",
        source="lm-listener",
        over=("",),
        **_FD,
    ),
    Metric(
        name="fid2",
        title="paired FID",
        convention="lm-listener: FID of speaker and listener side by side",
        source="lm-listener",
        over=("",),
        **_PFD,
    ),
)
