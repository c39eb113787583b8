"""Cases that metrics of events are measured on, made of chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from elp.metrics import Case, Metric
from elp.metrics.clips import Clips, as_clips
from elp.metrics.events import cued, head_and_lids
from elp.metrics.events.cues import Cues
from tests.metrics.sets import smooth

FRAMES = 700


def lids(rng: np.random.Generator, clips: int) -> list[np.ndarray]:
    """Blinks of one to four frames about every second."""
    starts = rng.random((clips, FRAMES)) < 0.04
    lengths = rng.integers(1, 5, (clips, 1))
    return [
        np.convolve(s, np.ones(n), "full")[:FRAMES].clip(0, 1)
        for s, (n,) in zip(starts, lengths, strict=True)
    ]


def case(rng: np.random.Generator, metric: Metric, clips: int = 4) -> Case:
    """One case that the metric can be measured on; the real listener's own answers differ."""
    part = metric.over[0]
    if part in ("heard", "known"):
        at = rng.random((clips, 3, FRAMES)) < 0.03
        cues = [Cues(low_pitch=a, phrase_ends=b, talking=c) for a, b, c in at]
        heads = [0.1 * smooth(rng, clips, FRAMES, 1)[..., 0] for _ in range(2)]
        gt, pred = (head_and_lids(h, lids(rng, clips)) for h in heads)
        return cued(cues, lids(rng, clips), gt).answered(pred)
    width = {"rotation": 3}.get(part, 1)
    some = [as_clips(part, 0.1 * smooth(rng, clips, FRAMES, width)) for _ in range(3)]
    if part == "smile":
        some = [as_clips(part, gaussian_filter1d(x, 10.0, axis=1)) for x in some]
    if part == "blink":
        some = [as_clips(part, lids(rng, clips)) for _ in range(3)]
    s, g, p = some
    samples = [Clips(k) for k in zip(p, g, strict=True)]
    return replace(Case(speaker=s, gt=g, pred=p), samples=samples)
