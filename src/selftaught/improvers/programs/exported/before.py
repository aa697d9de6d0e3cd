# Outside of selftaught alone: what an improver imports as `helpers`, and is given. No part of the improver, which stands below.
import re as _re
import sys as _sys
import types as _types


class _BudgetExhausted(Exception):
    """A budget does not cover this call, nothing of which was done."""


def _extract_code(text, entry=None):
    """The last fenced block that is Python, or the text itself where it is; "" where there is none. Of a list one each."""
    if isinstance(text, (list, tuple)):
        return [_extract_code(one, entry) for one in text]
    blocks = _re.findall(r"^```[^\n]*\n(.*?)(?:^```|\Z)", text, _re.M | _re.S)
    for block in [*reversed(blocks), *([] if blocks else [text])]:
        try:
            compile(block, "<answer>", "exec")
        except (SyntaxError, ValueError):
            continue
        if "def " in block and (entry is None or f"def {entry}" in block):
            return block
    return ""


class _Utility:
    """A plain function of a program's text that returns a number, as improvers are given it."""

    def __init__(self, score):
        self._score, self._found, self._failed, self.kept = score, {}, set(), None
        self.str = getattr(score, "str", None) or (score.__doc__ or "").strip()
        self.budget = self._left = getattr(score, "budget", 50)

    def __call__(self, solution):
        return self.map([solution])[0]

    score = score_function = evaluate = __call__

    def map(self, solutions):
        if len(solutions) > self._left:
            raise _BudgetExhausted(f"{self.budget} scorings are used up")
        self._left -= len(solutions)
        return [self._scored(one)[0] for one in solutions]

    def _scored(self, solution):
        if solution not in self._found:
            try:
                value = float(self._score(solution))
                self._found[solution] = value, f"It scored {value:g}."
            except Exception as error:
                self._failed.add(solution)
                self._found[solution] = 0.0, f"It failed: {type(error).__name__}: {error}"
        return self._found[solution]

    def best(self):
        """What scored best; None where nothing has a score."""
        return max(
            (one for one in self._found if one not in self._failed), key=lambda one: self._found[one][0], default=None
        )

    def feedback(self, solution):
        if solution not in self._found:
            self.map([solution])
        return self._found[solution][1]

    def keep(self, solution):
        self.kept = solution


class _Model:
    """A plain function of one text that returns an answer, as improvers are given it."""

    def __init__(self, ask):
        self._ask = ask
        self.budget = self._left = getattr(ask, "budget", 20)
        self.max_responses_per_call = getattr(ask, "max_responses_per_call", 8)

    def prompt(self, expertise, message, n_responses=1, temperature=0.7):
        return self._asked(expertise, [message] * n_responses)

    def batch_prompt(self, expertise, message_batch, temperature=0.7):
        return self._asked(expertise, message_batch)

    def _asked(self, expertise, messages):
        calls = -(-len(messages) // self.max_responses_per_call)
        if calls > self._left:
            raise _BudgetExhausted(f"{self.budget} calls are used up")
        self._left -= calls
        return [self._ask(f"{expertise}\n\n{one}" if expertise else one) for one in messages]


_helpers, _other = _types.ModuleType("helpers"), _sys.modules.get("helpers")
_helpers.extract_code, _helpers.BudgetExhausted = _extract_code, _BudgetExhausted
_sys.modules["helpers"] = _helpers
