"""Evaluation: bounds behave as bounds, resampling is right, tables read what files say, the reader
of emotions is honest.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from elp import metrics
from elp.baselines import MeanFace, RandomListener
from elp.corpus import Corpus
from elp.errors import ElpError
from elp.evaluation import evaluate as ev
from elp.evaluation import tables
from elp.evaluation.control import EmotionReader, controllability
from elp.evaluation.floor import floors
from elp.metrics.resample import resample
from elp.motion import Motion
from tests.ase import corpus as build


@pytest.fixture(scope="module")
def corpus(simulated: Corpus) -> Corpus:
    return simulated


@pytest.fixture(scope="module")
def result(corpus: Corpus) -> dict:
    methods = {
        "GT": ev.GroundTruth(),
        "oracle": ev.Oracle(),
        "mean face": MeanFace(corpus),
        "Random": RandomListener(corpus),
    }
    return ev.evaluate(corpus, methods, samples=2, bootstrap=50, against="oracle")


def test_ground_truth_is_perfect_and_the_oracle_beats_chance(result):
    found = result["methods"]
    gt, oracle, chance = found["GT"], found["oracle"], found["Random"]
    for name in ("facial_fd", "head_fd", "facial_pfd", "facial_rpcc", "head_sts_frame", "all_fd"):
        assert gt[name]["value"] == pytest.approx(0, abs=1e-9)
    assert gt["blink_wtlcc"]["value"] == pytest.approx(1)
    assert oracle["facial_fd"]["value"] < chance["facial_fd"]["value"]
    assert found["mean face"]["facial_vd"]["value"] == pytest.approx(0, abs=1e-9)
    assert found["mean face"]["blink_rate"]["value"] == 0


def test_floors_fall_with_what_is_known(corpus):
    rows = floors(corpus, answers=3, bootstrap=20)
    fd = {
        row: {part: cell["fd"]["value"] for part, cell in cells.items()}
        for row, cells in rows.items()
    }
    for part in ("facial", "head"):
        assert (
            fd["knows speaker, emotion and listener"][part]
            < fd["oracle"][part]
            < fd["another listener"][part]
        )
        assert fd["knows speaker and emotion"][part] < fd["another listener"][part]
        assert rows["oracle"][part]["over_oracle"] == {"value": 1, "low": 1, "high": 1}
    for cells in rows.values():
        for cell in cells.values():
            assert cell["fd"]["value"] == pytest.approx(
                cell["mean_term"]["value"] + cell["covariance_term"]["value"], rel=1e-4
            )
    assert fd["knows emotion"]["facial"] < fd["knows nothing"]["facial"]
    plain = ev.measure(corpus, ev.Oracle(), samples=1)["facial_fd"]
    # the table's own metric, other draws
    assert plain.mean() == pytest.approx(fd["oracle"]["facial"], rel=0.5)


def test_newcomers_are_other_people_in_the_same_mood(corpus):
    pair = ev.usable(corpus, "test")[0]
    one, again, other = (
        ev.Newcomer().answer(corpus, pair, torch.Generator().manual_seed(k)) for k in (1, 1, 2)
    )
    assert len(one) == pair.length
    assert np.array_equal(one.beta, again.beta)
    assert not np.array_equal(one.beta, other.beta)


def test_intervals_hold_the_value_and_contrasts_are_paired(result):
    for method in result["methods"].values():
        for name, x in method.items():
            assert x["low"] <= x["high"], name
    fd = result["contrasts"]["Random"]["facial_fd"]
    assert fd["value"] < 0
    assert fd["value"] == pytest.approx(
        result["methods"]["oracle"]["facial_fd"]["value"]
        - result["methods"]["Random"]["facial_fd"]["value"],
        rel=1e-3,
    )
    assert set(fd) == {"value", "low", "high", "z", "separated"}


def test_result_is_a_file_that_says_where_it_comes_from(result):
    again = json.loads(json.dumps(result))
    assert again == result
    assert {
        "commit",
        "command",
        "seed",
        "device",
        "versions",
        "date",
        "corpus",
        "samples",
        "bootstrap",
    } <= set(result)
    assert result["corpus"]["clips"] == 7
    assert result["corpus"]["split"] == "test"


def test_mixed_units_do_not_matter(tmp_path):
    """A coefficient in other units changes neither what is measured nor what an error counts, where
    the card says that units are mixed.
    """
    from elp.model.ase import ASE, ASEConfig
    from elp.training.sampler import Batches

    def measured(first, **card):
        corpus = build(tmp_path / f"{first}{card}", first=first, **card)
        model = ASE(ASEConfig(beta=12, heads=4, categories=4), corpus.stats)
        rows = ev.measure(corpus, ev.Stranger(), samples=1, split="train")
        return Batches(corpus, model, "train", 50).weight.numpy(), rows["facial_fd"]

    (weight, distance), (other, same) = (measured(first, units="mixed") for first in (1.0, 64.0))
    np.testing.assert_allclose(weight, 1, rtol=1e-5)
    np.testing.assert_allclose(other, 1, rtol=1e-5)
    np.testing.assert_allclose(same, distance, rtol=1e-4)
    weight, large = measured(64.0)
    assert weight[0] > 11 and large.mean() > 100 * distance.mean()


def test_resampled_values_agree_with_the_metrics_package(corpus):
    pairs = ev.usable(corpus, "test")
    method = RandomListener(corpus)
    answers = ev.generate(
        corpus, method, pairs, [None] * len(pairs), torch.Generator().manual_seed(0)
    )
    stats = {k: v[None] for k, v in ev.Scene(corpus, pairs).measure(answers).items()}
    ours = {k: v[0] for k, v in resample([stats], bootstrap=0).items()}
    lever = np.array([10.0] * 3 + [1.0] * 3)
    cat = lambda m: np.concatenate([m.pose * lever, m.beta], 1)  # noqa: E731
    truth = [corpus.listener(p) for p in pairs]
    seen = [ev.seen_frames(corpus, p) for p in pairs]
    theirs = metrics.evaluate(
        [cat(corpus.speaker(p).motion) for p in pairs],
        [cat(m) for m in truth],
        [cat(m) for m in answers],
        valid=seen,
        blink_gt=[m.blink for m in truth],
        blink_pred=[m.blink for m in answers],
    )
    for part in ("facial", "head"):
        for name in ("fd", "pfd", "vd", "sid", "rpcc", "wtlcc", "sts", "sts_frame"):
            assert ours[f"{part}_{name}"] == pytest.approx(theirs[f"{part}_{name}"], rel=1e-6), (
                part,
                name,
            )
    for name in ("blink_wtlcc", "blink_rate"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-6)


def test_resampling_draws_clips_and_seeds(corpus):
    stats = [ev.measure(corpus, RandomListener(corpus), samples=2, seed=s) for s in (0, 1)]
    draws = resample(stats, bootstrap=40, seed=3)
    one, other = (resample([s], bootstrap=0)["facial_fd"][0] for s in stats)
    assert draws["facial_fd"].shape == (41,)
    assert draws["facial_fd"][0] == pytest.approx((one + other) / 2)
    assert np.array_equal(draws["facial_fd"], resample(stats, bootstrap=40, seed=3)["facial_fd"])
    assert draws["facial_fd"][1:].std() > 0


def test_the_same_seed_gives_the_same_answers(corpus):
    a, b, c = (
        ev.measure(corpus, RandomListener(corpus), samples=1, seed=s)["facial_fd"]
        for s in (4, 4, 5)
    )
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_bad_methods_are_refused(corpus):
    class Short:
        def respond(self, speaker, emotion, *, generator):
            return Motion(
                beta=speaker.motion.beta[1:],
                pose=speaker.motion.pose[1:],
                blink=speaker.motion.blink[1:],
            )

    with pytest.raises(ElpError, match="an answer must be as long"):
        ev.evaluate(corpus, {"short": Short()}, samples=1)
    with pytest.raises(ElpError, match="no methods"):
        ev.evaluate(corpus, {})
    with pytest.raises(ElpError, match="no split 'tset'"):
        ev.evaluate(corpus, {"GT": ev.GroundTruth()}, split="tset")


def test_tables_show_arrows_and_the_best_competitor(result):
    plain = tables.table(result, tables.TABLE1, intervals=False)
    assert list(plain.columns)[:2] == ["facial FD ↓", "facial V-D →GT"]
    assert plain.loc["GT", "blink WTLCC ↑"] == pytest.approx(1)
    assert tables.best(result, "facial_fd") == "Random"  # bounds do not compete
    text = tables.table(result, tables.TABLE2)
    assert "<b>" in text.loc["Random", "FD ↓"]
    assert "<b>" not in text.loc["oracle", "FD ↓"]
    shown = [
        cell.split("<br>")[0].removeprefix("<b>").removesuffix("</b>") for cell in text["FD ↓"]
    ]
    # as many decimals in all rows
    assert len({len(x.partition(".")[2]) for x in shown}) == 1, shown
    assert [float(x) for x in shown] == pytest.approx(plain_fd(result), abs=0.006)


def plain_fd(result):
    return [method["all_fd"]["value"] for method in result["methods"].values()]


def test_reader_reads_real_listeners_and_asks_for_what_is_shown(corpus):
    reader = EmotionReader(corpus)
    assert reader.accuracy("train") > 0.9
    assert 0 <= reader.accuracy("test") <= 1

    class Echo:  # answers with a training listener of the asked emotion
        def respond(self, speaker, emotion, *, generator):
            wanted = corpus.emotions.index(emotion)
            pair = next(p for p in corpus.pairs("train").itertuples() if p.emotion == wanted)
            motion = corpus.listener(pair)
            reps = -(-len(speaker) // len(motion))
            return Motion(
                **{
                    n: np.concatenate([getattr(motion, n)] * reps)[: len(speaker)]
                    for n in ("beta", "pose", "blink", "valid")
                }
            )

    told, untold = (controllability(corpus, m, reader) for m in (Echo(), RandomListener(corpus)))
    assert told["accuracy"] > untold["accuracy"]
    assert np.allclose(np.sum(told["confusion"], 1), 1, atol=1e-3)
