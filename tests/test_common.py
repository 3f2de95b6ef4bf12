"""What every estimator promises: scikit-learn's checks, and ours."""

import copy
import inspect
import io
import pickle
import threading
import warnings
from contextlib import ExitStack, contextmanager

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from outside_simclr import SimCLR
from outside_vade import VaDE
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch.callbacks import Callback

from skdeepclust import (
    DCEC,
    DEC,
    IDEC,
    SCEDAE,
    TEMI,
    Autoencoder,
    ClusterCollapseWarning,
    ContrastiveEncoder,
    DataScaleWarning,
    DeepCluster,
    ImageShapeWarning,
    LandmarkSpectralClustering,
    Turtle,
    _initial_centers,
    metrics,
)
from skdeepclust._tensor_data import TensorData
from skdeepclust.heads import _prepare

# A new estimator needs a line here and nothing else in this file.
WIDTH = 4  # values that `transform` returns
SHORT = {"pretrain_epochs": 5, "max_iter": 20, "update_interval": 10, "n_init": 2}
FEW = {"max_iter": 2, "n_init": 2}
DENSE = {"module__hidden_dims": (32,), "embedding_dim": WIDTH}
CONV = {"module__filters": (4, 8, 8), "embedding_dim": WIDTH}
CONTRASTS = [
    {"method": "simclr"},
    {"method": "byol", "prototypes": True, "n_prototypes": 3},
    {"method": "swav"},
]
EXPECTED_FAILURES: dict[str, dict[str, str]] = {}


def estimators(dense, **params):
    network = DENSE if dense else CONV
    backbone = (
        {"module__hidden_dims": (WIDTH,)} if dense else {"module__widths": (16, WIDTH)}
    )
    params["batch_size"] = 32
    yield Autoencoder(max_epochs=5, **network, **params)
    yield DCEC(n_clusters=3, **SHORT, **network, **params)
    module = "dense" if dense else "conv"
    for method in (DEC, IDEC):
        # The start "auto" is tested with DCEC.
        kmeans = {"module": module, "init": "kmeans"}
        yield method(n_clusters=3, **kmeans, **SHORT, **network, **params)
    yield SCEDAE(
        WIDTH,  # the number of singular vectors
        n_autoencoders=2,
        module=module,
        max_epochs=5,
        n_init=2,
        **network,
        **params,
    )
    for variant in ("deepcluster", "deepcluster-v2"):
        yield DeepCluster(n_clusters=3, variant=variant, **FEW, **backbone, **params)
    # Two from outside the package, each a file beside this one.
    few = {"max_epochs": 3, **params}
    yield VaDE(3, embedding_dim=WIDTH, pretrain_epochs=2, module__width=16, **few)
    yield SimCLR(**backbone, **few)
    module = "dense" if dense else "small-resnet"
    for method in CONTRASTS:
        yield ContrastiveEncoder(module=module, **method, **backbone, **few)


def heads(**params):
    """Clusterers of features, which know no images."""
    few = {"max_epochs": 3, "batch_size": 32, **params}
    yield TEMI(WIDTH, n_heads=3, n_neighbors=5, **few)
    yield Turtle(WIDTH, **few)


def names_of(candidates):
    names = [getattr(e, "variant", type(e).__name__) for e in candidates]
    return [getattr(e, "method", name) for e, name in zip(candidates, names)]


