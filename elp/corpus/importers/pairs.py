"""A csv of pairs of videos: what its rows mean, settled before anything is measured."""

from __future__ import annotations

import contextlib
import filecmp
import os
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from elp.corpus.importers.common import Skipped, by_person
from elp.corpus.importers.tables import table
from elp.corpus.importers.words import check_emotion, nothing, spellings
from elp.corpus.videos import LARGEST, Shot
from elp.errors import ElpError

REQUIRED = ("speaker", "listener")
OPTIONAL = (
    *("clip", "speaker_id", "listener_id", "emotion", "split", "audio"),
    *("face", "speaker_face", "listener_face"),
)
SPLITS = ("train", "val", "test")
OTHER_SIDE = {"left": "right", "right": "left"}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A row that can be read.

    Attributes:
        row: its place in the table. clip: its name, no other row's.
        shots, people: by role, who is seen where, and what they are called.
        emotion: of the listener, or "". split: "train", "val" or "test".
        audio: a sound file in place of the speaker's own, or None.
    """

    row: str
    clip: str
    shots: dict[str, Shot]
    people: dict[str, str]
    emotion: str
    split: str
    audio: Path | None


def pairs(path: Path, skipped: Skipped) -> list[Pair]:
    """The rows of a csv that can be read; the others go to `skipped`, each with the reason.

    Raises:
        ElpError: it is no table of pairs at all (`elp.corpus.importers.tables.table`).
    """
    rows = table(path, REQUIRED, skipped)
    if unknown := [name for name in rows if name not in REQUIRED + OPTIONAL]:
        warnings.warn(
            f"{path}: not used: {', '.join(unknown)[:200]} "
            f"(columns are {', '.join(REQUIRED + OPTIONAL)})",
            stacklevel=2,
        )
    for name in OPTIONAL:
        if name not in rows:
            rows[name] = ""
    spelled, found = spellings(rows["emotion"]), []
    first: dict[tuple[object, ...], str] = {}
    for number, row in enumerate(rows.itertuples()):
        place = f"{path.name} line {row.Index}"
        try:
            check_emotion(row.emotion, spelled)
            pair = _pair(row, place, f"{number:05d}", path.parent)
            before = first.setdefault((*pair.shots.values(), pair.audio), place)
            if before != place:
                raise ElpError(f"the same videos as {before}")
        except ElpError as error:
            skipped.add(place, error)
            continue
        found.append(pair)
    found = _named(_known(found, skipped), path.parent)
    return _split(_own_clips(_two(found, skipped), path), path)


def _pair(row: Any, place: str, clip: str, root: Path) -> Pair:
    """One row by itself; raises ElpError where it cannot be read."""
    for who in REQUIRED:
        if not getattr(row, who):
            raise ElpError(f"no {who}: name a video")
    if row.split not in ("", *SPLITS):
        raise ElpError(f"split {row.split!r}: known are {', '.join(SPLITS)}, or nothing")
    files = {who: _file(root, getattr(row, who)) for who in REQUIRED}
    same = os.path.samefile(files["speaker"], files["listener"]) or _copies(*files.values())
    shots = {who: Shot(files[who], face) for who, face in _faces(row, same).items()}
    if same and shots["speaker"].face == shots["listener"].face:
        raise ElpError(
            f"{row.speaker} is both people: name two videos, or, where one shows both, "
            "the speaker's side in a column face (left or right)"
        )
    people = {who: getattr(row, f"{who}_id") for who in REQUIRED}
    for who, name in people.items():
        if nothing(name):
            raise ElpError(f"{who}_id {name!r}: leave the cell empty where nobody has a name")
    audio = _file(root, row.audio) if row.audio else None
    return Pair(
        row=place,
        clip=row.clip or clip,
        shots=shots,
        people=people,
        emotion=row.emotion,
        split=row.split,
        audio=audio,
    )


def _copies(one: Path, other: Path) -> bool:
    """Whether two files hold the same bytes: then they show one person."""
    return one.stat().st_size == other.stat().st_size and filecmp.cmp(one, other, shallow=False)


def _file(root: Path, name: str) -> Path:
    ways = [name, name.replace("\\", "/")]  # the second as Windows writes it
    # and accents as letters of their own or not: macOS and spreadsheets differ in that
    ways += [unicodedata.normalize(form, way) for form in ("NFC", "NFD") for way in ways]
    for spelled in ways:
        path = Path(os.path.normpath(root / spelled))
        if os.path.isfile(path):  # False for names that cannot be, too
            return path
    raise ElpError(f"{name[:100]}: {_instead(root / ways[1])}")


def _instead(path: Path) -> str:
    """What is there, or who has the name but for capitals, which not all systems tell apart."""
    if os.path.lexists(path):
        return "a folder, a pipe or a broken link: name a video"
    with contextlib.suppress(OSError, ValueError):
        for other in sorted(path.parent.iterdir()):
            if other.name.casefold() == path.name.casefold():
                return f"no such file, is {other.name} meant?"
    return "no such file"


def _faces(row: Any, same: bool) -> dict[str, str]:
    """Which face of the picture is whose, of a row of two videos or of one `same`."""
    faces = {who: getattr(row, f"{who}_face") for who in REQUIRED}
    for face in filter(None, faces.values()):
        if face not in (LARGEST, *OTHER_SIDE):
            raise ElpError(f"face {face!r}: known are {LARGEST}, left, right, or nothing")
    if row.face:
        if row.face not in OTHER_SIDE:
            raise ElpError(f"face {row.face!r}: the speaker's side is left or right")
        if not same:
            raise ElpError(
                "face is for one video that shows both: use speaker_face and listener_face"
            )
        faces = {"speaker": row.face, "listener": OTHER_SIDE[row.face]}
    return {who: face or LARGEST for who, face in faces.items()}


def names(shots: Iterable[Shot], root: Path) -> dict[Shot, str]:
    """What to call whoever is seen where: the file, with its folder and ending where two share it.

    Args:
        shots: all that must be told apart.
        root: where folders are counted from.
    """
    ways = {shot: _ways(shot, root) for shot in shots}
    counts = [Counter(level) for level in zip(*ways.values(), strict=True)]
    return {
        shot: next((n for n, count in zip(own, counts) if count[n] == 1), own[-1])
        for shot, own in ways.items()
    }


def _ways(shot: Shot, root: Path) -> tuple[str, str, str]:
    whole = Path(os.path.relpath(shot.video, root))
    side = "" if shot.face == LARGEST else f" {shot.face}"
    ways = whole.stem, whole.with_suffix("").as_posix(), whole.as_posix()
    return ways[0] + side, ways[1] + side, ways[2] + side


def _known(found: Sequence[Pair], skipped: Skipped) -> list[Pair]:
    """With the id that a face has in another row; rows that say another one are left out."""
    ids, rows, out = dict[Shot, str](), dict[Shot, str](), []
    for pair in found:
        given = {pair.shots[who]: name for who, name in pair.people.items() if name}
        wrong = [shot for shot, name in given.items() if ids.get(shot, name) != name]
        if wrong:
            shot = wrong[0]
            who = f"{shot.video.name} shows {given[shot]!r}, and {ids[shot]!r} in {rows[shot]}"
            skipped.add(pair.row, f"{who}: one face is one person")
            continue
        ids |= given
        rows |= {shot: rows.get(shot, pair.row) for shot in given}
        out.append(pair)
    return [
        replace(p, people={who: p.people[who] or ids.get(p.shots[who], "") for who in REQUIRED})
        for p in out
    ]


def _two(found: Sequence[Pair], skipped: Skipped) -> list[Pair]:
    """Those of two people, whose names differ by more than capitals and spaces."""
    out = []
    for pair in found:
        if len({" ".join(name.casefold().split()) for name in pair.people.values()}) == 2:
            out.append(pair)
        else:
            name = pair.people["speaker"]
            skipped.add(pair.row, f"{name} is both people: two people talk with each other")
    return out


def _named(found: Sequence[Pair], root: Path) -> list[Pair]:
    """With a name for everybody who has no id: that of the video, which is nobody's id."""
    nameless = {p.shots[who] for p in found for who in REQUIRED if not p.people[who]}
    taken = {name for pair in found for name in pair.people.values()}
    called = {
        shot: f"{name} (video)" if name in taken else name
        for shot, name in names(nameless, root).items()
    }
    longer = sorted(name for shot, name in called.items() if "/" in name)
    if longer:
        warnings.warn(
            f"videos of one name are taken for different people ({', '.join(longer[:3])}): "
            "say who is who in columns speaker_id and listener_id",
            stacklevel=3,
        )
    return [
        replace(pair, people={w: pair.people[w] or called[pair.shots[w]] for w in REQUIRED})
        for pair in found
    ]


