"""Fixtures: outputs of the command for a messy folder and for a table."""

import shutil

import pytest
from cli.command import TINY_IMAGES, TINY_TABLE, make_table, run
from images.messy_folder import make_messy_folder


@pytest.fixture(scope="session")
def messy(tmp_path_factory):
    """A folder of 60 readable files and of all kinds of rubbish."""
    folder = tmp_path_factory.mktemp("cli") / "photos"
    return make_messy_folder(folder, n_images=60, undecodable=True)


@pytest.fixture(scope="session")
def _images_out(messy):
    out = messy.folder.parent / "result"
    assert run("cluster", messy.folder, "-k", 3, "--out", out, *TINY_IMAGES) == 0
    return out


@pytest.fixture(scope="session")
def _table_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli-table")
    make_table().to_csv(folder / "table.csv", index=False)
    out = folder / "result"
    assert run("cluster", folder / "table.csv", "-k", 3, "--out", out, *TINY_TABLE) == 0
    return out


def _copy(original):
    """A copy beside it, where relative paths are the same."""
    copy = original.with_name(f"{original.name}-copy")
    shutil.rmtree(copy, ignore_errors=True)
    return shutil.copytree(original, copy)


@pytest.fixture
def images_out(_images_out):
    """What the command wrote for the messy folder."""
    return _copy(_images_out)


@pytest.fixture
def table_out(_table_out):
    """What the command wrote for a table."""
    return _copy(_table_out)
