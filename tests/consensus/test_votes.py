"""Votes, agreement, stability and groups of runs, from labels alone."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from skdeepclust.consensus import _votes
from skdeepclust.consensus._votes import (
    Vote,
    agreement_of_runs,
    groups_of_runs,
    jaccard_with_runs,
)


def runs_of(y, flips, n_runs=5):
    """Runs that rename the clusters and get a share of the samples wrong."""
    rng = np.random.RandomState(0)
    k, found = y.max() + 1, []
    for _ in range(n_runs):
        labels = rng.permutation(k)[y]
        wrong = rng.uniform(size=len(y)) < flips
        labels[wrong] = rng.randint(k, size=wrong.sum())
        found.append(labels)
    return np.stack(found)


def test_names_of_clusters_do_not_matter():
    y = np.repeat([0, 1, 2], [30, 20, 10])
    vote = Vote(3, 5, 0).fit(runs_of(y, 0))
    labels, shares = vote.predict(runs_of(y, 0))
    assert adjusted_rand_score(y, labels) == 1
    assert vote.n_clusters == 3
    np.testing.assert_array_equal(shares.max(axis=1), 1)


def test_errors_that_differ_cancel():
    y = np.arange(600) % 4
    found = runs_of(y, 0.3, 9)
    labels, shares = Vote(4, 5, 0).fit(found).predict(found)
    alone = [adjusted_rand_score(y, each) for each in found]
    assert adjusted_rand_score(y, labels) > 0.95 > max(alone) + 0.2
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    of_labels = shares[np.arange(len(y)), labels]
    np.testing.assert_array_equal(of_labels, shares.max(axis=1))


def test_a_run_that_splits_a_cluster_agrees():
    y = np.repeat([0, 1], 50)
    split = y.copy()
    split[:20] = 2
    found = np.stack([y, 1 - y, split])
    labels, shares = Vote(2, 5, 0).fit(found).predict(found)
    assert adjusted_rand_score(y, labels) == 1
    assert shares.max(axis=1).min() == 1


def test_the_vote_of_every_run():
    y = np.repeat([0, 1, 2], [30, 20, 10])
    found = runs_of(y, 0.2)
    vote = Vote(3, 5, 0).fit(found)
    labels, shares = vote.predict(found)
    votes = vote.votes(found)
    assert votes.shape == found.shape
    np.testing.assert_allclose((votes == labels).mean(axis=0), shares.max(axis=1))
    odd = found.copy()
    odd[0, 0], odd[1, 0] = -1, 99  # noise, and a cluster that the run did not have
    np.testing.assert_array_equal(vote.votes(odd)[:2, 0], -1)
    np.testing.assert_array_equal(vote.votes(odd)[:, 1:], votes[:, 1:])


def test_noise_votes_for_no_cluster():
    y = np.repeat([0, 1], 50)
    some, all_noise = y.copy(), y.copy()
    some[:5] = -1
    all_noise[0] = -1
    found = np.stack([some, all_noise, all_noise])
    labels, shares = Vote(2, 5, 0).fit(found).predict(found)
    assert labels[0] == -1
    assert not shares[0].any()
    np.testing.assert_allclose(shares[1:5].max(axis=1), 2 / 3)
    assert shares[5:].max(axis=1).min() == 1
    assert adjusted_rand_score(y[1:], labels[1:]) == 1


def test_agreement_is_the_adjusted_rand_index():
    found = runs_of(np.arange(90) % 3, 0.2, 4)
    ari = agreement_of_runs(found)
    assert ari[1, 3] == ari[3, 1] == adjusted_rand_score(found[1], found[3])
    np.testing.assert_array_equal(ari.diagonal(), 1)


def test_jaccard_by_hand():
    labels = np.array([0, 0, 0, 1, 1, -1])
    found = np.array([[5, 5, 2, 2, 2, 0], [0, 0, 0, 1, -1, 1]])
    expected = [[2 / 3, 1.0], [2 / 3, 1 / 3]]
    np.testing.assert_allclose(jaccard_with_runs(labels, found), expected)


def ari_of_blocks(sizes, within, between):
    group = np.repeat(np.arange(len(sizes)), sizes)
    ari = np.where(group[:, None] == group, within, between)
    np.fill_diagonal(ari, 1)
    return ari, group


def test_groups_of_runs():
    ari, group = ari_of_blocks([3, 5], 0.95, 0.5)
    np.testing.assert_array_equal(groups_of_runs(ari), 1 - group)  # 0 is the largest
    ari, group = ari_of_blocks([4, 3, 2], 0.9, 0.4)
    np.testing.assert_array_equal(groups_of_runs(ari), group)


@pytest.mark.parametrize(
    ("sizes", "within", "between"),
    [
        ([8], 0.6, 0.6),  # one group
        ([4, 4], 0.95, 0.92),  # hardly different
        ([7, 1], 0.95, 0.3),  # a single run is no group
        ([2, 1], 0.95, 0.1),  # too few
    ],
)
def test_no_groups_of_runs(sizes, within, between):
    assert not groups_of_runs(ari_of_blocks(sizes, within, between)[0]).any()


@pytest.mark.parametrize("worse", ["_aligned_vote", "cluster_embedding"])
def test_of_two_ways_that_counts_which_agrees_more_with_the_runs(worse, monkeypatch):
    y = np.arange(400) % 4
    found = runs_of(y, 0.1, 6)
    random = np.random.RandomState(0).randint(4, size=400)
    result = {"_aligned_vote": random, "cluster_embedding": (None, random)}[worse]
    monkeypatch.setattr(_votes, worse, lambda *args, **kwargs: result)
    labels, _ = Vote(4, 5, 0).fit(found).predict(found)
    assert adjusted_rand_score(y, labels) > 0.95
