"""Displays: what is drawn, where, and what is said about it."""

import inspect
import sys
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.docscrape import NumpyDocString
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from skdeepclust import DCEC, Autoencoder, ClusterCollapseWarning, DeepCluster
from skdeepclust._sampling import stratified_sample
from skdeepclust.displays import (
    ClusterConfusionDisplay,
    ClusterMontageDisplay,
    ClusterNumberDisplay,
    LatentSpaceDisplay,
    SilhouetteDisplay,
    TrainingCurvesDisplay,
)
from skdeepclust.displays._images import image_limits, to_unit
from skdeepclust.displays._placing import pushed_apart, spread
from skdeepclust.metrics import clustering_accuracy

TINY = {
    "pretrain_epochs": 2,
    "max_iter": 20,
    "update_interval": 5,
    "batch_size": 32,
    "n_init": 2,
    "init": "kmeans",  # which gives five clusters with samples after so few steps
    "augment": None,
    "random_state": 0,
    "device": "cpu",
    "module__filters": (4, 8, 8),
    "embedding_dim": 4,
}


@pytest.fixture(autouse=True)
def _closed_and_untouched(monkeypatch):
    """No display shows a window or changes the user's settings."""

    def show(*args, **kwargs):
        raise AssertionError("plt.show was called")

    monkeypatch.setattr(plt, "show", show)
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    plt.close("all")


