"""A trained model in one file: parameters, configuration, statistics and the card of its run
(chapter "Training").
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elp.errors import ElpError
from elp.files import atomic
from elp.model.ase import ASE
from elp.model.config import ASEConfig

PACKAGED = {
    name: Path(__file__).parent / "checkpoints" / f"{name}.safetensors" for name in ("listener",)
}


def save(
    path: str | Path, model: ASE, card: dict[str, Any] | None = None, *, half: bool = False
) -> None:
    """Write a model as safetensors, whole or not at all.

    Args:
        path: file ending in .safetensors.
        model: on any device.
        card: how it came to be; stored with it.
        half: store parameters (not statistics) in half precision: half the bytes.
    """
    tensors = {name: x.detach().cpu().contiguous() for name, x in model.state_dict().items()}
    if half:
        small = {name for name, _ in model.named_parameters()}
        tensors = {name: x.half() if name in small else x for name, x in tensors.items()}
    write(path, tensors, {"config": asdict(model.config), "card": card or {}})


def load(
    path: str | Path = "listener", *, device: str | torch.device = "cpu"
) -> tuple[ASE, dict[str, Any]]:
    """Read a model, ready to generate, and its card.

    Args:
        path: a file, or "listener", the model that ships with the package.

    Raises:
        ElpError: the file is missing, is no checkpoint of ours, or does not fit its own
            configuration.
    """
    path = PACKAGED.get(str(path), path)
    tensors, meta = read(path)
    try:
        model = ASE(ASEConfig.from_dict(meta["config"]))
        model.load_state_dict(
            {name: x.float() if x.is_floating_point() else x for name, x in tensors.items()}
        )
    except (KeyError, TypeError, RuntimeError) as error:
        raise ElpError(
            f"{path}: not a checkpoint of this version: train it again with 'elp train'"
        ) from error
    return model.to(device).eval(), meta.get("card", {})


def write(path: str | Path, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Tensors and JSON-able values to one safetensors file, whole or not at all."""
    from safetensors.torch import save

    told = {name: json.dumps(value) for name, value in meta.items()}
    with atomic(path) as partial:
        # not `save_file`, whose files nobody else may read and whose errors say no number
        partial.write_bytes(save(tensors, metadata=told))


def read(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The inverse of `write`; raises ElpError for a missing or corrupt file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            meta = {name: json.loads(value) for name, value in (file.metadata() or {}).items()}
            return {name: file.get_tensor(name) for name in file.keys()}, meta  # noqa: SIM118  not a dict
    except FileNotFoundError as error:
        raise ElpError(
            f"{path}: no such checkpoint: train one with 'elp train', or take the one that "
            "ships: " + ", ".join(PACKAGED)
        ) from error
    except (SafetensorError, OSError, ValueError) as error:
        raise ElpError(
            f"{path}: not a readable checkpoint: copy it again or train it again with 'elp train'"
        ) from error
