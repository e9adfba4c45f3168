"""Write data folders of simulated LHC fills, with the truth beside them.

python Utilities/simulate_fills.py --folder data --fill 5845 5846 --hours 6
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.simulate_fills import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
