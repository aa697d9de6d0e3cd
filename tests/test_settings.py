"""Settings as they are stored and read back, whole ones and others."""

import json
from dataclasses import replace

import pytest

from selftaught.budget import Allowance
from selftaught.errors import UsageError
from selftaught.runs import kind_of
from selftaught.settings import Arm, Contest, Entrant, Plan, Settings
from selftaught.settings.audits import Audit, Hacking
from selftaught.settings.choice import ModelChoice, Price
from selftaught.settings.own import Own

SERVED = ModelChoice("openai:m", base_url="http://x/v1", price=Price(0.1, 0.2), extra_body={"a": [1]}, max_tokens=5)
RECURSION = Settings("0" * 64, SERVED, ("lpn", "sat"), proposer=ModelChoice("openai:n"), itself=Allowance(calls=2))
CONTEST = Contest((Entrant("a", "0" * 64), Entrant("b", "1" * 64)), SERVED, limit=20, margin=0.1)
WHOLE = {
    "recursion": RECURSION,
    "comparison": CONTEST,
    "experiment": Plan("lpn", "ours", "why", (Arm("x", RECURSION), Arm("y", Settings("1" * 64))), 3, CONTEST, True),
    "own": Own("0" * 64, "/p.py", "/s.py", "1" * 64, packages=("scipy",), files=("/d",), model=SERVED, rounds=2),
    "audit": Audit("0" * 64, SERVED, 7, 10),
    "hacking": Hacking("0" * 64, SERVED, inner=Allowance(tokens=9)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_stored_reads_back(name):
    plain = json.loads(json.dumps(WHOLE[name].plain()))
    assert kind_of(plain).read(plain) == WHOLE[name]


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("recursion", {"inner": {"calls": "x"}}, "the setting calls is 'x': a whole number is needed"),
        ("recursion", {"inner": {"strange": 1}}, "the setting 'strange', which this selftaught does not know"),
        ("recursion", {"outer": None}, "the setting outer is None: an object is needed"),
        ("recursion", {"itself": 5}, "the setting itself is 5: an object is needed"),
        ("recursion", {"proposer": 3}, "the setting proposer is 3: an object is needed"),
        ("recursion", {"tasks": 3}, "the setting tasks is 3: a list is needed"),
        ("recursion", {"tasks": [1]}, "a list, each a text, is needed"),
        ("recursion", {"model": 3}, "the setting model is 3"),
        ("recursion", {"model": None}, "the setting model is None"),
        ("recursion", {"price": "x"}, "the setting price is 'x'"),
        ("recursion", {"price": [1]}, "the setting price is [1]: two numbers are needed"),
        ("recursion", {"extra_body": 3}, "the setting extra_body is 3"),
        ("recursion", {"accept": "maybe"}, "one of gate, paper is needed"),
        ("comparison", {"entrants": [{"nam": "a"}]}, "the setting 'nam'"),
        ("comparison", {"entrants": [3]}, "an object is needed"),
        ("comparison", {"proposer": {}}, "the setting 'proposer'"),
        ("experiment", {"arms": 3}, "a list is needed"),
        ("experiment", {"arms": [{"name": "x"}]}, "no setting 'settings'"),
        ("experiment", {"contest": 3}, "the setting contest is 3"),
        ("own", {"files": 3}, "the setting files is 3"),
        ("own", {"program": None}, "the setting program is None: a text is needed"),
        ("hacking", {"inner": [1]}, "the setting inner is [1]: an object is needed"),
        ("audit", {"kind": ["audit"]}, "of the kind ['audit']"),
    ],
)
def test_what_is_not_whole_is_told_in_the_words_of_settings(name, change, said):
    plain = json.loads(json.dumps({**WHOLE[name].plain(), **change}))
    with pytest.raises(UsageError) as told:
        kind_of(plain).read(plain)
    assert said in str(told.value)


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_missing_is_taken_for_granted_or_named(name):
    plain = WHOLE[name].plain()
    for field in plain:
        rest = {key: value for key, value in plain.items() if key != field}
        try:
            found = kind_of(rest).read(rest)
        except UsageError as error:
            assert f"no setting {field!r}" in str(error) or field == "kind"
        else:
            assert replace(found) == found
