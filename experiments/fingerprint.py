"""A fingerprint of what the package computes, to be taken before and after its files move.

    OMP_NUM_THREADS=1 .venv/bin/python experiments/fingerprint.py write FILE.json
    OMP_NUM_THREADS=1 .venv/bin/python experiments/fingerprint.py check FILE.json

Digests are of bytes: they hold on one machine, with one thread and the same libraries. Numbers are
compared within their entry's tolerance. `check` exits with 1 if anything differs. `--only NAME`,
repeated, takes some entries alone.
"""

from __future__ import annotations

import os

# before numpy and torch load: sums come out in one order
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import hashlib
import json
import math
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elp.motion import Clip, Motion

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # for what other experiments compute
GOLDEN = ROOT.parent / "shared" / "golden" / "listener_metrics.npz"
SHOWN = 3  # differing values that one line prints
PARTS: dict[str, Any] = {"pose": slice(0, 6), "expression": slice(6, None)}
Values = dict[str, Any]
Array = NDArray[Any]


# what entries share


def digest(*arrays: Any) -> str:
    """First half of the SHA-256 of arrays' bytes, kinds and shapes."""
    found = hashlib.sha256()
    for array in arrays:
        x = np.ascontiguousarray(array)
        found.update(f"{x.dtype.str}{x.shape}".encode() + x.tobytes())
    return found.hexdigest()[:32]


def digest_text(text: str) -> str:
    """The same of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def rounded(array: Any, digits: int = 5) -> list[float]:
    """Mean, deviation, and five values spread over an array: what a person can compare."""
    x = np.asarray(array, np.float64)
    spread = x.ravel()[np.linspace(0, x.size - 1, 5).astype(int)]
    return [round(float(v), digits) for v in (x.mean(), x.std(), *spread)]


def of_motion(name: str, motion: Motion) -> Values:
    """Digests of β, p and blinks, rounded values of β and p, and how many frames blink."""
    digests = {f"{name}.{k}": digest(getattr(motion, k)) for k in ("beta", "pose", "blink")}
    numbers = {f"{name}.{k}.values": rounded(getattr(motion, k)) for k in ("beta", "pose")}
    return digests | numbers | {f"{name}.blinks": int(motion.blink.sum())}


def flat(tree: Any, name: str = "") -> Values:
    """Nested dictionaries and lists as one dictionary of dotted names."""
    if isinstance(tree, Mapping):
        pairs: Any = tree.items()
    elif isinstance(tree, (list, tuple)):
        pairs = enumerate(tree)
    else:
        return {name: tree}
    return {k: v for key, x in pairs for k, v in flat(x, f"{name}.{key}".strip(".")).items()}


def seeded(seed: int = 0) -> torch.Generator:
    """A CPU generator."""
    return torch.Generator().manual_seed(seed)


def smooth(rng: np.random.Generator, frames: int, width: int) -> Array:
    """(frames, width) noise of unit variance that lasts for about ten frames."""
    noise = rng.standard_normal((frames + 9, width))
    return np.stack([noise[i : i + frames] for i in range(10)]).mean(0) * math.sqrt(10)


def voice(samples: int, seed: int = 0) -> NDArray[np.float32]:
    """Noise on a tone, loud and soft in turn: 16 kHz."""
    t = np.arange(samples) / 16000
    noise = np.random.default_rng(seed).standard_normal(samples)
    sound = (0.2 * np.sin(2 * np.pi * 170 * t) + 0.05 * noise) * (1 + np.sin(2 * np.pi * 1.5 * t))
    return sound.astype(np.float32)


@cache
def speaker(frames: int = 300) -> Clip:
    """Somebody who never lived: smooth random β, p, cepstra; more frames than a chunk."""
    from elp.face.model import FaceModel

    rng, model = np.random.default_rng(7), FaceModel.default()
    beta = (smooth(rng, frames, 100) * model.deviation * 0.5).astype(np.float32)
    pose = (smooth(rng, frames, 6) * [0.1, 0.1, 0.05, 0.5, 0.5, 0.5]).astype(np.float32)
    mfcc = smooth(rng, frames, 29) * np.linspace(40, 4, 29) + np.linspace(60, 0, 29)
    blink = (np.arange(frames) % 60 < 4).astype(np.uint8)
    return Clip(motion=Motion(beta=beta, pose=pose, blink=blink), mfcc=mfcc.astype(np.float32))


@cache
def scratch() -> Path:
    """A folder that goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="elp-fingerprint-")
    scratch.keep = folder  # type: ignore[attr-defined]
    return Path(folder.name)


