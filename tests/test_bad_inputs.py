"""Wrong inputs are refused in words that help, and break nothing.

The trials are in `bad_inputs.py`. The default suite runs a sample of them;
``pytest -m exhaustive tests/test_bad_inputs.py`` runs all.
"""

import copy
import re
import warnings

import bad_inputs
import matplotlib
import numpy as np
import pytest
import torch
from bad_inputs import KINDS, TINY, accepts, kind_of, parameters, run, sample, trials
from sklearn.base import BaseEstimator

import skdeepclust

# Trials that fail because of the library: ids, in which * stands for anything, and the
# reason. Every trial that an entry stands for must go on failing until it is taken out.
KNOWN_FAILURES: dict[str, str] = {}

N_TRIALS, SEED = 400, 0
SAMPLE = sample(N_TRIALS, SEED)


def stands_for(known, trial):
    """Whether an entry of KNOWN_FAILURES means a trial."""
    return re.fullmatch(re.escape(known).replace(r"\*", ".*"), trial.id) is not None


def known_failure(trial):
    """Reason why a trial fails, or None."""
    for known, reason in KNOWN_FAILURES.items():
        if stands_for(known, trial):
            return reason
    return None


def with_marks(trial):
    reason = known_failure(trial)
    marks = [] if reason is None else [pytest.mark.xfail(reason=reason, strict=True)]
    return pytest.param(trial, id=trial.id, marks=marks)


@pytest.mark.parametrize("trial", [with_marks(trial) for trial in SAMPLE])
def test_sample(trial):
    run(trial)


GROUPS = sorted({trial.group for trial in trials()})


@pytest.mark.exhaustive
@pytest.mark.parametrize("group", GROUPS)
def test_all(group):
    failures = []
    for trial in trials():
        if trial.group != group:
            continue
        error = failure_of(trial)
        reason = known_failure(trial)
        if error is not None and reason is None:
            failures.append(f"{trial.id}: {error}")
        elif error is None and reason is not None:
            failures.append(f"{trial.id}: passes, but is a known failure: {reason}")
    assert not failures, f"{len(failures)} trials:\n" + "\n".join(failures)


def failure_of(trial):
    """What is wrong, or None."""
    try:
        run(trial)
    except AssertionError as error:
        return str(error)
    return None


# -- the trials cover everything -----------------------------------------------


# They have tests of their own.
WITHOUT_TRIALS = {"ImageReader", "AutoClustering", "FrozenEncoder"}
WITHOUT_TRIALS |= {"ConsensusClustering"}


def test_every_estimator_and_parameter_has_trials():
    public = {name: getattr(skdeepclust, name) for name in skdeepclust.__all__}
    estimators = {
        name
        for name, each in public.items()
        if isinstance(each, type) and issubclass(each, BaseEstimator)
    } - WITHOUT_TRIALS
    assert estimators == set(TINY), "a new estimator needs a line in TINY"
    tried = {}
    for trial in trials():
        if trial.group != "RandomAffine" and trial.expected.outcome == "refused":
            for parameter in trial.changes():
                tried.setdefault((trial.estimator, parameter), []).append(trial)
    for name in estimators:
        for parameter in parameters(name):
            assert kind_of(name, parameter) is not None, (
                f"{name} has no constraint for {parameter}"
            )
            assert len(tried[name, parameter]) >= 20, f"{name}: {parameter}"


def test_every_method_has_trials():
    tried = {(trial.estimator, trial.method) for trial in trials()}
    for name in TINY:
        for method in ("fit", "predict", "transform", "predict_proba", "score"):
            if hasattr(getattr(skdeepclust, name), method):
                assert (name, method) in tried
        if hasattr(getattr(skdeepclust, name), "inverse_transform"):
            assert (name, "inverse_transform") in tried


@pytest.mark.parametrize("name", TINY)
def test_table_of_kinds_agrees_with_the_constraints(name):
    constraints = getattr(skdeepclust, name)._parameter_constraints
    for parameter in set(parameters(name)) & set(KINDS):
        found = bad_inputs._kind_of_constraints(constraints[parameter])
        for label, value in bad_inputs.VALUES.items():
            expected = accepts(KINDS[parameter], value())
            assert accepts(found, value()) == expected, f"{parameter}={label}"


