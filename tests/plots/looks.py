"""What all pictures have in common: limits, words, legends, room before the frame."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.plots.conftest import drawn_lines, outside_note, texts

HISTOGRAMS = ("injection ", "start of ramp ", "end of ramp ", "stable beams ")


def quantity_of(ax: Axes) -> str:
    """Return the label of y without beam or experiment."""
    words = re.sub(r"^(Beam \d|ATLAS|CMS|H|V)[:\s]*", "", ax.get_ylabel().replace("\n", " "))
    return words.strip()


def check_shared(figure: Figure) -> None:
    """Check that panels of the same quantity have the same limits and ticks."""
    by_quantity: dict[str, list[Axes]] = {}
    for ax in figure.axes:
        if ax.get_subplotspec() is not None and quantity_of(ax):
            by_quantity.setdefault(quantity_of(ax), []).append(ax)
    assert by_quantity
    for label, axes in by_quantity.items():
        # Lifetimes as measured and beyond burn-off have a column each.
        columns = [axes[0::2], axes[1::2]] if "beyond burn-off" in texts(figure) else [axes]
        for same in columns:
            for ax in same:
                assert ax.get_ylim() == pytest.approx(same[0].get_ylim()), label
                np.testing.assert_allclose(ax.get_yticks(), same[0].get_yticks(), err_msg=label)


def check_words(figure: Figure) -> None:
    """Check that signs and words are those of the field, and powers of ten stand in labels."""
    ticks = [
        t.get_text() for ax in figure.axes for t in (*ax.get_xticklabels(), *ax.get_yticklabels())
    ]
    everything = "\n".join([texts(figure), *ticks])
    assert not re.search(r"(^|[\s(\[])-\d", everything)  # a hyphen for a minus sign
    assert not re.search(r"\b(inf|nan|sum|t_fit_length|\d+e[-+]?\d+)\b", everything)
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            assert axis.get_major_formatter().get_offset() == ""


def check_legends(figure: Figure) -> None:
    """Check that no legend lies on a panel or runs over the edge."""
    legends = [ax.get_legend() for ax in figure.axes] + figure.legends
    boxes = [legend.get_window_extent() for legend in legends if legend is not None]
    inner = [ax.get_window_extent() for ax in figure.axes]
    for box in boxes:
        for panel in inner:
            within_x = min(box.x1, panel.x1) - max(box.x0, panel.x0)
            within_y = min(box.y1, panel.y1) - max(box.y0, panel.y0)
            assert min(within_x, within_y) <= 1  # pixel
        assert box.x1 <= figure.bbox.width
        assert box.y1 <= figure.bbox.height


def check_frames(figure: Figure) -> None:
    """Check that lines and markers have room before the frame, unless counted as outside."""
    for ax in figure.axes:
        low, high = sorted(ax.get_ylim())
        if ax.get_subplotspec() is None or ax.images or not ax.get_ylabel():
            continue
        for one in drawn_lines(ax):
            y = np.asarray(one.get_ydata(), float)
            y = y[np.isfinite(y)]
            if str(one.get_label()).startswith(HISTOGRAMS) and (y == 0).any():
                continue  # counts from nought
            inside = y[(y >= low) & (y <= high)]
            assert inside.size == y.size or outside_note(ax)
            near = min(inside.min() - low, high - inside.max()) / (high - low)
            radius = 0.0 if one.get_marker() == "None" else one.get_markersize() / 2
            height = ax.get_window_extent().height / figure.dpi * 72
            assert near > radius / height, (ax.get_ylabel(), one.get_label())
            assert near > 0.02, (ax.get_ylabel(), one.get_label())