@cache
def tiny_corpus() -> Any:
    """The simulated corpus "tiny", with its sound."""
    from elp.simulator.dyads import simulate

    return simulate(scratch() / "tiny", "tiny", 0)


@cache
def small() -> Any:
    """An untrained model of recipe "small" that knows the tiny corpus's statistics."""
    from elp.listener.responder import ELPResponder
    from elp.model import ASE
    from elp.training.recipes import get

    torch.manual_seed(0)
    return ELPResponder(ASE(get("small").model, tiny_corpus().stats))


@cache
def shipped() -> Any:
    """The packaged checkpoint, ready to respond."""
    from elp.listener.responder import ELPResponder

    return ELPResponder.from_checkpoint()


# 1: extraction


def face_video() -> Path:
    """The astronaut's face moves sideways and is gone for three frames; a voice goes on."""
    import cv2
    import skimage.data

    from elp.media.write import write_video

    face = skimage.data.astronaut()[0:240, 100:340]  # NASA, public domain
    pictures: list[Any] = []
    for k in range(24):
        move = np.array([[256 / 240, 0, 0.7 * k], [0, 256 / 240, 0.3 * k]])
        pictures.append(cv2.warpAffine(face, move, (256, 256), borderMode=cv2.BORDER_REPLICATE))
    pictures[12:15] = [np.full((256, 256, 3), 128, np.uint8)] * 3
    path = scratch() / "face.mp4"
    write_video(path, pictures, audio=(voice(24 * 640), 16000))
    return path


def extraction() -> Values:
    """A video of ours, written, read, tracked, fitted: subsamples of what is measured."""
    from elp.extraction.pipeline import extract

    clip = extract(face_video())
    arrays = {"beta": clip.motion.beta[::4, ::9], "pose": clip.motion.pose[::4], "ear": clip.ear}
    arrays |= {"mfcc": clip.mfcc[::6], "alpha": clip.alpha, "origin": clip.origin, "rms": clip.rms}
    numbers = {k: np.asarray(x, np.float64).ravel().round(5).tolist() for k, x in arrays.items()}
    whole = {"frames": len(clip), "valid": digest(clip.motion.valid), "focal": clip.focal}
    return whole | numbers | {"blink": digest(clip.motion.blink), "size": list(clip.size or ())}


def fitting() -> Values:
    """The fit of points that the face model itself made, with and without what is known."""
    from elp.extraction.fit import fit
    from elp.face.model import FaceModel
    from elp.simulator.scene import conversation

    scene = conversation(FaceModel.default(), frames=30)
    known = fit(scene.points, scene.size, alpha=scene.alpha, focal=scene.focal)
    found = fit(scene.points, scene.size, frames=6)
    out: Values = {"scene": digest(scene.points, scene.beta, scene.pose, scene.blink)}
    for name, x in (("known", known), ("found", found)):
        out |= {f"{name}.beta": x.beta[::5, ::7].ravel().tolist(), f"{name}.noise": x.noise}
        out |= {f"{name}.pose": x.pose[::5].ravel().tolist(), f"{name}.focal": x.focal}
        out |= {f"{name}.alpha": x.alpha.tolist(), f"{name}.rms": x.rms.tolist()}
    return out


