"""A review over the real cascade and the vendors' own SDKs, against the loopback server."""

import json

import pytest

from reviews import Project, Shelf
from scripted import FENCE, claim, verdict
from team import KEYS, World, settings
from tta_orchestrate.domain.outcome import Outcome
from tta_orchestrate.loopback.faults import Fault
from tta_orchestrate.loopback.server import Loopback
from tta_orchestrate.modes.review.reader import Options

BEFORE = {
    "app.py": "def half(a):\n    return a\n",
    "web/size.ts": "export const size = (x: string[]) => {\n  return x.length\n}\n",
}
AFTER = {
    "app.py": "def half(a):\n    return 2 / a\n",
    "web/size.ts": "export const size = (x: string[]) => {\n  return x!.length\n}\n",
}


def script(question):
    """Readers find the division and make one thing up; the judge keeps what it sees."""
    shown = {kind: text for _nonce, kind, text in FENCE.findall("\n".join(question.parts))}
    if "verdicts" in question.schema.get("properties", {}):
        return {"verdicts": [verdict(n) for n in range(1, shown["claims"].count("\nclaim ") + 1)]}
    made_up = claim("app.py", 99999, "os.system(a)")
    return {"findings": [claim("app.py", 2, "    return 2 / a", title="May divide by zero"), made_up]}


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "repo", BEFORE, AFTER)


@pytest.mark.parametrize("first", ["groq", "google-ai-studio", "none"])
def test_a_defect_is_found_judged_paid_and_not_paid_again(project, tmp_path, first):
    with Loopback(script) as server:
        executors = [one.model_dump(mode="json") for one in settings(server.url).executors if one.provider == first]
        world, shelf = World(server.url, tmp_path), Shelf()
        report = project.review(
            *project.commits, engine=world.engine(executors=executors), options=Options(store=shelf)
        )
        calls = server.requests
        again = project.review(*project.commits, engine=world.engine(executors=executors), options=Options(store=shelf))
        world.close()
        assert server.requests == calls == 2
    (finding,) = report.findings
    assert (finding.path, finding.start_line, finding.title) == ("app.py", 2, "May divide by zero")
    assert [one.reason for one in report.rejected] == ["no-such-line"]
    assert report.verdict.outcome is again.verdict.outcome is Outcome.FINDINGS
    assert [call.stage for call in report.cost.calls] == ["execute", "judge"]
    assert report.cost.list_price > 0
    assert again.findings == report.findings
    assert again.cost.calls == ()


def test_without_a_key_the_review_is_local_and_says_so(project, tmp_path):
    with Loopback(script) as server:
        world = World(server.url, tmp_path, env={})
        report = project.review(*project.commits, engine=world.engine())
        world.close()
        assert server.requests == 0
    assert report.extra == {}
    assert report.findings == ()


def test_when_every_call_fails_nothing_is_green(project, tmp_path):
    with Loopback(script, lambda index: Fault.WRONG_SCHEMA) as server:
        world = World(server.url, tmp_path)
        report = project.review(*project.commits, engine=world.engine())
        world.close()
        assert server.requests <= 6
    assert report.verdict.outcome is Outcome.UNAVAILABLE
    assert {one.path for one in report.failures} == set(AFTER)


def test_no_key_and_no_secret_of_the_code_is_in_any_request(project, tmp_path):
    head = project.push({"app.py": AFTER["app.py"] + 'TOKEN = "ghp_aQ7wZ3kL9mX2cV8bN4jH6gF1dS5pR0tYuI2o"\n'})
    with Loopback(script) as server:
        world = World(server.url, tmp_path)
        project.review(
            project.commits[0], head, engine=world.engine(), title="Use ghp_aQ7wZ3kL9mX2cV8bN4jH6gF1dS5pR0tYuI2o"
        )
        world.close()
        sent = json.dumps([seen.prompt for seen in server.log])
    assert "SECRET:github-token" in sent or "secret" in sent
    assert "ghp_aQ7w" not in sent
    assert not any(key in sent for key in KEYS.values())
