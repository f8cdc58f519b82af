"""Whatever stands in a docstring: parsers that nobody here wrote read exactly its characters."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tta_orchestrate.modes.docgen import escape
from tta_orchestrate.modes.docgen.reading import References, read_page, references

ROOT = Path(__file__).parents[3]
FRAGMENTS = [
    "#tag", "[[x]]", "((y))", "{{z}}", "$a$", "$$b$$", "^^b^^", "~~c~~", "==d==", "x_{e}", "y^{f}", "[^1]", "<b>", "</b>",
    "*a*", "**kw", "__init__", "_x_", "`c`", "[l](u)", "http://x.y", "mailto:a@b.c", "\\alpha", "\\(x\\)", "\\[x\\]",
    "@@html: x@@", "a:: b", "x::", "TODO", "- ", "# ", "|a|b|", "> ", ": ", "---", "SCHEDULED:", "<2020-01-01 Mon>", "[#A]",
    "1. ", "+ ", "\\", "&amp;", "[ ]", "![i](j)", "C#", "#123", "a_b_c", "::", "//", "((", "[[", "{", "}", "$", "`", "``",
    "```", "\\begin{cases}", "<!-- c -->", "\ufeff", "\x0b", "é", "日本", " ", "\n", "\t", "word",
]  # fmt: skip
DIRT = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=3)), max_size=8).map("".join)


@pytest.fixture(scope="module")
def mldoc():
    modules = ROOT / "bench" / "oracle"
    if shutil.which("node") is None or not (modules / "node_modules" / "mldoc").is_dir():
        pytest.skip("NOT COMPARED WITH LOGSEQ'S PARSER: run `make logseq-oracle` (needs node and npm)")
    process = subprocess.Popen(
        ["node", str(modules / "mldoc.js"), str(modules)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )

    def parse(text: str):
        process.stdin.write(json.dumps(text) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield parse
    process.stdin.close()
    process.wait(timeout=10)
    process.stdout.close()


@given(DIRT)
@example("(((b)))\\(x\\)")
@example("x:://")
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_logseqs_own_parser_reads_exactly_the_characters(mldoc, text):
    line = escape.one_line(text)
    if not line:
        return
    nodes = mldoc("- " + escape.logseq_text(line, at_start=True))
    assert len(nodes) == 1
    kind, heading = nodes[0][0]
    assert kind == "Heading"
    assert {heading.get(name) for name in ("size", "marker", "priority")} == {None}
    assert {part[0] for part in heading["title"]} == {"Plain"}
    assert "".join(part[1] for part in heading["title"]).strip() == line


@given(DIRT)
@settings(max_examples=200, deadline=None)
def test_our_reading_finds_nothing_in_escaped_text(text):
    line = escape.one_line(text)
    if not line:
        return
    page = read_page("- " + escape.logseq_text(line, at_start=True))
    (block,) = page.blocks
    assert (block.size, block.marker, block.priority, block.properties) == (0, "", "", [])
    found = references(block.title)
    assert found == References()


@given(DIRT)
@settings(max_examples=200, deadline=None)
def test_commonmark_reads_exactly_the_characters(text):
    line = escape.one_line(text)
    if not line:
        return
    tokens = MarkdownIt("commonmark").enable(["strikethrough"]).parse(escape.markdown_text(line, at_start=True))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children) == line


@given(DIRT)
@settings(max_examples=200, deadline=None)
def test_a_code_span_is_one_code_span(text):
    line = escape.one_line(text)
    if not line:
        return
    children = MarkdownIt("commonmark").parse("x " + escape.code_span(line))[1].children
    assert [child.type for child in children] == ["text", "code_inline"]
    assert children[1].content.strip() in {line, line.replace("`", "\u02bb")}


@pytest.mark.parametrize("text", ["```\nx\n```", "  ~~~~\n", "a\n````python\nb"])
def test_a_sample_cannot_close_its_fence(text):
    page = read_page(f"- ```python\n  {escape.fence_text(text).replace(chr(10), chr(10) + '  ')}\n  ```\n- next")
    assert [block.fences for block in page.blocks] == [1, 0]
