"""scikit-learn's callbacks, from a search down to single epochs."""

import numpy as np
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skdeepclust.metrics import silhouette_scorer as score


class Recorder:
    """Notes every task that ends; an auto-propagated callback."""

    max_propagation_depth = None

    def __init__(self, stop_at=None):
        self.tasks = []
        self.stop_at = stop_at

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        path, ctx = [], context
        while ctx is not None:
            path.insert(0, ctx.task_name)
            ctx = ctx.parent
        self.tasks.append("/".join(path))
        return context.task_name == self.stop_at


def test_tasks_of_a_fit(make_dcec, digits):
    recorder = Recorder()
    make_dcec(max_iter=10).set_callbacks(recorder).fit(digits[0])
    assert recorder.tasks == [
        "fit/pretraining/epoch",
        "fit/pretraining/epoch",
        "fit/pretraining",
        "fit/joint training/target update",
        "fit/joint training/target update",
        "fit/joint training",
        "fit",
    ]


def test_tasks_reach_through_pipeline_and_search(make_dcec, digits):
    recorder = Recorder()
    pipeline = make_pipeline(MinMaxScaler(), make_dcec())
    search = GridSearchCV(pipeline, {"dcec__gamma": [0.1, 0.2]}, scoring=score, cv=2)
    search.set_callbacks(recorder).fit(digits[0])
    epochs = [task for task in recorder.tasks if task.endswith("pretraining/epoch")]
    updates = [task for task in recorder.tasks if task.endswith("/target update")]
    assert len(epochs) == 2 * 5  # four fits and the refit
    assert len(updates) == 4 * 5


@pytest.mark.parametrize("around", ["nothing", "pipeline", "search", "both"])
def test_progress_bar(make_dcec, digits, around, capsys):
    bar = ProgressBar(max_propagation_depth=None)
    estimator = make_dcec()
    if around in ("pipeline", "both"):
        estimator = make_pipeline(MinMaxScaler(), estimator)
    if around in ("search", "both"):
        name = "dcec__gamma" if around == "both" else "gamma"
        estimator = GridSearchCV(
            estimator, {name: [0.1]}, scoring=score, cv=2, n_jobs=2
        )
    estimator.set_callbacks(bar).fit(digits[0])
    output = capsys.readouterr().out
    assert "pretraining" in output
    assert "joint training" in output
    assert "100%" in output


def test_a_callback_can_stop_a_stage(make_dcec, digits):
    dcec = make_dcec(pretrain_epochs=9).set_callbacks(Recorder(stop_at="epoch"))
    dcec.fit(digits[0])
    assert len(dcec.history_["pretraining"]["loss"]) == 1
    dcec.set_callbacks(Recorder(stop_at="target update")).fit(digits[0])
    assert dcec.n_iter_ == 5
    assert "a callback stopped" in dcec.stop_reason_


def test_scores_can_be_monitored_during_joint_training(make_dcec, digits):
    X, y = digits
    monitor = ScoringMonitor(scoring="adjusted_rand_score")
    dcec = make_dcec().set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs()
    scores = [row["adjusted_rand_score"] for row in log.data]
    assert len(scores) == 4 + 1  # target updates, and the whole fit
    assert np.isfinite(scores).all()
    assert scores[0] == scores[-1]  # the whole fit comes first in the log
    assert dcec.predict(X).shape == (200,)
