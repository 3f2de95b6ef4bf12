"""Estimators in files, and back."""

import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder
from skorch.callbacks import EarlyStopping
from test_checkpoint import ESTIMATORS, assert_equal_fits, damage
from tiny import tiny
from torch import nn

from skdeepclust import (
    DCEC,
    AutoClustering,
    Autoencoder,
    ConsensusClustering,
    DeepCluster,
    LandmarkSpectralClustering,
    LoadError,
    SaveError,
    load,
    save,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::skdeepclust.ClusterCollapseWarning",
)

KEPT = Path(__file__).parent / "data" / "dcec-format-1.model"

OTHERS = [
    LandmarkSpectralClustering(5, random_state=0),
    AutoClustering(5, random_state=0),
    ConsensusClustering(KMeans(5, n_init=1, random_state=0), n_runs=3),
]
PIPELINES = [
    make_pipeline(MinMaxScaler(), PCA(8), tiny(Autoencoder, image_shape=None)),
    make_pipeline(FunctionTransformer(np.log1p), RandomForestClassifier(3)),
    make_pipeline(MinMaxScaler(), KNeighborsClassifier(algorithm="kd_tree")),
    make_pipeline(MinMaxScaler(), tiny(DeepCluster, clusterer=GaussianMixture())),
]


def results(estimator, X):
    methods = ("predict", "predict_proba", "transform")
    return {
        name: getattr(estimator, name)(X)
        for name in methods
        if hasattr(estimator, name)
    }


@pytest.mark.parametrize("estimator", [*ESTIMATORS, *OTHERS, *PIPELINES], ids=str)
def test_there_and_back(digits, tmp_path, estimator):
    X, y = digits
    fitted = clone(estimator).fit(X, y)
    save(fitted, tmp_path / "model")
    again = load(tmp_path / "model")
    assert type(again) is type(fitted)
    for name, result in results(fitted, X).items():
        np.testing.assert_array_equal(results(again, X)[name], result)
    if hasattr(fitted, "history_"):
        assert_equal_fits(fitted, again)
    clone(again).fit(X, y)  # a whole estimator, not only its results


def test_saved_by_its_own_method_and_pickled_after(digits, tmp_path):
    dcec = tiny(DCEC).fit(digits[0])
    dcec.save(tmp_path / "model")
    again = pickle.loads(pickle.dumps(load(str(tmp_path / "model"))))
    assert_equal_fits(dcec, again)


