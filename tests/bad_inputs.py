"""Trials of wrong inputs: what users pass by mistake, and what must happen then.

A trial is data: an estimator, changes of its parameters, a method, what is passed to
it, and what is expected. `run` runs one and raises an AssertionError that says what is
wrong. It also looks at what a user does not see at once: whether an old fit is intact
after a refusal, and whether anything global has changed.

`trials` makes all of them. Parameters come from `get_params` and from
`_parameter_constraints`, so that those of tomorrow are covered as well.
"""

import contextlib
import copy
import datetime
import decimal
import fractions
import functools
import io
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import DBSCAN, KMeans
from sklearn.exceptions import NotFittedError
from sklearn.utils import Bunch
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, LRScheduler
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import skdeepclust
from skdeepclust._nets import TensorNet

# The first optimiser of a process makes torch import sympy, which adds a filter of
# warnings. It does so here, and not within whatever trial comes first.
torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)

# -- what a trial is -----------------------------------------------------------

# Errors that a user may see. Anything else comes from deep inside.
ERRORS = (ValueError, TypeError, ArithmeticError, ImportError, NotFittedError)


@dataclass(frozen=True)
class Expected:
    """What must happen.

    outcome : "works": accepted, and right. "refused": an error before training, and an
        old fit stays as it is. "fails": an error at any time; in training, nothing is
        left fitted, and the error says so. "either": "works" or "fails".
    match : regular expression that the message must contain, whatever the case.
    error : types that the error may have.
    like : changes of parameters that must give the same result to the bit, as pairs;
        None compares with nothing.
    """

    outcome: str
    match: str = ""
    error: tuple = ERRORS
    like: tuple | None = None


@dataclass(frozen=True)
class Trial:
    """One call with something odd in it."""

    id: str
    group: str
    estimator: str
    expected: Expected
    method: str = "fit"
    changes: Callable[[], dict] = dict  # of parameters; new objects each time
    data: Callable[[np.ndarray], Any] | None = None  # from the good data; None: these
    is_fitted: bool = True  # whether a method other than fit finds a fit


def refused(match, error=ERRORS):
    return Expected("refused", match, error)


def fails(match, error=ERRORS):
    return Expected("fails", match, error)


def works(like=None):
    return Expected("works", like=like)


def either(match, like=None):
    return Expected("either", match, like=like)


def about(name):
    """Expression for a message that names a parameter, with or without its prefix."""
    return (
        rf"(?<![a-z_])({re.escape(name)}|{re.escape(name.split('__')[-1])})(?![a-z_])"
    )


# -- good data, and estimators small enough for a trial ------------------------


def _blobs(n_samples, *shape):
    rng = np.random.RandomState(0)
    centers = rng.rand(3, *shape)
    noise = 0.1 * rng.randn(n_samples, *shape)
    blobs = np.clip(centers[rng.randint(3, size=n_samples)] + noise, 0, 1)
    return blobs.astype(np.float32)


N_ROWS = 60
IMAGES, TABLE = _blobs(N_ROWS, 8, 8), _blobs(N_ROWS, 20)
IMAGES.flags.writeable = TABLE.flags.writeable = False

_COMMON = {"random_state": 0, "device": "cpu", "batch_size": 32}
_JOINT = {
    **{"n_clusters": 3, "embedding_dim": 3, "pretrain_epochs": 1, "max_iter": 2},
    **{"update_interval": 1, "init": "kmeans", "n_init": 1, "augment": None},
    **_COMMON,
}
_DENSE = {"module": "dense", "module__hidden_dims": (8,)}

# A new estimator needs a line here and nothing else in this file.
TINY: dict[str, dict[str, Any]] = {
    "Autoencoder": {"embedding_dim": 3, "max_epochs": 1, **_DENSE, **_COMMON},
    "DCEC": {**_JOINT, "module__filters": (4, 4, 4)},
    "IDEC": {**_JOINT, **_DENSE},
    "DEC": {**_JOINT, **_DENSE},
    "DeepCluster": {
        **{"n_clusters": 3, "max_iter": 1, "epochs_per_round": 1, "n_init": 1},
        **{"augment": None, "module__widths": (4, 4)},
        **_COMMON,
    },
    "SCEDAE": {
        **{"n_clusters": 3, "embedding_dim": 3, "max_epochs": 1, "n_init": 1},
        **{"n_autoencoders": 2, **_DENSE, **_COMMON},
    },
    "ContrastiveEncoder": {
        **{"method": "byol", "max_epochs": 1, **_DENSE, **_COMMON},
    },
    "LandmarkSpectralClustering": {"n_clusters": 3, "n_init": 1, "random_state": 0},
    "TEMI": {
        **{"n_clusters": 3, "n_heads": 2, "n_neighbors": 5, "max_epochs": 1},
        **_COMMON,
    },
    "Turtle": {"n_clusters": 3, "max_epochs": 1, **_COMMON},
}
OF_IMAGES = ("DCEC", "DeepCluster")
METHODS = {
    name: [
        method
        for method in (
            *("fit", "fit_predict", "predict", "transform", "predict_proba"),
            *("inverse_transform", "score"),
        )
        if hasattr(getattr(skdeepclust, name), method)
    ]
    for name in TINY
}
ANSWERS = ("predict", "transform", "predict_proba", "score")


def make(name, changes):
    """An estimator with changes; a user's network takes none of our arguments."""
    params = {**TINY[name], **changes}
    module = changes.get("module", "dense")
    if not (isinstance(module, str) and module == "dense"):
        given = {key for key in params if key.startswith("module__")} - set(changes)
        params = {key: value for key, value in params.items() if key not in given}
    return getattr(skdeepclust, name)(**params)


def good_data(name):
    return IMAGES if name in OF_IMAGES else TABLE


def answers(estimator, X):
    """What a fitted estimator says about X, by method."""
    found = {
        method: getattr(estimator, method)(X)
        for method in ANSWERS
        if hasattr(estimator, method)
    }
    if hasattr(estimator, "inverse_transform"):
        found["inverse_transform"] = estimator.inverse_transform(found["transform"])
    return found


@functools.lru_cache(maxsize=500)
def reference(name, changes=()):
    """A fitted estimator and its answers; nobody may change it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = make(name, dict(changes)).fit(good_data(name))
        return SimpleNamespace(
            estimator=estimator,
            answers=answers(estimator, good_data(name)),
            params=estimator.get_params(deep=False),
        )


def fitted_attributes(estimator):
    return {name: v for name, v in vars(estimator).items() if name.endswith("_")}


# -- running a trial -----------------------------------------------------------


def global_state():
    """Everything of the process that a call must leave alone."""
    kind, keys, position, *gauss = np.random.get_state()
    state = {
        "numpy's generator": (kind, keys.tobytes(), position, gauss),
        "torch's generator": torch.get_rng_state().numpy().tobytes(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's default device": torch.get_default_device(),
        "torch's grad mode": torch.is_grad_enabled(),
        "torch's inference mode": torch.is_inference_mode_enabled(),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "warning filters": list(warnings.filters),
        "np.geterr": np.geterr(),
        "working folder": (os.getcwd(), sorted(os.listdir())),
    }
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None:
        state["matplotlib's rcParams"] = dict(matplotlib.rcParams.copy())
    return state


@contextlib.contextmanager
def _counting_steps():
    """Count the epochs that begin to train: a refusal must come before the first."""
    original, count = TensorNet.train_on, [0]

    @functools.wraps(original)
    def train_on(self, batches):
        count[0] += 1
        return original(self, batches)

    TensorNet.train_on = train_on
    try:
        yield count
    finally:
        TensorNet.train_on = original


@contextlib.contextmanager
def _torch_set_aside():
    """What the trial itself draws or is warned of is not the library's doing."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        yield


@dataclass
class _Attempt:
    value: Any = None
    error: BaseException | None = None
    n_epochs: int = 0
    messages: list = field(default_factory=list)


def _attempt(call):
    """Make a call, and assert that it changes nothing global."""
    attempt = _Attempt()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(io.StringIO()),
        _counting_steps() as count,
    ):
        warnings.simplefilter("always")
        before = global_state()
        try:
            attempt.value = call()
        except (Exception, SystemExit) as error:
            attempt.error = error
        after = global_state()
    changed = [name for name, value in before.items() if after[name] != value]
    _put_back(changed, before)
    assert not changed, f"the call changed {', '.join(changed)}"
    attempt.n_epochs = count[0]
    attempt.messages = [str(each.message) for each in caught]
    return attempt


def _put_back(changed, before):
    """One trial's damage must not be reported by the next ones."""
    if "torch's number of threads" in changed:
        torch.set_num_threads(before["torch's number of threads"])
    if "torch's default dtype" in changed:
        torch.set_default_dtype(before["torch's default dtype"])
    if "np.geterr" in changed:
        np.seterr(**before["np.geterr"])


def run(trial):
    """Run a trial; an AssertionError says what is wrong."""
    run_kind = _run_fit if trial.method in ("fit", "fit_predict") else _run_call
    try:
        run_kind(trial)
    except BaseException:
        reference.cache_clear()  # a fit shared by the trials may be damaged
        raise


def _data(trial):
    X = good_data(trial.estimator)
    if trial.method == "inverse_transform":
        X = reference(trial.estimator).answers["transform"]
    return X if trial.data is None else trial.data(X)


def _run_fit(trial):
    made = []

    def call():
        with _torch_set_aside():
            changes, X = trial.changes(), _data(trial)
        made.append(make(trial.estimator, changes))
        return getattr(made[0], trial.method)(X)

    attempt = _attempt(call)
    if attempt.error is None:
        labels = np.unique(getattr(made[0], "labels_", [0]), return_counts=True)[1]
        assert trial.expected.outcome in ("works", "either"), (
            f"accepted, should have been refused; clusters of {labels[:9]}"
        )
        _check_fit(made[0], trial, attempt)
        return
    _check_error(attempt, trial)
    if made:
        left = fitted_attributes(made[0])
        assert not left, f"the failed fit left {sorted(left)}"
    _check_refit(trial)


