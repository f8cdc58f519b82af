"""``--check`` names exactly the blocks that do not fit the code any more."""

import random

import pytest

from docgen_fakes import project
from tta_orchestrate.domain.outcome import Outcome
from tta_orchestrate.modes.docgen.check import check


def module(values):
    parts = ['"""M."""', "import os", "", "", "class Box:", '    """A box."""', ""]
    for name, value in values.items():
        if name.startswith("m"):
            parts += [f"    def {name}(self, x: int = {value}) -> int:", f"        return x + {value}", ""]
    for name, value in values.items():
        if name.startswith("f"):
            parts += ["", f"def {name}(y: str = 'v{value}') -> str:", f"    return y * {value}", ""]
    return "\n".join(parts) + "\n"


def found(demo):
    report = check(demo.base, demo.docs, demo.settings)
    return {(f.rule.removeprefix("docgen/"), f.path, f.symbol) for f in report.findings}, report


def test_fresh_docs_have_no_findings():
    demo = project({"a.py": module({"f1": 1, "m1": 1})})
    demo.refresh()
    drift, report = found(demo)
    assert drift == set()
    assert report.verdict.outcome is Outcome.CLEAN


@pytest.mark.parametrize("seed", range(8))
def test_mutations_are_named_exactly(seed):
    chance = random.Random(seed)
    names = [f"{kind}{n}" for kind in "fm" for n in range(6)]
    values = {path: dict.fromkeys(names, 1) for path in ("a.py", "b.py", "c.py")}
    demo = project({path: module(v) for path, v in values.items()})
    demo.refresh()
    expected = set()
    for path, symbols in values.items():
        for name in chance.sample(names, 3):
            path_of = f"Box.{name}" if name.startswith("m") else name
            match chance.choice(["change", "remove"]):
                case "change":
                    symbols[name] = 2
                    expected.add(("stale", path, path_of))
                case "remove":
                    del symbols[name]
                    expected.add(("removed", path, path_of))
        if chance.random() < 0.5:
            symbols["f9"] = 1
            expected.add(("missing", path, "f9"))
    demo.tree.sources = {path: module(v) for path, v in values.items()}
    drift, report = found(demo)
    assert drift == expected
    lines = {path: text.split("\n") for path, text in demo.tree.sources.items()}
    assert all(f.quote == lines[f.path][f.start_line - 1] for f in report.findings)


def test_blank_lines_and_comments_elsewhere_make_nothing_stale():
    demo = project({"a.py": module({"f1": 1, "m1": 1})})
    demo.refresh()
    demo.tree.sources["a.py"] = demo.tree.sources["a.py"].replace("import os\n", "import os\n\n# a comment\n\n")
    assert found(demo)[0] == set()


def test_a_new_file_and_a_gone_one_are_named():
    demo = project({"a.py": module({"f1": 1}), "b.py": module({"f1": 1})})
    demo.refresh()
    del demo.tree.sources["b.py"]
    demo.tree.sources["c.py"] = module({"f1": 1})
    assert found(demo)[0] == {("missing", "c.py", ""), ("removed", "docs/tta/pages/b.md", "")}


def test_check_writes_nothing():
    demo = project({"a.py": module({"f1": 1})})
    check(demo.base, demo.docs, demo.settings)
    assert demo.docs.texts == {}
