"""On what, and when: the line that stands beside every figure."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def machine() -> str:
    """Return processor, cores, Python and date."""
    try:
        known = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        known = []
    names = (line.split(":")[1].strip() for line in known if line.startswith("model name"))
    model = next(names, platform.processor() or platform.machine())
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
