"""Streams: equal to their offline runs however sound and pictures are cut, timely, and clear about
bad input.
"""

import pickle
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elp.errors import ElpError
from elp.listener import stream as streaming
from elp.listener.frame import FrameProgram
from elp.listener.responder import ELPResponder
from elp.listener.stream import LOUDEST, ResponseStream
from elp.media.audio import FLOOR, HOP, RATE, CepstraStream, mfcc
from elp.media.prosody import prosody
from elp.model.events import EventConfig
from elp.model.style import StyleStream, motion_style
from elp.motion import Clip, Motion
from tests.ase import clip
from tests.listener import test_responder as test_generate
from tests.listener.test_responder import seeded

FRAMES = 70
CAUSAL = {"causal": True}


@cache
def made(options: tuple) -> ELPResponder:
    return test_generate.responder(dict(options))


def responder(options: dict) -> ELPResponder:
    """One model for each set of options: no test of this file changes it."""
    return made(tuple(options.items()))


@pytest.fixture(scope="module", autouse=True)
def recorded_once():
    """Recording a stream's program takes most of a second: streams of one model, its heads and its
    emotion share theirs.
    """
    programs = {}

    def shared(step):
        e = None if step.e is None else tuple(step.e.tolist())
        key = step.decoder.model, step.decoder.heads, e
        if key not in programs:
            programs[key] = FrameProgram(step)
        return programs[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "FrameProgram", shared)
        yield


def voice(seconds=FRAMES / 25, seed=0):
    """A rough voice: noise that swells and fades."""
    n = np.arange(round(seconds * RATE))
    return (np.random.default_rng(seed).normal(size=len(n)) * 0.1 * (1 + np.sin(n / 1500))).astype(
        np.float32
    )


def cut(total, places):
    return [
        slice(a, b) for a, b in pairwise(sorted({0, total, *(p % (total + 1) for p in places)}))
    ]


def joined(parts: list[Motion]) -> Motion:
    return Motion(
        **{
            name: np.concatenate([getattr(p, name) for p in parts])
            for name in ("beta", "pose", "blink")
        }
    )


def equal(a: Motion, b: Motion):
    np.testing.assert_allclose(a.beta, b.beta, atol=1e-5)
    np.testing.assert_allclose(a.pose, b.pose, atol=1e-5)
    assert np.array_equal(a.blink, b.blink)


@pytest.mark.parametrize(
    ("emotion", "options"),
    [
        ("auto", {}),
        ("auto", {"coding": "value"}),
        ("auto", {"space": "V+e"}),
        ("auto", {"window": 1, "raw_motion": True}),
        ("auto", {"convs": 8, "heads": 5}),
        ([0.2, 0.3, 0.5], {}),
        ([0.2, 0.3, 0.5], {"space": "V+e"}),
    ],
    ids=str,
)
def test_a_stream_of_cepstra_gives_the_offline_response(emotion, options):
    r, speaker = responder(CAUSAL | options), clip(FRAMES)
    offline = r.respond(speaker, emotion, generator=seeded())
    stream, parts, first = ResponseStream(r, emotion, generator=seeded()), [], 0
    for count in [1] * 40 + [3] * 5 + [0, 15]:
        piece = speaker[first : first + count]
        parts.append(stream.push(piece.mfcc, piece.motion.beta, piece.motion.pose))
        assert len(parts[-1]) == count
        first += count
    equal(joined(parts), offline)


places = st.lists(st.integers(0, 10**6), max_size=30)


@settings(max_examples=12)  # each answers 70 frames one by one
@given(places, places, st.sampled_from(["positive", "auto"]))
def test_sound_and_pictures_in_any_pieces_give_the_offline_response(heard, seen, emotion):
    r, speaker, sound = responder(CAUSAL), clip(FRAMES), voice()
    offline = r.respond(
        Clip(motion=speaker.motion, mfcc=mfcc(sound, FRAMES)), emotion, generator=seeded()
    )
    stream = ResponseStream(r, emotion, generator=seeded())
    pushes = [(part.stop / len(sound), {"audio": sound[part]}) for part in cut(len(sound), heard)]
    for part in cut(FRAMES, seen):
        pushes.append(
            (
                part.stop / FRAMES,
                {"beta": speaker.motion.beta[part], "pose": speaker.motion.pose[part]},
            )
        )
    parts = [stream.push(**new) for _, new in sorted(pushes, key=lambda p: p[0])]
    equal(joined(parts), offline)


