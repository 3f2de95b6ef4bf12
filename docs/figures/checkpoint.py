"""A fit that crashes and goes on, beside one that never stopped."""

import tempfile
from contextlib import suppress
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from skorch.callbacks import Callback

from skdeepclust import Autoencoder, FitCheckpoint

X = load_digits().images[:300] / 16


class FirstCrash(Callback):
    """Fails in epoch 14, the first time."""

    def __init__(self, marker):
        self.marker = marker

    def on_epoch_end(self, net, **kwargs):
        """Fail, or do nothing."""
        if len(net.history) == 14 and not Path(self.marker).exists():
            Path(self.marker).touch()
            raise RuntimeError("no power")


whole = Autoencoder(max_epochs=30, random_state=0).fit(X)
with tempfile.TemporaryDirectory() as folder:
    checkpoint = FitCheckpoint(Path(folder, "digits.state"), updates=8)
    settings = {"max_epochs": 30, "random_state": 0, "checkpoint": checkpoint}
    settings["callbacks"] = [FirstCrash(str(Path(folder, "crashed")))]
    with suppress(RuntimeError):
        Autoencoder(**settings).fit(X)
    resumed = Autoencoder(**settings).fit(X)

loss = np.array([each.history_["pretraining"]["loss"] for each in (whole, resumed)])
gap = np.abs(whole.transform(X) - resumed.transform(X)).max()
figure, ax = plt.subplots(figsize=(7.6, 2.9), layout="constrained")
epochs = np.arange(1, 31)
ax.semilogy(epochs, loss[0], color="0.8", lw=8, label="never stopped")
ax.semilogy(epochs[:13], loss[1, :13], color="#0072B2", label="until the crash")
ax.semilogy(epochs[13:], loss[1, 13:], color="#D55E00", label="second call of fit")
ax.axvline(14, color="0.4", ls=":")
ax.set(xlabel="epoch", ylabel="reconstruction loss")
ax.set_title(f"largest difference of the two embeddings: {gap:g}", fontsize=11)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
