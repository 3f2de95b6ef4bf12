"""Several runs of a clusterer, and the clusters on which they agree."""

import mmap
import os
import warnings
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, Self

import joblib
import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skdeepclust._base import refitting
from skdeepclust._cache import fingerprint
from skdeepclust._checkpoint import own_checkpoint
from skdeepclust._compat import HasMethods, Interval, StrOptions, validate_parameters
from skdeepclust._fitted import (
    as_samples,
    clustered_space,
    clusters_of,
    count_samples,
    name_of,
)
from skdeepclust._random import derived_seed, root_seed
from skdeepclust._sampling import pooled_silhouettes
from skdeepclust._scale import check_squares
from skdeepclust._warnings import at_once, finished_first, warn
from skdeepclust._workers import end_with
from skdeepclust.consensus._margins import ClusterMeans, confidence_of
from skdeepclust.consensus._pooled import scored_samples
from skdeepclust.consensus._votes import (
    Vote,
    agreement_of_runs,
    groups_of_runs,
    jaccard_with_runs,
)
from skdeepclust.exceptions import ClusterCollapseWarning, RunsDisagreeWarning

__all__ = ["ConsensusClustering"]

# Starts of the k-means that clusters the samples by the clusters that they are in.
_N_INIT = 20


def _runs_predict(consensus):
    estimators = getattr(consensus, "runs_", None) or consensus._estimators()
    return all(hasattr(each, "predict") for each in estimators)


