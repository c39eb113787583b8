"""A listener in the page that one can talk to (page "Talk to it")."""

# T frame, D coefficient
from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from elp.book import encode
from elp.book.widgets import listener, tracking
from elp.book.widgets.bundle import talking
from elp.book.widgets.listener import RATE, Talk, engine
from elp.book.widgets.packing import Levels, pack
from elp.book.widgets.weights import CUES, hearing
from elp.errors import ElpError
from elp.face import FaceModel
from elp.listener import ELPResponder

FRAMES = 300  # of a recorded speaker, 12 s


@cache
def ear() -> dict[str, Any]:
    """What lets the page hear for the listener that ships: "hearing", deflated bytes, and "ear",
    how to read them.
    """
    packed, sizes = hearing(ELPResponder.from_checkpoint().model)
    return {"hearing": packed.data, "ear": {"layout": packed.layout, "sizes": sizes}}


def speakers(count: int = 1) -> list[Talk]:
    """Simulated speakers, for readers without a microphone: always the same ones."""
    from elp.simulator import simulate

    with tempfile.TemporaryDirectory() as folder:
        corpus = simulate(Path(folder) / "tiny", "tiny", 3)
        pairs = sorted(corpus.pairs().itertuples(), key=lambda pair: -len(corpus.speaker(pair)))
        return [
            listener.talk(corpus, pair, f"A simulated voice{f' {n}' if n else ''}", frames=FRAMES)
            for n, pair in enumerate(pairs[:count])
        ]


def recording(talk: Talk) -> dict[str, Any]:
    """A speaker as the page plays it: motion, and the sound as MP3, which the page hears as it
    hears a microphone.
    """
    motion, model = talk.speaker.motion, FaceModel.default()
    packed = pack(
        {
            "beta": Levels(motion.beta, CUES),
            "pose": Levels(motion.pose - np.median(motion.pose, 0), 4 * CUES),
            "shut": motion.blink,
            "mean": model.shape(talk.alpha),
        }
    )
    return {
        "name": talk.name,
        "frames": len(talk.speaker),
        "layout": packed.layout,
        "data": packed.data,
        "sound": encode.mp3(np.asarray(talk.sound, np.float32), RATE),
    }


def state(talks: Sequence[Talk]) -> dict[str, Any]:
    """Traits of the widget beside those of `elp.book.widgets.listener.engine`."""
    heads = ELPResponder.from_checkpoint().model.config.heads
    begin = {"emotion": [0.0, 0.0, 1.0], "heads": heads, "seed": 0}
    return ear() | {"clips": [recording(talk) for talk in talks]} | begin


@cache
def _widget_class() -> type:
    """The anywidget class, made where it is used: anywidget is no dependency of the package's
    core.
    """
    import anywidget
    import traitlets

    class LiveListener(anywidget.AnyWidget):
        _esm = talking()
        engine = traitlets.Dict().tag(sync=True)
        weights = traitlets.Bytes().tag(sync=True)
        ear = traitlets.Dict().tag(sync=True)
        hearing = traitlets.Bytes().tag(sync=True)
        clips: Any = traitlets.List().tag(sync=True)
        emotion: Any = traitlets.List([0.0, 0.0, 1.0]).tag(sync=True)
        heads = traitlets.Int(1, min=1).tag(sync=True)
        seed = traitlets.Int(0, min=0, max=2**32 - 1).tag(sync=True)

        def __init__(self, **known: Any) -> None:
            super().__init__(**known)
            self.on_msg(_asked)

    return LiveListener


def _asked(widget: Any, content: Any, buffers: Any) -> None:
    """Answer a page that asks for what finds faces: its reader pressed the camera's button."""
    from elp.book.widgets import runtime  # a program, too: it shall not be loaded before it runs

    if content != "eyes":
        return
    try:
        facts, files = tracking.camera(runtime.find())
    except ElpError as error:
        widget.send({"missing": str(error)})
    else:
        widget.send({"eyes": facts}, buffers=files)


def LiveListener(talks: Sequence[Talk] = (), **traits: Any) -> Any:
    """A widget of the listener that ships, answering to the microphone and, if they allow it, the
    camera of whoever looks at it.

    Everything runs in the page, in JupyterLab as in the static book, and nothing leaves it. Its
    traits `emotion` (shares of negative, neutral, positive), `heads` and `seed` follow the controls
    and move them, and can be observed; the seed counts from the next start. What finds faces is
    sent to the page when its camera is asked for (see `elp.book.widgets.runtime`).

    Args:
        talks: recorded speakers to choose beside the microphone.
        traits: to begin with.
    """
    return _widget_class()(**(engine() | state(talks) | traits))
