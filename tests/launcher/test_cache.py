"""Installed dependencies between runs: whole, unchanged, and never a stranger's."""

import json
import os
import shutil
import threading

import pytest
from cache import Cache

OWNER = (os.geteuid(), os.getegid())
KEY = "own-" + "a" * 64


@pytest.fixture
def installed(tmp_path):
    """What prep leaves: folders, programs, links, a script that names its interpreter."""
    deps = tmp_path / "run-1" / "deps"
    programs = deps / "venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to("/usr/bin/python3")
    (programs / "tool").write_text(f"#!{deps}/venv/bin/python\nprint(1)\n")
    (programs / "tool").chmod(0o4777)
    (deps / "venv" / "lib64").symlink_to("lib")
    (deps / "venv" / "lib").mkdir(mode=0o500)
    (deps / "data").write_bytes(b"\0" * 3_000_000)
    return deps


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", "image:1", OWNER)


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "run-2" / "deps"
    folder.mkdir(parents=True)
    return folder


def shape(root):
    found = {}
    for path in sorted(root.rglob("*")):
        name, mode = str(path.relative_to(root)), path.lstat().st_mode & 0o7777
        found[name] = (
            str(path.readlink()) if path.is_symlink() else (mode, path.read_bytes() if path.is_file() else None)
        )
    return found


def test_what_was_kept_comes_back_and_its_scripts_name_the_new_place(cache, installed, target):
    assert cache.save(KEY, installed) == "kept in the cache"
    assert cache.restore(KEY, target) == "taken from the cache"
    back = shape(target)
    assert back["venv/bin/tool"] == (0o755, f"#!{target}/venv/bin/python\nprint(1)\n".encode())
    assert back["venv/lib"][0] == 0o700
    assert back["venv/bin/python"] == "/usr/bin/python3"
    assert back.keys() == shape(installed).keys()


def test_another_key_another_image_and_a_strangers_key_find_nothing(cache, installed, target, tmp_path):
    cache.save("forks-" + "a" * 64, installed)
    for other in (cache, Cache(tmp_path / "cache", "image:2", OWNER)):
        for key in (KEY, "own-" + "b" * 64, "", "own-../../x", "own-" + "a" * 64 + "\n", "root-" + "a" * 64):
            assert other.restore(key, target) == ""
    assert list(target.iterdir()) == []
    assert cache.save("own-../x", installed) == ""


def damage(kind, entry):
    deps, manifest = entry / "deps", entry / "manifest.json"
    document = json.loads(manifest.read_text())
    if kind == "changed":
        (deps / "data").write_bytes(b"\1" * 3_000_000)
    elif kind == "missing":
        (deps / "data").unlink()
    elif kind == "more":
        (deps / "venv" / "bin" / "pytest").write_text("evil")
    elif kind == "link":
        (deps / "data").unlink()
        (deps / "data").symlink_to("/etc/passwd")
    elif kind == "link elsewhere":
        (deps / "venv" / "bin" / "python").unlink()
        (deps / "venv" / "bin" / "python").symlink_to("/tmp/evil")
    elif kind == "fifo":
        os.mkfifo(deps / "pipe")
    elif kind == "folder":
        shutil.rmtree(deps)
        deps.symlink_to("/etc")
    elif kind == "no list":
        manifest.unlink()
    elif kind == "list is a link":
        manifest.rename(entry / "real.json")
        manifest.symlink_to(entry / "real.json")
    elif kind == "half a list":
        manifest.write_text(manifest.read_text()[:100])
    else:
        document["records"]["../../outside"] = ["file", 0o755, "0" * 64]
        manifest.write_text(json.dumps(document))


DAMAGES = [
    "changed",
    "missing",
    "more",
    "link",
    "link elsewhere",
    "fifo",
    "folder",
    "no list",
    "list is a link",
    "half a list",
    "outside",
]


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_entry_is_never_used_and_is_removed(cache, installed, target, kind):
    cache.save(KEY, installed)
    (entry,) = cache.folder.iterdir()
    damage(kind, entry)
    assert cache.restore(KEY, target).startswith("the kept entry is damaged")
    assert list(target.iterdir()) == []
    assert not entry.exists()
    assert cache.save(KEY, installed) == "kept in the cache"


def test_a_tree_that_cannot_be_kept_leaves_nothing(cache, installed):
    os.mkfifo(installed / "a ##[pipe]")
    said = cache.save(KEY, installed)
    assert said.startswith("not kept")
    assert "##[" not in said
    assert list(cache.folder.iterdir()) == []


def test_a_job_that_died_while_it_kept_leaves_no_entry(cache, installed, target):
    cache.save(KEY, installed)
    (entry,) = cache.folder.iterdir()
    entry.rename(entry.with_name(f".{entry.name}.77"))
    assert cache.restore(KEY, target) == ""


def test_two_jobs_that_keep_the_same_at_once_leave_one_whole_entry(cache, installed, target):
    said = []
    threads = [threading.Thread(target=lambda: said.append(cache.save(KEY, installed))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(cache.folder.iterdir())) == 1
    assert cache.restore(KEY, target) == "taken from the cache", said
