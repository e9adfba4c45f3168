"""Driver of the luminosity follow-up: `python lumimod.py --help` tells how to use it."""

import sys

from lumimod.cli import main

if __name__ == "__main__":
    sys.exit(main())
