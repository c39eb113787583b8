"""The tracker: faces of any size, found again wherever they come back, and nobody else's points."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from elp.media.detect import Detector, merge, overlap, tiles
from elp.media.litert import LiteRT
from elp.media.network import Crop, Network, around, patch
from elp.media.people import People
from elp.media.sight import apart, second
from elp.media.track import landmarks
from elp.media.tracker import Choice

PHOTOGRAPH = skimage.data.astronaut()[0:240, 100:340]  # NASA, public domain; the face: 92 pixels
OTHER = np.uint8(255 * (PHOTOGRAPH[:, ::-1] / 255) ** [1.0, 1.4, 1.8])  # somebody else
NARROW = 92 / 240


def scene(*people: tuple[np.ndarray, float, int, int], size: tuple[int, int] = (360, 640)):
    """A picture with photographs: which, the face's width in pixels, the square's left and top."""
    image = np.full((*size, 3), 120, np.uint8)
    for photograph, wide, x, y in people:
        side = round(wide / NARROW)
        how = cv2.INTER_AREA if side < 240 else cv2.INTER_CUBIC
        image[y : y + side, x : x + side] = cv2.resize(photograph, (side, side), interpolation=how)
    return image


def places(images: list[np.ndarray], face: str = "largest") -> np.ndarray:
    """(T,) x of the tracked face's middle; NaN where it is not seen."""
    return landmarks(images, face=face)[:, :468, 0].mean(1)


def test_a_face_that_jumps_is_followed() -> None:
    one, far = scene((PHOTOGRAPH, 90, 20, 60)), scene((PHOTOGRAPH, 90, 20 + 68, 60))
    x = places([one] * 3 + [far] * 3 + [one] * 2)
    assert np.isfinite(x).all()
    np.testing.assert_allclose(x[3:6] - x[0], 68, atol=3)  # 0.75 of its width
    across = places([one] * 3 + [scene((PHOTOGRAPH, 90, 380, 100))] * 3)
    np.testing.assert_allclose(across[3:] - across[0], 360, atol=3)


def test_who_leaves_and_comes_back_elsewhere_is_found() -> None:
    away = [scene()] * 30
    x = places(
        [scene((PHOTOGRAPH, 90, 20, 60))] * 5 + away + [scene((PHOTOGRAPH, 70, 400, 90))] * 8
    )
    assert np.isfinite(x[:5]).all() and np.isnan(x[5:35]).all() and np.isfinite(x[-2:]).all()
    assert x[-1] > x[0] + 300


@pytest.mark.parametrize(("size", "wide"), [((1080, 1920), 70), ((2160, 3840), 100)])
@pytest.mark.parametrize("corner", [0.03, 0.97])
def test_small_faces_in_large_pictures(size: tuple[int, int], wide: int, corner: float) -> None:
    side = wide / NARROW
    x, y = (int(corner * (length - side)) for length in size[::-1])
    points = landmarks([scene((PHOTOGRAPH, wide, x, y), size=size)], still=True)[0]
    assert np.ptp(points[:468, 0]) == pytest.approx(wide, rel=0.12)
    assert points[1, 0] == pytest.approx(x + 0.5 * side, abs=0.12 * side)  # the nose


def test_points_do_not_depend_on_size_and_place() -> None:
    one = landmarks([scene((PHOTOGRAPH, 90, 20, 60))] * 3)[-1]
    for wide, x, y in ((180, 20, 0), (360, 300, 40)):
        other = landmarks([scene((PHOTOGRAPH, wide, x, y), size=(1080, 1920))] * 3)[-1]
        back = (other[:, :2] - (x, y)) * 90 / wide + (20, 60)
        assert np.linalg.norm(back - one[:, :2], axis=1).mean() < 1.2


def test_an_empty_room_costs_no_more_than_a_full_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = 0.0

    def counted(self: Network, picture: np.ndarray) -> list[np.ndarray]:
        nonlocal cost
        cost += {128: 0.5, 192: 1.0, 256: 1.0}[picture.shape[0]]  # as long as they take
        return run(self, picture)

    run, spent = Network.__call__, []
    monkeypatch.setattr(Network, "__call__", counted)
    rng = np.random.default_rng(0)
    for image in (scene(), scene((PHOTOGRAPH, 90, 20, 60))):
        cost, people = 0.0, People()
        for _ in range(100):
            people(np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8))
        spent.append(cost)
    assert spent[0] <= spent[1]


