"""A map of many clips: several layouts, several colourings, and the face of the clip that is
pointed at.
"""

# B clip, T frame, K component, P mesh point, F triangle, D coefficient
from __future__ import annotations

import base64
import html
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elp.book import encode
from elp.book.figures import COLORS, EMOTIONS
from elp.book.mesh import LIGHT
from elp.book.widgets.component import component
from elp.face.model import SKIN, FaceModel

SOURCE = Path(__file__).with_suffix(".js")
COMPONENTS = 5  # of the shown motions' own principal axes
EVERY = 5  # frames between two that are kept; the page draws those between them
STEP = 0.03  # cm between two levels of a weight, at the point that its axis moves most
PANEL = 200  # pixels of a layout's side where scripts are off
Floats = NDArray[np.floating[Any]]
Labels = Mapping[str, Sequence[str]]


class Moves(NamedTuple):
    """The motions of B clips in few numbers: β is about `middle + weights @ axes`.

    Attributes:
        middle: (D,) float32. axes: (K, D) float32, what one level of a weight adds.
        weights: (B, T, K) int8, of every fifth frame (`EVERY`).
    """

    middle: Floats
    axes: Floats
    weights: NDArray[np.int8]


def moves(beta: Floats, model: FaceModel) -> Moves:
    """Every fifth frame of B motions in their principal axes: (B, T, D) -> `Moves`.

    Weights are rounded to levels of one size on the face: small axes take few of them, so that
    they deflate well.
    """
    kept = beta[:, ::EVERY]
    flat = kept.reshape(-1, kept.shape[-1])
    middle = flat.mean(0)
    axes = np.linalg.svd(flat - middle, full_matrices=False)[2][:COMPONENTS]
    seen = np.linalg.norm(np.tensordot(axes, model.expression, 1)[..., :2], axis=-1).max(1)
    weights = (kept - middle) @ axes.T
    level = np.maximum(STEP / np.maximum(seen, 1e-9), np.abs(weights).max((0, 1)) / 127)
    rounded = np.round(weights / level).astype(np.int8)
    return Moves(middle.astype(np.float32), (axes * level[:, None]).astype(np.float32), rounded)


def clip_map(
    layouts: Mapping[str, Floats],
    labels: Labels,
    shown: Moves,
    model: FaceModel,
    *,
    caption: str,
    alt: str,
    name: str = "map",
) -> None:
    """Display B clips as dots (chapter "The emotion space").

    Args:
        layouts: title -> (B, 2) positions, of which only the arrangement counts; a layout of
            fewer clips shows the first ones alone.
        labels: what to colour by -> (B,) words.
        shown: of `moves`: what the face of the clip that is pointed at does.
        model: the face to draw.
        caption, alt, name: as for `elp.book.figures.show`.
    """
    places = {title: _levels(xy) for title, xy in layouts.items()}
    colorings = {title: _coloring(words) for title, words in labels.items()}
    state = {
        "layouts": {title: packed_bytes(xy) for title, xy in places.items()},
        "labels": colorings,
        "face": _faces(shown, model),
    }
    still = _still(places, next(iter(colorings.values())))
    component(SOURCE, state, still, caption=caption, alt=alt, name=name)


def _levels(xy: Floats) -> NDArray[np.uint8]:
    """Positions on a grid of 256 levels a side, upwards in the picture."""
    low, high = xy.min(0), xy.max(0)
    share = (xy - low) / np.maximum(high - low, 1e-9)
    share[:, 1] = 1 - share[:, 1]
    return np.round(255 * share).astype(np.uint8)


def _coloring(words: Sequence[str]) -> dict[str, Any]:
    """The names of a coloring, which one each clip has, and their colours."""
    names = [n for n in EMOTIONS if n in set(words)] or sorted(set(words))
    colors = [EMOTIONS.get(name, COLORS[k % len(COLORS)]) for k, name in enumerate(names)]
    of = np.array([names.index(word) for word in words], np.uint8)
    return {"names": names, "colors": colors, "of": packed_bytes(of)}


def _faces(shown: Moves, model: FaceModel) -> dict[str, Any]:
    """What the page draws faces from: a mean, axes, and the weights of each clip, deflated."""
    mean = model.shape(beta=shown.middle)
    basis = np.tensordot(shown.axes, model.expression, 1)[..., :2]
    order = np.argsort(-mean[model.triangles].mean(1)[:, 2])  # far ones first
    a, b, c = mean[model.triangles].transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    light = np.round(1 + 254 * np.clip(normal @ LIGHT, 0, 1))
    light[SKIN:] = 0  # eyes and mouth
    # one level moves a point by little: coarse steps would add up over the levels
    steps = [float(np.abs(x).max()) / 32767 for x in (mean[:, :2], basis)]
    parts = [
        np.round(x / s).astype("<i2") for x, s in zip((mean[:, :2], basis), steps, strict=True)
    ]
    return {
        "points": packed_bytes(np.concatenate([parts[0][None], parts[1]])),
        "steps": steps,
        "count": len(mean),
        "triangles": packed_bytes(model.triangles[order].astype("<u2")),
        "light": packed_bytes(light[order].astype(np.uint8)),
        "weights": deflated(shown.weights),
        "components": shown.weights.shape[2],
        "frames": shown.weights.shape[1],
        "every": EVERY,
    }


def deflated(weights: NDArray[np.int8]) -> str:
    """(B, T, K) weights, axis for axis, deflated, in base64: an axis' numbers are of one size."""
    return base64.b64encode(zlib.compress(weights.transpose(2, 0, 1).tobytes(), 9)).decode()


def packed_bytes(array: NDArray[Any]) -> str:
    """An array's bytes in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _still(places: Mapping[str, NDArray[np.uint8]], coloring: dict[str, Any]) -> str:
    """All layouts side by side, in the first colouring."""
    of = np.frombuffer(base64.b64decode(coloring["of"]), np.uint8)
    panels = []
    for title, xy in places.items():
        picture = encode.still(_dots(xy, of[: len(xy)], coloring["colors"]))
        panels.append(
            '<div style="flex:1 1 150px;max-width:220px">'
            f'<img src="{picture}" alt="{html.escape(title)}" style="width:100%">'
            f"<p>{html.escape(title)}</p></div>"
        )
    legend = ", ".join(
        f'<span style="color:{color}">●</span> {html.escape(name)}'
        for name, color in zip(coloring["names"], coloring["colors"], strict=True)
    )
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:.5rem 1rem">'
        + "".join(panels)
        + f"</div><p>{legend}</p>"
    )


def _dots(xy: NDArray[np.uint8], of: NDArray[np.uint8], colors: Sequence[str]) -> NDArray[np.uint8]:
    """(PANEL, PANEL, 4): a square of three pixels for each clip; a drawing of a thousand paths
    would weigh ten times as much.
    """
    panel = np.zeros((PANEL, PANEL, 4), np.uint8)
    rgb = [[int(color[k : k + 2], 16) for k in (1, 3, 5)] for color in colors]
    at = 1 + np.round(xy / 255 * (PANEL - 3)).astype(int)
    for (x, y), n in zip(at, of, strict=True):
        panel[y - 1 : y + 2, x - 1 : x + 2] = (*rgb[n], 255)
    return panel
