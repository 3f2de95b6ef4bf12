"""
N2D: autoencoder, UMAP, Gaussian mixture
========================================

This method does not train network and clusters together. UMAP lays out the embedding of
an autoencoder again, so that neighbours stay neighbours, and a Gaussian mixture finds
the clusters in this layout. The three steps form a scikit-learn pipeline. The method is
known as N2D, "(not too) deep clustering" [1]_.

UMAP is an extra: ``pip install "skdeepclust[umap]"``. The page takes about a minute.

.. [1] R. McConville, R. Santos-Rodriguez, R. J. Piechocki, I. Craddock, "N2D: (not too)
   deep clustering via clustering the local manifold of an autoencoded embedding",
   ICPR 2020.
"""

# %%
# The pipeline
# ------------
#
# As in the paper, the layout of UMAP has one dimension per cluster, 20 neighbours, and
# a minimum distance of zero.

from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from umap import UMAP

from skdeepclust import Autoencoder
from skdeepclust.displays import LatentSpaceDisplay
from skdeepclust.metrics import clustering_accuracy

X, y = load_digits(return_X_y=True)
X = X / 16

n2d = make_pipeline(
    Autoencoder(module="dense", max_epochs=40, random_state=0),
    UMAP(n_components=10, n_neighbors=20, min_dist=0.0, random_state=0, n_jobs=1),
    GaussianMixture(10, n_init=5, random_state=0),
)
labels = n2d.fit_predict(X)

# %%
# Comparison with two parts of it
# -------------------------------
#
# The same mixture on the embedding without UMAP, and on UMAP of the pixels without the
# autoencoder. The classes are used for the scores only.

embedding = n2d[0].transform(X)
layout = n2d[:-1].transform(X)
mixture = GaussianMixture(10, n_init=5, random_state=0)
umap = UMAP(n_components=10, n_neighbors=20, min_dist=0.0, random_state=0, n_jobs=1)

found = {
    "embedding + mixture": mixture.fit_predict(embedding),
    "pixels + UMAP + mixture": mixture.fit_predict(umap.fit_transform(X)),
    "embedding + UMAP + mixture": labels,
}
for name, clusters in found.items():
    accuracy = clustering_accuracy(y, clusters)
    nmi = normalized_mutual_info_score(y, clusters)
    print(f"{name:<26} ACC {accuracy:.3f}  NMI {nmi:.3f}")

# %%
# The first two dimensions of UMAP, coloured by cluster.

shown = LatentSpaceDisplay.from_embedding(layout[:, :2], labels, projection=None)
_ = shown.ax_.set(title="UMAP", xlabel="UMAP 1", ylabel="UMAP 2")

# %%
# New samples take the same steps: ``n2d.predict(X_new)``. UMAP is slow for new samples.
# Like every layout of neighbours it draws islands whether or not the data has any, so
# look at the images of the clusters rather than at this picture.
