"""Nothing that a model wrote commands a terminal; files and JSON stay exact."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from selftaught.program import Program
from selftaught.store import Store
from selftaught.views import pictures, terminal
from selftaught.views.sheets import Bar, Column, Figure, Listing, Note, Panel, Series, Sheet, Words
from selftaught.views.tables import drawn

TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
HOSTILE = [
    *range(0x20),
    *range(0x7F, 0xA0),
    0xAD,
    0x061C,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    0xFEFF,
    0xE0041,
]
texts = st.text(st.one_of(st.characters(), st.sampled_from([*map(chr, HOSTILE), "\ud800", "\udfff"])))


def commanding(text):
    """The characters that a terminal obeys, turns letters round by, hides, or cannot be sent."""
    return [
        c
        for c in text
        if c not in "\n\t"
        and (unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(c) in TURNING)
    ] + [c for c in text if ord(c) in HOSTILE and c not in "\n\t"]


@given(texts)
def test_no_control_character_is_left(text):
    cleaned = terminal.clean(text)
    assert not commanding(cleaned)
    assert terminal.clean(cleaned) == cleaned


@given(
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))).map(
        lambda text: text.replace("\u3164", "")
    )
)
def test_what_is_safe_stays_as_it_is(text):
    shown = "".join(c for c in text if c not in "\u115f\u1160\uffa0\u3164")
    assert terminal.clean(shown + "\n\té日") == shown + "\n\té日"


def test_escapes_name_the_character():
    assert terminal.clean("\x1b[2J\x9b\x7f\u202e\u200b\ud800\U000e0041\r") == (
        r"\x1b[2J\x9b\x7f\u202e\u200b\ud800\U000e0041\r"
    )


@given(texts)
def test_no_sheet_sends_a_command(text):
    parts = [
        Sheet(text, [Column(text), Column(text, "score", whole=True)], [[text, Words(text, "good")], [None, 0.5]]),
        Sheet("", [Column(""), Column("")], [[text, text]]),
        Panel(text, [[Words(text, strong=True), Words(text)]]),
        Note(text, "unsure"),
        Listing(f"--- a\n+++ b\n+{text}"),
    ]
    for width in (20, 100):
        out = io.StringIO()
        Console(file=out, force_terminal=True, color_system=None, width=width, emoji=False).print(drawn(parts))
        assert not commanding(out.getvalue())


@given(texts)
def test_a_picture_is_always_whole(text):
    from xml.etree import ElementTree

    drawn_as = ElementTree.fromstring(pictures.intervals(Series(text, text, [Bar(text, Figure(0.5, None, None))])))
    assert drawn_as.tag.endswith("svg")


class Stream(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, tty):
        super().__init__()
        self.tty = tty

    encoding = "utf-8"

    def isatty(self):
        return self.tty


@given(texts)
def test_a_file_gets_the_exact_text_and_a_terminal_a_cleaned_one(text):
    file, screen = Stream(False), Stream(True)
    terminal.write(text, to=file)
    terminal.write(text, to=screen)
    assert file.getvalue().encode("utf-8") == text.encode("utf-8", "backslashreplace")
    assert screen.getvalue() == terminal.clean(text)


# --- the commands ------------------------------------------------------------------------------------------------------

EVIL = "\x1b]0;mine\x07\u202eevil\x9b2J"
IMPROVER = f'def improve_algorithm(initial_solution, utility, language_model):\n    """{EVIL}"""\n    return initial_solution\n'
FOUND = {"mean": 0.1, "low": 0.0, "high": 0.2, "n": 2, "about": EVIL, "method": EVIL}


def on_a_terminal(*args, cwd):
    """What a command sends to a terminal."""
    main, side = pty.openpty()
    command = [str(Path(sys.executable).parent / "selftaught"), *args]
    environment = {**os.environ, "TERM": "dumb", "NO_COLOR": "1"}
    process = subprocess.Popen(command, cwd=cwd, stdout=side, stderr=side, stdin=subprocess.DEVNULL, env=environment)
    os.close(side)
    sent = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        sent += piece
    process.wait(timeout=60)
    os.close(main)
    return sent.decode("utf-8").replace("\r\n", "\n")


def in_a_pipe(*args, cwd):
    command = [str(Path(sys.executable).parent / "selftaught"), *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, timeout=60).stdout.decode("utf-8")


@pytest.fixture
def store(tmp_path):
    """A store with a stopped recursion, all of whose texts are hostile."""
    with Store(tmp_path / "store.db") as facts:
        improver = facts.keep(IMPROVER)
        number = facts.start({"improver": improver, "model": "offline", "seed": 0}, {"sandbox": "strict", "limits": {}})
        one = {"round": 1, "worker": improver, "proposal": improver, "improver": improver, "accepted": False}
        arm = {"improver": improver, "test": FOUND, "per_task": {}, "responses": 1, "scorings": 1, "failed": 0}
        arms = {"seed": arm, "best_of_n": arm, "improved": arm}
        document = {
            **{"run": number, "model": EVIL, "seed": 0, "sandbox": "strict", "settings": {"improver": improver}},
            **{"tasks": [EVIL], "rounds": [{**one, "reason": EVIL, "train": None, "validation": FOUND, "test": FOUND}]},
            **{"arms": arms, "gain": {"gain": FOUND}, "discovery": {"answers": 1, "uses": None, "said": EVIL}},
            "verdict": {"against_seed": {"kind": "better", "difference": 0.1, **FOUND}},
        }
        facts.finish(number, "done", document)
    return tmp_path / "store.db"


@pytest.mark.parametrize("command", [("show", "1"), ("show", "1", "--improver"), ("lineage", "1")], ids=" ".join)
def test_a_command_sends_a_terminal_no_commands(store, command):
    said = on_a_terminal(*command, "--store", str(store), cwd=store.parent)
    assert not commanding(said), said
    assert r"\x1b]0;mine\x07\u202eevil\x9b2J" in said.replace("\n", "").replace(" ", ""), said


def test_a_program_goes_to_a_file_exactly_and_json_is_exact(store):
    assert in_a_pipe("show", "1", "--improver", "--store", str(store), cwd=store.parent) == IMPROVER
    said = json.loads(in_a_pipe("show", "1", "--json", "--store", str(store), cwd=store.parent))
    assert said["rounds"][0]["reason"] == EVIL
    shown = json.loads(in_a_pipe("show", "1", "--improver", "--json", "--store", str(store), cwd=store.parent))
    assert shown == {"digest": Program(IMPROVER).digest, "program": IMPROVER}


def test_an_improver_of_ones_own_and_an_outcome_command_no_terminal(tmp_path):
    (tmp_path / "p.py").write_text(IMPROVER)
    assert not commanding(on_a_terminal("improvers", "p.py", cwd=tmp_path))
    assert in_a_pipe("improvers", "p.py", cwd=tmp_path) == IMPROVER
    (tmp_path / "q.py").write_text("def f():\n    print('\\x1b]0;mine\\x07é')\n    raise ValueError('\\x1b[2J')\n")
    said = on_a_terminal("exec", "q.py", "--entry", "f", cwd=tmp_path)
    assert not commanding(said) and r"\x1b]0;mine\x07é" in said and r"ValueError: \x1b[2J" in said
    assert "\x1b]0;mine\x07é" in in_a_pipe("exec", "q.py", "--entry", "f", cwd=tmp_path)
