"""L2L's VQ-VAE of listener motion (Ng et al., Learning to Listen, CVPR 2022)."""

# B clip, T frame, M = D + 6 motion, K code
from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elp.baselines.features import Batch

# codebook 200 x 256; a token is 8 frames; four tokens of past
CODES, WIDTH, TOKEN, PAST = 200, 256, 8, 4
BLOCK = TOKEN * PAST  # 32 frames, the VQ-VAE's window
LAYER: dict[str, Any] = {"activation": "gelu", "batch_first": True, "norm_first": True}
# of a code's use: weight of a step, share of an even one below which it begins anew
RECENT, DEAD = 0.02, 0.05


def transformer(
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


def places(length: int, width: int) -> nn.Parameter:
    """A learned vector for each place in a sequence: (length, width)."""
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
            transformer(WIDTH, 8, 384, 12),
            transformer(WIDTH, 8, 384, 12),
        )
        self.at_in, self.at_out = places(PAST, WIDTH), places(BLOCK, WIDTH)
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
