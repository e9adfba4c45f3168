"""The overview as a whole, compared with a small image of it.

A wanted change of its look needs a new image:

    python -m tests.plots.test_overview_image
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from lumimod.arrays import FloatArray
from lumimod.paths import FillPaths
from lumimod.plots.overview import draw_overview, load_overview
from lumimod.plots.rendering.canvas import drawn
from tests.plots.conftest import make_run_fill

IMAGE = Path(__file__).parents[1] / "data" / "overview_5845.png"
DPI, BLOCK = 50, 5
"""The image has one grey pixel for 5 x 5 of the picture: versions of matplotlib differ by less."""
NEAR, MOST_APART = 0.15, 0.002
"""As much may pixels differ, of 0 to 1, and as many of them by more."""


def small_image(paths: FillPaths) -> FloatArray:
    """Return the overview in grey, 0 to 1, (108, 192)."""
    figure = draw_overview(load_overview(paths))
    grey = np.asarray(drawn(figure, DPI), float)[..., :3].mean(axis=-1) / 255
    height, width = (length // BLOCK for length in grey.shape)
    blocks = grey[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK)
    return np.asarray(blocks.mean(axis=(1, 3)))


@pytest.mark.slow
def test_the_overview_looks_as_it_did(run_fill: FillPaths) -> None:
    now, before = small_image(run_fill), np.asarray(imread(IMAGE), float)
    assert now.shape == before.shape
    apart = np.abs(now - before) > NEAR
    assert apart.mean() < MOST_APART, f"differs at rows {np.unique(np.nonzero(apart)[0])}"


def main() -> None:
    """Write the image anew."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        grey = small_image(make_run_fill(Path(folder)))
    Image.fromarray((255 * grey).round().astype(np.uint8)).save(IMAGE, optimize=True)


if __name__ == "__main__":
    main()