class ConsensusClustering(ClusterMixin, BaseEstimator):
    """Several runs of a clusterer, and the clusters on which they agree.

    One run is one draw: with another seed, or a few other samples, the clusters differ.
    Here a clusterer is fitted several times. The clusters of all runs vote [1]_, and
    where they agree is said for every sample, every cluster and every run.

    Parameters
    ----------
    estimator : estimator or None, default=None
        Any clusterer of scikit-learn or of this library, or a pipeline that ends in
        one. It is cloned. If its `checkpoint` is set, every run has its own file:
        ".run0", ".run1" and so on are added to the name. None if `vary` is a list.
    n_runs : int, default=10
        Number of runs. If `vary` is a list, its length counts instead.
    vary : {"seed", "subsample"} or list of estimators, default="seed"
        What differs between the runs. "seed": every `random_state`, also those of the
        steps of a pipeline. "subsample": the samples as well; every run is fitted to a
        share `subsample` of X and predicts the others; without `predict`, a sample
        gets the cluster of the nearest one that was fitted. A list: its estimators are
        fitted once each, for instance with several numbers of clusters or methods.
        They keep a `random_state` that is not None.
    subsample : float, default=0.8
        Share of the samples in a run, for ``vary="subsample"``.
    n_clusters : int or "auto", default="auto"
        Number of clusters of the consensus, at most. "auto" takes the number that most
        runs find.
    reject_below : float or None, default=None
        A sample whose agreement is lower stays unassigned (label -1). None assigns
        every sample.
    unassigned_share : float, default=0.0
        Share of the samples that stay unassigned (label -1): those with the lowest
        `confidence_`. New samples below `least_confidence_` stay unassigned too.
    n_jobs : int or None, default=None
        Runs that are fitted at the same time, in joblib's sense. The number of threads
        of a run can change its result in the last digits.
    memory : path, joblib.Memory or None, default=None
        Where to keep fitted runs. A second fit with more runs, or with another
        `reject_below`, then only makes those that are missing. A run is known by its
        data, parameters, code and the versions of the libraries. joblib reads this
        folder by pickle: use a folder that only you can write to.
    verbose : int, default=0
        Verbosity of joblib.
    random_state : int, RandomState instance or None, default=None
        Governs the seeds of the runs and the subsamples.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of every sample; -1 for those that are rejected or that all runs call
        noise. Equal to ``predict(X)`` with ``vary="seed"``.
    n_clusters_ : int
        Number of clusters of the consensus.
    agreement_ : ndarray of shape (n_samples,)
        Share of the runs that have a sample in its cluster, from 0 to 1. A run that
        calls it noise does not.
    confidence_ : ndarray of shape (n_samples,)
        The same, but a run that has a sample at the edge of its cluster counts less:
        the mean over the runs of (1 + m) / 2 if a run votes for the cluster, else 0.
        With the distances a to the mean of the own cluster and b to the nearest other
        mean, in the embedding of the run, m is (b - a) / max(a, b). It tells samples
        apart on which all runs agree.
    least_confidence_ : float
        Confidence below which a sample is unassigned; 0 with ``unassigned_share=0``.
    cluster_stability_ : ndarray of shape (n_clusters_found,)
        Mean Jaccard index of a cluster with the most similar cluster of every run:
        above .85 it is very stable, below .5 it dissolves in most runs [2]_.
    cluster_jaccard_ : ndarray of shape (n_clusters_found, n_runs)
        The same for every run.
    run_ari_ : ndarray of shape (n_runs, n_runs)
        Adjusted Rand index between every two runs.
    run_groups_ : ndarray of shape (n_runs,)
        Groups of runs that agree among themselves and disagree with each other; all
        are 0 if there is one group. 0 is the largest. Groups need at least four runs,
        and at least two of them have two runs.
    group_labels_ : ndarray of shape (n_groups, n_samples)
        The consensus of every group of runs.
    pooled_scores_ : ndarray of shape (n_runs,)
        Score of every run without labels, see
        :func:`~skdeepclust.consensus.pooled_scores`.
    best_run_ : int
        Position of the run that agrees most with the others (mean of `run_ari_`). This
        lost less accuracy than the other scores in ``benchmarks/README.md``.
    runs_ : list of estimators
        The fitted runs.
    run_labels_ : ndarray of shape (n_runs, n_samples)
        Clusters of every run.

    Warns
    -----
    RunsDisagreeWarning
        When the runs form groups that disagree with each other, or when most samples
        are in another cluster in most runs.
    ClusterCollapseWarning
        When there are fewer clusters than `n_clusters`.

    See Also
    --------
    SCEDAE : Spectral clustering over an ensemble of autoencoders.
    skdeepclust.consensus.agreement_scores : Which of several fitted runs to take.
    skdeepclust.consensus.pooled_scores : Silhouettes in the embeddings of all runs.

    Notes
    -----
    The consensus follows the majority of the runs. It removes the chance of one run,
    not an error that most runs make. If the runs form groups, look at `group_labels_`:
    the smaller group can be the right one.

    The clusters of all runs are the landmarks of the samples that are in them. Landmark
    spectral clustering finds groups of samples that are often together. If no run has
    more clusters than the consensus, the runs are also matched to each other and vote;
    of both, the groups count that agree more with the runs, as in [1]_. Then every
    cluster of a run votes for the group that most of its samples belong to. Memory
    grows with the number of samples times the number of runs.

    Stable clusters are not always right: an objective with a single optimum is stable,
    whatever the number of clusters. Runs that nothing distinguishes, such as those of a
    clusterer without chance after a step with a `random_state`, agree fully.

    References
    ----------
    .. [1] A. Strehl, J. Ghosh, "Cluster ensembles: a knowledge reuse framework for
       combining multiple partitions", Journal of Machine Learning Research, 2002.
    .. [2] C. Hennig, "Cluster-wise assessment of cluster stability", Computational
       Statistics & Data Analysis, 2007.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import ConsensusClustering
    >>> X, y = load_digits(return_X_y=True)
    >>> kmeans = KMeans(10, n_init=1)
    >>> consensus = ConsensusClustering(kmeans, n_runs=5, random_state=0).fit(X)
    >>> consensus.labels_.shape, consensus.run_ari_.shape
    ((1797,), (5, 5))
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit"]), None],
        "n_runs": [Interval(Integral, 1, None, closed="left")],
        "vary": [StrOptions({"seed", "subsample"}), list, tuple],
        "subsample": [Interval(Real, 0, 1, closed="neither")],
        "n_clusters": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "reject_below": [Interval(Real, 0, 1, closed="both"), None],
        "unassigned_share": [Interval(Real, 0, 1, closed="left")],
        "n_jobs": [Integral, None],
        "memory": [str, os.PathLike, HasMethods(["cache"]), None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        n_runs=10,
        *,
        vary="seed",
        subsample=0.8,
        n_clusters="auto",
        reject_below=None,
        unassigned_share=0.0,
        n_jobs=None,
        memory=None,
        verbose=0,
        random_state=None,
    ):
        self.estimator = estimator
        self.n_runs = n_runs
        self.vary = vary
        self.subsample = subsample
        self.n_clusters = n_clusters
        self.reject_below = reject_below
        self.unassigned_share = unassigned_share
        self.n_jobs = n_jobs
        self.memory = memory
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit all runs and find their consensus.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples, as the estimator takes them.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : ConsensusClustering
            The fitted estimator.

        Raises
        ------
        TypeError
            If X is sparse, if an estimator is a class, or if it finds no clusters.
        CacheError
            With `memory`, if nobody can tell whether an estimator is the same in
            another fit.
        ValueError
            If the runs cannot differ, because no `random_state` can be set, if all of
            them call every sample noise, or if the squares of values overflow.
        """
        with refitting(self) as refit:
            validate_parameters(self)
            X = _dense_samples(X)
            seed = root_seed(self.random_state)
            estimators = self._runs(seed)
            with finished_first():
                self._fit_runs(estimators, X, seed)
                self._find_consensus(X, seed)
                refit.is_complete = True
                self._warn()
        return self

    def predict(self, X: Any) -> NDArray[np.integer]:
        """Cluster of every sample, by the votes of the fitted runs.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Clusters; -1 for samples that are rejected or that all runs call noise.
        """
        X, found = self._found(X)
        labels, shares = self._vote_.predict(found)
        confidence = None
        if self.least_confidence_:
            each = zip(self.runs_, self._means_, found)
            margins = [
                means.margins(clustered_space(run, X), own) for run, means, own in each
            ]
            votes = self._vote_.votes(found)
            confidence = confidence_of(votes, labels, np.stack(margins))
        return self._rejecting(labels, shares, confidence)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Share of the runs that vote for every cluster.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples.

        Returns
        -------
        shares : ndarray of shape (n_samples, n_clusters_found)
            Shares. Rows sum to one, less the share of the runs that call a sample
            noise.
        """
        _, found = self._found(X)
        return self._vote_.predict(found)[1]

    predict = available_if(_runs_predict)(predict)
    predict_proba = available_if(_runs_predict)(predict_proba)

    @property
    def n_features_in_(self):
        """Number of columns of X, as the first run has it."""
        return self._of_first_run("n_features_in_")

    @property
    def feature_names_in_(self):
        """Names of the columns of X, if the first run has them."""
        return self._of_first_run("feature_names_in_")

    def _of_first_run(self, name):
        try:
            return getattr(self.runs_[0], name)
        except (AttributeError, IndexError) as error:
            raise AttributeError(f"{name} is not known.") from error

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        for estimator in self._estimators()[:1]:
            inner = get_tags(estimator)
            tags.input_tags = replace(inner.input_tags, sparse=False)
            tags.non_deterministic = inner.non_deterministic
        return tags

    def _estimators(self):
        if not isinstance(self.vary, str):
            return list(self.vary)
        return [] if self.estimator is None else [self.estimator]

    def _runs(self, seed):
        """Clones for the runs, each with seeds of its own."""
        if isinstance(self.vary, str):
            if self.estimator is None:
                raise ValueError(
                    f"estimator=None needs a list of estimators as vary, got "
                    f"vary={self.vary!r}."
                )
            estimators = [self.estimator] * int(self.n_runs)
        else:
            estimators = self._estimators()
            if self.estimator is not None:
                raise ValueError(
                    "vary is a list of estimators, and estimator is given as well. "
                    "Pass estimator=None, or vary='seed'."
                )
        for each in estimators:
            _check_clusters(each)
        if not estimators:
            raise ValueError("vary is an empty list. Pass at least one estimator.")
        is_list = not isinstance(self.vary, str)
        runs = [
            _seeded(clone(each), derived_seed(seed, f"run {i}"), keep=is_list)
            for i, each in enumerate(estimators)
        ]
        if not is_list:
            for i, run in enumerate(runs):
                _with_own_checkpoint(run, f"run{i}")
        if (
            self.vary == "seed"
            and len(runs) > 1
            and not _params_called(runs[0], "random_state")
        ):
            raise ValueError(
                f"{name_of(self.estimator)} has no random_state, so that all runs "
                'would be equal. Pass vary="subsample", or a list of estimators.'
            )
        return runs

    def _fit_runs(self, estimators, X, seed):
        n_samples = count_samples(X)
        parts: list[Any] = [None] * len(estimators)
        if self.vary == "subsample":
            n = max(1, round(self.subsample * n_samples))
            parts = [
                np.sort(_permutation(n_samples, seed, i)[:n])
                for i in range(len(estimators))
            ]
        fit, keys = _fit_run, [""] * len(estimators)
        if self.memory is not None:
            memory = self.memory
            if not hasattr(memory, "cache"):
                memory = joblib.Memory(memory, verbose=0)
            # joblib knows functions by their names, and no versions.
            fit = memory.cache(_fit_run, ignore=["estimator"])
            nothing = np.empty(0)
            keys = [fingerprint(nothing, {"estimator": each}) for each in estimators]
        sent = _sent(X)
        found = Parallel(n_jobs=self.n_jobs, verbose=self.verbose)(
            delayed(_in_worker)(os.getpid(), fit, each, sent, part, key)
            for each, part, key in zip(estimators, parts, keys)
        )
        self.runs_ = [run for run, _, _ in found]
        self.run_labels_ = np.stack([labels for _, labels, _ in found])
        _say_once([caught for _, _, caught in found])

    def _find_consensus(self, X, seed):
        found = self.run_labels_
        if (found < 0).all():
            raise ValueError(
                "All runs call every sample noise, so that there are no clusters to "
                "agree on. Pass estimators that find clusters, such as a density-based "
                "one with a larger radius."
            )
        n_clusters = self._number_of_clusters(found)
        self._vote_ = Vote(n_clusters, _N_INIT, derived_seed(seed, "vote")).fit(found)
        labels, shares = self._vote_.predict(found)
        self.n_clusters_ = self._vote_.n_clusters
        self._score_runs(X, labels, derived_seed(seed, "scores"))
        self.agreement_ = shares.max(axis=1)
        self.labels_ = self._rejecting(labels, shares, self.confidence_)
        self.cluster_jaccard_ = jaccard_with_runs(labels, found)
        self.cluster_stability_ = self.cluster_jaccard_.mean(axis=1)
        self.run_ari_ = agreement_of_runs(found)
        self.run_groups_ = groups_of_runs(self.run_ari_)
        n_groups = self.run_groups_.max() + 1
        self.group_labels_ = np.stack(
            [self._labels_of_group(i, labels, seed) for i in range(n_groups)]
        )
        self.best_run_ = int(self.run_ari_.mean(axis=1).argmax())

    def _score_runs(self, X, labels, seed):
        """What needs the embedding of every run: pooled scores and confidence."""
        found = self.run_labels_
        chosen = scored_samples(found.shape[1], random_state=seed)
        silhouettes, self._means_ = [], []
        margins = np.empty(found.shape)
        for i, run in enumerate(self.runs_):  # one embedding at a time
            Z = clustered_space(run, X)
            self._means_.append(ClusterMeans(Z, found[i]))
            margins[i] = self._means_[i].margins(Z, found[i])
            silhouettes.append(pooled_silhouettes(found[:, chosen], [Z[chosen]]))
        self.pooled_scores_ = np.hstack(silhouettes).mean(axis=1)
        votes = self._vote_.votes(found)
        self.confidence_ = confidence_of(votes, labels, margins)
        self.least_confidence_ = 0.0
        if self.unassigned_share:
            self.least_confidence_ = float(
                np.quantile(self.confidence_, self.unassigned_share, method="higher")
            )

    def _labels_of_group(self, group, labels, seed):
        members = self.run_labels_[self.run_groups_ == group]
        if len(members) == len(self.run_labels_):
            return labels
        n_clusters = self._number_of_clusters(members)
        vote = Vote(n_clusters, _N_INIT, derived_seed(seed, f"group {group}"))
        return vote.fit(members).predict(members)[0]

    def _number_of_clusters(self, found):
        if self.n_clusters != "auto":
            return int(self.n_clusters)
        numbers = [len(np.unique(labels[labels >= 0])) for labels in found]
        values, counts = np.unique(
            [max(1, each) for each in numbers], return_counts=True
        )
        return int(values[counts.argmax()])

    def _found(self, X):
        """Samples as the runs take them, and the clusters of every run."""
        check_is_fitted(self, "runs_")
        X = _dense_samples(X)
        return X, np.stack([_whole(run.predict(X), run) for run in self.runs_])

    def _rejecting(self, labels, shares, confidence):
        if self.least_confidence_:
            labels = np.where(confidence < self.least_confidence_, -1, labels)
        if self.reject_below is None:
            return labels
        return np.where(shares.max(axis=1) < self.reject_below, -1, labels)

    def _warn(self):
        if self.n_clusters != "auto" and self.n_clusters_ < self.n_clusters:
            warn(
                f"The consensus has {self.n_clusters_} clusters, fewer than n_clusters="
                f"{self.n_clusters}: the runs do not tell more apart. Pass estimators "
                "with more clusters, or a smaller n_clusters.",
                ClusterCollapseWarning,
            )
        n_groups = self.run_groups_.max() + 1
        if n_groups > 1:
            warn(
                f"The runs form {n_groups} groups that disagree with each other: "
                f"{_groups_in_words(self.run_groups_, self.run_ari_)}. labels_ follow "
                "all runs, and so mostly the largest group, which need not be the "
                "right one. Compare the rows of group_labels_.",
                RunsDisagreeWarning,
            )
        elif len(self.runs_) > 1 and np.median(self.agreement_) <= 0.5:
            warn(
                "The runs hardly agree: half of the samples are in their cluster in at "
                f"most {np.median(self.agreement_):.0%} of the runs. Try another "
                "n_clusters or another estimator; the data may have no clusters.",
                RunsDisagreeWarning,
            )


def _dense_samples(X):
    if scipy.sparse.issparse(X):
        raise TypeError(
            "Sparse input is not supported: X must be an array, a data frame or a "
            "list. Pass X.toarray(), or put the step that makes X sparse into a "
            "pipeline and pass what that step takes."
        )
    X = as_samples(X)
    if isinstance(X, np.ndarray) and X.dtype.kind == "f":
        check_squares(X)
    return X


def _check_clusters(estimator):
    """Refuse what cannot be a run."""
    if isinstance(estimator, type):
        raise TypeError(
            f"The estimator is the class {estimator.__name__}. Pass an instance: "
            f"{estimator.__name__}(...)."
        )
    if not hasattr(estimator, "fit"):
        raise TypeError(f"A run must be an estimator with fit, got {estimator!r}.")


def _params_called(estimator, name):
    """All parameters of this name, also those of steps and inner estimators."""
    params = estimator.get_params(deep=True)
    return {key: params[key] for key in sorted(params) if key.split("__")[-1] == name}


def _seeded(estimator, seed, *, keep):
    """Set every `random_state`, each to a seed of its own; `keep` those given."""
    given = _params_called(estimator, "random_state")
    names = [name for name, value in given.items() if value is None or not keep]
    return estimator.set_params(**{name: derived_seed(seed, name) for name in names})


def _with_own_checkpoint(estimator, name):
    """Let every `checkpoint` be a file of its own, with `name` at the end."""
    given = _params_called(estimator, "checkpoint")
    own = {key: own_checkpoint(value, name) for key, value in given.items()}
    estimator.set_params(**own)


def _permutation(n_samples, seed, run):
    rng = np.random.RandomState(derived_seed(seed, f"samples {run}"))
    return rng.permutation(n_samples)


def _in_worker(parent, fit, estimator, X, part, key):
    """Call `fit`; if this is a process of its own, it ends when `parent` does."""
    end_with(parent)
    if isinstance(X, _MappedFile):
        X = X.opened()
    # joblib makes memory maps of large arrays; a cache shall know them as the same.
    X = X.view(np.ndarray) if isinstance(X, np.memmap) else X
    return fit(estimator, X, part, key)


def _sent(X):
    """X as workers get it: the file of a memory map that equals it, or the array."""
    maps, base = [], X
    while isinstance(base, np.ndarray):
        maps += [base] if isinstance(base, np.memmap) else []
        base = base.base
    if any(each.mode == "c" or not _has_file(each) for each in maps):
        return np.array(X)  # joblib would open the file, which is another array
    return _MappedFile.of(X)


def _has_file(mapped):
    return mapped.filename is not None and os.path.exists(mapped.filename)


@dataclass(frozen=True)
class _MappedFile:
    """The file of a memory map, which workers open instead of getting its content."""

    path: str
    dtype: np.dtype
    offset: int
    shape: tuple
    order: Any

    @classmethod
    def of(cls, X):
        """The file of X if X is a whole memory map, or X."""
        if not isinstance(X, np.memmap) or getattr(X, "filename", None) is None:
            return X
        order = "C" if X.flags.c_contiguous else "F"
        sent = cls(str(X.filename), X.dtype, X.offset, X.shape, order)
        # A part of a map, such as X[10:], has the offset of the whole.
        return sent if isinstance(X.base, mmap.mmap) else X

    def opened(self):
        """The memory map, opened in this process."""
        try:
            return np.memmap(
                self.path, self.dtype, "r", self.offset, self.shape, self.order
            )
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"X is a memory map of {self.path}, which a worker on another computer "
                "cannot open. Put the file into a folder that all workers have under "
                "the same path, or pass np.array(X), which is sent to them."
            ) from error


def _fit_run(estimator, X, part, key):
    """Fit a run to all samples or a part; return it, the clusters, and its warnings.

    A cache knows the run by `key`.
    """
    with at_once(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if part is None:
            estimator.fit(X)
            labels = getattr(estimator, "labels_", None)
            labels = clusters_of(estimator, X) if labels is None else labels
        else:
            estimator.fit(_safe_indexing(X, part))
            labels = _of_everyone(estimator, X, part)
    if labels is None:
        raise TypeError(f"{name_of(estimator)} finds no clusters. Pass a clusterer.")
    messages = [(str(each.message), each.category) for each in caught]
    return estimator, _whole(labels, estimator), messages


def _of_everyone(estimator, X, part):
    """Clusters of all samples, by `predict` or by the nearest sample of the part."""
    if hasattr(estimator, "predict"):
        return clusters_of(estimator, X)
    own = clusters_of(estimator, _safe_indexing(X, part))
    if own is None:
        return None
    Z = clustered_space(estimator, X)
    labels = KNeighborsClassifier(n_neighbors=1).fit(Z[part], own).predict(Z)
    labels[part] = own  # those of copies can differ
    return labels


def _whole(labels, estimator):
    """Clusters as whole numbers from 0; what is below is noise, -1."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise TypeError(
            f"{name_of(estimator)} must return a whole number per sample, got an array "
            f"of type {labels.dtype} and shape {labels.shape}."
        )
    return np.maximum(labels, -1).astype(np.int64)


def _say_once(caught_by_run):
    """Give the warnings of the runs, equal ones once."""
    n_runs = len(caught_by_run)
    of_message: dict[tuple[str, type[Warning]], int] = {}
    for caught in caught_by_run:
        for key in dict.fromkeys(caught):
            of_message[key] = of_message.get(key, 0) + 1
    for (message, category), count in of_message.items():
        times = f" (in {count} of {n_runs} runs)" if n_runs > 1 else ""
        warn(f"{message}{times}", category)


def _groups_in_words(groups, ari):
    """Every group with its runs and how much they agree with each other and others."""
    words = []
    for group in range(groups.max() + 1):
        own = np.flatnonzero(groups == group)
        others = np.flatnonzero(groups != group)
        within = ari[np.ix_(own, own)]
        inside = within[~np.eye(len(own), dtype=bool)].mean() if len(own) > 1 else 1.0
        outside = ari[np.ix_(own, others)].mean()
        names = ", ".join(map(str, own))
        words.append(f"runs {names} (ARI {inside:.2f}, with the others {outside:.2f})")
    return "; ".join(words)
