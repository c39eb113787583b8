"""DualTalk (Peng et al., CVPR 2025).

Per person an .npz of FLAME coefficients at 25 fps and a .wav at 16 kHz.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elp.corpus.importers import l2l
from elp.corpus.importers.common import Skipped, array, by_person, features_of_file, sound_of
from elp.corpus.importers.importer import Importer
from elp.corpus.importers.l2l import EXPRESSION, POSE, flame
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.motion import FPS, Floats

NAME = re.compile(r"(?P<clip>.+)_(?P<person>speaker[12])$")


def read(source: Path, skipped: Skipped, **_: Any) -> Iterator[Record]:
    """Records of NAME_speaker1.npz, NAME_speaker2.npz and the .wav beside each, anywhere below
    `source`.

    Folders named train, val, test or ood give the split (ood: "test_ood"); without them people are
    split so that nobody is in two. A person whose .npz or .wav is missing or damaged is listed and
    left out.
    """
    files = sorted(
        path
        for path in source.rglob("*")
        if path.suffix in (".npz", ".wav") and NAME.match(path.stem)
    )
    if not files:
        raise ElpError(
            f"{source}: no NAME_speaker1.npz or NAME_speaker2.npz below it: give DualTalk's folder"
        )
    stems = sorted({path.with_suffix("") for path in files})
    split = by_person((str(stem), str(_partner(stem))) for stem in stems)
    for stem in stems:
        clip = str(stem.relative_to(source)).rsplit("_", 1)[0]
        given = next(
            (
                part
                for part in stem.relative_to(source).parts
                if part in ("train", "val", "test", "ood")
            ),
            None,
        )
        try:
            data = array(stem.with_suffix(".npz"))
            for key, width in (("exp", EXPRESSION), ("pose", POSE)):
                if key not in data:
                    raise ElpError(f"{stem.name}.npz: no array {key!r} in it")
                if data[key].ndim != 2 or data[key].shape[1] != width:
                    raise ElpError(
                        f"{stem.name}.npz: {key} has shape {data[key].shape}, "
                        f"expected (frames, {width})"
                    )
            motion = flame(data["exp"], data["pose"], FPS)
            mfcc, prosody = sound_of(stem.with_suffix(".wav"), len(motion))
        except ElpError as error:
            skipped.add(stem.name, error)
            continue
        person, partner = f"{clip}/{stem.name[-8:]}", f"{clip}/{_partner(stem).name[-8:]}"
        yield Record(
            clip=clip,
            person=person,
            partner=partner,
            role="both",
            motion=motion,
            mfcc=mfcc,
            prosody=prosody,
            source=f"{stem.name}.npz",
            split={"ood": "test_ood"}.get(given, given) if given else split[str(stem)],
        )


def features(source: Path, row: Any) -> Floats:
    """(216,) what the speech analyser hears of an imported row's speaker."""
    return features_of_file(source / f"{row.clip}_{row.person[-8:]}.wav")


def _partner(stem: Path) -> Path:
    return stem.with_name(stem.name[:-1] + {"1": "2", "2": "1"}[stem.name[-1]])


IMPORTER = Importer(
    kind="dualtalk",
    reads="NAME_speaker1 and NAME_speaker2, .npz of FLAME coefficients and .wav",
    read=read,
    features=features,
    card=l2l.IMPORTER.card
    | {
        "name": "DualTalk",
        "source": "Peng et al., DualTalk, CVPR 2025",
        "splits": "the folders' (train, val, test, ood), else by person",
        "coefficients": "FLAME expression",
        "sound": "one file for each person",
    },
)
