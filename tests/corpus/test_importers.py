"""Importers: fixtures written here in exactly the published layouts, and the real samples where
there are some.
"""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from elp.corpus import Record, importers
from elp.corpus.importers import IMPORTERS, import_corpus, l2l
from elp.corpus.importers.common import by_person
from elp.corpus.importers.importer import Importer
from elp.corpus.importers.resample import events, frames_at, known, linear, rotations
from elp.errors import ElpError
from elp.motion import PROSODY, Motion

RNG = np.random.default_rng(0)
ANALYSER = "emotional_speech/ref2_analyzer/Emotion_Voice_Detection_Model.h5"


def tone(path: Path, seconds: float, rate: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(
        path, 0.1 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * rate)) / rate), rate
    )


def deep3d(
    path: Path, frames: int, angles: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> np.ndarray:
    coeff = RNG.standard_normal((frames, 257)).astype(np.float32)
    coeff[:, 224:227] = angles
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"coeff": coeff, "transform_params": np.zeros((frames, 5), np.float32)})
    return coeff


def vico(root: Path) -> list[dict[str, str]]:
    """Four rows: two good, one without a listener's .mat, one with a truncated .mat."""
    rows = []
    for k, (attitude, split) in enumerate(
        [("positive", "train"), ("neutral", "ood"), ("negative", "test"), ("negative", "train")]
    ):
        names = {"audio": f"a{k}.wav", "listener": f"l{k}.mp4", "speaker": f"s{k}.mp4"}
        rows.append(
            {
                "attitude": attitude,
                **names,
                "listener_id": f"{10 + k}",
                "speaker_id": f"{k}",
                "data_split": split,
            }
        )
        tone(root / "audios" / names["audio"], 2.0, 44100)
        for who in "ls":
            if (k, who) != (2, "l"):
                deep3d(root / "recons" / f"{who}{k}.mat", 60, (0.3, 0.0, 0.0))
    broken = root / "recons" / "l3.mat"
    broken.write_bytes(broken.read_bytes()[:200])
    pd.DataFrame(rows).to_csv(root / "RLD_data.csv", index=False)
    return rows


def test_vico_coefficients(tmp_path: Path) -> None:
    vico(tmp_path / "vico")
    coeff = deep3d(tmp_path / "vico" / "recons" / "l0.mat", 60, (0.3, 0.2, -0.1))
    corpus = import_corpus("vico", tmp_path / "vico", tmp_path / "out")
    assert [row["row"] for row in corpus.card["skipped"]] == [
        "RLD_data.csv line 4",
        "RLD_data.csv line 5",
    ]
    assert "l2.mp4" in corpus.card["skipped"][0]["reason"]
    assert "l3.mat" in corpus.card["skipped"][1]["reason"]
    assert len(corpus) == 4
    assert set(corpus.index["length"]) == {50}  # 60 frames at 30 fps
    assert dict(zip(corpus.index["person"], corpus.index["split"], strict=True)) == {
        "0": "train",
        "10": "train",
        "1": "test",
        "11": "test",
    }
    pair = next(corpus.pairs("train").itertuples())
    assert corpus.emotions[pair.emotion] == "positive"
    heard = corpus.listener(pair)
    assert heard.beta.shape == (50, 64)
    # every fifth frame falls on a sixth
    np.testing.assert_allclose(heard.beta[::5], coeff[::6, 80:144], rtol=2e-3, atol=1e-3)
    turn = Rotation.from_euler("xyz", [0.3, 0.2, -0.1]).as_rotvec() * [1, -1, -1]
    np.testing.assert_allclose(heard.pose[0, :3], turn, rtol=2e-3)
    assert corpus.speaker(pair).mfcc.any()
    assert corpus.speaker(pair).prosody[2:-2, PROSODY.index("voiced")].all()  # the tone


