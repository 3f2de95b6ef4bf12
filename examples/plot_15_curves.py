"""
Training curves: a good run and bad ones
========================================

Four panels of :class:`~skdeepclust.displays.TrainingCurvesDisplay`, first of a run that
went well, then each panel of a run that did not. All runs are short and have the
settings of the paper. About 40 seconds on two cores.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skdeepclust import DCEC, DEC
from skdeepclust.displays import TrainingCurvesDisplay

warnings.simplefilter("ignore")  # the bad runs warn, each with a remedy
X = load_digits().images[:1000] / 16
shared = {"batch_size": "auto", "max_iter": 840, "random_state": 0}

# %%
# A good run
# ----------
#
# The reconstruction loss falls and levels off. In joint training the clustering loss
# rises while the target becomes sharper, and then falls; the reconstruction loss rises
# a little. Fewer and fewer labels change, and all ten clusters are in use.

good = DCEC.as_published(10, pretrain_epochs=60, update_interval=70, **shared).fit(X)
_ = TrainingCurvesDisplay.from_estimator(good)


# %%
# Pretraining: too short, and on the wrong scale
# ----------------------------------------------
#
# Middle: after six epochs the loss still falls steeply. Train longer. Right: pixels
# from 0 to 16, not divided. The loss is hundreds of times larger, so that `gamma`
# counts for nothing beside it. Scale the data.


def panel(estimator, name, ax, title):
    """Draw one panel of the curves of an estimator."""
    display = TrainingCurvesDisplay.from_estimator(estimator)
    chosen = display.panels_.index(name)
    plt.close(display.figure_)
    others = plt.figure()
    axes = list(others.subplots(1, len(display.panels_), squeeze=False)[0])
    axes[chosen] = ax
    display.plot(ax=axes)
    plt.close(others)
    ax.set_title(title)


short = DCEC.as_published(10, pretrain_epochs=6, **shared).fit(X)
unscaled = DCEC.as_published(10, pretrain_epochs=30, **shared).fit(16 * X)
figure, axes = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
panel(good, "pretraining", axes[0], "Good: it levels off")
panel(short, "pretraining", axes[1], "Too short: it still falls")
panel(unscaled, "pretraining", axes[2], "Not scaled: look at the axis")

# %%
# Joint training: gamma too large
# -------------------------------
#
# Left, the good run. Right, ``gamma=20``: the reconstruction loss is soon three times
# as large, and the embedding no longer describes the images.

greedy = DCEC.as_published(
    10, gamma=20, module=good.module_, pretrain_epochs=0, update_interval=70, **shared
).fit(X)
figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
panel(good, "losses", axes[0], "Good: gamma = 0.1")
panel(greedy, "losses", axes[1], "gamma = 20")

# %%
# Labels changed: no border
# -------------------------
#
# Right: forty clusters for these images. Between many of them there is no border, so
# that labels go on changing from update to update.

many = DCEC.as_published(
    40, module=good.module_, pretrain_epochs=0, update_interval=70, tol=0, **shared
).fit(X)
figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
panel(good, "changes", axes[0], "Good: it falls")
panel(many, "changes", axes[1], "40 clusters: it stays high")

# %%
# Clusters: a collapse
# --------------------
#
# Right: DEC with a learning rate hundreds of times too large. One cluster takes nearly
# all samples; empty centres are put back on data, and it happens again. If it ends so,
# a ``ClusterCollapseWarning`` says it.

collapsed = DEC.as_published(
    10,
    module__hidden_dims=(64, 64),
    pretrain_epochs=10,
    lr=5,
    update_interval=70,
    **shared,
).fit(X.reshape(len(X), -1))
figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
panel(good, "clusters", axes[0], "Good: all are in use")
panel(collapsed, "clusters", axes[1], "Collapse")
