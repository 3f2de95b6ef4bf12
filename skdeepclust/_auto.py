"""What "auto" stands for: batch size and epochs by the number of samples."""

import math

__all__ = ["resolve_batch_size", "resolve_epochs"]

# batch_size="auto" aims at 32 steps per epoch while the batch is 32 to 64, as measured
# in benchmarks/batch_size.py, and at 128 steps beyond, up to the papers' 256.
_STEPS_OF_SMALL, _STEPS_OF_LARGE = 32, 128
_MIN_AUTO_BATCH, _SMALL_BATCH, _MAX_AUTO_BATCH = 32, 64, 256

# pretrain_epochs="auto": the epochs that make this number of steps, within bounds.
_AUTO_STEPS, _MIN_AUTO_EPOCHS, _MAX_AUTO_EPOCHS = 20_000, 20, 200


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


def resolve_epochs(n_epochs: int | str, n_samples: int, batch_size: int) -> int:
    """Passes of pretraining; "auto" makes 20,000 steps, in 20 to 200 passes."""
    if n_epochs != "auto":
        return int(n_epochs)
    wanted = round(_AUTO_STEPS / math.ceil(n_samples / batch_size))
    return min(_MAX_AUTO_EPOCHS, max(_MIN_AUTO_EPOCHS, wanted))
