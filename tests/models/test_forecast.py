"""What is said of a run's cost and time before, while and after it, beside what came of it: real runs against a real server."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest
from faultserver import FaultServer, completion

from selftaught.lab.progress import Beside, Progress
from selftaught.runs.forecast import Forecast
from selftaught.runs.spans import Span
from selftaught.views.running import line

SMALL = (
    "run --tasks formula:test/1 --test-tasks formula:test/1 --rounds 2 --repetitions 1 --validation 1 --test 1 --calls 2 "
    "--responses 2 --scorings 4 --outer-calls 1 --outer-responses 2 --outer-scorings 3 --controls basic --seed 5 "
    "--model openai:m --price 1,2"
)
ANSWER = """```python
def improve_algorithm(initial_solution, utility, language_model):
    found = language_model.prompt("expert", "Better.\\n" + initial_solution)[0]
    return max([initial_solution, found], key=utility)
```"""
RANGE = re.compile(r"probably ([\d,]+)(?: to ([\d,]+))? answers(?:, \$([\d.,e-]+)(?: to \$([\d.,e-]+))?)?")


def behave(body, nth):
    return completion([ANSWER] * body.get("n", 1), usage=(300, 100 * body.get("n", 1)))


def started(folder, server, *words, **more):
    command = [sys.executable, "-m", "selftaught", *words, "--base-url", server.url, "--store", str(folder / "s.db")]
    return subprocess.Popen(command, cwd=folder, text=True, **more)


def ranges(said):
    """Each range that is said: answers, and dollars or None."""
    found = []
    for match in RANGE.finditer(said):
        low, high, least, most = (text and float(text.replace(",", "")) for text in match.groups())
        found.append(((low, high or low), (least, most or least) if least else None))
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Two runs on one store, the second with a limit: what each said on standard error, and its document.

    The first answer takes longer than it is from one line of progress to the next: a line is said while it is waited for.
    """
    folder, found = tmp_path_factory.mktemp("told"), []

    def slow_at_first(body, nth):
        time.sleep(0 if nth else 5)
        return behave(body, nth)

    with FaultServer(slow_at_first, latency=0.05) as server:
        for more in ([], ["--max-dollars", "0.5", "--seed", "6"]):
            words = [*SMALL.split(), *more, "--yes", "--json"]
            with started(folder, server, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
                document, said = run.communicate(timeout=150)
            found.append((said, json.loads(document)))
        found.append(server.seen)
    return found


@pytest.mark.slow
def test_before_a_run_a_range_stands_beside_the_bound_with_dollars_once_they_are_known(told):
    (first, _), (second, document), _ = told
    for said in (first, second):
        before = said[: said.index("Run ")]
        bound = int(re.search(r"at most ([\d,]+) answers", before)[1].replace(",", ""))
        ((low, high), _) = ranges(before)[0]
        assert 0 < low < high <= bound
        assert high <= 10 * low
    assert ranges(first)[0][1] is None, "nothing is known of the price of answers that none was bought of"
    (low, high), (least, most) = ranges(second)[0]
    used = document["usage"]
    assert low <= used["responses"] <= high
    assert least <= used["dollars_spent"] <= most <= 10 * least


@pytest.mark.slow
def test_each_finished_round_is_one_line_with_what_was_spent_and_a_sharper_range(told):
    for said, document in told[:2]:
        lines = [text for text in said.splitlines() if re.match(r"round \d of 2 (accepted|kept)", text)]
        assert [text.split()[1] for text in lines] == ["1", "2"]
        for text, one in zip(lines, document["rounds"][1:], strict=True):
            assert one["reason"] in text
            assert ("accepted" in text.split(":")[0]) == one["accepted"]
            ((low, high), (least, most)) = ranges(text)[0]
            assert high <= 3 * low and most <= 3 * least
        spent = [int(re.search(r"· ([\d,]+) answers, \$", text)[1]) for text in lines]
        assert 0 < spent[0] <= spent[1] <= document["usage"]["responses"]


@pytest.mark.slow
def test_the_lines_between_say_what_is_waited_for_k_of_n_and_the_time_left(told):
    said = told[0][0]
    assert "waits for the model: " in said
    steps = [tuple(map(int, found)) for found in re.findall(r", (\d+) of (\d+) improver runs", said)]
    assert steps and all(0 <= k <= n for k, n in steps)
    assert re.search(r"^ +\d+ s, .* left · ", said[said.index("round 1 of 2 ") :], re.MULTILINE)


@pytest.mark.slow
def test_at_the_end_stand_time_answers_tokens_dollars_and_commands_that_work(told):
    for said, document in told[:2]:
        used = document["usage"]
        tokens = used["tokens_in"] + used["tokens_out"]
        lines = said.splitlines()
        last = lines[next(i for i, text in enumerate(lines) if text.startswith("It took ")) :][:2]
        assert f"{used['responses']:,} answers of {tokens:,} tokens, for ${used['dollars_spent']:,.4f}." in last[0]
        seconds = float(re.match(r"It took (\d+) s", last[0])[1])
        assert abs(seconds - used["wall_s"]) <= 1
        for command in re.findall(r"`selftaught ((?:show|lineage) [^`]*)`", last[1]):
            done = subprocess.run(
                [sys.executable, "-m", "selftaught", *command.split()], capture_output=True, check=False
            )
            assert done.returncode == 0, done.stderr
        assert f"compare run:{document['run']} seed" in last[1]


@pytest.mark.parametrize(("typed", "bought"), [("n", 0), pytest.param("t\nn", 16, marks=pytest.mark.slow)])
def test_the_range_is_shown_before_the_question_and_a_trial_buys_a_few_answers_and_says_more(tmp_path, typed, bought):
    """At a terminal, where nothing is known of the price."""
    more = [
        "--calls",
        "6",
        "--responses",
        "4",
        "--outer-calls",
        "4",
        "--outer-responses",
        "4",
        "--outer-scorings",
        "12",
    ]
    ours, theirs = pty.openpty()
    said, answers = "", typed.split("\n")
    words = [*SMALL.split(), *more, "--improver", "greedy"]
    with (
        FaultServer(behave) as server,
        started(tmp_path, server, *words, stdin=theirs, stdout=theirs, stderr=theirs) as run,
    ):
        os.close(theirs)
        until = time.monotonic() + 100
        while run.poll() is None and time.monotonic() < until:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                said += os.read(ours, 65536).decode()
            except OSError:
                break
            if answers and said.count("Go on?") > len(typed.split("\n")) - len(answers):
                assert ranges(said.replace("\r\n", "\n")), "the range comes before the question"
                os.write(ours, answers.pop(0).encode() + b"\n")
        run.wait(timeout=90)
        assert run.returncode == 2
        assert sum(body.get("n", 1) for body in server.bodies) == bought
    os.close(ours)
    found = ranges(said)
    assert found[0][1] is None
    assert len(found) == (2 if bought else 1)
    if bought:
        assert found[1][1] is not None, "a trial tells the price"
        assert "resume 1" in said


def test_how_far_a_limit_goes():
    some = Forecast(Span(100, 400), Span(1.0, 4.0))
    assert some.within(0.5) == "$0.5 go 12% to 50% of the way"
    assert some.within(2.0) == "$2 may end it early, at worst after 50%"
    assert some.within(4.0) == ""
    assert Forecast(Span(100, 400)).within(0.1) == ""


def test_a_range_that_is_shown_is_no_narrower_than_it_is():
    assert str(Forecast(Span(109, 1011), Span(0.0279, 0.1301))) == "probably 100 to 1,100 answers, $0.027 to $0.14"


def test_k_of_n_counts_what_is_certain_in_its_phase_alone_and_nothing_that_is_begun_ahead():
    progress = Progress()
    progress.phase("one")
    progress.expect(3)
    progress.step()
    Beside(progress).step()
    Beside(progress).expect(7)
    assert "one, 1 of 3 improver runs · waits for the sandbox" in line(progress.snapshot().plain())
    progress.phase("two")
    assert "two · waits" in line(progress.snapshot().plain())
    progress.left(50, 200)
    assert "s, 50 s to 3 min left" in line(progress.snapshot().plain())
