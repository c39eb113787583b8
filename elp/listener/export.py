"""The trained decoders as ONNX, for the browser and for other programs (chapter "Your own
video").
"""

# T frame, H head, V category, N emotion, D coefficient
from __future__ import annotations

import copy
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from elp.errors import ElpError
from elp.files import atomic, check
from elp.listener.decoder import Decoder
from elp.model.ase import ASE

INPUTS, OUTPUTS = ("codes", "emotion"), ("beta", "pose", "blink")
OPSET = 18
TOLERANCE = 1e-4  # of the comparison, relative to the largest number where that is above 1


def export_decoder(model: ASE, path: str | Path) -> None:
    """Write the decoders as ONNX, whole or not at all, after a run that equals the model's own.

    The file takes `codes` (1, T, H) int32, each head's category in [0, V), and `emotion` (1, T, N)
    float32, a mixture that sums to 1 in every frame; any T. It gives `beta` (1, T, D), `pose`
    (1, T, 6) in corpus units and `blink` (1, T), the probability of shut eyes, each from the whole
    clip. Its metadata hold the emotions' names, H and V.

    Of a model with event heads it gives `beta` alone: its codes say the face, and the head and the
    lids are drawn frame by frame, without codes.

    Args:
        model: trained. path: file ending in .onnx.

    Raises:
        ElpError: another ending, the packages are missing, or the exported decoders do not give
            what the model gives.
    """
    onnx, onnxruntime = door(path)
    decoder = Decoder(copy.deepcopy(model).cpu().eval())
    graph = onnx.load_from_string(_traced(decoder))
    sizes = {name: getattr(model.config, name) for name in ("emotions", "heads", "categories")}
    for key, value in sizes.items():
        graph.metadata_props.add(key=key, value=json.dumps(value))
    content = graph.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for frames in (1, 7, 50):
        _compare(decoder, session, frames)
    with atomic(path) as partial:
        partial.write_bytes(content)


def door(path: str | Path) -> tuple[Any, Any]:
    """The packages onnx and onnxruntime, where a file of this name can be written.

    Raises:
        ElpError: another ending, no such folder, or a package is missing.
    """
    if Path(path).suffix != ".onnx":
        raise ElpError(f"{path}: what is exported is stored as .onnx: give the file that ending")
    check(path)
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise ElpError(
            'exporting needs onnx and onnxruntime: pip install -e ".[export]" in the clone'
        ) from error
    return onnx, onnxruntime


def outputs(model: ASE) -> tuple[str, ...]:
    """What the exported file gives: what the model's codes say."""
    return OUTPUTS if model.config.events is None else OUTPUTS[:1]


def example(model: ASE, frames: int, seed: int = 0) -> dict[str, Any]:
    """Random inputs of the exported file, as arrays by name."""
    rng, config = np.random.default_rng(seed), model.config
    codes = rng.integers(0, config.categories, (1, frames, config.heads), dtype=np.int32)
    emotion = rng.dirichlet(np.ones(len(config.emotions)), (1, frames)).astype(np.float32)
    return {"codes": codes, "emotion": emotion}


class _Said(nn.Module):
    """The decoders without what codes do not say."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder, self.count = decoder, len(outputs(decoder.model))

    def forward(self, codes: Tensor, e: Tensor) -> tuple[Tensor, ...]:
        return self.decoder(codes, e)[: self.count]


def _traced(decoder: Decoder) -> bytes:
    inputs = tuple(torch.from_numpy(x) for x in example(decoder.model, 8).values())
    names = outputs(decoder.model)
    buffer, axes = io.BytesIO(), {name: {1: "frames"} for name in (*INPUTS, *names)}
    with warnings.catch_warnings():
        # the newer exporter, which the old one recommends, fixes the number of frames
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Said(decoder),
            inputs,
            buffer,  # type: ignore[arg-type]  # the old exporter takes buffers too
            dynamo=False,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=list(names),
            dynamic_axes=axes,
        )
    return buffer.getvalue()


@torch.inference_mode()
def _compare(decoder: Decoder, session: Any, frames: int) -> None:
    inputs, names = example(decoder.model, frames), outputs(decoder.model)
    expected = decoder(*(torch.from_numpy(x) for x in inputs.values()))
    # codes that say the face alone leave what comes after it
    for name, mine, theirs in zip(names, expected, session.run(list(names), inputs), strict=False):
        error = np.abs(mine.numpy() - theirs).max() if mine.shape == theirs.shape else np.inf
        if not error < TOLERANCE * max(1.0, float(mine.abs().max())):
            raise ElpError(
                f"the exported {name} of {frames} frames differs from the model's by {error:.2g}: "
                "please report this with the checkpoint"
            )
