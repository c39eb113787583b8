"""Train the renderers of section 3.4 on simulated people, and measure them on others (chapter "The
renderer").

    python experiments/mesh2video.py --out runs/mesh2video --seconds 540

Everything lives on one device; each network gets its share of the time. What is done is written at
once: a run that is stopped leaves what it had.
"""

# B pair, L landmark, S side of a picture in pixels
from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from elp.records import run_card, write_json
from elp.render.mesh2video import checkpoint
from elp.render.mesh2video.draws import RandomDraws
from elp.render.mesh2video.footage import Footage, Pair
from elp.render.mesh2video.landmarks import EYES, LIPS, MARKS, LandmarkNet
from elp.render.mesh2video.layers import on
from elp.render.mesh2video.network import Mesh2Video
from elp.render.mesh2video.recipes import RECIPES, RendererRecipe
from elp.render.mesh2video.studio import Studio
from elp.render.mesh2video.trainer import LandmarkTrainer, Learner, RendererTrainer
from elp.training.distributed import Group

SHARES = {"flow": 0.4, "fomm": 0.3, "slim-flow": 0.3}  # of the training time
SAVE_EVERY = 45.0  # seconds
EVERY = 50  # steps between two looks at the clock
JUDGE = 40  # channels of the judge, whom no loss has seen
HELD = 1000  # seed of the people who are only measured
SHOWN = 8  # people on the sheet
Render = Callable[[Pair], Tensor]


class Clock:
    """What is left of the time."""

    def __init__(self, seconds: float) -> None:
        self.start, self.seconds = time.time(), seconds

    @property
    def left(self) -> float:
        return self.seconds - (time.time() - self.start)

    def say(self, text: str) -> None:
        print(f"[{time.time() - self.start:6.1f} s] {text}", flush=True)


def film(people: int, states: int, side: int, seed: int, device: str, seconds: float) -> Footage:
    """As many of `people` as can be drawn in so many seconds."""
    studio, parts, start = Studio(seed, device), [], time.time()
    group = min(people, 64)
    while len(parts) * group < people and (not parts or time.time() - start < seconds):
        parts.append(studio.film(group, states, side).tensors)
    tensors = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return Footage(tensors, RandomDraws.seeded(seed, device))


def landmark_net(
    footage: Footage, group: Group, width: int, seed: int, seconds: float, batch: int
) -> LandmarkNet:
    """A network that has learned to find landmarks for so many seconds."""
    torch.manual_seed(seed)
    net = on(LandmarkNet(width), group.device)
    trainer = LandmarkTrainer(
        f"landmarks-{seed}", net, footage, group, steps=10**6, batch=batch, lr=1e-3, seed=seed
    )
    _train(trainer, seconds, lambda: None)
    return net.eval().requires_grad_(False)


def _train(trainer: Learner, seconds: float, keep: Callable[[], None]) -> dict[str, float]:
    """Train for so many seconds: the speed of the first steps says how many steps that makes."""
    start = saved = time.time()
    counted, first = 0, start
    judged = False
    while (spent := time.time() - start) < seconds:
        for _ in range(EVERY if counted else 3):
            trainer.advance()
        loss = float(trainer.loss)  # waits for the device
        now = time.time()
        if not counted:
            counted, first = trainer.done, now
        else:
            pace = (trainer.done - counted) / (now - first)
            trainer.steps = trainer.done + max(1, int(pace * (seconds - (now - start))))
        if trainer.done % (20 * EVERY) == 3:
            print(f"  {trainer.name}: step {trainer.done}, {spent:.0f} s, loss {loss:.3f}")
        critic = judged or (isinstance(trainer, RendererTrainer) and trainer.judged)
        if trainer.device.type == "cuda" and (trainer.done == counted or critic != judged):
            judged = critic
            _record(trainer)
        if now - saved > SAVE_EVERY:
            keep()
            saved = time.time()
    seconds = time.time() - first
    pairs = (trainer.done - counted) * trainer.batch / seconds
    return {"steps": trainer.done, "pairs_per_second": round(pairs, 1), "loss": float(trainer.loss)}


def _record(trainer: Learner) -> None:
    """As one CUDA graph, where that works."""
    trainer._replay = None
    try:
        trainer.capture()
    except RuntimeError as error:  # slower, but just as right
        torch.cuda.synchronize()
        trainer._replay = None
        trainer.clear()
        trainer.generator = torch.Generator(trainer.device).manual_seed(trainer.done)
        trainer.footage = Footage(trainer.footage.tensors, RandomDraws(trainer.generator))
        print(f"  {trainer.name}: not recorded: {str(error).splitlines()[0]}", flush=True)


