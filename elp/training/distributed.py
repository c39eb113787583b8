"""The processes that share one training run, started by `torchrun`; alone, every method does
nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from elp.errors import ElpError


@dataclass(frozen=True)
class Group:
    """Rank and size of a run, and its device.

    Gradients are averaged by one all-reduce of one flat tensor: unlike `DistributedDataParallel`'s
    hooks it can be recorded in the CUDA graph of the whole step.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = torch.device("cpu")  # noqa: RUF009  immutable

    @classmethod
    @contextlib.contextmanager
    def join(cls, device: str | None) -> Iterator[Group]:
        """The group that `torchrun` describes in the environment (NCCL on CUDA, gloo on CPU), or a
        group of one.
        """
        name = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if name.startswith("cuda") and not torch.cuda.is_available():
            raise ElpError("no CUDA device here: leave the device out to train on the CPU")
        rank, size, local = (
            int(os.environ.get(key, default))
            for key, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0))
        )
        try:
            chosen = torch.device(name if name != "cuda" else f"cuda:{local}")
        except RuntimeError as error:
            raise ElpError(f"unknown device {name!r}: use cpu, cuda or cuda:0") from error
        if chosen.type not in ("cpu", "cuda"):
            raise ElpError(f"{name!r}: a device that training does not use: give cpu or cuda")
        if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
            raise ElpError(f"{name!r}: no such device, there are {torch.cuda.device_count()}")
        if chosen.type == "cuda":
            torch.cuda.set_device(chosen)
        if size > 1:
            dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
        try:
            yield cls(rank, size, chosen)
        finally:
            if size > 1:
                dist.destroy_process_group()

    def average(self, x: Tensor) -> Tensor:
        """The mean of a tensor over the processes."""
        if self.size > 1:
            dist.all_reduce(x)
            x /= self.size
        return x

    def any(self, flag: bool) -> bool:
        """True everywhere if it is true anywhere."""
        if self.size == 1:
            return flag
        shared = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(shared)
        return bool(shared > 0)

    def gather(self, x: Tensor) -> list[Tensor]:
        """The same-shaped CPU tensor of every process, in order of rank."""
        if self.size == 1:
            return [x]
        found = [torch.empty_like(x, device=self.device) for _ in range(self.size)]
        dist.all_gather(found, x.to(self.device))
        return [one.cpu() for one in found]
