"""Many videos to clips, in parallel, resumable at any moment (chapter "Real conversations")."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elp.errors import ElpError
from elp.motion import Clip

EXTRACT = "elp.extraction.pipeline:extract"


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """How videos become clips.

    Attributes:
        cache: folder of finished clips; a run that is killed resumes from it. One run at a time may
            use it.
        extract: "module:function" that turns a path into a `Clip`.
        scheduler: None or "processes" for processes on this machine, "threads" for its threads, or
            the address of a Dask cluster ("tcp://host:8786") whose workers see the same files.
        workers: how many at once on this machine; by default one for each processor.
        progress: show a progress bar.
    """

    cache: Path
    extract: str = EXTRACT
    scheduler: str | None = None
    workers: int | None = None
    progress: bool = False

    def run(self, videos: Iterable[Path]) -> dict[Path, str]:
        """Extract every video that is not in the cache yet.

        Gives the reason for each that failed.
        """
        load_function(self.extract)  # a wrong name must fail here, not once for each video
        videos = sorted(set(videos))
        self.cache.mkdir(parents=True, exist_ok=True)
        for leftover in self.cache.glob(".*.npz"):  # of a run that was killed while writing
            leftover.unlink()
        tasks = {
            video: (str(video), str(self.clip_file(video)), self.extract)
            for video in videos
            if not self.clip_file(video).is_file()
        }
        reasons = _run(
            tasks,
            self.scheduler,
            self.workers or os.cpu_count() or 1,
            self.progress,
            done=len(videos) - len(tasks),
        )
        return {video: reason for video, reason in sorted(reasons.items()) if reason is not None}

    def clip_file(self, video: Path) -> Path:
        """Where the clip of a video is kept.

        The name depends on the video's path, size and the extraction.
        """
        size = video.stat().st_size if video.is_file() else -1
        return self.cache / (
            hashlib.sha256(f"{video.resolve()}|{size}|{self.extract}".encode()).hexdigest()[:32]
            + ".npz"
        )

    def clip(self, video: Path) -> Clip:
        """A finished clip."""
        return Clip.load(self.clip_file(video))


@contextmanager
def extraction(
    dest: Path,
    *,
    extract: str = EXTRACT,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> Iterator[Extraction]:
    """An `Extraction` whose cache lies beside `dest` and is deleted only after success.

    Two runs on one `dest` are refused.
    """
    cache = dest.with_name(f".{dest.name}.clips")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass  # no such locks on this system
        except OSError as error:
            raise ElpError(
                f"{dest}: another run is building this corpus: wait for it, or stop it first"
            ) from error
        # half-written corpora of killed runs
        for leftover in dest.parent.glob(f".{dest.name}.????????"):
            shutil.rmtree(leftover, ignore_errors=True)
        try:
            yield Extraction(
                cache=cache,
                extract=extract,
                scheduler=scheduler,
                workers=workers,
                progress=progress,
            )
        except BaseException:
            if not any(cache.glob("*.npz")):  # nothing to resume from
                shutil.rmtree(cache, ignore_errors=True)
            raise
    shutil.rmtree(cache, ignore_errors=True)


def load_function(name: str) -> Callable[[Path], Clip]:
    """The function "module:function"; raises ElpError where there is none."""
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ElpError(f"{name}: no such function ({error}): name it as module:function") from error


def extract_one(task: tuple[str, str, str]) -> str | None:
    """Extract one video into its file; gives None, or the reason why it failed."""
    video, target, function = task
    try:
        load_function(function)(Path(video)).save(target)
    except Exception as error:
        return " ".join(str(error).split()) or type(error).__name__
    return None


def _run(
    tasks: Mapping[Path, Any], scheduler: str | None, workers: int, progress: bool, done: int
) -> dict[Path, str | None]:
    from tqdm import tqdm

    with tqdm(
        total=len(tasks) + done, initial=done, desc="extracting", unit="video", disable=not progress
    ) as bar:
        if not tasks:
            return {}
        if scheduler in (None, "processes", "threads"):
            reasons = _here(
                list(tasks.values()), scheduler or "processes", min(workers, len(tasks)), bar.update
            )
        else:
            reasons = _cluster(list(tasks.values()), scheduler, bar.update)
    return dict(zip(tasks, reasons, strict=True))


def _here(
    tasks: list[Any], scheduler: str, workers: int, tick: Callable[[], Any]
) -> list[str | None]:
    """Dask's schedulers for one machine."""
    import multiprocessing
    from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    import dask
    from dask.callbacks import Callback

    pool: Executor = ThreadPoolExecutor(workers)
    # spawned: a forked process cannot use what the parent's threads hold
    if scheduler == "processes":
        pool = ProcessPoolExecutor(
            workers,
            multiprocessing.get_context("spawn"),
            initializer=_follow,
            initargs=(os.getpid(),),
        )
    try:
        with pool, Callback(posttask=lambda *_: tick()):
            return list(
                dask.compute(
                    *(dask.delayed(extract_one, pure=False)(task) for task in tasks),
                    scheduler=scheduler,
                    pool=pool,
                )
            )
    except BrokenProcessPool as error:
        raise ElpError(
            "a worker process died, perhaps for want of memory: "
            "run again with fewer workers, finished videos are kept"
        ) from error


def _cluster(tasks: list[Any], address: str, tick: Callable[[], Any]) -> list[str | None]:
    """An existing cluster, whose workers see the same files."""
    from dask.distributed import Client, as_completed

    try:
        client = Client(address, timeout="5s")
    except (OSError, TimeoutError, ValueError) as error:
        raise ElpError(
            f"{address}: no Dask cluster answers there: "
            "start one with 'dask scheduler', or leave this out"
        ) from error
    with client:
        futures = client.map(extract_one, tasks, pure=False)
        for _ in as_completed(futures):
            tick()
        # extract_one never raises: an error means that the worker itself died, four times
        return [
            future.result()
            if future.status == "finished"
            else "its worker died: too little memory?"
            for future in futures
        ]


def _follow(parent: int) -> None:
    """Leave when the parent is gone: a killed run must not leave workers behind."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
