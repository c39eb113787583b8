"""Simulated dyads: each statistic that the chapter claims, the oracle, and determinism."""

import dataclasses
import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elp.corpus import Corpus
from elp.corpus.writer import Rows
from elp.errors import ElpError
from elp.media.prosody import prosody
from elp.motion import FPS, SILENT, Motion
from elp.simulator import dyads, oracle, simulate
from elp.simulator.cast import PRESETS, Meeting, cast
from elp.simulator.dyads import answer, conversation, sound
from elp.simulator.face import active
from elp.simulator.processes import (
    drift,
    episodes,
    eyelids,
    merge_blinks,
    plateau,
    spontaneous_blinks,
)
from elp.simulator.speaker import Talk
from elp.simulator.speech import low_pitch_cues

PRE, LONG = 50, 1000


@pytest.fixture(scope="module")
def tiny(simulated: Corpus) -> Corpus:
    return simulated


@pytest.fixture(scope="module")
def met() -> list[tuple[Meeting, Talk, Motion]]:
    """48 conversations of the vico preset, 16 in each mood of the listener, made long: 40 s."""
    out = []
    for mood in (-1, 0, 1):
        for meeting in [m for m in cast("vico", 3) if m.mood == mood][:16]:
            longer = dataclasses.replace(meeting, frames=LONG)
            heard = conversation(longer, 3)
            out.append(
                (longer, heard, answer(longer, 3, heard, np.random.default_rng(meeting.number)))
            )
    return out


def onsets(blink: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff(blink.astype(int)) > 0) / FPS


def test_same_seed_same_bytes_with_and_without_progress(tiny: Corpus, tmp_path: Path) -> None:
    again = simulate(tmp_path / "again", "tiny", audio=False, progress=True)
    assert again.card["sha256"] == tiny.card["sha256"]
    other = simulate(tmp_path / "other", "tiny", seed=1, audio=False)
    assert other.card["sha256"]["beta.npy"] != tiny.card["sha256"]["beta.npy"]
    assert simulate(again.folder, "tiny", audio=False).card == again.card  # made already: opened
    with pytest.raises(ElpError, match="holds another corpus"):
        simulate(again.folder, "tiny", seed=1, audio=False)


def test_sound_changes_no_motion_and_can_be_carried(tiny: Corpus, tmp_path: Path) -> None:
    heard = simulate(tmp_path / "heard", "tiny")
    for name in ("beta", "pose", "blink", "index"):
        file = f"{name}.parquet" if name == "index" else f"{name}.npy"
        assert heard.card["sha256"][file] == tiny.card["sha256"][file]
    assert not tiny.mfcc.any()
    assert np.array_equal(np.unique(tiny.prosody, axis=0), np.float16([SILENT]))
    speaks = heard.index[heard.index["role"] == "speaker"].iloc[0]
    assert heard.mfcc[speaks["offset"] :][: speaks["length"]].any(axis=1).all()
    pair = next(p for p in heard.pairs().itertuples() if p.speaker_offset == speaks["offset"])
    spoken = heard.speaker(pair).prosody
    assert np.array_equal(spoken, prosody(sound(heard, pair), len(spoken)).astype(np.float16))
    listens = heard.index[heard.index["role"] == "listener"].iloc[0]
    rows = heard.prosody[listens["offset"] :][: listens["length"]]
    assert (rows == np.float16(SILENT)).all()
    carried = simulate(tmp_path / "carried", "tiny", mfcc=heard.folder / "mfcc.npy")
    assert carried.card["sha256"] == heard.card["sha256"]
    np.save(tmp_path / "short.npy", np.zeros((10, 29)))
    with pytest.raises(ElpError, match="belongs to other arguments"):
        simulate(tmp_path / "no", "tiny", mfcc=tmp_path / "short.npy")
    np.save(tmp_path / "text.npy", np.full((10, 29), "x"))
    with pytest.raises(ElpError, match="holds <U1"):
        simulate(tmp_path / "no", "tiny", mfcc=tmp_path / "text.npy")
    with pytest.raises(ElpError, match="a folder, pipe or device"):
        simulate(tmp_path / "no", "tiny", mfcc=tmp_path)


