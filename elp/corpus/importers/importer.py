"""What an importer is (chapter "Real conversations")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from elp.corpus.importers.common import Skipped
from elp.corpus.videos import Extraction
from elp.corpus.writer import Record
from elp.motion import Floats


class Reader(Protocol):
    """Turns what a corpus's authors ship into records, one for each person and clip.

    A reader must

    - give motion at 25 frames per second (`elp.corpus.importers.resample`), in the axes and units
      of `elp.motion.Motion`, or say on the card what stands in their place;
    - give the same records in the same order each time;
    - keep each person in one split (`elp.corpus.importers.common.by_person`) where the authors made
      none;
    - list what it cannot read in `skipped`, with the reason, and go on; raise ElpError only where
      the source is not that corpus at all.
    """

    def __call__(
        self, source: Any, skipped: Skipped, *, extraction: Extraction
    ) -> Iterator[Record]:
        """The records of `source`, a path; `extraction` measures videos, where there are any."""
        ...


@dataclass(frozen=True, kw_only=True)
class Importer:
    """An entry of `elp.corpus.importers.IMPORTERS`; each file beside this one declares its own.

    Attributes:
        kind: the name on the command line.
        reads: what the source is, for the command line's help.
        read: see `Reader`.
        card: name, licence, source, splits, coefficients and, mostly, emotions of the corpus.
        emotions: the emotions' names, where they depend on the source.
        features: what the analyser of `elp.corpus.emotion` hears of an index row's speaker, (216,),
            where a corpus has sound but no labels of its own.
    """

    kind: str
    reads: str
    read: Reader
    card: dict[str, Any]
    emotions: Callable[[Any], list[str]] | None = None
    features: Callable[[Any, Any], Floats] | None = None
