"""A listener's face and codes under two sliders: emotion and number of heads that draw."""

# T frame, H head, V category, P mesh point, K component, D coefficient
from __future__ import annotations

import base64
import html
import json
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.book.figures import element_name, emit
from elp.errors import ElpError
from elp.face import FaceModel
from elp.motion import Motion, runs

COMPONENTS = 12  # of the shown motions' own principal axes: what the eye can tell apart
SOURCE = Path(__file__).with_suffix(".js")
Response = tuple[Motion, NDArray[np.integer[Any]]]


def listener(
    compute: Callable[[float, int], Response],
    *,
    emotions: Sequence[float] = (-1.0, -0.5, 0.0, 0.5, 1.0),
    heads: Sequence[int] = (16, 128),
    categories: int = 64,
    model: FaceModel | None = None,
    start: tuple[int, int] | None = None,
    caption: str,
    alt: str,
    name: str = "listener",
) -> None:
    """Display a listener that responds under two sliders (chapter "The emotion space").

    In JupyterLab the running kernel computes each position of the sliders; the static page shows
    the same positions from data that this call computes and packs into the page (about 20 kB each).

    Args:
        compute: (emotion in [-1, 1], heads that draw their category) -> the listener's motion of T
            frames and its codes (T, H), integers 1 ... N V. -1 is negative, 0 neutral, 1 positive,
            between them a mixture.
        emotions: positions of the first slider, ascending.
        heads: positions of the second slider: how many of the H heads draw; the others take their
            most probable category.
        categories: V.
        model: the face to draw; by default the one that ships.
        start: where both sliders stand at first, as indices. Default: neutral, all heads.
        caption, alt, name: as for `elp.book.figures.show`.

    Raises:
        ElpError: the responses differ in length or are empty, or caption or alt is missing.
    """
    model = model or FaceModel.default()
    start = start or (int(np.abs(np.asarray(emotions)).argmin()), len(heads) - 1)
    grid = {(i, j): compute(e, h) for i, e in enumerate(emotions) for j, h in enumerate(heads)}
    if len({(len(m), c.shape) for m, c in grid.values()}) != 1 or not len(grid[start][0]):
        raise ElpError(
            "listener: the responses must have the same, positive number of frames and heads"
        )
    packer = Packer(model, [m for m, _ in grid.values()], grid[start][1].shape, categories)
    axes = [
        {"title": "emotion", "labels": [mixture(e) for e in emotions]},
        {"title": "heads drawn", "labels": [str(h) for h in heads]},
    ]
    shape = packer.shape() | {"axes": axes, "start": list(start)}
    packed = {f"{i},{j}": packer.clip(*value) for (i, j), value in grid.items()}
    state = {"shape": shape, "mesh": packer.mesh(), "grid": packed}
    text = json.dumps(state, separators=(",", ":"), sort_keys=True)
    name = element_name(name, text, caption, alt)
    module, inline = (
        t.replace("</", "<\\/") for t in (json.dumps(SOURCE.read_text(encoding="utf-8")), text)
    )
    body = (
        f'<div id="fig-{name}" class="elp-widget" role="group" aria-label="{html.escape(alt)}">'
        f'<script type="application/json" class="elp-module">{module}</script>'
        f'<script type="application/json" class="elp-state">{inline}</script></div>'
    )

    def recompute(change: dict[str, Any]) -> None:
        i, j = change["new"]
        change["owner"].shown = packer.clip(*compute(emotions[i], heads[j]))

    live = widget_class()(
        shape=shape,
        mesh=state["mesh"],
        position=list(start),
        shown=packed[f"{start[0]},{start[1]}"],
    )
    live.observe(recompute, "position")
    view = live._repr_mimebundle_() or {}
    view = view[0] if isinstance(view, tuple) else view
    emit(
        body,
        caption=caption,
        alt=alt,
        name=name,
        bundle={k: v for k, v in view.items() if k != "text/plain"},
    )


def mixture(emotion: float) -> str:
    """-0.5 -> "50 % negative"; 0 is neutral, the rest up to 100 % neutral."""
    side = "positive" if emotion > 0 else "negative"
    return (
        "neutral" if emotion == 0 else side if abs(emotion) == 1 else f"{abs(emotion):.0%} {side}"
    )


