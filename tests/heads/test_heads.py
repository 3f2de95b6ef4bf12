"""What the two heads promise that other estimators do not."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler

from skdeepclust import TEMI, Turtle
from skdeepclust._tensor_data import TensorData
from skdeepclust.heads import _temi, _turtle
from skdeepclust.heads._temi import NeighborPairs
from skdeepclust.heads._turtle import SpaceHeads, learned_classifier
from skdeepclust.inspection import compare_with_baselines

SMALL = {"random_state": 0, "device": "cpu"}


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(240, n_features=12, centers=4, random_state=3)
    return X.astype(np.float32), y


HEADS = {
    "temi": TEMI(4, n_heads=4, n_neighbors=10, max_epochs=15, **SMALL),
    "scan": TEMI(4, loss="scan", n_heads=4, n_neighbors=10, max_epochs=15, **SMALL),
    "hidden": TEMI(4, hidden_dim=16, n_heads=4, n_neighbors=10, max_epochs=15, **SMALL),
    "turtle": Turtle(4, max_epochs=150, **SMALL),
}


@pytest.mark.parametrize("name", HEADS)
def test_blobs_are_found_in_any_scale(name):
    X, y = make_blobs(150, n_features=12, centers=2, random_state=0)
    for features in (X, 1e-3 * X, 100 * X + 1000):
        head = clone(HEADS[name]).set_params(n_clusters=2, scale="standard")
        assert adjusted_rand_score(y, head.fit(features).labels_) > 0.95


# -- TEMI --------------------------------------------------------------------


def test_every_pair_is_a_sample_and_a_neighbour():
    Z = np.arange(10, dtype=np.float32)[:, None]
    neighbors = np.stack([(np.arange(10) + 1) % 10, (np.arange(10) + 3) % 10], axis=1)
    pairs = NeighborPairs(
        TensorData(Z, (1,), torch.device("cpu")), neighbors.astype(np.int32), 4, 0
    )
    seen, steps = [], set()
    for X, _ in pairs:
        own, other = X[:, 0].chunk(2)
        seen += own.tolist()
        steps |= set(((other - own) % 10).tolist())
    assert sorted(seen) == list(range(10))
    assert steps == {1.0, 3.0}


def test_the_head_of_least_loss_is_kept(blobs):
    head = HEADS["temi"].fit(blobs[0])
    assert head.head_labels_.shape == (240, 4)
    assert head.head_losses_.shape == (4,)
    assert head.best_head_ == head.head_losses_.argmin()
    np.testing.assert_array_equal(head.head_labels_[:, head.best_head_], head.labels_)
    last = head.history_["training"]["least_loss"][-1]
    assert last == pytest.approx(head.head_losses_.min())


@pytest.mark.parametrize("loss", ["temi", "scan"])
def test_random_weights_and_given_clusters(blobs, loss):
    X, y = blobs
    random = TEMI(4, loss=loss, init="random", max_epochs=40, **SMALL).fit(X)
    assert random.init_labels_ is None
    assert adjusted_rand_score(y, random.labels_) > 0.5
    given = TEMI(4, loss=loss, init=KMeans(n_init=5), max_epochs=2, **SMALL).fit(X)
    assert adjusted_rand_score(y, given.init_labels_) == 1
    assert adjusted_rand_score(y, given.labels_) > 0.95


def test_without_training_the_start_is_kept(blobs):
    head = TEMI(4, max_epochs=0, **SMALL).fit(blobs[0])
    assert adjusted_rand_score(head.init_labels_, head.labels_) > 0.95


def test_a_start_with_too_many_clusters_is_refused(blobs):
    class Many(KMeans):
        def fit_predict(self, X, y=None):
            return np.arange(len(X)) % 9

    with pytest.raises(ValueError, match="finds 9 clusters, but n_clusters=4"):
        TEMI(4, init=Many(), **SMALL).fit(blobs[0])


def test_more_neighbours_than_samples(blobs):
    X = blobs[0][:6]
    assert TEMI(2, max_epochs=1, **SMALL).fit(X).labels_.shape == (6,)
    assert TEMI(1, max_epochs=1, **SMALL).fit(X[:1]).labels_.shape == (1,)


def test_many_clusters():
    X = np.random.RandomState(0).randn(1500, 8).astype(np.float32)
    head = TEMI(1000, n_heads=1, n_neighbors=3, max_epochs=1, **SMALL).fit(X)
    assert head.predict_proba(X[:5]).shape == (5, 1000)


@pytest.mark.parametrize("name", ["temi", "turtle"])
def test_more_clusters_than_eigenvectors(name):
    X, y = make_blobs(1200, n_features=32, centers=80, random_state=0)
    head = clone(HEADS[name]).set_params(n_clusters=80, max_epochs=5)
    labels = head.fit_predict(X.astype(np.float32))
    assert adjusted_rand_score(y, labels) > 0.7


@pytest.mark.filterwarnings("ignore:The clusters collapsed")
def test_neighbours_are_not_more_than_a_cluster_has(blobs, monkeypatch):
    asked = []

    def neighbors(Z, n_neighbors, search, seed):
        asked.append(n_neighbors)
        return np.zeros((len(Z), n_neighbors), dtype=np.int32)

    monkeypatch.setattr(_temi, "neighbors_of", neighbors)
    for n_clusters, n in ((4, 240), (4, 40), (30, 90)):
        head = TEMI(n_clusters, init="random", max_epochs=1, **SMALL)
        head.fit(blobs[0][:n])
    assert asked == [50, 9, 5]


# -- TURTLE ------------------------------------------------------------------


def test_the_inner_classifier_takes_steps_of_adam():
    rng = np.random.RandomState(0)
    Z = torch.from_numpy(rng.randn(30, 5)).float()
    target = torch.from_numpy(rng.dirichlet(np.ones(3), 30)).float()
    layer = torch.nn.Linear(5, 3)
    for weights in layer.parameters():
        torch.nn.init.zeros_(weights)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
    for _ in range(6):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(layer(Z), target).backward()
        optimizer.step()
    found = learned_classifier(Z, target, 6, 0.01)
    np.testing.assert_allclose(found, layer(Z).detach(), atol=1e-5)


def test_the_labels_begin_with_given_clusters(blobs):
    X, y = blobs
    for init in ("spectral", KMeans(n_init=5)):
        head = Turtle(4, init=init, max_epochs=0, **SMALL).fit(X)
        assert adjusted_rand_score(y, head.init_labels_) == 1
        assert adjusted_rand_score(y, head.labels_) > 0.95
    assert Turtle(4, init="random", max_epochs=1, **SMALL).fit(X).init_labels_ is None
    assert Turtle(1, max_epochs=1, **SMALL).fit(X[:1]).labels_.shape == (1,)


@pytest.mark.parametrize("n_components", [None, 2])
def test_rows_are_prepared_once_or_on_the_way(blobs, monkeypatch, n_components):
    X = blobs[0]
    spaces, calls = [slice(0, 5), slice(5, 12)], []
    prepare = SpaceHeads.prepare

    def spy(self, X):
        calls.append(len(X))
        return prepare(self, X)

    monkeypatch.setattr(SpaceHeads, "prepare", spy)
    params = {"spaces": spaces, "n_components": n_components, "batch_size": 100}
    head = Turtle(4, max_epochs=20, **params, **SMALL)
    expected = head.fit(X).transform(X)
    assert 100 not in calls
    monkeypatch.setattr(_turtle, "_MOST_KEPT", 0)
    found = clone(head).fit(X)
    assert calls.count(100) > 10
    np.testing.assert_allclose(found.transform(X), expected, atol=1e-2)


def test_an_epoch_is_a_step(blobs, monkeypatch):
    sizes = []

    def spy(Z, *args):
        sizes.append(len(Z))
        return learned_classifier(Z, *args)

    monkeypatch.setattr(_turtle, "learned_classifier", spy)
    head = Turtle(4, max_epochs=3, batch_size=50, **SMALL).fit(blobs[0])
    assert head.n_iter_ == len(head.history_["training"]["loss"]) == 3
    assert sizes == [50, 50, 50]


def test_spaces_in_any_form(blobs):
    X = blobs[0]
    head = Turtle(4, max_epochs=20, **SMALL)
    first, second = X[:, :5], X[:, 5:]
    expected = head.fit([first, second]).transform([first, second])
    frame = pd.DataFrame(X).add_prefix("x")
    for data, spaces in [
        (X, [slice(0, 5), slice(5, 12)]),
        (X, [range(5), list(range(5, 12))]),
        (X, [("one", slice(5)), ("two", slice(5, None))]),
        (frame, [list(frame.columns[:5]), list(frame.columns[5:])]),
        (X, [np.arange(12) < 5, np.arange(12) >= 5]),
    ]:
        found = Turtle(4, max_epochs=20, spaces=spaces, **SMALL).fit(data)
        np.testing.assert_array_equal(found.transform(data), expected)
    np.testing.assert_array_equal(head.transform(X), expected)
    assert head.n_features_in_ == 12


def test_frames_as_spaces_keep_their_columns(blobs):
    frames = [pd.DataFrame(part).add_prefix("x") for part in np.hsplit(blobs[0], 2)]
    head = Turtle(4, max_epochs=1, **SMALL).fit(frames)
    np.testing.assert_array_equal(head.predict(frames), head.labels_)
    assert head.predict([each.to_numpy() for each in frames]).shape == (240,)
    with pytest.raises(ValueError, match=r"columns of X\[1\] must be those of fit"):
        head.predict([frames[0], frames[1][frames[1].columns[::-1]]])


def test_a_list_of_spaces_is_for_turtle(blobs):
    spaces = np.hsplit(blobs[0], 2)
    with pytest.raises(TypeError, match=r"TEMI takes one array.*take Turtle"):
        TEMI(4, **SMALL).fit(spaces)
    with pytest.raises(TypeError, match="compare_with_baselines takes one array"):
        compare_with_baselines(Turtle(4, **SMALL), spaces)


def test_heads_have_the_numbers_of_the_best(blobs):
    head = TEMI(4, n_heads=4, **SMALL).fit(blobs[0])
    for labels in head.head_labels_.T:
        if adjusted_rand_score(labels, head.labels_) > 0.9:
            assert (labels == head.labels_).mean() > 0.9


def test_wrong_spaces_are_refused(blobs):
    X = blobs[0]
    for spaces, words in [
        ([], "spaces is empty"),
        ([slice(0, 99)], r"spaces\[0\] ends at column 99"),
        ([[0, 1], [12]], r"spaces\[1\] names column 12"),
        ([[0, 0]], "names a column twice"),
        ([["x"]], "X has no names of columns"),
        ([[]], "has no columns"),
    ]:
        with pytest.raises((ValueError, TypeError), match=words):
            Turtle(4, spaces=spaces, **SMALL).fit(X)
    several = ("a", "passthrough", [0, 1])
    for wrong in (2.5, several, ["x0", 1], lambda frame: [0]):
        with pytest.raises(TypeError, match=r"spaces\[0\]=.* must be a slice"):
            Turtle(4, spaces=[wrong], **SMALL).fit(X)
    with pytest.raises(ValueError, match=r"\[240, 100\] samples"):
        Turtle(4, **SMALL).fit([X, X[:100]])
    with pytest.raises(ValueError, match="spaces must be None"):
        Turtle(4, spaces=[[0]], **SMALL).fit([X, X])
    head = Turtle(4, max_epochs=1, **SMALL).fit([X[:, :5], X[:, 5:]])
    with pytest.raises(ValueError, match=r"\[5, 7\] columns"):
        head.predict([X[:, :6], X[:, 6:]])


def test_the_score_is_that_of_a_cross_validation(blobs):
    X = blobs[0]
    head = Turtle(4, max_epochs=20, **SMALL).fit(X)
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    Z = StandardScaler().fit_transform(X)
    sizes = np.bincount(head.labels_)
    assert sizes[sizes > 0].min() >= 10
    expected = cross_val_score(LogisticRegression(), Z, head.labels_, cv=folds).mean()
    assert head.score(X) == pytest.approx(expected, abs=0.01)
    assert head.score(X[:1]) == 0
