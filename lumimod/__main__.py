"""`python -m lumimod`: the same as the `lumimod` command."""

import sys

from lumimod.cli import main

if __name__ == "__main__":
    sys.exit(main())
