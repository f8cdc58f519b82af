"""Small JavaScript and TypeScript repositories, and what scripted models propose for them."""

import json
import os
import shutil
from pathlib import Path

from changes import commit
from scripted import blocks_of

PACKAGES = Path(__file__).parent / "runners" / "packages" / "node_modules"
NODE = shutil.which("node")
SOURCE = """
export function price(count: number, member: boolean): number {
  if (count < 0) {
    throw new RangeError("a count is not negative");
  }
  let each = 10;
  if (member && count > 100) {
    each = 7;
  }
  return count * each;
}

/** Half of n, rounded up. */
export function half(n: number): number {
  return Math.floor(n / 2);
}

export function grade(points: number): string {
  if (points > 90) {
    return "excellent";
  }
  return "good";
}

export const day = (date: Date): number => date.getDate();
""".lstrip()
"""TypeScript; JavaScript is what is left without the types."""
TESTS = {
    "price": {
        "members pay seven from 101 on": "CHECK(price(101, true), 707); CHECK(price(100, true), 1000);",
        "refuses a negative count": 'THROWS(() => price(-1, false), "a count is not negative");',
        "waits": "setTimeout(() => {}, 10); CHECK(price(1, false), 10);",
        "reads the environment": "CHECK(process.env.ANTHROPIC_API_KEY, undefined);",
        "leaves": "process.exit(0); CHECK(price(1, false), 10);",
    },
    "half": {"half of an odd number": "CHECK(half(3), 2);"},
    "grade": {"a grade is something": "CHECK(grade(95) === null || grade(1) === null, false);"},
    "day": {"the day of an instant": 'CHECK(day(new Date("2020-01-01T12:00:00Z")), 1); CHECK(day(new Date("2020-01-01T23:30:00Z")), 1);'},
}  # fmt: skip
SPELLING = {
    "node_test": {
        "check": "assert.equal({})",
        "throws": "assert.throws({0}, {{ message: {1} }})",
        "head": 'import test from "node:test";\nimport assert from "node:assert";\n',
    },
    "vitest": {"check": "expect({0}).toBe({1})", "throws": "expect({0}).toThrow({1})", "head": 'import { expect, test } from "vitest";\n'},
    "jest": {"check": "expect({0}).toBe({1})", "throws": "expect({0}).toThrow({1})", "head": ""},
}  # fmt: skip


def needed(runner):
    """Why the real *runner* cannot run here, ``""`` when it can."""
    if NODE is None:
        return "node is not installed here"
    if runner != "node_test" and not (PACKAGES / runner).is_dir():
        return f"{runner} is not installed: make languages"
    return ""


def spelled(runner, body):
    """*body* in the words of *runner*."""
    spelling = SPELLING[runner]
    statements = []
    for statement in body.rstrip(";").split("; "):
        if statement.startswith("CHECK("):
            inside = statement.removeprefix("CHECK(").removesuffix(")")
            actual, _, expected = inside.rpartition(", ")
            text = (
                spelling["check"].format(inside)
                if runner == "node_test"
                else spelling["check"].format(actual, expected)
            )
        elif statement.startswith("THROWS("):
            actual, _, expected = statement.removeprefix("THROWS(").removesuffix(")").rpartition(", ")
            text = spelling["throws"].format(actual, expected)
        else:
            text = statement
        statements.append(f"  {text};")
    return "\n".join(statements)


def proposed(runner, symbol, path):
    """What a model answers when it is asked for *symbol*."""
    head = f'{SPELLING[runner]["head"]}import {{ {symbol} }} from "{path}";\n'
    return [
        {"name": name, "code": f'{head}\ntest("it", () => {{\n{spelled(runner, body)}\n}});\n'}
        for name, body in TESTS.get(symbol, {}).items()
    ]


def script(runner, path, verdict=None):
    """A model that proposes ``TESTS`` and, where it judges, gives *verdict* (kind, evidence) of each question."""

    def answer(question):
        text = "\n".join(question.parts)
        if "verdicts" in question.schema.get("properties", {}):
            return {"verdicts": list(_verdicts(question.text, verdict))}
        for symbol in TESTS:
            if f"Function: {symbol}." in text and "segment" in blocks_of(text):
                return {"tests": proposed(runner, symbol, path)}
        return {"tests": []}

    return answer


def _verdicts(text, verdict):
    fallback = {"test": "fine", "dispute": "bug", "suspect": "unclear", "mutant": "testable"}
    for block in ("\n" + text).split("\nid ")[1:]:
        number, _, kind = block.partition(":")[0].partition(", ")
        said = verdict(kind, block) if verdict else fallback[kind]
        yield {"id": int(number), "verdict": said, "name": "", "reason": "scripted"}


def plain(source):
    """*source* as an ES module without types."""
    for kind in (": number", ": boolean", ": string", ": Date"):
        source = source.replace(kind, "")
    return source


def common(source):
    """*source* as a CommonJS module."""
    return plain(source).replace("export ", "") + "\nmodule.exports = { price, half, grade, day };\n"


def files_for(runner, source=SOURCE):
    """A repository whose suite runs `price` for one ordinary case."""
    if runner == "node_test":
        head = 'import { test } from "node:test";\nimport assert from "node:assert/strict";\nimport { price } from "../src/price.js";\n'
        test = f'{head}\ntest("ten each", () => {{\n  assert.equal(price(3, false), 30);\n}});\n'
        return {"package.json": '{"type": "module"}', "src/price.js": plain(source), "test/price.test.js": test}
    body = 'test("ten each", () => {\n  expect(price(3, false)).toBe(30);\n});\n'
    named = json.dumps({"devDependencies": {runner: "*"}, "scripts": {"test": runner}})
    if runner == "jest":
        test = f'const {{ price }} = require("../src/price");\n\n{body}'
        return {"package.json": named, "src/price.js": common(source), "__tests__/price.test.js": test}
    test = f'import {{ expect, test }} from "vitest";\nimport {{ price }} from "./price";\n\n{body}'
    return {"package.json": named, "src/price.ts": source, "src/price.test.ts": test}


def repository(folder, runner, files=None):
    """A repository with the runner's packages beside it, as an installation leaves them."""
    commit(folder, {".gitignore": "node_modules/\n", **(files or files_for(runner))})
    if runner != "node_test":
        shutil.copytree(PACKAGES, folder / "node_modules", symlinks=True, copy_function=_linked)
    return folder


def _linked(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
