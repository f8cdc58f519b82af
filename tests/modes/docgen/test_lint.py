"""The linter reads as Logseq's parser does, and says what Logseq would do to a page."""

import json
from pathlib import Path

import pytest

from tta_orchestrate.modes.docgen.lint import lint_files, lint_graph, lint_page
from tta_orchestrate.modes.docgen.reading import read_page, references

CORPUS = Path(__file__).parent / "corpus"
MLDOC = json.loads((CORPUS / "mldoc.json").read_text(encoding="utf-8"))
ID = "6530a1c0-1111-5111-8111-0123456789ab"


def ours(text):
    page = read_page(text)
    blocks = []
    for block in page.blocks:
        found = references("\n".join(block.lines()))
        blocks.append(
            {
                "level": block.level,
                "size": block.size,
                "bullet": block.bullet,
                "marker": block.marker,
                "properties": [name for name, _ in [*block.properties, *block.late_properties]],
                "fences": block.fences,
                "refs": {"pages": sorted(found.pages), "blocks": sorted(found.blocks), "tags": sorted(found.tags)},
            }
        )
    return {"properties": [name for name, _ in page.properties], "blocks": blocks}


@pytest.mark.parametrize("name", sorted(MLDOC))
def test_our_reading_equals_the_recorded_one_of_mldoc(name):
    assert ours((CORPUS / name).read_bytes().decode()) == MLDOC[name]


def test_the_corpus_and_the_record_name_the_same_pages():
    assert sorted(MLDOC) == sorted(path.name for path in CORPUS.glob("*.md"))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("# Title\n\ntype:: x\n\n- a\n", "title-heading"),
        ("- a\n## bare\n", "bare-heading"),
        ("a:: b\nhas space:: 5\nc:: d\n\n- x\n", "loose-text"),
        ("- a\n  id:: module-name-overview\n", "id"),
        (f"- a\n  id:: {ID}\n- b\n  id:: {ID}\n", "duplicate-id"),
        ("- a\n  ```python\n  x\n", "open-fence"),
        ("- ````python\n  x\n  ````\n", "long-fence"),
        ("- Example::\n", "empty-property"),
        ("- **Note:: x**\n", "property-name"),
        ("- a\n  words\n  kind:: late\n", "late-property"),
        ("- <div>\n", "html-start"),
        ("- | a | b |\n", "table-start"),
        ("- " + "x" * 10_001 + "\n", "long-block"),
        ("a:: `[[x]]`\n\n- b\n", "property-value"),
        ("- a\r\n", "line-ends"),
    ],
)
def test_each_rule_speaks_up(text, rule):
    assert rule in {problem.rule for problem in lint_page(text)}


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ({"pages/a.md": "- [[b]]\n"}, "no-such-page"),
        ({"pages/a.md": "- #b\n"}, "no-such-page"),
        ({"pages/a.md": f"- (({ID}))\n"}, "no-such-block"),
        ({"pages/a.md": "- x\n", "pages/A.md": "- y\n"}, "case-collision"),
        ({"other/a.md": "- x\n"}, "place"),
        ({"journals/today.md": "- x\n"}, "journal-name"),
        ({"pages/a:b.md": "- x\n"}, "file-name"),
    ],
)
def test_each_rule_about_a_graph_speaks_up(files, rule):
    assert rule in {problem.rule for problem in lint_files(files, config=":file/name-format :triple-lowbar")}


def test_the_legacy_file_name_format_is_noticed():
    rules = {problem.rule for problem in lint_files({"pages/a___b.md": "- x\n"}, config="{}")}
    assert rules == {"name-format"}


def test_a_good_graph_has_no_problems(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.md").write_text(f"type:: [[Module]]\n\n- ## x\n  id:: {ID}\n\t- [[b]] (({ID}))\n")
    (tmp_path / "pages" / "b.md").write_text("- y\n")
    assert lint_graph(tmp_path) == ()
