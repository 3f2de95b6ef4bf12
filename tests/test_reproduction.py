"""End to end: what the benchmarks found must stay found."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import DCEC, SCEDAE, DeepCluster, LandmarkSpectralClustering
from skdeepclust.datasets import fetch_mnist
from skdeepclust.metrics import clustering_accuracy

pytestmark = pytest.mark.slow

LOCAL = Path(os.environ.get("SKDEEPCLUST_DATA", "")) / "mnist_test.npz"


def test_digits_with_a_quarter_of_the_pretraining():
    torch.set_num_threads(2)
    X, y = load_digits(return_X_y=True)
    X = X / 16
    pixels = KMeans(10, n_init=20, random_state=0).fit_predict(X)
    baseline = clustering_accuracy(y, pixels)
    dcecs = [DCEC(10, pretrain_epochs=50, random_state=i).fit(X) for i in range(3)]
    accuracies = [clustering_accuracy(y, dcec.labels_) for dcec in dcecs]
    assert np.mean(accuracies) > baseline + 0.03
    assert all(dcec.converged_ for dcec in dcecs)


def test_deepcluster_on_digits():
    torch.set_num_threads(2)
    X, y = load_digits(return_X_y=True)
    for variant, floor in (("deepcluster", 0.88), ("deepcluster-v2", 0.76)):
        fits = [
            DeepCluster(10, variant=variant, random_state=i).fit(X / 16)
            for i in range(2)
        ]
        untrained = np.mean([clustering_accuracy(y, f.init_labels_) for f in fits])
        trained = np.mean([clustering_accuracy(y, f.labels_) for f in fits])
        assert trained > max(floor, untrained + 0.05)


def test_landmarks_in_the_code_gain_on_kmeans():
    torch.set_num_threads(2)
    X, y = load_digits(return_X_y=True)
    ensemble = SCEDAE(10, n_autoencoders=3, max_epochs=30, random_state=0).fit(X / 16)
    Z = ensemble.autoencoders_[0].transform(X / 16)
    kmeans = KMeans(10, n_init=20, random_state=0).fit_predict(Z)
    landmarks = LandmarkSpectralClustering(10, random_state=0).fit_predict(Z)
    nmi = [
        normalized_mutual_info_score(y, labels)
        for labels in (kmeans, landmarks, ensemble.labels_)
    ]
    assert nmi[1] > nmi[0] + 0.04
    assert nmi[2] > nmi[0] + 0.04


@pytest.mark.skipif(not LOCAL.is_file(), reason="needs SKDEEPCLUST_DATA")
def test_mnist_test_with_a_tenth_of_the_pretraining():
    torch.set_num_threads(2)
    X, y = fetch_mnist(subset="test", return_X_y=True)
    dcec = DCEC(10, pretrain_epochs=20, max_iter=1400, random_state=0).fit(X)
    assert dcec.image_shape_ == (1, 28, 28)
    # K-means on the pixels has .54 / .50.
    assert clustering_accuracy(y, dcec.labels_) > 0.65
    assert normalized_mutual_info_score(y, dcec.labels_) > 0.60
    np.testing.assert_array_equal(dcec.labels_, dcec.predict(X))
