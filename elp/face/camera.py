"""Pinhole projection of a posed linear face, with analytic derivatives.

Chapter "Parameter extraction".
"""

# B frame of a batch, P mesh point, C observed coordinate (x, y and, where known, relative depth), K
# coefficient
from __future__ import annotations

import torch
from torch import Tensor


def cross_matrix(v: Tensor) -> Tensor:
    """[v]ₓ with [v]ₓ w = v × w: (..., 3) -> (..., 3, 3)."""
    x, y, z = v.unbind(-1)
    o = torch.zeros_like(x)
    return torch.stack([o, -z, y, z, o, -x, -y, x, o], -1).reshape(*v.shape, 3)


def rotation(r: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation matrix exp([r]ₓ) of rotation vectors (..., 3) and its left Jacobian, both (..., 3,
    3).

    The left Jacobian J turns a change of r into a small rotation: exp([r + dr]ₓ) ≈ exp([J dr]ₓ)
    exp([r]ₓ) (Rodrigues' formula and its integral).
    """
    square = (r * r).sum(-1)[..., None, None]
    small = square < 1e-4  # series below 0.6 degrees: the fractions lose their digits there
    safe = torch.where(small, torch.ones_like(square), square)
    angle = safe.sqrt()
    a = torch.where(small, 1 - square / 6, angle.sin() / angle)
    b = torch.where(small, 0.5 - square / 24, (1 - angle.cos()) / safe)
    c = torch.where(small, 1 / 6 - square / 120, (angle - angle.sin()) / (safe * angle))
    k = cross_matrix(r)
    eye = torch.eye(3, dtype=r.dtype, device=r.device)
    return eye + a * k + b * (k @ k), eye + b * k + c * (k @ k)


def project(shape: Tensor, pose: Tensor, focal: Tensor | float, depth: bool = False) -> Tensor:
    """Image coordinates of posed points, in pixels from the image centre.

    Args:
        shape: (B, P, 3) or (P, 3) model points in cm.
        pose: (B, 6) rotation vector in radians and position in camera coordinates in cm.
        focal: focal length in pixels.
        depth: also give the relative depth f Y_z / t_z of the turned points Y: pixels at the head's
            distance.

    Returns:
        (B, P, 2) or, with depth, (B, P, 3).
    """
    turned = shape @ rotation(pose[:, :3])[0].mT
    return _image(turned, pose[:, None, 3:], focal, depth)


def _image(turned: Tensor, place: Tensor, focal: Tensor | float, depth: bool) -> Tensor:
    at = turned + place
    xy = focal * at[..., :2] / at[..., 2:]
    return torch.cat([xy, focal * turned[..., 2:] / place[..., 2:]], -1) if depth else xy


def derivatives(
    shape: Tensor, pose: Tensor, focal: Tensor | float, depth: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """`project` and its derivatives; the arguments are the same.

    Returns:
        image (B, P, C), by_point (B, P, C, 3), by_pose (B, P, C, 6), C = 2
        or, with depth, 3. The face is linear in its coefficients, so the
        derivative by β_k is `by_point` times row k of B_exp.
    """
    matrix, left = rotation(pose[:, :3])
    turned, place = shape @ matrix.mT, pose[:, None, 3:]
    image = _image(turned, place, focal, depth)
    far = turned[..., 2] + place[..., 2]
    near = focal / far
    o = torch.zeros_like(near)
    rows = [near, o, -image[..., 0] / far, o, near, -image[..., 1] / far]
    flat = (focal / place[..., 2]).expand_as(near)
    by_turned, by_place = rows, rows
    if depth:
        by_turned = [*rows, o, o, flat]
        by_place = [*rows, o, o, -image[..., 2] / place[..., 2]]
    turned_by = torch.stack(by_turned, -1).unflatten(-1, (-1, 3))
    placed_by = torch.stack(by_place, -1).unflatten(-1, (-1, 3))
    by_turn = turned_by @ (-cross_matrix(turned) @ left[:, None])
    by_pose = torch.cat([by_turn, placed_by], -1)
    return image, turned_by @ matrix[:, None], by_pose