def signals() -> Values:
    """What comes before and after the fit: cepstra, lids, steady heads, the style feature."""
    from elp.extraction.blink import blink, ear
    from elp.extraction.fit import TREMBLE
    from elp.extraction.smoothness import smooth_pose
    from elp.face.model import FaceModel
    from elp.media.audio import mfcc
    from elp.model.style import motion_style
    from elp.motion import blink_rate
    from elp.simulator.scene import conversation, minutes_of_blinks

    model, clip = FaceModel.default(), speaker()
    lids, truth = minutes_of_blinks(40, seed=0)
    ratio = np.repeat(0.3 * (1 - 0.8 * lids[:, None]), 2, 1).astype(np.float32)
    scene = conversation(model, frames=30)
    beta, pose = (torch.from_numpy(x) for x in (clip.motion.beta, clip.motion.pose))
    calm = smooth_pose(clip.motion.pose, np.ones(len(clip) - 1, bool), TREMBLE)
    fields = (model.mean, model.identity, model.expression, model.deviation, model.landmarks)
    return {
        "model": digest(*fields),
        "mfcc": rounded(mfcc(voice(32000), 50)),
        "lids": digest(truth, blink(ratio)),
        "blinks a minute": blink_rate(blink(ratio)),
        "ear": rounded(ear(np.pad(scene.points, ((0, 0), (0, 10), (0, 0))))),
        "steady": rounded(calm),
        "style": rounded(motion_style(beta, pose, raw_motion=True)),
        "causal style": rounded(motion_style(beta, pose, causal=True)),
    }


# 2: answers


def streamed() -> Values:
    """The shipped model as a stream in pieces: of cepstra, and of sound that comes out of step."""
    from elp.listener.stream import ResponseStream

    responder, clip = shipped(), speaker()
    out: Values = {}
    for emotion in ("auto", "positive"):
        stream, parts, first = ResponseStream(responder, emotion, generator=seeded(1)), [], 0
        for count in [1] * 20 + [3] * 5 + [0, 15, 250]:
            x = clip[first : first + count]
            parts.append(stream.push(x.mfcc, x.motion.beta, x.motion.pose))
            first += count
        out |= of_motion(f"cepstra {emotion}", joined(parts))
    stream = ResponseStream(responder, "neutral", generator=seeded(2))
    sound, parts = voice(50 * 640), []
    for k in range(10):
        seen = clip.motion[5 * k : 5 * k + 5]
        parts.append(stream.push(sound[3000 * k : 3000 * k + 3000], seen.beta, seen.pose))
    return out | of_motion("sound", joined([*parts, stream.finish()]))


def joined(parts: list[Motion]) -> Motion:
    """Motions behind one another."""
    arrays: Any = {
        k: np.concatenate([getattr(p, k) for p in parts]) for k in ("beta", "pose", "blink")
    }
    return Motion(**arrays)


def offline() -> Values:
    """Recipe "small" on the whole clip: e inferred, named, mixed; codewords; other draws."""
    from elp.listener.responder import ELPResponder

    responder, clip = small(), speaker()
    out: Values = {}
    for emotion in ("auto", "negative", "neutral=0.5,positive=0.5"):
        motion, words = responder.trace(clip, emotion, generator=seeded(3))
        out |= of_motion(emotion, motion) | {f"{emotion}.words": digest(words)}
    still = ELPResponder(responder.model, temperature=0.0)
    out |= of_motion("argmax", still.respond(clip[:60], "positive", generator=seeded(3)))
    slow = ELPResponder.from_checkpoint(correlation=6.0)
    return out | of_motion("listener", slow.respond(clip, "auto", generator=seeded(3)))


# 3: training


def training() -> Values:
    """Twenty steps of "tiny" on the tiny corpus: losses, parameters, validation; all recipes."""
    from safetensors.torch import load_file

    from elp.training import train
    from elp.training.recipes import RECIPES, get

    folder = scratch() / "run"
    card = train(replace(get("tiny"), steps=20), tiny_corpus(), folder, device="cpu")
    weights = load_file(folder / "model.safetensors")
    history = load_file(folder / "state.safetensors")["history"].numpy()
    return {
        "losses": history[:, 0].tolist(),
        "terms": digest(history),
        "log": digest_text((folder / "log.csv").read_text()),
        "parameters": digest(*(weights[k].numpy() for k in sorted(weights))),
        "names": digest_text(" ".join(sorted(weights))),
        "validation": list(card["validation"].values()),
        "card": sorted(card),
    } | {k: digest_text(json.dumps(get(k).to_dict(), sort_keys=True)) for k in RECIPES}


