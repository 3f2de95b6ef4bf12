"""The way from images to features: threads load, the network runs, a store keeps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from skdeepclust.encoders._network import Network
from skdeepclust.encoders._store import KEY_TYPE, FeatureStore
from skdeepclust.encoders._threads import threaded

__all__ = ["Plan", "cached_features", "encoded", "features_of"]

_BATCHES_AHEAD = 3  # that are loaded or wait while the network runs
_KEYS_AT_ONCE = 256  # digests of one task


class Plan:
    """How images become features.

    Parameters
    ----------
    images : Array or Files
        The images.
    transform : object
        `load(images, i)` returns the pixels of image i for the network.
    network : Network
        The network.
    batch_size : int
        Images in a batch.
    workers : int
        Threads that load.
    """

    def __init__(
        self,
        images: Any,
        transform: Any,
        network: Network,
        batch_size: int,
        workers: int,
    ):
        self.images = images
        self.network = network
        self.batch_size = batch_size
        self.workers = workers
        self._transform = transform

    def load(self, rows: np.ndarray) -> list[np.ndarray]:
        """Pixels of some images."""
        return [self._transform.load(self.images, int(i)) for i in rows]

    def keys(self, rows: np.ndarray) -> list[bytes]:
        """Digests of some images."""
        return [self.images.key(int(i)) for i in rows]


def features_of(plan: Plan, advance: Callable[[int], None]) -> np.ndarray:
    """Features of all images.

    Parameters
    ----------
    plan : Plan
        How they are made.
    advance : callable
        Called with a number of images that are done.
    """
    features = None
    rows = np.arange(len(plan.images))
    with encoded(plan, rows) as batches:
        for at, block in batches:
            if features is None:
                features = np.empty((len(rows), block.shape[1]), dtype=np.float32)
            features[at] = block
            advance(len(at))
    assert features is not None  # there is at least one image
    return features


def cached_features(
    plan: Plan, store: FeatureStore, advance: Callable[[int], None]
) -> np.ndarray:
    """Features of all images, from the store where it has them.

    Equal images are encoded once.
    """
    keys, first, inverse = _unique_keys(plan)
    n_rows = len(inverse)
    counts = np.bincount(inverse)
    features, found = store.look_up(keys, first, n_rows)
    advance(int(counts[found].sum()))
    missing = np.flatnonzero(~found)
    missing = missing[np.argsort(first[missing])]  # in the order of X
    try:
        with encoded(plan, first[missing]) as batches:
            done = 0
            for rows, block in batches:
                which = missing[done : done + len(rows)]
                done += len(rows)
                if features is None:
                    features = np.empty((n_rows, block.shape[1]), dtype=np.float32)
                features[rows] = block
                store.add(keys[which], block)
                advance(int(counts[which].sum()))
    finally:  # what is done is kept, also after Ctrl-C
        store.close()
    assert features is not None  # there is at least one image
    again = np.flatnonzero(first[inverse] != np.arange(n_rows))
    features[again] = features[first[inverse[again]]]
    return features


def _unique_keys(plan):
    """Sorted digests without repetition, a row of each, and the digest of each row."""
    n = len(plan.images)
    tasks = (
        np.arange(i, min(i + _KEYS_AT_ONCE, n)) for i in range(0, n, _KEYS_AT_ONCE)
    )
    keys = np.empty(n, dtype=KEY_TYPE)
    done = 0
    with threaded(plan.keys, tasks, plan.workers, 2 * plan.workers) as results:
        for some in results:
            keys[done : done + len(some)] = some
            done += len(some)
    return np.unique(keys, return_index=True, return_inverse=True)


# -- batches ---------------------------------------------------------------------------


@contextmanager
def encoded(
    plan: Plan, rows: np.ndarray
) -> Iterator[Iterator[tuple[np.ndarray, np.ndarray]]]:
    """Encode some images.

    Parameters
    ----------
    plan : Plan
        How they are encoded.
    rows : ndarray of int
        Which images.

    Yields
    ------
    batches : iterator of (ndarray, ndarray)
        Some of the rows, and their features.
    """
    # Parts of a batch, so that all threads work on the one that is needed next.
    part = -(-plan.batch_size // plan.workers)
    batches = [
        rows[i : i + plan.batch_size] for i in range(0, len(rows), plan.batch_size)
    ]
    parts = (b[i : i + part] for b in batches for i in range(0, len(b), part))
    ahead = _BATCHES_AHEAD * -(-plan.batch_size // part)
    with threaded(plan.load, parts, plan.workers, ahead) as loaded:
        yield _run(plan, batches, loaded)


def _run(plan, batches, loaded):
    """Start each batch before the features of the one before it are waited for."""
    begun = None
    for rows in batches:
        images: list[np.ndarray] = []
        while len(images) < len(rows):
            images += next(loaded)
        started = rows, plan.network.start(_stacked(images))
        if begun is not None:
            yield begun[0], plan.network.finish(begun[1])
        begun = started
    if begun is not None:
        yield begun[0], plan.network.finish(begun[1])


def _stacked(images):
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        first, second = sorted(shapes)[:2]
        raise ValueError(
            f"Images of one batch have the shapes {first} and {second}. Pass a "
            "transform that gives all of them one size, such as "
            "transform=dict(size=224)."
        )
    stacked = np.stack(images)
    return stacked.astype(stacked.dtype.newbyteorder("="), copy=False)
