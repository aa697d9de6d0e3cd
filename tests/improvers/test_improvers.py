"""The improvers in the box, in this process, against a fake model and a fake utility that count every step."""

import itertools
import random
import re
import sys
from collections import Counter

import pytest

from selftaught.errors import UsageError
from selftaught.improvers import found, load, names
from selftaught.sandbox.guest import helpers
from selftaught.sandbox.guest.helpers import BudgetExhausted, extract_code
from selftaught.sandbox.guest.programs import defect

START = "def value():\n    return 10\n\n\ndef unused():\n    return 0\n"
TARGET = 30
ALL = names()
BOX = [name for name in ALL if name not in ("seed", "seed-paper")]
SEARCHES = [name for name in BOX if name not in ("best-of-n", "chain-of-thought")]


class Utility:
    """Higher is better the nearer `value()` is to the target; 0.0 for what is no such program."""

    str = "Minus the distance of value() to a number that is not told."

    def __init__(self, budget):
        self.budget = budget
        self.scored = Counter()

    def __call__(self, solution):
        return self.map([solution])[0]

    def map(self, solutions):
        solutions = list(solutions)
        if self.scored.total() + len(solutions) > self.budget:
            raise BudgetExhausted("scorings")
        self.scored.update(solutions)
        return [1 / (1 + abs(found - TARGET)) if (found := value_of(text)) is not None else 0.0 for text in solutions]

    def feedback(self, solution):
        assert solution in self.scored, "feedback on what was never scored costs a scoring"
        return "Still some way off."


def value_of(text):
    found = re.search(r"def value\(\):\n +return (-?\d+)", text)
    return int(found[1]) if found and defect(text, "value") is None else None


