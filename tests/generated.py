"""Small repositories for test generation, and one run of it shared by every worker that asks."""

import fcntl
import pickle
import subprocess
import sys

from tta_orchestrate.modes.test_gen.run import Request, run
from tta_orchestrate.settings import test_gen as section


def repository(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "init", "-q", ".")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "x")
    return folder


def git(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def generate(folder, *files, engine=None, **options):
    """The search ends by itself (it stalls after 400 idle candidates): the seconds are a net, not a pace."""
    settings = section.TestGen(seconds_per_target=options.pop("seconds", 120), mutants=options.pop("mutants", 24))
    request = Request(root=folder, files=files, interpreter=sys.executable, patience=400, **options)
    return run(request, settings, engine=engine)


def once(tmp_path_factory, worker_id, name, make):
    """Return what *make* returns for a folder of its own; with several workers the first makes it, the others read it."""
    if worker_id == "master":
        return make(tmp_path_factory.mktemp(name))
    shared = tmp_path_factory.getbasetemp().parent
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stored = shared / f"{name}.pickle"
        if not stored.exists():
            folder = shared / name
            folder.mkdir()
            stored.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(stored.read_bytes())
