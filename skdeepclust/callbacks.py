"""Callbacks of scikit-learn's kind, set by an estimator's `set_callbacks`.

- :class:`EmbeddingRecorder`: keeps the embedding of some samples, their clusters and
  the centres at every target update, for
  :meth:`skdeepclust.displays.LatentSpaceDisplay.animate`.
"""

import numpy as np

from skdeepclust._fitted import as_rows, as_samples, count_samples
from skdeepclust._sampling import check_max_samples, check_seed, stratified_sample

__all__ = ["EmbeddingRecorder"]


class EmbeddingRecorder:
    """Keeps embedding, clusters and centres of the same samples while they change.

    Set it before `fit`: ``DCEC(10).set_callbacks(recorder).fit(X)``. There is a frame
    before joint training and one at every target update; with
    :class:`~skdeepclust.DeepCluster`, which clusters its features for every frame, one
    per round. Recording changes nothing in the fit. A fit in another process, such as
    in a search with `n_jobs`, leaves no frames here.

    Parameters
    ----------
    X : array-like, default=None
        Samples to follow, as the estimator takes them. None draws them from the
        samples that are fitted.
    max_samples : int, default=500
        Most samples to draw if X is None. None takes all.
    random_state : int, RandomState instance or None, default=0
        Seed of the draw.

    Attributes
    ----------
    embeddings_ : list of ndarray of shape (n_recorded, embedding_dim)
        Embedding of the samples in each frame of the last fit.
    labels_ : list of ndarray of shape (n_recorded,)
        Their clusters.
    centers_ : list of ndarray of shape (n_clusters, embedding_dim)
        Cluster centres. None in a frame of an estimator without centres.
    steps_ : list of int
        Training steps done; the number of the frame if the estimator counts none.
    indices_ : ndarray of shape (n_recorded,)
        Positions of the samples in the X of `fit`, or in the X given here.

    See Also
    --------
    skdeepclust.displays.LatentSpaceDisplay.animate : A film of the frames.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import DCEC
    >>> from skdeepclust.callbacks import EmbeddingRecorder
    >>> X = load_digits(n_class=3).images[:200] / 16
    >>> recorder = EmbeddingRecorder(max_samples=50)
    >>> dcec = DCEC.as_published(
    ...     3, embedding_dim=2, pretrain_epochs=2, max_iter=20, update_interval=10
    ... )
    >>> dcec = dcec.set_callbacks(recorder).fit(X)
    >>> recorder.steps_
    [0, 10, 20]
    >>> recorder.embeddings_[0].shape
    (50, 2)
    """

    def __init__(self, X=None, *, max_samples=500, random_state=0):
        check_max_samples(max_samples)
        check_seed(random_state)
        self.X = None if X is None else as_samples(X)
        self.max_samples = max_samples
        self.random_state = random_state

    def setup(self, estimator, context):
        """Forget the frames of an earlier fit.

        Parameters
        ----------
        estimator : estimator
            The estimator that begins its fit.
        context : CallbackContext
            Its task.

        Raises
        ------
        TypeError
            If the estimator has no embedding or no clusters.
        """
        if not hasattr(estimator, "transform") or not hasattr(estimator, "predict"):
            raise TypeError(
                f"EmbeddingRecorder follows embedding and clusters, but "
                f"{type(estimator).__name__} has no transform or no predict. Set it "
                "on a clusterer such as DCEC; in a pipeline, on its last step."
            )
        self.embeddings_, self.labels_, self.centers_ = [], [], []
        self.steps_, self.indices_, self._samples = [], None, None

    def teardown(self, estimator, context):
        """Keep the frames, and forget the samples.

        Parameters
        ----------
        estimator : estimator
            The estimator that ends its fit.
        context : CallbackContext
            Its task.
        """
        self._samples = None

    def on_fit_task_begin(self, estimator, context, *, X=None, fitted_estimator=None):
        """Record the first frame, before anything is trained.

        Parameters
        ----------
        estimator : estimator
            The estimator that is fitted.
        context : CallbackContext
            The task.
        X : array-like, default=None
            The samples that are fitted.
        fitted_estimator : estimator, default=None
            A fitted copy, as the estimator is now.
        """
        if fitted_estimator is not None and not self.steps_:
            self._record(fitted_estimator, X)

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        """Record a frame.

        Parameters
        ----------
        estimator : estimator
            The estimator that is fitted.
        context : CallbackContext
            The task.
        X : array-like, default=None
            The samples that are fitted.
        fitted_estimator : estimator, default=None
            A fitted copy, as the estimator is now.
        """
        if fitted_estimator is not None and context.task_name != "fit":
            self._record(fitted_estimator, X)

    def _record(self, fitted, X):
        if self._samples is None:
            self._draw(X)
        Z = as_rows(fitted.transform(self._samples))
        centers = getattr(fitted, "cluster_centers_", None)
        self.embeddings_.append(Z.copy())
        self.labels_.append(np.asarray(fitted.predict(self._samples)))
        self.centers_.append(None if centers is None else np.array(centers))
        self.steps_.append(int(getattr(fitted, "n_iter_", len(self.steps_))))

    def _draw(self, X):
        """The samples to follow: those given, or some of X."""
        if self.X is not None:
            self._samples = self.X
            self.indices_ = np.arange(count_samples(self.X))
            return
        X = as_samples(X)
        same = np.zeros(count_samples(X), dtype=int)
        self.indices_ = stratified_sample(same, self.max_samples, self.random_state)
        if hasattr(X, "iloc"):
            self._samples = X.iloc[self.indices_]
        elif hasattr(X, "shape"):
            self._samples = X[self.indices_]
        else:
            self._samples = [X[i] for i in self.indices_]
