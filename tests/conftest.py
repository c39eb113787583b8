"""What all tests share: one thread, no colour, the folder of real samples."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"  # two workers on two cores; and sums come out in one order

import hypothesis
import pytest

if TYPE_CHECKING:
    from elp.corpus import Corpus
    from elp.motion import Clip

hypothesis.settings.register_profile("elp", deadline=None, derandomize=True, max_examples=25)
hypothesis.settings.load_profile("elp")

ROOT = Path(__file__).parents[1]
CHROMIUM = Path("/usr/bin/chromium")


def pytest_configure() -> None:
    """A job that a shell put in the background ignores Ctrl-C, one under nohup HUP, and so would
    all that tests start: tests of what signals do want them heard.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for name, heard in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)  # Windows has no HUP
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, heard)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The simulated corpus "tiny" without its sound, seed 0: made once for all tests of a worker,
    which only read it.
    """
    from elp.simulator import simulate

    return simulate(tmp_path_factory.mktemp("simulated") / "tiny", "tiny", 0, audio=False)


@pytest.fixture(scope="module")
def short_validation() -> Iterator[None]:
    """Validate on 32 clips where a run takes 256: most of a short training's time."""
    from elp.training import run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "validate", partial(run.validate, count=32))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos, portraits, speech and conversations, or a skip that says where to
    put it.
    """
    folder = Path(os.environ.get("ELP_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "MANIFEST.csv").exists():
        pytest.skip(f"no real samples in {folder}: name their folder in ELP_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def real_speaker(shared_data: Path) -> Clip:
    """Eight seconds of one real speaker, measured once."""
    from elp.extraction.pipeline import extract

    return extract(shared_data / "talking_videos" / "st_WDA_KatieHill_000.mp4")


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's path, or a skip."""
    path = Path(os.environ.get("ELP_CHROMIUM", CHROMIUM))
    if not path.exists():
        pytest.skip(
            f"no Chromium at {path}: install Debian's chromium, or name one in ELP_CHROMIUM"
        )
    return path
