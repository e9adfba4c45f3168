"""Picture of the extra data of a fill: tunes, BBQ, luminosities, beta*, number of bunches.

python Utilities/plot_extra_data.py --fill 5845
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.plot_extra_data import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
