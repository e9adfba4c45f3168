"""PNG files.

Pillow tries five filters on each row, which takes longer than drawing the text of a picture and
makes pictures of lines no smaller.
"""

from __future__ import annotations

import struct
import zlib
from typing import IO

import numpy as np
from numpy.typing import NDArray

from lumimod.readers.compressed import zlib_packed

SIGNATURE = b"\x89PNG\r\n\x1a\n"
INCH_M = 0.0254


def write_png(file: IO[bytes], rgba: NDArray[np.uint8], dpi: float) -> None:
    """Write an image, (height, width, 4): red, green, blue and opacity.

    Source: W3C, Portable Network Graphics (third edition), sections 5, 9 and 11.
    """
    height, width, _ = rgba.shape
    rows = np.zeros((height, 1 + 4 * width), np.uint8)  # each begins with its filter: 0, none
    rows[:, 1:] = rgba.reshape(height, -1)
    per_m = round(dpi / INCH_M)
    file.write(SIGNATURE)
    _write_chunk(file, b"IHDR", struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0))
    _write_chunk(file, b"pHYs", struct.pack(">2IB", per_m, per_m, 1))
    _write_chunk(file, b"IDAT", zlib_packed(rows))
    _write_chunk(file, b"IEND", b"")


def _write_chunk(file: IO[bytes], kind: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + kind + content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))
