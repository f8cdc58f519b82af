"""What the benches of test generation measure with: faults that differ, and a killer that tells them."""

import sys

import pytest
from testgen_place import Place, flaky, killed, mutate, passing

SOURCE = "def price(net):\n    if net > 10:\n        return net - 1\n    return net\n"
TESTS = "import shop\n\n\ndef test_small():\n    assert shop.price(3) == 3\n\n\ndef test_wrong():\n    assert shop.price(3) == 4\n"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "shop.py").write_text(SOURCE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_shop.py").write_text(TESTS)
    return Place(root=tmp_path, module="shop", file=tmp_path / "shop.py", python=sys.executable)


def test_faults_compile_and_each_differs_from_the_original():
    texts = mutate(SOURCE, 0, 99)
    assert len(texts) == len(set(texts)) == 7
    assert SOURCE not in texts
    assert mutate(SOURCE, 0, 3) == texts[:3]


@pytest.mark.slow
def test_only_tests_that_pass_count_and_only_what_they_notice_is_dead(place):
    ids = passing(place)
    assert ids == {"tests/test_shop.py::test_small"}
    reached, unreached = SOURCE.replace("return net\n", "return None\n"), SOURCE.replace("net - 1", "net + 1")
    assert killed(place, ids, [SOURCE, reached, unreached]) == {1}
    assert place.file.read_text() == SOURCE
    assert killed(place, ids, ["import nowhere_to_be_found\n"]) == {0}
    assert flaky(place, ids, 1) == 0
