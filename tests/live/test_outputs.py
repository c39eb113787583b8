"""Frames reach who listens, as the protocols have it: a UDP listener, a client of the websocket, a
reader of films. Missing packages and wrong addresses are one sentence.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pythonosc.osc_bundle import OscBundle
from scipy.spatial.transform import Rotation
from websockets.sync.client import connect

from elp.errors import ElpError
from elp.face.model import FaceModel
from elp.live import Frame
from elp.live.needs import needed
from elp.live.network import Lsl, Osc, Websocket, endpoint
from elp.live.outputs import NAMES, Lids
from elp.live.pictures import Film, VirtualCamera
from elp.live.session import Asked, session
from elp.media.audio import HOP

MODEL = FaceModel.default()


def frame(number: int = 0, **shares: float) -> Frame:
    """A frame of somebody who turned the head, with a picture that tells its number."""
    pose = np.array([0.1, 0.2, -0.3, 1, 2, 3], np.float32)
    return Frame(
        number=number,
        time=time.monotonic(),
        beta=MODEL.beta(**shares),
        pose=pose,
        blink=0,
        state="listening",
        picture=np.full((256, 256, 3), 20 * number % 256, np.uint8),
        sound=np.full(HOP, 0.1, np.float32),
    )


def test_osc_is_vmc_protocol() -> None:
    """One bundle a frame: 52 shapes and the head's bone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        out = Osc(f"127.0.0.1:{listener.getsockname()[1]}")
        out.send(frame(50, jaw_open=0.25))
        out.close()
        messages = list(OscBundle(listener.recv(65536)))
    by_path: dict[str, list[list[Any]]] = {}
    for message in messages:
        by_path.setdefault(message.address, []).append(message.params)
    assert by_path["/VMC/Ext/OK"] == [[1]] and by_path["/VMC/Ext/T"] == [[2.0]]
    shapes = dict(by_path["/VMC/Ext/Blend/Val"])
    assert set(shapes) == set(NAMES) and "jawOpen" in shapes
    assert {n: x for n, x in shapes.items() if x} == pytest.approx({"jawOpen": 0.25})
    ((bone, *numbers),) = by_path["/VMC/Ext/Bone/Pos"]
    assert bone == "Head" and len(numbers) == 7
    assert messages[-1].address == "/VMC/Ext/Blend/Apply"


@pytest.mark.parametrize(
    ("ours", "looks", "top"),
    [
        # Unity's axes of a head that looks along z: x to its right, y up
        ([0.3, 0, 0], [0, -1, 0], None),  # a nod goes down
        ([0, 0.3, 0], [1, 0, 0], None),  # to the subject's right
        ([0, 0, 0.3], None, [-1, 0, 0]),  # the top of the head to the left
    ],
)
def test_the_heads_quaternion_is_unitys(ours: list[float], looks: Any, top: Any) -> None:
    seen = frame()
    turned = Frame(**{**seen.__dict__, "pose": np.array([*ours, 0, 0, 0], np.float32)})
    # a left-handed system turns by the same formula: x, y, z, w -> matrix
    matrix = Rotation.from_quat(turned.quaternion).as_matrix()
    for expected, axis in ((looks, [0, 0, 1]), (top, [0, 1, 0])):
        if expected is not None:
            assert float(np.dot(matrix @ axis, expected)) > 0.25


def test_a_websocket_serves_the_newest_frame() -> None:
    out = Websocket(0)
    try:
        with connect(f"ws://127.0.0.1:{out.port}") as reader:
            while not out._readers:
                time.sleep(0.01)
            for number in range(5):
                out.send(frame(number, smile_l=0.5))
            said = json.loads(reader.recv(timeout=5))
            assert said["state"] == "listening" and 0 <= said["age"] < 5
            assert said["shapes"]["mouthSmileLeft"] == pytest.approx(0.5, abs=1e-3)
            assert len(said["shapes"]) == 52 and len(said["head"]) == 4
            moved = {name: w for name, w in said["weights"].items() if w}
            assert len(said["weights"]) == 100 and moved == pytest.approx({"smile_l": 0.5})
            while said["frame"] < 4:  # frames that a reader is too slow for are left out
                said = json.loads(reader.recv(timeout=5))
        out.send(frame())  # nobody is there any more
    finally:
        out.close()


