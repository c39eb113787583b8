"""A trained renderer in one file (chapter "The renderer")."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from elp.errors import ElpError
from elp.model import checkpoint
from elp.render.mesh2video.network import Mesh2Video, NetworkConfig

# the networks that ship, by design: `recipes.slim`
PACKAGED = {"flow": Path(__file__).with_name("slim-flow.safetensors")}
MOST = 1024  # of a size in a configuration


def save(
    path: str | Path, net: Mesh2Video, card: dict[str, Any] | None = None, *, half: bool = True
) -> None:
    """Write a network as safetensors, whole or not at all; in half precision unless `half` is
    False.
    """
    tensors = {name: x.detach().cpu().contiguous() for name, x in net.state_dict().items()}
    if half:
        tensors = {k: x.half() if x.is_floating_point() else x for k, x in tensors.items()}
    checkpoint.write(path, tensors, {"renderer": asdict(net.config), "card": card or {}})


def load(path: str | Path) -> tuple[Mesh2Video, dict[str, Any]]:
    """Read a network, ready to draw, and the card of its training.

    Raises:
        ElpError: the file is missing, is no renderer, or holds NaN.
    """
    tensors, meta = checkpoint.read(path)
    hint = "train one with 'elp train flow'"
    if "renderer" not in meta:
        raise ElpError(f"{path}: not a renderer: {hint}")
    try:
        options = meta["renderer"]
        if any(isinstance(x, int) and not 0 <= x <= MOST for x in options.values()):
            raise ValueError("options of no network")
        net = Mesh2Video(NetworkConfig(**options))
        values = {k: x.float() if x.is_floating_point() else x for k, x in tensors.items()}
        checkpoint.fill(net, values)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ElpError(f"{path}: not a renderer of this version: {hint}") from error
    if not all(map(checkpoint.bounded, values.values())):
        raise ElpError(f"{path}: holds NaN, or numbers beyond {checkpoint.LARGEST:g}: {hint}")
    return net.eval().requires_grad_(False), meta.get("card", {})
