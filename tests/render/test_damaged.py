"""Damaged pictures are refused in one sentence, and their decoders say nothing."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elp.errors import ElpError
from elp.render.picture import read


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_decoders_say_nothing_of_damaged_pictures(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, rng = io.BytesIO(), np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(file, kind)
    whole, refused = file.getvalue(), 0
    for _ in range(20):
        data = bytearray(whole)
        for place in rng.integers(len(data) // 8, len(data), 8):
            data[place] = rng.integers(256)
        (tmp_path / "x").write_bytes(data[: rng.integers(len(data) // 2, len(data))])
        try:
            assert read(tmp_path / "x")[0].shape[2] == 3
        except ElpError as error:
            refused += 1
            assert "not a readable image" in str(error)
    assert refused
    assert capfd.readouterr().err == ""
