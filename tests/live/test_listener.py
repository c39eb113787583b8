"""The loop with a face of known motion: calibration, loss and return, left-out frames, sound; and
the whole command with a real film and a real Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from elp.errors import ElpError
from elp.extraction.causal import CausalFit
from elp.extraction.fit import fit
from elp.face.model import FaceModel
from elp.listener.responder import ELPResponder
from elp.live import Camera, File, Frame, Listener, Taken, listen
from elp.live import source as sources
from elp.live import taken as times
from elp.media.audio import HOP
from elp.simulator.scene import Scene, conversation

MODEL = FaceModel.default()
FRAMES, STILL = 110, 25


@pytest.fixture(scope="module")
def scene() -> Scene:
    return conversation(MODEL, frames=FRAMES)


@pytest.fixture(scope="module")
def points(scene: Scene) -> np.ndarray:
    """(T, 478, 3): what a tracker would see."""
    return with_irises(scene.points)


def with_irises(points: np.ndarray) -> np.ndarray:
    out = np.zeros((len(points), 478, 3), np.float32)
    out[:, :468] = points
    for first, one, other in ((468, 33, 133), (473, 362, 263)):
        middle, half = (points[:, one] + points[:, other]) / 2, points[:, other] - points[:, one]
        out[:, first : first + 5] = middle[:, None]
        out[:, first + 1] += half / 4
        out[:, first + 3] -= half / 4
    return out


class Known:
    """A tracker that knows what each picture shows: its number is the row of points."""

    def __init__(self, points: np.ndarray) -> None:
        self.points = points

    def __enter__(self) -> Known:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        return self.points[int(picture[0, 0, 0])]


class Script:
    """A source that gives these frames, (count, row of points or None) each."""

    def __init__(self, frames: list[tuple[int, int | None]]) -> None:
        self.frames, self.lost = frames, [row is None for _, row in frames]

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_: object) -> None: ...

    def trouble(self) -> list[str]:
        return ["the camera"] if self.lost.pop(0) else []

    def taken(self) -> Generator[Taken, None, None]:
        for count, row in self.frames:
            picture = None if row is None else np.full((512, 512, 3), row, np.uint8)
            yield Taken(count, np.zeros(count * HOP, np.float32), picture, time.monotonic())


class Kept:
    """An output that keeps what comes."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def send(self, frame: Frame) -> None:
        self.frames.append(frame)

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def responder() -> ELPResponder:
    return ELPResponder.from_checkpoint()


@pytest.fixture
def listener(
    responder: ELPResponder, points: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Listener]:
    nobody = np.full((1, *points.shape[1:]), np.nan, np.float32)
    known = Known(np.concatenate([points, nobody]))
    monkeypatch.setattr("elp.media.track.tracker", lambda face: known)
    monkeypatch.setattr("elp.live.listener.CALIBRATION", STILL)
    with Listener(responder, "neutral") as made:
        yield made


NOBODY = FRAMES  # the row without a face


def test_the_past_alone_says_what_the_whole_clip_says(scene: Scene, points: np.ndarray) -> None:
    """Against the offline fit, on frames after the calibration."""
    causal = CausalFit(points[:STILL], scene.size)
    seen = [causal.push(p) for p in points]
    assert all(s is not None for s in seen)
    whole = fit(points, scene.size)
    after = slice(STILL, None)
    beta = np.stack([s.beta for s in seen if s])[after]
    for names in (("smile_l", "smile_r"), ("jaw_open",), ("blink_l", "blink_r")):
        rows = [MODEL.index(name) for name in names]
        r = np.corrcoef(beta[:, rows].mean(1), whole.beta[after][:, rows].mean(1))[0, 1]
        assert r > 0.95, (names, r)
    turn = np.stack([s.pose for s in seen if s])[after, :3] - whole.pose[after, :3]
    assert np.degrees(np.abs(turn - turn.mean(0)).mean(0)).max() < 0.3
    blinks = np.array([s.blink for s in seen if s])
    assert blinks[scene.blink > 0].mean() >= 0.5 and blinks[scene.blink == 0].mean() < 0.05


def test_a_face_that_comes_back_is_fitted_afresh(scene: Scene, points: np.ndarray) -> None:
    causal = CausalFit(points[:STILL], scene.size)
    straight = [causal.push(p) for p in points[STILL:60]][-1]
    for _ in range(20):
        assert causal.push(np.full((478, 3), np.nan)) is None
    again = [causal.push(p) for p in points[50:60]][-1]
    assert straight is not None and again is not None
    np.testing.assert_allclose(again.pose[:3], straight.pose[:3], atol=np.radians(0.5))
    assert np.corrcoef(again.beta, straight.beta)[0, 1] > 0.97


def test_too_little_of_a_face_is_no_calibration(points: np.ndarray) -> None:
    few = points[:STILL].copy()
    few[9:] = np.nan
    with pytest.raises(ElpError, match="a face in 9 frames"):
        CausalFit(few, (512, 512))


def wait_for(listener: Listener) -> None:
    """Until the calibration in the background is done."""
    assert listener._fit is not None
    listener._fit.result(timeout=60)


def test_a_face_is_found_lost_and_found_again(listener: Listener) -> None:
    out, said = Kept(), []
    first = [(1, NOBODY), (1, NOBODY), *((1, k) for k in range(STILL))]
    listen(Script(first), listener, [out], say=said.append)
    wait_for(listener)
    then = [*((1, k) for k in range(STILL, 60)), *[(1, NOBODY)] * 20, (1, 60), (1, 61)]
    report = listen(Script(then), listener, [out], say=said.append)
    states = [f.state for f in out.frames]
    assert states[0] == "looking" and states[STILL] == "calibrating"
    assert states[len(first)] == states[-1] == "listening" and states[-3] == "lost"
    assert sum("lost" in words for words in said) == 1  # once
    assert report.frames == len(then) and not report.left_out and report.stopped is None
    for seen in out.frames:
        assert np.isfinite(seen.beta).all() and np.isfinite(seen.pose).all()
    moved = np.stack([f.pose for f in out.frames[-22:-2]])
    assert np.ptp(moved, axis=0).max() > 0  # the listener goes on
    assert report.percentile("latency", 95) > 0


