"""Version 1 of the simulator stays as it was; version 2 behaves as people do, over seconds."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from elp.corpus import Corpus
from elp.errors import ElpError
from elp.motion import FPS, Motion
from elp.simulator import oracle, simulate
from elp.simulator.affect import caught, followed, shown, wander
from elp.simulator.behaviour import BEHAVIOURS
from elp.simulator.cast import Meeting, cast
from elp.simulator.dyads import PREROLL, answer, conversation, sound
from elp.simulator.face import active
from elp.simulator.gaze import LISTENING, SPEAKING, looks
from elp.simulator.rests import held, moving, posture
from elp.simulator.speaker import Talk
from elp.simulator.truth import gaze

GOLDEN = Path(__file__).parents[1] / "golden" / "simulator_1.json"
LONG = 1500  # frames: 60 s
AFFECT, RESTS = BEHAVIOURS[2].affect, BEHAVIOURS[2].rests
assert AFFECT is not None
assert RESTS is not None


def golden(corpus: Corpus) -> dict[str, object]:
    """Values spread over β and pose, blinks and index of a corpus."""
    at = np.linspace(0, len(corpus.beta) - 1, 40).astype(int)
    return {
        "beta": corpus.beta[at, :5].astype(float).round(4).tolist(),
        "pose": corpus.pose[at].astype(float).round(5).tolist(),
        "blink": hashlib.sha256(np.asarray(corpus.blink).tobytes()).hexdigest(),
        "index": hashlib.sha256(corpus.index.to_csv().encode()).hexdigest(),
    }


@pytest.fixture(scope="module")
def met() -> list[tuple[Meeting, Talk, Motion]]:
    """36 conversations of version 2, a minute each, moods in the shares of the preset."""
    out = []
    for meeting in cast("vico", 3, version=2)[:36]:
        longer = dataclasses.replace(meeting, frames=LONG)
        heard = conversation(longer, 3)
        rng = np.random.default_rng(meeting.number)
        out.append((longer, heard, answer(longer, 3, heard, rng)))
    return out


def smile(motion: Motion) -> np.ndarray:
    return (active(motion, "smile_l") + active(motion, "smile_r")) / 2


def turning(motion: Motion) -> np.ndarray:
    """Speed of the head, deg/s, over 0.2 s."""
    return np.rad2deg(np.linalg.norm(motion.pose[5:, :3] - motion.pose[:-5, :3], axis=1)) * FPS / 5


def test_version_1_gives_what_it_gave(simulated: Corpus) -> None:
    stored, now = json.loads(GOLDEN.read_text()), golden(simulated)
    for name in ("beta", "pose"):  # other processors round other last digits
        np.testing.assert_allclose(now[name], stored[name], atol=2e-3)
    assert now["blink"] == stored["blink"]
    assert now["index"] == stored["index"]
    assert simulated.card["made"].keys() == set(stored["made"])


def test_versions_lie_beside_each_other(simulated: Corpus, tmp_path: Path) -> None:
    second = simulate(tmp_path / "2", "tiny", 0, audio=False, version=2)
    assert second.card["version"] == 2
    assert simulated.card["version"] == 1
    assert second.card["sha256"]["beta.npy"] != simulated.card["sha256"]["beta.npy"]
    pair = next(second.pairs("test").itertuples())
    first, other = (oracle(second, pair, torch.Generator().manual_seed(k)) for k in (0, 1))
    assert len(first) == len(other) == pair.length
    assert not np.array_equal(first.beta, other.beta)
    said = next(simulated.pairs("test").itertuples())
    assert np.array_equal(sound(simulated, said), sound(second, said))  # what is said is the same
    with pytest.raises(ElpError, match="holds another corpus"):
        simulate(tmp_path / "2", "tiny", 0, audio=False)
    with pytest.raises(ElpError, match="no version 3"):
        simulate(tmp_path / "3", "tiny", 0, audio=False, version=3)
    with pytest.raises(ElpError, match="unknown preset 'talks' of version 1"):
        cast("talks", 0)


def test_a_corpus_of_other_constants_knows_no_other_answers(tmp_path: Path) -> None:
    made = simulate(tmp_path / "2", "tiny", 0, audio=False, version=2)
    card = json.loads((made.folder / "card.json").read_text())
    card["made"]["behaviour"]["affect"]["shared"] = 0.0
    (made.folder / "card.json").write_text(json.dumps(card))
    changed = Corpus.open(made.folder)
    with pytest.raises(ElpError, match="another simulator"):
        oracle(changed, next(changed.pairs("test").itertuples()), np.random.default_rng(0))


@pytest.mark.parametrize("preset", ["vico", "talks"])
def test_fifty_listeners_are_tested_and_nobody_is_in_two_splits(preset: str) -> None:
    meetings = cast(preset, 0, version=2)
    for who in ("speaker", "listener"):
        people = {
            split: {getattr(m, who) for m in meetings if m.split == split}
            for split in ("train", "val", "test")
        }
        assert len(people["test"]) >= 50
        assert not people["train"] & people["test"]
        assert not people["train"] & people["val"]
        assert not people["val"] & people["test"]
    if preset == "talks":
        seconds = np.array([m.frames for m in meetings]) / FPS
        assert 29 < seconds.min() < seconds.max() < 61


def test_what_is_caught_lags_and_keeps_its_size() -> None:
    moved = wander(np.random.default_rng(0), 200_000, AFFECT)
    late = caught(moved, AFFECT)
    assert abs(moved.std() - 1) < 0.05
    assert abs(late.std() - 1) < 0.05
    later, before = moved[:-25] @ late[25:], moved[25:] @ late[:-25]
    assert later > 1.2 * before
    answered = followed(np.random.default_rng(1), moved, AFFECT, 0.5)
    assert abs(np.corrcoef(answered, late)[0, 1] - 0.5) < 0.05
    assert abs(answered.std() - 1) < 0.05


def test_a_smile_shows_joy_and_a_frown_its_opposite() -> None:
    wide = shown(np.array([-1.0, 0.0, 1.0]).repeat(100), AFFECT)[[50, 150, 250]]
    assert 0 <= wide[0] < 0.02 < wide[1] < 0.1
    assert abs(wide[2] - AFFECT.wide) < 0.02


def test_smiles_are_coupled_over_seconds_and_only_within_a_dyad(
    met: list[tuple[Meeting, Talk, Motion]],
) -> None:
    said, heard = [smile(t.motion)[PREROLL:] for _, t, _ in met], [smile(r) for *_, r in met]
    lag = int(3 * FPS)

    def coupled(shift: int) -> float:
        pairs = zip(said, heard[shift:] + heard[:shift], strict=True)
        return float(np.mean([np.corrcoef(s[:-lag], r[lag:])[0, 1] for s, r in pairs]))

    assert coupled(0) > 0.05 + np.mean([coupled(k) for k in (7, 13, 19)])


def test_smiles_are_as_slow_as_peoples(met: list[tuple[Meeting, Talk, Motion]]) -> None:
    smiles = np.stack([smile(r) - smile(r).mean() for *_, r in met])
    power = (np.abs(np.fft.rfft(smiles, axis=1)) ** 2).sum(0)
    slow = power[np.fft.rfftfreq(LONG, 1 / FPS) < 0.1].sum() / power.sum()
    assert 0.45 < slow < 0.65  # people 0.56


def test_heads_rest_as_much_as_peoples(met: list[tuple[Meeting, Talk, Motion]]) -> None:
    rest = np.array([(turning(r) < 2.0).mean() for *_, r in met])
    assert 0.16 < np.median(rest) < 0.69
    assert np.ptp(rest) > 0.25  # some sit still, some do not
    assert 1.6 < np.median(np.concatenate([turning(r) for *_, r in met])) < 4.7


def test_a_head_at_rest_keeps_its_place() -> None:
    rng = np.random.default_rng(0)
    moves = moving(rng, 20_000, RESTS, 0.4)
    assert abs(moves.mean() - 0.6) < 0.06
    step = np.abs(np.diff(held(posture(rng, len(moves)), moves), axis=0)).sum(1)
    assert step[moves[1:] < 1e-3].max() < 0.01 < step[moves[1:] > 0.99].mean()


def test_moods_are_told_apart_by_smile_and_frown(met: list[tuple[Meeting, Talk, Motion]]) -> None:
    def mean(name: str, mood: int) -> float:
        return float(np.mean([active(r, name).mean() for m, _, r in met if m.mood == mood]))

    assert mean("smile_l", 1) > mean("smile_l", 0) + 0.25
    assert mean("smile_l", 0) > mean("smile_l", -1)
    assert mean("frown_l", -1) > mean("frown_l", 0) + 0.2


def test_people_look_at_each_other_as_long_as_is_known(tmp_path: Path) -> None:
    for share in (LISTENING, SPEAKING):
        look = looks(np.random.default_rng(0), 400_000, share)
        assert abs(look.mean() - share) < 0.02
        turns = np.flatnonzero(np.diff(look.astype(int), prepend=0, append=0))
        assert abs(np.median(np.diff(turns)[::2]) / FPS - 1.7) < 0.1
    corpus = simulate(tmp_path / "2", "tiny", 0, audio=False, version=2)
    pair = next(corpus.pairs("test").itertuples())
    assert [len(x) for x in gaze(corpus, pair)] == [pair.length] * 2
