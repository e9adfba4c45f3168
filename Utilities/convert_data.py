"""Convert data files: Timber CSV, HDF5, Parquet, and the Parquet tree of Run 3.

python Utilities/convert_data.py data --to parquet             # all files, beside the old ones
python Utilities/convert_data.py data --to h5 --out packed     # into another data folder
python Utilities/convert_data.py a_fill_5845.csv --to csv.gz
python Utilities/convert_data.py HX:FILLN=8000 --to parquet    # a fill of Run 3 into one file
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not installed

from lumimod.commands.convert_data import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