def test_new_parameter_is_covered(monkeypatch):
    """A parameter that nobody has told the generator about gets its trials."""
    constraints = {
        **skdeepclust.Autoencoder._parameter_constraints,
        "smoothness": skdeepclust.DCEC._parameter_constraints["gamma"],
    }
    monkeypatch.setattr(skdeepclust.Autoencoder, "_parameter_constraints", constraints)
    plain = bad_inputs.parameters
    monkeypatch.setattr(
        bad_inputs,
        "parameters",
        lambda name: [*plain(name), *["smoothness"] * (name == "Autoencoder")],
    )
    found = {
        trial.id: trial.expected.outcome
        for maker in (bad_inputs._wrong_values, bad_inputs._numpy_numbers)
        for trial in maker()
        if "smoothness" in trial.changes()
    }
    assert found["Autoencoder-smoothness=-1"] == "refused"
    assert found["Autoencoder-smoothness='foo'"] == "refused"
    assert found["Autoencoder-smoothness=float32(0.5) works"] == "works"


def test_sample_has_all_groups_and_changes_with_the_seed():
    assert {trial.group for trial in SAMPLE} == set(GROUPS)
    assert 0.9 * N_TRIALS <= len(SAMPLE) <= 1.2 * N_TRIALS
    ids = [trial.id for trial in SAMPLE]
    assert len(ids) == len(set(ids))
    assert ids == [trial.id for trial in sample(N_TRIALS, SEED)]
    assert ids != [trial.id for trial in sample(N_TRIALS, SEED + 1)]


@pytest.mark.parametrize("known", KNOWN_FAILURES)
def test_known_failures_are_trials(known):
    assert any(stands_for(known, trial) for trial in trials())


# -- the trials can fail -------------------------------------------------------


@pytest.fixture
def fixed_references(monkeypatch):
    """Fits of the sound library, which stay when the library is broken."""
    found = {name: bad_inputs.reference(name) for name in TINY}

    def reference(name, changes=()):
        return found[name]

    reference.cache_clear = lambda: None
    monkeypatch.setattr(bad_inputs, "reference", reference)
    return found


def test_no_trial_passes_if_everything_is_accepted(monkeypatch, fixed_references):
    for name, old in fixed_references.items():
        fit = bad_inputs.fitted_attributes(old.estimator)

        def accept(self, X, y=None, fit=fit):
            vars(self).update(fit)
            return self

        cls = getattr(skdeepclust, name)
        monkeypatch.setattr(cls, "fit", accept)
        if hasattr(cls, "fit_predict"):
            monkeypatch.setattr(cls, "fit_predict", accept)
        for method in bad_inputs.ANSWERS:
            if hasattr(cls, method):
                value = old.answers[method]
                monkeypatch.setattr(cls, method, lambda self, X, value=value: value)
        if hasattr(cls, "inverse_transform"):
            value = old.answers["inverse_transform"]
            monkeypatch.setattr(
                cls, "inverse_transform", lambda self, Z, value=value: value
            )
    for trial in SAMPLE:
        by_constructor = trial.group in ("unknown name", "RandomAffine")
        if trial.expected.outcome in ("refused", "fails") and not by_constructor:
            assert "accepted" in (failure_of(trial) or ""), trial.id


def test_no_trial_passes_if_everything_is_refused(monkeypatch, fixed_references):
    def refuse(*args, **kwargs):
        raise ValueError("that went wrong")

    for name in TINY:
        cls = getattr(skdeepclust, name)
        for method in bad_inputs.METHODS[name]:
            monkeypatch.setattr(cls, method, refuse)
    for trial in SAMPLE:
        if trial.group not in ("unknown name", "RandomAffine"):
            words = failure_of(trial) or ""
            assert re.search("does not say|refused: |obscure type", words), trial.id


def wrapped(monkeypatch, method="fit", before=None, after_error=None, X=None):
    """Put something around a method of DEC."""
    plain = getattr(skdeepclust.DEC, method)

    def call(self, data, *args):
        if before is not None:
            before(self)
        try:
            return plain(self, data if X is None else X(data), *args)
        except Exception as error:
            if after_error is not None:
                after_error(self, error)
            raise

    monkeypatch.setattr(skdeepclust.DEC, method, call)


def accept_any_alpha(monkeypatch):
    wrapped(monkeypatch, before=lambda estimator: estimator.set_params(alpha=1.0))


def accept_masks(monkeypatch):
    wrapped(monkeypatch, "predict", X=np.ma.getdata)


