"""Published corpora and your own videos, read into the one corpus format.

Chapter "Real conversations".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from elp.corpus.emotion import Analyser, labels
from elp.corpus.format import Corpus
from elp.corpus.importers import (
    dualtalk,
    folder,
    l2l,
    rmea,
    vc_delay,
    vc_resolution,
    vico,
)
from elp.corpus.importers.common import Skipped
from elp.corpus.importers.importer import Importer
from elp.corpus.videos import EXTRACT, extraction
from elp.errors import ElpError

# a new importer: its file, and its name here
IMPORTERS: dict[str, Importer] = {
    module.IMPORTER.kind: module.IMPORTER
    for module in (
        vico,
        l2l,
        dualtalk,
        vc_resolution,
        vc_delay,
        rmea,
        folder,
    )
}


def import_corpus(
    kind: str,
    source: str | Path | Sequence[str | Path],
    dest: str | Path,
    *,
    analyser: str | Path | None = None,
    extract: str = EXTRACT,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> Corpus:
    """Read a published corpus, or your own videos, into the corpus format.

    Args:
        kind: a name in `IMPORTERS`; the file of that importer documents its layout.
        source: what its authors ship, unpacked where they pack it.
        dest: folder to make.
        analyser: weights of the speech emotion analyser; labels "positive" and "unpositive" then
            come from the speakers' sound, where a corpus has sound but no labels of its own.
        extract, scheduler, workers, progress: for videos, see `elp.corpus.videos.Extraction`.

    Returns:
        The corpus; `card["skipped"]` lists every row that was left out, with its reason.

    Raises:
        ElpError: unknown kind, `source` lacks a file or a column, no row at all could be read, or
            `dest` exists.
    """
    if kind not in IMPORTERS:
        raise ElpError(f"unknown corpus format {kind!r}: choose one of {', '.join(IMPORTERS)}")
    importer, dest, skipped = IMPORTERS[kind], Path(dest), Skipped()
    if dest.exists():
        raise ElpError(f"{dest}: exists already: give another folder or delete this one")
    where: Any = (
        Path(source) if isinstance(source, (str, Path)) else [Path(path) for path in source]
    )
    if isinstance(where, Path) and not where.exists():
        raise ElpError(f"{where}: no such file or folder: give what the corpus's authors ship")
    card = dict(importer.card)
    if importer.emotions is not None:
        card["emotions"] = importer.emotions(where)
    finish = None if analyser is None else SpeechLabels(importer, where, analyser)
    if finish is not None:
        card |= {
            "emotions": ["unpositive", "positive"],
            "labels": "from speech, by the published analyser, balanced",
        }
    made = {
        "program": f"elp corpus import {kind}",
        "extract": extract,
        "labels": finish is not None,
    }
    card |= {"made": made, "skipped": skipped.rows}
    with extraction(
        dest, extract=extract, scheduler=scheduler, workers=workers, progress=progress
    ) as run:
        records = importer.read(where, skipped, extraction=run)
        try:
            return Corpus.write(dest, records, card, finish=finish)
        except ElpError as error:
            if skipped.rows and "would be empty" in str(error):
                first = skipped.rows[0]
                raise ElpError(
                    f"{source}: none of {len(skipped.rows)} rows could be read; "
                    f"{first['row']}: {first['reason']}"
                ) from error
            raise


class SpeechLabels:
    """Emotions of an index from the speakers' sound; balancing needs all clips at once."""

    def __init__(self, importer: Importer, source: Any, weights: str | Path) -> None:
        if importer.features is None:
            raise ElpError(
                f"{importer.kind}: has labels of its own or no sound: leave the analyser out"
            )
        self.features, self.source, self.analyser = importer.features, source, Analyser(weights)

    def __call__(self, index: pd.DataFrame) -> pd.DataFrame:
        speakers = index[index["role"] != "listener"]
        scores = pd.Series(
            [
                self.analyser.happiness(self.features(self.source, row))
                for row in speakers.itertuples()
            ],
            index=speakers.index,
        )
        clips = scores.groupby(speakers["clip"]).mean()
        emotion = dict(zip(clips.index, labels(clips.to_numpy()), strict=True))
        return index.assign(emotion=index["clip"].map(emotion))
