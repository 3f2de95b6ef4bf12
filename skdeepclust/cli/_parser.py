"""What the command line says. Nothing but the standard library is imported here."""

import argparse
import ast
import re
from pathlib import Path

import skdeepclust

__all__ = ["METHODS", "default_method", "make_parser"]

# Names of the methods, and their classes.
METHODS = {
    "dcec": "DCEC",
    "deepcluster": "DeepCluster",
    "idec": "IDEC",
    "dec": "DEC",
    "scedae": "SCEDAE",
    "temi": "TEMI",
    "turtle": "Turtle",
    "auto": "AutoClustering",
}

# What is taken without --method.
_DEFAULT_METHODS = {"images": "dcec", "table": "idec"}

# The same for features of an encoder. A head looks at 50 neighbours: with few images
# per cluster most of them are of other clusters.
_MANY, _OF_MANY, _OF_FEW = 100, "temi", "auto"

# Libraries that have networks for --encoder.
_LIBRARIES = ("timm", "torchvision", "transformers", "open_clip")

_DESCRIPTION = """\
Find clusters in a folder of images, or in a table.

Look at them in a report, rename and merge them there, bring the edits back, and
predict new files."""

_EXAMPLES = """\
examples:
  skdeepclust cluster photos -k 10 --out result     a folder of images
  skdeepclust cluster table.csv -k 5                a table, .csv or .parquet
  skdeepclust apply result edits.json               edits that were made in the report
  skdeepclust predict result new_photos > new.csv   clusters of new files

'skdeepclust COMMAND --help' explains a command.
Exit codes: 0 done, 1 error, 2 wrong usage, 130 interrupted by Ctrl-C."""

_CLUSTER = """\
Train a method on a folder of images or on a table, and write into OUT:

  labels.csv     cluster, confidence and second choice of every file or row
  report.html    clusters to look at, rename and merge; opens by a double click
  clusters/      the images, a folder per cluster
  model.joblib   the fitted pipeline, for 'predict'
  run.json       versions, parameters, seed, times, warnings, rejected files

OUT is complete or absent: it gets its name when everything is written. Nothing is
overwritten."""

_CLUSTER_EXAMPLES = """\
examples:
  skdeepclust cluster photos -k 10 --out result
  skdeepclust cluster photos -k 10 --quick --size 32    a first look
  skdeepclust cluster scans -k 8 --mode grey --link --method deepcluster
  skdeepclust cluster photos -k 10 --encoder timm:convnext_tiny.fb_in22k --download
  skdeepclust cluster customers.csv -k 5 --index customer --drop notes
  skdeepclust cluster photos -k 10 --set gamma=0.3 --set module__filters=16,32,64"""

_PREDICT = """\
Clusters of new files or rows by the model in OUT. Edits that 'apply' has brought to
OUT are used: clusters have their new names.

Without --out, the table goes to the standard output. With it, a new folder gets
labels.csv, run.json, and the images in a folder per cluster.

OUT must come from a source that you trust: loading its model can run any code."""

_REPORT = """\
Write OUT/report.html again, with other settings. The files or the table that OUT was
made from must still be there. Edits that the browser keeps remain.

OUT must come from a source that you trust: loading its model can run any code."""

_APPLY = """\
Apply edits that were made in OUT/report.html and exported by its button "edits.json".
OUT/edited then has labels.csv with the new names, edits.json, and the images in a
folder per cluster; 'skdeepclust predict OUT ...' uses the new names."""


