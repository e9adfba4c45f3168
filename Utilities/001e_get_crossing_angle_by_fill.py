"""Crossing angles of fills: fill_crossing_data_csvs/.

python Utilities/001e_get_crossing_angle_by_fill.py --fill 5845
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.get_data import get_group  # noqa: E402

if __name__ == "__main__":
    sys.exit(get_group("crossing"))