def _run_call(trial):
    """Call a method of a fitted estimator."""
    old = reference(trial.estimator)
    fitted = copy.copy(old.estimator)
    if not trial.is_fitted:
        fitted = make(trial.estimator, {})
    with _torch_set_aside():
        X = _data(trial)
    attempt = _attempt(lambda: getattr(fitted, trial.method)(X))
    if attempt.error is not None:
        _check_error(attempt, trial)
    else:
        assert trial.expected.outcome in ("works", "either"), (
            f"accepted, should have been refused; gave {_short(attempt.value)}"
        )
        _check_value(attempt.value, trial, old, attempt)
    if trial.is_fitted:
        _check_intact(fitted, old)
    else:
        assert not fitted_attributes(fitted), "the call made fitted attributes"


def _check_error(attempt, trial):
    error, expected = attempt.error, trial.expected
    words = f"{type(error).__name__}: {_short(_words(error))}"
    assert expected.outcome != "works", f"refused: {words}"
    assert isinstance(error, expected.error), f"an obscure type of error: {words}"
    assert re.search(expected.match, _words(error), re.IGNORECASE | re.DOTALL), (
        f"the message does not say {expected.match!r}: {words}"
    )
    if expected.outcome == "refused":
        assert not attempt.n_epochs, f"refused after training: {words}"


def _words(error):
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def _check_refit(trial):
    """The same error again, on an estimator that has a fit already."""
    old = reference(trial.estimator)
    fitted = copy.copy(old.estimator)

    def call():
        with _torch_set_aside():
            changes, X = trial.changes(), _data(trial)
        if "module" in changes:
            kept = {k: v for k, v in fitted._skorch_given.items() if "module" not in k}
            fitted._skorch_given = kept
        fitted.set_params(**changes)
        return getattr(fitted, trial.method)(X)

    attempt = _attempt(call)
    assert attempt.error is not None, "refused without an old fit, accepted with one"
    _check_error(attempt, trial)
    left = fitted_attributes(fitted)
    if left or trial.expected.outcome == "refused":
        _check_intact(fitted, old)
        return
    assert "othing is fitted" in _words(attempt.error), (
        f"the old fit is gone, and no note says so: {_short(attempt.error)}"
    )


def _check_intact(fitted, old):
    """Nothing of the fit has changed, whatever the parameters are now."""
    left, was = fitted_attributes(fitted), fitted_attributes(old.estimator)
    lost = sorted(set(was) - set(left))
    assert not lost, f"the refusal dropped the old fit: {lost[:4]} ..."
    changed = [name for name in was if left[name] is not was[name]]
    assert not changed, f"the refusal changed {changed}"
    found = _attempt(lambda: answers(fitted, good_data(type(fitted).__name__)))
    assert found.error is None, (
        f"the old fit cannot be used: {type(found.error).__name__}: "
        f"{_short(found.error)}"
    )
    for method, value in found.value.items():
        assert np.array_equal(value, old.answers[method]), (
            f"{method} of the old fit gives other values after the refusal"
        )


_NUMPY_WARNING = re.compile(
    r"encountered in|invalid value|divide by zero|overflow enc|Mean of empty|"
    r"Degrees of freedom|default_factory|non-writable|deprecated"
)


def _check_messages(attempt):
    obscure = [words for words in attempt.messages if _NUMPY_WARNING.search(words)]
    assert not obscure, f"accepted with an obscure warning: {obscure[:2]}"


def _check_fit(estimator, trial, attempt):
    """The fit is sound, and that of the equivalent parameters and data."""
    _check_messages(attempt)
    X = good_data(trial.estimator) if trial.data is None else _data(trial)
    found = _attempt(lambda: answers(estimator, X))
    assert found.error is None, f"fitted, but useless: {_short(found.error)}"
    for method, value in found.value.items():
        assert np.all(np.isfinite(value)), f"{method} gives NaN or infinity"
    if hasattr(estimator, "labels_"):
        assert np.array_equal(estimator.labels_, found.value["predict"]), (
            "predict(X) is not labels_"
        )
        n_clusters = int(estimator.n_clusters)
        assert (
            -1 <= estimator.labels_.min() <= estimator.labels_.max()
        )  # -1 if unassigned
        if not isinstance(getattr(estimator, "clusterer", "kmeans"), BaseEstimator):
            assert estimator.labels_.max() < n_clusters
    if "predict_proba" in found.value:
        sums = found.value["predict_proba"].sum(axis=1)
        assert np.allclose(sums, 1, atol=1e-4), "predict_proba does not sum to one"
    if trial.expected.like is not None:
        same = reference(trial.estimator, trial.expected.like)
        _check_same_answers(found.value, same.answers)


def _check_same_answers(found, expected):
    for method, value in expected.items():
        assert np.array_equal(np.reshape(found[method], np.shape(value)), value), (
            f"{method} gives other values than with the equivalent input"
        )


def _check_value(value, trial, old, attempt):
    _check_messages(attempt)
    assert np.all(np.isfinite(value)), f"{trial.method} gives NaN or infinity"
    if trial.expected.like is not None:
        expected = old.answers[trial.method]
        assert np.array_equal(value, expected), "other values than with the good data"


def _short(value, width=200):
    text = " ".join(str(value).split())
    return text if len(text) <= width else text[: width - 3] + "..."


# -- parameters ----------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """Which values a parameter may have."""

    whole: int | None = None  # smallest integer
    real: float | None = None  # lower bound of floats
    is_open: bool = False  # whether this bound itself is out
    none: bool = False
    strings: frozenset = frozenset()
    boolean: bool = False
    functions: bool = False
    others: tuple = ()  # types whose values may be right


def _count(low, *strings, none=False):
    return Kind(whole=low, strings=frozenset(strings), none=none)


_POSITIVE, _NOT_NEGATIVE = Kind(real=0.0, is_open=True), Kind(real=0.0)

# What each parameter may be, said once more: trials made from the constraints alone
# would not notice a constraint that is too weak.
KINDS = {
    **dict.fromkeys(("n_clusters", "embedding_dim", "update_interval"), _count(1)),
    **dict.fromkeys(("n_init", "n_neighbors", "n_autoencoders"), _count(1)),
    **dict.fromkeys(("pca_dim", "n_heads"), _count(1)),
    **dict.fromkeys(("max_iter", "max_epochs"), _count(0)),
    **dict.fromkeys(("n_landmarks", "n_pseudo_labels"), _count(1, "auto")),
    "epochs_per_round": _count(1, "auto"),
    "pretrain_epochs": _count(0, "auto"),
    "n_iter_no_change": _count(1, none=True),
    **dict.fromkeys(("gamma", "tol"), _NOT_NEGATIVE),
    **dict.fromkeys(("alpha", "lr", "pretrain_lr", "temperature"), _POSITIVE),
    "bandwidth": Kind(real=0.0, is_open=True, strings=frozenset({"auto"})),
    "variant": Kind(strings=frozenset({"deepcluster", "deepcluster-v2"})),
    "vary": Kind(strings=frozenset({"init", "epochs", "structure", "all"})),
    "sobel": Kind(boolean=True),
    "verbose": Kind(whole=0, boolean=True),
}


def kind_of(name, parameter):
    """Kind of a parameter; from its constraints if it is not in the table."""
    if parameter in KINDS:
        return KINDS[parameter]
    if parameter == "batch_size":
        return _count(2) if name == "DeepCluster" else _count(1, "auto")
    constraints = getattr(skdeepclust, name)._parameter_constraints.get(parameter)
    return None if constraints is None else _kind_of_constraints(constraints)


_KINDS_OF_WORDS = {
    "boolean": {"boolean": True},
    "verbose": {"boolean": True, "whole": 0},
    "random_state": {"whole": 0, "none": True, "others": (np.random.RandomState,)},
    "array-like": {"others": (list, tuple, np.ndarray, torch.Tensor, range)},
}


def _kind_of_constraints(constraints):
    found: dict[str, Any] = {"strings": frozenset(), "others": ()}
    for each in constraints:
        more = _kind_of_constraint(each)
        more["strings"] = found["strings"] | more.get("strings", frozenset())
        more["others"] = found["others"] + more.get("others", ())
        found |= more
    return Kind(**found)


def _kind_of_constraint(constraint):
    """Arguments of `Kind` that a constraint stands for."""
    if isinstance(constraint, Interval):
        bound = "whole" if constraint.type is Integral else "real"
        is_open = constraint.closed in ("right", "neither")
        return {bound: constraint.left, "is_open": is_open}
    if isinstance(constraint, StrOptions):
        return {"strings": frozenset(constraint.options)}
    if isinstance(constraint, str):
        return dict(_KINDS_OF_WORDS[constraint])
    if constraint is None or constraint is callable:
        return {"none" if constraint is None else "functions": True}
    if constraint is Integral:
        return {"whole": -(2**80)}
    if isinstance(constraint, HasMethods):
        return {}
    return {"others": (constraint,)}  # a type


def accepts(kind, value):
    """True, False, or None if only the estimator can tell."""
    if value is None:
        return kind.none
    if isinstance(value, np.timedelta64):  # numpy calls it a signed integer
        return False
    if isinstance(value, bool | np.bool_):
        return kind.boolean
    if isinstance(value, str) and value in kind.strings:
        return True
    if kind.others and isinstance(value, kind.others):
        return None
    if isinstance(value, type):
        return None if kind.functions else False
    if isinstance(value, Integral):
        low = kind.real if kind.whole is None else kind.whole
        return low is not None and (value > low or (value == low and not kind.is_open))
    if isinstance(value, Real):
        if kind.real is None or not np.isfinite(float(value)):
            return False
        return value > kind.real or (value == kind.real and not kind.is_open)
    return None if callable(value) and kind.functions else False


