"""The raters' page: blind, saved after every screen, resumed."""

from __future__ import annotations

import json

import pytest

from elp.book.study import Study, Truth, gather, simulate, write
from elp.book.widgets.rating import page, page_shape, questionnaire, show
from elp.errors import ElpError

STUDY = Study(methods=("ELP", "Mirror", "mean face"), speakers=("anna", "bert"), pairs=1, seed=5)
NAMES = (*STUDY.methods, *STUDY.speakers)
FILMS = {clip: f"data:video/mp4;base64,{i:04}" for i, clip in enumerate(STUDY.clips.values())}
TRUTH = Truth(scores=dict.fromkeys(STUDY.methods, 3.0))


def rows(screens: int, number: int = 0) -> list[list[object]]:
    """What the page would hand over after so many screens of a new rater."""
    found = simulate(STUDY, TRUTH, number + 1)[number]
    return [list(row) for row in found if row[3] <= screens]


def as_of(widget: object, answered: list[list[object]]) -> list[list[object]]:
    return [[row[0], widget.rater, *row[2:]] for row in answered]


def test_no_name_of_a_method_reaches_the_page(tmp_path):
    widget = questionnaire(STUDY, FILMS, tmp_path)
    widget.wanted = 0
    synced = {name: getattr(widget, name) for name in widget.traits(sync=True)}
    model = json.dumps({k: v for k, v in synced.items() if k in page_state_names()})
    page(tmp_path / "rater.html", STUDY, FILMS, 0)
    html = (tmp_path / "rater.html").read_text().partition('class="elp-state">')[2]
    for text in (model, html):
        assert next(iter(STUDY.clips)) in text
        assert not [name for name in NAMES if name in text]
        assert "repeat" not in text.partition("</div>")[0]


def page_state_names() -> set[str]:
    return {"shape", "clips", "rater", "rows", "wanted", "said", "live"}


def test_videos_are_sent_for_this_screen_and_the_next(tmp_path):
    widget = questionnaire(STUDY, FILMS, tmp_path)
    trials = page_shape(STUDY, 0)["trials"]
    assert widget.clips == {}
    for at in (0, len(trials) - 2, len(trials) - 1):
        widget.wanted = at
        expected = {key for trial in trials[at : at + 2] for key in trial["clips"]}
        assert set(widget.clips) == expected
        assert all(widget.clips[key] == FILMS[STUDY.clips[key]] for key in expected)


def test_every_screen_is_saved_and_the_rater_goes_on(tmp_path):
    widget = questionnaire(STUDY, FILMS, tmp_path)
    assert not list(tmp_path.iterdir()), "nothing is kept before anything is answered"
    widget.rows = as_of(widget, rows(1))
    widget.rows = as_of(widget, rows(3))
    assert widget.said == ""
    assert gather(tmp_path, STUDY)["trial"].max() == 3
    again = questionnaire(STUDY, FILMS, tmp_path, rater=widget.rater)
    assert again.rows == widget.rows
    assert again.shape == widget.shape
    other = questionnaire(STUDY, FILMS, tmp_path)
    assert other.shape["number"] == 1
    assert other.rater != widget.rater
    assert other.rows == []


def test_what_cannot_be_saved_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    widget = questionnaire(STUDY, FILMS, tmp_path / "file" / "folder")
    widget.rows = as_of(widget, rows(1))
    assert widget.said
    damaged = questionnaire(STUDY, FILMS, tmp_path)
    damaged.rows = as_of(damaged, rows(2))[1:]
    assert "is not what rater number 0 was asked there" in damaged.said


def test_a_damaged_file_or_a_name_is_not_resumed(tmp_path):
    write(tmp_path / "0123abcd.csv", rows(2)[1:])
    with pytest.raises(ElpError, match="line 2 is not what"):
        questionnaire(STUDY, FILMS, tmp_path, rater="0123abcd")
    with pytest.raises(ElpError, match="give the 8 digits"):
        questionnaire(STUDY, FILMS, tmp_path, rater="../anna")


def test_a_chapter_shows_page_and_widget(monkeypatch, tmp_path):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    show(STUDY, FILMS, folder=tmp_path, caption="A study.", alt="Videos and questions.")
    opened = 'class="elp-component" role="group" aria-label="Videos and questions."'
    assert opened in shown[0]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in shown[0]
    assert "A study." in shown[1]["text/html"]
