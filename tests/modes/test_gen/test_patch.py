"""Patches, with ``git apply`` as the oracle."""

import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.modes.test_gen.patch import patch_of

NAMES = st.text(st.sampled_from('ab1 _-é"\\\t'), min_size=1, max_size=8).filter(
    lambda n: n.strip(" ") == n and n not in {".", ".."}
)
TEXTS = st.lists(
    st.text(st.characters(blacklist_characters="\n\r\0", blacklist_categories=("Cs",)), max_size=12),
    min_size=1,
    max_size=6,
)


def applied(patch: str, before: dict[str, str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in before.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text.encode())
        subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
        subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=root, input=patch.encode(), check=True)
        return {
            str(p.relative_to(root)): p.read_bytes().decode()
            for p in root.rglob("*")
            if p.is_file() and ".git" not in p.parts
        }


@settings(max_examples=15, deadline=None)
@given(NAMES, TEXTS, st.booleans())
def test_a_new_file_arrives_as_it_was_written(name, lines, final):
    text = "\n".join(lines) + ("\n" if final else "")
    if text:
        assert applied(patch_of({f"tests/{name}": (None, text)}), {}) == {f"tests/{name}": text}


@settings(max_examples=15, deadline=None)
@given(TEXTS, TEXTS, st.booleans(), st.booleans())
def test_a_changed_file_arrives_as_it_was_written(old, new, one, other):
    before, after = "\n".join(old) + "\n" * one, "\n".join(new) + "\n" * other
    if before and after and before != after:
        assert applied(patch_of({"t.py": (before, after)}), {"t.py": before}) == {"t.py": after}


def test_files_that_do_not_change_leave_no_trace():
    assert patch_of({"a.py": ("x\n", "x\n")}) == ""
