"""
A film of the latent space
==========================

An :class:`~skdeepclust.callbacks.EmbeddingRecorder` keeps the embedding of some samples
and the centres at every target update. ``LatentSpaceDisplay.animate`` makes a film of
them, which plays in a notebook or a browser and needs nothing else. About 45 seconds on
two cores.
"""

# sphinx_gallery_thumbnail_path = "images/film.png"

# %%
# Record
# ------
#
# The embedding has two dimensions, so that it can be drawn as it is. The recorder is
# one of scikit-learn's callbacks: ``set_callbacks`` takes it.

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from skdeepclust import DCEC
from skdeepclust.callbacks import EmbeddingRecorder
from skdeepclust.displays import LatentSpaceDisplay
from skdeepclust.metrics import clustering_accuracy

warnings.simplefilter("ignore", ConvergenceWarning)  # the steps are few on purpose

X, y = load_digits().images / 16, load_digits().target
recorder = EmbeddingRecorder(max_samples=400)
dcec = DCEC(10, embedding_dim=2, pretrain_epochs=30, max_iter=1200, update_interval=100)
dcec.set_params(tol=0, n_iter_no_change=None, random_state=0)
_ = dcec.set_callbacks(recorder).fit(X)

# %%
# The film, by cluster
# --------------------
#
# Each sample has the colour of the nearest centre, and the lines are the ways of the
# centres. For the first twelve updates the clusters of the start are the target, so
# that they come apart although two dimensions are few.

LatentSpaceDisplay.animate(recorder, title="DCEC on digits, by cluster")

# %%
# The film, by class
# ------------------
#
# ``film.save("film.html")`` writes a page of some 80 kB, and ``film.save("film.gif")``
# a picture for slides.

classes = y[recorder.indices_]
LatentSpaceDisplay.animate(recorder, y=classes, title="DCEC on digits, by class")

# %%
# The same in numbers
# -------------------

accuracy = [clustering_accuracy(classes, labels) for labels in recorder.labels_]
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(recorder.steps_, accuracy, "o-", color="#0072B2")
_ = ax.set(xlabel="step", ylabel="ACC of the recorded samples", ylim=(0, 1))
