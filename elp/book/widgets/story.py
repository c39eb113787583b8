"""One frame's way from logits to a face, a step at a time: Base Space, Transformed Space, U."""

# H head, V category, N emotion, C channel of the coding
from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.book import encode
from elp.book.figures import EMOTIONS
from elp.book.widgets.component import component

SOURCE = Path(__file__).with_suffix(".js")
WIDTH, HEIGHT = 360, 262  # of the drawing, in its own units
LEFT, TOP, SIDE = 22.0, 30.0, 3.4  # of the grid, and of a cell
WORDS = 13.0  # width of one number of a codeword's vector
FACE = 190


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One frame of a response under each of N emotions.

    Attributes:
        categories: (H,) integers in [0, V), what each head drew: the same under every emotion.
        size: V. emotions: N names.
        vectors: (N, H, C), what the decoders look up for each head's codeword.
        faces: N pictures (height, width, 3 or 4) uint8.
        head: whose square is followed through the steps.
    """

    categories: NDArray[np.integer[Any]]
    size: int
    emotions: tuple[str, ...]
    vectors: NDArray[np.floating[Any]]
    faces: Sequence[NDArray[np.uint8]]
    head: int = 0

    def word(self, emotion: int, head: int) -> int:
        """The codeword of a head: `n V + category`, counted from 1."""
        return int(emotion * self.size + self.categories[head] + 1)


@dataclass(frozen=True)
class Scene:
    """One step: what is said, what stands still, and where each head's square is."""

    title: str
    text: str
    scenery: str
    at: list[list[float]]


def story(frame: Frame, *, start: int, caption: str, alt: str, name: str = "story") -> None:
    """Display the steps of a frame, with buttons, arrow keys and a choice of the emotion; without
    scripts, all steps side by side.

    Args:
        start: number of the emotion shown first. caption, alt, name: as for
            `elp.book.figures.show`.
    """
    told = [scenes(frame, n) for n in range(len(frame.emotions))]
    colors = [EMOTIONS[emotion] for emotion in frame.emotions]
    state = {
        "box": [WIDTH, HEIGHT],
        "side": SIDE,
        "head": frame.head,
        "emotions": list(frame.emotions),
        "colors": colors,
        "start": start,
        "scenes": [[vars(scene) for scene in scenes] for scenes in told],
    }
    still = "".join(_panel(scene, frame, colors[start]) for scene in told[start])
    still = f'<div style="display:flex;flex-wrap:wrap;gap:1rem">{still}</div>'
    component(SOURCE, state, still, caption=caption, alt=alt, name=name)


def scenes(frame: Frame, n: int) -> list[Scene]:
    """The six steps of a frame under emotion n."""
    heads, size, count = len(frame.categories), frame.size, len(frame.emotions)
    head, emotion = frame.head, frame.emotions[n]
    category, word = int(frame.categories[head]) + 1, frame.word(n, head)
    base, moved = (_at(frame, block) for block in (0, n))
    column = [[LEFT, y] for _, y in base]
    grids = "".join(_grid(frame, block) for block in range(count))
    ghosts = "".join(_ghost(frame, block) for block in range(count))
    weights = "".join(
        _label(_middle(frame, block), TOP - 8, f"× {int(block == n)}") for block in range(count)
    )
    names = "".join(
        _label(_middle(frame, block), TOP - 20, name, 10)
        for block, name in enumerate(frame.emotions)
    )
    x, y = moved[head]
    found = (
        f'<path d="M{x + SIDE / 2:.1f} {TOP + heads * SIDE:.1f}V{y + SIDE:.1f}" '
        'stroke="currentColor" stroke-dasharray="2 2" fill="none"/>'
    ) + _label(x, TOP + heads * SIDE + 11, str(word))
    image, after = _vectors(frame, n), LEFT + 14 + WORDS * frame.vectors.shape[-1]
    return [
        Scene(
            "Base Space",
            f"{heads} heads (rows) have each drawn one of {size} categories (columns). Head "
            f"{head + 1}, outlined, has drawn category {category}. No emotion has been used yet.",
            _grid(frame, 0) + _label(_middle(frame, 0), TOP - 8, f"{size} categories"),
            base,
        ),
        Scene(
            "Split",
            f"The grid is copied {count} times, once for each number of e, and multiplied by it. "
            f"Here e says “{emotion}”: one copy is multiplied by 1, the others by 0.",
            grids + ghosts + names + weights,
            base,
        ),
        Scene(
            "Transformed Space",
            f"Side by side the copies make {heads} × {count * size} numbers. Only the block of "
            f"“{emotion}”, to which the squares have moved, is not zero.",
            grids + names + weights,
            moved,
        ),
        Scene(
            "U",
            f"The column of each square, counted from 1, is the codeword of its head. For head "
            f"{head + 1} it is {n} · {size} + {category} = {word}: one number a head again.",
            grids + names + found,
            moved,
        ),
        Scene(
            "Look-up",
            f"Each codeword of each head has learned {frame.vectors.shape[-1]} numbers (blue is "
            "negative, orange positive). Another emotion means another codeword, and so other "
            "numbers.",
            image,
            column,
        ),
        Scene(
            "Face",
            "Two convolutions (D1) turn these numbers and those of the neighbouring frames into "
            f"the coefficients of a face: {emotion}. Choose another emotion and watch.",
            image
            + _label(after + 12, TOP + heads * SIDE / 2, "→", 18)
            + _picture(encode.still(frame.faces[n]), after + 28, TOP + 14, FACE, FACE, round=True),
            column,
        ),
    ]


