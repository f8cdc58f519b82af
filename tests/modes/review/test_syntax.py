"""Symbols and imports in six languages, and the context that comes of them."""

import pytest

from reviews import reviewed
from scripted import ScriptedEngine, blocks
from tta_orchestrate.modes.review.reader import Options
from tta_orchestrate.modes.review.syntax import lookup, outline

SAMPLES = {
    "a.py": ("import os\n\n\nclass A:\n    def f(self):\n        return 1\n", 6, "A.f", (1,)),
    "a.ts": ('import {a} from "b"\nexport class A {\n  m(): number {\n    return 1\n  }\n}\n', 4, "A.m", (1,)),
    "a.tsx": ('import a from "b"\nconst View = () => {\n  return <a>1</a>\n}\n', 3, "View", (1,)),
    "a.js": ('import a from "b"\nconst f = function () {\n  return 1\n}\n', 3, "f", (1,)),
    "A.java": ("import a.B;\nclass A {\n  int f(int x) {\n    return x;\n  }\n}\n", 4, "A.f", (1,)),
    "a.kt": ("package x\nimport a.b\nclass A {\n  fun f(x: Int): Int {\n    return x\n  }\n}\n", 5, "A.f", (2,)),
    "a.go": ('package x\n\nimport "os"\n\nfunc (s *Server) Run(x int) int {\n\treturn x\n}\n', 6, "Server.Run", (3,)),
    "a.rs": ("use std::io;\nimpl Foo {\n    fn f(&self) -> i32 {\n        1\n    }\n}\n", 4, "Foo.f", (1,)),
    "a.rb": ("class A\n  def f\n    1\n  end\nend\n", 3, "A.f", ()),
}


@pytest.mark.parametrize("path", SAMPLES)
def test_the_enclosing_symbol_and_the_imports_are_known(path):
    text, line, symbol, imports = SAMPLES[path]
    assert lookup(path, text)(line) == symbol
    assert lookup(path, text)(1) in {"", "A"}
    assert outline(path, text).imports == imports


@pytest.mark.parametrize("path", ["a.ts", "a.go", "a.rs", "A.java", "a.kt"])
def test_broken_and_deep_code_is_no_reason_to_fail(path):
    for text in ("", "\0", "{" * 20_000, "func class fn (((", "class A {\n" * 500):
        lookup(path, text)(1)


def test_the_change_is_shown_with_its_function_imports_and_callers():
    body = "".join(f"    step_{n} = {n}\n" for n in range(30))
    before = f"import os\nimport decimal\n\n\nX = 1\n\n\ndef total(items):\n{body}    return os.sep\n"
    after = before.replace("def total(items):", "def total(items, tax):").replace(
        "return os.sep", "return os.sep + tax"
    )
    engine = ScriptedEngine(reader=lambda task, message: {"findings": []})

    def callers(names):
        assert list(names) == ["total"]
        return {"total": [("app.py", 1, "itself"), ("shop/cart.py", 9, "  x = total(items)  # AKIAQ7WERTYUIOP2345Z")]}

    reviewed({"app.py": before}, {"app.py": after}, engine=engine, options=Options(callers=callers))
    shown = blocks(engine.calls[0][0].prompt)["change"].split("\n")
    assert "R1  import os" in shown
    assert not any("decimal" in line for line in shown)
    assert "R23      step_14 = 14" in shown
    assert "@ total" in shown
    assert any(line.startswith("used in shop/cart.py:9: x = total(items)") for line in shown)
    assert not any("AKIA" in line or "itself" in line for line in shown)
