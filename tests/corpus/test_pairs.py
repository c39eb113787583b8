"""Tables as people write them: right, or told, and never two conversations in one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import unicodedata
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from elp.corpus import Corpus
from elp.corpus.importers import import_corpus, tables
from elp.corpus.importers.common import Skipped
from elp.corpus.importers.tables import table
from elp.errors import ElpError

build = partial(import_corpus, "folder", extract="tests.light:extract", scheduler="threads")
HEAD = "speaker,listener,emotion\n"
FILES = ("s.mp4", "l.mp4", "t.mp4", "m.mp4")


def folder(root: Path, text: str | bytes, files: tuple[str, ...] = FILES) -> Path:
    """Videos of `tests.light`, as many frames each, behind a pairs.csv."""
    for k, name in enumerate(files):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(str(30 + k))
    (root / "pairs.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def told(root: Path, text: str | bytes, files: tuple[str, ...] = FILES) -> tuple[Corpus, str]:
    """The corpus of such a folder and all that is said: warnings, and what was left out."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        corpus = build(folder(root / "v", text, files), root / "c")
    rows = [f"{row['row']}: {row['reason']}" for row in corpus.card["skipped"]]
    return corpus, "\n".join([*(str(w.message) for w in said), *rows])


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEAD + "s.mp4,l.mp4,positive\n",
        (HEAD + "s.mp4,l.mp4,positive\n").replace(",", ";").replace("\n", "\r\n"),
        (HEAD + "s.mp4,l.mp4,positive\n").replace(",", "\t").replace("\n", "\r"),
        "Speaker , listener, EMOTION,\n s.mp4 ,l.mp4, positive,\n\n,,,\n",
        'emotion,listener,speaker\npositive,".\\l.mp4",x/../s.mp4\n',
    ],
)
def test_one_pair_however_it_is_written(tmp_path: Path, text: str) -> None:
    corpus, said = told(tmp_path, text, ("s.mp4", "l.mp4"))
    assert said == ""
    pair = corpus.pairs().iloc[0]
    assert (pair["speaker"], pair["listener"], pair["length"]) == ("s", "l", 30)
    assert corpus.emotions[pair["emotion"]] == "positive"


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_are_letters_of_their_own_or_not(tmp_path: Path, forms: tuple[str, str]) -> None:
    file, cell = (unicodedata.normalize(form, "Gespräch.mp4") for form in forms)
    corpus, _ = told(tmp_path, f"speaker,listener\n{cell},l.mp4\n", (file, "l.mp4"))
    assert len(corpus.pairs()) == 1


def test_rows_of_one_clip_name_are_two_conversations(tmp_path: Path) -> None:
    text = "clip,speaker,listener\nx,s.mp4,l.mp4\nx,t.mp4,m.mp4\nx (2),l.mp4,s.mp4\n"
    corpus, said = told(tmp_path, text)
    pairs = corpus.pairs()
    assert list(zip(pairs["speaker"], pairs["listener"], strict=True)) == [
        ("s", "l"),
        ("t", "m"),
        ("l", "s"),
    ]
    assert pairs["clip"].is_unique and "on several rows (x)" in said


def test_people_of_one_file_name_are_people(tmp_path: Path) -> None:
    files = tuple(f"{k:03d}/{who}.mp4" for k in range(4) for who in ("speaker", "listener"))
    rows = [",".join(files[k : k + 2]) for k in range(0, 8, 2)]
    corpus, said = told(tmp_path, "\n".join(["speaker,listener", *rows]), files)
    assert corpus.index["person"].nunique() == 8 and len(corpus.pairs()) == 4
    assert "speaker_id" in said and list(corpus.index["source"]) == list(files)
    # with ids, people are who they are called
    named = [f"{row},ann,p{k}" for k, row in enumerate(rows)]
    head = "speaker,listener,speaker_id,listener_id"
    corpus, said = told(tmp_path / "ids", "\n".join([head, *named]), files)
    assert corpus.index["person"].nunique() == 5 and said == ""


def test_a_folder_tells_people_of_one_name_apart(tmp_path: Path) -> None:
    for name in ("1/a.mp4", "2/a.mp4", "b.MTS"):
        (tmp_path / "v" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "v" / name).write_text("30")
    corpus = build(tmp_path / "v", tmp_path / "c")
    assert list(corpus.index["person"]) == ["1/a", "2/a", "b"]
    assert list(corpus.index["source"]) == ["1/a.mp4", "2/a.mp4", "b.MTS"]


