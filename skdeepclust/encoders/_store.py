"""Features on disk: a folder per model, with files of some hundred images each.

A file is written under another name and renamed, so that it is whole or not there.
Several processes may write: each of their files has a name of its own, and features
that are there twice are equal.
"""

import contextlib
import hashlib
import os
import time
import uuid
import zipfile
from pathlib import Path

import numpy as np

from skdeepclust._warnings import warn
from skdeepclust.encoders._sources import KEY_BYTES
from skdeepclust.exceptions import CacheWarning

__all__ = ["KEY_TYPE", "FeatureStore"]

KEY_TYPE = np.dtype((np.bytes_, KEY_BYTES))

_ROWS = 1024  # of a file: a few megabytes
_SECONDS = 30.0  # until what there is goes to disk; an interruption costs no more
_MOST_FILES = 64  # smaller than `_ROWS`; more of them become one


class FeatureStore:
    """Features of images by one model.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._keys: list[np.ndarray] = []
        self._features: list[np.ndarray] = []
        self._begun = time.monotonic()
        self._can_write = True

    # -- reading -----------------------------------------------------------------------

    def look_up(
        self, keys: np.ndarray, rows: np.ndarray, n_rows: int
    ) -> tuple[np.ndarray | None, np.ndarray]:
        """Features that are there.

        Parameters
        ----------
        keys : ndarray of shape (n_keys,), of type `KEY_TYPE`
            Digests of images, sorted.
        rows : ndarray of shape (n_keys,)
            Rows of the result where their features go.
        n_rows : int
            Number of rows of the result.

        Returns
        -------
        features : ndarray of shape (n_rows, d) or None
            Features in the rows of what was found; None if nothing was.
        found : ndarray of shape (n_keys,), bool
            Which keys were found.
        """
        found = np.zeros(len(keys), dtype=bool)
        features = None
        for path in self._files():
            read = self._read(path)
            if read is None:
                continue
            there, block = read
            if features is None:
                features = np.empty((n_rows, block.shape[1]), dtype=np.float32)
            at = np.minimum(np.searchsorted(keys, there), len(keys) - 1)
            fits = keys[at] == there
            features[rows[at[fits]]] = block[fits]
            found[at[fits]] = True
            if found.all():
                break
        return features, found

    def _files(self):
        return sorted(self.folder.glob("*.npz"))

    def _read(self, path):
        """Keys and features of a file; None, and a warning, if it is damaged."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                keys, features = arrays["keys"], arrays["features"]
                checksum = arrays["checksum"]
            if not np.array_equal(checksum, _checksum(keys, features)):
                raise ValueError("the checksum is wrong")
        except FileNotFoundError:  # another process has put it together with others
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            _remove(path)
            warn(
                f"A file of cached features is damaged ({error}). It is removed, and "
                "its images are encoded again.",
                CacheWarning,
            )
            return None
        return keys, features

    # -- writing -----------------------------------------------------------------------

    def add(self, keys: np.ndarray, features: np.ndarray) -> None:
        """Keep features of some images; they go to disk from time to time."""
        self._keys.append(keys)
        self._features.append(features)
        n_rows = sum(map(len, self._keys))
        if n_rows >= _ROWS or time.monotonic() - self._begun > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is not on disk yet."""
        keys, features = self._keys, self._features
        self._keys, self._features = [], []
        self._begun = time.monotonic()
        if keys and self._can_write:
            self._write(np.concatenate(keys), np.concatenate(features))

    def close(self) -> None:
        """Write the rest, and put small files together."""
        self.flush()
        small = [path for path in self._files() if _n_rows(path) < _ROWS]
        if len(small) <= _MOST_FILES:
            return
        read = [(path, each) for path in small if (each := self._read(path))]
        if not read:
            return
        keys, features = (np.concatenate(parts) for parts in zip(*(r for _, r in read)))
        keys, first = np.unique(keys, return_index=True)
        if self._write(keys, features[first]):
            for path, _ in read:
                _remove(path)

    def _write(self, keys, features):
        name = uuid.uuid4().hex
        part = self.folder / f"{name}.part"
        try:
            with part.open("wb") as file:
                checksum = _checksum(keys, features)
                np.savez(file, keys=keys, features=features, checksum=checksum)
                file.flush()
                os.fsync(file.fileno())
            part.rename(self.folder / f"{name}.npz")
        except OSError as error:
            self._can_write = False
            warn(
                f"Features were not cached in {str(self.folder)!r}: {error}.",
                CacheWarning,
            )
        finally:
            _remove(part)
        return self._can_write


def _checksum(keys, features):
    digest = hashlib.blake2b(digest_size=16)
    for array in (keys, features):
        digest.update(f"{array.dtype} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def _n_rows(path):
    """Number of rows of a file, by its header alone; a damaged one counts as small."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("keys.npy") as file:
            np.lib.format.read_magic(file)
            return np.lib.format.read_array_header_1_0(file)[0][0]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return 0


def _remove(path):
    with contextlib.suppress(OSError):
        path.unlink()
