"""Observed behaviour, made up: what the local generator would send."""

import ast

from tta_orchestrate.modes.test_gen.cases import Case


def case(expr: str, value: str = "", *, kind: str = "value", target: str = "", **more) -> Case:
    call = ast.parse(expr, mode="eval").body
    fields = {
        "target": target or expr.partition("(")[0], "expr": expr, "before": (), "receiver": "", "kind": kind, "value": value,
        "arguments": tuple(ast.unparse(a) for a in call.args) if isinstance(call, ast.Call) else (),
        "keywords": tuple((k.arg, ast.unparse(k.value)) for k in call.keywords) if isinstance(call, ast.Call) else (),
        **more,
    }  # fmt: skip
    if kind == "raises":
        fields.setdefault("home", fields.get("type", "").rpartition(".")[0])
    return Case(**fields)
