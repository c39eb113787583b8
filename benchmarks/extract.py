"""Accuracy, speed and memory of `elp.extract`: `python benchmarks/extract.py [--data FOLDER]
[--minutes 1 3 30]`.

Writes book/results/extract.json, which the chapter "Parameter extraction" reads. The real clips are
samples that the book does not show; on the synthetic ones the truth is known. Speeds are of this
machine, one process, as many threads as torch takes: two on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import percentile_filter
from scipy.spatial.transform import Rotation

from elp.extraction.blink import blink, ear
from elp.extraction.fit import fit
from elp.extraction.pipeline import extract, sound
from elp.face import FaceModel
from elp.media.track import tracker
from elp.media.video import between, frames, pictures, probe
from elp.motion import Clip, blink_rate, runs
from elp.records import run_card, write_json
from elp.simulator.scene import conversation, minutes_of_blinks, observe

ROOT = Path(__file__).parents[1]
# frames in which both eyes are at least half covered, seen by eye in every frame around each
# closure
SHUT = {
    "st_WDA_KatieHill_000": [(23, 27), (31, 35), (112, 114), (170, 174)],
    "lp_d18": [(78, 83), (155, 157)],
    "lp_s18": [(5, 12), (133, 139)],
    "lp_s29": [],
}
MODEL = FaceModel.default()
PARTS = ("real", "synthetic", "speed_512", "memory")


def jitter(pose: np.ndarray, mirrored: np.ndarray) -> dict[str, float]:
    """Degrees, all in the second where the first is least: RMS of the rotations about a parabola,
    their white part, and what `mirrored` shares.

    Third differences of what a head does at 25 frames per second are small; those of white noise
    are √20 times the noise. The tracker errs otherwise when it sees the same pictures mirrored; the
    root of the covariance is movement that both show.
    """
    degrees, again = np.degrees(pose[:, :3]), np.degrees(mirrored[:, :3])
    first = int(np.argmin([(_rest(degrees, i) ** 2).mean() for i in range(len(pose) - 24)]))
    rest = _rest(degrees, first)
    return {
        "jitter_deg": round(float(np.sqrt((rest**2).mean())), 4),
        "white_jitter_deg": round(
            float(np.sqrt((np.diff(degrees[first : first + 25], 3, axis=0) ** 2).mean() / 20)), 4
        ),
        "shared_jitter_deg": round(float(np.sqrt(max((rest * _rest(again, first)).mean(), 0))), 4),
    }


def _rest(degrees: np.ndarray, first: int) -> np.ndarray:
    """(25, 3) what is left of a second of rotations without the parabola that fits them best."""
    t, second = np.arange(25), degrees[first : first + 25]
    return (
        second
        - np.polynomial.polynomial.polyval(t, np.polynomial.polynomial.polyfit(t, second, 2)).T
    )


def mirrored(path: Path) -> np.ndarray:
    """(T, 6) poses found in a clip's pictures with left and right exchanged, exchanged back; fit
    for comparing changes.
    """
    with tracker() as points_of:
        points = np.stack(
            list(
                between(
                    shown._replace(what=points_of(np.ascontiguousarray(shown.what[:, ::-1])))
                    for shown in pictures(path)
                )
            )
        )
    return fit(points, probe(path).size).pose * np.array([1, -1, -1, -1, 1, 1], np.float32)


def uneven(path: Path) -> float:
    """Share of an even camera's pictures that a file leaves out or shows twice: a head in it moves
    in jerks, whoever measures it.
    """
    grey = (cv2.cvtColor(shown.what, cv2.COLOR_RGB2GRAY) for shown in pictures(path, 1000))
    small = (
        cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA).astype(float)
        for picture in grey
    )
    return missing_or_repeated(np.array([np.abs(b - a).mean() for a, b in pairwise(small)]))


def missing_or_repeated(change: np.ndarray) -> float:
    """`uneven` from how much each picture differs from the one before it.

    Over a missing picture the change is about twice the usual, to a repeated one near 0. Who makes
    one rate from another does so in turn: what counts is the shortest cycle of 2 to 12 steps, come
    round ten times or more, in which one place is so in two rounds of three. A head by itself knows
    no such turns.
    """
    # above the median, which is 0 where every other picture is a repeated one
    usual = percentile_filter(change, 60, 11)
    relative = change / np.maximum(usual, 1e-6)
    for cycle in range(2, min(12, len(relative) // 10) + 1):
        rounds = [relative[k::cycle] for k in range(cycle)]
        missing, repeated = (
            sum(np.quantile(r, 1 / 3) > 1.3 for r in rounds),
            sum(np.quantile(r, 2 / 3) < 0.25 for r in rounds),
        )
        if missing or repeated:
            return round(float((missing + repeated) / (cycle + missing)), 3)
    return 0.0


def real(path: Path) -> tuple[Clip, dict[str, float]]:
    """Figures of one real clip; the distance between the outer eye corners comes from the fitted
    face.
    """
    clip = extract(path)
    face = MODEL.shape(clip.alpha, clip.motion.beta)
    eyes = (
        np.linalg.norm(face[:, 33] - face[:, 263], axis=1)
        * clip.focal
        / (clip.motion.pose[:, 5] + clip.origin[2])
    )
    truth = np.zeros(len(clip), np.uint8)
    for first, last in SHUT.get(path.stem, []):
        truth[first:last] = 1
    phi = clip.motion.blink
    return clip, {
        "frames": len(clip),
        "tracked": round(float(np.isfinite(clip.rms).mean()), 4),
        "rms_of_eye_distance": round(float(np.sqrt((clip.rms**2).mean()) / eyes.mean()), 5),
        "eye_distance_px": round(float(eyes.mean()), 1),
        **jitter(clip.motion.pose, mirrored(path)),
        "pictures_missing_or_repeated": uneven(path),
        "blinks": len(runs(phi)),
        "blinks_seen_by_eye": len(runs(truth)),
        "shut_frames_hit": int((phi & truth).sum()),
        "shut_frames_missed": int((truth & ~phi & 1).sum()),
        "shut_frames_false": int((phi & ~truth & 1).sum()),
        "blinks_per_minute": round(blink_rate(phi), 1),
    }


def synthetic() -> dict[str, float]:
    """Round trips with known truth, means over five people: noise 0.5 px at 512 x 512."""
    turned, relative, leak, hits, total = [], [], [], 0, 0
    smile = np.linalg.norm([MODEL.full[MODEL.index(n)] for n in ("smile_l", "smile_r")])
    for seed in range(5):
        scene = conversation(MODEL, seed=seed)
        found = fit(scene.points, scene.size, alpha=scene.alpha, focal=scene.focal)
        angle = (
            Rotation.from_rotvec(found.pose[:, :3]) * Rotation.from_rotvec(scene.pose[:, :3]).inv()
        ).magnitude()
        turned.append(np.degrees(np.sqrt((angle**2).mean())))
        relative.append(np.linalg.norm(found.beta - scene.beta) / np.linalg.norm(scene.beta))
        pose = np.zeros((31, 6), np.float32)
        pose[:, 5], pose[:, seed % 3] = 60, np.radians(np.linspace(-30, 30, 31))
        still = fit(
            observe(MODEL, scene.alpha, np.zeros((31, 100), np.float32), pose, 768.0, (512, 512)),
            (512, 512),
        )
        leak.append(np.linalg.norm(still.beta - still.beta.mean(0), axis=1).max() / smile)
        closure, truth = minutes_of_blinks(60, seed=seed)
        phi = blink(ear(_lids(closure, seed)))
        a, b = runs(phi), runs(truth)
        hits += sum(any(p < d and c < q for c, d in a) for p, q in b)
        total += len(a) + len(b)
    return {
        "rotation_rms_deg": round(float(np.mean(turned)), 4),
        "beta_relative_error": round(float(np.mean(relative)), 4),
        "turn_30_deg_leak_of_smile": round(float(np.max(leak)), 5),
        "blink_f1": round(2 * hits / total, 4),
        "people": 5,
    }


def _lids(closure: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    alpha, beta = (
        0.7 * rng.normal(size=len(MODEL.identity)),
        np.zeros((len(closure), 100), np.float32),
    )
    face = MODEL.shape(alpha)
    for name, upper, lower in (("blink_l", 386, 374), ("blink_r", 159, 145)):
        k = MODEL.index(name)
        beta[:, k] = (
            closure
            * (face[lower, 1] - face[upper, 1])
            / (MODEL.expression[k, upper, 1] - MODEL.expression[k, lower, 1])
        )
    points = MODEL.shape(alpha, beta)
    return points + 0.025 * rng.normal(size=points.shape).astype(np.float32)


def speed(path: Path, repeats: int = 5) -> dict[str, float]:
    """Frames per second of the whole after start-up, and milliseconds per frame of each stage alone
    (decoding and tracking overlap).

    The fastest of some runs: what else the machine does can only slow them. Its load average before
    that run is given, and the processor time that the run itself took, all threads together.
    """
    extract(path)  # start-up: imports, models, compiled code
    found = []
    for _ in range(repeats):
        load, at, busy = os.getloadavg()[0], time.perf_counter(), time.process_time()
        count = len(extract(path))
        whole, busy = time.perf_counter() - at, time.process_time() - busy
        found.append((whole, busy, load, stages(path)))
    whole, busy, load, each = min(found)
    return {
        "frames_per_second": round(count / whole, 1),
        "times_real_time": round(count / whole / 25, 2),
        "processor_ms": round(1e3 * busy / count, 2),
        "load_average_before": round(load, 2),
        **{f"{name}_ms": round(1e3 * seconds / count, 2) for name, seconds in each.items()},
    }


def stages(path: Path) -> dict[str, float]:
    """Seconds that each stage takes by itself."""
    times = [time.perf_counter()]
    pictures = list(frames(path))
    times.append(time.perf_counter())
    with tracker() as points_of:
        points_of(pictures[0])
        start = time.perf_counter() - times[-1]
        points = np.stack([points_of(picture) for picture in pictures])
    times.append(time.perf_counter() - start)
    fit(points, probe(path).size)
    times.append(time.perf_counter() - start)
    sound(path, len(points))
    times.append(time.perf_counter() - start)
    return dict(zip(("decode", "track", "fit", "mfcc"), np.diff(times).tolist(), strict=True))


def loop(path: Path, target: Path, seconds: float) -> None:
    """Repeat a file's packets, not decoded, until it lasts that long."""
    import av

    with av.open(str(path)) as source, av.open(str(target), "w") as out:
        streams = {
            s.index: out.add_stream_from_template(s)
            for s in (*source.streams.video, *source.streams.audio)
        }
        video = source.streams.video[0]
        length = float(video.duration * video.time_base)
        for turn in range(int(np.ceil(seconds / length))):
            source.seek(0)
            for packet in source.demux(*source.streams.video, *source.streams.audio):
                if packet.dts is not None:
                    shift = round(turn * length / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream.index]
                    out.mux(packet)


