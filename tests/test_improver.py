"""One improver at work, in the real sandbox: the paper's interface, and what happens when it misbehaves."""

import json
import re
import threading
import time
from dataclasses import replace

import pytest

from selftaught.budget import Allowance
from selftaught.budget.spend import Spend, SpendLimits
from selftaught.errors import ModelFailure, SpendExhausted
from selftaught.improver import improve
from selftaught.improvers import load
from selftaught.lab import Stopped
from selftaught.lab.rehearsal import PLAIN, rehearsal
from selftaught.models.offline import Offline
from selftaught.program import MAX_CHARS, Program
from selftaught.testing import Guesser, Number, asker, make_lab
from selftaught.utility import TaskUtility

ALLOWANCE = Allowance(calls=4, responses=6, scorings=10, cpu_s=5)


@pytest.fixture
def lab(tmp_path, sandbox):
    return make_lab(tmp_path / "s.db", sandbox)


def run(lab, body, allowance=ALLOWANCE, stream=("test",)):
    """Run an improver whose function has this body."""
    lines = "\n".join("    " + line for line in body.splitlines())
    text = f"import helpers\n\n\ndef improve_algorithm(initial_solution, utility, language_model):\n{lines}\n"
    return improved(lab, text, allowance, stream)


def improved(lab, text, allowance=ALLOWANCE, stream=("test",)):
    """Run an improver."""
    return improve(lab, Program(text), Program(Number.start), utility(lab), stream, allowance)


def utility(lab):
    return TaskUtility(lab, Number(), "train", 0, "practice")


def test_the_seed_improver_returns_its_best_answer(lab):
    found = improve(lab, load("seed"), Program(Number.start), utility(lab), ["s"], ALLOWANCE)
    assert found.reason is None
    assert (found.usage.calls, found.usage.responses, found.usage.scorings) == (1, 6, 6)
    assert found.first_score == utility(lab).score(found.program).value > 0.5
    assert {request.temperature for request, _ in lab.model.asked} == {0.7}
    assert "def f(x):\n    return 0.0\n" in lab.model.asked[0][0].message


def test_everything_the_paper_gives_an_improver_is_there(lab):
    found = run(
        lab,
        "assert utility.budget == 10 and language_model.budget == 4 and language_model.max_responses_per_call == 6\n"
        "assert 'the grade is that number' in utility.str and '10 scorings' in utility.str\n"
        "one = language_model.prompt('e', 'm')\n"
        "three = language_model.prompt('e', 'm', n_responses=3, temperature=0.1)\n"
        "two = language_model.batch_prompt('e', ['a', 'b'], temperature=0.2)\n"
        "assert (len(one), len(three), len(two)) == (1, 3, 2)\n"
        "assert all('```python' in text for text in one + three + two)\n"
        "codes = helpers.extract_code(three)\n"
        "assert utility.map(codes) == [utility(code) for code in codes]\n"
        "assert 'Mean grade' in utility.feedback(codes[0])\n"
        "return codes[0]",
    )
    assert found.reason is None
    assert (found.usage.calls, found.usage.responses, found.usage.scorings) == (3, 6, 6)


def test_several_threads_may_ask_and_score_at_once(lab):
    found = run(
        lab,
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    texts = list(pool.map(lambda i: language_model.prompt('e', f'm{i}')[0], range(4)))\n"
        "    codes = helpers.extract_code(texts)\n"
        "    scores = list(pool.map(utility, codes))\n"
        "return max(zip(scores, codes))[1]",
    )
    assert found.reason is None
    assert (found.usage.responses, found.usage.scorings) == (4, 4)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return None", "what it returned is no program: not a text but NoneType"),
        ("return 7", "what it returned is no program: not a text but int"),
        ("return 'no code here'", "what it returned is no program: syntax error"),
        ("return 'def g(): pass'", "what it returned is no program: does not define f"),
        ("raise ValueError('oh')", "error: ValueError: oh"),
        ("while True: pass", "time"),
        (
            "return language_model.prompt('e', 'm', n_responses=25)[0]",
            "error: BudgetExhausted: 25 answers need 5 calls",
        ),
        (
            "for i in range(11): utility(initial_solution)\nreturn initial_solution",
            "error: BudgetExhausted: 1 scorings",
        ),
        ("import os\nos._exit(0)", "error|killed"),
    ],
)
def test_an_improver_that_fails_says_why(lab, body, reason):
    found = run(lab, body, Allowance(calls=4, responses=6, scorings=10, cpu_s=1))
    assert found.program is None
    assert any(found.reason.startswith(one) for one in reason.split("|")), found.reason


