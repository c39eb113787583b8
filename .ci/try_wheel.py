"""What `.ci/run` asks of the installed wheel: it brings its data and does the main job.

Runs with the Python of an environment that knows the repository by nothing but the wheel.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import av
import numpy as np
import skimage.data
from PIL import Image

import elp
from elp.media.write import write_video
from elp.motion import Motion
from elp.render import Portrait, render

ENVIRONMENT = Path(sys.prefix)
# what setuptools leaves out unless it is told
DATA = (
    "py.typed",
    "face/default_face.npz",
    "model/checkpoints/listener.safetensors",
    "model/checkpoints/listener.json",
    "book/widgets/js/view.js",
)


def speaker(portrait: Path, path: Path, seconds: int = 2) -> None:
    """A video of the portrait, who nods and speaks without sound: what a camera would have seen."""
    face = Portrait.load(portrait)
    t = np.arange(25 * seconds) / 25
    beta, pose = np.zeros((len(t), face.beta.size)), np.zeros((len(t), 6))
    jaw = face.model.index("jaw_open")
    beta[:, jaw] = 0.3 * face.model.full[jaw] * np.sin(2 * np.pi * 3 * t) ** 2
    pose[:, 0] = np.deg2rad(6) * np.sin(2 * np.pi * t)
    motion = Motion(beta=beta, pose=pose, blink=np.zeros(len(t), np.uint8))
    write_video(path, render(face, motion))


def main() -> None:
    package = Path(elp.__file__).parent
    assert ENVIRONMENT in package.parents, f"elp comes from {package}, not from the wheel"
    missing = [name for name in DATA if not (package / name).is_file()]
    assert not missing, f"the wheel lacks {missing}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        portrait, talk, answer = (folder / n for n in ("face.png", "talk.mp4", "answer.mp4"))
        Image.fromarray(skimage.data.astronaut()).save(portrait)
        speaker(portrait, talk)
        command = [ENVIRONMENT / "bin" / "elp", "respond", talk, "--portrait", portrait]
        subprocess.run([*command, "-o", answer, "--emotion", "positive"], check=True, cwd=folder)
        with av.open(str(answer)) as file:
            frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert np.shape(frames) == (50, 512, 512, 3), np.shape(frames)
    assert np.std(frames, axis=0).max() > 5, "the listener does not move"
    print(f"elp {version('elp')} from {package.relative_to(ENVIRONMENT)}: {len(frames)} frames")


if __name__ == "__main__":
    main()
