"""The one importer of names that scikit-learn keeps private.

They are stable enough to build on and may move any time: when they do, this file
changes and no other.
"""

from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

__all__ = ["HasMethods", "Interval", "StrOptions", "validate_parameters"]


def validate_parameters(estimator) -> None:
    """Check an estimator's parameters against its `_parameter_constraints`.

    Only the parameters named there are checked: those passed on to skorch are
    checked where they are used.
    """
    constraints = estimator._parameter_constraints
    params = estimator.get_params(deep=False)
    validate_parameter_constraints(
        constraints,
        {name: params[name] for name in constraints},
        caller_name=type(estimator).__name__,
    )
