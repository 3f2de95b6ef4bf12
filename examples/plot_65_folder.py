"""
From a folder to named clusters
===============================

From image files to a report that can be edited, and to names for new files. In a
terminal, ``skdeepclust cluster digits -k 10 --out result`` does the first part in one
line. The page takes less than 40 seconds on two cores.
"""

# %%
# A folder of 600 digits as files. Yours is there already.
import json
import re
import tempfile
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from skdeepclust import DCEC, ImageReader, find_images
from skdeepclust.displays import ClusterMontageDisplay
from skdeepclust.inspection import cluster_table
from skdeepclust.report import apply_edits, write_report

folder = Path(tempfile.mkdtemp())
for i, pixels in enumerate(load_digits().images[:600]):
    Image.fromarray((pixels * 15).astype("uint8")).save(folder / f"{i:03d}.png")

# %%
# Paths go in, clusters come out, and the pipeline predicts new files as well.
paths = find_images(folder)
dcec = DCEC(10, pretrain_epochs=30, tol=0.02, random_state=0)
pipeline = make_pipeline(ImageReader(16), dcec).fit(paths)
cluster_table(pipeline, paths, [path.name for path in paths]).head()

# %%
# The report is one HTML file. It opens by a double click.
report = write_report(pipeline, paths, path=folder / "report.html")
_ = ClusterMontageDisplay.from_estimator(dcec, pipeline[0].transform(paths))

# %%
# In the report, clusters are renamed and merged, and its button "edits.json" exports
# the edits. Here a few lines write this file: cluster 0 gets a name.
digest = re.search('"report":"([0-9a-f]+)"', report.read_text())[1]
edits = {"format": "skdeepclust edits", "version": 1, "report": digest}
edits |= {"clusters": {"0": {"name": "my digit"}}, "samples": {}}
(folder / "edits.json").write_text(json.dumps(edits))
edited = apply_edits(folder / "edits.json", report, pipeline)
edited.predict(paths[:8])
