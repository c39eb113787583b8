"""Probes and controls, on data whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from elp.book import probes

RNG = np.random.default_rng(0)
PEOPLE = np.repeat(np.arange(24), 6)


def test_a_mean_over_people_has_the_interval_of_people():
    values = RNG.normal(size=24)[PEOPLE]  # clips of one person say the same
    found = probes.over_people(values, PEOPLE, draws=2000)
    assert found["value"] == pytest.approx(values.mean())
    error = values[::6].std() / np.sqrt(24)
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_accuracy_is_balanced():
    labels = np.array([0] * 90 + [1] * 10)
    found = probes.balanced(labels, np.zeros(100, int), np.arange(100))
    assert found["value"] == 0.5  # who always says the frequent one knows nothing
    assert found["low"] <= 0.5 <= found["high"]
    assert probes.balanced(labels, labels, np.arange(100)) == {
        "value": 1.0,
        "low": 1.0,
        "high": 1.0,
    }


def test_a_probe_knows_what_is_there_and_nothing_else():
    labels = RNG.integers(0, 3, 144)
    noise = RNG.normal(size=(144, 8))
    there = probes.linear_probe(noise + 6 * np.eye(3, 8)[labels], labels, PEOPLE)
    assert np.mean(there == labels) > 0.95
    chance = probes.linear_probe(noise, labels, PEOPLE)
    assert probes.balanced(labels, chance, PEOPLE)["low"] < 1 / 3 + 0.05


def test_a_probe_cannot_be_bought_with_identity():
    """Features that name the person tell nothing about persons it has not seen."""
    labels = PEOPLE % 3
    features = 10 * np.eye(24)[PEOPLE] + RNG.normal(size=(144, 24))
    said = probes.linear_probe(features, labels, PEOPLE)
    assert np.mean(said == labels) < 0.6


def test_information_of_the_label_itself_is_its_entropy():
    recordings = np.repeat(np.arange(30), 4)
    labels = np.repeat(np.arange(30) % 3, 4)
    codes = np.stack([labels, RNG.integers(0, 8, 120)], 1)[:, None].repeat(5, 1)  # (B, T, H)
    counts = probes.counted(codes, recordings, 8)
    assert counts.sum() == codes.size
    of_recording = probes.labels_of(recordings, labels)
    known, nothing = probes.information(counts, of_recording)
    assert known == pytest.approx(np.log2(3))
    chance = probes.shuffled(counts, of_recording, permutations=50)
    assert chance[:, 0].max() < known
    assert chance[:, 1].min() < nothing < chance[:, 1].max()


def test_real_listeners_recognise_what_is_like_them():
    labels, asked = np.arange(90) % 3, RNG.integers(0, 3, 60)
    real = RNG.normal(size=(90, 4)) + 6 * np.eye(3, 4)[labels]
    like = RNG.normal(size=(60, 4)) + 6 * np.eye(3, 4)[asked]
    assert np.mean(probes.recognised(real, labels, like) == asked) > 0.95
    # apart, but not as the real ones are
    elsewhere = RNG.normal(size=(60, 4)) + 6 * np.eye(4)[asked][:, ::-1]
    assert np.mean(probes.recognised(real, labels, elsewhere) == asked) < 0.6
