"""What a reader says: errors that name a file, and warnings that count files."""

from collections import Counter
from typing import Any, NoReturn

from skdeepclust._warnings import warn
from skdeepclust.exceptions import ImageReadError, ImageReadWarning, ImageScaleWarning
from skdeepclust.images._file import NO_FILE
from skdeepclust.images._rows import range_of_type

__all__ = ["raise_for", "warn_of_blanks", "warn_of_choices", "warn_of_readings"]

_LOST = {
    "pages": "have several pages, of which the first was read. mode='native' reads all",
    "bands": "have bands that were not read. mode='native' reads all",
    "bits": "are 16-bit PNG in colour, of which Pillow reads the upper 8 bits. Save "
    "them as TIFF for a scale by their values",
    "not finite": "have NaN or infinite values. They were read as the lowest and the "
    "highest value of the file",
}


def raise_for(path: str, reason: str) -> NoReturn:
    """Raise the error for a file.

    Parameters
    ----------
    path : str
        The file.
    reason : str
        Why it cannot be read.
    """
    if reason == NO_FILE:
        raise FileNotFoundError(f"There is no file {path!r}.")
    raise ImageReadError(
        f"{path!r} cannot be read: {reason}. find_images(folder, check=True) leaves "
        "such files out, and on_error='blank' reads them as blank images."
    )


def warn_of_choices(learned: Any, size_is_auto: bool) -> None:
    """Say which size was chosen, and which values will be scaled.

    Parameters
    ----------
    learned : Learned
        What was found.
    size_is_auto : bool
        Whether the size was to be chosen.
    """
    if size_is_auto:
        height, width = learned.image_shape[1:]
        warn(
            f"size='auto' takes {height} x {width} pixels (height x width), by the "
            f"sizes of the files. Pass size=({height}, {width}) to confirm it.",
            ImageReadWarning,
        )
    for kind, ranges in learned.value_ranges.items():
        low, high = ranges.min(), ranges.max()
        warn(
            f"{learned.n_scaled[kind]} of {learned.n_files} files have {kind} values. "
            f"They are scaled to 8 bits, all alike: {low:g} becomes 0, and {high:g} "
            "becomes 255. These are the smallest and the largest value in the size "
            f"that is read{', each channel by its own' if len(ranges) > 1 else ''}.",
            ImageScaleWarning,
        )


def warn_of_blanks(paths: list[str], failures: list[tuple[int, str]]) -> None:
    """Count files that were read as blank images.

    Parameters
    ----------
    paths : list of str
        All files.
    failures : list of (int, str)
        Positions of those that could not be read, and reasons.
    """
    if not failures:
        return
    first, reason = failures[0]
    warn(
        f"{len(failures)} of {len(paths)} files could not be read and are blank "
        f"images. The first: {paths[first]!r}: {reason}.",
        ImageReadWarning,
    )


def warn_of_readings(counts: Counter, n_files: int) -> None:
    """Say what of the files was not read, or not scaled as the others.

    Parameters
    ----------
    counts : Counter
        Number of files by what was odd.
    n_files : int
        Number of all files.
    """
    for name, words in _LOST.items():
        if counts[name]:
            warn(f"{counts[name]} of {n_files} files {words}.", ImageReadWarning)
    if counts["clipped"]:
        warn(
            f"{counts['clipped']} of {n_files} files have values beyond the range that "
            "fit found (value_ranges_). They were clipped. Fit on files that have the "
            "whole range.",
            ImageScaleWarning,
        )
    for name in sorted(counts):
        if name.startswith("new "):
            kind = name.removeprefix("new ")
            low, high = range_of_type(kind)[0]
            warn(
                f"{counts[name]} of {n_files} files have {kind} values, and no file of "
                f"fit had any. They were scaled from {low:g} to {high:g}. Fit on such "
                "files for a scale by their values.",
                ImageScaleWarning,
            )