@given(places)
def test_cepstra_do_not_depend_on_the_pieces(heard):
    sound, stream = voice(), CepstraStream()
    rows = np.concatenate([stream.push(sound[part]) for part in cut(len(sound), heard)])
    np.testing.assert_allclose(rows, mfcc(sound, len(rows)), atol=1e-3)
    assert len(rows) == FRAMES  # the last row ends within the last frame


def test_cepstra_are_those_of_librosa():
    import librosa

    sound = voice(2)
    mel = librosa.feature.melspectrogram(
        y=sound, sr=RATE, n_fft=1024, hop_length=HOP, center=False, n_mels=80
    )
    expected = librosa.feature.mfcc(
        S=librosa.power_to_db(mel, ref=FLOOR, amin=FLOOR, top_db=None), n_mfcc=29
    ).T
    # our row t is centred on sample 640 t, where librosa's window begins: half a window later, at
    # the same place
    np.testing.assert_allclose(mfcc(sound[512:], len(expected))[1:], expected[1:], atol=1e-3)


@given(places, st.sampled_from([1, 2, 25]), st.booleans())
def test_style_does_not_depend_on_the_pieces(seen, window, raw_motion):
    beta, pose = (torch.from_numpy(x) for x in (clip(FRAMES).motion.beta, clip(FRAMES).motion.pose))
    stream = StyleStream(window, raw_motion=raw_motion)
    pieces = torch.cat([stream.push(beta[part], pose[part]) for part in cut(FRAMES, seen)])
    torch.testing.assert_close(
        pieces,
        motion_style(beta, pose, window, causal=True, raw_motion=raw_motion),
        atol=1e-5,
        rtol=1e-5,
    )


def test_a_frame_is_answered_within_its_own_forty_milliseconds():
    stream, speaker, sound = (
        ResponseStream(responder(CAUSAL), "neutral", generator=seeded()),
        clip(4),
        voice(1),
    )
    for t in range(3):
        early = stream.push(
            sound[t * HOP : t * HOP + 511], speaker.motion.beta[t], speaker.motion.pose[t]
        )
        assert len(early) == 0
        # 32 ms after the frame's time
        assert len(stream.push(sound[t * HOP + 511 : t * HOP + 512])) == 1
        assert len(stream.push(sound[t * HOP + 512 : (t + 1) * HOP])) == 0


def test_future_sound_and_motion_change_no_answer():
    r, speaker, sound = responder(CAUSAL), clip(FRAMES), voice()
    other, louder = (
        clip(FRAMES, seed=1),
        np.concatenate([sound[: 40 * HOP], 3 * voice(seed=1)[40 * HOP :]]),
    )
    answers = []
    for motion, heard in ((speaker.motion, sound), (other.motion, louder)):
        beta = np.concatenate([speaker.motion.beta[:40], motion.beta[40:]])
        pose = np.concatenate([speaker.motion.pose[:40], motion.pose[40:]])
        answers.append(ResponseStream(r, "auto", generator=seeded()).push(heard, beta, pose))
    equal(answers[0][:40], answers[1][:40])
    assert not np.allclose(answers[0].beta[40:], answers[1].beta[40:], atol=1e-3)


@pytest.mark.parametrize("samples", [0, 3000, FRAMES * HOP - 200])
def test_sound_that_ends_early_counts_as_silence(samples):
    r, speaker, sound = responder(CAUSAL), clip(FRAMES), voice()[:samples]
    offline = r.respond(
        Clip(motion=speaker.motion, mfcc=mfcc(sound, FRAMES)), "auto", generator=seeded()
    )
    stream = ResponseStream(r, "auto", generator=seeded())
    equal(
        joined([stream.push(sound, speaker.motion.beta, speaker.motion.pose), stream.finish()]),
        offline,
    )


def test_the_seed_decides():
    r, speaker = responder(CAUSAL), clip(30)
    a, b, c = (
        ResponseStream(r, "neutral", generator=seeded(s)).push(
            speaker.mfcc, speaker.motion.beta, speaker.motion.pose
        )
        for s in (1, 1, 2)
    )
    assert np.array_equal(a.beta, b.beta)
    assert not np.array_equal(a.beta, c.beta)


