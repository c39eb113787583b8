"""`elp respond` on real speakers and portraits: wall time, start-up included, over the length of
the video.

    python benchmarks/respond.py VIDEOS PORTRAITS [--keep FOLDER] [-o book/results/respond.json]

Each run is a fresh process, as a user's would be. `--keep` leaves the videos there to be looked at.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from elp.media.video import probe
from elp.records import run_card, write_json


def measure(video: Path, portrait: Path, out: Path, emotion: str) -> dict[str, object]:
    """One run: seconds and the ratio to the video's length."""
    run = [
        sys.executable,
        "-m",
        "elp.cli",
        "respond",
        video,
        "--portrait",
        portrait,
        "--emotion",
        emotion,
        "--side-by-side",
        "-o",
        out,
    ]
    started = time.perf_counter()
    subprocess.run([str(part) for part in run], check=True, capture_output=True)
    seconds = time.perf_counter() - started
    seen = probe(video)
    row = {
        "video": f"{seen.size[0]}x{seen.size[1]}, {seen.duration:.1f} s",
        "emotion": emotion,
        "seconds": round(seconds, 2),
    }
    return row | {"times_real_time": round(seconds / seen.duration, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", type=Path)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("book/results/respond.json"))
    args = parser.parse_args()
    started, rows = time.time(), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        faces = sorted(p for p in args.portraits.iterdir() if p.suffix in (".jpg", ".png"))
        for video in sorted(args.videos.glob("*.mp4")):
            for face, emotion in zip(faces[:3], ("negative", "neutral", "positive"), strict=True):
                rows.append(
                    measure(
                        video, face, folder / f"{video.stem}-{face.stem}-{emotion}.mp4", emotion
                    )
                )
                print(rows[-1], flush=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    card = run_card(
        seed=0, started=started, command="python benchmarks/respond.py VIDEOS PORTRAITS"
    )
    write_json(args.output, card | {"peak_memory_gb": round(peak, 2), "runs": rows})


if __name__ == "__main__":
    main()
