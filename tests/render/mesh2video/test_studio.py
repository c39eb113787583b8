"""Simulated people: within the picture, the same for the same seed, as their meshes say."""

from __future__ import annotations

import torch

from elp.face.model import FaceModel
from elp.render.mesh2video import people, raster, skins
from elp.render.mesh2video.draws import RandomDraws
from elp.render.mesh2video.footage import Footage, Pair
from elp.render.mesh2video.studio import Studio


def test_the_same_seed_draws_the_same_people() -> None:
    first, again, others = (Studio(seed).film(1, 1, 32).tensors for seed in (1, 1, 2))
    assert all(torch.equal(x, again[name]) for name, x in first.items())
    assert not torch.equal(first["photo"], others["photo"])


def test_a_photo_shows_a_person_before_a_wall(footage: Footage) -> None:
    cover = footage.tensors["matte"].float().mean((2, 3, 4)) / 255
    assert ((cover > 0.1) & (cover < 0.95)).all()
    on_face = footage.tensors["seen"] < len(FaceModel.default().triangles)
    matte = footage.tensors["matte"][:, :, 0].float() / 255
    assert matte[on_face].mean() > 0.95  # the mesh lies on the person


def test_the_mesh_is_near_the_person_s_own_points(footage: Footage) -> None:
    off = footage.tensors["at"][..., :2] - footage.tensors["truth"]
    assert off.norm(dim=-1).mean() < 2  # pixels of 64: as wrong as a fit


def test_nearer_triangles_hide_others() -> None:
    image = torch.tensor([[[4.0, 4], [11, 4], [4, 11], [11, 11]]])
    triangles = torch.tensor([[0, 1, 2], [1, 3, 2]])
    depth = torch.tensor([[50.0, 50, 50, 50]])
    seen = raster.visible(image, depth, triangles, 32)[0]
    assert seen[5, 5] == 0 and seen[9, 9] == 1 and seen[1, 1] == 2
    both = torch.cat([image, image], 1)
    hidden = torch.cat([triangles, triangles + 4])
    order = torch.cat([depth, depth - 5], 1)
    assert raster.visible(both, order, hidden, 32)[0, 5, 5] == 2


def test_lifting_undoes_projection(pair: Pair) -> None:
    view = pair.driving
    solid = raster.lift(view.at, view.focal, 64)
    torch.testing.assert_close(raster.project(solid, view.focal, 64), view.at, rtol=0, atol=1e-3)


def test_drawn_pairs_are_of_one_person_in_two_states(footage: Footage) -> None:
    drawn = footage.draw(4)
    assert not torch.equal(drawn.source.view.at, drawn.driving.at)
    assert drawn.truth.min() >= 0 and drawn.truth.max() <= 1
    torch.testing.assert_close(drawn.source.view.focal, drawn.driving.focal)


def test_the_colours_people_are_drawn_in_are_colours() -> None:
    every = torch.tensor([*skins.TONES, *skins.SHADES])
    assert ((every > 0) & (every < 1)).all() and len(skins.COMMON) == len(skins.SHADES)
    light = every.mean(1)
    assert (light[: len(skins.TONES)].diff() < 0).all()  # skins from light to dark


def test_a_photographer_s_lamps_light_the_left_most_and_bleach_nobody() -> None:
    ways = torch.tensor([[-1.0, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]])
    shade = skins.Light.even(torch.device("cpu")).shade(ways[None])[0][0]
    left, right, up, down, front, back = shade.mean(-1)
    assert left > right and up > down and front > back
    assert front < 1 and shade.max() < 1  # a white card stays a white card


def test_places_on_the_textures_lie_on_them() -> None:
    mean = torch.tensor(FaceModel.default().mean)
    body = people.bodies(mean.expand(3, -1, -1), mean, RandomDraws.seeded(0))
    assert body.uv.abs().max() <= 1
    assert body.hold.min() >= 0 and body.hold.max() <= 1


def test_triangles_reach_every_edge_of_the_picture() -> None:
    row = torch.arange(5.0) * 3  # vertices of a net over 12 x 12 pixels
    image = torch.stack([row.repeat(5), row.repeat_interleave(5)], -1)
    a = (torch.arange(4)[:, None] * 5 + torch.arange(4)).flatten()
    net = torch.cat([torch.stack(x, -1) for x in ((a, a + 1, a + 5), (a + 1, a + 6, a + 5))])
    seen = raster.visible(image[None], torch.full((1, 25), 50.0), net, 12)[0]
    assert (seen < len(net)).all() and len(seen.unique()) == len(net)
