"""The image files of a folder."""

import os
import stat
import unicodedata
from numbers import Integral
from pathlib import Path
from typing import Any

from skdeepclust._warnings import warn
from skdeepclust.exceptions import ImageReadWarning
from skdeepclust.images._file import Recipe, read, reason_of
from skdeepclust.images._formats import suffixes
from skdeepclust.images._pool import in_pool

__all__ = ["MAX_PIXELS", "find_images"]

MAX_PIXELS = 178_956_970  # above it Pillow takes a file for a decompression bomb

# Folders in which systems keep copies, thumbnails and waste. Their names are compared
# in lower case. Names that begin with a dot are hidden anyway.
_FOREIGN = {
    *("__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information"),
    "lost+found",
}

_N_SHOWN = 3  # reasons in an error

# A small size is enough to see whether a file can be decoded.
_CHECK = Recipe((32, 32), "rgb", "stretch", (0, 0, 0), MAX_PIXELS)


def find_images(
    folder: Any,
    check: bool = False,
    *,
    max_pixels: int = MAX_PIXELS,
    n_jobs: int | None = -1,
    progress: bool = True,
) -> Any:
    """Find the image files of a folder and of its subfolders.

    Parameters
    ----------
    folder : str or path-like
        The folder.
    check : bool, default=False
        Decode every file, leave out those that cannot be read, and also return a table
        of them. This takes about as long as reading all files once.
    max_pixels : int, default=178956970
        With `check`: files whose header claims more pixels are not decoded and count as
        unreadable. The default is Pillow's own limit.
    n_jobs : int, default=-1
        With `check`: number of threads that decode; -1 takes all cores, None takes one
        (see :class:`joblib.Parallel`).
    progress : bool, default=True
        With `check`: show a progress bar if it takes longer than a second, on a
        terminal and if rich is installed.

    Returns
    -------
    paths : list of Path
        Files with a suffix that Pillow or tifffile reads, or ``.npy``, in upper or
        lower case. They begin with `folder`. They are sorted by their path relative to
        `folder`, character by character: the order is the same on every system and in
        every language.
    rejected : DataFrame
        Only with `check`: a row per file that cannot be read, with the columns "path"
        and "reason".

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `folder` does not exist, or is a file.
    ImportError
        If Pillow or tifffile is not installed; with `check`, if pandas is not.
    ValueError
        If there is no image. With `check`, if more than half of the files cannot be
        read.

    Warns
    -----
    ImageReadWarning
        If a subfolder may not be listed.

    See Also
    --------
    ImageReader : Reads the files.

    Notes
    -----
    Hidden files and folders are left out, and so are the folders in which systems keep
    thumbnails and waste (``__MACOSX``, ``@eaDir``, ``$RECYCLE.BIN``).

    Links to files and to folders are followed, also those that lead out of `folder`,
    and every file and folder is taken once: a link to what has been found already is
    left out. A link to a folder that `folder` lies in is not followed. So loops of
    links end.

    Examples
    --------
    >>> from skdeepclust import find_images
    >>> paths = find_images("photos")  # doctest: +SKIP
    >>> paths, rejected = find_images("photos", check=True)  # doctest: +SKIP
    """
    root = _checked_folder(folder)
    if not isinstance(check, bool):
        raise TypeError(f"check={check!r} must be True or False.")
    if not isinstance(max_pixels, Integral) or max_pixels < 1:
        raise ValueError(
            f"max_pixels={max_pixels!r} must be a whole number, 1 or more."
        )
    pandas = _import_pandas() if check else None
    found, n_others = _search(root)
    if not found:
        raise ValueError(
            f"No image files in {str(folder)!r} or its subfolders; {n_others} other "
            "files were left out. Files are known by suffixes such as .png, .jpg and "
            ".tif; hidden files are not taken."
        )
    paths = [Path(folder, name) for name in sorted(found, key=_order)]
    if pandas is None:
        return paths
    recipe = _CHECK._replace(max_pixels=int(max_pixels))
    rejected: dict[int, str] = {}
    names = [str(path) for path in paths]
    options = {"n_jobs": n_jobs, "title": "Checking images", "progress": progress}
    with in_pool(_reasons, names, recipe, **options) as blocks:
        for start, reasons in blocks:
            rejected |= {start + i: reason for i, reason in reasons.items()}
    _check_share(paths, rejected)
    table = {
        "path": [paths[i] for i in rejected],
        "reason": list(rejected.values()),
    }
    readable = [path for i, path in enumerate(paths) if i not in rejected]
    return readable, pandas.DataFrame(table)


