"""Whatever bytes a guest leaves or sends: the host neither crashes nor blocks nor grows past its caps."""

from __future__ import annotations

import json
import math
import os
import socket
import struct
import tracemalloc

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from selftaught.sandbox import Attempt, Attempts, Job, Limits, Outcome, Sandbox, together
from selftaught.sandbox.calls import MAX_REQUEST, Desk, Frames, request
from selftaught.sandbox.guest import wire
from selftaught.sandbox.reader import MAX_DEPTH, MAX_NODES, Unreadable, outcomes, plain
from selftaught.sandbox.syscalls import syscall

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)
PIECES = st.sampled_from(
    [b"[", b"]", b"{", b"}", b'"', b",", b":", b"1", b"-", b"e999", b".5", b"NaN", b"Infinity", b"-Infinity", b"null",
     b"true", b"\\ud800", b"\\u0000", b"\xff", b"\xed\xa0\x80", b'"answer"', b'"error"', b"9" * 5000, b"[" * 5000, b" "]
)  # fmt: skip
MESSES = st.binary(max_size=200) | st.lists(PIECES, max_size=40).map(b"".join)


@given(VALUES)
def test_plain_data_is_read_as_it_is(value: object) -> None:
    assert plain(json.dumps(value, ensure_ascii=False).encode()) == value


@given(MESSES)
def test_other_bytes_are_unreadable_or_plain(data: bytes) -> None:
    try:
        value = plain(data)
    except Unreadable as error:
        assert str(error)
    else:
        assert plain(json.dumps(value, allow_nan=False).encode()) == value


@pytest.mark.parametrize(
    "data",
    [
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" + b"1," * MAX_NODES + b"1]",
        b"[" * 900_000,
        b"9" * 5000,
        b"1e999",
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b"\xef\xbb\xbf1",
        b"",
    ],
    ids=range(9),
)
def test_what_is_past_the_caps_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        plain(data)