def test_vico_is_cast_as_the_paper_counts() -> None:
    meetings = cast("vico", 0)
    assert len(meetings) == 483
    assert sum(m.frames for m in meetings) == 95 * 60 * 25
    assert len({m.listener for m in meetings}) == 50
    assert len({m.speaker for m in meetings}) == 67
    counts = [sum(m.emotion == name for m in meetings) for name in PRESETS["vico"].emotions]
    np.testing.assert_allclose(counts, [123, 134, 226], atol=2)
    for who in ("speaker", "listener"):
        people = {
            split: {getattr(m, who) for m in meetings if m.split == split}
            for split in ("train", "val", "test")
        }
        assert not people["train"] & people["test"]
        assert not people["train"] & people["val"]
        assert not people["val"] & people["test"]


def test_l2l_has_six_listeners_and_the_hours_asked_for() -> None:
    meetings = cast("l2l", 0, 2.0)
    assert abs(sum(m.frames for m in meetings) / FPS / 3600 - 2.0) < 0.02
    assert {m.listener for m in meetings} == set(range(6))
    positive = np.mean([m.emotion == "positive" for m in meetings])
    assert abs(positive - 8 / 9) < 0.05
    assert all(m.mood == 1 if m.emotion == "positive" else m.mood < 1 for m in meetings)


def test_emotions_show_in_the_listener(met: list[tuple[Meeting, Talk, Motion]]) -> None:
    mean = lambda name, mood: np.mean([active(r, name).mean() for m, _, r in met if m.mood == mood])  # noqa: E731
    assert 0.35 < mean("smile_l", 1) < 0.65
    assert 0.35 < mean("smile_r", 1) < 0.65
    assert mean("squint_l", 1) > 0.2
    assert mean("smile_l", 0) < 0.15
    assert mean("smile_l", -1) < 0.1
    assert mean("frown_l", -1) > 0.3
    assert mean("brow_down_l", -1) > 0.25
    assert mean("frown_l", 0) < 0.1

    def tempo(mood: int) -> float:
        moves = [np.abs(np.diff(r.pose[:, 0])).mean() for m, _, r in met if m.mood == mood]
        return float(np.mean(moves))

    assert tempo(1) > 1.1 * tempo(0) > 1.1 * tempo(-1)


def test_emotions_show_and_sound_in_the_speaker(met: list[tuple[Meeting, Talk, Motion]]) -> None:
    def of(mood: int, value) -> float:  # type: ignore[no-untyped-def]
        return float(np.mean([value(t) for m, t, _ in met if m.speaker_mood == mood]))

    smile = lambda t: active(t.motion, "smile_l").mean()  # noqa: E731
    assert of(1, smile) > of(0, smile) + 0.15
    width = lambda t: np.std(np.log2(t.speech.f0[t.speech.talking]))  # noqa: E731
    assert of(1, width) > 1.2 * of(0, width) > 1.2 * of(-1, width)
    rate = lambda t: t.voice.rate  # noqa: E731
    assert of(1, rate) > of(0, rate) > of(-1, rate)


def test_blink_rates_are_those_of_bentivoglio(met: list[tuple[Meeting, Talk, Motion]]) -> None:
    rate = lambda motion: len(onsets(motion.blink)) * 60 * FPS / LONG  # noqa: E731  per minute
    listening, talking = [rate(r) for *_, r in met], [rate(t.motion[PRE:]) for _, t, _ in met]
    assert abs(np.mean(listening) - 17) < 3
    assert abs(np.mean(talking) - 26) < 4
    lengths = (
        np.concatenate(
            [
                np.diff(np.flatnonzero(np.diff(r.blink.astype(int), prepend=0, append=0)))[::2]
                for *_, r in met
            ]
        )
        / FPS
    )
    assert 0.08 <= np.median(lengths) <= 0.24  # shut for more than half of a blink of 0.1-0.4 s


def test_blink_intervals_are_log_normal() -> None:
    intervals = np.diff(spontaneous_blinks(np.random.default_rng(0), 60000, 17)) - 0.4
    assert abs(np.std(np.log(intervals)) - 0.7) < 0.02
    assert abs(60 / np.mean(intervals + 0.4) - 17) < 0.4


