"""Seconds and joules of a training."""

from __future__ import annotations

import contextlib
import time

import torch


class Meter(contextlib.AbstractContextManager["Meter"]):
    """Seconds and, where NVML tells, joules of the training loop alone.

    Args:
        device: that trains. done: steps made before.
    """

    def __init__(self, device: torch.device, done: int) -> None:
        self.device, self.done, self.seconds = device, done, 0.0
        self.joules: float | None = None

    def __enter__(self) -> Meter:
        self._sync()
        self._before, self._start = self._energy(), time.perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        self._sync()
        self.seconds = time.perf_counter() - self._start
        after = self._energy()
        self.joules = None if after is None or self._before is None else after - self._before

    def _energy(self) -> float | None:
        with contextlib.suppress(Exception):  # no card, or no NVML, is no reason to fail
            import pynvml

            pynvml.nvmlInit()
            # NVML counts all cards, torch those that CUDA_VISIBLE_DEVICES names
            card = torch.cuda.get_device_properties(self.device).uuid
            handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{card}")
            return pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000
        return None

    def _sync(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
