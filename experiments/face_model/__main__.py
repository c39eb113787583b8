"""`python -m experiments.face_model`: writes the face model that ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from elp import face
from elp.files import atomic
from experiments.face_model.build import build


def main() -> None:
    target = Path(face.__file__).with_name("default_face.npz")
    with atomic(target) as partial:
        np.savez_compressed(partial, allow_pickle=False, **build())
    print(f"{target.name}: {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
