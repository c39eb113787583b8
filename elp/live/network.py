"""Frames to other programs: OSC in the VMC protocol, Lab Streaming Layer, a websocket (chapter
"Live").
"""

from __future__ import annotations

import json
import queue
import socket
import struct
import threading
import time
from typing import Any

import numpy as np

from elp.errors import ElpError
from elp.face.model import FaceModel
from elp.live.needs import needed
from elp.live.outputs import NAMES, Frame
from elp.motion import FPS

LOCAL = "127.0.0.1"
NOWHERE = 0.0, 0.0, 0.0  # where a bone is, which turns only
FLOAT, HEAD = struct.Struct(">f"), 16  # of OSC: a number, and bytes before a bundle's first message
POSE_NAMES = ("pitch", "yaw", "roll", "x", "y", "z")


def endpoint(address: str) -> tuple[str, int]:
    """HOST:PORT or PORT of this machine; raises ElpError."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ElpError(f"{address}: no address: give HOST:PORT, such as 127.0.0.1:39539")
    return host or LOCAL, int(port)


class Osc:
    """VMC protocol over UDP, one bundle a frame: the head's bone, 52 blendshapes by Apple's names.

    Args:
        address: HOST:PORT.

    Raises:
        ElpError: no address, a host that is not known, or python-osc is missing.
    """

    def __init__(self, address: str) -> None:
        host, port = endpoint(address)
        self._bundle, self._places = vmc_bundle()
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            raise ElpError(f"{address}: {error.strerror or error}: check host and port") from error
        self._to: Any = found[4]
        self._socket = socket.socket(*found[:2])
        self._socket.setblocking(False)

    def send(self, frame: Frame) -> None:
        """See `Output.send`; a packet that the network refuses is lost, as UDP has it."""
        numbers = frame.number / FPS, *NOWHERE, *frame.quaternion, *frame.shapes.values()
        for place, number in zip(self._places, numbers, strict=True):
            FLOAT.pack_into(self._bundle, place, number)
        try:
            self._socket.sendto(self._bundle, self._to)
        except OSError:
            return

    def close(self) -> None:
        """The socket goes back."""
        self._socket.close()


def vmc_bundle() -> tuple[bytearray, list[int]]:
    """A frame's bundle, and where its numbers stand: the time, the head's place and quaternion,
    the shapes. Frames differ in these alone, and to build a bundle anew takes two milliseconds.

    Raises:
        ElpError: python-osc is missing.
    """
    bundles = needed("pythonosc.osc_bundle_builder", "python-osc", "--osc")
    builders = needed("pythonosc.osc_message_builder", "python-osc", "--osc")
    bundle = bundles.OscBundleBuilder(bundles.IMMEDIATELY)
    messages: list[tuple[str, list[Any]]] = [
        ("/VMC/Ext/OK", [1]),
        ("/VMC/Ext/T", [0.0]),
        ("/VMC/Ext/Bone/Pos", ["Head", *NOWHERE, *[0.0] * 4]),
        *(("/VMC/Ext/Blend/Val", [name, 0.0]) for name in NAMES),
        ("/VMC/Ext/Blend/Apply", []),
    ]
    places: list[int] = []
    end = HEAD
    for path, values in messages:
        builder = builders.OscMessageBuilder(path)
        for value in values:
            builder.add_arg(value)
        bundle.add_content(message := builder.build())
        end += FLOAT.size + message.size  # each comes after its own length, its numbers last
        floats = sum(isinstance(value, float) for value in values)
        places += range(end - floats * FLOAT.size, end, FLOAT.size)
    return bytearray(bundle.build().dgram), places


class Lsl:
    """Two streams of Lab Streaming Layer: "ELP listener", 107 numbers a frame (β, p, φ), stamped
    with the time at which the speaker's picture was taken; and "ELP events", a word when a blink
    begins and when `Listener.state` changes.

    Raises:
        ElpError: pylsl is missing.
    """

    def __init__(self, name: str = "ELP") -> None:
        self._lsl = needed("pylsl", "pylsl", "--lsl")
        model = FaceModel.default()
        modes = range(len(model.names), len(model.expression))
        labels = [*model.names, *(f"mode_{k}" for k in modes), *POSE_NAMES, "blink"]
        info = self._lsl.StreamInfo(
            f"{name} listener", "Mocap", len(labels), FPS, "float32", f"{name}-listener"
        )
        channels = info.desc().append_child("channels")
        for label in labels:
            channels.append_child("channel").append_child_value("label", label)
        self._motion = self._lsl.StreamOutlet(info)
        self._events = self._lsl.StreamOutlet(
            self._lsl.StreamInfo(f"{name} events", "Markers", 1, 0, "string", f"{name}-events")
        )
        self._before = (0, "")

    def send(self, frame: Frame) -> None:
        """See `Output.send`."""
        taken = self._lsl.local_clock() - (time.monotonic() - frame.time)
        row = np.concatenate([frame.beta, frame.pose, [frame.blink]]).astype(np.float32)
        self._motion.push_sample(row.tolist(), taken)
        blink, state = self._before
        if frame.blink > blink:
            self._events.push_sample(["blink"], taken)
        if frame.state != state:
            self._events.push_sample([frame.state], taken)
        self._before = frame.blink, frame.state

    def close(self) -> None:
        """Streams end with the process."""
        del self._motion, self._events


class Websocket:
    """Frames as JSON text to all browsers and programs of this machine that connect.

    Args:
        port: of this machine; nobody else can reach it.

    Raises:
        ElpError: websockets is missing, or the port is taken.
    """

    def __init__(self, port: int) -> None:
        server = needed("websockets.sync.server", "websockets", "--websocket")
        self._closed: type[Exception] = needed(
            "websockets.exceptions", "websockets", "--websocket"
        ).ConnectionClosed
        self._readers: set[queue.Queue[str | None]] = set()
        try:
            self._server = server.serve(self._serve, LOCAL, port)
        except (OSError, OverflowError) as error:
            raise ElpError(f"port {port}: {error}: give --websocket another one") from error
        self.port: int = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _serve(self, connection: Any) -> None:
        """One reader: it gets the newest frame when it is ready for one."""
        box: queue.Queue[str | None] = queue.Queue(1)
        self._readers.add(box)
        try:
            while (text := box.get()) is not None:
                connection.send(text)
        except self._closed:
            pass
        finally:
            self._readers.discard(box)

    def send(self, frame: Frame) -> None:
        """See `Output.send`."""
        if not self._readers:
            return
        text = json.dumps(
            {
                "frame": frame.number,
                "age": time.monotonic() - frame.time,
                "state": frame.state,
                "blink": frame.blink,
                "head": frame.quaternion,
                "place": frame.pose[3:].tolist(),
                "shapes": _short(frame.shapes),
                "weights": _short(frame.weights),
            }
        )
        for box in list(self._readers):
            _newest(box, text)

    def close(self) -> None:
        """Say goodbye to all readers."""
        for box in list(self._readers):
            _newest(box, None)
        self._server.shutdown()
        self._thread.join(timeout=2.0)


def _short(shares: dict[str, float]) -> dict[str, float]:
    return {name: round(x, 4) for name, x in shares.items()}


def _newest(box: queue.Queue[str | None], text: str | None) -> None:
    """Put into a box of one, instead of what is there."""
    while True:
        try:
            box.put_nowait(text)
            return
        except queue.Full:
            try:
                box.get_nowait()
            except queue.Empty:
                continue
