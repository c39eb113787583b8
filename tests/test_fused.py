"""The fused sampling kernels against the plain formula, where there is a GPU."""

import pytest
import torch

from elp.model.decoders import mixed

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


@pytest.mark.parametrize("size", [(4, 50, 128, 64, 8, 3, True), (3, 50, 5, 10, 1, 2, False), (2, 33, 16, 32, 3, 3, True)])
def test_image_and_gradients(size):
    from elp.model.fused import sample

    batch, frames, heads, words, channels, emotions, learned = size
    g = torch.Generator("cuda").manual_seed(0)
    logits = torch.randn(batch, frames, heads, words, device="cuda", generator=g).bfloat16().requires_grad_()
    table = torch.randn(emotions, heads if learned else 1, words, channels, device="cuda", generator=g)
    e = torch.eye(emotions, device="cuda")[torch.arange(batch, device="cuda") % emotions]
    read = mixed(table, e).requires_grad_(learned)
    image, index = sample(logits, read, 0.7, g, torch.ones(heads, dtype=torch.long, device="cuda"))
    whole = read.detach().expand(-1, heads, -1, -1)
    places = index.long().permute(0, 2, 1)[..., None].expand(-1, -1, -1, channels)
    expected = whole.gather(2, places).permute(0, 3, 2, 1)
    torch.testing.assert_close(image.float(), expected, atol=0.02, rtol=0.01)
    soft = next(x for x in image.grad_fn.next_functions[0][0].saved_tensors if x.dtype == torch.bfloat16).float()
    grad = torch.randn(image.shape, device="cuda", generator=g).to(image.dtype)
    image.backward(grad)
    d_base = torch.einsum("bcth,bhvc->bthv", grad.float(), whole)
    d_logits = soft * (d_base - (soft * d_base).sum(-1, keepdim=True)) / 0.7
    assert (logits.grad.float() - d_logits).norm() < 0.01 * d_logits.norm()
    if learned:
        one_hot = torch.nn.functional.one_hot(index.long(), words).float()
        torch.testing.assert_close(read.grad, torch.einsum("bthv,bcth->bhvc", one_hot, grad.float()), atol=0.05, rtol=0.02)


def test_draws_follow_the_softmax_and_differ_from_call_to_call():
    from elp.model.fused import sample

    g = torch.Generator("cuda").manual_seed(0)
    logits = torch.randn(64, device="cuda", generator=g).bfloat16()
    many = logits.expand(512, 50, 8, 64).contiguous()
    table = torch.zeros(512, 1, 64, 1, device="cuda")
    first, second = (sample(many, table, 1.0, g, torch.ones(8, dtype=torch.long, device="cuda"))[1] for _ in range(2))
    p = logits.float().softmax(-1)
    seen = torch.bincount(first.long().flatten(), minlength=64)
    chi2 = ((seen - first.numel() * p).square() / (first.numel() * p)).sum()
    assert chi2 < 110  # 63 degrees of freedom: beyond this once in ten thousand
    assert (first == second).float().mean().item() == pytest.approx(p.square().sum().item(), abs=0.005)
