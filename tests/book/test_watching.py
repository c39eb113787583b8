"""The page's fit of a watched face: Python's, number for number."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from elp.book.widgets import tracking
from elp.extraction.causal import CausalFit
from elp.face.model import FaceModel
from elp.simulator.scene import Scene, conversation
from tests.book.nodes import ask_node
from tests.live.test_listener import with_irises

MODEL = FaceModel.default()
CALIBRATION, SEEN = 24, 36  # frames; then nobody is there, long enough to be forgotten
BLINKS = 52  # by then somebody is back, and blinks


@pytest.fixture(scope="module")
def scene() -> Scene:
    return conversation(MODEL, frames=60)


@pytest.fixture(scope="module")
def points(scene: Scene) -> np.ndarray:
    points = with_irises(scene.points)
    points[SEEN:BLINKS] = np.nan
    return points


def in_node(scene: Scene, points: np.ndarray, frames: int, **known: Any) -> dict[str, Any]:
    """What the page finds after a calibration of so many frames, or from what is known already."""
    model = tracking.face()
    asked = {
        "data": base64.b64encode(model.data).decode(),
        "layout": model.layout,
        "points": base64.b64encode(points.tobytes()).decode(),
        "frames": frames,
        "width": scene.size[0],
        "height": scene.size[1],
        "known": known or None,
    }
    found = ask_node("watching.mjs", asked)
    for name in ("beta", "pose"):
        found[name] = np.array([row[name] for row in found["found"]])
    return found


def unrounded(values: np.ndarray, steps: float) -> np.ndarray:
    return values


def pushed(fit: CausalFit, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """β, p and φ; the last ones, and 0, where no face is seen, as the page has them."""
    rows: list[Any] = []
    for frame in points:
        seen = fit.push(frame)
        rows.append((seen.beta, seen.pose, seen.blink) if seen else (*rows[-1][:2], 0))
    beta, pose, blink = zip(*rows, strict=True)
    return np.array(beta), np.array(pose), np.array(blink)


def test_frames_are_fitted_alike_from_one_calibration(
    scene: Scene, points: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Followed, lost, found again: unrounded, the page's fit is Python's."""
    fit = CausalFit(points[:10], scene.size)
    known = {
        "mean": fit.energy.mean.ravel().tolist(),
        "focal": fit.focal,
        "noise": fit.energy.noise,
        "last": fit._alone.tolist(),
        "rest": fit._rest.tolist(),
        "origin": fit.origin.tolist(),
        "open": fit.open.tolist(),
    }
    beta, pose, blink = pushed(fit, points[CALIBRATION:])
    assert np.ptp(pose[:, 0]) > 0.02
    monkeypatch.setattr(tracking, "Levels", unrounded)
    exact = in_node(scene, points, CALIBRATION, **known)
    np.testing.assert_allclose(exact["beta"] / MODEL.deviation, beta / MODEL.deviation, atol=1e-4)
    np.testing.assert_allclose(exact["pose"], pose, atol=1e-4)
    assert [row["blink"] for row in exact["found"]] == blink.astype(bool).tolist()


@pytest.mark.slow
def test_a_calibration_finds_the_same_person(scene: Scene, points: np.ndarray) -> None:
    """Shape to 0.1 mm, focal length to a thousandth, and then the same motion."""
    fit = CausalFit(points[:CALIBRATION], scene.size)
    beta, pose, blink = pushed(fit, points[CALIBRATION:])
    found = in_node(scene, points, CALIBRATION)
    np.testing.assert_allclose(found["mean"], fit.energy.mean.ravel(), atol=0.01)
    assert found["focal"] == pytest.approx(fit.focal, rel=1e-3)
    assert found["noise"] == pytest.approx(fit.energy.noise, rel=5e-3)
    np.testing.assert_allclose(found["beta"] / MODEL.deviation, beta / MODEL.deviation, atol=0.15)
    turned = np.degrees(np.abs(found["pose"] - pose)[:, :3])
    assert turned.max() < 0.02
    np.testing.assert_allclose(found["pose"][:, 3:], pose[:, 3:], atol=0.02)
    assert [row["blink"] for row in found["found"]] == blink.astype(bool).tolist()
