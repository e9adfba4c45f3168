"""Formulas as drawings: Matplotlib sets them, so that no font or script has to be fetched."""

from __future__ import annotations

import html
import re
import textwrap

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

_CODE = re.compile(r"(^ *```.*?^ *```$|`[^`\n]+`)", re.M | re.S)
_BLOCK = re.compile(r"^( *)```math\n(.*?)^ *```$", re.M | re.S)
_INLINE = re.compile(r"(?<![\\$\w])\$([^$\n]+)\$(?![$\w])")
_FONT = FontProperties(size=text_to_path.FONT_SCALE, math_fontfamily="stix")
_EM = 1.1
"""Size of letters in units of those of the text around."""
_COMMANDS = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}
_POINTS = {1: 1, 2: 1, 3: 2, 4: 3, 79: 1}


def with_formulas(text: str) -> str:
    """Return the text of a page with its formulas drawn.

    A formula is a block of code marked `math`, or stands between dollars, as on GitHub.
    """
    pieces = _CODE.split(_BLOCK.sub(_block, text))
    pieces[::2] = [_INLINE.sub(lambda found: svg(found[1]), piece) for piece in pieces[::2]]
    return "".join(pieces)


def _block(found: re.Match[str]) -> str:
    indent, formula = found.groups()
    one_line = " ".join(textwrap.dedent(formula).split())
    return f'{indent}<div class="formula">{svg(one_line)}</div>'


def svg(formula: str) -> str:
    """Return a formula in LaTeX as an image in the colour and size of the text around it."""
    vertices, codes = text_to_path.get_text_path(_FONT, f"${formula}$", ismath=True)
    size = text_to_path.get_text_width_height_descent(f"${formula}$", _FONT, ismath=True)
    width, height, descent = (length / text_to_path.FONT_SCALE for length in size)
    path = _path(np.asarray(vertices) / text_to_path.FONT_SCALE, codes)
    said = html.escape(formula)
    return (
        f'<svg role="img" aria-label="{said}" style="width:{_EM * width:.3f}em; '
        f'height:{_EM * height:.3f}em; vertical-align:{-_EM * descent:.3f}em" '
        f'viewBox="0 {descent - height:.3f} {width:.3f} {height:.3f}">'
        f'<path fill="currentColor" transform="scale(1 -1)" d="{path}"/></svg>'
    )


def _path(vertices: np.ndarray, codes: list[int]) -> str:
    """Return a path in the words of SVG."""
    out, index = [], 0
    while index < len(codes):
        code = int(codes[index])
        points = vertices[index : index + _POINTS[code]]
        numbers = "" if code == 79 else " ".join(f"{x:.3f} {y:.3f}" for x, y in points)
        out.append(_COMMANDS[code] + numbers)
        index += _POINTS[code]
    return "".join(out)
