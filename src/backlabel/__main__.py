"""`python -m backlabel` is the command `backlabel`."""

import sys

from backlabel.cli import main

if __name__ == "__main__":
    sys.exit(main())
