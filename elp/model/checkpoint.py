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

from elp.bounded import regular
from elp.errors import ElpError
from elp.files import atomic
from elp.model.ase import ASE
from elp.model.config import ASEConfig

PACKAGED = {
    name: Path(__file__).parent / "checkpoints" / f"{name}.safetensors" for name in ("listener",)
}

LARGEST_OPTION = 2**16  # a number in a configuration
LARGEST = 1e4  # a weight, or a statistic: pictures, decibels and centimetres stay below


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
        ElpError: the file is missing, is no checkpoint of ours, does not fit its own configuration,
            or holds NaN.
    """
    path = PACKAGED.get(str(path), path)
    tensors, meta = read(path)
    try:
        model = _model(tensors, meta["config"])
    except ElpError as error:
        raise ElpError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ElpError(
            f"{path}: not a checkpoint of this version: train it again with 'elp train'"
        ) from error
    card = meta.get("card", {})
    return model.to(device).eval(), card if isinstance(card, dict) else {}


def _model(tensors: dict[str, Tensor], options: Any) -> ASE:
    """The model of a configuration, which is built only if the file is as large as it promises.

    Raises:
        ElpError: an option is out of range, or a number not finite.
        KeyError, TypeError, ValueError, RuntimeError: the two do not belong together.
    """
    if not isinstance(options, dict) or not _sane(options):
        raise ValueError("options of no model")
    config = ASEConfig.from_dict(options)
    if config.least > sum(x.numel() for x in tensors.values()) or config.convs > len(tensors):
        raise ValueError("options of a larger model")
    values = {name: x.float() if x.is_floating_point() else x for name, x in tensors.items()}
    for name, x in values.items():
        if not bounded(x) or (name.endswith("_std") and (x <= 0).any()):
            raise ElpError(
                f"{name} holds NaN, numbers beyond {LARGEST:g} or a deviation of 0: "
                "take an earlier checkpoint"
            )
    model = ASE(config)
    fill(model, values)
    return model


def bounded(x: Tensor) -> bool:
    """Whether a tensor holds numbers that training may end with, no NaN among them."""
    return not x.is_floating_point() or bool((x.abs() <= LARGEST).all())


def fill(module: torch.nn.Module, values: dict[str, Tensor]) -> None:
    """Give a module its state; raises RuntimeError where it is another module's, or whole numbers
    stand for others.
    """
    own = module.state_dict()
    for name, x in values.items():
        if name in own and own[name].is_floating_point() != x.is_floating_point():
            raise RuntimeError(f"{name} is {x.dtype}")
    module.load_state_dict(values)


def _sane(x: Any) -> bool:
    """Whether a value of a configuration is of a size that an option can have."""
    if isinstance(x, dict):
        return all(map(_sane, x.values()))
    if isinstance(x, list | str):
        return len(x) <= 1000 and (isinstance(x, str) or all(map(_sane, x)))
    return x is None or (isinstance(x, int | float) and abs(x) <= LARGEST_OPTION)


def write(path: str | Path, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Tensors and JSON-able values to one safetensors file, whole or not at all."""
    from safetensors.torch import save

    told = {name: json.dumps(value) for name, value in meta.items()}
    with atomic(path) as partial:
        # not `save_file`, whose files nobody else may read and whose errors say no number
        partial.write_bytes(_ordered(save(tensors, metadata=told)))


def _ordered(file: bytes) -> bytes:
    """The same safetensors file with the entries of its header by name: the library writes
    metadata in another order each time, and equal runs should end in equal bytes.
    """
    end = 8 + int.from_bytes(file[:8], "little")
    head = json.dumps(json.loads(file[8:end]), sort_keys=True, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # tensors begin at whole numbers of eight bytes
    return len(head).to_bytes(8, "little") + head + file[end:]


def read(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The inverse of `write`; raises ElpError for a missing or corrupt file."""
    from safetensors import safe_open

    if not Path(path).exists():
        raise ElpError(
            f"{path}: no such checkpoint: train one with 'elp train', or take the one that "
            "ships: " + ", ".join(PACKAGED)
        )
    with regular(path):
        try:
            with safe_open(path, framework="pt") as file:
                meta = {name: json.loads(value) for name, value in (file.metadata() or {}).items()}
                return {name: file.get_tensor(name) for name in file.keys()}, meta  # noqa: SIM118  not a dict
        except Exception as error:  # whatever damaged bytes lead to
            raise ElpError(
                f"{path}: not a readable checkpoint: copy it again or train it again with "
                "'elp train'"
            ) from error