def test_vico_raw_videos_are_extracted(tmp_path: Path) -> None:
    rows = vico(tmp_path / "vico")
    for path in (tmp_path / "vico" / "recons").glob("*.mat"):
        path.unlink()
    for k, row in enumerate(rows[:2]):
        for who in ("listener", "speaker"):
            (tmp_path / "vico" / "videos").mkdir(exist_ok=True)
            (tmp_path / "vico" / "videos" / row[who]).write_bytes(b"40" if k == 0 else b"no face")
    corpus = import_corpus(
        "vico",
        tmp_path / "vico",
        tmp_path / "out",
        extract="tests.light:extract",
        scheduler="threads",
    )
    assert list(corpus.index["length"]) == [40, 40]
    assert len(corpus.card["skipped"]) == 3
    assert "no face" in corpus.card["skipped"][0]["reason"]


@pytest.mark.parametrize("column", ["attitude", "data_split", "listener_id"])
def test_a_missing_column_names_itself(tmp_path: Path, column: str) -> None:
    rows = vico(tmp_path / "vico")
    pd.DataFrame(rows).drop(columns=column).to_csv(tmp_path / "vico" / "RLD_data.csv", index=False)
    with pytest.raises(ElpError, match=f"no column '{column}'"):
        import_corpus("vico", tmp_path / "vico", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def l2l_fixture(root: Path, windows: int = 3) -> dict[str, np.ndarray]:
    out = {}
    for split in ("train", "test"):
        folder = root / "conan" / split
        folder.mkdir(parents=True)
        for side in (0, 1):
            out[f"{split}{side}s"] = RNG.standard_normal((windows, 64, 184)).astype(np.float32)
            out[f"{split}{1 - side}l"] = RNG.standard_normal((windows, 64, 184)).astype(np.float32)
            np.save(folder / f"p{side}_speak_faces_clean_deca.npy", out[f"{split}{side}s"])
            np.save(folder / f"p{1 - side}_list_faces_clean_deca.npy", out[f"{split}{1 - side}l"])
            np.save(
                folder / f"p{side}_speak_audio_clean_deca.npy",
                RNG.uniform(-80, 0, (windows, 256, 128)).astype(np.float32),
            )
            np.save(
                folder / f"p{side}_speak_files_clean_deca.npy", np.full((windows, 64, 3), "video")
            )
    return out


def test_l2l_pairs_p0_speaker_with_p1_listener(tmp_path: Path) -> None:
    data = l2l_fixture(tmp_path / "data")
    corpus = import_corpus("l2l", tmp_path, tmp_path / "out")
    assert len(corpus) == 2 * 2 * 3 * 2  # splits, sides, windows, people
    assert set(corpus.index["length"]) == {53}  # 64 frames at 30 fps
    pair = next(p for p in corpus.pairs("train").itertuples() if p.clip == "conan/train/p0/00001")
    assert (pair.speaker, pair.listener, pair.emotion) == ("conan_p0", "conan_p1", -1)
    np.testing.assert_allclose(
        corpus.listener(pair).beta[::5], data["train1l"][1, ::6, :50], rtol=2e-3, atol=1e-3
    )
    np.testing.assert_allclose(
        corpus.speaker(pair).motion.beta[0], data["train0s"][1, 0, :50], rtol=2e-3, atol=1e-3
    )
    jaw = corpus.listener(pair).pose[0, 3:]
    np.testing.assert_allclose(jaw, data["train1l"][1, 0, 53:56], rtol=2e-3, atol=1e-3)
    assert corpus.speaker(pair).mfcc.std() > 0
    assert corpus.prosody is None and corpus.card["prosody"] == 0  # mel spectra hold no pitch


def test_l2l_broken_files_are_listed(tmp_path: Path) -> None:
    l2l_fixture(tmp_path)
    faces = tmp_path / "conan" / "train" / "p1_list_faces_clean_deca.npy"
    np.save(faces, np.load(faces)[:2])  # one window less
    bad = np.load(tmp_path / "conan" / "test" / "p0_speak_faces_clean_deca.npy")
    bad[1, 5] = np.nan
    np.save(tmp_path / "conan" / "test" / "p0_speak_faces_clean_deca.npy", bad)
    objects = tmp_path / "conan" / "train" / "p0_list_faces_clean_deca.npy"
    np.save(objects, np.array([{}], object), allow_pickle=True)  # a pickle must not be opened
    corpus = import_corpus("l2l", tmp_path, tmp_path / "out")
    reasons = {row["row"]: row["reason"] for row in corpus.card["skipped"]}
    assert set(reasons) == {"conan/train/p0", "conan/train/p1", "conan/test/p0/00001"}
    assert "p1_list_faces_clean_deca.npy 2" in reasons["conan/train/p0"]
    assert "NaN" in reasons["conan/test/p0/00001"]
    assert len(corpus) == 2 * 5


def test_mel_powers_and_decibels_give_the_same_cepstra() -> None:
    power = RNG.uniform(1e-4, 1, (256, 128))
    np.testing.assert_allclose(
        l2l.cepstra(power, 53), l2l.cepstra(10 * np.log10(power), 53), atol=1e-4
    )
    assert l2l.cepstra(power, 53).shape == (53, 29)
    # rows that do not make up a frame of four are left out
    whole = l2l.cepstra(power, 64)
    for spare in (1, 2, 3):
        odd = np.concatenate([power, RNG.uniform(1e-4, 1, (spare, 128))])
        np.testing.assert_array_equal(l2l.cepstra(odd, 64), whole)


def dualtalk(root: Path, clip: str, frames: int = 40) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for who in ("speaker1", "speaker2"):
        shapes = {
            "exp": (frames, 50),
            "pose": (frames, 6),
            "shape": (frames, 100),
            "cam": (frames, 3),
            "light": (frames, 9, 3),
            "tex": (frames, 50),
        }
        np.savez(
            root / f"{clip}_{who}.npz",
            **{
                name: RNG.standard_normal(shape).astype(np.float32)
                for name, shape in shapes.items()
            },
        )
        tone(root / f"{clip}_{who}.wav", frames / 25, 16000)


def test_dualtalk_gives_both_directions(tmp_path: Path) -> None:
    for split, clip in (("train", "a"), ("test", "b"), ("ood", "c"), ("train", "d")):
        dualtalk(tmp_path / "dt" / split, clip)
    (tmp_path / "dt" / "train" / "d_speaker1.wav").unlink()
    corpus = import_corpus("dualtalk", tmp_path / "dt", tmp_path / "out")
    assert len(corpus) == 7
    assert [row["row"] for row in corpus.card["skipped"]] == ["d_speaker1"]
    assert len(corpus.pairs("train")) == 2
    assert len(corpus.pairs("test_ood")) == 2
    heard = corpus.speaker(next(corpus.pairs("test").itertuples()))
    assert heard.mfcc.any() and heard.prosody[2:-2, PROSODY.index("voiced")].all()


@pytest.mark.shared_data
def test_dualtalk_sample(shared_data: Path, tmp_path: Path) -> None:
    corpus = import_corpus(
        "dualtalk",
        shared_data / "dyadic/dualtalk_demo",
        tmp_path / "out",
        analyser=shared_data / ANALYSER,
    )
    assert list(corpus.index["length"]) == [587]
    assert corpus.beta.shape == (587, 50)
    assert "speaker1.npz" in corpus.card["skipped"][0]["reason"]  # the demo ships one person's face
    assert corpus.index["emotion"].isin(["positive", "unpositive"]).all()


def vc_resolution(root: Path, frames: int = 90) -> None:
    for dyad in (1, 11, 13, 15):
        for condition in ("240p", "1080p"):
            for feature in ("au06_r", "au12_r", "body_motion", "gaze"):
                name = (
                    f"s{dyad}_0ms_{condition}.csv"
                    if feature == "gaze"
                    else f"{condition}_s{dyad}_0.csv"
                )
                x = (
                    RNG.integers(1, 4, (frames, 2))
                    if feature == "gaze"
                    else RNG.uniform(0, 5, (frames, 2)).round(2)
                )
                if feature == "gaze" and dyad == 1:
                    x[30:36, 0] = 0
                path = root / "data/real_dyads" / feature / condition / name
                path.parent.mkdir(parents=True, exist_ok=True)
                head = (
                    "Participant_A Participant_B"
                    if feature == "gaze"
                    else '"Participant_A" "Participant_B"'
                )
                path.write_bytes(
                    ("\r\n".join([head, *(f"{a:g} {b:g}" for a, b in x)]) + "\r\n").encode()
                )


@pytest.mark.parametrize("packed", [False, True])
def test_vc_resolution(tmp_path: Path, packed: bool) -> None:
    source = tmp_path / "vc"
    vc_resolution(source)
    bad = source / "data/real_dyads/au12_r/240p/240p_s15_0.csv"
    bad.write_text(bad.read_text().replace('"Participant_B"', '"Somebody"'))
    (source / "data/real_dyads/gaze/1080p/s13_0ms_1080p.csv").unlink()
    if packed:
        with zipfile.ZipFile(tmp_path / "vc.zip", "w") as file:
            for path in source.rglob("*.csv"):
                file.write(path, path.relative_to(source))
        source = tmp_path / "vc.zip"
    corpus = import_corpus("vc-resolution", source, tmp_path / "out")
    # action units beside a logarithm: nothing to compare
    assert (corpus.units == corpus.stats["beta"].std).all()
    reasons = {row["row"]: row["reason"] for row in corpus.card["skipped"]}
    assert "no column 'Participant_B'" in reasons["s15_240p"]
    assert "no file of gaze" in reasons["s13_1080p"]
    assert len(corpus) == 2 * (8 - 2)
    assert set(corpus.index["length"]) == {75}
    assert corpus.card["beta"] == 4
    splits = (
        corpus.index.assign(dyad=corpus.index["clip"].str.split("_").str[0])
        .groupby("dyad")["split"]
        .nunique()
    )
    assert (splits == 1).all()  # a dyad's conditions stay together
    seen = corpus.index[corpus.index["person"] == "s1_A"].iloc[0]
    missing = ~corpus.valid[seen["offset"] :][:75]
    assert 4 <= missing.sum() <= 7
    assert missing[26:29].all()


@pytest.mark.parametrize("packed", [False, True])
def test_vc_resolution_reads_no_table_without_bounds(tmp_path: Path, packed: bool) -> None:
    source = tmp_path / "vc"
    vc_resolution(source)
    with (source / "data/real_dyads/au12_r/240p/240p_s15_0.csv").open("ab") as file:
        file.truncate(17 << 20)  # zeros, which a .zip holds in a few bytes
    if packed:
        with zipfile.ZipFile(tmp_path / "vc.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in source.rglob("*.csv"):
                archive.write(path, path.relative_to(source))
        source = tmp_path / "vc.zip"
    corpus = import_corpus("vc-resolution", source, tmp_path / "out")
    reason = next(row["reason"] for row in corpus.card["skipped"] if row["row"] == "s15_240p")
    assert "16" in reason and "MiB" in reason


@pytest.mark.shared_data
def test_vc_resolution_sample(shared_data: Path, tmp_path: Path) -> None:
    corpus = import_corpus(
        "vc-resolution", shared_data / "dyadic/vc_resolution_original.zip", tmp_path / "out"
    )
    assert len(corpus) == 90
    assert set(corpus.index["length"]) == {4500}
    assert corpus.card["skipped"] == []
    real = [
        np.corrcoef(corpus.listener(p).beta[:, 1], corpus.speaker(p).motion.beta[:, 1])[0, 1]
        for p in corpus.pairs().itertuples()
    ]
    assert abs(np.nanmean(real) - 0.22) < 0.02


def test_vc_delay(tmp_path: Path) -> None:
    def write(name: str, x: np.ndarray) -> None:
        path = tmp_path / "vc_delay" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = ["Participant_A Participant_B", *(f"{a:g} {b:g}" for a, b in x)]
        path.write_text("\n".join(rows) + "\n")

    motion = RNG.integers(0, 300, (90, 2))
    for session in (1, 2, 3, 5):
        for delay in (0, 1000):
            write(f"body_motion/1080p_{delay}ms/{delay}_s{session}_1080.csv", motion)
    gaze = np.full((90, 2), 3)
    gaze[30:36, 0], gaze[60:, 1] = 0, 1
    write("gaze/1080p_0ms/s1_1080p_0ms.csv", gaze)
    write("gaze/1080p_0ms/s3_1080p_0ms.csv", gaze[:80])
    corpus = import_corpus("vc-delay", tmp_path / "vc_delay", tmp_path / "out")
    # even sessions are another's signal
    assert set(corpus.index["person"]) == {f"s{n}_{side}" for n in (1, 3, 5) for side in "AB"}
    assert {row["row"] for row in corpus.card["skipped"]} == {"s3_0ms"}
    assert corpus.index.groupby("person")["split"].nunique().max() == 1
    rows = corpus.index.set_index(["clip", "person"])["offset"]
    one, other = (slice(rows["s1_0ms", f"s1_{side}"], None) for side in "AB")
    np.testing.assert_allclose(corpus.beta[one][0, 0], np.log1p(motion[0, 0]), rtol=1e-3)
    assert 4 <= (~corpus.valid[one][:75]).sum() <= 7
    assert corpus.beta[other][:45, 1].min() == 1 and corpus.beta[other][55:75, 1].max() == 0
    unknown = rows["s1_1000ms", "s1_A"]
    assert not corpus.beta[unknown : unknown + 75, 1].any()


@pytest.mark.shared_data
def test_vc_delay_sample(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "dyadic/vc_delay.zip"
    corpus = import_corpus("vc-delay", source, tmp_path / "out")
    assert corpus.index["person"].nunique() == 2 * 18
    assert set(corpus.index["length"]) == {4500}
    assert corpus.card["skipped"] == []


@pytest.mark.shared_data
def test_rmea_sample(shared_data: Path, tmp_path: Path) -> None:
    corpus = import_corpus(
        "rmea", shared_data / "dyadic/rmea_psychotherapy_25fps.npz", tmp_path / "out"
    )
    assert len(corpus) == 40
    assert set(corpus.index["length"]) == {15000}
    assert len(corpus.pairs()) == 40


def test_rmea_text_files(tmp_path: Path) -> None:
    for name in ("normal/200_01", "normal/201_01", "dropout/100_01"):
        (tmp_path / "r" / name).parent.mkdir(parents=True, exist_ok=True)
        np.savetxt(tmp_path / "r" / f"{name}.txt", RNG.uniform(0, 900, (60, 2)))
    (tmp_path / "r" / "normal/202_01.txt").write_text("no numbers here\n")
    corpus = import_corpus("rmea", tmp_path / "r", tmp_path / "out")
    assert len(corpus) == 6
    assert [row["row"] for row in corpus.card["skipped"]] == ["202_01.txt"]
    assert set(corpus.index["split"]) == {"train", "val", "test"}


def test_rmea_names_a_missing_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "r.npz", X=np.zeros((1, 9, 2), np.float32), id=np.array(["a"]))
    with pytest.raises(ElpError, match="no array 'fps'"):
        import_corpus("rmea", tmp_path / "r.npz", tmp_path / "out")


def test_unknown_formats_and_sources(tmp_path: Path) -> None:
    with pytest.raises(ElpError, match="unknown corpus format 'voxceleb'"):
        import_corpus("voxceleb", tmp_path, tmp_path / "out")
    with pytest.raises(ElpError, match="no such file"):
        import_corpus("l2l", tmp_path / "nowhere", tmp_path / "out")
    for kind in ("vico", "l2l", "dualtalk", "vc-resolution", "vc-delay", "rmea", "folder"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(ElpError):
            import_corpus(kind, tmp_path / "empty", tmp_path / "out")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def test_when_every_row_is_broken_the_first_reason_is_told(tmp_path: Path) -> None:
    vico(tmp_path / "vico")
    for path in (tmp_path / "vico" / "audios").glob("*"):
        path.unlink()
    with pytest.raises(ElpError, match=r"none of 4 rows .* a0\.wav"):
        import_corpus("vico", tmp_path / "vico", tmp_path / "out")


@given(st.integers(2, 400), st.sampled_from([24.0, 25.0, 29.97, 30.0, 50.0, 60.0]))
def test_resampling_keeps_lines_rotations_and_blinks(frames: int, fps: float) -> None:
    count = frames_at(frames, fps)
    assert (count - 1) / 25 <= (frames - 1) / fps + 1e-6 < count / 25 + 1e-6
    time, now = np.arange(frames) / fps, np.arange(count) / 25
    np.testing.assert_allclose(
        linear(np.stack([time, -2 * time], 1), fps), np.stack([now, -2 * now], 1), atol=1e-4
    )
    speed = np.array([0.4, -0.8, 1.2]) / time[-1]
    np.testing.assert_allclose(
        rotations(time[:, None] * speed, fps), now[:, None] * speed, atol=1e-4
    )
    flags = np.zeros(frames, np.uint8)
    flags[RNG.integers(frames)] = 1
    assert events(flags, fps).sum() >= 1  # the shortest blink survives
    assert len(events(flags, fps)) == len(known(flags == 0, fps)) == count


def test_rotations_take_the_short_way() -> None:
    x = np.array([[0, 0, 3.1], [0, 0, -3.1]])
    assert np.abs(rotations(np.repeat(x, 2, 0), 30.0)[:, 2]).min() > 3.0


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(31, 60)), min_size=1, max_size=80))
def test_nobody_is_in_two_splits(met: list[tuple[int, int]]) -> None:
    meetings = [(str(a), str(b)) for a, b in met]
    split = by_person(meetings)
    assert all(split[a] == split[b] for a, b in meetings)
    assert set(split) == {p for pair in meetings for p in pair}
    assert "train" in split.values()