def test_lids_close_at_once_and_stay_shut() -> None:
    lids, beta = Lids(), MODEL.beta(blink_l=0.1, smile_l=0.4)
    course = [lids.close(beta, b) for b in (0, 1, 1, 1, 1, 0, 0, 0, 0)]
    left = [x[MODEL.index("blink_l")] / MODEL.full[MODEL.index("blink_l")] for x in course]
    np.testing.assert_allclose(left[2:5], 1, atol=1e-6)
    np.testing.assert_allclose([left[0], left[-1]], 0.1, atol=1e-6)
    assert left[0] < left[1] < left[2] and left[4] > left[5] > left[6] > left[7] - 1e-6
    for row in course:  # nothing else moves
        assert row[MODEL.index("smile_l")] == beta[MODEL.index("smile_l")]


def test_a_film_is_whole_and_in_step(tmp_path: Path) -> None:
    """Frames that were left out are held, sound goes on."""
    out = Film(tmp_path / "out.mp4")
    for number, count in ((0, 1), (1, 1), (2, 1), (8, 6), (9, 1)):
        seen = frame(number)
        out.send(Frame(**{**seen.__dict__, "sound": np.full(count * HOP, 0.1, np.float32)}))
    assert not (tmp_path / "out.mp4").exists()
    out.close()
    with av.open(str(tmp_path / "out.mp4")) as file:
        levels = [f.to_ndarray(format="gray").mean() for f in file.decode(video=0)]
        (sound,) = file.streams.audio
        assert float(sound.duration * sound.time_base) == pytest.approx(0.4, abs=0.03)
    steps = np.round((np.array(levels) - 16 * 0) / 20).astype(int)
    assert len(levels) == 10 and steps[0] <= 1 and steps[-1] > steps[2]
    assert np.ptp(levels[2:8]) < 3 and levels[8] > levels[7] + 50


def test_a_film_of_nothing_says_so(tmp_path: Path) -> None:
    out = Film(tmp_path / "out.mp4")
    out.close()
    assert not list(tmp_path.iterdir())
    with pytest.raises(ElpError, match="ending"):
        Film(tmp_path / "out.avi")


@pytest.mark.parametrize(
    ("module", "open_it", "package"),
    [
        ("pythonosc.osc_bundle_builder", lambda: Osc("127.0.0.1:9000"), "python-osc"),
        ("pylsl", Lsl, "pylsl"),
        ("websockets.sync.server", lambda: Websocket(0), "websockets"),
        ("pyvirtualcam", VirtualCamera, "pyvirtualcam"),
    ],
)
def test_missing_packages_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, module: str, open_it: Any, package: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ElpError, match=rf"needs {package} .*pip install -e \"\.\[live\]\""):
        open_it()


def test_a_missing_library_is_not_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr("elp.live.needs.importlib.import_module", missing)
    with pytest.raises(ElpError, match=r"not found\): install that library .* --microphone none"):
        needed("sounddevice", "sounddevice", "the microphone", ", or give --microphone none")


@pytest.mark.parametrize("address", ["", "here", "host:", "host:x", "host:0", "host:99999"])
def test_wrong_addresses_are_refused(address: str) -> None:
    with pytest.raises(ElpError, match="HOST:PORT"):
        endpoint(address)


def test_right_addresses() -> None:
    assert endpoint("10.0.0.2:39539") == ("10.0.0.2", 39539) and endpoint("80") == ("127.0.0.1", 80)


def test_a_taken_port_is_said() -> None:
    out = Websocket(0)
    try:
        with pytest.raises(ElpError, match="another one"):
            Websocket(out.port)
    finally:
        out.close()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Asked(), "nowhere to send"),
        (Asked(record=Path("a.mp4")), "pictures need a face"),
        (Asked(lsl=True, portrait=Path("a.png")), "a portrait is drawn for"),
        (Asked(record=Path("a.avi"), portrait=Path("a.png")), "ending"),
        (Asked(websocket=0), "1 to 65535"),
        (Asked(websocket=65536), "1 to 65535"),
        (Asked(osc="127.0.0.1:1"), "no such file"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(asked: Asked, sentence: str) -> None:
    with pytest.raises(ElpError, match=sentence):
        session("missing.mp4", asked)


@pytest.mark.slow
def test_lab_streaming_layer_carries_frames() -> None:
    pylsl = pytest.importorskip("pylsl")
    out = Lsl("ELP test")
    found = pylsl.resolve_byprop("source_id", "ELP test-listener", timeout=10)
    if not found:
        pytest.skip("this network carries no LSL")
    inlet = pylsl.StreamInlet(found[0])
    inlet.open_stream(timeout=10)
    out.send(frame(3, smile_r=0.5))
    row, stamp = inlet.pull_sample(timeout=10)
    assert (
        len(row) == 107
        and row[MODEL.index("smile_r")] > 0
        and row[100] == struct.unpack("f", struct.pack("f", 0.1))[0]
    )
    assert abs(pylsl.local_clock() - stamp) < 10
    out.close()
