"""Events: what was put into a motion is found, once, by the metrics' definitions, and files are
read back by csv and by another reader of ELAN's files (pympi).
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pympi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elp.errors import ElpError
from elp.exports import Event, Exports, convert, events, write_events
from elp.exports.events import ANSWERS, HEADER, said
from elp.face.model import FaceModel
from elp.metrics.events import blink_starts, smile_onsets, swings
from elp.motion import MFCC, PROSODY, SILENT, Clip, Motion
from elp.render.gaze import on_partner, path

MODEL = FaceModel.default()
FRAMES = 500
TIMES = np.arange(FRAMES) / 25


def swing(begin: float, degrees: float, hertz: float = 2.0, cycles: int = 2) -> np.ndarray:
    """(T,) radians, `degrees` from one side to the other."""
    phase = (TIMES - begin) * hertz
    wave = np.where((phase > 0) & (phase < cycles), np.sin(2 * np.pi * phase), 0)
    return np.deg2rad(degrees / 2) * wave


@pytest.fixture(scope="module")
def listener() -> Motion:
    """Nods at 4 s, shakes its head at 10 s, smiles from 13 to 17 s, blinks at 6 s and 16 s; sways,
    and trembles as a tracker does.
    """
    rng = np.random.default_rng(0)
    pose = rng.normal(size=(FRAMES, 6)) * np.deg2rad(0.05)
    pose[:, 0] += swing(4, 5) + np.deg2rad(3) * np.sin(2 * np.pi * 0.1 * TIMES)
    pose[:, 1] += swing(10, 6, 1.6, 3)
    smile = np.clip(np.minimum(TIMES - 13, 17 - TIMES) / 0.3, 0, 1)
    beta = smile[:, None] * MODEL.beta(smile_l=0.6, smile_r=0.4)
    beta = beta + rng.normal(size=beta.shape) * 0.001
    blink = np.zeros(FRAMES, np.uint8)
    blink[150:156] = blink[400:404] = 1
    return Motion(beta=beta.astype(np.float32), pose=pose.astype(np.float32), blink=blink)


@pytest.fixture(scope="module")
def speaker() -> Clip:
    """Talks until 3.4 s, and from 5 to 9.6 s; blinks as the first phrase ends; smiles at 12 s."""
    voiced = (TIMES < 3.4) | ((TIMES >= 5) & (TIMES < 9.6))
    prosody = np.tile(np.asarray(SILENT, np.float32), (FRAMES, 1))
    prosody[:, PROSODY.index("voiced")] = voiced
    blink = np.zeros(FRAMES, np.uint8)
    blink[85:90] = 1
    smile = np.clip((TIMES - 12) / 0.3, 0, 1)
    beta = (smile[:, None] * MODEL.beta(smile_l=0.5, smile_r=0.5)).astype(np.float32)
    motion = Motion(beta=beta, pose=np.zeros((FRAMES, 6)), blink=blink)
    return Clip(motion=motion, mfcc=np.zeros((FRAMES, MFCC), np.float32), prosody=prosody)


@pytest.fixture(scope="module")
def found(listener: Motion, speaker: Clip) -> list[Event]:
    return events(listener, speaker)


def of(found: list[Event], who: str, kind: str) -> list[Event]:
    return [e for e in found if (e.who, e.kind) == (who, kind)]


def test_each_is_found_once_where_it_is(found: list[Event]) -> None:
    (nod,), (shake,) = of(found, "listener", "nod"), of(found, "listener", "shake")
    assert abs(nod.onset - 4) <= 0.08 and abs(nod.offset - 5) <= 0.08
    assert abs(shake.onset - 10) <= 0.08 and abs(shake.offset - 11.875) <= 0.08
    assert nod.size == pytest.approx(5, rel=0.2) and shake.size == pytest.approx(6, rel=0.2)
    (smile,) = of(found, "listener", "smile")
    assert abs(smile.onset - 13.15) < 0.2 and abs(smile.offset - 17) < 0.4
    assert smile.size == pytest.approx(0.5, abs=0.01)
    blinks = of(found, "listener", "blink")
    assert [(b.onset, b.offset) for b in blinks] == [(6.0, 6.24), (16.0, 16.16)]


def test_they_are_the_metrics_events(found: list[Event], listener: Motion) -> None:
    """As many, at the same frames, as the functions that the metrics count with."""
    starts = np.flatnonzero(blink_starts([listener.blink])[0] > 0) / 25
    assert [e.onset for e in of(found, "listener", "blink")] == starts.tolist()
    smile = listener.beta[:, [MODEL.index("smile_l"), MODEL.index("smile_r")]].mean(1)
    onsets = np.flatnonzero(smile_onsets([smile])[0] > 0) / 25
    assert [e.onset for e in of(found, "listener", "smile")] == onsets.tolist()


def test_cues_that_are_answered(found: list[Event]) -> None:
    (nod,) = of(found, "listener", "nod")
    assert nod.cue == "phrase end" and nod.cue_onset == pytest.approx(3.4, abs=0.05)
    (smile,) = of(found, "listener", "smile")
    assert smile.cue == "smile" and abs(smile.cue_onset - 12.15) < 0.1
    assert [b.cue for b in of(found, "listener", "blink")] == [None, None]
    (blink,) = of(found, "speaker", "blink at phrase end")
    assert blink.onset == pytest.approx(3.4)
    for event in found:
        if event.cue is not None and event.cue_onset is not None:
            first, last = ANSWERS[event.kind][event.cue]
            assert first - 1e-6 <= event.onset - event.cue_onset < last


def test_without_a_speaker_nothing_is_answered(
    listener: Motion, speaker: Clip, found: list[Event]
) -> None:
    assert listener.events(speaker) == found
    alone = listener.events()
    assert [(e.kind, e.onset) for e in alone] == [
        (e.kind, e.onset) for e in found if e.who == "listener"
    ]
    assert all(e.cue is None for e in alone)


def test_nothing_happens_in_a_still_face() -> None:
    rng = np.random.default_rng(1)
    still = Motion(
        beta=rng.normal(size=(200, 100)).astype(np.float32) * 1e-4,
        pose=(rng.normal(size=(200, 6)) * np.deg2rad(0.1)).astype(np.float32),
        blink=np.zeros(200, np.uint8),
    )
    assert events(still) == [] and events(still[:5]) == []


@pytest.mark.parametrize("degrees", [1.0, 4.0])
def test_small_swings_are_sway(degrees: float) -> None:
    pitch = swing(5, degrees)
    assert bool(swings([pitch], [np.zeros(FRAMES)])[0]) == (degrees > 1.5)
    assert not swings([pitch], [2 * pitch])[0]  # more of it about the other axis


@settings(max_examples=40, deadline=None)
@given(
    begin=st.floats(3, 14),
    degrees=st.floats(3, 9),
    hertz=st.floats(1.4, 3.5),
    cycles=st.integers(1, 4),
)
def test_a_swing_lasts_as_long_as_the_head_moves(
    begin: float, degrees: float, hertz: float, cycles: int
) -> None:
    ((first, last, _),) = swings([swing(begin, degrees, hertz, cycles)], [np.zeros(FRAMES)])[0]
    assert abs(first / 25 - begin) <= 0.1
    assert abs(last / 25 - begin - cycles / hertz) <= 0.15


def test_unseen_frames_hold_no_events(listener: Motion) -> None:
    valid = np.ones(FRAMES, bool)
    valid[90:140] = valid[148:160] = False
    blind = Motion(beta=listener.beta, pose=listener.pose, blink=listener.blink, valid=valid)
    found = events(blind)
    assert not of(found, "listener", "nod") and len(of(found, "listener", "blink")) == 1


@pytest.mark.parametrize(("name", "tab"), [("out.csv", ","), ("out.tsv", "\t")])
def test_a_table_is_read_back(tmp_path: Path, found: list[Event], name: str, tab: str) -> None:
    write_events(tmp_path / name, found)
    with (tmp_path / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter=tab)
    assert header == HEADER and len(rows) == len(found)
    for row, event in zip(rows, found, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["tier"] == f"{event.who} {event.kind}"
        assert float(cells["onset"]) == pytest.approx(event.onset)
        assert float(cells["duration"]) == pytest.approx(event.offset - event.onset)
        assert bool(cells["size"]) == (event.size is not None) == bool(cells["unit"])
        assert (cells["cue"] or None) == event.cue and cells["annotation"] == said(event)


def test_elans_own_file_is_read_back(tmp_path: Path, found: list[Event]) -> None:
    """Also two events of a tier that overlap, which ELAN does not allow."""
    twice = Event(who="listener", kind="nod", onset=4.5, offset=6, size=3.0)
    write_events(tmp_path / "out.eaf", [*found, twice])
    file = pympi.Eaf(str(tmp_path / "out.eaf"))
    assert set(file.get_tier_names()) == {f"{e.who} {e.kind}" for e in found}
    for tier in file.get_tier_names():
        rows = file.get_annotation_data_for_tier(tier)
        own = [e for e in [*found, twice] if f"{e.who} {e.kind}" == tier]
        assert sorted(text for *_, text in rows) == sorted(map(said, own))
        assert {round(1000 * e.onset) for e in own if e is not twice} <= {r[0] for r in rows}
        ends = [0, *(end for _, end, _ in rows)]
        assert all(begin >= end for (begin, *_), end in zip(rows, ends, strict=False))


def test_all_files_of_a_command_or_none(tmp_path: Path, listener: Motion) -> None:
    listener.save(tmp_path / "m.npz")
    asked = Exports(arkit=tmp_path / "a.csv", glb=tmp_path / "g.glb", events=tmp_path / "e.eaf")
    assert len(convert(tmp_path / "m.npz", asked)) == FRAMES
    assert {p.name for p in tmp_path.iterdir()} == {"m.npz", "a.csv", "g.glb", "e.eaf"}
    other = Motion(beta=np.zeros((30, 9)), pose=np.zeros((30, 6)), blink=np.zeros(30))
    other.save(tmp_path / "o.npz")
    for name in ("a.csv", "g.glb", "e.eaf"):
        (tmp_path / name).unlink()
    with pytest.raises(ElpError, match="9 expression coefficients"):
        convert(tmp_path / "o.npz", asked)
    assert {p.name for p in tmp_path.iterdir()} == {"m.npz", "o.npz"}
    with pytest.raises(ElpError, match="glb is written as"):
        convert(tmp_path / "m.npz", Exports(glb=tmp_path / "m.npz"))
    same = tmp_path / "same.csv"
    with pytest.raises(ElpError, match="twice"):
        convert(tmp_path / "m.npz", Exports(arkit=same, events=same))


def test_looks_aside_are_those_of_the_eyes_that_are_drawn(listener: Motion) -> None:
    """Each lasts as long as the eyes are off the partner's face, and no face means none."""
    looks = path(FRAMES, 3)
    found = [event for event in events(listener, looks=looks) if event.kind == "look aside"]
    assert sum(round(25 * (e.offset - e.onset)) for e in found) == (~on_partner(looks)).sum() > 0
    degrees = np.rad2deg(np.linalg.norm(looks, axis=1))
    for event in found:
        first, last = round(25 * event.onset), round(25 * event.offset)
        assert event.size == pytest.approx(degrees[first:last].max())
        assert not on_partner(looks[first:last]).any()
    assert not [event for event in events(listener) if event.kind == "look aside"]