@parametrize_with_checks(
    [
        *estimators(dense=True),
        # Rows of any length as images of one line.
        *estimators(dense=False, image_shape=(1, 1, -1)),
        LandmarkSpectralClustering(n_clusters=3, n_init=2),
        *heads(),
    ],
    expected_failed_checks=lambda e: EXPECTED_FAILURES.get(type(e).__name__, {}),
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


ROWS = {"image_shape": (8, 8)}  # of the digits
ALL = list(estimators(dense=False, random_state=0, device="cpu", **ROWS))
for each in ALL:
    if isinstance(each, DeepCluster):
        each.set_params(epochs_per_round=1)
ALL += heads(random_state=0, device="cpu")
CLUSTERERS = [e for e in ALL if hasattr(e, "predict")]


@pytest.fixture(params=ALL, ids=names_of(ALL))
def estimator(request):
    return clone(request.param)


@pytest.fixture(params=CLUSTERERS, ids=names_of(CLUSTERERS))
def clusterer(request):
    return clone(request.param)


def result(estimator, X):
    """Everything that a fitted estimator says about X, to compare."""
    outputs = [estimator.transform(X)]
    if hasattr(estimator, "predict"):
        outputs += [estimator.labels_, estimator.predict(X)]
        outputs += [estimator.cluster_centers_]
        outputs += [getattr(estimator, "init_labels_", None)]
    if hasattr(estimator, "predict_proba"):
        outputs += [estimator.predict_proba(X)]
    outputs += [p.detach().numpy() for p in estimator.module_.parameters()]
    return outputs


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


# -- seeds -------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_same_seed_same_result_to_the_bit(estimator, digits, threads):
    X, _ = digits
    torch.set_num_threads(threads)
    first = result(clone(estimator).fit(X), X)
    assert_same(first, result(estimator.fit(X), X))
    assert_same(first, result(estimator.fit(X), X))  # a second fit forgets the first
    other = clone(estimator).set_params(random_state=1).fit(X)
    assert not np.array_equal(first[0], other.transform(X))


def test_random_state_instance(estimator, digits):
    X, _ = digits
    estimator.set_params(random_state=np.random.RandomState(4))
    assert_same(result(clone(estimator).fit(X), X), result(clone(estimator).fit(X), X))


@pytest.mark.parametrize("random_state", [None, 0])
def test_global_generators_are_left_alone(estimator, digits, random_state):
    X, _ = digits
    numpy_state = copy.deepcopy(np.random.get_state())
    torch_state = torch.get_rng_state()
    estimator.set_params(random_state=random_state).fit(X).transform(X)
    assert torch.equal(torch.get_rng_state(), torch_state)
    for now, before in zip(np.random.get_state(), numpy_state, strict=True):
        np.testing.assert_array_equal(now, before)


def test_the_global_seeds_have_no_influence(estimator, digits):
    X, _ = digits
    first = result(clone(estimator).fit(X), X)
    torch.manual_seed(99)
    np.random.seed(99)
    assert_same(first, result(estimator.fit(X), X))


def test_without_a_seed_every_fit_differs(estimator, digits):
    X, _ = digits
    estimator.set_params(random_state=None)
    np.random.seed(0)
    first = estimator.fit(X).transform(X)
    np.random.seed(0)
    assert not np.array_equal(first, estimator.fit(X).transform(X))


# -- labels and predictions --------------------------------------------------


def test_labels_are_the_predictions(clusterer, digits):
    X, _ = digits
    labels = clusterer.fit_predict(X)
    np.testing.assert_array_equal(labels, clusterer.labels_)
    np.testing.assert_array_equal(labels, clusterer.predict(X))
    if hasattr(clusterer, "predict_proba"):
        Q = clusterer.predict_proba(X)
        np.testing.assert_array_equal(labels, Q.argmax(axis=1))
        np.testing.assert_allclose(Q.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
def test_one_row_at_a_time(estimator, digits, threads):
    X, _ = digits
    torch.set_num_threads(threads)
    estimator.fit(X)
    methods = ["transform", "predict", "predict_proba"]
    for method in [getattr(estimator, m) for m in methods if hasattr(estimator, m)]:
        together = method(X)
        alone = np.concatenate([method(X[i : i + 1]) for i in range(70)])
        np.testing.assert_array_equal(alone, together[:70])


def test_fit_transform_and_fit_predict(clusterer, digits):
    X, _ = digits
    Z = clone(clusterer).fit_transform(X)
    labels = clone(clusterer).fit_predict(X)
    np.testing.assert_array_equal(Z, clusterer.fit(X).transform(X))
    np.testing.assert_array_equal(labels, clusterer.predict(X))


def test_y_changes_nothing(estimator, digits):
    X, y = digits
    y_before = y.copy()
    with_y = result(clone(estimator).fit(X, y), X)
    assert_same(with_y, result(estimator.fit(X), X))
    np.testing.assert_array_equal(y, y_before)


def test_sample_weight_is_not_taken(estimator):
    # Taking it and ignoring it would be a silent error.
    for name in ("fit", "fit_predict", "fit_transform", "score"):
        method = getattr(estimator, name, None)
        if method is not None:
            assert "sample_weight" not in inspect.signature(method).parameters


# -- history and memory ------------------------------------------------------


def test_history_is_tables_of_finite_losses(estimator, digits):
    estimator.fit(digits[0])
    assert estimator.history_
    for table in estimator.history_.values():
        frame = pd.DataFrame(table)  # columns of one length
        assert {"epoch", "loss", "dur"} <= set(frame.columns)
        assert list(frame["epoch"]) == list(range(1, len(frame) + 1))
        assert np.isfinite(frame["loss"]).all()
    assert isinstance(estimator.stop_reason_, str)
    assert estimator.n_iter_ >= 1


def test_the_data_is_never_converted_as_a_whole(estimator, digits, monkeypatch):
    X = np.tile((digits[0] * 255).astype(np.uint8), (3, 1))
    most = []
    take = TensorData.take

    def spy(self, index):
        batch = take(self, index)
        most.append(len(batch))
        return batch

    monkeypatch.setattr(TensorData, "take", spy)
    # Main components are those of a part of the samples.
    monkeypatch.setattr(_initial_centers, "_MAX_OF_COMPONENTS", 50)
    monkeypatch.setattr(_prepare, "_BLOCK", 50)
    estimator.fit(X).transform(X)
    assert max(most) <= 64  # the batch size is 32, blocks without gradients have 64
    assert sum(most) > len(X)


# -- layouts and types -------------------------------------------------------


def of_images(estimator, image_shape):
    """Parameters that say the shape of an image, if the estimator asks for it."""
    knows_images = "image_shape" in estimator.get_params()
    return {"image_shape": image_shape} if knows_images else {}


def as_memmap(X, path):
    np.save(path / "X.npy", X)
    return np.load(path / "X.npy", mmap_mode="r")


def test_the_same_images_in_any_form(estimator, tmp_path):
    X = np.random.RandomState(0).randint(256, size=(70, 2, 6, 5), dtype=np.uint8)
    scaled = X.astype(np.float32) / 255
    rows = of_images(estimator, (2, 6, 5))
    estimator.set_params(**of_images(estimator, "auto"))
    same = [
        (X, {}),
        (X, rows),
        (X.reshape(70, -1), rows),
        (scaled, {}),
        (scaled.reshape(70, -1), rows),
        ((X / 255).reshape(70, -1), rows),  # float64
        (np.asfortranarray(X.reshape(70, -1)), rows),
        (torch.tensor(X), {}),
        (torch.tensor(scaled), {}),
        (as_memmap(X, tmp_path), {}),
    ]
    first = result(clone(estimator).fit(X), X)
    for same_X, params in same:
        fitted = clone(estimator).set_params(**params).fit(same_X)
        assert_same(first, result(fitted, same_X))
        assert_same(first, result(fitted, scaled))


def test_one_channel_images_with_and_without_the_channel(estimator):
    X = np.random.RandomState(0).rand(50, 9, 7)
    estimator.set_params(**of_images(estimator, "auto"))
    first = result(clone(estimator).fit(X), X)
    for same_X in (X[:, None], X.astype(np.float32)):
        assert_same(first, result(clone(estimator).fit(same_X), same_X))


@pytest.mark.parametrize("n_samples", [31, 32, 33, 64])  # the batch size is 32
def test_any_number_of_samples(estimator, digits, n_samples):
    X = digits[0][:n_samples]
    estimator.fit(X)
    assert estimator.transform(X).shape == (n_samples, 4)


def test_the_data_is_not_changed(estimator, digits):
    X = digits[0].copy()
    estimator.fit(X).transform(X)
    np.testing.assert_array_equal(X, digits[0])
    X.setflags(write=False)
    estimator.fit(X).transform(X)


# -- warnings ----------------------------------------------------------------


def in_a_pipeline(estimator, X):
    make_pipeline(FunctionTransformer(), estimator).fit(X)


def no_score(estimator, X, y=None):
    return 0.0


def in_a_search(estimator, X):
    scoring = metrics.silhouette_scorer if hasattr(estimator, "predict") else no_score
    GridSearchCV(estimator, {"lr": [1e-3]}, scoring=scoring, cv=2, refit=False).fit(X)


WAYS = {
    "fit": lambda estimator, X: estimator.fit(X),
    "fit_transform": lambda estimator, X: estimator.fit_transform(X),
    "fit_predict": lambda estimator, X: estimator.fit_predict(X),
    "pipeline": in_a_pipeline,
    "search": in_a_search,
}


@pytest.mark.parametrize("way", WAYS)
def test_warnings_stand_at_the_users_line(estimator, digits, way):
    if way == "fit_predict" and not hasattr(estimator, "predict"):
        pytest.skip("a transformer")
    X = digits[0] * 255
    collapses = hasattr(estimator, "predict") and not isinstance(estimator, VaDE)
    if collapses:
        X[:] = X[0]
    any_scale = isinstance(estimator, TEMI | Turtle)  # they standardise
    with pytest.warns(ClusterCollapseWarning if any_scale else DataScaleWarning) as (
        record
    ):
        WAYS[way](estimator, X)
    ours = [w for w in record if w.category.__module__.startswith("skdeepclust")]
    ours += [w for w in record if "Joint training used up" in str(w.message)]
    categories = {w.category for w in ours}
    assert ClusterCollapseWarning in categories or not collapses
    assert {w.filename for w in ours} == {__file__}


@pytest.mark.parametrize("method", [DCEC, DeepCluster])
@pytest.mark.parametrize("way", WAYS)
def test_a_guessed_image_shape_is_warned_of_once_per_fit(method, digits, way):
    small = {"max_iter": 0, "n_init": 1, "device": "cpu", "random_state": 0}
    if method is DCEC:
        small |= {"pretrain_epochs": 0, "init": "kmeans"}
    with pytest.warns(ImageShapeWarning) as record:
        WAYS[way](method(3, **small), digits[0][:60])
    guesses = [w for w in record if w.category is ImageShapeWarning]
    assert len(guesses) == (2 if way == "search" else 1)  # a search fits two folds
    assert {w.filename for w in guesses} == {__file__}


@pytest.mark.filterwarnings("error::skdeepclust.ImageShapeWarning")
@pytest.mark.parametrize("method", [Autoencoder, IDEC, DEC, SCEDAE])
def test_who_never_guesses(method):
    X = np.random.RandomState(0).rand(60, 784).astype(np.float32)
    small = {"module__hidden_dims": (8,), "device": "cpu", "random_state": 0}
    epochs = "max_epochs" if method in (Autoencoder, SCEDAE) else "pretrain_epochs"
    joint = {"max_iter": 0} if method in (IDEC, DEC) else {}
    fitted = method(**small, **{epochs: 0}, **joint)
    if method is not Autoencoder:
        fitted.set_params(n_clusters=3, n_init=1)
    assert fitted.fit(X).image_shape_ is None


# -- keeping -----------------------------------------------------------------


def test_pickle_joblib_and_deepcopy(estimator, digits, tmp_path):
    X, _ = digits
    expected = result(estimator.fit(X), X)
    joblib.dump(estimator, tmp_path / "estimator.joblib")
    for same in (
        pickle.loads(pickle.dumps(estimator)),
        joblib.load(tmp_path / "estimator.joblib"),
        copy.deepcopy(estimator),
    ):
        assert_same(expected, result(same, X))
        np.testing.assert_equal(same.history_, estimator.history_)


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.SGD])
def test_a_pickle_is_the_weights_and_little_more(digits, optimizer):
    dcec = DCEC(3, **SHORT, optimizer=optimizer, random_state=0, device="cpu", **ROWS)
    dcec.fit(digits[0])
    weights = io.BytesIO()
    torch.save(dcec.net_.module_.state_dict(), weights)
    assert len(pickle.dumps(dcec)) < 1.2 * len(weights.getvalue())


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_numbers_of_numpy_are_pythons(estimator, digits, kind):
    expected = result(clone(estimator).fit(digits[0]), digits[0])
    is_float = issubclass(kind, np.floating)
    for name, value in estimator.get_params(deep=False).items():
        if type(value) is not (float if is_float else int):
            continue
        if is_float:
            fits = kind(value).item() == value
        else:
            fits = 0 <= value <= np.iinfo(kind).max
        if fits:
            estimator.set_params(**{name: kind(value)})
    assert_same(expected, result(estimator.fit(digits[0]), digits[0]))


