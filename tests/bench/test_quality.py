import math
from dataclasses import replace
from decimal import Decimal

import pytest
import quality
from hypothesis import given, settings
from hypothesis import strategies as st
from quality import Claim, Counts, Label, Reviewed, bootstrap, cost, count, grouped, matches, summary, total, wilson

BUG = Label(path="a.py", start=10, end=12, category="bug")
CLAIM = Claim(path="a.py", start=10, end=12, category="bug")
CHANGE = Reviewed(name="one", language="python", labels=(BUG,))


def moved(start, end=None, **changes):
    return replace(CLAIM, start=start, end=end or start, **changes)


@pytest.mark.parametrize("claim", [CLAIM, moved(8), moved(14), moved(1, 99), moved(11, category="reliability")])
def test_a_finding_that_overlaps_within_two_lines_is_right(claim):
    assert matches([claim], [BUG]) == {0: 0}


@pytest.mark.parametrize(
    "claim",
    [moved(7), moved(15), moved(11, path="b.py"), moved(11, side="LEFT"), moved(11, category="documentation")],
)
def test_another_place_or_another_kind_of_harm_is_wrong(claim):
    assert matches([claim], [BUG]) == {}


def test_security_and_bug_meet_but_security_and_slowness_do_not():
    assert quality.compatible("security", "bug")
    assert not quality.compatible("security", "performance")
    assert not quality.compatible("security", "reliability")
    assert quality.compatible("", "documentation")


def test_saying_it_twice_is_right_once():
    counts = count(replace(CHANGE, claims=(CLAIM, moved(11))))
    assert (counts.claims, counts.right, counts.wrong, counts.exact) == (2, 1, 1, 1)


def test_two_findings_share_two_labels_out_although_one_fits_both():
    labels = [BUG, replace(BUG, start=14, end=14)]
    # The first fits both and is nearer to the second, which is the only one that the second fits.
    assert matches([moved(13, 14), moved(16)], labels) == {0: 0, 1: 1}


def test_a_clean_change_counts_every_finding_as_noise():
    clean = replace(CHANGE, labels=(), claims=(CLAIM, moved(1)))
    counts = total([clean, replace(clean, claims=())])
    assert (counts.clean, counts.noise_on_clean, counts.clean_noise, counts.noise) == (2, 2, 1.0, 1.0)
    assert counts.recall is None
    assert counts.precision == 0


def test_a_change_without_a_review_is_a_miss_and_not_a_clean_bill():
    counts = count(replace(CHANGE, failure="exit 3"))
    assert (counts.failed, counts.recall, counts.precision) == (1, 0.0, None)


def test_a_category_counts_the_findings_that_hit_its_labels_and_the_stray_ones_of_its_own():
    change = replace(CHANGE, claims=(moved(11, category="security"), moved(50, category="security"), moved(60)))
    assert count(change, "bug").claims == 2
    assert count(change, "bug").right == 1
    assert count(change, "security") == replace(Counts(), changes=1, claims=1, wrong=1, noise_on_clean=0)


def test_figures_of_a_case_worked_out_by_hand():
    changes = [
        replace(CHANGE, claims=(CLAIM,), usd=Decimal("0.10")),
        replace(CHANGE, claims=(moved(9), moved(40)), usd=Decimal("0.20")),
        CHANGE,
    ]
    figures = summary(changes)
    assert figures["precision"]["value"] == 0.6667
    assert figures["recall"]["value"] == 0.6667
    assert figures["f1"]["value"] == 0.6667
    assert figures["line_exact"]["value"] == 0.5
    assert figures["line_overlap"]["value"] == 0.5
    assert cost(changes) == {"usd": "0.30", "usd_per_accepted_finding": "0.15"}


def test_nothing_right_has_no_price():
    assert cost([replace(CHANGE, usd=Decimal(1))])["usd_per_accepted_finding"] is None


@pytest.mark.parametrize("pair", [(5, 6), (0, 12), (36, 36), (17, 40)])
def test_at_the_ends_of_the_interval_the_share_is_just_believable(pair):
    part, whole = pair
    for end in wilson(part, whole):
        distance = abs(part / whole - end)
        assert distance == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / whole), abs=1e-6)


def test_nothing_has_no_interval():
    assert wilson(0, 0) is None


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(max_examples=50)
def test_an_interval_holds_its_share_and_stays_within_0_and_1(pair):
    low, high = wilson(*pair)
    assert 0 <= low <= pair[0] / pair[1] + 1e-12
    assert pair[0] / pair[1] - 1e-12 <= high <= 1


def test_resampling_is_repeatable_and_knows_certainty():
    mixed = [count(replace(CHANGE, claims=(CLAIM,))), count(CHANGE)] * 10
    first = bootstrap(mixed, lambda c: c.recall)
    assert first == bootstrap(mixed, lambda c: c.recall)
    assert first[0] < 0.5 < first[1]
    assert bootstrap(mixed[:1] * 5, lambda c: c.recall) == (1.0, 1.0)
    assert bootstrap([], lambda c: c.recall) is None
    assert bootstrap([count(CHANGE)], lambda c: c.precision) is None


places = st.builds(
    lambda start, length, category, path: Claim(path=path, start=start, end=start + length, category=category),
    st.integers(1, 30),
    st.integers(0, 4),
    st.sampled_from(["bug", "security", "documentation", "performance"]),
    st.sampled_from(["a", "b"]),
)


@given(st.lists(places, max_size=7), st.lists(places, max_size=7))
@settings(max_examples=100)
def test_matching_is_one_to_one_and_no_pair_is_left_over(claims, labels):
    pairs = matches(claims, labels)
    assert len(set(pairs.values())) == len(pairs)
    for c, claim in enumerate(claims):
        for n, label in enumerate(labels):
            fits = quality.near(claim, label) and quality.compatible(claim.category, label.category)
            assert fits or pairs.get(c) != n
            assert not fits or c in pairs or n in pairs.values()


def test_groups_add_up_to_the_whole():
    changes = [CHANGE, replace(CHANGE, language="go", claims=(CLAIM, moved(70, category="security")))]
    groups = grouped(changes)
    for group in ("language", "category"):
        for key in ("labels", "claims", "right", "wrong"):
            assert sum(figures[key] for figures in groups[group].values()) == groups["all"]["all"][key]
