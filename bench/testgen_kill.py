"""Run the tests on one text of the module after the other, a fork each; a request on stdin, the killed on stdout."""

import contextlib
import json
import os
import select
import signal
import sys
from pathlib import Path


def main():
    sys.dont_write_bytecode = True
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # else every fork would load them anew
    request = json.load(sys.stdin)
    import pytest

    pytest.main(["--collect-only", "-q", "--co", "-p", "no:cacheprovider", os.devnull])  # loads what each fork needs

    top = request["module"].partition(".")[0]
    dead = []
    for number, text in enumerate(request["texts"]):
        Path(request["file"]).write_text(text, encoding="utf-8")
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            for name in [name for name in sys.modules if name.partition(".")[0] == top]:
                del sys.modules[name]
            status = 99
            try:
                status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *request["ids"]]))
            finally:
                os.write(write, bytes([status]))
                os._exit(0)
        os.close(write)
        ready = select.select([read], [], [], request["seconds"])[0]
        answer = os.read(read, 1) if ready else b""
        os.close(read)
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(OSError):
                kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        if answer != b"\0":
            dead.append(number)
    print(json.dumps(dead))


if __name__ == "__main__":
    main()
