"""Human edits survive refreshes of changing code."""

import random

import pytest

from docgen_fakes import project

SOURCE = '''"""Module."""


def one(a: int) -> int:
    """Do one thing."""
    return a


def two(b: str) -> str:
    """Do another."""
    return b


def three() -> None:
    """Do a third."""
'''


def logseq(sources):
    found = project(sources)
    found.refresh()
    return found


def test_an_edited_block_is_never_rewritten_while_the_rest_follows_the_code():
    demo = logseq({"m.py": SOURCE})
    page = demo.docs.page("m").replace("Do one thing.", "Do one thing, my way.")
    demo.docs.texts["pages/m.md"] = page
    demo.tree.sources["m.py"] = SOURCE.replace("Do another.", "Do something else.")
    demo.refresh()
    assert "Do one thing, my way." in demo.docs.page("m")
    assert "Do something else." in demo.docs.page("m")
    assert "review:: needed" not in demo.docs.page("m")


def test_when_both_sides_changed_the_human_text_stays_and_a_review_is_asked_for():
    demo = logseq({"m.py": SOURCE})
    demo.docs.texts["pages/m.md"] = demo.docs.page("m").replace("Do one thing.", "My words.")
    demo.tree.sources["m.py"] = SOURCE.replace("Do one thing.", "Do it twice.")
    report = demo.refresh().report
    page = demo.docs.page("m")
    assert "My words." in page
    assert page.count("review:: needed") == 1
    assert "Do it twice." in page
    assert report.extra["pages"]["conflicts"]
    assert demo.refresh().changes == {}


def test_an_added_block_stays_where_it_was_put():
    demo = logseq({"m.py": SOURCE})
    lines = demo.docs.page("m").split("\n")
    at = next(n for n, line in enumerate(lines) if "Do another." in line)
    lines.insert(at + 1, "\t\t- a note of mine\n\t\t\t- with a child")
    demo.docs.texts["pages/m.md"] = "\n".join(lines)
    demo.tree.sources["m.py"] = SOURCE.replace("Do another.", "Do something else.").replace("b: str", "b: bytes")
    demo.refresh()
    rows = [line.strip() for line in demo.docs.page("m").split("\n")]
    assert rows[rows.index("- Do something else.") + 1] == "- a note of mine"
    assert rows[rows.index("- a note of mine") + 1] == "- with a child"


def test_a_deleted_block_stays_deleted_until_its_source_changes():
    demo = logseq({"m.py": SOURCE})
    demo.docs.texts["pages/m.md"] = demo.docs.page("m").replace("\t\t- Do one thing.\n", "")
    demo.tree.sources["m.py"] = SOURCE.replace("Do another.", "Do something else.")
    demo.refresh()
    assert "Do one thing." not in demo.docs.page("m")
    demo.tree.sources["m.py"] = demo.tree.sources["m.py"].replace("Do one thing.", "Do one new thing.")
    demo.refresh()
    assert "Do one new thing." in demo.docs.page("m")


def test_page_properties_of_a_human_stay():
    demo = logseq({"m.py": SOURCE})
    demo.docs.texts["pages/m.md"] = "icon:: x\n" + demo.docs.page("m").replace("tags:: api, python", "tags:: mine")
    demo.tree.sources["m.py"] = SOURCE + "\n\ndef four():\n    pass\n"
    demo.refresh()
    head = demo.docs.page("m").partition("\n\n")[0].split("\n")
    assert {"icon:: x", "tags:: mine", "documented:: 3 of 4"} <= set(head)


def test_a_collapsed_block_is_not_an_edited_one():
    demo = logseq({"m.py": SOURCE})
    page = demo.docs.page("m").replace("\t  kind:: function\n", "\t  kind:: function\n\t  collapsed:: true\n", 1)
    demo.docs.texts["pages/m.md"] = page
    demo.tree.sources["m.py"] = SOURCE.replace("one(a: int)", "one(a: float)")
    demo.refresh()
    assert "one(a: float)" in demo.docs.page("m")
    assert "collapsed:: true" in demo.docs.page("m")
    assert "review:: needed" not in demo.docs.page("m")


def test_an_edited_block_of_a_removed_symbol_is_not_pruned():
    demo = logseq({"m.py": SOURCE})
    demo.docs.texts["pages/m.md"] = demo.docs.page("m").replace("Do a third.", "Keep me.")
    demo.tree.sources["m.py"] = SOURCE.partition("\n\ndef three")[0] + "\n"
    demo.refresh()
    demo.refresh(prune=True)
    assert "Keep me." in demo.docs.page("m")


def test_a_page_that_was_there_before_any_manifest_keeps_its_blocks():
    demo = project({"m.py": SOURCE})
    demo.docs.texts["pages/m.md"] = "- my old note\n\t- and its child\n"
    demo.refresh()
    assert "- my old note\n\t- and its child" in demo.docs.page("m")
    assert "Do one thing." in demo.docs.page("m")


@pytest.mark.parametrize("form", ["logseq", "markdown", "mkdocs", "obsidian", "sphinx"])
@pytest.mark.parametrize("seed", range(4))
def test_every_edit_survives_three_refreshes_of_changing_code(form, seed):
    chance = random.Random(seed)
    demo = project({"m.py": SOURCE}, format=form)
    demo.refresh()
    path = next(p for p in demo.docs.texts if p.endswith("m.md") and "documentation" not in p)
    for name in ("one", "two", "three"):
        kind = chance.choice(["edit", "add", "leave"])
        old = {"one": "Do one thing.", "two": "Do another.", "three": "Do a third."}[name]
        lines = demo.docs.texts[path].split("\n")
        at = next(n for n, line in enumerate(lines) if old in line)
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        if kind == "edit":
            lines[at] = lines[at].replace(old, f"HUMAN {name}.")
        elif kind == "add":
            lines[at + 1 : at + 1] = [f"{indent}- HUMAN {name}."] if form == "logseq" else ["", f"HUMAN {name}."]
        demo.docs.texts[path] = "\n".join(lines)
    wanted = [f"HUMAN {name}." for name in ("one", "two", "three") if f"HUMAN {name}." in demo.docs.texts[path]]
    for turn in range(3):
        text = demo.tree.sources["m.py"]
        for old in ("thing", "another", "third"):
            if chance.random() < 0.6:
                text = text.replace(old, f"{old}{turn}", 1)
        demo.tree.sources["m.py"] = text + f"\n\ndef new{turn}(x: int = {turn}) -> None:\n    pass\n"
        demo.refresh()
        for words in wanted:
            assert demo.docs.texts[path].count(words) == 1, words
        assert demo.refresh().changes == {}
