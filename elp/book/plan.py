"""The picture of the house: rooms on floors, arrows for imports, as SVG (page "The map")."""

# a stop is a room, or the place where an arrow passes a floor on its way further down
from __future__ import annotations

import html
from itertools import combinations, pairwise

from elp.book.house import Arrow, House

# in the picture's own units; a phone shows four fifths of them as pixels
WIDTH, FLOOR, GAP = 440.0, 98.0, 10.0
BOX_WIDTH, BOX_HEIGHT, PASS_WIDTH = 88.0, 42.0, 6.0
Stop = str | tuple[str, str, int]
Floors = list[list[Stop]]


def routes(house: House) -> tuple[Floors, dict[Arrow, list[Stop]]]:
    """The floors with all stops on them, and each drawn arrow's stops from above to below."""
    level = {room: n for n, floor in enumerate(house.floors) for room in floor}
    floors: Floors = [list(floor) for floor in house.floors]
    ways: dict[Arrow, list[Stop]] = {}
    for a, b in house.drawn:
        passed: list[Stop] = [(a, b, n) for n in range(level[a] - 1, level[b], -1)]
        for n, stop in zip(range(level[a] - 1, level[b], -1), passed, strict=True):
            floors[n].append(stop)
        ways[a, b] = [a, *passed, b]
    return floors, ways


def untangled(floors: Floors, ways: dict[Arrow, list[Stop]]) -> Floors:
    """The floors' stops in the order that makes the fewest arrows cross, of those that pulling
    each stop towards its neighbours, then exchanging two of a floor, comes by.
    """
    steps = [step for way in ways.values() for step in pairwise(way)]
    best, floors = floors, [list(floor) for floor in floors]
    for sweep in range(24):
        place = {stop: x for floor in floors for stop, x in positions(floor).items()}
        for floor in floors if sweep % 2 else reversed(floors):
            pull = {stop: [place[stop]] for stop in floor}
            for upper, lower in steps:
                if upper in pull:
                    pull[upper].append(place[lower])
                if lower in pull:
                    pull[lower].append(place[upper])
            floor.sort(key=lambda stop: (sum(pull[stop]) / len(pull[stop]), str(stop)))
            place |= positions(floor)
        if crossings(floors, steps) < crossings(best, steps):
            best = [list(floor) for floor in floors]
    while swap(best, steps):
        pass
    return best


def swap(floors: Floors, steps: list[tuple[Stop, Stop]]) -> bool:
    """Exchange two stops of a floor if fewer arrows cross then; False if no exchange helps."""
    now = crossings(floors, steps)
    for floor in floors:
        for i, j in combinations(range(len(floor)), 2):
            floor[i], floor[j] = floor[j], floor[i]
            if crossings(floors, steps) < now:
                return True
            floor[i], floor[j] = floor[j], floor[i]
    return False


def crossings(floors: Floors, steps: list[tuple[Stop, Stop]]) -> int:
    """How many pairs of arrows cross between neighbouring floors."""
    order = {stop: (n, i) for n, floor in enumerate(floors) for i, stop in enumerate(floor)}
    ends = [(order[a], order[b]) for a, b in steps]
    return sum(
        a[0] == c[0] and (a[1] - c[1]) * (b[1] - d[1]) < 0
        for (a, b), (c, d) in combinations(ends, 2)
    )


def positions(floor: list[Stop], house_width: float = WIDTH) -> dict[Stop, float]:
    """Middle of each stop of a floor, spread over the width of the house."""
    widths = [BOX_WIDTH if isinstance(stop, str) else PASS_WIDTH for stop in floor]
    gap = (house_width - sum(widths)) / len(floor)
    found, left = {}, gap / 2
    for stop, width in zip(floor, widths, strict=True):
        found[stop] = left + width / 2
        left += width + gap
    return found


def width(floors: Floors) -> float:
    """Of the house: what its fullest floor needs, and no less than `WIDTH`."""
    needs = [
        sum(GAP + (BOX_WIDTH if isinstance(stop, str) else PASS_WIDTH) for stop in floor)
        for floor in floors
    ]
    return max(WIDTH, *needs)


def svg(house: House) -> str:
    """The picture: the ground at the bottom, a floor above another, each arrow with the number of
    names that are imported. Colours are the page's own, light or dark.
    """
    floors, ways = routes(house)
    floors = untangled(floors, ways)
    bottom, wide = FLOOR * len(floors) + 4, width(floors)
    at: dict[Stop, tuple[float, float]] = {}
    for n, floor in enumerate(floors, 1):
        at |= {stop: (x, bottom - FLOOR * n) for stop, x in positions(floor, wide).items()}
    parts = [_arrow([at[stop] for stop in way], house.drawn[a]) for a, way in ways.items()]
    parts += [_box(house, stop, *xy) for stop, xy in at.items() if isinstance(stop, str)]
    ground = sorted(house.ground)
    slab = (wide - GAP * (len(ground) - 1)) / len(ground) - 2
    for i, room in enumerate(ground):
        parts.append(_box(house, room, 1 + slab / 2 + i * (slab + GAP), bottom, slab, "ground"))
    head = (
        '<marker id="elp-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>'
    )
    return (
        f'<svg class="elp-house" viewBox="0 0 {wide:.0f} {bottom + BOX_HEIGHT + 4:.0f}" '
        f'role="img" aria-label="{html.escape(house.says())}"><defs>{head}</defs>'
        f"{''.join(parts)}</svg>"
    )


def _box(
    house: House, room: str, x: float, y: float, width: float = BOX_WIDTH, kind: str = "room"
) -> str:
    files, lines = house.size(room)
    size = f"{files} file{'s' * (files > 1)}"
    return (
        f'<g class="{kind}"><title>{room}: {size}, {lines} lines</title>'
        f'<rect x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{BOX_HEIGHT:.0f}" rx="5"/>'
        f'<text x="{x:.1f}" y="{y + 19:.1f}">{room}</text>'
        f'<text class="size" x="{x:.1f}" y="{y + 34:.1f}">{size}</text></g>'
    )


def _arrow(points: list[tuple[float, float]], count: int) -> str:
    """From the lower edge of a box, past the floors between, to the upper edge of another."""
    (x, y), path = points[0], ""
    y += BOX_HEIGHT
    path, half = f"M{x:.1f} {y:.1f}", (FLOOR - BOX_HEIGHT) / 2
    for x1, y1 in points[1:]:
        last = (x1, y1) == points[-1]
        end = y1 - 2 if last else y1
        path += f"C{x:.1f} {y + half:.1f} {x1:.1f} {end - half:.1f} {x1:.1f} {end:.1f}"
        x, y = x1, y1 + BOX_HEIGHT
        path += "" if last else f"V{y:.1f}"
    (x0, y0), (x1, _) = points[0], points[1]
    return (
        f'<path class="arrow" d="{path}" marker-end="url(#elp-head)"/>'
        f'<text class="count" x="{x0 + 0.3 * (x1 - x0):.1f}" '
        f'y="{y0 + BOX_HEIGHT + 19:.1f}">{count}</text>'
    )
