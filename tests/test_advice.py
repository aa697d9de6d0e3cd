"""Of two programs in one answer that do the same, the one is taken that its words speak for, wherever it stands."""

import pytest

from selftaught.sandbox.guest.helpers import extract_code

GOOD = "def f(x):\n    return x + 1\n"
BAD = "def f(x):\n    # a program that is longer than the one which is meant\n    y = x - 1\n    return y\n"

BAD_LAST = [
    ("I recommend this one:", "One could also do it by hand, but I advise against it:"),
    ("Use this:", "A longer version, which I would not recommend:"),
    ("Here is my program:", "Please ignore this earlier version:"),
    ("Here is my program:", "This is what we had:"),
    ("Here is my program:", "It replaces this:"),
    ("Here is my program:", "Another approach, but less efficient:"),
    ("Here is my program:", "A variant I considered and rejected:"),
    ("Here is my program:", "As opposed to:"),
    ("Here is my program:", "It is much faster than"),
    ("My submission:", "Other possibility, riskier:"),
    ("Option A (simple, recommended):", "Option B (more complex; I'd not use it):"),
    ("Use this:", "If you can't use the built-in, here's a slower alternative:"),
    ("Here you go:", "Your code, for comparison:"),
    ("Final version:", "The code you posted:"),
    ("Here is the program:", "Don't use the following, it overflows:"),
    ("Here is the program:", "I decided against this one:"),
    ("Here is the program:", "A more naive way would be:"),
    ("Here is the program:", "What I tried first:"),
    ("Here is the program:", "The version from the question:"),
    ("Here is the program:", "It would be a mistake to write:"),
    ("Here is the program:", "The following is deprecated:"),
    ("Here is the program:", "An equivalent that should not be submitted:"),
    ("Here is the program:", "A less elegant solution:"),
    ("Here is the program:", "For those who like loops, a clumsy version:"),
    ("Here is the program:", "Not chosen:"),
    ("Here is the program:", "Unlike this one:"),
    ("### Answer", "### Starting point"),
    ("### Recommended", "### Not recommended"),
    ("Das ist die Lösung:", "Zum Vergleich das alte Programm:"),
    ("Hier ist das verbesserte Programm:", "Davon rate ich ab:"),
    ("Hier ist mein Programm:", "Nicht empfohlen:"),
    ("Voici le programme :", "Et l'ancien, pour comparaison :"),
    ("Voici le programme amélioré :", "La version précédente :"),
    ("Voici le programme :", "Je ne recommande pas celle-ci :"),
    ("Aquí está la solución:", "El programa anterior era:"),
    ("Aquí está la solución:", "No recomiendo esta otra versión:"),
    ("Aqui está o programa:", "A versão antiga:"),
    ("Ecco la soluzione:", "La versione precedente:"),
    ("Вот решение:", "Старая версия:"),
    ("改进后的代码:", "原来的代码:"),
    ("最终版本:", "不推荐的写法:"),
    ("以下是程序:", "之前的版本:"),
    ("最終版:", "以前のコード:"),
    ("최종 코드:", "이전 코드:"),
]
BAD_FIRST = [
    ("Here is a first version:", "Now let me simplify this:"),
    ("Here is my program:", "Wait, that is off by one. Let me fix it:"),
    ("Here is my first attempt:", "Here is a version which is faster than the original:"),
    ("The current program:", "Instead of the loop, use this:"),
    ("The program as given:", "An improved version of the original:"),
    ("Here is the old program:", "Here is the new one:"),
    ("We start from this:", "Rather than the loop above, I suggest this:"),
    ("Option A (not recommended):", "Option B (recommended):"),
    ("Here's the original code:", "It can be replaced with this:"),
    ("Version 1:", "Version 2:"),
    ("The slow way:", "A quicker way:"),
    ("Das bisherige Programm:", "Die Verbesserung:"),
    ("Le code d'origine :", "Le code amélioré :"),
    ("El código original:", "El código mejorado:"),
    ("Il codice originale:", "Il codice migliorato:"),
    ("Исходный код:", "Улучшенный код:"),
    ("原始代码:", "优化后的代码:"),
    ("修改前:", "修改后:"),
    ("元のコード:", "改善後のコード:"),
    ("기존 코드:", "개선된 코드:"),
    ("Step one:", "Step two:"),
]
AFTER = [
    "One way:\n\n{bad}\nThis is wrong for small numbers.\n\n{good}\n",
    "{good}\nThis is my final answer.\n\nA different one:\n{bad}\n",
    "{good}\n\n{bad}\nI would not use this one, as it is slow.\n",
    "{good}\n\n{bad}\nThe latter is only for illustration; do not use it.\n",
]


def block(program):
    return f"```python\n{program}```\n"


@pytest.mark.parametrize("entry", [None, "f"])
@pytest.mark.parametrize(("first", "second"), BAD_LAST)
def test_what_is_advised_against_is_not_taken_though_it_comes_last(first, second, entry):
    for gap in ("\n", "\n\n"):
        assert extract_code(f"{first}{gap}{block(GOOD)}{second}{gap}{block(BAD)}", entry) == GOOD


@pytest.mark.parametrize("entry", [None, "f"])
@pytest.mark.parametrize(("first", "second"), BAD_FIRST)
def test_what_was_there_before_is_not_taken_when_it_comes_first(first, second, entry):
    for gap in ("\n", "\n\n"):
        assert extract_code(f"{first}{gap}{block(BAD)}{second}{gap}{block(GOOD)}", entry) == GOOD


@pytest.mark.parametrize("entry", [None, "f"])
@pytest.mark.parametrize("text", AFTER)
def test_what_is_said_after_a_block_counts(text, entry):
    assert extract_code(text.format(good=block(GOOD), bad=block(BAD)), entry) == GOOD


@pytest.mark.parametrize(("good", "bad"), [("Improved version", "Original version"), ("Final", "Old, do not use")])
def test_titles_inside_the_blocks_count(good, bad):
    good, bad = f"# {good}\n{GOOD}", f"# {bad}\n{BAD}"
    for text in (block(good) + block(bad), block(bad) + block(good)):
        assert extract_code(text, "f") == good


def test_a_function_without_a_name_of_its_own_is_one_too():
    short = "f = lambda x: x + 1\n"
    assert extract_code(f"Old:\n{block(BAD)}New, in one line:\n{block(short)}") == short