@pytest.fixture(scope="module")
def dcec(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return DCEC(5, **TINY).fit(digits[0])


@pytest.fixture(scope="module")
def autoencoder(digits):
    params = {k: TINY[k] for k in ("batch_size", "random_state", "device")}
    return Autoencoder(max_epochs=2, embedding_dim=4, **params).fit(digits[0])


class Known(ClusterMixin, TransformerMixin, BaseEstimator):
    """An estimator whose codes are its two first columns and clusters the third."""

    def __init__(self, n_clusters=3):
        self.n_clusters = n_clusters

    def fit(self, X, y=None):
        self.cluster_centers_ = np.zeros((self.n_clusters, 2))
        self.module_ = None
        return self

    def transform(self, X):
        return np.asarray(X).reshape(len(X), -1)[:, :2]

    def predict(self, X):
        return np.asarray(X).reshape(len(X), -1)[:, 2].astype(int)


def known_rows(sizes, seed=0):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    points = np.random.default_rng(seed).normal(size=(len(labels), 2))
    return np.column_stack([points + 8 * labels[:, None], labels]), labels


# -- what all have in common -----------------------------------------------------------


def drawings(dcec, X, y):
    """Each display, as a function of ax."""
    number = ClusterNumberDisplay(np.arange(2, 5), np.ones((3, 2)), np.ones((3, 1)))
    return {
        "training": lambda ax: TrainingCurvesDisplay.from_estimator(dcec, ax=ax),
        "latent": lambda ax: LatentSpaceDisplay.from_estimator(
            dcec, X, projection="pca", ax=ax
        ),
        "montage": lambda ax: ClusterMontageDisplay.from_estimator(dcec, X, ax=ax),
        "confusion": lambda ax: ClusterConfusionDisplay.from_estimator(
            dcec, X, y, ax=ax
        ),
        "silhouette": lambda ax: SilhouetteDisplay.from_estimator(dcec, X, ax=ax),
        "number": lambda ax: number.plot(ax=ax),
    }


NAMES = ("training", "latent", "montage", "confusion", "silhouette", "number")
N_PANELS = {"training": 4, "number": 2}


def axes_of(display):
    axes = getattr(display, "axes_", None)
    return [display.ax_] if axes is None else list(axes)


@pytest.mark.parametrize("name", NAMES)
def test_without_ax_a_figure_is_made(name, dcec, digits):
    display = drawings(dcec, *digits)[name](None)
    assert plt.get_fignums() == [display.figure_.number]
    assert display.figure_.get_layout_engine() is not None
    assert all(ax.figure is display.figure_ for ax in axes_of(display))
    assert len(axes_of(display)) == N_PANELS.get(name, 1)
    display.figure_.canvas.draw()


@pytest.mark.parametrize("name", NAMES)
def test_given_axes_are_used(name, dcec, digits):
    n_panels = N_PANELS.get(name, 1)
    figure, grid = plt.subplots(1, n_panels, squeeze=False)
    ax = grid[0] if n_panels > 1 else grid[0, 0]
    display = drawings(dcec, *digits)[name](ax)
    assert axes_of(display) == list(grid[0])
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize("name", NAMES)
def test_a_subfigure_is_drawn_in(name, dcec, digits):
    figure = plt.figure(layout="constrained")
    left, right = figure.subfigures(1, 2)
    display = drawings(dcec, *digits)[name](right)
    assert len(right.axes) == len(axes_of(display))
    assert not left.axes
    assert display.figure_ is right


@pytest.mark.parametrize("name", sorted(N_PANELS))
def test_too_few_axes_are_an_error(name, dcec, digits):
    _, ax = plt.subplots()
    with pytest.raises(
        ValueError, match=f"has {N_PANELS[name]} panels, but ax holds 1"
    ):
        drawings(dcec, *digits)[name](ax)


@pytest.mark.parametrize("name", NAMES)
def test_plot_draws_again(name, dcec, digits):
    display = drawings(dcec, *digits)[name](None)
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first


@pytest.mark.parametrize("name", NAMES)
def test_attributes_are_described(name, dcec, digits):
    display = drawings(dcec, *digits)[name](None)
    doc = NumpyDocString(inspect.getdoc(type(display)))
    public = [n for n in dir(display) if n.endswith("_") and n[0] != "_"]
    assert sorted(p.name for p in doc["Attributes"]) == sorted(public)
    stored = [n for n in vars(display) if not n.endswith("_")]
    assert stored == [p.name for p in doc["Parameters"]]


@pytest.mark.parametrize("name", NAMES)
def test_missing_matplotlib_says_how_to_get_it(name, dcec, digits, monkeypatch):
    draw = drawings(dcec, *digits)[name]
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "skdeepclust\[plot\]"'):
        draw(None)


# -- training curves -------------------------------------------------------------------


def xy(line):
    return [np.asarray(values, dtype=float) for values in line.get_data()]


def test_training_curves_are_the_history(dcec):
    display = TrainingCurvesDisplay.from_estimator(dcec)
    assert display.panels_ == ["pretraining", "losses", "changes", "clusters"]
    pretraining, losses, changes, clusters = display.axes_
    table = dcec.history_["clustering"]
    assert pretraining.get_yscale() == "log"
    assert_allclose(xy(pretraining.lines[0])[1], dcec.history_["pretraining"]["loss"])
    assert_allclose(xy(losses.lines[0]), [table["step"], table["reconstruction_loss"]])
    weighted = dcec.gamma * np.array(table["clustering_loss"])
    assert_allclose(xy(losses.lines[1]), [table["step"], weighted])
    assert_allclose(xy(changes.lines[0]), [table["step"], table["label_change"]])
    assert changes.lines[0].get_marker() == "o"
    assert_allclose(xy(changes.lines[1])[1], dcec.tol)
    assert_allclose(xy(clusters.lines[0])[1], table["n_effective_clusters"])
    assert_allclose(xy(clusters.lines[1])[1], 5)


def test_panels_are_those_of_the_tables(autoencoder, digits, dcec):
    assert TrainingCurvesDisplay.from_estimator(autoencoder).panels_ == ["pretraining"]
    pipeline = make_pipeline(autoencoder, KMeans(3, n_init=1)).fit(digits[0])
    assert TrainingCurvesDisplay.from_estimator(pipeline).panels_ == ["pretraining"]
    no_joint = {**dcec.history_, "clustering": {"loss": [], "step": []}}
    assert TrainingCurvesDisplay(no_joint).plot().panels_ == ["pretraining"]


def test_clustering_without_reconstruction(dcec):
    table = dict(dcec.history_["clustering"])
    del table["reconstruction_loss"]
    display = TrainingCurvesDisplay({"clustering": table}, tol=0.1).plot()
    (line,) = display.axes_[0].lines
    assert_allclose(xy(line)[1], table["clustering_loss"])  # no gamma: as it is


def test_several_autoencoders_share_a_panel():
    tables = {
        f"autoencoder {i}": {"epoch": [1, 2, 3], "loss": [1.0, 0.5, 0.1 * (i + 1)]}
        for i in range(7)
    }
    display = TrainingCurvesDisplay(tables).plot()
    (ax,) = display.axes_
    assert [line.get_label() for line in ax.lines] == list(tables)
    assert [xy(line)[1][-1] for line in ax.lines] == pytest.approx(
        [0.1 * (i + 1) for i in range(7)]
    )
    assert len(ax.get_legend().texts) == 7


def test_rounds_of_deepcluster(digits):
    deep = DeepCluster(3, max_iter=3, epochs_per_round=1, random_state=0, device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        deep.fit(digits[0][:60])
    display = TrainingCurvesDisplay.from_estimator(deep)
    assert display.panels_ == ["round loss", "agreement", "class sizes"]
    loss, agreement, sizes = display.axes_
    table = deep.history_["rounds"]
    assert_allclose(xy(loss.lines[0])[1], table["loss"])
    assert_allclose(xy(agreement.lines[0])[1], table["nmi_previous"])
    assert_allclose(xy(agreement.lines[1])[1], 1 - deep.tol)
    assert agreement.get_xlim()[0] < 1  # the first round has its place
    drawn = {line.get_label(): xy(line)[1] for line in sizes.lines}
    assert_allclose(drawn["largest"], table["largest_class"])
    assert_allclose(drawn["smallest"], table["smallest_class"])


@pytest.mark.parametrize("tol", [1e-3, 0.0, None])
@pytest.mark.parametrize("changes", [[0.2, 0.01, 0.0], [0.0, 0.0, 0.0]])
def test_no_label_change_is_visible(changes, tol, dcec):
    table = {k: v[:3] for k, v in dcec.history_["clustering"].items()}
    table["label_change"] = changes
    display = TrainingCurvesDisplay({"clustering": table}, tol=tol).plot()
    ax = display.axes_[1]
    display.figure_.canvas.draw()
    pixels = ax.transData.transform([(table["step"][i], changes[i]) for i in range(3)])
    inside = ax.get_window_extent().padded(1)
    assert all(inside.contains(*place) for place in pixels)
    assert 0 in ax.get_yticks()


def test_nothing_to_draw_is_said():
    with pytest.raises(NotFittedError):
        TrainingCurvesDisplay.from_estimator(DCEC())
    with pytest.raises(ValueError, match="nothing was trained"):
        TrainingCurvesDisplay({"pretraining": {"epoch": [], "loss": []}}).plot()
    kmeans = KMeans(2, n_init=1).fit(np.eye(4))
    with pytest.raises(TypeError, match="KMeans has no history_"):
        TrainingCurvesDisplay.from_estimator(kmeans)


# -- latent space ----------------------------------------------------------------------


class Recorder(TransformerMixin, BaseEstimator):
    """A projection that writes down what it gets."""

    def __init__(self, seen):
        self.seen = seen

    def __sklearn_clone__(self):
        return Recorder(self.seen)

    def fit_transform(self, X, y=None):
        self.seen.append(X)
        return X[:, :2]


def key(point):
    return tuple(np.round(np.asarray(point, dtype=float), 5))


def colors_by_point(ax):
    return {
        key(point): tuple(collection.get_facecolor()[0])
        for collection in ax.collections
        if collection.get_label() != "centre"
        for point in collection.get_offsets()
    }


def test_centres_are_projected_together_with_the_samples(dcec, digits):
    seen = []
    display = LatentSpaceDisplay.from_estimator(
        dcec, digits[0], projection=Recorder(seen)
    )
    Z = dcec.transform(digits[0])
    (projected,) = seen
    assert_array_equal(projected, np.concatenate([Z, dcec.cluster_centers_]))
    assert_array_equal(display.points, Z[:, :2])
    assert_array_equal(display.centers, dcec.cluster_centers_[:, :2])
    assert_array_equal(display.labels, dcec.predict(digits[0]))
    drawn = np.concatenate([c.get_offsets() for c in display.ax_.collections])
    assert len(drawn) == 200 + 5


@pytest.mark.parametrize("projection", ["tsne", "pca", PCA(2)])
def test_projections(projection):
    X, _ = known_rows([20, 20])
    display = LatentSpaceDisplay.from_embedding(X, projection=projection)
    assert display.points.shape == (40, 2)
    assert not hasattr(projection, "components_")  # the user's one is left alone
    again = LatentSpaceDisplay.from_embedding(X, projection=projection)
    assert_array_equal(display.points, again.points)


def test_codes_of_width_two_as_they_are():
    X, labels = known_rows([20, 20])
    display = LatentSpaceDisplay.from_embedding(X[:, :2], labels, projection=None)
    assert_array_equal(display.points, X[:, :2])


def test_the_title_says_the_sample_and_small_clusters_stay():
    X, labels = known_rows([1900, 95, 4, 1])
    estimator = Known(4).fit(X)
    display = LatentSpaceDisplay.from_estimator(
        estimator, X, projection=None, max_samples=200
    )
    assert "200 of 2,000 samples" in display.ax_.get_title()
    assert len(display.points) == 200
    found, sizes = np.unique(display.labels, return_counts=True)
    assert found.tolist() == [0, 1, 2, 3]
    assert sizes[2:].tolist() == [4, 1]
    assert_array_equal(labels[display.indices], display.labels)
    full = LatentSpaceDisplay.from_estimator(estimator, X, projection=None)
    assert "2,000 samples" in full.ax_.get_title()
    assert " of 2,000" not in full.ax_.get_title()


def test_before_has_the_same_samples_and_colours(dcec, autoencoder, digits):
    X = digits[0]
    codes = autoencoder.transform(X)
    for before in (autoencoder, codes):
        seen = []
        display = LatentSpaceDisplay.from_estimator(
            dcec, X, projection=Recorder(seen), max_samples=50, before=before
        )
        assert [len(Z) for Z in seen] == [50 + 5, 50]
        assert_array_equal(seen[1], codes[display.indices])
        assert_array_equal(seen[0][:50], dcec.transform(X)[display.indices])
        left, right = (colors_by_point(ax) for ax in display.axes_)
        for i in range(50):
            color = left[key(display.points_before[i])]
            assert color == right[key(display.points[i])]
        assert display.ax_ is display.axes_[1]


def test_y_colours_instead_of_clusters(dcec, digits):
    X, y = digits
    names = np.array(["even", "odd"])[y % 2]
    display = LatentSpaceDisplay.from_estimator(dcec, X, y=names, projection="pca")
    legend = display.ax_.get_legend()
    assert legend.get_title().get_text() == "class"
    assert [t.get_text() for t in legend.texts] == ["even", "odd", "centre"]


def test_without_clusters_one_colour(autoencoder, digits):
    display = LatentSpaceDisplay.from_estimator(
        autoencoder, digits[0], projection="pca"
    )
    assert len(display.ax_.collections) == 1
    assert display.ax_.get_legend() is None


@pytest.mark.parametrize(("n_clusters", "has_legend"), [(10, True), (11, False)])
def test_many_clusters_have_their_names_in_the_picture(n_clusters, has_legend):
    X, labels = known_rows([5] * n_clusters)
    display = LatentSpaceDisplay.from_embedding(X[:, :2], labels, projection=None)
    assert (display.ax_.get_legend() is not None) == has_legend
    written = [text.get_text() for text in display.ax_.texts]
    assert written == ([] if has_legend else [str(k) for k in range(n_clusters)])


def test_forty_clusters_look_different():
    X, labels = known_rows([5] * 40)
    display = LatentSpaceDisplay.from_embedding(X[:, :2], labels, projection=None)
    looks = {
        (tuple(c.get_facecolor()[0]), c.get_paths()[0].vertices.tobytes())
        for c in display.ax_.collections
    }
    assert len(looks) == 40


def test_kmeans_is_drawn_in_the_space_of_x():
    # Its transform gives distances, of the same width as X here.
    X, _ = known_rows([10, 10, 10])
    kmeans = KMeans(3, n_init=1, random_state=0).fit(X)
    seen = []
    LatentSpaceDisplay.from_estimator(kmeans, X, projection=Recorder(seen))
    assert_array_equal(seen[0], np.concatenate([X, kmeans.cluster_centers_]))


def test_a_pipeline_is_drawn_in_the_space_of_its_clusterer(autoencoder, digits):
    pipeline = make_pipeline(autoencoder, KMeans(3, n_init=1)).fit(digits[0])
    seen = []
    LatentSpaceDisplay.from_estimator(pipeline, digits[0], projection=Recorder(seen))
    expected = [pipeline[0].transform(digits[0]), pipeline[1].cluster_centers_]
    assert_array_equal(seen[0], np.concatenate(expected))


def test_a_search_is_drawn_as_its_best_estimator(blobs):
    X = blobs[0]
    search = GridSearchCV(KMeans(n_init=1), {"n_clusters": [3]}, cv=2).fit(X)
    seen = []
    LatentSpaceDisplay.from_estimator(search, X, projection=Recorder(seen))
    centers = search.best_estimator_.cluster_centers_
    assert_array_equal(seen[0], np.concatenate([X, centers]))
    with pytest.raises(TypeError, match="KMeans has no history_"):
        TrainingCurvesDisplay.from_estimator(search)


def test_codes_before_may_be_a_data_frame():
    pandas = pytest.importorskip("pandas")
    X, _ = known_rows([10, 10])
    display = LatentSpaceDisplay.from_estimator(
        Known(2).fit(X), X, before=pandas.DataFrame(X), projection=Recorder([])
    )
    assert_array_equal(display.points_before, X[:, :2])


def test_errors_of_the_latent_space():
    X, labels = known_rows([10, 10])
    with pytest.raises(ValueError, match="one column"):
        LatentSpaceDisplay.from_embedding(X[:, :1])
    with pytest.raises(ValueError, match="must be 'tsne', 'pca', None"):
        LatentSpaceDisplay.from_embedding(X, projection="umap")
    with pytest.raises(ValueError, match=r"a picture needs \(n_samples, 2\)"):
        LatentSpaceDisplay.from_embedding(X, projection=PCA(3))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LatentSpaceDisplay.from_embedding(X, labels, before=X[:5])
    with pytest.raises(ValueError, match="centers have 2 columns, but Z has 3"):
        LatentSpaceDisplay.from_embedding(X, centers=X[:3, :2])
    agglomerative = AgglomerativeClustering(2).fit(X)
    with pytest.raises(ValueError, match="Pass the X that it was fitted on"):
        LatentSpaceDisplay.from_estimator(agglomerative, X[:5])
    display = LatentSpaceDisplay.from_estimator(agglomerative, X, projection="pca")
    assert_array_equal(display.labels, agglomerative.labels_)


# -- montage ---------------------------------------------------------------------------


def pixel_images(sizes, channels=1, seed=0):
    """Images of 2 x 2 whose first pixels are code, code, cluster, as `Known` reads."""
    rows, labels = known_rows(sizes, seed)
    images = np.zeros((len(rows), channels, 2, 2))
    images.reshape(len(rows), -1)[:, :3] = rows
    return images, labels


def test_montage_groups_go_by_distance():
    X, labels = pixel_images([20, 12])
    estimator = Known(2).fit(X)
    estimator.cluster_centers_ = np.array([[0.0, 0.0], [8.0, 8.0]])
    display = ClusterMontageDisplay.from_estimator(estimator, X, n_images=3)
    assert display.sizes == [20, 12]
    for k in range(2):
        codes = X[labels == k].reshape(-1, 4)[:, :2]
        distances = np.sort(
            np.linalg.norm(codes - estimator.cluster_centers_[k], axis=1)
        )
        shown = {
            title: np.linalg.norm(
                rows[k].reshape(-1, 4)[:, :2] - estimator.cluster_centers_[k], axis=1
            )
            for title, rows in display.groups.items()
        }
        assert_allclose(shown["nearest"], distances[:3], rtol=1e-5)
        assert_allclose(shown["farthest"], distances[-3:], rtol=1e-5)
        assert np.all(np.diff(shown["random"]) > 0)
        assert shown["random"].min() > distances[2]
        assert shown["random"].max() < distances[-3]


def test_montage_of_small_and_empty_clusters():
    X, _ = pixel_images([20, 4, 0, 1])
    display = ClusterMontageDisplay.from_estimator(Known(5).fit(X), X, n_images=3)
    assert display.clusters == [0, 1, 2, 3, 4]
    assert display.sizes == [20, 4, 0, 1, 0]
    numbers = {k: [len(row) for row in rows] for k, rows in display.groups.items()}
    assert numbers == {
        "nearest": [3, 3, 0, 1, 0],
        "random": [3, 0, 0, 0, 0],
        "farthest": [3, 1, 0, 0, 0],
    }
    assert len(display.images_) == 14
    written = [text.get_text() for text in display.ax_.texts]
    assert written.count("empty") == 2
    display.figure_.canvas.draw()


def test_montage_says_size_and_confidence(dcec, digits):
    X = digits[0]
    display = ClusterMontageDisplay.from_estimator(dcec, X, n_images=2)
    titles = ["decoded\ncentre", "nearest", "random", "farthest"]
    assert list(display.groups) == titles
    written = [text.get_text() for text in display.ax_.texts]
    assert set(titles) < set(written)
    labels, largest = dcec.predict(X), dcec.predict_proba(X).max(axis=1)
    for k in range(5):
        own = labels == k
        assert display.confidences[k] == pytest.approx(largest[own].mean())
        assert f"{own.sum()}\n{largest[own].mean():.2f}" in written
        center = display.groups["decoded\ncentre"][k]
        assert_allclose(center, dcec.cluster_images_[k])


def test_montage_of_chosen_clusters(dcec, digits):
    display = ClusterMontageDisplay.from_estimator(dcec, digits[0], clusters=[3, 1])
    assert [text.get_text() for text in display.row_labels_] == ["3", "1"]
    assert display.sizes == [(dcec.labels_ == 3).sum(), (dcec.labels_ == 1).sum()]


@pytest.mark.parametrize(("channels", "is_color"), [(1, False), (2, False), (3, True)])
def test_montage_channels(channels, is_color):
    X, _ = pixel_images([6, 6], channels)
    X[:, -1, 1, 1] = 0.75
    display = ClusterMontageDisplay.from_estimator(Known(2).fit(X), X, n_images=2)
    image = display.groups["nearest"][0][0]
    assert image.shape == ((2, 2, 3) if is_color else (2, 2))
    expected = [0, 0, 0.75] if is_color else 0.75 / channels
    assert_allclose(image[1, 1], expected)
    drawn = display.images_[0].get_array()
    assert drawn.min() >= 0
    assert drawn.max() <= 1  # colour values beyond 1 are clipped


def test_montage_of_uint8():
    X, _ = pixel_images([6, 6], 3)
    X[:, 2, 1, 1] = 255
    X = np.clip(X, 0, 255).astype(np.uint8)
    display = ClusterMontageDisplay.from_estimator(Known(2).fit(X), X, n_images=2)
    assert_allclose(display.groups["nearest"][0][0][1, 1], [0, 0, 1])


def test_values_beyond_the_limits_are_clipped():
    assert_allclose(to_unit(np.array([-3.0, 0, 1, 2, 9]), (0, 2)), [0, 0, 0.5, 1, 1])
    grey = np.array([[[-2.0, 4.0]]])
    assert image_limits(grey) == (-2, 4)  # not on the scale [0, 1]: its own range
    colour = grey[..., None].repeat(3, axis=-1)
    assert image_limits(colour) == (-2, 4)
    assert image_limits(colour.clip(-0.1, 1.3)) == (0, 1)


def test_montage_layouts_agree(dcec, digits):
    rows = digits[0]
    drawn = [
        ClusterMontageDisplay.from_estimator(dcec, X, n_images=2).groups["nearest"]
        for X in (rows, rows.reshape(-1, 8, 8), rows.reshape(-1, 1, 8, 8))
    ]
    for other in drawn[1:]:
        for first, second in zip(drawn[0], other):
            assert_array_equal(first, second)


def test_montage_of_rows_needs_a_shape():
    X, _ = known_rows([5, 5])
    X = np.column_stack([X, X[:, 0]])
    estimator = Known(2).fit(X)
    with pytest.raises(ValueError, match="Pass image_shape="):
        ClusterMontageDisplay.from_estimator(estimator, X)
    display = ClusterMontageDisplay.from_estimator(estimator, X, image_shape=(2, 2))
    assert display.groups["nearest"][0].shape[1:] == (2, 2)


def test_forty_clusters_are_in_blocks_side_by_side():
    X, _ = pixel_images([3] * 40)
    display = ClusterMontageDisplay.from_estimator(Known(40).fit(X), X, n_images=1)
    display.figure_.canvas.draw()
    lefts = {round(text.get_position()[0], 3) for text in display.row_labels_}
    assert len(lefts) == 2
    boxes = [text.get_window_extent() for text in display.ax_.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


# -- confusion -------------------------------------------------------------------------


def test_matches_are_on_the_diagonal_and_the_unmatched_last():
    y = np.repeat(["ant", "bee", "cat"], [5, 6, 7])
    labels = np.concatenate([[7] * 3 + [1] * 2, [2] * 6, [0] * 4 + [9] * 3])
    display = ClusterConfusionDisplay.from_predictions(y, labels)
    assert display.classes.tolist() == ["ant", "bee", "cat"]
    assert display.clusters.tolist() == [7, 2, 0, 1, 9]
    expected = [[3, 0, 0, 2, 0], [0, 6, 0, 0, 0], [0, 0, 4, 0, 3]]
    assert display.table.tolist() == expected
    assert_array_equal(display.im_.get_array(), expected)
    assert [int(text.get_text()) for text in display.text_] == [
        n for row in expected for n in row
    ]
    ticks = [t.get_text() for t in display.ax_.get_xticklabels()]
    assert ticks == ["7", "2", "0", "1", "9"]


def test_fewer_clusters_than_classes():
    y = np.repeat(["ant", "bee", "cat"], [5, 6, 7])
    labels = np.repeat(["x", "y", "x"], [5, 6, 7])
    display = ClusterConfusionDisplay.from_predictions(y, labels)
    assert display.classes.tolist() == ["bee", "cat", "ant"]
    assert display.clusters.tolist() == ["y", "x"]
    assert display.table.tolist() == [[6, 0], [0, 7], [0, 5]]


def test_confusion_says_the_scores(dcec, digits):
    X, y = digits
    display = ClusterConfusionDisplay.from_estimator(dcec, X, y)
    labels = dcec.predict(X)
    assert display.table.sum() == len(y)
    assert display.accuracy == clustering_accuracy(y, labels)
    assert display.accuracy == np.trace(display.table) / len(y)
    title = display.ax_.get_title()
    assert f"ACC {display.accuracy:.3f}" in title
    assert f"ARI {adjusted_rand_score(y, labels):.3f}" in title
    assert "NMI" in title


def test_numbers_are_legible_on_their_cells():
    y = np.repeat([0, 1, 1], [50, 50, 1])
    display = ClusterConfusionDisplay.from_predictions(
        y, np.repeat([0, 1, 0], [50, 50, 1])
    )
    dark, empty, light, _ = display.text_
    assert to_rgba(dark.get_color()) == to_rgba("white")
    assert to_rgba(light.get_color()) == to_rgba("black")
    assert to_rgba(empty.get_color()) == to_rgba("0.6")


def test_forty_clusters_in_a_small_figure_have_a_colour_bar():
    y = np.tile(np.arange(40), 3)
    _, ax = plt.subplots(figsize=(4, 3), layout="constrained")
    display = ClusterConfusionDisplay.from_predictions(y, y, ax=ax)
    assert display.text_ == []
    assert len(ax.figure.axes) == 2
    roomy = ClusterConfusionDisplay.from_predictions(y, y)
    assert len(roomy.text_) == 1600
    assert len(roomy.figure_.axes) == 1


# -- silhouettes -----------------------------------------------------------------------


def test_silhouettes_are_scikit_learns():
    X, labels = known_rows([30, 20, 10])
    display = SilhouetteDisplay.from_predictions(X[:, :2], labels)
    expected = silhouette_score(X[:, :2], labels)
    assert display.mean_ == pytest.approx(expected)
    assert display.line_.get_xdata()[0] == pytest.approx(expected)
    assert "60 samples" in display.ax_.get_title()
    blades = [patch.get_data().values for patch in display.ax_.patches]
    assert [len(blade) for blade in blades] == [30, 20, 10]
    for k, blade in enumerate(blades):
        assert_allclose(blade, np.sort(display.values[labels == k])[::-1])
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["0 (30)", "1 (20)", "2 (10)"]


def test_silhouettes_of_a_sample():
    X, labels = known_rows([900, 95, 5])
    display = SilhouetteDisplay.from_estimator(Known(3).fit(X), X, max_samples=300)
    assert "300 of 1,000 samples" in display.ax_.get_title()
    assert len(display.values) == 300
    assert display.sizes.tolist() == [900, 95, 5]
    assert (display.labels == 2).sum() == 5
    # The small cluster is drawn in full, and counts no more for that.
    assert display.mean_ == pytest.approx(silhouette_score(X[:, :2], labels), abs=0.02)


@pytest.mark.parametrize("figsize", [(4, 3), (6, 9)])
def test_names_of_forty_blades_do_not_overlap(figsize):
    X, labels = known_rows([40, *[1] * 20, *[15] * 19])
    _, ax = plt.subplots(figsize=figsize, layout="constrained")
    SilhouetteDisplay.from_predictions(X[:, :2], labels, ax=ax)
    ax.figure.canvas.draw()
    texts = ax.get_yticklabels()
    assert [int(text.get_text().split()[0]) for text in texts] == list(range(40))
    heights = [text.get_window_extent().height for text in texts]
    middles = [text.get_window_extent().y0 + h / 2 for text, h in zip(texts, heights)]
    step = 1 if figsize[1] == 9 else 2  # in two columns
    for first, second in zip(middles, middles[step:]):
        assert abs(first - second) > 0.8 * min(heights)
    size = texts[0].get_fontsize()
    assert size >= 5


@pytest.mark.parametrize("labels", [np.zeros(6), np.arange(6)])
def test_undefined_silhouettes_are_an_error(labels):
    with pytest.raises(ValueError, match="at least two clusters"):
        SilhouetteDisplay.from_predictions(np.eye(6), labels)


def test_an_estimator_without_clusters_is_an_error(autoencoder, digits):
    for draw in (
        lambda: SilhouetteDisplay.from_estimator(autoencoder, digits[0]),
        lambda: ClusterConfusionDisplay.from_estimator(autoencoder, *digits),
        lambda: ClusterMontageDisplay.from_estimator(autoencoder, digits[0]),
    ):
        with pytest.raises(TypeError, match="neither predict nor labels_"):
            draw()


# -- number of clusters ----------------------------------------------------------------


@pytest.fixture
def fits(monkeypatch):
    """Parameters of every fit of a DCEC, and epochs of every pretraining."""
    seen, fit, pretrain = [], DCEC.fit, Autoencoder._fit

    def recorded(self, X, y=None):
        seen.append(dict(self.get_params(deep=False)))
        return fit(self, X, y)

    def recorded_pretraining(self, *args):
        seen[-1]["epochs"] = self.max_epochs
        return pretrain(self, *args)

    monkeypatch.setattr(DCEC, "fit", recorded)
    monkeypatch.setattr(Autoencoder, "_fit", recorded_pretraining)
    return seen


@pytest.mark.filterwarnings("ignore")
def test_one_pretraining_for_all_numbers(fits, digits, tmp_path):
    X = digits[0][:100]
    dcec = DCEC(4, **{**TINY, "max_iter": 5}, memory=str(tmp_path))
    display = ClusterNumberDisplay.from_estimator(
        dcec, X, n_clusters=[5, 2, 3], n_seeds=2
    )
    assert [f["epochs"] for f in fits] == [2] + [0] * 6
    assert [f["max_iter"] for f in fits] == [0] + [5] * 6
    assert [f["n_clusters"] for f in fits] == [4, 2, 2, 3, 3, 5, 5]
    assert all(f["memory"] is None for f in fits[1:])
    seeds = [f["random_state"] for f in fits[1:]]
    assert seeds == seeds[:2] * 3
    assert len(set(seeds)) == 2
    assert display.n_clusters.tolist() == [2, 3, 5]
    assert display.scores.shape == (3, 2)
    assert display.stabilities.shape == (3, 1)
    # The estimator itself is left as it was.
    assert dcec.module == "auto"
    assert not hasattr(dcec, "net_")


@pytest.mark.filterwarnings("ignore")
def test_scores_are_of_the_shared_code(fits, digits, monkeypatch):
    X, found = digits[0][:100], []
    fit_transform = DCEC.transform

    def recorded(self, X):
        found.append(fit_transform(self, X))
        return found[-1]

    labels, fit = [], DCEC.fit

    def with_labels(self, X, y=None):
        fit(self, X, y)
        labels.append(self.labels_)
        return self

    monkeypatch.setattr(DCEC, "transform", recorded)
    monkeypatch.setattr(DCEC, "fit", with_labels)
    display = ClusterNumberDisplay.from_estimator(
        DCEC(**{**TINY, "max_iter": 5}), X, n_clusters=[3], n_seeds=3
    )
    (Z,) = found
    expected = [silhouette_score(Z, fitted) for fitted in labels[1:]]
    assert_allclose(display.scores[0], expected)
    a, b, c = labels[1:]
    pairs = [adjusted_rand_score(*p) for p in ((a, b), (a, c), (b, c))]
    assert_allclose(display.stabilities[0], pairs)


def test_number_of_clusters_of_blobs(blobs):
    kmeans = KMeans(n_init=1)
    display = ClusterNumberDisplay.from_estimator(
        kmeans, blobs[0], n_clusters=range(2, 6), n_seeds=3
    )
    assert display.best_n_clusters_ == 3
    silhouette, stability = display.axes_
    means = silhouette.lines[3]  # behind the dots of three seeds
    assert_allclose(xy(means), [[2, 3, 4, 5], display.scores.mean(axis=1)])
    assert_allclose(xy(stability.lines[3])[1], display.stabilities.mean(axis=1))
    (note,) = silhouette.texts
    assert note.get_text() == "highest mean silhouette: 3"
    for ax in display.axes_:
        assert 3 in [xy(line)[0][0] for line in ax.lines if len(set(xy(line)[0])) == 1]
    again = ClusterNumberDisplay.from_estimator(
        kmeans, blobs[0], n_clusters=range(2, 6), n_seeds=3
    )
    assert_array_equal(display.scores, again.scores)


def test_one_seed_has_no_stability(blobs):
    display = ClusterNumberDisplay.from_estimator(
        AgglomerativeClustering(), blobs[0], n_clusters=[2, 3], n_seeds=1
    )
    assert len(display.axes_) == 1
    assert display.stabilities.shape == (2, 0)


def test_the_sample_of_the_silhouettes_is_said(blobs):
    display = ClusterNumberDisplay.from_estimator(
        KMeans(n_init=1), blobs[0], n_clusters=[2, 3], n_seeds=1, max_samples=60
    )
    assert "60 of 150 samples" in display.axes_[0].get_title()


def test_steps_before_the_clusterer_are_fitted_once(digits, monkeypatch):
    calls, fit = [], Autoencoder.fit

    def recorded(self, X, y=None):
        calls.append(self.random_state)
        return fit(self, X, y)

    monkeypatch.setattr(Autoencoder, "fit", recorded)
    autoencoder = Autoencoder(max_epochs=1, embedding_dim=3, device="cpu")
    display = ClusterNumberDisplay.from_estimator(
        make_pipeline(autoencoder, KMeans(n_init=1)),
        digits[0][:80],
        n_clusters=[2, 3],
        n_seeds=2,
    )
    assert len(calls) == 1
    assert calls[0] is not None  # seeded by the display
    assert "output of Autoencoder" in display.axes_[0].get_title()


class Collapsing(ClusterMixin, BaseEstimator):
    def __init__(self, n_clusters=2, random_state=None):
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit(self, X, y=None):
        warnings.warn(f"{self.n_clusters} collapsed", ClusterCollapseWarning)
        warnings.warn("not yet", ConvergenceWarning)
        self.labels_ = np.arange(len(X)) % (1 if self.n_clusters > 2 else 2)
        return self


def test_a_warning_of_each_category():
    with pytest.warns() as caught:
        display = ClusterNumberDisplay.from_estimator(
            Collapsing(), np.eye(6), n_clusters=[2, 3, 4], n_seeds=2
        )
    ours = {w.category: str(w.message) for w in caught}
    assert len(caught) == 2
    assert ours[ClusterCollapseWarning].startswith("2 collapsed (6 such warnings")
    assert ConvergenceWarning in ours
    assert np.isnan(display.scores[1:]).all()  # a single cluster has no silhouette
    assert display.best_n_clusters_ == 2


def test_no_score_at_all():
    with pytest.warns():
        display = ClusterNumberDisplay.from_estimator(
            Collapsing(), np.eye(6), n_clusters=[3, 4], n_seeds=2
        )
    assert display.best_n_clusters_ is None


def test_errors_of_the_number_of_clusters(blobs):
    with pytest.raises(TypeError, match="PCA has no parameter n_clusters"):
        ClusterNumberDisplay.from_estimator(PCA(), blobs[0])
    with pytest.raises(ValueError, match="numbers of at least 2"):
        ClusterNumberDisplay.from_estimator(KMeans(), blobs[0], n_clusters=[1, 2])


# -- samples and places ----------------------------------------------------------------


@pytest.mark.parametrize("max_samples", [3, 10, 50, 99, 100, None])
def test_stratified_samples_have_the_size_asked_for(max_samples):
    labels = np.repeat(["a", "b", "c"], [80, 19, 1])
    drawn = stratified_sample(labels, max_samples, random_state=0)
    assert len(drawn) == (max_samples or 100)
    assert len(set(drawn)) == len(drawn)
    assert set(labels[drawn]) == {"a", "b", "c"}
    assert_array_equal(drawn, stratified_sample(labels, max_samples, 0))


def test_stratified_samples_are_in_proportion():
    labels = np.repeat([0, 1], [9000, 1000])
    drawn = stratified_sample(labels, 1000, random_state=0)
    assert np.bincount(labels[drawn])[0] == pytest.approx(900, abs=50)


def test_spread_keeps_order_distance_and_bounds():
    targets = np.array([0.0, 0.1, 0.2, 5.0, 9.9, 10.0])
    places = spread(targets, 1.0, 0.5, 9.5)
    assert np.all(np.diff(places) >= 1 - 1e-9)
    assert places.min() >= 0.5
    assert places.max() <= 9.5 + 1e-9
    assert places[3] == 5.0  # nothing is in its way


def test_boxes_are_pushed_apart():
    places = np.random.default_rng(0).normal(size=(30, 2))
    places[1] = places[0]
    sizes = np.full((30, 2), (2.0, 1.0))
    moved = pushed_apart(places, sizes)
    gaps = np.abs(moved[:, None] - moved)
    overlap = np.minimum(2 - gaps[..., 0], 1 - gaps[..., 1])
    np.fill_diagonal(overlap, 0)
    assert overlap.max() < 0.2
    alone = pushed_apart(places[:1], sizes[:1])
    assert_array_equal(alone, places[:1])


def test_a_single_update_of_the_target_is_seen(make_dcec, digits):
    dcec = make_dcec(max_iter=5, update_interval=5).fit(digits[0])
    display = TrainingCurvesDisplay.from_estimator(dcec)
    for ax in display.axes_[1:]:
        points = [line for line in ax.lines if len(line.get_xdata()) == 1]
        assert points
        assert all(line.get_marker() != "None" for line in points)


# -- what users do to displays -----------------------------------------------------


def test_tsne_of_collapsed_points_is_drawn():
    # scikit-learn's own start of t-SNE ends the process here.
    display = LatentSpaceDisplay.from_embedding(np.ones((20, 4)))
    assert np.isfinite(display.points).all()


def test_axes_with_lines_of_their_own(make_dcec, digits):
    dcec = make_dcec(max_iter=10).fit(digits[0])
    _, axes = plt.subplots(2, 2)
    for ax in axes.flat:
        ax.axhline(-1)
    TrainingCurvesDisplay.from_estimator(dcec, ax=axes)
    assert axes.flat[1].get_yscale() == "log"


def test_wrong_axes_are_refused(make_dcec, digits):
    with pytest.raises(TypeError, match="ax must be matplotlib Axes.*got str"):
        SilhouetteDisplay.from_predictions(digits[0], digits[1], ax="right")
    with pytest.raises(TypeError, match="got ndarray"):
        SilhouetteDisplay.from_predictions(
            digits[0], digits[1], ax=plt.subplots(1, 2)[1]
        )


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(KMeans(4, n_init=1)),
        Pipeline([("nothing", "passthrough"), ("cluster", KMeans(4, n_init=1))]),
    ],
)
def test_number_of_clusters_in_any_pipeline(estimator, digits):
    display = ClusterNumberDisplay.from_estimator(
        estimator, digits[0], n_clusters=[2, 3], n_seeds=2
    )
    assert display.scores.shape == (2, 2)


def test_number_of_clusters_with_pandas_output(make_dcec, digits):
    dcec = make_dcec(max_iter=0).set_output(transform="pandas")
    display = ClusterNumberDisplay.from_estimator(
        dcec, digits[0], n_clusters=[2, 3], n_seeds=1
    )
    assert np.isfinite(display.scores).all()
