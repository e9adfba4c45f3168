"""Hook of MkDocs: puts the generated parts into the pages, and draws the formulas."""

from __future__ import annotations

import re

from docs.generate import commands, configuration, pictures, results, rooms, season
from docs.generate.formulas import with_formulas

PARTS = {
    "commands": commands.markdown,
    "configuration": configuration.markdown,
    "pictures": pictures.markdown,
    "results": results.markdown,
    "rooms": rooms.markdown,
    "season": season.markdown,
}
"""What a page may ask for by `<!-- generated: NAME -->`."""

_MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.M)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return the text of a page with everything put in; called by MkDocs."""
    return with_formulas(with_generated_parts(markdown))


def with_generated_parts(text: str) -> str:
    """Return the text with the generated parts in the places of their marks."""
    return _MARK.sub(lambda mark: PARTS[mark[1]](), text)
