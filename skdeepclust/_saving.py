"""Fitted estimators in files of weights and JSON, and back.

An object is written as its class and its attributes, and made again without its
constructor. Classes and functions are names, which are looked up and not run. Only
names of a few packages are looked up unasked; see :func:`load`.
"""

import functools
import importlib
import inspect
import os
import sys
import types
from collections import OrderedDict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch
from skorch import NeuralNet
from skorch.history import History
from torch import Tensor, nn

from skdeepclust._archive import (
    DamagedFile,
    Tensors,
    pack,
    read_archive,
    unpack,
    write_archive,
)
from skdeepclust._cache import PACKAGES, Untold, described, version_of
from skdeepclust._device import resolve_device
from skdeepclust.exceptions import LoadError, SaveError

__all__ = ["load", "save"]

_KIND = "estimator"

# Packages whose classes are made again unasked.
_TRUSTED = {"skdeepclust", "sklearn", "skorch", "collections"}
_TRUSTED_PARTS = ("torch.nn.", "torch.optim.", "numpy.random.")
_TRUSTED_NAMES = {"builtins:print", "builtins:object", "builtins:slice"}

_CONTAINERS: dict[str, type] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "deque": deque,
    "History": History,
}
_DICTS: dict[str, type] = {"dict": dict, "OrderedDict": OrderedDict}

# Attributes of a net that are of use in a training only.
_NOT_SAVED = {"watch"}


def save(estimator: Any, path: str | os.PathLike) -> None:
    """Write an estimator, or a pipeline, to a file without pickle.

    Parameters
    ----------
    estimator : estimator
        An estimator of this library or of scikit-learn, fitted or not; also a pipeline,
        a ColumnTransformer or a search with such parts.
    path : path
        The file, in the format of safetensors. It is written whole or not at all.

    Raises
    ------
    SaveError
        If a part cannot be saved safely: the error names it.

    See Also
    --------
    load : Reads the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_digits
    >>> from skdeepclust import DeepCluster, load, save
    >>> X = load_digits().images[:200] / 16
    >>> deep = DeepCluster(10, max_iter=1, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(deep, Path(folder) / "digits.model")
    ...     again = load(Path(folder) / "digits.model")
    >>> bool((again.predict(X) == deep.labels_).all())
    True
    """
    path = Path(path)
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        raise TypeError(f"estimator={estimator!r} must be an estimator.")
    encoder = _Encoder()
    content = {
        "versions": {name: version_of(name) for name in (*PACKAGES, "sklearn")},
        "estimator": encoder.encode(estimator, type(estimator).__name__),
        "code": encoder.code,
    }
    write_archive(path, _KIND, content, encoder.tensors)