def default_method(kind: str, n_per_cluster: float | None = None) -> str:
    """Method that is taken for an input without --method.

    Parameters
    ----------
    kind : {"images", "table"}
        Kind of the input.
    n_per_cluster : float, default=None
        Images per cluster, if features of an encoder are clustered.

    Returns
    -------
    method : str
        Its name.
    """
    if n_per_cluster is None:
        return _DEFAULT_METHODS[kind]
    return _OF_MANY if n_per_cluster >= _MANY else _OF_FEW


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line.

    Returns
    -------
    parser : ArgumentParser
        With a subparser per command.
    """
    parser = _Parser(
        prog="skdeepclust",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    version = f"skdeepclust {skdeepclust.__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_cluster(commands)
    _add_predict(commands)
    _add_report(commands)
    _add_apply(commands)
    return parser


def _command(commands, name, summary, description, examples=None):
    command = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    talk = command.add_argument_group("messages, on the standard error")
    talk.add_argument(
        "--verbose", action="store_true", help="more lines; errors with their traceback"
    )
    talk.add_argument(
        "--quiet", action="store_true", help="warnings and errors only, no progress"
    )
    return command


_K_HELP = 'number of clusters, or "auto" to look for it: a rough guess on many data'


def _add_cluster(commands):
    cluster = _command(
        commands, "cluster", "train, and write OUT", _CLUSTER, _CLUSTER_EXAMPLES
    )
    cluster.add_argument(
        "input", metavar="FOLDER_OR_TABLE", help="folder of images, .csv or .parquet"
    )
    cluster.add_argument(
        *("-k", "--n-clusters"), type=_number, required=True, metavar="K", help=_K_HELP
    )
    cluster.add_argument(
        "--out",
        type=Path,
        metavar="OUT",
        help="new folder; by default NAME-clusters in the current folder",
    )
    cluster.add_argument(
        "--method",
        choices=METHODS,
        help=f"default: {_DEFAULT_METHODS['images']} for images, "
        f"{_DEFAULT_METHODS['table']} for tables; with --encoder {_OF_MANY} from "
        f"{_MANY} images per cluster on, else {_OF_FEW}",
    )
    cluster.add_argument("--seed", type=_seed, default=0, help="default: 0")
    cluster.add_argument(
        "--quick",
        action="store_true",
        help="a fraction of the training, for a first look; clusters get worse",
    )
    cluster.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the method, such as gamma=0.3; may be repeated",
    )
    _add_device(cluster)
    _add_images(cluster)
    _add_encoder(cluster)
    _add_table(cluster)


def _add_table(cluster):
    table = cluster.add_argument_group("tables")
    table.add_argument(
        "--index", metavar="COLUMN", help="column of names, kept and not clustered"
    )
    table.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a column to leave out; may be repeated",
    )


def _add_images(cluster):
    images = cluster.add_argument_group("images")
    images.add_argument(
        "--size",
        type=_size,
        help="side in pixels, HEIGHTxWIDTH, or auto; default: 64",
    )
    images.add_argument(
        "--mode",
        choices=("auto", "grey", "rgb", "native"),
        help="channels; default: auto",
    )
    images.add_argument(
        "--fit",
        choices=("pad", "crop", "stretch"),
        help="how files of another shape get the size; default: pad",
    )
    _add_transfer(images, "copy the files into folders per cluster (default)")


def _add_encoder(cluster):
    encoder = cluster.add_argument_group("images, by a pretrained network")
    encoder.add_argument(
        "--encoder",
        type=_encoder,
        metavar="NAME",
        help="cluster features of this network, best for photographs: timm:MODEL, "
        "torchvision:MODEL, transformers:OWNER/MODEL or open_clip:MODEL/TAG",
    )
    _add_weights(encoder)
    encoder.add_argument(
        "--memory",
        metavar="FOLDER",
        help="keep the features there, so that another K takes seconds",
    )


def _add_weights(command):
    command.add_argument(
        "--weights", metavar="FILE", help="weights of --encoder, .safetensors or .pth"
    )
    command.add_argument(
        "--download",
        action="store_true",
        help="fetch weights of --encoder that are not on this computer",
    )


def _add_predict(commands):
    predict = _command(commands, "predict", "clusters of new files", _PREDICT)
    predict.add_argument("run", type=Path, metavar="OUT", help="what 'cluster' wrote")
    predict.add_argument("input", metavar="FOLDER_OR_TABLE", help="what is new")
    predict.add_argument("--out", type=Path, metavar="NEW", help="new folder")
    _add_device(predict)
    _add_weights(predict)
    _add_transfer(predict, "with --out: copy the files into folders (default)")


def _add_report(commands):
    report = _command(commands, "report", "write the report again", _REPORT)
    report.add_argument("run", type=Path, metavar="OUT", help="what 'cluster' wrote")
    report.add_argument(
        "--input", metavar="FOLDER_OR_TABLE", help="if it has moved: where it is now"
    )
    report.add_argument(
        "--max-images", type=_count, default=5000, metavar="N", help="default: 5000"
    )
    report.add_argument(
        "--thumbnail-size",
        type=_count,
        default=64,
        metavar="PIXELS",
        help="default: 64",
    )
    report.add_argument("--title", help="title of the page")
    _add_weights(report)


def _add_apply(commands):
    apply = _command(commands, "apply", "bring edits of the report back", _APPLY)
    apply.add_argument("run", type=Path, metavar="OUT", help="what 'cluster' wrote")
    apply.add_argument("edits", type=Path, metavar="EDITS", help="edits.json")
    apply.add_argument(
        "--replace",
        action="store_true",
        help="replace OUT/edited of an earlier 'apply'",
    )
    _add_transfer(apply, "copy the files into folders (default: as 'cluster' did)")


def _add_device(command):
    command.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, cuda:1, mps; default: auto"
    )
    command.add_argument(
        "--jobs", type=_count, metavar="N", help="threads; default: one per core"
    )


def _add_transfer(command, summary):
    how = command.add_mutually_exclusive_group()
    options = {
        "--copy": ("copy", summary),
        "--link": ("symlink", "link them instead, which takes no space"),
        "--no-folders": ("none", "write no folders"),
    }
    for name, (value, text) in options.items():
        how.add_argument(
            name, dest="transfer", action="store_const", const=value, help=text
        )


# -- values ----------------------------------------------------------------------------


def _count(text):
    if not re.fullmatch(r"\+?\d+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _number(text):
    return text if text == "auto" else _count(text)


def _seed(text):
    if not re.fullmatch(r"\d+", text) or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 0 to {2**32 - 1}"
        )
    return int(text)


def _size(text):
    if text == "auto":
        return text
    sides = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", text)
    if sides is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size: pass a side such as 64, HEIGHTxWIDTH such as 48x64, "
            "or auto"
        )
    height, width = sides.groups()
    return int(height) if width is None else (int(height), int(width))


def _encoder(text):
    library, _, model = text.partition(":")
    if library not in _LIBRARIES or not model:
        forms = ", ".join(f"{each}:MODEL" for each in _LIBRARIES)
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a network: pass one of {forms}"
        )
    return text


def _setting(text):
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name, value
