"""A light extraction for tests of building: the "video" holds how many frames it has, or what is
wrong with it.
"""

import os
import time
import warnings
from pathlib import Path

import numpy as np

from elp.errors import ElpError
from elp.motion import Clip, Motion


def extract(path: Path, *, face: str = "largest") -> Clip:
    """Clip of as many frames as the file says, another one for another face; takes
    ELP_TEST_PAUSE seconds and notes that it ran in ELP_TEST_LOG.
    """
    text = Path(path).read_text()
    if log := os.environ.get("ELP_TEST_LOG"):
        with open(log, "a") as file:
            file.write(f"{Path(path).name}\n")
    time.sleep(float(os.environ.get("ELP_TEST_PAUSE", 0)))
    if text == "warn":
        warnings.warn(f"{Path(path).name}: seen in half of the frames", stacklevel=2)
        text = "20"
    if not text.isdigit():
        raise ElpError(f"{Path(path).name}: {text}")
    frames = int(text)
    rng = np.random.default_rng(sum((Path(path).name + face).encode()))
    motion = Motion(
        beta=rng.standard_normal((frames, 100)),
        pose=0.1 * rng.standard_normal((frames, 6)),
        blink=rng.integers(0, 2, frames),
    )
    return Clip(
        motion=motion,
        mfcc=rng.standard_normal((frames, 29)).astype(np.float32),
        source=Path(path).name,
    )


def build_slowly(source: Path, dest: Path, log: Path) -> None:
    """Build a corpus with this extraction, 0.1 s a video, noting in `log` which were begun: for a
    process of its own.
    """
    from elp.corpus.importers import import_corpus

    os.environ |= {"ELP_TEST_LOG": str(log), "ELP_TEST_PAUSE": "0.1"}
    import_corpus(
        "folder", source, dest, extract="tests.light:extract", scheduler="threads", workers=2
    )
