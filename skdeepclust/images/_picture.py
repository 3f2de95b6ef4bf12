"""What is known of a picture before it is decoded, and what decoding gives."""

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Loaded", "Picture", "check_pixels"]


class Loaded(NamedTuple):
    """Pixels of a picture, as Pillow images whose channels belong together.

    `alpha` is the opacity of pictures that are to be scaled. `lost` names what of the
    file is not read: "pages", "bands", "bits", or "not finite" values.
    """

    images: list[Any]
    lost: frozenset[str] = frozenset()
    alpha: Any = None


class Picture(NamedTuple):
    """The header of a file.

    Parameters
    ----------
    shape : tuple of int
        Height and width, upright.
    kind : str
        "uint8", or the type of values that have to be scaled: the name of a type of
        integers, or "float".
    n_bands : int
        Number of channels in mode "native".
    is_grey : bool
        Whether it has one channel of light, in every mode but "native".
    load : callable
        Takes a recipe and returns what is loaded.
    """

    shape: tuple[int, ...]
    kind: str
    n_bands: int
    is_grey: bool
    load: Callable[[Any], Loaded]


def check_pixels(n_pixels: int, shape: tuple[int, ...], max_pixels: int) -> None:
    """Refuse a picture by the size that its header claims."""
    if n_pixels > max_pixels:
        claimed = " x ".join(f"{length:,}" for length in shape)
        raise ValueError(
            f"its header claims {claimed} = {n_pixels:,} pixels, more than "
            f"max_pixels={max_pixels:,}"
        )