# Values of every type that has come into somebody's parameter by mistake.
VALUES: dict[str, Callable[[], Any]] = {
    "nan": lambda: float("nan"),
    "np.float32(nan)": lambda: np.float32("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "-1": lambda: -1,
    "0": lambda: 0,
    "0.0": lambda: 0.0,
    "-0.5": lambda: -0.5,
    "1.5": lambda: 1.5,
    "2.0": lambda: 2.0,
    "np.float64(2)": lambda: np.float64(2),
    "np.int64(-1)": lambda: np.int64(-1),
    "np.int64(0)": lambda: np.int64(0),
    "2**70": lambda: 2**70,
    "-2**70": lambda: -(2**70),
    "1e300": lambda: 1e300,
    "1e30": lambda: 1e30,
    "1e-30": lambda: 1e-30,
    "1e-300": lambda: 1e-300,
    "1j": lambda: 1j,
    "Decimal": lambda: decimal.Decimal("0.5"),
    "Fraction": lambda: fractions.Fraction(1, 2),
    "'foo'": lambda: "foo",
    "''": lambda: "",
    "'3'": lambda: "3",
    "'auto '": lambda: "auto ",
    "b'3'": lambda: b"3",
    "None": lambda: None,
    "True": lambda: True,
    "np.True_": lambda: np.True_,
    "False": lambda: False,
    "[]": list,
    "[1]": lambda: [1],
    "(1,)": lambda: (1,),
    "{}": dict,
    "{1}": lambda: {1},
    "range": lambda: range(1, 3),
    "slice": lambda: slice(1, 3),
    "object": object,
    "dict class": lambda: dict,
    "array": lambda: np.array([1, 2]),
    "array of size 1": lambda: np.array([2]),
    "0-d array": lambda: np.array(2),
    "0-d float array": lambda: np.array(0.5),
    "tensor": lambda: torch.tensor(2),
    "float tensor": lambda: torch.tensor(0.5),
    "pd.NA": lambda: pd.NA,
    "pd.NaT": lambda: pd.NaT,
    "datetime64": lambda: np.datetime64("2020-01-01"),
    "timedelta64": lambda: np.timedelta64(3, "D"),
    "Ellipsis": lambda: ...,
    "Path": lambda: Path("foo"),
    "generator": lambda: (i for i in range(3)),
}

# Counts of work: a huge one is no mistake that can be told from a wish.
_WORK = {
    *("max_iter", "max_epochs", "pretrain_epochs", "n_init", "n_autoencoders"),
    *("epochs_per_round", "n_heads", "n_jobs", "n_inner"),
}
# Parameters whose values of a type that is right have trials by hand.
_BY_HAND = {
    *("module", "augment", "optimizer", "pretrain_optimizer", "callbacks", "device"),
    *("init", "clusterer", "memory", "image_shape", "random_state", "n_jobs"),
}


def parameters(name):
    """Parameters of an estimator, without those passed on."""
    return sorted(set(getattr(skdeepclust, name)._get_param_names()) - {"skorch"})


def _wrong_values():
    for name in TINY:
        for parameter in parameters(name):
            kind = kind_of(name, parameter)
            for label, value in VALUES.items():
                verdict = accepts(kind, value())
                if parameter in _WORK and label == "2**70":
                    continue
                is_folder = isinstance(value(), str | os.PathLike)
                if parameter in ("memory", "checkpoint") and is_folder:
                    continue  # the name of a folder, which would be made
                if verdict is False:
                    expected = refused(about(parameter))
                elif parameter in _BY_HAND:
                    continue
                else:
                    expected = either(about(parameter))
                changes = functools.partial(_one_change, parameter, value)
                yield Trial(
                    f"{name}-{parameter}={label}",
                    f"value {name}",
                    name,
                    expected,
                    changes=changes,
                )


def _one_change(parameter, value):
    return {parameter: value()}


_SMALL = {"lr": 2.0**-10, "pretrain_lr": 2.0**-10}
_BELOW_ONE = ("momentum", "unassigned_share")


def _numpy_numbers():
    """Numbers of numpy's types mean what Python's mean."""
    for name in TINY:
        for parameter in set(parameters(name)) - {"n_jobs"}:
            for label, value, plain in _right_values(name, parameter):
                yield Trial(
                    f"{name}-{parameter}={label} works",
                    f"numpy {name}",
                    name,
                    works(like=((parameter, plain),)),
                    changes=functools.partial(dict, **{parameter: value}),
                )


def _right_values(name, parameter):
    """Triples of a label, a value of numpy's, and the same value of Python's."""
    kind = kind_of(name, parameter)
    if kind.whole is not None:
        plain = TINY[name].get(parameter, max(kind.whole, 2))
        for each in (np.int64, np.int32, np.int16, np.uint8, np.uint64):
            yield f"{each.__name__}({plain})", each(plain), plain
    elif kind.boolean:
        yield from ((f"np.{b}_", np.bool_(b), b) for b in (True, False))
    if kind.real is not None:
        plain = _SMALL.get(parameter, 0.5)
        for each in (np.float64, np.float32, np.float16, np.longdouble):
            yield f"{each.__name__}({plain})", each(plain), plain
        if parameter not in (*_SMALL, *_BELOW_ONE):
            yield "np.int64(1)", np.int64(1), 1.0
            yield "1", 1, 1.0
    if parameter not in _BY_HAND:
        for text in sorted(kind.strings):
            yield f"np.str_('{text}')", np.str_(text), text


# -- parameters by hand --------------------------------------------------------


class _NotAnOptimizer:
    def __init__(self, params, lr):
        self.params = list(params)


_REFUSED: dict[str, dict[str, Callable[[], Any]]] = {
    "device": {
        **{repr(d): functools.partial(str, d) for d in ("tpu", "meta", "")},
        **{
            repr(d): functools.partial(str, d)
            for d in ("cuda:99", "cpu:7", "CPU", "gpu")
        },
        "torch.device('meta')": lambda: torch.device("meta"),
    },
    "image_shape": {
        "(8, 9)": lambda: (8, 9),
        "two -1": lambda: (-1, 8, -1),
        "(3, -1)": lambda: (3, -1),
        "('a', 8)": lambda: ("a", 8),
        "4 sides": lambda: (1, 1, 8, 8),
        "1 side": lambda: (64,),
        "no side": tuple,
        "floats": lambda: (8.0, 8.0),
        "nan": lambda: (float("nan"), 8),
        "(0, 8)": lambda: (0, 8),
        "(-8, -8)": lambda: (-8, -8),
        "True": lambda: (True, 8, 8),
        "None inside": lambda: (None, 8, 8),
        "nested": lambda: ((8,), (8,)),
        "array": lambda: np.array([8, 9]),
        "huge": lambda: (2**70, 8),
        "np.iinfo": lambda: (2**62, 2**62),
    },
    "random_state": {
        "2**32": lambda: 2**32,
        "np.random.default_rng": lambda: np.random.default_rng(0),
        "SeedSequence": lambda: np.random.SeedSequence(0),
        "torch.Generator": torch.Generator,
        "np.random": lambda: "np.random",
    },
    "callbacks": {
        "[1]": lambda: [1],
        "[None]": lambda: [None],
        "['foo']": lambda: ["foo"],
        "triple": lambda: [("a", "b", "c")],
        "class": lambda: [EarlyStopping],
        "named class": lambda: [("stop", EarlyStopping)],
        "bare callback": EarlyStopping,
        "dict": lambda: {"stop": EarlyStopping()},
        "tuple": lambda: (EarlyStopping(monitor="train_loss"),),
        "function": lambda: [lambda net: None],
        "nested": lambda: [[EarlyStopping(monitor="train_loss")]],
        "monitor='foo'": lambda: [EarlyStopping(monitor="foo")],
        "monitor='valid_loss'": lambda: [EarlyStopping()],
        "scheduler monitor='foo'": lambda: [
            LRScheduler("ReduceLROnPlateau", monitor="foo")
        ],
        "same name twice": lambda: [("a", Callback()), ("a", Callback())],
    },
    "optimizer": {
        "int": lambda: int,
        "'Adam'": lambda: "Adam",
        "instance": lambda: torch.optim.Adam([torch.zeros(1, requires_grad=True)]),
        "returns None": lambda: lambda params, lr: None,
        "no optimiser": lambda: _NotAnOptimizer,
        "no arguments": lambda: lambda: None,
        "raises": lambda: lambda params, lr: 1 / 0,
        "module": lambda: torch.optim,
    },
    "module": {
        "'resnet'": lambda: "resnet",
        "3": lambda: 3,
        "{}": dict,
        "tuple": lambda: (nn.Linear,),
        "nn.Linear": lambda: nn.Linear,
        "torch.nn": lambda: nn,
        "returns None": lambda: lambda input_shape: None,
        "no arguments": lambda: lambda: nn.Linear(2, 2),
        "raises KeyError": lambda: lambda input_shape: {}["k"],
        "raises ImportError": lambda: lambda input_shape: __import__("nope"),
        "list": lambda: [nn.Linear(20, 3)],
    },
    "init": {
        "'random'": lambda: "random",
        "'k-means++'": lambda: "k-means++",
        "nan": lambda: np.full((3, 3), np.nan),
        "inf": lambda: np.full((3, 3), np.inf),
        "too few": lambda: np.zeros((2, 3)),
        "too many": lambda: np.zeros((4, 3)),
        "1-d": lambda: np.zeros(3),
        "labels of one cluster": lambda: np.zeros(N_ROWS),
        "labels with NaN": lambda: np.r_[np.nan, np.arange(N_ROWS - 1) % 3],
        "infinite labels": lambda: np.r_[np.inf, np.arange(N_ROWS - 1) % 3],
        "labels with None": lambda: [None, *"abcabc" * 10][:N_ROWS],
        "3-d": lambda: np.zeros((3, 3, 1)),
        "ragged": lambda: [[1], [2, 3], [1]],
        "complex": lambda: np.zeros((3, 3), complex),
        "strings": lambda: [["a"] * 3] * 3,
        "equal centres": lambda: np.zeros((3, 3)),
        "two equal centres": lambda: np.eye(3)[[0, 1, 1]],
        "huge": lambda: np.eye(3) * 1e30,
        "numbers as strings": lambda: [["1"] * 3] * 3,
        "empty": list,
        "{}": dict,
        "masked": lambda: np.ma.masked_array(np.eye(3), mask=np.eye(3)),
        "dates": lambda: np.zeros((3, 3), "M8[s]"),
        "KMeans class": lambda: KMeans,
        "sparse": lambda: scipy.sparse.csr_array(np.eye(3)),
    },
    "clusterer": {
        "'random'": lambda: "random",
        "KMeans class": lambda: KMeans,
        "array": lambda: np.zeros((3, 3)),
    },
    "memory": {
        "3": lambda: 3,
        "a file": lambda: os.path.abspath(__file__),
        "below a file": lambda: os.path.abspath(__file__) + "/cache",
        "/proc": lambda: "/proc/nope/cache",
        "Memory class": lambda: __import__("joblib").Memory,
    },
    "n_jobs": {"0": lambda: 0, "'all'": lambda: "all", "1.0": lambda: 1.0},
    "augment": {
        "'flip'": lambda: "flip",
        "list": lambda: [skdeepclust.RandomAffine()],
    },
}
_REFUSED["pretrain_optimizer"] = _REFUSED["optimizer"]

# Known only when the embedding is there.
_FAILS = {
    "init": {
        "too wide": lambda: np.zeros((3, 5)),
        "too narrow": lambda: np.zeros((3, 2)),
    },
    "optimizer": {"SparseAdam": lambda: torch.optim.SparseAdam},
}

_LABELS = tuple(i % 3 for i in range(N_ROWS))
_EYE = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_WORKS: dict[str, dict[str, tuple[Callable[[], Any], Any]]] = {
    "device": {"torch.device": (lambda: torch.device("cpu"), "cpu")},
    "random_state": {
        "np.int64": (lambda: np.int64(7), 7),
        "np.uint32": (lambda: np.uint32(7), 7),
        "largest": (lambda: np.uint32(2**32 - 1), 2**32 - 1),
    },
    "callbacks": {
        "[]": (list, None),
        "named": (lambda: [("mine", Callback())], None),
        "pair as a list": (lambda: [["mine", Callback()]], None),
    },
    "augment": {"identity": (lambda: lambda X: X, None)},
    "init": {
        "tensor": (lambda: torch.eye(3), _EYE),
        "tensor with gradient": (lambda: torch.eye(3, requires_grad=True), _EYE),
        "list": (lambda: np.eye(3).tolist(), _EYE),
        "integers": (lambda: np.eye(3, dtype=int), _EYE),
        "data frame": (lambda: pd.DataFrame(np.eye(3)), _EYE),
        "labels": (lambda: np.arange(N_ROWS) % 3, _LABELS),
        "labels as strings": (lambda: list("abc" * (N_ROWS // 3)), _LABELS),
        "labels as a list": (lambda: [i % 3 for i in range(N_ROWS)], _LABELS),
        "labels as floats": (lambda: np.arange(N_ROWS) % 3.0, _LABELS),
        "labels as a series": (lambda: pd.Series(np.arange(N_ROWS) % 3), _LABELS),
    },
}
_WORKS_WITH_IMAGES: dict[str, dict[str, tuple[Callable[[], Any], Any]]] = {
    "image_shape": {
        "list": (lambda: [8, 8], (8, 8)),
        "np.int64": (lambda: (np.int64(8), np.int64(8)), (8, 8)),
        "3 sides": (lambda: (1, 8, 8), (8, 8)),
        "one -1": (lambda: (1, -1, 8), (8, 8)),
    }
}


def _by_hand():
    for name in TINY:
        for parameter in parameters(name):
            yield from _refused_by_hand(name, parameter)
            yield from _working_by_hand(name, parameter)


def _refused_by_hand(name, parameter):
    words = about(parameter)
    if parameter == "callbacks":
        words += "|callback"
    for table, expectation in ((_REFUSED, refused), (_FAILS, fails)):
        for label, value in table.get(parameter, {}).items():
            if accepts(kind_of(name, parameter), value()):
                continue  # the name of a start that this estimator has
            yield Trial(
                f"{name}-{parameter}: {label}",
                parameter,
                name,
                expectation(words),
                changes=functools.partial(_one_change, parameter, value),
            )


def _working_by_hand(name, parameter):
    values = dict(_WORKS.get(parameter, {}))
    if name in OF_IMAGES:
        values |= _WORKS_WITH_IMAGES.get(parameter, {})
    for label, (value, plain) in values.items():
        expected = works(like=((parameter, plain),))
        if parameter == "init" and not kind_of(name, "init").others:
            expected = refused(about("init"))  # it has no centres to begin with
        yield Trial(
            f"{name}-{parameter}: {label}, "
            f"{'works' if expected.outcome == 'works' else 'refused'}",
            parameter,
            name,
            expected,
            changes=functools.partial(_one_change, parameter, value),
        )


def _too_many_clusters():
    for name in TINY:
        if "n_clusters" in parameters(name):
            for n_clusters in (61, 10**6, 2**62):
                yield Trial(
                    f"{name}-n_clusters={n_clusters} of 60 samples",
                    f"value {name}",
                    name,
                    refused(about("n_clusters")),
                    changes=functools.partial(dict, n_clusters=n_clusters),
                )


# -- parameters that are passed on ---------------------------------------------

_WIDTHS: dict[str, Callable[[], Any]] = {
    "(0,)": lambda: (0,),
    "(-1,)": lambda: (-1,),
    "(1.5,)": lambda: (1.5,),
    "(8.0,)": lambda: (8.0,),
    "(nan,)": lambda: (float("nan"),),
    "('a',)": lambda: ("a",),
    "'abc'": lambda: "abc",
    "(None,)": lambda: (None,),
    "((8,),)": lambda: ((8,),),
    "object": object,
    "None": lambda: None,
    "{}": dict,
    "2**70": lambda: (2**70,),
}
_LAYERS = {
    **dict.fromkeys(("Autoencoder", "IDEC", "DEC", "SCEDAE"), "hidden_dims"),
    **{"DCEC": "filters", "DeepCluster": "widths"},
}


def _arguments_of_networks():
    for name, argument in _LAYERS.items():
        parameter = f"module__{argument}"
        for label, value in _WIDTHS.items():
            if label == "{}" and argument == "hidden_dims":
                continue  # no hidden layers
            yield Trial(
                f"{name}-{parameter}={label}",
                "module__*",
                name,
                refused(about(parameter)),
                changes=functools.partial(_one_change, parameter, value),
            )
        plain = TINY[name][parameter]
        for label, value in {
            "np.int64": lambda plain=plain: tuple(map(np.int64, plain)),
            "np.int32": lambda plain=plain: tuple(map(np.int32, plain)),
            "list": lambda plain=plain: list(plain),
            "array": lambda plain=plain: np.array(plain),
        }.items():
            yield Trial(
                f"{name}-{parameter}: {label} works",
                "module__*",
                name,
                works(like=((parameter, plain),)),
                changes=functools.partial(_one_change, parameter, value),
            )
        for parameter in ("module__foo", "module__Filters", "module__lr"):
            yield Trial(
                f"{name}-{parameter}",
                "module__*",
                name,
                refused(about(parameter)),
                changes=functools.partial(dict, **{parameter: 1}),
            )


_OPTIMIZER: dict[str, Any] = {
    "optimizer__foo": 1,
    "optimizer__weight_decay": [-1, float("nan"), "a", None],
    "optimizer__betas": [(2, 2), 0.9, ("a", "b"), (float("nan"), 0.9), None],
    "optimizer__eps": [-1.0, "a", float("nan")],
    "optimizer__lr": ["a", -1, float("nan"), float("inf"), None],
}
_OTHERS = {
    "callbacks__foo": [1],
    "callbacks__foo__bar": [1],
    "callbacks__print_log__foo": [1],
    "compile": ["yes", 3, None, float("nan"), []],
    "compile__foo": [1],
    "compile__model": [1],
    "compile__mode": ["default", "foo"],
}


def _passed_on():
    for name in _LAYERS:
        for parameter, values in {**_OPTIMIZER, **_OTHERS}.items():
            is_sgd = name == "DEC" and parameter not in ("optimizer__foo",)
            if is_sgd and parameter in ("optimizer__betas", "optimizer__eps"):
                continue  # SGD has none: a trial of an unknown argument is enough
            for value in values if isinstance(values, list) else [values]:
                yield Trial(
                    f"{name}-{parameter}={value!r}",
                    parameter.split("__")[0] + "__*",
                    name,
                    refused(about(parameter)),
                    changes=functools.partial(dict, **{parameter: value}),
                )
        for label, changes, plain in (
            ("np.float32", {"optimizer__weight_decay": np.float32(0.5)}, 0.5),
            ("np.float64", {"optimizer__weight_decay": np.float64(0.5)}, 0.5),
            ("np.int64", {"optimizer__weight_decay": np.int64(1)}, 1),
        ):
            yield Trial(
                f"{name}-optimizer__weight_decay: {label} works",
                "optimizer__*",
                name,
                works(like=(("optimizer__weight_decay", plain),)),
                changes=functools.partial(dict, **changes),
            )
        for parameter in ("callbacks__print_log", "callbacks__epoch_timer"):
            yield Trial(
                f"{name}-{parameter}=None works",
                "callbacks__*",
                name,
                works(like=() if parameter.endswith("log") else None),
                changes=functools.partial(dict, **{parameter: None}),
            )
        yield Trial(
            f"{name}-compile=np.False_ works",
            "compile__*",
            name,
            works(like=()),
            changes=lambda: {"compile": np.False_},
        )
    for name in TINY:
        for parameter in ("foo", "n_cluster", "iterator_train__foo", "module_filters"):
            yield Trial(
                f"{name}-{parameter}=1",
                "unknown name",
                name,
                refused(rf"{about(parameter)}|{parameter.split('__')[0]}"),
                changes=functools.partial(dict, **{parameter: 1}),
            )


# -- data ----------------------------------------------------------------------


class _Folder(Dataset):
    def __len__(self):
        return 60

    def __getitem__(self, index):
        if index >= len(self):
            raise IndexError(index)
        return torch.zeros(8, 8), 0


class _BareImages:
    """Something that numpy can make an array of, and nothing else."""

    def __init__(self, X):
        self.X = X

    def __len__(self):
        return len(self.X)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.X, dtype=dtype)


class _Images(_BareImages):
    """An array of another library."""

    def __getitem__(self, index):
        return self.X[index]

    @property
    def shape(self):
        return self.X.shape

    @property
    def ndim(self):
        return self.X.ndim

    @property
    def dtype(self):
        return self.X.dtype


class _Subclass(np.ndarray):
    pass


def _rows(X):
    return np.asarray(X).reshape(len(X), -1)


def _one(X, value, dtype=float):
    X = np.array(X, dtype=dtype)
    X.flat[7] = value
    return X


def _frame(X, column):
    """A data frame whose first column is another one."""
    frame = pd.DataFrame(_rows(X)).add_prefix("c")
    return frame.assign(c0=column)


def _ragged(X):
    found = np.empty(len(X), object)
    found[:] = [np.zeros((8, 8))] * (len(X) - 1) + [np.zeros((7, 8))]
    return found


def _column(X):
    found = np.empty(len(X), object)
    found[:] = [np.array(x) for x in X]
    return found


def _masked(X):
    mask = np.zeros(np.shape(X), bool)
    mask[3] = True
    return np.ma.masked_array(np.array(X), mask=mask)


def _memory_map(X):
    with tempfile.NamedTemporaryFile(suffix=".npy", delete=False) as file:
        np.save(file, X)
    mapped = np.load(file.name, mmap_mode="r")
    with contextlib.suppress(OSError):  # Windows keeps a file that is in use
        os.unlink(file.name)
    return mapped


def _tensor(X, **kwargs):
    return torch.tensor(np.array(X), **kwargs)


_X = r"\b(X|Z)\b"

# What is no array of numbers: how to make it, and what the message must say.
CONTAINERS: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "None": (lambda X: None, rf"{_X}.*None"),
    "str": (lambda X: "images/", rf"{_X}.*images/"),
    "bytes": (lambda X: b"images", rf"{_X}"),
    "Path": (lambda X: Path("x.npy"), rf"{_X}.*x\.npy"),
    "dict": (lambda X: {"a": [1]}, rf"{_X}.*dict"),
    "empty dict": (lambda X: {}, rf"{_X}.*dict"),
    "Bunch": (lambda X: Bunch(data=X, target=[0]), rf"{_X}.*(Bunch|data)"),
    "set": (lambda X: {1, 2}, rf"{_X}.*set"),
    "frozenset": (lambda X: frozenset({1}), rf"{_X}.*set"),
    "generator": (lambda X: (x for x in X), rf"{_X}.*generator"),
    "iterator": (lambda X: iter(list(X)), rf"{_X}.*iterator"),
    "map": (lambda X: map(np.array, X), rf"{_X}.*map"),
    "dict values": (lambda X: dict(enumerate(X)).values(), rf"{_X}.*dict_values"),
    "int": (lambda X: 3, rf"{_X}.*3"),
    "float": (lambda X: 3.5, rf"{_X}.*3\.5"),
    "nan": (lambda X: float("nan"), rf"{_X}"),
    "bool": (lambda X: True, rf"{_X}.*(True|bool)"),
    "complex number": (lambda X: 1j, rf"{_X}"),
    "object": (lambda X: object(), rf"{_X}.*object"),
    "class": (lambda X: np.ndarray, rf"{_X}"),
    "function": (lambda X: np.zeros, rf"{_X}"),
    "file": (lambda X: io.BytesIO(b"abc"), rf"{_X}"),
    "range": (lambda X: range(60), rf"{_X}|1D array"),
    "Dataset": (lambda X: _Folder(), rf"{_X}.*_Folder"),
    "TensorDataset": (lambda X: TensorDataset(_tensor(X)), rf"{_X}.*TensorDataset"),
    "DataLoader": (lambda X: DataLoader(_tensor(X)), rf"{_X}.*DataLoader"),
    "estimator": (lambda X: KMeans(3), rf"{_X}.*KMeans"),
    "0-d array": (lambda X: np.array(3.0), rf"{_X}|scalar array"),
    "0-d tensor": (lambda X: torch.tensor(3.0), rf"{_X}|scalar array"),
    "1-d array": (lambda X: np.arange(60.0), rf"{_X}|1D array"),
    "1-d tensor": (lambda X: torch.arange(60.0), rf"{_X}|1D array"),
    "1-d list": (lambda X: list(range(60)), rf"{_X}|1D array"),
    "5-d": (lambda X: np.zeros((60, 1, 1, 8, 8)), rf"{_X}.*dim|dim.*{_X}|with dim"),
    "6-d tensor": (lambda X: torch.zeros(6, 1, 1, 1, 8, 8), rf"{_X}.*dim|with dim"),
    "complex": (lambda X: X.astype(complex), r"complex"),
    "complex tensor": (lambda X: _tensor(X, dtype=torch.complex64), r"complex"),
    "strings": (lambda X: np.array(X).astype(str), rf"{_X}.*(string|str)"),
    "rows of strings": (lambda X: _rows(X).astype(str), rf"{_X}.*string"),
    "rows of words": (lambda X: np.full(_rows(X).shape, "cat"), rf"{_X}.*string"),
    "bytes strings": (lambda X: X.astype("S5"), rf"{_X}.*(string|bytes)"),
    "list of strings": (lambda X: _rows(X).astype(str).tolist(), rf"{_X}.*string"),
    "object strings": (
        lambda X: _rows(X).astype(str).astype(object),
        rf"{_X}.*string|could not convert string",
    ),
    "dates": (lambda X: np.zeros(X.shape, "M8[s]"), rf"{_X}.*(date|datetime)"),
    "NaT": (lambda X: np.full(_rows(X).shape, "NaT", "M8[s]"), rf"{_X}.*date"),
    "durations": (lambda X: np.zeros(_rows(X).shape, "m8[s]"), rf"{_X}.*duration"),
    "structured": (
        lambda X: np.zeros(60, [("a", "f4"), ("b", "f4")]),
        rf"{_X}.*struct",
    ),
    "record array": (lambda X: np.rec.fromarrays([[1, 2], [3, 4]]), rf"{_X}.*struct"),
    "None inside": (lambda X: np.where(_rows(X) > 2, 1, None), r"NaN|None"),
    "text inside": (
        lambda X: np.array([["a", *row] for row in _rows(X)], object),
        rf"{_X}.*string|could not convert string",
    ),
    "ragged objects": (_ragged, rf"{_X}"),
    "column of arrays": (_column, rf"{_X}.*stack"),
    "ragged list": (lambda X: [[1, 2], [3]] * 30, rf"{_X}.*lengths"),
    "list of rows and numbers": (lambda X: [[1, 2], 3] * 30, rf"{_X}.*lengths"),
    "images of two sizes": (
        lambda X: [np.zeros((8, 8)), np.ones((9, 8))],
        rf"{_X}.*(shape|spaces with \[8, 9\])",  # a list is spaces to Turtle
    ),
    "tensors of two sizes": (
        lambda X: [torch.zeros(8, 8), torch.ones(9, 8)],
        rf"{_X}.*(shape|spaces with \[8, 9\])",
    ),
    "list of names": (lambda X: ["a.png", "b.png"] * 30, rf"{_X}.*a\.png"),
    "array of names": (lambda X: np.array(["a.png"] * 60), rf"{_X}.*a\.png"),
    "series of names": (lambda X: pd.Series(["a.png"] * 60), rf"{_X}.*a\.png"),
    "list of paths": (lambda X: [Path("a.png")] * 60, rf"{_X}.*a\.png"),
    "list of bytes": (lambda X: [b"abc"] * 60, rf"{_X}"),
    "list of None": (lambda X: [None] * 60, rf"{_X}|1D array"),
    "list of dicts": (lambda X: [{"a": 1}] * 60, rf"{_X}.*dict"),
    "list of objects": (lambda X: [object()] * 60, rf"{_X}.*object"),
    "array of objects": (lambda X: np.array([object()] * 60), rf"{_X}.*object"),
    "rows of objects": (lambda X: [[object()] * 20] * 60, rf"{_X}.*object"),
    "list of functions": (lambda X: [len] * 60, rf"{_X}.*function"),
    "list of dates": (lambda X: [datetime.date(2020, 1, 1)] * 60, rf"{_X}.*date"),
    "dict among numbers": (lambda X: [[1.0, {}]] * 60, rf"{_X}.*dict"),
    "list of generators": (lambda X: [iter(x) for x in X], rf"{_X}"),
    "empty list": (lambda X: [], rf"{_X}|0 sample|1D array"),
    "list of empty lists": (lambda X: [[]] * 60, rf"{_X}|0 feature"),
    "no samples": (lambda X: X[:0], rf"{_X}|0 sample"),
    "no samples, rows": (lambda X: _rows(X)[:0], rf"{_X}|0 sample"),
    "no columns": (lambda X: np.zeros((60, 0)), rf"{_X}|0 feature"),
    "no height": (lambda X: np.zeros((60, 0, 8)), rf"{_X}|0 feature|dim"),
    "no channels": (lambda X: np.zeros((60, 0, 8, 8)), rf"{_X}|0 feature|dim"),
    "csr matrix": (lambda X: scipy.sparse.csr_matrix(_rows(X)), r"sparse"),
    "coo array": (lambda X: scipy.sparse.coo_array(_rows(X)), r"sparse"),
    "sparse tensor": (lambda X: _tensor(X).to_sparse(), r"sparse"),
    "meta tensor": (lambda X: torch.empty(60, 8, 8, device="meta"), rf"{_X}.*meta"),
    "np.matrix": (lambda X: np.matrix(_rows(X)), r"matrix"),
    "masked": (_masked, rf"{_X}.*masked"),
    "masked rows": (lambda X: _masked(_rows(X)), rf"{_X}.*masked"),
    "list of masked": (lambda X: list(_masked(X)), rf"{_X}.*masked"),
    "all masked": (lambda X: np.ma.masked_all(X.shape), rf"{_X}.*masked"),
    "NaN": (lambda X: _one(X, np.nan), r"NaN"),
    "NaN rows": (lambda X: _one(_rows(X), np.nan), r"NaN"),
    "NaN tensor": (lambda X: _tensor(_one(X, np.nan)), r"NaN"),
    "NaN in a list": (lambda X: _one(X, np.nan).tolist(), r"NaN"),
    "all NaN": (lambda X: X * np.nan, r"NaN"),
    "inf": (lambda X: _one(X, np.inf), r"inf"),
    "-inf": (lambda X: _one(X, -np.inf), r"inf"),
    "float16 inf": (lambda X: _one(X, np.inf, np.float16), r"inf"),
    "text column": (lambda X: _frame(X, "cat"), r"c0|could not convert"),
    "numbers as text": (lambda X: _frame(X, "1.5"), r"c0|could not convert"),
    "category column": (lambda X: _frame(X, pd.Categorical(["a"] * 60)), r"c0"),
    "date column": (lambda X: _frame(X, pd.Timestamp("2020-01-01")), r"c0|date"),
    "duration column": (lambda X: _frame(X, pd.Timedelta("1D")), r"c0|date"),
    "period column": (
        lambda X: _frame(X, pd.period_range("2020", periods=60, freq="D")),
        r"c0|date",
    ),
    "interval column": (
        lambda X: _frame(X, pd.interval_range(0, periods=60)),
        r"c0",
    ),
    "complex column": (lambda X: _frame(X, 1j), r"c0|complex"),
    "column of dicts": (lambda X: _frame(X, [{} for _ in X]), r"c0"),
    "image column": (lambda X: _frame(X, list(np.zeros((60, 8, 8)))), r"c0"),
    "frame of images": (lambda X: pd.DataFrame({"img": list(X)}), r"img"),
    "series of images": (lambda X: pd.Series(list(X)), rf"{_X}.*stack"),
    "missing values": (
        lambda X: pd.DataFrame(_one(_rows(X), np.nan)).astype("Float64"),
        r"NaN|missing",
    ),
    "empty frame": (lambda X: pd.DataFrame(), rf"{_X}|0 sample|0 feature"),
    "index": (lambda X: pd.Index(range(60)), rf"{_X}|1D array"),
    "names of two types": (
        lambda X: pd.DataFrame(_rows(X)).rename(columns={0: "a"}),
        r"feature names|column",
    ),
    "float64 beyond float32": (lambda X: _one(X, 1e39), rf"{_X}|Input"),
    "huge": (lambda X: _one(X, 1e200), rf"{_X}|Input"),
    "fill value": (lambda X: _one(X, 9.96921e36, np.float32), rf"{_X}"),
    "all huge": (lambda X: X * np.float32(1e30), rf"{_X}"),
}
if hasattr(torch, "quint8"):
    CONTAINERS["quantised tensor"] = (
        lambda X: torch.quantize_per_tensor(_tensor(X), 0.01, 0, torch.quint8),
        rf"{_X}.*quanti",
    )
CONTAINERS["nested tensor"] = (
    lambda X: torch.nested.nested_tensor([torch.rand(8, 8), torch.rand(8, 9)]),
    rf"{_X}.*nested",
)

# Sizes at which landmark spectral clustering still works: it has its own scale.
_FINE_FOR_SPECTRAL = {"float64 beyond float32", "huge", "all huge"}
# Wrong with images only, and for fit only.
SHAPES: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "channels last": (lambda X: np.zeros((60, 8, 8, 3)), r"channels|image_shape"),
    "10 bands last": (lambda X: np.zeros((60, 8, 8, 10)), r"channels|image_shape"),
    "13 bands last": (lambda X: np.zeros((60, 16, 16, 13)), r"channels|image_shape"),
    "small patches": (lambda X: np.zeros((60, 6, 6, 3)), r"channels|image_shape"),
    "200 bands last": (lambda X: np.zeros((20, 11, 11, 200)), r"channels|image_shape"),
}
# Wrong for a fitted estimator only.
OTHER_SHAPES: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "one column less": (lambda X: _rows(X)[:, :-1], rf"{_X}.*(features|columns)"),
    "one column more": (
        lambda X: np.c_[_rows(X), _rows(X)[:, :1]],
        rf"{_X}.*(feat|col)",
    ),
    "a single sample": (lambda X: X[0], rf"{_X}|1D array"),
    "a single row": (lambda X: X[0].ravel(), rf"{_X}|1D array"),
    "a single tensor": (lambda X: _tensor(X[0]), rf"{_X}|1D array"),
    "transposed": (lambda X: _rows(X).T, rf"{_X}.*(feat|col)"),
}
OTHER_IMAGES: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "16 x 4": (lambda X: X.reshape(60, 16, 4), rf"{_X}.*shape"),
    "4 channels": (lambda X: X.reshape(60, 4, 4, 4), rf"{_X}.*shape"),
    "2 channels": (lambda X: X.reshape(60, 2, 4, 8), rf"{_X}.*shape"),
    "larger": (lambda X: np.zeros((5, 9, 9)), rf"{_X}.*shape"),
}

