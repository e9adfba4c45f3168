"""Make the Massi database from the archives that are there: fill_db.yaml.

python Utilities/createYamlDB.py --config config.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.massi_database import create_database  # noqa: E402

if __name__ == "__main__":
    sys.exit(create_database())
