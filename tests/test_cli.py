"""The command line as a user meets it: its exit code and its one sentence, in a process of its own
or, sooner, in this one.
"""

import contextlib
import errno
import io
import json
import os
import subprocess
import sys
import warnings
from unittest import mock

import numpy as np
import pytest


def elp(*args, cwd=None):
    run = [sys.executable, "-m", "elp.cli", *map(str, args)]
    return subprocess.run(run, capture_output=True, text=True, cwd=cwd, timeout=120)


def here(*args, cwd="."):
    """`elp(*args)` without starting Python and importing torch anew: `main` in this process,
    warnings shown as Python shows them.
    """
    from elp.cli import main

    run, out, err, code = ["elp", *map(str, args)], io.StringIO(), io.StringIO(), 0
    with (
        warnings.catch_warnings(record=True) as said,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        warnings.simplefilter("default")
        for hidden in (
            DeprecationWarning,
            PendingDeprecationWarning,
            ImportWarning,
            ResourceWarning,
        ):
            warnings.simplefilter("ignore", hidden)
        with contextlib.chdir(cwd), mock.patch.object(sys, "argv", run):
            try:
                main()
            except SystemExit as stop:
                code = stop.code or 0
        err.writelines(
            warnings.formatwarning(w.message, w.category, w.filename, w.lineno) for w in said
        )
    return subprocess.CompletedProcess(run, code, out.getvalue(), err.getvalue())


def refused(result, words):
    assert result.returncode == 2, result.stderr
    assert (
        words in result.stderr
        and result.stderr.startswith("elp: ")
        and result.stderr.strip().count("\n") == 0
    ), result.stderr


def test_import_lists_the_registered_importers():
    from elp.corpus.importers import IMPORTERS

    text = here("corpus", "import", "--help").stdout
    assert all(f"{kind}: " in text for kind in IMPORTERS)


def test_help_names_the_commands():
    text = here("--help").stdout
    assert all(
        name in text for name in ("extract", "respond", "train", "evaluate", "export", "corpus")
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["extract", "none.mp4", "-o", "c.npz"], "no such file"),
        (["extract", "none.mp4", "-o", "c.csv"], ".npz"),
        (["export", "-o", "decoder.pt"], ".onnx"),
        (["export", "-o", "d.onnx", "--checkpoint", "none.safetensors"], "no such checkpoint"),
        (["respond", "none.mp4"], "nothing to write"),
        (["respond", "none.mp4", "-o", "out.mp4"], "portrait"),
        (["respond", "none.npz", "--params", "o.npz"], "no such file"),
        (
            ["respond", "none.npz", "--params", "o.npz", "--emotion", "angry"],
            "negative, neutral, positive",
        ),
        (["respond", "none.npz", "--portrait", "none.png", "-o", "out.mp4"], "none.png"),
        (["extract", ".", "-o", "c.npz"], "a folder"),
        (["portrait", "none.png", "-o", "p.png"], ".bin"),
        (["respond", "none.npz", "--params", "o.NPZ"], ".npz"),
        (["evaluate", "none", "-o", "r.json"], "none"),
        (["evaluate", "none", "-o", "r.csv"], ".json"),
        (["evaluate", ".", "-o", "card.json"], "lies in the corpus"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(tmp_path, args, words):
    refused(here(*args, cwd=tmp_path), words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "args",
    [
        ["respond", "s.npz", "--params", "o.npz", "--seed", "99999999999999999999999"],
        ["corpus", "simulate", "tiny", "-o", "tiny", "--seed", "-1"],
        ["evaluate", "tiny", "-o", "r.json", "--samples", "0"],
        ["train", "tiny", "--corpus", "tiny", "--out", "run", "--steps", "0"],
        ["corpus", "build", ".", "-o", "c", "--workers", "-3"],
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path, args):
    done = here(*args, cwd=tmp_path)
    assert done.returncode == 2 and args[-2] in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


def test_a_speaker_whom_nobody_saw_is_refused(tmp_path):
    from elp.motion import Clip, Motion

    motion = Motion(
        beta=np.zeros((5, 100)), pose=np.zeros((5, 6)), blink=np.zeros(5), valid=np.zeros(5, bool)
    )
    Clip(motion=motion, mfcc=np.zeros((5, 29))).save(tmp_path / "s.npz")
    refused(here("respond", "s.npz", "--params", "o.npz", cwd=tmp_path), "in none of its frames")


@pytest.mark.parametrize(
    ("number", "file", "words"),
    [
        (errno.EMFILE, "s.mp4", "raise its limits"),
        (errno.EAGAIN, None, "raise its limits"),
        (errno.ENOSPC, None, "what is printed"),
        (errno.ENOENT, None, "runs in is gone"),
        (errno.EIO, "s.mp4", "check this file"),
    ],
)
def test_an_error_of_the_system_says_whose_it_is(tmp_path, monkeypatch, number, file, words):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number), file)

    monkeypatch.setattr("elp.extraction.pipeline.extract", fail)
    refused(here("extract", "s.mp4", "-o", "c.npz", cwd=tmp_path), words)


def test_a_warning_is_told_once(capsys):
    from elp.cli import _told_once

    show = _told_once()
    for words in ("a clock jumps", "no sound", "a clock jumps"):
        show(UserWarning(words), UserWarning, "video.py", 1)
    assert capsys.readouterr().err == "elp: a clock jumps\nelp: no sound\n"


def test_without_standard_streams_a_command_ends_as_with_them(tmp_path):
    """As a service starts it, or where the terminal's disk is full."""
    from elp.cli import main

    def alone(full):
        for number in range(3):
            os.close(number)
        sys.stdout = sys.stderr = None  # as Python leaves them
        if full:
            sys.stderr = open("/dev/full", "w")  # noqa: SIM115
        sys.argv = ["elp", "extract", "none.mp4", "-o", str(tmp_path / "c.npz")]
        main()

    for full in (False, os.path.exists("/dev/full")):
        if not (child := os.fork()):
            code = 1
            try:
                alone(full)
            except SystemExit as stop:
                code = stop.code
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


def test_what_is_read_is_not_written_over(tmp_path):
    from elp.motion import Clip, Motion

    clip = Clip(
        motion=Motion(beta=np.zeros((5, 100)), pose=np.zeros((5, 6)), blink=np.zeros(5)),
        mfcc=np.zeros((5, 29)),
    )
    clip.save(tmp_path / "s.npz")
    before = (tmp_path / "s.npz").read_bytes()
    refused(here("respond", tmp_path / "s.npz", "--params", tmp_path / "s.npz"), "another name")
    assert (tmp_path / "s.npz").read_bytes() == before
    (tmp_path / "s.mp4").write_bytes(before)
    (tmp_path / "link.mp4").symlink_to("s.mp4")
    live = ["live", "--camera", "s.mp4", "--portrait", "p.png", "--record", "link.mp4"]
    for ending in ("bin", "onnx", "json"):
        (tmp_path / f"s.{ending}").symlink_to("s.npz")
    for words in (
        live,
        ["render", "s.npz", "--portrait", "s.mp4", "-o", "s.mp4"],
        ["portrait", "s.npz", "-o", "s.bin"],
        ["export", "--checkpoint", "s.npz", "-o", "s.onnx"],
        ["evaluate", "c", "--checkpoint", "s.npz", "-o", "s.json"],
    ):
        refused(here(*words, cwd=tmp_path), "another name")
    (tmp_path / "s.csv").symlink_to("s.npz")
    refused(here("convert", "s.npz", "--events", "s.csv", cwd=tmp_path), "another name")
    assert {(tmp_path / name).read_bytes() for name in ("s.npz", "s.mp4")} == {before}


def test_names_may_begin_with_a_dash(tmp_path):
    from elp.motion import Clip, Motion

    still = Motion(beta=np.zeros((5, 100)), pose=np.zeros((5, 6)), blink=np.zeros(5))
    Clip(motion=still, mfcc=np.zeros((5, 29))).save(tmp_path / "-s.npz")
    done = here("respond", "-s.npz", "--params", "-o.npz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "-o.npz").is_file()
    (tmp_path / "--x.mp4").write_text("no video")
    refused(here("extract", "--x.mp4", "-o", "x.npz", cwd=tmp_path), "--x.mp4: ")
    assert "No such option" in here("extract", "-none.mp4", "-o", "x.npz", cwd=tmp_path).stderr


def test_evaluate_measures_the_rows_asked_for(simulated, tmp_path):
    asked = ["--method", "GT", "--method", "mean face", "--samples", "1"]
    done = here("evaluate", simulated.folder, "-o", tmp_path / "r.json", *asked)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "r.json").read_text())
    assert list(result["methods"]) == ["GT", "mean face", "ELP"]
    out = ["evaluate", simulated.folder, "-o", tmp_path / "no.json", "--method"]
    refused(here(*out, "ELP-W"), "no method 'ELP-W'")
    refused(here(*out, "RLHG", "--models", tmp_path), "no trained RLHG")


