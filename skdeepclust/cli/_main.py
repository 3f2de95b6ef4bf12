"""The command: from the arguments to an exit code."""

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from os.path import exists, isdir, isfile

from skdeepclust.cli._errors import (
    CommandError,
    Interrupted,
    Signals,
    UsageError,
    one_line,
)
from skdeepclust.cli._log import Log
from skdeepclust.cli._parser import make_parser
from skdeepclust.cli._paths import check_new, kind_of, out_of

__all__ = ["main"]

_ERROR, _USAGE, _SIGNAL = 1, 2, 128

# Module and function of every command. They are imported when they are needed.
_COMMANDS = {
    "cluster": ("_cluster", "cluster"),
    "predict": ("_later", "predict"),
    "report": ("_later", "report"),
    "apply": ("_later", "apply"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments. None takes those of the process.

    Returns
    -------
    code : int
        0 if it is done, 1 after an error, 2 for wrong usage, 130 after Ctrl-C and 143
        after SIGTERM.
    """
    log = Log()
    with Signals(is_process=argv is None) as signals:
        try:
            argv = list(sys.argv[1:] if argv is None else argv)
            args = make_parser().parse_args(argv)
            args.argv = argv
            log.quiet, log.verbose = args.quiet, args.verbose
            return _run(args, log, signals)
        except SystemExit as done:  # --help, --version, or wrong usage
            return int(done.code or 0)
        except BaseException as error:
            with signals.held():
                return _code_of(error, log, signals)


def _run(args, log, signals):
    _check(args)
    module, name = _COMMANDS[args.command]
    command = getattr(import_module(f"skdeepclust.cli.{module}"), name)
    with log.shown_warnings():
        return command(args, log, signals)


def _check(args):
    """Find mistakes in paths at once: importing torch takes seconds."""
    if args.command != "apply" and args.input is not None:
        args.kind = kind_of(args.input)
    if args.command == "cluster":
        args.out = args.out or out_of(args.input)
        if args.kind == "images" and (args.index or args.drop):
            raise UsageError("--index and --drop are for tables")
        if args.kind == "table" and args.transfer not in (None, "none"):
            raise UsageError("--copy and --link are for folders of images")
        _check_encoder(args)
    elif not args.run.is_dir():
        raise CommandError(f"There is no folder {str(args.run)!r}.")
    if args.command == "apply" and not args.edits.is_file():
        raise CommandError(f"There is no file {str(args.edits)!r}.")
    if getattr(args, "weights", None) and not isfile(args.weights):
        raise CommandError(f"There is no file {args.weights!r}.")
    if getattr(args, "out", None) is not None:
        check_new(args.out)


def _check_encoder(args):
    """Refuse options of images that do not go together."""
    if args.encoder is None:
        given = [n for n in ("weights", "download", "memory") if getattr(args, n)]
        if given:
            raise UsageError(f"--{given[0]} needs --encoder")
        if args.kind == "images" and args.method == "auto":
            raise UsageError(
                "--method auto clusters tables and features: pass --encoder NAME, or "
                "another method for images"
            )
        return
    if args.kind == "table":
        raise UsageError("--encoder is for folders of images")
    given = [n for n in ("size", "mode", "fit") if getattr(args, n) is not None]
    if given:
        raise UsageError(
            f"--{given[0]} is for images without --encoder: the network gets every "
            "image in colour and in the size that it asks for"
        )
    if args.set and args.method is None:
        raise UsageError(
            "--set with --encoder needs --method: without it, the number of images "
            "decides between two methods"
        )
    if args.memory is not None and exists(args.memory) and not isdir(args.memory):
        raise CommandError(f"--memory {args.memory!r} is no folder.")


def _code_of(error, log, signals):
    """Say what happened, and return the exit code."""
    if log.verbose and not isinstance(error, UsageError):
        traceback.print_exception(error)
    if signals.received is not None or isinstance(error, KeyboardInterrupt):
        number = signals.received or getattr(error, "number", 2)
        log.error(f"interrupted by {Interrupted(number)}")
        return _SIGNAL + number
    if isinstance(error, BrokenPipeError):  # the reader of the output has enough
        sys.stdout = None
        return _ERROR
    if isinstance(error, UsageError):
        log.error(f"{one_line(error)} (see skdeepclust --help)")
        return _USAGE
    if not isinstance(error, Exception):
        raise error
    log.error(one_line(error))
    return _ERROR
