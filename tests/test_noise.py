"""Scorers that do not give the same twice, and what is measured in turns: luck and a busy machine must not win."""

import random
from itertools import count

import pytest

from selftaught.evidence.statistics import flipped_p
from selftaught.lab.turns import TURNS, in_turns
from selftaught.program import Program
from selftaught.runs.noise import Repeating, noise
from selftaught.sandbox import Job, Limits, Outcome
from selftaught.task import Instance
from selftaught.testing import Number, make_lab
from selftaught.utility import TaskUtility

START, OTHERS = Program("start"), [Program(f"other {i}") for i in range(12)]
NOISES = {
    "normal": lambda rng: rng.gauss(0, 1),
    "skewed": lambda rng: rng.expovariate(1) ** 3,
    "two values": lambda rng: float(rng.random() < 0.3),
    "without a mean": lambda rng: rng.gauss(0, 1) / (abs(rng.gauss(0, 1)) + 1e-9),
    "two peaks": lambda rng: rng.gauss(10 * (rng.random() < 0.1), 0.1),
}


class Noisy:
    """Scores of pure chance, each a fact of its own; some programs are better by what `gains` says."""

    measures = False

    def __init__(self, rng, made, gains=None):
        self.facts = {}
        self.rng, self.made, self.gains = rng, made, gains or {}

    def fact(self, program, again=0):
        if (program, again) not in self.facts:
            value = self.made(self.rng) + self.gains.get(program, 0.0)
            self.facts[program, again] = {"value": value, "grades": [value]}
        return self.facts[program, again]


def after(judge, rounds, sign=1, most=16):
    """What is the best after so many rounds in which a few more programs are scored each time."""
    best, told = START, []
    for t in range(1, rounds + 1):
        seen = OTHERS[: 4 * t]
        better = [one for one in seen if sign * judge.fact(one)["value"] > sign * judge.fact(best)["value"]]
        better.sort(key=lambda one: -sign * judge.fact(one)["value"])
        trial = Repeating(judge, sign, most).tried(best, better, t)
        best, told = trial.best, [*told, *([trial.told] if trial.told else [])]
    return best, told


@pytest.mark.parametrize("kind", NOISES)
def test_pure_chance_is_called_better_in_at_most_5_percent(kind):
    rng, runs = random.Random(kind), 200
    wrong = sum(after(Noisy(rng, NOISES[kind]), 3, rng.choice((1, -1)))[0] != START for _ in range(runs))
    assert wrong <= 0.05 * runs


def test_without_repeating_chance_would_win_nearly_always():
    rng = random.Random(1)
    judges = [Noisy(rng, NOISES["normal"]) for _ in range(100)]
    assert sum(max(one.fact(p)["value"] for p in OTHERS) > one.fact(START)["value"] for one in judges) > 80


def test_a_gain_beyond_the_noise_is_found_whatever_scored_best_first():
    rng = random.Random(2)
    found = [after(Noisy(rng, NOISES["normal"], {OTHERS[2]: 2.0}), 1)[0] for _ in range(200)]
    assert found.count(OTHERS[2]) > 120
    assert sum(one not in {START, OTHERS[2]} for one in found) <= 10


def test_a_clear_difference_is_seen_early_and_told_with_its_interval():
    judge = Noisy(random.Random(3), NOISES["normal"], {OTHERS[0]: -50.0})
    best, (told,) = after(judge, 1, sign=-1)
    assert best == OTHERS[0]
    assert told["taken"] and told["repetitions"] == 8
    assert told["difference"]["high"] < -45
    assert told["p"] == 1 / 256
    seen = noise(judge, START, [told])
    assert seen["scores"] == 10
    assert 0.3 < seen["spread"] < 3


def test_what_fails_when_it_is_scored_again_is_not_taken():
    judge = Noisy(random.Random(4), NOISES["normal"], {OTHERS[0]: 50.0})
    judge.facts[OTHERS[0], 5] = {"value": None, "grades": []}
    best, (told,) = after(judge, 1)
    assert best == START
    assert told["difference"] is None and not told["taken"]


