"""A conversation with a listener who runs in the page: emotion, heads, temperature and seed."""

# T frame, D coefficient, P mesh point, N emotion
from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elp.book import encode
from elp.book.figures import element_name, emit
from elp.book.mesh import shaded
from elp.book.widgets import face
from elp.book.widgets.bundle import module
from elp.book.widgets.packing import Levels, Packed, pack
from elp.book.widgets.weights import CUES, cues, sizes, weights
from elp.corpus import Corpus
from elp.errors import ElpError
from elp.face import FaceModel
from elp.listener import ELPResponder
from elp.motion import FPS, Clip
from elp.simulator.dyads import sound

RATE = 16000  # of the sound, Hz
IDENTITY = 0.4  # deviation of a speaker's face: people differ by 1, a drawing needs less
STATE = ("clips", "emotion", "heads", "temperature", "seed", "clip", "panels")


@dataclass(frozen=True, kw_only=True, eq=False)
class Talk:
    """A speaker of the widget.

    Attributes:
        name: as the list of speakers shows it.
        speaker: T frames of motion, MFCC and prosody.
        sound: (n,) what is said, 16,000 samples a second in [-1, 1].
        alpha: identity of the drawn face; the mean one by default.
    """

    name: str
    speaker: Clip
    sound: NDArray[np.floating[Any]]
    alpha: NDArray[np.floating[Any]] | None = None


def talk(corpus: Corpus, pair: Any, name: str, *, frames: int = 150, face: int = 0) -> Talk:
    """A speaker of a simulated corpus, with voice.

    Args:
        corpus: made by `simulate` with sound. pair: a row of `corpus.pairs` (from `itertuples`).
        name: as the list of speakers shows it. frames: at most. face: number of the drawn face.
    """
    speaker = corpus.speaker(pair)[:frames]
    said = sound(corpus, pair)[: len(speaker) * round(RATE / FPS)]
    who = np.random.default_rng(face).normal(0, IDENTITY, len(FaceModel.default().identity))
    return Talk(name=name, speaker=speaker, sound=said, alpha=who)


@cache
def engine() -> dict[str, Any]:
    """What runs in every page: the listener that ships, with its face.

    "weights" are deflated bytes, "engine" says how to read them.
    """
    responder, model = ELPResponder.from_checkpoint(), FaceModel.default()
    deviation = np.asarray(responder.model.get_buffer("beta_std"))
    drawn = face.arrays(model, deviation)
    packed = weights(responder.model, drawn)
    facts = {"layout": packed.layout, "sizes": sizes(responder), "face": face.facts(model)}
    return {"engine": facts, "weights": packed.data}


