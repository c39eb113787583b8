"""Motion: what a face did, frame by frame. Everything downstream passes this on."""

# T frame, D expression coefficient
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp import bounded
from elp.errors import ElpError
from elp.files import atomic

FPS = 25.0  # the frame rate of every motion in the project (ELP, section 4.1)
POSE = 6  # three rotations, three translations
MFCC = 29  # cepstral coefficients per video frame (ELP, section 4.1)
LARGEST = 1e5  # of any coefficient, radian or centimetre: more is damage
CLIP = 50  # frames of a short clip: the 2 s that training draws (ELP, section 4.1)
# columns of prosody (`elp.media.prosody` says what each holds) and the row of somebody who has
# not spoken yet, the value of each
PROSODY = (
    "pitch",
    "rank",
    "voiced",
    "strength",
    "energy",
    "pitch_change",
    "energy_change",
    "unvoiced_for",
)
SILENT = (0.0, 0.5, 0.0, 0.0, -4.0, 0.0, 0.0, 2.0)
# what a motion holds for every frame, and as what kind of number
SIGNALS = {"beta": np.float32, "pose": np.float32, "blink": np.uint8, "valid": np.bool_}
# what a clip may hold beside its motion, as numbers
MEASURED = ("mfcc", "prosody", "ear", "confidence", "alpha", "origin", "rms", "focal")

