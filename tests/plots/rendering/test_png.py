"""PNG files hold the pixels that were drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lumimod.plots.rendering.png import write_png


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