def test_clone_forgets_the_fit(estimator, digits):
    estimator.fit(digits[0])
    assert not [name for name in vars(clone(estimator)) if name.endswith("_")]


def test_fitted_names(clusterer, digits):
    X, _ = digits
    clusterer.fit(X)
    names = [
        *("labels_", "cluster_centers_", "module_", "history_", "n_iter_"),
        *("stop_reason_", "image_shape_", "n_features_in_"),
    ]
    if isinstance(clusterer, SCEDAE):  # many nets, and no way to converge
        names += ["autoencoders_", "embedding_"]
    elif isinstance(clusterer, TEMI | Turtle):  # one stage
        names += ["net_"]
    else:
        names += ["net_", "converged_", "init_labels_"]
        assert clusterer.init_labels_.shape == (200,)
    for name in names:
        assert hasattr(clusterer, name), name
    assert clusterer.labels_.dtype.kind == "i"
    assert clusterer.cluster_centers_.shape == (clusterer.n_clusters, 4)


def wrong_parameter(estimator, X):
    estimator.set_params(lr=-1.0).fit(X)


REFUSED = {
    "X": lambda estimator, X: estimator.fit(np.full((20, 64), np.nan)),
    "few samples": lambda estimator, X: estimator.fit(X[:0]),
    "parameter": wrong_parameter,
    "callbacks": lambda e, X: e.set_params(callbacks=[3]).fit(X),
}


