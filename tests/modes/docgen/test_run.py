"""The whole way: sources to pages, refresh after refresh."""

import subprocess

import pytest

from docgen_fakes import MemoryDocs, MemoryTree, project
from tta_orchestrate.domain.outcome import Outcome
from tta_orchestrate.errors import ConfigError, SourceError
from tta_orchestrate.modes.docgen.lint import lint_files
from tta_orchestrate.modes.docgen.manifest import FILENAME, Manifest

CORE = '''"""The core.

It adds: :func:`helper`.
"""

import os

__all__ = ["Thing", "helper", "MAX", "ghost"]
MAX = 3


class Thing:
    """A thing.

    Attributes:
        size: how big
    """

    size: int = 1

    def grow(self, by: int = 1, *, fast: bool = False) -> "Thing":
        """Grow.

        Args:
            by: how much
            slow: never was

        Raises:
            ValueError: when negative
        """
        if by < 0:
            raise ValueError(by)
        if fast:
            raise RuntimeError
        return helper(self)


def helper(thing: Thing, /, *rest: int, **more: str) -> Thing:
    os.environ.get("DEMO_HOME", "~")
    return thing


def _hidden():
    """Nobody sees this."""
'''
CLI = '''"""The command line."""

import argparse

from demo.core import helper


def main(argv: list[str]) -> int:
    """Run; see `demo.core.Thing.grow`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", "-d", default=2, help="how deep")
    helper(parser)
    return 0
'''
TEST = """from demo.core import helper


def test_helper():
    thing = object()
    assert helper(thing) is thing
"""
DEMO = {
    "src/demo/__init__.py": '"""Demo."""\n\nfrom demo.core import helper as helper\n',
    "src/demo/core.py": CORE,
    "src/demo/cli.py": CLI,
    "tests/test_core.py": TEST,
}


def logseq_problems(docs: MemoryDocs) -> list[str]:
    pages = {path: text for path, text in docs.texts.items() if path.endswith(".md")}
    return [
        f"{p.path}:{p.line} {p.rule} {p.message}" for p in lint_files(pages, config=docs.texts["logseq/config.edn"])
    ]


def test_every_public_symbol_has_an_entry_and_the_graph_is_clean():
    demo = project(DEMO)
    result = demo.refresh()
    assert result.report.verdict.outcome is Outcome.CLEAN
    assert logseq_problems(demo.docs) == []
    page = demo.docs.page("demo___core")
    assert "`class Thing`" in page
    assert "`grow(by: int = 1, *, fast: bool = False) -> Thing`" in page
    assert "`helper(thing: Thing, /, *rest: int, **more: str) -> Thing`" in page
    assert "`MAX = 3`" in page
    assert "_hidden" not in page


def test_what_nobody_wrote_is_derived_from_the_code_and_said_to_be():
    demo = project(DEMO)
    demo.refresh()
    core, cli = demo.docs.page("demo___core"), demo.docs.page("demo___cli")
    assert "`RuntimeError` · from the code" in core
    assert "`DEMO_HOME` – default `'~'`" in core
    assert "`--depth, -d` – default `2` – how deep" in cli
    assert "**Used by** · from the code: [main](((" in core
    assert "from the tests `tests/test_core.py::test_helper`" in core
    assert "slow` (documented, but not a parameter)" in core
    assert "`ghost` – Declared public, but not defined" in core


def test_missing_prose_is_said_and_listed():
    demo = project(DEMO)
    report = demo.refresh().report
    assert "doc-status:: missing" in demo.docs.page("demo___core")
    listing = demo.docs.page("demo documentation___missing")
    assert "{{query (property :doc-status missing)}}" in listing
    assert "[helper](((" in listing
    coverage = report.extra["documentation_coverage"]
    assert 0 < coverage["described"] < coverage["symbols"]


def test_sources_are_linked_at_their_commit():
    demo = project(DEMO)
    demo.refresh()
    start = CORE.split("\n").index('    def grow(self, by: int = 1, *, fast: bool = False) -> "Thing":') + 1
    end = CORE.split("\n").index("        return helper(self)") + 1
    link = f"https://github.com/octo/demo/blob/{'c' * 40}/src/demo/core.py#L{start}-L{end}"
    assert link in demo.docs.page("demo___core")


