"""The fit: derivatives, round trips, robustness, memory of nothing but what it saw."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from elp.errors import ElpError
from elp.extraction.energy import Energy, start
from elp.extraction.fit import TOGETHER, TREMBLE, _energy, fit
from elp.extraction.identity import _arrow_step
from elp.extraction.smoothness import banded_solve, smooth_pose, smoothness_prior
from elp.face import FaceModel
from elp.face.camera import derivatives, project, rotation
from elp.simulator.scene import Scene, conversation, observe

MODEL = FaceModel.default()
M_PERTURB = -6  # of glibc's mallopt


def turned(a: np.ndarray, b: np.ndarray) -> float:
    """Root mean square angle between rotation vectors, degrees."""
    angle = (Rotation.from_rotvec(a[:, :3]) * Rotation.from_rotvec(b[:, :3]).inv()).magnitude()
    return float(np.degrees(np.sqrt((angle**2).mean())))


def relative(found: np.ndarray, truth: np.ndarray) -> float:
    """‖β - β*‖ / ‖β*‖: rows of B_exp are orthonormal, so this is the error of the vertices too."""
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return conversation(MODEL, frames=75)


@pytest.fixture(scope="module")
def double() -> tuple[Energy, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    energy = _energy(MODEL, torch.randn(2, 468, 3) * 60, 800.0)
    names = ("mean", "modes", "deviation", "normals", "weight")
    energy = replace(energy, noise=2.0, **{name: getattr(energy, name).double() for name in names})
    x = 0.3 * torch.randn(2, 106, dtype=torch.float64)
    x[:, 5] += 60
    observed = project(energy.shape(x), x[:, :6], 800.0, depth=True) + 3 * torch.randn(
        2, 468, 3, dtype=torch.float64
    )
    return energy, observed, x + 0.02 * torch.randn_like(x)


def test_rotation_is_scipys_and_its_jacobian_autograds() -> None:
    r = torch.tensor([[0.3, -0.5, 0.2], [1e-4, 2e-5, -1e-4], [0.0, 0.0, 0.0]], dtype=torch.float64)
    matrix, left = rotation(r)
    np.testing.assert_allclose(matrix, Rotation.from_rotvec(r.numpy()).as_matrix(), atol=1e-9)
    for k in range(3):
        change = torch.func.jacrev(lambda v: rotation(v[None])[0][0])(r[k])  # (3, 3, 3): of R by r
        skew = torch.einsum("ijn,kj->ikn", change, matrix[k])  # dR Rᵀ = [J dr]ₓ
        np.testing.assert_allclose(
            torch.stack([skew[2, 1], skew[0, 2], skew[1, 0]]), left[k], atol=1e-6
        )


@pytest.mark.parametrize("depth", [False, True])
def test_analytic_jacobian_is_autograds(double, depth: bool) -> None:
    energy, _, x = double
    shape = energy.shape(x)
    image, by_point, by_pose = derivatives(shape, x[:, :6], 800.0, depth)
    np.testing.assert_allclose(image, project(shape, x[:, :6], 800.0, depth))
    each = torch.func.jacrev(
        lambda s, p: project(s[None], p[None], 800.0, depth)[0], argnums=(0, 1)
    )(shape[0], x[0, :6])
    np.testing.assert_allclose(by_pose[0], each[1], atol=1e-9)
    own = torch.stack([each[0][p, :, p] for p in range(468)])
    np.testing.assert_allclose(by_point[0], own, atol=1e-9)
    # a point's image depends on that point alone
    assert float(each[0].abs().sum() - own.abs().sum()) < 1e-6


def test_gradient_and_normal_matrix(double) -> None:
    energy, observed, x = double
    energy, observed = replace(energy, depth=False), observed[..., :2]
    static = energy.static(x)
    leaf = x.clone().requires_grad_()
    gradient = torch.autograd.grad(energy.cost(observed, static, leaf).sum(), leaf)[0]
    h, g = energy.normal(observed, static, x)
    np.testing.assert_allclose(g, gradient / 2, atol=1e-8 * float(g.abs().max()))
    cost, slope = energy.descent(observed, static, x)
    np.testing.assert_allclose(cost, energy.cost(observed, static, x))
    np.testing.assert_allclose(slope, g, atol=1e-8 * float(g.abs().max()))
    image, by_point, by_pose = derivatives(energy.shape(x), x[:, :6], 800.0)
    jacobian = (
        torch.cat([by_pose, torch.einsum("bpci,pik->bpck", by_point, energy.modes)], -1)
        / energy.noise
    )
    weight = energy.weights((image - observed) / energy.noise, static)[0]
    explicit = torch.einsum("bpcm,bp,bpcn->bmn", jacobian, weight, jacobian)
    explicit[:, range(6, 106), range(6, 106)] += energy.deviation**-2
    np.testing.assert_allclose(h, explicit, atol=1e-8 * float(h.abs().max()))


def test_depth_counts_about_its_mean(double) -> None:
    """The tracker's zero of depth is arbitrary: as far away, the same; another relief, not."""
    energy, observed, x = double
    static = energy.static(x)
    cost = energy.cost(observed, static, x)
    away = observed + torch.tensor([0.0, 0.0, 40.0])
    np.testing.assert_allclose(energy.cost(away, static, x), cost)
    flat = observed * torch.tensor([1.0, 1.0, 0.0])
    assert (energy.cost(flat, static, x) > 1.1 * cost).all()


