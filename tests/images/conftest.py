"""Fixtures: one messy folder for all tests."""

import pytest
from images.messy_folder import make_messy_folder


@pytest.fixture(scope="session")
def messy(tmp_path_factory):
    """A folder of 160 readable files and of all kinds of rubbish."""
    folder = tmp_path_factory.mktemp("messy")
    return make_messy_folder(folder, n_images=160)
