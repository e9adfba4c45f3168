"""Fills and beam modes between two times: fills_and_bmodes.pkl and .csv.

Edit the times here, or give --t-start and --t-stop.

python Utilities/000_get_fills.py --t-start "2017-06-01 00:00:00" --t-stop now
"""

import sys
from pathlib import Path

t_start_string = "last"  # where the file ends; or a time such as "2017-04-01 00:00:00"
t_stop_string = "now"  # times are those of Europe/Zurich, or UTC: "2017-04-01 00:00:00 UTC"

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.get_data import get_fills  # noqa: E402

if __name__ == "__main__":
    sys.exit(get_fills(t_start_string, t_stop_string))
