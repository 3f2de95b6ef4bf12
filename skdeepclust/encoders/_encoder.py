"""A transformer from images to features of a frozen network."""

import copy
import os
from collections.abc import Mapping
from numbers import Integral
from typing import Any, Self
from weakref import WeakKeyDictionary

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from torch import nn

from skdeepclust._base import forget_fit
from skdeepclust._cache import Cache, fingerprint
from skdeepclust._compat import Interval, StrOptions, validate_parameters
from skdeepclust._containers import as_array
from skdeepclust._device import resolve_device
from skdeepclust._distributed import (
    is_first,
    n_processes,
    own_part,
    rows_of_all,
)
from skdeepclust._inputs import check_input
from skdeepclust._warnings import warn
from skdeepclust.encoders._features import Plan, cached_features, encoded, features_of
from skdeepclust.encoders._named import Named, load_named
from skdeepclust.encoders._network import Network, bands_of, digest_of
from skdeepclust.encoders._sources import Array, Files, are_paths
from skdeepclust.encoders._store import FeatureStore
from skdeepclust.encoders._threads import n_threads
from skdeepclust.encoders._transforms import (
    AsItIs,
    ByCallable,
    described,
    resolve_transform,
)
from skdeepclust.exceptions import ImageShapeWarning
from skdeepclust.images._formats import import_pillow
from skdeepclust.images._inputs import as_paths
from skdeepclust.images._pool import progress_bar, quiet_decoders

__all__ = ["FrozenEncoder"]

# Networks that were loaded by name, as long as their encoder is there. They are no part
# of it, so that a pickle does not hold them.
_LOADED: "WeakKeyDictionary[FrozenEncoder, tuple[Any, Named]]" = WeakKeyDictionary()

# On a CPU the activations of a small batch stay in its caches: benchmarks/README.md.
_BATCH_ON_CPU, _BATCH_ON_GPU = 8, 64


class FrozenEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """From images to features, by a network that is trained already.

    For photographs: the features of a network that has seen millions of them are
    clustered far better than pixels or embeddings learned from some thousand images.
    The network stays as it is, in eval mode and without gradients. Any clusterer can
    follow in a pipeline.

    Parameters
    ----------
    backbone : nn.Module, callable or str
        The network. A module or a callable takes a batch of images and returns features
        (b, d); from an output (b, d, height, width) the mean over the image is taken. A
        module is copied and stays as it is. A callable, such as ``module.encode_image``
        or a function that calls a module, gets batches on `device`, where its module
        must be; the module is in eval mode meanwhile. Or a name, for a network without
        its last layer:

        - ``"timm:MODEL"`` or ``"timm:MODEL.TAG"``;
        - ``"torchvision:MODEL"`` or ``"torchvision:MODEL/WEIGHTS"``;
        - ``"transformers:OWNER/MODEL"`` or ``"transformers:FOLDER"``: the pooled
          output where the weights hold one, else the first token (CLS), or the mean
          over the image;
        - ``"open_clip:MODEL/TAG"``: the embedding of the image.
    transform : "auto", None, dict or callable, default="auto"
        What is done with an image before the network. "auto" does what the
        configuration of a network with a name asks for, and nothing for other networks.
        None: nothing. uint8 is always scaled to [0, 1], other numbers never. A dict has
        the keys

        - ``size``: height and width, or one number for both;
        - ``crop``: share of the sides that is kept of the largest centred part that
          has the ratio of `size`, 1.0 if it is missing; None stretches the whole image;
        - ``interpolation``: "bicubic" if it is missing, or "bilinear", "lanczos",
          "box", "hamming", "nearest";
        - ``mean`` and ``std``: of values from 0 to 1, a number, or one per band.

        What it lacks of the last three comes from the configuration of a network with a
        name.

        A callable takes one image of Pillow, in RGB, and returns a tensor or an array
        (channels, height, width), as transforms of torchvision do.
    weights : str or path-like, default=None
        File with the weights of a network with a name, .safetensors or a state dict of
        torch. It is read without running code. None takes the weights that belong to
        the name.
    download : bool, default=False
        Whether weights that are not on this computer may be fetched. If not, the error
        says what would be fetched, from where, and how large it is.
    image_shape : "auto", None or tuple of 2 or 3 ints, default="auto"
        Channels, height and width (or height and width) of an image, if the rows of X
        are flattened images. None: rows are not images, and go to the network as they
        are.
    batch_size : int or "auto", default="auto"
        Images in a batch. It changes features by rounding only. "auto" is 8 on a CPU,
        ours, because larger batches were up to three times slower there, and else 64.
    device : str or torch.device, default="auto"
        Device to compute on. "auto" takes CUDA, else MPS, else the CPU.
    dtype : {"float32", "bfloat16"}, default="float32"
        Type in which the network computes. "bfloat16" is faster and smaller on recent
        GPUs, and has three significant digits. Features are float32 in any case.
    memory : str, path-like, joblib.Memory or None, default=None
        Folder for features. They are kept per image and model as they are computed: an
        interrupted run goes on where it was, and images that were encoded before take
        no time. See Notes.
    n_jobs : int, default=-1
        Number of threads that read and resize images while the network runs; -1 takes
        all cores, None takes one.
    verbose : int, default=0
        1 shows a progress bar if it takes longer than a second, on a terminal and if
        rich is installed.

    Attributes
    ----------
    embedding_dim_ : int
        Number of features.
    image_shape_ : tuple of 3 ints or None
        Channels, height and width of the images seen in `fit`; None for rows that are
        not images. Only after a fit on an array.
    n_features_in_ : int
        Number of values per sample. Only after a fit on an array.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has them.

    Raises
    ------
    FileNotFoundError
        When weights are not on this computer and `download` is False.
    ImageReadError
        For a file that cannot be read.
    CacheError
        With `memory`, when nobody can tell whether the backbone or the transform is the
        same in another run; the message names the parameter.

    Warns
    -----
    CacheWarning
        When a file of cached features is damaged or cannot be written.
    DataScaleWarning
        When X holds whole numbers of another type than uint8, which are not scaled.
    ImageShapeWarning
        When X has the shape of a single image with three bands, and is taken for three
        grey images.

    See Also
    --------
    ImageReader : Images of one size from files.
    Autoencoder : An embedding that is learned from X alone.

    Notes
    -----
    `fit` learns nothing from the images: it loads the network, and encodes the first
    image to know the number of features. `transform` works without it.

    Each image is resized once, from its full size to that of the network. Pass paths,
    or arrays of full-sized images, and not thumbnails. Images in files are read as
    :class:`ImageReader` reads them in colour. Grey images are repeated to three bands
    for networks that take three.

    A key of `memory` holds the bytes of the image or of the file; the weights, the
    name, and the versions of the libraries; the transform; and `dtype`. It does not
    hold `batch_size` and `device`, which change features by rounding. Files are written
    as a whole, every some hundred images, with a checksum, and several processes may
    share the folder.

    Weights from other people are data, not code: they are loaded with
    ``weights_only=True``, and code from a model hub is never run.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from skdeepclust import FrozenEncoder
    >>> network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    >>> X = np.random.RandomState(0).randint(0, 256, (5, 3, 32, 32)).astype(np.uint8)
    >>> FrozenEncoder(network, transform=dict(size=16)).fit_transform(X).shape
    (5, 8)

    With a name, from files to clusters:

    >>> from sklearn.cluster import KMeans
    >>> from sklearn.pipeline import make_pipeline
    >>> encoder = FrozenEncoder("timm:convnext_tiny.fb_in22k", memory="features")
    >>> pipeline = make_pipeline(encoder, KMeans(10))
    >>> labels = pipeline.fit_predict(paths)  # doctest: +SKIP
    """

    _parameter_constraints = {
        "backbone": [str, callable],
        "transform": [StrOptions({"auto"}), Mapping, callable, None],
        "weights": [str, os.PathLike, None],
        "download": ["boolean"],
        "image_shape": [StrOptions({"auto"}), tuple, list, None],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "device": [str, torch.device],
        "dtype": [StrOptions({"float32", "bfloat16"})],
        "memory": [str, os.PathLike, joblib.Memory, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    # Rows of a table are never guessed to be images.
    _guesses_images = False

    def __init__(
        self,
        backbone,
        *,
        transform="auto",
        weights=None,
        download=False,
        image_shape="auto",
        batch_size="auto",
        device="auto",
        dtype="float32",
        memory=None,
        n_jobs=-1,
        verbose=0,
    ):
        self.backbone = backbone
        self._transform = transform  # the name without an underscore is the method's
        self.weights = weights
        self.download = download
        self.image_shape = image_shape
        self.batch_size = batch_size
        self.device = device
        self.dtype = dtype
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose

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
        return {**super().get_params(deep=False), "transform": self._transform}

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params : dict
            Parameters of this transformer.

        Returns
        -------
        self : FrozenEncoder
            This transformer.
        """
        others = {name: value for name, value in params.items() if name != "transform"}
        super().set_params(**others)
        self._transform = params.get("transform", self._transform)
        return self

    def fit(self, X: Any, y: Any = None) -> Self:
        """Load the network and encode the first image, for the number of features.

        Parameters
        ----------
        X : array-like of shape (n_samples, C, H, W), (n_samples, H, W) or \
                (n_samples, n_features), or sequence of paths
            Images, as for `transform`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : FrozenEncoder
            The fitted transformer.
        """
        seen = self._unfitted()
        plan = seen._plan(X, reset=True)
        with quiet_decoders(), encoded(plan, np.arange(1)) as batches:
            (_, features), *_ = batches
        forget_fit(self)
        if seen in _LOADED:
            _LOADED[self] = _LOADED[seen]
        for name, value in vars(seen).items():
            if name.endswith("_"):
                setattr(self, name, value)
        self.embedding_dim_ = features.shape[1]
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Encode images.

        Parameters
        ----------
        X : array-like of shape (n_samples, C, H, W), (n_samples, H, W) or \
                (n_samples, n_features), or sequence of paths
            Images: an array, uint8 or floats, also a memory map; or the paths of image
            files, as :func:`find_images` returns them. Images of any size, in files
            also of different sizes.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features_out)
            Features, float32.
        """
        part = own_part(len(X)) if n_processes() > 1 else None
        plan = self._plan(X if part is None else _rows(X, part), reset=False)
        store = self._store()
        is_shown = bool(self.verbose) and is_first()
        bar = progress_bar("Encoding images", len(plan.images), is_shown)
        with quiet_decoders(), bar as advance:
            if store is None:
                features = features_of(plan, advance)
            else:
                features = cached_features(plan, store, advance)
        return rows_of_all(features, part)

    # -- what is needed for it ---------------------------------------------------------

    def _plan(self, X, *, reset):
        validate_parameters(self)
        device = resolve_device(self.device)
        backbone, transform = self._resolved()
        images = self._images(X, backbone, reset)
        if isinstance(transform, ByCallable):
            images.check_for_pillow()
        elif transform.mean is not None or transform.std is not None:
            images.check_for_levels()
        else:
            images.warn_of_integers()
        is_ours = isinstance(self.backbone, str)
        if is_ours and images.n_bands not in (None, 1, 3):
            raise ValueError(
                f"X holds images of {images.n_bands} bands, and backbone="
                f"{self.backbone!r} takes three. Pass three of them, such as "
                "X[:, [3, 2, 1]], or a network of your own for all of them."
            )
        network = Network(backbone, device, self.dtype, is_ours, transform)
        batch_size = self.batch_size
        if isinstance(batch_size, str):  # "auto"
            batch_size = _BATCH_ON_CPU if device.type == "cpu" else _BATCH_ON_GPU
        workers = n_threads(self.n_jobs)
        return Plan(images, transform, network, int(batch_size), workers)

    def _resolved(self):
        """The network, and the transform as an object that loads."""
        given = self._transform
        is_auto = isinstance(given, str)
        transform = None if is_auto else resolve_transform(given)
        if not isinstance(self.backbone, str):
            self._check_no_name()
            return self.backbone, transform or AsItIs()
        named = self._named()
        if isinstance(given, Mapping):
            transform = resolve_transform({**named.settings, **given})
        return named.network, transform or ByCallable(named.transform)

    def _check_no_name(self):
        given = [name for name in ("weights", "download") if getattr(self, name)]
        if isinstance(self.backbone, type):
            raise TypeError(
                f"backbone is the class {self.backbone.__name__}. Pass an instance: "
                f"backbone={self.backbone.__name__}(...)."
            )
        if given:
            raise ValueError(
                f"{' and '.join(given)}: only for a backbone with a name, such as "
                "'timm:resnet18'. Load weights into your network before you pass it."
            )

    def _named(self) -> Named:
        key = [self.backbone, self.weights]
        if self.weights is not None and os.path.exists(self.weights):
            status = os.stat(self.weights)
            key += [status.st_mtime_ns, status.st_size]
        known = _LOADED.get(self)
        if known is None or known[0] != key:
            known = key, load_named(self.backbone, self.weights, self.download)
            _LOADED[self] = known
        return known[1]

    def _images(self, X, backbone, reset):
        if are_paths(X):
            return Files(as_paths(X), 1 if bands_of(backbone) == 1 else 3)
        # Images of another size than in `fit` are as good.
        X = as_array(X)
        are_images = getattr(X, "ndim", 2) > 2
        is_new = reset or are_images or not hasattr(self, "n_features_in_")
        checked = self if reset else self._unfitted() if is_new else self
        rows = check_input(checked, X, reset=is_new)
        shape = checked.image_shape_
        takes_bands = isinstance(backbone, str) or bands_of(backbone) == 3
        if takes_bands and np.ndim(X) == len(X) == 3:
            warn(
                f"X of shape {np.shape(X)} is taken for three grey images. If it is "
                "one image with three bands, pass X[None].",
                ImageShapeWarning,
            )
        if shape is None and isinstance(self.image_shape, str):
            raise ValueError(
                f"X has the shape {rows.shape}, and FrozenEncoder expects images "
                "(n, C, H, W) or (n, H, W), or paths. Pass image_shape=(C, H, W) if "
                "the rows are flattened images, or image_shape=None if they are none."
            )
        return Array(rows, shape)

    def _unfitted(self):
        """A copy with these parameters and no fit."""
        other = copy.copy(self)
        forget_fit(other)
        if self in _LOADED:
            _LOADED[other] = _LOADED[self]
        return other

    def _store(self) -> FeatureStore | None:
        if self.memory is None:
            return None
        cache = Cache(self.memory)
        cache.make_folder()
        if cache.folder is None:
            return None
        key = fingerprint(np.empty(0), self._described())
        return FeatureStore(cache.folder / "features" / key)

    def _described(self) -> dict[str, Any]:
        """What features depend on, besides the image."""
        pillow = getattr(import_pillow(), "__version__", "")
        facts = {"dtype": self.dtype, "pillow": pillow, "transform": self._transform}
        if not isinstance(self.backbone, str):
            backbone = self.backbone
            if isinstance(backbone, nn.Module):  # in any mode, and on any device
                state = backbone.state_dict().values()
                facts["types"] = [str(getattr(v, "dtype", "")) for v in state]
                backbone = copy.deepcopy(backbone).eval().float().cpu()
            return {**facts, "backbone": backbone}
        named = self._named()
        facts |= {"backbone": self.backbone, "versions": named.versions}
        if isinstance(self._transform, str):
            facts["transform"] = described(named.transform)
        return {**facts, "weights": digest_of(named.network)}

    @property
    def _n_features_out(self):
        return self.embedding_dim_

    def __sklearn_is_fitted__(self):
        return hasattr(self, "embedding_dim_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = not isinstance(self.image_shape, str)
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _rows(X, part):
    """Some rows of whatever has rows."""
    return X.iloc[part] if hasattr(X, "iloc") else X[part]