def _own_clips(found: Sequence[Pair], path: Path) -> list[Pair]:
    """With clips of their own: rows that share a name are not one conversation."""
    counts, taken, out = Counter(pair.clip for pair in found), set[str](), []
    for pair in found:
        clip, number = pair.clip, 1
        while clip in taken or (number > 1 and clip in counts):
            number += 1
            clip = f"{pair.clip} ({number})"
        taken.add(clip)
        out.append(replace(pair, clip=clip))
    if shared := [clip for clip, count in counts.items() if count > 1]:
        warnings.warn(
            f"{path}: {len(shared)} clip names are on several rows ({', '.join(shared[:3])}): "
            "each row is a clip of its own, with a number behind the name",
            stacklevel=3,
        )
    return out


def _split(found: Sequence[Pair], path: Path) -> list[Pair]:
    """With a split for each: the table's, or the people's."""
    given = {person: p.split for p in found if p.split for person in p.people.values()}
    drawn = by_person((p.people["speaker"], p.people["listener"]) for p in found)
    out, splits = [], dict[str, set[str]]()
    for pair in found:
        people = pair.people.values()
        known = [given[person] for person in people if person in given]
        split = pair.split or (known or [drawn[pair.people["speaker"]]])[0]
        out.append(replace(pair, split=split))
        for person in people:
            splits.setdefault(person, set()).add(split)
    if torn := sorted(person for person, parts in splits.items() if len(parts) > 1):
        warnings.warn(
            f"{path}: {len(torn)} people are in several splits ({', '.join(torn[:3])}): "
            "scores of the test split are not of unseen people",
            stacklevel=3,
        )
    return out
