"""The Adaptive Space Encoder: shapes of every option, mixtures, spaces, nested heads, gradients,
checkpoints.
"""

from dataclasses import asdict, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elp.errors import ElpError
from elp.model import ASE, ASEConfig, checkpoint
from elp.model.decoders import EmbeddingCoding, ValueCoding, encode, lookup
from elp.model.encoders import GAIN, TDNN, AudioEncoder, HeadEncoder, LinearEmotion
from elp.model.space import base_space, gumbel, transformed_space
from elp.training.losses import (
    LossWeights,
    Target,
    blink_smoothness,
    emotion_cross_entropy,
    motion_l2,
    total,
)

SMALL = ASEConfig(beta=12, heads=8, categories=4, hidden=16, blink_hidden=8, dropout=0.0)


def model(**options) -> ASE:
    torch.manual_seed(0)
    return ASE(replace(SMALL, **options)).eval()


def inputs(batch=2, frames=20, width=12, seed=0):
    g = torch.Generator().manual_seed(seed)
    return (
        torch.randn(batch, frames, 29, generator=g),
        torch.rand(batch, frames, 2 * width + 6, generator=g),
        torch.eye(3)[[0, 2]],
    )


OPTIONS = [
    {},
    {"coding": "value"},
    {"space": "V"},
    {"space": "V+e"},
    {"causal": True},
    {"window": "clip"},
    {"heads": 1},
    {"heads": 5, "convs": 8},
]
OPTIONS += [
    {"nested": True},
    {"tau": 0.5},
    {"categories": 2},
    {"space": "V", "coding": "value"},
    {"space": "V+e", "coding": "value", "causal": True},
]
OPTIONS += [
    {"noise": 0.5},
    {"frame_noise": 0.5},
    {"shortcut": True},
    {"shortcut": True, "causal": True},
]
OPTIONS += [{"holds": (1, 4, 30)}, {"raw_motion": True}, {"raw_motion": True, "causal": True}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option_gives_the_listeners_shapes_and_every_weight_learns(options):
    m, (mfcc, _, e) = model(**options), inputs()
    g = torch.Generator().manual_seed(1)
    motion = m.motion_style(torch.randn(2, 20, 12, generator=g), torch.randn(2, 20, 6, generator=g))
    predicted = m(mfcc, motion, e, generator=torch.Generator().manual_seed(0))
    assert [tuple(x.shape) for x in predicted] == [(2, 20, 12), (2, 20, 6), (2, 20), (2, 3)]
    sum(x.square().sum() for x in predicted).backward()
    silent = [name for name, p in m.named_parameters() if p.grad is None or not p.grad.any()]
    assert not [name for name in silent if "bias" not in name]


def test_an_untrained_blink_decoder_hears_its_codes():
    """Three LSTM layers pass on a hundredth of what they hear; without the norm after them D2 says
    the same in every frame.
    """
    m = model(heads=64, categories=16, blink_hidden=64)
    blink = m(*inputs(frames=50), generator=torch.Generator().manual_seed(0)).blink
    assert blink.std(1).min() > 0.01


def test_two_samples_differ_in_their_codes_alone():
    m = model()
    x = inputs()
    twice = m(*x, generator=torch.Generator().manual_seed(0), samples=2)
    assert [tuple(y.shape) for y in twice] == [(4, 20, 12), (4, 20, 6), (4, 20), (2, 3)]
    a, b = twice.beta.chunk(2)
    assert (a - b).abs().max() > 1e-3
    likely = m(*x, tau=0.0, samples=2).beta.chunk(2)
    torch.testing.assert_close(*likely)


def test_noise_is_of_the_training_alone_and_partly_of_a_whole_clip():
    m = model(noise=1.0, frame_noise=0.5)
    mfcc, motion, _ = inputs(batch=1, frames=400)
    clean = m.style(mfcc, motion, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(clean, model().style(mfcc, motion))
    m.train()
    added = (m.style(mfcc, motion, generator=torch.Generator().manual_seed(0)) - clean).detach()
    assert added.std(1).mean() == pytest.approx(0.5, abs=0.05)  # about a level
    # that differs from feature to feature
    assert added.mean(1).std() == pytest.approx(1.0, abs=0.15)


def test_the_papers_sizes():
    m = ASE(ASEConfig(hidden=64))
    assert (m.config.heads, m.config.categories, m.config.beta) == (128, 64, 100)
    assert m.encoder.convs[0].conv.in_channels == 334
    convs = [
        x
        for x in AudioEncoder().modules()
        if isinstance(x, torch.nn.Conv2d) and x.kernel_size != (1, 1)
    ]
    assert len(convs) == 16  # "first 16 layers of ResNet-50"
    assert len(TDNN(334, 3).layers) == 5


@pytest.mark.parametrize("coding", [ValueCoding, EmbeddingCoding])
def test_coding_reads_the_transformed_space_without_building_it(coding):
    g = torch.Generator().manual_seed(0)
    c = coding(3, 5, 4)
    base = base_space(torch.randn(2, 6, 5, 4, generator=g))
    e = torch.tensor([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])
    table = c.table.expand(-1, 5, -1, -1).permute(1, 0, 2, 3).flatten(1, 2)  # (H, N V, C)
    expected = torch.einsum("bthk,hkc->bcth", transformed_space(base, e), table)
    torch.testing.assert_close(encode(c.table, base, e), expected)
    torch.testing.assert_close(
        lookup(c.table, base.argmax(-1), e[:, None].expand(-1, 6, -1)), expected
    )


@pytest.mark.parametrize("coding", [ValueCoding, EmbeddingCoding])
@pytest.mark.parametrize("tau", [0.5, 1.0])
def test_the_gradient_through_a_coding_is_that_of_the_soft_sample(coding, tau):
    g = torch.Generator().manual_seed(0)
    c, e = (
        coding(3, 5, 4).double(),
        torch.tensor([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]], dtype=torch.double),
    )
    logits = torch.randn(2, 6, 5, 4, generator=g, dtype=torch.double, requires_grad=True)
    noise, weight = (
        gumbel(logits, g).double(),
        torch.randn(2, c.channels, 6, 5, generator=g, dtype=torch.double),
    )
    images = [
        encode(c.table, base, e)
        for base in (base_space(logits, tau, noise=noise), ((logits + noise) / tau).softmax(-1))
    ]
    hard, soft = (
        torch.autograd.grad((image * weight).sum(), logits, retain_graph=True)[0]
        for image in images
    )
    assert hard.any()
    torch.testing.assert_close(hard, soft)


def test_the_gradient_of_a_nested_prefix_reaches_its_heads_only():
    m = model(nested=True)
    mfcc, motion, e = inputs()
    predicted = m(
        mfcc, motion, e, generator=torch.Generator().manual_seed(0), heads=torch.tensor([3, 3])
    )
    predicted.beta.square().sum().backward()
    by_head = m.encoder.mlp[-1].weight.grad.unflatten(0, (8, 4)).abs().sum((1, 2))
    assert (by_head[:3] > 0).all()
    assert not by_head[3:].any()


def test_each_emotion_trains_only_its_own_codewords():
    m = model()
    predicted = m(*inputs()[:2], torch.eye(3)[[2, 2]], generator=torch.Generator().manual_seed(0))
    predicted.beta.sum().backward()
    assert not m.coding.table.grad[:2].any()
    assert m.coding.table.grad[2].any()


def test_a_mixture_lies_between_its_emotions_and_e_moves_u_but_not_v():
    for space, moves in (("U", True), ("V+e", True), ("V", False)):
        m = model(space=space)
        codes = torch.randint(0, 4, (1, 10, 8), generator=torch.Generator().manual_seed(0))
        image = [
            m.image_of(codes, torch.tensor(e).expand(1, 10, 3))
            for e in ([1.0, 0, 0], [0, 0, 1.0], [0.5, 0, 0.5])
        ]
        assert torch.equal(image[0], image[1]) is not moves
        torch.testing.assert_close(image[2], (image[0] + image[1]) / 2)


def test_heads_beyond_a_prefix_say_nothing():
    m = model(nested=True)
    g = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 4, (1, 10, 8), generator=g)
    other = codes.clone()
    other[..., 3:] = torch.randint(0, 4, (1, 10, 5), generator=g)
    e = torch.eye(3)[None, :1].expand(1, 10, 3)
    image = [m.image_of(x, e, torch.tensor([3])) for x in (codes, other)]
    assert torch.equal(*image)


