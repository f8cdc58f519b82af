"""From the event to the decision."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.errors import ConfigError
from tta_orchestrate.github.events import PRIVILEGED, SUPPORTED, Policy, decide, why_skip

A, B, ZERO = "a" * 40, "b" * 40, "0" * 40


def pull(**changes):
    base = {"sha": A, "ref": "main", "repo": {"full_name": "o/r"}}
    head = {"sha": B, "ref": "topic", "repo": {"full_name": "o/r"}}
    given = {
        "number": 7,
        "title": "T",
        "draft": False,
        "labels": [],
        "user": {"login": "dev"},
        "base": base,
        "head": head,
    }
    return {"action": "opened", "pull_request": given | changes}


def ask(event, payload=None, **changes):
    return decide(event, payload or {}, **{"mode": "review", "sha": A} | changes)


def test_a_pull_request_is_reviewed_from_base_to_head():
    decision = ask("pull_request", pull(), sha="c" * 40)
    assert (decision.base, decision.head, decision.pull_request) == (A, B, 7)
    assert decision.trusted
    assert decision.fresh


@pytest.mark.parametrize("action", ["reopened", "labeled", "edited", None])
def test_a_commit_may_have_been_looked_at_before(action):
    assert not ask("pull_request", pull() | {"action": action}).fresh


@pytest.mark.parametrize(
    "changes",
    [
        {"head": {"sha": B, "repo": {"full_name": "fork/r"}}},
        {"head": {"sha": B, "repo": None}},
        {"user": {"login": "dependabot[bot]"}},
    ],
)
def test_a_change_from_outside_is_not_trusted(changes):
    assert not ask("pull_request", pull(**changes)).trusted


def test_a_push_is_compared_with_what_was_there_before():
    assert (ask("push", {"before": A, "after": B}).base, ask("push", {"before": A, "after": B}).head) == (A, B)
    assert ask("push", {"before": ZERO, "after": B}).base == ""
    assert why_skip(ask("push", {"before": A, "after": ZERO}), Policy()) == "the branch was deleted"


def test_a_merge_group_has_its_own_ends():
    decision = ask("merge_group", {"merge_group": {"base_sha": A, "head_sha": B}})
    assert (decision.base, decision.head) == (A, B)


@pytest.mark.parametrize("event", ["workflow_dispatch", "schedule"])
def test_events_without_a_change_look_at_the_commit_they_run_on(event):
    assert (ask(event).base, ask(event).head) == ("", A)


def test_the_webhook_door_starts_a_mode():
    wanted = {"mode": "docgen", "base": A, "head": B, "pull_request": 3}
    decision = ask("repository_dispatch", {"client_payload": wanted})
    assert (decision.mode, decision.base, decision.head, decision.pull_request) == ("docgen", A, B, 3)
    assert ask("repository_dispatch", {"client_payload": None}).mode == "review"


@pytest.mark.parametrize("wanted", [{"mode": "shell"}, {"head": "main; rm"}, {"base": "--x"}, {"pull_request": "3"}])
def test_the_webhook_door_takes_nothing_else(wanted):
    with pytest.raises(ConfigError):
        ask("repository_dispatch", {"client_payload": wanted})


@pytest.mark.parametrize("event", sorted(PRIVILEGED))
def test_events_that_serve_strangers_with_secrets_are_refused(event):
    with pytest.raises(ConfigError, match="secrets"):
        ask(event, pull())


def test_when_allowed_they_are_still_not_trusted():
    assert not ask("pull_request_target", pull(), allow_untrusted=True).trusted
    comment = ask("issue_comment", {"issue": {"number": 4, "pull_request": {}}}, allow_untrusted=True)
    assert comment.pull_request is None
    comment = ask("issue_comment", {"issue": {"number": 4, "pull_request": {"url": "x"}}}, allow_untrusted=True)
    assert (comment.pull_request, comment.trusted) == (4, False)
    run = ask("workflow_run", {"workflow_run": {"head_sha": B, "pull_requests": [{"number": 5}]}}, allow_untrusted=True)
    assert (run.pull_request, run.head, run.trusted) == (5, B, False)


def test_a_run_for_a_fork_names_only_the_branch_it_came_from():
    given = {"head_sha": B, "pull_requests": [], "head_branch": "topic", "head_repository": {"owner": {"login": "eve"}}}
    run = ask("workflow_run", {"workflow_run": given}, allow_untrusted=True)
    assert (run.pull_request, run.branch, run.trusted) == (None, "eve:topic", False)


def test_an_unknown_event_names_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        ask("gollum")
    assert all(event in caught.value.remedy for event in SUPPORTED)


@pytest.mark.parametrize(
    ("changes", "policy", "word"),
    [
        ({"draft": True}, Policy(), "draft"),
        ({"user": {"login": "renovate[bot]"}}, Policy(skip_authors=["renovate[bot]"]), "author"),
        ({"labels": [{"name": "tta: skip"}]}, Policy(skip_labels=["tta: skip"]), "label"),
        ({"title": "WIP: more"}, Policy(skip_titles=["wip*"]), "title"),
    ],
)
def test_what_the_configuration_leaves_alone_is_left_alone(changes, policy, word):
    assert word in why_skip(ask("pull_request", pull(**changes)), policy)
    assert why_skip(ask("pull_request", pull()), policy) == ""


def test_a_draft_is_reviewed_when_asked_for():
    assert why_skip(ask("pull_request", pull(draft=True)), Policy(skip_drafts=False)) == ""


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(A),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["pull_request", "base", "head", "sha", "repo", "number", "labels", "user", "merge_group", "before",
                         "after", "client_payload", "mode", "issue", "workflow_run", "pull_requests", "full_name", "head_repository", "head_branch", "head_sha", "owner", "login"]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from([*SUPPORTED, *PRIVILEGED]), st.dictionaries(st.text(max_size=3) | st.just("pull_request"), json))
def test_whatever_a_payload_holds_there_is_a_decision_or_a_clear_error(event, payload):
    try:
        decision = ask(event, payload, allow_untrusted=True)
    except ConfigError:
        return
    assert decision.head == "" or len(decision.head) in {40, 64}