def options() -> Values:
    """Two steps of other ways to train: energy score, causal, nested, value coding, V."""
    from elp.training.recipes import lively, tiny, variant
    from elp.training.trainer import Trainer

    live = variant(lively(), "x", heads=6, categories=4, hidden=16, blink_hidden=8)
    ways = {"energy": replace(live, batch=4), "balanced": replace(tiny(), balanced=True)}
    ways |= {
        "causal": variant(tiny(), "causal", causal=True, window=24),
        "nested": variant(tiny(), "nested", nested=True),
        "V": variant(tiny(), "V", space="V"),
        "value": variant(tiny(), "value", coding="value"),
        "clip": variant(tiny(), "clip", window="clip", raw_motion=True),
    }
    out: Values = {}
    for name, recipe in ways.items():
        trainer = Trainer(recipe, tiny_corpus(), torch.device("cpu"))
        for _ in range(2):
            trainer.advance()
        out |= {name: trainer.log[:2].flatten().tolist(), f"{name}.w": digest(trainer.parameters)}
    return out


# 4: metrics


def named_before(found: Mapping[str, float]) -> Values:
    """`evaluate`'s values by the names that they had before "all_..." meant face and head added and
    "l1" the mean of the clips' means, as in the tables.
    """
    new = ("all_", "facial_frcorr", "head_frcorr")
    kept = {k: v for k, v in found.items() if not k.startswith(new) and not k.endswith("_l1")}
    return {k.replace("joint_", "all_").replace("l1_pooled", "l1"): v for k, v in kept.items()}


def golden_metrics() -> Values:
    """Every convention on the arrays that published code was run on; "absent" without ../shared."""
    from elp.metrics.evaluate import CONVENTIONS, evaluate

    if not GOLDEN.exists():
        return {"golden": "absent"}
    x = dict(np.load(GOLDEN))
    sets = [x[k] for k in ("speaker", "gt", "pred")]
    return flat({c: named_before(evaluate(*sets, convention=c, **PARTS)) for c in CONVENTIONS})


def random_sets() -> list[list[Array]]:
    """Speaker, real and generated listener: five clips of different length, 26 wide."""
    rng, lengths = np.random.default_rng(11), (90, 140, 210, 300, 120)
    s, g = ([smooth(rng, n, 26) for n in lengths] for _ in range(2))
    for x, y in zip(s, g, strict=True):
        y[12:] += 0.4 * x[:-12]
    return [s, g, [y + 0.7 * smooth(rng, len(y), 26) for y in g]]


def random_metrics() -> Values:
    """Every convention on random arrays: of different length, with holes, with blinks, broken."""
    from elp.metrics.controls import BREAKAGES
    from elp.metrics.evaluate import CONVENTIONS, evaluate

    rng, (s, g, p) = np.random.default_rng(12), random_sets()
    blinks: Any = {k: [rng.random(len(x)) > 0.9 for x in g] for k in ("blink_gt", "blink_pred")}
    found = {c: evaluate(s, g, p, convention=c, **PARTS, **blinks) for c in CONVENTIONS}
    holes = [x.copy() for x in p]
    holes[0][5:20], holes[1][40:44, 3] = np.nan, np.nan
    for c in ("elp", "dim", "lm-listener", "rlhg"):
        found[f"{c} holes"] = evaluate(s, g, holes, convention=c, **PARTS, **blinks)
    for name, spoil in BREAKAGES.items():
        cut = [x[:90] for x in g]
        found[name] = evaluate([x[:90] for x in s], cut, spoil(cut, 0.5, rng), **PARTS)
    many = [[y, y[::-1].copy()] for y in p]
    found["react of two"] = evaluate(s, g, many, convention="react")
    return flat({name: named_before(values) for name, values in found.items()})


