"""
The manifold route: autoencoder, UMAP, Gaussian mixture
=======================================================

Instead of training network and clusters together one can unfold the codes: UMAP lays
them out so that neighbours stay neighbours, and a Gaussian mixture finds the clusters
in that layout. The three steps are a pipeline of scikit-learn's, known as N2D,
"(not too) deep clustering" [1]_.

UMAP is an extra: ``pip install "skdeepclust[umap]"``. The page takes about a minute.

.. [1] R. McConville, R. Santos-Rodriguez, R. J. Piechocki, I. Craddock, "N2D: (not too)
   deep clustering via clustering the local manifold of an autoencoded embedding",
   ICPR 2020.
"""

# %%
# The pipeline
# ------------
#
# UMAP has as many dimensions as there are clusters, 20 neighbours and no distance
# between points that belong together, as in the paper.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from umap import UMAP

from skdeepclust import Autoencoder
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
# The rungs around it
# -------------------
#
# The same mixture on the codes themselves, and on UMAP of the bare pixels, which says
# what the autoencoder is for. The classes score all three; nothing else has seen them.

codes = n2d[0].transform(X)
unfolded = n2d[:-1].transform(X)
mixture = GaussianMixture(10, n_init=5, random_state=0)
umap = UMAP(n_components=10, n_neighbors=20, min_dist=0.0, random_state=0, n_jobs=1)

found = {
    "codes + mixture": mixture.fit_predict(codes),
    "pixels + UMAP + mixture": mixture.fit_predict(umap.fit_transform(X)),
    "codes + UMAP + mixture": labels,
}
for name, clusters in found.items():
    accuracy = clustering_accuracy(y, clusters)
    nmi = normalized_mutual_info_score(y, clusters)
    print(f"{name:<24} ACC {accuracy:.3f}  NMI {nmi:.3f}")

# %%
# The first two of UMAP's dimensions, coloured by cluster.

figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
ax.scatter(*unfolded[:, :2].T, c=labels, cmap="tab10", s=6)
_ = ax.set(xlabel="UMAP 1", ylabel="UMAP 2")

# %%
# New samples go the same way: ``n2d.predict(X_new)``. UMAP lays them out with care and
# takes its time for it; and like any layout of neighbours it draws islands whether or
# not the data has them, so that one look at the images of a cluster is worth more than
# the picture.
