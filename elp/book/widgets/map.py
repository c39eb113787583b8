"""A map of many clips: several layouts, several colourings, and the face of the clip that is
pointed at.
"""

# B clip, T frame, K component, P mesh point, F triangle, D coefficient
from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.book.figures import COLORS, EMOTIONS
from elp.book.mesh import LIGHT
from elp.book.widgets.component import component
from elp.face.model import SKIN, FaceModel

SOURCE = Path(__file__).with_suffix(".js")
COMPONENTS = 5  # of the shown motions' own principal axes
EVERY = 5  # frames between two that are kept; the page draws those between them
Floats = NDArray[np.floating[Any]]
Labels = Mapping[str, Sequence[str]]


def clip_map(
    layouts: Mapping[str, Floats],
    labels: Labels,
    beta: Floats,
    model: FaceModel,
    *,
    caption: str,
    alt: str,
    name: str = "map",
) -> None:
    """Display B clips as dots (chapter "The emotion space").

    Args:
        layouts: title -> (B, 2) positions, of which only the arrangement counts.
        labels: what to colour by -> (B,) words.
        beta: (B, T, D) the motion of each clip in corpus units, whose face is shown on hovering.
        model: the face to draw.
        caption, alt, name: as for `elp.book.figures.show`.
    """
    places = {title: _levels(xy) for title, xy in layouts.items()}
    colorings = {title: _coloring(words) for title, words in labels.items()}
    state = {
        "count": len(beta),
        "layouts": {title: packed_bytes(xy) for title, xy in places.items()},
        "labels": colorings,
        "face": _faces(beta, model),
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


def _faces(beta: Floats, model: FaceModel) -> dict[str, Any]:
    """What the page draws faces from: a mean, principal axes, and the weights of each clip."""
    kept = beta[:, ::EVERY]
    flat = kept.reshape(-1, kept.shape[-1])
    middle = flat.mean(0)
    axes = np.linalg.svd(flat - middle, full_matrices=False)[2][:COMPONENTS]
    weights = (kept - middle) @ axes.T
    scale = np.maximum(np.abs(weights).max((0, 1)), 1e-9) / 127
    mean = model.shape(beta=middle)
    basis = np.tensordot(axes * scale[:, None], model.expression, 1)[..., :2]
    order = np.argsort(-mean[model.triangles].mean(1)[:, 2])  # far ones first
    a, b, c = mean[model.triangles].transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    light = np.round(1 + 254 * np.clip(normal @ LIGHT, 0, 1))
    light[SKIN:] = 0  # eyes and mouth
    points = np.concatenate([mean[None, :, :2], basis])
    step = float(np.abs(points).max()) / 32767
    return {
        "points": packed_bytes(np.round(points / step).astype("<i2")),
        "step": step,
        "count": len(mean),
        "triangles": packed_bytes(model.triangles[order].astype("<u2")),
        "light": packed_bytes(light[order].astype(np.uint8)),
        "weights": packed_bytes(np.round(weights / scale).astype(np.int8)),
        "components": len(axes),
        "frames": kept.shape[1],
        "every": EVERY,
    }


def packed_bytes(array: NDArray[Any]) -> str:
    """An array's bytes in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _still(places: Mapping[str, NDArray[np.uint8]], coloring: dict[str, Any]) -> str:
    """All layouts side by side, in the first colouring."""
    of = np.frombuffer(base64.b64decode(coloring["of"]), np.uint8)
    panels = []
    for title, xy in places.items():
        dots = "".join(
            f'<path stroke="{color}" d="'
            + "".join(f"M{x} {y}h0" for x, y in xy[of == n].tolist())
            + '"/>'
            for n, color in enumerate(coloring["colors"])
        )
        panels.append(
            '<div style="flex:1 1 150px;max-width:220px">'
            f'<svg viewBox="-6 -6 267 267" role="img" aria-label="{html.escape(title)}" '
            'style="width:100%"><g stroke-width="7" stroke-linecap="round" fill="none">'
            f"{dots}</g></svg><p>{html.escape(title)}</p></div>"
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