def _checked_folder(folder):
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(
            f"folder must be a path (str or path-like), got {type(folder).__name__}."
        )
    if not os.path.exists(folder):
        raise FileNotFoundError(f"There is no folder {str(folder)!r}.")
    if not os.path.isdir(folder):
        raise NotADirectoryError(
            f"{str(folder)!r} is a file. Pass a folder to find_images, or [path] to an "
            "ImageReader."
        )
    return os.fspath(folder)


def _import_pandas():
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "check=True returns a pandas DataFrame, and pandas is not installed. "
            'Install it with: pip install pandas, or pip install "skdeepclust[tables]"'
        ) from error
    return pandas


def _order(name):
    """Key of the order: the same for both ways to write an accent."""
    posix = name.replace(os.sep, "/")
    return unicodedata.normalize("NFC", posix), posix


def _reasons(paths, recipe):
    """Reasons why files of a block cannot be read, by position."""
    reasons = {}
    for i, path in enumerate(paths):
        try:
            read(path, recipe)
        except Exception as error:
            reasons[i] = reason_of(error)
    return reasons


def _check_share(paths, rejected):
    if len(rejected) <= len(paths) / 2:
        return
    some = list(rejected.items())[:_N_SHOWN]
    shown = "; ".join(f"{str(paths[i])!r}: {reason}" for i, reason in some)
    raise ValueError(
        f"{len(rejected)} of {len(paths)} files cannot be read, more than half. The "
        f"first: {shown}. Is this the right folder?"
    )


# -- walking ---------------------------------------------------------------------------


def _search(root):
    """Names of image files relative to a folder, and the number of other files."""
    walk = _Walk(root)
    walk.below("", os.path.realpath(root))
    while walk.folder_links:  # they may hold further links
        links, walk.folder_links = sorted(walk.folder_links, key=_order), []
        for name in links:
            walk.below_link(name)
    for name in sorted(walk.file_links, key=_order):
        walk.file_link(name)
    return walk.found, walk.n_others


class _Walk:
    """A walk through folders; links wait until all folders have been seen."""

    def __init__(self, root):
        self.found = []
        self.folder_links = []
        self.file_links = []
        self.n_others = 0
        self._root = root
        self._real_root = os.path.realpath(root)
        self._seen = set()  # real paths of folders
        self._real_files = None  # and of files, if there are links

    def below(self, name, real):
        """Go through a folder and its subfolders, links left for later."""
        folders = [(name, real)]
        while folders:
            name, real = folders.pop()
            if real in self._seen:
                continue
            self._seen.add(real)
            for entry in self._entries(name):
                path = os.path.join(name, entry.name)
                if entry.is_symlink():
                    leads_to_folder = os.path.isdir(os.path.join(self._root, path))
                    links = self.folder_links if leads_to_folder else self.file_links
                    links.append(path)
                elif entry.is_dir():
                    folders.append((path, os.path.join(real, entry.name)))
                else:
                    self._take(path, entry.is_file())

    def below_link(self, name):
        """Go through the folder that a link leads to, unless it holds this folder."""
        real = os.path.realpath(os.path.join(self._root, name))
        if not os.path.join(self._real_root, "").startswith(os.path.join(real, "")):
            self.below(name, real)

    def file_link(self, name):
        """Take the file that a link leads to, unless it has been found."""
        path = os.path.join(self._root, name)
        if self._real_files is None:
            self._real_files = {
                os.path.realpath(os.path.join(self._root, each)) for each in self.found
            }
        real = os.path.realpath(path)
        if real not in self._real_files:
            self._take(name, os.path.isfile(path))
            self._real_files.add(real)

    def _take(self, name, is_file):
        is_image = os.path.splitext(name)[1].lower() in suffixes()
        if is_file and is_image:
            self.found.append(name)
        else:
            self.n_others += 1

    def _entries(self, name):
        """What a folder holds that is neither hidden nor foreign."""
        path = os.path.join(self._root, name)
        try:
            with os.scandir(path) as entries:
                return [entry for entry in entries if not _is_hidden(entry)]
        except OSError as error:
            warn(
                f"The folder {path!r} was left out: {error.strerror or error}.",
                ImageReadWarning,
            )
            return []


def _is_hidden(entry):
    if entry.name.startswith(".") or entry.name.lower() in _FOREIGN:
        return True
    if os.name != "nt":
        return False
    attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & getattr(stat, "FILE_ATTRIBUTE_HIDDEN", 0))