def test_any_prefix_of_nested_heads_can_be_streamed():
    model, speaker = responder(CAUSAL | {"nested": True}).model, clip(30)
    offline = [
        ELPResponder(model, heads=n).respond(speaker, "neutral", generator=seeded()) for n in (3, 8)
    ]
    assert not np.allclose(offline[0].beta, offline[1].beta, atol=1e-3)
    for n, whole in zip((3, 8), offline, strict=True):
        stream = ResponseStream(ELPResponder(model, heads=n), "neutral", generator=seeded())
        equal(
            joined(
                [
                    stream.push(
                        speaker.mfcc[t : t + 1], speaker.motion.beta[t], speaker.motion.pose[t]
                    )
                    for t in range(30)
                ]
            ),
            whole,
        )


@pytest.mark.parametrize(
    ("options", "match"), [({}, "future frames"), (CAUSAL | {"window": "clip"}, "whole clip")]
)
def test_a_model_that_cannot_stream_says_so(options, match):
    with pytest.raises(ElpError, match=match):
        ResponseStream(responder(options), generator=seeded())


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"audio": np.zeros(640, np.int16)}, "int16"),
        ({"audio": np.full(640, np.nan, np.float32)}, "NaN"),
        ({"audio": np.zeros((1, 13))}, r"\(1, 13\), this model expects \(1, 29\)"),
        ({"beta": np.zeros((2, 12)), "pose": np.zeros((1, 6))}, r"pose of shape \(1, 6\)"),
        ({"beta": np.zeros((1, 12))}, "push both, or neither"),
        ({"beta": np.full((1, 12), np.nan), "pose": np.zeros((1, 6))}, "NaN"),
        ({"audio": np.full(640, 1e20, np.float32)}, "beyond 1000"),
        ({"audio": np.full(640, 1e300)}, "beyond 1000"),
        ({"audio": "talk.wav"}, "audio is no array of numbers"),
        ({"audio": [0.0, None]}, "audio is no array of numbers"),
        ({"audio": [[0.0], [0.0, 0.0]]}, "audio is no array of numbers"),
        ({"beta": [None] * 12, "pose": np.zeros(6)}, "beta is no array of numbers"),
        ({"blink": 1}, "push both, or neither"),
        ({"beta": np.zeros(12), "pose": np.zeros(6), "blink": "shut"}, "blink is no array"),
    ],
)
def test_bad_input_is_refused_and_leaves_the_stream_as_it_was(wrong, match):
    r, speaker, sound = responder(CAUSAL), clip(4), voice(4 / 25)
    whole = r.respond(Clip(motion=speaker.motion, mfcc=mfcc(sound, 4)), "auto", generator=seeded())
    stream = ResponseStream(r, "auto", generator=seeded())
    with pytest.raises(ElpError, match=match):
        stream.push(**{"audio": sound[:100]} | wrong)
    equal(stream.push(sound, speaker.motion.beta, speaker.motion.pose), whole)
    with pytest.raises(ElpError, match="one kind throughout"):
        stream.push(speaker.mfcc)
    with pytest.raises(ElpError, match="cannot be copied"):
        pickle.dumps(stream)
    assert not len(stream.finish())
    with pytest.raises(ElpError, match="has ended"):
        stream.push(sound)


def test_a_sample_as_loud_as_is_allowed_is_heard():
    stream = ResponseStream(responder(CAUSAL), "auto", generator=seeded())
    stream.push(np.full(1600, LOUDEST, np.float32))


EVENTS = CAUSAL | {
    "events": EventConfig(bins=9, hidden=8, width=6, lid_hidden=5, lid_width=4, guidance=1.6)
}


def blinking(frames=FRAMES) -> Clip:
    """A speaker with a voice and blinks, and the sound itself in `voice`."""
    said, sound = clip(frames), voice(frames / 25)
    blink = (np.arange(frames) % 20 < 3).astype(np.uint8)
    return Clip(
        motion=replace(said.motion, blink=blink),
        mfcc=mfcc(sound, frames),
        prosody=prosody(sound, frames),
    )


@pytest.fixture(scope="module")
def moving() -> ELPResponder:
    """A model whose event heads draw movements of the size of people's."""
    r = test_generate.responder(EVENTS)
    torch.manual_seed(1)
    steps = torch.randn(500, 6) * 0.01
    r.model.events.calibrate(steps.cumsum(0) * 0.1, steps)
    return r


