"""Checks of paths that cost nothing: before torch is imported."""

import os
from pathlib import Path

from skdeepclust.cli._errors import CommandError

__all__ = ["check_new", "kind_of", "out_of"]

_SUFFIXES = (".csv", ".tsv", ".parquet", ".pq")


def kind_of(path: str) -> str:
    """Whether an input is a folder of images or a table.

    Parameters
    ----------
    path : str
        The input.

    Returns
    -------
    kind : {"images", "table"}
        What it is.
    """
    if os.path.isdir(path):
        return "images"
    if not os.path.exists(path):
        raise CommandError(f"There is no folder or file {path!r}.")
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise CommandError(
            f"{path!r} is neither a folder of images nor a table "
            f"({', '.join(_SUFFIXES)})."
        )
    return "table"


def out_of(path: str) -> Path:
    """The folder that is written without --out: in the current one.

    Parameters
    ----------
    path : str
        The input.

    Returns
    -------
    out : Path
        The folder.
    """
    whole = Path(os.path.abspath(path))
    name = whole.name if os.path.isdir(path) else whole.stem
    return Path(f"{name or 'root'}-clusters")


def check_new(path: Path, replace: bool = False) -> None:
    """Refuse a folder that is not new.

    Parameters
    ----------
    path : Path
        The folder.
    replace : bool, default=False
        Whether a folder may be replaced.
    """
    shown = str(path)
    if path.name in ("", ".."):
        raise CommandError(f"{shown!r} is no name for a new folder.")
    if not path.parent.is_dir():
        raise CommandError(f"There is no folder {str(path.parent)!r} to write to.")
    if not os.path.lexists(path):
        return
    is_folder = path.is_dir() and not path.is_symlink()
    if is_folder and (replace or not any(path.iterdir())):
        return
    raise CommandError(
        f"{shown!r} exists. Nothing is overwritten: pass another folder, or remove it "
        "(apply: pass --replace)."
    )
