"""Diagrams of the networks, as SVG in the page's own ink (chapter "Base, Transformed, U")."""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

FONT = 'font-family="system-ui, sans-serif" fill="currentColor" text-anchor="middle"'
WIDTH = 172  # of a stack
HIGH, GAP = 40, 16  # of its boxes, and between them
FRAME, LAYER = 21, 46  # between two frames, and between two layers


@dataclass(frozen=True)
class Box:
    """A box of a flow chart: centre and size in its units, what it is, what leaves it."""

    x: float
    y: float
    width: float
    title: str
    below: str = ""
    learned: bool = False


def flow(boxes: Sequence[Box], arrows: Sequence[tuple[int, int]], height: float, alt: str) -> str:
    """Boxes and straight arrows from one box's foot to another's head, 360 units wide.

    Args:
        arrows: (from, to), numbers of the boxes. height: of the drawing. alt: in words.
    """
    lines = []
    for start, end in arrows:
        a, b = boxes[start], boxes[end]
        lines.append(_arrow(a.x, a.y + HIGH / 2, b.x, b.y - HIGH / 2))
    drawn = "".join(map(_box, boxes)) + "".join(lines)
    return _svg(drawn, 360, height, alt, 520)


def stacks(columns: dict[str, Sequence[tuple[str, str]]]) -> str:
    """Networks as piles of layers beside one another, first layer on top.

    Args:
        columns: name of the network -> (layer, shape of what leaves it) in order; layers without
            weights have a name in brackets.
    """
    piles = []
    for name, layers in columns.items():
        height = 20 + (HIGH + GAP) * len(layers)
        boxes = [
            Box(
                WIDTH / 2,
                24 + HIGH / 2 + n * (HIGH + GAP),
                WIDTH - 8,
                title,
                below,
                not title.startswith("["),
            )
            for n, (title, below) in enumerate(layers)
        ]
        lines = [
            _arrow(a.x, a.y + HIGH / 2, b.x, b.y - HIGH / 2) for a, b in itertools.pairwise(boxes)
        ]
        head = f'<text x="{WIDTH / 2}" y="14" font-size="13" font-weight="600">{name}</text>'
        alt = f"{name}: " + ", then ".join(title.strip("[]") for title, _ in layers)
        piles.append(_svg(head + "".join(map(_box, boxes)) + "".join(lines), WIDTH, height, alt))
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start">'
        f"{''.join(piles)}</div>"
    )


def contexts(layers: Sequence[Sequence[int]], alt: str) -> str:
    """Which frames a time-delay network sees: from one frame of the last layer back to the speaker.

    Args:
        layers: of each layer the frames around its own that it reads, first layer first.
    """
    reach = sum(max(layer) for layer in layers)
    width, height = FRAME * (2 * reach + 1) + 24, LAYER * len(layers) + 44
    seen, lines, dots = {0}, [], []
    for depth, layer in enumerate(reversed(layers)):
        y = 16 + depth * LAYER
        below = {frame + shift for frame in seen for shift in layer}
        lines += [
            f"M{_place(frame, reach)} {y}L{_place(frame + shift, reach)} {y + LAYER}"
            for frame in sorted(seen)
            for shift in layer
        ]
        dots += [(frame, y) for frame in seen]
        seen = below
    dots += [(frame, 16 + len(layers) * LAYER) for frame in seen]
    ticks = "".join(
        f'<text x="{_place(frame, reach)}" y="{height - 6}" font-size="10">{frame:+}</text>'
        if frame
        else f'<text x="{_place(0, reach)}" y="{height - 6}" font-size="10">t</text>'
        for frame in sorted(seen)
    )
    circles = "".join(
        f'<circle cx="{_place(frame, reach)}" cy="{y}" r="5" stroke="none"/>' for frame, y in dots
    )
    path = f'<path d="{"".join(lines)}" stroke="currentColor" stroke-opacity=".45" fill="none"/>'
    return _svg(path + circles + ticks, width, height, alt, 460)


def _place(frame: int, reach: int) -> int:
    return 12 + FRAME // 2 + FRAME * (frame + reach)


def _svg(body: str, width: float, height: float, alt: str, most: int | None = None) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(alt)}" {FONT} '
        f'style="width:100%;max-width:{most or width}px;height:auto;color:inherit">{body}</svg>'
    )


def _box(box: Box) -> str:
    opacity = 0.14 if box.learned else 0
    edge = "" if box.learned else ' stroke-dasharray="4 3"'
    shift = 4 if not box.below else -2
    text = (
        f'<text x="{box.x}" y="{box.y + shift}" font-size="12" font-weight="600">'
        f"{html.escape(box.title.strip('[]'))}</text>"
    )
    if box.below:
        text += f'<text x="{box.x}" y="{box.y + 13}" font-size="11">{html.escape(box.below)}</text>'
    return (
        f'<rect x="{box.x - box.width / 2}" y="{box.y - HIGH / 2}" width="{box.width}" '
        f'height="{HIGH}" rx="6" fill-opacity="{opacity}" stroke="currentColor"{edge}/>{text}'
    )


def _arrow(x0: float, y0: float, x1: float, y1: float) -> str:
    """A line that turns in the middle, and its head."""
    middle = (y0 + y1) / 2
    way = f"M{x0} {y0}V{y1 - 4}" if x0 == x1 else f"M{x0} {y0}V{middle}H{x1}V{y1 - 4}"
    return (
        f'<path d="{way}" stroke="currentColor" fill="none"/>'
        f'<path d="M{x1 - 4} {y1 - 7}L{x1} {y1}L{x1 + 4} {y1 - 7}z" stroke="none"/>'
    )
