"""What a patch may bring into a repository; and everything else, which it may not. `git apply` is the oracle."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.errors import PatchRefusedError
from tta_orchestrate.modes.test_gen.deliverable import Standing, deliverable
from tta_orchestrate.modes.test_gen.patch import patch_of
from tta_orchestrate.modes.test_gen.splice import splice

MARK = "# tta-orchestrate: generated\n"
NEW = f"{MARK}from shop import price\n\n\ndef test_price():\n    assert price(100) == 120\n"
OURS = "tests/test_shop_characterisation.py"
FILES = {
    "shop.py": "def price(net):\n    return net * 12 // 10\n",
    "tests/test_shop.py": "def test_it():\n    pass\n",
    OURS: NEW,
    "src/pkg/a.py": "",
    "src/pkg/test_a.py": "",
    ".github/workflows/ci.yml": "on: push\n",
}


def standing(files=FILES, *, modes=None, folders=()):
    known = dict.fromkeys(files, "100644") | (modes or {})
    return Standing(
        modes=known,
        read=lambda path: files[path].encode("utf-8", "surrogateescape"),
        base_files=tuple(files),
        folders=folders,
    )


def patch(path, new=NEW, old=None):
    return patch_of({path: (old, new)}).encode("utf-8", "surrogateescape")


def refused(data, why, **given_):
    with pytest.raises(PatchRefusedError, match=why) as caught:
        deliverable(data, standing(**given_))
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()
    assert "##[" not in str(caught.value)
    assert "::" not in str(caught.value)
    return str(caught.value)


def test_a_new_file_among_tests_is_taken_whole():
    assert deliverable(patch("tests/test_new.py"), standing()) == {"tests/test_new.py": NEW}


@pytest.mark.parametrize(
    "path",
    ["src/pkg/test_b.py", "tests/deep/down/test_b.py", "web/__tests__/b.test.ts", "src/test/java/com/shop/BTest.java"],
)
def test_folders_for_tests_are_those_that_hold_some_and_those_called_so(path):
    text = NEW if path.endswith(".py") else "// tta-orchestrate: generated\nx;\n"
    assert deliverable(patch(path, text), standing()) == {path: text}


def test_what_the_program_itself_adds_to_its_own_file_is_taken():
    more = f"{MARK}from shop import price, tax\n\n\ndef test_price():\n    assert price(0) == 0\n\n\ndef test_tax():\n    assert tax(1) == 0\n"
    text, renamed = splice(NEW, more)
    assert renamed == {"test_price": "test_price_2"}
    assert deliverable(patch(OURS, text, NEW), standing()) == {OURS: text}


def test_configured_folders_are_the_only_ones():
    assert deliverable(patch("spec/a/test_x.py"), standing(folders=("spec/",)))
    refused(patch("tests/test_new.py"), "folder is none for tests", folders=("spec",))
    refused(patch("special/test_new.py"), "folder is none for tests", folders=("spec",))


HOSTILE_PATHS = [
    "/etc/test_x.py", "../tests/test_x.py", "tests/../../test_x.py", "tests/./test_x.py", "tests//test_x.py",
    ".git/test_x.py", "tests/.git/test_x.py", "tests/.GIT/test_x.py", ".github/tests/test_x.py", ".GITHUB/tests/test_x.py",
    "tests/git~1/test_x.py", "tests/test_x.py ", "tests/test_x.py.", "tests /test_x.py", "tests\\test_x.py", "C:/tests/test_x.py",
    "tests/test_\u0445.py", "tests/te\u200cst_x.py", "tests/test_x\u202eyp.py", "te\u017fts/test_x.py", "tests/test_##[x].py",
    "tests/test_::error::.py", "tests/\n/test_x.py", "tests/-x/../test_x.py", "tests/.hidden/test_x.py", "tests/" + "a" * 200 + "/test_x.py",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_path_that_is_not_plain_is_refused(path):
    refused(patch(path), "path is not plain|cannot be read")


@pytest.mark.parametrize(
    "path",
    ["tests/conftest.py", "conftest.py", "tests/pytest.ini", "setup.py", "tests/__init__.py", "tests/sitecustomize.py", "tests/x.pth",
     "shop.py", "tests/tox.ini", "tests/data.json", "noxfile.py", "tests/TEST_X.PY", "tests/test_x.pyc", "Makefile"],
)  # fmt: skip
def test_what_is_no_test_is_refused(path):
    refused(patch(path), "the name is no test's")


@pytest.mark.parametrize("path", ["test_x.py", "lib/test_x.py", "src/test_x.py", "latest/test_x.py"])
def test_a_test_beside_sources_without_tests_is_refused(path):
    refused(patch(path), "the folder is none for tests")


@pytest.mark.parametrize("path", ["Tests/test_x.py", "tests/Test_x.py", "tests/TEST_SHOP.py", "TESTS/deep/test_x.py"])
def test_another_spelling_of_what_is_there_is_refused(path):
    refused(patch(path), "other letters|no test's")


def test_two_spellings_in_one_patch_are_refused():
    data = patch("tests/a/test_x.py") + patch("tests/A/test_y.py")
    refused(data, "other letters")
    refused(patch("tests/test_x.py") + patch("tests/test_x.py"), "twice")


def test_a_link_or_a_file_in_the_place_of_a_folder_is_refused():
    refused(patch("tests/sub/test_x.py"), "a file is where", modes={"tests/sub": "120000"})
    refused(patch("tests/sub/test_x.py"), "a file is where", modes={"tests/sub": "160000"})
    refused(patch("tests/test_x.py") + patch("tests/test_x.py/test_y.py"), "a file is where|no test's")


@pytest.mark.parametrize(("wrong", "why"), [
    ("new file mode 100755", "a program"), ("new file mode 120000", "a link"), ("new file mode 160000", "submodule"),
])  # fmt: skip
def test_modes_other_than_plain_are_refused(wrong, why):
    refused(patch("tests/test_x.py").replace(b"new file mode 100644", wrong.encode()), why)


@pytest.mark.parametrize("head", [
    f"diff --git a/{OURS} b/{OURS}\nold mode 100644\nnew mode 100755\n",
    f"diff --git a/{OURS} b/{OURS}\ndeleted file mode 100644\n--- a/{OURS}\n+++ /dev/null\n@@ -1 +0,0 @@\n-{MARK}",
    f"diff --git a/{OURS} b/tests/test_z.py\nsimilarity index 100%\nrename from {OURS}\nrename to tests/test_z.py\n",
    f"diff --git a/{OURS} b/tests/test_z.py\nsimilarity index 100%\ncopy from {OURS}\ncopy to tests/test_z.py\n",
    "diff --git a/tests/test_z.py b/tests/test_z.py\nnew file mode 100644\nindex 000..111\nGIT binary patch\nliteral 1\nAc\n\n",
    "diff --git a/tests/test_z.py b/tests/test_z.py\nnew file mode 100644\n",
    f"--- a/shop.py\n+++ b/shop.py\n@@ -1 +1 @@\n-def price(net):\n+{MARK}",
    "diff --cc tests/test_z.py\nindex 1,2..3\n",
])  # fmt: skip
def test_renames_deletions_modes_binaries_and_empty_files_are_refused(head):
    refused(head.encode(), "not delivered")


def test_a_file_of_people_is_never_touched():
    old = FILES["tests/test_shop.py"]
    refused(patch("tests/test_shop.py", MARK + old, old), "people wrote it")
    refused(patch("tests/test_shop.py", NEW), "not what the patch says")
    refused(patch("tests/test_gone.py", NEW, MARK), "not what the patch says")
    refused(patch(OURS, NEW + "x = 1\n", NEW), "not what the patch says", modes={OURS: "100755"})


@pytest.mark.parametrize(("new", "why"), [
    (NEW.replace("120", "121"), "takes away or changes"),
    (MARK + "from shop import price\n", "takes away"),
    (NEW.replace("from shop import price\n", ""), "takes away"),
    (NEW + "\n\ndef test_price():\n    pass\n", "in the place of"),
    (NEW + "\n\ntest_price = None\n", "in the place of"),
    (NEW + "\n\ndel test_price\n", "in the place of"),
    (NEW + "\n\nfrom os import path as test_price\n", "in the place of"),
    (NEW.replace(MARK, ""), "does not say"),
    (NEW + "def (\n", "does not parse"),
    (NEW + "# \u202e hidden\n", "not seen"),
    (NEW + "# \x1b[2J\n", "not seen"),
    (NEW + "# \r\n", "not seen"),
    (NEW + "# " + "x" * 600_000 + "\n", "too large"),
])  # fmt: skip
def test_an_addition_that_takes_away_replaces_or_hides_is_refused(new, why):
    refused(patch(OURS, new, NEW), why)


def test_a_patch_for_another_state_of_the_file_does_not_apply():
    refused(patch(OURS, NEW + "\n\ndef test_more():\n    assert 1\n", NEW.replace("120", "1")), "does not apply")


def test_bytes_that_are_no_text_are_refused():
    refused(patch("tests/test_x.py", NEW + "# \udcff\n"), "not seen")


def test_sizes_have_ends():
    refused(b"".join(patch(f"tests/test_x{n}.py") for n in range(101)), "101 files")
    refused(b"x" * (5 << 20), "too large")


def repeats(before, after):
    """Whether *after* adds statements of a kind that *before* lacks: then something could be replaced by them."""
    known = set(before.split("\n"))
    fresh = set(after.split("\n")) - known
    return bool(known & {"def test_a(): assert 1", "x = 1", "import os"}) and "x = 1" in fresh


LINES = st.lists(st.sampled_from(["def test_a(): assert 1", "x = 1", "", "# y", "import os"]), max_size=12)


@given(old=LINES, extra=LINES, at=st.integers(0, 12), cut=st.booleans())
def test_what_is_taken_is_what_git_apply_makes(tmp_path_factory, old, extra, at, cut):
    before = MARK + "".join(f"{line}\n" for line in old)
    before = before.removesuffix("\n") if cut and old and old[-1] else before
    after = MARK + "".join(f"{line}\n" for line in [*old[:at], *extra, *old[at:]])
    data = patch(OURS, after, before)
    if not data:
        return
    if repeats(before, after):
        with pytest.raises(PatchRefusedError, match="in the place of"):
            deliverable(data, standing({OURS: before}))
        return
    mine = deliverable(data, standing({OURS: before}))[OURS]
    folder = tmp_path_factory.mktemp("apply")
    (folder / "tests").mkdir()
    (folder / OURS).write_text(before)
    subprocess.run(["git", "apply", "-"], input=data, cwd=folder, check=True)
    assert (folder / OURS).read_text() == mine == after


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data):
    with pytest.raises(PatchRefusedError):
        deliverable(data, standing())
