"""The one sampler: its clips are the corpus's own frames, inside their pair, as often as they
should be.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elp.baselines.features import Windows
from elp.corpus import Corpus
from elp.errors import ElpError
from elp.model import ASEConfig
from elp.model.style import motion_style
from elp.training.sampler import Sampler, StyleSampler
from tests.corpus.test_format import CARD, dyad


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    records = [*dyad(0), *dyad(1, (80, 80), emotion="positive"), *dyad(2, (90, 90), emotion="")]
    return Corpus.write(tmp_path_factory.mktemp("corpus") / "c", iter(records), CARD)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=15)
@given(st.integers(1, 55), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_gathered_clips_are_the_rows_they_claim(corpus, frames, count, seed):
    sampler, pairs = StyleSampler(corpus, ASEConfig(beta=7), frames), corpus.pairs("train")
    row, start = sampler.draw(count, seeded(seed))
    batch, standard = sampler.gather(row, start), sampler.standard.standardise
    assert batch.mfcc.shape == (count, frames, 29) and batch.mfcc.dtype == torch.float32
    for k in range(min(count, 4)):
        pair, first = pairs.iloc[int(row[k])], int(start[k])
        own = corpus.listener(pair)[first : first + frames]
        torch.testing.assert_close(
            batch.target.beta[k], standard("beta", torch.from_numpy(own.beta))
        )
        assert torch.equal(batch.target.blink[k], torch.tensor(own.blink))
        heard = torch.from_numpy(corpus.speaker(pair).mfcc[first : first + frames])
        torch.testing.assert_close(batch.mfcc[k], standard("mfcc", heard))


def test_a_clip_has_the_style_of_its_whole_conversation(corpus):
    """σ looks beyond a training clip, as it does in an endless response."""
    sampler, pair = StyleSampler(corpus, ASEConfig(beta=7), 20), next(corpus.pairs().itertuples())
    said, standard = corpus.speaker(pair).motion, sampler.standard.standardise
    beta, pose = (
        standard(name, torch.from_numpy(getattr(said, name))) for name in ("beta", "pose")
    )
    found = sampler.gather(torch.tensor([0]), torch.tensor([15])).motion[0]
    torch.testing.assert_close(found, motion_style(beta, pose)[15:35], atol=5e-2, rtol=2e-3)


@settings(max_examples=10)
@given(st.integers(1, 55), st.integers(0, 2**32 - 1))
def test_baselines_see_the_same_clips(corpus, frames, seed):
    style, windows = StyleSampler(corpus, ASEConfig(beta=7), frames), Windows(corpus, frames)
    drawn = style.draw(5, seeded(seed))
    assert all(map(torch.equal, drawn, windows.draw(5, seeded(seed))))
    ours, theirs = style.gather(*drawn), windows.gather(*drawn)
    target = torch.cat([ours.target.beta, ours.target.pose], -1)
    assert torch.equal(theirs.listener, torch.where(theirs.valid[..., None], target, 0))
    assert torch.equal(theirs.speaker[..., -29:], ours.mfcc)
    assert torch.equal(theirs.e, ours.e)


def test_drawn_clips_stay_inside_their_pair_and_reach_its_ends(corpus):
    sampler, pairs = Sampler(corpus, 50), corpus.pairs("train")
    row, start = sampler.draw(4000, seeded())
    for k, length in enumerate(pairs["length"]):
        assert start[row == k].min() == 0
        assert start[row == k].max() == length - 50
    # as many as there are places: 6, 31 and 41
    shares = np.bincount(row, minlength=3) / 4000
    assert shares == pytest.approx(np.array([6, 31, 41]) / 78, abs=0.03)
    even = Sampler(corpus, 50, balanced=True).draw(4000, seeded())[0]
    assert np.bincount(even, minlength=3) / 4000 == pytest.approx([1 / 3] * 3, abs=0.03)


def test_an_unknown_emotion_is_every_one_a_little(corpus):
    sampler = Sampler(corpus, 50)
    assert sampler.e.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert sampler.mixture[2].tolist() == pytest.approx([1 / 3] * 3)


def test_a_split_without_long_clips_is_refused(corpus):
    with pytest.raises(ElpError, match="no pair of the train split has 500 frames"):
        Sampler(corpus, 500)
    with pytest.raises(ElpError, match="no split 'test'"):
        Sampler(corpus, 5, split="test")