def test_a_file_in_the_place_of_a_folder_is_one_sentence(short_validation, simulated, tmp_path):
    (tmp_path / "run").write_text("a file")
    refused(
        here(
            "train", "tiny", "--corpus", simulated.folder, "--out", tmp_path / "run", "--steps", 1
        ),
        "cannot be written",
    )


def test_a_process_of_its_own_says_the_same(tmp_path):
    args = ["extract", "none.mp4", "-o", "c.csv"]
    alone, within = elp(*args, cwd=tmp_path), here(*args, cwd=tmp_path)
    refused(alone, ".npz")
    assert (alone.returncode, alone.stdout, alone.stderr) == (
        within.returncode,
        within.stdout,
        within.stderr,
    )


def test_respond_from_a_clip_to_parameters(tmp_path):
    from elp.motion import SILENT, Clip, Motion

    rng = np.random.default_rng(0)
    silence = np.tile(SILENT, (40, 1))
    quiet = Motion(
        beta=0.1 * rng.normal(size=(40, 100)),
        pose=0.01 * rng.normal(size=(40, 6)),
        blink=np.zeros(40),
    )
    clip = Clip(motion=quiet, mfcc=rng.normal(size=(40, 29)), prosody=silence)
    clip.save(tmp_path / "s.npz")
    for name, run in (("a", elp), ("b", here)):  # two processes, one answer
        done = run(
            "respond",
            tmp_path / "s.npz",
            "--params",
            tmp_path / f"{name}.npz",
            "--emotion",
            "positive",
            "--seed",
            4,
        )
        assert done.returncode == 0, done.stderr
    a, b = (Motion.load(tmp_path / f"{name}.npz") for name in "ab")
    assert (
        len(a) == 40
        and a.valid.all()
        and np.array_equal(a.beta, b.beta)
        and np.array_equal(a.blink, b.blink)
    )


