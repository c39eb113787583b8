"""What a face did, one line an event: nods, shakes, blinks, smiles and looks aside, and the
speaker's cue that each answers (chapter "Live").

Every event is found by the definition that the metrics use (`elp.metrics.events`). A motion holds
no eyes: looks aside are known of a portrait alone, whose eyes `elp.render.gaze` moves.
"""

# T frame
from __future__ import annotations

import bisect
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.exports.arkit import check
from elp.exports.eaf import write_eaf
from elp.face.model import FaceModel
from elp.files import atomic
from elp.metrics.events import (
    at_breakpoint,
    blink_starts,
    find_cues,
    smile_onsets,
    smile_spans,
    swings,
)
from elp.metrics.events.blinks import AFTER_BLINK
from elp.metrics.events.nods import AFTER_LOW_PITCH, AFTER_PHRASE
from elp.metrics.events.smiles import AFTER_SMILE
from elp.motion import Clip, Motion, runs

LISTENER, SPEAKER = "listener", "speaker"
# what of the speaker an event can answer, and in which seconds after it: windows of the metrics
ANSWERS = {
    "nod": {"low pitch": AFTER_LOW_PITCH, "phrase end": AFTER_PHRASE},
    "shake": {"low pitch": AFTER_LOW_PITCH, "phrase end": AFTER_PHRASE},
    "blink": {"blink at phrase end": AFTER_BLINK},
    "smile": {"smile": AFTER_SMILE},
    "look aside": {},
}
SIZES = {
    "nod": "degrees",
    "shake": "degrees",
    "smile": "share of a full smile",
    "look aside": "degrees",
}
HEADER = "tier onset offset duration event size unit cue cue_onset latency annotation".split()


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that a person did.

    Attributes:
        who: "listener" or "speaker".
        kind: "nod", "shake", "blink", "smile" or "look aside"; of a speaker "low pitch", "phrase
            end", "blink at phrase end" or "smile".
        onset, offset: seconds from the motion's first frame.
        size: of a nod or shake the degrees from one side to the other, of a smile its highest share
            of a full one, of a look aside how far it goes from the partner's eyes; None of blinks
            and cues.
        cue: the speaker's latest cue in whose window the event begins, None where there is none. By
            chance alone some do: `elp.metrics` counts how many more than that.
        cue_onset: seconds, None without cue.
    """

    who: str
    kind: str
    onset: float
    offset: float
    size: float | None = None
    cue: str | None = None
    cue_onset: float | None = None


def events(
    motion: Motion,
    speaker: Clip | None = None,
    *,
    looks: NDArray[np.floating] | None = None,
    model: FaceModel | None = None,
) -> list[Event]:
    """Events of a listener in the order of time, and with a speaker their cues too.

    Definitions, of `elp.metrics.events`: a nod or shake is a swing between 1 and 4 Hz (`swings`), a
    blink a run of φ that began in the motion (`blink_starts`), a smile as in `smile_onsets`. A
    motion of less than a second has no nods. "low pitch" is the moment at which Ward & Tsukahara's
    rule would answer (`find_cues`), 0.7 s after the pitch fell.

    Args:
        motion: T frames, T at least 1. speaker: the T frames that it answers, or some more or less.
        looks: (T, 2) angles in radians from the partner's eyes, of `elp.render.gaze.path`, where
            the motion is shown by a portrait; a look aside is a run of frames off the partner's
            face (`elp.render.gaze.on_partner`).
        model: of the coefficients; by default the one that ships.

    Raises:
        ElpError: no frames, or other coefficients than the model's.
    """
    model = model or FaceModel.default()
    if not len(motion):
        raise ElpError("motion: no frames, hence no events: give a longer one")
    check(motion, model)
    cues = [] if speaker is None else list(_cues(speaker, model))
    times = _times(cues)
    found = [*cues, *_shown(motion, model, times), *_aside(looks, motion.fps)]
    return sorted(found, key=lambda event: (event.onset, event.who, event.kind))


def smile(motion: Motion, model: FaceModel) -> NDArray[np.float64]:
    """(T,) share of a full smile, the mean of both sides."""
    rows = [model.index(name) for name in ("smile_l", "smile_r")]
    return (motion.beta[:, rows] / model.full[rows]).mean(1).astype(np.float64)


def _shown(motion: Motion, model: FaceModel, cues: dict[str, list[float]]) -> Iterator[Event]:
    fps, valid = motion.fps, [motion.valid]
    pitch, yaw = [motion.pose[:, 0]], [motion.pose[:, 1]]
    for kind, axis, other in (("nod", pitch, yaw), ("shake", yaw, pitch)):
        for first, last, width in swings(axis, other, valid=valid, fps=fps)[0]:
            yield _event(kind, first, last, fps, cues, width)
    begun = blink_starts([motion.blink], valid=valid)[0]
    for first, last in runs(motion.blink):
        if begun[first] > 0:
            yield _event("blink", first, last, fps, cues)
    share = smile(motion, model)
    for first, last in smile_spans([share], valid=valid, fps=fps)[0]:
        yield _event("smile", first, last, fps, cues, float(share[first:last].max()))


def _aside(looks: NDArray[np.floating] | None, fps: float) -> Iterator[Event]:
    if looks is None:
        return
    from elp.render.gaze import on_partner  # the renderers load when they are used

    size = np.rad2deg(np.linalg.norm(looks, axis=1))
    for first, last in runs((~on_partner(looks)).astype(np.uint8)):
        yield _event("look aside", first, last, fps, {}, float(size[first:last].max()))


def _event(
    kind: str,
    first: int,
    last: int,
    fps: float,
    cues: dict[str, list[float]],
    size: float | None = None,
) -> Event:
    """An event, and the latest cue that it may answer."""
    onset = first / fps
    answered = [
        (at, name)
        for name, window in ANSWERS[kind].items()
        if (at := _latest(cues.get(name, ()), onset - window[0])) is not None
        and onset - at < window[1]
    ]
    at, cue = max(answered, default=(None, None))
    return Event(
        who=LISTENER,
        kind=kind,
        onset=onset,
        offset=last / fps,
        size=size,
        cue=cue,
        cue_onset=at,
    )


def _latest(times: Sequence[float], until: float) -> float | None:
    """The last of ascending times that is not after `until`."""
    before = bisect.bisect_right(times, until + 1e-9)
    return times[before - 1] if before else None


def _times(cues: Sequence[Event]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for cue in cues:
        found.setdefault(cue.kind, []).append(cue.onset)
    return {kind: sorted(times) for kind, times in found.items()}


def _cues(speaker: Clip, model: FaceModel) -> Iterator[Event]:
    """What of the speaker may be answered: moments, one frame long."""
    from elp.media.prosody import contour

    motion, fps = speaker.motion, speaker.motion.fps
    if not len(speaker):
        return
    heard = find_cues(contour(speaker.voice()), fps=fps)
    blinks = np.nan_to_num(blink_starts([motion.blink], valid=[motion.valid])[0]) > 0
    flags = {
        "low pitch": heard.low_pitch,
        "phrase end": heard.phrase_ends,
        "blink at phrase end": at_breakpoint(blinks, heard.phrase_ends, fps=fps),
    }
    if motion.beta.shape[1] == len(model.expression):
        share = smile(motion, model)
        flags["smile"] = np.nan_to_num(smile_onsets([share], valid=[motion.valid], fps=fps)[0]) > 0
    for kind, flag in flags.items():
        for frame in np.flatnonzero(flag).tolist():
            yield Event(who=SPEAKER, kind=kind, onset=frame / fps, offset=(frame + 1) / fps)


def said(event: Event) -> str:
    """An event in words: what ELAN shows as its annotation."""
    words = event.kind
    if event.size is not None:
        words += f" {event.size:.2f} {SIZES[event.kind]}"
    if event.cue is not None and event.cue_onset is not None:
        words += f", {event.onset - event.cue_onset:.2f} s after {event.cue}"
    return words


def write_events(path: str | Path, found: Sequence[Event]) -> None:
    """Write events, whole or not at all: as a table (.csv, or .tsv and .txt with tabs) whose
    columns ELAN's "Import CSV / Tab-delimited Text" takes (tier, onset, offset, annotation), or as
    ELAN's own file (.eaf), one tier for each person and kind.

    Raises:
        ElpError: another ending, or the file cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in (".csv", ".tsv", ".txt", ".eaf"):
        raise ElpError(
            f"{path}: events are written as .csv, .tsv, .txt or .eaf: give the file such an ending"
        )
    with atomic(path) as partial:
        if ending == ".eaf":
            write_eaf(partial, [(_tier(e), e.onset, e.offset, said(e)) for e in found])
            return
        with partial.open("w", encoding="utf-8", newline="") as file:
            tab = "," if ending == ".csv" else "\t"
            rows = csv.writer(file, delimiter=tab, lineterminator="\n")
            rows.writerow(HEADER)
            rows.writerows(_row(event) for event in found)


def _tier(event: Event) -> str:
    return f"{event.who} {event.kind}"


def _row(event: Event) -> list[str]:
    latency = None if event.cue_onset is None else event.onset - event.cue_onset
    numbers = [event.onset, event.offset, event.offset - event.onset]
    size = "" if event.size is None else f"{event.size:.3f}"
    return [
        _tier(event),
        *(f"{x:.3f}" for x in numbers),
        event.kind,
        size,
        SIZES.get(event.kind, "") if size else "",
        event.cue or "",
        *("" if x is None else f"{x:.3f}" for x in (event.cue_onset, latency)),
        said(event),
    ]
