"""Accuracy, speed and memory of `elp.extract`: `python benchmarks/extract.py [--data FOLDER] [--minutes 1 3 30]`.

Writes book/results/extract.json, which the chapter "Parameter extraction" reads. The real clips are samples that the book does not show;
on the synthetic ones the truth is known. Speeds are of this machine, one process, as many threads as torch takes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from elp.extract import extract
from elp.face import FaceModel
from elp.face.blink import blink, ear, rate, runs
from elp.face.fit import fit
from elp.face.synthetic import conversation, minutes_of_blinks, observe
from elp.files import run_card, write_json
from elp.motion import Clip

ROOT = Path(__file__).parents[1]
# frames in which both eyes are at least half covered, seen by eye in every frame around each closure
SHUT = {
    "st_WDA_KatieHill_000": [(23, 27), (31, 35), (112, 114), (170, 174)],
    "lp_d18": [(78, 83), (155, 157)],
    "lp_s18": [(5, 12), (133, 139)],
    "lp_s29": [],
}
MODEL = FaceModel.default()


def jitter(pose: np.ndarray) -> float:
    """Degrees: RMS of the rotations about a parabola, in the second where that is least."""
    t, degrees = np.arange(25), np.degrees(pose[:, :3])
    rest = [degrees[i : i + 25] - np.polynomial.polynomial.polyval(t, np.polynomial.polynomial.polyfit(t, degrees[i : i + 25], 2)).T
            for i in range(len(pose) - 24)]  # fmt: skip
    return float(min(np.sqrt((r**2).mean()) for r in rest))


def real(path: Path) -> tuple[Clip, dict[str, float]]:
    """Figures of one real clip; the distance between the outer eye corners comes from the fitted face."""
    clip = extract(path)
    face = MODEL.shape(clip.alpha, clip.motion.beta)
    eyes = np.linalg.norm(face[:, 33] - face[:, 263], axis=1) * clip.focal / (clip.motion.pose[:, 5] + clip.origin[2])
    truth = np.zeros(len(clip), np.uint8)
    for first, last in SHUT.get(path.stem, []):
        truth[first:last] = 1
    phi = clip.motion.blink
    return clip, {
        "frames": len(clip),
        "tracked": round(float(np.isfinite(clip.rms).mean()), 4),
        "rms_of_eye_distance": round(float(np.sqrt((clip.rms**2).mean()) / eyes.mean()), 5),
        "eye_distance_px": round(float(eyes.mean()), 1),
        "jitter_deg": round(jitter(clip.motion.pose), 4),
        "blinks": len(runs(phi)),
        "blinks_seen_by_eye": len(runs(truth)),
        "shut_frames_hit": int((phi & truth).sum()),
        "shut_frames_missed": int((truth & ~phi & 1).sum()),
        "shut_frames_false": int((phi & ~truth & 1).sum()),
        "blinks_per_minute": round(rate(phi), 1),
    }


def synthetic() -> dict[str, float]:
    """Round trips with known truth, means over five people: noise 0.5 px at 512 x 512."""
    turned, relative, leak, hits, total = [], [], [], 0, 0
    smile = np.linalg.norm([MODEL.full[MODEL.index(n)] for n in ("smile_l", "smile_r")])
    for seed in range(5):
        scene = conversation(MODEL, seed=seed)
        found = fit(scene.points, scene.size, alpha=scene.alpha, focal=scene.focal)
        angle = (Rotation.from_rotvec(found.pose[:, :3]) * Rotation.from_rotvec(scene.pose[:, :3]).inv()).magnitude()
        turned.append(np.degrees(np.sqrt((angle**2).mean())))
        relative.append(np.linalg.norm(found.beta - scene.beta) / np.linalg.norm(scene.beta))
        pose = np.zeros((31, 6), np.float32)
        pose[:, 5], pose[:, seed % 3] = 60, np.radians(np.linspace(-30, 30, 31))
        still = fit(observe(MODEL, scene.alpha, np.zeros((31, 100), np.float32), pose, 768.0, (512, 512)), (512, 512))
        leak.append(np.linalg.norm(still.beta - still.beta.mean(0), axis=1).max() / smile)
        closure, truth = minutes_of_blinks(60, seed=seed)
        phi = blink(ear(_lids(closure, seed)))
        a, b = runs(phi), runs(truth)
        hits += sum(any(p < d and c < q for c, d in a) for p, q in b)
        total += len(a) + len(b)
    return {
        "rotation_rms_deg": round(float(np.mean(turned)), 4), "beta_relative_error": round(float(np.mean(relative)), 4),
        "turn_30_deg_leak_of_smile": round(float(np.max(leak)), 5), "blink_f1": round(2 * hits / total, 4), "people": 5,
    }  # fmt: skip


def _lids(closure: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    alpha, beta = 0.7 * rng.normal(size=len(MODEL.identity)), np.zeros((len(closure), 100), np.float32)
    face = MODEL.shape(alpha)
    for name, upper, lower in (("blink_l", 386, 374), ("blink_r", 159, 145)):
        k = MODEL.index(name)
        beta[:, k] = closure * (face[lower, 1] - face[upper, 1]) / (MODEL.expression[k, upper, 1] - MODEL.expression[k, lower, 1])
    points = MODEL.shape(alpha, beta)
    return points + 0.025 * rng.normal(size=points.shape).astype(np.float32)


def speed(path: Path) -> dict[str, float]:
    """Frames per second of the whole after start-up, and milliseconds per frame of each stage alone (decoding and tracking overlap)."""
    from elp.extract import sound
    from elp.media.track import Tracker
    from elp.media.video import frames, probe

    extract(path)  # start-up: imports, models, compiled code
    at = time.perf_counter()
    count = len(extract(path))
    whole = time.perf_counter() - at
    stages: dict[str, float] = {}
    at = time.perf_counter()
    pictures = list(frames(path))
    stages["decode"] = time.perf_counter() - at
    with Tracker() as tracker:
        tracker(pictures[0])
        at = time.perf_counter()
        points = np.stack([tracker(picture) for picture in pictures])
        stages["track"] = time.perf_counter() - at
    at = time.perf_counter()
    fit(points, probe(path).size)
    stages["fit"] = time.perf_counter() - at
    at = time.perf_counter()
    sound(path, count)
    stages["mfcc"] = time.perf_counter() - at
    per_frame = {f"{name}_ms": round(1e3 * seconds / count, 2) for name, seconds in stages.items()}
    return {"frames_per_second": round(count / whole, 1), "times_real_time": round(count / whole / 25, 2), **per_frame}


def loop(path: Path, target: Path, seconds: float) -> None:
    """Repeat a file's packets, not decoded, until it lasts that long."""
    import av

    with av.open(str(path)) as source, av.open(str(target), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in (*source.streams.video, *source.streams.audio)}
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
    """Peak resident memory in MB of a fresh process that extracts the looped clip, and its frames per second with start-up."""
    code = (
        "import resource, sys, time, warnings; warnings.simplefilter('ignore'); at = time.time()\n"
        "from elp.extract import extract; n = len(extract(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, n / (time.time() - at), n)"
    )
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        for each in minutes:
            target = Path(folder) / "loop.mp4"
            loop(path, target, 60 * each)
            run = subprocess.run([sys.executable, "-c", code, str(target)], capture_output=True, text=True, check=True, cwd=ROOT)
            peak, fps, count = (float(x) for x in run.stdout.split())
            out[f"{each:g} min"] = {"peak_mb": round(peak), "frames_per_second_with_start_up": round(fps, 1), "frames": int(count)}
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of real samples")
    parser.add_argument("--minutes", type=float, nargs="*", default=[1.0, 3.0], help="lengths of the looped clip for the memory figure")
    parser.add_argument("--output", type=Path, default=ROOT / "book" / "results" / "extract.json")
    args = parser.parse_args()
    started = time.time()
    clips = {path.stem: real(path)[1] for path in sorted((args.data / "talking_videos").glob("*.mp4"))}
    print(json.dumps(clips, indent=1))
    speaker = args.data / "talking_videos" / "st_WDA_KatieHill_000.mp4"
    result = {"real": clips, "synthetic": synthetic(), "speed_512": speed(speaker), "memory": memory(speaker, args.minutes)}
    print(json.dumps(result, indent=1))
    write_json(args.output, {**run_card(seed=0, started=started), **result})


if __name__ == "__main__":
    main()
