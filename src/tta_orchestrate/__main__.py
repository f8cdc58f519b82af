"""The process: runs the command line, turns every expected failure into one clear message and its exit code."""

import sys

from tta_orchestrate.cli.app import run


def main() -> None:
    """Entry point of the console script and of ``python -m tta_orchestrate``."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
