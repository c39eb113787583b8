"""Half an hour of stream: neither leaks nor drifts, and survives what is pushed by mistake."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elp.errors import ElpError
from elp.motion import Clip, Motion
from tests.hostile.arena import Verdict
from tests.hostile.bases import Bases

pytestmark = [pytest.mark.hostile, pytest.mark.slow]
FRAMES = int(os.environ.get("ELP_HOSTILE_FRAMES", 45_000))  # half an hour
BETWEEN = 1000  # frames from one wrong push to the next
# what `ResponseStream` promises: frames from one tie that rounding decides to the next, at least,
# how many frames differ then, and by how much
TIE, SPREAD, MOST = 6000, 5, 0.1
WRONG = (
    {"audio": np.full(640, np.nan, np.float32)},
    {"audio": np.full(640, 1e20, np.float32)},
    {"audio": np.zeros((3, 4, 5), np.float32)},
    {"beta": np.full(100, np.inf), "pose": np.zeros(6)},
    {"beta": np.zeros(7), "pose": np.zeros(6)},
    {"beta": np.zeros(100)},
)


def megabytes() -> float:
    """What this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_half_an_hour(bases: Bases, report: object, tmp_path: Path) -> None:
    import torch

    from elp.corpus import Corpus
    from elp.listener import ELPResponder
    from elp.listener.stream import ResponseStream
    from elp.training import recipes
    from elp.training.run import train

    corpus, causal = Corpus.open(bases.corpus), replace(recipes.get("live"), steps=1, batch=2)
    train(causal, corpus, tmp_path / "run", device="cpu")
    responder = ELPResponder.from_checkpoint(tmp_path / "run" / "model.safetensors")
    rows = np.arange(FRAMES) % len(corpus.beta)
    beta, pose = (np.asarray(x, np.float32)[rows] for x in (corpus.beta, corpus.pose))
    rng = np.random.default_rng(0)
    sound = rng.standard_normal((FRAMES, 29)).astype(np.float32)
    stream = ResponseStream(responder, "neutral", generator=torch.Generator().manual_seed(0))
    said, wrong, early, pushed = [], [], 0.0, 0
    for k in range(FRAMES):
        if k % BETWEEN == BETWEEN // 2:
            bad = WRONG[pushed % len(WRONG)]
            pushed += 1
            try:
                stream.push(**bad)
                wrong.append(f"frame {k}: took {list(bad)}")
            except ElpError:
                pass
        said.append(stream.push(sound[k : k + 1], beta[k], pose[k]))
        if k == FRAMES // 5:
            early = megabytes()
    grown = megabytes() - early
    said.append(stream.finish())
    offline = responder.respond(
        Clip(
            motion=Motion(beta=beta, pose=pose, blink=np.zeros(FRAMES, np.uint8)),
            mfcc=sound,
        ),
        "neutral",
        generator=torch.Generator().manual_seed(0),
    )
    heard = np.concatenate([motion.beta for motion in said])
    apart = np.abs(heard - offline.beta).max(1)
    if grown > 100:
        wrong.append(f"{grown:.0f} MB grown")
    different = int((apart > 1e-4).sum())
    if apart.max() > MOST or different > FRAMES / TIE * SPREAD + SPREAD:
        wrong.append(f"{different} frames differ from offline, by {apart.max():.2g}")
    verdict = Verdict(
        name=f"{FRAMES} frames, {pushed} wrong pushes",
        code=0,
        seconds=0.0,
        megabytes=megabytes(),
        said="",
        reason="; ".join(wrong),
        traceback=False,
        killed=False,
    )
    more = {
        "frames": FRAMES,
        "MB grown": round(grown, 1),
        "apart": float(f"{apart.max():.2g}"),
        "frames apart by more than 1e-4": different,
    }
    report.add("stream", [verdict], **more)