def memory(path: Path, minutes: list[float]) -> dict[str, dict[str, float]]:
    """Peak resident memory in MB (of 10⁶ bytes) of a fresh process that extracts the looped clip,
    and its frames per second with start-up.

    Linux only: what `resource.getrusage` calls the peak begins with that of the process that
    started this one.
    """
    code = (
        "import re, sys, time, warnings; warnings.simplefilter('ignore'); at = time.time()\n"
        "from elp.extraction.pipeline import extract; n = len(extract(sys.argv[1]))\n"
        "peak = int(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])\n"
        "print(peak * 1024 / 1e6, n / (time.time() - at), n)"
    )
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        for each in minutes:
            target = Path(folder) / "loop.mp4"
            loop(path, target, 60 * each)
            run = subprocess.run(
                [sys.executable, "-c", code, str(target)],
                capture_output=True,
                text=True,
                check=True,
                cwd=ROOT,
            )
            peak, fps, count = (float(x) for x in run.stdout.split())
            out[f"{each:g} min"] = {
                "peak_mb": round(peak),
                "frames_per_second_with_start_up": round(fps, 1),
                "frames": int(count),
            }
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of real samples"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        nargs="*",
        default=[1.0, 3.0],
        help="lengths of the looped clip for the memory figure",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        default=PARTS,
        help="parts to measure anew; the others stay as the file has them",
    )
    parser.add_argument("--output", type=Path, default=ROOT / "book" / "results" / "extract.json")
    args = parser.parse_args()
    started = time.time()
    speaker = args.data / "talking_videos" / "st_WDA_KatieHill_000.mp4"
    measure = {
        "real": lambda: {
            path.stem: real(path)[1]
            for path in sorted((args.data / "talking_videos").glob("*.mp4"))
        },
        "synthetic": synthetic,
        "speed_512": lambda: speed(speaker),
        "memory": lambda: memory(speaker, args.minutes),
    }
    old = json.loads(args.output.read_text()) if len(args.only) < len(PARTS) else {}
    result = {part: measure[part]() if part in args.only else old[part] for part in PARTS}
    print(json.dumps(result, indent=1))
    card = run_card(seed=0, started=started)
    cards = {
        part: {k: card[k] for k in ("commit", "command", "date")}
        if part in args.only
        else old["parts"][part]
        for part in PARTS
    }
    write_json(args.output, {**card, "parts": cards, **result})


if __name__ == "__main__":
    main()