def test_noise_is_noticed_by_a_second_scoring():
    assert Repeating(Noisy(random.Random(5), NOISES["normal"]), 1, 16).noisy(START)
    assert not Repeating(Noisy(random.Random(5), lambda _: 1.0), 1, 16).noisy(START)


def test_p_values_by_flipping_signs_are_exact_for_few_pairs_and_near_for_more():
    assert flipped_p([1.0] * 8) == 1 / 256
    assert flipped_p([1.0, -1.0]) == 0.75
    assert flipped_p([]) == 1.0
    rng = random.Random(6)
    small = sum(flipped_p([rng.gauss(0, 1) for _ in range(16)]) <= 0.05 for _ in range(300))
    assert 3 <= small <= 28  # 15 are expected


class Busy:
    """A sandbox on a machine that is slower or faster from one measuring to the next: what a program takes is its work times that."""

    level, slots = "none", 1

    def __init__(self, work):
        self.work, self.speed, self.ran = work, count(), []

    def run(self, job, functions=None, look=None):
        slow = (1, 7, 3, 5)[next(self.speed) // (2 * TURNS) % 4]
        self.ran.append(job.program)
        return tuple(
            Outcome("answer", 1.0, cpu_s=slow * self.work[job.program] * (i + 1)) for i in range(len(job.inputs))
        )

    def close(self):
        pass


def test_what_a_program_takes_is_told_in_the_seconds_of_the_starts_first_measurement(tmp_path):
    busy = Busy({"start": 2.0e-3, "half": 1.0e-3})
    lab = make_lab(tmp_path / "s.db", busy)
    job = Job("half", "f", ((1,), (2,)), (0, 0), Limits())
    took = (0.2, 0.4)
    for _ in range(8):  # at whatever moment
        used = in_turns(lab, job, "start", took)[1]
        assert [one.start_cpu_s for one in used] == [0.2, 0.4]
        assert [one.cpu_s for one in used] == pytest.approx([0.1, 0.2])
    assert busy.ran[: 2 * TURNS] == ["half", "start", "start", "half", "half", "start"]


def test_a_program_that_fails_is_not_measured_in_turns(tmp_path):
    class Failing(Busy):
        def run(self, job, functions=None, look=None):
            return tuple(Outcome("error", error="x") for _ in super().run(job))

    busy = Failing({"start": 1.0, "half": 1.0})
    outcomes, used = in_turns(make_lab(tmp_path / "s.db", busy), Job("half", "f", ((1,),), (0,)), "start", (1.0,))
    assert (outcomes[0].kind, used, busy.ran) == ("error", [], ["half"])


class Frugal(Number):
    """The grade is the share of the start's time that a program saves."""

    start = "start"

    def grade(self, instance: Instance, answer, used=None):
        return max(0.0, 1 - used.cpu_s / used.start_cpu_s)


def test_a_task_of_ones_own_sees_what_a_solution_used_in_its_grade(tmp_path):
    task = Frugal()
    assert task.measures and not Number().measures
    steady = Busy({"start": 2.0e-3, "half": 1.0e-3})
    steady.run = lambda job, functions=None, look=None: tuple(
        Outcome("answer", 1.0, cpu_s=steady.work[job.program]) for _ in job.inputs
    )
    lab = make_lab(tmp_path / "s.db", steady)
    utility = TaskUtility(lab, task, "train", 0, "practice")
    assert utility.score(Program("start")).value == 0
    assert utility.score(Program("half")).value == pytest.approx(0.5)
    (about, body), _ = sorted(lab.store.every("score"), key=lambda one: one[0]["program"] != Program("start").digest)
    assert body["measured"] and body["cpu_s"] == [2.0e-3, 2.0e-3]
    assert about["utility"][-1] == "in turns"
