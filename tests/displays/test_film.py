"""The film of an embedding: what the player gets, and what it is made from."""

import base64
import json
import re
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.decomposition import PCA

from skdeepclust.displays import LatentFilm, LatentSpaceDisplay


@pytest.fixture
def recorder():
    """Three frames of twenty samples in two dimensions, and two centres."""
    rng = np.random.default_rng(0)
    frames = [rng.normal(loc=(5 * i, 0), size=(20, 2)) for i in range(3)]
    labels = [np.repeat([0, 1], 10), np.repeat([1, 0], 10), np.repeat([1, 0], 10)]
    centers = [Z[:2] for Z in frames]
    return SimpleNamespace(
        embeddings_=frames, labels_=labels, centers_=centers, steps_=[0, 140, 280]
    )


def data_of(film):
    text = re.search(r"data = (\{.*\});\n", film.to_html())[1]
    data = json.loads(text)
    for name in ("points", "labels", "centers"):
        if data[name] is not None:
            data[name] = np.frombuffer(base64.b64decode(data[name]), "<u2")
    return data


def test_the_player_gets_the_frames(recorder):
    film = LatentSpaceDisplay.animate(recorder)
    data = data_of(film)
    points = data["points"].reshape(3, 20, 2) / 65535
    drawn = np.stack(recorder.embeddings_)
    # One scale for both axes, whose pictures have another height than width.
    scale = np.ptp(points[..., 0]) / np.ptp(drawn[..., 0])
    heights = points[..., 1] * data["height"]
    assert_allclose(np.ptp(heights) / np.ptp(drawn[..., 1]), scale, rtol=1e-3)
    assert_allclose(data["centers"].reshape(3, 2, 2) / 65535, points[:, :2], atol=1e-4)
    assert_array_equal(data["labels"].reshape(3, 20), np.stack(recorder.labels_))
    assert data["captions"] == [
        "step 0",
        "step 140: 100.0% changed",
        "step 280: 0.0% changed",
    ]


def test_the_player_loads_nothing(recorder):
    html = LatentSpaceDisplay.animate(recorder)._repr_html_()
    assert "http" not in html
    assert "src=" not in html
    assert "{" not in re.sub(r"(?s)<style>.*?</style>|<script>.*?</script>", "", html)


def test_two_films_of_one_page_have_ids_of_their_own(recorder):
    ids = {
        re.search(
            r'id="(film-\w+)"', LatentSpaceDisplay.animate(recorder, y=y)._repr_html_()
        )[1]
        for y in (None, np.repeat(["cat", "dog"], 10))
    }
    assert len(ids) == 2


def test_what_the_user_wrote_is_text(recorder):
    recorder.steps_ = [0, 1, 2]
    film = LatentSpaceDisplay.animate(recorder, title='<b>"x"</b>')
    film.captions = ["</script><b>", "2", "3"]
    html = film.to_html()
    assert "<b>" not in html.split("<script>")[0]
    assert html.count("</script>") == 1
    assert data_of(film)["captions"][0] == "</script><b>"


def test_y_colours_instead_of_clusters(recorder):
    y = np.repeat(["cat", "dog"], 10)
    film = LatentSpaceDisplay.animate(recorder, y=y)
    assert_array_equal(film.labels, np.stack([y] * 3))


def test_wide_embeddings_get_one_projection(recorder):
    rng = np.random.default_rng(1)
    frames = [rng.normal(size=(20, 5)) for _ in range(3)]
    recorder.embeddings_, recorder.centers_ = frames, [Z[:3] for Z in frames]
    film = LatentSpaceDisplay.animate(recorder)
    assert film.points.shape == (3, 20, 2)
    assert_allclose(film.centers, film.points[:, :3], atol=1e-9)
    pca = PCA(2).fit(np.concatenate(frames))
    assert_allclose(np.abs(film.points[1]), np.abs(pca.transform(frames[1])), atol=1e-6)
    with pytest.raises(ValueError, match="embedding_dim=2"):
        LatentSpaceDisplay.animate(recorder, projection=None)


def test_without_centres(recorder):
    recorder.centers_ = [None] * 3
    assert data_of(LatentSpaceDisplay.animate(recorder))["centers"] is None


def test_save(recorder, tmp_path):
    film = LatentSpaceDisplay.animate(recorder, title="a & b")
    film.save(tmp_path / "film.html")
    page = (tmp_path / "film.html").read_text(encoding="utf-8")
    assert "<title>a &amp; b</title>" in page
    assert film.to_html() in page
    film.save(str(tmp_path / "film.gif"))
    with Image.open(tmp_path / "film.gif") as image:
        assert image.n_frames == 3
    assert not plt.get_fignums()
    with pytest.raises(ValueError, match=r"film\.mp4.*must end in '\.html'"):
        film.save(tmp_path / "film.mp4")


@pytest.mark.parametrize("projection", ["tsne", PCA, "pca", 3])
def test_wrong_projections(recorder, projection):
    with pytest.raises(ValueError, match="projection="):
        LatentSpaceDisplay.animate(recorder, projection=projection)


def test_wrong_frames(recorder):
    with pytest.raises(ValueError, match="has no frames.*set_callbacks"):
        LatentSpaceDisplay.animate(SimpleNamespace(embeddings_=[]))
    with pytest.raises(ValueError, match="inconsistent numbers"):
        LatentSpaceDisplay.animate(recorder, y=[1, 2])
    points, labels = np.zeros((2, 4, 2)), np.zeros((2, 4))
    for wrong in (
        LatentFilm(points[0], labels),
        LatentFilm(points * np.nan, labels),
        LatentFilm(points, labels[:, :3]),
        LatentFilm(points, labels, centers=points[:1]),
        LatentFilm(points, labels, captions=["one"]),
        LatentFilm(points, labels, seconds=0),
    ):
        with pytest.raises(ValueError, match="must (have|be)"):
            wrong.to_html()
    assert "<canvas" in LatentFilm(points, labels).to_html()  # all in one place
