"""Measure the truth gate: false positives on human docs, recall on injected lies. One true sentence, one lie each.

Usage: python bench/docs_truth.py SITE_PACKAGES PACKAGE ...
"""

import ast
import json
import re
import sys
from collections import Counter
from pathlib import Path

from tta_orchestrate.domain.symbol import Module, Parameter, Symbol
from tta_orchestrate.modes.docgen.codebase import Codebase
from tta_orchestrate.modes.docgen.index import Facts, Index
from tta_orchestrate.modes.docgen.plan import survey
from tta_orchestrate.modes.docgen.truth import Ground, ground, lies
from tta_orchestrate.registry import load_all
from tta_orchestrate.settings.docgen import Docgen
from tta_orchestrate.workspace.worktree import WorkTree

FAKE_NAME = "frobnicate_quux"


def injected(symbol: Symbol, truth: Ground) -> dict[str, str]:
    """Return one false sentence per kind of claim that this symbol allows."""
    named = [p for p in symbol.parameters if p.written not in {"*", "**"} and p.name]
    out = {
        "name": f"It delegates to `{FAKE_NAME}` for the heavy lifting.",
        "link": "See https://example.invalid/guide for details.",
        "raises": "Raises `ZeroDivisionError` when the input is empty."
        if "ZeroDivisionError" not in truth.raised
        else "Raises `BufferError` when the input is empty.",
        "sample": f"```python\nresult = {symbol.name}((\n```",
    }
    takes_any = any(p.written == "**" for p in symbol.parameters)
    if named and not takes_any:
        out["parameter"] = "The parameter `retries_limit` sets how often it tries."
    if typed := next((p for p in named if simple_type(p)), None):
        wrong = "float" if "int" in typed.type else "int"
        out["type"] = f"`{typed.name}` (`{wrong}`) is what it works on."
    if valued := next((p for p in named if p.default in {"None", "True", "False"} or p.default.isdigit()), None):
        out["default"] = f"`{valued.name}` defaults to `4711`."
    if symbol.returns in {"str", "int", "bytes", "float", "list[str]", "dict[str, Any]"}:
        out["returns"] = "Returns `tuple`."
    return out


def simple_type(parameter: Parameter) -> bool:
    return parameter.type in {"int", "str", "bool", "float", "bytes", "str | None", "int | None", "bool | None"}


def true_sentence(symbol: Symbol) -> str:
    parts = [f"`{symbol.name}` is a {symbol.kind}."]
    for p in symbol.parameters:
        if p.written not in {"*", "**"}:
            kind = f" (`{p.type}`)" if simple_type(p) else ""
            value = f", default `{p.default}`" if re.fullmatch(r"\w+", p.default) else ""
            parts.append(f"The parameter `{p.name}`{kind} is one of its inputs{value}.")
    parts += [f"Raises `{name}`." for name in symbol.raises]
    return " ".join(parts)


def documented(symbol: Symbol) -> str:
    doc = symbol.doc
    if doc is None:
        return ""
    rows = [doc.text, *(f"- `{f.name}`: {f.text}" for f in doc.parameters if f.name and f.text)]
    rows += [f"Raises `{(f.type or f.name)}`: {f.text}" for f in doc.raises]
    text = "\n".join(rows)
    text = re.sub(r"(?m)^\s*\.\. .*$|^\s*>>>.*$|^\s*\.\.\. .*$", "", text)
    return re.sub(r":[\w:+.-]+:`[~!.]?([^`<]+?)(?:\s*<[^>]*>)?`", r"`\1`", text)


def without_docstrings(text: str) -> str:
    """Blank every docstring, so that human docs are not their own evidence; line numbers stay."""
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            for number in range(first.lineno - 1, first.end_lineno or first.lineno):
                lines[number] = ""
    return "\n".join(lines)


def measure(site: Path, package: str) -> dict[str, object]:
    settings = Docgen(include=(f"/{package}/**",), exclude=("tests/",))
    base = Codebase(tree=WorkTree(site), project=package, languages=load_all("languages"))
    found = survey(base.tree, settings, base.languages)
    modules: dict[str, Module] = {key: s.language.read(s.path, key, s.text) for key, s in found.sources.items()}
    index = Index(package, [Facts.of(m) for m in modules.values()])
    human, flagged, told, caught, clean, clean_flagged = 0, Counter(), Counter(), Counter(), 0, 0
    for key, module in modules.items():
        source = found.sources[key]
        code = without_docstrings(source.text)
        for symbol in module.public():
            if symbol.kind not in {"function", "method"}:
                continue
            truth = ground(module, symbol, code, source.language, index)
            if text := documented(symbol):
                human += 1
                claims = {str(lie.claim) for lie in lies(text, truth)} - {"link"}  # blanked with the docstrings
                flagged.update(claims or {"-"})
            clean += 1
            good = true_sentence(symbol)
            clean_flagged += bool(lies(good, truth))
            for claim, lie in injected(symbol, truth).items():
                told[claim] += 1
                text = f"{good}\n\n{lie}"
                caught[claim] += any(str(each.claim) == claim for each in lies(text, truth))
    return {
        "package": package,
        "human_docs": human,
        "human_docs_accepted": flagged["-"],
        "flags_on_human_docs": {k: v for k, v in sorted(flagged.items()) if k != "-"},
        "true_statements": clean,
        "true_statements_refused": clean_flagged,
        "lies": dict(sorted(told.items())),
        "caught": dict(sorted(caught.items())),
    }


def main(site: str, *packages: str) -> int:
    rows = [measure(Path(site), package) for package in packages]
    told, caught = Counter(), Counter()
    for row in rows:
        told.update(row["lies"])
        caught.update(row["caught"])
        print(json.dumps(row))
    total, found = sum(told.values()), sum(caught.values())
    print(
        f"truth gate: {found}/{total} injected lies caught ({100 * found / total:.2f} %)", dict(sorted(caught.items()))
    )
    human = sum(r["human_docs"] for r in rows)
    accepted = sum(r["human_docs_accepted"] for r in rows)
    print(f"human docs accepted: {accepted}/{human} ({100 * accepted / human:.1f} %)")
    refused, true = sum(r["true_statements_refused"] for r in rows), sum(r["true_statements"] for r in rows)
    print(f"true statements refused: {refused}/{true} ({100 * refused / true:.2f} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
