"""A film of the embedding, as a player in one piece of HTML."""

import base64
import hashlib
import html
import json
import re
from importlib import resources
from numbers import Real
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA

from skdeepclust._fitted import check_labels, check_same_length
from skdeepclust.displays._style import COLORS, color_of, import_pyplot, marker_of

__all__ = ["LatentFilm", "film_of"]

# Places in the player are whole numbers from 0 to this.
_GRID = 65535

# Width of the player in pixels, and the flattest and the tallest picture: height
# divided by width.
_WIDTH, _FLATTEST, _TALLEST = 640, 0.45, 1.0

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title></head>
<body style="margin:1.5em auto;max-width:46em;padding:0 1em;font-family:sans-serif">
<h1 style="font-size:1.2em">{title}</h1>
{film}</body></html>
"""


class LatentFilm:
    """A film of the embedding while it is trained: points, clusters and centres.

    In a notebook the film is shown as a player. :meth:`save` writes a page that needs
    nothing else, or an animated GIF. It is made by
    :meth:`LatentSpaceDisplay.animate`.

    Parameters
    ----------
    points : ndarray of shape (n_frames, n_samples, 2)
        Places of the samples.
    labels : ndarray of shape (n_frames, n_samples)
        Labels that decide the colours, of any type.
    centers : ndarray of shape (n_frames, n_clusters, 2), default=None
        Places of the centres. None draws none.
    captions : list of str, default=None
        What is said beside each frame. None says its number.
    title : str, default="Latent space"
        What the film shows.
    seconds : float, default=0.6
        Seconds from one frame to the next.

    See Also
    --------
    LatentSpaceDisplay : One picture of an embedding.

    Examples
    --------
    >>> import numpy as np
    >>> from skdeepclust.displays import LatentFilm
    >>> points = np.random.default_rng(0).normal(size=(3, 20, 2))
    >>> film = LatentFilm(points, np.zeros((3, 20), dtype=int))
    >>> "<canvas" in film.to_html()
    True
    """

    def __init__(
        self,
        points,
        labels,
        *,
        centers=None,
        captions=None,
        title="Latent space",
        seconds=0.6,
    ):
        self.points = points
        self.labels = labels
        self.centers = centers
        self.captions = captions
        self.title = title
        self.seconds = seconds

    def to_html(self):
        """Make the player, to be put into a page.

        Returns
        -------
        player : str
            A piece of HTML with its own style, script and data. It loads nothing.
        """
        data, height = self._data()
        text = json.dumps({**data, "height": height}).replace("</", "<\\/")
        parts = {
            "id": "film-" + hashlib.sha256(text.encode()).hexdigest()[:12],
            "label": html.escape(self._description(), quote=True),
            "last": str(len(self.points) - 1),
            "width": str(_WIDTH),
            "data": text,
        }
        file = resources.files("skdeepclust.displays").joinpath("film.html")
        template = file.read_text(encoding="utf-8").replace("\r\n", "\n")
        # In one pass: what is put in is not searched.
        return re.sub(
            r"\{(id|label|last|width|data)\}", lambda found: parts[found[1]], template
        )

    def _repr_html_(self):
        return self.to_html()

    def save(self, path):
        """Write the film to a file.

        Parameters
        ----------
        path : str or path-like
            A file ".html", with the player, or ".gif", for slides; a GIF needs
            matplotlib. An existing file is replaced.

        Raises
        ------
        ImportError
            If a GIF is asked for and matplotlib is not installed.
        ValueError
            If the name ends in something else.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending == ".html":
            title = html.escape(self.title)
            page = _PAGE.format(title=title, film=self.to_html())
            path.write_text(page, encoding="utf-8")
        elif ending == ".gif":
            self._save_gif(path)
        else:
            raise ValueError(
                f"path={str(path)!r} must end in '.html' (a player, in any browser) or "
                "'.gif' (for slides)."
            )

    def _description(self):
        n_frames, n_samples = np.shape(self.points)[:2]
        return f"{self.title}: {n_samples} samples in {n_frames} frames"

    def _captions(self):
        if self.captions is not None:
            return [str(caption) for caption in self.captions]
        return [f"frame {i + 1}" for i in range(len(self.points))]

    def _data(self):
        """What the player reads, and its height divided by its width."""
        points, labels = np.asarray(self.points, dtype=float), np.asarray(self.labels)
        _check_frames(points, labels, self.centers, self.captions, self.seconds)
        low, size = _frame_of(points, self.centers)
        height = float(np.clip(size[1] / size[0], _FLATTEST, _TALLEST))
        # The picture has one scale for both axes: the room that is left is shared.
        room = np.array([max(size[0], size[1] / height), 0.0])
        room[1] = height * room[0]
        low = low - (room - size) / 2
        index = np.unique(labels, return_inverse=True)[1]
        data = {
            "points": _packed((points - low) / room),
            "labels": _as_text(index.reshape(labels.shape)),
            "centers": None,
            "n_points": points.shape[1],
            "n_centers": 0,
            "steps": list(range(len(points))),
            "captions": self._captions(),
            "colors": list(COLORS),
            "seconds": float(self.seconds),
        }
        if self.centers is not None:
            data["centers"] = _packed((np.asarray(self.centers) - low) / room)
            data["n_centers"] = np.shape(self.centers)[1]
        return data, height

    def _save_gif(self, path):
        plt = import_pyplot()
        from matplotlib.animation import FuncAnimation, PillowWriter

        points, labels = np.asarray(self.points, dtype=float), np.asarray(self.labels)
        _check_frames(points, labels, self.centers, self.captions, self.seconds)
        low, size = _frame_of(points, self.centers)
        names, index = np.unique(labels, return_inverse=True)
        index, captions = index.reshape(labels.shape), self._captions()
        figure = plt.figure(figsize=(5, 5), layout="constrained")
        ax = figure.subplots()

        def draw(frame):
            ax.clear()
            for k in range(len(names)):
                chosen = points[frame][index[frame] == k]
                style = {"color": color_of(k), "marker": marker_of(k), "linewidths": 0}
                ax.scatter(*chosen.T, s=10, alpha=0.75, **style)
            if self.centers is not None:
                style = {"color": "white", "edgecolors": "black", "zorder": 3}
                ax.scatter(*np.asarray(self.centers)[frame].T, s=45, **style)
            margin = 0.03 * size.max()
            ax.set_xlim(low[0] - margin, low[0] + size[0] + margin)
            ax.set_ylim(low[1] - margin, low[1] + size[1] + margin)
            ax.set(xticks=[], yticks=[], aspect="equal", title=captions[frame])

        try:
            film = FuncAnimation(figure, draw, frames=len(points))
            film.save(path, writer=PillowWriter(fps=1 / self.seconds), dpi=90)
        finally:
            plt.close(figure)