@torch.no_grad()
def measure(render: Render, footage: Footage, judge: LandmarkNet, batch: int) -> dict[str, float]:
    """Means over held-out people; landmark distances in pixels of 256."""
    rows: dict[str, list[Tensor]] = {}
    for pair in footage.each(batch):
        image, truth = render(pair).float().clamp(0, 1), pair.truth
        e = (image - truth).abs()
        face = (pair.driving.seen < 898).float()[:, None]
        off = (judge(image) - judge(truth)).norm(dim=-1) * (256 / image.shape[-1])
        values = {
            "l1": e.mean((1, 2, 3)),
            "face_l1": (e * face).sum((1, 2, 3)) / (3 * face.sum((1, 2, 3))).clamp(min=1),
            "psnr": -10 * torch.log10((e**2).mean((1, 2, 3)).clamp(min=1e-8)),
            "ssim": ssim(image, truth),
            "landmarks": off.mean(1),
            "lips": off[:, : len(LIPS)].mean(1),
            "eyes": off[:, len(LIPS) : len(LIPS) + len(EYES)].mean(1),
            "sharpness": sharpness(image) / sharpness(truth),
        }
        eye, mouth = openness(judge(image))
        true_eye, true_mouth = openness(pair.points[:, list(MARKS)])
        values |= {"_eye": eye, "_mouth": mouth, "_true_eye": true_eye, "_true_mouth": true_mouth}
        for name, value in values.items():
            rows.setdefault(name, []).append(value.cpu())
    joined = {name: torch.cat(value).numpy() for name, value in rows.items()}
    out = {name: float(x.mean()) for name, x in joined.items() if name[0] != "_"}
    out["blink_r"] = float(np.corrcoef(joined["_eye"], joined["_true_eye"])[0, 1])
    out["mouth_r"] = float(np.corrcoef(joined["_mouth"], joined["_true_mouth"])[0, 1])
    return {name: round(value, 4) for name, value in out.items()}


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """(B,) of grey pictures in [0, 1], with an 11-pixel Gaussian window of deviation 1.5 (Wang et
    al. 2004).
    """
    grey = torch.tensor([0.299, 0.587, 0.114], device=x.device).view(1, 3, 1, 1)
    x, y = ((v * grey).sum(1, keepdim=True) for v in (x, y))
    k = torch.exp(-((torch.arange(11, device=x.device) - 5.0) ** 2) / 4.5)
    window = (k[:, None] * k / k.sum() ** 2)[None, None]
    mean = [nn.functional.conv2d(v, window) for v in (x, y, x * x, y * y, x * y)]
    mx, my = mean[:2]
    vx, vy, both = mean[2] - mx**2, mean[3] - my**2, mean[4] - mx * my
    top, bottom = (2 * mx * my + 1e-4) * (2 * both + 9e-4), mx**2 + my**2 + 1e-4
    return (top / (bottom * (vx + vy + 9e-4))).mean((1, 2, 3))


def sharpness(x: Tensor) -> Tensor:
    """(B,) mean absolute Laplacian."""
    inner = x[..., 1:-1, 1:-1]
    around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
    return (4 * inner - around).abs().mean((1, 2, 3))


def openness(points: Tensor) -> tuple[Tensor, Tensor]:
    """Opening of eyes and mouth of `MARKS` (B, L, 2), in their widths."""

    def far(a: int, b: int) -> Tensor:
        return (points[:, MARKS.index(a)] - points[:, MARKS.index(b)]).norm(dim=-1)

    eyes = (far(160, 144) + far(385, 380)) / (far(33, 133) + far(362, 263)).clamp(min=1)
    return eyes, far(13, 14) / far(61, 291).clamp(min=1)


@torch.no_grad()
def speed(net: Mesh2Video, footage: Footage) -> dict[str, float]:
    """Frames a second of one portrait, the drawing of its mesh aside: 16 at a time, one at a time,
    and one at a time from a CUDA graph.
    """
    out, device = {}, footage.draws.device
    cuda = device.type == "cuda"
    for n in (16, 1):
        zero = torch.zeros(n, dtype=torch.long, device=device)
        pair = footage.pair(zero, zero, zero + 1)
        known = net.portray(pair.source)

        def once() -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=cuda, cache_enabled=False):
                net(pair.source, pair.driving, known)  # noqa: B023

        out[f"fps_{n}"] = n / _seconds(once, cuda)
        if n == 1 and cuda:
            try:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    once()
                out["fps_1_graph"] = 1 / _seconds(graph.replay, cuda)
            except RuntimeError as error:
                print(f"  no graph for one picture: {str(error).splitlines()[0]}", flush=True)
    return {name: round(value, 1) for name, value in out.items()}


