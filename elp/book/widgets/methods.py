"""A browser of methods: choose one, and watch its answer beside its numbers."""

# M method, T frame, K component, P mesh point, F triangle, D coefficient
from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elp.book import encode
from elp.book.answers import Answered
from elp.book.mesh import LIGHT, shaded
from elp.book.widgets.component import component
from elp.book.widgets.map import packed_bytes
from elp.face.model import SKIN, FaceModel
from elp.motion import FPS, Motion
from elp.render.blink import blink_control

SOURCE = Path(__file__).with_suffix(".js")
COMPONENTS = 10  # of the shown motions' own principal axes, lids aside
LIDS = ("blink_l", "blink_r")
STEP = 1 / 4000  # of poses: radians, and decimetres
RATE = 16000  # of the sound, Hz


class Number(NamedTuple):
    """A value of a method as the page says it: what it is, the value, what people have."""

    title: str
    value: str
    people: str


def browse(
    answered: Answered,
    numbers: Mapping[str, list[Number]],
    *,
    caption: str,
    alt: str,
    name: str = "methods",
) -> None:
    """Display a speaker and one answer at a time, with its numbers (chapter "Results").

    Args:
        answered: of `elp.book.answers`.
        numbers: method -> what stands beside its answer.
        caption, alt, name: as for `elp.book.figures.show`.
    """
    model = FaceModel.default()
    shown = {"speaker": answered.speaker.motion, **answered.answers}
    state = {
        "names": list(answered.answers),
        "numbers": {k: [list(n) for n in numbers[k]] for k in answered.answers},
        "frames": len(answered.speaker),
        "fps": FPS,
        "sound": encode.sound(answered.sound, RATE),
        "face": faces(list(shown.values()), model),
    }
    still = _still(shown, numbers, model)
    component(SOURCE, state, still, caption=caption, alt=alt, name=name)


def lids(motion: Motion, model: FaceModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """β (T, D) without the lids' part, and how far the lids are closed (T,) in [0, 1]."""
    beta = np.array(blink_control(motion.beta, motion.blink, model), np.float64)
    columns = [model.index(name) for name in LIDS]
    closed = (beta[:, columns] / model.full[columns]).mean(1).clip(0, 1)
    beta[:, columns] = 0
    return beta, closed


def faces(motions: list[Motion], model: FaceModel) -> dict[str, Any]:
    """What the page draws M heads from: a mean, axes of which the first shuts the eyes, and
    weights, poses and lids of each frame.
    """
    parts = [lids(motion, model) for motion in motions]
    flat = np.concatenate([beta for beta, _ in parts])
    middle = flat.mean(0)
    axes = np.linalg.svd(flat - middle, full_matrices=False)[2][:COMPONENTS]
    weights = (flat - middle) @ axes.T
    scale = np.maximum(np.abs(weights).max(0), 1e-9) / 127
    shut = model.beta(**dict.fromkeys(LIDS, 1.0))
    basis = np.tensordot(np.vstack([shut / 255, axes * scale[:, None]]), model.expression, 1)
    mean = model.shape(beta=middle)
    points = np.concatenate([mean[None], basis])
    steps = np.abs(points).reshape(len(points), -1).max(1) / 32767
    pose = np.concatenate([m.pose - [0, 0, 0, *np.median(m.pose[:, 3:], 0)] for m in motions])
    closed = np.concatenate([share for _, share in parts])
    return {
        "points": packed_bytes(np.round(points / steps[:, None, None]).astype("<i2")),
        "steps": steps.tolist(),
        "count": len(mean),
        "triangles": packed_bytes(model.triangles.astype("<u2")),
        "skin": SKIN,
        "lamp": LIGHT.tolist(),
        "weights": packed_bytes(np.round(weights / scale).astype(np.int8)),
        "lids": packed_bytes(np.round(255 * closed).astype(np.uint8)),
        "pose": packed_bytes(np.round(pose / [1, 1, 1, 10, 10, 10] / STEP).astype("<i2")),
        "step": STEP,
    }


def _still(
    shown: Mapping[str, Motion], numbers: Mapping[str, list[Number]], model: FaceModel
) -> str:
    """One frame of everybody, and all the numbers as a table."""
    middle = len(next(iter(shown.values()))) // 2
    heads = [
        shaded(model.shape(beta=m.beta[middle]), model.triangles, size=110) for m in shown.values()
    ]
    words = f"Heads at one moment, from left to right: {', '.join(shown)}"
    titles = [n.title for n in next(iter(numbers.values()))]
    head = "".join(f"<th>{html.escape(t)}</th>" for t in titles)
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th>"
        + "".join(f"<td>{html.escape(n.value)}</td>" for n in numbers[name])
        + "</tr>"
        for name in shown
        if name in numbers
    )
    return (
        f'<img src="{encode.still(np.hstack(heads))}" alt="{html.escape(words)}" '
        f'style="max-width:100%"><table><tr><th>method</th>{head}</tr>{rows}</table>'
    )
