"""The parser of unified diffs, judged by git itself."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from repos import make_repo
from tta_orchestrate.domain.change import FileStatus, Side
from tta_orchestrate.domain.diff import parse, render
from tta_orchestrate.errors import DiffError

DIFF = ("diff", "--full-index", "--find-renames", "--find-copies-harder")


def files(diff: bytes):
    return tuple(parse(diff.splitlines(keepends=True) if b"\r" not in diff else split(diff)))


def split(diff: bytes):
    return [line + b"\n" for line in diff.removesuffix(b"\n").split(b"\n")] if diff else []


def one(diff: bytes):
    (file,) = files(diff)
    return file


def numstat(diff: bytes, *args: str):
    """What `git apply` reads from a diff: the path at head, added, removed (None for binary files)."""
    if not diff:  # which git apply calls an error
        return []
    done = subprocess.run(
        ["git", "apply", "--numstat", "-z", *args], input=diff, capture_output=True, check=True, cwd=os.sep
    )
    rows = []
    for row in done.stdout.split(b"\0")[:-1]:
        added, removed, path = row.split(b"\t", 2)
        counts = (None, None) if added == b"-" else (int(added), int(removed))
        rows.append((path, *counts))
    return rows


def counted(parsed):
    return [(os.fsencode(f.path), *((None, None) if f.binary else (f.added, f.removed))) for f in parsed]


MODIFIED = b"""diff --git a/x.py b/x.py
index 1111111..2222222 100644
--- a/x.py
+++ b/x.py
@@ -1,3 +1,3 @@ def f():
 one
-two
+TWO
 three
