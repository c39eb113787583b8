"""Pictures as FFmpeg shows them: mirrored, stretched, of changing size, of high dynamic range."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from elp.errors import ElpError
from elp.media import container
from elp.media.audio import RATE, blocks, mfcc, read_audio
from elp.media.display import HLG, PQ, TO_709, tone_mapped
from elp.media.video import frames, pictures, probe
from tests.media.files import click, make, matrix, picture

# what each matrix does to the stored picture (a b, c d): x' = a x + c y, y' = b x + d y
SHOWN = {
    (1, 0, 0, 1): lambda x: x,
    (-1, 0, 0, 1): lambda x: x[:, ::-1],
    (1, 0, 0, -1): lambda x: x[::-1],
    (-1, 0, 0, -1): lambda x: x[::-1, ::-1],
    (0, 1, 1, 0): lambda x: x.transpose(1, 0, 2),
    (0, 1, -1, 0): lambda x: np.rot90(x, -1),
    (0, -1, 1, 0): lambda x: np.rot90(x),
    (0, -1, -1, 0): lambda x: x.transpose(1, 0, 2)[::-1, ::-1],
}


def near(one: np.ndarray, other: np.ndarray) -> bool:
    """The same picture, but for the codec."""
    return one.shape == other.shape and np.abs(one.astype(int) - other).mean() < 12


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("stored") / "a.mp4", [picture(0)] * 3)


@pytest.mark.parametrize("numbers", SHOWN)
def test_every_display_matrix_is_obeyed(
    tmp_path: Path, stored: Path, numbers: tuple[int, ...]
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(stored.read_bytes())
    shown = SHOWN[numbers](picture(0))
    first = next(frames(matrix(path, *numbers)))
    assert near(first, shown) and probe(path).size == shown.shape[1::-1]


@pytest.mark.parametrize(("aspect", "width"), [("4/3", 128), ("8/9", 85), ("1/1", 96)])
def test_pixels_that_are_not_square(tmp_path: Path, aspect: str, width: int) -> None:
    def stretched(video: av.VideoStream) -> None:
        video.codec_context.sample_aspect_ratio = Fraction(aspect)

    path = make(tmp_path / "a.mkv", [picture(0)] * 3, change=stretched)
    assert probe(path).size == (width, 64)
    assert next(frames(path)).shape == (64, width, 3)
    assert next(frames(path, longest=64)).shape[1] == 64


@pytest.mark.parametrize("size", [(32, 48), (96, 64), (128, 192)])
def test_a_size_that_changes_stretches_nothing(tmp_path: Path, size: tuple[int, int]) -> None:
    still, later = {"bf": "0"}, [Fraction(5 + k, 25) for k in range(5)]
    one = make(tmp_path / "one.ts", [picture(0)] * 5, options=still)
    two = make(tmp_path / "two.ts", [picture(0, size)] * 5, times=later, options=still)
    path = tmp_path / "a.ts"
    path.write_bytes(one.read_bytes() + two.read_bytes())
    seen = list(frames(path))
    assert {image.shape for image in seen} == {(64, 96, 3)} and len(seen) >= 9
    width = max(96, size[1], size[0] * 3 / 2)  # nothing is shrunk where faces are looked for
    largest = [shown.what for shown in pictures(path)][-1]
    assert largest.shape == (round(width * 2 / 3), round(width), 3)
    last = seen[-1].astype(int)
    inside = last.max(2) > 60
    fit = min(64 / size[0], 96 / size[1])
    assert abs(inside.any(0).sum() - size[1] * fit) <= 2  # its own proportions
    assert abs(inside.any(1).sum() - size[0] * fit) <= 2
    middle = (64 - round(size[0] * fit)) // 2 + 8
    assert (
        last[middle, 44, 0] > 200 and last[middle, 52, 2] > 200
    )  # red and blue meet in the middle


def encoded(light: np.ndarray, transfer: int) -> np.ndarray:
    """Light in cd/m2 of BT.2020's primaries -> uint16 signal (BT.2100)."""
    if transfer == PQ:
        y = (light / 10000) ** 0.1593017578125
        signal = ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
    else:
        scene = (light / 1000) ** (1 / 1.2)
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        signal = np.where(
            scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
        )
    return np.rint(signal * 65535).astype(np.uint16)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_high_dynamic_range_looks_like_the_ordinary_one(transfer: int) -> None:
    rng = np.random.default_rng(0)
    expected = rng.integers(8, 256, (20, 30, 3))
    expected[0, 0] = [255, 0, 0]
    light = 203 * (expected / 255) ** 2.4 @ np.linalg.inv(TO_709.astype(float)).T
    shown = tone_mapped(encoded(np.maximum(light, 0), transfer), transfer).astype(int)
    assert np.abs(shown - expected).max() <= 3
    bright = tone_mapped(encoded(np.full((1, 1, 3), 900.0), transfer), transfer)
    assert (bright == 255).all()


