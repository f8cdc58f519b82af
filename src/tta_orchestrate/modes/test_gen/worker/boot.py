"""How a worker starts: the request comes in on descriptor 3, answers leave on 4, each line behind the nonce."""

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

_INPUT, _RESULT = 3, 4
Emit = Callable[[dict[str, Any]], None]


def main() -> None:
    """Serve one request."""
    with os.fdopen(_INPUT, encoding="utf-8", errors="surrogatepass") as file:
        nonce = file.readline().strip()
        request = json.load(file)
    os.set_inheritable(_RESULT, False)

    def emit(record: dict[str, Any]) -> None:
        data = (nonce + " " + json.dumps(record) + "\n").encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(_RESULT, data) :]

    sys.path[:] = [entry for entry in sys.path if entry]
    # Other words for each command: what reads them does not come out the same in the gates.
    sys.argv[:] = [f"/{request['command']}", request["command"]]
    command = importlib.import_module("." + request["command"], __package__)
    command.serve(request, emit)
    sys.stdout.flush()
    os._exit(0)