def test_listeners_blink_a_quarter_to_half_a_second_after_speakers(
    met: list[tuple[Meeting, Talk, Motion]],
) -> None:
    lags = np.concatenate(
        [(onsets(r.blink)[None] - onsets(t.motion.blink[PRE:])[:, None]).ravel() for _, t, r in met]
    )
    counts, _ = np.histogram(lags, np.arange(-2, 2.01, 0.25))
    after = counts[9]  # 0.25-0.5 s
    assert after > 2.0 * np.delete(counts, [8, 9, 10]).mean()


def test_blinks_show_on_the_eyelids(met: list[tuple[Meeting, Talk, Motion]]) -> None:
    for _, _, r in met[::15]:
        lids = active(r, "blink_l")
        assert lids[r.blink == 1].mean() > np.median(lids) + 0.6
        assert lids[r.blink == 1].min() > np.median(lids) + 0.25


def test_listeners_nod_after_low_pitch(met: list[tuple[Meeting, Talk, Motion]]) -> None:
    after, anywhere = [], []
    for meeting, heard, r in met:
        if meeting.mood < 0:
            continue
        moves = np.abs(np.diff(r.pose[:, 0]))
        for time in low_pitch_cues(heard.speech) - PRE / FPS:
            frame = int(time * FPS)
            if 0 <= frame < LONG - 40:
                after.append(moves[frame : frame + 25].mean())
                anywhere.append(moves.mean())
    assert np.mean(after) > 1.25 * np.mean(anywhere)


def test_smiles_are_mimicked_late_and_only_within_a_dyad(
    met: list[tuple[Meeting, Talk, Motion]],
) -> None:
    happy = [(t.motion[PRE:], r) for m, t, r in met if m.mood == 1 and m.speaker_mood == 1]

    def corr(s: Motion, r: Motion, lag: int) -> float:
        first, second = active(s, "smile_l")[: LONG - lag], active(r, "smile_l")[lag:]
        return float(np.corrcoef(first, second)[0, 1])

    real = np.array([[corr(s, r, lag) for lag in (0, 15, 50)] for s, r in happy]).mean(0)
    pseudo = np.mean([corr(happy[k][0], happy[k - 1][1], 15) for k in range(len(happy))])
    assert real[1] > 0.12
    assert real[1] > real[0] > real[2]
    assert abs(pseudo) < 0.08


def test_the_oracle_is_another_response_of_the_same_kind(tiny: Corpus) -> None:
    same, apart, speed = [], [], []
    for pair in tiny.pairs("train").itertuples():
        truth = tiny.listener(pair)
        first, second = (oracle(tiny, pair, torch.Generator().manual_seed(k)) for k in (1, 2))
        assert len(first) == len(truth)
        np.testing.assert_array_equal(
            first.beta, oracle(tiny, pair, torch.Generator().manual_seed(1)).beta
        )
        apart.append(np.abs(first.pose[:, :3] - second.pose[:, :3]).mean())
        same.append(np.abs(active(first, "smile_l").mean() - active(truth, "smile_l").mean()))
        mean = (first.pose + second.pose + truth.pose) / 3
        speed.append([np.abs(np.diff(x[:, :2], axis=0)).mean() for x in (mean, truth.pose)])
    assert min(apart) > np.deg2rad(0.5)
    assert np.mean(same) < 0.25
    slow, real = np.mean(speed, axis=0)
    assert slow < 0.75 * real  # the mean of valid responses is no valid response: it hardly moves


def test_the_oracle_knows_its_corpora(tiny: Corpus) -> None:
    foreign = dataclasses.replace(tiny, card=tiny.card | {"made": {"program": "other"}})
    with pytest.raises(ElpError, match="only a simulated corpus"):
        oracle(foreign, next(tiny.pairs().itertuples()), torch.Generator())
    old = dataclasses.replace(tiny, card=tiny.card | {"made": tiny.card["made"] | {"simulator": 0}})
    with pytest.raises(ElpError, match="simulate it again"):
        oracle(old, next(tiny.pairs().itertuples()), torch.Generator())


