"""A trained model as the page runs it, and what the page must be given of a speaker (chapter "Base,
Transformed, U").

What depends on the emotion runs in the page: event heads, encoder, codes and D1. What depends on
the speaker alone, the audio encoder and what event heads hear, comes with the clip; a page that
listens to a reader takes it from `hearing`.
"""

# T frame, D coefficient, H head, V category, N emotion, C channel
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from elp.book.widgets.packing import Levels, Packed, pack
from elp.errors import ElpError
from elp.listener import ELPResponder
from elp.motion import SILENT, Clip

# steps of a standard deviation: D1's are what the face is wrong by, the others' only move draws
DECODER, HEADS, ENCODER, CUES = 560, 48, 16, 48
SILENCE = 250  # frames after which a deaf listener's cues no longer change


def sizes(responder: ELPResponder) -> dict[str, Any]:
    """What the page must know of a model beside its weights.

    Raises:
        ElpError: the model is of a kind that the page cannot run.
    """
    model: Any = responder.model
    config = model.config
    if config.events is None or not config.causal or config.coding != "embedding":
        raise ElpError("the page runs causal models with event heads and embedded codes only")
    groups = {name: getattr(model.events, name).config for name in ("lids", "pose")}
    return {
        "emotions": list(config.emotions),
        "heads": config.heads,
        "categories": config.categories,
        "channels": model.coding.channels,
        "width": model.motion.first.out_channels,
        "beta": config.beta,
        "hidden": config.hidden,
        "convs": config.convs,
        "kernel": 5,
        "own": len(model.own_mean),
        "spreads": list(responder.sampler.spreads),
        "traits": responder.sampler.traits,
        "guidance": responder.guidance,
        **{
            name: {"heads": g.heads, "categories": g.categories, "width": g.width}
            for name, g in groups.items()
        },
    }


@torch.inference_mode()
def weights(model: Any, more: Mapping[str, Any]) -> Packed:
    """The model's parameters in the forms that `engine.js` reads, rounded and deflated, and `more`
    arrays with them.

    Args:
        model: an `ASE` that `sizes` accepts; its parts are read by name.
    """
    arrays: dict[str, Any] = {"own.mean": model.own_mean, "own.std": model.own_std}
    arrays |= {"beta.mean": model.beta_mean, "beta.std": model.beta_std}
    for name in ("unit", "spread", "edges", "decay"):
        arrays[f"events.{name}"] = getattr(model.events, name)
    for name in ("lids", "pose"):
        arrays |= _event_heads(name, getattr(model.events, name))
    arrays["silence"] = Levels(_silence(model), CUES)
    arrays |= _encoder(model)
    first, second = model.motion.first, model.motion.second
    heads, width = model.config.heads, first.out_channels
    taps = second.weight[..., 0].unflatten(1, (heads, width))  # (D, H, C, 3)
    arrays |= {
        "table": Levels(model.coding.table, DECODER),
        "d1.first.w": Levels(first.weight.permute(0, 2, 3, 1), 4 * DECODER),  # (C', 3, 3, C)
        "d1.first.b": first.bias,
        "d1.second.w": Levels(taps.permute(0, 3, 1, 2), DECODER),  # (D, 3, H, C)
        "d1.second.b": second.bias,
    }
    return pack(arrays | dict(more))


def _event_heads(name: str, group: Any) -> dict[str, Any]:
    return {
        f"{name}.past.w": Levels(group.past.weight, HEADS),
        f"{name}.past.b": group.past.bias,
        f"{name}.gru.ih": Levels(group.gru.weight_ih_l0, HEADS),
        f"{name}.gru.hh": Levels(group.gru.weight_hh_l0, HEADS),
        f"{name}.gru.bi": group.gru.bias_ih_l0,
        f"{name}.gru.bh": group.gru.bias_hh_l0,
        f"{name}.first.w": Levels(group.first.weight, HEADS),
        f"{name}.first.b": group.first.bias,
        f"{name}.table": Levels(group.coding.table, HEADS),
        f"{name}.norm.w": group.norm.weight,
        f"{name}.norm.b": group.norm.bias,
        f"{name}.out": Levels(group.out, HEADS),
        f"{name}.bias": group.bias,
    }


def _encoder(model: Any) -> dict[str, Any]:
    """The head encoder without the first layer's part for the speaker."""
    encoder, own = model.encoder, len(model.own_mean)
    arrays: dict[str, Any] = {}
    for n, block in enumerate(encoder.convs):
        weight = block.conv.weight[..., 0].transpose(1, 2)  # (C', 5, C)
        weight = weight[..., -own:] if n == 0 else weight
        arrays[f"conv{n}.w"] = Levels(weight, ENCODER)
        arrays |= {f"conv{n}.norm.w": block.norm.weight, f"conv{n}.norm.b": block.norm.bias}
    for n, (w, u, a, b) in enumerate(encoder.lstm.all_weights):
        arrays |= {f"lstm{n}.ih": Levels(w, ENCODER), f"lstm{n}.hh": Levels(u, ENCODER)}
        arrays[f"lstm{n}.b"] = a + b
    linear, norm, _, last = encoder.mlp
    return arrays | {
        "mlp.w": Levels(linear.weight, ENCODER),
        "mlp.b": linear.bias,
        "mlp.norm.w": norm.weight,
        "mlp.norm.b": norm.bias,
        "out.w": Levels(last.weight, ENCODER),
        "out.b": last.bias,
    }


