"""The embedding in two dimensions: what is projected, coloured and said."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.testing import assert_array_equal
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skdeepclust.displays import (
    LatentSpaceDisplay,
    TrainingCurvesDisplay,
)


def key(point):
    return tuple(np.round(np.asarray(point, dtype=float), 5))


def colors_by_point(ax):
    return {
        key(point): tuple(collection.get_facecolor()[0])
        for collection in ax.collections
        if collection.get_label() != "centre"
        for point in collection.get_offsets()
    }


def test_centres_are_projected_together_with_the_samples(dcec, digits, Recorder):
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
def test_projections(projection, known_rows):
    X, _ = known_rows([20, 20])
    display = LatentSpaceDisplay.from_embedding(X, projection=projection)
    assert display.points.shape == (40, 2)
    assert not hasattr(projection, "components_")  # the user's one is left alone
    again = LatentSpaceDisplay.from_embedding(X, projection=projection)
    assert_array_equal(display.points, again.points)


def test_an_embedding_of_width_two_is_drawn_as_it_is(known_rows):
    X, labels = known_rows([20, 20])
    display = LatentSpaceDisplay.from_embedding(X[:, :2], labels, projection=None)
    assert_array_equal(display.points, X[:, :2])


def test_the_title_says_the_sample_and_small_clusters_stay(Known, known_rows):
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


def test_before_has_the_same_samples_and_colours(dcec, autoencoder, digits, Recorder):
    X = digits[0]
    embedding = autoencoder.transform(X)
    for before in (autoencoder, embedding):
        seen = []
        display = LatentSpaceDisplay.from_estimator(
            dcec, X, projection=Recorder(seen), max_samples=50, before=before
        )
        assert [len(Z) for Z in seen] == [50 + 5, 50]
        assert_array_equal(seen[1], embedding[display.indices])
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


def test_values_colour_instead_of_labels(known_rows):
    X, labels = known_rows([20, 30, 10])
    values = np.arange(60) / 60
    display = LatentSpaceDisplay.from_embedding(
        X, labels, values=values, value_name="agreement", projection="pca"
    )
    main, bar = display.figure_.axes
    assert bar.get_ylabel() == "agreement"
    drawn = {
        key(point): value
        for collection in main.collections
        for point, value in zip(
            collection.get_offsets(), collection.get_array(), strict=True
        )
    }
    for point, value in zip(display.points, values[display.indices], strict=True):
        assert drawn[key(point)] == value
    limits = {collection.get_clim() for collection in main.collections}
    assert limits == {(0, 59 / 60)}
    assert main.get_legend() is None
    assert [text.get_text() for text in main.texts] == ["0", "1", "2"]


def test_values_of_the_drawn_samples_in_both_panels(dcec, digits):
    X, _ = digits
    share = dcec.predict_proba(X).max(axis=1)
    display = LatentSpaceDisplay.from_estimator(
        dcec, X, values=share, before=X, projection="pca", max_samples=50
    )
    assert_array_equal(display.values, share[display.indices])
    assert len(display.figure_.axes) == 3
    left, right = (
        {float(v) for c in ax.collections[:5] for v in c.get_array()}
        for ax in display.axes_
    )
    assert left == right


@pytest.mark.parametrize("values", [np.ones((20, 2)), ["a"] * 20, [np.nan] * 20])
def test_values_are_a_finite_number_per_sample(values, known_rows):
    X, labels = known_rows([10, 10])
    with pytest.raises(ValueError, match="values|could not convert"):
        LatentSpaceDisplay.from_embedding(X, labels, values=values)
    with pytest.raises(ValueError, match="values has 5"):
        LatentSpaceDisplay.from_embedding(X, labels, values=np.ones(5))


def test_without_clusters_one_colour(autoencoder, digits):
    display = LatentSpaceDisplay.from_estimator(
        autoencoder, digits[0], projection="pca"
    )
    assert len(display.ax_.collections) == 1
    assert display.ax_.get_legend() is None


@pytest.mark.parametrize(("n_clusters", "has_legend"), [(10, True), (11, False)])
def test_many_clusters_have_their_names_in_the_picture(
    n_clusters, has_legend, known_rows
):
    X, labels = known_rows([5] * n_clusters)
    display = LatentSpaceDisplay.from_embedding(X[:, :2], labels, projection=None)
    assert (display.ax_.get_legend() is not None) == has_legend
    written = [text.get_text() for text in display.ax_.texts]
    assert written == ([] if has_legend else [str(k) for k in range(n_clusters)])


def test_forty_clusters_look_different(known_rows):
    X, labels = known_rows([5] * 40)
    display = LatentSpaceDisplay.from_embedding(X[:, :2], labels, projection=None)
    looks = {
        (tuple(c.get_facecolor()[0]), c.get_paths()[0].vertices.tobytes())
        for c in display.ax_.collections
    }
    assert len(looks) == 40


def test_kmeans_is_drawn_in_the_space_of_x(known_rows, Recorder):
    # Its transform gives distances, of the same width as X here.
    X, _ = known_rows([10, 10, 10])
    kmeans = KMeans(3, n_init=1, random_state=0).fit(X)
    seen = []
    LatentSpaceDisplay.from_estimator(kmeans, X, projection=Recorder(seen))
    assert_array_equal(seen[0], np.concatenate([X, kmeans.cluster_centers_]))


def test_a_pipeline_is_drawn_in_the_space_of_its_clusterer(
    autoencoder, digits, Recorder
):
    pipeline = make_pipeline(autoencoder, KMeans(3, n_init=1)).fit(digits[0])
    seen = []
    LatentSpaceDisplay.from_estimator(pipeline, digits[0], projection=Recorder(seen))
    expected = [pipeline[0].transform(digits[0]), pipeline[1].cluster_centers_]
    assert_array_equal(seen[0], np.concatenate(expected))


def test_a_search_is_drawn_as_its_best_estimator(blobs, Recorder):
    X = blobs[0]
    search = GridSearchCV(KMeans(n_init=1), {"n_clusters": [3]}, cv=2).fit(X)
    seen = []
    LatentSpaceDisplay.from_estimator(search, X, projection=Recorder(seen))
    centers = search.best_estimator_.cluster_centers_
    assert_array_equal(seen[0], np.concatenate([X, centers]))
    with pytest.raises(TypeError, match="KMeans has no history_"):
        TrainingCurvesDisplay.from_estimator(search)


def test_the_embedding_before_may_be_a_data_frame(Known, known_rows, Recorder):
    pandas = pytest.importorskip("pandas")
    X, _ = known_rows([10, 10])
    display = LatentSpaceDisplay.from_estimator(
        Known(2).fit(X), X, before=pandas.DataFrame(X), projection=Recorder([])
    )
    assert_array_equal(display.points_before, X[:, :2])


def test_errors_of_the_latent_space(known_rows):
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


def test_tsne_of_collapsed_points_is_drawn():
    # scikit-learn's own start of t-SNE ends the process here.
    display = LatentSpaceDisplay.from_embedding(np.ones((20, 4)))
    assert np.isfinite(display.points).all()


def test_names_are_on_their_own_points():
    # Two arcs: the median of such a cluster lies beside it, in the other.
    angle = np.linspace(0, np.pi, 41)
    rings = [r * np.column_stack([np.cos(angle), np.sin(angle)]) for r in range(2, 14)]
    Z, labels = np.concatenate(rings), np.repeat(np.arange(12), 41)
    display = LatentSpaceDisplay.from_embedding(Z, labels, projection=None)
    for text in display.ax_.texts:
        own = Z[labels == int(text.get_text())]
        assert np.linalg.norm(own - text.get_position(), axis=1).min() < 1.0


@pytest.mark.parametrize(("scale", "is_wide"), [((9, 1), True), ((1, 9), False)])
def test_a_new_figure_has_the_shape_of_the_points(scale, is_wide):
    Z = np.random.default_rng(0).uniform(size=(90, 2)) * scale
    figure = LatentSpaceDisplay.from_embedding(Z, projection=None).figure_
    width, height = figure.get_size_inches()
    assert (width > 1.5 * height) == is_wide
    assert width < 8
    assert height < 8


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_names_and_black_are_seen_on_any_background(style, known_rows):
    X, labels = known_rows([5] * 12)
    with plt.style.context(style):
        display = LatentSpaceDisplay.from_embedding(X[:, :2], labels, projection=None)
        paper = np.array(to_rgb(display.ax_.get_facecolor()))
        for text in display.ax_.texts:
            assert np.abs(to_rgb(text.get_color()) - paper).max() > 0.9
            (effect,) = text.get_path_effects()
            assert np.abs(to_rgb(effect._gc["foreground"]) - paper).max() < 0.1
        for collection in display.ax_.collections:
            color = to_rgb(collection.get_facecolor()[0])
            assert np.abs(color - paper).max() > 0.3


def test_samples_without_a_cluster_are_grey_and_not_named():
    points = np.random.RandomState(0).normal(size=(60, 2))
    labels = np.repeat([-1, 0, 1], 20)
    few = LatentSpaceDisplay.from_embedding(points, labels, projection=None)
    alone, blue, orange = (scatter.get_facecolor()[0][:3] for scatter in _scatters(few))
    assert np.ptp(alone) == 0
    assert to_rgb("#0072B2") == tuple(blue)
    assert to_rgb("#E69F00") == tuple(orange)
    many = LatentSpaceDisplay.from_embedding(
        points, np.arange(60) % 12 - 1, projection=None
    )
    assert [text.get_text() for text in many.ax_.texts] == [str(i) for i in range(11)]
    classes = LatentSpaceDisplay.from_embedding(
        points, np.repeat([-1, 1], 30), projection=None
    )
    assert tuple(_scatters(classes)[0].get_facecolor()[0][:3]) == to_rgb("#0072B2")


def _scatters(display):
    return display.ax_.collections