# The same samples in other clothes: same result to the bit.
EQUAL: dict[str, Callable[[np.ndarray], Any]] = {
    "float64": lambda X: X.astype(np.float64),
    "long double": lambda X: X.astype(np.longdouble),
    "big-endian": lambda X: X.astype(">f4"),
    "Fortran order": np.asfortranarray,
    "every second": lambda X: np.repeat(X, 2, axis=0)[::2],
    "negative strides": lambda X: X[::-1].copy()[::-1],
    "read-only": lambda X: X,
    "writeable": lambda X: X.copy(),
    "memory map": _memory_map,
    "subclass": lambda X: X.view(_Subclass),
    "array-like": _Images,
    "bare array-like": _BareImages,
    "objects": lambda X: X.astype(object),
    "list of arrays": list,
    "tuple of arrays": tuple,
    "nested lists": lambda X: X.tolist(),
    "tensor": _tensor,
    "double tensor": lambda X: _tensor(X).double(),
    "tensor with gradient": lambda X: _tensor(X).requires_grad_(),
    "parameter": lambda X: nn.Parameter(_tensor(X)),
    "result of a network": lambda X: _tensor(X).requires_grad_() * 1,
    "tensor not contiguous": lambda X: _tensor(X).repeat_interleave(2, 0)[::2],
    "inference tensor": lambda X: _inference_tensor(X),
    "list of tensors": lambda X: list(_tensor(X)),
    "list of tensors with gradient": lambda X: list(_tensor(X).requires_grad_()),
    "tuple of tensors": lambda X: tuple(_tensor(X)),
    "nothing masked": lambda X: np.ma.masked_array(X, mask=False),
    "data frame": lambda X: pd.DataFrame(_rows(X)),
    "Float64 frame": lambda X: pd.DataFrame(_rows(X)).astype("Float64"),
    "frame of objects": lambda X: pd.DataFrame(_rows(X)).astype(object),
}
_DOUBLE = {  # computed in double precision by LandmarkSpectralClustering
    *("float64", "long double", "objects", "nested lists", "double tensor"),
    "big-endian",
    *("Float64 frame", "frame of objects"),
}


