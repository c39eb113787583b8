"""VC-resolution (Diao, Arboleda & Raake, ICMI 2024).

Real video calls, both people, action units, body motion and gaze at 30 fps.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from elp import bounded
from elp.corpus.importers.common import Skipped, by_person
from elp.corpus.importers.importer import Importer
from elp.corpus.importers.resample import known, linear
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.motion import POSE, Motion

FPS = 30.0
FEATURES = ("au06_r", "au12_r", "body_motion", "gaze")
LARGEST = 16 * bounded.MIB  # bytes of a session's table; the authors' have less than one
PARTICIPANTS = ("Participant_A", "Participant_B")
SESSION = re.compile(
    r"data/real_dyads/(?P<feature>\w+)/(?P<condition>[^/]+)/[^/]*?(?<![a-z])s(?P<dyad>\d+)_[^/]*\.csv$"
)


def read(source: Path, skipped: Skipped, **_: object) -> Iterator[Record]:
    """Records of the authors' repository, as its .zip or unpacked.

    It holds `data/real_dyads/FEATURE/CONDITION/*.csv`, one file per session.

    Each dyad appears in every video-quality condition; all of them are in one split. β is AU06,
    AU12 (OpenFace, 0-5), the logarithm of 1 + body motion, and gaze at the partner (0 or 1); frames
    without gaze are not valid. Nobody says who speaks: role "both".
    """
    names, load = listing(source)
    sessions: dict[tuple[int, str], dict[str, str]] = {}
    for name in names:
        if (match := SESSION.search(name)) and match["feature"] in FEATURES:
            sessions.setdefault((int(match["dyad"]), match["condition"]), {})[match["feature"]] = (
                name
            )
    if not sessions:
        raise ElpError(
            f"{source}: no data/real_dyads/FEATURE/CONDITION/*.csv in it: "
            "give the authors' repository or its .zip"
        )
    split = by_person({(f"s{dyad}_A", f"s{dyad}_B") for dyad, _ in sessions})
    for (dyad, condition), files in sorted(sessions.items()):
        clip = f"s{dyad}_{condition}"
        try:
            series = {feature: columns(files, feature, load) for feature in FEATURES}
            lengths = {feature: len(x) for feature, x in series.items()}
            if len(set(lengths.values())) != 1:
                raise ElpError(
                    "features differ in length: "
                    + ", ".join(f"{k} {n}" for k, n in lengths.items())
                )
        except ElpError as error:
            skipped.add(clip, error)
            continue
        for k, side in enumerate("AB"):
            person, partner = f"s{dyad}_{side}", f"s{dyad}_{'BA'[k]}"
            yield Record(
                clip=clip,
                person=person,
                partner=partner,
                role="both",
                split=split[person],
                source=files["au12_r"],
                motion=_motion({feature: x[:, k] for feature, x in series.items()}),
            )


def _motion(x: dict[str, NDArray[np.float64]]) -> Motion:
    beta = np.stack(
        [x["au06_r"], x["au12_r"], np.log1p(np.maximum(x["body_motion"], 0)), x["gaze"] == 3],
        axis=1,
    )
    beta = linear(beta, FPS)
    return Motion(
        beta=beta,
        pose=np.zeros((len(beta), POSE), np.float32),
        blink=np.zeros(len(beta), np.uint8),
        valid=known(x["gaze"] > 0, FPS),
    )


def listing(source: Path) -> tuple[list[str], Callable[[str], bytes]]:
    """Names of the files in a folder or .zip, and what reads one of them."""
    if source.is_dir():
        return sorted(
            path.relative_to(source).as_posix() for path in source.rglob("*.csv")
        ), partial(_in_folder, source)
    try:
        file = zipfile.ZipFile(source)
    except (OSError, zipfile.BadZipFile) as error:
        raise ElpError(
            f"{source}: neither a folder nor a readable .zip: "
            "give the authors' repository or its .zip"
        ) from error
    return sorted(file.namelist()), partial(_in_archive, file)


def _in_folder(folder: Path, name: str) -> bytes:
    with bounded.regular(folder / name, LARGEST) as file:
        return file.read()


def _in_archive(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:  # no more than that is unpacked, whatever follows
        raise ElpError(f"{name}: larger than {LARGEST // bounded.MIB} MiB: no session's table")
    return archive.read(name)


def columns(
    files: dict[str, str], feature: str, load: Callable[[str], bytes]
) -> NDArray[np.float64]:
    """(T, 2) a feature of both people; raises ElpError where its file is missing or no table."""
    if feature not in files:
        raise ElpError(f"no file of {feature}")
    try:
        frame = pd.read_csv(io.BytesIO(load(files[feature])), sep=r"\s+")
    except (ValueError, zipfile.BadZipFile) as error:
        raise ElpError(f"{files[feature]}: not a readable table ({error})") from error
    for name in PARTICIPANTS:
        if name not in frame:
            raise ElpError(
                f"{files[feature]}: no column {name!r}, it has: "
                f"{', '.join(map(str, frame.columns))}"
            )
    values = frame[list(PARTICIPANTS)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    if not np.isfinite(values).all():
        first = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise ElpError(f"{files[feature]}: row {first + 2} is not a number")
    return values


IMPORTER = Importer(
    kind="vc-resolution",
    reads="the authors' repository or its .zip: action units, motion, gaze",
    read=read,
    card={
        "name": "VC-resolution",
        "emotions": ["negative", "neutral", "positive"],
        "licence": "MIT",
        "source": (
            "Diao, Arboleda & Raake, Nonverbal dynamics in dyadic videoconferencing interaction, "
            "ICMI 2024"
        ),
        "splits": "by dyad",
        "beta_names": ["AU06", "AU12", "log_body_motion", "gaze_partner"],
        "units": "mixed",
        "coefficients": "OpenFace action units, ln(1 + body motion), gaze at the partner (0 or 1); "
        "pose and blinks are unknown and zero",
        "sound": "none: cepstra and prosody are those of silence",
    },
)
