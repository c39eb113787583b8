"""The Mesh-to-Video Renderer (ELP, section 3.4): a portrait, two views of its mesh, a picture
(chapter "The renderer").
"""

# B pair, M candidate, S side of the pictures in pixels, C channel
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elp.render.mesh2video.footage import Source, View
from elp.render.mesh2video.layers import Hourglass, Residual, conv, fill, resize, warp
from elp.render.mesh2video.motion import FLOW, KeypointFlow, MeshFlow

SIDE = 256  # pixels: the networks' pictures, as in the paper


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Sizes and design of a network.

    Attributes:
        motion: "fomm": keypoints in mesh pictures (the paper's); "flow": the mesh itself.
        width: channels at half the pictures' size. blocks: residual blocks at a quarter.
        mixer: channels of the mixer of flows, and of the keypoint detector.
    """

    motion: Literal["fomm", "flow"] = "flow"
    width: int = 48
    blocks: int = 5
    mixer: int = 32


class Drawn(NamedTuple):
    """What the network says of a picture.

    Attributes:
        flow: (B, 2, s, s), where each pixel comes from. occlusion: (B, 1, 64, 64), 1 where the
            portrait shows what is there.
        gates: (B, 3, S, S), shares of the wall, the warped portrait and the paint; they sum to 1.
        paint: (B, 3, S, S) in [0, 1].
        image: (B, 3, S, S), the three mixed. warped: (B, 3, S, S).
        keypoints: see `Candidates`.
    """

    flow: Tensor
    occlusion: Tensor
    gates: Tensor
    paint: Tensor
    image: Tensor
    warped: Tensor
    keypoints: tuple[Tensor, Tensor] | None


class Portrayed(NamedTuple):
    """What depends on the portrait alone: features at a half and a quarter of its size, and the
    wall (B, 3, S, S), continued behind the person.
    """

    half: Tensor
    quarter: Tensor
    wall: Tensor


class Mixer(nn.Module):
    """One flow and an occlusion map from the candidates, and what each makes of the portrait."""

    def __init__(self, candidates: int, extra: int, width: int, shift: bool) -> None:
        super().__init__()
        self.net = Hourglass(4 * candidates + extra, width)
        self.mask = nn.Conv2d(self.net.channels, candidates, 7, padding=3)
        self.occlusion = nn.Conv2d(self.net.channels, 1, 7, padding=3)
        self.shift = nn.Conv2d(self.net.channels, 2, 7, padding=3) if shift else None
        if self.shift is not None:
            nn.init.zeros_(self.shift.weight)
            nn.init.zeros_(self.shift.bias)  # type: ignore[arg-type]

    def forward(self, portrait: Tensor, flows: Tensor, extra: Tensor) -> tuple[Tensor, Tensor]:
        """Portrait (B, 4, S, S) with its matte, candidates -> flow (B, 2, s, s), occlusion."""
        b, m, _, s, _ = flows.shape
        small = resize(portrait, FLOW)
        coarse = resize(flows.flatten(0, 1), FLOW)
        moved = warp(small.repeat_interleave(m, 0), coarse).view(b, 4 * m, FLOW, FLOW)
        x = self.net(torch.cat([moved, resize(extra, FLOW).to(moved.dtype)], 1))
        mask = resize(self.mask(x).float(), s).softmax(1)
        flow = (mask[:, :, None] * flows).sum(1)
        if self.shift is not None:
            # hair and cloth have ways of their own, but none where nothing moves
            most = flows.square().sum(2).amax((1, 2, 3), keepdim=True)
            free = 0.25 * torch.tanh(resize(self.shift(x).float(), s))
            flow = flow + free * (most / (most + 1e-3))
        return flow, torch.sigmoid(self.occlusion(x).float())


class Mesh2Video(nn.Module):
    """Carries a portrait's features along the flow, and says of each pixel: wall, portrait, or
    paint.

    Both designs of `NetworkConfig.motion` share everything but the candidates. Beside the warped
    features the decoder sees the *hint*: the driving mesh, and the source mesh warped, in one
    channel each, so that no colour leaks. Where they differ, an eye or the mouth has opened.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        w = config.width
        exact = config.motion == "flow"
        self.motion = MeshFlow() if exact else KeypointFlow(config.mixer)
        self.mixer = Mixer(self.motion.candidates, self.motion.extra, config.mixer, exact)
        deep = max(2 * w, 32)
        self.encode = nn.ModuleList([conv(16, w), conv(w, deep)])
        self.join = conv(deep + 2, deep)
        self.blocks = nn.Sequential(*(Residual(deep) for _ in range(config.blocks)))
        # warped portrait with matte, wall and hint, four pixels at a time
        seen = 4 * (4 + 3 + 2)
        self.decode = nn.Sequential(conv(deep + w + seen, w), conv(w, w))
        self.last = nn.Conv2d(w, 4 * 6, 3, padding=1)
        with torch.no_grad():
            self.last.bias[4:8] += 1.0  # type: ignore[index]  # at first, the warped portrait

    def portray(self, source: Source) -> Portrayed:
        """The part of the work that is done once for a portrait."""
        both = torch.cat([source.photo, source.matte], 1)
        half = self.encode[0](F.pixel_unshuffle(both, 2))
        quarter = self.encode[1](F.avg_pool2d(half, 2))
        grown = F.max_pool2d(source.matte, 7, 1, 3)
        return Portrayed(half, quarter, fill(source.photo, 1 - grown))

    def forward(self, source: Source, driving: View, known: Portrayed | None = None) -> Drawn:
        known = known or self.portray(source)
        both = torch.cat([source.photo, source.matte], 1)
        flows, extra, keypoints = self.motion(source.view, driving)
        flow, occlusion = self.mixer(both, flows, extra)
        warped = warp(both, flow)
        hint = torch.cat([driving.mesh, warp(source.view.mesh, flow)], 1)

        def carried(x: Tensor) -> Tensor:
            return warp(x, flow) * resize(occlusion, x.shape[-1]).to(x.dtype)

        quarter = carried(known.quarter)
        x = torch.cat([quarter, resize(hint, quarter.shape[-1]).to(quarter.dtype)], 1)
        x = F.interpolate(self.blocks(self.join(x)), scale_factor=2, mode="nearest")
        seen = F.pixel_unshuffle(torch.cat([warped, known.wall, hint], 1), 2)
        x = self.decode(torch.cat([x, carried(known.half), seen.to(x.dtype)], 1))
        out = F.pixel_shuffle(self.last(x).float(), 2)
        gates, paint = out[:, :3].softmax(1), torch.sigmoid(out[:, 3:])
        image = mixed(gates, known.wall, warped[:, :3], paint)
        return Drawn(flow, occlusion, gates, paint, image, warped[:, :3], keypoints)


def mixed(
    gates: Tensor,
    wall: Tensor,
    warped: Tensor,
    paint: Tensor,
) -> Tensor:
    """The picture (B, 3, S, S) of three layers by their shares
    (B, 3, S, S).
    """
    a, b, c = gates.split(1, dim=1)
    return a * wall + b * warped + c * paint