def _inference_tensor(X):
    with torch.inference_mode():
        return _tensor(X) * 1


def _image_shape(name):
    """Rows need it to be images."""
    return {"image_shape": (8, 8)} if name in OF_IMAGES else {}


def _inputs():
    for name in TINY:
        for method in METHODS[name]:
            yield from _wrong_inputs(name, method)
            yield from _equal_inputs(name, method)
    for name in OF_IMAGES:
        for label, (data, match) in SHAPES.items():
            yield Trial(
                f"{name}.fit: {label}", "shape", name, refused(match), "fit", data=data
            )


def _not_fitted():
    """Methods before `fit`, with good data and with bad."""
    for name in TINY:
        for method in METHODS[name]:
            if method in ("fit", "fit_predict"):
                continue
            for label, data in (("good data", None), ("None", lambda X: None)):
                yield Trial(
                    f"{name}.{method}: not fitted, {label}",
                    "not fitted",
                    name,
                    refused(r"not fitted", (NotFittedError,)),
                    method,
                    data=data,
                    is_fitted=False,
                )


def _wrong_inputs(name, method):
    wrong = dict(CONTAINERS)
    if method == "inverse_transform":
        del wrong["names of two types"]  # nothing reads the names
    if method not in ("fit", "fit_predict"):
        wrong |= OTHER_SHAPES
        if name in OF_IMAGES and method != "inverse_transform":
            wrong |= OTHER_IMAGES
    else:
        wrong |= {"one sample": (lambda X: X[:1], r"n_samples|sample")}
        wrong |= {"two samples": (lambda X: X[:2], r"n_samples|sample")}
        if name == "Autoencoder":
            del wrong["one sample"], wrong["two samples"]
        if name == "ContrastiveEncoder":
            del wrong["two samples"]
    for label, (data, match) in wrong.items():
        is_spectral = name == "LandmarkSpectralClustering"
        expected = refused(match)
        if is_spectral and label in _FINE_FOR_SPECTRAL:
            expected = either(match)
        if method == "inverse_transform":
            match = match.replace(_X, r"^(?!.*\b(?-i:X)\b).*\bZ\b")
            is_fine = label in ("fill value", "all huge")
            expected = either(match) if is_fine else refused(match)
        yield Trial(
            f"{name}.{method}: {label}",
            f"input {method}",
            name,
            expected,
            method,
            data=data,
        )