def test_a_second_run_changes_nothing_even_at_another_commit():
    demo = project(DEMO)
    demo.refresh()
    demo.tree.commit = "d" * 40
    assert demo.refresh().changes == {}


def test_only_pages_that_depend_on_a_change_are_written():
    demo = project(DEMO)
    demo.refresh()
    demo.tree.sources["src/demo/cli.py"] = CLI.replace('"""Run; see', '"""Start; see')
    changed = set(demo.refresh().changes)
    assert changed == {"pages/demo___cli.md", FILENAME}


def test_a_new_caller_appears_on_the_page_of_what_it_calls():
    demo = project(DEMO)
    demo.refresh()
    demo.tree.sources["src/demo/extra.py"] = "from demo.core import helper\n\n\ndef more():\n    return helper(1)\n"
    changed = set(demo.refresh().changes)
    assert {"pages/demo___core.md", "pages/demo___extra.md"} <= changed
    assert "pages/demo___cli.md" not in changed
    assert "[more](((" in demo.docs.page("demo___core")


def test_an_incremental_run_equals_a_full_one():
    demo = project(DEMO)
    demo.refresh()
    edits = {
        "src/demo/core.py": CORE.replace("def helper(thing: Thing, /", "def helper(thing: Thing, other: int = 0, /"),
        "src/demo/extra.py": "from demo import helper\nprint(helper)\n\n\ndef more():\n    helper(2)\n",
        "tests/test_core.py": TEST.replace("object()", "3"),
    }
    demo.tree.sources |= edits
    demo.refresh()
    fresh = project(demo.tree.sources)
    fresh.refresh()
    pages = {path: text for path, text in demo.docs.texts.items() if path.endswith(".md")}
    assert pages == {path: text for path, text in fresh.docs.texts.items() if path.endswith(".md")}


def test_a_file_with_a_syntax_error_gives_a_partial_page_and_a_partial_outcome():
    demo = project({**DEMO, "src/demo/bad.py": 'def fine(a: int):\n    """Fine."""\n\n\ndef broken(:\n'})
    report = demo.refresh().report
    assert report.verdict.outcome is Outcome.PARTIAL
    assert report.verdict.exit_code == 0
    assert [failure.path for failure in report.failures] == ["src/demo/bad.py"]
    page = demo.docs.page("demo___bad")
    assert "parse-status:: partial" in page
    assert "fine(a: int)" in page
    assert logseq_problems(demo.docs) == []


def test_a_removed_symbol_is_marked_first_and_pruned_on_request():
    demo = project(DEMO)
    demo.refresh()
    demo.tree.sources["src/demo/core.py"] = CORE.replace("MAX = 3\n", "").replace(', "MAX"', "")
    demo.refresh()
    assert "status:: [[Removed]]" in demo.docs.page("demo___core")
    assert demo.refresh().changes == {}
    demo.refresh(prune=True)
    assert "MAX" not in demo.docs.page("demo___core")


def test_the_page_of_a_removed_file_is_marked_first_and_pruned_on_request():
    demo = project(DEMO)
    demo.refresh()
    del demo.tree.sources["src/demo/cli.py"]
    demo.refresh()
    assert "status:: [[Removed]]" in demo.docs.page("demo___cli")
    demo.refresh(prune=True)
    assert "pages/demo___cli.md" not in demo.docs.texts


def test_an_empty_checkout_never_wipes_the_pages():
    demo = project(DEMO)
    demo.refresh()
    demo.tree.sources.clear()
    with pytest.raises(ConfigError, match="no source file is left"):
        demo.refresh()


def test_many_vanishing_pages_are_refused_unless_allowed():
    demo = project({f"pkg/m{n}.py": f'"""Module {n}."""\n' for n in range(10)})
    demo.refresh()
    for n in range(5):
        del demo.tree.sources[f"pkg/m{n}.py"]
    with pytest.raises(ConfigError, match="5 of 10 pages would vanish"):
        demo.refresh()
    assert demo.refresh(allow_removal=True).report.extra["pages"]["removed"]


