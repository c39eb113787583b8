"""Many videos to clips, in parallel, resumable at any moment (chapter "Real conversations")."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from elp.errors import ElpError
from elp.files import alone, check_folder, hidden, sweep, unwritable
from elp.files.stops import Stopped, number
from elp.files.workers import follow, no_main, stopping_workers, track_resources
from elp.motion import Clip

EXTRACT = "elp.extraction.pipeline:extract"
LARGEST = "largest"
LONGEST = 255  # bytes of a file's name on common disks
Outcome = tuple[str | None, list[str]]  # why a video failed, or None; and what was said about it


class Shot(NamedTuple):
    """Somebody in a video: which file, and which face in it, as `elp extract` takes it."""

    video: Path
    face: str = LARGEST


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """How videos become clips.

    Attributes:
        cache: folder of finished clips; a run that is killed resumes from it. One run at a time may
            use it.
        extract: "module:function" that turns a path into a `Clip`; with `face="left"` it is called
            where a face other than the largest is meant.
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

    def run(self, shots: Iterable[Shot]) -> dict[Shot, str]:
        """Extract whoever is not in the cache yet.

        Gives the reason for each that failed; raises ElpError where nobody is to work.
        """
        if self.workers is not None and self.workers < 1:
            raise ElpError(f"{self.workers} workers: give 1 or more, or leave it out")
        load_function(self.extract)  # a wrong name must fail here, not once for each video
        shots = sorted(set(shots))
        self.cache.mkdir(parents=True, exist_ok=True)
        sweep(self.cache)
        tasks = {
            shot: (str(shot.video), shot.face, str(self.clip_file(shot)), self.extract)
            for shot in shots
            if not self.clip_file(shot).is_file()
        }
        outcomes = _run(
            tasks,
            self.scheduler,
            self.workers or os.cpu_count() or 1,
            self.progress,
            done=len(shots) - len(tasks),
        )
        for note in dict.fromkeys(note for _, notes in outcomes.values() for note in notes):
            warnings.warn(note, stacklevel=2)
        return {shot: reason for shot, (reason, _) in sorted(outcomes.items()) if reason}

    def clip_file(self, shot: Shot) -> Path:
        """Where the clip of somebody in a video is kept.

        The name depends on the video's path, size, the face and the extraction.
        """
        video, face = shot
        size, place = -1, video
        with suppress(OSError, ValueError):  # a name too long, or with a NUL: that video fails
            place = video.resolve()
            size = video.stat().st_size if video.is_file() else -1
        name = f"{place}|{size}|{self.extract}" + f"|{face}" * (face != LARGEST)
        return self.cache / f"{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.npz"

    def clip(self, shot: Shot) -> Clip:
        """A finished clip."""
        return Clip.load(self.clip_file(shot))


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
    check_folder(dest)
    cache = _cache(dest)
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(dest, error=error) from error
    with alone(cache / "lock", f"{dest}: another run is building this corpus"):
        try:
            yield Extraction(
                cache=cache,
                extract=extract,
                scheduler=scheduler,
                workers=workers,
                progress=progress,
            )
        except BaseException as error:
            sweep(cache)
            kept = sum(1 for _ in cache.glob("*.npz"))
            if not kept:  # nothing to resume from
                shutil.rmtree(cache, ignore_errors=True)
            if isinstance(error, KeyboardInterrupt):
                said = f"{dest}: {kept} finished videos are kept: the same command goes on"
                raise Stopped(said, number(error)) from error
            raise
    shutil.rmtree(cache, ignore_errors=True)


def _cache(dest: Path) -> Path:
    """The hidden folder of finished clips beside a corpus, under that corpus's name if it fits."""
    cache = dest.with_name(f".{dest.name}.clips")
    return cache if len(os.fsencode(cache.name)) <= LONGEST else hidden(dest, ".clips")


def load_function(name: str) -> Callable[[Path], Clip]:
    """The function "module:function"; raises ElpError where there is none."""
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ElpError(f"{name}: no such function ({error}): name it as module:function") from error


def extract_one(task: tuple[str, str, str, str]) -> str | None:
    """Extract somebody in a video into a file; gives None, or the reason why it failed."""
    video, face, target, function = task
    options = {} if face == LARGEST else {"face": face}
    try:
        load_function(function)(Path(video), **options).save(target)
    except Exception as error:
        return " ".join(str(error).split()) or type(error).__name__
    return None


def extract_apart(task: tuple[str, str, str, str]) -> Outcome:
    """The same in a process of its own, with its warnings: the parent says them in its own way."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        reason = extract_one(task)
    return reason, [str(w.message) for w in said if issubclass(w.category, UserWarning)]


def extract_beside(task: tuple[str, str, str, str]) -> Outcome:
    """The same in a thread, or on a cluster: what is said there stays there."""
    return extract_one(task), []


def _run(
    tasks: Mapping[Shot, Any], scheduler: str | None, workers: int, progress: bool, done: int
) -> dict[Shot, Outcome]:
    from tqdm import tqdm

    with tqdm(
        total=len(tasks) + done, initial=done, desc="extracting", unit="video", disable=not progress
    ) as bar:
        if not tasks:
            return {}
        if scheduler in (None, "processes", "threads"):
            outcomes = _here(
                list(tasks.values()), scheduler or "processes", min(workers, len(tasks)), bar.update
            )
        else:
            outcomes = _cluster(list(tasks.values()), scheduler, bar.update)
    return dict(zip(tasks, outcomes, strict=True))


def _here(tasks: list[Any], scheduler: str, workers: int, tick: Callable[[], Any]) -> list[Outcome]:
    """Dask's schedulers for one machine."""
    import multiprocessing
    from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    import dask
    from dask.callbacks import Callback

    pool: Executor = ThreadPoolExecutor(workers)
    extract = extract_beside
    # spawned: a forked process cannot use what the parent's threads hold
    if scheduler == "processes":
        if any(function.startswith("__main__:") for *_, function in tasks):
            raise ElpError(
                "workers cannot find a function of the script that starts them: "
                "put it into a module of its own"
            )
        extract = extract_apart
        track_resources()
        pool = ProcessPoolExecutor(
            workers,
            multiprocessing.get_context("spawn"),
            initializer=follow,
            initargs=(os.getpid(),),
        )
    try:
        with (
            no_main(),
            pool,
            Callback(posttask=lambda *_: tick()),
            stopping_workers(),
        ):
            return list(
                dask.compute(
                    *(dask.delayed(extract, pure=False)(task) for task in tasks),
                    scheduler=scheduler,
                    pool=pool,
                )
            )
    except BrokenProcessPool as error:
        raise ElpError(
            "a worker process died, perhaps for want of memory: "
            "run again with fewer workers, finished videos are kept"
        ) from error


def _cluster(tasks: list[Any], address: str, tick: Callable[[], Any]) -> list[Outcome]:
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
        futures = client.map(extract_beside, tasks, pure=False)
        for _ in as_completed(futures):
            tick()
        # extract_beside never raises: an error means that the worker itself died, four times
        return [
            future.result()
            if future.status == "finished"
            else ("its worker died: too little memory?", [])
            for future in futures
        ]
