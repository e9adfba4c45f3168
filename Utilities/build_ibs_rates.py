"""Make growth rates of intra-beam scattering from a lattice, for `ibs_rates_file` of config.py.

python Utilities/build_ibs_rates.py lhc.json --line lhcb1 --energy 6800 --volts 13 --out my.json
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.build_ibs_rates import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
