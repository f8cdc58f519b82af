"""The judge, merging, suggestions, describing: what happens to claims after the evidence gate."""

import json

from reviews import Project, Shelf, reviewed
from scripted import ScriptedEngine, blocks, claim, finding_reader, keeping_judge, verdict
from tta_orchestrate.checks.syntax import CHECK as SYNTAX
from tta_orchestrate.domain.evidence import Scope
from tta_orchestrate.domain.finding import Candidate, Category, Severity
from tta_orchestrate.domain.outcome import Conclusion, Outcome
from tta_orchestrate.domain.policy import FailOn, Policy
from tta_orchestrate.modes.review.merge import Said
from tta_orchestrate.modes.review.reader import Options

BEFORE = {"app.py": "def half(a, b):\n    x = a\n    return x\n"}
AFTER = {"app.py": "def half(a, b):\n    x = a / b\n    return x[0]\n"}
DIVISION = claim("app.py", 2, "    x = a / b", title="Divides by zero")
INDEX = claim("app.py", 3, "    return x[0]", rule="wrong-type", title="A number has no items")


def judged_by(*changes):
    """A judge whose first verdict has the first *changes*, and so on."""

    def judge(task, message):
        answer = keeping_judge(task, message)
        for one, change in zip(answer.get("verdicts", ()), changes, strict=False):
            one.update(change)
        return answer

    return judge


def review(*claims, judge=keeping_judge, **fields):
    engine = ScriptedEngine(reader=finding_reader(*claims), judge_=judge)
    return reviewed(BEFORE, AFTER, engine=engine, **fields), engine


def test_what_the_judge_keeps_has_its_severity_and_its_score():
    report, _engine = review(DIVISION, judge=judged_by({"severity": "low", "score": 0.9}))
    assert [(one.severity, one.confidence, one.folded) for one in report.findings] == [("low", 0.9, False)]


def test_what_the_judge_drops_is_listed_with_its_reason():
    report, _engine = review(DIVISION, judge=judged_by({"verdict": "drop", "reason": "b is never 0"}))
    assert report.findings == ()
    assert [(one.reason, one.detail) for one in report.rejected] == [("judge", "b is never 0")]
    assert report.verdict.outcome is Outcome.CLEAN


def test_a_doubtful_finding_is_folded_and_never_fails_the_check():
    policy = Policy(fail_on=FailOn(severity=Severity.LOW))
    report, _engine = review(DIVISION, judge=judged_by({"score": 0.6}), policy=policy)
    assert [one.folded for one in report.findings] == [True]
    assert report.verdict.conclusion is Conclusion.NEUTRAL
    report, _engine = review(DIVISION, policy=policy)
    assert report.verdict.conclusion is Conclusion.FAILURE


def test_a_hopeless_score_is_a_refusal():
    report, _engine = review(DIVISION, judge=judged_by({"score": 0.2}))
    assert [one.reason for one in report.rejected] == ["judge"]


def test_the_judge_may_merge_two_claims_into_one():
    report, _engine = review(DIVISION, INDEX, judge=judged_by({}, {"verdict": "merge", "into": 1}))
    assert [one.title for one in report.findings] == ["Divides by zero"]
    assert [(one.reason, one.candidate.title) for one in report.rejected] == [("duplicate", "A number has no items")]


def test_merging_in_a_circle_loses_nothing():
    circle = judged_by({"verdict": "merge", "into": 2}, {"verdict": "merge", "into": 1})
    report, _engine = review(DIVISION, INDEX, judge=circle)
    assert len(report.findings) == 2


def test_the_judge_sees_quotes_and_rules_and_never_the_change():
    after = {"app.py": AFTER["app.py"] + "\n".join(f"line_{n} = {n}" for n in range(60)) + "\n"}
    engine = ScriptedEngine(reader=finding_reader(DIVISION), judge_=keeping_judge)
    reviewed(BEFORE, after, engine=engine)
    shown = blocks(engine.of("judge")[0][0].prompt)["claims"]
    assert ">     x = a / b" in shown
    assert "model/logic-error: the code does not do" in shown
    assert "line_9" not in shown


def test_a_verdict_that_leaves_claims_out_is_asked_for_again_and_then_the_review_is_partial():
    report, engine = review(DIVISION, INDEX, judge=lambda task, message: {"verdicts": [verdict(1)]})
    assert len(engine.of("judge")) == 2
    assert report.verdict.outcome is not Outcome.CLEAN
    assert [one.unit for one in report.failures] == ["judge"]
    assert len(report.findings) == 2


def test_a_syntax_error_is_not_put_to_a_vote():
    drop = judged_by({"verdict": "drop"}, {"verdict": "drop"})
    engine = ScriptedEngine(reader=finding_reader(), judge_=drop)
    report = reviewed(BEFORE, {"app.py": "def half(:\n"}, engine=engine, checks=(SYNTAX,))
    assert [one.rule for one in report.findings] == ["syntax/python"]
    assert engine.of("judge") == []


def test_findings_of_other_tools_pass_the_same_judge():
    noise = Candidate(
        path="app.py", start_line=2, end_line=2, quote="", rule="style/x", category=Category.MAINTAINABILITY,
        severity=Severity.LOW, source="sarif:other", title="Name too short", message="x",
    )  # fmt: skip
    report, _engine = review(judge=judged_by({"verdict": "drop", "reason": "taste"}), imported=(noise,))
    assert report.findings == ()
    assert [one.reason for one in report.rejected] == ["judge"]


