"""The file of answers: it comes back as it was, and damage is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elp.book.study import COLUMNS, Study, gather, read, write
from elp.errors import ElpError


def save(folder, raters):
    for rows in raters:
        write(folder / f"{rows[0][1]}.csv", rows)


def test_files_come_back_and_are_joined(study, raters, ratings, tmp_path):
    save(tmp_path, raters)
    assert [tuple(x) for x in read(tmp_path / f"{raters[0][0][1]}.csv", study)] == raters[0]
    joined = gather(tmp_path, study)
    order = ["rater", "trial", "question"]
    assert joined.sort_values(order, ignore_index=True).equals(
        ratings.sort_values(order, ignore_index=True)
    )
    counts = joined.groupby("kind").size() / 12
    assert dict(counts) == {"check": 2, "likert": 4 * 5 * 4, "pair": 2 * 6 + 2}


def test_no_name_is_in_a_file(study, raters, tmp_path):
    save(tmp_path, raters[:1])
    text = next(tmp_path.glob("*.csv")).read_text()
    assert text.splitlines()[0] == ",".join(COLUMNS)
    assert not [name for name in (*study.methods, *study.speakers) if name in text]


def test_a_rater_who_stopped_counts(study, raters, tmp_path):
    screens = [row for row in raters[0] if row[3] <= 5]
    write(tmp_path / "a.csv", screens)
    write(tmp_path / "b.csv", [])
    assert len(gather([tmp_path / "a.csv", tmp_path / "b.csv"], study)) == len(screens)


@given(data=st.data())
def test_damage_is_named_in_one_sentence(data, study, raters, tmp_path_factory):
    """Whatever single field is changed: the file is refused, or says what it said."""
    lines = [[str(x) for x in row] for row in raters[0]]
    at = data.draw(st.integers(0, len(lines) - 1))
    column = data.draw(st.sampled_from(COLUMNS[:-1]))
    text = data.draw(st.text("0123456789abcdef-.,\n\"'x ", max_size=9))
    changed = [list(line) for line in lines]
    changed[at][COLUMNS.index(column)] = text
    path = tmp_path_factory.mktemp("damage") / "rater.csv"
    path.write_text("\n".join(",".join(line) for line in [COLUMNS, *changed]) + "\n")
    try:
        found = read(path, study)
    except ElpError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error).replace(text, "")
    else:  # another answer is no damage that anybody could see
        same = [i for i, name in enumerate(COLUMNS) if name != "answer"]
        assert [[str(row[i]) for i in same] for row in found] == [
            [line[i] for i in same] for line in lines
        ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("study,rater", "rater,study"), "line 1 must be"),
        (lambda text: text[:-30], "line \\d+ has|line \\d+:|ends in the middle"),
        (lambda text: text.replace("\n", "\n\n", 3), "line 2 has 0 fields"),
        (lambda text: "", "line 1 must be"),
        (lambda text: "\n".join(text.split("\n")[:-2]) + "\n" + text.split("\n")[1], "was asked"),
        (lambda text: "\n".join([*text.split("\n")[:4], ""]), "middle of screen 1"),
    ],
)
def test_damage(change, said, study, raters, tmp_path):
    path = tmp_path / "rater.csv"
    write(path, raters[0])
    path.write_text(change(path.read_text()))
    with pytest.raises(ElpError, match=said):
        read(path, study)


def test_what_is_no_table_is_refused(study, tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00 no text")
    for path in (tmp_path / "a.csv", tmp_path / "missing.csv"):
        with pytest.raises(ElpError, match="cannot be read as a table"):
            read(path, study)
    with pytest.raises(ElpError, match="no answers"):
        gather([], study)


def test_another_study_and_a_file_given_twice_are_refused(study, raters, tmp_path):
    save(tmp_path, raters[:1])
    write(tmp_path / "copy.csv", raters[0])
    with pytest.raises(ElpError, match=r"is in .* too"):
        gather(tmp_path, study)
    other = Study(methods=study.methods, speakers=study.speakers, seed=9)
    with pytest.raises(ElpError, match=f"of study {study.digest}, this is {other.digest}"):
        read(tmp_path / "copy.csv", other)


def test_a_name_instead_of_a_random_number_is_refused(study, raters, tmp_path):
    write(tmp_path / "a.csv", [(row[0], "Jane Doe", *row[2:]) for row in raters[0]])
    with pytest.raises(ElpError, match="no random id"):
        read(tmp_path / "a.csv", study)
