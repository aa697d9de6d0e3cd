"""Intervals and verdicts: coverage by simulation with fixed seeds, and clear words where figures carry no claim."""

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selftaught.downstream import ScaledTask, SolutionTask
from selftaught.errors import UsageError
from selftaught.evidence import statistics as s
from selftaught.evidence.statistics import bounds, methods
from selftaught.plain import canonical
from selftaught.testing import Number

TRIALS = 1000
SLACK = 4 * math.sqrt(0.05 * 0.95 / TRIALS)


def normal(rng, size):
    return rng.normal(0.5, 0.1, size)


def peaks(rng, size):
    """Two-peaked: a run either finds the trick or does not."""
    return np.where(rng.random(size) < 0.3, 0.9, 0.2) + rng.normal(0, 0.02, size)


def uneven(rng, size):
    """Normal, with one task far noisier than the others."""
    values = rng.normal(0.5, 0.01, size)
    values[0] = rng.normal(0.5, 0.3, size[1])
    return values


def table(values):
    return {f"task-{k}": row for k, row in enumerate(values)}


@pytest.mark.parametrize("draw", [normal, uneven])
@pytest.mark.parametrize("tasks", [1, 2, 5])
@pytest.mark.parametrize("repetitions", [3, 5, 10, 20])
def test_the_t_interval_covers_the_mean(draw, tasks, repetitions):
    rng = np.random.default_rng([tasks, repetitions])
    found = [s.interval(table(draw(rng, (tasks, repetitions)))) for _ in range(TRIALS)]
    covered = sum(one.low <= 0.5 <= one.high for one in found) / TRIALS
    assert 0.95 - SLACK <= covered <= 0.99


@pytest.mark.parametrize("draw", [normal, peaks])
@pytest.mark.parametrize("tasks", [1, 2, 5])
@pytest.mark.parametrize("repetitions", [3, 5, 10, 20])
def test_an_improver_is_not_better_than_itself(draw, tasks, repetitions):
    rng = np.random.default_rng([tasks, repetitions, 7])
    size = (tasks, repetitions)
    found = [s.verdict(s.paired(table(draw(rng, size)), table(draw(rng, size)))).kind for _ in range(TRIALS)]
    assert found.count("better") / TRIALS <= 0.025 + 4 * math.sqrt(0.025 * 0.975 / TRIALS)
    assert found.count("worse") / TRIALS <= 0.025 + 4 * math.sqrt(0.025 * 0.975 / TRIALS)
    assert found.count("indecisive") / TRIALS >= 0.9


def test_a_planted_gain_is_found_and_more_repetitions_find_it_more_often():
    rng = np.random.default_rng(3)
    power = {}
    for repetitions in (3, 10, 30):
        size = (2, repetitions)
        found = [s.verdict(s.paired(table(normal(rng, size) + 0.06), table(normal(rng, size)))) for _ in range(300)]
        power[repetitions] = sum(one.kind == "better" for one in found) / 300
    assert power[3] < power[10] < power[30]
    assert power[30] > 0.85


def test_unseen_tasks_count_the_spread_between_tasks():
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(TRIALS):
        levels = rng.normal(0.5, 0.2, (12, 1))
        found = s.interval(table(levels + rng.normal(0, 0.05, (12, 3))), unseen=True)
        hits += found.low <= 0.5 <= found.high
    assert abs(hits / TRIALS - 0.95) <= SLACK
    assert found.about == "unseen tasks"
    assert found.n == 12


def test_the_interval_is_that_of_the_textbook_for_one_task():
    found = s.interval({"only": [1.0, 2.0, 3.0, 4.0]})
    half = 3.182446 * math.sqrt(5 / 3) / 2
    assert (found.mean, found.n) == (2.5, 4)
    assert found.low == pytest.approx(2.5 - half, abs=1e-5)
    assert found.high == pytest.approx(2.5 + half, abs=1e-5)


def test_satterthwaite_equals_welch_for_two_tasks():
    x, y = [1.0, 2.0, 4.0], [10.0, 30.0, 20.0, 60.0]
    vx, vy = np.var(x, ddof=1) / 3, np.var(y, ddof=1) / 4
    welch = (vx + vy) ** 2 / (vx**2 / 2 + vy**2 / 3)
    assert s.interval({"x": x, "y": y}).method == f"t, {welch:.1f} degrees of freedom"


def test_tasks_weigh_the_same_whatever_their_repetitions():
    assert s.interval({"a": [0.0, 0.0], "b": [1.0, 1.0, 1.0, 1.0]}).mean == 0.5


def test_pairing_removes_what_both_share():
    rng = np.random.default_rng(5)
    luck = rng.normal(0, 1, (2, 10))
    a, b = table(luck + 0.1 + rng.normal(0, 0.01, (2, 10))), table(luck)
    assert s.verdict(s.paired(a, b)).kind == "better"
    assert s.paired(a, b).mean == pytest.approx(s.interval(a).mean - s.interval(b).mean)