@pytest.mark.parametrize("piece", [b"[],", b"1,", b"1e1,", b'"ab",', b'{"a":1},', b"[[[[]]]],", b'"' * 3, b'"a', b"["])
def test_reading_a_whole_request_never_takes_more_than_some_dozen_mebibytes(piece: bytes) -> None:
    worst = b"[" + piece * (MAX_REQUEST // len(piece) - 2) + b"1]"
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            plain(worst)
        assert tracemalloc.get_traced_memory()[1] < 48 << 20
    finally:
        tracemalloc.stop()


def test_marks_within_texts_are_no_values() -> None:
    program = 'f("[{,:", \'\\\\"\', "\\", {1: [2, 3]})\n' * 20_000
    assert plain(json.dumps([program, program[::-1]]).encode()) == [program, program[::-1]]


@given(MESSES, st.integers(0, 6), st.integers(0, 1 << 16), st.binary(max_size=300))
@example(b"", wire.ENDED, 127, b"")
def test_any_ending_with_any_bytes_is_an_outcome(data: bytes, ending: int, status: int, printed: bytes) -> None:
    results = os.memfd_create("r")
    try:
        size = len(data) if ending == wire.ANSWERED else 0
        os.write(results, wire.RECORD.pack(ending, status, 1, 1, size, len(printed), 0, 0) + data + printed)
        (outcome,) = outcomes(results, 1, 1024, Limits())
    finally:
        os.close(results)
    assert outcome.kind == "answer" or outcome.error
    outcome.error.encode()
    outcome.output.encode()


def noted(notes: bytes, *counts: tuple[int, int]) -> Outcome:
    """An answer that comes with these notes and counts."""
    data, pairs = b'["answer",1]', b"".join(wire.REFUSED.pack(*pair) for pair in counts)
    results = os.memfd_create("r")
    try:
        record = wire.RECORD.pack(wire.ANSWERED, 0, 1, 1, len(data), 0, len(counts), len(notes))
        os.write(results, record + notes + data + pairs)
        return outcomes(results, 1, 1024, Limits())[0]
    finally:
        os.close(results)


def test_counts_are_read_by_name_and_forged_notes_left_out() -> None:
    forged = [
        b"",
        b"[",
        b"{}",
        b'["open"]',
        b'["open", "x", true]',
        b'["open", "x", -1]',
        b'["open", "\\ud800", 1]',
        b"\xff",
    ]
    one = noted(b"\n".join([*forged, b'["open", "/x", 3]']), (101, 2), (1000, 1), (1023, 7)).denied
    assert one.calls == {syscall(101): 2, "call 1000": 1, "a call without a name": 7}
    assert one.noted == (Attempt("open", "/x", 3),)
    flood = noted(b"\n".join([b'["%s", "%s", 3]' % (b"e" * 999, b"w" * 9999)] * 999)).denied
    assert len(flood.noted) == wire.MOST_NOTES
    assert max(len(note.event) + len(note.what) for note in flood.noted) <= 80 + wire.LONGEST_NOTE


@given(st.binary(max_size=300))
def test_any_notes_are_an_outcome(notes: bytes) -> None:
    outcome = noted(notes)
    assert outcome.answer == 1
    json.dumps(outcome.denied.plain()).encode()


def test_attempts_of_several_are_added_up() -> None:
    first, again = (
        Attempts({"clone": 1}, (Attempt("os.fork", "", 2),)),
        Attempts({"clone": 2, "kill": 1}, (Attempt("os.fork", "", 2),)),
    )
    assert together([first, Attempts(), again]) == Attempts({"clone": 3, "kill": 1}, (Attempt("os.fork", "", 2),))
    assert together([Attempts(), Attempts()]).plain() == {"calls": None, "noted": []}
    assert [bool(one) for one in (Attempts(), Attempts({}), first)] == [False, False, True]


def answered(data: bytes) -> Outcome:
    results = os.memfd_create("r")
    try:
        os.write(results, wire.RECORD.pack(wire.ANSWERED, 0, 1, 1, len(data), 0, -1, 0) + data)
        return outcomes(results, 1, 1024, Limits())[0]
    finally:
        os.close(results)


def with_arrays(value: object, data: bytes) -> bytes:
    text = json.dumps(["answer", value]).encode()
    return b"\0" + wire.SIZE.pack(len(text)) + text + data


@given(st.sampled_from(sorted(wire.DTYPES)), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
def test_arrays_are_read_value_by_value_or_not_at_all(dtype: str, shape: list[int], draw: st.DataObject) -> None:
    form = f"{math.prod(shape)}{wire.DTYPES[dtype]}"
    data = draw.draw(st.binary(min_size=struct.calcsize(form), max_size=struct.calcsize(form)))
    flat = list(struct.unpack(form, data))
    outcome = answered(with_arrays({"a": [1, {wire.ARRAY: [dtype, shape]}]}, data))
    if not all(math.isfinite(value) for value in flat):
        assert (outcome.kind, outcome.answer) == ("error", None)
        return
    nested = flat
    for side in reversed(shape[1:]):
        nested = [nested[i : i + side] for i in range(0, len(nested), side)]
    assert outcome.answer == {"a": [1, nested]}


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ({wire.ARRAY: ["float64", [2]]}, bytes(15)),
        ({wire.ARRAY: ["float64", [2]]}, bytes(17)),
        ({wire.ARRAY: ["object", [1]]}, bytes(8)),
        ({wire.ARRAY: ["float64", []]}, bytes(8)),
        ({wire.ARRAY: ["float64", [0]]}, b""),
        ({wire.ARRAY: ["float64", [-1, -1]]}, bytes(8)),
        ({wire.ARRAY: ["float64", [True]]}, bytes(8)),
        ({wire.ARRAY: ["float64", [1.0]]}, bytes(8)),
        ({wire.ARRAY: ["float64", 1]}, bytes(8)),
        ({wire.ARRAY: ["int8", [1 << 40, 1 << 40]]}, bytes(8)),
        ({wire.ARRAY: ["int8", [1] * 40]}, bytes(1)),
        ({wire.ARRAY: ["int8", [MAX_NODES]]}, bytes(MAX_NODES)),
        ([{wire.ARRAY: ["int8", [1]]}] * 2, bytes(1)),
        ([[{wire.ARRAY: ["int8", [1] * 31]}]], bytes(1)),
    ],
    ids=range(14),
)
def test_forged_arrays_are_no_plain_data(value: object, data: bytes) -> None:
    outcome = answered(with_arrays(value, data))
    assert (outcome.kind, outcome.answer) == ("error", None)
    assert "no plain data" in outcome.error


@given(MESSES)
def test_other_bytes_in_the_place_of_arrays_are_an_outcome(data: bytes) -> None:
    assert answered(b"\0" + data).kind == "error"


@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(1, 20))
def test_frames_are_cut_as_they_were_joined(frames: list[bytes], step: int) -> None:
    stream = b"".join(len(frame).to_bytes(4, "little") + frame for frame in frames)
    cutter = Frames()
    found = [frame for at in range(0, len(stream), step) for frame in cutter.feed(stream[at : at + step])]
    assert found == frames


