"""Files that are whole or not there, in places of every kind; what dead runs leave goes away."""

import contextlib
import errno
import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from elp.errors import ElpError
from elp.files import alone, atomic, check, check_folder, new_folder, sweep, temporary, together


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def holder(folder: Path) -> tuple[int, int]:
    """A process that is writing a.txt until it reads a byte: its number, and where to write it."""
    (said, says), (hears, go) = os.pipe(), os.pipe()
    if not (pid := os.fork()):
        with atomic(folder / "a.txt") as partial:
            partial.write_text("whole")
            os.write(says, b"1")
            os.read(hears, 1)
        os._exit(0)
    os.read(said, 1)
    return pid, go


@pytest.mark.parametrize("length", [1, 245, 246, 255])
def test_every_legal_name_can_be_written(tmp_path, length):
    path = tmp_path / ("é" * ((length - 1) // 2) + "n" * ((length - 1) % 2 + 1))
    assert len(os.fsencode(path.name)) == length
    check(path)
    with atomic(path) as partial:
        partial.write_text("x")
    assert path.read_text() == "x" and len(names(tmp_path)) == 1
    with new_folder(path.with_name("f" * length)) as partial:
        (partial / "y").write_text("y")
    assert (path.with_name("f" * length) / "y").read_text() == "y" and len(names(tmp_path)) == 2


def test_a_name_that_is_not_utf_8_is_a_name(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff\xfe.txt")
    with atomic(path) as partial:
        partial.write_text("x")
    assert path.read_text() == "x"


def test_modes_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic(tmp_path / "a") as partial:
            partial.write_text("x")
        with new_folder(tmp_path / "f") as partial:
            (partial / "b").write_text("y")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "f", "f/b")]
    assert modes == [0o640, 0o750, 0o640]


def refuse(path: Path, words: str) -> None:
    before = names(path.parent) if path.parent.is_dir() else None
    with pytest.raises(ElpError, match=words) as said:
        check(path)
    assert str(path) in str(said.value) and "\n" not in str(said.value)
    with pytest.raises(ElpError, match=words), atomic(path) as partial:
        partial.write_text("never")
    assert before == (names(path.parent) if path.parent.is_dir() else None)


def test_what_is_no_file_is_refused_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refuse(tmp_path / "pipe", "a pipe or a device")
    refuse(tmp_path / "folder", "a folder: give")
    refuse(tmp_path / "file" / "c.npz", "cannot be written .*directory.*: choose another folder")
    refuse(tmp_path / "loop", "a link that leads nowhere")
    refuse(tmp_path / ("n" * 256), "too long.*shorter name")
    refuse(Path("/proc/none/c.npz"), "cannot be written")
    with pytest.raises(ElpError, match="no name of a file"):
        check(tmp_path / "a\0b")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_name_too_long_is_found_in_folders_to_come(tmp_path):
    with pytest.raises(ElpError, match="shorter name"):
        check_folder(tmp_path / "new" / ("n" * 256) / "corpus")
    assert not names(tmp_path)


def test_links_are_followed(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old").write_text("old")
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(tmp_path / "there" / name)
        with atomic(tmp_path / name) as partial:
            partial.write_text("x")
        assert (tmp_path / name).is_symlink() and (tmp_path / "there" / name).read_text() == "x"
    (tmp_path / "corpus").symlink_to(tmp_path / "there" / "corpus")
    with new_folder(tmp_path / "corpus") as partial:
        (partial / "y").write_text("y")
    assert (tmp_path / "corpus").is_symlink() and names(tmp_path / "there") == [
        "corpus",
        "new",
        "old",
    ]


def test_all_files_or_none(tmp_path):
    one, other = tmp_path / "a" / "one", tmp_path / "b" / "other"
    with together(one, None, other) as (first, nothing, second):
        assert nothing is None
        first.write_text("1")
        second.write_text("1")
    with pytest.raises(RuntimeError), together(one, other) as (first, second):
        first.write_text("2")
        raise RuntimeError
    with pytest.raises(ElpError, match="other: cannot be written"), together(one, other) as both:
        both[0].write_text("3")  # and the second is never written
    assert (one.read_text(), other.read_text()) == ("1", "1")
    assert names(one.parent) + names(other.parent) == ["one", "other"]


def test_a_new_file_goes_where_its_companion_fails(tmp_path):
    with pytest.raises(ElpError), together(tmp_path / "new", tmp_path / "other") as both:
        both[0].write_text("3")
    assert not names(tmp_path)


def test_a_writer_within_a_writer_is_not_hidden_twice(tmp_path):
    with together(tmp_path / "a.txt") as (partial,), atomic(partial) as same:
        assert same == partial and same.name == "a.txt"
        same.write_text("x")
    assert (tmp_path / "a.txt").read_text() == "x"


def test_errors_say_what_failed(tmp_path):
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "a"):
        (tmp_path / "what is read").read_text()
    for number, words in ((errno.ENOSPC, "free some space"), (errno.EROFS, "another folder")):
        with pytest.raises(ElpError, match=words), atomic(tmp_path / "a"):
            raise OSError(number, os.strerror(number))
    assert not names(tmp_path)


def test_a_living_run_is_left_alone_and_a_dead_one_swept(tmp_path):
    (dead, _), (living, go) = holder(tmp_path), holder(tmp_path)
    sweep(tmp_path)
    assert len(names(tmp_path)) == 2
    os.kill(dead, signal.SIGKILL)
    os.waitpid(dead, 0)
    with atomic(tmp_path / "b.txt") as partial:
        partial.write_text("other")
    assert len(names(tmp_path)) == 2  # what the living one holds, and the new file
    os.write(go, b"1")
    os.waitpid(living, 0)
    assert names(tmp_path) == ["a.txt", "b.txt"] and (tmp_path / "a.txt").read_text() == "whole"


def test_a_cache_and_what_others_hide_stay(tmp_path):
    for name in (".elp-0123.clips", ".elper", ".other"):
        (tmp_path / name).mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / ".elp-link").symlink_to(tmp_path / "target")
    (tmp_path / ".elp-dead.lock").write_text("")
    before = set(names(tmp_path))
    sweep(tmp_path)
    assert before - set(names(tmp_path)) == {".elp-dead.lock"}
    assert not names(tmp_path / "target")