@pytest.mark.parametrize(
    ("scores", "options", "words"),
    [
        ({"a": [0.5]}, {}, "one repetition of a"),
        ({"a": [0.5, 0.7], "b": [0.5]}, {}, "one repetition of b"),
        ({"a": [0.5, 0.5, 0.5]}, {}, "all values equal"),
        ({"a": [0.1 + 0.2, 0.3], "b": [1.0, 1.0]}, {}, "all values equal"),
        ({"a": [0.5, 0.6], "b": [0.2, 0.3]}, {"unseen": True}, "2 tasks, unseen tasks need at least 10"),
        ({str(k): [0.5, 0.5] for k in range(12)}, {"unseen": True}, "all values equal"),
    ],
)
def test_no_interval_where_there_is_none_and_the_reason(scores, options, words):
    found = s.interval(scores, **options)
    assert (found.low, found.high) == (None, None)
    assert words in found.method
    assert s.verdict(found).kind == "indecisive"
    assert s.p_value(scores, scores, **options) == 1.0


def test_equal_values_with_known_bounds_bound_the_values_not_seen():
    few, many = (s.interval({"a": [1.0] * n}, bounds=(0, 1)) for n in (3, 100))
    assert few.low == pytest.approx(0.05 ** (1 / 3))
    assert many.low == pytest.approx(0.05 ** (1 / 100))
    assert few.high == many.high == 1.0


def test_a_large_constant_difference_is_decided_only_after_enough_repetitions():
    a, b = ({"a": [value] * 20} for value in (1.0, 0.5))
    short = s.paired({"a": [1.0] * 3}, {"a": [0.5] * 3}, bounds=(-1, 1))
    assert s.verdict(short).kind == "indecisive"
    assert s.verdict(s.paired(a, b, bounds=(-1, 1))).kind == "better"
    assert s.p_value(a, b, bounds=(-1, 1)) == pytest.approx(0.75**20)


def test_bounds_clip_an_interval():
    found = s.interval({"a": [0.0, 1.0]}, bounds=(0, 1))
    assert (found.low, found.high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({}, "at least one task"),
        ({"a": []}, "no scores for a"),
        ({"a": [0.1, math.nan]}, "score 2 of a is nan"),
        ({"a": [math.inf]}, "score 1 of a is inf"),
    ],
)
def test_what_is_no_score_is_refused(scores, words):
    for figure in (s.interval, s.interquartile_mean):
        with pytest.raises(UsageError, match=words):
            figure(scores)
    assert len(words.splitlines()) == 1


@pytest.mark.parametrize("other", [{"a": [1.0]}, {"b": [1.0, 2.0]}, {"a": [1.0, 2.0], "b": [0.0]}])
def test_sides_that_do_not_match_are_refused(other):
    for figure in (s.paired, s.p_value, s.improvement_probability):
        with pytest.raises(UsageError, match="cannot be paired"):
            figure({"a": [1.0, 2.0]}, other)
    assert s.paired({"a": [1.0, 2.0]}, {"a": [1.0, 2.5]}).mean == -0.25


def between(low, high):
    return s.Interval((low + high) / 2, low, high, 9, "the method", "t")


@pytest.mark.parametrize(
    ("low", "high", "margin", "kind"),
    [
        (0.01, 0.2, None, "better"),
        (-0.2, -0.01, None, "worse"),
        (-0.1, 0.2, None, "indecisive"),
        (0.0, 0.2, None, "indecisive"),
        (-0.01, 0.01, 0.02, "equivalent"),
        (0.001, 0.01, 0.02, "equivalent"),
        (0.001, 0.03, 0.02, "better"),
        (-0.1, 0.01, 0.02, "indecisive"),
        (-0.01, 0.01, None, "indecisive"),
    ],
)
def test_verdicts(low, high, margin, kind):
    found = s.verdict(between(low, high), margin)
    assert found.kind == kind
    assert (found.low, found.high, found.about) == (low, high, "the method")


def test_the_p_value_agrees_with_the_interval():
    rng = np.random.default_rng(6)
    for _ in range(200):
        a, b = table(normal(rng, (2, 4)) + 0.1), table(normal(rng, (2, 4)))
        firm = s.verdict(s.paired(a, b)).kind != "indecisive"
        assert firm == (s.p_value(a, b) < 0.05)