def _equal_inputs(name, method):
    is_spectral = name == "LandmarkSpectralClustering"
    for label, data in EQUAL.items():
        like: tuple | None = ()
        if is_spectral and label in _DOUBLE and method.startswith("fit"):
            like = None
        yield Trial(
            f"{name}.{method}: {label} works",
            f"equal {method}",
            name,
            works(like),
            method,
            changes=functools.partial(_image_shape, name)
            if method.startswith("fit")
            else dict,
            data=data,
        )


# -- networks, augmentations, clusterers and callbacks of the user's own -------


class _Network(nn.Module):
    """A sound autoencoder; the trials break one method at a time."""

    def __init__(self, input_shape, embedding_dim=3):
        super().__init__()
        self.shape = tuple(input_shape)
        n_values = int(np.prod(input_shape))
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(n_values, embedding_dim))
        self.decoder = nn.Linear(embedding_dim, n_values)

    def encode(self, X):
        return self.encoder(X)

    def decode(self, Z):
        return self.decoder(Z).unflatten(1, self.shape)


def _broken(**methods):
    return lambda: type("Broken", (_Network,), methods)


def _encode(function):
    return _broken(encode=lambda self, X: function(self, self.encoder(X)))


def _decode(function):
    return _broken(decode=lambda self, Z: function(self, _Network.decode(self, Z)))