class Model:
    """Answers with the function `say(message, temperature)`; counts calls as the host does."""

    def __init__(self, say, budget, max_responses_per_call):
        self.budget, self.max_responses_per_call = budget, max_responses_per_call
        self.say, self.calls, self.messages = say, 0, []

    def prompt(self, expertise, message, n_responses=1, temperature=0.7):
        return self.batch_prompt(expertise, [message] * n_responses, temperature)

    def batch_prompt(self, expertise, message_batch, temperature=0.7):
        assert isinstance(expertise, str)
        assert 0 <= temperature <= 1.5
        self.calls += -(-len(message_batch) // self.max_responses_per_call)
        if self.calls > self.budget:
            raise BudgetExhausted("calls")
        self.messages += message_batch
        return [self.say(message, temperature) for message in message_batch]


def editor(rng):
    """A model that moves the number in the first program shown by a few steps, now and then answering nonsense."""

    def say(message, temperature):
        program = extract_code(message)
        shown = value_of(program)
        if shown is None or rng.random() < 0.1:
            return rng.choice(["", "I cannot.", "```python\ndef value(:\n```"])
        step = rng.randint(-3, 3)
        return f"An idea.\n```python\n{program.replace(f'return {shown}', f'return {shown + step}', 1)}```"

    return say


def run(monkeypatch, name, say, budget=4, responses=6, scorings=25, start=START):
    """The improver's answer, its utility and its model."""
    monkeypatch.setitem(sys.modules, "helpers", helpers)
    space = {"__name__": "candidate"}
    exec(compile(load(name).text, name, "exec"), space)
    random.seed(0)
    utility, model = Utility(scorings), Model(say, budget, responses)
    return space["improve_algorithm"](start, utility, model), utility, model


@pytest.mark.parametrize("name", BOX)
@pytest.mark.parametrize("budget", [0, 1, 2, 4, 7])
def test_budgets_are_kept_and_a_program_comes_back(monkeypatch, name, budget):
    for responses, scorings in itertools.product([1, 2, 6], [0, 1, 2, 3, 9, 25]):
        found, utility, model = run(monkeypatch, name, editor(random.Random(1)), budget, responses, scorings)
        assert model.calls <= budget
        assert utility.scored.total() <= scorings
        assert value_of(found) is not None or name == "chain-of-thought"


@pytest.mark.parametrize("name", BOX)
def test_useless_answers_leave_the_start(monkeypatch, name):
    for answer in ["", "no", "```python\ndef value(:\n```", "```python\n```", f"```\n{START}```", "``````"]:
        found, utility, _ = run(monkeypatch, name, lambda message, temperature, answer=answer: answer)
        assert found == START or (name == "chain-of-thought" and found == extract_code(answer))
        assert max(utility.scored.values(), default=1) == 1


@pytest.mark.parametrize("name", BOX)
def test_the_same_answers_give_the_same_program(monkeypatch, name):
    first, second = (run(monkeypatch, name, editor(random.Random(5)))[0] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", BOX)
def test_nothing_is_scored_twice_and_the_best_is_returned(monkeypatch, name):
    found, utility, _ = run(monkeypatch, name, editor(random.Random(2)))
    assert max(utility.scored.values(), default=1) == 1
    distances = [abs(value_of(text) - TARGET) for text in utility.scored if value_of(text) is not None]
    assert abs(value_of(found) - TARGET) == min(distances, default=abs(value_of(found) - TARGET))


@pytest.mark.parametrize("name", ALL)
def test_every_message_shows_the_program_and_the_utility(monkeypatch, name):
    _, utility, model = run(monkeypatch, name, editor(random.Random(3)))
    assert model.messages
    for message in model.messages:
        assert utility.str in message
        assert "```python\n" in message
        assert value_of(extract_code(message)) is not None


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_goes_further_than_sampling_can(monkeypatch, name):
    """No single answer moves further than three steps, so only a search that builds on answers gets past 13."""
    found, _, _ = run(monkeypatch, name, editor(random.Random(4)), budget=12, scorings=73)
    assert 13 < value_of(found) <= TARGET


def test_sampling_does_not(monkeypatch):
    found, _, model = run(monkeypatch, "best-of-n", editor(random.Random(4)))
    assert value_of(found) == 13
    assert (model.calls, len(model.messages), len(set(model.messages))) == (4, 24, 1)
    assert run(monkeypatch, "seed", editor(random.Random(4)))[2].messages[0] == model.messages[0]


def test_chain_of_thought_asks_once_and_scores_nothing(monkeypatch):
    _, utility, model = run(monkeypatch, "chain-of-thought", editor(random.Random(4)))
    assert (model.calls, len(model.messages), utility.scored.total()) == (1, 1, 0)


@pytest.mark.parametrize("name", SEARCHES)
def test_running_out_of_tokens_keeps_what_was_reached(monkeypatch, name):
    say = editor(random.Random(6))
    left = iter(range(7))

    def until_tokens_end(message, temperature):
        if next(left, None) is None:
            raise BudgetExhausted("tokens")
        return say(message, temperature)

    found, utility, _ = run(monkeypatch, name, until_tokens_end)
    assert value_of(found) is not None
    assert utility.scored.total() > 1


@pytest.mark.parametrize("name", BOX)
def test_there_may_be_no_start_solution(monkeypatch, name):
    answer = f"```python\n{START}```"
    found, _, _ = run(monkeypatch, name, lambda message, temperature: answer, start="")
    assert found == START


def test_part_by_part_splices_parts_and_keeps_the_rest(monkeypatch):
    start = "import math\n\nSTEP = 1  # kept\n\n\n@staticmethod\ndef other():\n    return 1\n\n\ndef value():\n    return 10\n"
    answer = "```python\nimport cmath\n\n\ndef value():\n    return 12\n\n\ndef fresh():\n    return 2\n```"
    found, _, _ = run(monkeypatch, "part-by-part", lambda message, temperature: answer, start=start)
    assert value_of(found) == 12
    assert found.startswith("import math\n\nSTEP = 1  # kept\n")
    assert all(
        found.count(piece) == 1 for piece in ("import cmath", "def fresh", "@staticmethod\ndef other", "def value")
    )


def test_the_box_lists_what_it_holds():
    assert len(ALL) == 15
    assert sorted(ALL) == ALL
    assert all(defect(load(name).text, "improve_algorithm") is None for name in ALL)


def test_an_improver_may_be_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(load("greedy").text)
    assert load(str(file)) == load("greedy")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"x" * 500_000, "longer than 100,000"),
        (b"\xff\xfe", "cannot read"),
    ],
)
def test_a_file_that_holds_no_improver_is_refused(tmp_path, text, words):
    file = tmp_path / "mine.py"
    file.write_bytes(text)
    with pytest.raises(UsageError, match=words) as caught:
        load(str(file))
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_told_what_exists():
    with pytest.raises(UsageError, match=r"no improver and no file 'sed'.*annealing.*seed") as caught:
        load("sed")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", found())
def test_what_a_language_model_wrote_says_by_which_from_what_and_with_what_evidence(name):
    head = load(name).text.partition("\n\n")[0]
    assert name.startswith("found/") and name not in names()
    assert all(line.startswith("# ") for line in head.splitlines())
    assert "Written by a frontier language model, Claude" in head and "best-of-n" in head and "seed 9403" in head
    assert defect(load(name).text, "improve_algorithm") is None