def _at(frame: Frame, block: int) -> list[list[float]]:
    """Where the squares of a block are, one [x, y] a head."""
    left = LEFT + block * frame.size * SIDE
    return [
        [round(left + int(k) * SIDE, 1), round(TOP + h * SIDE, 1)]
        for h, k in enumerate(frame.categories)
    ]


def _middle(frame: Frame, block: int) -> float:
    return LEFT + (block + 0.5) * frame.size * SIDE


def _grid(frame: Frame, block: int) -> str:
    wide, high = frame.size * SIDE, len(frame.categories) * SIDE
    return (
        f'<rect x="{LEFT + block * wide:.1f}" y="{TOP}" width="{wide:.1f}" height="{high:.1f}" '
        'fill="currentColor" fill-opacity=".05" stroke="currentColor" stroke-opacity=".5"/>'
    )


def _ghost(frame: Frame, block: int) -> str:
    path = "".join(f"M{x} {y}h{SIDE}v{SIDE}h-{SIDE}z" for x, y in _at(frame, block))
    return f'<path d="{path}" fill="currentColor" fill-opacity=".35"/>'


def _label(x: float, y: float, text: str, size: int = 11) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="middle" '
        f'fill="currentColor">{html.escape(text)}</text>'
    )


def _vectors(frame: Frame, n: int) -> str:
    """The (H, C) numbers of an emotion as a picture, one pixel each, blue to orange."""
    share = np.clip(frame.vectors[n] / (2 * frame.vectors.std()), -1, 1)[..., None]
    blue, grey, orange = (np.array(c) for c in ((47, 127, 193), (205, 205, 205), (213, 96, 10)))
    ends = np.where(share < 0, blue, orange)
    pixels = grey + np.abs(share) * (ends - grey)
    heads, channels = frame.vectors.shape[1:]
    place = (LEFT + 8, TOP, WORDS * channels, SIDE * heads)
    label = _label(place[0] + place[2] / 2, TOP - 8, f"{channels} numbers a head")
    return _picture(encode.still(pixels.round().astype(np.uint8)), *place) + label


def _picture(
    data: str, x: float, y: float, width: float, height: float, *, round: bool = False
) -> str:
    style = "clip-path:inset(0 round 8px)" if round else "image-rendering:pixelated"
    return (
        f'<image href="{data}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" preserveAspectRatio="none" style="{style}"/>'
    )


def _panel(scene: Scene, frame: Frame, color: str) -> str:
    """A step as a still picture with its words."""
    squares = "".join(f"M{x} {y}h{SIDE}v{SIDE}h-{SIDE}z" for x, y in scene.at)
    x, y = scene.at[frame.head]
    return (
        '<div style="flex:1 1 300px;max-width:420px;margin:0">'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(scene.text)}" '
        f'style="width:100%">{scene.scenery}<path d="{squares}" fill="{color}"/>'
        f'<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" fill="{color}" '
        f'stroke="currentColor"/></svg><p><strong>{scene.title}.</strong> '
        f"{html.escape(scene.text)}</p></div>"
    )
