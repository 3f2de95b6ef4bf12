"""The import rule: data flows one way, and nothing optional is loaded."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import skdeepclust

PACKAGE = Path(skdeepclust.__file__).parent

# Every file may import from those of earlier rows, and of its own row where marked.
LAYERS = [
    {"_distributed"},
    {"_archive", "_augment", "_auto", "_compat", "_containers", "_device", "_effects"}
    | {"_functional", "_interrupts", "_params", "_random", "_sampling", "_warnings"}
    | {"_workers", "exceptions"},
    {"_scale"},
    {"_cache", "_fitted", "_tensor_data", "datasets"},
    {"_checkpoint"},
    {"_progress", "_watch"},
    {"_batches", "_geometry", "_inputs", "_tables", "_target", "metrics", "networks"}
    | {"augmentations"},
    {"_clusterers", "_nets", "_saving", "_pseudo_labels", "_rules"},
    {"_profile", "_spectral"},
    {"_spectral_starts", "_valleys"},
    {"_base", "_valley_votes"},
    {"_autoencoder", "_n_clusters"},
    {"_auto_clustering"},
    {"_landmark_spectral", "_regrouping"},
    {"_initial_centers"},
    {"_joint", "_deepcluster", "_scedae", "contrastive", "heads"},
    {"_dcec", "_dec"},
    {"_idec"},
    {"base", "callbacks", "consensus", "displays", "images", "inspection"},
    {"encoders"},
    {"report"},
    {"cli"},
    {"__main__"},
]
OWN_ROW = {"cli", "consensus", "displays", "encoders", "heads", "images", "networks"}
OWN_ROW |= {"augmentations", "contrastive", "report"}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts != ("__init__",):
            yield pytest.param(parts[0], path, id="/".join(parts))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize(("name", "path"), list(modules()))
def test_imports_go_one_way(name, path):
    (level,) = [i for i, layer in enumerate(LAYERS) if name in layer]
    allowed = set().union(*LAYERS[:level])
    if name in OWN_ROW:
        allowed.add(name)
    for module in imported(path):
        if module.startswith("skdeepclust."):
            assert module.split(".")[1] in allowed, f"{name} imports {module}"


@pytest.mark.parametrize(("name", "path"), list(modules()))
def test_private_scikit_learn_is_behind_one_file(name, path):
    for module in imported(path):
        if module.startswith("sklearn") and "._" in module:
            assert name == "_compat"


def test_displays_ask_estimators_by_their_public_names_only():
    leaves = {"displays", "metrics", "exceptions", "_fitted", "_sampling", "_warnings"}
    leaves |= {"_effects", "_profile"}  # what inspection.cluster_profile is made of
    for path in (PACKAGE / "displays").glob("*.py"):
        for module in imported(path):
            if module.startswith("skdeepclust."):
                assert module.split(".")[1] in leaves


# Longest function, in lines of code: constructors and layouts may be longer.
MOST_LINES = 40


def lines_of_code(function, source):
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    if not body:
        return 0
    lines = source.splitlines()[body[0].lineno - 1 : function.end_lineno]
    return sum(bool(line.strip()) and line.strip()[0] != "#" for line in lines)


@pytest.mark.parametrize(("name", "path"), list(modules()))
def test_functions_are_short(name, path):
    source = path.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            assert lines_of_code(node, source) <= MOST_LINES, node.name


SHOW = "print(*{m.split('.')[0] for m in sys.modules})"


def test_import_loads_nothing_optional():
    # scikit-learn and skorch themselves load pandas and rich if they are installed.
    core = "numpy, scipy, sklearn.callback, sklearn.cluster, skorch, torch, safetensors"
    code = f"import sys, {core}; {SHOW}; import skdeepclust as package; "
    code += f"[getattr(package, name) for name in package.__all__]; {SHOW}; "
    code += f"import skdeepclust.displays, skdeepclust.inspection; {SHOW}"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    core, package, leaves = (set(line.split()) for line in output.stdout.splitlines())
    extra = package - core - set(sys.stdlib_module_names)
    assert extra == {"skdeepclust"}
    assert not {"matplotlib", "torchvision"} & leaves


def test_import_of_the_package_itself_loads_nothing():
    code = f"import sys, skdeepclust; {SHOW}; skdeepclust.DCEC; {SHOW}"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    before, after = (set(line.split()) for line in output.stdout.splitlines())
    assert not {"numpy", "sklearn", "torch"} & before
    assert "torch" in after


def test_every_public_name_has_one_home():
    package = skdeepclust
    homes = [name for names in package._HOMES.values() for name in names]
    assert sorted([*homes, "metrics", "networks"]) == sorted(package.__all__)
    for home, names in package._HOMES.items():
        module = import_module(f"skdeepclust.{home}")
        assert all(getattr(package, each) is getattr(module, each) for each in names)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="has no attribute 'KMeans'"):
        _ = package.KMeans