def test_a_causal_model_ignores_the_future():
    m = model(causal=True)
    mfcc, motion, e = inputs()
    before = m(mfcc, motion, e, tau=0.0)
    mfcc, motion = mfcc.clone(), motion.clone()
    mfcc[:, 12:], motion[:, 12:] = 3, 3
    after = m(mfcc, motion, e, tau=0.0)
    for a, b in zip(before[:3], after[:3], strict=True):
        torch.testing.assert_close(a[:, :12], b[:, :12], atol=1e-5, rtol=1e-4)


def test_a_batch_of_one_equals_its_row():
    m = model()
    mfcc, motion, e = inputs()
    both, one = m(mfcc, motion, e, tau=0.0), m(mfcc[1:], motion[1:], e[1:], tau=0.0)
    for a, b in zip(both, one, strict=True):
        torch.testing.assert_close(a[1:], b, atol=1e-5, rtol=1e-4)


def test_losses_have_known_values():
    assert (
        motion_l2(
            torch.zeros(1, 1, 4), torch.zeros(1, 1, 6), torch.ones(1, 1, 4), 2 * torch.ones(1, 1, 6)
        ).item()
        == 5.0
    )
    assert (
        motion_l2(
            torch.zeros(1, 1, 4),
            torch.zeros(1, 1, 6),
            torch.ones(1, 1, 4),
            torch.ones(1, 1, 6),
            reduction="sum",
        ).item()
        == 10.0
    )
    assert blink_smoothness(torch.tensor([[0.0, 100.0, 100.0]])).tolist() == [[0.0, 0.5, 0.0]]
    assert emotion_cross_entropy(
        torch.zeros(2, 3), torch.tensor([[0.0, 1, 0], [0, 0, 0]])
    ).tolist() == pytest.approx([3 * 0.6931472, 0])


