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
from elp.corpus import Corpus
from elp.listener.contract import Emotion
from elp.motion import MFCC, Clip, Motion

# codebook 200 x 256; a token is 8 frames; four tokens of past
CODES, WIDTH, TOKEN, PAST = 200, 256, 8, 4
BLOCK = TOKEN * PAST  # 32 frames, the VQ-VAE's window
HEARD = BLOCK + TOKEN  # 40 frames of the speaker: the past and the token to come
DIM = 200  # the predictor's width
TEMPERATURE, TOP = 0.7, 0.9
LAYER: dict[str, Any] = {"activation": "gelu", "batch_first": True, "norm_first": True}
# of a code's use: weight of a step, share of an even one below which it begins anew
RECENT, DEAD = 0.02, 0.05


def _transformer(
    width: int, heads: int, inner: int, layers: int, dropout: float = 0.0
) -> nn.Sequential:
    """Not nn.TransformerEncoder, whose layers begin as copies of one: twelve of those leave of a
    token what they all amplify.
    """
    return nn.Sequential(
        *(nn.TransformerEncoderLayer(width, heads, inner, dropout, **LAYER) for _ in range(layers)),
        nn.LayerNorm(width),
    )


def _conv(inputs: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv1d(inputs, WIDTH, 5, stride, 2, padding_mode="replicate"),
        nn.LeakyReLU(0.2),
        nn.BatchNorm1d(WIDTH),
    ]


def _places(length: int, width: int) -> nn.Parameter:
    return nn.Parameter(0.02 * torch.randn(length, width))


class VQVAE(nn.Module):
    """32 frames (B, 32, M) -> 4 codes -> 32 frames.

    Three convolutions (k5; stride 2, pool, pool), 12 layers of 8 heads over the four tokens, the
    nearest code of each; three convolutions back up, 12 layers over the 32 frames, one convolution.
    """

    used: Tensor

    def __init__(self, motion: int) -> None:
        super().__init__()
        self.squash = nn.Sequential(
            *_conv(motion, 2), *_conv(WIDTH), nn.MaxPool1d(2), *_conv(WIDTH), nn.MaxPool1d(2)
        )
        self.encoder, self.decoder = (
            _transformer(WIDTH, 8, 384, 12),
            _transformer(WIDTH, 8, 384, 12),
        )
        self.at_in, self.at_out = _places(PAST, WIDTH), _places(BLOCK, WIDTH)
        self.codebook = nn.Parameter((2 * torch.rand(CODES, WIDTH) - 1) / CODES)
        # tokens a step, of late, over their even share
        self.register_buffer("used", torch.ones(CODES), persistent=False)
        up = nn.Upsample(scale_factor=2)
        self.expand = nn.Sequential(up, *_conv(WIDTH), up, *_conv(WIDTH), up, *_conv(WIDTH))
        self.out = nn.Conv1d(WIDTH, motion, 5, padding=2)

    def encode(self, x: Tensor) -> Tensor:
        """(B, 32, M) -> (B, 4, 256) before quantisation."""
        return self.encoder(self.squash(x.mT).mT + self.at_in)

    def codes(self, z: Tensor) -> Tensor:
        """(..., 256) -> index of the nearest code, in single precision also where autocast would
        not.
        """
        with torch.autocast(z.device.type, enabled=False):
            return (self.codebook.square().sum(-1) - 2 * z.float() @ self.codebook.mT).argmin(-1)

    def decode(self, codes: Tensor) -> Tensor:
        """(B, 4) indices -> (B, 32, M)."""
        return self._motion(self.codebook[codes])

    def _motion(self, z: Tensor) -> Tensor:
        return self.out(self.decoder(self.expand(z.mT).mT + self.at_out).mT).mT

    def loss(self, batch: Batch) -> Tensor:
        """L1 of the reconstruction, the codebook's and 0.25 of the encoder's distance to each
        other.
        """
        z = self.encode(batch.listener)
        codes = self.codes(z)
        if self.training:
            self._revive(z.detach().flatten(0, 1), codes.flatten())
        q = self.codebook[codes]
        error = self._error(z + (q - z).detach(), batch)  # straight through
        return error + F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())

    def unquantised(self, batch: Batch) -> Tensor:
        """L1 of the reconstruction from the encodings themselves."""
        return self._error(self.encode(batch.listener), batch)

    def _error(self, z: Tensor, batch: Batch) -> Tensor:
        y, seen = self._motion(z), batch.valid[..., None].float()
        return ((y - batch.listener).abs() * seen).sum() / (seen.sum() * y.shape[-1]).clamp_min(1)

    @torch.no_grad()
    def _revive(self, z: Tensor, codes: Tensor) -> None:
        """Put codes that hardly any token takes on tokens (n, 256) of this batch; no value leaves
        the device.
        """
        share = torch.zeros_like(self.used).index_add_(
            0, codes, torch.full_like(codes, CODES / len(codes), dtype=self.used.dtype)
        )
        self.used.lerp_(share, RECENT)
        dead = self.used < DEAD
        self.codebook.copy_(
            torch.where(
                dead[:, None],
                z[torch.randint(len(z), (CODES,), device=z.device)].to(self.codebook.dtype),
                self.codebook,
            )
        )
        self.used.masked_fill_(dead, 1.0)

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Put the codes on encodings of data, so that all of them begin alive."""
        z = self.encode(x).flatten(0, 1)
        self.codebook.copy_(z[torch.linspace(0, len(z) - 1, CODES, device=z.device).long()])


class Predictor(nn.Module):
    """Past codes (B, 4) and 40 speaker frames (B, 40, M + 29) -> logits of the next code (B,
    200).
    """

    def __init__(self, motion: int) -> None:
        super().__init__()
        self.motion = motion
        self.code = nn.Embedding(CODES, DIM)
        self.sound_in, self.motion_in = nn.Linear(MFCC, DIM), nn.Linear(motion, DIM)
        self.at_code, self.at_frame = _places(PAST, DIM), _places(HEARD, DIM)
        self.listener = _transformer(DIM, 10, 4 * DIM, 1, 0.1)
        self.cross = nn.ModuleList(
            nn.TransformerDecoderLayer(DIM, 10, 4 * DIM, 0.1, **LAYER) for _ in range(2)
        )
        self.joint = _transformer(DIM, 10, 4 * DIM, 5, 0.1)
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
        self, speakers: Sequence[Clip], emotions: Sequence[Emotion], *, generator: torch.Generator
    ) -> list[Motion]:
        """Codes are sampled one after the other (temperature 0.7, top-p 0.9) for all clips at once;
        before the clip: the mean face.
        """
        device = self.features.device
        longest = -(-max(map(len, speakers)) // BLOCK) * BLOCK
        rows = [self.features.speaker(clip) for clip in speakers]
        rows = [
            torch.cat([r[:1].expand(BLOCK, -1), r, r[-1:].expand(longest - len(r), -1)])
            for r in rows
        ]
        x = torch.stack(rows)
        still = torch.zeros(1, BLOCK, self.features.width, device=device)
        codes = self.vq.codes(self.vq.encode(still)).expand(len(speakers), -1)
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
