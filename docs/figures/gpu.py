"""Images per second on a GPU, in three modes."""

import matplotlib.pyplot as plt
import numpy as np
from _shared import BLUE, ORANGE, rows

found = {row["mode"]: row for row in rows("device_speed")}
names = {
    "eager": "as it is",
    "compiled": "compile=True",
    "graphs": 'mode="reduce-overhead"',
}
figure, ax = plt.subplots(figsize=(7.6, 2.4), layout="constrained")
for shift, (stage, color) in enumerate({"pretraining": BLUE, "joint": ORANGE}.items()):
    values = [found[mode][stage] / 1000 for mode in names]
    bars = ax.barh(np.arange(3) + 0.38 * shift, values, 0.36, color=color, label=stage)
    ax.bar_label(bars, fmt="%.0f", padding=3, fontsize=9)
ax.set_yticks(np.arange(3) + 0.19, names.values())
ax.set(xlabel="thousand images per second", ylim=(2.7, -0.4), xlim=(0, 128))
ax.tick_params(axis="y", length=0)
ax.spines[["top", "right", "left"]].set_visible(False)
ax.legend(["pretraining", "joint training"], frameon=False, loc="upper right")