def load(
    path: str | os.PathLike,
    *,
    device: str | torch.device | None = None,
    trusted: Sequence[str] = (),
) -> Any:
    """Read an estimator that :func:`save` has written.

    Nothing that lies in the file is run. Classes and functions of this library, of
    scikit-learn, skorch and torch's networks and optimisers are looked up by name.
    Those of other packages are looked up only if their module is already imported and
    their code is the same as when they were saved, or if `trusted` names them.

    Parameters
    ----------
    path : path
        The file.
    device : str, torch.device or None, default=None
        Where the networks go. "auto" takes CUDA, else MPS, else the CPU. None takes the
        device that they were on, or the CPU if it does not exist here.
    trusted : sequence of str, default=()
        Names of other classes and functions that may be imported, such as
        ``"mypackage.networks.Net"``. Importing a module runs its code.

    Returns
    -------
    estimator : estimator
        As it was saved.

    Raises
    ------
    LoadError
        If the file is damaged, of a later version, or needs a name that is not trusted;
        the error lists all of them.

    See Also
    --------
    save : Writes the file.
    """
    if isinstance(trusted, str):
        raise TypeError(f"trusted={trusted!r} must be a list of names: [{trusted!r}].")
    target = None if device is None else resolve_device(device)
    try:
        content, tensors = read_archive(Path(path), _KIND)
    except DamagedFile as error:
        raise LoadError(str(error)) from error
    names = _names_in(content["estimator"])
    _check_names(names, content["code"], set(trusted))
    decoder = _Decoder(tensors, target)
    try:
        return decoder.decode(content["estimator"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        saved = content["versions"]
        raise LoadError(
            f"{str(path)!r} cannot be read by these versions ({error}). It was saved "
            f"with {', '.join(f'{k} {v}' for k, v in saved.items())}."
        ) from error


# -- names ---------------------------------------------------------------------------


def _name(thing: Any) -> str:
    return f"{thing.__module__}:{thing.__qualname__}"


def _is_known(name: str) -> bool:
    """Whether a name is looked up unasked."""
    module = name.partition(":")[0]
    return (
        module.partition(".")[0] in _TRUSTED
        or f"{module}.".startswith(_TRUSTED_PARTS)
        or name in _TRUSTED_NAMES
    )


def _look_up(name: str) -> Any:
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _names_in(node: Any) -> set[str]:
    """Names of classes and functions in what was encoded."""
    if isinstance(node, list):
        return set().union(*map(_names_in, node))
    if not isinstance(node, dict):
        return set()
    own = {node["name"]} if "name" in node else set()
    return own.union(*map(_names_in, node.values()))


def _check_names(names, code, trusted):
    """Refuse names that nobody vouches for, before anything is looked up."""
    refused = []
    for name in sorted(names):
        plain = name.replace(":", ".")
        if _is_known(name) or plain in trusted or name in trusted:
            continue
        if name.partition(":")[0] not in sys.modules:
            refused.append(f"{plain} (not imported)")
            continue
        try:
            is_same = _code_of(_look_up(name)) == code.get(name)
        except AttributeError:
            refused.append(f"{plain} (not there any more)")
            continue
        if not is_same:
            refused.append(f"{plain} (its code has changed since)")
    if refused:
        listed = [each.partition(" ")[0] for each in refused]
        raise LoadError(
            f"The file needs classes or functions that are not ours: "
            f"{', '.join(refused)}. Import them first, or pass trusted={listed} if you "
            "know where the file comes from."
        )


def _code_of(thing: Any) -> str:
    try:
        return described(thing)
    except Untold:
        return ""


# -- writing -------------------------------------------------------------------------


class _Encoder:
    """Turns an object into what JSON can hold, and tensors."""

    def __init__(self):
        self.tensors = Tensors()
        self.code: dict[str, str] = {}
        self._numbers: dict[int, int] = {}
        self._kept: list[Any] = []

    def encode(self, thing: Any, where: str) -> Any:
        """Encode a thing; `where` says in errors where it is."""
        for kinds, method in self._methods():
            if isinstance(thing, kinds):
                return method(thing, where)
        try:
            return {"plain": pack(thing, self.tensors)}
        except TypeError:
            return self._object(thing, where)

    def _methods(self):
        return (
            (nn.Parameter, self._parameter),
            (type, self._class),
            (types.FunctionType, self._function),
            ((types.BuiltinFunctionType, np.ufunc), self._function),
            (types.MethodType, self._method),
            (functools.partial, self._partial),
            (History, self._container),
            ((dict,), self._dict),
            ((list, tuple, set, frozenset, deque), self._container),
            (np.dtype, lambda each, where: {"dtype": each.str}),
            (torch.dtype, lambda each, where: {"torch dtype": str(each)[6:]}),
            (torch.device, lambda each, where: {"torch device": str(each)}),
            (os.PathLike, lambda each, where: {"path": os.fspath(each)}),
            (slice, self._slice),
            (bytes, lambda each, where: {"bytes": each.hex()}),
            (np.random.RandomState, self._random_state),
            (torch.Generator, self._generator),
            (scipy.sparse.spmatrix, self._sparse),
            (scipy.sparse.sparray, self._sparse),
            (np.ndarray, self._array),
        )

    def _parameter(self, parameter, where):
        node = {"parameter": self.tensors.number(parameter)}
        return {**node, "requires_grad": parameter.requires_grad}

    def _class(self, kind, where):
        return {"kind": "class", "name": self._checked_name(kind, where)}

    def _function(self, function, where):
        if isinstance(function, np.ufunc):
            return {"ufunc": function.__name__}
        if getattr(function, "__self__", None) not in (None, sys.modules["builtins"]):
            raise self._unsafe(function, where, "a method of an object")
        return {"kind": "function", "name": self._checked_name(function, where)}

    def _method(self, method, where):
        owner, name = method.__self__, method.__name__
        if getattr(type(owner), name, None) is not method.__func__:
            raise self._unsafe(method, where, "a method of no class")
        return {"method": name, "owner": self.encode(owner, where)}

    def _checked_name(self, thing, where):
        name = _name(thing)
        try:
            found = _look_up(name)
        except (ImportError, AttributeError):
            found = None
        if found is not thing:
            raise self._unsafe(thing, where, "found under no name of a module")
        if not _is_known(name):
            self.code[name] = _code_of(thing)
        return name

    def _partial(self, partial, where):
        parts = (partial.func, partial.args, partial.keywords)
        return {"partial": [self.encode(each, where) for each in parts]}

    def _dict(self, things, where):
        kind = type(things).__name__
        if kind not in _DICTS:
            is_known = _is_known(_name(type(things)))
            if not is_known:
                raise self._unsafe(things, where, "a dict of another class")
            kind = "dict"  # such as a defaultdict, or the dicts of scikit-learn
        pairs = [
            [self.encode(k, where), self.encode(v, f"{where}[{k!r}]")]
            for k, v in things.items()
        ]
        return {"dict": pairs, "kind": kind, **self._number(things)}

    def _container(self, things, where):
        if isinstance(things, tuple) and hasattr(things, "_fields"):
            name = self._checked_name(type(things), where)
            return {"named": [self.encode(v, where) for v in things], "name": name}
        kind = type(things).__name__
        if kind == "Size":
            kind = "tuple"
        if kind not in _CONTAINERS:
            return self._object(things, where)
        listed = sorted(things, key=repr) if isinstance(things, set) else things
        items = [self.encode(v, f"{where}[{i}]") for i, v in enumerate(listed)]
        return {"items": items, "kind": kind}

    def _slice(self, each, where):
        return {"slice": [each.start, each.stop, each.step]}

    def _random_state(self, generator, where):
        return {"random state": pack(generator.get_state(), self.tensors)}

    def _generator(self, generator, where):
        return {"generator": pack(generator.get_state(), self.tensors)}

    def _sparse(self, matrix, where):
        coo = matrix.tocoo()
        parts = (coo.data, coo.row, coo.col)
        return {
            "sparse": [pack(each, self.tensors) for each in parts],
            "shape": list(coo.shape),
            "format": matrix.format,
            "is_array": isinstance(matrix, scipy.sparse.sparray),
        }

    def _array(self, array, where):
        if array.dtype.kind in "biufUS" and type(array) is np.ndarray:
            return {"plain": pack(array, self.tensors)}
        if array.dtype == object:
            items = [self.encode(each, where) for each in array.ravel()]
            return {"objects": items, "shape": list(array.shape)}
        if array.dtype.names:
            fields = {
                name: pack(np.ascontiguousarray(array[name]), self.tensors)
                for name in array.dtype.names
            }
            kinds = [array.dtype[name] for name in array.dtype.names]
            return {
                "fields": fields,
                "formats": [kind.str for kind in kinds],
                "offsets": [array.dtype.fields[name][1] for name in array.dtype.names],
                "itemsize": array.dtype.itemsize,
            }
        raise self._unsafe(array, where, f"an array of {array.dtype}")

    def _number(self, thing):
        """A number for a thing that may be met again."""
        self._numbers[id(thing)] = len(self._numbers)
        self._kept.append(thing)
        return {"number": self._numbers[id(thing)]}

    def _object(self, thing, where):
        if id(thing) in self._numbers:
            return {"again": self._numbers[id(thing)]}
        if type(thing).__name__ == "cython_function_or_method":
            return self._function(thing, where)
        if isinstance(thing, types.ModuleType):
            raise self._unsafe(thing, where, "a module")
        name = self._checked_name(type(thing), where)
        number = self._number(thing)
        made = self._made_by(thing, where)
        if made is not None:
            return {"made": made, "name": name, **number}
        state = _state_of(thing)
        if not isinstance(state, dict):
            raise self._unsafe(thing, where, "no object with plain attributes")
        encoded = [
            [key, self.encode(value, f"{where}.{key}")]
            for key, value in state.items()
            if key not in _NOT_SAVED
        ]
        return {"attributes": encoded, "name": name, **number}

    def _made_by(self, thing, where):
        """How scikit-learn's compiled objects are made again; None for others."""
        kind = type(thing)
        makers = {getattr(kind, name) for name in ("__reduce__", "__reduce_ex__")}
        is_plain = makers == {object.__reduce__, object.__reduce_ex__}
        if is_plain or isinstance(thing, nn.Module | torch.optim.Optimizer | NeuralNet):
            return None
        if kind.__module__.partition(".")[0] != "sklearn":
            raise self._unsafe(thing, where, "an object that only pickle can make")
        make, arguments, *rest = thing.__reduce__()
        parts = (make, arguments, rest[0] if rest else None)
        return [self.encode(each, where) for each in parts]

    def _unsafe(self, thing, where, what):
        kind = type(thing)
        return SaveError(
            f"{where} cannot be saved safely: it is {what} "
            f"({kind.__module__}.{kind.__qualname__}). Use a class or function of a "
            "module in its place, or keep the estimator by pickle, which runs code "
            "when it is read."
        )


def _state_of(thing):
    """Attributes of an object."""
    if isinstance(thing, nn.Module):
        # Without torch's empty dicts of hooks, which every module has by the dozen.
        plain = vars(nn.Module())
        return {
            name: value
            for name, value in vars(thing).items()
            if name not in plain or type(value) is bool or value
        }
    if isinstance(thing, NeuralNet):
        return dict(vars(thing))
    return thing.__getstate__() or {}


# -- reading -------------------------------------------------------------------------


class _Decoder:
    """Makes an object of what :class:`_Encoder` returned."""

    def __init__(self, tensors: dict[str, Tensor], device: torch.device | None):
        self._tensors = tensors
        self._device = device
        self._made: dict[int, Any] = {}
        self._parameters: dict[str, nn.Parameter] = {}

    def decode(self, node: Any) -> Any:
        """Decode a node."""
        for key, method in self._methods():
            if key in node:
                return method(node)
        kind = node.get("kind")
        if kind in ("class", "function"):
            return _look_up(node["name"])
        raise LoadError(f"The file holds a part of an unknown kind: {sorted(node)}.")

    def _methods(self):
        return (
            ("plain", lambda node: unpack(node["plain"], self._tensors)),
            ("parameter", self._parameter),
            ("ufunc", lambda node: getattr(np, node["ufunc"])),
            ("method", self._method),
            ("partial", self._partial),
            ("dict", self._dict),
            ("named", self._named),
            ("items", self._container),
            ("dtype", lambda node: np.dtype(node["dtype"])),
            ("torch dtype", lambda node: getattr(torch, node["torch dtype"])),
            ("torch device", lambda node: torch.device(node["torch device"])),
            ("path", lambda node: Path(node["path"])),
            ("slice", lambda node: slice(*node["slice"])),
            ("bytes", lambda node: bytes.fromhex(node["bytes"])),
            ("random state", self._random_state),
            ("generator", self._generator),
            ("sparse", self._sparse),
            ("objects", self._objects),
            ("fields", self._fields),
            ("again", lambda node: self._made[node["again"]]),
            ("made", self._compiled),
            ("attributes", self._object),
        )

    def _parameter(self, node):
        name = node["parameter"]
        if name not in self._parameters:
            self._parameters[name] = nn.Parameter(
                self._tensors[name], requires_grad=node["requires_grad"]
            )
        return self._parameters[name]

    def _method(self, node):
        owner = self.decode(node["owner"])
        function = inspect.getattr_static(type(owner), node["method"])
        if not isinstance(function, types.FunctionType):
            raise LoadError(f"The file takes {node['method']!r} for a method.")
        return types.MethodType(function, owner)

    def _partial(self, node):
        function, arguments, keywords = map(self.decode, node["partial"])
        return functools.partial(function, *arguments, **keywords)

    def _dict(self, node):
        made = self._made[node["number"]] = _DICTS[node["kind"]]()
        for key, value in node["dict"]:
            made[self.decode(key)] = self.decode(value)
        return made

    def _named(self, node):
        return _look_up(node["name"])(*map(self.decode, node["named"]))

    def _container(self, node):
        return _CONTAINERS[node["kind"]](map(self.decode, node["items"]))

    def _random_state(self, node):
        generator = np.random.RandomState()
        generator.set_state(unpack(node["random state"], self._tensors))
        return generator

    def _generator(self, node):
        generator = torch.Generator()
        generator.set_state(unpack(node["generator"], self._tensors))
        return generator

    def _sparse(self, node):
        data, row, col = (unpack(each, self._tensors) for each in node["sparse"])
        make = scipy.sparse.coo_array if node["is_array"] else scipy.sparse.coo_matrix
        return make((data, (row, col)), shape=node["shape"]).asformat(node["format"])

    def _objects(self, node):
        array = np.empty(len(node["objects"]), dtype=object)
        for i, each in enumerate(node["objects"]):
            array[i] = self.decode(each)
        return array.reshape(node["shape"])

    def _fields(self, node):
        fields = {k: unpack(v, self._tensors) for k, v in node["fields"].items()}
        parts = {name: node[name] for name in ("formats", "offsets", "itemsize")}
        kind: Any = {"names": list(fields), **parts}
        array = np.zeros(next(iter(fields.values())).shape, dtype=np.dtype(kind))
        for name, values in fields.items():
            array[name] = values
        return array

    def _compiled(self, node):
        make, arguments, state = map(self.decode, node["made"])
        if not _is_known(_name(make)) or not callable(make):
            raise LoadError(f"The file wants to call {_name(make)}.")
        made = self._made[node["number"]] = make(*arguments)
        if state is not None:
            made.__setstate__(state)
        return made

    def _object(self, node):
        kind = _look_up(node["name"])
        if not inspect.isclass(kind):
            raise LoadError(f"The file takes {node['name']} for a class.")
        made = self._made[node["number"]] = kind.__new__(kind)
        state = {key: self.decode(value) for key, value in node["attributes"]}
        if isinstance(made, nn.Module):
            made.__dict__.update({**vars(nn.Module()), **state})
        elif isinstance(made, NeuralNet):
            made.__dict__.update(state, watch=None)
            self._place(made)
        elif hasattr(made, "__setstate__"):
            made.__setstate__(state)
        else:
            made.__dict__.update(state)
        return made

    def _place(self, net):
        """Put a net on its device."""
        device = self._device
        if device is None:
            try:
                device = resolve_device(net.device)
            except ValueError:
                device = torch.device("cpu")
        net.device = str(device)
        if hasattr(net, "module_"):
            net.module_.to(device)
