"""The process: runs the command line, turns every expected failure into one clear message and its exit code."""

import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def main() -> None:
    """Entry point of the console script and of ``python -m tta_orchestrate``."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        sys.exit(_main())
    except KeyboardInterrupt:  # so early that nothing has begun, or so late that all is done
        sys.exit(INTERRUPTED)


def _main() -> int:
    # Inside, because loading takes a moment in which somebody may press Ctrl-C.
    from tta_orchestrate.cli import streams
    from tta_orchestrate.cli.app import run
    from tta_orchestrate.errors import DeliveryError

    streams.open_missing()
    code = run(sys.argv[1:])
    arrived = streams.flush(sys.stdout)
    return code if arrived else code or DeliveryError.exit_code


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    """End as a program ends, so that temporary folders are removed on the way out."""
    sys.exit(TERMINATED)


if __name__ == "__main__":
    main()
