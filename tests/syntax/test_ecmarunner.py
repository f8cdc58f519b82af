"""Which runner a JavaScript source belongs to, what it needs, and what its reports say."""

import json

import pytest

from tta_orchestrate.ports.test_runner import Answer, Ask, Host, Missing
from tta_orchestrate.runners import jest, node_test, vitest
from tta_orchestrate.syntax import ecmarunner


class Tree:
    def __init__(self, **texts):
        self.texts = {
            path.replace("__", "/").replace("_json", ".json").replace("_js", ".js"): text
            for path, text in texts.items()
        }

    def files(self):
        return sorted(self.texts)

    def read(self, path):
        return self.texts[path]


def manifest(*names, **more):
    return json.dumps({"devDependencies": dict.fromkeys(names, "*"), **more})


def host(*installed, node="/usr/bin/node"):
    texts = {f"{path}/package.json": '{"version": "1.2.3"}' for path in installed}
    folders = {path.partition("node_modules")[0] + "node_modules" for path in installed}
    return Host(which=lambda _: node, installed=lambda path: "" if path in folders else texts.get(path))


def claims(tree, source="src/a.js"):
    return {r.name: r.claim(tree, source) for r in (node_test.RUNNER, vitest.RUNNER, jest.RUNNER)}


def test_the_script_test_decides_before_the_dependencies():
    both = Tree(package_json=manifest("jest", "vitest", scripts={"test": "vitest run"}), src__a_js="")
    assert claims(both) == {"node:test": 0, "vitest": 3, "jest": 2}


def test_a_package_that_names_no_runner_is_tested_by_node_only_when_asked():
    assert claims(Tree(package_json="{}", src__a_js="")) == {"node:test": 1, "vitest": 0, "jest": 0}
    assert claims(Tree(package_json=manifest(scripts={"test": "node --test"}), src__a_js=""))["node:test"] == 3
    assert claims(Tree(package_json=manifest("mocha"), src__a_js=""))["node:test"] == 0


@pytest.mark.parametrize("text", ["", "[]", "{", '{"scripts": 3, "devDependencies": []}'])
def test_an_odd_manifest_names_nothing(text):
    assert claims(Tree(package_json=text, src__a_js=""))["jest"] == 0


def test_a_workspace_runs_where_the_runner_is_named():
    tree = Tree(package_json=manifest("vitest"), packages__a__package_json="{}", packages__a__x_js="")
    kit = vitest.RUNNER.equip(tree, "packages/a/x.js", host("node_modules/vitest", "node_modules/@vitest/coverage-v8"))
    assert (kit.folder, kit.links, kit.version) == ("", ("node_modules",), "vitest 1.2.3")
    assert vitest.RUNNER.place(tree, "packages/a/x.js", kit) == "packages/a/test/x.generated.test.js"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ((), "no node_modules"),
        (("node_modules/x",), "vitest is needed"),
        (("node_modules/vitest",), "coverage-v8 is needed"),
    ],
)
def test_what_is_missing_is_named_with_the_remedy(found, why):
    missing = vitest.RUNNER.equip(Tree(package_json=manifest("vitest"), a_js=""), "a.js", host(*found))
    assert isinstance(missing, Missing)
    assert why in missing.reason
    assert "npm ci" in missing.reason


def test_without_node_nothing_is_tried():
    missing = node_test.RUNNER.equip(Tree(a_js=""), "a.js", host(node=None))
    assert "Node.js" in missing.reason


def test_a_new_file_is_called_as_its_neighbours_and_never_takes_the_place_of_one():
    tree = Tree(package_json=manifest("jest"), src__a_js="", src__a_spec_js="")
    tree.texts = {"package.json": manifest("jest"), "src/a.js": "", "src/a.spec.js": "", "src/a.generated.spec.js": ""}
    kit = jest.RUNNER.equip(tree, "src/a.js", host("node_modules/jest"))
    assert jest.RUNNER.place(tree, "src/a.js", kit) == "src/a.generated2.spec.js"


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", '{"testResults": 3}', '{"testResults": [3]}', '{"testResults": [{"assertionResults": [1]}]}'],
)
@pytest.mark.parametrize("cover", ["", "[]", '{"/t/a.js": 3}', '{"/t/a.js": {"statementMap": {"0": 1}}}'])
def test_odd_reports_show_nothing_and_raise_nothing(text, cover):
    files = {"tests.json": text, "coverage/coverage-final.json": cover}
    run = ecmarunner.from_json(Answer(codes=(0,), files=files, tree="/t"), Ask(tests=("x",), sources=("a.js",)))
    assert run.tests == ()
    assert run.error
    assert not any(m.all_lines for m in run.coverage.values())
