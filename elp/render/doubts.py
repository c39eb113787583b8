"""What of a portrait will look wrong once it moves (chapter "The renderer")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from elp.extraction.blink import ear
from elp.render.mouth import gap

Floats = NDArray[Any]
SHUT = 0.13  # eye aspect ratio below which lids hide the eyes; open ones have 0.2 to 0.4
NARROW = 0.26  # and below which a tracker hardly tells shut lids from open ones
OPEN = 0.25  # parting of the lips in mouth widths: a broad smile has up to 0.2
COARSE = 60  # pixels: a lower face is shown blurred
TURNED = 30  # degrees of yaw: from there on a tracker finds no blink, for it cannot see the far lid
SEEN = 0.2  # of the eyes: below, glass or a hand is before them; painted eyes in shadow keep 0.3


def doubts(points: Floats, eyes: float, height: float, aside: float = 0.0) -> Iterator[str]:
    """Sentences about a portrait's (478, 2) `points`, the share of its `eyes` that shows, the
    `height` of its face in the picture's own pixels and how far it looks `aside`, degrees.
    """
    if eyes < SEEN:
        yield "its eyes are covered, by dark glasses or a hand: they will not blink or look"
    elif float(ear(points[None])[0].max()) < SHUT:
        yield "its eyes are shut: they will stay so, or open upon nothing"
    elif float(ear(points[None])[0].max()) < NARROW:
        yield "its eyes are narrow: blinks will hardly show"
    elif aside > TURNED:
        yield f"its head looks {aside:.0f} degrees aside: blinks of the far eye will hardly show"
    if gap(points) > OPEN:
        yield "its mouth is open: it may not close, and teeth stay where they are"
    if height < COARSE:
        yield f"its face is {height:.0f} pixels high: it will be blurred, {2 * COARSE} are better"