def test_a_program_returned_after_the_budget_is_used_up_is_valid(lab):
    found = run(
        lab,
        "codes = helpers.extract_code(language_model.prompt('e', 'm', n_responses=6))\n"
        "try:\n"
        "    language_model.prompt('e', 'm', n_responses=24)\n"
        "except helpers.BudgetExhausted:\n"
        "    return codes[0]",
    )
    assert found.program is not None
    assert found.usage.responses == 6


def test_nothing_an_improver_assigns_changes_a_limit(lab):
    found = run(
        lab,
        "language_model.budget = utility.budget = language_model.max_responses_per_call = 1000\n"
        "language_model.prompt('e', 'm', n_responses=25)\n"
        "return initial_solution",
    )
    assert found.reason.startswith("error: BudgetExhausted")


def test_returning_the_start_solution_is_allowed(lab):
    assert run(lab, "return initial_solution").program == Program(Number.start)


def test_the_same_request_again_gives_the_next_answer_and_another_stream_other_answers(lab):
    ask_twice = "a = language_model.prompt('e', 'm')[0]\nb = language_model.prompt('e', 'm')[0]\nreturn helpers.extract_code({})"
    both = [run(lab, ask_twice.format(one)).program for one in "ab"]
    at_once = run(lab, "return helpers.extract_code(language_model.prompt('e', 'm', n_responses=2)[1])").program
    elsewhere = run(lab, ask_twice.format("a"), stream=("other",)).program
    assert both[0] != both[1] == at_once
    assert elsewhere not in both


def test_an_improver_run_is_a_fact(lab):
    first = run(lab, "return helpers.extract_code(language_model.prompt('e', 'm')[0])")
    asked = len(lab.model.asked)
    assert run(lab, "return helpers.extract_code(language_model.prompt('e', 'm')[0])") == first
    assert len(lab.model.asked) == asked == 1


def test_a_model_that_fails_stores_nothing_of_the_run(lab):
    class Broken(Guesser):
        def complete(self, request, addresses):
            raise OSError("the line is cut")

    broken = make_lab(lab.store.path, lab.sandbox, Broken())
    with pytest.raises(OSError, match="the line is cut"):
        run(broken, "try:\n    language_model.prompt('e', 'm')\nexcept Exception:\n    return initial_solution")
    assert not list(broken.store.abouts("improvement"))


def test_solutions_that_fail_are_told_apart_from_scores(lab):
    judge = utility(lab)
    assert judge.score(Program("def f(x):\n    return 0.25\n")).value == 0.25
    for text, reason in [
        ("def f(x):\n    return float('nan')\n", "error"),
        ("def f(x):\n    return 'high'\n", "invalid answer: not a number"),
        ("def f(x):\n    return None\n", "invalid answer: not a number"),
        ("def f(x):\n    return 1 / 0\n", "error: ZeroDivisionError"),
        ("def f(x):\n    return 'a' * 3_000_000\n", "output"),
        ("def f(x:\n", "syntax error"),
        ("def f(x):\n    while True: pass\n", "time"),
    ]:
        score = judge.score(Program(text))
        assert score.value is None, text
        assert score.reason.startswith(reason), (text, score.reason)
        assert score.number == 0.0


