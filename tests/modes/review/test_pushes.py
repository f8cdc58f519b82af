"""One change over many pushes: nothing is said twice, nothing is closed that is not fixed, nothing is paid twice."""

import json

import pytest

from reviews import Project, Shelf
from scripted import ScriptedEngine, blocks, claim, keeping_judge
from tta_orchestrate.domain.identity import read_previous
from tta_orchestrate.modes.review.reader import Options
from tta_orchestrate.sinks.findings_json import SINK

BASE = {"app.py": "def first(a):\n    return a\n\n\ndef second(b):\n    return b\n\n\n" + "# rest\n" * 30}
BUGGY = BASE["app.py"].replace("return a\n", "return 1 / a\n").replace("return b\n", "return b[0]\n")
DIVISION, INDEX = ("return 1 / a", "app.py"), ("return b[0]", "app.py")


def rewording_reader(texts):
    """Finds each of *texts* where it stands, in other words, another rule or another severity each time."""
    said = []

    def read(task, _message):
        shown = blocks(task.prompt)["change"]
        path, findings = "", []
        for row in shown.splitlines():
            path = row[4:].rpartition(" (")[0] if row.startswith("### ") else path
            number, _, code = row.partition(" ")
            if code.startswith("+") and any(text in code for text in texts):
                said.append(code)
                rule = ("logic-error", "error-handling", "unsafe-input")[len(said) % 3]
                severity = ("medium", "high", "critical")[len(said) % 3]
                title = f"In words number {len(said)}"
                findings.append(
                    claim(path, int(number[1:]), code[1:], rule=rule, severity=severity, title=title, message=title)
                )
        return {"findings": findings}

    return read


def previous(report):
    return read_previous(SINK.render(report).encode(), "findings.json")


def engine():
    return ScriptedEngine(reader=rewording_reader(["1 / a", "b[0]"]), judge_=keeping_judge)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "repo", BASE, {"app.py": BUGGY})


def test_five_pushes_with_reworded_findings_give_no_duplicate_and_close_nothing_wrongly(project):
    base = project.commits[0]
    pushes = [
        BUGGY,
        BUGGY.replace("# rest\n", "# other\n", 1),
        "# a new first line\n" + BUGGY,
        BUGGY.replace("def first(a):\n", "def first(a):\n    a = int(a)\n"),
        BUGGY.replace("return 1 / a", "return 0"),
    ]
    before, identities = None, []
    for text in pushes:
        head = project.push({"app.py": text})
        report = project.review(base, head, engine=engine(), previous=before)
        before = previous(report)
        identities.append({one.quote.strip(): one.fingerprint for one in report.findings})
        assert len(report.findings) == len(identities[-1]), "a finding stands twice"
        if text is not pushes[-1]:
            assert report.extra["history"]["fixed"] == []
    assert all(one == identities[0] for one in identities[:4])
    assert list(identities[4]) == ["return b[0]"]
    assert [one["path"] for one in report.extra["history"]["fixed"]] == ["app.py"]


def test_an_unchanged_push_costs_no_call_with_a_memory(project):
    shelf, (base, head) = Shelf(), project.commits
    first = project.review(base, head, engine=engine(), options=Options(store=shelf))
    again = engine()
    second = project.review(base, head, engine=again, options=Options(store=shelf))
    assert again.calls == []
    assert second.findings == first.findings
    assert second.verdict == first.verdict


def test_an_unchanged_push_costs_no_call_with_the_previous_report_alone(project):
    base, head = project.commits
    first = project.review(base, head, engine=engine())
    again = engine()
    head = project.push({})
    second = project.review(base, head, engine=again, previous=previous(first))
    assert again.calls == []
    assert [one.fingerprint for one in second.findings] == [one.fingerprint for one in first.findings]
    assert {one.state for one in second.findings} == {"still-there"}
    assert second.extra["history"]["review"] == "incremental"


def test_what_the_judge_refused_is_not_asked_again(project):
    def refusing(task, message):
        answer = keeping_judge(task, message)
        return {"verdicts": [{**one, "verdict": "drop", "reason": "no defect"} for one in answer["verdicts"]]}

    base, head = project.commits
    reader = rewording_reader(["1 / a"])
    first = project.review(base, head, engine=ScriptedEngine(reader=reader, judge_=refusing))
    assert first.findings == ()
    again = ScriptedEngine(reader=reader, judge_=refusing)
    second = project.review(base, head, engine=again, previous=previous(first))
    assert second.findings == ()
    assert again.calls == []


