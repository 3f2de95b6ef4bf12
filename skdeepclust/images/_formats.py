"""Pillow and tifffile, imported on use, and what they read."""

from functools import lru_cache
from types import ModuleType

__all__ = ["formats", "import_pillow", "import_tifffile", "suffixes"]

# Formats that Pillow only identifies, or reads by another program.
_LEFT_OUT = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}

# Pillow asks the formats one after the other: the usual ones come first.
_USUAL = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF")


def import_pillow() -> ModuleType:
    """Pillow's module Image, or an error that says how to get it."""
    try:
        from PIL import Image, ImageOps  # noqa: F401
    except ImportError as error:
        raise ImportError(_advice("Pillow")) from error
    return Image


def import_tifffile() -> ModuleType:
    """The module tifffile, or an error that says how to get it."""
    try:
        import tifffile
    except ImportError as error:
        raise ImportError(_advice("tifffile")) from error
    return tifffile


def _advice(name):
    return (
        f'Image files are read by {name}: pip install "skdeepclust[images]", or '
        f"pip install {name.lower()}."
    )


@lru_cache(maxsize=1)
def formats() -> tuple[str, ...]:
    """Names of the formats that Pillow may try."""
    Image = import_pillow()
    Image.init()
    others = sorted(set(Image.OPEN) - set(_USUAL) - _LEFT_OUT)
    return (*(name for name in _USUAL if name in Image.OPEN), *others)


@lru_cache(maxsize=1)
def suffixes() -> frozenset[str]:
    """Suffixes of image files, in lower case and with their dot."""
    readable = {*formats(), "MPO"}  # a JPEG of several pictures
    by_pillow = {
        suffix.lower()
        for suffix, name in import_pillow().registered_extensions().items()
        if name in readable
    }
    # Of a suffix of two parts, such as ome.tif, the last one counts.
    by_tifffile = {
        "." + suffix.rpartition(".")[2].lower()
        for suffix in import_tifffile().TIFF.FILE_EXTENSIONS
    }
    return frozenset({*by_pillow, *by_tifffile, ".npy"})