def test_export_writes_decoders_that_run(tmp_path, capfd):
    import onnxruntime

    done = here("export", "-o", tmp_path / "decoder.onnx")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert not capfd.readouterr().err  # nor do the libraries beneath Python chatter
    session = onnxruntime.InferenceSession(
        tmp_path / "decoder.onnx", providers=["CPUExecutionProvider"]
    )
    heads = int(session.get_modelmeta().custom_metadata_map["heads"])
    emotion = np.eye(3, dtype=np.float32)[[0, 2]][:, None].repeat(20, 1)
    codes = np.zeros((1, 20, heads), np.int32)
    negative, positive = (
        session.run(["beta"], {"codes": codes, "emotion": e[None]})[0] for e in emotion
    )
    assert negative.shape == (1, 20, 100)
    assert np.abs(negative - positive).max() > 0.1


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "cp932"])
def test_help_and_refusals_are_said_in_any_encoding(encoding, monkeypatch):
    from elp.cli import main

    words = (["--help"], ["extract", "--help"], ["extract", "Видео 🎥.mp4", "-o", "x.npz"])
    for arguments, code in zip(words, (0, 0, 2), strict=True):
        said = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        for name, stream in zip(("stdout", "stderr"), said, strict=True):
            monkeypatch.setattr(sys, name, stream)
        monkeypatch.setattr(sys, "argv", ["elp", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        monkeypatch.undo()
        assert (stopped.value.code or 0) == code
        for stream in said:
            stream.flush()
        # click takes ASCII for a terminal that nobody has set up, and writes UTF-8
        spoken = "utf-8" if encoding == "ascii" else encoding
        text = b"".join(stream.buffer.getvalue() for stream in said).decode(spoken)
        assert ("Usage" in text) if not code else ("no such file" in text)
