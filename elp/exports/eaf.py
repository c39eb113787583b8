"""Annotations as ELAN's own file, .eaf (chapter "Live")."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from elp.motion import FPS

Annotation = tuple[str, float, float, str]  # tier, begin and end in seconds, text
SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"
FORMAT = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
DATE = "1970-01-01T00:00:00+00:00"  # always the same: the same events make the same file
KIND = "default-lt"


def write_eaf(path: str | Path, annotations: Iterable[Annotation]) -> None:
    """Write annotations, a tier for each name. Those of a tier follow each other: one that begins
    before the last one ends, which ELAN does not allow, begins where that one ends.
    """
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "xmlns:xsi": SCHEMA,
            "xsi:noNamespaceSchemaLocation": FORMAT,
            "AUTHOR": "elp",
            "DATE": DATE,
            "FORMAT": "3.0",
            "VERSION": "3.0",
        },
    )
    ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    order = ElementTree.SubElement(root, "TIME_ORDER")
    tiers: dict[str, list[Annotation]] = {}
    for annotation in annotations:
        tiers.setdefault(annotation[0], []).append(annotation)
    number = 0
    for name, rows in sorted(tiers.items()):
        tier = ElementTree.SubElement(root, "TIER", LINGUISTIC_TYPE_REF=KIND, TIER_ID=name)
        before = 0
        for _, begin, end, text in sorted(rows, key=lambda row: row[1]):
            number += 1
            first = max(round(1000 * begin), before)
            before = max(round(1000 * end), first + round(1000 / FPS))
            slots = [f"ts{2 * number - 1}", f"ts{2 * number}"]
            for slot, value in zip(slots, (first, before), strict=True):
                ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(value))
            _annotate(tier, f"a{number}", slots, text)
    ElementTree.SubElement(
        root,
        "LINGUISTIC_TYPE",
        GRAPHIC_REFERENCES="false",
        LINGUISTIC_TYPE_ID=KIND,
        TIME_ALIGNABLE="true",
    )
    tree = ElementTree.ElementTree(root)
    ElementTree.indent(tree)
    tree.write(path, encoding="UTF-8", xml_declaration=True)


def _annotate(tier: ElementTree.Element, name: str, slots: list[str], text: str) -> None:
    annotation = ElementTree.SubElement(tier, "ANNOTATION")
    aligned = ElementTree.SubElement(
        annotation,
        "ALIGNABLE_ANNOTATION",
        ANNOTATION_ID=name,
        TIME_SLOT_REF1=slots[0],
        TIME_SLOT_REF2=slots[1],
    )
    ElementTree.SubElement(aligned, "ANNOTATION_VALUE").text = text