def test_one_failed_instance_does_not_zero_the_others(lab):
    score = utility(lab).score(
        Program("calls = []\ndef f(x):\n    calls.append(x)\n    return 1.0 if len(calls) > 1 else [][0]\n")
    )
    assert (score.value, score.parts, score.failures) == (0.5, (0.0, 1.0), 1)


def test_an_improver_that_asks_one_by_one(lab):
    found = improve(lab, Program(asker(3)), Program(Number.start), utility(lab), ["s"], ALLOWANCE)
    assert (found.usage.calls, found.usage.scorings) == (3, 4)


def test_what_a_text_breaks_on_the_host_ends_that_call_alone_and_is_noted(lab):
    def choke(inputs):
        raise ValueError(f"cannot read {inputs[0][1]!r}")

    choking = make_lab(lab.store.path, lab.sandbox, Offline(choke))
    found = run(
        choking,
        "try:\n    language_model.prompt('e', '\\r')\nexcept RuntimeError as error:\n    assert 'could not answer' in str(error)\n"
        "    return 'def f(x): return 1.0'",
    )
    assert found.reason is None
    assert list(found.faults) == ["ask: ValueError: cannot read '\\r'"]
    assert [(one[1], one[2]) for one in choking.progress.take_events() if one[1] == "fault"] == [
        ("fault", *found.faults)
    ]


@pytest.mark.parametrize(
    ("brought", "said"),
    [
        (json.JSONDecodeError("Expecting value", "", 0), "JSONDecodeError: Expecting value"),
        (MemoryError(), "MemoryError"),
        (RecursionError("too deep"), "RecursionError: too deep"),
        (None, "TypeError"),
        (["a text"], "AttributeError"),
    ],
)
def test_what_a_model_of_somebodys_own_raises_is_its_failure_and_no_improvers(lab, brought, said):
    class Fails(Guesser):
        def complete(self, request, addresses):
            if isinstance(brought, Exception):
                raise brought
            return brought

    failing = make_lab(lab.store.path, lab.sandbox, Fails())
    with pytest.raises(ModelFailure, match=f"the model guesser failed: {said}"):
        run(failing, "return language_model.prompt('e', 'again')[0]")


def test_feedback_is_worked_out_once_and_calls_are_counted(lab, monkeypatch):
    asked = []
    judge = utility(lab)
    monkeypatch.setattr(judge, "feedback", lambda program: asked.append(program) or "no")
    text = "def improve_algorithm(s, u, m):\n    u(s)\n    for _ in range({}): u.feedback(s)\n    return s\n"
    found = improve(lab, Program(text.format(50)), Program(Number.start), judge, ["f"], ALLOWANCE)
    assert found.reason is None and len(asked) == 1
    monkeypatch.setattr("selftaught.sandbox.calls.CALLS", 100)
    found = improve(lab, Program(text.format(200)), Program(Number.start), judge, ["g"], ALLOWANCE)
    assert "more than 100 requests" in found.reason


def test_of_a_text_that_is_too_long_only_the_beginning_is_kept(lab):
    text = "def improve_algorithm(s, u, m):\n    assert u('x' * 5_000_000) == 0.0\n    return s\n"
    found = improve(lab, Program(text), Program(Number.start), utility(lab), ["long"], ALLOWANCE, 1)
    assert found.reason is None
    assert [len(lab.store.text(one.program)) for one in found.scored] == [100_001]
    assert run(lab, "return 'x' * 300_000").reason == "what it returned is no program: longer than 100,000 characters"


