"""A folder of your own videos: paired by a csv, or each one by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from elp.corpus.importers.common import (
    Skipped,
    by_person,
    features_of_file,
    sound_of,
    table,
)
from elp.corpus.importers.importer import Importer
from elp.corpus.videos import Extraction
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.motion import Clip, Floats

TABLE = "pairs.csv"
VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
OPTIONAL = ("clip", "speaker_id", "listener_id", "emotion", "split", "audio")


def read(
    source: Path | Sequence[Path], skipped: Skipped, *, extraction: Extraction, **_: Any
) -> Iterator[Record]:
    """Records of a folder with pairs.csv, of such a csv anywhere, or of videos without one.

    The csv has the columns speaker and listener (video files, relative to it) and may have clip,
    speaker_id, listener_id, emotion, split, and audio (a sound file in place of the speaker's own).
    Where split is empty, people are split so that nobody is in two. Without a csv every video is a
    clip of its own, role "both", named after its file.
    """
    csv = (
        None
        if not isinstance(source, Path)
        else source
        if source.suffix == ".csv"
        else source / TABLE
    )
    if csv is not None and (csv.is_file() or (csv.suffix == ".csv" and csv == source)):
        yield from _pairs(csv, skipped, extraction)
        return
    videos = _videos(source)
    failures = extraction.run(videos)
    split = by_person((str(video), str(video)) for video in videos)
    for video in videos:
        if video in failures:
            skipped.add(video.name, failures[video])
            continue
        clip = extraction.clip(video)
        yield Record(
            clip=video.stem,
            person=video.stem,
            partner="",
            role="both",
            motion=clip.motion,
            mfcc=clip.mfcc,
            prosody=clip.prosody,
            split=split[str(video)],
            source=video.name,
        )


def _pairs(path: Path, skipped: Skipped, extraction: Extraction) -> Iterator[Record]:
    rows = table(path, ("speaker", "listener"))
    for name in OPTIONAL:
        if name not in rows:
            rows[name] = ""
    rows["clip"] = [clip or f"{number:05d}" for number, clip in enumerate(rows["clip"])]
    for who in ("speaker", "listener"):
        named = zip(rows[f"{who}_id"], rows[who], strict=True)
        rows[f"{who}_id"] = [person or Path(video).stem for person, video in named]
    split = by_person(zip(rows["speaker_id"], rows["listener_id"], strict=True))
    files = {name: path.parent / name for name in {*rows["speaker"], *rows["listener"]}}
    failures = extraction.run(files.values())
    for row in rows.itertuples(index=False):
        try:
            yield from _row(row, files, failures, extraction, row.split or split[row.speaker_id])
        except ElpError as error:
            skipped.add(row.clip, error)


def _row(
    row: Any, files: dict[str, Path], failures: dict[Path, str], extraction: Extraction, split: str
) -> list[Record]:
    clips: dict[str, Clip] = {}
    for who in ("speaker", "listener"):
        video = files[getattr(row, who)]
        if video in failures:
            raise ElpError(f"{video.name}: {failures[video]}")
        clips[who] = extraction.clip(video)
    said = clips["speaker"]
    mfcc, prosody = (
        sound_of(files[row.speaker].parent / row.audio, len(said))
        if row.audio
        else (said.mfcc, said.prosody)
    )
    people = {"speaker": row.speaker_id, "listener": row.listener_id}
    return [
        Record(
            clip=row.clip,
            person=people[who],
            partner=people[other],
            role=who,
            motion=clips[who].motion,
            emotion=row.emotion,
            mfcc=mfcc if who == "speaker" else None,
            prosody=prosody if who == "speaker" else None,
            split=split,
            source=getattr(row, who),
        )
        for who, other in (("speaker", "listener"), ("listener", "speaker"))
    ]


def _videos(source: Path | Sequence[Path]) -> list[Path]:
    if isinstance(source, Path):
        if not source.is_dir():
            raise ElpError(f"{source}: no such folder: give a folder of videos, or a csv of pairs")
        videos = sorted(path for path in source.rglob("*") if path.suffix.lower() in VIDEOS)
    else:
        videos = sorted(source)
    if not videos:
        raise ElpError(
            f"{source}: no video in it ({', '.join(VIDEOS)}) and no {TABLE}: "
            "give a folder of videos"
        )
    if len({video.stem for video in videos}) < len(videos):
        raise ElpError(
            f"{source}: two videos have the same name: rename one, or pair them in a {TABLE}"
        )
    return videos


def features(source: Path | list[Path], row: Any) -> Floats:
    """(216,) what the speech analyser hears of an imported row's speaker."""
    if isinstance(source, list):
        return features_of_file(next(path for path in source if path.name == row.source))
    return features_of_file((source if source.is_dir() else source.parent) / row.source)


def emotions(source: Path | Sequence[Path]) -> list[str]:
    """The names that the csv uses: one of the paper's two sets, or else all that occur, sorted."""
    csv = (
        None
        if not isinstance(source, Path)
        else source
        if source.suffix == ".csv"
        else source / TABLE
    )
    if csv is None or not csv.is_file():
        return ["negative", "neutral", "positive"]
    rows = table(csv, ("speaker", "listener"))
    used = set(rows["emotion"] if "emotion" in rows else pd.Series(dtype=str)) - {""}
    for known in (["negative", "neutral", "positive"], ["unpositive", "positive"]):
        if used <= set(known):
            return known
    return sorted(used)


IMPORTER = Importer(
    kind="folder",
    reads="your own videos: a folder, perhaps with a pairs.csv, or such a csv",
    read=read,
    emotions=emotions,
    features=features,
    card={
        "name": "own videos",
        "licence": "yours to state",
        "source": "own videos",
        "splits": "the csv's, else by person",
        "coefficients": "this project's face model",
    },
)
