"""The state of a fit on disk, from which the same fit goes on after a crash."""

import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from skdeepclust._archive import (
    DamagedFile,
    Tensors,
    pack,
    read_archive,
    unpack,
    write_archive,
)
from skdeepclust._cache import PACKAGES, Untold, data_hash, described, version_of
from skdeepclust._distributed import from_first, is_first
from skdeepclust._interrupts import Interrupts
from skdeepclust._random import draws_state, set_draws_state
from skdeepclust._warnings import warn
from skdeepclust.exceptions import CheckpointError, CheckpointWarning

__all__ = [
    "WITHOUT_EFFECT",
    "FitCheckpoint",
    "Keeper",
    "Slot",
    "as_checkpoint",
    "keeper_of",
    "own_checkpoint",
]

_KIND = "checkpoint"

# Parameters that change nothing in the result, or only where a fit ends.
WITHOUT_EFFECT = {"checkpoint", "memory", "n_jobs", "verbose", "warm_start"}
_OF_THE_END = {"max_iter", "max_epochs", "n_iter_no_change", "tol"}

# Writing takes at most this share of the time.
_MOST_TIME = 0.01


class FitCheckpoint:
    """Where and how often a fit writes its state.

    The parameter `checkpoint` of an estimator takes the path alone, or this.

    Parameters
    ----------
    path : path
        The file. Its folder must exist. The state before is kept beside it, with
        ".previous" at the end of its name.
    minutes : float, default=1.0
        Minutes from one state to the next. The file is also written at the end of
        every stage. If writing takes long, the minutes grow so that it takes at most
        1 % of the time.
    updates : int or None, default=None
        Steps of the optimiser from one state to the next, whatever time they take. None
        leaves it to `minutes`.

    See Also
    --------
    skdeepclust.load : Reads an estimator that `save` has written.

    Examples
    --------
    >>> from skdeepclust import DCEC, FitCheckpoint
    >>> dcec = DCEC(10, checkpoint=FitCheckpoint("dcec.state", minutes=10))
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        minutes: float = 1.0,
        updates: int | None = None,
    ):
        self.path = path
        self.minutes = minutes
        self.updates = updates

    def __repr__(self) -> str:
        shown = f"{os.fspath(self.path)!r}, minutes={self.minutes}"
        if self.updates is not None:
            shown += f", updates={self.updates}"
        return f"FitCheckpoint({shown})"

    def check(self) -> None:
        """Refuse values and places that cannot be used.

        Raises
        ------
        TypeError or ValueError
            If `path`, `minutes` or `updates` is of another type or range.
        CheckpointError
            If the folder is missing or cannot be written to.
        """
        if not isinstance(self.path, str | os.PathLike):
            raise TypeError(f"checkpoint: path={self.path!r} must be a path.")
        is_number = isinstance(self.minutes, Real) and not isinstance(
            self.minutes, bool | np.bool_
        )
        if not is_number or not self.minutes > 0 or math.isinf(self.minutes):
            raise ValueError(
                f"checkpoint: minutes={self.minutes!r} must be a number above 0."
            )
        is_count = isinstance(self.updates, Integral) and not isinstance(
            self.updates, bool
        )
        if self.updates is not None and not (is_count and self.updates > 0):
            raise ValueError(
                f"checkpoint: updates={self.updates!r} must be an integer above 0, or "
                "None."
            )
        self._check_place()

    def _check_place(self):
        path = Path(self.path)
        if not path.name or path.is_dir():
            raise CheckpointError(
                f"checkpoint={str(path)!r} is a folder. Pass the path of a file."
            )
        try:
            tempfile.TemporaryFile(dir=path.parent).close()
        except OSError as error:
            raise CheckpointError(
                f"checkpoint={str(path)!r}: its folder cannot be written to ({error}). "
                "Make the folder, or pass another path."
            ) from error


def as_checkpoint(checkpoint: Any) -> FitCheckpoint | None:
    """The parameter `checkpoint`, checked, in its full form."""
    if checkpoint is None:
        return None
    if not isinstance(checkpoint, FitCheckpoint):
        checkpoint = FitCheckpoint(checkpoint)
    checkpoint.check()
    return checkpoint


def own_checkpoint(checkpoint: Any, name: str) -> FitCheckpoint | None:
    """A file for one of several fits, its name with `name` at the end."""
    whole = as_checkpoint(checkpoint)
    if whole is None:
        return None
    path = f"{os.fspath(whole.path)}.{name}"
    return FitCheckpoint(path, minutes=whole.minutes, updates=whole.updates)


class Keeper:
    """Keeps the state of a fit: in memory, and on disk if there is a checkpoint.

    A state is a list of entries in the order of the fit, each the result of a part of
    it: a stage of training, or a computation such as a start.

    Parameters
    ----------
    interrupts : Interrupts, optional
        What signals ask for. None asks for nothing.
    place : FitCheckpoint or None
        Where the state goes.
    goes_on : bool, default=False
        Whether a finished fit is to be continued, now or later.
    own : dict, optional
        What :func:`identity` says of the fit.
    """

    def __init__(
        self,
        interrupts: Interrupts | None = None,
        place: FitCheckpoint | None = None,
        goes_on: bool = False,
        own: dict[str, str] | None = None,
    ):
        self.interrupts = interrupts or Interrupts()
        self.was_cut = False
        self.has_begun = False
        self.place = place
        self.goes_on = goes_on
        self.is_kept = place is not None or goes_on
        self._identity = own or {}
        self._entries: dict[str, dict] = {}
        self._counts: dict[str, int] = {}
        self._seed: int | None = None
        self._last_time, self._write_time = time.monotonic(), 0.0
        self._n_updates, self._has_failed = 0, False

    # -- for a fit -------------------------------------------------------------

    def seed(self, seed: int) -> int:
        """Seed of the fit: that of the state, if there is one."""
        if self._seed is None:
            self._seed = seed
        return self._seed

    def begin(self) -> None:
        """Begin the fit, or begin it again."""
        self._counts, self.has_begun = {}, True

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """Result of a computation, from the state if that has it.

        Parameters
        ----------
        name : str
            What is computed.
        compute : callable
            Returns plain values, arrays or tensors.
        """
        if not self.is_kept:
            return from_first(compute())
        key = self._key(name)
        if key in self._entries:
            set_draws_state(self._entries[key]["draws"])
            return self._entries[key]["value"]
        value = from_first(compute())
        self._entries[key] = {"value": value, "draws": draws_state()}
        return value

    def slot(self, stage: str) -> "Slot":
        """Place for the state of a stage of training."""
        return Slot(self, self._key(stage))

    def kept(self) -> dict | None:
        """What a later fit may go on from; None without `warm_start`."""
        if not self.goes_on:
            return None
        return self._state()

    def _state(self):
        return {
            "identity": self._identity,
            "seed": self._seed,
            "entries": self._entries,
        }

    def _key(self, name):
        number = self._counts[name] = self._counts.get(name, -1) + 1
        return f"{name} {number}"

    # -- for slots ---------------------------------------------------------------

    def entry(self, key: str) -> dict | None:
        """State under a key."""
        return self._entries.get(key)

    def set_entry(self, key: str, state: dict) -> None:
        """Keep a state."""
        self._entries[key] = state

    def is_due(self) -> bool:
        """Whether the state is to be written now, by this process."""
        if self.place is None or not is_first():
            return False
        if self.interrupts.ends:
            return True
        if self.place.updates is not None:
            return self._n_updates >= self.place.updates
        rest = max(60 * self.place.minutes, self._write_time / _MOST_TIME)
        return time.monotonic() - self._last_time >= rest

    def count_step(self) -> None:
        """Count a step of the optimiser."""
        self._n_updates += 1

    def write(self) -> None:
        """Write all entries; warn if it is impossible, and go on."""
        if self.place is None or not is_first():
            return
        began = time.monotonic()
        try:
            self._write(Path(self.place.path))
        except OSError as error:
            if not self._has_failed:
                warn(
                    f"checkpoint={str(self.place.path)!r} could not be written "
                    f"({error}); the training went on.",
                    CheckpointWarning,
                )
            self._has_failed = True
        self._last_time = time.monotonic()
        self._write_time, self._n_updates = self._last_time - began, 0

    def _write(self, path):
        tensors = Tensors()
        content = {"state": pack(self._state(), tensors)}
        if path.exists():
            # The new file is written first, so that there is always a whole one.
            draft = path.with_name(f"{path.name}.new")
            write_archive(draft, _KIND, content, tensors)
            path.replace(_previous(path))
            draft.replace(path)
        else:
            write_archive(path, _KIND, content, tensors)

    # -- states of earlier fits ----------------------------------------------------

    def find(self, earlier: dict | None) -> None:
        """Go on from an earlier fit, or from the state on disk if there is one.

        Parameters
        ----------
        earlier : dict or None
            What :meth:`kept` gave after the fit that this one goes on from.
        """
        if self.place is not None and not earlier:
            earlier = from_first(self._read() if is_first() else None)
        if earlier:
            self._take(earlier)

    def _read(self):
        """State on disk, or None; the one before if the last is damaged."""
        assert self.place is not None
        path = Path(self.place.path)
        for each in (path, _previous(path)):
            try:
                content, tensors = read_archive(each, _KIND)
                return unpack(content["state"], tensors)
            except FileNotFoundError:
                continue
            except (DamagedFile, KeyError, TypeError) as error:
                warn(
                    f"checkpoint: {error} "
                    + (
                        "The state before it is tried."
                        if each is path
                        else "The fit begins again."
                    ),
                    CheckpointWarning,
                )
            except OSError as error:
                raise CheckpointError(
                    f"checkpoint={str(path)!r} cannot be read ({error})."
                ) from error
        return None

    def _take(self, earlier):
        self._check_identity(earlier["identity"])
        self._seed, self._entries = earlier["seed"], dict(earlier["entries"])
        if self.goes_on and self._entries:
            stage = list(self._entries)[-1].rpartition(" ")[0]
            for key, entry in self._entries.items():
                if key.rpartition(" ")[0] == stage and "is_done" in entry:
                    self._entries[key] = {**entry, "is_done": False}

    def _check_identity(self, earlier):
        own = self._identity
        differing = [
            name for name in own | earlier if own.get(name) != earlier.get(name)
        ]
        if self.goes_on:
            differing = [each for each in differing if each not in _OF_THE_END]
        if not differing:
            return
        told = [each for each in differing if each in ("estimator", "X")]
        told += [each for each in differing if each not in told]
        if self.place is None:
            raise CheckpointError(
                "warm_start=True goes on from the fit before, but these differ from "
                f"it: {', '.join(told)}. Pass warm_start=False, or what it had."
            )
        raise CheckpointError(
            f"checkpoint={str(self.place.path)!r} holds the state of another fit; "
            f"these differ: {', '.join(told)}. Pass another path, remove the file, or "
            "pass what it had."
        )


def _previous(path: Path) -> Path:
    return path.with_name(f"{path.name}.previous")


def identity(estimator: Any, X: Any) -> dict[str, str]:
    """What must be equal for a fit to go on: text by name, parameters among them."""
    kind = type(estimator)
    found = {"estimator": f"{kind.__module__}.{kind.__qualname__}"}
    found |= {f"version of {name}": version_of(name) for name in PACKAGES}
    found["version of python"] = ".".join(map(str, sys.version_info[:2]))
    found["X"] = data_hash(X)
    for name, value in sorted(estimator.get_params(deep=False).items()):
        if name in WITHOUT_EFFECT:
            continue
        try:
            found[name] = described(value)
        except Untold as reason:
            raise CheckpointError(
                f"checkpoint and warm_start: nobody can tell whether {name}={value!r} "
                f"is the same in another fit, because it holds {reason}. Pass "
                f"checkpoint=None and warm_start=False, or another {name}."
            ) from None
    return found


def keeper_of(
    estimator: Any, X: Any, interrupts: Interrupts, earlier: dict | None
) -> Keeper:
    """Keeper of a fit, with the state that it goes on from.

    Parameters
    ----------
    estimator : estimator
        What is fitted. It may have the parameters `checkpoint` and `warm_start`.
    X : ndarray
        Checked rows.
    interrupts : Interrupts
        What signals ask for.
    earlier : dict or None
        What the keeper of the last fit gave, for `warm_start`.
    """
    place = as_checkpoint(getattr(estimator, "checkpoint", None))
    goes_on = bool(getattr(estimator, "warm_start", False))
    if place is None and not goes_on:
        return Keeper(interrupts)
    keeper = Keeper(interrupts, place, goes_on, identity(estimator, X))
    keeper.find(earlier if goes_on else None)
    return keeper


class Slot:
    """Place for the state of one stage of training.

    Parameters
    ----------
    keeper : Keeper
        The keeper of the fit.
    key : str
        Name of the stage in this fit.
    """

    def __init__(self, keeper: Keeper, key: str):
        self.keeper = keeper
        self._key = key

    @property
    def stored(self) -> dict | None:
        """State of the stage that an earlier fit came to, or None."""
        return self.keeper.entry(self._key) if self.keeper.is_kept else None

    def keep(self, state: dict) -> None:
        """Keep a state, and write it if there is a checkpoint."""
        if self.keeper.is_kept:
            self.keeper.set_entry(self._key, state)
            self.keeper.write()
