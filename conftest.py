"""The figures of doctests and tests open no window, whatever the machine has."""

import os

os.environ.setdefault("MPLBACKEND", "agg")