def test_without_a_judge_the_readers_own_confidence_only_folds():
    engine = ScriptedEngine(reader=finding_reader(DIVISION, {**INDEX, "confidence": 0.4}))
    report = reviewed(BEFORE, AFTER, engine=engine)
    assert [one.folded for one in report.findings] == [False, True]
    assert any("not judged" in notice for notice in report.notices)


def test_what_another_reviewer_said_at_the_place_is_not_said_again():
    said = (Said(path="app.py", start_line=1, end_line=2, by="copilot"),)
    report, _engine = review(DIVISION, INDEX, said=said)
    assert [one.title for one in report.findings] == ["A number has no items"]
    assert [one.detail for one in report.rejected] == ["copilot has said it already"]


def test_a_suggestion_is_shown_only_when_it_fits_parses_and_adds_no_error():
    good = {**DIVISION, "suggestion": "    x = a / b if b else 0"}
    for suggestion in ("    x = a / b", "    x = (a /", "    x = a / c"):
        report, _engine = review({**DIVISION, "suggestion": suggestion})
        assert [one.suggestion for one in report.findings] == [None], suggestion
    report, _engine = review(good)
    assert report.findings[0].suggestion.text == "    x = a / b if b else 0"


def test_claims_about_unchanged_lines_need_the_scope_of_whole_files():
    unchanged = claim("app.py", 1, "def half(a, b):", rule="wrong-documentation")
    report, _engine = review(unchanged)
    assert [one.reason for one in report.rejected] == ["unchanged-lines"]
    report, _engine = review(unchanged, scope=Scope.FILE)
    assert len(report.findings) == 1


def test_a_large_change_is_planned_from_its_map_and_the_plan_only_sets_the_order(tmp_path):
    files = {f"pkg/part_{n}.py": f"value = {n}\n" for n in range(9)} | {"auth/login.py": "token = None\n"}

    def judge(task, message):
        if task.stage == "scope":
            assert "value = 3" not in task.prompt.data
            return {
                "focus": ["login"],
                "files": [{"path": "pkg/part_3.py", "risk": "high"}, {"path": "x", "risk": "low"}],
            }
        return keeping_judge(task, message)

    engine = ScriptedEngine(reader=finding_reader(), judge_=judge)
    report = reviewed({"README.md": "x\n"}, files, engine=engine)
    risks = {one["path"]: one["risk"] for one in report.extra["walkthrough"]}
    assert (risks["pkg/part_3.py"], risks["auth/login.py"], risks["pkg/part_1.py"]) == ("high", "high", "normal")
    assert blocks(engine.of("execute")[0][0].prompt)["focus"] == "login"
    failing = ScriptedEngine(reader=finding_reader(), judge_=lambda task, message: None)
    report = reviewed({"README.md": "x\n"}, files, engine=failing)
    assert report.verdict.outcome is Outcome.CLEAN
    assert any("scope analysis failed" in notice for notice in report.notices)


def test_a_change_larger_than_a_shard_is_read_whole_in_several():
    files = {f"part_{n}.py": "".join(f"value_{n}_{m} = {m}\n" for m in range(150)) for n in range(8)}
    engine = ScriptedEngine(reader=finding_reader(), judge_=keeping_judge)
    report = reviewed({"README.md": "x\n"}, files, engine=engine, options=Options(shard_tokens=4_000))
    shown = "\n".join(blocks(task.prompt)["change"] for task, _model, _step in engine.of("execute"))
    assert len(engine.of("execute")) > 2
    assert all(shown.count(f"+value_{n}_{m} = {m}\n") == 1 for n in range(8) for m in range(149))
    assert report.coverage.files_reviewed == 8


def test_a_shard_that_was_too_long_is_halved():
    from dataclasses import replace

    class Small(ScriptedEngine):
        def execute(self, tasks, gate):
            results = super().execute(tasks, gate)
            large = [one.task.prompt.data.count("###") > 2 for one in results]
            return [
                replace(r, answer=None, failure="too_large") if big else r
                for r, big in zip(results, large, strict=True)
            ]

    files = {f"part_{n}.py": f"value = {n}\n" for n in range(5)}
    engine = Small(reader=finding_reader(claim("part_4.py", 1, "value = 4")), judge_=keeping_judge)
    report = reviewed({"README.md": "x\n"}, files, engine=engine)
    assert report.coverage.files_reviewed == 5
    assert [one.path for one in report.findings] == ["part_4.py"]


def test_a_description_is_proposed_from_the_map_and_remembered(tmp_path):
    def reader(task, message):
        if task.stage == "describe":
            files = [{"path": "app.py", "what": "divides"}, {"path": "nowhere.py", "what": "x"}]
            return {"title": "Divide", "summary": "It divides now.", "labels": ["bug", "bug"], "files": files}
        return finding_reader()(task, message)

    project, shelf = Project(tmp_path / "repo", BEFORE, AFTER), Shelf()
    options = Options(describe=True, store=shelf)
    for calls in (1, 0):
        engine = ScriptedEngine(reader=reader, judge_=keeping_judge)
        report = project.review(*project.commits, engine=engine, options=options)
        proposal = report.extra["description"]
        assert proposal["labels"] == ["bug"]
        assert [one["path"] for one in proposal["files"]] == ["app.py"]
        assert len(engine.of("describe")) == calls
        json.dumps(report.extra)


def test_where_no_check_and_no_model_looked_nothing_is_green():
    report = reviewed(BEFORE, AFTER, engine=None, checks=())
    assert report.verdict.outcome is Outcome.UNAVAILABLE
    assert (report.coverage.units_planned, report.coverage.units_done) == (1, 0)
    assert "Nobody looked" in report.notices[0]