def test_every_importer_file_is_registered() -> None:
    declared = {
        path.stem
        for path in Path(importers.__path__[0]).glob("*.py")
        if "IMPORTER =" in path.read_text()
    }
    assert {kind.replace("-", "_") for kind in IMPORTERS} == declared
    assert all(importer.card["licence"] and importer.reads for importer in IMPORTERS.values())


def test_a_new_importer_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(source, skipped, *, extraction):
        for name in source.read_text().split():
            if name == "broken":
                skipped.add(name, "says so itself")
                continue
            motion = Motion(beta=np.ones((30, 2)), pose=np.zeros((30, 6)), blink=np.zeros(30))
            yield Record(clip=name, person=name, partner="", role="both", motion=motion)

    card = {"name": "lines", "emotions": ["calm"], "licence": "none", "source": "a test"}
    entry = Importer(kind="lines", reads="a text of names", read=read, card=card)
    monkeypatch.setitem(IMPORTERS, entry.kind, entry)
    (tmp_path / "names.txt").write_text("ann broken bob")
    corpus = import_corpus("lines", tmp_path / "names.txt", tmp_path / "out")
    assert list(corpus.index["person"]) == ["ann", "bob"] and corpus.emotions == ["calm"]
    assert corpus.card["skipped"] == [{"row": "broken", "reason": "says so itself"}]
    with pytest.raises(ElpError, match="leave the analyser out"):
        import_corpus("lines", tmp_path / "names.txt", tmp_path / "new", analyser="weights.h5")