def test_a_frame_that_announces_too_much_is_refused_at_once() -> None:
    with pytest.raises(Unreadable, match="too large"):
        Frames().feed((MAX_REQUEST + 1).to_bytes(4, "little"))


GOOD = {"id": 3, "call": "ask", "arguments": {"expertise": "e", "messages": ["m"], "temperature": 0.5}}


def test_a_good_request_passes() -> None:
    asked = request(json.dumps(GOOD).encode())
    assert (asked.number, asked.name, asked.arguments) == (3, "ask", GOOD["arguments"])


@pytest.mark.parametrize(
    "change",
    [
        {"id": -1}, {"id": True}, {"id": 1.0}, {"id": 1 << 60}, {"id": "1"}, {"call": "eval"}, {"call": None}, {"more": 1},
        {"arguments": []}, {"arguments": {}}, {"arguments": {**GOOD["arguments"], "stream": 1}},  # type: ignore[dict-item]
        {"arguments": {**GOOD["arguments"], "messages": "m"}}, {"arguments": {**GOOD["arguments"], "messages": [1]}},  # type: ignore[dict-item]
        {"arguments": {**GOOD["arguments"], "messages": ["m"] * 1002}}, {"arguments": {**GOOD["arguments"], "expertise": None}},  # type: ignore[dict-item]
        {"arguments": {**GOOD["arguments"], "temperature": True}}, {"arguments": {**GOOD["arguments"], "temperature": "hot"}},  # type: ignore[dict-item]
    ],
    ids=str,
)  # fmt: skip
def test_a_malformed_request_does_not(change: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        request(json.dumps({**GOOD, **change}).encode())


@given(st.lists(MESSES | st.just(json.dumps(GOOD).encode()), max_size=5), st.booleans())
@settings(deadline=None)
def test_any_bytes_at_the_desk_are_answered_or_end_the_guest(messages: list[bytes], framed: bool) -> None:
    stopped: list[bool] = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        desk = Desk(ours, {"ask": lambda **_: ["a"]}, lambda: stopped.append(True))
        theirs.sendall(b"".join((len(m).to_bytes(4, "little") if framed else b"") + m for m in messages))
        theirs.shutdown(socket.SHUT_WR)
        while desk.read():
            pass
        desk.close()
    assert bool(desk.breach) == bool(stopped)
    assert desk.failure is None


@given(MESSES, st.sampled_from([4, 5]))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_guest_that_writes_any_bytes_harms_only_itself(sandbox: Sandbox, data: bytes, fd: int) -> None:
    program = f"import os\ndef improve_algorithm(s, u, m):\n    os.write({fd}, {data!r})\n    return u(s)"
    honest = "def improve_algorithm(s, u, m): return u(s)"
    given = ("s", {"str": "", "budget": 1}, {"budget": 1, "max_responses_per_call": 1})

    def run(text: str, wall_s: float) -> object:
        job = Job(text, "improve_algorithm", (given,), (0,), Limits(cpu_s=1, wall_s=wall_s), "improver")
        return sandbox.run(job, {"utility": lambda **_: [0.5]})[0]

    assert run(program, 0.3).kind in ("answer", "error", "killed", "time", "output")  # type: ignore[attr-defined]
    assert run(honest, 60).answer == 0.5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "write",
    [
        "os.write(5, (9 << 20).to_bytes(4, 'little'))",
        "os.write(5, b'\\x02\\x00\\x00\\x00{}')",
        "stubs._channel.call('open', path='/etc/passwd')",
        "stubs._channel.call('utility', solutions=['a'], budget=9)",
        "stubs._channel.call('feedback', solution=['a'])",
        "stubs._channel.call('keep', solution=7)",
        "stubs._channel.call('utility', solutions=['a'] * 1002)",
    ],
)
def test_a_malformed_request_ends_the_improver(sandbox: Sandbox, write: str) -> None:
    program = f"import os, stubs, time\ndef improve_algorithm(s, u, m):\n    {write}\n    time.sleep(60)"
    given = ("s", {"str": "", "budget": 1}, {"budget": 1, "max_responses_per_call": 1})
    job = Job(program, "improve_algorithm", (given,), (0,), Limits(cpu_s=5), "improver")
    called: list[object] = []
    functions = dict.fromkeys(("utility", "feedback", "keep", "ask"), lambda **k: called.append(k))
    (outcome,) = sandbox.run(job, functions)  # type: ignore[arg-type]
    assert outcome.kind == "killed"
    assert "remote calls" in outcome.error
    assert called == []
