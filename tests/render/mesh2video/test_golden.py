"""The simulated people as they were when they were judged by eye.

After a change that is meant: python -m tests.render.mesh2video.test_golden
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from elp.face.model import FaceModel
from elp.render.mesh2video.draws import RandomDraws
from elp.render.mesh2video.footage import Footage
from elp.render.mesh2video.skins import Wardrobe
from elp.render.mesh2video.studio import Studio

GOLDEN = Path(__file__).parents[2] / "golden" / "studio.json"
# how far another machine's sums may be off: grey levels of 255, pixels, radians and cm
LEAST = {"photo": 2, "matte": 3, "mesh": 3, "at": 0.1, "truth": 0.1, "pose": 0.01, "focal": 0.1}
LEAST |= {"walls": 2}


def found(footage: Footage) -> dict[str, list[float]]:
    """Pictures as means of 8 x 8 pixels, every thirtieth point, all else, and walls of others."""
    film, out = footage.tensors, {}
    for name in ("photo", "matte", "mesh"):
        blocks = torch.nn.functional.avg_pool2d(film[name].flatten(0, 1).float(), 8)
        out[name] = blocks.round().int().flatten().tolist()
    for name in ("at", "truth"):
        out[name] = np.round(film[name][:, :, ::30].flatten().numpy().astype(float), 2).tolist()
    for name in ("pose", "focal"):
        out[name] = np.round(film[name].flatten().numpy().astype(float), 3).tolist()
    walls = Wardrobe(FaceModel.default(), RandomDraws.seeded(1)).walls(6, 12)
    out["walls"] = (255 * walls.mean(1)).round().int().flatten().tolist()
    return out


def test_the_people_of_a_seed_are_the_golden_ones(footage: Footage) -> None:
    golden, now = json.loads(GOLDEN.read_text()), found(footage)
    for name, least in LEAST.items():
        off = np.abs(np.subtract(now[name], golden[name]))
        assert off.max() <= least, (name, np.argmax(off))


if __name__ == "__main__":
    lines = [
        f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found(Studio(1).film(2, 2, 64)).items()
    ]
    GOLDEN.write_text("{\n" + ",\n".join(lines).replace(", ", ",") + "\n}\n")
