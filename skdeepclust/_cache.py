"""A cache of trained networks: weights and JSON, under a key of all that made them.

The key holds what a parameter *is*, not its name: the byte code of functions with the
values that they use, the methods of classes, the weights of networks. Where that cannot
be told, nothing is cached and the error names the parameter.
"""

import functools
import hashlib
import importlib
import importlib.metadata
import inspect
import json
import numbers
import os
import shutil
import sys
import sysconfig
import tempfile
import types
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from torch import Tensor, nn

from skdeepclust._warnings import warn
from skdeepclust.exceptions import CacheError, CacheWarning

__all__ = [
    "PACKAGES",
    "Cache",
    "Untold",
    "data_hash",
    "described",
    "fingerprint",
    "version_of",
]

_WEIGHTS, _ENTRY = "weights.npz", "entry.json"

# Packages whose versions stand for their sources.
PACKAGES = ("skdeepclust", "torch", "skorch", "numpy")

_LIBRARIES = tuple(
    sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


class Cache:
    """Trained networks in a folder.

    Parameters
    ----------
    memory : path or joblib.Memory
        Parameter of the estimator.

    Raises
    ------
    CacheError
        When it is no folder that can be written to.
    """

    def __init__(self, memory: Any):
        is_path = isinstance(memory, str | os.PathLike)
        place = memory if is_path else getattr(memory, "location", "")
        if place == "":
            raise CacheError(
                f"memory={memory!r} must be the path of a folder, a joblib.Memory with "
                "a location, or None."
            )
        self.folder = None if place is None else Path(place) / "skdeepclust"

    def make_folder(self) -> None:
        """Make the folder, and try to write to it."""
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.folder).close()
        except OSError as error:
            raise CacheError(
                f"memory={str(self.folder.parent)!r}: the folder {str(self.folder)!r} "
                f"cannot be written to ({error}). Pass another folder, or None."
            ) from error

    def __contains__(self, key: str) -> bool:
        place = self._place(key)
        return place is not None and (place / _ENTRY).exists()

    def load(self, key: str, network: nn.Module) -> dict | None:
        """Load weights into the network; return its history.

        A damaged entry is removed with a warning, and gives None.
        """
        place = self._place(key)
        assert place is not None
        try:
            entry = json.loads((place / _ENTRY).read_text())
            stored = {k: v for k, v in entry.items() if k != "checksum"}
            weights = (place / _WEIGHTS).read_bytes()
            if entry["checksum"] != _checksum(stored, weights):
                raise ValueError("the checksum is wrong")
            with np.load(place / _WEIGHTS, allow_pickle=False) as arrays:
                state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
            network.load_state_dict(state)
        except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
            shutil.rmtree(place, ignore_errors=True)
            warn(
                f"An entry of the cache is damaged ({error}). It is removed, and the "
                "network is pretrained again.",
                CacheWarning,
            )
            return None
        return entry["history"]

    def save(self, key: str, network: nn.Module, history: dict) -> None:
        """Keep the weights and the history; warn if there is no room."""
        place = self._place(key)
        if place is None:
            return
        arrays = {name: value.cpu().numpy() for name, value in _state(network).items()}
        made = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            with (made / _WEIGHTS).open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            entry = {"history": history}
            checksum = _checksum(entry, (made / _WEIGHTS).read_bytes())
            (made / _ENTRY).write_text(json.dumps({**entry, "checksum": checksum}))
            if not place.exists():
                made.rename(place)  # whole, or not at all
        except OSError as error:
            if not place.exists():  # else another process was faster
                warn(
                    f"The pretrained network was not cached in {str(self.folder)!r}: "
                    f"{error}.",
                    CacheWarning,
                )
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def _place(self, key: str) -> Path | None:
        return None if self.folder is None else self.folder / key


def _checksum(entry: dict, weights: bytes) -> str:
    text = json.dumps(entry, sort_keys=True).encode()
    return hashlib.sha256(text + hashlib.sha256(weights).digest()).hexdigest()


