"""Growth of emittances that the models lack, learned from fills, for extra_growth of config.py.

python Utilities/learn_growth.py --fill 6100-6300 --out extra_growth.json
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.learn_growth import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
