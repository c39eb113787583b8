"""Diagrams are well-formed pictures that say what they show."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from elp.book import diagrams


def test_a_flow_has_its_boxes_and_arrows():
    boxes = [diagrams.Box(90, 30, 80, "a < b", "T"), diagrams.Box(200, 100, 80, "[c]", "", True)]
    picture = ElementTree.fromstring(diagrams.flow(boxes, [(0, 1)], 140, "a leads to c"))
    assert picture.get("aria-label") == "a leads to c"
    assert [t.text for t in picture.iter("text")] == ["a < b", "T", "c"]
    assert len(list(picture.iter("rect"))) == 2


def test_stacks_stand_side_by_side():
    page = diagrams.stacks({"one": [("[x]", "T"), ("conv", "T")], "two": [("lstm", "")]})
    root = ElementTree.fromstring(page)
    assert [svg.get("aria-label") for svg in root] == ["one: x, then conv", "two: lstm"]


def test_contexts_reach_as_far_as_the_network():
    layers = [(-2, -1, 0, 1, 2), (-2, 0, 2), (-3, 0, 3), (0,), (0,)]
    page = diagrams.contexts(layers, "tree")
    ElementTree.fromstring(page)
    ticks = re.findall(r'font-size="10">([^<]+)<', page)
    assert ticks == [f"{k:+}" if k else "t" for k in range(-7, 8)]
