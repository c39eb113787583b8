"""The map's picture is drawn from what the source says."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from elp.book.house import House
from elp.book.plan import BOX_WIDTH, WIDTH, crossings, positions, routes, svg, untangled, width
from tests.test_imports import FILES, ROOMS, imports, module, room, target


@pytest.fixture(scope="module")
def house() -> House:
    return House()


@pytest.fixture
def cottage(tmp_path: Path) -> House:
    """roof -> left, right, cellar; left -> cellar, lazily; right -> cellar."""
    package = tmp_path / "cottage"
    package.mkdir()
    (package / "__init__.py").write_text("from cottage.roof import tile\n")
    (package / "roof.py").write_text("import numpy\nfrom cottage import left, right, cellar\n")
    (package / "left.py").write_text("def f():\n    from cottage.cellar import wine, coal\n")
    (package / "right").mkdir()
    (package / "right" / "door.py").write_text("import cottage.cellar\n")
    (package / "cellar.py").write_text("")
    return House(package)


def test_arrows_are_counted(cottage: House) -> None:
    assert dict(cottage.arrows) == {
        ("roof", "left"): 1,
        ("roof", "right"): 1,
        ("roof", "cellar"): 1,
        ("left", "cellar"): 2,
        ("right", "cellar"): 1,
    }
    assert cottage.ground == {"cellar"}
    assert cottage.floors == [["left", "right"], ["roof"]]
    assert cottage.drawn == {("roof", "left"): 1, ("roof", "right"): 1}


def test_what_the_import_test_sees_is_drawn(house: House) -> None:
    """The two readings of the source, made apart, agree on every arrow."""
    seen = {
        (room(module(path)), room(name))
        for path in FILES
        for full in imports(path)
        if (name := target(full)) and room(module(path))
    }
    assert set(house.arrows) == {(a, b) for a, b in seen if b and a != b}
    assert set(house.files) == set(ROOMS)


def test_the_picture_holds_every_room_and_no_arrow_points_up(house: House) -> None:
    level = {name: n for n, floor in enumerate(house.floors) for name in floor}
    assert all(level[a] > level[b] for a, b in house.drawn)
    assert house.ground | set(level) == set(house.files)
    picture = ET.fromstring(svg(house))
    texts = {element.text for element in picture.iter() if element.tag == "text"}
    assert set(house.files) <= texts
    assert len([e for e in picture.iter() if e.get("class") == "arrow"]) == len(house.drawn)
    assert all(name in picture.get("aria-label", "") for name in house.files)


def test_arrows_left_out_are_implied(house: House) -> None:
    """Whoever follows drawn arrows comes to every room of the upper floors that is needed."""

    def reached(start: str) -> set[str]:
        direct = {b for a, b in house.drawn if a == start}
        return direct.union(*map(reached, direct))

    for a, b in house.arrows:
        assert b in house.ground or a in house.ground or b in reached(a)


def test_boxes_of_a_floor_do_not_overlap(house: House) -> None:
    floors, ways = routes(house)
    better = untangled(floors, ways)
    assert [sorted(map(str, f)) for f in better] == [sorted(map(str, f)) for f in floors]
    steps = [step for way in ways.values() for step in pairwise(way)]
    assert crossings(better, steps) <= crossings(floors, steps)
    wide = width(better)
    assert wide <= 1.25 * WIDTH  # a phone shows it with letters that can be read
    for floor in better:
        boxes = [x for stop, x in positions(floor, wide).items() if isinstance(stop, str)]
        assert all(abs(a - b) >= BOX_WIDTH for a, b in combinations(boxes, 2))
        assert all(BOX_WIDTH / 2 <= x <= wide - BOX_WIDTH / 2 for x in boxes)