def accept_nan(monkeypatch):
    wrapped(monkeypatch, X=np.nan_to_num)


def say_nothing_useful(monkeypatch):
    wrapped(monkeypatch, after_error=lambda *_: _raise(ValueError("wrong argument")))


def raise_an_obscure_type(monkeypatch):
    wrapped(monkeypatch, after_error=lambda *_: _raise(RuntimeError("alpha")))


def _raise(error):
    raise error


def refuse_after_training(monkeypatch):
    def train(estimator):
        alpha = estimator.alpha
        plain(estimator.set_params(alpha=1.0), bad_inputs.TABLE)
        vars(estimator).update(fit)
        estimator.set_params(alpha=alpha)
        for name in set(bad_inputs.fitted_attributes(estimator)) - set(fit):
            delattr(estimator, name)

    plain, fit = skdeepclust.DEC.fit, {}
    wrapped(monkeypatch, before=train)


def forget_the_old_fit(monkeypatch):
    def forget(estimator, error):
        for name in bad_inputs.fitted_attributes(estimator):
            delattr(estimator, name)

    wrapped(monkeypatch, after_error=forget)


def spoil_the_old_fit(monkeypatch):
    fitted = bad_inputs.reference("DEC").estimator

    def spoil(estimator, error):
        with torch.no_grad():
            for weights in fitted.module_.parameters():
                weights.add_(0.1)

    wrapped(monkeypatch, after_error=spoil)


def leave_attributes(monkeypatch):
    wrapped(monkeypatch, after_error=lambda estimator, _: setattr(estimator, "a_", 1))


def draw_from_numpy(monkeypatch):
    wrapped(monkeypatch, before=lambda _: np.random.rand())


def draw_from_torch(monkeypatch):
    wrapped(monkeypatch, before=lambda _: torch.rand(1))


def change_threads(monkeypatch):
    n_threads = torch.get_num_threads() + 1
    wrapped(monkeypatch, before=lambda _: torch.set_num_threads(n_threads))


def change_dtype(monkeypatch):
    wrapped(monkeypatch, before=lambda _: torch.set_default_dtype(torch.float64))


def change_errors(monkeypatch):
    wrapped(monkeypatch, before=lambda _: np.seterr(divide="raise"))


def change_filters(monkeypatch):
    wrapped(monkeypatch, before=lambda _: warnings.simplefilter("ignore"))


def change_style(monkeypatch):
    style = {"lines.linewidth": matplotlib.rcParams["lines.linewidth"] + 1}
    wrapped(monkeypatch, before=lambda _: matplotlib.rcParams.update(style))


WRONG_ALPHA = "DEC-alpha=-1"
MUTANTS = {
    accept_any_alpha: (WRONG_ALPHA, "accepted"),
    accept_masks: ("DEC.predict: masked", "accepted"),
    accept_nan: ("DEC.fit: NaN", "accepted"),
    say_nothing_useful: (WRONG_ALPHA, "does not say"),
    raise_an_obscure_type: (WRONG_ALPHA, "obscure type"),
    forget_the_old_fit: (WRONG_ALPHA, "dropped the old fit"),
    spoil_the_old_fit: (WRONG_ALPHA, "other values"),
    draw_from_numpy: (WRONG_ALPHA, "numpy's generator"),
    draw_from_torch: (WRONG_ALPHA, "torch's generator"),
    change_threads: (WRONG_ALPHA, "number of threads"),
    change_dtype: (WRONG_ALPHA, "default dtype"),
    change_errors: (WRONG_ALPHA, "geterr"),
    change_filters: (WRONG_ALPHA, "warning filters"),
    change_style: (WRONG_ALPHA, "rcParams"),
    leave_attributes: (WRONG_ALPHA, r"left \['a_'\]"),
    refuse_after_training: (WRONG_ALPHA, "refused after training"),
}


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_trials_see_what_is_broken(monkeypatch, mutate):
    style = matplotlib.rcParams.copy()
    trial_id, words = MUTANTS[mutate]
    (trial,) = (trial for trial in trials() if trial.id == trial_id)
    assert failure_of(trial) is None  # in the sound library
    bad_inputs.reference("DEC")
    mutate(monkeypatch)
    found = failure_of(copy.copy(trial))
    matplotlib.rcParams.update(style)
    bad_inputs.reference.cache_clear()
    assert found is not None
    assert re.search(words, found), found