def _raise(error):
    raise error


_SAYS_MODULE = r"module|Broken|encode|decode|network"
_NETWORKS_REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "encode NaN": (_encode(lambda self, Z: Z * float("nan")), r"encode.*finite"),
    "decode NaN": (_decode(lambda self, X: X * float("nan")), r"decode.*finite"),
    "encode 1-d": (_encode(lambda self, Z: Z[:, 0]), r"encode"),
    "encode 3-d": (_encode(lambda self, Z: Z[:, :, None]), r"encode"),
    "encode mean": (_encode(lambda self, Z: Z.mean(0, keepdim=True)), r"encode"),
    "encode tuple": (_encode(lambda self, Z: (Z, 1)), r"encode.*tuple"),
    "encode numpy": (_encode(lambda self, Z: Z.detach().numpy()), r"encode.*ndarray"),
    "encode None": (_encode(lambda self, Z: None), r"encode.*None"),
    "encode integers": (_encode(lambda self, Z: Z.long()), r"encode.*(float|int)"),
    "encode complex": (_encode(lambda self, Z: Z + 0j), r"encode.*(float|complex)"),
    "encode KeyError": (_encode(lambda self, Z: {}["a"]), r"encode"),
    "encode AttributeError": (_encode(lambda self, Z: self.nope), r"encode.*nope"),
    "encode assert": (_encode(lambda self, Z: _raise(AssertionError("boom"))), r"boom"),
    "encode 1/0": (_encode(lambda self, Z: 1 / 0), r"encode.*zero"),
    "encode StopIteration": (_encode(lambda self, Z: next(iter(()))), r"encode"),
    "encode no columns": (_encode(lambda self, Z: Z[:, :0]), r"encode"),
    "decode flat": (_decode(lambda self, X: X.flatten(1)[:, :5]), r"decode.*shape"),
    "decode one column": (_decode(lambda self, X: X[..., :1]), r"decode.*shape"),
    "decode None": (_decode(lambda self, X: None), r"decode.*None"),
    "no encode": (_broken(encode=None), r"encode"),
    "no decode": (_broken(decode=None), r"decode"),
    "encode property": (_broken(encode=3), r"encode"),
    "class without encode": (lambda: nn.Identity, r"module|Identity"),
    "instance of another shape": (lambda: _Network((9, 9)), _SAYS_MODULE),
    "instance on meta": (lambda: _Network((20,)).to("meta"), r"module.*meta"),
    "needs an argument": (
        _broken(__init__=lambda self, input_shape, secret: None),
        r"module.*secret",
    ),
    "forgets super().__init__": (
        _broken(__init__=lambda self, input_shape: setattr(self, "a", nn.Linear(1, 1))),
        r"module",
    ),
    "no weights": (
        lambda: type(
            "Broken",
            (nn.Module,),
            {
                "encode": lambda self, X: X.flatten(1)[:, :3],
                "decode": lambda self, Z: torch.zeros(
                    len(Z), *good_data("IDEC").shape[1:]
                ),
            },
        ),
        r"network|module|weights|decode",
    ),
    "frozen": (lambda: _Network((20,)).requires_grad_(False), r"frozen|requires_grad"),
}
_NETWORKS_FAIL: dict[str, tuple[Callable[[], Any], str]] = {
    "NaN in training": (
        _encode(lambda self, Z: Z * (float("nan") if self.training else 1)),
        r"nan",
    ),
    "fails in training": (
        _encode(lambda self, Z: _raise(RuntimeError("boom")) if self.training else Z),
        r"Broken.*training",
    ),
    "StopIteration in training": (
        _encode(lambda self, Z: next(iter(())) if self.training else Z),
        r"Broken.*training.*StopIteration",
    ),
    "other width in training": (
        _encode(lambda self, Z: Z[:, :2] if self.training else Z),
        r"Broken.*training",
    ),
    "other shape in training": (
        _decode(lambda self, X: X[:, :2] if self.training else X),
        r"decode.*shape.*Broken",
    ),
    "one column in training": (  # a loss would broadcast it
        _decode(lambda self, X: X[:, :1] if self.training else X),
        r"decode.*shape.*Broken",
    ),
    "detached": (
        _broken(
            encode=lambda self, X: torch.zeros(len(X), 3),
            decode=lambda self, Z: torch.zeros(len(Z), *self.shape),
        ),
        r"grad.*Broken",
    ),
}
_NETWORKS_WORK: dict[str, Callable[[], Any]] = {
    "sound": lambda: _Network,
    "instance": lambda: _Network((20,)),
    "double instance": lambda: _Network((20,)).double(),
    "half instance": lambda: _Network((20,)).half(),
    "function": lambda: lambda input_shape: _Network(input_shape),
    "partial": lambda: functools.partial(_Network, embedding_dim=4),
    "in evaluation mode": lambda: _Network((20,)).eval(),
    "divides by the input": _broken(
        encode=lambda self, X: self.encoder(X / X.norm(dim=1, keepdim=True))
    ),
    "half frozen": lambda: _half_frozen(),
}


def _half_frozen():
    network = _Network((20,))
    network.encoder.requires_grad_(False)
    return network


def _networks():
    for name in ("IDEC", "Autoencoder", "SCEDAE"):
        for label, (module, match) in _NETWORKS_REFUSED.items():
            yield _network_trial(name, label, refused(match), module)
        for label, (module, match) in _NETWORKS_FAIL.items():
            own = (*ERRORS, RuntimeError)  # with a note that names the network
            yield _network_trial(name, label, fails(match, own), module)
        for label, module in _NETWORKS_WORK.items():
            yield _network_trial(name, f"{label} works", works(), module)
    for label, (module, match) in {
        "returns None": (lambda: _forward(lambda X: None), r"module"),
        "returns a tuple": (lambda: _forward(lambda X: (X, X)), r"module"),
        "1-d": (lambda: _forward(lambda X: X.flatten(1)[:, 0]), r"module"),
        "NaN": (lambda: _forward(lambda X: X.flatten(1) * np.nan), r"module.*finite"),
        "KeyError": (lambda: _forward(lambda X: {}["a"]), r"module"),
        "integers": (lambda: _forward(lambda X: X.flatten(1).long()), r"module"),
        "mean": (lambda: _forward(lambda X: X.flatten(1)[:1]), r"module"),
        "no columns": (lambda: _forward(lambda X: X.flatten(1)[:, :0]), r"module"),
        "needs an argument": (lambda: nn.Linear, r"module"),
        "instance of another shape": (lambda: nn.Linear(9, 3), r"module"),
    }.items():
        yield _network_trial("DeepCluster", label, refused(match), module)


def _network_trial(name, label, expected, module):
    return Trial(
        f"{name}-network: {label}",
        "network",
        name,
        expected,
        changes=functools.partial(_one_change, "module", module),
    )


