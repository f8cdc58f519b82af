"""Hostile text against a CommonMark parser, the runner's command parsers and every hidden code point there is."""

import json
import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oracles import github_acts_on, inline_tokens, page, runner_commands, shown
from samples import ATTACKS, SUBJECT
from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.report import Subject
from tta_orchestrate.domain.sanitiser import (
    ZERO_WIDTH_SPACE,
    code_block,
    code_cell,
    code_span,
    help_uri,
    json_text,
    link,
    log_line,
    log_lines,
    markdown,
    paragraphs,
    place_url,
    plain,
    quiet,
    utf8,
    visible,
)

ANY = st.text(st.characters(codec=None), max_size=60)
WEAPONS = st.lists(
    st.sampled_from(
        [
            *"`*_[]()!<>#@:$|~\\&^-+=.{}\"' \t\r\n\u00a0\u2028\x85\x00\x1b\u202e\u200b",
            *(
                "##[",
                "::",
                "://",
                "www.",
                "GH-1",
                "![",
                "](",
                "http",
                "<img ",
                "<details ",
                "</td ",
                "</details>",
                "&#64;",
                "```",
                "\udcff",
            ),
            *("abcdef0", "12", "x", "1.", "\n\n", "    "),
        ]
    ),
    max_size=40,
).map("".join)
HOSTILE = st.one_of(ANY, WEAPONS, st.sampled_from(ATTACKS))
ONE_LINERS = (plain, quiet, markdown, code_span, code_cell, log_line)


def without_breaks(text):
    return text.replace(ZERO_WIDTH_SPACE, "")


@pytest.mark.parametrize("category", ["Cc", "Cf", "Co", "Cs", "Zl", "Zp"])
def test_every_hidden_code_point_is_written_out(category):
    points = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) == category and n != 9]
    assert points
    shown_as = {point: visible(point) for point in points}
    assert [
        hex(ord(point)) for point, text in shown_as.items() if not text.isprintable() or not text.startswith("\\")
    ] == []
    assert len(set(shown_as.values())) == len(points)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u202eb", "a\\u{202E}b"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud800", "\\u{D800}"),
        ("naïve größe 日本 🎉", "naïve größe 日本 🎉"),
        ("⚠\ufe0f", "⚠"),
        ("x\ufe0f\u3164", "x\\u{FE0F}\\u{3164}"),
        ("##[error]x", "##\u200b[error]x"),
        (" \u00a0::error::x", ":\u200b:error::x"),
        ("std::vector", "std::vector"),
        ("a\r\n b\u2028c\x85d", "a b c d"),
    ],
)
def test_plain_text_is_shown_as_a_reader_expects(text, expected):
    assert expected == plain(text)


@pytest.mark.parametrize("render", ONE_LINERS)
@given(text=HOSTILE)
@settings(max_examples=80)
def test_a_line_stays_one_visible_line_without_commands(render, text):
    line = render(text)
    line.encode()
    assert len(line.splitlines()) <= 1
    assert runner_commands(line) == []
    assert all(char in "\t\u200b" or char.isprintable() for char in line)


@pytest.mark.parametrize("render", [plain, log_line])
@given(text=HOSTILE)
def test_plain_lines_are_idempotent(render, text):
    once = render(text)
    assert once == render(once)


@pytest.mark.parametrize("render", [plain, quiet, markdown, paragraphs])
@given(text=HOSTILE, limit=st.integers(0, 120))
@settings(max_examples=80)
def test_limits_hold_in_bytes(render, text, limit):
    assert len(render(text, limit).encode()) <= limit + (0 if limit else 3)


@given(text=HOSTILE)
@settings(max_examples=200)
def test_markdown_shows_the_very_words_and_nothing_else(text):
    safe = markdown(text)
    kinds = {token.type for _, token in inline_tokens(safe)}
    assert kinds <= {"paragraph_open", "paragraph_close", "text", "code_inline"}
    expected = without_breaks(plain(text)).replace("`", "")
    assert expected == without_breaks(shown(safe)).replace("`", "")


@given(text=HOSTILE)
@example(text="0`0`000000")
@settings(max_examples=200)
def test_markdown_gives_github_nothing_to_act_on(text):
    tags = page(markdown(text))
    assert {tag for tag, _ in tags.tags} <= {"p", "code"}
    assert github_acts_on("\n".join(tags.text)) == {}  # GitHub looks at one text node after another


@given(text=HOSTILE)
def test_quiet_text_gives_github_nothing_to_act_on(text):
    assert github_acts_on(quiet(text)) == {}


