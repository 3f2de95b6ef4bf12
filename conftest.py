"""What has to be set before anything is imported, for tests and doctests."""

import os

# Figures open no window, whatever the machine has.
os.environ.setdefault("MPLBACKEND", "agg")

# Threads that wait do not spin: on a busy machine, such as one that runs several test
# processes, the spinning of one keeps the others from their work, a hundred times over.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Each of the test processes has one core. Tests that need more threads ask for them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
