"""The command `backlabel`, and `python -m backlabel`."""

import sys

from backlabel import interrupts, system
from backlabel.errors import UnsupportedSystemError

_ERROR = 2


def main() -> int:
    """Run the command that the process was started with; returns the exit status."""
    try:
        system.refuse_others()
    except UnsupportedSystemError as error:
        sys.stderr.write(f"backlabel: {error}\n")
        return _ERROR
    return interrupts.one_line(_run)


def _run() -> int:
    # Here, so that an interrupt during its imports ends in one line too.
    from backlabel import cli  # noqa: PLC0415

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
