"""L2L (Ng et al., Learning to Listen, CVPR 2022): a VQ-VAE of listener motion and a predictor of
its codes.
"""

# B clip, T frame, M = D + 6 motion, S token of 8 frames, K code
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elp.baselines.features import Batch, Features, Windows
from elp.baselines.fit import Fit, finish
from elp.baselines.vqvae import BLOCK, CODES, LAYER, PAST, TOKEN, VQVAE, places, transformer
from elp.corpus import Corpus
from elp.listener.contract import Emotion
from elp.motion import MFCC, Clip, Motion

HEARD = BLOCK + TOKEN  # 40 frames of the speaker: the past and the token to come
DIM = 200  # the predictor's width
TEMPERATURE, TOP = 0.7, 0.9


class Predictor(nn.Module):
    """Past codes (B, 4) and 40 speaker frames (B, 40, M + 29) -> logits of the next code (B,
    200).
    """

    def __init__(self, motion: int) -> None:
        super().__init__()
        self.motion = motion
        self.code = nn.Embedding(CODES, DIM)
        self.sound_in, self.motion_in = nn.Linear(MFCC, DIM), nn.Linear(motion, DIM)
        self.at_code, self.at_frame = places(PAST, DIM), places(HEARD, DIM)
        self.listener = transformer(DIM, 10, 4 * DIM, 1, 0.1)
        self.cross = nn.ModuleList(
            nn.TransformerDecoderLayer(DIM, 10, 4 * DIM, 0.1, **LAYER) for _ in range(2)
        )
        self.joint = transformer(DIM, 10, 4 * DIM, 5, 0.1)
        self.out = nn.Linear(DIM, CODES)

    def forward(self, past: Tensor, speaker: Tensor) -> Tensor:
        motion, sound = speaker.split([self.motion, MFCC], -1)
        heard, seen = self.sound_in(sound) + self.at_frame, self.motion_in(motion) + self.at_frame
        for layer in self.cross:  # the sound asks, the speaker's motion answers
            heard = layer(heard, seen)
        own = self.listener(self.code(past) + self.at_code)
        return self.out(self.joint(torch.cat([heard, own], 1))[:, -1])


