"""DCEC: its stages, its rules, its health, its cache."""

import warnings
from itertools import pairwise

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping
from tiny import tiny

import skdeepclust._target
from skdeepclust import (
    DCEC,
    DEC,
    IDEC,
    Autoencoder,
    ClusterCollapseWarning,
    clustering_kl,
    soft_assignment,
    target_distribution,
)
from skdeepclust._geometry import effective_clusters
from skdeepclust._nets import ClusteringNet
from skdeepclust._target import SoftTarget
from skdeepclust.metrics import latent_silhouette, silhouette_scorer


class Watch(Callback):
    """Calls a function at the end of every epoch of joint training."""

    def __init__(self, function):
        self.function = function

    def on_epoch_end(self, net, **kwargs):
        if net.stage == "joint training":
            self.function(net)


class LogTraining(Callback):
    def __init__(self, log):
        self.log = log

    def on_train_begin(self, net, **kwargs):
        self.log.append(net.stage)


# -- the stages --------------------------------------------------------------


def test_defaults_and_the_paper_s():
    params = DCEC().get_params()
    expected = {
        "n_clusters": 10,
        "gamma": 0.1,
        "alpha": 1.0,
        "embedding_dim": "auto",  # 10
        "image_shape": "auto",
        "module": "auto",
        "pretrain_epochs": "auto",  # the paper: 200
        "max_iter": 20000,
        "update_interval": 140,
        "tol": 1e-3,
        "n_iter_no_change": 10,  # None
        "batch_size": "auto",  # 256
        "augment": "auto",  # None
        "lr": 1e-3,
        "optimizer": torch.optim.Adam,
        "init": "auto",  # "kmeans"
        "n_init": 20,
        "unassigned_share": 0.0,
        "callbacks": None,
        "max_clusters": 30,
        "checkpoint": None,
        "warm_start": False,
        "device": "auto",
        "memory": None,
        "verbose": 0,
        "random_state": None,
    }
    assert params == expected


def test_pretraining_is_the_autoencoder(make_dcec, make_autoencoder, digits):
    X, _ = digits
    dcec = make_dcec(max_iter=0, pretrain_epochs=4).fit(X)
    autoencoder = make_autoencoder(max_epochs=4).fit(X)
    np.testing.assert_array_equal(dcec.transform(X), autoencoder.transform(X))
    losses = [e.history_["pretraining"]["loss"] for e in (dcec, autoencoder)]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 4
    assert losses[0][-1] < losses[0][0]


def test_without_joint_training_it_is_kmeans_in_the_code(make_dcec, digits):
    X, _ = digits
    dcec = make_dcec(max_iter=0, pretrain_epochs=5).fit(X)
    np.testing.assert_array_equal(dcec.labels_, dcec.init_labels_)
    assert dcec.n_iter_ == 0
    assert dcec.history_["clustering"]["label_change"] == []
    Z = dcec.transform(X)
    own = KMeans(5, init=dcec.cluster_centers_, n_init=1).fit(Z)
    assert adjusted_rand_score(own.labels_, dcec.labels_) > 0.95


def test_joint_training_trains_the_centers_and_the_network(make_dcec, digits):
    X, _ = digits
    before, after = (make_dcec(max_iter=n).fit(X) for n in (0, 20))
    assert not np.array_equal(before.cluster_centers_, after.cluster_centers_)
    for a, b in zip(
        before.module_.parameters(), after.module_.parameters(), strict=True
    ):
        assert not torch.equal(a, b)


def test_the_loss_is_that_of_the_paper(make_dcec, digits):
    X, _ = digits
    gamma, alpha = 0.7, 2.0
    params = {"gamma": gamma, "alpha": alpha, "batch_size": 200}
    start = make_dcec(**params, max_iter=0).fit(X)
    # One step on the whole data: its loss is that of the state before it.
    table = make_dcec(**params, max_iter=1).fit(X).history_["clustering"]
    Z = torch.tensor(start.transform(X), dtype=torch.float64)
    centers = torch.tensor(start.cluster_centers_, dtype=torch.float64)
    Q = soft_assignment(Z, centers, alpha)
    X_decoded = start.inverse_transform(start.transform(X))
    reconstruction = float(np.mean((X - X_decoded) ** 2))
    divergence = float(clustering_kl(target_distribution(Q), Q))
    assert table["reconstruction_loss"] == pytest.approx([reconstruction], rel=1e-4)
    # In float32 a divergence of a few millionths is known to some 1e-8.
    expected = pytest.approx([divergence], rel=1e-3, abs=1e-7)
    assert table["clustering_loss"] == expected
    assert table["loss"] == pytest.approx([reconstruction + gamma * divergence])


