"""Event heads: what they know of their past, how they draw, what guidance and emotion do."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elp.errors import ElpError
from elp.model.ase import ASE
from elp.model.config import ASEConfig
from elp.model.event_heads import inverse
from elp.model.events import DRAWS, HEARD, OWN, EventConfig, Events

SMALL = EventConfig(bins=9, hidden=8, width=6, lid_hidden=5, lid_width=4)


def made(seed=0, **options):
    torch.manual_seed(seed)
    events = Events(SMALL if not options else EventConfig(**vars(SMALL) | options), 3, 4).eval()
    steps = torch.randn(4000, 6) * torch.tensor([0.01, 0.01, 0.01, 0.1, 0.1, 0.1])
    events.calibrate(steps.cumsum(0) * 0.1, steps)
    return events


def asked(clips=2, frames=40, seed=0):
    """What is heard (B, T, 9), e (B, T, 3) and uniform numbers (B, T, 7)."""
    g = torch.Generator().manual_seed(seed)
    heard = torch.randn(clips, frames, HEARD, generator=g)
    e = torch.eye(3)[torch.arange(clips) % 3][:, None].expand(-1, frames, -1)
    uniform = torch.rand(clips, frames, DRAWS, generator=g).clamp(1e-6, 1 - 1e-6)
    return heard, e, uniform


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(2, 33))
def test_inverse_sampling_has_the_given_distribution(seed, categories):
    torch.manual_seed(seed)
    p = torch.randn(categories).mul(2).softmax(0)
    u = (torch.arange(20_000) + 0.5) / 20_000
    code, within = inverse(p.expand(len(u), -1), u)
    share = torch.bincount(code, minlength=categories) / len(u)
    torch.testing.assert_close(share, p, atol=2e-4, rtol=0)
    # in order: where the code stays, the place within it grows with the number
    position = code + within
    assert (position.diff() >= -1e-3).all()
    assert within.min() >= 0 and within.max() <= 1


@pytest.mark.parametrize("guidance", [1.0, 1.7])
def test_a_draw_in_pieces_is_the_draw_at_once(guidance):
    events, (heard, e, uniform) = made(), asked()
    whole = events.draw(heard, e, uniform, {}, guidance)
    state, pieces = {}, []
    for cut in (slice(0, 1), slice(1, 2), slice(2, 17), slice(17, 40)):
        pieces.append(events.draw(heard[:, cut], e[:, cut], uniform[:, cut], state, guidance))
    for name in ("shut", "position", "velocity"):
        found = torch.cat([getattr(p, name) for p in pieces], 1)
        torch.testing.assert_close(found, getattr(whole, name), atol=1e-5, rtol=1e-4)


def test_the_past_of_a_true_answer_is_the_past_of_its_draw():
    """What was drawn, given back as if it were true, has the codes and the past of the draw."""
    events, (heard, e, uniform) = made(), asked(clips=1, frames=60)
    state, columns = {}, []
    cues = events.cues(heard, state, guided=False)
    for t in range(60):
        at = (x[:, t] for x in (*cues, e, uniform))
        drawn = events.step(*at, state)
        columns.append(events._columns(drawn))
        if t == 0:
            first = drawn
    path = events.draw(heard, e, uniform, {})
    assert 0 < path.shut.mean() < 1
    pose = path.position[0] - first.position  # a conversation does not begin with a movement
    codes, past = events.targets(pose, path.shut[0, :, 0])
    assert (codes[:, 0] == path.shut[0, :, 0]).all()
    low, high = events.edges[:, :-1], events.edges[:, 1:]
    at = codes[1:, 1:].T
    velocity = path.velocity[0, 1:].T
    assert (velocity >= low.gather(1, at) - 1e-6).all()
    assert (velocity <= high.gather(1, at) + 1e-6).all()
    mine = torch.cat(columns)[2:-1]  # after frame t: the past of frame t + 1
    lids, moved = slice(0, 9), slice(15, 27)
    torch.testing.assert_close(past[3:, lids], mine[:, lids], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(past[4:, moved], mine[1:, moved], atol=1e-3, rtol=1e-3)


def test_what_they_know_of_themselves_has_no_unit():
    cm, mm, steps = made(), made(), torch.randn(4000, 6, generator=torch.Generator().manual_seed(1))
    mm.calibrate(steps.cumsum(0), 10 * steps)
    cm.calibrate(0.1 * steps.cumsum(0), steps)
    past = cm._rest(steps[:5])._replace(
        velocity=steps[:5], before=steps[5:10], position=steps[10:15]
    )
    tenfold = past._replace(
        **{k: 10 * getattr(past, k) for k in ("velocity", "before", "position")}
    )
    torch.testing.assert_close(mm._columns(tenfold), cm._columns(past))


def test_teacher_forcing_and_drawing_agree():
    """The logits of `forward`, given what was drawn, say the probabilities of `step`."""
    events, (heard, e, _) = made(), asked(clips=1, frames=1)
    past = events._columns(events._rest(heard[:, 0]))[:, None]
    low = torch.full((1, DRAWS), 1e-6)
    lids, pose, _ = events(heard, past, e[:, 0], torch.zeros(1, 1, DRAWS, dtype=torch.long))
    share = pose[0, 0, 0].softmax(-1).cumsum(-1)
    for number in (0.02, 0.3, 0.6, 0.97):
        uniform = low.clone()
        uniform[0, 0], uniform[0, 1] = number, number
        drawn = events.draw(heard, e, uniform[:, None], {})
        bin_of = int((share < number).sum())
        edges = events.edges[0]
        assert edges[bin_of] - 1e-6 <= drawn.velocity[0, 0, 0] <= edges[bin_of + 1] + 1e-6
        shut = number > lids[0, 0, 0].softmax(-1)[0]
        assert bool(drawn.shut[0, 0, 0]) == bool(shut)


def test_no_answer_hears_the_future():
    events, (heard, e, uniform) = made(), asked()
    later = heard.clone()
    later[:, 20:] += 1
    a, b = (events.draw(x, e, uniform, {}, 1.5) for x in (heard, later))
    assert torch.equal(a.position[:, :20], b.position[:, :20])
    assert not torch.equal(a.position[:, 20:], b.position[:, 20:])


def test_the_head_hears_blinks_only_where_it_is_told_to():
    heard, e, uniform = asked()
    blinking = heard.clone()
    blinking[..., -1] += 2
    for sees in (False, True):
        events = made(sees_blinks=sees)
        a, b = (events.draw(x, e, uniform, {}) for x in (heard, blinking))
        assert torch.equal(a.position, b.position) != sees


def test_guidance_moves_the_pitch_and_a_mixture_is_an_emotion():
    events, (heard, e, uniform) = made(), asked()
    plain, guided = (events.draw(heard, e, uniform, {}, g) for g in (1.0, 4.0))
    assert not torch.equal(plain.velocity[..., 0], guided.velocity[..., 0])
    torch.testing.assert_close(plain.shut, guided.shut)
    more = (torch.cat([x, x[:1]]) for x in (heard, e, uniform))  # nobody else's answer changes
    several = events.draw(*more, {}, 4.0).velocity[: len(heard)]
    torch.testing.assert_close(several, guided.velocity, atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        events.pose.bias[0, 0, 0] = 20.0  # the first emotion looks up, always
    up = events.draw(heard, torch.eye(3)[0].expand_as(e), uniform, {}).velocity[..., 0]
    mixed = events.draw(heard, torch.tensor([0.5, 0.5, 0.0]).expand_as(e), uniform, {})
    assert (up < events.edges[0, 1] + 1e-6).all()
    assert (mixed.velocity[..., 0] < events.edges[0, 1] + 1e-6).float().mean() > 0.9


def test_categories_cover_what_listeners_do():
    events = made()
    assert (events.edges.diff(dim=1) > 0).all()
    torch.testing.assert_close(events.edges, -events.edges.flip(1))
    widths = events.edges.diff(dim=1)
    assert (widths[:, 4] <= widths[:, 0]).all()
    velocity = torch.randn(100, 6) * 0.005
    codes, _ = events.targets(velocity.cumsum(0), torch.zeros(100))
    assert codes[:, 1:].unique().numel() > 2


def test_a_model_with_event_heads_tells_its_encoder_what_they_drew():
    config = ASEConfig(
        beta=4, heads=4, categories=4, hidden=8, causal=True, raw_motion=True, events=SMALL
    )
    torch.manual_seed(0)
    model = ASE(config).eval()
    mfcc, motion = torch.randn(2, 9, 29), torch.randn(2, 9, config.motion_width)
    e, own = torch.eye(3)[:2], torch.randn(2, 9, OWN + SMALL.traits)
    a = model(mfcc, motion, e, own, tau=0.0)
    b = model(mfcc, motion, e, own + 3, tau=0.0)
    assert a.beta.shape == (2, 9, 4) and not a.pose.any()
    assert (a.blink < -10).all()
    style = model.style(mfcc, motion)
    logits = [model.encoder(model.told(style, x)) for x in (own, own + 3)]
    assert not torch.equal(*logits)
    torch.testing.assert_close(a.emotion, b.emotion)  # e' is inferred from the speaker alone


@pytest.mark.parametrize("options", [{"bins": 8}, {"hidden": 0}, {"deaf": 1.0}, {"guidance": 0.0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ElpError):
        EventConfig(**options)


def test_event_heads_need_a_causal_model():
    with pytest.raises(ElpError, match="causal"):
        ASEConfig(events=SMALL)


def test_a_configuration_survives_its_dictionary():
    from dataclasses import asdict

    config = ASEConfig(causal=True, events=SMALL)
    assert ASEConfig.from_dict(asdict(config)) == config
    assert np.isfinite(made().edges.numpy()).all()


@pytest.mark.parametrize("size", ["hidden", "width", "lid_hidden", "lid_width", "bins"])
def test_no_size_hides_from_the_bound_of_a_model(size):
    """A file's sizes are bounded by `least` before anything is built."""
    config = ASEConfig(beta=12, causal=True, events=SMALL)
    held = sum(x.numel() for x in ASE(config).parameters())
    assert 0.1 * held < config.least < held
    vast = ASEConfig(beta=12, causal=True, events=EventConfig(**vars(SMALL) | {size: 10**7 + 1}))
    assert vast.least > 10**7
