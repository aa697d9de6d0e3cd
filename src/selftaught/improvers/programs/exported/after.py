def _outside(improve):
    def improve_algorithm(initial_solution, utility, language_model):
        """The improver at work on the text of a program.

        `utility` is a function of such a text that returns a number, the higher the better; its docstring says what is wanted,
        its attribute `budget` how many scorings there are (50). `language_model` is a function of a text that returns an
        answer; its attributes `budget` (20 calls) and `max_responses_per_call` (8) bound it. A program that is scored is
        the business of `utility`: what a model has written had better run where it can harm nothing.
        """
        given = utility if hasattr(utility, "keep") else _Utility(utility)
        model = language_model if hasattr(language_model, "batch_prompt") else _Model(language_model)
        before, _sys.modules["helpers"] = _sys.modules.get("helpers"), _helpers
        try:
            found = improve(initial_solution, given, model)
        except Exception as error:
            found = getattr(given, "kept", None) or (given.best() if isinstance(given, _Utility) else None)
            if found is None and not isinstance(error, _BudgetExhausted):
                raise
            said = "what it found by then" if found else "the program to begin with"
            print(f"the improver ended with {type(error).__name__}: {error}; {said} is returned", file=_sys.stderr)
        finally:
            _restored(before)
        return found if isinstance(found, str) else getattr(given, "kept", None) or initial_solution

    return improve_algorithm


def _restored(module):
    _sys.modules.pop("helpers", None)
    if module is not None:
        _sys.modules["helpers"] = module


_restored(_other)
improve_algorithm = _outside(improve_algorithm)
