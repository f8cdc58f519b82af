"""The one issue that is kept up to date."""

from github_server import Fault
from tta_orchestrate.github.publish.comment import TEXT_LIMIT
from tta_orchestrate.github.publish.issue import keep_issue

MARKER = "<!-- report -->"


def test_the_issue_is_made_once_and_then_kept_up_to_date(api, server):
    for text in ("one", "two", "two"):
        keep_issue(api, "Spend", text, MARKER)
    assert [(one["title"], one["body"]) for one in server.issues.values()] == [("Spend", f"{MARKER}\ntwo")]
    assert [method for method, path in server.log if path.endswith("issues/1")] == ["PATCH"]


def test_an_issue_of_a_person_is_left_alone_and_a_closed_one_is_not_opened(api, server):
    server.user = "mallory"
    server.create_issue({"title": "Spend", "body": f"{MARKER}\nmine"}, {})
    server.user = "github-actions[bot]"
    server.create_issue({"title": "Spend", "body": f"{MARKER}\nlast year", "state": "closed"}, {})
    keep_issue(api, "Spend", "ours", MARKER)
    assert [one["body"] for one in server.issues.values()] == [
        f"{MARKER}\n{text}" for text in ("mine", "last year", "ours")
    ]


def test_an_answer_that_got_lost_makes_no_second_issue(api, server):
    server.faults = [Fault(lambda method, path: method == "POST", done=True)]
    keep_issue(api, "Spend", "text", MARKER)
    assert len(server.issues) == 1


def test_a_text_that_does_not_fit_is_cut_at_a_line_and_says_so(api, server):
    keep_issue(api, "Spend", "\n".join(["ä" * 99] * 1000), MARKER)
    body = server.issues[1]["body"]
    assert len(body.encode()) <= TEXT_LIMIT
    assert body.endswith("it is in the report's files.\n")
    assert set(body.split("\n")[1:-4]) == {"ä" * 99}
