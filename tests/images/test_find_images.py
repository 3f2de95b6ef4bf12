"""Image files of a folder: all of them, nothing else, in one order."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from images.messy_folder import png_of
from PIL import Image

from skdeepclust import find_images
from skdeepclust.exceptions import ImageReadWarning

needs_links = pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")


def put(folder, *names):
    """Write a small image to every name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), 100).save(path, format="PNG")


def names(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


# -- which files -----------------------------------------------------------------------


def test_finds_the_images_of_the_messy_folder_and_nothing_else(messy):
    found = names(find_images(messy.folder), messy.folder)
    assert sorted(found) == sorted([*messy.readable, *messy.unreadable])


def test_checked_files_are_readable_and_the_others_have_a_reason(messy):
    paths, rejected = find_images(messy.folder, check=True, n_jobs=1)
    assert sorted(names(paths, messy.folder)) == messy.readable
    assert list(rejected.columns) == ["path", "reason"]
    assert sorted(names(rejected["path"], messy.folder)) == sorted(messy.unreadable)
    for path, reason in rejected.itertuples(index=False):
        word = messy.unreadable[path.relative_to(messy.folder).as_posix()]
        assert word in reason
        assert "\n" not in reason


def test_all_suffixes_in_upper_and_lower_case(tmp_path):
    wanted = [
        *("a.png", "a.jpg", "a.JPEG", "a.Tif", "a.tiff", "a.WEBP", "a.bmp", "a.gif"),
        *("a.npy", "a.jp2", "a.ppm", "a.tga", "a.lsm", "a.ome.tif", "a.b.PNG", "a.mpo"),
    ]
    put(tmp_path, *wanted)
    other = ("a.svg", "a.txt", "a.eps", "a.pdf", "a.h5", "a.mp4", "png", "a.png.part")
    put(tmp_path, *other)
    assert sorted(names(find_images(tmp_path), tmp_path)) == sorted(wanted)


def test_folders_with_the_suffix_of_an_image_are_folders(tmp_path):
    put(tmp_path, "odd.png/a.png")
    assert names(find_images(tmp_path), tmp_path) == ["odd.png/a.png"]


@needs_links
def test_special_files_are_left_out(tmp_path):
    put(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert names(find_images(tmp_path, check=True)[0], tmp_path) == ["a.png"]


def test_the_folder_itself_may_be_hidden_or_relative(tmp_path, monkeypatch):
    put(tmp_path, ".hidden/a.png")
    monkeypatch.chdir(tmp_path)
    assert find_images(".hidden") == [Path(".hidden/a.png")]
    assert find_images(".hidden" + os.sep) == [Path(".hidden/a.png")]
    with pytest.raises(ValueError, match="No image files"):
        find_images(".")


# -- the order -------------------------------------------------------------------------


def test_sorted_by_relative_path_character_by_character(tmp_path):
    made = [
        "b.png",
        "a/z.png",
        "a-b/a.png",
        "B.png",
        "10.png",
        "9.png",
        "é.png",
        "z.png",
    ]
    put(tmp_path, *made)
    expected = ["10.png", "9.png", "B.png", "a-b/a.png", "a/z.png", "b.png", "z.png"]
    assert names(find_images(tmp_path), tmp_path) == [*expected, "é.png"]


def test_both_ways_to_write_an_accent_have_one_place(tmp_path):
    for form in ("NFC", "NFD"):
        folder = tmp_path / form
        put(folder, unicodedata.normalize(form, "é.png"), "e.png", "f.png", "z.png")
    orders = [
        [unicodedata.normalize("NFC", name) for name in names(find_images(f), f)]
        for f in (tmp_path / "NFC", tmp_path / "NFD")
    ]
    assert orders[0] == orders[1]


def test_the_order_of_the_disk_does_not_matter(tmp_path, monkeypatch):
    put(tmp_path, "a.png", "b/c.png", "b/d.png", "e.png")
    expected = find_images(tmp_path)
    scandir = os.scandir

    class Reversed(list):
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(os, "scandir", lambda p: Reversed(list(scandir(p))[::-1]))
    assert find_images(tmp_path) == expected


# -- links -----------------------------------------------------------------------------


@needs_links
def test_loops_of_links_end(tmp_path):
    put(tmp_path, "set/a.png", "set/deep/b.png", "elsewhere.png")
    folder = tmp_path / "set"
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "out").symlink_to(tmp_path)  # a folder that this one lies in
    (folder / "self").symlink_to(folder / "self")
    (folder / "self.png").symlink_to(folder / "self.png")
    (folder / "x").symlink_to(folder / "y")
    (folder / "y").symlink_to(folder / "x")
    assert names(find_images(folder), folder) == ["a.png", "deep/b.png"]


@needs_links
def test_links_are_followed_and_everything_is_taken_once(tmp_path):
    put(tmp_path, "set/b/real.png", "other/c.png", "other/sub/d.png", "e.png")
    folder, other = tmp_path / "set", tmp_path / "other"
    (folder / "a").symlink_to(folder / "b")  # sorts before b, yet b is real
    (folder / "again.png").symlink_to(folder / "b" / "real.png")
    (folder / "linked").symlink_to(other)
    (folder / "linked2").symlink_to(other)
    (folder / "one.png").symlink_to(tmp_path / "e.png")
    (folder / "two.png").symlink_to(tmp_path / "e.png")
    (other / "back").symlink_to(folder)
    expected = ["b/real.png", "linked/c.png", "linked/sub/d.png", "one.png"]
    assert names(find_images(folder), folder) == expected


@needs_links
def test_a_link_to_the_folder_is_as_the_folder(tmp_path):
    put(tmp_path, "set/a.png", "set/b/c.png")
    (tmp_path / "link").symlink_to(tmp_path / "set")
    link = tmp_path / "link"
    assert names(find_images(link), link) == ["a.png", "b/c.png"]


def test_a_folder_without_permission_is_left_out_and_said(tmp_path, monkeypatch):
    put(tmp_path, "a.png", "closed/b.png")
    scandir = os.scandir

    def guarded(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.warns(ImageReadWarning, match=r"closed.*left out: Permission denied"):
        assert names(find_images(tmp_path), tmp_path) == ["a.png"]


# -- unreadable files ------------------------------------------------------------------


def test_more_than_half_unreadable_is_an_error(tmp_path):
    put(tmp_path, "a.png")
    (tmp_path / "b.png").write_text("no image")
    paths, rejected = find_images(tmp_path, check=True)  # a half is not more
    assert len(paths) == len(rejected) == 1
    (tmp_path / "c.png").write_text("no image")
    with pytest.raises(ValueError, match=r"2 of 3 files cannot be read.*b\.png"):
        find_images(tmp_path, check=True)


def test_max_pixels_is_a_limit_of_the_check(tmp_path):
    put(tmp_path, "a.png", "b.png")
    Image.new("L", (10, 10)).save(tmp_path / "large.png")
    _, rejected = find_images(tmp_path, check=True, max_pixels=99)
    assert "10 x 10 = 100 pixels" in rejected["reason"][0]
    _, rejected = find_images(tmp_path, check=True, max_pixels=100)
    assert rejected.empty


def test_claims_are_refused_in_no_time_and_memory(tmp_path):
    put(tmp_path, "a.png", "b.png", "c.png")
    (tmp_path / "claims.png").write_bytes(png_of(40000, 30000))
    header = np.lib.format.header_data_from_array_1_0(np.zeros((2, 2)))
    with open(tmp_path / "claims.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, {**header, "shape": (40000, 40000)})
    paths, rejected = find_images(tmp_path, check=True)
    assert len(paths) == 3
    assert len(rejected) == 2


# -- wrong inputs ----------------------------------------------------------------------


def test_wrong_folders(tmp_path):
    put(tmp_path, "a.png")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "notes.txt").write_text("no image")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        find_images(tmp_path / "missing")
    with pytest.raises(NotADirectoryError, match="is a file"):
        find_images(str(tmp_path / "a.png"))
    with pytest.raises(ValueError, match=r"No image files .* 1 other files"):
        find_images(tmp_path / "none")
    for wrong in (None, 3, [tmp_path], b"x", np.zeros(3)):
        with pytest.raises(TypeError, match="folder must be a path"):
            find_images(wrong)
    for wrong in (0, 1.5, None):
        with pytest.raises(ValueError, match="max_pixels"):
            find_images(tmp_path, max_pixels=wrong)
    with pytest.raises(TypeError, match="check='a' must be True or False"):
        find_images(tmp_path, check="a")


def test_missing_packages_are_named(tmp_path, monkeypatch):
    put(tmp_path, "a.png")
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    assert len(find_images(tmp_path)) == 1
    with pytest.raises(ImportError, match=r"skdeepclust\[tables\]"):
        find_images(tmp_path, check=True)
