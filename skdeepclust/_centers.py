"""Sizes of clusters, and centres that have lost all their samples."""

import numpy as np
import torch
from torch import Tensor

__all__ = ["effective_clusters", "forget_momenta", "reseed_dead_centers"]


def reseed_dead_centers(Z: Tensor, centers: Tensor, labels: Tensor) -> Tensor:
    """Put every centre without samples back on data, in place.

    A dead centre goes to the sample that lies farthest from its own centre within
    the cluster that is the largest at that moment, so that the largest cluster is
    split. Where all the samples of the largest cluster coincide with their centre
    there is nothing to split, and the remaining centres stay where they are.

    Parameters
    ----------
    Z : Tensor of shape (n_samples, embedding_dim)
        Embedded points.
    centers : Tensor of shape (n_clusters, embedding_dim)
        Cluster centres, changed in place.
    labels : Tensor of shape (n_samples,)
        Cluster of every point.

    Returns
    -------
    moved : Tensor of shape (n_moved,)
        Indices of the centres that were moved.
    """
    counts = torch.bincount(labels, minlength=len(centers))
    moved = []
    for dead in torch.nonzero(counts == 0).flatten().tolist():
        members = torch.nonzero(labels == counts.argmax()).flatten()
        distances = torch.linalg.vector_norm(
            Z[members] - centers[counts.argmax()], dim=1
        )
        farthest = members[distances.argmax()]
        if distances.max() <= 0:
            break
        centers[dead] = Z[farthest]
        # Its new neighbours count for it, so that the next goes elsewhere.
        nearer = torch.linalg.vector_norm(Z[members] - Z[farthest], dim=1) < distances
        labels = labels.index_put((members[nearer],), torch.tensor(dead).to(labels))
        counts = torch.bincount(labels, minlength=len(centers))
        moved.append(dead)
    return torch.tensor(moved, dtype=torch.int64)


def effective_clusters(labels: np.ndarray, n_clusters: int) -> float:
    """Effective number of clusters: exponential of the entropy of their sizes.

    Equal sizes give `n_clusters`, a single cluster gives 1.
    """
    shares = np.bincount(labels, minlength=n_clusters) / len(labels)
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def forget_momenta(optimizer, centers, moved=slice(None)):
    """Forget what the optimiser remembers of centres that were moved."""
    for value in optimizer.state[centers].values():
        if torch.is_tensor(value) and value.shape == centers.shape:
            value[moved] = 0
