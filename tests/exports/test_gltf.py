"""The animated mesh, read back by another program (pygltflib)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
from scipy.spatial.transform import Rotation

from elp.errors import ElpError
from elp.exports import write_glb
from elp.face.model import FaceModel
from elp.motion import Motion
from elp.render.blink import blink_control

MODEL = FaceModel.default()
FRAMES = 8
SIZES = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


@pytest.fixture(scope="module")
def motion() -> Motion:
    rng = np.random.default_rng(0)
    beta = (rng.normal(size=(FRAMES, 100)) * MODEL.deviation).astype(np.float32)
    blink = np.array([0, 1, 1, 1, 0, 0, 0, 0], np.uint8)
    pose = rng.normal(size=(FRAMES, 6)) * [0.2, 0.2, 0.2, 1, 1, 1]
    pose[2, :3] = [0, 3.0, 0]  # more than half a turn from the next frame's
    pose[3, :3] = [0, -3.0, 0]
    return Motion(beta=beta, pose=pose.astype(np.float32), blink=blink)


@pytest.fixture(scope="module")
def file(motion: Motion, tmp_path_factory: pytest.TempPathFactory) -> pygltflib.GLTF2:
    path = tmp_path_factory.mktemp("glb") / "out.glb"
    write_glb(path, motion)
    assert path.stat().st_size < 650_000
    return pygltflib.GLTF2().load_binary(str(path))


def array(file: pygltflib.GLTF2, number: int) -> np.ndarray[Any, Any]:
    """What an accessor names, (n, parts)."""
    accessor = file.accessors[number]
    view = file.bufferViews[accessor.bufferView]
    kind = np.uint32 if accessor.componentType == pygltflib.UNSIGNED_INT else np.float32
    data = file.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    rows = np.frombuffer(data, kind).reshape(accessor.count, SIZES[accessor.type])
    np.testing.assert_array_equal(rows.min(0), np.array(accessor.min, kind))
    np.testing.assert_array_equal(rows.max(0), np.array(accessor.max, kind))
    return rows


def tracks(file: pygltflib.GLTF2) -> dict[str, tuple[str, np.ndarray, np.ndarray]]:
    """What is animated -> node, times and values."""
    (animation,) = file.animations
    found = {}
    for channel in animation.channels:
        sampler = animation.samplers[channel.sampler]
        node = file.nodes[channel.target.node].name
        values = array(file, sampler.output)
        found[channel.target.path] = node, array(file, sampler.input)[:, 0], values
    return found


def test_the_animated_mesh_is_the_face_models(file: pygltflib.GLTF2, motion: Motion) -> None:
    """Points of every frame, by glTF's formulas, in centimetres and the model's own axes."""
    primitive, inside = file.meshes[0].primitives
    assert inside.attributes.POSITION == primitive.attributes.POSITION
    assert inside.targets == primitive.targets
    rest = array(file, primitive.attributes.POSITION)
    targets = np.stack([array(file, t["POSITION"]) for t in primitive.targets])
    found = tracks(file)
    weights = found["weights"][2].reshape(FRAMES, -1)
    mesh = rest + np.tensordot(weights, targets, 1)
    turn = Rotation.from_quat(found["rotation"][2])
    axes = np.array([1, -1, -1])
    shape = MODEL.shape(beta=blink_control(motion.beta, motion.blink, MODEL))
    for t in range(FRAMES):
        posed = turn[t].apply(mesh[t]) + found["translation"][2][t]
        own = Rotation.from_rotvec(motion.pose[t, :3]).apply(shape[t]) + motion.pose[t, 3:]
        np.testing.assert_allclose(posed * 100 * axes, own, atol=1e-3)


def test_times_names_and_nodes(file: pygltflib.GLTF2) -> None:
    found = tracks(file)
    assert {path: node for path, (node, *_) in found.items()} == {
        "weights": "face",
        "rotation": "head",
        "translation": "head",
    }
    for _, times, _ in found.values():
        np.testing.assert_allclose(times, np.arange(FRAMES) / 25, atol=1e-6)
    names = file.meshes[0].extras["targetNames"]
    assert names[: len(MODEL.names)] == list(MODEL.names) and len(set(names)) == 100
    assert "Synthetic" in file.asset.copyright


def test_the_front_is_in_front(file: pygltflib.GLTF2) -> None:
    """Most triangles of a face turn to +z, where glTF's faces look, counted the right way round."""
    primitive, _ = file.meshes[0].primitives
    corners = array(file, primitive.attributes.POSITION)[
        array(file, primitive.indices).reshape(-1, 3)
    ]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert normal[:, 2].sum() > 0.9 * np.abs(normal[:, 2]).sum()


def test_a_blink_hides_what_is_behind_the_lids(file: pygltflib.GLTF2) -> None:
    """Skin and what is behind it are the model's triangles; of the dark ones between the lids
    hardly anything is left where both lids' weight is 1.
    """
    skin, inside = file.meshes[0].primitives
    parts = [array(file, p.indices).reshape(-1, 3) for p in (skin, inside)]
    np.testing.assert_array_equal(np.concatenate(parts), MODEL.triangles)
    skin_color, inside_color = (
        np.mean(file.materials[p.material].pbrMetallicRoughness.baseColorFactor[:3])
        for p in (skin, inside)
    )
    assert inside_color < 0.1 * skin_color
    rest = array(file, inside.attributes.POSITION)
    names = file.meshes[0].extras["targetNames"]
    lids = [inside.targets[names.index(name)]["POSITION"] for name in ("blink_l", "blink_r")]
    shut = rest + sum(array(file, number) for number in lids)
    assert _seen(shut, parts[1][:28]) < 0.2 * _seen(rest, parts[1][:28])


def _seen(points: np.ndarray, triangles: np.ndarray) -> float:
    """Their area from the front."""
    a, b, c = (points[triangles[:, k], :2] for k in range(3))
    u, v = b - a, c - a
    return float(np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]).sum())


def test_between_frames_the_head_goes_the_shorter_way(file: pygltflib.GLTF2) -> None:
    turn = tracks(file)["rotation"][2]
    assert ((turn[1:] * turn[:-1]).sum(1) >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(turn, axis=1), 1, atol=1e-6)


def test_a_full_smile_has_weight_one(tmp_path: Path) -> None:
    beta = MODEL.beta(smile_l=1, smile_r=1)[None]
    write_glb(tmp_path / "s.glb", Motion(beta=beta, pose=np.zeros((1, 6)), blink=np.zeros(1)))
    file = pygltflib.GLTF2().load_binary(str(tmp_path / "s.glb"))
    weights = tracks(file)["weights"][2].ravel()
    expected = np.zeros(100)
    expected[[MODEL.index("smile_l"), MODEL.index("smile_r")]] = 1
    np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_what_cannot_be_written_is_refused(tmp_path: Path, motion: Motion) -> None:
    with pytest.raises(ElpError, match="ending"):
        write_glb(tmp_path / "out.gltf", motion)
    with pytest.raises(ElpError, match="empty"):
        write_glb(tmp_path / "out.glb", motion[:0])
    assert not list(tmp_path.iterdir())