def test_speech_sounds_like_speech(tiny: Corpus) -> None:
    pair = next(tiny.pairs().itertuples())
    audio = sound(tiny, pair)
    assert audio.shape == (pair.length * 640,)
    assert 0.01 < audio.std() < 0.2
    assert np.abs(audio).max() <= 1
    power = np.abs(np.fft.rfft(audio)) ** 2
    hertz = np.fft.rfftfreq(len(audio), 1 / 16000)
    assert power[(hertz > 80) & (hertz < 4000)].sum() > 0.8 * power.sum()
    jaw = active(tiny.speaker(pair).motion, "jaw_open")
    loud = np.sqrt((audio.reshape(-1, 640) ** 2).mean(1))
    assert np.corrcoef(jaw, loud)[0, 1] > 0.3  # the jaw follows the syllables


def test_formants_stand_where_the_vowels_are() -> None:
    from elp.simulator.synthesis import BANDWIDTHS, RATE, SIZE, _tract

    hertz = np.fft.rfftfreq(SIZE, 1 / RATE).astype(np.float32)
    response = np.abs(_tract(np.array([[730.0, 1090.0, 2440.0]]), 1.0, hertz))[0]
    peaks = hertz[1:-1][(response[1:-1] > response[:-2]) & (response[1:-1] > response[2:])]
    assert len(BANDWIDTHS) == 5
    np.testing.assert_allclose(peaks[:3], [730, 1090, 2440], atol=40)


def test_low_pitch_rule_on_a_drawn_contour(met: list[tuple[Meeting, Talk, Motion]]) -> None:
    speech = met[0][1].speech
    f0 = np.full(400, 200.0)
    f0[200:230] = 120.0  # 300 ms low after 2 s of speech; all other speech high
    flat = np.zeros(400)
    drawn = dataclasses.replace(
        speech, f0=np.where(np.arange(400) < 350, f0 + np.linspace(0, 1, 400), 0), voiced=flat
    )
    cues = low_pitch_cues(drawn)
    assert abs(cues[cues > 2.0][0] - (2.10 + 0.7)) < 0.02
    assert np.all(np.diff(cues) >= 0.8)


@pytest.mark.slow
def test_processes_give_the_same_and_may_be_left_early(
    tiny: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: Any
) -> None:
    monkeypatch.setattr(dyads, "PROCESSES", 0)
    again = simulate(tmp_path / "again", "tiny", audio=False)
    assert again.card["sha256"] == tiny.card["sha256"]

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Rows, "append", full)
    with pytest.raises(ElpError, match="free some space"):
        simulate(tmp_path / "left", "tiny", audio=False)
    assert not [str(w.message) for w in recwarn.list] and not (tmp_path / "left").exists()


@pytest.mark.parametrize(
    ("preset", "hours", "message"),
    [("rlhg", None, "unknown preset"), ("vico", 2.0, "fixed size"), ("l2l", 0.0, "between")],
)
def test_bad_arguments(tmp_path: Path, preset: str, hours: float | None, message: str) -> None:
    with pytest.raises(ElpError, match=message):
        simulate(tmp_path / "c", preset, hours=hours, audio=False)


def test_processes_keep_their_moments() -> None:
    rng = np.random.default_rng(0)
    x = drift(rng, 100000, 0.4, 2.0)[:, 0]
    assert abs(x.std() - 2.0) < 0.1
    assert abs(np.corrcoef(x[:-10], x[10:])[0, 1] - np.exp(-1)) < 0.03
    assert abs(np.mean([episodes(rng, 250, 3.0, 1.0).mean() for _ in range(400)]) - 0.75) < 0.04
    assert plateau(np.linspace(0, 1, 50)).max() == pytest.approx(1)
    merged = merge_blinks(rng, np.array([1.0, 1.2, 3.0]), np.array([1.1, 2.0, 9.0]), 5.0, keep=1.0)
    np.testing.assert_allclose(merged, [1.0, 2.0, 3.0])
    assert eyelids(rng, np.array([1.0]), 50).max() > 0.8
