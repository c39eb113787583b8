"""Published corpora and your own videos, read into the one corpus format (chapter "Real
conversations").
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from elp.corpus.emotion import Analyser, features, features_of_mel, labels
from elp.corpus.format import Corpus
from elp.corpus.importers import dualtalk, folder, l2l, rmea, vc_resolution, vico
from elp.corpus.importers.common import Skipped
from elp.corpus.videos import EXTRACT, extraction
from elp.errors import ElpError

FORMATS: dict[str, ModuleType] = {
    "vico": vico,
    "l2l": l2l,
    "dualtalk": dualtalk,
    "vc-resolution": vc_resolution,
    "rmea": rmea,
    "folder": folder,
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
        kind: "vico", "l2l", "dualtalk", "vc-resolution", "rmea" or "folder"; each module of
            `elp.corpus.importers` documents its layout.
        source: what its authors ship, unpacked where they pack it.
        dest: folder to make.
        analyser: weights of the speech emotion analyser; labels "positive" and "unpositive" then
            come from the speakers' sound (kinds "l2l", "dualtalk" and "folder", where the corpus
            has no labels of its own).
        extract, scheduler, workers, progress: for videos, see `elp.corpus.videos.Extraction`.

    Returns:
        The corpus; `card["skipped"]` lists every row that was left out, with its reason.

    Raises:
        ElpError: unknown kind, `source` lacks a file or a column, no row at all could be read, or
            `dest` exists.
    """
    if kind not in FORMATS:
        raise ElpError(f"unknown corpus format {kind!r}: choose one of {', '.join(FORMATS)}")
    format_, dest, skipped = FORMATS[kind], Path(dest), Skipped()
    if dest.exists():
        raise ElpError(f"{dest}: exists already: give another folder or delete this one")
    where: Any = (
        Path(source) if isinstance(source, (str, Path)) else [Path(path) for path in source]
    )
    if isinstance(where, Path) and not where.exists():
        raise ElpError(f"{where}: no such file or folder: give what the corpus's authors ship")
    card = dict(format_.CARD)
    card.setdefault("emotions", folder.emotions(where) if kind == "folder" else [])
    heard = _Heard(kind, where, analyser) if analyser is not None else None
    if heard is not None:
        card |= {
            "emotions": ["unpositive", "positive"],
            "labels": "from speech, by the published analyser, balanced",
        }
    card |= {
        "made": {
            "program": f"elp corpus import {kind}",
            "extract": extract,
            "labels": heard is not None,
        },
        "skipped": skipped.rows,
    }
    with extraction(
        dest, extract=extract, scheduler=scheduler, workers=workers, progress=progress
    ) as run:
        records = format_.read(where, skipped, extraction=run)
        try:
            return Corpus.write(dest, records, card, finish=heard.label if heard else None)
        except ElpError as error:
            if skipped.rows and "would be empty" in str(error):
                first = skipped.rows[0]
                raise ElpError(
                    f"{source}: none of {len(skipped.rows)} rows could be read; {first['row']}: {first['reason']}"
                ) from error
            raise


class _Heard:
    """Labels from the speakers' sound, once all clips are known: balancing needs them all."""

    def __init__(self, kind: str, source: Any, weights: str | Path) -> None:
        if kind not in ("l2l", "dualtalk", "folder"):
            raise ElpError(f"{kind}: has labels of its own or no sound: leave the analyser out")
        self.kind, self.source, self.analyser = kind, source, Analyser(weights)

    def label(self, index: pd.DataFrame) -> pd.DataFrame:
        speakers = index[index["role"] != "listener"]
        scores = pd.Series(
            [self.analyser.happiness(self._features(row)) for row in speakers.itertuples()],
            index=speakers.index,
        )
        clips = scores.groupby(speakers["clip"]).mean()
        return index.assign(
            emotion=index["clip"].map(dict(zip(clips.index, labels(clips.to_numpy()), strict=True)))
        )

    def _features(self, row: Any) -> Any:
        from elp.media.audio import RATE, read_audio

        if self.kind == "l2l":
            return features_of_mel(l2l.mel(self.source, row.clip), 4 * l2l.FPS)
        path = self._sound(row)
        audio = read_audio(path) if path.is_file() else None
        if audio is None:
            raise ElpError(f"{path}: no sound to tell the emotion from: leave the analyser out")
        return features(audio, RATE)

    def _sound(self, row: Any) -> Path:
        if self.kind == "dualtalk":
            return Path(self.source) / f"{row.clip}_{row.person[-8:]}.wav"
        root = self.source if isinstance(self.source, Path) and self.source.is_dir() else None
        if isinstance(self.source, list):
            return next(path for path in self.source if path.name == row.source)
        return (root or Path(self.source).parent) / row.source
