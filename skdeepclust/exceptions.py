"""Warnings and errors of the library, each naming its remedy when raised."""

__all__ = [
    "CacheError",
    "CacheWarning",
    "CheckpointError",
    "CheckpointWarning",
    "ClusterCollapseWarning",
    "ClusterNumberWarning",
    "DataScaleWarning",
    "EmbeddingCollapseWarning",
    "FitInterruptedWarning",
    "ImageReadError",
    "ImageReadWarning",
    "ImageScaleWarning",
    "ImageShapeWarning",
    "LoadError",
    "LongTrainingWarning",
    "NonFiniteLossError",
    "RunsDisagreeWarning",
    "SaveError",
]


class CacheError(ValueError):
    """The pretraining cannot be cached, because of the parameter that is named."""


class CacheWarning(UserWarning):
    """An entry of the cache was damaged, or could not be written."""


class CheckpointError(ValueError):
    """A checkpoint cannot be written, or is that of another fit."""


class CheckpointWarning(UserWarning):
    """A checkpoint was damaged, could not be written, or lacks a state."""


class ClusterCollapseWarning(UserWarning):
    """The clusters found are far fewer than the clusters asked for."""


class ClusterNumberWarning(UserWarning):
    """The number of clusters that was found deserves a doubt."""


class DataScaleWarning(UserWarning):
    """The values of X are so large or small that training fails or is very slow."""


class FitInterruptedWarning(UserWarning):
    """Ctrl-C ended a training early; the model is kept as it was then."""


class EmbeddingCollapseWarning(UserWarning):
    """The embeddings of a batch became nearly one, or differ in few directions."""


class ImageReadError(OSError):
    """An image file is damaged or of a kind that is not supported; it is named."""


class ImageReadWarning(UserWarning):
    """Image files were read as blank images or in part, or a size was chosen."""


class ImageScaleWarning(UserWarning):
    """Values of image files that are not 8-bit were scaled, or lie beyond the scale."""


class ImageShapeWarning(UserWarning):
    """The rows of X were guessed to be images, from the number of columns alone."""


class LongTrainingWarning(UserWarning):
    """The training that has begun will take long on this device."""


class LoadError(ValueError):
    """A file with an estimator is damaged, or needs what is not trusted."""


class NonFiniteLossError(ArithmeticError):
    """The training loss became NaN or infinite; nothing was fitted."""


class RunsDisagreeWarning(UserWarning):
    """The runs of a consensus form groups that disagree, or hardly agree at all."""


class SaveError(ValueError):
    """A part of an estimator cannot be saved safely; it is named."""
