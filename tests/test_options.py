"""Options of commands: each declared once, shown in groups, and set by the command line, the environment or a file."""

import inspect
import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, get_args, get_origin

import pytest
import typer.main
from shared.command import called, one_line, selftaught

from selftaught.cli import app
from selftaught.cli import runs as running
from selftaught.cli.defaults import defaults
from selftaught.cli.options import Budget, Recursion, RoundSpending
from selftaught.errors import UsageError
from selftaught.store import Store

COMMANDS = typer.main.get_command(app).commands
BEGINNING = ("run", "resume", "compare", "experiment")


def options(name):
    return {max(one.opts, key=len): one for one in COMMANDS[name].params if one.param_type_name == "option"}


def test_what_is_an_option_of_several_commands_is_the_same_for_all():
    """Of one type and one meaning; only the tasks and repetitions are those of the command's own thing."""
    found = {}
    for name in COMMANDS:
        for title, one in options(name).items():
            if one.rich_help_panel:
                annotation = get_args(inspect.signature(COMMANDS[name].callback).parameters[one.name].annotation)[0]
                found.setdefault(title, {})[name] = annotation, one.help
    for title, by_command in found.items():
        if title not in {"--tasks", "--repetitions", "--model", "--proposer", "--improver", "--rounds"}:
            assert len({said for _, said in by_command.values()}) == 1, title
        if title not in {
            "--model",
            "--proposer",
            "--improver",
        }:  # an experiment may be of several; not all have a default
            assert len({str(annotation) for annotation, _ in by_command.values()}) == 1, title


def test_every_budget_is_there_for_both_kinds_of_improver_runs():
    fields = {name.replace("_", "-") for name in Budget.__dataclass_fields__}
    assert {f"--{name}" for name in fields} | {f"--outer-{name}" for name in fields} <= options("run").keys()


def test_every_limit_limits_something():
    for name in RoundSpending.__dataclass_fields__:
        limits = RoundSpending(**{name: 3}).limits()
        assert limits != RoundSpending().limits(), name


@pytest.fixture(scope="module")
def helps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("help")
    return {name: selftaught(*name.split(), "-h", cwd=folder).stdout for name in ("", "run", "compare", "resume")}


def test_help_begins_with_the_everyday_five_and_stands_in_groups(helps):
    titles = re.findall(r"^(\S.*):$", helps["run"], re.M)
    assert titles == [
        "Everyday options",
        "What is done",
        "Model that writes improvers, where it is another (--model works inside them)",
        "Budget of an improver run on a task",
        "Budget of an improver run on an improver; --calls holds for both",
        "Spending: where the run stops, to be resumed",
        "Where and how",
        "Options",
    ]
    everyday = helps["run"].split("Everyday options:")[1].split("What is done:")[0]
    assert re.findall(r"^  (--\S+)", everyday, re.M) == ["--model", "--tasks", "--improver", "--rounds", "--seed"]
    assert "SELFTAUGHT_STORE for --store" in " ".join(helps["run"].split())
    assert "\x1b" not in "".join(helps.values()) and "╭" not in "".join(helps.values())
    assert "Exit codes" in helps[""]


def test_help_is_there_at_once(tmp_path):
    """Without what figures, sandbox or models need; `python -m benchmarks startup` has the CPU seconds."""
    assert selftaught("--help", cwd=tmp_path).returncode == 0
    script = "import sys, selftaught.cli as c\ntry: c.main()\nfinally: print([*sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script, "run", "--help"], cwd=tmp_path, capture_output=True, text=True)
    for heavy in ("'rich", "'numpy", "'sqlite3", "'selftaught.runs", "'selftaught.lab", "'selftaught.store"):
        assert heavy not in done.stderr, heavy


def test_the_version_is_told(tmp_path):
    assert re.fullmatch(r"selftaught \d+\.\d+\.\d+\n", selftaught("--version", cwd=tmp_path).stdout)


