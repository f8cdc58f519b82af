"""Values as words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.modes.test_gen import slugs


@pytest.mark.parametrize(
    ("source", "slug"),
    [
        ("-2", "minus_2"), ("1.5", "1_5"), ("1e-05", "1e_minus_05"), ("10 ** 30", "10_30"), ("True", "true"), ("None", "none"),
        ("''", "empty_text"), ("'  '", "blank_text"), ("'-'", "dash"), ("'---'", "signs"), ("'中'", "foreign_text"),
        ("'BE'", "be"), ("'größe 3'", "groe_3"), ("'two words that go on and on'", "two_words_that_go_on"),
        ("b''", "empty_bytes"), ("b'ab'", "ab"),
        ("[]", "empty_list"), ("()", "empty_tuple"), ("{}", "empty_dict"), ("set()", "empty_set"),
        ("[1, -2]", "list_1_minus_2"), ("[1, 2, 3, 4]", "4_items"), ("{'a': 1}", "dict_a"),
        ("Color.RED", "red"), ("Stack()", "stack"), ("Stack(1)", "stack_1"), ("datetime.date(2020, 1, 2)", "date_2020_1_2"),
        ("float('nan')", "nan"), ("float('-inf')", "minus_infinity"), ("lambda x: x", "function"), ("not ( source", "not_source"),
    ],
)  # fmt: skip
def test_a_value_is_called_what_a_person_would_call_it(source, slug):
    assert slugs.value(source) == slug


def test_a_message_is_cut_between_words():
    assert slugs.message("It's no price: -3, and there is more to say") == "its_no_price_minus_3_and_there"


@given(
    st.one_of(st.text(), st.integers(), st.floats(), st.binary(), st.lists(st.text()), st.complex_numbers()).map(repr)
    | st.text()
)
def test_every_slug_can_be_part_of_a_name(source):
    slug = slugs.value(source)
    assert f"x_{slug}".isidentifier()
    assert slug.isascii()
    assert slug == slug.lower()
    assert 0 < len(slug) <= slugs.LONGEST