def test_holm_by_hand():
    assert s.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert s.holm([0.5, 0.9]) == [1.0, 1.0]
    assert s.holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_only_raises_and_keeps_the_order(p_values):
    adjusted = s.holm(p_values)
    assert all(p <= q <= 1.0 for p, q in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert [adjusted[i] for i in order] == sorted(adjusted)


def share_of_families(claim, shift, *, tasks, repetitions, unseen=False, margin=None):
    """How often at least one of 15 comparisons, all of them shifted alike, comes to the claim."""
    rng, found = np.random.default_rng(5), 0
    for _ in range(300):
        spread = rng.normal(0, 0.1, (16, tasks, 1)) if unseen else 0.0
        scores = [table(one) for one in rng.normal(0, 0.1, (16, tasks, repetitions)) + spread]
        moved = [{task: row + shift for task, row in one.items()} for one in scores[1:]]
        kinds = [one.kind for one in s.judged([(one, scores[0]) for one in moved], margin, unseen=unseen)]
        found += claim in kinds
    return found / 300


def test_comparing_many_with_nothing_rarely_claims_anything():
    rng, families = np.random.default_rng(8), 0
    for _ in range(400):
        base, *others = (table(normal(rng, (2, 5))) for _ in range(7))
        families += any(one.firm for one in s.judged([(other, base) for other in others]))
    assert families / 400 <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 400)


FAMILY = 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


@pytest.mark.slow
def test_many_comparisons_on_unseen_tasks_rarely_claim_what_is_not_so():
    assert share_of_families("better", 0.0, tasks=10, repetitions=2, unseen=True) <= FAMILY


def test_many_comparisons_are_rarely_called_equivalent_when_none_is():
    assert share_of_families("equivalent", 0.1, tasks=2, repetitions=10, margin=0.1) <= FAMILY


def test_equivalence_is_found_where_it_is_and_agrees_with_the_interval():
    rng = np.random.default_rng(9)
    base, *others = (table(one) for one in rng.normal(0, 0.1, (8, 2, 40)))
    assert {one.kind for one in s.judged([(one, base) for one in others], 0.2)} == {"equivalent"}
    for other, margin in itertools.product(others, (0.01, 0.03, 0.05, 0.1)):
        within = s.verdict(s.paired(other, base), margin).kind == "equivalent"
        assert within == (s.equivalence_p(other, base, margin) < 0.05)


# --- what is said among several, and against the start ------------------------------------------------------------

scored = st.integers(2, 4).flatmap(
    lambda n: st.lists(
        st.lists(st.sampled_from([-1.0, -0.1, 0.0, 0.001, 0.1, 0.11, 1.0]) | st.floats(-1, 1), min_size=n, max_size=n),
        min_size=2,
        max_size=6,
    )
)


def agrees(one):
    """Whether the words and the interval shown say the same."""
    if one.low is None:
        return one.kind == "indecisive"
    return (
        (one.kind == "better") == (one.low > 0) and (one.kind == "worse") == (one.high < 0) and one.kind != "equivalent"
    )


@settings(deadline=None)
@given(scored)
def test_no_shown_interval_contradicts_its_verdict(arms):
    first, *others = ({"a": values} for values in arms)
    zero = {"a": [0.0] * len(arms[0])}
    plain = s.judged([(one, first) for one in others])
    over_start, against = s.contested([first, *others], zero)
    assert all(map(agrees, plain)) and all(map(agrees, against)) and all(map(agrees, over_start))
    for one, loose, alone in zip(against, plain, over_start[1:], strict=True):
        assert one.kind in ("indecisive", loose.kind)
        if one.kind == "better":
            assert alone.kind == "better"
        if one.kind == "worse":
            assert over_start[0].kind == "better"


@settings(deadline=None)
@given(scored, st.sampled_from([0.05, 0.2, 1.5]))
def test_nor_does_one_with_a_margin(arms, margin):
    first, *others = ({"a": values} for values in arms)
    for one in s.judged([(one, first) for one in others], margin):
        inside = one.low is not None and -margin <= one.low and one.high <= margin
        assert one.kind != "equivalent" or inside
        assert one.kind != "better" or one.low > 0
        assert one.kind != "worse" or one.high < 0
        assert one.kind != "indecisive" or one.low is None or (one.low <= 0 <= one.high and not inside)


def test_among_several_an_interval_is_that_of_the_level_it_was_judged_at():
    weak, strong = {"a": [0.1, 0.12, 0.2, 0.3]}, {"a": [0.30, 0.31, 0.32, 0.33]}
    zero = {"a": [0.0] * 4}
    alone = s.paired(weak, zero)
    assert s.verdict(alone).kind == "better" and 0.025 < s.p_value(weak, zero) < 0.05
    among = s.judged([(weak, zero), (strong, zero)])
    assert [one.kind for one in among] == ["better", "better"], "the last in Holm's order is judged at 5 %"
    assert (among[0].low, among[0].high) == (alone.low, alone.high)
    assert among[1].high - among[1].low > s.paired(strong, zero).high - s.paired(strong, zero).low
    twice = s.judged([(weak, zero), (weak, zero)])
    assert {one.kind for one in twice} == {"indecisive"}
    assert all(one.low < 0 and "among 2 (Holm)" in one.why for one in twice)


def test_doing_nothing_is_not_better_than_doing_harm():
    harm, nothing = {"a": [-0.5, -0.6, -0.7, -0.65]}, {"a": [0.0] * 4}
    assert s.judged([(nothing, harm)])[0].kind == "better"
    _, (one,) = s.contested([harm, nothing], nothing)
    assert (one.kind, one.low, one.why) == ("indecisive", 0.0, "no better than the start solution")
    _, (other,) = s.contested([nothing, harm], nothing)
    assert (other.kind, other.high, other.why) == ("indecisive", 0.0, "the other is no better than the start solution")


