import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.checks.trojan_source import CHECK
from tta_orchestrate.domain.change import ChangedFile, FileStatus, Hunk
from tta_orchestrate.ports import SourceFile


def source(text, path="a.py", hunks=()):
    return SourceFile(change=ChangedFile(path=path, old_path=path, status=FileStatus.MODIFIED, hunks=hunks), text=text)


def found(text, path="a.py"):
    return [(c.rule, c.start_line) for c in CHECK.run([source(text, path)]).candidates]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("if access != 'user\u202e \u2066// admin\u2069 \u2066':\n", "bidi"),
        ("x = 1  # \u200f note\n", "bidi"),
        ("def is\u200bAdmin(): pass\n", "invisible"),
        ("name = 'a\u00adb'\n", "invisible"),
        ("x = '\u3164'\n", "invisible"),
        ("x = '\ufeff'\n", "invisible"),
        ("x = 'a\ufe00\ufe01\ufe02\U000e0100'\n", "invisible"),
        ("x = 'a\u200db'\n", "invisible"),
        ("# \U000e0069\U000e0067\U000e006e\n", "tag"),
        ("x = '\x1b[2J'\n", "control"),
        ("x = '\x9b2J'\n", "control"),
        ("x = '\x08'\n", "control"),
        ("p\u0430ypal = 1\n", "homoglyph"),
        ("def \u0410dmin(): pass\n", "homoglyph"),
        ("sc\u03bfpe = 1\n", "homoglyph"),
    ],
)
def test_what_hides_or_deceives_is_found_and_named_but_never_printed(text, kind):
    (claim,) = CHECK.run([source(f"ok = 1\n{text}")]).candidates
    assert (claim.rule, claim.start_line, claim.quote) == (f"trojan-source/{kind}", 2, text.rstrip("\n"))
    assert "U+" in claim.message
    assert (claim.title + claim.message).isascii()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("\ufeffx = 1\n", "a.py"),
        (
            "ok = '👩\u200d💻 👨\u200d👩\u200d👧\u200d👦 🏳\ufe0f\u200d🌈 ❤\ufe0f\u200d🔥 👩🏽\u200d🚀 🤷\u200d♀\ufe0f'\n",
            "a.py",
        ),
        ("flag = '🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f'\n", "a.py"),
        ("x = 'می\u200cخواهم क्\u200dष'\n", "a.py"),
        ("שלום עולם\n", "a.md"),
        ('msgstr "\u200fمرحبا\u200f!"\n', "ar.po"),
        ('{"hello": "\u200eمرحبا"}\n', "ar.json"),
        ("privet = 'привет'  # комментарий\nданные = 1\nnaïve = 'é'\n", "a.py"),
        ("delta_µs = 1\nΔx = 2\nλ_max = 3\nσ2x = 1\n", "a.py"),
        ("a = 1\t# tab\r\n\x0c\nb = 2\n", "a.py"),
        ("変数 = 'テスト'\n", "a.py"),
        ("это test смесь scriptов\n", "a.md"),
    ],
)
def test_honest_text_in_any_language_is_left_alone(text, path):
    assert found(text, path) == []


def test_bidi_overrides_are_reported_in_prose_too():
    assert found("pay \u202e100\u202c\n", "README.md") == [("trojan-source/bidi", 1)]


def test_a_line_has_one_finding_for_each_kind():
    assert found("x = '\u202e\u2066\u200b\x1b'\n") == [
        ("trojan-source/bidi", 1),
        ("trojan-source/invisible", 1),
        ("trojan-source/control", 1),
    ]


def test_without_the_file_the_added_lines_are_looked_at():
    hunk = Hunk(old_start=4, old_count=2, new_start=4, new_count=2, body=(" \u202e", "-\u202e", "+x\u202e"))
    claims = CHECK.run([source(None, hunks=(hunk,))]).candidates
    assert [(c.start_line, c.quote) for c in claims] == [(5, "x\u202e")]


@given(st.text(max_size=120))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_true_quotes_and_messages_without_raw_characters(text):
    claims = CHECK.run([source(text)]).candidates
    assert claims == CHECK.run([source(text)]).candidates
    for claim in claims:
        assert claim.quote == text.split("\n")[claim.start_line - 1]
        assert not any(unicodedata.category(c) in {"Cf", "Cc"} for c in claim.title + claim.message)
