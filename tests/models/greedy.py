def improve_algorithm(initial_solution, utility, language_model):
    """Asks as often as it may, and scores once."""
    from helpers import BudgetExhausted, extract_code

    found = [initial_solution]
    try:
        while True:
            found += extract_code(
                language_model.batch_prompt(
                    "expert", ["Again.\n" + initial_solution] * language_model.max_responses_per_call
                )
            )
    except BudgetExhausted:
        pass
    return max(found[-1:], key=utility)