def test_verdicts_of_sequences_are_guarded_alike():
    sure = s.Verdict("better", 0.2, 0.1, 0.3, "these", "by betting")
    unsure = s.Verdict("indecisive", 0.1, -0.1, 0.3, "these", "by betting")
    worse = s.Verdict("worse", -0.2, -0.3, -0.1, "these", "by betting")
    assert s.guarded(sure, sure, unsure) == sure
    assert s.guarded(worse, unsure, sure) == worse
    withheld = s.guarded(sure, unsure, sure)
    assert (withheld.kind, withheld.low, withheld.high) == ("indecisive", 0.0, 0.3)
    assert s.guarded(worse, sure, unsure).high == 0.0


# --- claims in a fixed order ----------------------------------------------------------------------------------------


def arm(level, luck=0):
    """Five scores about a level; arms of other luck differ by some noise."""
    return {"a": [level + 0.01 * ((luck * k * k + k) % 5 - 2) for k in range(5)]}


def test_claims_come_in_their_order():
    found = s.claims(
        {
            "seed": arm(0.1, 1),
            "sham": arm(0.5, 2),
            "equal_answers": arm(0.2, 3),
            "improved": arm(0.5),
            "best_of_n": arm(0.3, 4),
            "start": {"a": [0.0] * 5},
        }
    )
    assert list(found) == ["start", "best_of_n", "equal_answers", "seed", "sham"]
    assert [one.kind for one in found.values()] == ["better"] * 4 + ["indecisive"]
    assert found["best_of_n"].difference == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("levels", "kinds", "stopped"),
    [
        ({"start": 0.5}, ["indecisive"] * 4, "start"),
        ({"best_of_n": 0.5}, ["better", "indecisive", "indecisive", "indecisive"], "best_of_n"),
        ({"equal_answers": 0.5}, ["better", "better", "indecisive", "indecisive"], "equal_answers"),
        ({"best_of_n": 0.9}, ["better", "worse", "better", "better"], None),
    ],
)
def test_what_follows_a_verdict_that_is_not_firm_is_not_tested(levels, kinds, stopped):
    arms = {"start": 0.0, "improved": 0.5, "best_of_n": 0.2, "equal_answers": 0.1, "frozen": 0.1} | levels
    found = s.claims({name: arm(level, luck) for luck, (name, level) in enumerate(arms.items())})
    assert [one.kind for one in found.values()] == kinds
    untested = [one for one in found.values() if "not tested" in one.why]
    assert len(untested) == (0 if stopped is None else kinds[1:].count("indecisive") - (stopped != "start"))
    assert all(stopped in one.why for one in untested)
    assert all(map(agrees, found.values()))
    if stopped == "start":
        assert found["start"].why == "no better than the start solution"


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=6, max_size=6))
def test_better_is_claimed_of_what_beats_the_start_only(values):
    names = ("improved", "start", "best_of_n", "equal_answers", "frozen", "sham")
    found = s.claims({name: {"a": one} for name, one in zip(names, values, strict=True)})
    assert all(map(agrees, found.values()))
    if any(one.kind == "better" for one in found.values()):
        assert found["start"].kind == "better"
    kinds = [found[name].firm for name in ("start", "best_of_n", "equal_answers")]
    assert kinds == sorted(kinds, reverse=True), "nothing is claimed behind a verdict that is not firm"


def test_claims_of_equals_are_rarely_false():
    """All arms alike and far better than the start: the worst case for what follows it."""
    rng, wrong, n = np.random.default_rng(21), 0, 600
    names = ("best_of_n", "equal_answers", "frozen", "sham", "improved")
    for _ in range(n):
        arms = {name: table(normal(rng, (2, 5))) for name in names}
        found = s.claims(arms | {"start": table(np.zeros((2, 5)))})
        wrong += any(one.firm for name, one in found.items() if name != "start")
    assert wrong / n <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / n)


def test_a_lead_that_is_the_same_everywhere_counts_where_bounds_are_known():
    arms = {"improved": {"a": [1.0] * 20}, "start": {"a": [0.0] * 20}, "best_of_n": {"a": [0.5] * 20}}
    assert [one.kind for one in s.claims(arms).values()] == ["indecisive"] * 2
    found = s.claims(arms, bounds=(-1, 1))
    assert [one.kind for one in found.values()] == ["better"] * 2 and all(map(agrees, found.values()))
    _, (one,) = s.contested([arms["best_of_n"], arms["improved"]], arms["start"], bounds=(-1, 1))
    assert one.kind == "better"