Floats = NDArray[np.float32]
# method -> function of the room of exports, which puts it here: rooms import one way
EXPORTS: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Expression β, head pose p and blinks φ of one person (chapter "Notation").

    Attributes:
        beta: (T, D) float32, coefficients of the face model's expression directions.
        pose: (T, 6) float32, rotation vector in radians (x pitch, y yaw, z roll; 0 is frontal),
            then translation in centimetres from the clip's median head position.
        blink: (T,) uint8, 1 while the eyes are shut.
        valid: (T,) bool, False where nothing was seen or known; all True when not given.
        fps: frames per second, 25 throughout the project.

    Raises:
        ElpError: a shape does not fit, a signal holds no numbers, a flag is neither 0 nor 1, or a
            valid frame holds NaN or numbers beyond 1e5.
    """

    beta: Floats
    pose: Floats
    blink: NDArray[np.uint8]
    valid: NDArray[np.bool_] = None  # type: ignore[assignment]  # __post_init__ fills it
    fps: float = FPS

    def __post_init__(self) -> None:
        for name, kind in SIGNALS.items():  # past the guard of a frozen dataclass
            given = getattr(self, name)
            if name == "valid" and given is None:
                given = np.ones(self.beta.shape[:1], bool)
            object.__setattr__(self, name, _numbers("motion", name, given, kind))
        frames = self.beta.shape[0] if self.beta.ndim else 0
        if self.beta.ndim != 2 or self.pose.shape != (frames, POSE):
            raise ElpError(
                f"motion: beta must be (T, D) and pose (T, {POSE}), "
                f"got {self.beta.shape} and {self.pose.shape}"
            )
        if self.blink.shape != (frames,) or self.valid.shape != (frames,):
            raise ElpError(
                f"motion: {frames} frames of beta, "
                f"but blink {self.blink.shape} and valid {self.valid.shape}"
            )
        if not all((np.abs(x[self.valid]) <= LARGEST).all() for x in (self.beta, self.pose)):
            raise ElpError(
                f"motion: a frame marked valid holds NaN or numbers beyond {LARGEST:g}: "
                "mark it valid=0 or extract the clip again"
            )

    def __len__(self) -> int:
        return len(self.beta)

    def __getitem__(self, frames: slice) -> Motion:
        return replace(self, **{name: getattr(self, name)[frames] for name in SIGNALS})

    def save(self, path: str | Path) -> None:
        """Write an .npz with beta, pose, blink, valid and fps, whole or not at all."""
        _save(path, {f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: str | Path) -> Motion:
        """Read what `save` wrote; raises ElpError for a missing, corrupt or incomplete file."""
        return _motion(Path(path), bounded.arrays(path))

    def to_arkit(self) -> Any:
        """ARKit's 52 blendshapes and nine rotations, a row a frame and a column each, as a pandas
        DataFrame: see `elp.exports.arkit.table`.
        """
        return EXPORTS["to_arkit"](self)

    def events(self, speaker: Clip | None = None) -> list[Any]:
        """Nods, shakes, blinks and smiles, with a speaker the cues that they answer, in the order
        of time: see `elp.exports.events`.
        """
        found: list[Any] = EXPORTS["events"](self, speaker)
        return found


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A person seen and heard: motion, sound, how it was measured (chapter "Parameter extraction").

    Attributes:
        motion: T frames of β, p, φ.
        mfcc: (T, 29) float32, mel cepstra of the sound around each frame; zeros when there is no
            sound.
        prosody: (T, 8) float32, pitch, voicing and loudness of the sound (`elp.media.prosody`), or
            None where it was not measured: in files made before it was, and from sound that is
            known by its spectra only.
        ear: (T, 2) float32, eye aspect ratio of the right and left eye, NaN where the eyes are
            hidden (blinks are not known there), or None.
        confidence: (T,) float32, how sure the tracker is of each frame, 0 (not seen) to 1, or None.
        alpha: (K,) float32 identity coefficients, or None.
        focal: focal length in pixels of the fitted camera, or None.
        origin: (3,) float32, the median head position in camera coordinates (cm), or None.
        size: (width, height) of the video in pixels, or None.
        rms: (T,) float32, reprojection error per frame in pixels, or None.
        source: name of the file it came from.

    Raises:
        ElpError: mfcc is not (T, 29), prosody not (T, 8), or one of them holds NaN.
    """

    motion: Motion
    mfcc: Floats
    prosody: Floats | None = None
    ear: Floats | None = None
    confidence: Floats | None = None
    alpha: Floats | None = None
    focal: float | None = None
    origin: Floats | None = None
    size: tuple[int, int] | None = None
    rms: Floats | None = None
    source: str = ""

    def __post_init__(self) -> None:
        name = self.source or "clip"
        object.__setattr__(self, "mfcc", _numbers(name, "mfcc", self.mfcc, np.float32))
        if self.mfcc.shape != (len(self.motion), MFCC):
            raise ElpError(
                f"{name}: {len(self.motion)} motion frames, mfcc of shape {self.mfcc.shape}: "
                f"both need one row per frame, of {MFCC} cepstra"
            )
        if not np.isfinite(self.mfcc).all():
            raise ElpError(f"{name}: mfcc holds NaN or infinity: check the sound track")
        if self.prosody is not None:
            prosody = _numbers(name, "prosody", self.prosody, np.float32)
            object.__setattr__(self, "prosody", prosody)
            if prosody.shape != (len(self), len(PROSODY)) or not np.isfinite(prosody).all():
                raise ElpError(
                    f"{name}: {len(self)} motion frames, prosody of shape "
                    f"{prosody.shape}: one finite row of {len(PROSODY)} per frame is needed"
                )

    def __len__(self) -> int:
        return len(self.motion)

    def __getitem__(self, frames: slice) -> Clip:
        per_frame: dict[str, Any] = {
            name: None if (x := getattr(self, name)) is None else x[frames]
            for name in ("mfcc", "prosody", "ear", "confidence", "rms")
        }
        return replace(self, motion=self.motion[frames], **per_frame)

    def eyes_hidden(self) -> float:
        """The share of the frames with a face, 0 to 1, in which its eyes are hidden."""
        if self.ear is None or self.confidence is None:
            return 0.0
        seen = self.motion.valid & (self.confidence > 0)
        return float(np.isnan(self.ear[seen]).any(1).mean()) if seen.any() else 0.0

    def voice(self) -> Floats:
        """The prosody (T, 8) for a listener that needs it: that of silence where there is no sound.

        Raises:
            ElpError: there is sound, but its prosody was not measured.
        """
        if self.prosody is not None:
            return self.prosody
        if self.mfcc.any():
            raise ElpError(
                f"{self.source or 'clip'}: made before prosody was measured: "
                "extract the clip again, or make its corpus again"
            )
        return np.tile(np.asarray(SILENT, np.float32), (len(self), 1))

    def save(self, path: str | Path) -> None:
        """Write an .npz of the motion's arrays and all known fields, whole or not at all."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "motion"}
        motion = {f.name: getattr(self.motion, f.name) for f in fields(self.motion)}
        _save(path, motion | {name: value for name, value in own.items() if value is not None})

    @classmethod
    def load(cls, path: str | Path) -> Clip:
        """Read what `save` wrote; raises ElpError for a missing, corrupt or incomplete file."""
        data = bounded.arrays(path)
        if "mfcc" not in data:
            raise ElpError(f"{path}: no array 'mfcc' in it: make the clip with 'elp extract'")
        motion = _motion(Path(path), data)
        known: dict[str, Any] = {
            name: _numbers(str(path), name, data[name], np.float32)
            for name in MEASURED
            if name in data
        }
        frames = len(motion)
        shapes: dict[str, tuple[int, ...]] = {
            "ear": (frames, 2),
            "confidence": (frames,),
            "rms": (frames,),
            "origin": (3,),
            "focal": (),
        }
        for name, shape in shapes.items():
            if name in known and known[name].shape != shape:
                raise ElpError(
                    f"{path}: {name} of shape {known[name].shape}, expected {shape}: "
                    "make the clip with 'elp extract'"
                )
        if "focal" in known:
            known["focal"] = float(data["focal"])
        if "size" in data:
            known["size"] = _size(path, data["size"])
        return cls(motion=motion, source=str(data.get("source", "")), **known)


def runs(flags: NDArray[Any]) -> list[tuple[int, int]]:
    """The runs of non-zero values in (T,), such as φ, as (first frame, frame after the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(flags) != 0, [0]]).astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def blink_rate(blink: NDArray[Any], fps: float = FPS) -> float:
    """Blinks per minute in φ (T,): people blink 15 to 20 times at rest, more often in talk."""
    return len(runs(blink)) * 60 * fps / max(len(blink), 1)