def test_feedback_is_free_as_often_as_anybody_needs_it_and_then_costs_a_scoring(lab):
    found = run(
        lab,
        "utility(initial_solution)\n"
        "asked = 0\n"
        "try:\n"
        "    while True:\n"
        "        utility.feedback(initial_solution)\n"
        "        asked += 1\n"
        "except helpers.BudgetExhausted:\n"
        "    return initial_solution + f'# {asked}'",
    )
    assert found.program.text.endswith("# 109"), "10 times for each of 10 scorings, then for each of the 9 left"
    assert found.usage.scorings == 10 and found.usage.refused == {"scorings": 1}


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("raise ValueError('oh')", "error: ValueError: oh"),
        ("language_model.prompt('e', 'm', n_responses=99)", "error: BudgetExhausted"),
        ("language_model.prompt('e', 'm', n_responses=10**10)", "error: BudgetExhausted"),
        ("while True: pass", "time"),
        ("return 'no code'", "what it returned is no program"),
        ("utility.keep('no code')\nraise ValueError('oh')", "error: ValueError: oh"),
        ("import os\nos._exit(3)", "error: ended itself"),
    ],
)
def test_what_was_kept_counts_however_the_run_ends(lab, end, reason):
    found = run(
        lab,
        "codes = helpers.extract_code(language_model.prompt('e', 'm', n_responses=3))\n"
        "utility.keep(codes[2])\n"
        "utility.keep(codes[0])\n"
        f"assert utility.keep(max(codes, key=utility)) is None\n{end}",
        Allowance(calls=4, responses=6, scorings=10, cpu_s=1),
    )
    assert found.reason.startswith(reason)
    assert found.program == found.kept[0] and utility(lab).score(found.program).value == found.first_score
    assert found.missed is None and len(found.kept) in (2, 3) and len(set(found.kept)) == len(found.kept)


def test_what_is_returned_comes_before_what_was_kept_and_of_much_that_was_kept_the_last_counts(lab):
    texts = [f"def f(x):\n    return 0.{i}\n" for i in range(1, 6)]
    found = run(lab, f"for text in {texts[:4]}: utility.keep(text)\nutility.keep({texts[1]!r})\nreturn {texts[4]!r}")
    assert found.reason is None and found.program.text == texts[4]
    assert [one.text for one in found.kept] == [texts[1], texts[3], texts[2]]
    assert found.usage.scorings == 0


@pytest.mark.parametrize(
    ("end", "missed"),
    [
        ("raise ValueError", 0.5),
        ("return initial_solution", 0.5),
        ("utility.keep(good)\nraise ValueError", None),
        ("return good", None),
    ],
)
def test_the_best_score_is_told_where_its_program_was_not_handed_in(lab, end, missed):
    good = "def f(x):\n    return 0.5\n"
    found = run(lab, f"good = {good!r}\nassert utility.map([initial_solution, good]) == [0.0, 0.5]\n{end}")
    assert found.missed == missed
    assert (found.program is None) == (end == "raise ValueError"), "it is told, not counted"


def test_the_papers_interface_keeps_nothing(lab):
    plain = Allowance(calls=4, responses=6, scorings=10, cpu_s=5, extensions=False)
    found = run(lab, "utility.keep(initial_solution)", plain)
    assert found.program is None and found.reason == "error: ValueError: there is no utility.keep in this run"


ODD = {
    "another name of the utility": "    return max(extract_code(answers), key=utility.score)\n",
    "a list given to it": "    found = extract_code(answers)\n    return max(zip(utility(found), found))[1]\n",
    "its name shown": "    utility.__name__.upper()\n    return answers and extract_code(answers)[0]\n",
    "an import that nobody uses": "    return extract_code(answers)[0]\n",
}
"""What a small model writes instead of what it was told, where that has one meaning."""
UNUSED = "from helpers import BudgetExhausted, extract_code, get_text_from_solution\n\n\n"
OPENING = 'def improve_algorithm(initial_solution, utility, language_model):\n    answers = language_model.prompt("e", "m", 2)\n'


@pytest.mark.parametrize("said", ODD)
def test_what_small_models_write_instead_is_understood(said, lab):
    found = improved(lab, UNUSED + OPENING + ODD[said])
    assert found.reason is None


