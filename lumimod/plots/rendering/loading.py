"""Import of matplotlib in processes that make pictures and nothing else."""

from __future__ import annotations


def load_matplotlib() -> None:
    """Import what pictures need of matplotlib, without tables of properties in its docstrings.

    These tables are a quarter of the import, 0.12 s: 2 % of all pictures of 40 bunches. For the
    command line, where nobody asks for help on matplotlib; what is imported already keeps them.
    """
    from matplotlib import artist

    tables = artist.kwdoc
    artist.kwdoc = lambda artist: ""  # public
    try:
        import matplotlib.figure  # noqa: F401 - and with it nearly all others
    finally:
        artist.kwdoc = tables
