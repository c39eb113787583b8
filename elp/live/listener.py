"""From a picture and 40 ms of sound to the listener's next frame (chapter "Live")."""

# K expression coefficient
from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.extraction.causal import CausalFit, Seen
from elp.face.model import FaceModel
from elp.listener.contract import Emotion
from elp.listener.responder import ELPResponder
from elp.listener.stream import ResponseStream
from elp.live.taken import Taken
from elp.motion import POSE, Motion

CALIBRATION = 50  # frames with a face, two seconds, that identity and camera are found from
MISSED = 13  # frames without a face that are worth saying


class Listener:
    """Who watches and answers; a context manager.

    Until a face was seen for two seconds, and while it is calibrated in the background, the speaker
    counts as somebody who keeps still; so it does, in the last pose seen, where the face is lost.
    The listener goes on all the while.

    Args:
        responder: of a causal model. emotion: see `elp.listener.contract.mixture`. seed: of all
            that is drawn. face: which one where there are several, see `elp.media.track.tracker`.
        clock: what `spent` is measured with.

    Attributes:
        state: "looking" for a face, "calibrating", "listening", or "lost", the face.
        spent: seconds of the last frame by stage: "track", "fit", "answer".

    Raises:
        ElpError: the model cannot stream, or is of another face model.
    """

    def __init__(
        self,
        responder: ELPResponder,
        emotion: Emotion = "auto",
        *,
        seed: int = 0,
        face: str = "largest",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        from elp.media.track import tracker

        self.stream = ResponseStream(
            responder, emotion, generator=torch.Generator().manual_seed(seed)
        )
        width = responder.model.config.beta
        if width != len(FaceModel.default().expression):
            raise ElpError(
                f"checkpoint: {width} expression coefficients, the face model has "
                f"{len(FaceModel.default().expression)}: only its own motion can be watched live"
            )
        self._tracker: Any = tracker(face)
        self._pool = ThreadPoolExecutor(1)
        self._fit: Future[CausalFit] | None = None
        self._points: list[NDArray[np.float32]] = []
        still = np.zeros(width, np.float32), np.zeros(POSE, np.float32)
        self._last = Seen(beta=still[0], pose=still[1], blink=0)
        self._missed, self.clock = 0, clock
        self.state, self.spent = "looking", dict.fromkeys(("track", "fit", "answer"), 0.0)

    def __enter__(self) -> Listener:
        self._tracker.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._tracker.__exit__(*_)

    def push(self, taken: Taken) -> Motion:
        """The listener's next `taken.ticks` frames."""
        begun = self.clock()
        points = None if taken.picture is None else self._tracker(taken.picture)
        tracked = self.clock()
        self._see(points, taken.picture)
        fitted = self.clock()
        rows = [self._last] * taken.ticks
        motion = self.stream.push(
            taken.sound,
            np.stack([row.beta for row in rows]),
            np.stack([row.pose for row in rows]),
            np.array([row.blink for row in rows]),
        )
        self.spent = {
            "track": tracked - begun,
            "fit": fitted - tracked,
            "answer": self.clock() - fitted,
        }
        return motion

    def _see(self, points: NDArray[np.float32] | None, picture: Any) -> None:
        """Take in the points of the next picture: calibrate, or measure."""
        if points is None or not np.isfinite(points).all():
            self._missed += 1
            if self._missed == MISSED and self._fit is not None and self._fit.done():
                self.state = "lost"
            if self._fit is not None and self._fit.done():
                self._fit.result().push(np.full((1, 3), np.nan))
            return
        self._missed = 0
        if self._fit is None:
            self._calibrate(points, picture)
        elif self._fit.done():
            seen = self._fit.result().push(points)
            self._last, self.state = seen or self._last, "listening"

    def _calibrate(self, points: NDArray[np.float32], picture: Any) -> None:
        self.state = "calibrating"
        self._points.append(points)
        if len(self._points) >= CALIBRATION:
            size = picture.shape[1], picture.shape[0]
            self._fit = self._pool.submit(_calibrated, self._points, size)


def _calibrated(points: Sequence[NDArray[np.float32]], size: tuple[int, int]) -> CausalFit:
    return CausalFit(np.stack(points), size)
