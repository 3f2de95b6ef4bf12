"""Clusters that diffusion maps vote for, and the start of image clusterers by them."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from skdeepclust import _initial_centers
from skdeepclust._initial_centers import first_clusters
from skdeepclust._spectral_starts import SpectralConsensus
from skdeepclust._valley_votes import ValleyVotes
from skdeepclust._valleys import DEEP_IN_MAP


def rods(n=600, d=6, seed=0):
    """Five long clusters, each with a direction of its own."""
    rng = np.random.RandomState(seed)
    y = rng.randint(5, size=n)
    centers = 5 * rng.normal(size=(5, d))
    directions = rng.normal(size=(5, d))
    along = rng.normal(size=(n, 1)) * 2
    X = centers[y] + along * directions[y] + rng.normal(size=(n, d)) / 2
    return X.astype(np.float32), y


def test_clusters_and_their_depth():
    X, y = rods()
    votes = ValleyVotes(5, 5, 0)
    assert votes.fit(X[:450])
    first = votes.depth
    votes.vote(X[:450])
    assert adjusted_rand_score(y[:450], votes.predict(X[:450])) > 0.95
    assert adjusted_rand_score(y[450:], votes.predict(X[450:])) > 0.95  # not in the fit
    assert min(first, votes.depth) > DEEP_IN_MAP
    # Half of a class with another one, and a class cut in two, are less far apart.
    cut = np.where((y == 0) & (X[:, 0] > np.median(X[y == 0, 0])), 1, y)[:450]
    assert votes.depth_of(cut) < votes.depth_of(y[:450]) - 1
    assert votes.depth_of(np.where(y == 4, 3, y)[:450]) == 0  # four clusters


def test_the_same_seed_finds_the_same():
    X, _ = rods(400)
    found = []
    for _ in range(2):
        votes = ValleyVotes(5, 5, 0)
        votes.fit(X)
        votes.vote(X)
        found.append((votes.depth, votes.predict(X)))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_copies_of_a_sample_are_no_cluster():
    X, y = rods()
    copied = np.concatenate([X, np.repeat(X[:5], 60, axis=0)])
    votes = ValleyVotes(5, 5, 0)
    votes.fit(copied)
    votes.vote(copied)
    assert adjusted_rand_score(y, votes.predict(copied)[:600]) > 0.95


@pytest.mark.parametrize(
    ("X", "n_clusters"),
    [
        (rods(90)[0], 5),  # nine clusters at first: too few for five
        (np.ones((300, 3), dtype=np.float32), 3),
        (np.repeat(rods(3)[0], 100, axis=0), 3),
        (rods(900)[0], 60),  # a map would have 90, and take long
    ],
    ids=["few", "constant", "three points", "many clusters"],
)
def test_too_little_to_look_at(X, n_clusters):
    assert not ValleyVotes(n_clusters, 2, 0).fit(X)


def test_a_map_without_enough_clusters(monkeypatch):
    X, _ = rods()
    votes = ValleyVotes(5, 5, 0)
    monkeypatch.setattr("skdeepclust._valley_votes.levels", lambda *_: iter(()))
    assert votes.fit(X)
    assert votes.depth == 0


# -- the start of image clusterers -----------------------------------------------------


def noise(n=600, d=6):
    return np.random.RandomState(1).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("place", [0, 1])
def test_the_space_in_which_clusters_are_apart_is_taken(place):
    X, y = rods()
    spaces = [noise(), noise()[::-1].copy()]
    spaces[place] = X
    labels = first_clusters(*spaces, 5, 5, 0)
    assert adjusted_rand_score(y, labels) > 0.9


def test_a_consensus_that_merges_two_classes_is_not_taken(monkeypatch):
    X, y = rods()
    wrong = np.where(y == 4, 3, y)
    wrong[(y == 0) & (X[:, 0] > np.median(X[y == 0, 0]))] = 4
    monkeypatch.setattr(SpectralConsensus, "predict", lambda self, Z: wrong)
    labels = first_clusters(noise(), X, 5, 5, 0)
    assert adjusted_rand_score(y, wrong) < 0.8
    assert adjusted_rand_score(y, labels) > 0.95


def test_a_consensus_that_is_as_far_apart_is_kept(monkeypatch):
    X, _ = rods()
    voted = []
    monkeypatch.setattr(ValleyVotes, "vote", lambda self, Z: voted.append(True))
    spectral = SpectralConsensus(5, 5, 0)
    spectral.fit(X)
    labels = first_clusters(noise(), X, 5, 5, 0)
    assert adjusted_rand_score(spectral.labels, labels) > 0.95
    assert not voted


def test_without_valleys_the_agreement_decides(monkeypatch):
    chosen = {}
    init = _initial_centers._Start.__init__

    def keep(self, *args):
        init(self, *args)
        chosen[self.agreement] = self.labels
        assert self.depth < DEEP_IN_MAP

    monkeypatch.setattr(_initial_centers._Start, "__init__", keep)
    X, _ = make_blobs(600, 6, centers=1, random_state=0)
    labels = first_clusters(X.astype(np.float32), noise(), 5, 5, 0)
    assert len(chosen) == 2
    assert adjusted_rand_score(chosen[max(chosen)], labels) == 1
