"""Signals at random moments: nothing half written, no pair torn, and the next run sweeps and ends
with what an undisturbed one gives.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.hostile.arena import Case, Verdict, meet, start, wait
from tests.hostile.bases import Bases

pytestmark = [pytest.mark.hostile, pytest.mark.slow]
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def commands(bases: Bases, folder: Path) -> dict[str, list[object]]:
    """Every command that writes, small."""
    face = bases.portraits["jpg"]
    return {
        "respond": [
            *("respond", bases.clip, "--portrait", face),
            *("-o", folder / "a.mp4", "--params", folder / "a.npz"),
        ],
        "extract": ["extract", bases.films["mp4"], "-o", folder / "a.npz"],
        "simulate": ["corpus", "simulate", "tiny", "-o", folder / "c", "--silent"],
        "train": [
            *("train", "tiny", "--corpus", bases.corpus, "--out", folder / "run"),
            *("--steps", 12, "--device", "cpu"),
        ],
        "evaluate": [
            *("evaluate", bases.corpus, "-o", folder / "e.json", "--samples", 1),
            *("--method", "GT", "--checkpoint", bases.model),
        ],
        "export": ["export", "-o", folder / "d.onnx"],
        "build": [
            *("corpus", "build", bases.films["mp4"].parent / "videos"),
            *("-o", folder / "c", "--workers", 1),
        ],
    }


def value(path: Path) -> object:
    """What must be the same in every run: no dates, no clocks."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            return {name: file[name].tobytes() for name in file.files}
    if path.suffix == ".safetensors":
        from safetensors.numpy import load

        return {name: x.tobytes() for name, x in load(path.read_bytes()).items()}
    return None if path.suffix == ".json" else path.read_bytes()


def visible(folder: Path) -> dict[str, object]:
    """Whole results by name."""
    return {
        str(path.relative_to(folder)): value(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    }


def hidden(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.name.startswith(".") and p.name != ".said"]


@pytest.mark.parametrize(
    "name", ["respond", "extract", "simulate", "train", "evaluate", "export", "build"]
)
def test_stopped_at_any_moment(name: str, bases: Bases, report: object, tmp_path: Path) -> None:
    rng, whole = random.Random(name), tmp_path / "whole"
    whole.mkdir()
    began = time.monotonic()
    _, status, _, _ = wait(start(commands(bases, whole)[name], whole))
    length = time.monotonic() - began
    assert status == 0, (whole / ".said").read_text()
    want, verdicts = visible(whole), []
    for k in range(4):
        folder, sent = tmp_path / str(k), SIGNALS[k % len(SIGNALS)]
        (folder / "out").mkdir(parents=True)
        words = commands(bases, folder / "out")[name]
        verdicts.append(stopped(name, words, folder, sent, rng.uniform(0, length), want))
    report.add(f"signals: {name}", verdicts)


def stopped(
    name: str, words: list[object], folder: Path, sent: signal.Signals, after: float, want: object
) -> Verdict:
    """Send a signal, look, and run the command once more."""
    out, child = folder / "out", start(words, folder)
    time.sleep(max(after, 0.1))
    # not waited for yet: the number is still its own; a terminal tells all that run in it
    (os.killpg if sent in (signal.SIGINT, signal.SIGHUP) else os.kill)(child, sent)
    _, status, used, hung = wait(child)
    code = os.waitstatus_to_exitcode(status)
    text, left = (folder / ".said").read_text(), visible(out)
    (folder / ".said").unlink()
    wrong = []
    if hung or "Traceback" in text:
        wrong.append("hangs" if hung else f"traceback {text[-200:]}")
    if sent != signal.SIGKILL and code not in (0, 128 + sent):
        # before `main` a signal has its usual effect
        wrong += [f"exit code {code}"] if code != -sent else []
    if code == 128 + sent and "elp: stopped" not in text:
        wrong.append(f"no word: {text[-100:]}")
    if name != "train" and left and left != want:
        wrong.append(f"torn: {sorted(left)}")
    if name == "train" and "elp: stopped" in text and "--resume" not in text:
        wrong.append("no word of --resume")
    if name == "build" and code == 0:  # done before the signal came: it is not made twice
        shutil.rmtree(out / "c")
    more = ["--resume"] if name == "train" else []
    again = meet(Case(name="again", make=lambda _: [*words, *more]), folder / "again")
    if again.code:
        wrong.append(f"again: {again.code} {again.said[-200:]}")
    elif visible(out) != want:
        wrong.append("another result")
    if hidden(out):
        wrong.append(f"not swept: {hidden(out)}")
    return replace(
        again,
        name=f"{name} {sent.name} after {after:.2f} s",
        code=code,
        seconds=used.ru_utime,
        reason="; ".join(wrong),
        traceback="Traceback" in text or again.traceback,
        killed=hung or again.killed,
    )