def test_without_a_command_the_help_is_shown(tmp_path):
    done = selftaught(cwd=tmp_path)
    assert done.returncode == 2 and "Commands:" in done.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("selftaught run --tasks formula:tr", {"train"}),
        ("selftaught run --tasks formula:", {"train", "test"}),
        ("selftaught run --tasks=formula:tr", {"train"}),
        ("selftaught tasks formula:te", {"test"}),
        ("selftaught run --model openai:", {""}),
        ("selftaught run --model off", {"offline", "offline:generic"}),
        ("selftaught run --accept=pa", {"paper"}),
        ("selftaught experiment lp", {"lpn"}),
    ],
)
def test_bash_completes_also_where_it_takes_a_word_apart(tmp_path, typed, offered):
    """What bash makes of the words at a key press: `compgen` tells, by its own word breaks."""
    script = f"""
        shopt -s progcomp; COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
        eval "$(selftaught --show-completion bash)"
        show() {{ _selftaught_completion selftaught; printf '%s\\n' "${{COMPREPLY[@]}}" >{tmp_path}/offered; COMPREPLY=(); }}
        complete -F show selftaught
    """
    (tmp_path / "rc").write_text(script)
    controller, terminal = pty.openpty()
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TERM": "dumb"}
    command = ["bash", "--noprofile", "--rcfile", str(tmp_path / "rc"), "-i"]
    child = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=env, cwd=tmp_path)
    try:
        os.write(controller, f"{typed}\t".encode())
        deadline = time.monotonic() + 60
        while not (tmp_path / "offered").exists() or not (tmp_path / "offered").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        child.kill()
        child.wait()
        os.close(controller)
        os.close(terminal)
    assert set((tmp_path / "offered").read_text().splitlines()) == offered


@pytest.mark.parametrize(
    ("words", "last", "among"),
    [
        ("selftaught ru", 1, {"run", "runs"}),
        ("selftaught run --ro", 2, {"--rounds", "--round-dollars", "--round-minutes"}),
        ("selftaught run --accept ", 3, {"gate", "paper"}),
    ],
)
def test_a_shell_can_complete(tmp_path, words, last, among):
    asked = {"_SELFTAUGHT_COMPLETE": "complete_bash", "COMP_WORDS": words.replace(" ", "\n"), "COMP_CWORD": str(last)}
    done = selftaught(cwd=tmp_path, env={**os.environ, **asked})
    assert set(done.stdout.split()) == among, done


@pytest.mark.parametrize(
    ("words", "chance"),
    [
        ("compare seed --tasks lpn --repetitions 1 --cpu-s 6000", "6000 s of an improver run ÷ 1,048,576 seeds"),
        ("run --tasks lpn --rounds 1 --outer-cpu-s 80000", "80000 s of an improver run"),
        ("run --tasks lpn --rounds 1", "300 s of an improver run"),
    ],
)
def test_a_small_seed_is_said_to_be_guessable_within_what_the_run_allows(tmp_path, words, chance):
    done = called(*words.split(), "--seed", "1000000", "--max-cpu-minutes", "0.0001", "--store", "s.db", cwd=tmp_path)
    assert f"seed 1000000 can be guessed: 2 guesses per CPU second × {chance}" in done.stderr