def test_what_there_is_to_import_is_there_without_its_import(lab):
    caught = "    try:\n        utility.map(['x'] * 11)\n    except BudgetExhausted:\n        return extract_code(answers)[0]\n"
    assert improved(lab, "import helpers\n\n\n" + OPENING + caught).reason is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("    return get_text_from_solution(initial_solution)\n", "has no 'get_text_from_solution'"),
        ("    return get_text_from_solution.x\n", "has no 'get_text_from_solution'"),
        ("    return str(utility.map(initial_solution))\n", "a list of solutions is wanted, not one text"),
        ("    return utility.rank(initial_solution)\n", "no attribute 'rank'"),
    ],
)
def test_what_has_no_meaning_fails_where_it_is_used(body, why, lab):
    found = improved(lab, UNUSED + OPENING + body)
    assert why in found.reason


def test_feedback_numbers_no_instance_where_that_would_tell_the_splits_apart(lab):
    task, start = Number("one"), Program(Number.start)
    assert "Instance 2: grade 0.0000" in TaskUtility(lab, task, "test", ["x"], "practice").feedback(start)
    task = Number("two")
    task.instances = {"train": 2, "validation": 3, "test": 5}
    for split in ("train", "validation", "test"):
        said = TaskUtility(lab, task, split, ["x"], "practice").feedback(start)
        assert "An instance: grade 0.0000" in said and not re.search(r"nstance \d", said)
        assert said.count("An instance") == 2, "nor do the lines of it, by how many there are"


def test_what_an_improver_sends_is_bounded_in_all(lab, monkeypatch):
    monkeypatch.setattr("selftaught.sandbox.calls.BYTES", 1 << 20)
    text = "def improve_algorithm(s, u, m):\n    for i in range({}): u.keep('x' * 100_000)\n    return s\n"
    assert improve(lab, Program(text.format(5)), Program(Number.start), utility(lab), ["b"], ALLOWANCE).reason is None
    found = improve(lab, Program(text.format(50)), Program(Number.start), utility(lab), ["c"], ALLOWANCE)
    assert "requests of more than 1 MiB in all" in found.reason


def test_texts_that_are_no_programs_push_out_none(lab):
    good = "def f(x):\n    return 0.75\n"
    found = run(lab, f"utility.keep({good!r})\nfor i in range(9): utility.keep('(' * (i + 1))\n1 / 0")
    assert found.program.text == good and [one.text for one in found.kept] == [good]


def test_what_has_a_score_is_pushed_out_by_no_others_at_all(lab):
    good = "def f(x):\n    return 0.75\n"
    flood = "for i in range(99): utility.keep('(' * (i + 1))\n"
    found = run(lab, f"utility({good!r})\nutility.keep({good!r})\n{flood}1 / 0")
    assert [one.text for one in found.kept] == [good]
    assert run(lab, f"utility.keep({good!r})\n{flood}1 / 0").program is None


def test_a_rehearsal_keeps_no_more_than_a_run(lab):
    text = "def improve_algorithm(s, u, m):\n    for i in range(40): u.keep(str(i) * 3_000_000)\n    raise KeyError\n"
    outcome, _, handed = rehearsal(lab.compute, Program(text), PLAIN, ALLOWANCE)
    sizes: list[int] = []
    handed.latest(lambda one: bool(sizes.append(len(one))))
    assert outcome.kind == "error" and sizes == [MAX_CHARS + 1] * 24


@pytest.mark.parametrize("limit", ["wall_s", "stopping"])
def test_a_limit_and_a_stop_end_an_improver_that_sleeps(lab, limit):
    text = "def improve_algorithm(s, u, m):\n    u(s)\n    import time\n    time.sleep(100)\n"
    if limit == "stopping":
        own, raised = replace(lab, stopping=threading.Event()), Stopped
        threading.Timer(1.0, own.stopping.set).start()
    else:
        own, raised = replace(lab, spend=Spend(SpendLimits(wall_s=1.0))), SpendExhausted
    began = time.monotonic()
    with pytest.raises(raised):
        improve(own, Program(text), Program(Number.start), utility(own), ["sleeps", limit], ALLOWANCE)
    assert time.monotonic() - began < 20