def fill_gaps(x: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Rows of x (T, D) that are not valid, as straight lines between their valid neighbours.

    Before the first valid row and after the last one, that row; zeros if none is valid.
    """
    if valid.all():
        return x
    if not valid.any():
        return np.zeros_like(x)
    frames = np.arange(len(x))
    columns = [np.interp(frames, frames[valid], column[valid]) for column in x.T]
    return np.stack(columns, axis=1).astype(np.float32)


def _numbers(owner: str, name: str, x: Any, kind: type) -> NDArray[Any]:
    """x as an array of `kind` whose rows lie behind one another.

    Raises:
        ElpError: x is neither numbers nor truth values, or holds something else than 0 and 1 where
            `kind` is a flag's.
    """
    given = np.asarray(x)
    if given.dtype.kind not in f"b{bounded.NUMBERS}":
        raise ElpError(f"{owner}: {name} holds {given.dtype}: numbers are needed")
    flags = kind is not np.float32 and given.dtype != bool
    if flags and not ((given == 0) | (given == 1)).all():
        raise ElpError(f"{owner}: {name} must be 0 or 1 in every frame")
    with np.errstate(over="ignore"):  # becomes infinite, which is said where it counts
        return np.asarray(given, kind, order="C")


def _save(path: str | Path, arrays: dict[str, Any]) -> None:
    if Path(path).suffix != ".npz":
        raise ElpError(f"{path}: motion is stored as .npz: give the file that ending")
    with atomic(path) as partial:
        np.savez_compressed(
            partial,
            allow_pickle=False,
            **{name: np.asarray(value) for name, value in arrays.items()},
        )


def _size(path: str | Path, given: NDArray[Any]) -> tuple[int, int]:
    if given.shape != (2,) or given.dtype.kind not in "iu" or (given < 1).any():
        raise ElpError(
            f"{path}: size must be two whole numbers of pixels: make the clip with 'elp extract'"
        )
    return int(given[0]), int(given[1])


def _motion(path: Path, data: dict[str, NDArray[Any]]) -> Motion:
    missing = [name for name in ("beta", "pose", "blink", "fps") if name not in data]
    if missing:
        raise ElpError(
            f"{path}: no array {missing[0]!r} in it: "
            "make the file with 'elp extract' or 'elp respond --params'"
        )
    given = data["fps"]
    if given.size != 1 or given.dtype.kind not in bounded.NUMBERS:
        raise ElpError(
            f"{path}: fps is {given.dtype} of shape {given.shape}, one number is needed: "
            "make the clip with 'elp extract'"
        )
    fps = float(given.item())
    if fps != FPS:
        raise ElpError(
            f"{path}: {fps:g} frames per second, expected {FPS:g}: "
            "extract the clip again, or import it as a corpus"
        )
    return Motion(**{name: data[name] for name in SIGNALS if name in data}, fps=fps)
