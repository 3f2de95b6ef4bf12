"""From paths to arrays: every format, in the number and the order of the paths."""

import gc
import os
import pickle
import sys
import tracemalloc
import warnings
from inspect import getdoc
from pathlib import Path

import numpy as np
import pytest
import tifffile
from images.messy_folder import png_of
from joblib import parallel_config
from numpydoc.docscrape import NumpyDocString
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.validation import check_is_fitted
from tiny import tiny

from skdeepclust import DCEC, ImageReader, find_images
from skdeepclust.exceptions import ImageReadError, ImageReadWarning, ImageScaleWarning
from skdeepclust.images import _pool
from skdeepclust.metrics import silhouette_scorer

RNG = np.random.RandomState(0)
RGB = RNG.randint(0, 256, size=(20, 30, 3)).astype(np.uint8)
GREY = RNG.randint(0, 256, size=(20, 30)).astype(np.uint8)
DEEP = RNG.randint(300, 4000, size=(20, 30)).astype(np.uint16)


def reader(size=(20, 30), mode="auto", fit="stretch", **params):
    """A reader whose size is that of the test images: they are read as they are."""
    return ImageReader(size, mode, fit, n_jobs=1, **params)


def saved(folder, name, pixels, mode=None, **params):
    path = folder / name
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path, **params)
    return path