def test_a_refused_refit_keeps_the_old_fit(estimator, digits):
    before = result(estimator.fit(digits[0]), digits[0])
    params = estimator.get_params()
    for refuse in REFUSED.values():
        with pytest.raises((ValueError, TypeError)):
            refuse(estimator, digits[0])
        assert_same(before, result(estimator.set_params(**params), digits[0]))


class Broken(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise ZeroDivisionError("in the training")


def test_a_training_that_fails_leaves_nothing(estimator, digits):
    estimator.fit(digits[0]).set_params(callbacks=[Broken()])
    with pytest.raises(ZeroDivisionError, match="in the training") as caught:
        estimator.fit(digits[0])
    assert any("Nothing is fitted" in note for note in caught.value.__notes__)
    assert not [name for name in vars(estimator) if name.endswith("_")]


class FailsLate(Callback):
    def on_train_end(self, net, **kwargs):
        raise OSError("no space left")


def test_nothing_finished_is_thrown_away(clusterer, digits):
    expected = clone(clusterer).fit(digits[0]).labels_
    clusterer.set_params(callbacks=[FailsLate()])
    with pytest.raises(OSError, match="no space left"):
        clusterer.fit(digits[0])
    np.testing.assert_array_equal(clusterer.labels_, expected)
    np.testing.assert_array_equal(clusterer.predict(digits[0]), expected)


def test_a_warning_that_is_an_error_leaves_a_fitted_estimator(clusterer, digits):
    X = digits[0].copy()
    X[:] = X[0]  # all samples are equal: the clusters collapse
    if isinstance(clusterer, VaDE):
        pytest.skip("its mixture fails on one point")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(UserWarning):
            clusterer.fit(X)
    np.testing.assert_array_equal(clusterer.labels_, clusterer.predict(X))


def test_other_threads_change_nothing(estimator, digits):
    X, _ = digits
    alone = result(clone(estimator).fit(X), X)
    state, stop, drawn = torch.get_rng_state(), threading.Event(), []

    def draw():
        while not stop.is_set():
            drawn.append(torch.rand(1))

    other = threading.Thread(target=draw)
    other.start()
    try:
        beside = result(estimator.fit(X), X)
    finally:
        stop.set()
        other.join()
    assert_same(alone, beside)
    torch.set_rng_state(state)  # and the fit changed nothing of the other's
    assert torch.equal(torch.cat(drawn), torch.cat([torch.rand(1) for _ in drawn]))


def as_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def as_default_device():
    torch.set_default_device("meta")
    try:
        yield
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)


