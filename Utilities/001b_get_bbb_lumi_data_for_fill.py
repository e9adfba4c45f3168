"""Luminosity of every bunch by ATLAS and CMS: fill_bunchbybunch_lumi_data_csvs/.

python Utilities/001b_get_bbb_lumi_data_for_fill.py --fill 5845
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.get_data import get_group  # noqa: E402

if __name__ == "__main__":
    sys.exit(get_group("bbb_lumi"))