def read_one(path, mode="auto", **params):
    """The image in a file, without the warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return reader(mode=mode, **params).transform([path])[0]


# -- formats ---------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "jp2", "ppm", "tga"])
def test_formats_without_loss_are_read_as_they_are(tmp_path, suffix):
    params = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path, f"a.{suffix}", RGB, **params)
    np.testing.assert_array_equal(read_one(path), RGB.transpose(2, 0, 1))


def test_jpeg_is_read_as_pillow_reads_it(tmp_path):
    path = saved(tmp_path, "a.jpg", RGB)
    expected = np.asarray(Image.open(path)).transpose(2, 0, 1)
    np.testing.assert_array_equal(read_one(path), expected)


def test_large_jpeg_are_close_to_what_all_of_them_would_give(tmp_path):
    smooth = np.add.outer(np.arange(600), np.arange(800)) % 256 // 2
    path = saved(tmp_path, "a.jpg", smooth.astype(np.uint8), quality=95)
    found = read_one(path, size=(30, 40))[0]
    whole = Image.open(path).resize((40, 30), Image.Resampling.BILINEAR)
    assert np.abs(found.astype(int) - np.asarray(whole)).mean() < 2


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_modes(tmp_path, mode):
    path = saved(tmp_path, "a.png", GREY, mode)
    expected = np.asarray(Image.fromarray(GREY).convert(mode).convert("L"))
    np.testing.assert_array_equal(read_one(path), expected[None])
    np.testing.assert_array_equal(read_one(path, "rgb"), [expected] * 3)


def test_colours_become_grey_as_in_pillow(tmp_path):
    path = saved(tmp_path, "a.png", RGB)
    expected = np.asarray(Image.fromarray(RGB).convert("L"))
    np.testing.assert_array_equal(read_one(path, "grey"), expected[None])


def test_palette(tmp_path):
    palette = Image.fromarray(RGB).quantize(16)
    palette.save(tmp_path / "a.png")
    expected = np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
    for mode in ("auto", "rgb", "native"):
        np.testing.assert_array_equal(read_one(tmp_path / "a.png", mode), expected)


def test_transparent_pixels_show_the_background(tmp_path):
    alpha = np.zeros((20, 30), dtype=np.uint8)
    alpha[:, :15] = 255
    path = saved(tmp_path, "a.png", np.dstack([RGB, alpha]))
    for background, value in (("white", 255), (7, 7), ((1, 2, 3), (1, 2, 3))):
        found = read_one(path, background=background).transpose(1, 2, 0)
        np.testing.assert_array_equal(found[:, :15], RGB[:, :15])
        np.testing.assert_array_equal(
            found[:, 15:], np.broadcast_to(value, (20, 15, 3))
        )
    grey = read_one(path, "grey", background=9)[0]
    assert (grey[:, 15:] == 9).all()
    assert read_one(path, "native").shape == (4, 20, 30)


def test_transparent_palette_and_transparent_colour(tmp_path):
    palette = Image.fromarray(GREY // 64 * 64).quantize(4)
    clear = np.asarray(palette) == 2
    palette.save(tmp_path / "a.png", transparency=2)
    found = read_one(tmp_path / "a.png", "rgb", background=(1, 2, 3))
    assert (found[:, clear] == [[1], [2], [3]]).all()
    Image.fromarray(RGB).save(
        tmp_path / "b.png", transparency=tuple(map(int, RGB[0, 0]))
    )
    assert (
        read_one(tmp_path / "b.png", background=(1, 2, 3))[:, 0, 0] == [1, 2, 3]
    ).all()


def test_cmyk(tmp_path):
    flat = np.full((20, 30, 3), (200, 30, 90), dtype=np.uint8)
    for name in ("a.jpg", "a.tif"):
        path = saved(tmp_path, name, flat, "CMYK")
        assert np.abs(read_one(path).mean(axis=(1, 2)) - (200, 30, 90)).max() < 4
        assert read_one(path, "native").shape[0] == 4


def test_gif_and_webp_of_several_frames_give_the_first_one(tmp_path):
    frames = [Image.new("L", (30, 20), value) for value in (40, 200)]
    for name in ("a.gif", "a.webp"):
        more = {"lossless": True} if name == "a.webp" else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **more)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            X = reader(mode="grey").fit_transform([tmp_path / name])
        assert (X == 40).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "lzw.tif", "deep.tif"])
def test_exif_rotation_is_undone(tmp_path, orientation, name):
    # Dark top left, bright bottom right, and higher than it is wide.
    upright = np.add.outer(np.arange(30) * 6, np.arange(20) * 3).astype(np.uint8)
    back = {6: 8, 8: 6}.get(orientation, orientation)
    turned = turn(upright, back)
    path = tmp_path / name
    if name == "deep.tif":
        tags = [(274, "H", 1, orientation, True)]
        tifffile.imwrite(path, turned.astype(np.uint16) * 257, extratags=tags)
    else:
        exif = Image.Exif()
        exif[0x0112] = orientation
        more = {"compression": "tiff_lzw"} if name == "lzw.tif" else {}
        Image.fromarray(turned).save(path, exif=exif, **more)
    found = read_one(path, "grey", size=(30, 20))[0].astype(float)
    if name == "deep.tif":  # was scaled from its own range
        found = found / 255 * upright.max()
    assert np.abs(found - upright).max() < 12
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert reader("auto").fit([path]).image_shape_[1:] == (30, 20)


def turn(pixels, orientation):
    """What Pillow makes of an image with this tag."""
    image = Image.fromarray(pixels)
    ways = (None, 0, 3, 1, 5, 4, 6, 2)
    way = ways[orientation - 1]
    return np.asarray(image if way is None else image.transpose(way))


def test_npy(tmp_path):
    cases = {
        "rows": (GREY, GREY[None]),
        "last": (RGB, RGB.transpose(2, 0, 1)),
        "first": (RGB.transpose(2, 0, 1), RGB.transpose(2, 0, 1)),
        "single": (GREY[..., None], GREY[None]),
        "bool": (GREY > 99, (GREY > 99)[None] * np.uint8(255)),
    }
    for name, (array, expected) in cases.items():
        np.save(tmp_path / f"{name}.npy", array)
        found = read_one(tmp_path / f"{name}.npy")
        np.testing.assert_array_equal(found, expected)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(RGB))
    expected = RGB.transpose(2, 0, 1)
    np.testing.assert_array_equal(read_one(tmp_path / "fortran.npy"), expected)


def test_the_content_counts_not_the_suffix(tmp_path):
    for fmt in ("PNG", "TIFF", "BMP"):
        path = saved(tmp_path, "a.jpg", RGB, format=fmt)
        np.testing.assert_array_equal(read_one(path), RGB.transpose(2, 0, 1))


# -- 16 bits and floats ----------------------------------------------------------------


def test_deep_values_are_scaled_over_the_whole_set(tmp_path):
    dark, bright = DEEP // 2, DEEP * 4
    paths = [tmp_path / "dark.tif", tmp_path / "bright.png", tmp_path / "eight.png"]
    tifffile.imwrite(paths[0], dark)
    saved(tmp_path, "bright.png", bright)
    saved(tmp_path, "eight.png", GREY)
    with pytest.warns(
        ImageScaleWarning, match="2 of 3 files have uint16 values"
    ) as log:
        X = reader().fit_transform(paths)
    assert len(log) == 1
    low, high = int(dark.min()), int(bright.max())
    assert f"{low} becomes 0, and {high} becomes 255" in str(log[0].message)
    for i, pixels in enumerate((dark, bright)):
        expected = np.rint((pixels.astype(float) - low) / (high - low) * 255)
        np.testing.assert_array_equal(X[i, 0], expected)
    assert X[:2].min() == 0
    assert X[:2].max() == 255
    assert len(np.unique(X[1])) > 100  # a white image has one value
    np.testing.assert_array_equal(X[2, 0], GREY)


@pytest.mark.parametrize("dtype", ["int16", "uint32", "int32", "float16", "float64"])
def test_other_types_are_scaled(tmp_path, dtype):
    values = (DEEP.astype(float) - 2000) / 7
    values = np.abs(values) if dtype.startswith("u") else values
    values = values.astype(dtype)
    np.save(tmp_path / "a.npy", values)
    tifffile.imwrite(tmp_path / "a.tif", values)
    values = values.astype(float)
    expected = (values - values.min()) / (values.max() - values.min()) * 255
    for name in ("a.npy", "a.tif"):
        with pytest.warns(ImageScaleWarning):
            X = reader().fit_transform([tmp_path / name])
        assert np.abs(X[0, 0] - expected).max() <= 0.51


def test_new_files_get_the_scale_of_fit(tmp_path):
    paths = [tmp_path / f"{i}.tif" for i in range(3)]
    for path, factor in zip(paths, (1, 3, 5)):
        tifffile.imwrite(path, DEEP * factor)
    with pytest.warns(ImageScaleWarning):
        both = reader().fit_transform(paths[:2])
    with pytest.warns(ImageScaleWarning):
        fitted = reader().fit(paths[:2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(fitted.transform(paths[:1])[0], both[0])
    with pytest.warns(ImageScaleWarning, match="1 of 2 files have values beyond"):
        assert fitted.transform(paths[1:])[1].max() == 255


def test_a_type_that_fit_has_not_seen_is_scaled_by_its_limits(tmp_path):
    eight, deep = saved(tmp_path, "a.png", GREY), tmp_path / "b.tif"
    tifffile.imwrite(deep, DEEP)
    fitted = reader().fit([eight])
    with pytest.warns(
        ImageScaleWarning, match="1 of 1 files have uint16 .* no file of"
    ):
        found = fitted.transform([deep])[0, 0]
    np.testing.assert_array_equal(found, np.rint(DEEP / 257))


def test_constant_and_not_finite_values(tmp_path):
    np.save(tmp_path / "constant.npy", np.full((20, 30), 7.5))
    assert (read_one(tmp_path / "constant.npy") == 0).all()
    values = np.linspace(0, 1, 600).reshape(20, 30)
    odd = values.copy()
    odd[0, :3] = np.nan, -np.inf, 0
    odd[-1, -2] = np.inf
    np.save(tmp_path / "odd.npy", odd)
    with (
        pytest.warns(ImageScaleWarning, match="0 becomes 0, and 1 becomes 255"),
        pytest.warns(ImageReadWarning, match="1 of 1 files have NaN or infinite"),
    ):
        found = reader().transform([tmp_path / "odd.npy"])[0, 0]
    assert (found[0, :3] == 0).all()
    assert found[-1, -2] == 255
    assert np.abs(found[1:-1] - values[1:-1] * 255).max() <= 1
    np.save(tmp_path / "none.npy", np.full((20, 30), np.nan))
    assert (read_one(tmp_path / "none.npy") == 0).all()
    np.save(tmp_path / "huge.npy", np.array([[1e300, 0.0], [0.5, 1.0]]))
    assert read_one(tmp_path / "huge.npy", size=2).max() == 255


def test_deep_colours_and_transparency(tmp_path):
    deep = RGB.astype(np.uint16) * 100
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb")
    np.testing.assert_allclose(
        read_one(tmp_path / "a.tif"),
        (RGB.transpose(2, 0, 1) - float(RGB.min())) * 255 / np.ptp(RGB),
        atol=0.51,
    )
    alpha = np.zeros((20, 30, 1), dtype=np.uint16)
    alpha[:, :15] = 65535
    pixels = np.concatenate([deep, alpha], axis=2)
    settings = {"photometric": "rgb", "extrasamples": ["unassalpha"]}
    tifffile.imwrite(tmp_path / "b.tif", pixels, **settings)
    found = read_one(tmp_path / "b.tif", background=(1, 2, 3))
    assert (found[:, :, 15:] == np.array([1, 2, 3])[:, None, None]).all()
    np.testing.assert_array_equal(
        found[..., :15], read_one(tmp_path / "a.tif")[..., :15]
    )
    grey = read_one(tmp_path / "a.tif", "grey")
    assert grey.shape == (1, 20, 30)


def test_white_is_zero(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", DEEP, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "b.tif", 65535 - DEEP)
    found, expected = (read_one(tmp_path / name) for name in ("a.tif", "b.tif"))
    np.testing.assert_array_equal(found, expected)


def test_compression_that_tifffile_lacks_is_read_by_pillow(tmp_path):
    saved(tmp_path, "a.tif", DEEP, compression="tiff_lzw")
    tifffile.imwrite(tmp_path / "b.tif", DEEP)
    found, expected = (read_one(tmp_path / name) for name in ("a.tif", "b.tif"))
    np.testing.assert_array_equal(found, expected)
    for compression in ("tiff_lzw", "jpeg", "packbits", "tiff_adobe_deflate"):
        path = saved(tmp_path, "c.tif", RGB, compression=compression)
        assert read_one(path).shape == (3, 20, 30)


def test_16_bit_png_in_colour_is_said(tmp_path):
    path = tmp_path / "a.png"
    rows = b"".join(b"\0" + bytes([200, 1] * 6) for _ in range(2))
    path.write_bytes(png_of(2, 2, depth=16, rows=rows))
    with pytest.warns(ImageReadWarning, match="1 of 1 files are 16-bit PNG in colour"):
        X = ImageReader(2, "rgb").transform([path])
    assert (X == 200).all()


# -- bands and pages -------------------------------------------------------------------


def test_native_keeps_bands_and_pages(tmp_path):
    five = RNG.randint(0, 256, size=(5, 20, 30)).astype(np.uint8)
    for name, params in {
        "pages.tif": {"photometric": "minisblack"},
        "planar.tif": {"photometric": "minisblack", "planarconfig": "separate"},
    }.items():
        tifffile.imwrite(tmp_path / name, five, **params)
        np.testing.assert_array_equal(read_one(tmp_path / name, "native"), five)
    contiguous = {"photometric": "minisblack", "planarconfig": "contig"}
    tifffile.imwrite(tmp_path / "contig.tif", five.transpose(1, 2, 0), **contiguous)
    np.testing.assert_array_equal(read_one(tmp_path / "contig.tif", "native"), five)
    for order in ((0, 1, 2), (1, 2, 0)):
        np.save(tmp_path / "a.npy", five.transpose(order))
        np.testing.assert_array_equal(read_one(tmp_path / "a.npy", "native"), five)


def test_native_keeps_the_axes_of_imagej_and_ome(tmp_path):
    stack = RNG.randint(0, 5000, size=(3, 2, 20, 30)).astype(np.uint16)
    for name, params in {"imagej.tif": {"imagej": True}, "a.ome.tif": {}}.items():
        axes = {"axes": "ZCYX"}
        tifffile.imwrite(
            tmp_path / name, stack, metadata=axes, photometric="minisblack", **params
        )
        found = read_one(tmp_path / name, "native")
        bands = stack.reshape(6, 20, 30).astype(float)
        low, high = bands.min(axis=(1, 2)), bands.max(axis=(1, 2))
        expected = (bands - low[:, None, None]) / (high - low)[:, None, None] * 255
        assert np.abs(found - expected).max() <= 0.51  # each by its own range
        first = read_one(tmp_path / name)
        assert first.shape == (1, 20, 30)
        assert np.corrcoef(first[0].ravel(), stack[0, 0].ravel())[0, 1] > 0.99


def test_what_is_not_read_is_said(tmp_path):
    five = RNG.randint(0, 256, size=(5, 20, 30)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "pages.tif", five, photometric="minisblack")
    with pytest.warns(ImageReadWarning, match="1 of 1 files have several pages"):
        X = reader().fit_transform([tmp_path / "pages.tif"])
    np.testing.assert_array_equal(X[0], five[:1])
    np.save(tmp_path / "bands.npy", five)
    with pytest.warns(ImageReadWarning, match="1 of 1 files have bands"):
        X = reader().fit_transform([tmp_path / "bands.npy"])
    np.testing.assert_array_equal(X[0], five[:3])


def test_native_needs_one_number_of_channels(tmp_path):
    paths = [saved(tmp_path, "a.png", RGB), saved(tmp_path, "b.png", GREY)]
    with pytest.raises(ValueError, match=r"a\.png' has 3 and .*b\.png' has 1"):
        reader(mode="native").fit(paths)
    fitted = reader(mode="native").fit(paths[:1])
    with pytest.raises(ImageReadError, match=r"b\.png.* has 1 channels, and .* have 3"):
        fitted.transform(paths)


def test_several_pages_of_8_bits_by_pillow_and_by_tifffile(tmp_path):
    pages = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    path = tmp_path / "a.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="jpeg")
    assert read_one(path).shape == (3, 20, 30)
    pages[0].save(path, save_all=True, append_images=pages[1:])
    expected = np.concatenate([RGB, 255 - RGB], axis=2).transpose(2, 0, 1)
    np.testing.assert_array_equal(read_one(path, "native"), expected)


# -- mode and size ---------------------------------------------------------------------


def test_auto_is_grey_if_all_are_grey(tmp_path):
    grey = [
        saved(tmp_path, "a.png", GREY),
        saved(tmp_path, "b.jpg", GREY),
        saved(tmp_path, "stored in colour.png", GREY, "RGB"),
        saved(tmp_path, "stored in colour.jpg", GREY, "RGB"),
        saved(tmp_path, "palette.gif", GREY, "P"),
    ]
    coloured = saved(tmp_path, "z.png", RGB)
    fitted = reader().fit(grey)
    assert fitted.mode_ == "grey"
    assert fitted.image_shape_ == (1, 20, 30)
    assert fitted.transform([coloured]).shape == (1, 1, 20, 30)  # as in fit
    fitted = reader().fit([*grey, coloured])
    assert fitted.mode_ == "rgb"
    X = fitted.transform(grey[:1])
    np.testing.assert_array_equal(X[0], [GREY] * 3)


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(28, 28)] * 3, (28, 28)),  # all the same, and small
        ([(24, 48)] * 3, (24, 48)),
        ([(480, 640)] * 3, (48, 64)),  # all the same, and large
        ([(480, 640)] * 99 + [(640, 480)], (48, 64)),
        ([(480, 640), (640, 480)] * 5, (64, 64)),
        ([(20, 20), (30, 30), (40, 40)], (30, 30)),
        ([(20, 30), (30, 20), (40, 40)], (30, 30)),
        ([(1, 1000)] * 3, (8, 64)),
    ],
)
def test_auto_size(tmp_path, shapes, expected):
    paths = []
    for shape in shapes:
        path = tmp_path / f"{shape[0]}x{shape[1]}.png"
        Image.new("L", shape[::-1]).save(path)
        paths.append(path)
    with pytest.warns(ImageReadWarning, match=f"{expected[0]} x {expected[1]} pixels"):
        fitted = reader("auto").fit(paths)
    assert fitted.image_shape_[1:] == expected


def test_pad_crop_and_stretch(tmp_path):
    pixels = np.zeros((10, 20), dtype=np.uint8)
    pixels[:, :10], pixels[:, 10:] = 100, 200
    path = saved(tmp_path, "a.png", pixels)
    pad = read_one(path, fit="pad", size=20, padding=7)[0]
    assert (pad[:5] == 7).all()
    assert (pad[15:] == 7).all()
    np.testing.assert_array_equal(pad[5:15], pixels)
    crop = read_one(path, fit="crop", size=10)[0]
    np.testing.assert_array_equal(crop, pixels[:, 5:15])
    stretch = read_one(path, fit="stretch", size=(10, 10))[0]
    assert (stretch[:, :4] == 100).all()
    assert (stretch[:, 6:] == 200).all()


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 13), (64, 64)])
def test_any_shape_gets_the_size(tmp_path, fit, shape):
    path = saved(tmp_path, "a.png", np.full(shape, 130, dtype=np.uint8))
    found = read_one(path, fit=fit, size=(31, 17), padding=130)
    assert found.shape == (1, 31, 17)
    assert (found == 130).all()


def test_colours_of_padding(tmp_path):
    path = saved(tmp_path, "a.png", np.zeros((4, 8, 3), dtype=np.uint8))
    for padding in ("red", "#ff0000", (255, 0, 0), np.array([255, 0, 0])):
        found = read_one(path, "rgb", fit="pad", size=8, padding=padding)
        assert (found[:, 0, 0] == [255, 0, 0]).all()
    assert read_one(path, "grey", fit="pad", size=8, padding="red")[0, 0, 0] == 76


# -- unreadable files ------------------------------------------------------------------


def damaged(folder):
    """Files that cannot be read, and a word of the reason for each."""
    content = saved(folder, "cut.jpg", GREY).read_bytes()
    (folder / "cut.jpg").write_bytes(content[:-200])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("no image")
    (folder / "claims.png").write_bytes(png_of(40000, 30000))
    tifffile.imwrite(folder / "cut.tif", DEEP)
    (folder / "cut.tif").write_bytes((folder / "cut.tif").read_bytes()[:-100])
    np.save(folder / "objects.npy", np.array([{}, None]), allow_pickle=True)
    np.save(folder / "four.npy", np.zeros((2, 3, 4, 5)))
    np.save(folder / "complex.npy", np.zeros((4, 4), dtype=complex))
    np.save(folder / "nothing.npy", np.zeros((0, 4)))
    (folder / "folder.png").mkdir()
    return {
        "cut.jpg": "truncated",
        "empty.png": "the file is empty",
        "text.png": "not an image",
        "claims.png": "more pixels",
        "cut.tif": "failed to read",
        "objects.npy": "allow_pickle|objects|Object",
        "four.npy": "not one image",
        "complex.npy": "not those of an image",
        "nothing.npy": "no pixels|empty",
        "folder.png": "it is a folder",
    }


def test_the_error_names_the_file_and_the_reason(tmp_path):
    good = saved(tmp_path, "good.png", GREY)
    for name, reason in damaged(tmp_path).items():
        with pytest.raises(ImageReadError, match=reason) as error:
            reader().fit_transform([good, tmp_path / name, good])
        assert repr(str(tmp_path / name)) in str(error.value)
    with pytest.raises(FileNotFoundError, match=r"no file .*missing\.png"):
        reader().fit([good, tmp_path / "missing.png"])


def test_blank_keeps_number_and_order(tmp_path):
    good = [saved(tmp_path, f"{i}.png", GREY // (i + 1)) for i in range(3)]
    bad = [tmp_path / name for name in damaged(tmp_path)] + [tmp_path / "missing.png"]
    paths = [good[0], *bad[:4], good[1], *bad[4:], good[2], good[0]]
    made = reader(on_error="blank", padding=9)
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")
        X = made.fit_transform(paths)
    blank = [warning for warning in log if "blank" in str(warning.message)]
    assert [warning.category for warning in blank] == [ImageReadWarning]
    message = str(blank[0].message)
    assert f"{len(bad)} of {len(paths)} files" in message
    assert repr(str(bad[0])) in message
    for i, path in enumerate(paths):
        if path in good:
            np.testing.assert_array_equal(X[i, 0], GREY // (good.index(path) + 1))
        else:
            assert (X[i] == 9).all()
    with pytest.warns(ImageReadWarning, match="1 of 1 files"):
        assert made.transform(bad[:1]).shape == (1, *made.image_shape_)


def test_nothing_readable_is_an_error_even_if_blank(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ImageReadError, match=r"None of the 2 files .* is empty"):
        reader(on_error="blank").fit([tmp_path / "a.png"] * 2)


def test_a_failed_fit_keeps_the_old_one(tmp_path):
    path = saved(tmp_path, "a.png", GREY)
    fitted = reader().fit([path])
    with pytest.raises(FileNotFoundError):
        fitted.set_params(size=8).fit([path, tmp_path / "missing.png"])
    assert fitted.image_shape_ == (1, 20, 30)


def test_max_pixels(tmp_path):
    path = saved(tmp_path, "a.png", GREY)
    assert reader(max_pixels=600).transform([path]).shape == (1, 1, 20, 30)
    with pytest.raises(ImageReadError, match="20 x 30 = 600 pixels.*max_pixels=599"):
        reader(max_pixels=599).transform([path])
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 20, 30), np.uint16))
    np.save(tmp_path / "a.npy", DEEP)
    for name in ("a.tif", "a.npy"):
        with pytest.raises(ImageReadError, match="max_pixels=599"):
            reader(max_pixels=599).transform([tmp_path / name])


# -- as a transformer ------------------------------------------------------------------


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """24 files of two kinds: bright discs, dark stripes."""
    folder = tmp_path_factory.mktemp("shapes")
    y, x = np.mgrid[:16, :16] - 7.5
    for i in range(24):
        light = np.hypot(x, y) < 5 + i % 3 if i % 2 else np.sin(x + i) > 0
        saved(folder, f"{i:02d}.png", (light * 200).astype(np.uint8))
    return find_images(folder)


def small_dcec():
    return tiny(DCEC, n_clusters=2, image_shape="auto")


def test_pipeline_with_dcec(shapes):
    pipeline = make_pipeline(ImageReader(16), small_dcec())
    labels = pipeline.fit_predict(shapes)
    assert labels.shape == (24,)
    np.testing.assert_array_equal(pipeline.predict(shapes), labels)
    np.testing.assert_array_equal(pipeline.predict(shapes[:5]), labels[:5])
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict(shapes[3:]), labels[3:])
    copy = clone(pipeline)
    assert not hasattr(copy[0], "image_shape_")
    np.testing.assert_array_equal(copy.fit_predict(shapes), labels)


def test_search_over_the_reader(shapes):
    pipeline = make_pipeline(ImageReader(16), small_dcec())
    grid = {"imagereader__size": [12, 16], "imagereader__fit": ["pad", "crop"]}
    search = GridSearchCV(
        pipeline, grid, scoring=silhouette_scorer, cv=2, error_score="raise"
    )
    search.fit(np.array([str(path) for path in shapes]))
    assert search.best_params_["imagereader__fit"] in ("pad", "crop")
    assert search.predict(shapes).shape == (24,)


def test_all_containers_of_paths(shapes):
    pandas = pytest.importorskip("pandas")
    expected = ImageReader(16).transform(shapes)
    strings = [str(path) for path in shapes]
    series = pandas.Series(strings, index=range(100, 124))
    for paths in (
        *(strings, tuple(shapes), np.array(strings), np.array(shapes, dtype=object)),
        *(series, series.astype("category"), pandas.Index(strings)),
    ):
        np.testing.assert_array_equal(ImageReader(16).fit_transform(paths), expected)


def test_no_fit_is_needed_and_fit_changes_nothing(shapes):
    unfitted = ImageReader(16)
    X = unfitted.transform(shapes)
    assert not hasattr(unfitted, "image_shape_")
    np.testing.assert_array_equal(unfitted.fit(shapes).transform(shapes), X)
    assert X.dtype == np.uint8
    assert X.shape == (24, 1, 16, 16)


def test_tags_say_that_no_fit_is_needed():
    tags = get_tags(ImageReader())
    assert not tags.requires_fit
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    check_is_fitted(ImageReader())


def test_duplicates_are_fine(shapes):
    X = ImageReader(16).transform([shapes[0]] * 3 + [shapes[1]])
    assert (X[0] == X[2]).all()
    assert (X[0] != X[3]).any()


@pytest.mark.parametrize("n_jobs", [1, 2, None, -1])
def test_the_number_of_workers_changes_nothing(messy, n_jobs):
    paths = [messy.folder / name for name in messy.readable]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X = ImageReader(24, n_jobs=n_jobs).fit_transform(paths)
        one = ImageReader(24, n_jobs=1).fit(paths).transform(paths[100:101])
    assert X.shape == (len(paths), 3, 24, 24)
    np.testing.assert_array_equal(X[100], one[0])


@pytest.mark.slow
def test_processes_read_the_same(shapes):
    expected = ImageReader(16).transform(shapes)
    with parallel_config("loky", n_jobs=2):
        np.testing.assert_array_equal(ImageReader(16).transform(shapes), expected)


def test_every_file_of_the_messy_folder_shows_what_it_should(messy):
    paths = find_images(messy.folder)
    made = ImageReader(32, on_error="blank", padding=(1, 2, 3))
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")
        X = made.fit_transform(paths)
    said = " ".join(str(warning.message) for warning in log)
    for word in ("uint16", "float", "pages", "3 of 163 files could not be read"):
        assert word in said
    blank = (np.array([1, 2, 3])[:, None, None] == X).all(axis=(1, 2, 3))
    names = [path.relative_to(messy.folder).as_posix() for path in paths]
    assert {n for n, b in zip(names, blank) if b} == set(messy.unreadable)
    # No image is all white or all black, whatever its depth was.
    assert (np.ptp(X[~blank].reshape((~blank).sum(), -1), axis=1) > 60).all()


# set_params and get_params know a parameter that has the name of a method.


def test_the_parameter_fit():
    made = ImageReader(32, "rgb", "crop")
    assert made.get_params()["fit"] == "crop"
    assert "fit='crop'" in repr(made)
    assert clone(made).get_params() == made.get_params()
    assert made.set_params(fit="pad", size=8).get_params()["fit"] == "pad"
    assert callable(made.fit)
    with pytest.raises(ValueError, match="Invalid parameter 'foo'"):
        made.set_params(foo=1, fit="crop")
    assert made.get_params()["fit"] == "pad"


# scikit-learn's checks that need no array. One is not kept: fit is the name of a
# parameter and of a method, so it cannot be an attribute.
CHECKS = (
    *("check_estimator_cloneable", "check_estimator_repr", "check_valid_tag_types"),
    *("check_estimator_tags_renamed", "check_mixin_order", "check_set_params"),
    *("check_get_params_invariance", "check_parameters_default_constructible"),
)


@pytest.mark.parametrize("check", CHECKS)
def test_scikit_learns_checks(check):
    getattr(estimator_checks, check)("ImageReader", ImageReader())


def test_attributes_are_described(shapes):
    fitted = ImageReader(16).fit(shapes)
    described = {p.name for p in NumpyDocString(getdoc(ImageReader))["Attributes"]}
    found = {name for name in vars(fitted) if name.endswith("_")}
    assert described == found


# -- memory ----------------------------------------------------------------------------


def test_large_results_are_memory_maps_that_clean_up(shapes, tmp_path):
    expected = ImageReader(16).transform(shapes)
    X = ImageReader(16, memmap_above=0, memmap_folder=tmp_path).transform(shapes)
    assert isinstance(X, np.memmap)
    assert not X.flags.writeable
    np.testing.assert_array_equal(X, expected)
    assert len(os.listdir(tmp_path)) == 1
    part = X[3:5]
    del X
    gc.collect()
    np.testing.assert_array_equal(part, expected[3:5])
    assert len(os.listdir(tmp_path)) == 1
    del part
    gc.collect()
    assert os.listdir(tmp_path) == []
    inside = ImageReader(16, memmap_above=expected.nbytes).transform(shapes)
    assert not isinstance(inside, np.memmap)
    never = ImageReader(16, memmap_above=None).transform(shapes)
    assert not isinstance(never, np.memmap)


def test_a_memory_map_is_clustered(shapes, tmp_path):
    made = ImageReader(16, memmap_above=0, memmap_folder=tmp_path)
    pipeline = make_pipeline(made, small_dcec())
    assert pipeline.fit_predict(shapes).shape == (24,)
    gc.collect()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, None])
def test_a_run_that_fails_leaves_no_file(shapes, tmp_path, monkeypatch, error):
    made = ImageReader(16, memmap_above=0, memmap_folder=tmp_path).fit(shapes)
    paths = [*shapes, tmp_path / "missing.png"] if error is None else shapes
    if error is not None:

        def interrupt(self, block):
            raise error

        monkeypatch.setattr(_pool.Rows, "append", interrupt)
    with pytest.raises(error or FileNotFoundError):
        made.transform(paths)
    assert os.listdir(tmp_path) == []


def test_a_disk_that_is_too_small_is_said_beforehand(shapes, tmp_path, monkeypatch):
    monkeypatch.setattr(
        _pool.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10})
    )
    with pytest.raises(OSError, match="has 0.0 GB left. Pass memmap_folder"):
        ImageReader(16, memmap_above=0, memmap_folder=tmp_path).transform(shapes)
    with pytest.raises(ValueError, match="not a folder"):
        ImageReader(16, memmap_above=0, memmap_folder="no/such").transform(shapes)


def peak_of(function):
    tracemalloc.start()
    try:
        result = function()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


def test_memory_is_flat_with_a_memory_map(shapes, tmp_path):
    made = ImageReader(64, "rgb", memmap_above=0, memmap_folder=tmp_path, n_jobs=1)
    made.fit(shapes)
    few = [str(path) for path in shapes] * 10
    many = few * 6
    made.transform(few)  # imports
    small, X = peak_of(lambda: made.transform(few))
    large, Y = peak_of(lambda: made.transform(many))
    assert Y.nbytes - X.nbytes > 14e6
    assert large - small < 0.05 * (Y.nbytes - X.nbytes)


# -- warnings and progress -------------------------------------------------------------


def test_warnings_show_the_line_of_the_user(shapes):
    with pytest.warns(ImageReadWarning) as log:
        make_pipeline(ImageReader("auto"), small_dcec()).fit(shapes)
    assert {warning.filename for warning in log} == {__file__}


def test_what_decoders_say_is_not_passed_on(tmp_path, caplog, recwarn):
    tifffile.imwrite(tmp_path / "a.tif", DEEP)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[:150])
    good = saved(tmp_path, "b.png", GREY)
    with pytest.raises(ImageReadError):
        reader().fit([good, tmp_path / "a.tif"])
    assert not caplog.records
    assert not recwarn


def test_the_bar_is_quiet_without_a_terminal(shapes, capfd, monkeypatch):
    monkeypatch.setattr(_pool, "_PATIENCE", 0)
    ImageReader(16).transform(shapes)
    assert capfd.readouterr() == ("", "")


def test_the_bar_counts_on_a_terminal(shapes, monkeypatch):
    pytest.importorskip("rich")
    from io import StringIO

    class Terminal(StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(_pool, "_PATIENCE", 0)
    monkeypatch.setenv("TERM", "xterm")
    for progress in (True, False):
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        ImageReader(16, n_jobs=1, progress=progress).transform(shapes * 5)
        assert ("Reading images" in stream.getvalue()) == progress
    monkeypatch.setitem(sys.modules, "rich", None)
    ImageReader(16, n_jobs=1).transform(shapes)  # no bar, no error


# -- wrong inputs ----------------------------------------------------------------------


def test_wrong_paths(shapes, tmp_path):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"path": [str(path) for path in shapes]})
    cases = [
        (str(tmp_path), TypeError, r"got the folder .* Pass find_images\("),
        (tmp_path, TypeError, r"Pass find_images\("),
        (shapes[0], TypeError, "one path. Pass a list"),
        ([], ValueError, "at least one path"),
        (np.zeros((3, 8, 8), dtype=np.uint8), TypeError, "leave the ImageReader out"),
        (np.zeros(3), TypeError, "leave the ImageReader out"),
        (np.array([["a", "b"]]), TypeError, "one-dimensional"),
        (
            list(np.zeros((3, 8, 8))),
            TypeError,
            r"entry 0 is an array of shape \(8, 8\)",
        ),
        (table, TypeError, r"Pass the column that holds them, such as X\['path'\]"),
        ([shapes[0], None], TypeError, "entry 1 is None"),
        (pandas.Series([str(shapes[0]), np.nan]), TypeError, "entry 1 is nan"),
        ([shapes[0], ""], ValueError, "entry 1 is ''"),
        (["a\0b"], ValueError, "entry 0 is"),
        ([b"a.png"], TypeError, "entry 0 is b'a.png'"),
        (None, TypeError, "got NoneType"),
        (3, TypeError, "got int"),
        ({"a.png"}, TypeError, "got set"),
        (tmp_path.rglob("*"), TypeError, "must be a sequence of paths: a list"),
    ]
    for paths, kind, message in cases:
        for call in (ImageReader().fit, ImageReader().transform):
            with pytest.raises(kind, match=message):
                call(paths)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        *(({"size": size}, "size") for size in (0, -3, 1.5, "big", (3,), (3, 0), None)),
        *(({"size": size}, "size") for size in ((3, 4, 5), True, (3, 4.5), [])),
        *(({"mode": mode}, "mode") for mode in ("gray", None, 3, "RGB")),
        *(({"fit": fit}, "fit") for fit in ("fill", None, 3)),
        *(({"background": c}, "background") for c in ("whitish", 256, -1, (1, 2), 1.5)),
        *(({"padding": c}, "padding") for c in ((1, 2, 256), None, (1, 2, "3"), True)),
        *(({"on_error": value}, "on_error") for value in ("skip", None)),
        *(({"max_pixels": value}, "max_pixels") for value in (0, None, 1.5)),
        *(({"memmap_above": value}, "memmap_above") for value in (-1, "1GB")),
        ({"memmap_folder": 3}, "memmap_folder"),
        ({"n_jobs": 1.5}, "n_jobs"),
        ({"n_jobs": "all"}, "n_jobs"),
        ({"progress": "yes"}, "progress"),
    ],
)
def test_wrong_parameters(shapes, params, message):
    for call in (ImageReader(**params).fit, ImageReader(**params).transform):
        with pytest.raises(ValueError, match=message):
            call(shapes)


@pytest.mark.parametrize(("module", "name"), [("PIL", "Pillow"), ("tifffile",) * 2])
def test_missing_packages_are_named(shapes, monkeypatch, module, name):
    from skdeepclust.images import _formats

    _formats.formats.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{name}: pip install .skdeepclust\[images"):
        ImageReader().fit([Path(path) for path in shapes])
