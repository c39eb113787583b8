"""Motion and Clip: what goes in comes out, and what does not fit is refused with both numbers."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elp.errors import ElpError
from elp.files import atomic
from elp.motion import SILENT, Clip, Motion
from elp.records import run_card, sha256


def motion(frames=7, dims=5, seed=0):
    rng = np.random.default_rng(seed)
    beta, pose = rng.normal(size=(frames, dims)), rng.normal(size=(frames, 6))
    return Motion(
        beta=beta, pose=pose, blink=rng.integers(0, 2, frames), valid=rng.random(frames) > 0.3
    )


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("beta", "pose", "blink", "valid")
    )


@given(st.integers(0, 30), st.integers(1, 12), st.integers(0, 99))
def test_motion_round_trip(tmp_path_factory, frames, dims, seed):
    path = tmp_path_factory.mktemp("m") / "m.npz"
    a = motion(frames, dims, seed)
    a.save(path)
    assert same(a, Motion.load(path))


def test_clip_round_trip(tmp_path):
    m = motion()
    clip = Clip(
        motion=m,
        mfcc=np.ones((7, 29)),
        prosody=np.arange(56).reshape(7, 8),
        ear=np.ones((7, 2)),
        alpha=np.zeros(3),
        focal=500.0,
        size=(640, 480),
        source="a.mp4",
    )
    clip.save(tmp_path / "c.npz")
    back = Clip.load(tmp_path / "c.npz")
    assert (
        same(back.motion, m)
        and np.array_equal(back.mfcc, clip.mfcc)
        and np.array_equal(back.ear, clip.ear)
    )
    assert (back.focal, back.size, back.source, back.origin) == (500.0, (640, 480), "a.mp4", None)
    assert np.array_equal(back.prosody, clip.prosody) and back.prosody.dtype == np.float32
    assert np.array_equal(back[2:5].prosody, clip.prosody[2:5])
    assert len(back[2:5]) == 3 and np.array_equal(back[2:5].motion.beta, m.beta[2:5])


def test_clip_holds_the_promised_arrays(tmp_path):
    Clip(motion=motion(), mfcc=np.zeros((7, 29))).save(tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz", allow_pickle=False) as data:
        assert data["beta"].dtype == np.float32 and data["pose"].shape == (7, 6)
        assert (
            data["blink"].dtype == np.uint8
            and data["mfcc"].shape == (7, 29)
            and data["fps"] == 25.0
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pose": np.zeros((7, 3))}, r"\(T, 6\)"),
        ({"blink": np.zeros(6)}, "7 frames of beta, but blink"),
        ({"blink": np.full(7, 2)}, "0 or 1"),
        ({"beta": np.full((7, 5), np.nan)}, "NaN"),
        ({"pose": np.full((7, 6), -2e5)}, "beyond"),
    ],
)
def test_misfits_are_refused(change, words):
    good = {"beta": np.zeros((7, 5)), "pose": np.zeros((7, 6)), "blink": np.zeros(7)}
    with pytest.raises(ElpError, match=words):
        Motion(**{**good, **change})


def test_nan_is_allowed_where_nothing_was_seen():
    beta = np.zeros((3, 2))
    beta[1] = np.nan
    assert len(Motion(beta=beta, pose=np.zeros((3, 6)), blink=np.zeros(3), valid=[1, 0, 1])) == 3


def test_clip_names_both_lengths():
    with pytest.raises(ElpError, match=r"talk.npz: 7 motion frames, mfcc of shape \(6, 29\)"):
        Clip(motion=motion(), mfcc=np.zeros((6, 29)), source="talk.npz")


@pytest.mark.parametrize("prosody", [np.zeros((6, 8)), np.zeros((7, 7)), np.full((7, 8), np.nan)])
def test_misfitting_prosody_is_refused(prosody):
    with pytest.raises(ElpError, match="7 motion frames, prosody of shape"):
        Clip(motion=motion(), mfcc=np.zeros((7, 29)), prosody=prosody)


def test_a_voice_that_was_not_measured_is_silence_or_an_error(tmp_path):
    Clip(motion=motion(), mfcc=np.zeros((7, 29))).save(tmp_path / "mute.npz")
    mute = Clip.load(tmp_path / "mute.npz")
    assert mute.prosody is None
    np.testing.assert_array_equal(mute.voice(), np.tile(np.float32(SILENT), (7, 1)))
    with pytest.raises(ElpError, match=r"old.mp4: made before prosody .* extract the clip again"):
        Clip(motion=motion(), mfcc=np.ones((7, 29)), source="old.mp4").voice()
    known = np.ones((7, 8), np.float32)
    heard = Clip(motion=motion(), mfcc=np.ones((7, 29)), prosody=known)
    np.testing.assert_array_equal(heard.voice(), known)


def test_bad_files(tmp_path):
    with pytest.raises(ElpError, match="no such file"):
        Motion.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(ElpError, match="not a readable"):
        Motion.load(tmp_path / "bad.npz")
    np.savez(tmp_path / "poor.npz", beta=np.zeros((2, 2)))
    with pytest.raises(ElpError, match="no array 'pose'"):
        Motion.load(tmp_path / "poor.npz")
    arrays = {"beta": np.zeros((2, 2)), "pose": np.zeros((2, 6)), "blink": np.zeros(2)}
    for fps, said in (
        (30.0, "30 frames per second, expected 25"),
        (np.zeros(3), r"float64 of shape \(3,\), one number is needed"),
        ("25", "one number is needed"),
    ):
        np.savez(tmp_path / "fast.npz", **arrays, fps=fps)
        with pytest.raises(ElpError, match=said):
            Motion.load(tmp_path / "fast.npz")
    np.savez(tmp_path / "slow.npz", **arrays, fps=np.array([25]))  # as other programs write it
    assert Motion.load(tmp_path / "slow.npz").fps == 25


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_a_full_disk_is_said(tmp_path):
    with pytest.raises(ElpError, match="free some space"), atomic(tmp_path / "x.txt"):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_run_card_names_no_machine(monkeypatch):
    root = Path(__file__).parents[1]
    args = [
        "--output",
        str(root / "book" / "results" / "a.json"),
        f"--data={root.parent / 'shared' / 'data'}",
        "--minutes",
        "1",
        "sub/clip.mp4",
        str(Path(root.anchor) / "somebody" / "at home" / "clip one.mp4"),
    ]
    monkeypatch.setattr(sys, "argv", [str(root / "benchmarks" / "extract.py"), *args])
    monkeypatch.chdir(root.parent)
    told = (
        "--output book/results/a.json --data=../shared/data --minutes 1 sub/clip.mp4 'clip one.mp4'"
    )
    assert run_card(seed=0)["command"] == f"benchmarks/extract.py {told}"
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "argv", ["benchmarks/extract.py", *args])
    assert run_card(seed=0)["command"] == f"benchmarks/extract.py {told}"
    monkeypatch.setattr(
        sys, "argv", [str(Path(root.anchor) / "opt" / "bin" / "elp"), "train", "vico"]
    )
    assert run_card(seed=0)["command"] == "elp train vico"


def test_run_card_and_digest(tmp_path):
    card = run_card(seed=3, started=0.0)
    assert {"commit", "command", "seed", "device", "versions", "date", "seconds"} <= set(
        card
    ) and card["seed"] == 3
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a").startswith("ba7816bf")