def test_a_method_that_only_keeps_the_start_is_better_than_none():
    gains = [[0.7] * 20]
    assert s.of_methods(gains, (-2, 2))[0].kind == "better" and s.in_most(gains)[0].kind == "better"
    (one,), (most,) = s.of_methods(gains, (-2, 2), [(False, False)]), s.in_most(gains, [(False, False)])
    assert (one.kind, one.why) == ("indecisive", "no better than the start solution") and agrees(one)
    assert most.kind == "indecisive"
    losses = [[-0.7] * 20]
    assert (
        s.of_methods(losses, (-2, 2), [(True, False)])[0].kind
        == s.in_most(losses, [(True, False)])[0].kind
        == "indecisive"
    )
    assert (
        s.of_methods(losses, (-2, 2), [(False, True)])[0].kind == s.in_most(losses, [(False, True)])[0].kind == "worse"
    )


def test_claims_need_their_two_arms():
    with pytest.raises(UsageError, match="no claims without an arm 'start'"):
        s.claims({"improved": {"a": [1.0]}})


# --- nested claims --------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=10, max_size=14),
    st.sampled_from([None, (-1.0, 1.0)]),
)
def test_an_interval_for_unseen_tasks_is_never_narrower_than_that_for_these(values, bounds):
    scores = {f"task-{k}": one for k, one in enumerate(values)}
    zero = {task: [0.0] * 3 for task in scores}
    inner, outer = (s.interval(scores, unseen=unseen, bounds=bounds) for unseen in (False, True))
    if inner.low is not None and outer.low is not None:
        assert outer.low <= inner.low and inner.high <= outer.high
        assert s.p_value(scores, zero, unseen=True, bounds=bounds) >= s.p_value(scores, zero, bounds=bounds)
        assert s.equivalence_p(scores, zero, 0.5, unseen=True) >= s.equivalence_p(scores, zero, 0.5)
    assert (outer.about, outer.n) == ("unseen tasks", len(values))
    assert outer.low is None or inner.low is not None, "nothing is said of all tasks that is not said of these"


def test_of_unseen_tasks_nothing_is_said_where_nothing_can_be_said_of_these():
    scores = {f"task-{k}": [0.5 + 0.01 * k] for k in range(12)}
    zero = {task: [0.0] for task in scores}
    found = s.interval(scores, unseen=True)
    assert (found.low, found.high, found.about) == (None, None, "unseen tasks") and "one repetition" in found.method
    assert s.p_value(scores, zero, unseen=True) == s.equivalence_p(scores, zero, 2.0, unseen=True) == 1.0
    _, (one,) = s.contested([zero, scores], zero, unseen=True)
    assert one.kind == "indecisive"


def test_where_tasks_agree_by_chance_unseen_ones_are_no_surer():
    scores = {f"task-{k}": [-1.0, 0.0, 1.0 + 1e-6 * k] for k in range(12)}
    found = s.interval(scores, unseen=True)
    assert (found.low, found.high) == (s.interval(scores).low, s.interval(scores).high)
    assert "stretched to that of this improver on these tasks" in found.method


# --- methods --------------------------------------------------------------------------------------------------------


def jumps(rng, rate, size, sign=1):
    """A little one way and, rarely, far the other; the true mean is 0."""
    return sign * (np.where(rng.random(size) < rate, 0.5 * (1 - rate), -0.5 * rate) + rng.normal(0, 0.001, size))


def firm(values, low, high):
    """How often a verdict on one method would be firm, for many samples at once."""
    shares = (values - low) / (high - low)
    return (methods.p_beyond(shares, np.full(len(shares), -low / (high - low))) < 0.05).mean()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("runs", [2, 3, 5, 10, 20])
def test_a_rare_jump_fools_no_verdict_on_a_method(runs, sign):
    rng = np.random.default_rng(runs)
    for rate in (0.01, 0.02, 0.05, 0.1, 0.2):
        assert firm(jumps(rng, rate, (1000, runs), sign), -1, 1) <= 0.05
        # The worst there is: the bounds are as narrow as they can be, and the jump goes to the very end.
        to_the_end = np.where(rng.random((1000, runs)) < rate, 1 - rate, -rate)
        assert firm(sign * to_the_end, *sorted((-sign * rate, sign * (1 - rate)))) <= 0.05


@pytest.mark.slow
def test_of_many_methods_that_gain_nothing_one_is_rarely_called_better():
    values = np.random.default_rng(3).choice([-0.1, 0.1], (40, 8, 12))
    found = [s.of_methods(one.tolist(), (-0.1, 0.1)) for one in values]
    assert sum(any(one.firm for one in family) for family in found) / 40 <= 0.05


