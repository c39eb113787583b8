"""Frame after frame: look, answer, draw, send; and how long that took (chapter "Live")."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from elp.files import noticed
from elp.live.listener import Listener
from elp.live.outputs import Frame, Lids, Output
from elp.live.taken import Source, Taken
from elp.render import Portrait, Renderer
from elp.render.frames import Image, prepare, stamp

SIZE = 256
KEPT = 90_000  # frames of which times are kept, the newest: an hour
WORDS = {
    "looking": "looking for a face",
    "calibrating": "a face: keep still for two seconds",
    "listening": "listening",
    "lost": "the face is lost: the listener goes on",
}


@dataclass(kw_only=True)
class Report:
    """What a session was like.

    Attributes:
        frames: shown. left_out: that came too late to be looked at. stopped: number of the signal
            that ended it, None where the source did.
        times: milliseconds of each frame by stage: "latency", from a picture's capture until its
            answer is handed out, and of it "track", "fit", "answer", "draw" and "send".
    """

    frames: int = 0
    left_out: int = 0
    stopped: int | None = None
    times: dict[str, list[float]] = field(default_factory=dict)

    def add(self, spent: dict[str, float]) -> None:
        """One frame's seconds by stage."""
        for stage, seconds in spent.items():
            kept = self.times.setdefault(stage, [])
            kept.append(1000 * seconds)
            if len(kept) > KEPT:
                del kept[: KEPT // 2]

    def percentile(self, stage: str, q: float) -> float:
        """Milliseconds that q per cent of the frames do not exceed; NaN of no frames."""
        kept = self.times.get(stage)
        return float(np.percentile(kept, q)) if kept else float("nan")

    def __str__(self) -> str:
        words = f"{self.frames} frames, {self.left_out} left out, latency "
        words += " and ".join(f"{self.percentile('latency', q):.0f} ms (p{q})" for q in (50, 95))
        stages = [s for s in self.times if s != "latency"]
        return words + "".join(f", {s} {self.percentile(s, 50):.1f}" for s in stages)


def listen(
    source: Source,
    listener: Listener,
    outputs: Sequence[Output],
    portrait: Portrait | None = None,
    *,
    renderer: str = "warp",
    say: Callable[[str], object] = str,
    frames: int | None = None,
) -> Report:
    """Answer a source until it ends, or until a signal to stop, after which outputs can be closed
    in peace; a second signal stops at once.

    Args:
        source, listener: entered. outputs: open, and left so.
        portrait: whom to draw, with `renderer`; None draws nothing.
        say: is told, once each time, what is lost and found again.
        frames: how many at most.
    """
    report, lids = Report(), Lids()
    drawn = None if portrait is None else prepare(portrait, SIZE, renderer)
    said, trouble = "", ""
    with noticed() as asked, contextlib.closing(source.taken()) as takes:
        for taken in takes:
            report.add(_step(taken, listener, drawn, outputs, lids, report))
            if listener.state != said:
                said = listener.state
                say(WORDS[said])
            lost = " and ".join(source.trouble())
            if lost != trouble:
                say(f"{lost} is lost: the listener goes on" if lost else f"{trouble} is back")
                trouble = lost
            if asked or (frames is not None and report.frames >= frames):
                break
    report.stopped = asked[0] if asked else None
    return report


def _step(
    taken: Taken,
    listener: Listener,
    drawn: Renderer | None,
    outputs: Iterable[Output],
    lids: Lids,
    report: Report,
) -> dict[str, float]:
    """One frame, and the seconds that it took by stage."""
    motion = listener.push(taken)
    begun = listener.clock()
    beta = [lids.close(row, int(b)) for row, b in zip(motion.beta, motion.blink, strict=True)][-1]
    number = report.frames + report.left_out + taken.ticks - 1
    frame = Frame(
        number=number,
        time=taken.time,
        beta=beta,
        pose=motion.pose[-1],
        blink=int(motion.blink[-1]),
        state=listener.state,
        picture=None,
        sound=taken.sound,
    )
    if drawn is not None:
        picture: Image = stamp(next(iter(drawn.frames(frame.motion))))
        frame = replace(frame, picture=picture)
    seen = listener.clock()
    for output in outputs:
        output.send(frame)
    report.frames += 1
    report.left_out += taken.ticks - 1
    done = listener.clock()
    latency = time.monotonic() - taken.time
    return {"latency": latency, **listener.spent, "draw": seen - begun, "send": done - seen}
