"""Which store, which limits, whose token."""

from pathlib import Path

import pytest

from tta_orchestrate.cli import books
from tta_orchestrate.ledger.artifacts import Artifacts, BranchOrArtifact
from tta_orchestrate.ledger.local_file import LocalFile
from tta_orchestrate.ledger.orphan_branch import OrphanBranch
from tta_orchestrate.settings.model import Settings

ACTIONS = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_SERVER_URL": "https://github.com"}


def settings(**tracking):
    return Settings.model_validate({"cost_tracking": tracking})


@pytest.mark.parametrize(
    ("store", "env", "kind"),
    [
        ("auto", ACTIONS, BranchOrArtifact),
        ("auto", {}, LocalFile),
        ("branch", ACTIONS, OrphanBranch),
        ("artifacts", ACTIONS, Artifacts),
        ("file", ACTIONS, LocalFile),
    ],
)
def test_each_store_can_be_chosen_and_auto_knows_where_it_is(store, env, kind):
    env = {"XDG_STATE_HOME": "/tmp/state", **env}
    assert type(books.store(settings(ledger={"store": store}), env, Path())) is kind


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "INPUT_GITHUB-TOKEN"])
def test_the_token_goes_to_its_own_server_alone(name):
    own = books._branch(settings(), {**ACTIONS, name: "t"})
    foreign = books._branch(settings(ledger={"url": "https://elsewhere.example/x.git"}), {**ACTIONS, name: "t"})
    tricky = books._branch(settings(ledger={"url": "https://github.com.example/x.git"}), {**ACTIONS, name: "t"})
    assert (own.token, foreign.token, tricky.token) == ("t", "", "")
    assert own.url == "https://github.com/acme/shop.git"


def test_the_months_limit_comes_first_and_aliases_become_the_names_that_are_sent():
    found = books.limits(
        settings(budget_limit_usd=7, limits=[{"window": "day", "limit_usd": 1, "model": "claude-haiku-5-5"}])
    )
    assert [one.name for one in found] == ["month", "day of claude-haiku-5-5"]
    assert found[0].amount == 7 * 10**9


def test_a_job_has_one_name_and_a_run_outside_of_actions_its_own():
    who = books.identity("review", {**ACTIONS, "GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_JOB": "ci"})
    assert (who.run_id, who.attempt, who.job, who.repository) == ("7", 2, "ci:review", "acme/shop")
    of_matrix = books.identity("review", {"GITHUB_JOB": "ci", "TTA_RUN_KEY": "tta:7:2:ci:3"})
    assert (of_matrix.job, books.identity("review", {}, part="2").job) == ("ci:review:3", "local:review:2")
    assert books.identity("review", {"GITHUB_JOB": "ci", "TTA_RUN_KEY": "tta:7:2:ci:0"}).job == "ci:review"
    assert books.identity("review", {}).run_id != books.identity("review", {}).run_id