def test_enough_recursions_show_a_gain():
    gains = np.random.default_rng(4).normal(0.1, 0.05, 60)
    (sure, none) = s.of_methods([gains.tolist(), (gains - gains.mean()).tolist()], (-0.5, 0.5))
    assert (sure.kind, sure.about, none.kind) == ("better", "the method", "indecisive")
    assert agrees(sure) and agrees(none)
    (worse,) = s.of_methods([(-gains).tolist()], (-0.5, 0.5))
    assert (worse.kind, worse.low) == ("worse", pytest.approx(-s.over_runs(gains.tolist(), (-0.5, 0.5)).high))


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12))
def test_the_interval_of_a_method_lies_within_the_bounds_and_needs_no_order(values):
    found = s.over_runs(values, (-1, 1))
    assert -1 <= found.low <= found.mean + 1e-9 and found.mean - 1e-9 <= found.high <= 1
    again = s.over_runs(values[::-1], (-1, 1))
    assert (again.low, again.high) == (pytest.approx(found.low), pytest.approx(found.high))


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.lists(st.sampled_from([-0.4, 0.0, 0.3, 0.31, 0.9]) | st.floats(-1, 1), min_size=8, max_size=30), max_size=4
    )
)
def test_methods_are_never_contradicted_by_their_intervals(samples):
    found = s.of_methods(samples, (-1, 1))
    assert all(map(agrees, found))
    if len(found) == 1:
        assert found[0].firm == (firm(np.array(samples), -1, 1) == 1.0)
    for values, one in zip(samples, s.in_most(samples), strict=True):
        assert one.better + one.worse <= len(values) == one.share.n
        assert one.kind != "better" or one.share.low > 0.5
        assert one.kind != "worse" or one.share.high < 0.5
        assert one.kind == "better" or one.share.low <= 0.5


def test_few_recursions_say_that_they_are_few():
    few, more = (s.over_runs([0.9] * n, (-1, 1)) for n in (3, 8))
    assert "3 recursions: too few to decide anything" in few.method
    assert "too few" not in more.method
    assert s.verdict(few).kind == "indecisive" and s.verdict(more).kind == "better"


def test_without_bounds_nothing_is_known_of_a_mean():
    found = s.over_runs([0.1, 0.2, 0.4])
    assert (found.low, found.about) == (None, "the method")
    assert "bounds of a value are not known" in found.method
    assert s.of_methods([[0.1, 0.2, 0.4]])[0].kind == "indecisive"


@pytest.mark.parametrize(("bounds", "words"), [((-0.1, 1), "outside the bounds"), ((1, 1), "leave no room")])
def test_bounds_that_do_not_hold_are_refused(bounds, words):
    with pytest.raises(UsageError, match=words):
        s.over_runs([0.5, -0.5], bounds)


def test_the_majority_of_recursions():
    most, equal, least, alike = s.in_most([[0.1] * 9 + [-0.1], [0.1, -0.1] * 5, [-0.1] * 12, [0.0] * 12])
    assert [one.kind for one in (most, equal, least, alike)] == ["indecisive", "indecisive", "worse", "indecisive"]
    (alone,) = s.in_most([[0.1] * 9 + [-0.1]])
    assert (alone.better, alone.worse, alone.kind) == (9, 1, "better")
    assert (alone.share.low, alone.share.high) == (pytest.approx(0.5550, abs=1e-4), pytest.approx(0.9975, abs=1e-4))
    assert most.share.low < 0.5, "among four the interval is wider"
    assert (alike.better, alike.worse, alike.share.mean) == (0, 0, 0.0)


def test_the_exact_interval_of_a_share_holds_for_any_number():
    for n, p in itertools.product((2, 7, 20), (0.02, 0.3, 0.5)):
        held = [s.exact(k, n, "recursions").low <= p <= s.exact(k, n, "recursions").high for k in range(n + 1)]
        weights = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
        assert sum(w for w, one in zip(weights, held, strict=True) if one) >= 0.95
    with pytest.raises(UsageError):
        s.exact(3, 2, "recursions")


# --- known before the run -------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(0, 0.95), st.floats(0, 1), st.floats(0, 1))
def test_no_value_leaves_its_bounds(start, raw, before):
    task = ScaledTask(SolutionTask(Number()), start)
    low, high = task.bounds
    assert low <= task.value(raw, before) <= high


def test_bounds_of_several_tasks():
    tasks = [ScaledTask(SolutionTask(Number()), start).bounds for start in (0.5, 0.75)]
    assert tasks == [(-2, 2), (-4, 4)]
    assert bounds.widest(tasks) == (-4, 4)
    assert bounds.of_mean(tasks) == (-3, 3)


def constant(sizes):
    """In each place every batch asks for as much."""
    return lambda batches: [sizes[place] for place, _ in batches]


@settings(deadline=None)
@example(6, [0, 7, 1])
@given(st.integers(0, 1200), st.lists(st.integers(0, 12), min_size=1, max_size=20))
def test_answers_agree_in_total(used, batch):
    found = s.matched(used, len(batch), constant(batch))
    assert found.used == used
    assert found.given == sum(n * size for n, size in zip(found.batches, batch, strict=True))
    sizes = [size for size in batch if size]
    if sizes and batch[-1] and 2 * used >= max(sizes) and max(found.batches) < 200:
        # What a place has had too much the later ones make up for only as far as by having nothing.
        assert -batch[-1] / 2 < found.given - found.used <= max(sizes) / 2, "equally near: it is more"
    assert found.given or not (sizes and used), "an opponent that asks nothing is none"
    if len({*batch}) == 1 and sizes:
        assert max(found.batches) - min(found.batches) <= 1, "as even as it gets"


