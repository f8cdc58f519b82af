"""What is refused by reading."""

import pytest

from tta_orchestrate.modes.test_gen.static_gate import refusals

HEAD = "import pytest\nfrom shop import price, RATES, Cart\n\n\n"


def why(body: str, *, head: str = HEAD, signature: str = "()") -> str:
    text = head + f"def test_it{signature}:\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    found = refusals(text, module="shop", available=["shop"])
    return found.get("", "") or found.get("test_it", "")


@pytest.mark.parametrize(
    "body",
    [
        "assert price(3) == 4",
        "with pytest.raises(ValueError):\n    price(-1)",
        "cart = Cart()\ncart.add(1)\nassert cart.total == 1",
        "import math\nassert math.isnan(price(0))",
        "assert sorted(Cart().items) == []",
    ],
)
def test_an_honest_test_passes(body):
    assert why(body) == ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("price(3)", "has no assertion"),
        ("assert True", "in earnest"),
        ("x = price(1)\nassert x == x", "in earnest"),
        ("assert price(3) is not None", "in earnest"),
        ("assert isinstance(price(3), int)", "in earnest"),
        ("with pytest.raises(Exception):\n    price(-1)", "in earnest"),
        ("assert RATES == {'a': 1}", "copies a constant"),
        ("import time\ntime.sleep(1)\nassert price(1) == 1", "sleeps"),
        ("from time import sleep as nap\nnap(1)\nassert price(1) == 1", "sleeps"),
        ("pytest.skip('later')\nassert price(1) == 1", "skips"),
        ("import os\nos._exit(0)\nassert price(1) == 1", "ends the process"),
        ("import sys\nsys.exit(0)\nassert price(1) == 1", "ends the process"),
        ("assert eval('price(1)') == 1", "evaluates text"),
        ("open('shop.py', 'w').write('')\nassert price(1) == 1", "writes files"),
        ("import pathlib\npathlib.Path('shop.py').write_text('')\nassert price(1) == 1", "writes files"),
        ("assert price.__globals__['x'] == 1", "__globals__"),
    ],
)
def test_a_test_that_cheats_is_refused(body, reason):
    assert reason in why(body)


@pytest.mark.parametrize(
    "module", ["socket", "subprocess", "requests", "ctypes", "gc", "urllib.request", "no_such_package"]
)
def test_imports_that_have_no_business_in_a_test_refuse_the_file(module):
    assert "imports" in why(f"import {module}\nassert price(1) == 1")


def test_the_unit_under_test_may_not_be_replaced():
    head = HEAD + "from unittest import mock\nimport shop\n\n\n"
    assert "unit under test" in why("with mock.patch('shop.price'):\n    assert price(1) == 1", head=head)
    assert "unit under test" in why("with mock.patch.object(shop, 'price'):\n    assert price(1) == 1", head=head)
    assert "unit under test" in why(
        "monkeypatch.setattr('shop.price', len)\nassert price(1) == 1", signature="(monkeypatch)"
    )


def test_writing_below_tmp_path_is_fine():
    assert why("(tmp_path / 'x').write_text('')\nassert price(1) == 1", signature="(tmp_path)") == ""


@pytest.mark.parametrize("mark", ["@pytest.mark.skip", "@pytest.mark.skipif(True, reason='')", "@pytest.mark.xfail"])
def test_a_test_that_does_not_want_to_run_is_refused(mark):
    text = HEAD + f"{mark}\ndef test_it():\n    assert price(1) == 1\n"
    assert "skipped" in refusals(text, module="shop", available=["shop"])["test_it"]


def test_text_that_is_no_python_is_refused_as_a_whole():
    assert "does not parse" in refusals("def test_(:", module="shop", available=[])[""]
