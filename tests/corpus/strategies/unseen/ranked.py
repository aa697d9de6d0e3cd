# strategies: iterative beam early-stop temperature
from helpers import extract_code


def ask(model, role, programs, goal, heat):
    return extract_code(model.batch_prompt(role, ["Refine.\n```python\n" + p + "\n```\n" + goal for p in programs], heat))


def improve_algorithm(initial_solution, utility, language_model):
    ranking = [[utility(initial_solution), initial_solution]]
    for step in range(language_model.budget):
        last = ranking[0][0]
        for text in ask(language_model, "Expert", [r[1] for r in ranking], utility.str, 1.0 - step * 0.2):
            ranking.append([utility(text), text])
        ranking.sort(reverse=True)
        del ranking[3:]
        if ranking[0][0] - last < 0.001:
            return ranking[0][1]
    return ranking[0][1]
