"""Destinations of every kind: said before the work, in one sentence; and two runs at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hostile.arena import Case, Verdict, judge, meet, start, wait
from tests.hostile.bases import Bases
from tests.hostile.test_stopped import commands, hidden, visible

pytestmark = [pytest.mark.hostile, pytest.mark.slow]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small disk with these options; a skip where that is not allowed."""
    made: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"disk{len(made)}"
        place.mkdir()
        run = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        try:
            subprocess.run(run, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("no disk can be mounted here: needs root")
        made.append(place)
        return place

    yield mount
    for place in made:
        subprocess.run(["umount", str(place)], check=False)


def test_full_and_read_only_disks(
    bases: Bases, report: object, tmp_path: Path, disk: Callable[[str], Path]
) -> None:
    verdicts: list[Verdict] = []
    for options, room in (("ro,size=1m", None), *((f"size={n}k", n) for n in (64, 1024))):
        place = disk(options)
        for left in (None,) if room is None else (0,):
            for name, words in commands(bases, place).items():
                for old in place.iterdir():
                    old.unlink()
                if left is not None:
                    free = os.statvfs(place)
                    fill = max(0, free.f_bavail * free.f_bsize - left)
                    (place / "fill").write_bytes(bytes(fill))
                case = Case(name=f"{name}, {options}, {left} left", make=lambda _, w=words: w)
                verdict = meet(case, tmp_path / f"{len(verdicts)}")
                kept = sorted(p.name for p in place.rglob("*") if p.name != "fill")
                if verdict.code == 2 and kept:
                    verdict = changed(verdict, f"left {kept}")
                verdicts.append(verdict)
                for path in sorted(place.rglob("*"), reverse=True):
                    path.rmdir() if path.is_dir() else path.unlink()
    report.add("full and read-only disks", verdicts)


def changed(verdict: Verdict, wrong: str) -> Verdict:
    from dataclasses import replace

    return replace(verdict, reason="; ".join(filter(None, (verdict.reason, wrong))))


def aimed(words: list[object], target: str) -> list[object]:
    """The same command with another destination."""
    k = words.index("-o") + 1
    return [*words[:k], target, *words[k + 1 :]]


def odd() -> Iterator[tuple[str, str, str]]:
    """Name of a destination below a folder, what to make there first, a word of the answer."""
    yield "pipe", "pipe", "pipe"
    yield "folder", "folder", "folder"
    yield "loop", "loop", "link"
    yield "file/below", "", "Not a directory"
    yield "n" * 300, "", "too long"
    yield "new/" + "n" * 300, "", "too long"


def test_odd_places(bases: Bases, report: object, tmp_path: Path) -> None:
    endings = {"respond": ".mp4", "extract": ".npz", "evaluate": ".json", "export": ".onnx"}
    cases = []
    for name, ending in endings.items():
        for where, made, word in odd():

            def make(
                folder: Path, name: str = name, at: str = where + ending, made: str = made
            ) -> list[object]:
                (folder / "file").touch()
                target = folder / at
                if made == "pipe":
                    os.mkfifo(target)
                elif made == "folder":
                    target.mkdir()
                elif made == "loop":
                    target.symlink_to(target)
                return aimed(commands(bases, folder)[name], at)

            cases.append((Case(name=f"{name} to {where[:12]}", make=make), word))
    verdicts = judge([case for case, _ in cases], tmp_path / "refused")
    for k, (_, word) in enumerate(cases):
        if verdicts[k].code != 2 or word not in verdicts[k].said:
            verdicts[k] = changed(verdicts[k], f"{verdicts[k].code}: {verdicts[k].said[:200]}")
    for name, ending in endings.items():
        for title in ("n" * (255 - len(ending)), "\udcff\udcfe", "a\nb", "é x", "-dash"):
            folder = tmp_path / f"legal {len(verdicts)}"

            def legal(place: Path, name: str = name, at: str = title + ending) -> list[object]:
                return aimed(commands(bases, place)[name], f"./{at}")

            verdict = meet(Case(name=f"{name} to {ascii(title)[:20]}", make=legal), folder)
            if verdict.code or not (folder / (title + ending)).is_file():
                verdict = changed(verdict, f"a legal name: {verdict.said[:200]}")
            elif (folder / (title + ending)).stat().st_mode & 0o777 != 0o644:
                verdict = changed(verdict, "another mode than 0644")
            verdicts.append(verdict)
    report.add("odd places", verdicts)


def test_no_room_for_temporary_files(
    bases: Bases, report: object, tmp_path: Path, disk: Callable[[str], Path]
) -> None:
    small, verdicts = disk("size=64k"), []
    for name in ("extract", "respond"):
        for k, place in enumerate((small, tmp_path / "none")):
            folder = tmp_path / f"{name}{k}"
            folder.mkdir()
            words = ["extract", bases.films["mp4"], "-o", "out.npz"]
            if name == "respond":
                words = ["respond", bases.films["mp4"], "--params", "out.npz"]
            child = start(words, folder, {"TMPDIR": str(place)})
            _, status, used, hung = wait(child)
            code, text = os.waitstatus_to_exitcode(status), (folder / ".said").read_text()
            # a folder that is not there is passed over for the system's own
            fine = code == 0 if k else code == 2 and "TMPDIR" in text
            verdicts.append(
                Verdict(
                    name=f"{name}, TMPDIR {'missing' if k else 'full'}",
                    code=code,
                    seconds=used.ru_utime,
                    megabytes=used.ru_maxrss / 1024,
                    said=text,
                    reason="" if fine and "Traceback" not in text else text[-300:],
                    traceback="Traceback" in text,
                    killed=hung or code < 0,
                )
            )
    report.add("no room for temporary files", verdicts)


@pytest.mark.parametrize("name", ["respond", "extract", "simulate", "train", "export"])
def test_two_at_once(name: str, bases: Bases, report: object, tmp_path: Path) -> None:
    verdicts = []
    whole = tmp_path / "whole"
    whole.mkdir()
    assert wait(start(commands(bases, whole)[name], whole))[1] == 0
    want = visible(whole)
    for k in range(2):
        folder = tmp_path / str(k)
        out = folder / "out"
        out.mkdir(parents=True)
        words, children = commands(bases, out)[name], []
        for n in range(2):
            (folder / str(n)).mkdir()
            children.append(start(words, folder / str(n)))
        ends = [wait(child) for child in children]
        codes = [os.waitstatus_to_exitcode(status) for _, status, _, _ in ends]
        text = "".join((folder / str(n) / ".said").read_text() for n in range(2))
        wrong = []
        if sorted(codes) not in ([0, 0], [0, 2]) or "Traceback" in text:
            wrong.append(f"{codes} {text[-300:]}")
        if name == "train" and sorted(codes) == [0, 0]:
            wrong.append("two runs, one model")
        if visible(out) != want:
            wrong.append("another result")
        if hidden(out):
            wrong.append(f"left {hidden(out)}")
        verdicts.append(
            Verdict(
                name=f"{name} {k}",
                code=max(codes),
                seconds=max(used.ru_utime for _, _, used, _ in ends),
                megabytes=max(used.ru_maxrss for _, _, used, _ in ends) / 1024,
                said=text,
                reason="; ".join(wrong),
                traceback="Traceback" in text,
                killed=any(hung for *_, hung in ends) or min(codes) < 0,
            )
        )
    report.add(f"two at once: {name}", verdicts)