@pytest.mark.parametrize(
    ("used", "batch", "given"),
    [
        (16, [32] * 4, 32),
        (40, [80], 80),
        (12, [32] * 4, 32),
        (150, [80] * 5, 160),
        (360, [80] * 6, 400),
    ],
)
def test_where_less_and_more_lie_equally_near_the_opponent_is_given_more(used, batch, given):
    assert s.matched(used, len(batch), constant(batch)).given == given


def test_answers_are_matched_by_place():
    found = s.matched(36, 3, constant([8, 8, 8]))
    assert (found.used, found.given, sorted(found.batches)) == (36, 40, [1, 2, 2])
    assert s.matched(6, 3, constant([4, 4, 4])).plain() == {"batches": [1, 0, 1], "used": 6, "given": 8}
    assert s.matched(3, 1, constant([0])).batches == (1,)
    for used, places in ((0, 0), (-1, 1)):
        with pytest.raises(UsageError):
            s.matched(used, places, constant([1]))


@pytest.mark.parametrize(
    ("used", "places", "batch", "short"),
    [
        (48, 1, 25, False),
        (48, 1, 40, True),
        (36, 1, 25, True),
        (72, 2, 25, False),
        (480, 10, 25, False),
        (3, 1, 0, True),
    ],
)
def test_a_sampler_that_cannot_be_given_about_as_many_answers_is_told(used, places, batch, short):
    found = s.matched(used, places, constant([batch] * places))
    assert found.short == short == (found.given < 0.9 * used)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 48), min_size=1, max_size=12),
    st.sampled_from([(0, 0, 0, 0, 0, 0, 1), (0, 24), (1, 12), (4, 8, 24), (0, 1, 2, 3), (0, 0, 0), (7,), (25,)]),
    st.integers(0, 10**6),
)
def test_answers_agree_though_no_batch_asks_as_much_as_another(used, sizes, seed):
    run = {}

    def asked(batches):
        assert len({*batches}) == len(batches) and not {*batches} & run.keys(), "nothing is asked twice"
        run.update({one: random.Random(f"{seed} {one}").choice(sizes) for one in batches})
        return [run[one] for one in batches]

    found = s.matched(sum(used), len(used), asked)
    given = sum(run[place, k] for place, count in enumerate(found.batches) for k in range(count))
    assert (found.used, found.given) == (sum(used), given), "what is told is what was asked"
    largest = max(run.values())
    if max(found.batches) < 200 and largest:
        assert given + largest >= sum(used) and (given <= sum(used) + largest)
    else:
        assert not largest or len(run) >= 200
    if largest == max(run[place, 0] for place in range(len(used))):
        assert sum(run.values()) <= given + 2 * largest * len(used), "little is asked that does not count"


# --- other figures --------------------------------------------------------------------------------------------------


def test_the_interquartile_mean_ignores_the_tails():
    found = s.interquartile_mean({"a": [0.0, 1.0, 2.0, 3.0, 400.0], "b": [-100.0, 1.0, 2.0, 3.0, 4.0]})
    assert found.mean == pytest.approx(2.0)
    assert found.low <= 2.0 <= found.high
    assert found == s.interquartile_mean({"a": [0.0, 1.0, 2.0, 3.0, 400.0], "b": [-100.0, 1.0, 2.0, 3.0, 4.0]})


def test_the_bootstrap_of_the_interquartile_mean_covers_about_what_it_should():
    rng = np.random.default_rng(9)
    found = [s.interquartile_mean(table(normal(rng, (2, 10)))) for _ in range(200)]
    assert sum(one.low <= 0.5 <= one.high for one in found) / 200 >= 0.88


def test_few_or_equal_values_have_no_bootstrap_interval():
    few = s.interquartile_mean({"a": [0.1, 0.2, 0.3]})
    same = s.interquartile_mean({"a": [0.1] * 20})
    assert (few.low, same.low) == (None, None)
    assert "too few" in few.method
    assert "same value" in same.method


def test_the_probability_of_improvement():
    better = s.improvement_probability({"a": [2.0, 3.0]}, {"a": [0.0, 1.0]})
    ties = s.improvement_probability({"a": [1.0, 1.0]}, {"a": [1.0, 1.0]})
    mixed = s.improvement_probability({"a": [1.0, 3.0], "b": [5.0, 5.0]}, {"a": [2.0, 2.0], "b": [0.0, 0.0]})
    assert (better.mean, ties.mean, mixed.mean) == (1.0, 0.5, 0.75)
    rng = np.random.default_rng(10)
    found = s.improvement_probability(table(normal(rng, (2, 20)) + 0.1), table(normal(rng, (2, 20))))
    assert 0.5 < found.low < found.mean < found.high < 1.0


