"""PNG files hold the pixels that were drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lumimod.plots.rendering.png import read_png, write_png


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (40, 61)])
def test_another_program_reads_the_same_pixels(shape: tuple[int, int]) -> None:
    rgba = np.random.default_rng(1).integers(0, 256, (*shape, 4), np.uint8)
    file = io.BytesIO()
    write_png(file, rgba, 150)
    with Image.open(file) as image:
        np.testing.assert_array_equal(np.asarray(image), rgba)
        assert image.info["dpi"] == pytest.approx((150, 150), rel=1e-3)
    with Image.open(file) as image:
        image.verify()  # sums of all chunks


@pytest.fixture
def written() -> tuple[bytes, np.ndarray]:
    rgba = np.random.default_rng(1).integers(0, 256, (7, 3, 4), np.uint8)
    file = io.BytesIO()
    write_png(file, rgba, 150)
    return file.getvalue(), rgba


def test_its_own_files_are_read_as_they_were_written(written: tuple[bytes, np.ndarray]) -> None:
    content, rgba = written
    found = read_png(content)
    assert found is not None
    rows = np.frombuffer(found.rows, np.uint8).reshape(found.height, -1)
    np.testing.assert_array_equal(rows[:, 1:].reshape(rgba.shape), rgba)
    assert (found.width, found.height) == (3, 7)


def test_files_of_other_programs_are_left_to_others() -> None:
    rng = np.random.default_rng(1)
    for shape in ((40, 61, 3), (40, 61, 4)):
        image = Image.fromarray(rng.integers(0, 30, shape, np.uint8).cumsum(1, np.uint8))
        file = io.BytesIO()
        image.save(file, "PNG")
        assert read_png(file.getvalue()) is None
    assert read_png(b"") is None
    assert read_png(b"IDAT" * 20) is None


def test_a_damaged_file_is_not_read(written: tuple[bytes, np.ndarray]) -> None:
    content, _ = written
    packed = content.find(b"IDAT") + 4
    assert read_png(content[:-20]) is None
    for at in (packed, packed + 30, packed + 60):
        damaged = bytearray(content)
        damaged[at] ^= 0x5A
        assert read_png(bytes(damaged)) is None