class L2L(nn.Module):
    """Both halves together. It knows neither emotion nor blinks; blinks are read off its
    eyelids.
    """

    def __init__(self, features: Features) -> None:
        super().__init__()
        self.features = features
        self.vq, self.predictor = VQVAE(features.width), Predictor(features.width)

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the four codes of a second block of 32 frames, each from the four before
        it.
        """
        with torch.no_grad():
            codes = torch.cat(
                [self.vq.codes(self.vq.encode(x)) for x in batch.listener.split(BLOCK, 1)], 1
            )  # (B, 8)
        past = torch.cat([codes[:, j : j + PAST] for j in range(PAST)])
        heard = torch.cat([batch.speaker[:, j * TOKEN : j * TOKEN + HEARD] for j in range(PAST)])
        return F.cross_entropy(self.predictor(past, heard), codes[:, PAST:].mT.flatten())

    @torch.no_grad()
    def respond_all(
        self,
        speakers: Sequence[Clip],
        emotions: Sequence[Emotion],
        *,
        generator: torch.Generator,
        first: Tensor | None = None,
    ) -> list[Motion]:
        """Codes are sampled one after the other (temperature 0.7, top-p 0.9) for all clips at once;
        before the clip: the listener's first frame (B, M), standing still, or the mean face.
        """
        device = self.features.device
        longest = -(-max(map(len, speakers)) // BLOCK) * BLOCK
        rows = [self.features.speaker(clip) for clip in speakers]
        rows = [
            torch.cat([r[:1].expand(BLOCK, -1), r, r[-1:].expand(longest - len(r), -1)])
            for r in rows
        ]
        x = torch.stack(rows)
        if first is None:
            first = torch.zeros(len(speakers), self.features.width, device=device)
        codes = self.vq.codes(self.vq.encode(first[:, None].repeat(1, BLOCK, 1)))
        for s in range(longest // TOKEN):
            logits = self.predictor(codes[:, -PAST:], x[:, s * TOKEN : s * TOKEN + HEARD])
            codes = torch.cat([codes, _nucleus(logits, generator)], 1)
        y = self.vq.decode(codes[:, PAST:].reshape(-1, PAST)).reshape(len(speakers), longest, -1)
        return [
            self.features.listener(row[: len(clip)]) for row, clip in zip(y, speakers, strict=True)
        ]

    def respond(
        self, speaker: Clip, emotion: Emotion = None, *, generator: torch.Generator
    ) -> Motion:
        return self.respond_all([speaker], [emotion], generator=generator)[0]


def _nucleus(logits: Tensor, generator: torch.Generator) -> Tensor:
    """(B, K) logits -> (B, 1) samples from the fewest codes that hold `TOP` of the probability."""
    p, order = (logits.float() / TEMPERATURE).softmax(-1).sort(-1, descending=True)
    p = torch.where(p.cumsum(-1) - p < TOP, p, 0)
    u = torch.rand(len(p), 1, generator=generator, device=generator.device).to(p.device)
    total = p.cumsum(-1)
    pick = torch.searchsorted(total, u * total[:, -1:]).clamp_max(p.shape[-1] - 1)
    return order.gather(-1, pick)


def l2l_fits(
    corpus: Corpus,
    *,
    seed: int = 0,
    device: str = "cpu",
    steps: tuple[int, int] = (6000, 4000),
    batch: int = 128,
) -> tuple[L2L, Iterator[tuple[str, Fit]]]:
    """A new L2L and the runs that train it, by name: each begins where the one before ended, so
    finish it before asking for the next.

    The first sixth of the VQ-VAE's steps is an autoencoder without codes. Quantised from the first
    step on, the encoder has nothing to say yet, and finds it cheapest to say always the same, next
    to one code. The predictor learns the codes of the trained VQ-VAE.

    Args:
        corpus: with a "train" split, of pairs of at least 64 frames. seed: of parameters, windows,
            dropout. device: "cpu", "cuda".
        steps: of the VQ-VAE and of the predictor. batch: windows in a step.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = L2L(Features(corpus)).to(device).eval()
    return model, _fits(corpus, model, seed, steps, batch)


def _fits(
    corpus: Corpus, model: L2L, seed: int, steps: tuple[int, int], batch: int
) -> Iterator[tuple[str, Fit]]:
    windows, first = Windows(corpus, BLOCK, device=model.features.device), steps[0] // 6
    options: dict[str, Any] = {"batch": batch, "lr": 3e-4, "half": True, "seed": seed}
    if first:
        yield (
            "autoencoder",
            Fit(
                model.vq,
                model.vq.unquantised,
                windows,
                steps=first,
                schedule=_warm(first),
                **options,
            ),
        )
    generator = torch.Generator(windows.device).manual_seed(seed)
    model.vq.start(windows.gather(*windows.draw(max(batch, CODES), generator)).listener)
    yield (
        "vq",
        Fit(
            model.vq,
            model.vq.loss,
            windows,
            steps=steps[0] - first,
            schedule=_warm(steps[0]),
            **options,
        ),
    )
    model.eval().vq.requires_grad_(False)
    windows = Windows(corpus, 2 * BLOCK, device=windows.device)
    options |= {"weight_decay": 0.01, "seed": seed + 1}
    yield (
        "predictor",
        Fit(
            model.predictor,
            model.loss,
            windows,
            steps=steps[1],
            schedule=_warm(steps[1]),
            **options,
        ),
    )


def _warm(steps: int) -> Callable[[int], float]:
    """200 steps up, then exponentially down to a tenth."""
    return lambda step: min((step + 1) / 200, 1.0) * 0.1 ** (step / steps)


def train_l2l(
    corpus: Corpus,
    *,
    seed: int = 0,
    device: str = "cpu",
    steps: tuple[int, int] = (6000, 4000),
    batch: int = 128,
    progress: bool = False,
) -> tuple[L2L, dict[str, list[float]]]:
    """All of `l2l_fits`, one after the other: the model, ready to respond, and the loss curves."""
    model, fits = l2l_fits(corpus, seed=seed, device=device, steps=steps, batch=batch)
    curves = {name: finish(fit, progress=progress) for name, fit in fits}
    return model.eval(), curves