def test_a_point_pulls_most_at_three_deviations(double) -> None:
    """Farther off it counts as an outlier: the more, the less it pulls (Cauchy's loss)."""
    r = torch.linspace(0, 12, 121, dtype=torch.float64)[None, :, None]
    weight, _ = double[0].weights(r, torch.ones(1, 121, dtype=torch.float64))
    pull = (weight * r[..., 0])[0]
    assert r[0, pull.argmax(), 0] == pytest.approx(3)
    assert (pull[:31].diff() > 0).all() and (pull[30:].diff() < 0).all()


def test_shared_columns_are_autograds_too(double) -> None:
    energy, observed, x = double
    energy, observed = replace(energy, depth=False), observed[..., :2]
    static, modes = energy.static(x), torch.as_tensor(MODEL.identity).permute(1, 2, 0).double()
    alpha = torch.zeros(modes.shape[-1], dtype=torch.float64, requires_grad=True)
    log_focal = torch.tensor(np.log(800.0), requires_grad=True)
    moved = replace(energy, mean=energy.mean + modes @ alpha, focal=log_focal.exp())
    by_alpha, by_focal = torch.autograd.grad(
        moved.cost(observed, static, x).sum(), (alpha, log_focal)
    )
    h, g = energy.normal(observed, static, x, modes)
    np.testing.assert_allclose(
        g[:, 106:-1].sum(0), by_alpha / 2, atol=1e-8 * float(by_alpha.abs().max())
    )
    np.testing.assert_allclose(float(g[:, -1].sum()), float(by_focal) / 2, rtol=1e-8)
    np.testing.assert_allclose(h[:, :106, :106], energy.normal(observed, static, x)[0], atol=1e-6)
    np.testing.assert_allclose(h, h.mT, atol=1e-6 * float(h.abs().max()))


