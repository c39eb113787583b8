"""Results say where they come from, and bad methods are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from elp import metrics
from elp.baselines import RandomListener
from elp.errors import ElpError
from elp.evaluation import bounds
from elp.evaluation.answers import generate, seen_frames, usable
from elp.evaluation.evaluate import evaluate
from elp.evaluation.measure import LEVER, known_cues, parts
from elp.face.model import FaceModel
from elp.motion import POSE, Motion


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


def test_bad_methods_are_refused(corpus):
    class Short:
        def respond(self, speaker, emotion, *, generator):
            return Motion(
                beta=speaker.motion.beta[1:],
                pose=speaker.motion.pose[1:],
                blink=speaker.motion.blink[1:],
            )

    with pytest.raises(ElpError, match="an answer must be as long"):
        evaluate(corpus, {"short": Short()}, samples=1)
    with pytest.raises(ElpError, match="no methods"):
        evaluate(corpus, {})
    with pytest.raises(ElpError, match="no split 'tset'"):
        evaluate(corpus, {"GT": bounds.GroundTruth()}, split="tset")


def test_what_is_tabled_is_what_the_metrics_package_finds(corpus):
    pairs = usable(corpus, "test")
    method, generator = RandomListener(corpus), torch.Generator().manual_seed(0)
    answers = generate(corpus, method, pairs, [None] * len(pairs), generator)
    truth = [corpus.listener(p) for p in pairs]

    def side_by_side(motion):
        cut = parts(motion)
        return np.concatenate([cut["head"], cut["facial"]], 1)

    face = FaceModel.default()
    theirs = metrics.evaluate(
        [side_by_side(corpus.speaker(p).motion) for p in pairs],
        [side_by_side(m) for m in truth],
        [side_by_side(m) for m in answers],
        valid=[seen_frames(corpus, p) for p in pairs],
        blink_gt=[m.blink for m in truth],
        blink_pred=[m.blink for m in answers],
        blink_speaker=[corpus.speaker(p).motion.blink for p in pairs],
        cues=known_cues(corpus, pairs),
        smile=[POSE + face.index("smile_l"), POSE + face.index("smile_r")],
        radian=LEVER,
    )
    ours = evaluate(corpus, {"Random": method}, samples=1, bootstrap=0)["methods"]["Random"]
    assert {"known_nods", "known_blinks", "rest_share", "blink_interval"} <= set(ours)
    for key in ours.keys() - {"nod_wtlcc", "nod_gain"}:
        same = theirs[key.replace("known", "heard")]
        assert ours[key]["value"] == pytest.approx(same, rel=1e-4), key
