"""Show what the Massi database holds.

python Utilities/readYamlDB.py --config config.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.massi_database import show_database  # noqa: E402

if __name__ == "__main__":
    sys.exit(show_database())
