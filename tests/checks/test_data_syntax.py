import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.checks.data_syntax import CHECK
from tta_orchestrate.domain.change import ChangedFile, FileStatus
from tta_orchestrate.domain.report import SkipReason
from tta_orchestrate.ports import SourceFile


def source(text, path):
    return SourceFile(change=ChangedFile(path=path, old_path=path, status=FileStatus.MODIFIED), text=text)


def found(text, path):
    return [(c.rule, c.start_line) for c in CHECK.run([source(text, path)]).candidates]


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("a.yaml", "a: 1\nb: [1, 2\nc: 3\n", 3),
        ("a.yml", "a: 1\n\tb: 2\n", 2),
        ("a.yaml", "a: 'x\n", 1),
        ("a.yaml", "ok: 1\n---\nb: :\n  - x\n c\n", 3),
        ("a.yaml", "a: &x 1\nb: *x\n---\nb: *x\n", 4),
        ("tsconfig.json", "{" + "/*" * 50_000, 1),
        ("a.yaml", "a: \x07\n", 1),
        ("a.json", '{\n  "a": 1,\n}\n', 3),
        ("a.json", "", 1),
        ("a.json", '{"a": 1} // no\n', 1),
        ("a.json", "[" * 100_000, 1),
        ("tsconfig.json", '{\n // fine\n "a" 1\n}\n', 3),
        ("a.yaml", "a:\n  " + "[" * 400_000, 2),
        ("a.yaml", "{a: " * 200_000, 1),
        ("a.toml", "x = 1\n" + "a." * 500_000, 2),
        ("a.toml", "a = 1\nb = \n", 2),
        ("a.toml", "a = 1\na = 2\n", 2),
        ("a.toml", "a = [1,\n", 1),
        ("a.toml", "a = " + "[" * 50_000, 1),
    ],
)
def test_a_broken_file_is_one_finding_where_the_parser_gave_up(path, text, line):
    assert found(text, path) == [(f"data-syntax/{path.rpartition('.')[2].replace('yml', 'yaml')}", line)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yaml", ""),
        ("a.yaml", "a: 1\n---\nb: 2\n...\n"),
        ("a.yaml", "a: !Ref X\nb: !GetAtt [x, y]\nc: !vault |\n  123\n"),
        ("a.yaml", "\ufeffa: 'é'\r\nb: 2\r\n"),
        ("a.yaml", "on: {push: null}\n? [x, y]\n: z\n"),
        ("a.json", '\ufeff{"a": [1, 2.5e3, null, "\\u00e9"]}'),
        ("a.json", "1" * 9_000),
        ("tsconfig.json", '{\n // c\n "a": "//x", /* y */ "b": [1, 2,],\n}\n'),
        (".vscode/settings.json", '{"a": 1, // x\n}'),
        ("a.jsonc", '{"a": "/*", }'),
        ("a.toml", "[a]\nb = 2026-01-01\n[[c]]\nd = '''\nx'''\n"),
        ("a.toml", "\ufeffa = 1\r\n"),
        ("a.txt", "{{{"),
    ],
)
def test_a_sound_file_gives_nothing(path, text):
    file = source(text, path)
    assert not CHECK.applies(file) or found(text, path) == []


def test_a_tag_is_a_word_and_an_anchor_bomb_stays_small(tmp_path):
    mark = tmp_path / "ran"
    assert found(f"a: !!python/object/apply:os.system ['touch {mark}']\n", "a.yaml") == []
    assert not mark.exists()
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 40))
    assert found(bomb, "a.yaml") == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("chart/templates/deploy.yaml", "a: {{ .Values.x }}\n{{- if y }}\n"),
        ("{{cookiecutter.name}}/a.json", '{"a": {{ x }} }'),
        ("a.yaml", "{% if x %}\na: 1\n{% endif %}\n"),
    ],
)
def test_a_template_is_left_out_with_the_reason(path, text):
    result = CHECK.run([source(text, path)])
    assert ([s.reason for s in result.skipped], list(result.candidates)) == ([SkipReason.UNSUPPORTED], [])


def test_a_template_by_its_suffix_is_no_yaml():
    assert not CHECK.applies(source("a: {{ x }}", "a.yaml.j2"))


def test_without_text_or_when_too_large_it_says_so():
    result = CHECK.run([source(None, "a.json"), source(" " * 2_000_001, "b.json")])
    assert [s.reason for s in result.skipped] == [SkipReason.NEEDS_FILE, SkipReason.TOO_LARGE]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
        max_leaves=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_writers_write_parses(value):
    assert found(json.dumps(value), "a.json") == []
    assert found(yaml.safe_dump(value), "a.yaml") == []


@given(st.text(max_size=120) | st.text(alphabet='{}[]:,"\\/*# \n\t-&!|>=ab1', max_size=120))
@settings(max_examples=100, deadline=None)
def test_any_text_is_judged_without_a_crash_and_with_a_true_quote(text):
    for path in ("a.yaml", "a.json", "tsconfig.json", "a.toml"):
        for claim in CHECK.run([source(text, path)]).candidates:
            assert claim.quote == text.split("\n")[claim.start_line - 1]
