"""Public docstrings are numpydoc, and their defaults are the signature's."""

import inspect
import re

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import skdeepclust
from skdeepclust import (
    DCEC,
    DEC,
    IDEC,
    SCEDAE,
    Autoencoder,
    ContrastiveEncoder,
    DeepCluster,
    LandmarkSpectralClustering,
    augmentations,
    base,
    callbacks,
    datasets,
    displays,
    images,
    inspection,
    metrics,
    networks,
    report,
)

# Left out: a summary on the line after the quotes, an extended summary, a period after
# every item, examples and see-alsos everywhere, verbs in the infinitive.
SKIPPED = {
    *("GL01", "GL02", "GL03", "GL08", "ES01", "SA01", "SA04", "EX01"),
    *("SS03", "SS05", "SS06", "RT02", "RT03", "RT05", "PR01", "PR02", "PR09", "YD01"),
}


# What is public of a net; its other methods are skorch's.
WORDS = {"losses", "train_on"}

# scikit-learn's constraints of parameters, passed on by skdeepclust.base.
THEIRS = {"HasMethods", "Interval", "StrOptions"}


def public():
    modules = (skdeepclust, metrics, networks, datasets, displays, inspection, base)
    modules += (augmentations, callbacks, images, report)
    for module in modules:
        for name in module.__all__:
            if name in THEIRS:
                continue
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing) and (hasattr(thing, "fit") or module is displays):
                for method, function in inspect.getmembers(thing, inspect.isroutine):
                    is_ours = "skdeepclust" in str(getattr(function, "__module__", ""))
                    is_skorchs = hasattr(thing, "losses") and method not in WORDS
                    if is_ours and not is_skorchs and not method.startswith("_"):
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


ESTIMATORS = [DCEC, IDEC, DEC, DeepCluster, SCEDAE, Autoencoder, ContrastiveEncoder]


@pytest.mark.parametrize("estimator", [*ESTIMATORS, LandmarkSpectralClustering])
def test_attributes_are_described(estimator, digits):
    small = {"max_iter": 1, "pretrain_epochs": 1, "max_epochs": 1, "n_init": 1}
    known = estimator().get_params()
    params = {name: value for name, value in small.items() if name in known}
    fitted = estimator(**params).fit(digits[0][:60])
    doc = NumpyDocString(inspect.getdoc(estimator))
    described = {p.name for p in doc["Attributes"]} - {"feature_names_in_"}
    described -= {"merge_history_"}  # of n_clusters="auto"
    found = {n for n in vars(fitted) if n.endswith("_") and n[0] != "_"}
    properties = {n for n in ("module_", "n_clusters_") if hasattr(fitted, n)}
    assert described == found | properties


# Entries of DCEC, IDEC and DEC that are meant to differ, and why.
MEANT_TO_DIFFER = {
    "module": "DCEC looks for images, IDEC and DEC are dense",
    "augment": "the default of DCEC is its own",
    "image_shape": "only DCEC guesses",
    "lr": "DEC has that of joint training alone",
    "optimizer": "DEC has that of joint training alone",
    "net_": "the module of DEC has no decoder to train",
    "module_": "the decoder of DEC is that of the pretraining",
    "history_": "DEC has no reconstruction loss",
    "**skorch": "optimizer__* is for joint training in DEC",
}


def entries(estimator):
    doc = NumpyDocString(inspect.getdoc(estimator))
    listed = doc["Parameters"] + doc["Attributes"] + doc["Warns"]
    return {p.name or p.type: (p.type, " ".join(p.desc)) for p in listed}


@pytest.mark.parametrize("other", [IDEC, DEC])
def test_docstrings_of_relatives_agree(other):
    ours, theirs = entries(DCEC), entries(other)
    shared = set(ours) & set(theirs)
    assert len(shared) > 25
    for name in sorted(shared - set(MEANT_TO_DIFFER)):
        assert ours[name] == theirs[name], name


def test_what_is_meant_to_differ_does():
    ours, others = entries(DCEC), [entries(IDEC), entries(DEC)]
    for name in MEANT_TO_DIFFER:
        assert any(ours[name] != each[name] for each in others), name
