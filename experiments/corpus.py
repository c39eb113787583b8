"""Speed and memory of corpora: simulating, writing, gathering random clips from 72 hours (chapter
"Simulated dyads").

    python experiments/corpus.py [--hours 72] [-o book/results/corpus.json]

The 72 hours are a simulated hour written again and again under other names: gathering does not look
at what it copies. They need 4 GB of disk for as long as the benchmark runs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import torch

from elp.corpus import Corpus, Record
from elp.motion import FPS
from elp.records import run_card, write_json
from elp.simulator import simulate

FRAMES, BATCH = 50, 512


def timed(work) -> tuple[Any, dict[str, float]]:  # type: ignore[no-untyped-def]
    """Result, and seconds on the clock and of the processors."""
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, {
        "seconds": round(time.perf_counter() - clock, 2),
        "cpu_seconds": round(time.process_time() - processor, 2),
    }


def memory() -> dict[str, float]:
    """Resident memory of this process in MB: its own, and pages of files that the system may take
    back.
    """
    with open("/proc/self/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return {
        name: round(int(fields[key].split()[0]) / 1024, 1)
        for name, key in (("own_mb", "RssAnon"), ("file_mb", "RssFile"))
    }


def repeated(corpus: Corpus, hours: float) -> Iterator[Record]:
    """The conversations of a corpus again and again, as many hours as asked for."""
    left = hours * 3600 * FPS
    for turn in itertools.count():
        for pair in corpus.pairs().itertuples():
            common: dict[str, Any] = {
                "clip": f"{turn}/{pair.clip}",
                "emotion": corpus.emotions[pair.emotion],
                "split": pair.split,
            }
            said = corpus.speaker(pair)
            yield Record(
                person=pair.speaker,
                partner=pair.listener,
                role="speaker",
                motion=said.motion,
                mfcc=said.mfcc,
                **common,
            )
            yield Record(
                person=pair.listener,
                partner=pair.speaker,
                role="listener",
                motion=corpus.listener(pair),
                **common,
            )
            left -= pair.length
            if left <= 0:
                return


def gathering(corpus: Corpus, threads: int, seconds: float) -> dict[str, Any]:
    """Random training clips per second from `threads` threads, and the memory before and after."""
    pairs = corpus.pairs("train")
    counts, stop = [0] * threads, time.perf_counter() + seconds

    def work(k: int) -> None:
        rng, clips = np.random.default_rng(k), None
        while time.perf_counter() < stop:
            starts = corpus.draw(pairs, FRAMES, BATCH, rng)
            clips = corpus.gather(starts.speaker, starts.listener, FRAMES, clips)
            counts[k] += BATCH

    before, begun, processor = memory(), time.perf_counter(), time.process_time()
    workers = [threading.Thread(target=work, args=(k,)) for k in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {
        "threads": threads,
        "clips": sum(counts),
        "clips_per_second": round(sum(counts) / (time.perf_counter() - begun)),
        "clips_per_cpu_second": round(sum(counts) / (time.process_time() - processor)),
        "memory_before": before,
        "memory_after": memory(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=72.0)
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="of gathering, for each number of threads"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("book/results/corpus.json"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    started, scratch = time.time(), Path(tempfile.mkdtemp())
    try:
        _, heard = timed(lambda: simulate(scratch / "heard", "vico"))
        _, silent = timed(lambda: simulate(scratch / "silent", "vico", audio=False))
        hour, _ = timed(lambda: simulate(scratch / "hour", "l2l", hours=1.0, audio=False))
        before = memory()
        big, written = timed(
            lambda: Corpus.write(scratch / "big", repeated(hour, args.hours), card_of(hour))
        )
        size = sum(path.stat().st_size for path in big.folder.iterdir())
        small = gathering(hour, 1, args.seconds / 2)
        gathered = [gathering(big, threads, args.seconds) for threads in (1, 2)]
        result = {
            "vico_with_audio": heard,
            "vico_without_audio": silent,
            "hours_of_vico": 95 / 60,
            "write": written
            | {
                "hours": args.hours,
                "gigabytes": round(size / 1e9, 2),
                "memory_before": before,
                "memory_after": memory(),
            },
            "gather_one_hour": small,
            "gather": gathered,
            "frames": FRAMES,
            "batch": BATCH,
        }
        card = run_card(
            seed=0,
            started=started,
            command=f"python experiments/corpus.py --hours {args.hours:g} "
            f"--seconds {args.seconds:g}",
        )
        write_json(args.output, card | result)
        for name, value in result.items():
            print(name, value)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def card_of(corpus: Corpus) -> dict[str, Any]:
    """A card for the repeated corpus."""
    return {
        "name": "one simulated hour, repeated",
        "emotions": corpus.emotions,
        "source": "simulated",
        "licence": "MIT",
        "made": {},
    }


if __name__ == "__main__":
    main()
