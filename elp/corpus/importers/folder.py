"""A folder of your own videos: paired by a csv, or each one by itself."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from elp.corpus.importers.common import Skipped, by_person, features_of_file, sound_of
from elp.corpus.importers.importer import Importer
from elp.corpus.importers.pairs import REQUIRED, Pair, names, pairs
from elp.corpus.importers.tables import table
from elp.corpus.importers.words import SETS, check_emotion, spellings
from elp.corpus.videos import Extraction, Shot
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.motion import Floats

TABLE = "pairs.csv"
# endings that cameras, phones and programs give to videos
VIDEOS = tuple(
    ".mp4 .mov .mkv .webm .avi .m4v .mpg .mpeg .mts .m2ts .ts .wmv .3gp .3g2 .flv .ogv".split()
)


def read(
    source: Path | Sequence[Path], skipped: Skipped, *, extraction: Extraction, **_: Any
) -> Iterator[Record]:
    """Records of a folder with pairs.csv, of such a csv anywhere, or of videos without one.

    The csv has the columns speaker and listener (video files, relative to it) and may have

    - clip: a name; speaker_id, listener_id: who they are, else people are called after their files;
    - emotion: of the listener; split: train, val or test, else people are split so that nobody is
      in two;
    - audio: a sound file in place of the speaker's own;
    - face: where one file, a recorded call, shows both, the speaker's side: left or right;
      speaker_face, listener_face: largest, left or right, where two files show several people.

    Without a csv every video is a clip of its own, role "both", named after its file.
    """
    csv = _csv(source)
    if csv is not None:
        yield from _pairs(csv, skipped, extraction, inside=csv != source)
        return
    root, videos = _root(source), _videos(source, skipped)
    shots = [Shot(video) for video in videos]
    failures, called = extraction.run(shots), names(shots, root)
    split = by_person((str(video), str(video)) for video in videos)
    for shot in shots:
        if shot in failures:
            skipped.add(shot.video.name, failures[shot])
            continue
        clip = extraction.clip(shot)
        yield Record(
            clip=called[shot],
            person=called[shot],
            partner="",
            role="both",
            motion=clip.motion,
            mfcc=clip.mfcc,
            prosody=clip.prosody,
            split=split[str(shot.video)],
            source=Path(os.path.relpath(shot.video, root)).as_posix(),
        )


def _csv(source: Path | Sequence[Path]) -> Path | None:
    """The table of pairs, if there is one."""
    if not isinstance(source, Path):
        return None
    if source.suffix.lower() == ".csv" and not source.is_dir():
        return source
    return source / TABLE if os.path.lexists(source / TABLE) else None


def _root(source: Path | Sequence[Path]) -> Path:
    """What a record's source is relative to."""
    if isinstance(source, Path):
        return source if source.is_dir() else source.parent
    return Path(os.path.commonpath([video.absolute().parent for video in source or [Path()]]))


def _pairs(
    path: Path, skipped: Skipped, extraction: Extraction, *, inside: bool
) -> Iterator[Record]:
    found = pairs(path, skipped)
    shots = {shot for pair in found for shot in pair.shots.values()}
    if inside and found:
        unnamed = sorted(_below(path.parent, Skipped()) - {shot.video for shot in shots})
        if unnamed:
            some = ", ".join(video.name for video in unnamed[:5])
            skipped.add(f"{len(unnamed)} videos", f"in no row of {path.name} that is read: {some}")
    failures = extraction.run(shots)
    for pair in found:
        try:
            yield from _records(pair, failures, extraction, path.parent)
        except ElpError as error:
            skipped.add(pair.row, error)


def _records(
    pair: Pair, failures: dict[Shot, str], extraction: Extraction, root: Path
) -> list[Record]:
    for shot in pair.shots.values():
        if shot in failures:
            raise ElpError(f"{shot.video.name}: {failures[shot]}")
    clips = {who: extraction.clip(shot) for who, shot in pair.shots.items()}
    said = clips["speaker"]
    mfcc, prosody = sound_of(pair.audio, len(said)) if pair.audio else (said.mfcc, said.prosody)
    return [
        Record(
            clip=pair.clip,
            person=pair.people[who],
            partner=pair.people[other],
            role=who,
            motion=clips[who].motion,
            emotion=pair.emotion,
            mfcc=mfcc if who == "speaker" else None,
            prosody=prosody if who == "speaker" else None,
            split=pair.split,
            source=Path(os.path.relpath(pair.shots[who].video, root)).as_posix(),
        )
        for who, other in (("speaker", "listener"), ("listener", "speaker"))
    ]


def _videos(source: Path | Sequence[Path], skipped: Skipped) -> list[Path]:
    if isinstance(source, Path) and not source.is_dir():
        raise ElpError(f"{source}: no such folder: give a folder of videos, or a csv of pairs")
    videos = sorted(_below(source, skipped) if isinstance(source, Path) else set(source))
    if not videos:
        other = ", ".join(row["row"] for row in skipped.rows[:5])
        raise ElpError(
            f"{source}: no video in it{f', but {other}' if other else ''}, and no {TABLE}: "
            f"give a folder of videos ({', '.join(VIDEOS)})"
        )
    return videos


def _below(folder: Path, skipped: Skipped) -> set[Path]:
    """Videos of a folder and its folders; what else lies there is listed, by its ending."""
    videos: dict[Path, Path] = {}
    others: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        video = path.suffix.lower() in VIDEOS
        if path.is_dir() or (hidden and not video):
            continue
        if hidden:  # a Mac's twins on other disks
            skipped.add(path.name, "hidden: rename it if it is a video")
        elif not video:
            others.setdefault(path.suffix or path.name, []).append(path.name)
        elif (first := videos.setdefault(path.resolve(), path)) != path:
            skipped.add(path.name, f"the same file as {first.name}")
    for ending, files in others.items():
        count = f"{len(files)} files, the first is {files[0]}" if len(files) > 1 else files[0]
        skipped.add(f"*{ending}" if ending[0] == "." else ending, f"not read as video: {count}")
    return set(videos.values())


def features(source: Path | list[Path], row: Any) -> Floats:
    """(216,) what the speech analyser hears of an imported row's speaker."""
    return features_of_file(_root(source) / row.source)


def emotions(source: Path | Sequence[Path]) -> list[str]:
    """The names that the csv uses: one of the paper's two sets, or else all that occur, sorted."""
    csv, used = _csv(source), set[str]()
    if csv is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `read` says it
            rows = table(csv, REQUIRED, Skipped())
        labels = set(rows["emotion"]) - {""} if "emotion" in rows else set()
        spelled = spellings(labels)
        used = {label for label in labels if _right(label, spelled)}
    return next((list(known) for known in SETS if used <= set(known)), sorted(used))


def _right(label: str, spelled: dict[str, str]) -> bool:
    try:
        check_emotion(label, spelled)
    except ElpError:
        return False
    return True


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
