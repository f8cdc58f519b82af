"""The memory on disk."""

import pytest

from tta_orchestrate.workspace.shelf import Shelf

KEY = "read-0123456789abcdef"


def test_what_is_put_is_there_for_the_next_run(tmp_path):
    Shelf(tmp_path / "new").put(KEY, [{"a": "\ud800"}])
    assert Shelf(tmp_path / "new").get(KEY) == [{"a": "\ud800"}]
    assert Shelf(tmp_path / "new").get("read-ffffffffffffffff") is None


def test_a_broken_or_linked_value_is_not_there(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put(KEY, 1)
    (path,) = [one for one in tmp_path.rglob("*") if one.is_file()]
    path.write_text("{half")
    assert shelf.get(KEY) is None
    path.write_text("[" * 100_000)
    assert shelf.get(KEY) is None
    path.unlink()
    path.symlink_to("/etc/hostname")
    assert shelf.get(KEY) is None


def test_a_folder_that_cannot_be_written_is_only_a_lost_memory(tmp_path):
    (tmp_path / "file").write_text("")
    shelf = Shelf(tmp_path / "file" / "below")
    shelf.put(KEY, 1)
    assert shelf.get(KEY) is None


@pytest.mark.parametrize("key", ["../x", "read-", "READ-0123456789abcdef", "read-0123456789abcdef/../x"])
def test_a_key_is_never_a_path(tmp_path, key):
    with pytest.raises(ValueError, match="no key"):
        Shelf(tmp_path).get(key)