def _seconds(once: Callable[[], None], cuda: bool) -> float:
    """Median time of one call."""
    times, repeats = [], 20 if cuda else 1
    for _ in range(7 if cuda else 2):
        start = time.time()
        for _ in range(repeats):
            once()
        if cuda:
            torch.cuda.synchronize()
        times.append((time.time() - start) / repeats)
    return sorted(times[1:])[len(times) // 2 - 1]


def sheet(rows: list[Tensor]) -> np.ndarray:
    """Pictures (B, 3 or 1, S, S) in [0, 1] of each row, stacked, uint8 RGB."""
    lines = []
    for row in rows:
        row = (row.float().clamp(0, 1) * 255).round().byte().expand(-1, 3, -1, -1)
        lines.append(np.hstack(list(row.permute(0, 2, 3, 1).cpu().numpy())))
    return np.vstack(lines)


def renderer(net: Mesh2Video) -> Render:
    """`net` in evaluation, as a function of pairs."""

    def draw(pair: Pair) -> Tensor:
        device = pair.truth.device.type
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            return net(pair.source, pair.driving).image

    return draw


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Everything; gives the result that it writes."""
    clock, out = Clock(args.seconds), args.out
    device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    group = Group(device=torch.zeros(0, device=device).device)
    people = film(args.people, args.states, args.side, 1 + args.seed, device, 0.14 * args.seconds)
    held = film(args.held, 4, args.side, HELD, device, 0.05 * args.seconds)
    clock.say(f"{people.people} x {people.states} pictures drawn")
    judged = [
        landmark_net(people, group, width, seed, 0.035 * args.seconds, args.batch)
        for width, seed in ((32, 11), (JUDGE, 7))
    ]
    features, judge = judged
    table: dict[str, Any] = {
        "truth": measure(lambda pair: pair.truth, held, judge, args.batch),
        "still": measure(lambda pair: pair.source.photo, held, judge, args.batch),
    }
    clock.say(f"landmarks learned; still portrait: {table['still']}")
    shown = torch.arange(min(SHOWN, held.people), device=device)
    some = held.pair(shown, torch.zeros_like(shown), torch.ones_like(shown))
    rows = [some.source.photo, some.truth, some.driving.mesh]
    result = {"people": people.people, "states": people.states, "held": held.people}
    total, shares = clock.left - 0.05 * args.seconds, {k: SHARES[k] for k in args.runs}
    for name, share in shares.items():
        budget = total * share / sum(shares.values())
        seconds = min(0.94 * budget, clock.left - 12)
        if seconds < 1:
            clock.say(f"{name}: no time left")
            continue
        recipe = replace(RECIPES[name](), batch=args.batch, side=args.side, seed=args.seed)
        torch.cuda.empty_cache()
        if args.start and (before := args.start / f"{name}.safetensors").exists():
            known = on(checkpoint.load(before)[0], group.device).eval()
            table[f"{name}, before"] = measure(renderer(known), held, judge, args.batch)
            clock.say(f"{name}, before: {table[f'{name}, before']}")
        net, row = _one(recipe, people, features, group, seconds, args)
        row |= measure(renderer(net), held, judge, args.batch) | speed(net, held)
        table[name] = row
        clock.say(f"{name}: {row}")
        with torch.no_grad():
            rows.append(renderer(net)(some))
        result |= {"rows": table, "card": run_card(seed=args.seed, device=_name(device))}
        write_json(out / "mesh2video.json", result)
        _show(out / "simulated.jpg", sheet(rows))
    clock.say("done")
    return result


def _one(
    recipe: RendererRecipe,
    people: Footage,
    features: LandmarkNet,
    group: Group,
    seconds: float,
    args: argparse.Namespace,
) -> tuple[Mesh2Video, dict[str, Any]]:
    trainer = RendererTrainer(recipe, people, features, group)
    path = args.out / f"{recipe.name}.safetensors"
    before = args.start / path.name if args.start else None
    if before is not None and before.exists():
        trainer.net.load_state_dict(checkpoint.load(before)[0].state_dict())

    def keep() -> None:
        card = {"recipe": recipe.to_dict(), "steps": trainer.done}
        checkpoint.save(path, trainer.net, card)

    told = _train(trainer, seconds, keep)
    trainer.net.eval()
    keep()
    size = sum(p.numel() for p in trainer.net.parameters())
    row = {"parameters": size, "bytes": path.stat().st_size, "seconds": round(seconds, 1)}
    return trainer.net, row | told


def _name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else device


def _show(path: Path, picture: np.ndarray) -> None:
    import cv2

    cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=540)
    parser.add_argument("--people", type=int, default=4096)
    parser.add_argument("--held", type=int, default=96)
    parser.add_argument("--states", type=int, default=6)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device")
    parser.add_argument("--start", type=Path, help="folder of networks to go on from")
    parser.add_argument("--runs", nargs="+", default=list(SHARES), choices=list(SHARES))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    run(args)


if __name__ == "__main__":
    main()
