"""Damaged corpora are refused in one sentence, whatever the damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from elp.corpus import Corpus
from elp.errors import ElpError
from tests.corpus.damage import KINDS, damaged
from tests.corpus.test_format import CARD, dyad


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    records = [*dyad(0), *dyad(1)]
    return Corpus.write(tmp_path_factory.mktemp("whole") / "c", records, CARD).folder


def read_all(folder: Path) -> None:
    """Everything that training and evaluation read."""
    corpus = Corpus.open(folder)
    corpus.verify()
    for pair in corpus.pairs().itertuples():
        corpus.speaker(pair), corpus.listener(pair)
    assert len(corpus.units) == len(corpus.stats["beta"].mean)


def try_out(whole: Path, folder: Path, seed: int) -> bool:
    """Whether a corpus damaged by this seed is refused in one sentence."""
    shutil.copytree(whole, folder)
    how = damaged(folder, seed)
    try:
        read_all(folder)
    except ElpError as error:
        said = str(error)
        assert folder.name in said and "\n" not in said and len(said) < 500, how
        return True
    return False


def test_damage_of_every_kind_is_refused(whole: Path, tmp_path: Path) -> None:
    read_all(whole)
    refused = [try_out(whole, tmp_path / str(seed), seed) for seed in range(2 * len(KINDS))]
    assert all(refused)


@pytest.mark.slow
def test_hundreds_of_damaged_corpora_end_in_a_sentence(whole: Path, tmp_path: Path) -> None:
    refused = [try_out(whole, tmp_path / str(seed), seed) for seed in range(1000, 1250)]
    # a letter of the licence may change
    assert sum(refused) >= 0.98 * len(refused)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_names_its_frame(whole: Path, tmp_path: Path, value: float) -> None:
    shutil.copytree(whole, tmp_path / "c")
    pose = np.load(whole / "pose.npy")
    pose[5, 2] = value
    np.save(tmp_path / "c" / "pose.npy", pose)
    with pytest.raises(ElpError, match=r"pose\.npy holds NaN or infinity in frame 5"):
        Corpus.open(tmp_path / "c")


def test_checksums_name_the_corpus_s_own_files(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "c")
    card = (tmp_path / "c" / "card.json").read_text()
    (tmp_path / "c" / "card.json").write_text(card.replace('"beta.npy"', '"../beta.npy"'))
    with pytest.raises(ElpError, match=r"'sha256' must name beta\.npy, blink"):
        Corpus.open(tmp_path / "c")
