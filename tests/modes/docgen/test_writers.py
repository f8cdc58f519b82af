"""Writers: what they assemble they can take apart again; names survive as file names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.errors import ConfigError
from tta_orchestrate.modes.docgen import model
from tta_orchestrate.modes.docgen.lint import lint_page
from tta_orchestrate.modes.docgen.writers import NAMES, Book, writer
from tta_orchestrate.modes.docgen.writers.logseq import decode_name, encode_name

WORDS = st.text(min_size=1, max_size=12).filter(str.strip)
INLINE = st.one_of(
    WORDS.map(model.Text),
    WORDS.map(model.Code),
    WORDS.map(model.Strong),
    st.just(model.PageRef("other/page")),
    WORDS.map(lambda label: model.Link("https://example.org/a?b=(c)", label)),
)
BODY = st.lists(INLINE, min_size=1, max_size=3).map(tuple)


@st.composite
def blocks(draw, depth=0):
    key = draw(st.uuids()).hex
    if draw(st.booleans()) and depth:
        return model.Block(key=key, fence=model.Fence(language="python", text=draw(st.text(max_size=30))))
    heading = 2 + depth if depth < 2 and draw(st.booleans()) else 0
    children = tuple(draw(st.lists(blocks(depth=depth + 1), max_size=3 - depth))) if depth < 3 else ()
    identity = model.block_id("p", key) if heading else ""
    return model.Block(key=key, body=draw(BODY), heading=heading, id=identity, children=children)


@st.composite
def pages(draw):
    top = []
    for block in draw(st.lists(blocks(), min_size=1, max_size=3)):
        identity = model.block_id("p", block.key)
        top.append(
            model.Block(
                key=block.key, body=block.body or (model.Text("x"),), heading=2, id=identity, children=block.children
            )
        )
    return model.Page(name="a/b", title="a.b", properties=(("type", (model.PageRef("Module"),)),), blocks=tuple(top))


BOOK = Book(project="p", home="home", files={"a/b": "a/b.md", "other/page": "other/page.md"})


@pytest.mark.parametrize("form", NAMES)
@given(page=pages())
@settings(max_examples=40, deadline=None)
def test_what_is_assembled_can_be_taken_apart(form, page):
    chosen = writer(form)
    text = chosen.assemble(chosen.render(page, BOOK))
    assert chosen.assemble(chosen.dissect(text)) == text
    wanted = [block.id for block in page.walk() if block.id]
    found = [piece.id for piece in chosen.dissect(text).walk() if piece.id]
    assert sorted(found) == sorted(wanted)


@given(page=pages())
@settings(max_examples=60, deadline=None)
def test_a_logseq_page_of_any_text_is_clean(page):
    chosen = writer("logseq")
    problems = lint_page(chosen.assemble(chosen.render(page, BOOK)))
    assert problems == ()


@given(st.text(min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_file_name_leads_back_to_its_page(name):
    import unicodedata

    assert decode_name(encode_name(name)) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("page", "stem"),
    [
        ("tta.dev/core", "tta.dev___core"),
        ("pkg/__init__", "pkg___%5F_init__"),
        ("a___b", "a%5F%5F%5Fb"),
        ("100%", "100%25"),
        (".hidden", "%2Ehidden"),
        ("C#?", "C%23%3F"),
    ],
)
def test_file_names_follow_the_triple_lowbar_rules(page, stem):
    assert encode_name(page) == stem


def test_an_unknown_format_names_the_choices():
    with pytest.raises(ConfigError) as caught:
        writer("word")
    assert "logseq" in caught.value.remedy


def test_mkdocs_never_meets_a_marked_section_that_its_html_parser_stops_at():
    regex = r"(?<![\w])x"
    body = (model.Code(regex),)
    fence = model.Fence(language="python", text=f"re.compile(r'{regex}')")
    page = model.Page(
        name="p", title="p", blocks=(model.Block(key="a", body=body), model.Block(key="b", fence=fence)), properties=()
    )
    made = writer("mkdocs")
    text = made.assemble(made.render(page, Book(project="p", home="index", files={"p": "docs/p.md"})))
    assert "<![" not in text
    assert "<code>(?\\<!\\[\\\\w\\])x</code>" in text
