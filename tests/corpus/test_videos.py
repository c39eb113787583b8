"""Building a corpus from many videos: killed, resumed, in parallel, with videos that fail."""

import json
import multiprocessing
import random
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from elp.corpus.importers import import_corpus
from elp.corpus.videos import _cache
from elp.errors import ElpError
from tests import light

LIGHT = "tests.light:extract"
build = partial(import_corpus, "folder")


def videos(folder: Path, count: int, broken: int = 0) -> Path:
    folder.mkdir(parents=True)
    for k in range(count):
        (folder / f"v{k:02d}.mp4").write_text(str(60 + k) if k >= broken else "no face in it")
    return folder


def contents(corpus: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(corpus.iterdir())}


def test_killed_at_random_moments_it_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    source, log = videos(tmp_path / "videos", 14, broken=1), tmp_path / "log"
    whole = build(source, tmp_path / "whole", extract=LIGHT, scheduler="threads").folder
    dest, rng = tmp_path / "resumed", random.Random(0)
    # imports once: each run is its own process, started at once
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["elp.corpus.importers", "dask.callbacks", "tests.light"])
    started = lambda: len(log.read_text().split())  # noqa: E731  videos whose extraction began, over all runs
    log.touch()
    for _ in range(5):
        already = started()
        run = server.Process(target=light.build_slowly, args=(source, dest, log))
        run.start()
        while run.is_alive() and started() <= already:
            time.sleep(0.005)  # into the work, then any moment of the next few videos
        time.sleep(rng.uniform(0, 0.25))
        run.kill()
        run.join()
        assert run.exitcode == -signal.SIGKILL
        assert not dest.exists()
    finished, before = len(list((tmp_path / ".resumed.clips").glob("[!.]*.npz"))), started()
    assert finished > 0
    run = server.Process(target=light.build_slowly, args=(source, dest, log))
    run.start()
    run.join(60)
    assert run.exitcode == 0
    assert started() - before == 14 - finished  # no finished video was redone
    assert contents(dest) == contents(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "resumed", "videos", "whole"]


def test_failures_are_reported_and_cost_no_other_video(tmp_path: Path) -> None:
    corpus = build(
        videos(tmp_path / "videos", 5, broken=2), tmp_path / "c", extract=LIGHT, scheduler="threads"
    )
    assert list(corpus.index["clip"]) == ["v02", "v03", "v04"]
    assert corpus.card["skipped"] == [
        {"row": f"v0{k}.mp4", "reason": f"v0{k}.mp4: no face in it"} for k in (0, 1)
    ]
    assert set(corpus.index["role"]) == {"both"}


def test_processes_give_what_threads_give(tmp_path: Path) -> None:
    source = videos(tmp_path / "videos", 4)
    one = build(source, tmp_path / "one", extract=LIGHT, scheduler="threads")
    with pytest.raises(ElpError, match="0 workers"):
        build(source, tmp_path / "none", extract=LIGHT, workers=0)
    two = build(source, tmp_path / "two", extract=LIGHT, workers=2)
    assert contents(one.folder) == contents(two.folder)


def test_an_existing_cluster_does_the_work(tmp_path: Path) -> None:
    from dask.distributed import LocalCluster

    source = videos(tmp_path / "videos", 4)
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="tcp"
    ) as cluster:
        corpus = build(source, tmp_path / "c", extract=LIGHT, scheduler=cluster.scheduler_address)
    assert list(corpus.index["length"]) == [60, 61, 62, 63]


def test_pairs_of_videos(tmp_path: Path) -> None:
    folder = videos(tmp_path / "videos", 8, broken=1)
    rows = [
        {
            "speaker": f"v{2 * k:02d}.mp4",
            "listener": f"v{2 * k + 1:02d}.mp4",
            "emotion": "positive" if k % 2 else "",
        }
        for k in range(4)
    ]
    pd.DataFrame(rows).to_csv(folder / "pairs.csv", index=False)
    corpus = build(folder, tmp_path / "c", extract=LIGHT, scheduler="threads")
    assert len(corpus.pairs()) == 3  # the pair of the broken video is gone as a whole
    assert corpus.card["skipped"][0]["row"] == "pairs.csv line 2"
    assert set(corpus.index["split"]) <= {"train", "val", "test"}
    pair = corpus.pairs().iloc[0]
    assert (pair["speaker"], pair["listener"], pair["length"]) == ("v02", "v03", 62)
    assert corpus.emotions == ["negative", "neutral", "positive"]
    np.testing.assert_array_equal(corpus.pairs()["emotion"], [2, -1, 2])


def test_one_build_at_a_time(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    source = videos(tmp_path / "videos", 2)
    (tmp_path / ".c.clips").mkdir()
    with (tmp_path / ".c.clips" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ElpError, match="another run is building"):
            build(source, tmp_path / "c", extract=LIGHT)
    assert len(build(source, tmp_path / "c", extract=LIGHT, scheduler="threads")) == 2


def test_bad_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dask import distributed

    patient = distributed.Client
    monkeypatch.setattr(
        distributed, "Client", lambda address, timeout: patient(address, timeout="0.2s")
    )  # not the five seconds of a user
    source = videos(tmp_path / "videos", 2, broken=2)
    with pytest.raises(ElpError, match=r"none of 2 rows .* v00\.mp4: no face"):
        build(source, tmp_path / "c", extract=LIGHT, scheduler="threads")
    with pytest.raises(ElpError, match="no such function"):
        build(source, tmp_path / "c", extract="tests.light:nothing")
    with pytest.raises(ElpError, match="no Dask cluster answers"):
        build(source, tmp_path / "c", extract=LIGHT, scheduler="tcp://127.0.0.1:9")
    with pytest.raises(ElpError, match=r"missing\.mp4"):
        build([tmp_path / "missing.mp4"], tmp_path / "c", extract=LIGHT, scheduler="threads")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ElpError, match="no video in it"):
        build(tmp_path / "empty", tmp_path / "c", extract=LIGHT)


def test_the_card_tells_how_it_was_made(tmp_path: Path) -> None:
    corpus = build(
        videos(tmp_path / "videos", 3), tmp_path / "c", extract=LIGHT, scheduler="threads"
    )
    card = json.loads((corpus.folder / "card.json").read_text())
    assert card["made"]["extract"] == LIGHT
    assert card["clips"] == 3
    corpus.verify()


@pytest.mark.parametrize("length", [1, 200, 248, 249, 255])
def test_the_folder_of_finished_clips_has_a_name_that_disks_take(tmp_path, length):
    cache = _cache(tmp_path / ("c" * length))
    cache.mkdir()
    assert cache.parent == tmp_path and cache.name.startswith(".")
    assert cache == _cache(tmp_path / ("c" * length))  # the next run finds it
