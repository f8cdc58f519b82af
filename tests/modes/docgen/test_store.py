"""Nothing is written outside of the docs folder."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.errors import ConfigError, DeliveryError
from tta_orchestrate.modes.docgen.store import DocsFolder, case_collisions


def test_what_is_written_can_be_read_and_leaves_no_other_file(tmp_path):
    folder = DocsFolder(tmp_path, "docs/tta")
    folder.write("pages/a.md", "- ä\n")
    assert folder.read("pages/a.md") == "- ä\n"
    assert folder.files() == ["pages/a.md"]
    folder.delete("pages/a.md")
    assert folder.read("pages/a.md") is None


@pytest.mark.parametrize("path", ["../x.md", "/etc/x", "a/../../x", "", "a\\b", ".git/config", "x\0y"])
def test_paths_that_lead_out_are_refused(tmp_path, path):
    with pytest.raises(ConfigError):
        DocsFolder(tmp_path, "docs").write(path, "x")


@pytest.mark.parametrize("relative", ["..", "/tmp", "docs/../..", ".git/x"])
def test_a_docs_folder_outside_of_the_repository_is_refused(tmp_path, relative):
    with pytest.raises(ConfigError):
        DocsFolder(tmp_path, relative)


def test_links_on_the_way_are_refused(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    repository = tmp_path / "repository"
    (repository / "docs" / "pages").mkdir(parents=True)
    (repository / "docs" / "pages" / "a.md").symlink_to(outside / "a.md")
    (repository / "docs" / "journals").symlink_to(outside)
    (repository / "linked").symlink_to(outside)
    folder = DocsFolder(repository, "docs")
    for path in ("pages/a.md", "journals/b.md"):
        with pytest.raises(DeliveryError, match="symbolic link"):
            folder.write(path, "x")
        with pytest.raises(DeliveryError, match="symbolic link"):
            folder.read(path)
    with pytest.raises(DeliveryError, match="symbolic link"):
        DocsFolder(repository, "linked")
    assert list(outside.iterdir()) == []


@given(
    st.lists(st.sampled_from(["..", ".", "a", "/", "~", "", "b/c", "\\", "C:"]), min_size=1, max_size=5).map("/".join)
)
@settings(max_examples=60, deadline=None)
def test_no_path_escapes(tmp_path_factory, path):
    root = tmp_path_factory.mktemp("r")
    repository = root / "repository"
    repository.mkdir()
    with contextlib.suppress(ConfigError, DeliveryError):
        DocsFolder(repository, "docs").write(path, "x")
    assert [p.name for p in root.iterdir()] == ["repository"]
    assert {p.name for p in repository.iterdir()} <= {"docs"}


def test_collisions_by_case_are_found():
    assert case_collisions(["a.md", "b.md", "A.md"]) == [("a.md", "A.md")]