def single_metrics() -> Values:
    """Functions that no convention calls, or that it calls one way only."""
    from elp.metrics import ccc, chance, cluster, dtw, gain, pcc, pcc_flat, pearson, wtlcc
    from elp.metrics.gaussian import Gaussian, barycentre, gaussian_distance, gaussian_terms
    from elp.metrics.registry import METRICS, OTHERS

    s, g, p = random_sets()
    centre = barycentre([Gaussian.of(x) for x in g])
    every = [m for m in METRICS.values() if m.name != "l1_pooled"]  # a name of its own since
    named = [declared(m) for m in every + [m for ms in OTHERS.values() for m in ms]]
    return {
        "dtw": dtw(g[0], p[0]), "ccc": ccc(g[0], p[0]), "gain": gain(s, g), "pcc": pcc(s, g),
        "pcc flat": pcc_flat(s, g), "pearson": pearson(s[0], g[0]).tolist(),
        "curve": np.asarray(wtlcc(s, g).curve).tolist(),
        "distance": gaussian_distance(g[1], p[1]),
        "terms": list(gaussian_terms(Gaussian.of(g[0]), centre)),
        "chance": chance(pcc, s, g, rng=np.random.default_rng(0), rounds=5).tolist(),
        "kmeans": cluster(g, 12).ravel()[::7].tolist(),
        "registry": digest_text("\n".join(named)),
    }  # fmt: skip


def declared(metric: Any) -> str:
    """What a metric's declaration said before its formula stood beside it."""
    fields = {k: getattr(metric, k) for k in ("name", "title", "direction", "convention")}
    fields["parts"] = "{part}" in metric.key and {"facial", "pose"} & {*metric.over} > set()
    if metric.name in ("frcorr", "gain"):
        fields["parts"] = False
    return f"Metric({', '.join(f'{k}={v!r}' for k, v in fields.items())})"


def results() -> Values:
    """The tables' way: clips measured once and resampled, bounds and cheap methods, tiny corpus."""
    from elp.baselines.mirror import Mirror
    from elp.baselines.simple import MeanFace, NearestNeighbour, RandomListener
    from elp.evaluation.bounds import GroundTruth, Oracle, ShuffledPair, UnseenListener
    from elp.evaluation.evaluate import evaluate
    from elp.evaluation.tables import table

    corpus = tiny_corpus()
    methods = {
        "GT": GroundTruth(), "oracle": Oracle(), "another listener": UnseenListener(),
        "stranger": ShuffledPair(), "mean face": MeanFace(corpus), "Random": RandomListener(corpus),
        "mirror": Mirror(corpus), "NN-audio": NearestNeighbour(corpus, "audio"), "ELP": small(),
    }  # fmt: skip
    found = evaluate(corpus, methods, samples=2, bootstrap=40, against="ELP")
    kept = {k: found[k] for k in ("methods", "contrasts", "corpus")}
    return flat(kept) | {"table": digest_text(table(found).to_csv())}


def floors_and_control() -> Values:
    """Best constant answers of the simulator; the reader of emotions on real and asked faces."""
    from elp.evaluation.controllability import EmotionClassifier, controllability
    from experiments.floor import floors

    corpus = tiny_corpus()
    reader = EmotionClassifier(corpus)
    read = {"train": reader.accuracy("train"), "test": reader.accuracy("test")}
    asked = controllability(corpus, small(), reader)
    return flat({"reader": read, "asked": asked, "floors": floors(corpus, answers=3, bootstrap=20)})


# 5: pictures


def portrait_fields() -> Values:
    """The astronaut found, cropped, tracked, fitted and cut out."""
    portrait = astronaut()
    numbers = {k: getattr(portrait, k) for k in ("points", "depth", "origin", "rotation", "beta")}
    out = {k: np.asarray(x, np.float64).ravel()[::3].tolist() for k, x in numbers.items()}
    exact = {"image": digest(portrait.image), "matte": rounded(portrait.matte)}
    return out | exact | {"focal": portrait.focal}


@cache
def astronaut() -> Any:
    """NASA's portrait of Eileen Collins, as skimage brings it."""
    import skimage.data

    from elp.render.portrait import Portrait

    return Portrait.load(skimage.data.astronaut())


