"""Everything in order: beam modes (000), then the data of the fills (001a to 001e). For cron.

30 * * * *  cd /path/to/followup && flock -n .get python Utilities/getData.py >> getData.log 2>&1
"""

import sys
from pathlib import Path

t_start_string = "last"  # where the beam-mode file ends; as in 000_get_fills.py
t_stop_string = "now"

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.get_data import get_all  # noqa: E402

if __name__ == "__main__":
    sys.exit(get_all(t_start_string, t_stop_string))