@given(cells=st.lists(HOSTILE, min_size=2, max_size=2))
@settings(max_examples=150)
def test_a_table_cell_never_becomes_two(cells):
    row = f"| {markdown(cells[0])} | {code_cell(cells[1])} |"
    tags = page(f"| a | b |\n|---|---|\n{row}\nafter\n\nend")
    assert [tag for tag, _ in tags.tags].count("td") == 4  # "after" is a row of GFM as well
    assert github_acts_on("".join(tags.text)) == {}


@given(text=HOSTILE)
@settings(max_examples=150)
def test_a_code_span_is_one_code_span(text):
    tokens = [token for _, token in inline_tokens(f"x {code_span(text)} y")]
    kinds = [token.type for token in tokens if not token.type.startswith("paragraph")]
    assert kinds == ["text", "code_inline", "text"]


@given(text=HOSTILE)
@settings(max_examples=150)
def test_a_code_block_is_one_fence_with_the_same_lines(text):
    block = code_block(text, "python")
    tokens = [token.type for _, token in inline_tokens(f"{block}\n\nafter")]
    assert tokens == ["fence", "paragraph_open", "text", "paragraph_close"]
    assert runner_commands(block) == []
    assert len(block.splitlines()) - 2 == max(len(text.splitlines()), 1)


def test_long_code_says_how_much_is_missing():
    block = code_block("x\n" * 100, "mermaid", max_lines=5)
    assert block == "```\n" + "x\n" * 5 + "… 95 more lines\n```"


@given(text=HOSTILE)
@settings(max_examples=150)
def test_paragraphs_are_only_paragraphs(text):
    safe = paragraphs(text)
    assert {token.type for _, token in inline_tokens(safe)} <= {
        "paragraph_open",
        "paragraph_close",
        "text",
        "code_inline",
    }


@pytest.mark.parametrize("render", [plain, quiet, markdown, paragraphs, code_span, code_block])
def test_a_megabyte_becomes_short(render):
    assert len(render("##[x] @all ![x](http://e) `" * 40_000)) < 13_000


def test_code_in_a_message_stays_code():
    assert markdown("use `a_b[0]` of @me") == "use `a_b[0]` of @\u200bme"


@given(text=HOSTILE)
def test_log_lines_never_hold_a_command(text):
    assert runner_commands("\n".join(log_lines(text))) == []


def test_too_many_log_lines_are_counted():
    assert log_lines("a\n" * 5, limit=2) == ["a", "a", "… 3 more lines"]


@given(
    value=st.recursive(HOSTILE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3))
)
def test_json_keeps_every_valid_text_and_holds_no_command(value):
    text = json_text({"value": value})
    assert text.isascii()
    assert runner_commands(text) == []
    assert json.loads(text) == json.loads(json.dumps({"value": _utf8(value)}))


def _utf8(value):
    if isinstance(value, str):
        return utf8(value)
    return (
        [_utf8(one) for one in value] if isinstance(value, list) else {utf8(k): _utf8(one) for k, one in value.items()}
    )


def test_a_place_leads_into_the_repository_at_a_fixed_revision():
    url = place_url(SUBJECT, "a b/ü(1)#x.py", 3, 5)
    assert url == f"https://github.com/acme/shop/blob/{SUBJECT.head}/a%20b/%C3%BC%281%29%23x.py#L3-L5"
    assert place_url(SUBJECT, "a.py", 3, 3, Side.LEFT).endswith(f"{SUBJECT.base}/a.py#L3")
    assert link("`a`", url, SUBJECT) == f"[`a`]({url})"


@pytest.mark.parametrize(
    "subject",
    [
        Subject(),
        Subject(server_url="http://github.com", repository="a/b", head="0" * 40),
        Subject(server_url="javascript:alert(1)//", repository="a/b", head="0" * 40),
        Subject(server_url="https://evil.example/x?", repository="a/b", head="0" * 40),
        Subject(server_url="https://github.com", repository="../b", head="0" * 40),
        Subject(server_url="https://github.com", repository="a/b", head="main"),
        Subject(server_url="https://github.com", repository="a/b) [x", head="0" * 40),
    ],
)
def test_an_odd_subject_gets_no_links(subject):
    assert place_url(subject, "a.py", 1, 1) == ""
    assert link("x", "https://evil.example/", subject) == "x"


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "a//b", "./a", ""])
def test_a_path_that_leaves_the_tree_gets_no_link(path):
    assert place_url(SUBJECT, path, 1, 1) == ""


@pytest.mark.parametrize(
    "url", ["javascript:x", "http://a.b", "https://a@b.c/", "https://a.b/ x", "https://a.b/(x)", ""]
)
def test_only_plain_https_addresses_help(url):
    assert help_uri(url) == ""
    assert help_uri("https://docs.astral.sh/ruff/rules/x-y#z") != ""
