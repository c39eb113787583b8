"""All metrics of one set of generated listeners, under a named convention (chapter "Metrics")."""

# C clip, K sample, T frame, D coefficient
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from elp.errors import ElpError
from elp.metrics.blinks import blink_clips
from elp.metrics.clips import Clips, ClipsLike, Doubles, aligned, as_clips
from elp.metrics.entropy import EXPRESSION_CLUSTERS, POSE_CLUSTERS
from elp.metrics.events.columns import cued, head_and_lids
from elp.metrics.events.cues import Cues
from elp.metrics.metric import MAX_LAG, WINDOW, Case
from elp.metrics.registry import METRICS, OTHERS, added, measured
from elp.motion import FPS, POSE

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
    blink_speaker: ClipsLike | None = None,
    cues: Sequence[Cues] | None = None,
    smile: Sequence[int] | None = None,
    radian: float | None = None,
    convention: str = "elp",
    pose: slice = slice(0, POSE),
    expression: slice = slice(POSE, None),
    valid: Any = None,
    fps: float = FPS,
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
        blink_speaker, cues: the speaker's blinks and, of C speakers, what `find_cues` finds in
            their pitch: for the metrics of cues in "elp", which need all four.
        smile: columns whose mean is a smile, for the metrics of smiles in "elp".
        radian: what one radian is in the rotations, 1 where they are radians, for the metrics of
            how the head turns in "elp".
        convention: "elp" (this book's formulas, keys "facial_fd", "head_fd", "joint_fd" of all
            coefficients side by side, "all_fd" of face and head added, ..., "blink_wtlcc"); "dim"
            (Dyadic-Interaction-Modeling; keys as its code prints them,
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
        cases = {"": _whole_clips(speaker, gt, pred, valid)}
    else:
        whole = _aligned(speaker, gt, pred, valid, pose, expression)
        whole = replace(whole, fps=fps, window=window, max_lag=max_lag, seed=seed)
        cases = _cases(convention, whole, pose, expression)
    blinks = _blinks(gt, blink_gt, blink_pred, valid)
    scores = measured(cases, OTHERS.get(convention, METRICS.values()))
    if blinks is not None:
        blinks = replace(blinks, fps=fps, max_lag=max_lag)
        scores |= measured({"blink": blinks}, METRICS.values())
    if convention == "elp":
        moving = _movements(whole, pose, smile, radian)
        if cues is not None:
            moving["heard"] = _cued(whole, pose, cues, blink_speaker, blinks)
        scores |= measured(moving, METRICS.values())
    return scores | added(scores)


def _aligned(
    speaker: ClipsLike, gt: ClipsLike, pred: Any, valid: Any, pose: slice, expression: slice
) -> Case:
    """All coefficients, checked."""
    for name, clips in (("speaker", speaker), ("gt", gt), ("pred", pred)):
        if getattr(clips, "ndim", 3) == 2:
            raise ElpError(
                f"{name} is one array of shape {np.shape(clips)}: give (clips, T, D), or a list of "
                "(T, D) even for one clip"
            )
    speakers, gts, preds = aligned(valid, speaker=speaker, gt=gt, pred=pred)
    for part, columns in (("head", pose), ("facial", expression)):
        if not gts[0][:, columns].shape[1]:
            raise ElpError(
                f"the {part} columns {columns} select nothing of {gts[0].shape[1]} coefficients"
            )
    return Case(speaker=speakers, gt=gts, pred=preds)


def _cases(convention: str, whole: Case, pose: slice, expression: slice) -> dict[str, Case]:
    """What the convention measures on, under the names that its metrics are `over`."""
    head = _columns(whole, pose, POSE_CLUSTERS)
    face = _columns(whole, expression, EXPRESSION_CLUSTERS)
    if convention == "lm-listener":
        return {"": whole}
    if convention == "dim":
        return {"pose": head, "exp": face}
    if convention == "rlhg":
        half = head.gt[0].shape[1] // 2
        rotation, translation = (_columns(head, s) for s in (slice(half), slice(half, None)))
        return {"expression": face, "rotation": rotation, "translation": translation}
    head, face = replace(head, fitted=FITTED), replace(face, fitted=FITTED)
    joint = replace(whole, clusters=EXPRESSION_CLUSTERS, fitted=FITTED, parts=(head, face))
    return {"head": head, "facial": face, "joint": joint}


def _movements(
    whole: Case, pose: slice, smile: Sequence[int] | None, radian: float | None
) -> dict[str, Case]:
    """Single movements: how the head turns, and smiles."""
    made: dict[str, Callable[[Doubles], Doubles]] = {}
    if radian is not None:
        made["rotation"] = lambda x: x[:, pose][:, : POSE // 2] / radian
    if smile is not None:
        made["smile"] = lambda x: x[:, list(smile)].mean(1)
    found = {}
    for part, move in made.items():
        s, g, p = (
            as_clips(part, [move(x) for x in clips])
            for clips in (whole.speaker, whole.gt, whole.pred)
        )
        found[part] = replace(whole, speaker=s, gt=g, pred=p, of_truth={}, of_answer={})
    return found


def _cued(
    whole: Case, pose: slice, cues: Sequence[Cues], blink_speaker: Any, blinks: Case | None
) -> Case:
    """Speakers who give cues, and the listeners' heads and lids."""
    if blink_speaker is None or blinks is None:
        raise ElpError(
            "cues are answered by nods and blinks: give blink_speaker, blink_gt and blink_pred too"
        )
    lengths = [len(x) for x in whole.gt]
    for name, clips in (("cues", [c.low_pitch for c in cues]), ("blink_speaker", blink_speaker)):
        if [len(x) for x in clips] != lengths:
            raise ElpError(
                f"{name} of {[len(x) for x in clips][:5]} frames, the motion has {lengths[:5]}: "
                "one value a frame is needed"
            )
    heads = [[x[:, pose][:, 0] for x in clips] for clips in (whole.gt, whole.pred)]
    gt, pred = (head_and_lids(h, b) for h, b in zip(heads, (blinks.gt, blinks.pred), strict=True))
    case = replace(cued(cues, blink_speaker, gt, valid=blinks.valid), fps=whole.fps)
    return case.answered(pred)


def _columns(case: Case, columns: slice, clusters: int = 0) -> Case:
    speaker, gt, pred = (clips.part(columns) for clips in (case.speaker, case.gt, case.pred))
    return replace(
        case,
        speaker=speaker,
        gt=gt,
        pred=pred,
        clusters=clusters,
        of_truth={},
        of_answer={},
    )


def _whole_clips(speaker: ClipsLike, gt: ClipsLike, pred: Any, valid: Any) -> Case:
    """REACT's: several answers to each speaker, all frames seen."""
    speakers, gts = as_clips("speaker", speaker, valid), as_clips("gt", gt, valid)
    samples = [
        as_clips(f"pred of clip {i}", p if np.ndim(p[0]) == 2 else [p]) for i, p in enumerate(pred)
    ]
    if any(np.isnan(x).any() for x in (*speakers, *gts, *(x for xs in samples for x in xs))):
        raise ElpError(
            "REACT's metrics need whole clips: cut the clips at their unseen frames first"
        )
    if not len(speakers) == len(gts) == len(samples):
        raise ElpError(
            f"{len(speakers)} speakers, {len(gts)} real and {len(samples)} generated listeners: "
            "all need the same number of clips"
        )
    for i, (s, g, xs) in enumerate(zip(speakers, gts, samples, strict=True)):
        if {x.shape for x in xs} | {s.shape} != {g.shape}:
            raise ElpError(
                f"clip {i}: gt is {g.shape}, speaker is {s.shape}, pred is {xs[0].shape}: all need "
                "the same shape"
            )
    return Case(speaker=speakers, gt=gts, pred=Clips(), samples=samples)


def _blinks(gt: ClipsLike, blink_gt: Any, blink_pred: Any, valid: Any) -> Case | None:
    if blink_gt is None:
        return None
    for name, blinks in (("blink_gt", blink_gt), ("blink_pred", blink_pred)):
        frames, clips = [len(b) for b in blinks], [len(x) for x in gt]
        if frames != clips:
            raise ElpError(
                f"{name} has clips of {frames[:5]} frames, the motion {clips[:5]}: one value a "
                "frame is needed"
            )
    true = blink_clips(blink_gt)
    return Case(speaker=true, gt=true, pred=blink_clips(blink_pred), valid=valid)
