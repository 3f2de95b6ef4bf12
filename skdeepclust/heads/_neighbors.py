"""Nearest neighbours of every sample, by scikit-learn or faiss."""

import math
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

__all__ = ["nearest_neighbors", "neighbors_of", "resolve_search"]

# Up to this number of samples the search is exact; its cost grows with the square.
_LARGEST_EXACT = 50_000

# Lists of the approximate search by the square root of the number of samples, and how
# many of them are looked into for each sample.
_LISTS_PER_ROOT, _PROBED = 4, 32
_TRAINED_ON = 64  # samples per list that the lists are found with

_BLOCK = 4096  # samples whose neighbours are asked for at once


def resolve_search(search: str, n_samples: int) -> str:
    """What the parameter `neighbor_search` stands for.

    Parameters
    ----------
    search : {"auto", "sklearn", "faiss", "faiss-ivf"}
        Parameter of the estimator.
    n_samples : int
        Number of samples.

    Returns
    -------
    search : {"sklearn", "faiss", "faiss-ivf"}
        "auto" takes faiss if it is installed, beyond 50,000 samples its approximate
        search.

    Raises
    ------
    ImportError
        When faiss is asked for and not installed.
    """
    has_faiss = find_spec("faiss") is not None
    if search == "auto":
        if not has_faiss:
            return "sklearn"
        return "faiss" if n_samples <= _LARGEST_EXACT else "faiss-ivf"
    if search != "sklearn" and not has_faiss:
        raise ImportError(
            f'neighbor_search="{search}" needs faiss: pip install "skdeepclust[faiss]".'
        )
    return search


def neighbors_of(
    Z: NDArray[np.float32], n_neighbors: int, search: str, seed: int
) -> NDArray[np.int32]:
    """Neighbours of every row, fewer if there are few rows.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Points, float32.
    n_neighbors : int
        Neighbours per sample, at most all others.
    search : {"auto", "sklearn", "faiss", "faiss-ivf"}
        Parameter of the estimator.
    seed : int
        Seed of the approximate search.

    Returns
    -------
    neighbors : ndarray of shape (n_samples, n_neighbors)
        Positions, the nearest first. A single sample is its own neighbour.
    """
    n_neighbors = min(n_neighbors, len(Z) - 1)
    if n_neighbors == 0:
        return np.zeros((len(Z), 1), dtype=np.int32)
    return nearest_neighbors(Z, n_neighbors, resolve_search(search, len(Z)), seed)


def nearest_neighbors(
    Z: NDArray[np.float32], n_neighbors: int, search: str, seed: int
) -> NDArray[np.int32]:
    """Positions of the nearest neighbours of every row, without the row itself.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Points, float32. Rows of length one give the neighbours by cosine.
    n_neighbors : int
        Neighbours per sample, fewer than samples.
    search : {"sklearn", "faiss", "faiss-ivf"}
        What :func:`resolve_search` gives.
    seed : int
        Seed of the lists of the approximate search.

    Returns
    -------
    neighbors : ndarray of shape (n_samples, n_neighbors)
        Positions, the nearest first.
    """
    ask = _exact(Z, n_neighbors + 1)
    if search != "sklearn":
        ask = _faiss_index(Z, n_neighbors + 1, search, seed)
    found = np.empty((len(Z), n_neighbors), dtype=np.int32)
    for start in range(0, len(Z), _BLOCK):
        positions = ask(Z[start : start + _BLOCK])
        own = np.arange(start, start + len(positions))
        found[start : start + _BLOCK] = _without_itself(positions, own)
    return found


def _exact(Z, n_asked):
    model = NearestNeighbors(n_neighbors=n_asked, algorithm="brute").fit(Z)
    return lambda block: model.kneighbors(block, return_distance=False)


def _faiss_index(Z, n_asked, search, seed):
    faiss = import_module("faiss")
    index = faiss.IndexFlatL2(Z.shape[1])
    if search == "faiss-ivf":
        n_lists = max(1, int(_LISTS_PER_ROOT * math.sqrt(len(Z))))
        n_lists = min(n_lists, max(1, len(Z) // 39))  # faiss asks for 39 per list
        index = faiss.IndexIVFFlat(index, Z.shape[1], n_lists)
        index.cp.seed, index.nprobe = seed, min(_PROBED, n_lists)
        rng = np.random.RandomState(seed)
        n_sampled = min(len(Z), _TRAINED_ON * n_lists)
        index.train(Z[np.sort(rng.permutation(len(Z))[:n_sampled])])
    for start in range(0, len(Z), _BLOCK):
        index.add(Z[start : start + _BLOCK])
    return lambda block: index.search(block, n_asked)[1]


def _without_itself(positions, own):
    """Neighbours without the sample itself, which duplicates may have pushed back.

    An approximate search may find too few. What is missing is filled up with the
    nearest neighbour, and with the sample itself if it has none.
    """
    is_own = positions == own[:, None]
    none_left = ~is_own.any(axis=1)
    is_own[none_left, -1] = True  # the sample is beyond its duplicates
    kept = positions[~is_own].reshape(len(own), -1)
    first = np.where(kept[:, :1] < 0, own[:, None], kept[:, :1])
    return np.where(kept < 0, first, kept)