def test_a_high_dynamic_range_video_is_tone_mapped(tmp_path: Path) -> None:
    def hlg(video: av.VideoStream) -> None:
        context = video.codec_context
        context.color_trc, context.color_primaries, context.colorspace = HLG, 9, 9

    grey = np.full((64, 96, 3), 128, np.uint8)
    plain = next(frames(make(tmp_path / "plain.mp4", [grey] * 3)))
    shown = next(frames(make(tmp_path / "hlg.mp4", [grey] * 3, change=hlg)))
    # 50 % of HLG are 50.7 cd/m2, a quarter of white
    assert abs(int(plain.mean()) - 128) <= 2 and abs(shown.mean() - 143) <= 3


def test_pictures_beyond_8k_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "a.mkv", [picture(0)] * 3)
    monkeypatch.setattr(container, "LARGEST", 5000)
    with pytest.raises(ElpError, match="8192x4320"):
        next(frames(path))


def test_the_default_track_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    clip, tracks = [picture(0)] * 25, [np.zeros(48000, np.float32), click()]
    make(path, clip, tracks)
    assert np.abs(read_audio(path)).max() < 0.01
    make(path, clip, tracks, default=1)
    assert np.abs(read_audio(path)).max() > 0.3


@pytest.mark.parametrize("layout", ["5.1", "quad"])
def test_surround_is_as_loud_as_ffmpeg_makes_it(tmp_path: Path, layout: str) -> None:
    channels = av.AudioLayout(layout).nb_channels
    centre = 2 if layout != "quad" else 0
    tone = 0.25 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000).astype(np.float32)
    sound = np.zeros((channels, 48000), np.float32)
    sound[centre] = tone
    path = make(
        tmp_path / "a.mkv", [picture(0)] * 25, [sound], layout=layout, audio_codec="pcm_f32le"
    )
    graph = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(path)) as file:
        mono = [out.to_ndarray() for f in file.decode(audio=0) for out in graph.resample(f)]
    expected = np.sqrt((np.concatenate(mono, 1) ** 2).mean())
    heard = read_audio(path)
    assert np.sqrt((heard**2).mean()) == pytest.approx(expected, rel=0.02)
    if layout != "quad":
        assert expected == pytest.approx(0.25 / np.sqrt(2), rel=0.02)  # all of the speech
    both = np.concatenate(list(blocks(path, channels=2)))
    assert both.shape[1] == 2 and np.abs(both).max() > 0.15


def test_a_channel_that_is_turned_over_is_heard(tmp_path: Path) -> None:
    left = click()
    clip = [picture(0)] * 25
    plain = make(tmp_path / "a.mkv", clip, [np.stack([left, left])], layout="stereo")
    turned = make(tmp_path / "b.mkv", clip, [np.stack([left, -left])], layout="stereo")
    np.testing.assert_allclose(read_audio(turned), read_audio(plain), atol=0.02)
    np.testing.assert_allclose(mfcc(blocks(turned), 25), mfcc(blocks(plain), 25), atol=25)
    assert np.abs(mfcc(blocks(turned), 25)).max() > 50


@pytest.mark.parametrize(("orientation", "size"), [(1, (96, 64)), (6, (64, 96)), (8, (64, 96))])
def test_a_photograph_that_says_how_it_was_held_is_shown_so(tmp_path, orientation, size):
    """PyAV names no side data at all where it does not know one kind of it."""
    from PIL import Image

    said = Image.Exif()
    said[0x112] = orientation
    photo = Image.new("RGB", (96, 64))
    photo.paste((255, 0, 0), (0, 0, 32, 64))  # red on the left
    photo.save(tmp_path / "photo.jpg", exif=said, quality=95)
    film = probe(tmp_path / "photo.jpg")
    assert film.size == size
