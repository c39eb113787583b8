"""All files that one command writes of a motion, together or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.exports.arkit import write_arkit
from elp.exports.events import events, write_events
from elp.exports.gltf import write_glb
from elp.files import check, keep, together
from elp.motion import Clip, Motion

ENDINGS = {"arkit": (".csv",), "glb": (".glb",), "events": (".csv", ".tsv", ".txt", ".eaf")}


@dataclass(frozen=True, kw_only=True)
class Exports:
    """Where to write what; None is nowhere.

    Attributes:
        arkit: blendshapes (.csv). glb: animated mesh (.glb). events: (.csv, .tsv, .txt or .eaf).
    """

    arkit: str | Path | None = None
    glb: str | Path | None = None
    events: str | Path | None = None

    @property
    def paths(self) -> tuple[str | Path | None, ...]:
        """The three, in this order."""
        return astuple(self)

    def at(self, paths: Sequence[str | Path | None]) -> Exports:
        """The same files elsewhere: `paths` in the order of this one's."""
        return Exports(**dict(zip(ENDINGS, paths, strict=True)))

    def __bool__(self) -> bool:
        return any(path is not None for path in self.paths)


def check_exports(exports: Exports) -> None:
    """Refuse endings that the files cannot have, and one name for two, before the work; raises
    ElpError.
    """
    given = [Path(path) for path in exports.paths if path is not None]
    if len(set(given)) < len(given):
        raise ElpError(f"{given[-1]}: asked for twice: give each file a name of its own")
    for (name, endings), path in zip(ENDINGS.items(), exports.paths, strict=True):
        if path is not None and Path(path).suffix.lower() not in endings:
            raise ElpError(
                f"{path}: {name} is written as {' or '.join(endings)}: give the file that ending"
            )


def write_exports(
    exports: Exports,
    motion: Motion,
    speaker: Clip | None = None,
    looks: NDArray[np.floating] | None = None,
) -> None:
    """Write what is asked for. Paths of `elp.files.together` are written as they are, so that all
    files of a command appear at once.

    Args:
        speaker: whom the motion answers, where known: whose cues the events name.
        looks: of the portrait's eyes, see `events`.

    Raises:
        ElpError: see the writers.
    """
    if exports.arkit is not None:
        write_arkit(exports.arkit, motion)
    if exports.glb is not None:
        write_glb(exports.glb, motion)
    if exports.events is not None:
        write_events(exports.events, events(motion, speaker, looks=looks))


def convert(motion: str | Path, exports: Exports, *, speaker: str | Path | None = None) -> Motion:
    """Write a stored motion for other programs, all files or none.

    Args:
        motion: an .npz of `Motion.save` or `Clip.save`. speaker: that of the clip it answers.

    Returns:
        the motion.

    Raises:
        ElpError: a file is missing or broken, would be written over, or cannot be written; or the
            motion is of another face model.
    """
    check_exports(exports)
    keep([motion, speaker], exports.paths)
    check(*exports.paths)
    made = Motion.load(motion)
    clip = None if speaker is None else Clip.load(speaker)
    with together(*exports.paths) as paths:
        write_exports(exports.at(paths), made, clip)
    return made