def _state(network: nn.Module) -> dict[str, Tensor]:
    state = network.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor) or value.dtype == torch.bfloat16:
            raise CacheError(
                f"The network has a state {name!r} of {type(value).__name__} that the "
                "cache cannot keep. Pass memory=None."
            )
    return state


def fingerprint(X: np.ndarray, params: dict[str, Any]) -> str:
    """A key that is equal for equal data, parameters and versions.

    Parameters
    ----------
    X : ndarray
        Training data.
    params : dict
        Parameters by name, functions, classes and networks among them.

    Returns
    -------
    key : str
        Hexadecimal digits.

    Raises
    ------
    CacheError
        For a parameter of which nobody can tell whether it is still the same.
    """
    digest = hashlib.sha256()
    for package in PACKAGES:
        digest.update(f"{package} {version_of(package)};".encode())
    digest.update(f"python {sys.version_info[:2]};".encode())
    digest.update(data_hash(X).encode())
    for name in sorted(params):
        try:
            what = described(params[name])
        except Untold as reason:
            raise CacheError(
                f"memory: nobody can tell whether {name}={params[name]!r} is the same "
                f"in another fit, because it holds {reason}. Pass memory=None, or "
                f"another {name}."
            ) from None
        digest.update(f"{name}={what};".encode())
    return digest.hexdigest()[:40]


def data_hash(X: np.ndarray) -> str:
    """A digest of the data, the same for an array and a memory map of it."""
    return str(joblib.hash(np.asarray(X)))


def described(thing: Any) -> str:
    """What a parameter is: equal texts for equal parameters.

    Raises
    ------
    Untold
        If nobody can tell whether it is the same in another process.
    """
    return _describe(thing, {})


class Untold(Exception):
    """Something whose equality cannot be told."""


# Objects that were met, by their id: the object, which thereby lives on, and the digest
# of its description; None while it is being described.
_Seen = dict[int, tuple[Any, str | None]]


def _describe(thing: Any, seen: _Seen) -> str:
    """What a thing is: text for small values, else the digest of all that it holds."""
    if thing is None or isinstance(thing, bool | int | float | complex | str | bytes):
        return f"{type(thing).__name__} {thing!r}"
    if id(thing) in seen:
        return seen[id(thing)][1] or "itself"
    seen[id(thing)] = thing, None
    for kinds, describe in _DESCRIBERS:
        if isinstance(thing, kinds):
            found = describe(thing, seen)
            break
    else:
        found = _describe_object(thing, seen)
    digest = hashlib.sha256(repr(found).encode()).hexdigest()
    seen[id(thing)] = thing, digest
    return digest


def _describe_all(things: Any, seen: _Seen) -> tuple:
    return type(things).__name__, tuple(_describe(each, seen) for each in things)


def _describe_set(things: Any, seen: _Seen) -> tuple:
    return "set", tuple(sorted(_describe(each, seen) for each in things))


def _describe_dict(things: Any, seen: _Seen) -> tuple:
    return "dict", tuple((repr(k), _describe(v, seen)) for k, v in things.items())


def _describe_tensor(tensor: Tensor, seen: _Seen) -> tuple:
    return "tensor", joblib.hash(tensor.detach().cpu().numpy()), str(tensor.dtype)


def _describe_partial(partial: functools.partial, seen: _Seen) -> tuple:
    return "partial", _describe((partial.func, partial.args, partial.keywords), seen)


def _describe_method(method: types.MethodType, seen: _Seen) -> tuple:
    return "method", _describe((method.__func__, method.__self__), seen)


def _describe_module(module: types.ModuleType, seen: _Seen) -> tuple:
    return "module", module.__name__, version_of(module.__name__.partition(".")[0])


def _is_library(module: str | None) -> bool:
    """Whether a module is installed, so that its version stands for its source."""
    top = (module or "").partition(".")[0]
    if top in PACKAGES or top in sys.stdlib_module_names or top == "builtins":
        return top != "__main__"
    file = getattr(sys.modules.get(module or ""), "__file__", None)
    return file is not None and file.startswith(_LIBRARIES)


