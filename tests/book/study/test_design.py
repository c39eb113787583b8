"""The plan of a study: balanced, blind, the same whenever it is made."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elp.book.study import Study, williams
from elp.errors import ElpError

SIZES = {"methods": st.integers(2, 6), "speakers": st.integers(1, 5), "seed": st.integers(0, 99)}


def named(methods: int, speakers: int, seed: int, **options: int) -> Study:
    return Study(
        methods=tuple(f"m{i}" for i in range(methods)),
        speakers=tuple(f"s{i}" for i in range(speakers)),
        seed=seed,
        **options,
    )


@given(st.integers(2, 12))
def test_square_is_balanced_for_place_and_for_what_comes_before(n):
    square = williams(n)
    assert all(sorted(row) == list(range(n)) for row in square)
    for column in square.T:
        assert set(Counter(column).values()) == {len(square) // n}
    after = Counter(two for row in square for two in pairwise(row))
    assert len(after) == n * (n - 1)
    assert len(set(after.values())) == 1


@given(**SIZES, start=st.integers(0, 50))
def test_raters_in_a_row_see_each_method_equally_often_in_each_place(
    methods, speakers, seed, start
):
    study = named(methods, speakers, seed)
    count = len(williams(methods))
    places: Counter[tuple[str, str, int]] = Counter()
    for number in range(start, start + count):
        rated = [study.clips[t.clips[0]] for t in study.plan(number) if len(t.clips) == 1]
        for at, (method, speaker) in enumerate(rated):
            assert speaker == rated[at - at % methods][1], "one speaker after the other"
            places[method, speaker, at % methods] += 1
    assert len(places) == methods * methods * speakers
    assert set(places.values()) == {count // methods}


@given(**SIZES, start=st.integers(0, 20))
def test_two_raters_in_a_row_see_each_pair_in_both_orders(methods, speakers, seed, start):
    study = named(methods, speakers, seed, repeats=0)
    shown = [
        Counter(t.clips for t in study.plan(2 * start + i) if len(t.clips) == 2) for i in (0, 1)
    ]
    assert shown[0] == Counter({clips[::-1]: n for clips, n in shown[1].items()})
    two = Counter(frozenset(study.clips[key][0] for key in clips) for clips in shown[0].elements())
    assert set(two.values()) == {study.pairs}
    assert len(two) == methods * (methods - 1) // 2


@given(**SIZES)
def test_every_speaker_is_shown_with_every_pair(methods, speakers, seed):
    study = named(methods, speakers, seed, pairs=1)
    seen = {
        (frozenset(study.clips[key][0] for key in t.clips), study.clips[t.clips[0]][1])
        for number in range(2 * speakers)
        for t in study.plan(number)
        if len(t.clips) == 2
    }
    assert len(seen) == speakers * methods * (methods - 1) // 2


@given(**SIZES, number=st.integers(0, 99))
def test_checks_and_repeats(methods, speakers, seed, number):
    study = named(methods, speakers, seed)
    plan = study.plan(number)
    assert plan == study.plan(number)
    assert sum(q.startswith("check-") for t in plan for q in t.questions) == 2
    again = [t for t in plan if t.repeat]
    assert len(again) == 2
    assert all(any(u.clips == t.clips[::-1] and not u.repeat for u in plan) for t in again)


def test_another_number_another_order_and_another_seed_other_keys(study):
    assert study.plan(0) != study.plan(1)
    other = Study(methods=study.methods, speakers=study.speakers, seed=4)
    assert not study.clips.keys() & other.clips.keys()
    assert len(study.clips) == len(study.methods) * len(study.speakers)


def test_a_study_comes_back_from_its_file(study, tmp_path):
    study.save(tmp_path / "study.json")
    assert Study.load(tmp_path / "study.json") == study
    assert Study.load(tmp_path / "study.json").digest == study.digest


@pytest.mark.parametrize("text", ["", "[]", '{"methods": 3}', '{"speakers": ["a"], "x": 1}'])
def test_no_study_is_refused(text, tmp_path):
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(ElpError, match=r"study\.json: no study"):
        Study.load(tmp_path / "study.json")


@pytest.mark.parametrize(
    "options",
    [
        {"methods": ("a",), "speakers": ("s",)},
        {"methods": ("a", "a"), "speakers": ("s",)},
        {"methods": ("a", "b"), "speakers": ()},
        {"methods": ("a", "b"), "speakers": ("s",), "questions": {}},
        {"methods": ("a", "b"), "speakers": ("s",), "questions": {"prefer": "?"}},
    ],
)
def test_what_is_no_study_is_refused(options):
    with pytest.raises(ElpError, match="study: "):
        Study(**options)
