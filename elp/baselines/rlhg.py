"""RLHG (Zhou et al., ECCV 2022) and the listener of PCH (Huang et al., 2022): regression with an
LSTM, frame after frame.
"""

# B clip, T frame, S = M + 29 speaker, M = D + 6 motion, N emotion
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from elp.baselines.features import Batch, Features, Windows, speaker_width
from elp.baselines.fit import Fit, finish
from elp.corpus import Corpus
from elp.listener.contract import Emotion
from elp.motion import Clip, Motion

FRAMES, HIDDEN, WIDTH = 90, 96, 192  # training window, LSTM, input layer: as published
# epochs of non-overlapping windows; the rate is halved every 30
EPOCHS, BATCH, HALVING = 100, 32, 30


class RLHG(nn.Module):
    """LayerNorm, Linear 192, Tanh -> two LSTM layers of 96, whose initial state holds the first
    listener frame and the attitude.

    With `residual=True` it is PCH's listener: the first frame joins every speaker frame, BatchNorm
    stands for LayerNorm and Tanh, and the network predicts the difference from the first frame.
    """

    def __init__(self, features: Features, *, residual: bool = False) -> None:
        super().__init__()
        self.features, self.residual = features, residual
        m, n = features.width, len(features.emotions)
        s = speaker_width(features) + (m + n if residual else 0)
        self.norm = nn.BatchNorm1d(s) if residual else nn.LayerNorm(s)
        self.inside = nn.Linear(s, WIDTH)
        self.start = nn.Linear(m + n, 2 * 2 * HIDDEN)
        self.lower, self.upper = (
            nn.LSTM(width, HIDDEN, batch_first=True) for width in (WIDTH, HIDDEN)
        )
        # not nn.LSTM's: cuDNN keeps one state of it, which any seeding replaces under a captured
        # graph
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Linear(HIDDEN, m)

    def forward(self, speaker: Tensor, first: Tensor, e: Tensor) -> Tensor:
        """speaker (B, T, M + 29), first listener frame (B, M), e (B, N) -> the listener one frame
        later, (B, T, M).
        """
        frame = torch.cat([first, e], -1)
        state = self.start(frame).unflatten(-1, (2, 2, HIDDEN)).permute(1, 2, 0, 3).contiguous()
        if self.residual:
            x = torch.cat([speaker, frame[:, None].expand(-1, speaker.shape[1], -1)], -1)
            x = self.inside(self.norm(x.mT).mT)
        else:
            x = self.inside(self.norm(speaker)).tanh()
        y = self.dropout(self.lower(x, (state[0, :1], state[1, :1]))[0])
        y = self.out(self.upper(y, (state[0, 1:], state[1, 1:]))[0])
        return y + first[:, None] if self.residual else y

    def loss(self, batch: Batch) -> Tensor:
        """L2 norms of the errors in value and in first difference, mean over frames."""
        seen = (batch.valid[:, 1:] & batch.valid[:, :1]).float()
        error = self(batch.speaker[:, :-1], batch.listener[:, 0], batch.e) - batch.listener[:, 1:]
        change = error.diff(dim=1)
        both = seen[:, 1:] * seen[:, :-1]
        return _mean_norm(error, seen) + _mean_norm(change, both)

    @torch.no_grad()
    def respond_all(
        self,
        speakers: Sequence[Clip],
        emotions: Sequence[Emotion],
        *,
        generator: torch.Generator,
        first: Tensor | None = None,
    ) -> list[Motion]:
        """Answers from the listener's first frames (B, M) on, which the network is built for; where
        none are given, from the mean face: no method here is shown a frame of the real listener.
        """
        e = self.features.mixtures(emotions)
        x = nn.utils.rnn.pad_sequence(
            [self.features.speaker(clip) for clip in speakers], batch_first=True
        )
        if first is None:
            first = torch.zeros(len(speakers), self.features.width, device=e.device)
        y = torch.cat([first[:, None], self(x, first, e)[:, :-1]], 1)
        return [
            self.features.listener(row[: len(clip)]) for row, clip in zip(y, speakers, strict=True)
        ]

    def respond(
        self, speaker: Clip, emotion: Emotion = None, *, generator: torch.Generator
    ) -> Motion:
        return self.respond_all([speaker], [emotion], generator=generator)[0]


def _mean_norm(x: Tensor, seen: Tensor) -> Tensor:
    """Mean L2 norm of the vectors (B, T, M) where `seen` (B, T) is 1."""
    norm = (x.square().sum(-1) + 1e-8).sqrt()  # its gradient at zero is finite
    return (norm * seen).sum() / seen.sum().clamp_min(1)


def rlhg_fit(
    corpus: Corpus,
    *,
    residual: bool = False,
    seed: int = 0,
    device: str = "cpu",
    steps: int | None = None,
) -> Fit:
    """The run that trains RLHG, or PCH's listener: AdamW 2e-3, weight decay 0.05, rate halved every
    30 epochs.

    Args:
        corpus: with a "train" split. residual: PCH. seed: of parameters, windows and dropout.
            device: "cpu", "cuda".
        steps: iterations; by default 100 epochs of as many windows as fit side by side.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RLHG(Features(corpus), residual=residual).to(device)
    longest = int(corpus.pairs("train")["length"].max())
    windows = Windows(corpus, min(FRAMES, longest), device=device)
    epoch = max(int(windows.places.sum()) // FRAMES // BATCH, 1)
    steps = steps or EPOCHS * epoch
    return Fit(
        model,
        model.loss,
        windows,
        steps=steps,
        batch=BATCH,
        lr=2e-3,
        weight_decay=0.05,
        seed=seed,
        schedule=_Halved(steps),
    )


class _Halved:
    """The learning rate's factor: halved every 30 of the 100 epochs that `steps` steps stand
    for.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, step: int) -> float:
        return 0.5 ** (step * EPOCHS // self.steps // HALVING)


def train_rlhg(
    corpus: Corpus,
    *,
    residual: bool = False,
    seed: int = 0,
    device: str = "cpu",
    steps: int | None = None,
    progress: bool = False,
) -> tuple[RLHG, list[float]]:
    """`rlhg_fit` to its end: the model, ready to respond, and its loss curve."""
    fit = rlhg_fit(corpus, residual=residual, seed=seed, device=device, steps=steps)
    curve = finish(fit, progress=progress)
    return fit.model, curve  # type: ignore[return-value]  # a Fit holds any module