@pytest.mark.parametrize("emotion", ["auto", "positive"])
def test_event_heads_answer_a_stream_as_they_answer_a_clip(moving, emotion):
    speaker, sound = blinking(), voice()
    offline = moving.respond(speaker, emotion, generator=seeded())
    assert offline.pose.std(0).min() > 1e-4
    stream, parts, first = ResponseStream(moving, emotion, generator=seeded()), [], 0
    for count in [1] * 30 + [7, 3, 0, 30]:
        seen = speaker.motion[first : first + count]
        heard = sound[first * HOP : (first + count) * HOP]
        parts.append(stream.push(heard, seen.beta, seen.pose, seen.blink))
        first += count
    equal(joined(parts), offline)
    rows = np.column_stack([speaker.mfcc, speaker.prosody])
    stream = ResponseStream(moving, emotion, generator=seeded())
    motion = speaker.motion
    equal(stream.push(rows, motion.beta, motion.pose, motion.blink), offline)


def test_a_stream_for_event_heads_says_what_it_lacks(moving):
    stream, speaker = ResponseStream(moving, generator=seeded()), blinking()
    with pytest.raises(ElpError, match="prosody"):
        stream.push(speaker.mfcc, speaker.motion.beta, speaker.motion.pose)
    with pytest.raises(ElpError, match="0 or 1"):
        stream.push(None, speaker.motion.beta, speaker.motion.pose, np.ones(3))
    with pytest.raises(ElpError, match="prosody"):
        moving.respond(replace(speaker, prosody=None), generator=seeded())


def test_who_listens_moves_the_whole_head_and_is_told_by_a_portrait(moving):
    events, at = moving.model.events, torch.tensor([0.1, -0.2, 0, 1, 0, -1])
    face, g = torch.randn(50, moving.model.config.beta), torch.Generator().manual_seed(0)
    rests = at + 0.05 * torch.randn(50, 6, generator=g)
    e = torch.eye(3)[torch.arange(50) % 3]
    events.traits.calibrate(face, rests, e, beta=face, pose=rests)
    drawn, said = ELPResponder(moving.model, who="drawn"), blinking()
    a, b = (r.respond(said, "neutral", generator=seeded()) for r in (moving, drawn))
    apart = b.pose - a.pose
    np.testing.assert_allclose(apart, np.broadcast_to(apart[0], apart.shape), atol=1e-5)
    np.testing.assert_allclose(apart[0], at, atol=0.25)
    assert np.array_equal(a.blink, b.blink)
    frame = replace(said.motion[:1], beta=face[:1].numpy(), pose=rests[:1].numpy())
    plain, told = (
        moving.respond_all([said], ["negative"], generator=seeded(), **shown)[0]
        for shown in ({}, {"portraits": [frame]})
    )
    np.testing.assert_allclose((told.pose - plain.pose)[7], rests[0], atol=1e-3)
    with pytest.raises(ElpError, match="portrait or drawn"):
        ELPResponder(moving.model, who="own")


def test_guidance_is_the_models_unless_it_is_named(moving):
    assert moving.guidance == 1.6
    assert ELPResponder(moving.model, guidance=1.0).guidance == 1.0
    with pytest.raises(ElpError, match="guidance"):
        ELPResponder(moving.model, guidance=0.0)
    plain, guided = (
        ELPResponder(moving.model, guidance=g).respond(blinking(), "neutral", generator=seeded())
        for g in (1.0, 5.0)
    )
    assert not np.array_equal(plain.pose[:, 0], guided.pose[:, 0])


def test_many_are_answered_as_one_is(moving):
    clips = [blinking(n) for n in (20, 41, 33)]
    moods = ["positive", "auto", "neutral"]
    together = moving.respond_all(clips, moods, generator=seeded())
    assert [len(m) for m in together] == [20, 41, 33]
    again = moving.respond_all(clips, moods, generator=seeded())
    assert all(np.array_equal(a.beta, b.beta) for a, b in zip(together, again, strict=True))
    alone = moving.respond_all(clips[:1], moods[:1], generator=seeded())[0]
    equal(alone, moving.respond(clips[0], moods[0], generator=seeded()))
    # beside others, and padded to their length, lids and head move as alone
    np.testing.assert_allclose(alone.pose, together[0].pose, atol=1e-5)
    assert np.array_equal(alone.blink, together[0].blink)
