"""Videos of a study: all there, or a sentence."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest

from elp.book.study import drawn, films
from elp.book.study.films import sources
from elp.errors import ElpError
from elp.face import FaceModel
from elp.motion import Motion


def test_files_are_found_by_method_and_speaker(tmp_path):
    for method in ("A", "B"):
        (tmp_path / method).mkdir()
        for speaker in ("s1", "s2"):
            (tmp_path / method / f"{speaker}.mp4").write_bytes(method.encode())
    found = films(tmp_path)
    assert set(found) == {(m, s) for m in "AB" for s in ("s1", "s2")}
    (tmp_path / "B" / "s2.mp4").unlink()
    with pytest.raises(ElpError, match=r"B/s2\.mp4 is missing"):
        films(tmp_path)
    with pytest.raises(ElpError, match="no two methods"):
        films(tmp_path / "A")


def test_a_missing_video_is_named(study, tmp_path):
    given = dict.fromkeys(study.clips.values(), "data:,")
    assert set(sources(study, given)) == set(study.clips)
    with pytest.raises(ElpError, match="no video of GT answering s1"):
        sources(study, {k: v for k, v in given.items() if k != ("GT", "s1")})
    with pytest.raises(ElpError, match="cannot be read"):
        sources(study, given | {("GT", "s1"): tmp_path / "gone.mp4"})


def test_drawn_clips_have_both_heads_and_the_sound():
    import av

    beta = np.zeros((6, len(FaceModel.default().expression)), np.float32)
    still = Motion(beta=beta, pose=np.zeros((6, 6), np.float32), blink=np.zeros(6))
    turned = Motion(beta=beta, pose=still.pose + np.float32(0.2), blink=np.zeros(6))
    noise = np.random.default_rng(0).normal(size=6 * 640).astype(np.float32) / 9
    film = drawn(still, turned, (noise, 16000), size=48, every=2)
    with av.open(io.BytesIO(base64.b64decode(film.partition(",")[2]))) as file:
        pictures = [f.to_ndarray(format="gray") for f in file.decode(video=0)]
        file.seek(0)
        samples = sum(f.samples for f in file.decode(audio=0))
    assert len(pictures) == 3
    left, right = np.split(pictures[0].astype(float), 2, axis=1)
    assert left.shape == right.shape == (48, 48)
    assert left.min() < 200
    assert abs(left - right).mean() > 3, "one head is turned, the other is not"
    assert samples >= len(noise)