def moving() -> Motion:
    """Three random frames with a blink."""
    from elp.face.model import FaceModel

    rng, model = np.random.default_rng(5), FaceModel.default()
    beta = (rng.normal(size=(3, len(model.deviation))) * 0.4 * model.deviation).astype(np.float32)
    pose = (0.12 * rng.normal(size=(3, 6))).astype(np.float32)
    return Motion(beta=beta, pose=pose, blink=np.array([0, 1, 0], np.uint8))


def frames() -> Values:
    """Three frames of the astronaut, and one without limits or mark; every 8th pixel of each."""
    from elp.render.frames import render, side_by_side
    from elp.render.warping import WarpRenderer

    motion, shown = moving(), list(render(astronaut(), moving()))
    shown += side_by_side([shown[1][:, :200]], list(render(astronaut(), motion[:1], 128)))
    shown.append(WarpRenderer(astronaut(), limits=False).frame(motion.beta[2], motion.pose[2]))
    return {f"frame {k}": x[::8, ::8].ravel().tolist() for k, x in enumerate(shown)}


def rendering() -> Values:
    """The same frames of a portrait whose numbers come from the model, not from a fit: digests."""
    from elp.face.model import FaceModel
    from elp.render.frames import render
    from elp.render.portrait import Portrait
    from elp.simulator.scene import observe

    model, rng, side = FaceModel.default(), np.random.default_rng(2), 512
    place = np.array([[0.05, -0.1, 0.02, 0, 0, 60]], np.float32)
    alpha, beta = np.zeros(len(model.identity), np.float32), np.zeros((1, 100), np.float32)
    seen = observe(model, alpha, beta, place, 768.0, (side, side))[0].round(2)
    irises = np.repeat([seen[[33, 133]].mean(0), seen[[263, 362]].mean(0)], 5, 0)
    irises[[1, 2, 3, 4, 6, 7, 8, 9], :2] += np.tile([[5, 0], [0, -5], [-5, 0], [0, 5]], (2, 1))
    noise = rng.integers(0, 256, (16, 16, 3)).repeat(32, 0).repeat(32, 1)
    y, x = np.mgrid[:side, :side] - side / 2
    matte = np.clip((1 - np.hypot(x / 150, y / 190)) * 20, 0, 1).astype(np.float32)
    portrait = Portrait(
        image=noise.astype(np.uint8), points=np.concatenate([seen, irises])[:, :2].astype("f4"),
        depth=model.shape(alpha, beta[0])[model.landmarks][:, 2].round(2).astype("f4") + 60,
        matte=matte, focal=768.0, origin=place[0, 3:], rotation=place[0, :3], beta=beta[0],
        model=model,
    )  # fmt: skip
    return {f"frame {k}": digest(x) for k, x in enumerate(render(portrait, moving()))}


# 6: the simulated corpus