def test_runs_of_the_store_are_completed(tmp_path):
    for store, runs in (("a.db", 11), (".selftaught/store.db", 2)):
        with Store(tmp_path / store) as facts:
            for _ in range(runs):
                facts.start({}, {})
    for words, last, among in (
        ("selftaught show ", 2, {"1", "2"}),
        ("selftaught show --store a.db 1", 4, {"1", "10", "11"}),
        ("selftaught delete 1 --store none.db ", 5, set()),
    ):
        asked = {
            "_SELFTAUGHT_COMPLETE": "complete_bash",
            "COMP_WORDS": words.replace(" ", "\n"),
            "COMP_CWORD": str(last),
        }
        done = selftaught(cwd=tmp_path, env={**os.environ, **asked})
        assert set(done.stdout.split()) == among, done
    (tmp_path / "selftaught.toml").write_text('store = "a.db"\n')
    asked = {"_SELFTAUGHT_COMPLETE": "complete_bash", "COMP_WORDS": "selftaught\nshow\n1", "COMP_CWORD": "2"}
    assert set(selftaught(cwd=tmp_path, env={**os.environ, **asked}).stdout.split()) == {"1", "10", "11"}
    (tmp_path / "selftaught.toml").write_text("store = ")
    assert selftaught(cwd=tmp_path, env={**os.environ, **asked}).stdout.split() == []


def test_completion_can_be_installed(tmp_path):
    env = {**os.environ, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = selftaught("--show-completion", "bash", cwd=tmp_path, env=env)
    assert "complete -o default -F _selftaught_completion selftaught" in shown.stdout
    assert selftaught("--install-completion", "bash", cwd=tmp_path, env=env).returncode == 0
    assert "selftaught" in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["run", "--rounds", "x"], "'--rounds'"),
        (["run", "--accept", "never"], "'--accept'.*gate.*paper"),
        (["run", "--nonsense"], "--nonsense"),
        (["run", "stray"], "stray"),
        (["run", "--rounds"], "--rounds"),
        (["resume"], "'RUN'"),
        (["resume", "one"], "'RUN'"),
        (["compare"], "IMPROVER"),
        (["rnu"], "rnu.*run"),
        (["run", "--concurrency", "0"], "--concurrency is 0"),
        (["run", "--price", "1"], "--price is '1'"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_read_is_one_line(tmp_path, args, said):
    done = called(*args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("selftaught: ") and re.search(said, line), line


# where defaults come from --------------------------------------------------------------------------------------------


def settings(folder, *args, env=None, command="run"):
    """What a command says that is called with something it refuses at once."""
    done = called(command, *args, cwd=folder, env={**os.environ, **(env or {})})
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_the_command_line_counts_before_the_environment_and_that_before_the_file(tmp_path):
    assert "--rounds is -3" in settings(tmp_path, "--rounds", "-3")
    (tmp_path / "selftaught.toml").write_text("rounds = -1\n")
    assert "--rounds is -1" in settings(tmp_path)
    assert "--rounds is -2" in settings(tmp_path, env={"SELFTAUGHT_ROUNDS": "-2"})
    assert "--rounds is -3" in settings(tmp_path, "--rounds", "-3", env={"SELFTAUGHT_ROUNDS": "-2"})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda path: path.symlink_to("/dev/zero"), "it has more than 16 KiB"),
        (os.mkfifo, "it is a pipe"),
        (lambda path: path.write_text(f"[{'.'.join('a' * 50_000)}]\nx = 1"), "it has more than 16 KiB"),
        (lambda path: path.write_text(f"[{'.'.join('a' * 8_000)}]\nx = 1"), "[a] is the name of no command"),
        (lambda path: path.write_text(f"seed = 0x{'f' * 5000}"), "seed has a number of too many digits"),
        (lambda path: path.write_text(f"tasks = [0x{'f' * 5000}]"), "tasks has a number of too many digits"),
    ],
    ids=["a device", "a pipe", "a long key", "a key of many parts", "a long number", "a long number in a list"],
)
def test_a_file_that_is_no_such_is_refused_at_once(tmp_path, made, said):
    made(tmp_path / "selftaught.toml")
    done = selftaught("runs", cwd=tmp_path)
    assert done.returncode == 2 and said in one_line(done)


