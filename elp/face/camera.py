"""Pinhole projection of a posed linear face, with analytic derivatives (chapter "Parameter extraction")."""

# B frame of a batch, P mesh point, C observed coordinate (x, y and, where known, relative depth), K coefficient
from __future__ import annotations

import torch
from torch import Tensor


def cross_matrix(v: Tensor) -> Tensor:
    """[v]ₓ with [v]ₓ w = v × w: (..., 3) -> (..., 3, 3)."""
    x, y, z = v.unbind(-1)
    o = torch.zeros_like(x)
    return torch.stack([o, -z, y, z, o, -x, -y, x, o], -1).reshape(*v.shape, 3)


def rotation(r: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation matrix exp([r]ₓ) of rotation vectors (..., 3) and its left Jacobian, both (..., 3, 3).

    The left Jacobian J turns a change of r into a small rotation: exp([r + dr]ₓ) ≈ exp([J dr]ₓ) exp([r]ₓ) (Rodrigues' formula and its integral).
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
        depth: also give the relative depth f Y_z / t_z, Y the turned points: pixels at the head's distance.

    Returns:
        (B, P, 2) or, with depth, (B, P, 3).
    """
    turned = shape @ rotation(pose[:, :3])[0].mT
    return _image(turned, pose[:, None, 3:], focal, depth)


def _image(turned: Tensor, place: Tensor, focal: Tensor | float, depth: bool) -> Tensor:
    at = turned + place
    xy = focal * at[..., :2] / at[..., 2:]
    return torch.cat([xy, focal * turned[..., 2:] / place[..., 2:]], -1) if depth else xy


def project_with_jacobian(shape: Tensor, modes: Tensor, pose: Tensor, focal: Tensor | float, depth: bool = False) -> tuple[Tensor, Tensor]:
    """`project`, and its derivatives by pose and by the coefficients of `modes`.

    Args:
        shape: (B, P, 3) model points in cm.
        modes: (P, 3, K) displacement of each point per unit of each coefficient.
        pose, focal, depth: as for `project`.

    Returns:
        (B, P, C) image coordinates and (B, P, C, 6 + K) derivatives, C = 2 or, with depth, 3.
    """
    matrix, left = rotation(pose[:, :3])
    turned, place = shape @ matrix.mT, pose[:, None, 3:]
    at = turned + place
    image = _image(turned, place, focal, depth)
    inverse = focal / at[..., 2]
    o = torch.zeros_like(inverse)
    rows = [torch.stack([inverse, o, -image[..., 0] / at[..., 2]], -1), torch.stack([o, inverse, -image[..., 1] / at[..., 2]], -1)]
    by_point = torch.stack(rows, -2)  # (B, P, 2, 3): d image / d turned = d image / d place
    by_place = by_point
    if depth:
        flat = (focal / place[..., 2]).expand_as(inverse)
        by_point = torch.cat([by_point, torch.stack([o, o, flat], -1)[..., None, :]], -2)
        by_place = torch.cat([by_place, torch.stack([o, o, -image[..., 2] / place[..., 2]], -1)[..., None, :]], -2)
    by_turn = by_point @ (-cross_matrix(turned) @ left[:, None])
    by_mode = torch.einsum("bpci,pik->bpck", by_point @ matrix[:, None], modes)
    return image, torch.cat([by_turn, by_place, by_mode], -1)