"""


# ---------------------------------------------------------------------------------------------- what is read


def test_a_modified_file_has_numbered_lines_on_both_sides():
    file = one(MODIFIED)
    assert (file.path, file.status, file.old_mode, file.new_mode) == ("x.py", FileStatus.MODIFIED, "100644", "100644")
    assert file.hunks[0].section == "def f():"
    assert [(line.kind, line.text, line.old, line.new) for line in file.hunks[0].lines()] == [
        (" ", "one", 1, 1),
        ("-", "two", 2, None),
        ("+", "TWO", None, 2),
        (" ", "three", 3, 3),
    ]
    assert file.changed_lines(Side.RIGHT) == {2}
    assert file.changed_lines(Side.LEFT) == {2}


def test_lines_that_are_only_taken_out_touch_the_line_before_them():
    file = one(b"--- a/a\n+++ b/a\n@@ -1 +0,0 @@\n-1\n@@ -3,2 +2,0 @@\n-3\n-4\n@@ -6 +4 @@\n-6\n+six\n")
    assert file.changed_lines(Side.RIGHT) == {4}
    assert file.touched_lines() == {1, 2, 4}


def test_nothing_gives_no_files():
    assert files(b"") == ()
    assert files(b"nothing of interest\n\n") == ()


def test_lines_may_come_without_line_feeds():
    assert tuple(parse(MODIFIED.split(b"\n")[:-1])) == files(MODIFIED)


def test_a_mail_made_by_format_patch_is_read_past_its_message_and_signature(tmp_path):
    repo = make_repo(tmp_path)
    repo.write("a b.txt", "1\n2\n")
    repo.commit("first")
    repo.write("a b.txt", "1\n-- \n2\n--- a\n+++ b\ndiff --git a/q b/q\n")
    repo.commit("second\n\n--- not a header\n+++ neither")
    mail = repo.git_bytes("format-patch", "--stdout", "HEAD~1")
    assert mail.rstrip().splitlines()[-2] == b"-- "
    file = one(mail)
    assert (file.path, file.added, file.removed) == ("a b.txt", 4, 0)


def test_what_git_log_prints_gives_the_files_of_all_commits(tmp_path):
    repo = make_repo(tmp_path)
    for text in ("1\n", "2\n", "3\n"):
        repo.write("a", text)
        repo.commit("@@ notes")
    assert [f.status.value for f in files(repo.git_bytes("log", "-p"))] == ["modified", "modified", "added"]


def test_headers_inside_a_hunk_are_content():
    diff = MODIFIED.replace(b"-two\n+TWO\n", b"--- a/other\n+++ b/other\n")
    file = one(diff)
    assert [line.text for line in file.hunks[0].lines()][1:3] == ["-- a/other", "++ b/other"]


@pytest.mark.parametrize(
    ("options", "prefixes"),
    [
        (["--no-prefix"], b"x/y x/y"),
        (["--src-prefix=i/", "--dst-prefix=w/"], b"i/x/y w/x/y"),
        (["--src-prefix=c/", "--dst-prefix=i/"], b"c/x/y i/x/y"),
        (["--src-prefix=o/", "--dst-prefix=w/"], b"o/x/y w/x/y"),
        (["--src-prefix=before/", "--dst-prefix=after/"], b"before/x/y after/x/y"),
        (["-R"], b"b/x/y a/x/y"),
    ],
)
def test_prefixes_are_taken_off(tmp_path, options, prefixes):
    repo = make_repo(tmp_path)
    repo.write("x/y", "1\n")
    repo.commit()
    repo.write("x/y", "2\n")
    repo.commit()
    diff = repo.git_bytes("diff", *options, "HEAD~1", "HEAD")
    assert prefixes in diff
    assert (one(diff).path, one(diff).old_path) == ("x/y", "x/y")


def test_plain_diffs_are_read():
    diff = b"--- old/src/x.c\t2024-01-01 00:00:00.000000000 +0000\n+++ new/src/x.c\t2024-01-02 00:00:00 +0000\n@@ -1 +1 @@\n-a\n+b\n"
    file = one(b"diff -ru old/src/x.c new/src/x.c\n" + diff)
    assert (file.path, file.old_path, file.status, file.new_mode) == ("src/x.c", "src/x.c", FileStatus.MODIFIED, "")
    assert one(diff.replace(b"old/src/x.c", b"x.c.orig").replace(b"new/src/x.c", b"x.c")).path == "x.c"


def test_gnu_diff_is_read(tmp_path):
    for side, text in (("a", "1\n2\n"), ("b", "1\n3")):
        (tmp_path / side).mkdir()
        (tmp_path / side / "both name.txt").write_text(text)
        (tmp_path / side / f"only-{side}").write_text("x\n")
    done = subprocess.run(["diff", "-ruN", "a", "b"], cwd=tmp_path, capture_output=True, check=False)
    parsed = files(done.stdout)
    assert [(f.path, f.status.value, f.added, f.removed) for f in parsed] == [
        ("both name.txt", "modified", 1, 1),
        ("only-a", "deleted", 0, 1),
        ("only-b", "added", 1, 0),
    ]


def test_a_plain_diff_against_dev_null_adds_or_deletes():
    assert one(b"--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n").status is FileStatus.ADDED
    assert one(b"--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n").status is FileStatus.DELETED


def test_a_carriage_return_belongs_to_the_line():
    file = one(MODIFIED.replace(b"+TWO\n", b"+TWO\r\n"))
    assert [line.text for line in file.hunks[0].lines() if line.kind == "+"] == ["TWO\r"]


def test_a_diff_with_crlf_everywhere_is_read():
    file = one(MODIFIED.replace(b"\n", b"\r\n"))
    assert (file.path, file.added, file.hunks[0].section) == ("x.py", 1, "def f():")


def test_context_whose_blank_was_taken_away_is_still_context():
    file = one(MODIFIED.replace(b" one\n", b"\n"))
    assert next(file.hunks[0].lines()).text == ""


def test_two_names_without_a_rename_line_are_a_rename(tmp_path):
    (tmp_path / "old.txt").write_text("1\n")
    (tmp_path / "newer.txt").write_text("2\n")
    done = subprocess.run(
        ["git", "diff", "--no-index", "old.txt", "newer.txt"], cwd=tmp_path, capture_output=True, check=False
    )
    file = one(done.stdout)
    assert (file.old_path, file.path, file.status) == ("old.txt", "newer.txt", FileStatus.RENAMED)


# --------------------------------------------------------------------------- every kind of file, made by real git


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """A change with one file of each kind: (repository, base, head)."""
    repo = make_repo(tmp_path_factory.mktemp("zoo"))
    long = "".join(f"line {n}\n" for n in range(30))
    for path, content in {
        "renamed from b/ there.txt": long,
        "moved.txt": long.replace("line", "moved"),
        "copied.txt": long.replace("line", "copied"),
        "mode.sh": "#!/bin/sh\n",
        "mode and text.sh": "#!/bin/sh\n",
        "gone.txt": "bye\n",
        "gone empty": "",
        "crlf.txt": "a\r\nb\r\n",
        "no-newline": "a\nb",
        "sp ace b/x b/sp ace": "1\n",
        'quote"back\\slash\ttab\nfeed': "1\n",
        b"latin-\xe9.txt": b"caf\xe9\n",
        "ünï.txt": "1\n",
        "binary": b"\0\1\2",
        "binary gone": b"\0\1",
        "becomes a link": "text\n",
        "same": "same\n",
    }.items():
        repo.write(path, content)
    repo.link("link", "target")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    base = repo_commit(repo)
    for path in ("gone.txt", "gone empty", "binary gone", "becomes a link", "link"):
        (repo.path / path).unlink()
    (repo.path / "renamed from b/ there.txt").rename(repo.path / "renamed to.txt")
    (repo.path / "moved.txt").unlink()
    for path, content in {
        "moved b/here.txt": long.replace("line", "moved") + "more\n",
        "copy.txt": long.replace("line", "copied"),
        "mode and text.sh": "#!/bin/sh\nls\n",
        "new.txt": "new\n",
        "new empty": "",
        "crlf.txt": "a\r\nc\r\n",
        "no-newline": "a\nc",
        "sp ace b/x b/sp ace": "2\n",
        'quote"back\\slash\ttab\nfeed': "2\n",
        b"latin-\xe9.txt": b"caf\xe9\xff\n",
        "ünï.txt": "2\n",
        "binary": b"\0\1\3",
        "binary new": b"\0",
    }.items():
        repo.write(path, content)
    (repo.path / "mode.sh").chmod(0o755)
    (repo.path / "mode and text.sh").chmod(0o755)
    repo.link("becomes a link", "/etc/passwd")
    repo.link("link", "elsewhere")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'2' * 40},sub")
    return repo, base, repo_commit(repo)


def repo_commit(repo):
    """Commit without losing a submodule that has no folder."""
    sub = repo.git("ls-files", "--stage", "sub")
    repo.git("add", "--all", ".")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{sub.split()[1]},sub")
    repo.git("commit", "--quiet", "--message", "change")
    return repo.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def by_path(zoo):
    repo, base, head = zoo
    return {f.path: f for f in files(repo.git_bytes(*DIFF, "--no-ext-diff", base, head)) if f.status != "deleted"}


def test_git_apply_reads_the_same_names_and_numbers(zoo):
    repo, base, head = zoo
    for options in ([], ["--unified=0"], ["--binary"], ["-R"], ["--function-context"]):
        diff = repo.git_bytes(*DIFF, *options, base, head)
        assert counted(files(diff)) == numstat(diff)


def test_statuses_are_those_of_name_status(zoo):
    repo, base, head = zoo
    rows = repo.git_bytes(*DIFF, "--name-status", "-z", base, head).split(b"\0")[:-1]
    letters = {"A": "added", "M": "modified", "D": "deleted", "R": "renamed", "C": "copied"}
    expected = []
    while rows:
        letter, paths = rows[0][:1].decode(), rows[1 : 3 if rows[0][:1] in b"RC" else 2]
        rows = rows[1 + len(paths) :]
        paths = [p.decode("utf-8", "surrogateescape") for p in paths]
        kinds = ["deleted", "added"] if letter == "T" else [letters[letter]]
        expected += [(kind, paths[0], paths[-1]) for kind in kinds]
    parsed = files(repo.git_bytes(*DIFF, base, head))
    assert [(f.status.value, f.old_path, f.path) for f in parsed] == expected
    assert {f.status for f in parsed} == set(FileStatus)


def test_a_renamed_file_keeps_its_old_path(by_path):
    file = by_path["renamed to.txt"]
    assert (file.old_path, file.similarity, file.hunks) == ("renamed from b/ there.txt", 100, ())


def test_a_change_of_mode_alone_has_both_modes_and_no_hunk(by_path):
    file = by_path["mode.sh"]
    assert (file.status, file.old_mode, file.new_mode, file.hunks) == (FileStatus.MODIFIED, "100644", "100755", ())


def test_a_submodule_is_told_by_its_mode(by_path):
    file = by_path["sub"]
    assert file.is_submodule
    assert [line.text for line in file.hunks[0].lines()] == [
        "Subproject commit " + "1" * 40,
        "Subproject commit " + "2" * 40,
    ]


def test_a_link_is_told_by_its_mode(by_path):
    assert by_path["link"].is_symlink
    assert by_path["becomes a link"].is_symlink
    assert [line.text for line in by_path["link"].hunks[0].lines()] == ["target", "elsewhere"]


def test_binary_files_are_told(by_path):
    assert by_path["binary"].binary
    assert by_path["binary new"].status is FileStatus.ADDED


def test_bytes_that_are_not_utf8_survive(by_path):
    file = by_path["latin-\udce9.txt"]
    assert [line.text for line in file.hunks[0].lines()] == ["caf\udce9", "caf\udce9\udcff"]


def test_no_newline_at_the_end_is_kept_for_both_sides(by_path):
    assert by_path["no-newline"].hunks[0].body == (
        " a",
        "-b",
        "\\ No newline at end of file",
        "+c",
        "\\ No newline at end of file",
    )


def test_the_whole_zoo_survives_a_round_trip(zoo):
    repo, base, head = zoo
    parsed = files(repo.git_bytes(*DIFF, base, head))
    again = b"".join(render(parsed))
    assert files(again) == parsed
    assert numstat(again) == counted(parsed)


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("diff", "line", "match"),
    [
        (MODIFIED.replace(b" three\n", b""), 8, "middle of a hunk"),
        (MODIFIED.replace(b"+TWO", b"*TWO"), 8, "none of blank"),
        (MODIFIED.replace(b"@@ -1,3 +1,3 @@", b"@@ -1,3 +1,2 @@"), 9, "other lines"),
        (MODIFIED.replace(b"@@ -1,3 +1,3 @@", b"@@ -1,2 +1,2 @@"), 9, "goes on"),
        (MODIFIED.replace(b"@@ -1,3 +1,3 @@", b"@@ -1,x +1,3 @@"), 5, "malformed hunk header"),
        (b"".join(MODIFIED.splitlines(keepends=True)[:4]), 4, "without a hunk"),
        (b"text\n@@ -1 +1 @@\n-a\n+b\n", 2, "without a file header"),
        (MODIFIED.replace(b"100644", b"1006x4"), 2, "malformed"),
        (b'diff --git "a/x b/x\nold mode 100644\nnew mode 100755\n', 3, "malformed"),
        (b"diff --git a/x b/yy\nold mode 100644\nnew mode 100755\n", 3, "told apart"),
        (b"diff --git a/x b/y\nsimilarity index 100%\nrename from x\n", 3, "empty"),
        (b"diff --git a/x b/x\nGIT binary patch\nliteral 3\nKcmZQz\n", 4, "binary patch"),
        (b"--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", 2, "both sides"),
    ],
)
def test_a_broken_diff_is_refused_with_the_line_where_it_breaks(diff, line, match):
    with pytest.raises(DiffError, match=f"line {line}: .*{match}") as caught:
        files(diff)
    assert caught.value.remedy


def test_the_diff_of_a_merge_is_refused_with_a_remedy(tmp_path):
    repo = make_repo(tmp_path)
    repo.write("a", "1\n")
    repo.commit()
    repo.git("checkout", "--quiet", "-b", "side")
    repo.write("a", "2\n")
    repo.commit()
    repo.git("checkout", "--quiet", "main")
    repo.write("a", "3\n")
    repo.commit()
    repo.git("merge", "--quiet", "--no-commit", "-s", "ours", "side")
    repo.write("a", "4\n")
    repo.commit()
    for option in ("--cc", "-c"):
        with pytest.raises(DiffError, match="combined") as caught:
            files(repo.git_bytes("show", option, "HEAD"))
        assert "git diff BASE HEAD" in caught.value.remedy


# ---------------------------------------------------------------------------------------------------- any input

PIECES = st.sampled_from(
    [
        *MODIFIED.splitlines(),
        b"diff --git a/x b/x",
        b'diff --git "a/\\303" "b/\\303"',
        b"diff --git x x",
        b"old mode 100644",
        b"new mode 100755",
        b"new file mode 100644",
        b"deleted file mode 100644",
        b"similarity index 90%",
        b"rename from a",
        b'rename to "b\\n"',
        b"copy from a",
        b"copy to b c",
        b"index 0000000..1234567",
        b"index 0000000..0000000 100644",
        b"--- a/x",
        b"--- /dev/null",
        b"+++ b/x",
        b"+++ /dev/null",
        b"Binary files a/x and b/x differ",
        b"GIT binary patch",
        b"literal 1",
        b"@@ -1 +1 @@",
        b"@@ -0,0 +1 @@ \xff",
        b"@@ -1 +0,0 @@",
        b"@@ -0,0 +0,0 @@x",
        b"@@@ -1 -1 +1 @@@",
        b"-a",
        b"+a",
        b"+\xff\r",
        b"\\ No newline at end of file",
        b"",
        b"-- ",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=25).map(b"\n".join) | st.binary(max_size=200))
def test_any_bytes_give_files_or_a_diff_error_and_files_survive_a_round_trip(data):
    try:
        parsed = tuple(parse(split(data)))
    except DiffError:
        return
    assert tuple(parse(render(parsed))) == parsed


def calls(action) -> int:
    """How many functions are called, in Python and in C: work, without a clock."""
    count = 0

    def note(_frame, event, _arg):
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


def many_hunks(count):
    hunks = b"".join(b"@@ -%d,2 +%d,2 @@\n a\n-b\n+c\n" % (n * 9, n * 9) for n in range(1, count + 1))
    return MODIFIED[: MODIFIED.index(b"@@")] + hunks


@pytest.mark.parametrize(
    "make", [many_hunks, lambda n: MODIFIED * n, lambda n: b"--- a\n" * n, lambda n: b"+++ b\n" * n]
)
def test_twice_the_input_is_twice_the_work(make):
    small, large = (split(make(n)) for n in (500, 1000))
    assert calls(lambda: list(parse(large))) <= 2.05 * calls(lambda: list(parse(small)))


def test_ten_thousand_hunks_are_read():
    diff = many_hunks(10_000)
    file = one(diff)
    assert (len(file.hunks), file.added, file.removed) == (10_000, 10_000, 10_000)
    assert numstat(diff) == [(b"x.py", 10_000, 10_000)]


def test_a_line_of_five_megabytes_is_read():
    long = b"x" * 5_000_000
    file = one(MODIFIED.replace(b"TWO", long))
    assert [len(line.text) for line in file.hunks[0].lines() if line.kind == "+"] == [5_000_000]
    for header in (b"diff --git a/%b b/%b\n", b'diff --git "a/%b" "b/%b"\n'):
        assert one(header % (long, long) + b"old mode 100644\nnew mode 100755\n").path == long.decode()


# ------------------------------------------------------------------------------------------- any two trees of git

NAME = st.lists(
    st.sampled_from([b"a", b"b", b" ", b'"', b"\\", b"\t", b"\n", b"\xe9", "é".encode(), b"-", b"=>", b"x.py"]),
    min_size=1,
    max_size=4,
).map(b"".join)
PATH = st.lists(NAME, min_size=1, max_size=2).map(b"/".join)
LINE = st.sampled_from(
    [b"a", b"b", b"", b"-- ", b"--- a/x", b"+++ b/x", b"@@ -1 +1 @@", b"diff --git a/x b/x", b"\\", b"\xff", b"a\r"]
)
TEXT = st.builds(lambda lines, end: b"\n".join(lines) + end, st.lists(LINE, max_size=8), st.sampled_from([b"\n", b""]))
ENTRY = st.tuples(st.sampled_from([b"100644", b"100755"]), TEXT) | st.tuples(
    st.just(b"120000"), st.sampled_from([b"x", b"../y"])
)


def without_clashes(tree):
    """A name cannot be a file and a folder."""
    folders = {path.split(b"/")[0] for path in tree if b"/" in path}
    return {path: entry for path, entry in tree.items() if path not in folders}


@st.composite
def trees(draw):
    base = draw(st.dictionaries(PATH, ENTRY, max_size=5))
    head = {path: entry for path, entry in base.items() if draw(st.booleans())}
    head.update(draw(st.dictionaries(PATH, ENTRY, max_size=3)))
    for entry in draw(st.lists(st.sampled_from(sorted(base.values())), max_size=2)) if base else []:
        head[draw(PATH)] = entry
    base, head = without_clashes(base), without_clashes(head)
    links = {path for path, (mode, _) in base.items() if mode == b"120000"}
    # `git apply` itself refuses a file below what was a link ("beyond a symbolic link"), whatever the diff says
    return base, {path: entry for path, entry in head.items() if path.split(b"/")[0] not in links - {path}}


def write_tree(repo, tree):
    repo.git("read-tree", "--empty")
    rows = []
    for path, (mode, content) in tree.items():
        blob = repo.git("hash-object", "-w", "--stdin", stdin=content)
        rows.append(mode + b" " + blob.encode() + b"\t" + path + b"\0")
    repo.git("update-index", "-z", "--index-info", stdin=b"".join(rows))
    return repo.git("write-tree")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees(), st.sampled_from([0, 3]))
@example(({b"a b/a b": (b"100644", b"1\n")}, {b"a b/a b": (b"100755", b"2")}), 3)
def test_a_rendered_diff_applied_to_the_base_tree_gives_the_head_tree(pair, context):
    with tempfile.TemporaryDirectory() as folder:
        repo = make_repo(Path(folder))
        base, head = (write_tree(repo, tree) for tree in pair)
        diff = repo.git_bytes(*DIFF, "--text", f"--unified={context}", base, head)
        parsed = tuple(parse(split(diff)))
        assert counted(parsed) == numstat(diff)
        rendered = b"".join(render(parsed))
        assert tuple(parse(split(rendered))) == parsed
        repo.git("read-tree", base)
        if rendered:
            repo.git("apply", "--cached", "--whitespace=nowarn", "--unidiff-zero", stdin=rendered)
        assert repo.git("write-tree") == head