@pytest.mark.parametrize("free", [[True, True, True], [True, True, False]])
def test_the_arrow_s_step_solves_the_whole_system(free: list[bool]) -> None:
    """Frames one by one and what they share, against one dense matrix of all of them."""
    rng = torch.Generator().manual_seed(0)
    frames, own, common = 4, 5, 3
    half = torch.randn(frames, own + common, 12, generator=rng)
    h, g = half @ half.mT, torch.randn(frames, own, generator=rng)
    shared_g, prior = torch.randn(common, generator=rng), torch.tensor([1.0, 2, 3])
    step, shared = _arrow_step(h, g, shared_g, prior, torch.tensor(free), 0.0)
    rows = [torch.arange(k * own, (k + 1) * own) for k in range(frames)]
    last, count = torch.arange(common) + frames * own, sum(free)
    whole = torch.zeros(frames * own + common, frames * own + common, dtype=torch.float64)
    for k, at in enumerate(rows):
        whole[at[:, None], at] = h[k, :own, :own].double()
        whole[at[:, None], last] = h[k, :own, own:].double()
        whole[last[:, None], at] = h[k, own:, :own].double()
        whole[last[:, None], last] += h[k, own:, own:].double()
    whole[last, last] += prior
    size = frames * own + count  # what is not free comes last, and stays
    right = torch.cat([g.flatten(), shared_g]).double()[:size]
    wanted = -torch.linalg.solve(whole[:size, :size], right).float()
    torch.testing.assert_close(step.flatten(), wanted[: frames * own], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(shared[:count], wanted[frames * own :], rtol=1e-3, atol=1e-4)
    assert not shared[count:].any()


def test_round_trip_with_known_identity_and_camera(scene: Scene) -> None:
    found = fit(scene.points, scene.size, alpha=scene.alpha, focal=scene.focal)
    assert turned(found.pose, scene.pose) < 0.5
    assert relative(found.beta, scene.beta) < 0.05
    assert abs(found.noise - 0.5) < 0.1 and found.rms.max() < 1.2


def test_round_trip_with_nothing_known(scene: Scene) -> None:
    found = fit(scene.points, scene.size)
    # what faces the camera depends on the shape of the face
    assert turned(found.pose, scene.pose) < 3
    smile = MODEL.index("smile_l")
    assert np.corrcoef(found.beta[:, smile], scene.beta[:, smile])[0, 1] > 0.98
    assert len(found.history["frames"]) > 2
    for name, costs in found.history.items():
        assert len(costs) > 1 and costs[-1] <= costs[0], name


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_turning_the_head_is_no_expression(axis: int) -> None:
    pose = np.zeros((31, 6), np.float32)
    pose[:, 5], pose[:, axis] = 60, np.radians(np.linspace(-30, 30, 31))
    alpha = np.random.default_rng(0).normal(size=len(MODEL.identity)).astype(np.float32) * 0.7
    points = observe(MODEL, alpha, np.zeros((31, 100), np.float32), pose, 768.0, (512, 512))
    found = fit(points, (512, 512))
    smile = np.linalg.norm([MODEL.full[MODEL.index(n)] for n in ("smile_l", "smile_r")])
    moved = found.beta - found.beta.mean(0)
    assert np.linalg.norm(moved, axis=1).max() < 0.02 * smile


def test_outliers_are_left_out(scene: Scene) -> None:
    points = scene.points[::5].copy()
    rng = np.random.default_rng(0)
    for frame in points:
        frame[rng.choice(468, 40, replace=False), :2] += rng.normal(0, 30, (40, 2))
    found = fit(points, scene.size, alpha=scene.alpha, focal=scene.focal, smooth=0)
    assert turned(found.pose, scene.pose[::5]) < 0.5
    assert relative(found.beta, scene.beta[::5]) < 0.3


def test_one_frame_without_depth_is_enough(scene: Scene) -> None:
    found = fit(scene.points[40:41, :, :2], scene.size)
    assert found.beta.shape == (1, 100) and found.rms[0] < 1.5 and "smooth" not in found.history


def test_frames_without_a_face_stay_nan(scene: Scene) -> None:
    points = scene.points[:20].copy()
    points[5:8] = np.nan
    found = fit(points, scene.size, frames=4)
    assert (
        np.isnan(found.beta[5:8]).all()
        and np.isfinite(found.beta[[4, 8]]).all()
        and np.isnan(found.rms[5:8]).all()
    )


def test_the_same_input_gives_the_same_answer(scene: Scene) -> None:
    a, b = (fit(scene.points[:10].copy(), scene.size, frames=4) for _ in fillings())
    for name in ("alpha", "beta", "pose", "origin", "rms"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.focal, a.noise, a.history) == (b.focal, b.noise, b.history)


def test_a_first_guess_does_not_depend_on_what_memory_held_before() -> None:
    """That of torch.linalg.lstsq did: it hands LAPACK pivots that nobody has set."""
    torch.manual_seed(0)
    points = torch.randn(3, 468, 3) * 60
    energy = _energy(MODEL, points, 800.0)
    a, b = (start(energy, points.clone()) for _ in fillings())
    assert torch.equal(a, b)


def fillings() -> Iterator[int]:
    """Twice, with new memory full of zeros and then of other numbers, where the C library can."""
    allocator = ctypes.CDLL(None)
    for byte in (255, 85):  # glibc fills with the complement
        if hasattr(allocator, "mallopt"):
            allocator.mallopt(M_PERTURB, byte)
        try:
            yield byte
        finally:
            if hasattr(allocator, "mallopt"):
                allocator.mallopt(M_PERTURB, 0)


def test_the_smoothness_prior_calms_noise_and_keeps_a_blink() -> None:
    torch.manual_seed(0)
    truth = torch.zeros(60, 1)
    truth[30:34] = 50.0  # a blink: a step of 50 times the noise
    h, x = torch.ones(60, 1, 1), truth + torch.randn(60, 1) * 0.7
    y, _ = smoothness_prior(
        h, torch.zeros(60, 1), x, torch.ones(59, dtype=torch.bool), torch.tensor([1.0]), TOGETHER
    )
    assert float((y - truth).std()) < 0.6 * float((x - truth).std())
    assert float(y[30:34].min()) > 48
    apart, _ = smoothness_prior(
        h, torch.zeros(60, 1), x, torch.zeros(59, dtype=torch.bool), torch.tensor([1.0]), TOGETHER
    )
    np.testing.assert_allclose(apart, x, atol=1e-5)


def test_a_trembling_head_is_calmed_and_keeps_its_nods(scene: Scene) -> None:
    rng = np.random.default_rng(0)
    truth = np.tile(scene.pose, (3, 1))  # where the clip begins anew, the head jumps
    truth[75:150] += np.radians(20)
    trembling = truth + TREMBLE * rng.normal(size=truth.shape)
    calm = smooth_pose(trembling, np.ones(224, bool), TREMBLE)
    error = lambda pose: np.sqrt((((pose - truth) / TREMBLE) ** 2).mean(0))  # noqa: E731
    assert (error(calm) < 0.95 * error(trembling)).all() and (
        error(calm)[:3] < 0.8 * error(trembling)[:3]
    ).all()
    # four times the trembling: the nods' peaks, and the jumps
    assert np.abs(np.degrees(calm[:, 0] - truth[:, 0])).max() < 0.6
    assert calm[28:50, 0].max() == pytest.approx(truth[28:50, 0].max(), abs=np.radians(0.3))
    adjacent = np.arange(224) % 2 == 0  # no three frames in a row
    np.testing.assert_allclose(smooth_pose(trembling, adjacent, TREMBLE), trembling, atol=1e-5)


def test_threads_change_nothing(scene: Scene) -> None:
    alone = fit(scene.points[:30], scene.size, frames=6)
    torch.set_num_threads(2)
    try:
        together = fit(scene.points[:30], scene.size, frames=6)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    np.testing.assert_array_equal(together.beta, alone.beta)
    np.testing.assert_array_equal(together.pose, alone.pose)


def test_windows_meet_without_a_seam(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(scene.points, scene.size, alpha=scene.alpha, focal=scene.focal)
    monkeypatch.setattr("elp.extraction.fit.WINDOW", 16)
    pieces = fit(scene.points, scene.size, alpha=scene.alpha, focal=scene.focal)
    assert turned(pieces.pose, whole.pose) < 0.03 and relative(pieces.beta, whole.beta) < 0.02


def test_a_chain_of_frames_is_solved_exactly() -> None:
    rng, frames, n = np.random.default_rng(0), 7, 5
    h = rng.normal(size=(frames, n, n))
    h, pull, right = (
        h @ h.transpose(0, 2, 1) + np.eye(n),
        rng.exponential(size=(frames - 1, n)),
        rng.normal(size=(frames, n)),
    )
    pull[3] = 0  # not neighbours
    steps = np.kron(np.diff(np.eye(frames), axis=0), np.eye(n))
    whole = steps.T @ np.diag(pull.ravel()) @ steps
    for k in range(frames):
        whole[k * n : (k + 1) * n, k * n : (k + 1) * n] += h[k]
    before = h.copy()
    np.testing.assert_allclose(
        banded_solve(h, pull, right).ravel(), np.linalg.solve(whole, right.ravel()), rtol=1e-9
    )
    np.testing.assert_array_equal(h, before)
    np.testing.assert_allclose(
        banded_solve(h[:1], pull[:0], right[:1])[0], np.linalg.solve(h[0], right[0]), rtol=1e-9
    )


def test_errors_say_what_to_do(scene: Scene) -> None:
    with pytest.raises(ElpError, match="expected \\(T, 468 or 478"):
        fit(np.zeros((3, 68, 2)), (512, 512))
    with pytest.raises(ElpError, match="no face in any frame"):
        fit(np.full((3, 478, 3), np.nan), (512, 512))
