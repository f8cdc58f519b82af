"""Review and sticky comment: only where GitHub takes them, and never twice."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_server import Fault, GitHubServer
from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.finding import Category, Finding, Severity, Suggestion
from tta_orchestrate.github.publish.comment import publish_comment
from tta_orchestrate.github.publish.review import Commentable, publish_review
from tta_orchestrate.github.records import PullFile

HEAD = "b" * 40
PATCH = "@@ -1,3 +1,4 @@\n a\n-b\n+c\n+d\n e\n@@ -20 +21,2 @@ def f():\n-x\n+y\n+z"


def finding(line, end=None, **changes):
    base = {
        "path": "a.py", "start_line": line, "end_line": end or line, "quote": "q", "rule": "r/1", "category": Category.BUG,
        "severity": Severity.MEDIUM, "source": "ruff", "title": f"t{line}", "message": "words", "fingerprint": f"{line:032x}",
    }  # fmt: skip
    return Finding(**base | changes)


@pytest.fixture
def pull(server):
    server.files[7] = [{"filename": "a.py", "status": "modified", "patch": PATCH, "sha": "1" * 40}]
    return server


def posts(method, path):
    return method == "POST" and path.endswith("/reviews")


def test_findings_inside_the_hunks_become_remarks_and_the_rest_is_listed(pull, api):
    posted = publish_review(api, 7, HEAD, [finding(2), finding(10), finding(21, 22), finding(20, side=Side.LEFT)])
    assert (posted.remarks, posted.listed) == (3, 1)
    assert [(one["line"], one["side"], one.get("start_line")) for one in pull.review_comments] == [
        (2, "RIGHT", None), (22, "RIGHT", 21), (20, "LEFT", None),
    ]  # fmt: skip
    assert "t10" in pull.reviews[0]["body"]


def test_a_second_push_repeats_no_remark(pull, api):
    publish_review(api, 7, HEAD, [finding(2), finding(10)])
    posted = publish_review(api, 7, "c" * 40, [finding(2), finding(3), finding(10)])
    assert (posted.remarks, posted.listed, posted.repeated) == (1, 0, 2)
    assert [one["line"] for one in pull.review_comments] == [2, 3]


def test_with_nothing_new_nothing_is_posted(pull, api):
    publish_review(api, 7, HEAD, [finding(2)])
    publish_review(api, 7, HEAD, [finding(2)])
    assert len(pull.reviews) == 1


def test_when_github_refuses_a_remark_all_findings_stand_in_the_text(pull, api):
    pull.faults = [Fault(posts, (422, {}, {"message": "line must be part of the diff"}))]
    posted = publish_review(api, 7, HEAD, [finding(2), finding(3)])
    assert (posted.remarks, posted.listed) == (0, 2)
    assert "t2" in pull.reviews[0]["body"]
    assert pull.review_comments == []


@pytest.mark.parametrize("done", [False, True])
def test_a_lost_answer_makes_no_second_review(pull, api, done):
    pull.faults = [Fault(posts, None, done=done)]
    publish_review(api, 7, HEAD, [finding(2)])
    assert len(pull.reviews) == len(pull.review_comments) == 1


def test_a_marker_that_a_person_typed_hides_nothing(pull, api):
    pull.review_comments.append({"id": 1, "body": f"<!-- tta:{2:032x} -->", "user": {"login": "eve", "type": "User"}})
    assert publish_review(api, 7, HEAD, [finding(2)]).remarks == 1


def test_of_very_many_the_worst_get_remarks(pull, api):
    pull.files[7][0]["patch"] = "@@ -0,0 +1,80 @@\n" + "+x\n" * 80
    found = [finding(n, severity=Severity.LOW) for n in range(1, 71)] + [finding(80, severity=Severity.HIGH)]
    posted = publish_review(api, 7, HEAD, found)
    assert (posted.remarks, posted.listed) == (50, 21)
    assert pull.review_comments[0]["line"] == 80


def test_a_suggestion_can_be_committed_as_it_stands(pull, api):
    publish_review(api, 7, HEAD, [finding(2, suggestion=Suggestion(start_line=2, end_line=2, text="x = '```'"))])
    body = pull.review_comments[0]["body"]
    assert "````suggestion\nx = '```'\n````" in body


@pytest.mark.parametrize(
    "changes",
    [
        {"suggestion": Suggestion(start_line=1, end_line=2, text="x")},
        {"suggestion": Suggestion(start_line=2, end_line=2, text="x\u202e")},
        {"suggestion": Suggestion(start_line=2, end_line=2, text="x" * 9000)},
        {"suggestion": Suggestion(start_line=2, end_line=2, text="x"), "side": Side.LEFT},
    ],
)
def test_a_suggestion_that_could_not_is_left_out(pull, api, changes):
    publish_review(api, 7, HEAD, [finding(2, **changes)])
    assert "suggestion" not in pull.review_comments[0]["body"]


def test_hostile_words_stay_words(pull, api):
    words = "@all <img src=x> [a](https://evil) Fixes #1 <!-- tta:" + "f" * 32 + " -->"
    publish_review(api, 7, HEAD, [finding(2, title=words, message=words), finding(10, title=words)])
    for text in (pull.review_comments[0]["body"], pull.reviews[0]["body"]):
        plain = re.sub(r"<!-- tta:[0-9a-f]{32} -->\Z", "", text.strip())
        assert "<img" not in plain
        assert "@all" not in plain
        assert "f" * 32 + " -->" not in plain


hunks = st.lists(
    st.tuples(st.integers(1, 500), st.integers(0, 9), st.integers(1, 500), st.integers(0, 9)), max_size=4
).map(lambda rows: "\n".join(f"@@ -{a},{b} +{c},{d} @@ x" for a, b, c, d in rows))  # fmt: skip


@given(hunks, st.sampled_from(Side), st.integers(1, 520), st.integers(0, 5))
def test_a_remark_is_placed_only_where_github_takes_it(patch, side, start, length):
    server = GitHubServer()
    server.files[7] = [{"filename": "a.py", "patch": patch}]
    file = PullFile(filename="a.py", status="modified", patch=patch)
    if Commentable([file]).takes("a.py", side, start, start + length):
        comment = {"path": "a.py", "side": side.value, "line": start + length, "start_line": start}
        assert server._in_diff(7, comment)


def test_the_sticky_comment_is_one_and_changes(server, api):
    publish_comment(api, 7, "one")
    publish_comment(api, 7, "two")
    publish_comment(api, 7, "two")
    assert [one["body"] for one in server.comments.values()] == ["<!-- tta -->\ntwo"]
    assert [method for method, _ in server.log if method != "GET"] == ["POST", "PATCH"]


def test_a_comment_of_a_person_is_never_taken_for_ours(server, api):
    server.comments[1] = {"id": 1, "body": "<!-- tta -->\nmine", "user": {"login": "eve", "type": "User"}}
    publish_comment(api, 7, "ours")
    assert server.comments[1]["body"] == "<!-- tta -->\nmine"
    assert len(server.comments) == 2


@pytest.mark.parametrize("done", [False, True])
def test_a_lost_answer_makes_no_second_comment(server, api, done):
    server.faults = [Fault(lambda method, path: method == "POST", None, done=done)]
    publish_comment(api, 7, "one")
    assert len(server.comments) == 1
