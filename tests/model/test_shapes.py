# ruff: noqa: F722  shapes are no annotations that Python could read
"""Shapes as the paper writes them, checked while the functions run: B clip, T frame, H head, V
category, N emotion, C channel, D coefficient.
"""

import pytest
import torch
from beartype import beartype
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float, Int, TypeCheckError, jaxtyped
from torch import Tensor

from elp.model import space
from elp.model.decoders import BlinkDecoder, EmbeddingCoding, MotionDecoder, encode, lookup

B, T, H, V, N, C, D = 2, 7, 16, 5, 3, 8, 12


@jaxtyped(typechecker=beartype)
def base_space(logits: Float[Tensor, "B T H V"]) -> Float[Tensor, "B T H V"]:
    """Eq 2."""
    return space.base_space(logits, noise=space.gumbel(logits))


@jaxtyped(typechecker=beartype)
def transformed_space(
    base: Float[Tensor, "B T H V"], e: Float[Tensor, "B N"]
) -> Float[Tensor, "B T H N*V"]:
    """Split and rearrange: N blocks behind one another."""
    return space.transformed_space(base, e)


@jaxtyped(typechecker=beartype)
def rearrange(base: Float[Tensor, "B T H V"], e: Float[Tensor, "B N"]) -> Int[Tensor, "B T H"]:
    """U: the range has grown, the shape has not."""
    return space.rearrange(base, e)


@jaxtyped(typechecker=beartype)
def image_of_base(
    table: Float[Tensor, "N H V C"], base: Float[Tensor, "B T H V"], e: Float[Tensor, "B N"]
) -> Float[Tensor, "B C T H"]:
    """In training a clip has one emotion."""
    return encode(table, base, e)


@jaxtyped(typechecker=beartype)
def image_of_codes(
    table: Float[Tensor, "N H V C"], codes: Int[Tensor, "B T H"], e: Float[Tensor, "B T N"]
) -> Float[Tensor, "B C T H"]:
    """In generation the emotion may change from frame to frame."""
    return lookup(table, codes, e)


@jaxtyped(typechecker=beartype)
def decoded(
    d1: MotionDecoder, d2: BlinkDecoder, image: Float[Tensor, "B C T H"]
) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B T 6"], Float[Tensor, "B T"]]:
    """D1: β and p. D2: φ."""
    return *d1(image), d2(image)


def test_codes_keep_the_shapes_of_the_paper():
    table, e = EmbeddingCoding(N, H, V).table, torch.eye(N)[:B]
    base = base_space(torch.randn(B, T, H, V))
    assert transformed_space(base, e).shape[-1] == N * V
    rearrange(base, e)
    image = image_of_base(table, base, e)
    codes = base.argmax(-1)
    torch.testing.assert_close(image_of_codes(table, codes, e[:, None].expand(-1, T, -1)), image)
    decoded(MotionDecoder(C, H, D), BlinkDecoder(C, H, hidden=8), image)


def test_an_emotion_a_frame_is_no_emotion_a_clip():
    with pytest.raises((TypeCheckError, BeartypeCallHintViolation)):
        rearrange(base_space(torch.randn(B, T, H, V)), torch.ones(B, T, N))