@pytest.mark.parametrize(
    ("head", "row", "reason"),
    [
        ("speaker,listener", "s.mp4,./s.mp4", "is both people"),
        ("speaker,listener", "s.mp4,link.mp4", "is both people"),
        ("speaker,listener", "s.mp4,copy.mp4", "is both people"),
        ("speaker,listener", "s.MP4,l.mp4", "no such file, is s.mp4 meant"),
        ("speaker,listener,speaker_id,listener_id", "s.mp4,l.mp4,None,ann", "leave the cell empty"),
        ("speaker,listener,speaker_id,listener_id", "s.mp4,l.mp4,ann,ann", "ann is both people"),
        ("speaker,listener,speaker_id,listener_id", "s.mp4,l.mp4,ann,Ann", "ann is both people"),
        ("speaker,listener,speaker_id,listener_id", "s.mp4,l.mp4,#N/A,ann", "leave the cell empty"),
        ("speaker,listener", "s.mp4,", "no listener"),
        ("speaker,listener", "s.mp4,folder.mp4", "folder.mp4: a folder"),
        ("speaker,listener", "s.mp4,gone.mp4", "gone.mp4: no such file"),
        ("speaker,listener", f"s.mp4,{'x' * 300}.mp4", "no such file"),
        ("speaker,listener", "s.mp4,l\0.mp4", "control character"),
        ("speaker,listener", "a, b.mp4,l.mp4", "3 cells under 2 columns"),
        ("speaker,listener,audio", "s.mp4,l.mp4,none.wav", "none.wav: no such file"),
        ("speaker,listener,split", "s.mp4,l.mp4,Training", "known are train, val, test"),
        ("speaker,listener,emotion", "s.mp4,l.mp4,Positive", "is 'positive' meant"),
        ("speaker,listener,emotion", "s.mp4,l.mp4,postiv", "negative, neutral, positive"),
        ("speaker,listener,emotion", "s.mp4,l.mp4,NaN", "leave the cell empty"),
        ("speaker,listener,emotion", "s.mp4,l.mp4,Calm", "is 'calm' meant"),
        ("speaker,listener,emotion", "s.mp4,l.mp4,pos", "is 'positive' meant"),
        ("speaker,listener,emotion", "s.mp4,l.mp4,#N/A", "leave the cell empty"),
        ("speaker,listener,emotion", "s.mp4,l.mp4,0", "one word"),
        ("speaker,listener,emotion", "s.mp4,l.mp4,neutral=0.5", "one word"),
        ("speaker,listener,face", "s.mp4,s.mp4,middle", "left or right"),
        ("speaker,listener,face", "s.mp4,l.mp4,left", "speaker_face"),
        ("speaker,listener,listener_face", "s.mp4,l.mp4,Left", "largest, left, right"),
        ("speaker,listener", "m.mp4,t.mp4", "same videos as pairs.csv line 2"),
    ],
)
def test_a_row_that_is_wrong_is_left_out_and_listed(
    tmp_path: Path, head: str, row: str, reason: str
) -> None:
    """The good row before it becomes a corpus all the same."""
    good = ["m.mp4", "t.mp4", *["calm" if "emotion" in head else ""] * (head.count(",") - 1)]
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "link.mp4").symlink_to("s.mp4")
    (tmp_path / "v" / "copy.mp4").write_text("30")  # as s.mp4
    (tmp_path / "v" / "folder.mp4").mkdir()
    corpus, said = told(tmp_path, "\n".join([head, ",".join(good), row, ""]))
    assert len(corpus.pairs()) == 1 and corpus.pairs()["speaker"][0] == "m"
    assert "pairs.csv line 3: " in said and reason in said


def test_what_is_odd_about_a_table_is_told(tmp_path: Path) -> None:
    corpus, said = told(tmp_path, HEAD + "s.mp4,l.mp4,positive,\n")
    assert corpus.emotions[corpus.pairs()["emotion"][0]] == "positive"
    assert "too many at the end of line 2" in said
    assert "2 videos: in no row of pairs.csv that is read: m.mp4, t.mp4" in said
    _, said = told(tmp_path / "note", "speaker,listener,emotoin\ns.mp4,l.mp4,positive\n")
    assert "not used: emotoin" in said
    text = "speaker,listener,split\ns.mp4,l.mp4,train\ns.mp4,m.mp4,test\n"
    _, said = told(tmp_path / "torn", text)
    assert "1 people are in several splits (s)" in said


def test_a_face_is_one_person_and_a_person_is_no_stranger(tmp_path: Path) -> None:
    head = "speaker,listener,speaker_id,listener_id\n"
    # an id of one row holds for the same face in others, and what contradicts it is left out
    rows = "s.mp4,l.mp4,ann,\nm.mp4,s.mp4,,\nt.mp4,s.mp4,,ben\n"
    corpus, said = told(tmp_path, head + rows)
    assert list(corpus.index["person"]) == ["ann", "l", "m", "ann"]
    assert "line 4: s.mp4 shows 'ben', and 'ann' in pairs.csv line 2" in said
    # an id that is the name of another's file
    corpus, _ = told(tmp_path / "file", head + "s.mp4,l.mp4,l,\n")
    assert list(corpus.index["person"]) == ["l", "l (video)"]


def test_a_split_of_some_rows_holds_for_their_people(tmp_path: Path) -> None:
    text = "speaker,listener,split\ns.mp4,l.mp4,test\nm.mp4,s.mp4,\n"
    corpus, _ = told(tmp_path, text)
    assert set(corpus.index["split"]) == {"test"}