def packed_talk(responder: ELPResponder, talk: Talk) -> dict[str, Any]:
    """A speaker as the page takes it: cues of the model, motion, and the sound as MP3."""
    speaker, model = talk.speaker, FaceModel.default()
    motion, frames = speaker.motion, len(speaker)
    heard = cues(responder, speaker)
    pose = motion.pose - np.median(motion.pose, 0)  # a camera straight ahead
    blocks = np.resize(np.abs(talk.sound), (frames, len(talk.sound) // frames))
    loud = np.sqrt((blocks**2).mean(1))
    packed: Packed = pack(
        {name: Levels(x, CUES) for name, x in heard.items()}
        | {
            "beta": Levels(motion.beta, CUES),
            "pose": Levels(pose, 4 * CUES),
            "shut": motion.blink,
            "loud": loud / max(float(loud.max()), 1e-6),
            "mean": model.shape(talk.alpha),
        }
    )
    return {
        "name": talk.name,
        "frames": frames,
        "widths": {name: x.shape[1] for name, x in heard.items()},
        "layout": packed.layout,
        "data": packed.data,
        "sound": encode.mp3(np.asarray(talk.sound, np.float32), RATE),
    }


@cache
def widget_class() -> type:
    """The anywidget class, made where it is used: anywidget is no dependency of the package's
    core.
    """
    import anywidget
    import traitlets

    most = engine()["engine"]["sizes"]["heads"]

    class Listener(anywidget.AnyWidget):
        _esm = module()
        engine = traitlets.Dict().tag(sync=True)
        weights = traitlets.Bytes().tag(sync=True)
        clips: Any = traitlets.List().tag(sync=True)
        emotion: Any = traitlets.List([0.0, 0.0, 1.0]).tag(sync=True)
        heads = traitlets.Int(1, min=1, max=most).tag(sync=True)
        temperature = traitlets.Float(1.0, min=0.0).tag(sync=True)
        seed = traitlets.Int(0, min=0, max=2**32 - 1).tag(sync=True)
        clip = traitlets.Int(0, min=0).tag(sync=True)
        panels = traitlets.Enum(("all", "few"), "all").tag(sync=True)

        @traitlets.validate("emotion")
        def _mixture(self, proposal: Any) -> list[float]:
            e = [float(x) for x in proposal["value"]]
            if len(e) != 3 or min(e) < 0 or sum(e) <= 0:
                raise traitlets.TraitError("emotion: three shares of at least 0, one above it")
            return [x / sum(e) for x in e]

        @traitlets.validate("clip")
        def _one_of_them(self, proposal: Any) -> int:
            if proposal["value"] >= len(self.clips):
                raise traitlets.TraitError(f"clip: there are {len(self.clips)}, counted from 0")
            return int(proposal["value"])

    return Listener


def Listener(talks: Sequence[Talk], **state: Any) -> Any:
    """A widget of the listener that ships, answering to speakers (chapter "The emotion space").

    Everything runs in the page, in JupyterLab as in the static book: the same numbers as
    `ELPResponder.respond` gives for the same seed, but for weights rounded to fewer bits. Its
    traits `emotion` (shares of negative, neutral, positive), `heads`, `temperature`, `seed` and
    `clip` follow the controls and move them, and can be observed.

    Args:
        talks: the speakers, one at least.
        state: traits to begin with, and `panels`: "all", or "few" without curves, codes and
            temperature.

    Raises:
        ElpError: there is no speaker.
    """
    widget = widget_class()(**engine(), **_state(talks, state))
    widget.talks = tuple(talks)
    return widget


def _state(talks: Sequence[Talk], state: dict[str, Any]) -> dict[str, Any]:
    if not talks:
        raise ElpError("the listener needs a speaker: give at least one talk")
    responder = ELPResponder.from_checkpoint()
    clips = [packed_talk(responder, talk) for talk in talks]
    begin = {"emotion": [0.0, 0.0, 1.0], "heads": responder.model.config.heads}
    begin |= {"temperature": 1.0, "seed": 0, "clip": 0, "panels": "all"}
    return begin | {"clips": clips} | state


def still(talk: Talk, seed: int) -> NDArray[np.uint8]:
    """(height, width, 4): one frame of a speaker, and of the answers under each emotion."""
    responder, model = ELPResponder.from_checkpoint(), FaceModel.default()
    beta, at = [talk.speaker.motion.beta], len(talk.speaker) // 2
    for emotion in responder.emotions:
        generator = torch.Generator().manual_seed(seed)
        beta.append(responder.respond(talk.speaker, emotion, generator=generator).beta)
    return np.hstack([shaded(model.shape(beta=b[at]), model.triangles, size=180) for b in beta])


def show(widget: Any, *, caption: str, alt: str, name: str = "listener") -> None:
    """Display a listener in JupyterLab, and in the static page as `page` does.

    Args:
        widget: of `Listener`.
        caption, alt, name: as for `elp.book.figures.show`.

    Raises:
        ElpError: caption or alt is missing.
    """
    view = widget._repr_mimebundle_() or {}
    view = view[0] if isinstance(view, tuple) else view
    bundle = {k: v for k, v in view.items() if k != "text/plain"}
    state = {key: getattr(widget, key) for key in STATE}
    _emit(widget.talks, state, caption, alt, name, bundle)


def page(
    talks: Sequence[Talk], *, caption: str, alt: str, name: str = "listener", **state: Any
) -> None:
    """Display a listener in the static page alone, without a widget of the kernel's.

    The page holds the speakers and, for where scripts are off, a still; the model lies beside it,
    once for all pages.

    Args:
        talks, state: as for `Listener`.
        caption, alt, name: as for `elp.book.figures.show`.

    Raises:
        ElpError: caption or alt is missing, or there is no speaker.
    """
    _emit(talks, _state(talks, state), caption, alt, name, {})


def _emit(
    talks: Sequence[Talk],
    state: dict[str, Any],
    caption: str,
    alt: str,
    name: str,
    bundle: dict[str, Any],
) -> None:
    sent = state | {"clips": [_as_text(clip) for clip in state["clips"]]}
    text = json.dumps(sent, separators=(",", ":"), sort_keys=True)
    name = element_name(name, text, caption, alt)
    inline, label = text.replace("</", "<\\/"), html.escape(alt)
    shown = encode.still(still(talks[state["clip"]], state["seed"]))
    body = (
        f'<div id="fig-{name}" class="elp-widget" role="group" aria-label="{label}">'
        f'<img src="{shown}" alt="{label}" style="max-width:100%">'
        f'<script type="application/json" class="elp-state">{inline}</script></div>'
    )
    emit(body, caption=caption, alt=alt, name=name, bundle=bundle)


def _as_text(clip: dict[str, Any]) -> dict[str, Any]:
    return {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in clip.items()}