def test_one_at_a_time(tmp_path):
    with (
        alone(tmp_path / "lock", "somebody works here"),
        pytest.raises(ElpError, match="somebody works here: wait"),
        alone(tmp_path / "lock", "somebody works here"),
    ):
        pass
    with (
        new_folder(tmp_path / "f"),
        pytest.raises(ElpError, match="another run"),
        new_folder(tmp_path / "f"),
    ):
        pass
    assert names(tmp_path) == ["f"]


def test_many_writers_of_one_folder(tmp_path):
    def write(k: int) -> None:
        for n in range(8):
            with together(tmp_path / "a", tmp_path / "b") as both:
                for partial in both:
                    partial.write_text(f"{k} {n}")

    threads = [threading.Thread(target=write, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()


def test_no_room_for_temporary_files_is_said(tmp_path, monkeypatch):
    with pytest.raises(ElpError, match="TMPDIR"), temporary():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(FileNotFoundError), temporary():
        (tmp_path / "what is read").read_text()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(ElpError, match="TMPDIR"), temporary():
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder that somebody is in")
def test_a_folder_that_is_gone_is_said(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ElpError, match=r"x\.npz: cannot be written"):
        check("x.npz")
    monkeypatch.chdir(tmp_path)


def test_two_results_are_two_files(tmp_path):
    (tmp_path / "b.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("b.csv")
    with pytest.raises(ElpError, match="the same file as"):
        check(tmp_path / "a", tmp_path / "a")
    for one, other in (("a.csv", "a.csv"), ("a.csv", "./x/../a.csv"), ("b.csv", "link.csv")):
        with pytest.raises(ElpError, match="the same file as"):
            check(None, tmp_path / one, f"{tmp_path}/{other}")
        with (
            pytest.raises(ElpError, match="the same file as"),
            together(tmp_path / one, f"{tmp_path}/{other}"),
        ):
            pass
    assert (tmp_path / "b.csv").read_text() == "old"


def test_a_link_names_the_kind_and_a_failure_leaves_no_folder(tmp_path):
    (tmp_path / "out.csv").symlink_to("new/below/target")
    for fails in (True, False):
        with contextlib.suppress(RuntimeError), together(tmp_path / "out.csv") as (partial,):
            assert partial.suffix == ".csv"
            partial.write_text("whole")
            if fails:
                raise RuntimeError
        assert (tmp_path / "new").exists() != fails
    assert (tmp_path / "new/below/target").read_text() == "whole"
    with pytest.raises(RuntimeError), new_folder(tmp_path / "a/b/c"):
        raise RuntimeError
    assert not (tmp_path / "a").exists()