@cache
def widget_class() -> type:
    """The anywidget class, made where it is used: anywidget is no dependency of the package's
    core.
    """
    import anywidget
    import traitlets

    class Listener(anywidget.AnyWidget):
        _esm = SOURCE
        shape = traitlets.Dict().tag(sync=True)
        mesh = traitlets.Unicode().tag(sync=True)
        live = traitlets.Bool(True).tag(sync=True)
        position: Any = traitlets.List().tag(sync=True)
        shown = traitlets.Dict().tag(sync=True)

    return Listener


class Packer:
    """Turns motions into small blobs: principal components of the shape, 16-bit integers, deflate,
    base64.
    """

    def __init__(
        self, model: FaceModel, motions: Sequence[Motion], codes: tuple[int, ...], categories: int
    ) -> None:
        self.model, self.categories = model, categories
        self.frames, self.heads = codes
        beta = np.concatenate([m.beta for m in motions])
        # of what is shown; uncentred, so that 0 stays neutral
        _, _, axes = np.linalg.svd(beta, full_matrices=False)
        self.axes = axes[:COMPONENTS]
        self.basis = np.tensordot(self.axes, model.expression, 1)
        self.scales = {
            "mean": _scale(model.mean),
            "basis": _scale(self.basis),
            # room for positions that the kernel computes later
            "weights": _scale(beta @ self.axes.T) * 2,
            "pose": _scale(np.concatenate([m.pose for m in motions])) * 2,
        }

    def shape(self) -> dict[str, Any]:
        """What the component must know to read the blobs."""
        points, k = len(self.model.mean), len(self.axes)
        return {
            "T": self.frames,
            "H": self.heads,
            "V": self.categories,
            "P": points,
            "K": k,
            "fps": 25,
            "skin": _skin(self.model),
            "legend": "codes: a row per head, a column per frame; the hue is the emotion's block",
            "mesh_layout": [
                ["mean", "i2", points * 3, self.scales["mean"]],
                ["basis", "i2", k * points * 3, self.scales["basis"]],
                ["triangles", "i2", self.model.triangles.size, 1],
            ],
            "clip_layout": [
                ["weights", "i2", self.frames * k, self.scales["weights"]],
                ["pose", "i2", self.frames * 6, self.scales["pose"]],
                ["codes", "u1", self.frames * self.heads, 1],
            ],
        }

    def mesh(self) -> str:
        parts = [
            _int16(self.model.mean, self.scales["mean"]),
            _int16(self.basis, self.scales["basis"]),
            self.model.triangles.astype("<i2"),
        ]
        return _blob(parts)

    def clip(self, motion: Motion, codes: NDArray[np.integer[Any]]) -> dict[str, str]:
        """One response as {"data": blob, "says": what a reader should notice}."""
        if codes.max(initial=0) > 255:
            raise ElpError(
                f"listener: codes up to {codes.max()}, at most 255 fit: show fewer categories"
            )
        weights = _int16(motion.beta @ self.axes.T, self.scales["weights"])
        data = _blob([weights, _int16(motion.pose, self.scales["pose"]), codes.astype(np.uint8)])
        return {"data": data, "says": describe(motion, self.model)}


def describe(motion: Motion, model: FaceModel) -> str:
    """Smile and frown as a share of the full expression, blinks, and how far the head turns, in one
    line.
    """
    smile, frown = (_share(motion, model, name) for name in ("smile", "frown"))
    blinks = len(runs(motion.blink))
    turn = float(np.rad2deg(np.ptp(motion.pose[:, :3], axis=0).max()))
    return f"smile {smile:.0%}, frown {frown:.0%}, blinks {blinks}, head moves {turn:.1f}°"


def _share(motion: Motion, model: FaceModel, name: str) -> float:
    """Mean activation of a direction's two sides over the motion; 1 is the full movement."""
    sides = [model.index(f"{name}_{side}") for side in "lr"]
    return float(np.mean(motion.beta[:, sides] / model.full[sides]))


def _skin(model: FaceModel) -> int:
    """Triangles of the skin; the rest of the default model closes eyes and mouth."""
    from elp.face.model import SKIN

    return min(SKIN, len(model.triangles))


def _scale(array: NDArray[Any]) -> float:
    return float(np.abs(array).max(initial=1e-6)) / 32767


def _int16(array: NDArray[Any], scale: float) -> NDArray[np.int16]:
    return np.clip(np.round(array / scale), -32767, 32767).astype("<i2")


def _blob(parts: Sequence[NDArray[Any]]) -> str:
    return base64.b64encode(
        zlib.compress(b"".join(np.ascontiguousarray(p).tobytes() for p in parts), 9)
    ).decode()
