"""Several runs instead of one: their consensus, where they agree, which one to take."""

from skdeepclust.consensus._estimator import ConsensusClustering
from skdeepclust.consensus._pooled import agreement_scores, pooled_scores

__all__ = ["ConsensusClustering", "agreement_scores", "pooled_scores"]
