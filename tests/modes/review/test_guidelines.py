"""Which conventions reach a model, from where, and how much of them."""

import pytest

from tta_orchestrate.modes.review.guidelines import collect


def gathered(files, changed=("src/app.ts", "docs/x.md"), budget=1_000):
    return collect(list(files), lambda name: files[name].encode(), changed, budget)


def test_files_for_reviews_come_first_then_copilots_then_those_for_everybody():
    names = ("AGENTS.md", "CLAUDE.md", "REVIEW.md", ".tta/guidelines/a.md", ".github/copilot-instructions.md")
    found = gathered({name: f"says {name}" for name in names} | {"README.md": "no", "docs/AGENTS.txt": "no"})
    assert found.files == (
        "REVIEW.md",
        ".tta/guidelines/a.md",
        ".github/copilot-instructions.md",
        "AGENTS.md",
        "CLAUDE.md",
    )
    assert "From REVIEW.md:\nsays REVIEW.md" in found.text
    assert "no" not in found.text.split()


@pytest.mark.parametrize(
    ("name", "matter", "counts"),
    [
        (".tta/guidelines/a.md", "paths: ['*.ts']", True),
        (".tta/guidelines/a.md", "paths: ['*.py']", False),
        (".tta/guidelines/a.md", "other: 1", True),
        (".github/instructions/deep/er.instructions.md", 'applyTo: "**/*.py,**/*.ts"', True),
        (".github/instructions/a.instructions.md", 'applyTo: "**/*.py"', False),
        (".github/instructions/a.instructions.md", 'applyTo: "**"', True),
        (".github/instructions/a.instructions.md", 'applyTo: "**"\nexcludeAgent: "code-review"', False),
        (".github/instructions/a.md", 'applyTo: "**"', False),
        (".tta/guidelines/deep/a.md", "paths: ['*.ts']", False),
    ],
)
def test_globs_of_the_front_matter_decide(name, matter, counts):
    found = gathered({name: f"---\n{matter}\n---\nUse tabs.\n"})
    assert (found.files == (name,)) is counts
    assert ("Use tabs." in found.text) is counts
    assert "applyTo" not in found.text


def test_a_file_in_a_folder_is_about_what_lies_below_it():
    assert gathered({"src/AGENTS.md": "x"}).files == ("src/AGENTS.md",)
    assert gathered({"lib/AGENTS.md": "x"}).files == ()


def test_what_does_not_fit_is_cut_at_a_line_and_named():
    found = gathered({"REVIEW.md": "A rule of some length.\n" * 100, "AGENTS.md": "late"}, budget=100)
    assert 5 < found.text.count("A rule") < 20
    assert any("lines of REVIEW.md did not fit review.guidelines.max_tokens (100)" in one for one in found.notices)


def test_hidden_characters_and_secrets_do_not_pass():
    found = gathered({"REVIEW.md": "a\u202eb\nkey AKIAQ7WERTYUIOP2345Z\n"})
    assert "\\u{202E}" in found.text
    assert "AKIAQ7" not in found.text


@pytest.mark.parametrize(
    "text",
    ["---\n: [\n---\nbody", "---\n- a\n---\nbody", "---\nno end", "\ufeffbody", "---\n!!python/object:x {}\n---\nbody"],
)
def test_broken_front_matter_is_no_reason_to_lose_the_text(text):
    found = gathered({"REVIEW.md": text})
    assert ("body" in found.text) is ("body" in text)