def test_after_a_rebase_unchanged_hunks_come_from_the_memory_and_the_reason_is_named(project):
    shelf, (base, head) = Shelf(), project.commits
    options = Options(store=shelf)
    first = project.review(base, head, engine=engine(), options=options)
    project.repo.git("checkout", "-q", base)
    new_base = project.push({"README.md": "Hello\n", "app.py": "# on top\n" + BASE["app.py"]})
    new_head = project.push({"app.py": "# on top\n" + BUGGY})
    again = engine()
    second = project.review(new_base, new_head, engine=again, options=options, previous=previous(first))
    history = second.extra["history"]
    assert history["review"] == "full"
    assert "rebase" in history["reason"]
    assert {one.fingerprint for one in second.findings} == {one.fingerprint for one in first.findings}
    assert len(again.of("execute")) <= 1
    assert history["fixed"] == []


def test_only_the_changed_part_is_read_again(tmp_path):
    filler = "".join(f"def step_{n}(value):\n    return value + {n}\n\n\n" for n in range(20))
    project = Project(tmp_path / "repo", {"a.py": filler, "b.py": filler})
    base = project.commits[0]
    buggy = filler.replace("value + 3\n", "value - 3\n")
    head = project.push({"a.py": buggy, "b.py": buggy})
    shelf = Shelf()
    project.review(base, head, engine=engine(), options=Options(store=shelf))
    head = project.push({"b.py": buggy.replace("value + 15\n", "value - 15\n")})
    again = engine()
    report = project.review(base, head, engine=again, options=Options(store=shelf))
    (call,) = again.of("execute")
    shown = blocks(call[0].prompt)["change"]
    assert "value - 15" in shown
    assert "value - 3" not in shown
    assert (report.extra["history"]["segments_read"], report.extra["history"]["segments_recalled"]) == (1, 2)


def test_a_severity_does_not_rise_while_the_code_stays(project):
    base, head = project.commits

    def mild(task, message):
        return {"verdicts": [{**one, "severity": "low"} for one in keeping_judge(task, message)["verdicts"]]}

    first = project.review(base, head, engine=ScriptedEngine(reader=rewording_reader(["1 / a"]), judge_=mild))
    grave = ScriptedEngine(reader=rewording_reader(["1 / a"]), judge_=keeping_judge)
    second = project.review(base, head, engine=grave, previous=previous(first), options=Options(models="others"))
    assert len(grave.of("judge")) == 1
    assert [one.severity for one in second.findings] == ["low"]


def test_a_dismissal_is_remembered(project):
    base, head = project.commits
    first = project.review(base, head, engine=engine())
    gone = first.findings[0].fingerprint
    second = project.review(base, head, engine=engine(), previous=previous(first), dismissed=frozenset({gone}))
    third = project.review(base, head, engine=engine(), previous=previous(second))
    for report in (second, third):
        assert gone not in {one.fingerprint for one in report.findings}
        assert [one.reason for one in report.rejected] == ["dismissed"]
        assert report.extra["history"]["fixed"] == []


def test_a_file_that_could_not_be_read_this_time_closes_nothing(project):
    base, head = project.commits
    first = project.review(base, head, engine=engine())
    head = project.push(
        {"app.py": BUGGY.replace("# rest", "# last", 1).replace("def second(b):", "def second(b, c=1):")}
    )
    broken = ScriptedEngine(reader=lambda _task, _message: None, judge_=keeping_judge)
    second = project.review(base, head, engine=broken, previous=previous(first))
    assert second.extra["history"]["fixed"] == []
    assert {one.fingerprint for one in second.findings} == {one.fingerprint for one in first.findings}


def test_a_broken_previous_report_is_no_reason_to_believe_it(project):
    base, head = project.commits
    first = json.loads(SINK.render(project.review(base, head, engine=engine())))
    first["findings"][0]["quote"] = "this stands nowhere"
    first["findings"].append({"fingerprint": 7})
    before = read_previous(json.dumps(first).encode(), "findings.json")
    report = project.review(base, head, engine=engine(), previous=before)
    assert "this stands nowhere" not in SINK.render(report).replace("\\n", "\n").split('"rejected"')[0]
