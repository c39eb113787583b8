"""VC-delay (Diao & Raake): real video calls with a delay of 0, 500 or 1000 ms between the two
people, body motion at 30 fps, and gaze of some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elp.corpus.importers.common import Skipped, by_person
from elp.corpus.importers.importer import Importer
from elp.corpus.importers.resample import known, linear
from elp.corpus.importers.vc_resolution import FPS, columns, listing
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.motion import POSE, Motion

FORMS = {
    "body_motion": re.compile(r".*body_motion/[^/]+/(?P<delay>\d+)_s(?P<session>\d+)_1080\.csv$"),
    "gaze": re.compile(r".*gaze/[^/]+/s(?P<session>\d+)_1080p_(?P<delay>\d+)ms\.csv$"),
}


def read(source: Path, skipped: Skipped, **_: object) -> Iterator[Record]:
    """Records of the authors' repository, as its .zip or unpacked.

    It holds `body_motion/CONDITION/*.csv` and `gaze/CONDITION/*.csv`, one file per session.
    Sessions s(2k - 1) and s(2k) share a signal: the odd ones alone are read. The session without
    delay is VC-resolution's of 1080p, and the people's names are the same there.

    β is the logarithm of 1 + body motion and gaze at the partner (0 or 1); what a session has not
    is 0 throughout. Frames whose gaze is missing are not valid. Nobody says who speaks: role
    "both".
    """
    names, load = listing(source)
    sessions: dict[tuple[int, int], dict[str, str]] = {}
    for name in names:
        for feature, form in FORMS.items():
            if (match := form.match(name)) and int(match["session"]) % 2:
                key = int(match["session"]), int(match["delay"])
                sessions.setdefault(key, {})[feature] = name
    if not sessions:
        raise ElpError(
            f"{source}: no body_motion/CONDITION/*.csv in it: "
            "give the authors' repository or its .zip"
        )
    split = by_person({(f"s{session}_A", f"s{session}_B") for session, _ in sessions})
    for (session, delay), files in sorted(sessions.items()):
        clip = f"s{session}_{delay}ms"
        try:
            series = {feature: columns(files, feature, load) for feature in files}
            motion, gaze = _both(series)
        except ElpError as error:
            skipped.add(clip, error)
            continue
        for k, side in enumerate("AB"):
            person = f"s{session}_{side}"
            yield Record(
                clip=clip,
                person=person,
                partner=f"s{session}_{'BA'[k]}",
                role="both",
                split=split[person],
                source=next(iter(files.values())),
                motion=_motion(motion[:, k], gaze[:, k]),
            )


def _both(series: dict[str, NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Body motion and gaze regions, (T, 2) each; what is not there neither moves nor looks at the
    partner.
    """
    lengths = {feature: len(x) for feature, x in series.items()}
    if len(set(lengths.values())) != 1:
        raise ElpError(f"features differ in length: {lengths}")
    frames = next(iter(lengths.values()))
    absent = {"body_motion": np.zeros((frames, 2)), "gaze": np.ones((frames, 2))}
    return [series.get(feature, absent[feature]) for feature in absent]


def _motion(motion: NDArray[np.float64], gaze: NDArray[np.float64]) -> Motion:
    """Of (T,) body motion and gaze regions (1 room, 2 card, 3 partner, 0 missing) at 30 fps."""
    beta = linear(np.stack([np.log1p(np.maximum(motion, 0)), gaze == 3], axis=1), FPS)
    return Motion(
        beta=beta,
        pose=np.zeros((len(beta), POSE), np.float32),
        blink=np.zeros(len(beta), np.uint8),
        valid=known(gaze > 0, FPS),
    )


IMPORTER = Importer(
    kind="vc-delay",
    reads="the authors' repository or its .zip: motion, gaze",
    read=read,
    card={
        "name": "VC-delay",
        "emotions": ["negative", "neutral", "positive"],
        "licence": "MIT",
        "source": "Diao & Raake, repository daoramey/nonverbal-dynamics-VC-delay",
        "splits": "by dyad",
        "beta_names": ["log_body_motion", "gaze_partner"],
        "units": "mixed",
        "coefficients": "ln(1 + body motion), gaze at the partner (0 or 1); what is not known of a "
        "session is 0 throughout; pose and blinks are unknown and zero",
        "sound": "none: cepstra and prosody are those of silence",
    },
)