@pytest.mark.parametrize(
    "words",
    [
        ("exec", "pipe", "--entry", "f"),
        ("replay", "pipe"),
        ("run", "--model", "scripted:pipe"),
        ("run", "--improver", "pipe"),
        ("run", "--tasks", "pipe"),
        ("improve", "pipe", "--score", "pipe"),
        ("improve", "program.py", "--cases", "cases", "--run", "cat", "--about", "x"),
        ("tasks", "--check", "pipe.py"),
        ("merge", "pipe"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_pipe_in_the_place_of_a_file_is_not_waited_at(tmp_path, words):
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "a.out").touch()
    (tmp_path / "program.py").write_text("def f(): return 1\n")
    for name in ("pipe", "pipe.py", "cases/a.in"):
        os.mkfifo(tmp_path / name)
    done = called(*words, cwd=tmp_path)
    assert done.returncode in {1, 2} and "Traceback" not in done.stderr


def test_a_command_that_may_spend_says_what_a_file_has_set(tmp_path):
    (tmp_path / "selftaught.toml").write_text('[run]\nbase-url = "http://127.0.0.1:1"\n')
    assert "set by selftaught.toml: --base-url" in settings(tmp_path)


@pytest.mark.parametrize("name", BEGINNING)
def test_every_option_of_a_group_has_a_variable(name):
    for title, one in options(name).items():
        if one.rich_help_panel:
            assert one.envvar == "SELFTAUGHT_" + title.lstrip("-").replace("-", "_").upper()
        else:
            assert one.envvar is None


def written(folder, text, monkeypatch):
    path = folder / "some.toml"
    path.write_text(text)
    monkeypatch.setenv("SELFTAUGHT_CONFIG", str(path))
    return defaults(COMMANDS)


def test_a_key_counts_for_all_commands_that_have_the_option_and_a_table_for_one(tmp_path, monkeypatch):
    text = 'model = "offline"\nstore = "x.db"\ntasks = ["lpn"]\nmax-dollars = 2\nimprover = "beam"\n[compare]\ncsv = "c.csv"\n'
    found = written(tmp_path, text + 'model = "openai:m"\n[experiment]\nmodel = ["a", "b"]\nplan = true\n', monkeypatch)
    assert found["run"] == {
        "model": "offline",
        "store": "x.db",
        "tasks": ["lpn"],
        "max_dollars": 2,
        "improver": "beam",
    }
    assert found["compare"]["model"] == "openai:m" and found["compare"]["csv"] == "c.csv"
    assert found["experiment"]["model"] == ["a", "b"] and found["experiment"]["plan"] is True
    assert found["show"] == {"store": "x.db"}, "its --improver is another option"


def test_every_option_of_the_groups_may_be_set_by_a_file(tmp_path, monkeypatch):
    values = {int: 7, float: 0.5, bool: True, str: "x", Path: "x", list[str]: ["x"]}
    for name in BEGINNING:
        for title, one in options(name).items():
            if not one.rich_help_panel:
                continue
            wanted = get_args(inspect.signature(COMMANDS[name].callback).parameters[one.name].annotation)[0]
            wanted = next((each for each in get_args(wanted) if type(None) in get_args(wanted)), wanted)
            value = values[wanted] if wanted in values else get_args(wanted)[0]
            text = f"[{name}]\n{title.lstrip('-')} = {json.dumps(value)}\n"
            assert written(tmp_path, text, monkeypatch)[name] == {one.name: value}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rounds = 'x'", "rounds is 'x': a whole number is needed"),
        ("rounds = true", "rounds is True: a whole number is needed"),
        ("rounds = 1.5", "rounds is 1.5: a whole number is needed"),
        ("max-dollars = '2'", "max-dollars is '2': a number is needed"),
        ("json = 1", "json is 1: true or false is needed"),
        ("tasks = [1]", r"tasks is \[1\]: a text or a list of texts is needed"),
        ("accept = 'never'", "accept is 'never': one of gate, paper is needed"),
        ("store = 3", "store is 3: a text is needed"),
        ("speed = 3", "speed is the name of no option"),
        ("csv = 'x'", "csv is the name of no option"),
        ("[run]\nspeed = 3", "run.speed is the name of no option"),
        ("[runs]\nrounds = 3", "runs.rounds is the name of no option"),
        ("[sprint]\nrounds = 3", r"\[sprint\] is the name of no command"),
        ("[run.inner]\ncalls = 3", "run.inner is the name of no option"),
        ("rounds = ", "is not TOML"),
        (f"rounds = {'9' * 5000}", "is not TOML"),
        (f"rounds = {'[' * 5000}{']' * 5000}", "is not TOML"),
        ("\xff", "is not TOML"),
    ],
)
def test_what_a_file_cannot_mean_is_one_line_naming_file_and_key(tmp_path, monkeypatch, text, said):
    with pytest.raises(UsageError, match=said) as error:
        (tmp_path / "some.toml").write_bytes(text.encode("latin-1"))
        monkeypatch.setenv("SELFTAUGHT_CONFIG", str(tmp_path / "some.toml"))
        defaults(COMMANDS)
    assert str(tmp_path / "some.toml") in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_is_named_has_to_be_there(tmp_path):
    done = called("runs", cwd=tmp_path, env={**os.environ, "SELFTAUGHT_CONFIG": "nowhere.toml"})
    assert done.returncode == 2 and "nowhere.toml cannot be read" in one_line(done)