def test_frames_that_are_not_valid_cost_nothing():
    g = torch.Generator().manual_seed(0)
    predicted = [
        torch.randn(2, 8, 5, generator=g),
        torch.randn(2, 8, 6, generator=g),
        torch.randn(2, 8, generator=g),
        torch.randn(2, 3, generator=g),
    ]
    valid = torch.ones(2, 8, dtype=torch.bool)
    valid[:, 5:] = False
    target = Target(
        torch.zeros(2, 8, 5), torch.zeros(2, 8, 6), torch.zeros(2, 8), torch.eye(3)[:2], valid
    )
    changed = target._replace(beta=target.beta + 9 * ~valid[..., None])
    for reduction in ("mean", "sum"):
        w = LossWeights(reduction=reduction)
        assert total(*predicted, target, w)["motion"] == total(*predicted, changed, w)["motion"]


@pytest.mark.parametrize("half", [False, True])
def test_a_checkpoint_comes_back(tmp_path, half):
    m = model(coding="embedding", space="V+e")
    checkpoint.save(tmp_path / "m.safetensors", m, {"seed": 3}, half=half)
    back, card = checkpoint.load(tmp_path / "m.safetensors")
    assert (back.config, card) == (m.config, {"seed": 3})
    a, b = (x(*inputs(), tau=0.0).pose for x in (m, back))
    torch.testing.assert_close(a, b, atol=0.3 if half else 0, rtol=0)


