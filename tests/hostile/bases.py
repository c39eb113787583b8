"""The sound files that cases damage: made once, from the folder of real samples."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Bases:
    """Paths of sound files: half a second of a talking face, what was measured of it, a portrait, a
    simulated corpus and a model trained on it for one step.
    """

    films: dict[str, Path]
    clip: Path
    portraits: dict[str, Path]
    corpus: Path
    model: Path


def make_bases(folder: Path, samples: Path) -> Bases:
    """Make them all in `folder`; imports what commands need, which forked ones then have."""
    from PIL import Image

    from elp.corpus.importers import import_corpus  # noqa: F401  for the forked
    from elp.evaluation import methods  # noqa: F401  the same
    from elp.extraction.pipeline import extract
    from elp.listener import ELPResponder  # noqa: F401  the same
    from elp.media.video import frames
    from elp.media.write import write_video
    from elp.simulator import simulate
    from elp.training import recipes
    from elp.training.run import train

    video = sorted((samples / "talking_videos").glob("st_*.mp4"))[0]
    pictures = [image[: len(image) // 2 * 2] for image in islice(frames(video), 12)]
    films = {kind: folder / f"film.{kind}" for kind in ("mp4", "webm", "mkv", "avi", "wav")}
    write_video(films["mp4"], pictures, audio=video)
    for kind, codec in (("webm", "libvpx"), ("mkv", "mjpeg"), ("avi", "mpeg4")):
        _film(films[kind], codec, pictures)
    _wave(films["wav"])
    (folder / "videos").mkdir()
    for name in ("a", "b"):
        shutil.copy(films["mp4"], folder / "videos" / f"{name}.mp4")
    portrait = Image.open(sorted((samples / "portraits").glob("lp_*.jpg"))[0]).convert("RGB")
    portrait.thumbnail((400, 400))
    portraits = {kind: folder / f"portrait.{kind}" for kind in ("jpg", "png", "webp")}
    for path in portraits.values():
        portrait.save(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        extract(films["mp4"]).save(folder / "clip.npz")
    corpus = simulate(folder / "corpus", "tiny", 0, audio=False)
    from dataclasses import replace

    train(replace(recipes.get("tiny"), steps=1), corpus, folder / "run", device="cpu")
    return Bases(
        films=films,
        clip=folder / "clip.npz",
        portraits=portraits,
        corpus=folder / "corpus",
        model=folder / "run" / "model.safetensors",
    )


def _film(path: Path, codec: str, pictures: list[Any]) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        height, width = pictures[0].shape[:2]
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for image in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def _wave(path: Path) -> None:
    import soundfile

    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(8000), 16000)
