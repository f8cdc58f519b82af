import os
import resource
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from samples import EVERYTHING
from tta_orchestrate.errors import DeliveryError
from tta_orchestrate.registry import load_all
from tta_orchestrate.workspace.results import write_results

SINKS = load_all("sinks")


class Sink:
    def __init__(self, filename="a.txt", text="text", *, applies=True):
        self.filename, self.text, self._applies = filename, text, applies

    def applies(self, report):
        return self._applies

    def render(self, report):
        if isinstance(self.text, Exception):
            raise self.text
        return self.text


def content(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_every_form_lands_in_a_new_folder(tmp_path):
    paths = write_results(EVERYTHING, tmp_path / "deep" / "out", SINKS)
    assert [path.name for path in paths] == [
        "cost-report.html",
        "cost-report.json",
        "cost-report.md",
        "findings.json",
        "findings.sarif",
        "metrics.prom",
        "summary.md",
    ]
    assert {path: path.read_text(encoding="utf-8") for path in paths} == {
        path: sink.render(EVERYTHING) for path in paths for sink in SINKS if sink.filename == path.name
    }
    assert sorted(paths[0].parent.iterdir()) == paths


def test_files_of_an_earlier_run_go_and_foreign_ones_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    write_results(replace(EVERYTHING, patch="diff\n"), tmp_path, SINKS)
    assert "changes.patch" in content(tmp_path)
    write_results(EVERYTHING, tmp_path, SINKS)
    assert "changes.patch" not in content(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_bytes_that_are_not_utf8_come_back_as_they_were(tmp_path):
    write_results(EVERYTHING, tmp_path, [Sink(text="caf\udce9\r\n")])
    assert (tmp_path / "a.txt").read_bytes() == b"caf\xe9\r\n"


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.txt").symlink_to(victim)
    write_results(EVERYTHING, out, [Sink()])
    assert victim.read_text() == "precious"
    assert not (out / "a.txt").is_symlink()


def test_a_folder_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    with pytest.raises(DeliveryError, match="symbolic link") as refused:
        write_results(EVERYTHING, tmp_path / "out", [Sink()])
    assert "--output" in refused.value.remedy
    assert content(tmp_path / "real") == {}


def test_a_link_on_the_way_below_the_current_folder_is_refused(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "way").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeliveryError, match="symbolic link"):
        write_results(EVERYTHING, Path("way/out"), [Sink()])


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "out").write_text("file")
    with pytest.raises(DeliveryError) as refused:
        write_results(EVERYTHING, tmp_path / "out", [Sink()])
    assert "a file is in the way" in refused.value.remedy
    with pytest.raises(DeliveryError):
        write_results(EVERYTHING, tmp_path / "out" / "deeper", [Sink()])


def test_a_folder_in_the_place_of_a_file_is_told_and_nothing_is_written(tmp_path):
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(DeliveryError, match="is a folder"):
        write_results(EVERYTHING, tmp_path, [Sink("a.txt"), Sink("b.txt")])
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


def test_a_disk_that_takes_no_more_leaves_the_earlier_results_and_no_half_file(tmp_path):
    write_results(EVERYTHING, tmp_path, [Sink("a.txt", "old"), Sink("b.txt", "old")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(DeliveryError) as refused:
            write_results(EVERYTHING, tmp_path, [Sink("a.txt", "new"), Sink("b.txt", "new" * 1000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "free some space" in refused.value.remedy
    assert content(tmp_path) == {"a.txt": "old", "b.txt": "old"}


def test_a_folder_that_cannot_be_made_is_told():
    with pytest.raises(DeliveryError, match="/proc/tta-report"):
        write_results(EVERYTHING, Path("/proc/tta-report"), [Sink()])


def test_a_sink_that_fails_touches_nothing(tmp_path):
    write_results(EVERYTHING, tmp_path, [Sink(text="old")])
    with pytest.raises(ValueError, match="broken"):
        write_results(EVERYTHING, tmp_path, [Sink(text="new"), Sink("b.txt", ValueError("broken"))])
    assert content(tmp_path) == {"a.txt": "old"}


def test_files_are_readable_by_others_as_the_umask_allows(tmp_path):
    old = os.umask(0o022)
    try:
        write_results(EVERYTHING, tmp_path, [Sink()])
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644
