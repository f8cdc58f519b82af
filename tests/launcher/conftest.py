import os
import stat
import textwrap

import pytest

HEAD = """#!/usr/bin/env python3
import os, signal, sys, time, json
args = sys.argv[1:]
if args[0] == "rm":
    sys.exit()
def done(code):
    print(os.environ["TTA_NONCE"] + f"exit {code}", flush=True)
    os._exit(code)
"""


@pytest.fixture
def job(tmp_path):
    """A runner's step: folders, files and environment; ``engine(script)`` puts a docker on its path."""
    return Job(tmp_path)


class Job:
    def __init__(self, folder):
        self.folder = folder
        self.workspace = folder / "work"
        self.workspace.mkdir()
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.output, self.summary, self.event = folder / "output", folder / "summary", folder / "event.json"
        for file in (self.output, self.summary):
            file.touch()
        self.event.write_text("{}")
        self.environ = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_RUN_ID": "7",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_JOB": "job",
            "TTA_IMAGE": "tta:test",
            "TTA_CONTAINER_ENGINE": "docker",
        }

    def engine(self, script):
        """Put a `docker` on the path that runs *script* (Python; ``args`` are its arguments)."""
        file = self.bin / "docker"
        file.write_text(HEAD + textwrap.dedent(script))
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
