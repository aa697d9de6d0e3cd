"""How the host and the zygote talk: fixed records, no free text. Read by both sides.

The host opens *lines* (connections that keep message boundaries) by sending their ends through the zygote's door. A line
carries one job at a time: a `JOB` with three descriptors (payload, answers, output) and, for improvers, a fourth for
remote calls; the zygote replies with a `DONE`. A line that is shut down ends its job.

The payload is an index of sizes (the program, then each input) and the frames themselves. The zygote moves frames
without reading them. The results file begins with one `RECORD` for each input; then follows, in order, what was noted
within of what each tried, what it answered and printed, and as many `REFUSED` as the record says.
"""

from __future__ import annotations

import struct
from typing import Any, cast

JOB = struct.Struct("<IQQQQIQ")
"""Number of inputs; per input: CPU and wall limit in ns; bytes of address space, of output (all inputs), of an answer,
of files below /tmp (0: none can be written)."""
RECORD = struct.Struct("<BiQQIQiI")
"""Ending, wait status of the child (0 while it lives), CPU and wall time in ns, size of the answer, of what was printed,
how many kinds of call were refused (-1: nobody counted), size of what was noted."""
REFUSED = struct.Struct("<II")
"""The number of a call and how often it was refused."""
READY = struct.Struct("<QQ")
"""What a child sends when it has read its first input and before it runs any untrusted code: its CPU time and the time by the
clock, in ns."""
LARGE = 1 << 16
"""Bytes of an input that has a process of its own: what it takes to read it is not the program's."""
READING_NS = 500
"""CPU and wall time that reading a byte may take at most."""
DONE = struct.Struct("<?Q")
"""Whether every child could be set up; the peak resident memory in KiB."""
SIZE = struct.Struct("<I")

ANSWERED, OUT_OF_CPU, OUT_OF_TIME, ENDED, TOO_LARGE, FLOODED, STOPPED, FORGED = range(8)

ARRAY = "\0array"
"""An answer with arrays of numpy is a zero byte, the `SIZE` of its JSON, the JSON, and the arrays' bytes in the order in
which `{ARRAY: [dtype, shape]}` stands for them there."""
DTYPES = {"bool": "?", "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "uint16": "H", "uint32": "I",
          "uint64": "Q", "float32": "f", "float64": "d"}  # fmt: skip
"""The arrays that travel so, and the formats of their values in `struct`; others travel as lists."""

MAX_REQUEST = 8 << 20
"""Bytes of one remote call."""
MAX_LIST = 1000
"""Solutions or messages in one remote call; one more stands for any number that is more, and is refused."""

HONEY = "/srv/scorer/ran-outside"
"""What stands in texts that nobody but a scorer is to run, where it is to be seen whether somebody does (`lab/honey.py`)."""
PLACE = 64
"""How many descriptors a child may have; as the next one it finds its end of the hand-over of its filter's listener, which it
closes before it reads untrusted code, and which no descriptor can be again."""
NOTE = 1 << 31
"""In the size of a frame: it is no answer but a note of what the program tried; it comes before the answer of its input."""
ALL_NOTES = 1 << 16
"""Bytes of all notes of an input."""
MOST_NOTES = 32
"""An input's attempts that are noted within; the others are only counted, outside."""
LONGEST_NOTE = 400
"""Characters of one text in a note."""

COUNTED, OPENS_COUNTED = "refused calls counted", "opened files counted"
"""What a zygote calls the counting of attempts, when it can have it: of refused calls, of files opened out of bounds."""
FILES = "private files"
"""What a zygote calls the layer that gives a job a folder of its own, when it can put it up."""

TOTAL_OUTPUT = 64
"""All that a job prints may be this many times as large as what is kept of one input's output."""
TOTAL_ANSWERS = 16
"""All answers of a job together may be this many times as large as one."""

TUPLE, DICT = "\0tuple", "\0dict"
"""What stands for a tuple, and for a dict of which some key is no text, where a job keeps them: `{TUPLE: items}`,
`{DICT: pairs}`."""


def marked(value: Any) -> Any:
    """Plain data in which marks stand for tuples and for dicts with other keys than texts."""
    kind = cast("Any", type(value))
    if kind is list:
        return [marked(one) for one in value]
    if kind is tuple:
        return {TUPLE: [marked(one) for one in value]}
    if kind is dict:
        if all(type(key) is str for key in value):
            return {key: marked(one) for key, one in value.items()}
        return {DICT: [[marked(key), marked(one)] for key, one in value.items()]}
    return value


def revived(value: Any) -> Any:
    """What `marked` was given. Raises ValueError or TypeError for marks that it would not make."""
    kind = cast("Any", type(value))
    if kind is list:
        return [revived(one) for one in value]
    if kind is dict:
        if len(value) == 1 and TUPLE in value:
            return tuple(revived(one) for one in value[TUPLE])
        if len(value) == 1 and DICT in value:
            return {revived(key): revived(one) for key, one in value[DICT]}
        return {key: revived(one) for key, one in value.items()}
    return value
