"""A report of clusters in one HTML file, and its edits brought back to Python.

- :func:`write_report`: a page with a map of the samples, a gallery per cluster, the
  training curves and the comparison with baselines. In the page, clusters are renamed,
  merged and rejected, and samples are moved. The page works without a network.
- :func:`apply_edits`: reads the edits that the page has exported, and returns
  :class:`EditedClusters`: the edited table, folders of images, and predictions in the
  edited names.

The page needs Pillow for thumbnails, and pandas for tables. Both come with
``pip install "skdeepclust[images,tables]"``.
"""

from skdeepclust.report._edits import EditedClusters, apply_edits
from skdeepclust.report._write import write_report

__all__ = ["EditedClusters", "apply_edits", "write_report"]
