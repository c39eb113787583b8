"""The sample that a newcomer begins with: two drawn people whom the tracker finds, or no file."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from elp.errors import ElpError
from elp.extraction.pipeline import extract
from elp.render import Portrait
from elp.render.mesh2video.studio import Studio
from elp.render.sample import PORTRAIT, SPEAKER, sample


def test_a_portrait_shows_a_person_before_a_plain_wall() -> None:
    first, other = (Studio(seed).portrait(32) for seed in (1, 2))
    assert first.shape == (32, 32, 3) and first.dtype == np.uint8
    assert not np.array_equal(first, other)
    person, wall = first[12:20, 13:19], first[:6, :6]
    assert np.abs(person.mean((0, 1)) - wall.mean((0, 1))).max() > 20
    assert wall.std((0, 1)).max() < 4


@pytest.mark.parametrize("name", [SPEAKER, PORTRAIT])
def test_what_is_there_is_not_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ElpError, match="exists already"):
        sample(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_nothing_is_left_where_the_speaker_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("elp.media.write.write_video", full)
    monkeypatch.setattr("elp.render.sample.render", lambda *_: iter(()))
    monkeypatch.setattr("elp.render.sample.Portrait.load", lambda _: None)
    monkeypatch.setattr(Studio, "portrait", lambda *_: np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ElpError, match="free some space"):
        sample(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_tracker_finds_both_people(tmp_path: Path) -> None:
    speaker, portrait = sample(tmp_path, seed=0)
    with av.open(str(speaker)) as film:
        seconds = film.duration / av.time_base
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in film.decode(audio=0)])
    assert 8 <= seconds <= 10 and np.abs(sound).max() > 0.05
    assert speaker.stat().st_size + portrait.stat().st_size < 900_000
    seen = extract(speaker).motion
    assert seen.valid.mean() >= 0.95
    jaw = Portrait.load(portrait)
    opened = jaw.model.index("jaw_open")
    assert jaw.beta[opened] < 0.15 * jaw.model.full[opened]  # mouth closed
    assert np.ptp(seen.beta[seen.valid, opened]) > 0.2 * jaw.model.full[opened]  # who talks
