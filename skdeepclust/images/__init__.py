"""From files to arrays: images in a folder, read in one size.

- :func:`~skdeepclust.find_images`: the image files of a folder and of its subfolders.
- :class:`~skdeepclust.ImageReader`: a transformer from paths to an array of images, the
  first step of a pipeline.

Pillow and tifffile read the files. They come with
``pip install "skdeepclust[images]"``.
"""

from skdeepclust.images._find import find_images
from skdeepclust.images._reader import ImageReader

__all__ = ["ImageReader", "find_images"]