def test_a_recorded_call(tmp_path: Path) -> None:
    """One file shows both: the speaker's side is named, the listener is on the other."""
    text = "speaker,listener,face\ns.mp4,s.mp4,right\nt.mp4,t.mp4,left\n"
    corpus, _ = told(tmp_path, text)
    assert list(corpus.index["person"]) == ["s right", "s left", "t left", "t right"]
    pairs = list(corpus.pairs().itertuples())
    seen = [corpus.listener(pair).beta for pair in pairs]
    heard = [corpus.speaker(pair).motion.beta for pair in pairs]
    assert len(pairs) == 2 and not np.array_equal(seen[0], heard[0])
    files = "speaker,listener,speaker_face,listener_face\ns.mp4,l.mp4,left,right\n"
    other, _ = told(tmp_path / "two", files)
    np.testing.assert_array_equal(
        other.speaker(next(other.pairs().itertuples())).motion.beta, seen[0]
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("speaker,listener\n", "no row in it"),
        ("speaker,listener,listener\ns.mp4,l.mp4,l.mp4\n", "two columns are called 'listener'"),
        ("speaker,,listener\ns.mp4,x,l.mp4\n", "column 2 has no name"),
        ("speaker,emotion\ns.mp4,positive\n", "no column 'listener'"),
        ('speaker,listener\n"s.mp4,l.mp4\n', "not a readable csv"),
        ("speaker,listener\ns.mp4,l.mp4\n".encode("utf-16"), "not a readable csv"),
        ("speaker,listener\nGespräch.mp4,l.mp4\n".encode("cp1252"), "save it as"),
        (",".join(f"c{k}" for k in range(100_000)), "100000 columns"),
        (HEAD + "s.mp4,l.mp4,happy\0\n", "none of 1 rows"),
    ],
)
def test_no_table_of_pairs(tmp_path: Path, text: str | bytes, reason: str) -> None:
    with pytest.raises(ElpError, match=reason):
        build(folder(tmp_path / "v", text), tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_what_is_no_file_or_too_large_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, where = time.monotonic(), []
    for name in ("zero", "fifo", "gone"):
        (tmp_path / name).mkdir()
        where.append(tmp_path / name / "pairs.csv")
    where[0].symlink_to("/dev/zero")
    os.mkfifo(where[1])
    where[2].symlink_to("nowhere")
    for path in where[:2]:
        for source in (path, path.parent):
            with pytest.raises(ElpError, match="not a regular file"):
                build(source, tmp_path / "c")
    with pytest.raises(ElpError):
        build(where[2].parent, tmp_path / "c")
    large = tmp_path / "large.csv"
    large.touch()
    os.truncate(large, 10**12)
    with pytest.raises(ElpError, match="larger than"):
        table(large, (), Skipped())
    monkeypatch.setattr(tables, "CELLS", 2000)
    large.write_text("speaker,listener\n" + "a,b\n" * 1001)
    with pytest.raises(ElpError, match="cells"):
        table(large, (), Skipped())
    assert time.monotonic() - start < 10


def test_endings_that_are_not_read_are_listed(tmp_path: Path) -> None:
    names = (
        "a.MP4 sub/b.MPG c.wmv d.3gp e.MTS notes.txt x/n.txt voice.wav .DS_Store ._a.MP4".split()
    )
    for name in names:
        (tmp_path / "v" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "v" / name).write_text("30")
    (tmp_path / "v" / "link.mp4").symlink_to("a.MP4")
    (tmp_path / "v" / "dead.mp4").symlink_to("nowhere")
    (tmp_path / "v" / "folder.mp4").mkdir()
    corpus = build(tmp_path / "v", tmp_path / "c")
    assert set(corpus.index["clip"]) == {"a", "b", "c", "d", "e"}
    reasons = {row["row"]: row["reason"] for row in corpus.card["skipped"]}
    assert set(reasons) == {"*.txt", "*.wav", "._a.MP4", "link.mp4", "dead.mp4"}
    assert "2 files" in reasons["*.txt"] and "same file as a.MP4" in reasons["link.mp4"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "song.mp3").touch()
    with pytest.raises(ElpError, match=r"no video in it, but \*\.mp3"):
        build(tmp_path / "other", tmp_path / "d")


SCRIPT = """
import warnings
from elp.corpus.importers import import_corpus
warnings.showwarning = lambda message, *_, **__: print("told:", message)
made = import_corpus("folder", "v", "c", extract="tests.light:extract", workers=1)
print("made", len(made))
"""


@pytest.mark.slow
def test_a_script_without_a_guard_builds_and_hears_its_workers(tmp_path: Path, root: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "a.mp4").write_text("30")
    (tmp_path / "v" / "b.mp4").write_text("warn")
    (tmp_path / "script.py").write_text(SCRIPT)
    run = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "told: b.mp4: seen in half of the frames\nmade 2\n"
    assert pd.read_parquet(tmp_path / "c" / "index.parquet")["length"].tolist() == [30, 20]