def film_of(recorder, y, projection, title, seconds):
    """The film of what an EmbeddingRecorder has kept.

    Parameters
    ----------
    recorder : EmbeddingRecorder
        Has `embeddings_`, `labels_`, `centers_` and `steps_`.
    y : array-like or None
        Labels of the recorded samples that decide the colours instead of the clusters.
    projection : "auto", None or transformer
        As for `LatentSpaceDisplay.animate`.
    title : str or None
        Title of the film.
    seconds : float
        Seconds from one frame to the next.

    Returns
    -------
    film : LatentFilm
        The film.
    """
    frames = getattr(recorder, "embeddings_", None)
    if frames is None or len(frames) == 0:
        raise ValueError(
            f"{type(recorder).__name__} has no frames. Pass an EmbeddingRecorder that "
            "was set before fit: DCEC(10).set_callbacks(recorder).fit(X)."
        )
    labels = np.stack(recorder.labels_)
    if y is not None:
        y = check_labels(y, "y")
        check_same_length(**{"y": y, "the recorded samples": frames[0]})
        labels = np.broadcast_to(y, labels.shape)
    has_centers = all(
        centers is not None and np.shape(centers)[1:] == frames[0].shape[1:]
        for centers in recorder.centers_
    )
    place = _placing(projection, frames)
    changes = np.mean(np.diff(np.stack(recorder.labels_), axis=0) != 0, axis=1)
    captions = [f"step {recorder.steps_[0]:,}"]
    captions += [
        f"step {step:,}: {change:.1%} changed"
        for step, change in zip(recorder.steps_[1:], changes, strict=True)
    ]
    return LatentFilm(
        np.stack([place(Z) for Z in frames]),
        labels,
        centers=np.stack([place(c) for c in recorder.centers_])
        if has_centers
        else None,
        captions=captions,
        title="The embedding while it is trained" if title is None else title,
        seconds=seconds,
    )


def _placing(projection, frames):
    """A function from embeddings to places, the same in every frame."""
    width = frames[0].shape[1]
    if projection is None or (isinstance(projection, str) and projection == "auto"):
        if width == 2:
            return np.asarray
        if projection is None or width < 2:
            raise ValueError(
                f"The embedding has {width} dimensions, so it cannot be drawn as it is."
                " Train with embedding_dim=2, or pass projection='auto' (more than two "
                "dimensions: principal components)."
            )
        projection = PCA(2, random_state=0)
    is_wrong = isinstance(projection, str | type) or not hasattr(projection, "fit")
    if is_wrong or not hasattr(projection, "transform"):
        raise ValueError(
            f"projection={projection!r} must be 'auto', None, or a transformer with "
            "fit and transform, which gives all frames the same axes. t-SNE would lay "
            "out every frame for itself."
        )
    projection = clone(projection).fit(np.concatenate(frames))
    return projection.transform


def _frame_of(points, centers):
    """Lower left corner and size of all frames together."""
    everything = points.reshape(-1, 2)
    if centers is not None:
        everything = np.concatenate([everything, np.reshape(centers, (-1, 2))])
    low, high = everything.min(axis=0), everything.max(axis=0)
    return low, np.maximum(high - low, 1e-9 * max(1.0, np.abs(everything).max()))


def _check_frames(points, labels, centers, captions, seconds):
    """Refuse frames that do not fit together."""
    if points.ndim != 3 or points.shape[2] != 2 or 0 in points.shape:
        raise ValueError(
            f"points must have the shape (n_frames, n_samples, 2), got {points.shape}."
        )
    if not np.isfinite(points).all():
        raise ValueError("points must be finite.")
    if labels.shape != points.shape[:2]:
        raise ValueError(
            f"labels must have the shape {points.shape[:2]}, one per sample and frame, "
            f"got {labels.shape}."
        )
    shape = np.shape(centers)
    if centers is not None and (len(shape) != 3 or shape[::2] != (len(points), 2)):
        raise ValueError(
            f"centers must have the shape ({len(points)}, n_clusters, 2), got {shape}."
        )
    if captions is not None and len(captions) != len(points):
        raise ValueError(
            f"captions must have {len(points)} entries, one per frame, got "
            f"{len(captions)}."
        )
    is_number = isinstance(seconds, Real) and not isinstance(seconds, bool)
    if not is_number or not float(seconds) > 0:
        raise ValueError(f"seconds={seconds!r} must be a positive number.")


def _packed(shares):
    """Places, as shares of the picture, for the player."""
    return _as_text(np.rint(_GRID * np.clip(shares, 0, 1)))


def _as_text(numbers):
    """Whole numbers as text: two bytes each, in base 64."""
    return base64.b64encode(np.asarray(numbers).astype("<u2").tobytes()).decode()
