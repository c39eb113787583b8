"""Speed and memory of corpora: simulating, writing 72 hours, bringing them onto the device that
trains (chapter "Simulated dyads").

    python experiments/corpus.py [--hours 72] [-o book/results/corpus.json]

The 72 hours are a simulated hour written again and again under other names: nothing here looks at
what it copies. They need 4 GB of disk and of memory for as long as this runs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import torch

from elp.corpus import Corpus, Record
from elp.motion import CLIP, FPS
from elp.records import run_card, write_json
from elp.simulator import simulate
from elp.training.sampler import Sampler


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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=72.0)
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
        loading = memory()
        sampler, loaded = timed(lambda: Sampler(big, CLIP))
        loaded |= {"pairs": len(sampler.places), "memory_before": loading, "memory_after": memory()}
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
            "load": loaded,
        }
        card = run_card(
            seed=0,
            started=started,
            command=f"python experiments/corpus.py --hours {args.hours:g}",
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
