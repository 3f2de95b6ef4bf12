"""The network of ``--encoder``: loaded before any file is searched."""

import os
from contextlib import contextmanager

import numpy as np

from skdeepclust.cli._errors import CommandError, one_line
from skdeepclust.encoders import FrozenEncoder

__all__ = ["is_encoder", "load_again", "make_encoder", "put_away"]

# Parameters of the encoder, as the command line names them.
_WORDS = {
    "Pass download=True": "Pass --download",
    "backbone=": "--encoder ",
    "weights=": "--weights ",
}


def make_encoder(args, log):
    """The encoder that the command line asks for, with its network.

    Parameters
    ----------
    args : Namespace
        The command line.
    log : Log
        Says which network is loaded.

    Returns
    -------
    encoder : FrozenEncoder or None
        None without --encoder.
    """
    if args.encoder is None:
        return None
    encoder = FrozenEncoder(args.encoder, device=args.device)
    _set_up(encoder, args, log)
    encoder.set_params(memory=args.memory and os.path.abspath(args.memory))
    return encoder


def load_again(encoder, args, log):
    """Load the network of a model that was saved.

    Parameters
    ----------
    encoder : FrozenEncoder
        First step of the model.
    args : Namespace
        The command line.
    log : Log
        Says which network is loaded.
    """
    memory = encoder.memory
    encoder.set_params(memory=None)
    if getattr(args, "device", "auto") != "auto":
        encoder.set_params(device=args.device)
    _set_up(encoder, args, log)
    # Features of an earlier command; a folder that has gone is not made again.
    encoder.set_params(memory=memory if memory and os.path.isdir(memory) else None)


def put_away(encoder):
    """Keep nothing in the model that was for this command alone.

    Parameters
    ----------
    encoder : FrozenEncoder
        First step of the model.
    """
    encoder.set_params(download=False, verbose=0, n_jobs=-1)


def is_encoder(step):
    """Whether a step of the pipeline is a frozen encoder.

    Parameters
    ----------
    step : estimator
        The step.

    Returns
    -------
    is_encoder : bool
        Whether it is one.
    """
    return isinstance(step, FrozenEncoder)


def _set_up(encoder, args, log):
    """Set the options of this command, and load the network by a blank image."""
    encoder.set_params(
        download=args.download,
        n_jobs=getattr(args, "jobs", None) or -1,
        verbose=int(not log.quiet),
    )
    if args.weights is not None:
        encoder.set_params(weights=os.path.abspath(args.weights))
    log.say(f"loading the network {encoder.backbone}")
    with _in_words_of_the_command():
        encoder.fit(np.zeros((1, 3, 32, 32), dtype=np.uint8))


@contextmanager
def _in_words_of_the_command():
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        text = one_line(error)
        for word, option in _WORDS.items():
            text = text.replace(word, option)
        raise CommandError(text) from error
