"""All metrics of one set of generated listeners, under a named convention (chapter "Metrics")."""

# C clip, K sample, T frame, D coefficient
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from elp.errors import ElpError
from elp.metrics import react
from elp.metrics.clips import Clips, ClipsLike, aligned, as_clips, mean, seen
from elp.metrics.distance import mse, sts
from elp.metrics.diversity import (
    EXPRESSION_CLUSTERS,
    POSE_CLUSTERS,
    cluster,
    entropy,
    variance,
    variance_flat,
)
from elp.metrics.frechet import frechet, frechet_pooled, l1_distance, paired_frechet
from elp.metrics.synchrony import MAX_LAG, WINDOW, blink_wtlcc, pearson, rpcc, wtlcc

# frames that the k-means of convention "elp" is fitted on: a corpus of hours would take minutes
FITTED = 20_000
CONVENTIONS = ("elp", "dim", "lm-listener", "rlhg", "react")


def evaluate(
    speaker: ClipsLike,
    gt: ClipsLike,
    pred: Any,
    *,
    blink_gt: ClipsLike | None = None,
    blink_pred: ClipsLike | None = None,
    convention: str = "elp",
    pose: slice = slice(0, 6),
    expression: slice = slice(6, None),
    valid: Any = None,
    fps: float = 25.0,
    window: int = WINDOW,
    max_lag: int = MAX_LAG,
    seed: int = 0,
) -> dict[str, float]:
    """Every metric of the convention.

    Args:
        speaker, gt, pred: (C, T, D) arrays or lists of (T_c, D): the speaker, the real and the
            generated listener. NaN rows are unseen. With convention "react", pred may be (C, K, T,
            D) or a list of lists: K responses to each speaker.
        blink_gt, blink_pred: (C, T) or lists of (T_c,), 0 or 1; both or neither.
        convention: "elp" (this book's formulas, keys "facial_fd", "head_fd", "all_fd", ...,
            "blink_wtlcc"); "dim" (Dyadic-Interaction-Modeling; keys as its code prints them,
            "fid_pose", ..., "rpcc pose", "sts exp", and "sid_pose"/"var_pose" of the prediction
            with "sid_pose_gt"/"var_pose_gt"); "lm-listener" ("l2", "fid", "fid2", "var", "var_gt",
            "pearson"); "rlhg" (its L1 "FD": "fd_expression", "fd_rotation", "fd_translation");
            "react" ("frcorr", "frdist", "frdiv", "frdvs", "frvar", "frsyn"; needs whole clips).
        pose, expression: columns of the two parts; pose is rotation in its first half and
            translation in its second.
        valid: optional per-clip (T_c,) masks.
        fps: frames per second, for STS and blinks per minute in "elp".
        window, max_lag: of WTLCC in "elp", frames.
        seed: of the k-means.

    Returns:
        dict of floats; NaN where a metric is not defined on these clips.

    Raises:
        ElpError: shapes that do not fit, no clips, no frame seen, an unknown convention.
    """
    if convention not in CONVENTIONS:
        raise ElpError(f"unknown convention {convention!r}: choose one of {', '.join(CONVENTIONS)}")
    if (blink_gt is None) != (blink_pred is None):
        raise ElpError(
            "blinks are compared with blinks: give both blink_gt and blink_pred, or neither"
        )
    if convention == "react":
        return _react(speaker, gt, pred, valid) | _blinks(
            gt, blink_gt, blink_pred, fps, max_lag, valid
        )
    for name, clips in (("speaker", speaker), ("gt", gt), ("pred", pred)):
        if getattr(clips, "ndim", 3) == 2:
            raise ElpError(
                f"{name} is one array of shape {np.shape(clips)}: give (clips, T, D), or a list of (T, D) even for one clip"
            )
    speakers, gts, preds = aligned(valid, speaker=speaker, gt=gt, pred=pred)
    columns = {"head": pose, "facial": expression}
    cut = {part: (speakers.part(sl), gts.part(sl), preds.part(sl)) for part, sl in columns.items()}
    for part, (_, g, _) in cut.items():
        if not g[0].shape[1]:
            raise ElpError(
                f"the {part} columns {columns[part]} select nothing of {gts[0].shape[1]} coefficients"
            )
    if convention == "dim":
        scores = _dim(cut, seed)
    elif convention == "lm-listener":
        scores = _lm_listener(speakers, gts, preds)
    elif convention == "rlhg":
        scores = _rlhg(cut)
    else:
        scores = _elp(cut, (speakers, gts, preds), fps, window, max_lag, seed)
    return scores | _blinks(gt, blink_gt, blink_pred, fps, max_lag, valid)