def test_the_target_is_of_the_whole_data(make_dcec, digits, monkeypatch):
    import skdeepclust._joint as module

    made = []

    class Spy(SoftTarget):
        def __init__(self, Z, centers, alpha):
            super().__init__(Z, centers, alpha)
            made.append((len(Z), float(self.frequencies.sum())))

    monkeypatch.setattr(module, "SoftTarget", Spy)
    make_dcec(max_iter=12, update_interval=5).fit(digits[0])
    # Before steps 0, 5 and 10, and at the end; once more where a centre was moved.
    assert len(made) >= 4
    assert made == [(200, pytest.approx(200, rel=1e-5))] * len(made)


@pytest.mark.parametrize("n_blocks", [1, 7])
def test_a_target_worked_out_batch_by_batch_is_the_same(
    make_dcec, digits, monkeypatch, n_blocks
):
    X, _ = digits
    values = 5 * -(-len(X) // n_blocks)  # for 5 clusters
    monkeypatch.setattr(skdeepclust._target, "_VALUES_AT_ONCE", values)
    kept = make_dcec().fit(X)
    monkeypatch.setattr(skdeepclust._target, "_MOST_KEPT", 0)
    rebuilt = make_dcec().fit(X)
    np.testing.assert_array_equal(kept.labels_, rebuilt.labels_)
    np.testing.assert_array_equal(kept.transform(X), rebuilt.transform(X))
    table, other = kept.history_["clustering"], rebuilt.history_["clustering"]
    assert table["loss"] == other["loss"]
    np.testing.assert_array_equal(rebuilt.predict(X), rebuilt.labels_)
    Q = rebuilt.predict_proba(X)
    monkeypatch.undo()
    np.testing.assert_array_equal(rebuilt.predict_proba(X), Q)
    assert Q.shape == (len(X), 5)
    assert Q.dtype == np.float32


def test_rows_of_the_target():
    Z = torch.randn(300, 3, generator=torch.Generator().manual_seed(0))
    centers = Z[:4] * 1.5
    target = SoftTarget(Z, centers, 1.0)
    Q = soft_assignment(Z.double(), centers.double())
    index = torch.tensor([7, 200, 7])
    expected = target_distribution(Q)[index]
    torch.testing.assert_close(target[index].double(), expected, rtol=1e-4, atol=1e-6)
    assert torch.equal(target.labels, Q.argmax(dim=1))
    torch.testing.assert_close(
        target.frequencies.double(), Q.sum(dim=0), rtol=1e-5, atol=0
    )


def test_augmentation_changes_batches_and_nothing_else(make_dcec, digits):
    X, _ = digits
    seen = []

    def shifted(batch):
        seen.append(batch.shape)
        return torch.roll(batch, 1, dims=-1)

    dcec = make_dcec(augment=shifted, max_iter=10, pretrain_epochs=1).fit(X)
    assert (
        seen
        == [(32, 1, 8, 8)] * 6
        + [(8, 1, 8, 8)]
        + [(32, 1, 8, 8)] * 6
        + [(8, 1, 8, 8)]
        + [(32, 1, 8, 8)] * 3
    )
    np.testing.assert_array_equal(dcec.labels_, dcec.predict(X))
    # Shifted from end to end, it is the same as training on shifted images.
    rolled = np.roll(X.reshape(-1, 8, 8), 1, axis=-1).reshape(-1, 64)
    other = make_dcec(max_iter=0, pretrain_epochs=1).fit(rolled)
    same = make_dcec(augment=shifted, max_iter=0, pretrain_epochs=1).fit(X)
    np.testing.assert_array_equal(same.transform(rolled), other.transform(rolled))
    # Targets and labels come from X as it is.
    assert len(dcec.history_["clustering"]["label_change"]) == 2


class Found(ClusterMixin, BaseEstimator):
    """Finds the clusters that it is given."""

    def __init__(self, labels):
        self.labels = labels

    def fit_predict(self, X, y=None):
        return self.labels


@pytest.mark.parametrize("init", [Found, np.asarray], ids=["clusterer", "labels"])
def test_given_clusters_are_the_first_target(make_dcec, digits, monkeypatch, init):
    X, y = digits
    given = (y % 5).astype(np.int64)  # not the nearest centres
    targets = []
    original = ClusteringNet.losses

    def losses(self, output, target, batch):
        targets.append(target)
        return original(self, output, target, batch)

    monkeypatch.setattr(ClusteringNet, "losses", losses)
    params = {"max_iter": 56, "update_interval": 4, "batch_size": 200, "lr": 1e-9}
    dcec = make_dcec(init=init(given), **params).fit(X)
    np.testing.assert_array_equal(dcec.init_labels_, given)
    assert (dcec.labels_ != given).any()
    counts = np.bincount(given).tolist()
    for target in targets[:48]:  # twelve intervals
        assert set(target.unique().tolist()) == {0.0, 1.0}
        assert target.sum(0).tolist() == counts
    assert targets[48].min() > 0
    # Nothing changes with this lr, but it ends when targets are its own.
    assert dcec.converged_
    assert dcec.n_iter_ == 52


def test_clusters_of_a_clusterer_are_learned(make_dcec, digits):
    X, y = digits
    given = (y % 5).astype(np.int64)
    params = {"max_iter": 120, "update_interval": 40, "lr": 3e-3, "gamma": 1.0}
    dcec = make_dcec(init=Found(given), **params).fit(X)
    centers = make_dcec(init=Found(given), max_iter=0).fit(X)
    agreement = [adjusted_rand_score(given, e.labels_) for e in (centers, dcec)]
    assert agreement[1] > agreement[0] + 0.2


def test_a_label_change_that_falls_no_more(make_dcec, digits):
    params = {"tol": 0.0, "update_interval": 1, "max_iter": 200}
    dcec = make_dcec(**params, n_iter_no_change=3).fit(digits[0])
    changes = dcec.history_["clustering"]["label_change"]
    lowest = min(changes)
    assert changes.index(lowest) == len(changes) - 4
    assert dcec.converged_
    assert dcec.n_iter_ == len(changes) < 200
    assert f"not below {lowest:.3g} in n_iter_no_change=3" in dcec.stop_reason_
    assert make_dcec(**params).fit(digits[0]).n_iter_ == 200


def test_kmeans_and_given_centers_are_no_first_target(make_dcec, digits):
    from_kmeans = make_dcec(tol=1.0).fit(digits[0])
    assert from_kmeans.n_iter_ == 5  # converged at the first update
    given = make_dcec(tol=1.0, init=from_kmeans.cluster_centers_).fit(digits[0])
    assert given.n_iter_ == 5
    assert make_dcec(tol=1.0, init="spectral").fit(digits[0]).n_iter_ == 20


def test_augmentation_is_seeded_and_for_images_only(make_dcec, digits):
    X, _ = digits
    plain, on, again = (make_dcec(augment=a).fit(X) for a in (None, "auto", "auto"))
    np.testing.assert_array_equal(on.transform(X), again.transform(X))
    assert not np.array_equal(on.transform(X), plain.transform(X))
    rows = make_dcec(augment="auto", image_shape=None).fit(X)  # no images: no change
    same = make_dcec(image_shape=None).fit(X)
    np.testing.assert_array_equal(rows.transform(X), same.transform(X))


def test_steps_and_updates(make_dcec, digits):
    table = make_dcec(max_iter=12, update_interval=5).fit(digits[0]).history_
    assert table["clustering"]["step"] == [5, 10, 12]
    assert {len(column) for column in table["clustering"].values()} == {3}
    assert set(table["clustering"]) == {
        "epoch",
        "step",
        "loss",
        "reconstruction_loss",
        "clustering_loss",
        "label_change",
        "n_effective_clusters",
        "n_reseeded",
        "dur",
    }


def test_history_says_what_happened(make_dcec, digits):
    X, _ = digits
    labels = []

    def look(net):
        autoencoder, centers = net.module_.autoencoder, net.module_.centers
        with torch.no_grad():
            Z = autoencoder.encode(torch.tensor(X).reshape(-1, 1, 8, 8))
        labels.append(torch.cdist(Z, centers).argmin(dim=1).numpy())

    dcec = make_dcec(callbacks=[Watch(look)], tol=0).fit(X)
    labels.insert(0, dcec.init_labels_)
    table = dcec.history_["clustering"]
    changes = [np.mean(a != b) for a, b in pairwise(labels)]
    assert table["label_change"] == pytest.approx(changes, abs=0.011)
    effective = [effective_clusters(each, 5) for each in labels[1:]]
    assert table["n_effective_clusters"] == pytest.approx(effective, abs=0.1)
    np.testing.assert_array_equal(labels[-1], dcec.labels_)


def test_decoded_centers(make_dcec, digits):
    dcec = make_dcec().fit(digits[0])
    assert dcec.cluster_images_.shape == (5, 1, 8, 8)
    decoded = dcec.inverse_transform(dcec.cluster_centers_)
    np.testing.assert_array_equal(decoded, dcec.cluster_images_.reshape(5, 64))
    table = make_dcec(image_shape=None).fit(digits[0])
    assert table.cluster_images_.shape == (5, 64)


def test_blobs_are_found(make_dcec, blobs):
    X, y = blobs
    dcec = make_dcec(n_clusters=3, image_shape=None, pretrain_epochs=20, max_iter=100)
    assert adjusted_rand_score(y, dcec.fit_predict(X)) > 0.95


# -- stopping ----------------------------------------------------------------


def test_convergence(make_dcec, digits):
    dcec = make_dcec(tol=1.1, max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dcec.fit(digits[0])
    assert dcec.converged_
    assert dcec.n_iter_ == 5
    change = dcec.history_["clustering"]["label_change"][-1]
    assert dcec.stop_reason_ == f"label change {change:.3g} below tol=1.1"


def test_no_convergence_is_warned_of(make_dcec, digits):
    dcec = make_dcec(tol=0, max_iter=7)
    with pytest.warns(ConvergenceWarning, match="max_iter=7.*Increase") as record:
        dcec.fit(digits[0])
    assert record[0].filename == __file__
    assert not dcec.converged_
    assert dcec.n_iter_ == 7
    assert dcec.stop_reason_ == "max_iter=7 used up"


# -- health ------------------------------------------------------------------


def test_collapse_is_warned_of(make_dcec):
    X = np.random.RandomState(0).rand(60, 64).astype(np.float32)
    X[1:] = X[0]  # one image 60 times
    with pytest.warns(ClusterCollapseWarning, match="smaller gamma") as record:
        dcec = make_dcec(n_clusters=4).fit(X)
    (ours,) = [w for w in record if w.category is ClusterCollapseWarning]
    assert ours.filename == __file__
    assert dcec.history_["clustering"]["n_effective_clusters"][-1] < 2


def test_dead_centers_are_put_back_and_counted(make_dcec, digits):
    X, _ = digits
    momenta = []

    class Kill(Callback):
        """Takes a centre away in the middle of the second interval."""

        def on_batch_end(self, net, **kwargs):
            if net.stage == "joint training" and len(net.history) == 2:
                net.module_.centers.data[2] = 1000.0

    def look(net):
        state = net.optimizer_.state[net.module_.centers]
        momenta.append(state["exp_avg"].clone())

    dcec = make_dcec(
        callbacks=[Kill(), Watch(look)], tol=0, max_iter=15, pretrain_epochs=20
    ).fit(X)
    table = dcec.history_["clustering"]
    assert table["n_reseeded"] == [0, 1, 0]
    assert not momenta[1][2].any()
    assert momenta[1][:2].all()
    assert np.abs(dcec.cluster_centers_).max() < 100
    assert np.bincount(dcec.labels_, minlength=5)[2] > 0


def test_duplicates_leave_dead_centers_that_nothing_can_revive(make_dcec):
    # Two distinct images, four clusters: k-means itself comes back with two.
    X = np.random.RandomState(0).rand(2, 64).repeat(20, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcec = make_dcec(n_clusters=4).fit(X)
    assert len(np.unique(dcec.labels_)) <= 4
    assert np.isfinite(dcec.cluster_centers_).all()
    np.testing.assert_array_equal(dcec.predict(X), dcec.labels_)


@pytest.mark.parametrize("n_samples", [1, 9])
def test_fewer_samples_than_clusters(n_samples, digits):
    log = []
    dcec = DCEC(n_clusters=10, callbacks=[LogTraining(log)])
    with pytest.raises(ValueError, match=f"n_samples={n_samples} should be >= n_clu"):
        dcec.fit(digits[0][:n_samples])
    assert not log  # found before any training


def test_as_many_samples_as_clusters(make_dcec, digits):
    dcec = make_dcec(n_clusters=6).fit(digits[0][:6])
    assert dcec.labels_.shape == (6,)


def test_one_cluster(make_dcec, digits):
    dcec = make_dcec(n_clusters=1).fit(digits[0])
    assert not dcec.labels_.any()
    assert latent_silhouette(dcec, digits[0]) == -1


# -- memory ------------------------------------------------------------------


class CountPretraining(Callback):
    """Writes a file each time that an autoencoder is trained."""

    def __init__(self, folder):
        self.folder = folder

    def on_train_begin(self, net, **kwargs):
        if net.stage == "pretraining":
            n = len(list(self.folder.iterdir()))
            (self.folder / str(n)).touch()


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("as_path", [True, False])
def test_a_search_pretrains_once_per_fold(
    make_dcec, digits, tmp_path, random_state, as_path
):
    X, _ = digits
    runs = tmp_path / "runs"
    runs.mkdir()
    cache = tmp_path / "cache"
    memory = str(cache) if as_path else joblib.Memory(cache, verbose=0)
    dcec = make_dcec(
        memory=memory,
        random_state=random_state,
        callbacks=[CountPretraining(runs)],
    )
    grid = {"gamma": [0.05, 0.1, 0.2], "n_clusters": [3, 5]}
    search = GridSearchCV(
        dcec,
        grid,
        scoring=silhouette_scorer,
        cv=3,
        refit=False,
        error_score="raise",
    ).fit(X)
    assert len(search.cv_results_["params"]) == 6
    assert len(list(runs.iterdir())) == 3


def test_the_cache_changes_nothing(make_dcec, digits, tmp_path):
    X, _ = digits
    plain = make_dcec().fit(X)
    for _ in range(2):  # made, then found
        cached = make_dcec(memory=str(tmp_path)).fit(X)
        np.testing.assert_array_equal(cached.transform(X), plain.transform(X))
        np.testing.assert_array_equal(cached.labels_, plain.labels_)
        expected = plain.history_["pretraining"]["loss"]
        assert cached.history_["pretraining"]["loss"] == expected


def test_the_cache_is_not_trained_on(make_dcec, digits, tmp_path):
    X, _ = digits
    first = make_dcec(memory=str(tmp_path), gamma=5.0, max_iter=50).fit(X)
    second = make_dcec(memory=str(tmp_path), max_iter=0).fit(X)
    expected = make_dcec(max_iter=0).fit(X)
    np.testing.assert_array_equal(second.transform(X), expected.transform(X))
    assert not np.array_equal(first.transform(X), second.transform(X))


def test_a_cache_of_another_network_is_not_taken(make_dcec, digits, tmp_path):
    X, _ = digits
    make_dcec(memory=str(tmp_path)).fit(X)
    for params in ({"lr": 0.01}, {"module__filters": (2, 2, 2)}, {"random_state": 1}):
        cached = make_dcec(memory=str(tmp_path), **params).fit(X)
        plain = make_dcec(**params).fit(X)
        np.testing.assert_array_equal(cached.transform(X), plain.transform(X))


def test_images_in_two_layouts_share_a_cache(make_dcec, digits, tmp_path):
    X, _ = digits
    runs = tmp_path / "runs"
    runs.mkdir()
    params = {"memory": str(tmp_path / "c"), "callbacks": [CountPretraining(runs)]}
    for same_X in (X, X.reshape(-1, 1, 8, 8)):
        make_dcec(**params).fit(same_X)
    assert len(list(runs.iterdir())) == 1


class Own(torch.nn.Module):
    def __init__(self, input_shape, embedding_dim):
        super().__init__()
        self.down = torch.nn.Linear(64, embedding_dim)
        self.up = torch.nn.Linear(embedding_dim, 64)

    def encode(self, X):
        return self.down(X.flatten(1).relu_())  # in place, on what it is given

    def decode(self, Z):
        return self.up(Z).unflatten(1, (1, 8, 8))


@pytest.mark.parametrize("module", [Own((1, 8, 8), 4), Own, lambda: Own((1, 8, 8), 4)])
def test_own_networks_are_cached(make_dcec, digits, tmp_path, module):
    X = digits[0] - 0.5
    X_before = X.copy()
    runs = tmp_path / "runs"
    runs.mkdir()
    dcec = make_dcec(memory=tmp_path / "cache", module=module)
    dcec._skorch_given = {}
    dcec.set_params(callbacks=[CountPretraining(runs)])
    for gamma in (0.1, 0.2, 0.3):
        clone(dcec).set_params(gamma=gamma).fit(X)
    assert len(list(runs.iterdir())) == 1
    np.testing.assert_array_equal(X, X_before)


def test_a_callback_that_changes_weights(make_dcec, digits):
    X, _ = digits
    stopping = EarlyStopping("train_loss", patience=2, load_best=True)
    dcec = make_dcec(callbacks=[stopping], gamma=5.0, lr=0.01, max_iter=60, tol=0).fit(
        X
    )
    np.testing.assert_array_equal(dcec.labels_, dcec.predict(X))


class Freeze(Callback):
    """Makes much change in the first interval and nothing in the second."""

    def on_epoch_begin(self, net, **kwargs):
        if net.stage == "joint training":
            late = len(net.history) > 1
            net.optimizer_.param_groups[0]["lr"] = 0.0 if late else 1.0


def test_a_short_last_interval_is_no_convergence(make_dcec, digits):
    # One step after the last update nothing changes, which says nothing.
    dcec = make_dcec(update_interval=4, max_iter=5, tol=0.5, pretrain_epochs=0, lr=0.01)
    with pytest.warns(ConvergenceWarning):
        dcec.set_params(callbacks=[Freeze()]).fit(digits[0])
    assert dcec.history_["clustering"]["step"] == [4, 5]
    assert not dcec.converged_


# -- a pretrained network ----------------------------------------------------


def test_a_pretrained_module_can_be_handed_over(make_dcec, digits):
    X, _ = digits
    rows = {"image_shape": (8, 8), "random_state": 0, "device": "cpu"}
    autoencoder = Autoencoder(4, module="conv", max_epochs=3, **rows).fit(X)
    weights = [p.detach().clone() for p in autoencoder.module_.parameters()]
    dcec = DCEC(
        5,
        module=autoencoder.module_,
        pretrain_epochs=0,
        max_iter=0,
        **rows,
    ).fit(X)
    np.testing.assert_array_equal(dcec.transform(X), autoencoder.transform(X))
    dcec.set_params(max_iter=10).fit(X)
    for p, before in zip(autoencoder.module_.parameters(), weights, strict=True):
        assert torch.equal(p, before)


def test_a_share_equal_to_tol_is_not_below_it(make_dcec, digits):
    table = make_dcec(max_iter=40, tol=0).fit(digits[0]).history_["clustering"]
    shares = table["label_change"]
    assert all(share == round(share * 200) / 200 for share in shares)  # no rounding
    share = max(shares)
    again = make_dcec(max_iter=40, tol=share).fit(digits[0])
    assert share not in again.history_["clustering"]["label_change"][-1:]


@pytest.mark.parametrize("share", [0.1, 0.25])
@pytest.mark.parametrize("kind", [DCEC, IDEC, DEC])
def test_a_share_stays_unassigned(kind, digits, share):
    X, _ = digits
    everyone = tiny(kind).fit(X)
    some = tiny(kind, unassigned_share=share).fit(X)
    confidence = some.predict_proba(X).max(axis=1)
    left_out = some.labels_ == -1
    assert left_out.mean() == pytest.approx(share, abs=0.02)
    assert confidence[left_out].max() < some.least_confidence_
    assert confidence[~left_out].min() >= some.least_confidence_
    np.testing.assert_array_equal(some.labels_[~left_out], everyone.labels_[~left_out])
    np.testing.assert_array_equal(some.predict(X), some.labels_)
    assert everyone.least_confidence_ == 0
    assert everyone.labels_.min() >= 0


def test_unassigned_samples_are_no_collapse(make_dcec, digits, recwarn):
    X, _ = digits
    make_dcec(unassigned_share=0.9).fit(X)
    assert not [w for w in recwarn if w.category is ClusterCollapseWarning]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [DCEC, IDEC, DEC])
def test_a_single_sample_is_a_cluster(kind):
    X = np.random.RandomState(0).uniform(size=(1, 16, 16)).astype(np.float32)
    model = kind(1, pretrain_epochs=1, max_iter=0, random_state=0, device="cpu")
    assert model.fit(X).labels_ == [0]
