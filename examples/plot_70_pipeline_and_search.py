"""
Pipelines and searches
======================

Estimators of this library are scikit-learn's: they go into a ``Pipeline``, and
``GridSearchCV`` varies their parameters. Two things are particular to deep clustering.
Pretraining takes most of the time and is the same for many candidates, so ``memory=``
keeps it. And a score without labels in the codes that a candidate has trained itself
rewards those that forget most.

The page takes about 40 seconds on two cores.
"""

# %%
# A pipeline, with a memory
# -------------------------
#
# Rows of 64 values are read as images of 8 x 8. ``memory`` is a folder, here one that
# is gone at the end. With ``tol=0`` all candidates have the same number of steps.

import tempfile

from sklearn.datasets import load_digits
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from skdeepclust import DCEC

X, y = load_digits(return_X_y=True)

cache = tempfile.TemporaryDirectory()
dcec = DCEC(
    n_clusters=10,
    pretrain_epochs=40,
    max_iter=560,
    init="kmeans",
    augment=None,
    tol=0,
    memory=cache.name,
    random_state=0,
)
pipeline = Pipeline([("scale", MinMaxScaler()), ("cluster", dcec)])

# %%
# Scores with and without labels
# ------------------------------
#
# ``ari_scorer`` compares with classes, where some are known. ``silhouette_scorer`` does
# without, in the codes of the candidate itself. The third is a function of our own: the
# silhouette of the same clusters among the pixels, which are the same for all.

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
        "silhouette in its own codes": silhouette_scorer,
        "silhouette among pixels": pixel_silhouette,
    },
    refit="ARI with the classes",
    cv=KFold(2, shuffle=True, random_state=0),
)

# %%
# Progress
# --------
#
# scikit-learn's ``ProgressBar`` reaches through search and pipeline, here down to the
# candidates; ``max_propagation_depth=None`` shows every epoch. It needs the extra
# "progress".

try:
    from sklearn.callback import ProgressBar

    search.set_callbacks(ProgressBar(max_propagation_depth=1))
except ImportError:
    print('No progress bars: pip install "skdeepclust[progress]"')

# Each fit warns that it used up its steps, which is what we ask for.
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
# Only the first candidate pretrained; the others found its autoencoders, one of each
# fold, in the cache.
#
# With classes, 0.1 and above are better than what is below, and alike within the
# spread of the folds (grey). The silhouette in a candidate's own codes chooses the
# largest gamma there is. Among pixels it prefers a small one, by less than the folds
# differ: it does not help either. To choose gamma take some labels, or the default.
