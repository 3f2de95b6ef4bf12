"""
gamma, from 0 to large
======================

The same autoencoder with a two-dimensional embedding, trained further with four weights
of the clustering loss. Colours are the classes. With a large gamma the samples move
onto the centres, right or wrong. About 30 seconds on one core.
"""

import warnings

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from skdeepclust import DCEC, Autoencoder
from skdeepclust.displays import LatentSpaceDisplay

warnings.simplefilter("ignore", ConvergenceWarning)  # the steps are few on purpose
X, y = load_digits(n_class=6, return_X_y=True)
X = X.reshape(-1, 8, 8) / 16
autoencoder = Autoencoder(embedding_dim=2, max_epochs=30, random_state=0).fit(X)
shared = {"module": autoencoder.module_, "pretrain_epochs": 0, "batch_size": 64}
fits = {
    f"gamma = {gamma}": DCEC.as_published(
        6, gamma=gamma, max_iter=420, tol=0, random_state=0, **shared
    ).fit(X)
    for gamma in (0, 0.1, 1, 10)
}
options = {"projection": None, "max_samples": 600}
_ = LatentSpaceDisplay.from_estimators(fits, X, y=y, **options)
