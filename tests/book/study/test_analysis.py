"""The analysis finds what simulated raters were made of, and says how sure it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elp.book.study import Study, Truth, attention, attentive, power, scores, simulate, strengths
from elp.book.study.analysis import means
from elp.book.study.answers import unblinded
from elp.book.study.raters import expected, latent
from elp.errors import ElpError
from tests.book.study.conftest import SPEAKERS, TRUTH


def test_those_who_press_any_button_are_left_out(raters, ratings):
    found = attention(ratings)
    careful, careless = [rows[0][1] for rows in raters[:10]], [rows[0][1] for rows in raters[10:]]
    assert found.loc[careful, "kept"].all()
    assert not found.loc[careless, "kept"].any()
    assert set(attentive(ratings)["rater"]) == set(careful)
    assert found.loc[careful, "agreement"].between(0, 1).all()
    assert (found["screens"] == 4 * 5 + 2 * 6 + 2).all()


def test_agreement_is_of_the_video_and_not_of_the_place(study):
    certain = Truth(scores=TRUTH.scores, strengths={"GT": 90, "ELP": 60, "Mirror": 30})
    [rows] = simulate(study, certain, 1)
    assert attention(unblinded(rows, study))["agreement"].tolist() == [1.0]
    always_first = [(*row[:7], 1, row[8]) if row[4] == "prefer" else row for row in rows]
    assert attention(unblinded(always_first, study))["agreement"].tolist() == [0.0]


@pytest.fixture(scope="module")
def many():
    """Results of eight studies, of 20 raters and 6 speakers each."""
    speakers = tuple(f"s{i}" for i in range(6))
    study = Study(methods=tuple(TRUTH.scores), speakers=speakers, questions={"all": "?"})
    found = []
    for seed in range(8):
        rows = [row for rater in simulate(study, TRUTH, 20, seed=seed) for row in rater]
        ratings = unblinded(rows, study)
        found.append((scores(ratings, "GT"), strengths(ratings, "GT")))
    return found


def test_the_truth_is_within_the_intervals(many):
    """95 % intervals hold the truth in at least 85 % of the cases, of which many are not
    independent; and the mean over studies is near it.
    """
    held = [
        s["methods"][m]["all"]["low"] <= true <= s["methods"][m]["all"]["high"]
        for s, _ in many
        for m, true in TRUTH.scores.items()
    ]
    assert np.mean(held) > 0.85
    for m, true in TRUTH.scores.items():
        assert np.mean([s["methods"][m]["all"]["value"] for s, _ in many]) == pytest.approx(
            true, abs=0.15
        )
    theta = {m: TRUTH.strengths.get(m, 0.0) for m in TRUTH.scores}
    theta = {m: x - np.mean(list(theta.values())) for m, x in theta.items()}
    found = [(b["methods"][m]["strength"], x) for _, b in many for m, x in theta.items()]
    found += [(b["first"], TRUTH.first) for _, b in many]
    assert np.mean([x["low"] <= true <= x["high"] for x, true in found]) > 0.85
    assert np.mean([x["value"] - true for x, true in found]) == pytest.approx(0, abs=0.1)


def test_large_differences_are_separated_and_corrected(many):
    found = [
        {name: row[question] for name, row in result["contrasts"].items()}
        for two in many
        for result, question in zip(two, ("all", "strength"), strict=True)
    ]
    assert all(set(contrasts) == {"ELP", "Mirror", "mean face"} for contrasts in found)
    assert all(c["p_holm"] >= 0.99 * c["p"] for contrasts in found for c in contrasts.values())
    assert np.mean([contrasts["mean face"]["separated"] for contrasts in found]) > 0.8
    assert all(contrasts["mean face"]["value"] > 1 for contrasts in found)


def test_nothing_is_found_where_nothing_differs():
    """At most 5 % false alarms, as promised: 300 studies, five standard errors above it refused."""
    assert power(20, 10, 0.0, simulations=300)["value"] < 0.05 + 5 * np.sqrt(0.05 * 0.95 / 300)


@given(st.integers(0, 99))
def test_equal_answers_of_all_have_no_error(seed):
    rater, speaker, method = np.indices((4, 3, 2)).reshape(3, -1)
    answer = np.random.default_rng(seed).integers(1, 6, 2)[method].astype(float)
    found = means(answer, method, rater, speaker).contrast(np.array([1.0, -1.0]))
    assert found["value"] == pytest.approx(found["low"]) == pytest.approx(found["high"])
    assert found["value"] == answer[method == 0][0] - answer[method == 1][0]


def test_the_error_is_that_of_the_analysis_of_variance():
    """In a complete table, variance over raters, plus speakers, less residual (Clark 1973)."""
    y = np.random.default_rng(0).normal(size=(6, 5))
    y += np.random.default_rng(1).normal(size=(6, 1)) * 2 + np.arange(5)
    rater, speaker = np.indices(y.shape).reshape(2, -1)
    found = means(y.ravel(), np.zeros(y.size, int), rater, speaker).error(np.ones(1))
    rows, columns = y.mean(1).var(ddof=1) / 6, y.mean(0).var(ddof=1) / 5
    assert found**2 == pytest.approx(rows + columns - y.var(ddof=1) / y.size)


def test_few_raters_or_an_unknown_method_are_refused(study, ratings):
    two = ratings[ratings["number"] < 2]
    with pytest.raises(ElpError, match="2 raters, 5 speakers: intervals need 3"):
        scores(two)
    with pytest.raises(ElpError, match="no method 'L2L'"):
        scores(ratings, "L2L")


@given(st.floats(1.01, 4.99), st.floats(0.3, 3))
def test_expected_answers_are_what_was_asked_for(score, spread):
    assert expected(latent(score, spread), spread) == pytest.approx(score, abs=1e-6)


def test_simulated_answers_have_the_expected_mean():
    answers = TRUTH.draw(np.random.default_rng(0), 400, 200)
    assert answers.min() == 1
    assert answers.max() == 5
    assert answers.mean((0, 1, 3)) == pytest.approx(list(TRUTH.scores.values()), abs=0.1)


def test_a_truth_about_other_methods_is_refused(study):
    with pytest.raises(ElpError, match="a truth about"):
        simulate(study, Truth(scores={"A": 3}), 2)
    with pytest.raises(ElpError, match=r"expected answer of 5\.5"):
        Truth(scores={"A": 5.5}).draw(np.random.default_rng(0), 2, len(SPEAKERS))


def test_power_grows_with_raters_and_with_speakers():
    found = [power(r, s, simulations=60)["value"] for r, s in ((8, 8), (40, 8), (40, 24))]
    assert found[0] < found[1] < found[2]
    one, three = (power(40, 16, comparisons=n, simulations=60)["value"] for n in (1, 3))
    assert three < one
