"""The one importer of names that scikit-learn keeps private.

When they move, this file changes and no other.
"""

from fractions import Fraction

import numpy as np
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)

__all__ = ["HasMethods", "Interval", "StrOptions", "validate_parameters"]


def validate_parameters(estimator) -> None:
    """Check an estimator's parameters against its `_parameter_constraints`.

    Parameters without a constraint, those passed on to skorch among them, are checked
    where they are used.
    """
    constraints = estimator._parameter_constraints
    params = estimator.get_params(deep=False)
    _check_instances(estimator, constraints, params)
    for name, allowed in constraints.items():
        value = params.get(name)
        may_be_bool = {"boolean", "verbose"} & set(map(str, allowed))
        is_bool = isinstance(value, bool | np.bool_) and not may_be_bool
        if is_bool or isinstance(value, np.timedelta64 | Fraction):
            raise InvalidParameterError(
                f"The {name!r} parameter of {type(estimator).__name__} must not be a "
                f"{type(value).__name__}. Got {value!r} instead."
            )
    validate_parameter_constraints(
        constraints,
        {name: params[name] for name in constraints if name in params},
        caller_name=type(estimator).__name__,
    )


def _check_instances(estimator, constraints, params):
    """Refuse the class of a clusterer where one of its instances is meant."""
    for name, allowed in constraints.items():
        value = params.get(name)
        takes_instances = any(isinstance(each, HasMethods) for each in allowed)
        if takes_instances and isinstance(value, type):
            raise InvalidParameterError(
                f"The {name!r} parameter of {type(estimator).__name__} is the class "
                f"{value.__name__}. Pass an instance: {name}={value.__name__}(...)."
            )
