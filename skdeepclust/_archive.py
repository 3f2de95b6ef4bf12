"""Files of weights and JSON: written whole or not at all, checked when they are read.

A file is in the safetensors format. Its metadata holds a JSON text for everything that
is no tensor, and a digest of all that is in the file. Nothing in a file is run.
"""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

__all__ = ["DamagedFile", "Tensors", "pack", "read_archive", "unpack", "write_archive"]

_FORMAT = "skdeepclust"
_VERSION = 1

# Scalars that JSON keeps as they are. Python's JSON has NaN and infinity.
_SCALARS = (bool, int, float, str, type(None))


class DamagedFile(ValueError):
    """A file that is damaged, or not one of ours."""


class Tensors:
    """The tensors of a file, numbered in the order in which they were met."""

    def __init__(self):
        self.found: dict[str, Tensor] = {}
        self._numbers: dict[int, str] = {}
        self._kept: list[Any] = []  # so that no id is used twice

    def number(self, tensor: Tensor) -> str:
        """Name of a tensor in the file; the same for the same tensor."""
        if id(tensor) not in self._numbers:
            name = f"{len(self.found):06d}"
            self._numbers[id(tensor)] = name
            self._kept.append(tensor)
            self.found[name] = tensor.detach().to("cpu").contiguous().clone()
        return self._numbers[id(tensor)]


def pack(value: Any, tensors: Tensors) -> Any:
    """What JSON can hold of a plain value; its tensors and arrays go to `tensors`.

    Parameters
    ----------
    value : object
        Numbers, texts, None, arrays, tensors, and dicts, lists and tuples of them.
    tensors : Tensors
        Receives tensors and arrays.

    Returns
    -------
    packed : object
        For :func:`unpack`.

    Raises
    ------
    TypeError
        For anything else.
    """
    if type(value) in _SCALARS:
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return {"scalar": value.item(), "dtype": value.dtype.str}
    if isinstance(value, Tensor):
        return {"tensor": tensors.number(value)}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return _pack_array(value, tensors)
    if isinstance(value, np.ndarray) and value.dtype.kind in "US":
        return {"texts": value.tolist(), "dtype": value.dtype.str}
    if type(value) in (list, tuple):
        return {type(value).__name__: [pack(each, tensors) for each in value]}
    if isinstance(value, dict):
        pairs = [[pack(k, tensors), pack(v, tensors)] for k, v in value.items()]
        return {"dict": pairs}
    raise TypeError(f"a {type(value).__module__}.{type(value).__qualname__}")


def _pack_array(array, tensors):
    # As bytes: torch lacks some of numpy's types, and byte orders.
    whole = np.ascontiguousarray(array)
    as_bytes = torch.from_numpy(whole.reshape(-1).view(np.uint8).copy())
    return {
        "array": tensors.number(as_bytes),
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "is_fortran": bool(array.flags.f_contiguous and not array.flags.c_contiguous),
    }


def unpack(packed: Any, tensors: dict[str, Tensor]) -> Any:
    """The value that was packed.

    Parameters
    ----------
    packed : object
        What :func:`pack` returned.
    tensors : dict
        Tensors of the file by name.
    """
    if not isinstance(packed, dict):
        return packed
    if "scalar" in packed:
        return np.dtype(packed["dtype"]).type(packed["scalar"])
    if "tensor" in packed:
        return tensors[packed["tensor"]]
    if "array" in packed:
        return _unpack_array(packed, tensors)
    if "texts" in packed:
        return np.array(packed["texts"], dtype=packed["dtype"])
    if "list" in packed:
        return [unpack(each, tensors) for each in packed["list"]]
    if "tuple" in packed:
        return tuple(unpack(each, tensors) for each in packed["tuple"])
    return {unpack(k, tensors): unpack(v, tensors) for k, v in packed["dict"]}


def _unpack_array(packed, tensors):
    values = tensors[packed["array"]].numpy().view(np.dtype(packed["dtype"]))
    array = values.reshape(packed["shape"])
    return np.asfortranarray(array) if packed["is_fortran"] else array.copy()


def write_archive(path: Path, kind: str, content: dict, tensors: Tensors) -> int:
    """Write a file beside `path` and rename it.

    Parameters
    ----------
    path : Path
        The file. One that is there is replaced.
    kind : str
        What the file is, such as "estimator".
    content : dict
        What JSON can hold.
    tensors : Tensors
        The tensors.

    Returns
    -------
    size : int
        Bytes.
    """
    text = json.dumps({"kind": kind, "content": content})
    metadata = {
        "format": _FORMAT,
        "version": str(_VERSION),
        "content": text,
        "digest": _digest(text, tensors.found),
    }
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        save_file(tensors.found, draft, metadata)
        _flush(draft)
        size = Path(draft).stat().st_size
        Path(draft).replace(path)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    finally:
        Path(draft).unlink(missing_ok=True)
    return size


def _flush(path):
    """Have the system write the file to the disk before it is renamed."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
        with suppress(AttributeError):  # not on Windows
            mask = os.umask(0)
            os.umask(mask)
            os.fchmod(handle, 0o666 & ~mask)
    finally:
        os.close(handle)


def read_archive(path: Path, kind: str) -> tuple[dict, dict[str, Tensor]]:
    """Content and tensors of a file.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What the file must be.

    Returns
    -------
    content : dict
        As it was passed to :func:`write_archive`.
    tensors : dict
        Tensors by name, on the CPU.

    Raises
    ------
    OSError
        If the file cannot be read.
    DamagedFile
        If it is damaged, not one of ours, or of a later version.
    """
    path.open("rb").close()  # an error that names what is wrong with the file
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError) as error:
        raise DamagedFile(
            f"{str(path)!r} is damaged, or was not written by skdeepclust ({error})."
        ) from error
    if metadata.get("format") != _FORMAT:
        raise DamagedFile(f"{str(path)!r} was not written by skdeepclust.")
    text = metadata.get("content", "")
    if metadata.get("digest") != _digest(text, tensors):
        raise DamagedFile(f"{str(path)!r} is damaged: its digest is wrong.")
    if not metadata["version"].isdigit() or int(metadata["version"]) > _VERSION:
        raise DamagedFile(
            f"{str(path)!r} is of version {metadata['version']} of the format, and "
            f"this skdeepclust reads versions up to {_VERSION}. Install a later one."
        )
    found = json.loads(text)
    if found["kind"] != kind:
        raise DamagedFile(
            f"{str(path)!r} is a file of the kind {found['kind']!r}, not {kind!r}."
        )
    return found["content"], tensors


def _digest(text, tensors):
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
