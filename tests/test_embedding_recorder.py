"""The embedding kept during a fit."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from tiny import tiny

from skdeepclust import IDEC, DeepCluster
from skdeepclust.callbacks import EmbeddingRecorder


def test_a_frame_before_training_and_one_per_update(make_dcec, digits):
    recorder = EmbeddingRecorder(max_samples=40)
    dcec = make_dcec(max_iter=12).set_callbacks(recorder).fit(digits[0])
    steps = dcec.history_["clustering"]["step"]
    assert recorder.steps_ == [0, *steps]
    assert [len(Z) for Z in recorder.embeddings_] == [40] * len(recorder.steps_)
    some = digits[0][recorder.indices_]
    np.testing.assert_allclose(recorder.embeddings_[-1], dcec.transform(some), 1e-6)
    assert_array_equal(recorder.labels_[-1], dcec.predict(some))
    assert_array_equal(recorder.centers_[-1], dcec.cluster_centers_)
    assert not np.array_equal(recorder.centers_[0], recorder.centers_[-1])


def test_recording_changes_nothing(make_dcec, digits):
    plain = make_dcec(max_iter=12).fit(digits[0])
    recorded = make_dcec(max_iter=12).set_callbacks(EmbeddingRecorder()).fit(digits[0])
    assert_array_equal(plain.transform(digits[0]), recorded.transform(digits[0]))
    losses = [each.history_["clustering"]["loss"] for each in (plain, recorded)]
    assert losses[0] == losses[1]


def test_the_samples_may_be_given(make_dcec, digits):
    recorder = EmbeddingRecorder(digits[0][:7])
    dcec = make_dcec(max_iter=10).set_callbacks(recorder).fit(digits[0])
    np.testing.assert_allclose(
        recorder.embeddings_[-1], dcec.transform(digits[0][:7]), 1e-6
    )
    assert_array_equal(recorder.indices_, np.arange(7))


def test_a_second_fit_begins_again(make_dcec, digits):
    recorder = EmbeddingRecorder(max_samples=10)
    dcec = make_dcec(max_iter=10).set_callbacks(recorder)
    dcec.fit(digits[0])
    first = recorder.embeddings_[0]
    dcec.fit(digits[0])
    assert recorder.steps_[0] == 0
    assert len(recorder.steps_) == 3
    assert_array_equal(recorder.embeddings_[0], first)


@pytest.mark.parametrize("kind", ["frame", "list"])
def test_frames_and_lists(kind, blobs):
    X = blobs[0] if kind == "list" else pd.DataFrame(blobs[0]).add_prefix("x")
    X = X.tolist() if kind == "list" else X
    recorder = EmbeddingRecorder(max_samples=9)
    tiny(IDEC, max_iter=4, update_interval=2).set_callbacks(recorder).fit(X)
    assert recorder.embeddings_[0].shape[0] == 9


def test_rounds_of_deepcluster(digits):
    recorder = EmbeddingRecorder(max_samples=9)
    deep = tiny(DeepCluster).set_callbacks(recorder).fit(digits[0])
    assert len(recorder.steps_) == 1 + len(deep.history_["rounds"]["epoch"])


def test_the_last_step_of_a_pipeline(digits, make_dcec):
    X = digits[0].reshape(len(digits[0]), -1)
    recorder = EmbeddingRecorder(max_samples=9)
    dcec = make_dcec(max_iter=10, image_shape=None).set_callbacks(recorder)
    make_pipeline(PCA(16, whiten=True), dcec).fit(X)
    assert recorder.steps_ == [0, *dcec.history_["clustering"]["step"]]


def test_wrong_uses_are_errors(make_dcec, digits):
    with pytest.raises(ValueError, match="max_samples=0"):
        EmbeddingRecorder(max_samples=0)
    with pytest.raises(ValueError, match="random_state=-1"):
        EmbeddingRecorder(random_state=-1)
    with pytest.raises(TypeError, match="PCA has no transform or no predict"):
        EmbeddingRecorder().setup(PCA(), None)
    assert not hasattr(EmbeddingRecorder(), "embeddings_")
