"""
Pipelines and searches
======================

The estimators of this library work in a ``Pipeline``, and ``GridSearchCV`` varies their
parameters. Two things are special in deep clustering. First, pretraining takes most of
the time and is the same for many candidates, so ``memory=`` stores its result. Second,
each candidate trains an embedding, and a score in this embedding without labels favours
the candidates whose embedding has lost most information.

The page takes about 40 seconds on two cores.
"""

# %%
# A pipeline, with a memory
# -------------------------
#
# The scaler returns a table, so ``image_shape`` says that its rows are images of 8 x 8
# pixels. ``memory`` is a folder, here a temporary one. The other settings are those of
# the paper, but with smaller batches and short training. With ``tol=0`` all candidates
# train for the same number of steps.

import tempfile

from sklearn.datasets import load_digits
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from skdeepclust import DCEC

X, y = load_digits(return_X_y=True)

cache = tempfile.TemporaryDirectory()
dcec = DCEC.as_published(
    n_clusters=10,
    image_shape=(8, 8),
    batch_size="auto",
    pretrain_epochs=40,
    max_iter=560,
    tol=0,
    memory=cache.name,
    random_state=0,
)
pipeline = Pipeline([("scale", MinMaxScaler()), ("cluster", dcec)])

# %%
# Scores with and without labels
# ------------------------------
#
# ``ari_scorer`` compares with known classes. ``silhouette_scorer`` needs no classes and
# scores the clusters in the embedding of the candidate. The third scorer is a function
# defined here: the silhouette of the same clusters in the space of the pixels, which is
# the same for all candidates.

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score
from sklearn.model_selection import GridSearchCV, KFold

from skdeepclust.metrics import ari_scorer, silhouette_scorer


def pixel_silhouette(estimator, X, y=None):
    return silhouette_score(X, estimator.predict(X))


search = GridSearchCV(
    pipeline,
    {"cluster__gamma": [0.001, 0.01, 0.1, 1, 10]},
    scoring={
        "ARI with the classes": ari_scorer,
        "silhouette in its own embedding": silhouette_scorer,
        "silhouette in the pixels": pixel_silhouette,
    },
    refit="ARI with the classes",
    cv=KFold(2, shuffle=True, random_state=0),
)

# %%
# Progress
# --------
#
# scikit-learn's ``ProgressBar`` shows the progress of search and pipeline, here down to
# the candidates; ``max_propagation_depth=None`` shows every epoch. It needs the extra
# "progress".

try:
    from sklearn.callback import ProgressBar

    search.set_callbacks(ProgressBar(max_propagation_depth=1))
except ImportError:
    print('No progress bars: pip install "skdeepclust[progress]"')

# Each fit warns that it used up its steps. That is intended here.
warnings.simplefilter("ignore", ConvergenceWarning)
search.fit(X, y)
print(search.best_params_)

# %%
# Results
# -------

import matplotlib.pyplot as plt

results = search.cv_results_
gammas = results["param_cluster__gamma"].data.astype(float)

figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
for ax, name in zip(axes.ravel(), search.scoring, strict=False):
    for fold in range(2):
        ax.semilogx(gammas, results[f"split{fold}_test_{name}"], ".", color="0.5")
    ax.semilogx(gammas, results[f"mean_test_{name}"], "o-", color="#0072B2")
    ax.set(xlabel="gamma", ylabel="score", title=name)
seconds = results["mean_fit_time"]
axes[1, 1].bar(range(len(gammas)), seconds, color="#E69F00")
axes[1, 1].set_xticks(range(len(gammas)), [f"{gamma:g}" for gamma in gammas])
axes[1, 1].set(xlabel="gamma, in the order of the search", ylabel="seconds per fit")
axes[1, 1].set_title("Time")

cache.cleanup()

# %%
# Only the first candidate pretrained. The others found its autoencoders, one per fold,
# in the cache.
#
# By the classes, values of 0.1 and above are better than smaller ones. They differ by
# less than the spread of the folds (grey). The silhouette in the candidate's own
# embedding chooses the largest gamma. The silhouette in the pixels prefers a small one,
# but by less than the folds differ, so it does not help either. To choose gamma, use
# some labels, or keep the default.
