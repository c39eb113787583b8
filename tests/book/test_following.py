"""What a line can tell of a listener, and where smiles begin."""

from __future__ import annotations

import numpy as np

from elp.book import following


def test_a_line_foretells_what_comes_back_late(tmp_path):
    """A listener who returns the speaker's smile 14 frames later: β tells it all, its deviations
    next to nothing.
    """
    from elp.corpus import Corpus
    from elp.corpus.writer import Record
    from elp.face.model import FaceModel
    from elp.motion import Motion

    rng, model = np.random.default_rng(0), FaceModel.default()
    width, columns = len(model.expression), [model.index("smile_l"), model.index("smile_r")]

    def dyad(clip: int, split: str):
        said, kept = (rng.standard_normal((440, width)) for _ in range(2))
        smile = np.convolve(rng.standard_normal(500), np.ones(61) / 8, "valid")
        said[:, columns] = smile[:, None]
        kept[14:, columns] = smile[:-14, None]
        common = {"clip": f"c{clip}", "split": split, "emotion": "neutral"}
        for role, beta in (("speaker", said), ("listener", kept)):
            motion = Motion(
                beta=beta.astype(np.float32),
                pose=rng.standard_normal((440, 6)),
                blink=(rng.random(440) > 0.9).astype(np.uint8),
            )
            names = {
                "person": f"{role}{clip}",
                "partner": f"{'listener' if role == 'speaker' else 'speaker'}{clip}",
            }
            yield Record(
                role=role,
                motion=motion,
                mfcc=np.zeros((440, 29), np.float32) if role == "speaker" else None,
                **names,
                **common,
            )

    records = (record for clip in range(9) for record in dyad(clip, "val" if clip > 6 else "train"))
    card = {
        "name": "late",
        "emotions": ["neutral"],
        "source": "made up",
        "licence": "MIT",
        "made": {},
    }
    corpus = Corpus.write(tmp_path / "late", records, card)
    seen, styled = (
        following.linear_baseline(corpus, raw_motion=raw, ridge=1e3) for raw in (True, False)
    )
    late, early = (
        following.linear_baseline(corpus, raw_motion=True, lags=[lag], ridge=1e3)["smile"]
        for lag in (14, -14)
    )
    assert min(seen["smile"], late) > 0.8
    assert early < 0.6  # a smile of two seconds tells something of itself a second later
    assert styled["smile"] < 0.3
    assert abs(seen["blink"]) < 0.15


def test_onsets_are_where_a_signal_begins_to_rise():
    x = np.zeros(500)
    x[100:200] = 1.0
    x[300:] = 0.5
    x[480:] = 3.0  # too near to the end
    assert following.onsets(x, 2.0, after=75) == []
    (big,) = following.onsets(x, 0.8)
    (first, second) = sorted(following.onsets(x, 0.4))
    assert big == first
    assert abs(first - 100) <= 15
    assert abs(second - 300) <= 15
    (third,) = following.onsets(-x[:290], 0.4)  # a fall is no rise
    assert abs(third - 200) <= 15


def test_the_peak_of_a_late_copy_is_one():
    x = np.random.default_rng(0).standard_normal(600).cumsum()
    assert following.peak([x[20:]], [x[:-20]]) > 0.95
