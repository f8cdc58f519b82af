"""Coverage from V8's counters, checked against what a real node counts."""

import json
import shutil
import subprocess

import pytest

from tta_orchestrate.syntax import v8

TEXT = """// ä 🙂
export function f(a, b) {
  if (a) {
    return 1;
  }
  const c = b ? 2 : 3;
  for (const x of []) {
    f(x);
  }
  switch (c) {
    case 2:
      return a ?? b;
    default:
      return 4;
  }
}
export const g = (x) => x;
"""


def measured(tmp_path, calls):
    shutil.rmtree(tmp_path / "v8", ignore_errors=True)
    source = tmp_path / "f.mjs"
    source.write_text(TEXT)
    (tmp_path / "run.mjs").write_text(f'import {{ f, g }} from "./f.mjs";\n{calls}\n')
    subprocess.run(
        ["node", str(tmp_path / "run.mjs")],
        check=True,
        env={"NODE_V8_COVERAGE": str(tmp_path / "v8"), "PATH": "/usr/bin"},
    )
    dumps = [path.read_text() for path in (tmp_path / "v8").iterdir()]
    return v8.measure(TEXT, v8.ranges(dumps, f"file://{source}"))


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed here")


@needs_node
def test_a_module_that_is_only_loaded_runs_its_top_level_alone(tmp_path):
    found = measured(tmp_path, "")
    assert found.lines == {17}
    assert found.branches == frozenset()
    assert found.all_lines == {3, 4, 6, 7, 8, 10, 12, 14, 17}
    assert found.all_branches == {(3, 0), (3, 1), (6, 0), (6, 1), (7, 0), (11, 0), (12, 0), (12, 1), (13, 0), (17, 0)}


@needs_node
def test_each_way_is_taken_by_the_call_that_takes_it(tmp_path):
    assert measured(tmp_path, "f(1)").branches == {(3, 0)}
    assert measured(tmp_path, "f(0, 1)").branches == {(3, 1), (6, 0), (11, 0), (12, 1)}
    assert measured(tmp_path, "f(undefined, 1); f(0, 0); g(1)").branches == {
        (3, 1), (6, 0), (6, 1), (11, 0), (12, 0), (13, 0), (17, 0),
    }  # fmt: skip


@needs_node
def test_runs_of_several_processes_add_up(tmp_path):
    one, other = measured(tmp_path, "f(1)"), measured(tmp_path, "f(0, 0)")
    assert (one | other).branches == one.branches | other.branches
    assert (one | other).lines > one.lines


@pytest.mark.parametrize(
    "dump", ["", "[]", "{", '{"result": 1}', '{"result": [{"url": "u", "functions": 3}]}', "null",
             json.dumps({"result": [{"url": "u", "functions": [{"ranges": [{"startOffset": "x"}]}]}]})],
)  # fmt: skip
def test_odd_counters_count_nothing(dump):
    assert v8.measure(TEXT, v8.ranges([dump], "u")).lines == frozenset()