def corpus_bytes() -> Values:
    """The tiny corpus's files; the index as text, for Parquet names the versions of its writers."""
    from elp.corpus.format import Corpus

    corpus = tiny_corpus()
    out: Values = {}
    for path in sorted(corpus.folder.iterdir()):
        if path.suffix == ".npy":
            out[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    out["index.parquet"] = digest_text(corpus.index.to_csv())
    card = json.loads((corpus.folder / "card.json").read_text())
    card["sha256"].pop("index.parquet")
    out |= {"card.json": digest_text(json.dumps(card)), "opened": len(Corpus.open(corpus.folder))}
    return out | {"first row": [str(x) for x in corpus.index.iloc[0]]}


def other_presets() -> Values:
    """Who meets whom in the large presets, one conversation of each, and its sound."""
    from elp.simulator.cast import cast
    from elp.simulator.dyads import answer, conversation, utter

    out: Values = {}
    for preset in ("vico", "l2l"):
        meetings = cast(preset, 1)
        meeting = replace(meetings[0], frames=100)
        talk = conversation(meeting, 1)
        out |= {preset: digest_text(repr(meetings)), f"{preset}.talk": digest(talk.motion.beta)}
        out |= of_motion(f"{preset} answer", answer(meeting, 1, talk, np.random.default_rng(0)))
        out[f"{preset}.sound"] = digest(utter(meeting, 1, talk))
    return out


# 7: baselines


def untaught() -> Iterator[tuple[str, Any]]:
    """Baselines that look nothing up, by name."""
    from elp.baselines.mirror import Mirror
    from elp.baselines.random_codes import RandomCodes
    from elp.baselines.simple import MeanFace, RandomListener

    yield "mean face", MeanFace(tiny_corpus())
    yield "mirror", Mirror(tiny_corpus())
    yield "random", RandomListener(tiny_corpus())
    yield "dls-random", RandomCodes(small().model)


def taught() -> Iterator[tuple[str, Any]]:
    """Baselines that find neighbours, and those that learn after a few steps, by name."""
    from elp.baselines.l2l import train_l2l
    from elp.baselines.rlhg import train_rlhg
    from elp.baselines.simple import NearestNeighbour, RetrievedSpeaker

    corpus = tiny_corpus()
    yield "nn-motion", NearestNeighbour(corpus, "motion")
    yield "nn-audio", NearestNeighbour(corpus, "audio")
    yield "nn-motion+U", RetrievedSpeaker(corpus, "motion", small())
    yield "rlhg", train_rlhg(corpus, steps=3)[0]
    yield "pch", train_rlhg(corpus, residual=True, steps=3)[0]
    yield "l2l", train_l2l(corpus, steps=(6, 2), batch=4)[0]


def baselines() -> Values:
    """Each baseline's answer to the first test speaker."""
    corpus = tiny_corpus()
    out: Values = {}
    heard = corpus.speaker(next(corpus.pairs("test").itertuples()))
    for name, method in (*untaught(), *taught()):
        out |= of_motion(name, method.respond(heard, "positive", generator=seeded(4)))
    return out


# 8 and 9: what leaves the package


def exported() -> Values:
    """The decoders of both models as ONNX, run on fixed codes; every 97th value."""
    import onnxruntime

    from elp.listener.export import example, export_decoder, outputs

    out: Values = {}
    for name, model in (("small", small().model), ("listener", shipped().model)):
        path = scratch() / f"{name}.onnx"
        export_decoder(model, path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        inputs = example(model, 40)
        out |= {f"{name}.{k}": digest(x) for k, x in inputs.items()}
        for key, x in zip(outputs(model), session.run(None, inputs), strict=True):
            out[f"{name}.{key}"] = x.ravel()[:: max(1, x.size // 41)].round(6).tolist()
        out[f"{name}.meta"] = dict(sorted(session.get_modelmeta().custom_metadata_map.items()))
    return flat(out)


def explorer_page() -> Values:
    """What pages run: the module, and the listener that ships as they are given it."""
    from elp.book.widgets.bundle import module
    from elp.book.widgets.listener import engine
    from elp.book.widgets.packing import Packed

    facts = engine()
    arrays = Packed(facts["engine"]["layout"], facts["weights"]).unpack()
    digests = {name: digest(x) for name, x in arrays.items()}
    told = {key: value for key, value in facts["engine"].items() if key != "layout"}
    return flat({"module": digest_text(module()), "told": told, **digests})


def emotion_space() -> Values:
    """Codes of the tiny corpus, how separable they are, what a line foretells."""
    from elp.book.analysis import decode, encode, histogram, separability, summary
    from elp.book.following import linear_baseline

    codes = encode(small(), [tiny_corpus()])
    counts = histogram(codes.u() - 1, codes.categories * len(codes.emotions))
    made = decode(small(), codes, codes.emotion)
    found = {"words": separability(counts, codes.emotion, codes.listener)}
    found["real"] = separability(summary(codes.real), codes.emotion, codes.listener)
    found["foretold"] = linear_baseline(tiny_corpus(), raw_motion=True)
    numbers = {"decoded": rounded(made), "histogram": rounded(counts)}
    return flat(found) | numbers | {"codes": digest(codes.base, codes.emotion)}


# the comparison


@dataclass(frozen=True)
class Entry:
    """How an entry is computed, and how far its numbers may lie apart; all else must be equal."""

    compute: Callable[[], Values]
    rtol: float = 0.0
    atol: float = 0.0


ENTRIES = {
    # `elp.extraction.energy.start` solves in float32: the answer depends on where its arrays lie
    "extraction": Entry(extraction, 1e-3, 1e-3),
    "fitting": Entry(fitting, 1e-3, 1e-3),
    "signals": Entry(signals, 1e-6, 1e-5),
    "streamed": Entry(streamed, 1e-5, 1e-5),
    "offline": Entry(offline, 1e-5, 1e-5),
    "training": Entry(training),
    "options": Entry(options),
    "golden metrics": Entry(golden_metrics, 1e-9, 1e-12),
    "random metrics": Entry(random_metrics, 1e-9, 1e-12),
    "single metrics": Entry(single_metrics, 1e-9, 1e-12),
    "results": Entry(results, 1e-9, 1e-12),
    "floors and control": Entry(floors_and_control, 1e-9, 1e-12),
    "portrait": Entry(portrait_fields, 1e-3, 1e-3),
    "frames": Entry(frames, 0, 2),
    "rendering": Entry(rendering),
    "corpus": Entry(corpus_bytes),
    "other presets": Entry(other_presets),
    "baselines": Entry(baselines, 1e-5, 1e-5),
    "export": Entry(exported, 1e-6, 2e-6),
    "explorer": Entry(explorer_page),
    "emotion space": Entry(emotion_space, 1e-5, 1e-5),
}


def close(a: Any, b: Any, entry: Entry) -> bool:
    """Whether two values are the same to an entry."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y, entry) for x, y in zip(a, b, strict=True))
    numbers = isinstance(a, (int, float)) and isinstance(b, (int, float))
    if not numbers or isinstance(a, bool) or isinstance(b, bool):
        return bool(a == b)
    return bool(np.isclose(a, b, rtol=entry.rtol, atol=entry.atol, equal_nan=True))


def differences(before: Values, now: Values, entry: Entry) -> list[str]:
    """Each value that is not the same, as text."""
    names = [k for k in before | now if not close(before.get(k), now.get(k), entry)]
    return [f"{k}: {short(before.get(k), now.get(k))}" for k in names]


def short(a: Any, b: Any) -> str:
    """Two values beside each other; of two lists the two items that lie farthest apart."""
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        apart = [abs(x - y) if isinstance(x, (int, float)) else x != y for x, y in zip(a, b)]
        k = int(np.argmax(apart))
        return f"[{k}] {a[k]} -> {b[k]} ({sum(map(bool, apart))} of {len(a)} items)"
    return f"{str(a)[:80]} -> {str(b)[:80]}"


def computed(name: str) -> Values:
    """An entry's values as JSON gives them back; an error is a value too."""
    started = time.perf_counter()
    try:
        values = ENTRIES[name].compute()
    except Exception as error:
        values = {"error": f"{type(error).__name__}: {error}"}
    print(f"  {name}: {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    return json.loads(json.dumps(values))


def write(path: Path, names: list[str]) -> int:
    """Compute and write; 1 if an entry could not be computed."""
    about = {k: version(k) for k in ("torch", "numpy", "scipy", "scikit-learn")}
    entries = {k: computed(k) for k in names}
    about |= {"python": platform.python_version(), "machine": platform.processor()}
    path.write_text(json.dumps({"about": about, "entries": entries}, indent=1) + "\n")
    failed = {k: v["error"] for k, v in entries.items() if "error" in v}
    for name, error in failed.items():
        print(f"{name}: {error}")
    return int(bool(failed))


def check(path: Path, names: list[str]) -> int:
    """Compute and compare: a line for each entry; 1 if one differs."""
    stored, bad = json.loads(path.read_text())["entries"], 0
    for name in names:
        values = computed(name)
        found = differences(stored.get(name, {}), values, ENTRIES[name])
        if "error" in values:
            found = [values["error"]]
        rest = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        says = f"differs ({'; '.join(found[:SHOWN])}{rest})" if found else "same"
        print(f"{name}: {says} [{len(values)} values]", flush=True)
        bad += bool(found)
    return int(bad > 0)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("action", choices=("write", "check"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", action="append", choices=ENTRIES, help="this entry alone")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    action = write if given.action == "write" else check
    return action(given.file, given.only or list(ENTRIES))


if __name__ == "__main__":
    sys.exit(main())
