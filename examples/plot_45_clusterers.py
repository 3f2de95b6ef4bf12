"""
Which clusterer? Six of them in one embedding
=============================================

The same autoencoder, the same embedding, the same samples in the same places: the
panels differ in the clusterer alone. About 30 seconds on two cores, with one seed.
"""

# %%
# One embedding
# -------------

import numpy as np
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans, SpectralClustering
from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score
from sklearn.mixture import GaussianMixture

from skdeepclust import Autoencoder, LandmarkSpectralClustering
from skdeepclust.displays import ClusterConfusionDisplay, LatentSpaceDisplay

X, y = load_digits().images / 16, load_digits().target
Z = Autoencoder(max_epochs=40, random_state=0).fit_transform(X)

# %%
# Six clusterers
# --------------
#
# A cluster has the colour of the digit that it is matched to; a digit that is cut in
# two has a second colour, and two digits in one cluster share one. HDBSCAN leaves
# samples as noise (-1), and finds the number of clusters itself.

seed = {"random_state": 0}
clusterers = {
    "k-means": KMeans(10, n_init=20, **seed),
    "Gaussian mixture": GaussianMixture(10, n_init=5, **seed),
    "agglomerative (Ward)": AgglomerativeClustering(10),
    "spectral": SpectralClustering(10, affinity="nearest_neighbors", **seed),
    "landmark spectral": LandmarkSpectralClustering(10, **seed),
    "HDBSCAN": HDBSCAN(min_cluster_size=20, copy=True),
}
for clusterer in clusterers.values():
    clusterer.fit(Z)
_ = LatentSpaceDisplay.from_estimators(
    clusterers, Z, reference=y, layout="first", max_samples=800
)

# %%
# How they agree with the digits
# ------------------------------

for name, clusterer in clusterers.items():
    found = clusterer.predict(Z) if hasattr(clusterer, "predict") else clusterer.labels_
    sizes = np.bincount(found[found >= 0])
    nmi = normalized_mutual_info_score(y, found)
    print(f"{name:22} NMI {nmi:.3f}  {len(sizes):2} clusters: {sorted(sizes.tolist())}")

# %%
# More clusters than groups: empty ones
# -------------------------------------
#
# A clusterer may leave clusters without samples: on new data, when a component of a
# mixture dies, or when there are fewer different points than clusters. Here ten
# clusters of all digits meet new images, of which none is a 3, 5 or 8. The figure keeps
# the places of the empty clusters. In joint training an empty centre is put back on
# data, and counted in the column "n_reseeded" of ``history_``.

new = ~np.isin(y, [3, 5, 8])
kmeans = clusterers["k-means"]
_ = ClusterConfusionDisplay.from_estimator(kmeans, Z[new][:60], y[new][:60])