def test_a_deviation_of_nothing_is_refused(tmp_path):
    m = model()
    name = next(name for name in m.state_dict() if name.endswith("_std"))
    m.state_dict()[name].flatten()[0] = 0.0
    checkpoint.save(tmp_path / "m.safetensors", m, {})
    with pytest.raises(ElpError, match="deviation of 0"):
        checkpoint.load(tmp_path / "m.safetensors")


def test_untrained_logits_are_as_wide_as_is_said():
    torch.manual_seed(0)
    encoder = HeadEncoder(20, 8, 16, hidden=64, convs=5).eval()
    width = encoder(torch.randn(2, 30, 20)).std().item()
    assert width == pytest.approx(GAIN, rel=0.1)


def test_options_are_read_under_their_former_names():
    assert ASEConfig.from_dict({"plain": True, "heads": 8}) == ASEConfig(raw_motion=True, heads=8)
    assert ASEConfig.from_dict(asdict(SMALL)) == SMALL
    for name in checkpoint.PACKAGED:
        assert checkpoint.load(name)[0].config.raw_motion


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint"])
def test_a_missing_or_corrupt_checkpoint_is_named(tmp_path, content):
    path = tmp_path / "m.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ElpError, match="checkpoint"):
        checkpoint.load(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"coding": "hash"},
        {"space": "W"},
        {"categories": 1},
        {"tau": 0.0},
        {"heads": 0},
        {"holds": (0,)},
        {"holds": ()},
        {"emotions": ("calm", "calm", "glad")},
        {"emotions": ("calm", "")},
    ],
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ElpError, match="model option"):
        replace(SMALL, **wrong)


@given(st.integers(1, 3), st.integers(1, 20), st.integers(2, 40))
def test_series_and_images_share_their_memory_in_the_order_that_convolutions_like(
    batch, frames, width
):
    from elp.model.layers import as_image, as_series

    x = torch.randn(batch, frames, width)
    image = as_image(x)
    assert image.shape == (batch, width, frames, 1)
    assert image.data_ptr() == as_series(image).data_ptr() == x.data_ptr()
    # is_contiguous would let any last stride pass
    assert image.stride() == torch.empty(image.shape, memory_format=torch.channels_last).stride()
    assert torch.equal(as_series(image), x)


def test_a_linear_reader_reads_pieces_as_it_reads_the_whole():
    reader = LinearEmotion(AudioEncoder.width + 6, 3).eval()
    style, state = torch.randn(2, 9, AudioEncoder.width + 6), {}
    with torch.no_grad():
        pieces = [reader.so_far(piece, state) for piece in style.split([1, 3, 5], 1)]
        torch.testing.assert_close(torch.cat(pieces, 1), reader.so_far(style, {}))
        torch.testing.assert_close(pieces[-1][:, -1], reader(style))


@pytest.mark.parametrize(
    "wrong", [torch.nan, torch.inf, 1e30, -1e5, torch.int8, torch.bool, "a deviation", {}]
)
def test_a_checkpoint_of_numbers_that_no_training_ends_with_is_refused(tmp_path, wrong):
    path, m = tmp_path / "m.safetensors", model()
    config = asdict(m.config)
    tensors = {k: x.clone(memory_format=torch.contiguous_format) for k, x in m.state_dict().items()}
    name = next(k for k, x in m.named_parameters() if x.ndim == 2)
    if isinstance(wrong, torch.dtype):
        tensors[name] = tensors[name].to(wrong)
    elif isinstance(wrong, dict):
        config |= {"events": wrong, "causal": True}
    elif isinstance(wrong, str):
        tensors["beta_std"][0] = 0
    else:
        tensors[name][0, 0] = wrong
    checkpoint.write(path, tensors, {"config": config})
    with pytest.raises(ElpError, match="checkpoint"):
        checkpoint.load(path)
