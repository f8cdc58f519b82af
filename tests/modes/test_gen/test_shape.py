"""Lines and branches, with coverage.py as the oracle."""

import ast
import runpy
import sys
import tempfile
import textwrap
from pathlib import Path

import coverage
import pytest

from tta_orchestrate.modes.test_gen.shape import measure, shape_of
from tta_orchestrate.modes.test_gen.worker.tracer import Tracer

PROGRAMS = {
    "branches": """
        def f(x):
            \"\"\"Text.\"\"\"
            if x > 1:
                y = 1
            elif x:
                y = 2
            else:
                y = 3
            for i in range(x):
                y += i
            while y > 100:
                y -= 1
            return y


        f(0)
        f(5)
        """,
    "exceptions": """
        import os


        def f(x):
            try:
                return 1 / x
            except ZeroDivisionError:
                return None
            finally:
                os.getcwd()


        class C:
            \"\"\"Text.\"\"\"

            x = 1

            @property
            def never(self):
                return self.x


        f(0)
        """,
    "long statements": """
        def f(a, b):
            total = (
                a
                + b
            )
            if (
                total > 1
                and a
            ):
                return dict(
                    a=a,
                    b=b,
                )
            return [
                x
                for x in range(a)
                if x
            ]


        f(1, 2)
        f(0, 0)
        """,
    "match": """
        def f(x):
            match x:
                case 1:
                    return "one"
                case [_, *rest]:
                    return rest
                case _:
                    return None


        f(1)
        f([1, 2])
        """,
    "generator": """
        def g(n):
            for i in range(n):
                if i % 2:
                    yield i
            return


        list(g(5))
        next(g(3))
        """,
}


@pytest.fixture(params=sorted(PROGRAMS))
def program(request, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(PROGRAMS[request.param]).lstrip())
    return path


def by_coverage(path: Path):
    measured = coverage.Coverage(branch=True, data_file=None, include=[str(path)], config_file=False)
    with measured.collect():
        runpy.run_path(str(path))
    _, statements, _, missing, _ = measured.analysis2(str(path))
    return set(statements), set(missing)


def by_us(path: Path):
    before = sys.gettrace()
    tracer = Tracer([str(path)])
    code = compile(path.read_text(), str(path), "exec")
    tracer.start()
    try:
        exec(code, {})
    finally:
        tracer.stop()
        sys.settrace(before)
    return measure(shape_of(path.read_text()), tracer.take()[str(path)])


def test_statements_and_missing_lines_are_those_of_coverage(program):
    statements, missing = by_coverage(program)
    decorators = {d.lineno for n in ast.walk(ast.parse(program.read_text())) for d in getattr(n, "decorator_list", [])}
    ours = by_us(program)
    assert set(ours.all_lines) == statements - decorators
    assert set(ours.missing) == missing - decorators


def test_both_ways_out_of_a_decision_count(tmp_path):
    path = tmp_path / "p.py"
    path.write_text("def f(x):\n    if x:\n        return 1\n    return 2\n\n\nf(1)\n")
    measured = by_us(path)
    assert (measured.branches, measured.all_branches) == ({(2, True)}, {(2, True), (2, False)})
    assert measured.branch_percent == 50.0


def test_a_file_without_branches_is_fully_covered_in_branches():
    assert measure(shape_of("x = 1\n"), []).branch_percent == 100.0


def test_symbols_are_found_by_line_innermost_first():
    shape = shape_of("class C:\n    def m(self):\n        def inner():\n            return 1\n        return inner\n")
    assert shape.symbol_at(4).name == "C.m.inner"
    assert shape.symbol_at(1) is None


def test_a_loop_that_never_ends_by_itself_has_no_second_way():
    assert shape_of("while True:\n    break\n").branches == {}


def test_the_tracer_forgets_what_was_taken():
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        tracer = Tracer([file.name])
        code = compile("x = 1\n", file.name, "exec")
        before = sys.gettrace()
        tracer.start()
        exec(code, {})
        tracer.stop()
        sys.settrace(before)
        assert tracer.take() == {file.name: {(0, 1), (1, 0)}}
        assert tracer.take() == {}