def as_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        yield


def as_deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


SETTINGS = [as_default_dtype, as_default_device, as_autocast, as_deterministic]


def test_settings_of_torch_change_nothing(estimator, digits):
    X, _ = digits
    expected = result(clone(estimator).fit(X), X)
    with ExitStack() as stack:
        for setting in SETTINGS:
            stack.enter_context(contextmanager(setting)())
        fitted = estimator.fit(X)
        within = result(fitted, X)
    assert_same(expected, within)
    assert_same(expected, result(fitted, X))


def test_an_absent_device_is_refused_before_any_work(estimator, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    estimator.set_params(device="cuda")
    with pytest.raises(ValueError, match="no such device here"):
        estimator.fit("not even data")


# -- in scikit-learn's company -----------------------------------------------


def test_pipeline_and_pandas(clusterer, digits):
    X, _ = digits
    frame = pd.DataFrame(X * 16).add_prefix("pixel")
    pipeline = make_pipeline(MinMaxScaler(), clusterer).set_output(transform="pandas")
    labels = pipeline.fit_predict(frame)
    np.testing.assert_array_equal(pipeline.predict(frame), labels)
    Z = pipeline.transform(frame)
    name = type(clusterer).__name__.lower()
    assert list(Z.columns) == [f"{name}{i}" for i in range(4)]
    assert list(Z.columns) == list(pipeline.get_feature_names_out())


@pytest.mark.parametrize("labelled", [True, False])
def test_grid_search_in_two_processes(clusterer, digits, labelled):
    X, y = digits[0][:100], digits[1][:100]
    scoring = metrics.ari_scorer if labelled else metrics.silhouette_scorer
    grid = [{"n_clusters": [2, 4]}, {"optimizer__weight_decay": [0.1]}]
    params = clusterer.get_params()
    searched = {
        "gamma": [0.0, 1.0],
        "n_landmarks": [20, 30],
        "n_pseudo_labels": [5, 20],
        "pretrain_lr": [1e-3, 1e-2],
        "pretrain_epochs": [0, 1],
        "n_heads": [1, 2],
    }
    name = next(name for name in searched if name in params)
    grid += [{name: searched[name]}]
    if isinstance(clusterer, DeepCluster):
        grid += [{"module__widths": [(4,), (2, 4)]}]
    elif isinstance(clusterer, TEMI | Turtle):
        grid += [{"n_components": [2, None]}]
    elif isinstance(clusterer, VaDE):
        grid += [{"module__width": [4, 8]}]
    else:
        grid += [{"module__filters": [(4, 8, 8), (2, 4, 4)]}]
    search = GridSearchCV(
        clusterer, grid, scoring=scoring, cv=2, n_jobs=2, error_score="raise"
    )
    search.fit(X, y if labelled else None)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(search.cv_results_["params"]) == 7
    assert search.best_estimator_.predict(X).shape == (100,)
    # In this process the search finds the same to the bit.
    with joblib.parallel_config("sequential"):
        again = clone(search).set_params(n_jobs=1).fit(X, y if labelled else None)
    np.testing.assert_array_equal(
        again.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_a_search_without_scoring(estimator, digits):
    search = GridSearchCV(estimator, {"lr": [1e-3]}, cv=2, error_score="raise")
    if not hasattr(estimator, "score"):
        with pytest.raises(TypeError, match="If no scoring is specified"):
            search.fit(digits[0])
    else:
        assert np.isfinite(search.fit(digits[0]).best_score_)


# -- devices -----------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_fitted_on_a_gpu(estimator, digits):
    X, _ = digits
    before = torch.cuda.get_rng_state()
    estimator.set_params(device="cuda").fit(X)
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert next(estimator.module_.parameters()).is_cuda
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.transform(X), estimator.transform(X))


DAMAGES = {"all NaN": torch.nan, "all infinite": torch.inf}


@pytest.mark.parametrize("damage", DAMAGES)
def test_weights_that_are_not_finite_are_an_error(estimator, digits, damage):
    X = digits[0]
    Z = estimator.fit(X).transform(X)
    with torch.no_grad():
        for weights in estimator.module_.parameters():
            weights.fill_(DAMAGES[damage])
    for method, data in [
        *(("transform", X), ("predict", X), ("predict_proba", X), ("score", X)),
        ("inverse_transform", Z),
    ]:
        if hasattr(estimator, method):
            words = "is not finite, because weights of the network have become NaN"
            with pytest.raises(ValueError, match=words):
                getattr(estimator, method)(data)


def test_centres_that_are_not_finite_are_an_error(digits):
    idec = IDEC(3, init="kmeans", **SHORT, **DENSE, random_state=0).fit(digits[0])
    with torch.no_grad():
        idec.net_.module_.centers[0] = torch.nan
    for method in ("predict", "predict_proba"):
        with pytest.raises(ValueError, match="soft assignment .* not finite"):
            getattr(idec, method)(digits[0])


def test_nan_that_nothing_looks_for_is_an_error(estimator, digits):
    """With assume_finite scikit-learn looks for no NaN; what a network makes does."""
    X = np.array(digits[0], dtype=np.float32)
    estimator.fit(X)
    X[0, 0] = np.nan
    with config_context(assume_finite=True):
        for method in ("transform", "predict"):
            if hasattr(estimator, method):
                with pytest.raises(ValueError, match="input is too large or not fin"):
                    getattr(estimator, method)(X)


def test_the_network_before_fit_is_said_to_be_missing(estimator):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        _ = estimator.module_
    assert not hasattr(estimator, "module_")
