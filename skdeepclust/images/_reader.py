"""A transformer from paths of image files to an array of images."""

import os
from collections import Counter
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from skdeepclust._compat import Interval, StrOptions, validate_parameters
from skdeepclust.images._file import Recipe
from skdeepclust.images._find import MAX_PIXELS
from skdeepclust.images._inputs import as_color, as_paths, as_size
from skdeepclust.images._learn import Learned, learn
from skdeepclust.images._messages import (
    raise_for,
    warn_of_blanks,
    warn_of_choices,
    warn_of_readings,
)
from skdeepclust.images._pool import Rows, in_pool
from skdeepclust.images._rows import Layout, read_rows

__all__ = ["ImageReader"]


class ImageReader(TransformerMixin, BaseEstimator):
    """Reads image files into one array: the first step of a pipeline.

    It takes paths, as :func:`find_images` returns them, and returns images of one size
    and one number of channels, in the number and the order of the paths. Reads PNG,
    JPEG, TIFF (also 16-bit, float, and of several pages or bands), WebP, BMP, GIF (the
    first frame), ``.npy``, and what else Pillow and tifffile read. EXIF rotation is
    undone. The content of a file counts, not its suffix.

    Parameters
    ----------
    size : int, (int, int) or "auto", default=64
        Side of square images, or height and width, in pixels. "auto" looks at the sizes
        of the files: the size of all of them if they have one of at most 64 pixels a
        side; else their median, reduced to at most 64 for the longer side, and square
        unless nearly all files have one ratio of sides.
    mode : {"auto", "grey", "rgb", "native"}, default="auto"
        Channels of the result. "auto" is "grey" if all files are grey, also those that
        are stored in colour without having any; else "rgb". "native" keeps the channels
        as they are stored, such as the bands of a satellite or microscopy image and all
        pages of a TIFF; all files must have the same number.
    fit : {"pad", "crop", "stretch"}, default="pad"
        How files of another ratio of sides get the size: "pad" keeps all of the image
        and adds borders, "crop" cuts off the ends of the longer side, "stretch"
        distorts. It is read and set by `get_params` and `set_params` only: the
        attribute of this name is the method.
    background : str, int or (int, int, int), default="white"
        Colour below what is transparent: a name or "#rrggbb", a grey value, or red,
        green and blue, from 0 to 255. Not used in mode "native", which keeps the
        transparency as a channel.
    padding : str, int or (int, int, int), default="black"
        Colour of the borders of "pad", and of the blank images of ``on_error="blank"``.
    on_error : {"raise", "blank"}, default="raise"
        What to do with a file that cannot be read: raise an error that names it, or
        give a blank image and, at the end, a warning that counts them. Rows are never
        left out; ``find_images(folder, check=True)`` leaves such files out beforehand.
    max_pixels : int, default=178956970
        A file whose header claims more pixels than this is not decoded and counts as
        unreadable. The default is Pillow's own limit; to read larger images, raise
        ``PIL.Image.MAX_IMAGE_PIXELS`` as well.
    memmap_above : int or None, default=1073741824
        If the result is larger than this number of bytes, it is a read-only memory map
        of a temporary file, which takes no memory. The file is removed when the array
        is no longer used. None: always in memory.
    memmap_folder : str or path-like, default=None
        Folder of this file. None takes the system's folder for temporary files, which
        may be small, or itself in memory.
    n_jobs : int, default=-1
        Number of threads that decode; -1 takes all cores, None takes one. Inside
        ``joblib.parallel_config("loky")`` they are processes.
    progress : bool, default=True
        Show a progress bar if it takes longer than a second, on a terminal and if rich
        is installed.

    Attributes
    ----------
    image_shape_ : tuple of int
        Channels, height and width of every image.
    mode_ : str
        "grey", "rgb" or "native".
    value_ranges_ : dict
        For every type of values that is not 8-bit (``"uint16"``, ..., and ``"float"``
        for all floats): the values that become 0 and 255, found in all files. ndarray
        of shape (1, 2), or (n_channels, 2) in mode "native".

    Raises
    ------
    ImageReadError
        In `fit` and `transform`: for a file that cannot be read.
    FileNotFoundError
        For a path without a file.

    Warns
    -----
    ImageReadWarning
        Of blank images; of pages, bands, or bits that are not read; of values that are
        not finite; and of the size that "auto" chose.
    ImageScaleWarning
        Of values that are scaled, and of values beyond the range found in `fit`.

    See Also
    --------
    find_images : Image files of a folder.

    Notes
    -----
    No fit is needed: without one, `transform` takes size, channels and ranges of values
    from the files that it is given. `fit` remembers these three, and nothing else, so
    that files read later, in a pipeline's `predict` for example, get the same channels
    and the same scale.

    8-bit values stay as they are. All others are scaled to 8 bits, all files of one
    type alike, from the smallest and the largest value of all of them after the change
    of size. Nothing is clipped, and differences in brightness between files remain. In
    mode "native" every channel has a range of its own.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skdeepclust import DCEC, ImageReader, find_images
    >>> paths = find_images("photos")  # doctest: +SKIP
    >>> pipeline = make_pipeline(ImageReader(64), DCEC(10))  # doctest: +SKIP
    >>> labels = pipeline.fit_predict(paths)  # doctest: +SKIP
    """

    _parameter_constraints = {
        "size": [Interval(Integral, 1, None, closed="left"), "array-like", str],
        "mode": [StrOptions({"auto", "grey", "rgb", "native"})],
        "fit": [StrOptions({"pad", "crop", "stretch"})],
        "background": [str, Interval(Integral, 0, 255, closed="both"), "array-like"],
        "padding": [str, Interval(Integral, 0, 255, closed="both"), "array-like"],
        "on_error": [StrOptions({"raise", "blank"})],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "memmap_above": [Interval(Integral, 0, None, closed="left"), None],
        "memmap_folder": [str, os.PathLike, None],
        "n_jobs": [Integral, None],
        "progress": ["boolean"],
    }

    def __init__(
        self,
        size=64,
        mode="auto",
        fit="pad",
        *,
        background="white",
        padding="black",
        on_error="raise",
        max_pixels=MAX_PIXELS,
        memmap_above=2**30,
        memmap_folder=None,
        n_jobs=-1,
        progress=True,
    ):
        self.size = size
        self.mode = mode
        self._fit = fit  # the name without an underscore is the method's
        self.background = background
        self.padding = padding
        self.on_error = on_error
        self.max_pixels = max_pixels
        self.memmap_above = memmap_above
        self.memmap_folder = memmap_folder
        self.n_jobs = n_jobs
        self.progress = progress

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Without effect: no parameter is an estimator.

        Returns
        -------
        params : dict
            Names of parameters mapped to their values.
        """
        return {**super().get_params(deep=deep), "fit": self._fit}

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params : dict
            Parameters of this transformer.

        Returns
        -------
        self : ImageReader
            This transformer.
        """
        others = {name: value for name, value in params.items() if name != "fit"}
        super().set_params(**others)
        self._fit = params.get("fit", self._fit)
        return self

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the size, the channels and the range of values from files.

        Headers of all files are read, and files whose values have to be scaled are
        decoded.

        Parameters
        ----------
        X : sequence of str or path-like of length n_samples
            Paths: a list, a one-dimensional array, or a pandas Series.
        y : Ignored
            For the API of scikit-learn.

        Returns
        -------
        self : ImageReader
            The fitted transformer.
        """
        learned = self._learn(as_paths(X))
        self.mode_ = learned.mode
        self.image_shape_ = learned.image_shape
        self.value_ranges_ = learned.value_ranges
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Read files.

        Parameters
        ----------
        X : sequence of str or path-like of length n_samples
            Paths: a list, a one-dimensional array, or a pandas Series.

        Returns
        -------
        images : ndarray of shape (n_samples, n_channels, height, width), uint8
            Row i is the i-th file. A memory map if it is larger than `memmap_above`.
        """
        paths = as_paths(X)
        learned = self._fitted()
        return self._read(paths, self._learn(paths) if learned is None else learned)

    def _fitted(self):
        """What `fit` has learned, or None."""
        if not hasattr(self, "image_shape_"):
            return None
        validate_parameters(self)
        return Learned(self.mode_, self.image_shape_, self.value_ranges_)

    def _learn(self, paths):
        validate_parameters(self)
        size = as_size(self.size)
        as_color(self.padding, "padding")  # wrong ones are refused before the work
        recipe = self._recipe(size, self.mode)
        learned = learn(paths, recipe, self.on_error == "blank", self._options())
        warn_of_choices(learned, size_is_auto=size is None)
        return learned

    def _recipe(self, size, mode):
        background = as_color(self.background, "background")
        return Recipe(size, mode, self._fit, background, int(self.max_pixels))

    def _options(self):
        return {"n_jobs": self.n_jobs, "progress": bool(self.progress)}

    def _read(self, paths, learned):
        layout = Layout(
            learned.image_shape,
            learned.value_ranges,
            as_color(self.padding, "padding"),
        )
        recipe = self._recipe(learned.image_shape[1:], learned.mode)
        shape = (len(paths), *learned.image_shape)
        rows = Rows(shape, self.memmap_above, self.memmap_folder)
        failures: list[tuple[int, str]] = []
        counts: Counter = Counter()
        options = {"title": "Reading images", **self._options()}
        try:
            with in_pool(read_rows, paths, recipe, layout, **options) as blocks:
                for start, block in blocks:
                    failures.extend((start + i, why) for i, why in block.failures)
                    if failures and self.on_error == "raise":
                        first, why = failures[0]
                        raise_for(paths[first], why)
                    rows.append(block.rows)
                    counts.update(block.counts)
            images = rows.done()
        except BaseException:
            rows.discard()
            raise
        warn_of_blanks(paths, failures)
        warn_of_readings(counts, len(paths))
        return images

    def __sklearn_is_fitted__(self):
        return True  # no fit is needed

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags
