"""Traits: drawn listeners are distributed as the ones that they were learned from."""

import torch

from elp.model.traits import Traits

C, D, K, N = 400, 12, 3, 3


def people():
    """Mean faces with a part of each emotion, rests that go with a trait, e."""
    g = torch.Generator().manual_seed(0)
    e = torch.eye(N)[torch.arange(C) % N]
    hidden = torch.randn(C, K, generator=g) * torch.tensor([3.0, 2.0, 1.0])
    axes = torch.linalg.qr(torch.randn(D, K, generator=g)).Q
    face = e @ torch.randn(N, D, generator=g) * 5 + hidden @ axes.T
    rest = torch.randn(C, 6, generator=g) * 0.1 + 0.05
    rest[:, 0] += 0.2 * hidden[:, 0]
    return face, rest, e


def learned():
    traits, (face, rest, e) = Traits(K, D, N), people()
    g = torch.Generator().manual_seed(2)
    beta, pose = (x + 0.15 * x.std() * torch.randn(x.shape, generator=g) for x in (face, rest))
    traits.calibrate(face, rest, e, beta=beta, pose=pose)
    return traits, face, rest, e


def test_traits_are_what_the_emotion_does_not_say():
    traits, face, _, e = learned()
    z = traits.of(face, e)
    torch.testing.assert_close(torch.cov(z.T), torch.eye(K), atol=0.02, rtol=0)
    for n in range(N):
        assert z[e[:, n] > 0].mean(0).abs().max() < 1e-4
    # with as many as there are sources, nothing is lost
    back = e @ traits.centre + z @ torch.linalg.pinv(traits.components)
    torch.testing.assert_close(back, face, atol=1e-3, rtol=1e-3)


def test_drawn_listeners_are_distributed_as_the_true_ones():
    traits, face, rest, e = learned()
    normal = torch.randn(200_000, traits.width, generator=torch.Generator().manual_seed(1))
    drawn = torch.cat(traits.draw(normal), 1)
    true = torch.cat([rest, traits.of(face, e)], 1)
    torch.testing.assert_close(drawn.mean(0), true.mean(0), atol=0.02, rtol=0)
    torch.testing.assert_close(torch.cov(drawn.T), torch.cov(true.T), atol=0.03, rtol=0.03)
    # the rest goes with the face that it went with
    assert torch.corrcoef(drawn.T)[0, 6:].abs().max() > 0.8


def test_a_frame_tells_who_listens_as_well_as_a_line_can():
    traits, face, rest, e = learned()
    g = torch.Generator().manual_seed(3)
    beta, pose = (x + 0.15 * x.std() * torch.randn(x.shape, generator=g) for x in (face, rest))
    found = torch.cat(traits.told(beta, pose, e), 1)
    true = torch.cat([rest, traits.of(face, e)], 1)
    seen = torch.cat([pose, traits.of(beta, e)], 1)
    off = ((found - true) ** 2).mean(0)
    assert (off < 0.9 * ((traits.mean - true) ** 2).mean(0)).all()  # better than knowing nobody
    assert off.sum() < ((seen - true) ** 2).mean(0).sum()  # and than taking the frame for the mean


def test_one_conversation_or_none_at_all_is_no_failure():
    for count in (0, 4):
        traits = Traits(count, D, N)
        one = {"beta": torch.randn(1, D), "pose": torch.randn(1, 6)}
        traits.calibrate(torch.randn(1, D), torch.randn(1, 6), torch.eye(N)[:1], **one)
        rest, z = traits.draw(torch.randn(traits.width))
        assert rest.isfinite().all() and z.shape == (count,) and z.isfinite().all()