def test_two_people_stay_two() -> None:
    left, right = (PHOTOGRAPH, 80, 10, 60), (OTHER, 80, 400, 60)
    people = People()
    for image in [scene(left)] * 2 + [scene(left, right)] * 15:
        seen = people(image)
    assert [s.person for s in seen] == [0, 1] and len(people.known) == 2
    assert seen[0].points[:, 0].mean() < 320 < seen[1].points[:, 0].mean()
    # the tiles change places: a cut
    swapped = scene((OTHER, 80, 10, 60), (PHOTOGRAPH, 80, 400, 60))
    for _ in range(3):
        where = {s.person: s.points[:, 0].mean() for s in people(swapped)}
    assert where[0] > 320 > where[1]


def test_nobody_elses_points_are_valid() -> None:
    both = scene((PHOTOGRAPH, 80, 10, 60), (OTHER, 80, 400, 60))
    x = places([both] * 30 + [scene((OTHER, 80, 10, 60))] * 20, face="left")
    assert np.isfinite(x[:30]).all() and np.isnan(x[30:]).all()
    # the same, the other way round
    x = places([both] * 30 + [scene((PHOTOGRAPH, 80, 400, 60))] * 20, face="right")
    assert np.isfinite(x[:30]).all() and np.isnan(x[30:]).all()


def test_a_dissolve_into_another_person_is_another_person() -> None:
    one, other = (scene((who, 90, 20, 60)).astype(float) for who in (PHOTOGRAPH, OTHER))
    shares = [0.0] * 27 + [k / 9 for k in range(10)] + [1.0] * 30
    x = places([np.uint8(one * (1 - k) + other * k) for k in shares])
    assert np.isfinite(x[:27]).all() and np.isnan(x[37:]).all()


def test_a_cut_is_noticed() -> None:
    people, cuts = People(), []
    one, other = scene((PHOTOGRAPH, 90, 20, 60)), np.full((360, 640, 3), 200, np.uint8)
    for image in (one, one, other, other, one, scene(size=(200, 300))):
        people(image)
        cuts.append(people.cut)
    assert cuts == [True, False, True, False, True, True]


def face_at(x: float, size: float) -> np.ndarray:
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 18), np.linspace(-1, 1, 26)), -1).reshape(-1, 2)
    return np.pad(grid * size + (x, 0), ((0, 0), (0, 1))).astype(np.float32)


def test_who_is_meant() -> None:
    found = {}
    for rule in ("largest", "left", "right"):
        choice = Choice(rule)
        assert choice.best() is None
        for _ in range(10):  # alone at first, at the right
            choice.add({0: face_at(500, 40)})
        assert choice.best() == 0 and not choice.settled
        for _ in range(30):  # then another comes, and a poster hangs at the very left
            choice.add({0: face_at(500, 40), 1: face_at(200, 50), 2: face_at(20, 10)})
        assert choice.settled
        found[rule] = choice.best()
    assert found == {"largest": 0, "left": 1, "right": 0}


def test_tiles_cover_the_picture() -> None:
    for height, width in ((480, 640), (1080, 1920), (2160, 3840), (1280, 720)):
        rows = list(tiles(height, width))
        assert min(t.side for t in rows) >= min(350, height, width)
        smallest = [t for t in rows if t.side == min(r.side for r in rows)]
        covered = np.zeros((height, width), bool)
        for t in smallest:
            top, left = round(t.y - t.side / 2), round(t.x - t.side / 2)
            assert top >= 0 and left >= 0 and t.y + t.side / 2 <= height + 1
            covered[top : round(t.y + t.side / 2) + 1, left : round(t.x + t.side / 2) + 1] = True
        assert covered.all()


def test_a_detector_s_scores_are_probabilities() -> None:
    (face,) = Detector("near")(PHOTOGRAPH, Crop(120, 120, 240))
    assert 0.5 < face[0] <= 1


def test_overlap_is_what_two_boxes_share_of_what_they_cover() -> None:
    box = [0.9, 10, 20, 8, 6, *[0.0] * 12]
    same, half, corner, apart_ = (
        [0.5, 10 + x, 20 + y, 8, 6, *[0.0] * 12] for x, y in ((0, 0), (4, 0), (6, 4), (9, 0))
    )
    found = overlap(np.array([same, half, corner, apart_], np.float32), np.float32(box))
    np.testing.assert_allclose(found, [1, 24 / 72, 4 / 92, 0], rtol=1e-6)


