"""What another program pipes in: its newest pictures, its sound, its end and what is wrong with it;
and Ctrl-C while a film is finished.
"""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from elp.errors import ElpError
from elp.live import File, Pipe, Taken
from elp.live import pipe as pipes
from elp.live.source import source
from elp.media.audio import HOP, RATE

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows names no pipes so")
SHADES = (50, 200)


def stream(*shades: int, sound: bool = True) -> bytes:
    """Matroska of a picture for each shade, 25 a second, and a tone."""
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as file:
        shown = file.add_stream("mpeg4", rate=25)
        shown.width = shown.height = 64
        heard = file.add_stream("pcm_s16le", rate=RATE, layout="mono") if sound else None
        for k, shade in enumerate(shades):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), shade, np.uint8))
            frame.pts = k
            file.mux(shown.encode(frame))
            if heard is not None:
                tone = av.AudioFrame.from_ndarray(np.full((1, HOP), 8192, np.int16), layout="mono")
                tone.sample_rate, tone.pts = RATE, k * HOP
                file.mux(heard.encode(tone))
        file.mux(shown.encode(None))
    return out.getvalue()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


class Writer(threading.Thread):
    """Writes into a pipe at once, then holds it open until `done` is set."""

    def __init__(self, fifo: Path, data: bytes) -> None:
        super().__init__(daemon=True)
        self.fifo, self.data, self.done = fifo, data, threading.Event()

    def __enter__(self) -> Writer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.join(timeout=5)

    def run(self) -> None:
        with self.fifo.open("wb") as file:
            file.write(self.data)
            file.flush()
            self.done.wait(timeout=10)


def test_the_newest_picture_and_the_sound_of_a_pipe(fifo: Path) -> None:
    """A backlog is left out, not shown late; the end of the writer is the end."""
    data = stream(*[SHADES[0]] * 9, *[SHADES[1]] * 3)
    with Writer(fifo, data) as writer, Pipe(str(fifo)) as pipe:
        time.sleep(0.2)
        takes: Iterator[Taken] = pipe.taken()
        seen = [next(takes) for _ in range(3)]
        time.sleep(0.6)  # nobody writes any more
        lost = next(takes)
        assert pipe.trouble() == ["the pipe"] and lost.picture is None
        assert time.monotonic() - lost.time < 0.3  # nothing to be late for
        writer.done.set()
        after = list(takes)
    last = seen[-1].picture
    assert last is not None and abs(float(last.mean()) - SHADES[1]) < 10
    assert max(float(np.abs(t.sound).max()) for t in seen) == pytest.approx(0.25, abs=0.01)
    assert {t.sound.shape for t in seen if t.ticks == 1} <= {(HOP,)}
    assert sum(t.ticks for t in after) < 25  # it ended


def test_a_pipe_without_sound_is_silent(fifo: Path) -> None:
    with Writer(fifo, stream(*[90] * 60, sound=False)), Pipe(str(fifo)) as pipe:
        taken = next(pipe.taken())
        assert taken.picture is not None and not taken.sound.any()


def test_who_writes_faster_than_life_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog passes at once; after that, no more than a second's pictures in a second. Clocks
    that begin anew, or jump, do not stop it.
    """
    clock, stop = [0.0], threading.Event()
    monkeypatch.setattr(pipes.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(stop, "wait", lambda s: clock.__setitem__(0, clock[0] + s))
    brake = pipes._Brake()
    times = [k / 25 for k in range(250)]
    for at in (*times, *times, *[3600 + t for t in times], None):
        brake.wait(at, stop)
    assert 30 - 2 - 0.2 < clock[0] <= 30 - 2
    slow = pipes._Brake()
    for at in times:
        clock[0] += 0.05
        before = clock[0]
        slow.wait(at, stop)
        assert clock[0] == before


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(b"", "can be read as it comes"), (b"no video at all " * 99, "can be read as it comes")],
)
def test_what_is_no_stream_is_said(fifo: Path, data: bytes, sentence: str) -> None:
    with Writer(fifo, data) as writer:
        writer.done.set()
        with pytest.raises(ElpError, match=sentence), Pipe(str(fifo)):
            pass


def test_nobody_writes(fifo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elp.live.taken.OPENING", 0.1)
    monkeypatch.setattr("elp.live.pipe.STALE", 0.05)
    with pytest.raises(ElpError, match="check the program that writes it"), Pipe(str(fifo)):
        pass
    fifo.open("wb").close()  # whoever waits for a writer may go


def test_what_is_a_pipe(fifo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(source(str(fifo)), Pipe)
    with pytest.raises(ElpError, match="own time"):
        source(str(fifo), fast=True)
    monkeypatch.setattr(os, "isatty", lambda number: True)
    with pytest.raises(ElpError, match="nothing is piped in"):
        source("-")
    monkeypatch.setattr(os, "isatty", lambda number: False)
    assert isinstance(source("-"), Pipe)
    (tmp_path / "a.mkv").write_bytes(stream(1, 2))
    assert isinstance(source(str(tmp_path / "a.mkv")), File)


def test_a_device_that_is_not_there_is_no_missing_file() -> None:
    missing = source("/dev/no-such-video", "none")
    with pytest.raises(ElpError, match="camera /dev/no-such-video: cannot be opened"), missing:
        pass


def test_a_film_is_finished_before_a_signal_takes_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from elp.live.pictures import Film
    from tests.live.test_outputs import frame

    film = Film(tmp_path / "out.mp4")
    film.send(frame())
    join = film._thread.join

    def pressed() -> None:
        signal.raise_signal(signal.SIGINT)
        join()

    monkeypatch.setattr(film._thread, "join", pressed)
    with pytest.raises(KeyboardInterrupt):
        film.close()
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert len(list(file.decode(video=0))) == 1
