"""The page that raters see: in JupyterLab, in a chapter, or as one HTML file for anybody's browser
(chapter "Your own study").

No name of a method or of a speaker is in what it is given: clips go by their keys.
"""

from __future__ import annotations

import html
import json
import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from elp.book.figures import element_name, emit
from elp.book.study import answers
from elp.book.study.design import CHECK, PREFERRED, SCALE, Study
from elp.book.study.films import Films, sources
from elp.errors import ElpError
from elp.files import atomic

SOURCE = Path(__file__).with_suffix(".js")
CONSENT = (
    "You will watch short videos of a face that speaks, on the left, and one that listens, on the "
    "right, and say how well it listens. Whatever you think is right: you are not tested. All "
    "faces that listen are synthetic.",
    "Taking part is voluntary. You may stop at any time, without a reason, by closing the page.",
    "What is kept: your answers and how long each screen took, under a random number. Neither "
    "your name nor an address, nor anything about you or your computer. With that number you can "
    "have your answers deleted as long as they are not published.",
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>How well does this face listen?</title>
<style>:root {{ color-scheme: light dark; }}
body {{ font-family: system-ui, sans-serif; margin: 1.2rem auto; padding: 0 1rem; }}
main {{ max-width: 680px; margin: auto; }}
</style></head><body><main>{body}</main>
<script type="module">
const div = document.querySelector('.elp-component');
const read = (name) => JSON.parse(div.querySelector(name).textContent);
const module = new Blob([read('.elp-module')], {{ type: 'text/javascript' }});
const state = read('.elp-state');
const model = {{ get: (key) => state[key] }};
const {{ default: widget }} = await import(URL.createObjectURL(module));
div.replaceChildren();
widget.render({{ model, el: div }});
</script></body></html>
"""


def questionnaire(
    study: Study,
    films: Films,
    folder: str | Path = "ratings",
    *,
    rater: str | None = None,
    number: int | None = None,
    consent: Sequence[str] = CONSENT,
) -> Any:
    """The widget for one rater in JupyterLab. After each screen all answers are written to
    `folder/RATER.csv`; a page that is loaded again goes on where the rater stopped.

    Args:
        films: (method, speaker) -> file or data URI (`elp.book.study.films`).
        folder: of all raters' files; made with the first answer.
        rater: random id of somebody who stopped; a new one by default.
        number: which plan; by default how many raters the folder holds.
        consent: paragraphs that are agreed to before anything is asked.

    Raises:
        ElpError: a video is missing, or the rater's file is damaged or of another study.
    """
    rater, folder = rater or secrets.token_hex(4), Path(folder)
    if not answers.DIGITS.fullmatch(rater):
        raise ElpError(f"rater {rater!r}: give the 8 digits that the page showed, or none")
    path = folder / f"{rater}.csv"
    rows = answers.read(path, study) if path.exists() else []
    if number is None:
        number = rows[0][2] if rows else len(list(folder.glob("*.csv")))
    clips, shape = sources(study, films), page_shape(study, number, consent)
    trials = shape["trials"]

    def send(change: Mapping[str, Any]) -> None:
        """The videos of the screen that is shown and of the next one."""
        at = change["new"]
        wanted = [key for trial in trials[at : at + 2] for key in trial["clips"]]
        change["owner"].clips = {key: clips[key] for key in wanted}

    def save(change: Mapping[str, Any]) -> None:
        try:
            answers.write(path, change["new"])
            answers.read(path, study)
            change["owner"].said = ""
        except ElpError as error:
            change["owner"].said = str(error)

    live = widget_class()(shape=shape, rater=rater, rows=[list(row) for row in rows])
    live.observe(send, "wanted")
    live.observe(save, "rows")
    return live


def page(
    path: str | Path,
    study: Study,
    films: Films,
    number: int,
    *,
    consent: Sequence[str] = CONSENT,
) -> None:
    """Write rater `number`'s page as one HTML file that needs no network and no Python: the rater
    opens it, answers, saves a CSV file and sends it.

    Raises:
        ElpError: a video is missing, or the file cannot be written.
    """
    state = page_state(study, films, number, consent)
    body = _body(state, "study", "A rating study")
    with atomic(path) as partial:
        partial.write_text(PAGE.format(body=body), encoding="utf-8")


def show(
    study: Study,
    films: Films,
    *,
    folder: str | Path,
    caption: str,
    alt: str,
    number: int = 0,
    name: str = "study",
) -> None:
    """Display rater `number`'s page in a chapter: in JupyterLab `questionnaire`, in the static
    page the same without a kernel.

    Args:
        folder: where JupyterLab puts the answers.
        caption, alt, name: as for `elp.book.figures.show`.
    """
    state = page_state(study, films, number, CONSENT)
    name = element_name(name, json.dumps(state, sort_keys=True), caption, alt)
    live = questionnaire(study, films, folder, number=number)
    view = live._repr_mimebundle_() or {}
    view = view[0] if isinstance(view, tuple) else view
    bundle = {k: v for k, v in view.items() if k != "text/plain"}
    emit(_body(state, name, alt), caption=caption, alt=alt, name=name, bundle=bundle)


def page_shape(study: Study, number: int, consent: Sequence[str] = CONSENT) -> dict[str, Any]:
    """What a page must know of a rater's plan: keys and questions only."""
    checks = {
        f"{CHECK}{n}": f"To show that you read the questions, choose “{word}” here."
        for n, word in enumerate(SCALE, 1)
    }
    return {
        "study": study.digest,
        "number": number,
        "columns": list(answers.COLUMNS),
        "trials": [
            {"clips": list(trial.clips), "questions": list(trial.questions)}
            for trial in study.plan(number)
        ],
        "questions": dict(study.questions) | checks,
        "scale": list(SCALE),
        "prefer": PREFERRED,
        "consent": list(consent),
    }


def page_state(
    study: Study, films: Films, number: int, consent: Sequence[str] = CONSENT
) -> dict[str, Any]:
    """All that a page without a kernel holds."""
    return {"shape": page_shape(study, number, consent), "clips": sources(study, films)}


def _body(state: Mapping[str, Any], name: str, alt: str) -> str:
    """The element that `book/_static/elp.js`, or the page's own script, brings to life."""
    text = json.dumps(state, separators=(",", ":"), sort_keys=True)
    module, inline = (
        # the text must not end the script element it sits in
        t.replace("</", "<\\/")
        for t in (json.dumps(SOURCE.read_text(encoding="utf-8")), text)
    )
    return (
        f'<div id="fig-{name}" class="elp-component" role="group" aria-label="{html.escape(alt)}">'
        f'<script type="application/json" class="elp-module">{module}</script>'
        f'<script type="application/json" class="elp-state">{inline}</script></div>'
    )


@cache
def widget_class() -> type:
    """The anywidget class, made where it is used: anywidget is no dependency of the core."""
    import anywidget
    import traitlets

    class Questionnaire(anywidget.AnyWidget):
        _esm = SOURCE
        shape = traitlets.Dict().tag(sync=True)
        live = traitlets.Bool(True).tag(sync=True)
        rater = traitlets.Unicode().tag(sync=True)
        rows: Any = traitlets.List().tag(sync=True)
        wanted = traitlets.Int(-1).tag(sync=True)
        clips = traitlets.Dict().tag(sync=True)
        said = traitlets.Unicode().tag(sync=True)

    return Questionnaire