def version_of(package: str) -> str:
    """Version of an installed package, or what stands for it."""
    module = sys.modules.get(package)
    version = getattr(module, "__version__", None)
    if version is None and package in sys.stdlib_module_names:
        return "standard"
    try:
        return str(version or importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        return ""


def _named(thing: Any) -> tuple:
    top = thing.__module__.partition(".")[0]
    return "library", thing.__module__, thing.__qualname__, version_of(top)


def _describe_class(kind: type, seen: _Seen) -> tuple:
    if _is_library(kind.__module__):
        return _named(kind)
    # Of Python's own names the methods; others change when the class is used.
    content = {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith("__") or isinstance(value, types.FunctionType)
    }
    content.pop("_abc_impl", None)
    bases = tuple(_describe(base, seen) for base in kind.__bases__)
    return "class", kind.__qualname__, bases, _describe(content, seen)


def _describe_code(code: types.CodeType, seen: _Seen) -> tuple:
    constants = tuple(_describe(each, seen) for each in code.co_consts)
    return "code", code.co_code, constants, code.co_names, code.co_varnames


def _describe_function(function: types.FunctionType, seen: _Seen) -> tuple:
    """Byte code, defaults, closure and the globals that the code names."""
    if _is_library(function.__module__):
        return _named(function)
    used = {}
    for name in _names_of(function.__code__):
        if name in function.__globals__:
            value = function.__globals__[name]
            used[name] = value
            is_own = isinstance(value, types.ModuleType) and not _is_library(
                value.__name__
            )
            if is_own:  # a module of the user's: what the code may take from it
                attributes = _names_of(function.__code__)
                used |= {
                    f"{name}.{each}": getattr(value, each)
                    for each in attributes
                    if hasattr(value, each)
                }
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return (
        "function",
        _describe(function.__code__, seen),
        _describe((function.__defaults__, function.__kwdefaults__), seen),
        _describe(cells, seen),
        _describe(used, seen),
    )


def _names_of(code: types.CodeType) -> list[str]:
    """Global and attribute names of the code and of the code within it."""
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= dict.fromkeys(_names_of(constant))
    return list(names)


def _describe_object(thing: Any, seen: _Seen) -> tuple:
    """Class and attributes of an object."""
    kind = _describe(type(thing), seen)
    if isinstance(thing, property | staticmethod | classmethod):
        parts = [getattr(thing, n, None) for n in ("fget", "fset", "__func__")]
        return "descriptor", kind, tuple(_describe(each, seen) for each in parts)
    is_opaque = inspect.isgenerator(thing) or hasattr(thing, "fileno")
    if not is_opaque and hasattr(thing, "__dict__"):
        slots = [s for c in type(thing).__mro__ for s in getattr(c, "__slots__", ())]
        content = {**vars(thing), **{s: getattr(thing, s, None) for s in slots}}
        return "object", kind, _describe(content, seen)
    if not is_opaque and _is_library(type(thing).__module__):
        try:
            return "pickle", kind, joblib.hash(thing)
        except Exception:  # whatever pickling raises
            pass
    raise Untold(f"a {type(thing).__module__}.{type(thing).__qualname__}")


# What describes an object of these types; the first that fits.
_DESCRIBERS: list[tuple[Any, Any]] = [
    (numbers.Number, lambda thing, seen: ("number", repr(thing))),
    (os.PathLike, lambda thing, seen: ("path", os.fspath(thing))),
    (Tensor, _describe_tensor),
    (np.ndarray, lambda thing, seen: ("array", joblib.hash(thing))),
    ((list, tuple), _describe_all),
    ((set, frozenset), _describe_set),
    ((dict, types.MappingProxyType), _describe_dict),
    (functools.partial, _describe_partial),
    (types.MethodType, _describe_method),
    (types.CodeType, _describe_code),
    (types.ModuleType, _describe_module),
    (type, _describe_class),
    (types.FunctionType, _describe_function),
    (
        (types.BuiltinFunctionType, np.ufunc),
        lambda thing, seen: ("builtin", str(thing.__name__)),
    ),
    (
        (torch.dtype, torch.device, torch.Size),
        lambda thing, seen: (type(thing).__name__, str(thing)),
    ),
]