class _Forward(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.function = function

    def forward(self, X):
        return self.function(self.layer(X))


def _forward(function):
    return _Forward(function)


_AUGMENT: dict[str, Callable[[], Any]] = {
    "other shape": lambda: lambda X: X[..., :4],
    "fewer samples": lambda: lambda X: X[:3],
    "no samples": lambda: lambda X: X[:0],
    "NaN": lambda: lambda X: X * float("nan"),
    "inf": lambda: lambda X: X / 0,
    "double": lambda: lambda X: X.double(),
    "half": lambda: lambda X: X.half(),
    "integers": lambda: lambda X: X.long(),
    "complex": lambda: lambda X: X + 0j,
    "numpy": lambda: lambda X: X.numpy(),
    "returns a list": lambda: lambda X: list(X),
    "tuple": lambda: lambda X: (X, X),
    "None": lambda: lambda X: None,
    "meta": lambda: lambda X: X.to("meta"),
    "sparse": lambda: lambda X: X.to_sparse(),
    "raises": lambda: lambda X: 1 / 0,
    "KeyError": lambda: lambda X: {}["a"],
    "StopIteration": lambda: lambda X: next(iter(())),
    "AttributeError": lambda: lambda X: X.nope,
    "RuntimeError": lambda: lambda X: _raise(RuntimeError("boom")),
    "two arguments": lambda: lambda X, y: X,
    "no arguments": lambda: lambda: None,
    "class": lambda: skdeepclust.RandomAffine,
    "int": lambda: int,
    "nn.Module class": lambda: nn.Identity,
}
# Errors of the user's own function keep their type.
_ANY = (Exception,)
# Right, or said to be wrong.
_AUGMENT_EITHER = {"double", "half"}
_AUGMENT_CLASSES = {"class", "int", "nn.Module class"}


def _expected_of_augment(label):
    words = about("augment")
    if label in _AUGMENT_EITHER:
        return either(words)
    return refused(words) if label in _AUGMENT_CLASSES else fails(words, _ANY)


def _augmentations():
    for name in TINY:
        if "augment" not in parameters(name):
            continue
        for label, value in _AUGMENT.items():
            yield Trial(
                f"{name}-augment: {label}",
                "augment",
                name,
                _expected_of_augment(label),
                changes=functools.partial(_one_change, "augment", value),
            )
        for label, function in {
            "in place": lambda X: X.mul_(0.5),
            "constant": torch.zeros_like,
            "with gradient": lambda X: X.clone().requires_grad_(),
            "parameter": lambda X: nn.Parameter(X.clone()),
            "draws": lambda X: X + 0.01 * torch.randn_like(X),
            "network": nn.Dropout(0.1),
        }.items():
            yield Trial(
                f"{name}-augment: {label} works",
                "augment",
                name,
                works(),
                changes=functools.partial(_one_change, "augment", lambda f=function: f),
            )
        if name not in OF_IMAGES:
            yield Trial(
                f"{name}-augment: images only",
                "augment",
                name,
                fails(about("augment")),
                changes=lambda: {"augment": skdeepclust.RandomAffine()},
            )
    for parameter in ("shift", "rotation", "scale"):
        for label, value in VALUES.items():
            verdict = accepts(_NOT_NEGATIVE, value())
            if verdict is False or label in ("1e300", "1e30", "2**70"):
                yield Trial(
                    f"RandomAffine-{parameter}={label}",
                    "RandomAffine",
                    "DCEC",
                    refused(about(parameter)),
                    changes=functools.partial(_affine, parameter, value),
                )


def _affine(parameter, value):
    return {"augment": skdeepclust.RandomAffine(**{parameter: value()})}


class Labels(ClusterMixin, BaseEstimator):
    """A clusterer that returns what `kind` says."""

    def __init__(self, kind="plain"):
        self.kind = kind

    def fit_predict(self, X, y=None):
        labels = np.arange(len(X)) % 3
        return _LABELS[self.kind](labels, X)


def _spoil(labels, X):
    X[:] = np.nan
    return labels


_LABELS: dict[str, Callable] = {
    "plain": lambda y, X: y,
    "floats": lambda y, X: y.astype(float),
    "list": lambda y, X: y.tolist(),
    "tensor": lambda y, X: torch.from_numpy(y),
    "series": lambda y, X: pd.Series(y),
    "gaps": lambda y, X: y * 10,
    "large": lambda y, X: y + 2**40,
    "spoils X": _spoil,
    "halves": lambda y, X: y + 0.5,
    "strings": lambda y, X: y.astype(str),
    "NaN": lambda y, X: np.where(y == 0, np.nan, y),
    "inf": lambda y, X: np.where(y == 0, np.inf, y),
    "short": lambda y, X: y[:-1],
    "long": lambda y, X: np.r_[y, 0],
    "column": lambda y, X: y[:, None],
    "one-hot": lambda y, X: np.eye(3)[y],
    "None": lambda y, X: None,
    "scalar": lambda y, X: 3,
    "self": lambda y, X: X,
    "complex": lambda y, X: y + 0j,
    "dates": lambda y, X: y.astype("M8[s]"),
    "objects": lambda y, X: np.array(["a", None, 1] * (len(y) // 3), object),
    "all noise": lambda y, X: y * 0 - 1,
    "raises": lambda y, X: 1 / 0,
    "raises KeyError": lambda y, X: {}["a"],
    "uint64": lambda y, X: y.astype(np.uint64) + np.uint64(2**63),
    "bool": lambda y, X: y > 0,
    "-inf": lambda y, X: np.where(y == 0, -np.inf, y),
    "beyond int64": lambda y, X: y + 1e30,
}
_GOOD_LABELS = {
    *("plain", "floats", "list", "tensor", "series", "gaps", "large", "spoils X"),
}
_OWN_ERROR = {"raises", "raises KeyError"}


class _NoClone:
    def fit_predict(self, X):
        return np.arange(len(X)) % 3


def _clusterers():
    for name, parameter in (("IDEC", "init"), ("DeepCluster", "clusterer")):
        words = rf"{about(parameter)}|Labels|clusterer"
        for label in _LABELS:
            expected = fails(words)
            if label in _GOOD_LABELS:
                expected = works()
            elif label in _OWN_ERROR:  # it is the user's: it passes as it is
                own = (ZeroDivisionError, KeyError)
                expected = fails(r"(zero|'a').*clusterer Labels", own)
            yield Trial(
                f"{name}-{parameter}: labels {label}",
                "clusterer",
                name,
                expected,
                changes=functools.partial(
                    _one_change, parameter, functools.partial(Labels, label)
                ),
            )
        for label, value in {
            "all noise": lambda: DBSCAN(eps=1e-9),
            "no clone": _NoClone,
        }.items():
            yield Trial(
                f"{name}-{parameter}: {label}",
                "clusterer",
                name,
                fails(words + "|clone"),
                changes=functools.partial(_one_change, parameter, value),
            )
        yield Trial(
            f"{name}-{parameter}: wrong parameter",
            "clusterer",
            name,
            fails(r"n_init"),
            changes=functools.partial(
                _one_change, parameter, lambda: KMeans(n_init=-1)
            ),
        )


def _callback(hook, error):
    def raise_it(self, *args, **kwargs):
        raise error

    return type("Broken", (Callback,), {hook: raise_it})()


class _Spoils(Callback):
    def on_epoch_end(self, net, **kwargs):
        for parameter in net.module_.parameters():
            parameter.data.fill_(float("nan"))


class _SpoilsAtTheEnd(Callback):
    def on_train_end(self, net, **kwargs):
        for parameter in net.module_.parameters():
            parameter.data.fill_(float("nan"))


def _callbacks():
    hooks = ("initialize", "on_train_begin", "on_epoch_begin", "on_epoch_end")
    hooks += ("on_batch_begin", "on_batch_end", "on_grad_computed")
    own = (ValueError, RuntimeError, KeyError, StopIteration, OSError)
    for name in _LAYERS:
        for hook in hooks:
            for error in own:
                yield _callback_trial(
                    name,
                    f"{error.__name__} in {hook}",
                    fails(r"(?=.*boom).*callbacks? Broken", (*own, *ERRORS)),
                    functools.partial(_callback, hook, error("boom")),
                )
        for label, callback, match in (
            ("NaN in weights", _Spoils, r"nan"),
            ("NaN at the end", _SpoilsAtTheEnd, r"nan"),
            (
                "unknown policy",
                functools.partial(LRScheduler, policy="foo"),
                r"foo.*callbacks LRScheduler",
            ),
        ):
            yield _callback_trial(name, label, fails(match, _ANY), callback)
        yield _callback_trial(
            name,
            "Checkpoint without rights",
            fails(r"nope.*callbacks Checkpoint", (OSError,)),
            functools.partial(Checkpoint, dirname="/proc/nope", monitor=None),
        )


def _callback_trial(name, label, expected, callback):
    return Trial(
        f"{name}-callback: {label}",
        "callback",
        name,
        expected,
        changes=lambda: {"callbacks": [callback()]},
    )


# -- all trials ----------------------------------------------------------------


@functools.lru_cache
def trials():
    """All trials, in an order that does not change."""
    makers = (
        *(_wrong_values, _numpy_numbers, _by_hand, _too_many_clusters),
        *(_arguments_of_networks, _passed_on, _inputs, _not_fitted, _networks),
        *(_augmentations, _clusterers, _callbacks),
    )
    found = {}
    for maker in makers:
        for trial in sorted(maker(), key=lambda trial: trial.id):
            assert trial.id not in found, f"two trials {trial.id}"
            found[trial.id] = trial
    return tuple(found.values())


def sample(n_trials, seed):
    """A random sample of trials with some of every group.

    Each group gives at least two, and the larger ones more, by the square root of
    their sizes.
    """
    groups: dict[str, list[Trial]] = {}
    for trial in trials():
        groups.setdefault(trial.group, []).append(trial)
    rng = np.random.RandomState(seed)
    shares = {group: np.sqrt(len(found)) for group, found in groups.items()}
    total = sum(shares.values())
    chosen = []
    for group, found in groups.items():
        wanted = max(2, round(n_trials * shares[group] / total))
        picked = rng.permutation(len(found))[:wanted]
        chosen += [found[i] for i in sorted(picked)]
    return chosen
