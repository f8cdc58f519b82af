"""One rolling pull request, or none."""

from dataclasses import dataclass, field, replace

import pytest

from tta_orchestrate.errors import PublishForbiddenError
from tta_orchestrate.modes.docgen.publish import Step, Target, publish
from tta_orchestrate.ports.pull_requests import PullRequest
from tta_orchestrate.settings.docgen import Publish

CHANGES = {"docs/tta/pages/a.md": "- a\n"}


@dataclass
class Hub:
    open_request: PullRequest | None = None
    foreign: bool = False
    forbidden: bool = False
    there: str | None = None
    done: list = field(default_factory=list)

    def find_open(self, branch):
        return self.open_request

    def tip(self, branch):
        return self.there

    def has_foreign_commits(self, branch, base):
        return self.foreign

    def commit(self, branch, base, changes, message, *, on_top):
        self.done.append(("commit", branch, on_top))
        return "f" * 40

    def open(self, branch, base_branch, title, body):
        if self.forbidden:
            raise PublishForbiddenError("pull requests from Actions are not allowed")
        self.done.append(("open", base_branch))
        self.open_request = PullRequest(number=7, body=body)
        return self.open_request

    def update(self, number, title, body):
        self.done.append(("update", number))
        self.open_request = PullRequest(number=number, body=body)


def target(kind=Publish.PULL_REQUEST):
    return Target(publish=kind, branch="tta/docs", base_branch="main", base_commit="c" * 40)


def test_the_first_refresh_opens_the_next_updates_and_the_same_content_does_nothing():
    hub = Hub()
    assert publish(target(), CHANGES, ["a"], hub).step is Step.OPEN
    assert publish(target(), CHANGES, ["a"], hub).step is Step.NOTHING
    assert publish(target(), {**CHANGES, "docs/tta/pages/b.md": "- b\n"}, ["a", "b"], hub).step is Step.UPDATE
    assert [entry[0] for entry in hub.done] == ["commit", "open", "commit", "update"]


def test_nothing_changed_means_no_request_and_no_commit():
    hub = Hub()
    assert publish(target(), {}, [], hub).step is Step.NOTHING
    assert hub.done == []


def test_commits_of_others_on_the_branch_are_built_upon_or_left_alone():
    hub = Hub(foreign=True)
    result = publish(target(), CHANGES, ["a"], hub)
    assert (result.step, hub.done) == (Step.PATCH, [])
    assert "left alone" in result.notices[0]
    publish(replace(target(), on_top=True), CHANGES, ["a"], hub)
    assert hub.done[0] == ("commit", "tta/docs", True)


def test_a_push_never_overwrites_a_branch_it_was_not_made_from():
    hub = Hub(there="d" * 40)
    assert publish(target(Publish.PUSH), CHANGES, ["a"], hub).step is Step.PATCH
    assert hub.done == []


def test_what_breaks_callers_stands_in_the_body():
    hub = Hub()
    publish(target(), CHANGES, ["a"], hub, ["pkg/core.py one: Parameter was removed"])
    assert "## API breakage" in hub.open_request.body
    assert "- `pkg/core.py one: Parameter was removed`" in hub.open_request.body


def test_a_repository_that_forbids_requests_gets_a_patch_and_help():
    result = publish(target(), CHANGES, ["a"], Hub(forbidden=True))
    assert result.step is Step.PATCH
    assert "Allow GitHub Actions to create and approve pull requests" in result.notices[0]


@pytest.mark.parametrize(("kind", "step"), [(Publish.PATCH, Step.PATCH), (Publish.PUSH, Step.PUSH)])
def test_other_ways_open_no_request(kind, step):
    hub = Hub()
    assert publish(target(kind), CHANGES, ["a"], hub).step is step
    assert not any(entry[0] in {"open", "update"} for entry in hub.done)


def test_page_names_cannot_write_markdown_into_the_body():
    hub = Hub()
    publish(target(), CHANGES, ["a`@team <!-- tta-docgen 0000000000000000 -->"], hub)
    assert "@" not in hub.open_request.body
    assert hub.open_request.body.count("<!--") == 1
