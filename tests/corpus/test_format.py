"""The corpus on disk: what was written comes back, damage is noticed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elp.corpus import Corpus, Record
from elp.errors import ElpError
from elp.motion import SILENT, Motion, fill_gaps

EMOTIONS = ["negative", "neutral", "positive"]
CARD = {"name": "test", "emotions": EMOTIONS, "source": "made up", "licence": "MIT", "made": {}}


def motion(frames: int, seed: int = 0, width: int = 7) -> Motion:
    rng = np.random.default_rng(seed)
    beta, pose = rng.standard_normal((frames, width)), 0.1 * rng.standard_normal((frames, 6))
    return Motion(beta=beta, pose=pose, blink=rng.integers(0, 2, frames))


def dyad(
    clip: int, frames: tuple[int, int] = (60, 55), split: str = "train", emotion: str = "neutral"
) -> list[Record]:
    names = (f"a{clip}", f"b{clip}")
    common = {"clip": f"c{clip}", "split": split, "emotion": emotion}
    rng = np.random.default_rng(clip)
    mfcc = rng.standard_normal((frames[0], 29)).astype(np.float32)
    prosody = rng.standard_normal((frames[0], 8)).astype(np.float32)
    return [
        Record(
            person=names[0],
            partner=names[1],
            role="speaker",
            motion=motion(frames[0], 2 * clip),
            mfcc=mfcc,
            prosody=prosody,
            **common,
        ),
        Record(
            person=names[1],
            partner=names[0],
            role="listener",
            motion=motion(frames[1], 2 * clip + 1),
            **common,
        ),
    ]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    records = [*dyad(0), *dyad(1, (80, 80), emotion="positive"), *dyad(2, (90, 90), "test", "")]
    return Corpus.write(tmp_path_factory.mktemp("corpus") / "c", iter(records), CARD)


def test_what_was_written_comes_back(corpus: Corpus) -> None:
    pairs = corpus.pairs()
    assert list(pairs["clip"]) == ["c0", "c1", "c2"]
    assert list(pairs["length"]) == [55, 80, 90]  # what both have
    assert list(pairs["emotion"]) == [1, 2, -1]
    pair = next(pairs.itertuples())
    np.testing.assert_allclose(corpus.listener(pair).beta, motion(55, 1).beta, rtol=1e-3)
    np.testing.assert_array_equal(corpus.listener(pair).blink, motion(55, 1).blink)
    speaker = corpus.speaker(pair)
    np.testing.assert_allclose(speaker.motion.pose, motion(60, 0).pose[:55], rtol=2e-3, atol=1e-6)
    assert len(speaker) == 55
    assert speaker.mfcc.any()
    assert corpus.card["beta"] == 7
    corpus.verify()


def test_statistics_come_from_the_training_split_only(corpus: Corpus) -> None:
    train = corpus.index[corpus.index["split"] == "train"]
    rows = np.concatenate(
        [corpus.beta[o : o + n] for o, n in zip(train["offset"], train["length"], strict=True)]
    ).astype(np.float64)
    np.testing.assert_allclose(corpus.stats["beta"].mean, rows.mean(0), atol=1e-6)
    np.testing.assert_allclose(corpus.stats["beta"].std, rows.std(0), rtol=1e-5)
    # listeners make no sound
    spoken = np.concatenate([corpus.mfcc[:60], corpus.mfcc[115:195]]).astype(np.float64)
    np.testing.assert_allclose(corpus.stats["mfcc"].std, spoken.std(0), rtol=1e-5)


def test_prosody_is_kept_where_every_voice_has_it(corpus: Corpus, tmp_path: Path) -> None:
    assert corpus.card["prosody"] == 8 and corpus.prosody.dtype == np.float16
    assert (corpus.prosody[60:115] == np.float16(SILENT)).all()  # the listener says nothing
    records = [*dyad(0), *(replace(record, prosody=None) for record in dyad(1))]
    mixed = Corpus.write(tmp_path / "mixed", records, CARD)
    assert mixed.card["prosody"] == 0 and mixed.prosody is None
    mixed.verify()
    pair = next(mixed.pairs().itertuples())
    assert mixed.speaker(pair).prosody is None
    with pytest.raises(ElpError, match="make its corpus again"):
        mixed.speaker(pair).voice()
    mute = [replace(record, mfcc=None, prosody=None) for record in dyad(2)]
    silent = Corpus.write(tmp_path / "mute", mute, CARD)
    assert (silent.prosody[:] == np.float16(SILENT)).all()


def test_corpora_of_the_first_format_open_and_later_ones_are_refused(
    corpus: Corpus, tmp_path: Path
) -> None:
    card = {name: value for name, value in corpus.card.items() if name != "prosody"}
    for folder, version in (("first", 1), ("later", 99)):
        shutil.copytree(corpus.folder, tmp_path / folder)
        (tmp_path / folder / "card.json").write_text(json.dumps(card | {"format": version}))
    (tmp_path / "first" / "prosody.npy").unlink()
    first = Corpus.open(tmp_path / "first")
    assert first.prosody is None and np.array_equal(first.mfcc, corpus.mfcc)
    with pytest.raises(ElpError, match="format 99, this version reads 2"):
        Corpus.open(tmp_path / "later")


def test_conversation_without_roles_gives_both_directions(tmp_path: Path) -> None:
    two = [
        Record(clip="c", person=p, partner=q, role="both", motion=motion(60))
        for p, q in (("a", "b"), ("b", "a"))
    ]
    pairs = Corpus.write(tmp_path / "c", two, CARD).pairs("train")
    assert set(zip(pairs["speaker"], pairs["listener"], strict=True)) == {("a", "b"), ("b", "a")}


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def broken():  # type: ignore[no-untyped-def]
        yield from dyad(0)
        raise ElpError("stop")

    with pytest.raises(ElpError, match="stop"):
        Corpus.write(tmp_path / "c", broken(), CARD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "empty"),
        (
            [
                *dyad(0),
                Record(
                    clip="x", person="p", partner="q", role="speaker", motion=motion(9, width=5)
                ),
            ],
            "5 expression .* have 7",
        ),
        (
            [
                Record(
                    clip="x",
                    person="p",
                    partner="q",
                    role="listener",
                    emotion="bored",
                    motion=motion(9),
                )
            ],
            "bored",
        ),
        ([Record(clip="x", person="p", partner="q", role="judge", motion=motion(9))], "judge"),
        (
            [
                Record(
                    clip="x",
                    person="p",
                    partner="q",
                    role="both",
                    motion=motion(9),
                    mfcc=np.zeros((8, 29), np.float32),
                )
            ],
            "9 motion",
        ),
    ],
)
def test_bad_records_are_refused_in_one_sentence(
    tmp_path: Path, records: list[Record], message: str
) -> None:
    with pytest.raises(ElpError, match=message):
        Corpus.write(tmp_path / "c", records, CARD)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    Corpus.write(tmp_path / "c", dyad(0), CARD)
    with pytest.raises(ElpError, match="exists already"):
        Corpus.write(tmp_path / "c", dyad(1), CARD)


def test_damage_is_noticed(tmp_path: Path) -> None:
    folder = Corpus.write(tmp_path / "c", dyad(0), CARD).folder
    data = bytearray((folder / "pose.npy").read_bytes())
    data[-1] ^= 1
    (folder / "pose.npy").write_bytes(data)
    with pytest.raises(ElpError, match=r"pose\.npy: checksum"):
        Corpus.open(folder).verify()
    (folder / "pose.npy").write_bytes(data[:-24])
    with pytest.raises(ElpError, match=r"damaged|frames"):
        Corpus.open(folder)
    with pytest.raises(ElpError, match="not a corpus"):
        Corpus.open(tmp_path)


def test_asking_for_what_is_not_there(corpus: Corpus) -> None:
    with pytest.raises(ElpError, match="no split 'dev'"):
        corpus.pairs("dev")


def test_frames_that_are_not_valid_are_bridged_and_marked(tmp_path: Path) -> None:
    beta = np.arange(8, dtype=np.float32)[:, None].repeat(2, 1)
    valid = np.array([1, 1, 0, 0, 1, 1, 1, 0], bool)
    np.testing.assert_allclose(
        fill_gaps(np.where(valid[:, None], beta, np.nan), valid)[:7], beta[:7]
    )
    seen = Motion(
        beta=np.where(valid[:, None], beta, np.nan),
        pose=np.zeros((8, 6)),
        blink=np.zeros(8),
        valid=valid,
    )
    corpus = Corpus.write(
        tmp_path / "c", [Record(clip="c", person="a", partner="b", role="both", motion=seen)], CARD
    )
    np.testing.assert_array_equal(corpus.valid, valid)
    assert np.isfinite(corpus.beta).all()


def test_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = (Corpus.write(tmp_path / name, [*dyad(0), *dyad(1)], CARD).folder for name in "ab")
    assert (
        json.loads((one / "card.json").read_text())["sha256"]
        == json.loads((two / "card.json").read_text())["sha256"]
    )
    assert (one / "card.json").read_bytes() == (two / "card.json").read_bytes()
