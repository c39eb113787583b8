"""A session as the command line asks for it (chapter "Live")."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from elp.errors import ElpError
from elp.files import keep
from elp.listener.contract import mixture
from elp.listener.responder import ELPResponder
from elp.live.listener import Listener
from elp.live.loop import Report, listen
from elp.live.network import Lsl, Osc, Websocket
from elp.live.outputs import Output
from elp.live.pictures import Film, VirtualCamera, check_film
from elp.live.source import source
from elp.render import Portrait


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Where frames shall go; see `elp live --help`."""

    osc: str | None = None
    lsl: bool = False
    websocket: int | None = None
    virtual_camera: bool = False
    record: Path | None = None
    portrait: Path | None = None

    def check(self) -> None:
        """Raises ElpError where nothing is asked for, or pictures of nobody."""
        pictures = self.virtual_camera or self.record is not None
        numbers = self.osc is not None or self.lsl or self.websocket is not None
        if not pictures and not numbers:
            raise ElpError(
                "nowhere to send the listener: give --osc HOST:PORT, --lsl, --websocket PORT, "
                "--virtual-camera or --record OUT.mp4"
            )
        if self.websocket is not None and not 0 < self.websocket < 2**16:
            raise ElpError(f"--websocket {self.websocket}: no port: give 1 to 65535, such as 8765")
        if self.record is not None:
            check_film(self.record)
        if pictures and self.portrait is None:
            raise ElpError("pictures need a face: give --portrait, one image of the listener")
        if self.portrait is not None and not pictures:
            raise ElpError("a portrait is drawn for --virtual-camera or --record: give one of them")

    def open(self, stack: contextlib.ExitStack) -> list[Output]:
        """The outputs; those that are open close where a later one cannot be opened."""
        makers: list[tuple[bool, Callable[[], Output]]] = [
            (self.osc is not None, lambda: Osc(str(self.osc))),
            (self.lsl, Lsl),
            (self.websocket is not None, lambda: Websocket(int(self.websocket or 0))),
            (self.virtual_camera, VirtualCamera),
            (self.record is not None, lambda: Film(str(self.record))),
        ]
        found: list[Output] = []
        for wanted, make in makers:
            if wanted:
                found.append(make())
                stack.callback(found[-1].close)
        return found


def session(
    camera: str,
    asked: Asked,
    *,
    emotion: str = "auto",
    microphone: str | None = "default",
    seed: int = 0,
    checkpoint: str | Path = "listener",
    face: str = "largest",
    fast: bool = False,
    say: Callable[[str], object] = str,
) -> Report:
    """Open everything, listen until the source ends or a signal comes, close everything.

    Args:
        camera, microphone, fast: see `elp.live.source.source`. asked: outputs and portrait.
        emotion, seed, checkpoint, face: as in `elp.respond.respond`.
        say: is told what happens, a sentence each.

    Raises:
        ElpError: something is missing or cannot be opened; the sentence says what to do.
    """
    import torch

    asked.check()
    keep([camera, asked.portrait, checkpoint], [asked.record])
    taken = source(camera, microphone, fast=fast)
    torch.set_num_threads(1)  # frames are small: threads would wait for each other
    responder = ELPResponder.from_checkpoint(checkpoint)
    mixture(emotion, responder.emotions)
    portrait = None if asked.portrait is None else Portrait.load(asked.portrait)
    with contextlib.ExitStack() as stack:
        outputs = asked.open(stack)
        listener = stack.enter_context(Listener(responder, emotion, seed=seed, face=face))
        stack.enter_context(taken)
        return listen(taken, listener, outputs, portrait, say=say)