def test_a_variable_that_cannot_be_read_is_named(tmp_path):
    said = settings(tmp_path, env={"SELFTAUGHT_ROUNDS": "many"})
    assert "'--rounds'" in said and "set by SELFTAUGHT_ROUNDS" in said


def test_the_groups_are_the_librarys_own_defaults():
    from selftaught.settings import Settings

    base, own = Settings(""), Recursion()
    assert (own.rounds, own.accept, own.worker, own.controls) == (
        base.rounds,
        base.accept,
        base.worker,
        base.controls,
    )
    for name in ("repetitions", "validation", "test"):
        assert f"[default: {getattr(base, name)}]" in options("run")[f"--{name}"].help


def test_a_group_is_made_of_annotated_fields_only():
    for name in COMMANDS:
        for one in inspect.signature(COMMANDS[name].callback).parameters.values():
            assert get_origin(one.annotation) is Annotated


def test_the_requests_at_once_reach_the_model_and_are_kept_for_who_resumes(tmp_path, monkeypatch):
    from selftaught.budget.spend import SpendLimits
    from selftaught.lab.progress import Progress
    from selftaught.runs import carry, model
    from selftaught.settings import Settings
    from selftaught.settings.choice import ModelChoice

    asked = Settings("", ModelChoice("openai:m", "http://127.0.0.1:1/v1"))
    opened = model.open_model(asked.model, concurrency=3)
    assert opened.concurrency == 3
    opened.close()
    seen = []

    def refuse(*_, concurrency):
        seen.append(concurrency)
        raise UsageError("seen")

    monkeypatch.setattr(model, "open_model", refuse)
    with Store(tmp_path / "s.db") as store:
        run = store.start(asked.plain(), carry.circumstances("strict", SpendLimits(), 3))
        for given in (None, 5):
            with pytest.raises(UsageError, match="seen"):
                carry.carry(run, store, Progress(), concurrency=given)
    assert seen == [3, 5]


@pytest.mark.parametrize(
    ("given", "outer"), [((), 6), (("--calls", "9"), 9), (("--calls", "9", "--outer-calls", "2"), 2)]
)
def test_calls_hold_for_both_levels(tmp_path, monkeypatch, given, outer):
    asked = []

    def agree(settings, *_):
        asked.append(settings)
        raise UsageError("enough is known")

    monkeypatch.setattr(running, "agree", agree)
    assert called("run", *given, cwd=tmp_path).stderr.endswith("enough is known\n")
    assert asked[0].outer.calls == outer and asked[0].inner.calls == (9 if given else 6)