def test_a_lost_camera_is_said_once_and_held(listener: Listener) -> None:
    out, said = Kept(), []
    frames = [(1, 0), (1, 1), *[(1, None)] * 5, (1, 2)]
    listen(Script(frames), listener, [out], say=said.append)
    assert said[1:] == ["the camera is lost: the listener goes on", "the camera is back"]
    assert len(out.frames) == len(frames)


def test_frames_that_come_too_late_are_answered_all_the_same(listener: Listener) -> None:
    out = Kept()
    report = listen(Script([(1, 0), (4, 1), (1, 2), (2, 3)]), listener, [out])
    assert [f.number for f in out.frames] == [0, 4, 5, 7]
    assert report.frames == 4 and report.left_out == 4
    assert [len(f.sound) for f in out.frames] == [HOP, 4 * HOP, HOP, 2 * HOP]


def test_it_ends_after_so_many_frames(listener: Listener) -> None:
    out = Kept()
    assert listen(Script([(1, 0)] * 9), listener, [out], frames=3).frames == 3


def test_ticks_do_not_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand ticks with slow work between them end when they should, none doubled."""
    clock = [0.0]
    monkeypatch.setattr(times.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(times.time, "sleep", lambda s: clock.__setitem__(0, clock[0] + s + 1e-4))
    pace, rng, passed = times.Pace(), np.random.default_rng(0), 0
    for _ in range(1000):
        passed += pace.wait()
        clock[0] += float(rng.choice([0.01, 0.03, 0.09]))
        assert pace.ticks == passed <= clock[0] * 25
    assert clock[0] * 25 - passed < 4


def test_what_the_camera_is(capfd: pytest.CaptureFixture[str]) -> None:
    assert isinstance(sources.source("0"), Camera)
    assert isinstance(sources.source("rtsp://nobody/1", "2"), Camera)
    with pytest.raises(ElpError, match="own time"):
        sources.source("0", fast=True)
    with pytest.raises(ElpError, match="no such file"):
        sources.source("missing.mp4")
    with pytest.raises(ElpError, match="cannot be opened"), Camera("rtsp://127.0.0.1:1/x", None):
        pass
    assert not capfd.readouterr().err  # FFmpeg has its own way to standard error


def test_a_stream_that_refuses_tcp_comes_by_udp(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Refusing:
        def open(self, address: str) -> bool:
            asked.append(os.environ.get(sources.OPTIONS))
            return asked[-1] == "rtsp_transport;udp"

        def read(self) -> tuple[bool, np.ndarray]:
            time.sleep(0.01)
            return True, np.zeros((8, 8, 3), np.uint8)

        def release(self) -> None:
            pass

    monkeypatch.delenv(sources.OPTIONS, raising=False)
    monkeypatch.setattr(cv2, "VideoCapture", Refusing)
    with Camera("rtsp://here/1", None):
        assert asked == ["rtsp_transport;tcp", "rtsp_transport;udp"]
    assert sources.OPTIONS not in os.environ
    monkeypatch.setenv(sources.OPTIONS, "rtsp_transport;http")  # the reader's own wish
    with pytest.raises(ElpError, match="cannot be opened"), Camera("rtsp://here/1", None):
        pass
    assert asked[2:] == ["rtsp_transport;http"]


def film(path: Path, frames: int) -> Path:
    from elp.media.write import write_video

    pictures = (np.full((64, 64, 3), 2 * k, np.uint8) for k in range(frames))
    tone = np.sin(np.arange(frames * HOP) * 0.1).astype(np.float32) / 4
    write_video(path, pictures, audio=(tone, 16000))
    return path


def test_a_file_is_played_with_its_sound(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 20)
    taken = list(File(path, fast=True).taken())
    assert [t.ticks for t in taken] == [1] * 20
    assert {t.sound.shape for t in taken} == {(HOP,)}
    assert max(float(np.abs(t.sound).max()) for t in taken[5:15]) > 0.1
    levels = [float(t.picture.mean()) for t in taken if t.picture is not None]
    assert len(levels) == 20 and (np.diff(levels) > 0).all()


def test_a_file_keeps_the_wall_clocks_time(tmp_path: Path) -> None:
    """A slow listener misses pictures, not time."""
    begun, counts = time.monotonic(), []
    for taken in File(film(tmp_path / "a.mp4", 20)).taken():
        counts.append(taken.ticks)
        if len(counts) == 2:
            time.sleep(0.2)
    assert sum(counts) == 20 and max(counts) >= 4
    assert time.monotonic() - begun >= 0.75


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no such signals")
def test_ctrl_c_leaves_a_whole_film(shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    run = subprocess.Popen(
        [
            *(sys.executable, "-m", "elp.cli", "live", "--as-fast-as-possible"),
            *("--camera", shared_data / "talking_videos/st_WDA_KatieHill_000.mp4"),
            *("--portrait", shared_data / "portraits/lp_s9.jpg", "--record", out),
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    for line in run.stderr:
        if "keep still" in line:
            break
    time.sleep(1.0)
    run.send_signal(signal.SIGINT)
    said, errors = run.communicate(timeout=120)
    assert run.returncode == 130, errors
    assert "latency" in said
    with av.open(str(out)) as file:
        shown = sum(1 for _ in file.decode(video=0))
    assert shown == int(said.split()[0]) and [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