def test_overlapping_boxes_are_one_face() -> None:
    rows = np.zeros((3, 17), np.float32)
    rows[:, 0], rows[:, 1], rows[:, 3:5] = (0.9, 0.6, 0.8), (10, 12, 90), 20
    merged = merge(rows)
    assert len(merged) == 2 and merged[0, 0] == np.float32(0.9)
    assert merged[0, 1] == pytest.approx((0.9 * 10 + 0.6 * 12) / 1.5)


@pytest.mark.parametrize("side", [100, 256, 700, 1900])
def test_a_patch_shows_its_crop(side: int) -> None:
    """A blob lands where the crop's geometry says, at every scale, turned or not."""
    y, x = np.mgrid[:1200, :1600] + 0.5
    spot = (820.0, 610.0)
    blob = np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * (0.05 * side) ** 2))
    image = np.repeat(np.uint8(255 * blob)[..., None], 3, 2)
    for angle in (0.0, 0.4):
        crop = Crop(spot[0] + 0.1 * side, spot[1], side, angle)
        seen = patch(image, crop, 64)[..., 0].astype(float)
        rows = np.mgrid[:64, :64] + 0.5
        middle = [(seen * r).sum() / seen.sum() for r in rows[::-1]]
        wanted = 32 + crop.turn @ (-0.1 * side, 0) * 64 / side
        np.testing.assert_allclose(middle, wanted, atol=0.35)


def test_the_next_crop_is_upright() -> None:
    points = landmarks([PHOTOGRAPH], still=True)[0]
    crop = around(points)
    c, s = np.cos(0.5), np.sin(0.5)
    turned = points.copy()
    turned[:, :2] = points[:, :2] @ np.array([[c, s], [-s, c]])
    again = around(turned)
    assert again.side == pytest.approx(crop.side, rel=1e-4)
    assert again.angle - crop.angle == pytest.approx(0.5, abs=1e-5)


def test_a_person_in_front_of_a_wall() -> None:
    mask = LiteRT().person(skimage.data.astronaut())
    assert mask.shape == (512, 512) and mask.min() >= 0 and mask.max() <= 1
    assert mask[60:160, 190:260].min() > 0.8  # the face


def glasses(points: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Dark glasses over both eyes."""
    out = image.copy()
    eyes = points[[33, 133, 159, 145, 362, 263, 386, 374, 70, 300], :2]
    middle = eyes.mean(0)
    hull = cv2.convexHull(((eyes - middle) * 1.15 + middle).astype(np.int32))
    return cv2.fillPoly(out, [hull], (15, 15, 18))


def test_how_sure_and_whether_eyes_show() -> None:
    face = cv2.resize(PHOTOGRAPH, (480, 480), interpolation=cv2.INTER_CUBIC)
    points = landmarks([face], still=True)[0]
    palm = face.copy()
    low, high = (points[[70, 300, 117, 346], :2].min(0), points[[70, 300, 117, 346], :2].max(0))
    corners = [tuple(int(v) for v in corner) for corner in (low, high)]
    cv2.rectangle(palm, *corners, (200, 150, 130), -1)
    dark_skin = np.uint8(255 * (face / 255.0) ** 1.9)
    sights = {}
    for name, image in (
        ("open", face),
        ("dark skin", dark_skin),
        ("glasses", glasses(points, face)),
        ("palm", palm),
        ("night", np.uint8(face * 0.08)),
    ):
        people = People()
        sights[name] = [people(image) for _ in range(2)][-1][0].sight
    assert min(sights["open"]) > 0.9 and min(sights["dark skin"]) > 0.8
    assert sights["glasses"].eyes < 0.5 and sights["palm"].eyes < 0.5
    assert sights["night"].confidence < 0.5 < sights["night"].eyes


def test_two_looks_that_disagree_are_no_face() -> None:
    points = landmarks([PHOTOGRAPH], still=True)[0]
    assert apart(points, points) == 0
    scale = np.linalg.norm((points[33] - points[263])[:2])
    assert apart(points, points + 0.05 * scale / np.sqrt(2)) == pytest.approx(5, rel=1e-3)
    crop = around(points)
    assert second(crop).side > crop.side and second(crop).angle != crop.angle
