"""Parameters that an estimator passes on to skorch, under skorch's own names."""

import inspect
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator

__all__ = ["SkorchParams", "accepted_arguments", "as_python", "check_arguments"]

# skorch's prefixes that reach something here. Its losses, data sets and training
# loops are the estimators' own, so their prefixes would be silently without effect.
_PREFIXES = {
    "module": "arguments of the network, such as module__filters",
    "optimizer": "arguments of the optimiser, such as optimizer__weight_decay",
    "callbacks": "arguments of a callback, such as callbacks__EarlyStopping__patience",
    "compile": "arguments of torch.compile, such as compile__mode; compile=True "
    "switches it on",
}
_PLAIN_NAMES = ("compile",)

# The name of the ``**skorch`` argument itself. scikit-learn reads it from the signature
# and checks that the constructor accepts any value for it; `fit` then refuses it.
_CATCH_ALL = "skorch"


class SkorchParams(BaseEstimator):
    """Adds ``**skorch`` to an estimator's parameters.

    Parameters such as ``module__filters`` are kept under exactly that name, so that
    `get_params`, `set_params`, `clone` and searches treat them like all others.
    """

    def _set_skorch_params(self, params):
        unknown = [name for name in params if not _is_passed_on(name)]
        if unknown:
            raise TypeError(self._unknown_message(unknown))
        self._skorch_given = params

    def _skorch_params(self):
        """Parameters to pass on: name -> value."""
        if _CATCH_ALL in self._skorch_given:
            raise TypeError(self._unknown_message([_CATCH_ALL]))
        _check_compile(self._skorch_given)
        return self._skorch_given

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get parameters, those passed on to skorch included.

        Parameters
        ----------
        deep : bool, default=True
            Also return the parameters of parameters that are estimators.

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        return {**super().get_params(deep=deep), **self._skorch_given}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those passed on to skorch included.

        Parameters
        ----------
        **params : dict
            Parameters of this estimator, and skorch's with its prefixes
            (``module__``, ``optimizer__``, ``callbacks__``, ``compile__``).

        Returns
        -------
        self : estimator instance
            This estimator.

        Raises
        ------
        ValueError
            For a name that is neither.
        """
        own = self._get_param_names()
        unknown = [
            name
            for name in params
            if name.split("__")[0] not in own and not _is_passed_on(name)
        ]
        if unknown:
            raise ValueError(self._unknown_message(unknown))
        passed_on = {k: v for k, v in params.items() if _is_passed_on(k)}
        super().set_params(**{k: v for k, v in params.items() if k not in passed_on})
        self._skorch_given = {**self._skorch_given, **passed_on}
        return self

    def _unknown_message(self, unknown):
        prefixes = "; ".join(f"{name}__*: {what}" for name, what in _PREFIXES.items())
        return (
            f"{type(self).__name__} got unknown parameters {sorted(unknown)}. Accepted "
            f"are {', '.join(self._get_param_names())}, and skorch's with a prefix: "
            f"{prefixes}."
        )


def _is_passed_on(name):
    prefix, separator, rest = name.partition("__")
    is_prefixed = prefix in _PREFIXES and bool(separator and rest)
    return is_prefixed or name in _PLAIN_NAMES or name == _CATCH_ALL


def _check_compile(given):
    """Refuse arguments of torch.compile that are wrong, or have no effect."""
    if not isinstance(given.get("compile", False), bool | np.bool_):
        raise TypeError(
            f"compile={given['compile']!r} must be True or False. Arguments of "
            "torch.compile are passed as compile__*."
        )
    arguments = [name for name in given if name.startswith("compile__")]
    plain = [name.removeprefix("compile__") for name in arguments]
    check_arguments(torch.compile, "compile", plain, ours=("model",))
    if arguments and "compile" not in given:
        raise ValueError(
            f"{', '.join(arguments)} has no effect without compile=True. Pass "
            "compile=True as well, or leave it out."
        )


def as_python(value):
    """Python's numbers in place of numpy's, also within tuples and lists."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return tuple(value.tolist())
    if type(value) in (tuple, list):
        return type(value)(as_python(each) for each in value)
    return value


def accepted_arguments(function):
    """Names of the arguments that a function takes.

    Returns
    -------
    names : list of str
        The names, `self` left out.
    takes_any : bool
        Whether it also takes any other keywords.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some types of Python's own, such as dict, have none
        return [], True
    by_name = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    names = [p.name for p in parameters if p.kind in by_name and p.name != "self"]
    return names, any(p.kind == p.VAR_KEYWORD for p in parameters)


def check_arguments(function, prefix, arguments, *, ours=()):
    """Refuse a user's prefixed arguments that a function does not take.

    Parameters
    ----------
    function : callable
        What they are for.
    prefix : str
        Prefix that the user gave them, for the error.
    arguments : iterable of str
        Their names, without the prefix.
    ours : iterable of str, default=()
        Names of arguments that are not the user's to give.

    Raises
    ------
    ValueError
        If `function` does not take one of them; the message lists those it takes.
    """
    names, takes_any = accepted_arguments(function)
    names = [name for name in names if name not in ours]
    unknown = [] if takes_any else sorted(set(arguments) - set(names))
    if unknown:
        given = ", ".join(f"{prefix}__{name}" for name in unknown)
        raise ValueError(
            f"{getattr(function, '__name__', function)} takes no argument for {given}. "
            f"It takes {names}."
        )
