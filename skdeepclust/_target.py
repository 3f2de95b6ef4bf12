"""What joint training pulls towards, and the centres that it pulls with."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from skdeepclust._functional import soft_assignment, target_distribution

__all__ = [
    "HardTarget",
    "SoftTarget",
    "assignment_blocks",
    "forget_momenta",
    "reseed_dead_centers",
]

# Entries of Q computed per block; larger blocks need more memory and are no faster.
_VALUES_AT_ONCE = 2**18

# Up to this number of values (16 MiB) the target is kept. Above, its rows are computed
# when a batch asks for them. The result is the same to the bit.
_MOST_KEPT = 2**22


def assignment_blocks(Z: Tensor, n_clusters: int) -> tuple[Tensor, ...]:
    """Blocks of rows whose soft assignments are computed at once."""
    return Z.split(max(1, _VALUES_AT_ONCE // n_clusters))


class HardTarget:
    """Target distribution of a given clustering, by rows.

    Parameters
    ----------
    labels : Tensor of shape (n_samples,)
        Cluster of every sample.
    n_clusters : int
        Number of clusters.
    """

    def __init__(self, labels: Tensor, n_clusters: int):
        self.labels = labels
        self._n_clusters = n_clusters

    def __getitem__(self, index: Tensor) -> Tensor:
        """Rows of the target at the positions `index`: 1 in one column, else 0."""
        return one_hot(self.labels[index], self._n_clusters).to(torch.float32)


class SoftTarget:
    """Target distribution of the whole data set, given by rows.

    The target of a sample follows from its embedding, the centres and the column sums
    of the soft assignments of all samples. Only these are kept. The n x k matrix of
    targets is kept as well if it is small.

    Parameters
    ----------
    Z : Tensor of shape (n_samples, embedding_dim)
        Embedding of all samples. It is kept, not copied.
    centers : Tensor of shape (n_clusters, embedding_dim)
        Current centres.
    alpha : float
        Degrees of freedom of the Student-t kernel.

    Attributes
    ----------
    labels : Tensor of shape (n_samples,)
        Most probable cluster of every sample.
    centers : Tensor of shape (n_clusters, embedding_dim)
        The centres that the target was made with, a copy.
    frequencies : Tensor of shape (n_clusters,)
        Column sums of the soft assignments.
    """

    def __init__(self, Z: Tensor, centers: Tensor, alpha: float):
        self._Z = Z
        self.centers = centers.detach().clone()
        self._alpha = alpha
        keeps = len(Z) * len(centers) <= _MOST_KEPT
        sums = torch.zeros(len(centers), dtype=torch.float64)
        self.labels = torch.empty(len(Z), dtype=torch.int64, device=Z.device)
        assignments = []
        for block, labels in zip(
            assignment_blocks(Z, len(centers)),
            assignment_blocks(self.labels, len(centers)),
            strict=True,
        ):
            Q = self._assign(block)
            sums += Q.sum(dim=0).cpu()
            torch.argmax(Q, dim=1, out=labels)
            if keeps:
                assignments.append(Q)
        self.frequencies = sums.to(Z)
        self._rows: Tensor | None = None
        if keeps:
            Q = torch.cat(assignments)
            self._rows = target_distribution(Q, self.frequencies)

    @property
    def state(self) -> dict[str, Tensor]:
        """What the target follows from, alpha aside."""
        return {"Z": self._Z, "centers": self.centers}

    def __getitem__(self, index: Tensor) -> Tensor:
        """Rows of the target at the positions `index`."""
        if self._rows is not None:
            return self._rows[index]
        return target_distribution(self._assign(self._Z[index]), self.frequencies)

    def _assign(self, Z: Tensor) -> Tensor:
        return soft_assignment(Z, self.centers, self._alpha)


def reseed_dead_centers(Z: Tensor, centers: Tensor, labels: Tensor) -> Tensor:
    """Put every centre without samples back on data, in place.

    A dead centre goes to the sample that lies farthest from its own centre within
    the cluster that is the largest at that moment, so that the largest cluster is
    split. If all samples of the largest cluster coincide with their centre, nothing
    can be split, and the remaining centres stay in their place.

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


def forget_momenta(optimizer, centers, moved=slice(None)):
    """Set the memory of the optimiser of centres that were moved to zero."""
    for value in optimizer.state[centers].values():
        if torch.is_tensor(value) and value.shape == centers.shape:
            value[moved] = 0
