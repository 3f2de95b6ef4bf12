"""Small defaults, with which the code on the pages is tested.

The pages show what a user would type. `make docs-test` runs exactly this code, but with
fewer epochs, steps and starts, so that it ends within minutes.
"""

import os
import tempfile
import warnings

os.environ.setdefault("MPLBACKEND", "agg")

import matplotlib
from sklearn.exceptions import ConvergenceWarning

import skdeepclust

__all__ = ["shrink"]

_SMALL = {
    "pretrain_epochs": 1,
    "max_epochs": 1,
    "max_iter": 6,
    "update_interval": 3,
    "n_init": 1,
    "n_autoencoders": 2,
    "epochs_per_round": 1,
    "tol": 0.9,
    "n_seeds": 2,
}


def shrink():
    """Make the defaults small, and work in an empty folder."""
    matplotlib.use("agg")
    names = ("DCEC", "IDEC", "DEC", "DeepCluster", "SCEDAE", "Autoencoder")
    names += ("ContrastiveEncoder",)
    for name in names:
        defaults = getattr(skdeepclust, name).__init__.__kwdefaults__
        defaults.update({k: v for k, v in _SMALL.items() if k in defaults})
    warnings.simplefilter("ignore", ConvergenceWarning)
    os.chdir(tempfile.mkdtemp())