def _silence(model: Any) -> NDArray[np.float32]:
    """(T, D): what the head's group hears as a deaf listener."""
    hear = model.events.pose.hear
    silent = torch.zeros(1, SILENCE, hear.inputs.in_features - 1)
    return np.asarray(hear(silent, torch.ones(1))[0])


@torch.inference_mode()
def hearing(model: Any) -> tuple[Packed, dict[str, Any]]:
    """What makes `cues` in the page, for speakers that are not known beforehand: the parameters
    that `hearing.js` reads, and its sizes.

    Args:
        model: an `ASE` that `sizes` accepts and that sees raw motion.

    Raises:
        ElpError: the model's style is of another kind.
    """
    config, own = model.config, len(model.own_mean)
    if not config.raw_motion or not isinstance(config.window, int):
        raise ElpError("the page hears for models with raw motion and a window of frames only")
    arrays: dict[str, Any] = {}
    for name in ("mfcc", "beta", "pose", "style"):
        mean, std = model.moments(name)
        arrays |= {f"{name}.mean": mean, f"{name}.std": std}
    audio = model.audio
    for n, block in enumerate(audio.stem):
        arrays |= _conv(f"audio.stem{n}", block.conv, block.norm)
    for n, block in enumerate(audio.blocks):
        arrays |= _conv(f"audio.block{n}.first", block.first.conv, block.first.norm)
        arrays |= _conv(f"audio.block{n}.second", block.conv, block.norm)
        if hasattr(block.skip, "weight"):
            arrays[f"audio.block{n}.skip.w"] = Levels(block.skip.weight[..., 0, 0], ENCODER)
            arrays[f"audio.block{n}.skip.b"] = block.skip.bias
    first = model.encoder.convs[0].conv.weight[..., 0].transpose(1, 2)  # (C', 5, C)
    arrays["first.w"] = Levels(first[..., :-own], ENCODER)
    for name in ("lids", "pose"):
        hear = getattr(model.events, name).hear
        (ih, hh, bi, bh), inputs = hear.gru.all_weights[0], hear.inputs
        # the last column says that nobody is heard
        arrays[f"hear.{name}.in.w"] = Levels(inputs.weight[:, :-1], HEADS)
        arrays |= {f"hear.{name}.in.b": inputs.bias, f"hear.{name}.gru.bi": bi}
        arrays |= {f"hear.{name}.gru.ih": Levels(ih, HEADS), f"hear.{name}.gru.bh": bh}
        arrays[f"hear.{name}.gru.hh"] = Levels(hh, HEADS)
    widths = [(b.first.conv.in_channels, b.conv.out_channels) for b in audio.blocks]
    facts = {
        "audio": {"stem": [b.conv.in_channels for b in audio.stem], "blocks": widths},
        "window": config.window,
        "kernel": first.shape[1],
        "style": first.shape[2] - own,
        "hidden": config.hidden,
        "seesBlinks": config.events.sees_blinks,
        "silent": list(SILENT),
    }
    return pack(arrays), facts


def _conv(name: str, conv: Any, norm: Any) -> dict[str, Any]:
    """A convolution over frames as one matrix (C', frames * C), and its normalisation."""
    matrix = Levels(conv.weight[..., 0].transpose(1, 2), ENCODER)
    return {f"{name}.w": matrix, f"{name}.norm.w": norm.weight, f"{name}.norm.b": norm.bias}


@torch.inference_mode()
def cues(responder: ELPResponder, speaker: Clip) -> dict[str, NDArray[np.float32]]:
    """What the page needs of a speaker of T frames: "style" (T, C), the speaker's part of the
    encoder's first layer, and what event heads hear, "lids" and "pose" (T, D) each.
    """
    model: Any = responder.model
    mfcc, beta, pose = responder.speaker.clip(speaker)
    style = model.style(mfcc, model.motion_style(beta, pose))
    layer = model.encoder.convs[0].conv
    told = F.pad(style.mT[..., None], (0, 0, layer.past, 0))
    first = F.conv2d(told, layer.weight[:, : style.shape[-1]])[0, :, :, 0].T
    heard = model.events.cues(responder.speaker.heard(speaker), {}, guided=False)
    return {
        name: x.numpy().astype(np.float32)
        for name, x in zip(("style", "lids", "pose"), (first, *(h[0] for h in heard)), strict=True)
    }
