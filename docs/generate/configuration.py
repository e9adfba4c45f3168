"""Every setting of config.py."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def markdown() -> str:
    """Return the configuration of the checkout, in which a comment explains every setting."""
    return f"```python\n{(ROOT / 'config.py').read_text(encoding='utf-8')}```\n"