def test_not_fitted(tmp_path):
    save(tiny(DCEC, gamma=0.3, callbacks=[EarlyStopping()]), tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.gamma == 0.3
    assert isinstance(again.callbacks[0], EarlyStopping)
    assert not hasattr(again, "labels_")


def test_data_frames_and_categories(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": list("xyxy")})
    columns = ColumnTransformer(
        [("numbers", MinMaxScaler(), ["a"]), ("kinds", OneHotEncoder(), ["b"])]
    ).fit(frame)
    save(columns, tmp_path / "model")
    np.testing.assert_array_equal(
        load(tmp_path / "model").transform(frame), columns.transform(frame)
    )


def test_size(tmp_path):
    X = np.random.RandomState(0).rand(300, 28, 28).astype(np.float32)
    dcec = DCEC(5, pretrain_epochs=1, max_iter=2, init="kmeans", random_state=0).fit(X)
    dcec.save(tmp_path / "model")
    weights = sum(w.numel() * w.element_size() for w in dcec.module_.parameters())
    assert weights < (tmp_path / "model").stat().st_size < 1.05 * weights


def test_a_warm_start_goes_on_after_loading(digits, tmp_path):
    first = tiny(Autoencoder, max_epochs=2, warm_start=True).fit(digits[0])
    first.save(tmp_path / "model")
    again = load(tmp_path / "model").set_params(max_epochs=4).fit(digits[0])
    assert_equal_fits(tiny(Autoencoder, max_epochs=4).fit(digits[0]), again)


def test_the_file_of_this_version_is_read():
    X = np.load(KEPT.with_suffix(".npz"))
    dcec = load(KEPT)
    np.testing.assert_array_equal(dcec.labels_, X["labels"])
    assert (dcec.predict(X["X"]) == X["labels"]).mean() > 0.95  # rounding may differ
    np.testing.assert_allclose(dcec.transform(X["X"]), X["Z"], rtol=1e-3, atol=1e-4)


# -- safety -------------------------------------------------------------------------


class Net(nn.Module):
    """A network of the user."""

    def __init__(self, input_shape):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.ReLU())

    def forward(self, X):
        return self.body(X)


def test_a_network_of_the_user(digits, tmp_path, monkeypatch):
    deep = tiny(DeepCluster, module=Net).fit(digits[0])
    deep.save(tmp_path / "model")
    np.testing.assert_array_equal(
        load(tmp_path / "model").predict(digits[0]), deep.labels_
    )
    monkeypatch.setattr(Net, "forward", lambda self, X: X)
    with pytest.raises(LoadError, match=r"test_saving\.Net \(its code has changed"):
        load(tmp_path / "model")
    load(tmp_path / "model", trusted=[f"{Net.__module__}.Net"])


def test_a_module_that_is_not_imported_is_not_imported(digits, tmp_path):
    module = "import torch.nn as nn\nprint('run')\nclass Own(nn.Linear):\n    pass\n"
    (tmp_path / "own_net_of_a_test.py").write_text(module)
    sys.path.insert(0, str(tmp_path))
    try:
        import own_net_of_a_test

        features = nn.Sequential(nn.Flatten(), own_net_of_a_test.Own(64, 4))
        tiny(DeepCluster, module=features).fit(digits[0]).save(tmp_path / "model")
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("own_net_of_a_test", None)
    code = "import skdeepclust; skdeepclust.load('model')"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "own_net_of_a_test.Own (not imported)" in found.stderr
    assert found.stdout == ""


@pytest.mark.parametrize(
    ("params", "match"),
    [
        (
            {"augment": lambda X: X},
            r"DCEC\.augment cannot be saved safely",
        ),
        ({"callbacks": [print]}, None),
        ({"optimizer": type("Mine", (torch.optim.Adam,), {})}, r"DCEC\.optimizer"),
    ],
)
def test_what_cannot_be_saved_is_named(tmp_path, params, match):
    dcec = tiny(DCEC, **params)
    if match is None:
        save(dcec, tmp_path / "model")
        return
    with pytest.raises(SaveError, match=match):
        save(dcec, tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("thing", [DCEC, 3, None])
def test_only_estimators_are_saved(tmp_path, thing):
    with pytest.raises(TypeError, match="must be an estimator"):
        save(thing, tmp_path / "model")


def test_files_that_are_none_of_ours(digits, tmp_path):
    (tmp_path / "text").write_text("no model")
    with pytest.raises(LoadError, match="was not written by skdeepclust"):
        load(tmp_path / "text")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")
    (tmp_path / "pickle").write_bytes(pickle.dumps(tiny(DCEC)))
    with pytest.raises(LoadError):
        load(tmp_path / "pickle")
    tiny(Autoencoder, checkpoint=tmp_path / "state").fit(digits[0])
    with pytest.raises(LoadError, match="kind 'checkpoint', not 'estimator'"):
        load(tmp_path / "state")
    with pytest.raises(TypeError, match="must be a list of names"):
        load(tmp_path / "state", trusted="name")


def test_twenty_corruptions_are_noticed(digits, tmp_path):
    path = tmp_path / "model"
    tiny(DCEC).fit(digits[0]).save(path)
    whole, rng = path.read_bytes(), random.Random(5)
    for _ in range(20):
        path.write_bytes(whole)
        damage(path, rng)
        with pytest.raises(LoadError, match="damaged"):
            load(path)


def test_a_file_cannot_run_a_function(tmp_path):
    from skdeepclust._archive import Tensors, write_archive

    for name in ("os:system", "builtins:eval", "subprocess:run"):
        node = {"made": [{"kind": "function", "name": name}, {"plain": {"tuple": []}}]}
        content = {"versions": {}, "code": {}, "estimator": {**node, "number": 0}}
        write_archive(tmp_path / "evil", "estimator", content, Tensors())
        with pytest.raises(LoadError):
            load(tmp_path / "evil")
        with pytest.raises(LoadError):
            load(tmp_path / "evil", trusted=[name.replace(":", ".")])


def test_the_old_file_stays_if_the_new_one_cannot_be_written(
    digits, tmp_path, monkeypatch
):
    path = tmp_path / "model"
    dcec = tiny(DCEC).fit(digits[0])
    dcec.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space"):
        dcec.save(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def no_room(*args):
    raise OSError(28, "No space left on device")


def test_device(digits, tmp_path):
    dcec = tiny(DCEC).fit(digits[0])
    dcec.net_.device = "cuda:7"  # of another machine
    dcec.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.net_.device == "cpu"
    np.testing.assert_array_equal(again.predict(digits[0]), dcec.labels_)
    with pytest.raises(ValueError, match="no such device"):
        load(tmp_path / "model", device="cuda:7")
