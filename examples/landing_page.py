"""Make what the landing page and the quickstart show, and print what they say.

    OMP_NUM_THREADS=2 python examples/landing_page.py

Writes quickstart_montage.png, quickstart_curves.png, quickstart_latent.png and
film.html in docs/images. About five minutes on two cores.
"""

import time
import warnings
from pathlib import Path

import matplotlib
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

from skdeepclust import DCEC
from skdeepclust.callbacks import EmbeddingRecorder
from skdeepclust.displays import (
    ClusterMontageDisplay,
    LatentSpaceDisplay,
    TrainingCurvesDisplay,
)
from skdeepclust.metrics import clustering_accuracy

matplotlib.use("agg")
HERE = Path(__file__).parents[1] / "docs" / "images"


def quickstart(X, y):
    start = time.perf_counter()
    kmeans = KMeans(10, n_init=20, random_state=0).fit(X.reshape(len(X), -1))
    print(
        "k-means", clustering_accuracy(y, kmeans.labels_), time.perf_counter() - start
    )
    start = time.perf_counter()
    dcec = DCEC(n_clusters=10, pretrain_epochs=50, random_state=0).fit(X)
    print("seconds", time.perf_counter() - start)
    print("pretraining", sum(dcec.history_["pretraining"]["dur"]))
    print("start", clustering_accuracy(y, dcec.init_labels_))
    print("DCEC", clustering_accuracy(y, dcec.labels_), dcec.n_iter_, dcec.stop_reason_)
    print("proba", dcec.predict_proba(X[:1]).round(2), "labels", dcec.labels_[:10])
    print(dcec.transform(X).shape, dcec.cluster_images_.shape)
    print({k: v[-1] for k, v in dcec.history_["clustering"].items()})
    pictures = {
        "montage": ClusterMontageDisplay.from_estimator(dcec, X),
        "curves": TrainingCurvesDisplay.from_estimator(dcec),
        "latent": LatentSpaceDisplay.from_estimator(dcec, X, max_samples=1000),
    }
    for name, display in pictures.items():
        display.figure_.savefig(HERE / f"quickstart_{name}.png", dpi=100)


def film(X, y):
    """Two dimensions, and the twelve updates in which the start is the target."""
    recorder = EmbeddingRecorder(max_samples=400)
    dcec = DCEC(10, embedding_dim=2, pretrain_epochs=40, random_state=0)
    dcec.set_params(max_iter=1200, update_interval=100, tol=0, n_iter_no_change=None)
    dcec.set_callbacks(recorder).fit(X)
    y = y[recorder.indices_]
    for step, labels in zip(recorder.steps_, recorder.labels_, strict=True):
        print("film", step, clustering_accuracy(y, labels))
    made = LatentSpaceDisplay.animate(recorder, seconds=0.5)
    (HERE / "film.html").write_text(made.to_html(), encoding="utf-8")


def main():
    warnings.simplefilter("ignore")
    X, y = load_digits().images / 16, load_digits().target
    film(X, y)
    quickstart(X, y)


if __name__ == "__main__":
    main()
