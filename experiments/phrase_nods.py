"""How many of a speaker's longer phrases are met with a nod? Simulated people, the shipped listener
on the same speakers, and before real speakers (chapter "Real conversations").

    elp corpus simulate vico --simulator 2 --seed 2027 -o corpora/vico2-2027
    python -m experiments.phrase_nods corpora/vico2-2027 SPEAKER.mp4 SPEAKER.wav ...

A phrase counts that lasts two seconds and is followed by 1.2 s of the clip. It is met where a nod
of at least 1.5 degrees lies within these 1.2 s; chance is the share of all moments that are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from elp.corpus import Corpus
from elp.evaluation.answers import usable
from elp.evaluation.bounds import Oracle
from elp.exports.events import events
from elp.extraction import extract
from elp.face import FaceModel
from elp.listener.responder import ELPResponder
from elp.media.audio import RATE, mfcc, read_audio
from elp.media.prosody import contour, prosody
from elp.metrics.events import find_cues
from elp.metrics.events.cues import run_length
from elp.motion import FPS, POSE, Clip, Motion
from elp.records import commit, run_card, write_json

PHRASE = round(2.0 * FPS)  # frames
WITHIN = round(1.2 * FPS)
Counts = NDArray[np.float64]  # phrases met, phrases, moments met, moments


def counts(speaker: Clip, motion: Motion) -> Counts:
    """What one answer adds to the shares."""
    cues, frames = find_cues(contour(speaker.voice())), len(motion)
    nodding = np.zeros(frames + 1)
    for nod in (event for event in events(motion) if event.kind == "nod"):
        nodding[round(nod.onset * FPS) : round(nod.offset * FPS)] = 1
    sums = np.concatenate([[0.0], np.cumsum(nodding)])
    starts = np.arange(max(0, frames - WITHIN))
    met = sums[starts + WITHIN] > sums[starts]
    long = np.concatenate([[0], run_length(cues.talking)])[:-1] >= PHRASE
    ends = np.flatnonzero(cues.phrase_ends & long)
    ends = ends[ends < len(met)]
    return np.array([met[ends].sum(), len(ends), met.sum(), len(met)], float)


def summed(each: Iterable[Counts]) -> dict[str, Any]:
    """Shares over all answers."""
    hit, phrases, met, moments = np.sum(list(each), 0)
    return {
        "phrases": int(phrases),
        "met": round(float(hit / phrases), 3),
        "chance": round(float(met / moments), 3),
    }


def answered(
    responder: ELPResponder, speakers: list[Clip], emotions: list[str], samples: int
) -> list[Counts]:
    """The listener's answers to each speaker, `samples` times."""
    found = []
    for seed in range(samples):
        dice = torch.Generator().manual_seed(seed)
        motions = responder.respond_all(speakers, emotions, generator=dice)
        found += [counts(*pair) for pair in zip(speakers, motions, strict=True)]
    return found


def simulated(folder: Path, responder: ELPResponder, samples: int) -> dict[str, Any]:
    """Real, the oracle's and the listener's answers to simulated test speakers; of positive real
    listeners, too.
    """
    corpus = Corpus.open(folder)
    pairs = usable(corpus, "test")
    speakers = [corpus.speaker(pair) for pair in pairs]
    moods = [corpus.emotions[pair.emotion] for pair in pairs]
    dice = torch.Generator().manual_seed(0)
    true = [counts(x, corpus.listener(p)) for x, p in zip(speakers, pairs, strict=True)]
    again = [
        counts(x, Oracle().answer(corpus, p, dice)) for x, p in zip(speakers, pairs, strict=True)
    ]
    smiling = [x for x, mood in zip(true, moods, strict=True) if mood == "positive"]
    return {
        "GT": summed(true),
        "GT, positive": summed(smiling),
        "oracle": summed(again),
        "listener": summed(answered(responder, speakers, moods, samples)),
        "listener, positive": summed(
            answered(responder, speakers, ["positive"] * len(pairs), samples)
        ),
    }


def person(path: Path) -> Clip:
    """A real speaker: a video, or a sound with a face that rests."""
    if path.suffix != ".wav":
        return extract(path)
    audio = read_audio(path)
    assert audio is not None
    frames = round(len(audio) / RATE * FPS)
    motion = Motion(
        beta=np.tile(FaceModel.default().beta(), (frames, 1)),
        pose=np.zeros((frames, POSE), np.float32),
        blink=np.zeros(frames, np.uint8),
    )
    return Clip(motion=motion, mfcc=mfcc(audio, frames), prosody=prosody(audio, frames))


def real(paths: list[Path], responder: ELPResponder, samples: int) -> dict[str, Any]:
    """The listener's answers to real speakers, told to be positive; of those with long phrases."""
    found, every = {}, []
    for path in paths:
        each = answered(responder, [person(path)], ["positive"], samples)
        if sum(x[1] for x in each):
            every += each
            found[path.name] = summed(each)
    return found | {"all": summed(every)}


def main(
    corpus: Path,
    speakers: list[Path],
    output: Annotated[Path, typer.Option("-o")] = Path("book/results/phrase_nods.json"),
    samples: int = 2,
    takes: int = 16,
) -> None:
    started = time.time()
    commit()  # of the code that runs
    responder = ELPResponder.from_checkpoint()
    found = {
        "simulated": simulated(corpus, responder, samples),
        "real": real(speakers, responder, takes),
    }
    card = run_card(seed=0, started=started)
    write_json(output, card | {"samples": samples, "takes": takes} | found)
    print(found)


if __name__ == "__main__":
    typer.run(main)
