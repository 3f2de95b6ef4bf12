"""Public docstrings are numpydoc, and their defaults are the signature's."""

import inspect
import re

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import skdeepclust
from skdeepclust import datasets, displays, inspection, metrics, networks

# Left out: a summary on the line after the quotes, an extended summary, a period after
# every item, examples and see-alsos everywhere, verbs in the infinitive.
SKIPPED = {
    *("GL01", "GL02", "GL03", "GL08", "ES01", "SA01", "SA04", "EX01"),
    *("SS03", "SS05", "SS06", "RT02", "RT03", "RT05", "PR01", "PR02", "PR09", "YD01"),
}


def public():
    for module in (skdeepclust, metrics, networks, datasets, displays, inspection):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing) and (hasattr(thing, "fit") or module is displays):
                for method, function in inspect.getmembers(thing, inspect.isroutine):
                    if not method.startswith("_") and function.__module__.startswith(
                        "skdeepclust"
                    ):
                        yield f"{module.__name__}.{name}.{method}", function


PUBLIC = dict(public())


@pytest.mark.parametrize("path", list(PUBLIC))
def test_numpydoc(path):
    errors = [e for e in validate(path)["errors"] if e[0] not in SKIPPED]
    assert not errors


@pytest.mark.parametrize("path", list(PUBLIC))
def test_parameters_are_those_of_the_signature(path):
    thing = PUBLIC[path]
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return
    parameters = [
        p for p in inspect.signature(thing).parameters.values() if p.name != "self"
    ]
    stars = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}
    expected = [stars.get(p.kind, "") + p.name for p in parameters]
    described = NumpyDocString(inspect.getdoc(thing))["Parameters"]
    assert [p.name for p in described] == expected
    for parameter, entry in zip(parameters, described, strict=True):
        stated = re.search(r"default=(.*)$", entry.type)
        if parameter.default is inspect.Parameter.empty:
            assert stated is None, entry
        elif entry.type != "Ignored":
            default = parameter.default
            names = {repr(default), str(default), f'"{default}"'}
            if inspect.isclass(default):
                names.add(f"torch.optim.{default.__name__}")
            assert stated, entry
            value = stated[1]
            assert value in names or float(value) == default, entry


def test_attributes_are_described(make_dcec, make_autoencoder, digits):
    for estimator in (make_dcec(), make_autoencoder()):
        estimator.fit(digits[0])
        doc = NumpyDocString(inspect.getdoc(type(estimator)))
        described = {p.name for p in doc["Attributes"]} - {"feature_names_in_"}
        fitted = {n for n in vars(estimator) if n.endswith("_") and n[0] != "_"}
        assert described == fitted | {"module_"}