def test_one_file_alone_can_be_refreshed():
    demo = project(DEMO)
    demo.refresh()
    demo.tree.sources["src/demo/core.py"] = CORE.replace("A thing.", "One thing.")
    demo.tree.sources["src/demo/cli.py"] = CLI.replace("The command line.", "The door.")
    assert set(demo.refresh(files=("src/demo/cli.py",)).changes) == {"pages/demo___cli.md", FILENAME}
    assert "pages/demo___core.md" in demo.refresh().changes


def test_a_file_that_is_not_documented_is_an_error():
    with pytest.raises(ConfigError, match="nothing to document"):
        project(DEMO).refresh(files=("README.md",))


def test_names_that_differ_only_by_case_get_pages_of_their_own():
    demo = project({"a/Config.ts": "export const one = 1;\n", "a/config.ts": "export const two = 2;\n"})
    demo.refresh()
    names = [path for path in demo.docs.texts if path.startswith("pages/a___")]
    assert len({name.casefold() for name in names}) == 2
    assert logseq_problems(demo.docs) == []


def test_an_existing_file_that_differs_only_by_case_is_refused():
    demo = project(DEMO)
    demo.docs.texts["pages/Demo___Core.md"] = "- mine\n"
    with pytest.raises(ConfigError, match="only by case"):
        demo.refresh()


def test_a_broken_manifest_is_said_and_not_overwritten():
    demo = project(DEMO)
    demo.refresh()
    demo.docs.texts[FILENAME] = "{nonsense"
    with pytest.raises(SourceError, match="manifest"):
        demo.refresh()


def test_the_manifest_reads_back_what_it_wrote():
    demo = project(DEMO)
    demo.refresh()
    text = demo.docs.texts[FILENAME]
    assert Manifest.load(text).dump() == text


def test_coverage_below_the_threshold_fails_the_run():
    report = project(DEMO, fail_under=99).refresh().report
    assert report.verdict.exit_code == 1
    assert any("below docgen.fail_under" in notice for notice in report.notices)


def test_the_journal_names_the_changed_pages_when_asked_to():
    demo = project(DEMO, journal=True)
    demo.refresh(today="2026_01_02")
    assert "[[demo/core]]" in demo.docs.texts["journals/2026_01_02.md"]
    assert logseq_problems(demo.docs) == []


def test_the_configuration_of_an_existing_graph_is_left_alone():
    demo = project(DEMO)
    demo.docs.texts["logseq/config.edn"] = "{:file/name-format :triple-lowbar :mine 1}"
    demo.refresh()
    assert demo.docs.texts["logseq/config.edn"].endswith(":mine 1}")


def test_git_applies_the_patch(tmp_path):
    demo = project({**DEMO, "src/demo/übung.py": '"""Ü."""\n'})
    first = demo.refresh().report.patch
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=first.encode(), check=True)
    demo.tree.sources["src/demo/core.py"] = CORE.replace("A thing.", "One thing.")
    second = demo.refresh().report.patch
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=second.encode(), check=True)
    for path, text in demo.docs.texts.items():
        assert (tmp_path / "docs/tta" / path).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("form", ["markdown", "mkdocs", "obsidian", "sphinx"])
def test_every_format_says_the_same_and_stays_as_it_is(form):
    demo = project(DEMO, format=form)
    demo.refresh()
    core = next(text for path, text in demo.docs.texts.items() if path.endswith("demo/core.md"))
    for said in ("Thing", "RuntimeError", "how much", "doc-status: missing"):
        assert said in core
    assert demo.refresh().changes == {}
    demo.tree.sources["src/demo/core.py"] = CORE.replace("A thing.", "One thing.")
    assert sum(path.endswith(".md") for path in demo.refresh().changes) == 1


def test_breaking_changes_against_the_version_before_are_reported():
    demo = project(DEMO)
    demo.before = MemoryTree(dict(DEMO))
    demo.tree.sources["src/demo/core.py"] = CORE.replace("by: int = 1", "amount: int = 1").replace(
        "if by < 0", "if amount"
    )
    found = demo.refresh().report.extra["api_breakage"]
    assert [(item["path"], item["symbol"], item["kind"]) for item in found] == [
        ("src/demo/core.py", "Thing.grow", "Parameter was removed")
    ]


def test_a_shallow_clone_is_said():
    demo = project(DEMO)
    demo.shallow = True
    assert any("shallow clone" in notice for notice in demo.refresh().report.notices)
