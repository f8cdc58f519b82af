"""Models fill gaps only, callees first, under the gate, before the judge."""

import json

from docgen_fakes import ScriptedEngine, project

SOURCE = {
    "lib/low.py": "def base(x: int) -> int:\n    return x\n",
    "lib/high.py": '"""High."""\nfrom lib.low import base\n\n\ndef top(y: int) -> int:\n    return base(y)\n\n\ndef told() -> None:\n    """Told by a human."""\n',
}


def unit_names(engine):
    return [unit.removeprefix("docgen/").partition("@")[0] for unit in engine.executed]


def test_only_missing_blocks_are_written_callees_first_with_their_text_as_context():
    engine = ScriptedEngine(lambda unit: f"Words about {'`base`' if 'base' in unit else 'it'}.")
    demo = project(SOURCE)
    demo.refresh(engine)
    assert unit_names(engine) == ["lib/low#base", "lib/high#top", "lib/low#"]
    prompt = next(data for unit, data in engine.prompts.items() if "#top" in unit)
    assert json.loads(prompt.partition("\n")[2].rpartition("\n")[0])["calls"] == {"lib/low#base": "Words about `base`."}
    page = demo.docs.page("lib___low")
    assert "Words about `base`." in page
    assert "doc-status:: model" in page
    assert "Told by a human." in demo.docs.page("lib___high")


def test_a_lie_is_repaired_once_with_the_gates_message():
    engine = ScriptedEngine(lambda unit: "Uses `ghost_name`.", lambda unit, message: "Says little.")
    demo = project(SOURCE)
    demo.refresh(engine)
    assert "there is no 'ghost_name'" in engine.refusals[0]
    assert "Says little." in demo.docs.page("lib___low")


def test_what_never_passes_leaves_the_derived_text_and_is_said():
    engine = ScriptedEngine(lambda unit: "Raises `ZeroDivisionError`, uses `ghost_name`.")
    demo = project(SOURCE)
    report = demo.refresh(engine).report
    assert "ghost_name" not in "".join(demo.docs.texts.values())
    assert "doc-status:: missing" in demo.docs.page("lib___low")
    assert any("keep their derived text" in notice for notice in report.notices)


def test_what_the_judge_finds_poor_is_not_kept():
    engine = ScriptedEngine(lambda unit: "Fine words.", scores=lambda name: 0.2 if name == "base" else 1.0)
    demo = project(SOURCE)
    demo.refresh(engine)
    assert "Fine words." in demo.docs.page("lib___high")
    assert demo.docs.page("lib___low").count("Fine words.") == 1  # the module's own
    assert "return base(y)" not in "".join(engine.judged)


def test_text_of_models_is_kept_without_a_model_and_stale_text_is_written_anew():
    demo = project(SOURCE)
    demo.refresh(ScriptedEngine(lambda unit: "First words."))
    assert demo.refresh().changes == {}
    demo.tree.sources["lib/low.py"] = "def base(x: int) -> int:\n    return x + 1\n"
    demo.refresh()
    assert "First words." in demo.docs.page("lib___low")
    assert "doc-status:: stale" in demo.docs.page("lib___low")
    engine = ScriptedEngine(lambda unit: "Second words.")
    demo.refresh(engine)
    assert unit_names(engine) == ["lib/low#base"]
    assert "Second words." in demo.docs.page("lib___low")


def test_a_limit_leaves_the_rest_for_the_next_run():
    engine = ScriptedEngine(lambda unit: "Words.")
    demo = project(SOURCE, max_model_blocks=1)
    report = demo.refresh(engine).report
    assert len(engine.executed) == 1
    assert any("wait for the next run" in notice for notice in report.notices)
    demo.refresh(engine)
    assert len(engine.executed) == 2


def test_a_settled_repository_asks_no_model():
    demo = project(SOURCE)
    demo.refresh(ScriptedEngine(lambda unit: "Words."))
    engine = ScriptedEngine(lambda unit: "More words.")
    assert demo.refresh(engine).changes == {}
    assert engine.executed == []


def test_calls_in_a_circle_come_to_an_end():
    circle = {"c.py": '"""C."""\n\n\ndef a():\n    b()\n\n\ndef b():\n    a()\n'}
    engine = ScriptedEngine(lambda unit: "Words.")
    project(circle).refresh(engine)
    assert sorted(unit_names(engine)) == ["c#a", "c#b"]
