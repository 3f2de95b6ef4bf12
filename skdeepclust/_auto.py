"""What "auto" stands for: batch size, epochs and width of the embedding."""

import math

__all__ = ["resolve_batch_size", "resolve_embedding_dim", "resolve_epochs"]

# batch_size="auto" aims at 32 steps per epoch while the batch is 32 to 64, as measured
# in benchmarks/batch_size.py, and at 128 steps beyond, up to the papers' 256.
_STEPS_OF_SMALL, _STEPS_OF_LARGE = 32, 128
_MIN_AUTO_BATCH, _SMALL_BATCH, _MAX_AUTO_BATCH = 32, 64, 256

# embedding_dim="auto": the papers' width for images; rows keep up to twice as many
# directions. See benchmarks/tables.py.
_OF_IMAGES, _OF_ROWS = 10, 20

# pretrain_epochs="auto": the epochs that make this number of steps, within bounds. Rows
# begin as their main components, which need less. See benchmarks/tables.py.
_STEPS_OF_IMAGES, _STEPS_OF_ROWS = 20_000, 5000
_MIN_AUTO_EPOCHS, _EPOCHS_OF_IMAGES, _EPOCHS_OF_ROWS = 20, 200, 50


def resolve_batch_size(batch_size: int | str, n_samples: int) -> int:
    """What the parameter `batch_size` stands for with the data at hand.

    Parameters
    ----------
    batch_size : int or "auto"
        Parameter of the estimator.
    n_samples : int
        Number of samples.

    Returns
    -------
    batch_size : int
        Samples per step. "auto" gives 32 below some 1,450 samples, 64 below 11,600, 128
        below 23,200, and 256 above: the power of two nearest to a 32nd of the samples
        up to 64, and to a 128th beyond.
    """
    if batch_size != "auto":
        return int(batch_size)
    small = min(_SMALL_BATCH, n_samples / _STEPS_OF_SMALL)
    wanted = max(_MIN_AUTO_BATCH, small, n_samples / _STEPS_OF_LARGE)
    return min(_MAX_AUTO_BATCH, 2 ** round(math.log2(wanted)))


def resolve_epochs(
    n_epochs: int | str, n_samples: int, batch_size: int, *, of_images: bool
) -> int:
    """Passes of pretraining.

    "auto" makes 20,000 steps in 20 to 200 passes for images, and 5,000 steps in 20 to
    50 passes for rows.
    """
    if n_epochs != "auto":
        return int(n_epochs)
    steps = _STEPS_OF_IMAGES if of_images else _STEPS_OF_ROWS
    most = _EPOCHS_OF_IMAGES if of_images else _EPOCHS_OF_ROWS
    wanted = round(steps / math.ceil(n_samples / batch_size))
    return min(most, max(_MIN_AUTO_EPOCHS, wanted))


def resolve_embedding_dim(
    embedding_dim: int | str, image_shape: tuple[int, ...] | None, n_features: int
) -> int:
    """Width of the embedding; "auto" is 10 for images, at most 20 for rows."""
    if embedding_dim != "auto":
        return int(embedding_dim)
    return _OF_IMAGES if image_shape is not None else min(_OF_ROWS, n_features)
