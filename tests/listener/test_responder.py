"""Generation: no seams, determinism, emotions, bad input."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elp.errors import ElpError
from elp.listener import decoder as decoding
from elp.listener.contract import mixture
from elp.listener.responder import ELPResponder
from elp.listener.sampling import CodeSampler, SmoothUniform
from elp.model import ASE
from elp.motion import Clip, Motion
from tests.ase import EMOTIONS, clip
from tests.model.test_ase import SMALL


def responder(options=None, **kwargs) -> ELPResponder:
    torch.manual_seed(0)
    model = ASE(replace(SMALL, **(options or {})))
    for name, weight in model.encoder.lstm.named_parameters():
        if "weight" in name:
            # as initialised, the codes hardly depend on what is heard and seen, and a test could
            # not fail
            weight.data *= 10
    return ELPResponder(model, **kwargs)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_checkpoints_card_is_kept():
    assert responder(card={"name": "mine"}).card == {"name": "mine"}
    assert responder().card == {}


@pytest.mark.parametrize("emotion", ["positive", "auto", [0.2, 0.3, 0.5]])
@pytest.mark.parametrize(
    "options", [{}, {"coding": "value"}, {"causal": True}, {"window": "clip"}], ids=str
)
def test_pieces_give_the_result_of_one_pass(options, emotion, monkeypatch):
    r, speaker = responder(options), clip(230)
    whole = r.respond(speaker, emotion, generator=seeded())
    monkeypatch.setattr(decoding, "CHUNK", 37)
    pieces = r.respond(speaker, emotion, generator=seeded())
    np.testing.assert_allclose(pieces.beta, whole.beta, atol=1e-5)
    np.testing.assert_allclose(pieces.pose, whole.pose, atol=1e-5)
    assert np.array_equal(pieces.blink, whole.blink)


def test_the_generator_decides():
    r, speaker = responder(), clip(40)
    a, b, c = (r.respond(speaker, "neutral", generator=seeded(s)) for s in (1, 1, 2))
    assert np.array_equal(a.beta, b.beta)
    assert not np.array_equal(a.beta, c.beta)
    cold = responder(temperature=0.0)
    a, c = (cold.respond(speaker, "neutral", generator=seeded(s)) for s in (1, 2))
    assert np.array_equal(a.beta, c.beta)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(2, 9), st.booleans(), st.integers(0, 99))
def test_generated_codewords_stay_in_their_emotions_interval(
    count, heads, categories, causal, seed
):
    emotions = tuple("abcd"[:count])
    r, speaker = (
        responder(
            {
                "emotions": emotions,
                "heads": heads,
                "categories": categories,
                "causal": causal,
                "hidden": 8,
            }
        ),
        clip(8, seed=seed),
    )
    for n, name in enumerate(emotions):
        motion, codes = r.trace(speaker, name, generator=seeded(seed))
        assert codes.shape == (8, heads)
        assert n * categories + 1 <= codes.min() <= codes.max() <= (n + 1) * categories
        assert motion.beta.shape == (8, 12)
        assert set(np.unique(motion.blink)) <= {0, 1}


def test_heads_can_be_chosen_at_run_time():
    model, speaker = responder({"nested": True}).model, clip(30)
    said = [
        ELPResponder(model, heads=n).respond(speaker, "neutral", generator=seeded()).beta
        for n in (None, 8, 3)
    ]
    assert np.array_equal(said[0], said[1])
    assert not np.allclose(said[0], said[2], atol=1e-3)
    model.coding.table.data[:, 3:] += 1  # what the other heads would say
    assert np.array_equal(
        said[2], ELPResponder(model, heads=3).respond(speaker, "neutral", generator=seeded()).beta
    )


def test_the_response_depends_on_sound_and_motion():
    r, speaker, other = responder(), clip(60), clip(60, seed=1)
    cases = [
        speaker,
        Clip(motion=speaker.motion, mfcc=other.mfcc),
        Clip(motion=other.motion, mfcc=speaker.mfcc),
    ]
    codes = [r.trace(case, "neutral", generator=seeded())[1] for case in cases]
    assert min((codes[0] != codes[1]).mean(), (codes[0] != codes[2]).mean()) > 0.05


def test_any_length_from_one_frame_on():
    for frames in (1, 2, 51):
        out = responder().respond(clip(frames), "auto", generator=seeded())
        assert len(out) == frames
        assert np.isfinite(out.beta).all()


def test_motion_comes_back_in_the_corpus_units():
    r = responder()
    before = r.respond(clip(30), "neutral", generator=seeded())
    r.model.beta_std *= 2
    r.model.beta_mean += 1
    speaker = clip(30)
    scaled = Clip(
        motion=replace(speaker.motion, beta=speaker.motion.beta * 2 + 1), mfcc=speaker.mfcc
    )
    np.testing.assert_allclose(
        r.respond(scaled, "neutral", generator=seeded()).beta, before.beta * 2 + 1, atol=1e-4
    )


def test_names_mixtures_and_sequences_mean_the_same():
    assert mixture("auto", EMOTIONS) is None
    assert mixture(None, EMOTIONS) is None
    for positive in ("positive", [0, 0, 2], "positive=1"):
        assert mixture(positive, EMOTIONS).tolist() == [0, 0, 1]
    assert mixture("neutral=0.5, positive=0.5", EMOTIONS).tolist() == [0, 0.5, 0.5]


@pytest.mark.parametrize(
    "wrong",
    [
        *("happy", "", "neutral=x", "neutral=3e38,positive=3e38"),
        *([1, 2], [0, 0, 0], [-1, 1, 1], [float("nan"), 1, 1], [None] * 3, 3),
    ],
)
def test_an_emotion_that_is_none_lists_those_that_are(wrong):
    with pytest.raises(ElpError, match="negative, neutral, positive"):
        mixture(wrong, EMOTIONS)


def test_bad_speakers_are_refused_and_gaps_bridged():
    r = responder()
    with pytest.raises(ElpError, match="no frames"):
        r.respond(clip(0), "neutral", generator=seeded())
    with pytest.raises(ElpError, match=r"\(20, 9\), this model expects \(20, 12\)"):
        r.respond(clip(20, width=9), "neutral", generator=seeded())
    for wrong in (None, "clip.npz", clip(2).motion):
        with pytest.raises(ElpError, match="not a Clip"):
            r.respond(wrong, "neutral", generator=seeded())
    with pytest.raises(ElpError, match="manual_seed"):
        r.respond(clip(2), "neutral", generator=0)
    speaker = clip(40)
    beta, valid = speaker.motion.beta.copy(), np.ones(40, bool)
    beta[10:15], valid[10:15] = np.nan, False
    gap = Clip(
        motion=Motion(beta=beta, pose=speaker.motion.pose, blink=speaker.motion.blink, valid=valid),
        mfcc=speaker.mfcc,
    )
    assert np.isfinite(r.respond(gap, "auto", generator=seeded()).beta).all()


@pytest.mark.parametrize(
    "option", [{"temperature": -1}, {"correlation": -1}, {"heads": 0}, {"heads": 9}]
)
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ElpError):
        responder(**option)


def test_smooth_draws_are_uniform_alike_and_the_same_in_pieces():
    whole = SmoothUniform([200, 1], [4.0, 0.0], seeded()).draw(600)
    assert whole[0].mean().item() == pytest.approx(0.5, abs=0.02)
    assert whole[0].flatten().quantile(torch.tensor([0.1, 0.9])).tolist() == pytest.approx(
        [0.1, 0.9], abs=0.02
    )
    lag = torch.corrcoef(torch.stack([whole[0][:-4].flatten(), whole[0][4:].flatten()]))[
        0, 1
    ].item()
    assert lag == pytest.approx(np.exp(-(4**2) / (4 * 4**2)), abs=0.05)
    pieces = SmoothUniform([200, 1], [4.0, 0.0], seeded())
    parts = [pieces.draw(n) for n in (1, 99, 500)]
    for group in range(2):
        torch.testing.assert_close(torch.cat([p[group] for p in parts]), whole[group])


def test_the_shipped_model_smiles_with_the_emotion_and_blinks():
    from elp.face.model import FaceModel

    r = ELPResponder.from_checkpoint()
    assert r.model.config.causal
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(300, 100)), 0) * r.model.beta_std.numpy() * 0.1
    still = Clip(
        motion=Motion(beta=walk, pose=np.zeros((300, 6)), blink=np.zeros(300)),
        mfcc=np.zeros((300, 29)),
    )
    said = {e: r.respond(still, e, generator=seeded()) for e in r.emotions}
    smile = [FaceModel.default().index(name) for name in ("smile_l", "smile_r")]
    frown = [FaceModel.default().index(name) for name in ("frown_l", "frown_r")]
    mean = {e: (m.beta[:, smile].mean(), m.beta[:, frown].mean()) for e, m in said.items()}
    assert mean["negative"][0] < mean["neutral"][0] < mean["positive"][0] - 0.5
    assert mean["negative"][1] > mean["neutral"][1] + 0.2
    share = np.mean([m.blink.mean() for m in said.values()])
    assert 0.005 < share < 0.3


@pytest.mark.parametrize("hold", [2, 5, 12, 25])
def test_draws_are_half_alike_where_held_ones_would_be(hold):
    spread, blink = CodeSampler(replace(SMALL, holds=(hold,))).spreads
    assert np.exp(-((hold / 2) ** 2) / (4 * spread**2)) == pytest.approx(0.5, abs=0.01)
    assert blink > 0
    unheld = CodeSampler(replace(SMALL, holds=(1,))).spreads[0]
    assert np.exp(-1 / (4 * unheld**2)) > 0.9  # neighbours alike all the same: a face has mass