Triple = tuple[Clips, Clips, Clips]


def _elp(
    cut: dict[str, Triple], whole: Triple, fps: float, window: int, max_lag: int, seed: int
) -> dict[str, float]:
    clusters = {"facial": EXPRESSION_CLUSTERS, "head": POSE_CLUSTERS, "all": EXPRESSION_CLUSTERS}
    scores: dict[str, float] = {}
    for part, (s, g, p) in {**cut, "all": whole}.items():
        centres = cluster(
            g, min(clusters[part], sum(len(x) for x in g) // 2), seed=seed, frames=FITTED
        )
        values = {
            "fd": frechet(g, p),
            "fd_pooled": frechet_pooled(g, p),
            "pfd": paired_frechet(s, g, p),
            "l1": l1_distance(g, p),
            "mse": mse(g, p),
            "vd": variance(p),
            "vd_gt": variance(g),
            "sid": entropy(p, centres),
            "sid_gt": entropy(g, centres),
            "rpcc": rpcc(s, g, p) if s[0].shape[1] == g[0].shape[1] else float("nan"),
            "sts": sts(g, p, dt=1 / fps),
            "sts_frame": sts(g, p, dt=1 / fps, per_frame=True),
        }
        scores |= {f"{part}_{name}": value for name, value in values.items()}
    return scores | _synchrony(cut, window, max_lag)


def _synchrony(cut: dict[str, Triple], window: int, max_lag: int) -> dict[str, float]:
    """WTLCC of both parts; the curve of all coefficients is their mean, weighted by the number of
    coefficients.
    """
    scores: dict[str, float] = {}
    for who, end in ((2, ""), (1, "_gt")):
        curves = {
            part: wtlcc(sets[0], sets[who], window=window, max_lag=max_lag)
            for part, sets in cut.items()
        }
        width = [sets[who][0].shape[1] for sets in cut.values()]
        curves["all"] = replace(
            curves["head"],
            curve=np.average([c.curve for c in curves.values()], axis=0, weights=width),
            window_peak=float(np.average([c.window_peak for c in curves.values()], weights=width)),
        )
        for part, found in curves.items():
            values = {
                "wtlcc": found.peak,
                "wtlcc_lag": float(found.lag),
                "wtlcc_0": found.at(0),
                "wtlcc_window_peak": found.window_peak,
            }
            scores |= {f"{part}_{name}{end}": value for name, value in values.items()}
    return scores


def _dim(cut: dict[str, Triple], seed: int) -> dict[str, float]:
    scores: dict[str, float] = {}
    for part, name, k in (("head", "pose", POSE_CLUSTERS), ("facial", "exp", EXPRESSION_CLUSTERS)):
        s, g, p = cut[part]
        centres = cluster(g, k, seed=seed)
        scores |= {
            f"fid_{name}": frechet(g, p),
            f"pfid_{name}": paired_frechet(s, g, p),
            f"mse_{name}": mse(g, p),
            f"sid_{name}": entropy(p, centres),
            f"sid_{name}_gt": entropy(g, centres),
            f"var_{name}": variance_flat(p),
            f"var_{name}_gt": variance_flat(g),
            f"rpcc {name}": rpcc(s, g, p, flat=True),
            f"sts {name}": sts(g, p, dt=0.1, joined=True),
        }
    return scores


def _lm_listener(s: Clips, g: Clips, p: Clips) -> dict[str, float]:
    return {
        "l2": mean(
            [
                float((seen(a - b) ** 2).mean())
                for a, b in zip(g, p, strict=True)
                if len(seen(a - b))
            ]
        ),
        "fid": frechet(g, p),
        "fid2": paired_frechet(s, g, p),
        "var": variance(p),
        "var_gt": variance(g),
        "pearson": mean([abs(float(pearson(a, b).mean())) for a, b in zip(g, p, strict=True)]),
    }


def _rlhg(cut: dict[str, Triple]) -> dict[str, float]:
    (_, pose_gt, pose), (_, face_gt, face) = cut["head"], cut["facial"]
    half = pose[0].shape[1] // 2
    parts = {"rotation": slice(None, half), "translation": slice(half, None)}
    head = {
        f"fd_{n}": l1_distance([x[:, sl] for x in pose_gt], [x[:, sl] for x in pose])
        for n, sl in parts.items()
    }
    return {"fd_expression": l1_distance(face_gt, face), **head}


def _react(speaker: ClipsLike, gt: ClipsLike, pred: Any, valid: Any) -> dict[str, float]:
    speakers, gts = as_clips("speaker", speaker, valid), as_clips("gt", gt, valid)
    samples = [
        as_clips(f"pred of clip {i}", p if np.ndim(p[0]) == 2 else [p]) for i, p in enumerate(pred)
    ]
    flat = [x for xs in samples for x in xs]
    if any(np.isnan(x).any() for x in (*speakers, *gts, *flat)):
        raise ElpError(
            "REACT's metrics need whole clips: cut the clips at their unseen frames first"
        )
    if not len(speakers) == len(gts) == len(samples):
        raise ElpError(
            f"{len(speakers)} speakers, {len(gts)} real and {len(samples)} generated listeners: all need the same number of clips"
        )
    for i, (s, g, xs) in enumerate(zip(speakers, gts, samples, strict=True)):
        if {x.shape for x in xs} | {s.shape} != {g.shape}:
            raise ElpError(
                f"clip {i}: gt is {g.shape}, speaker is {s.shape}, pred is {xs[0].shape}: all need the same shape"
            )
    alike = len({x.shape for x in flat}) == 1 and len({len(xs) for xs in samples}) == 1
    real = [[x] for x in gts]
    return {
        "frcorr": react.fr_corr(samples, real),
        "frdist": react.fr_dist(samples, real),
        "frdiv": react.fr_div(samples),
        "frdvs": react.fr_dvs(samples) if alike else float("nan"),
        "frvar": react.fr_var(samples),
        "frsyn": react.fr_syn(samples, speakers),
    }


def _blinks(
    gt: ClipsLike, blink_gt: Any, blink_pred: Any, fps: float, max_lag: int, valid: Any
) -> dict[str, float]:
    if blink_gt is None:
        return {}
    for name, blinks in (("blink_gt", blink_gt), ("blink_pred", blink_pred)):
        frames, clips = [len(b) for b in blinks], [len(x) for x in gt]
        if frames != clips:
            raise ElpError(
                f"{name} has clips of {frames[:5]} frames, the motion {clips[:5]}: one value a frame is needed"
            )
    return blink_scores(blink_gt, blink_pred, fps=fps, max_lag=max_lag, valid=valid)


def blink_scores(
    blink_gt: ClipsLike,
    blink_pred: ClipsLike,
    *,
    fps: float = 25.0,
    max_lag: int = MAX_LAG,
    valid: Any = None,
) -> dict[str, float]:
    """Blink WTLCC (peak of the mean correlogram, its lag, mean peak of single windows) and blinks
    per minute of both.
    """
    gt, pred = (
        [np.asarray(b, np.float64).reshape(-1, 1) for b in blinks]
        for blinks in (blink_gt, blink_pred)
    )
    found = blink_wtlcc(gt, pred, max_lag=max_lag, valid=valid)
    rate = {}
    for name, clips in (("", pred), ("_gt", gt)):
        starts = sum(int(((np.diff(b[:, 0], prepend=0) > 0) & (b[:, 0] > 0)).sum()) for b in clips)
        rate[f"blink_rate{name}"] = starts * fps * 60 / sum(len(b) for b in clips)
    return {
        "blink_wtlcc": found.peak,
        "blink_wtlcc_lag": float(found.lag),
        "blink_wtlcc_0": found.at(0),
        "blink_wtlcc_window_peak": found.window_peak,
        **rate,
    }