def test_the_rank_correlation_covers_and_says_where_it_cannot():
    rng, covered = np.random.default_rng(4), 0
    for _ in range(300):
        a, b = rng.normal(size=(2, 20))
        found = s.rank_correlation(a.tolist(), b.tolist())
        covered += found.low <= 0 <= found.high
    assert covered / 300 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 300)
    climbing = [float(k) for k in range(12)]
    sure = s.rank_correlation(climbing, [one**3 for one in climbing])
    assert sure.mean == pytest.approx(1) and 0.9 < sure.low <= sure.high <= 1
    assert s.rank_correlation([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]).mean == pytest.approx(-1)
    assert "3 recursions" in s.rank_correlation([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]).method
    assert "does not vary" in s.rank_correlation([1.0, 1.0], [1.0, 2.0]).method


def test_wilson_gives_the_papers_intervals():
    cells = {42: (0.31, 0.57), 46: (0.35, 0.61), 12: (0.07, 0.21), 17: (0.11, 0.27)}
    for count, printed in cells.items():
        found = s.wilson(count, 10_000, "proposals")
        assert (round(100 * found.low, 2), round(100 * found.high, 2)) == printed
    with pytest.raises(UsageError):
        s.wilson(3, 0, "nothing")


def coin(rng, n):
    return np.where(rng.random(n) < 0.5, 1.0, -1.0)


def narrow(rng, n):
    return rng.normal(0, 0.1, n).clip(-1, 1)


def skewed(rng, n):
    return np.where(rng.random(n) < 0.1, 0.9, -0.1)


@pytest.mark.slow
@pytest.mark.parametrize("draw", [coin, narrow, skewed])
def test_a_confidence_sequence_holds_however_often_it_is_looked_at(draw):
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(300):
        found = s.sequence([[one] for one in draw(rng, 120)], (-1, 1))
        wrong += not found.low <= 0 <= found.high
    assert wrong / 300 <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 300)


def unlike(rng, n):
    """Three tasks of different means, spreads and shapes; the mean over them is 0."""
    return np.stack([narrow(rng, n) + 0.25, skewed(rng, n) - 0.1, rng.choice([-0.65, 0.35], n)], axis=1).clip(-1, 1)


@pytest.mark.slow
def test_tasks_that_differ_may_share_a_block():
    rng = np.random.default_rng(16)
    assert abs(unlike(rng, 100_000).mean()) < 0.01
    found = [s.sequence(unlike(rng, 60).tolist(), (-1, 1)) for _ in range(300)]
    wrong = sum(not one.low <= 0 <= one.high for one in found)
    assert wrong / 300 <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 300)


def test_a_block_of_several_tasks_tells_more_than_their_mean():
    values = np.random.default_rng(17).normal(0.1, 0.1, (40, 4)).clip(-1, 1)
    together = s.sequence(values.tolist(), (-1, 1))
    averaged = s.sequence(values.mean(axis=1, keepdims=True).tolist(), (-1, 1))
    assert together.high - together.low < 0.6 * (averaged.high - averaged.low)
    assert together.n == 160


def test_looking_again_at_a_t_interval_would_not_hold():
    rng = np.random.default_rng(12)
    wrong = 0
    for _ in range(100):
        values = narrow(rng, 60)
        wrong += any(s.verdict(s.interval({"a": values[:n]})).kind != "indecisive" for n in range(3, 61))
    assert wrong / 100 > 0.15


def test_a_confidence_sequence_only_shrinks_and_finds_a_gain():
    values = np.random.default_rng(13).normal(0.2, 0.1, 60).clip(-1, 1)
    found = [s.sequence([[one] for one in values[:n]], (-1, 1)) for n in range(1, 61)]
    assert all(b.low >= a.low and b.high <= a.high for a, b in itertools.pairwise(found))
    assert s.verdict(found[-1]).kind == "better"
    assert s.verdict(found[2]).kind == "indecisive"


def test_a_confidence_sequence_ends_in_equivalence_when_there_is_no_difference():
    values = np.random.default_rng(14).normal(0.0, 0.05, 200).clip(-1, 1)
    assert s.verdict(s.sequence([[one] for one in values], (-1, 1)), margin=0.1).kind == "equivalent"


def test_a_value_outside_the_bounds_is_refused():
    with pytest.raises(UsageError, match="outside the bounds"):
        s.sequence([[0.0], [1.5]], (-1, 1))


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_a_confidence_sequence_is_an_interval_within_the_bounds(values):
    found = s.sequence([[one] for one in values], (-1, 1))
    assert -1 <= found.low < found.high <= 1


def test_intervals_and_verdicts_are_plain_data():
    found = s.interval({"a": [0.5]})
    assert canonical(found.plain()).startswith('{"about":"this improver on these tasks","high":null')
    assert set(s.verdict(found).plain()) == {"kind", "difference", "low", "high", "about", "method", "why"}
    assert canonical(s.in_most([[0.1, 0.0]])[0].plain()) and canonical(s.matched(3, 1, constant([2])).plain())
