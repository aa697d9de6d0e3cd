# strategies: iterative cache
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    known = {}

    def worth(text):
        try:
            return known[text]
        except KeyError:
            known[text] = utility(text)
            return known[text]

    best = initial_solution
    for _ in range(language_model.budget):
        message = "Improve this.\n" + best + "\n" + utility.str
        best = max([best, *extract_code(language_model.prompt("Expert", message, 2))], key=worth)
    return best
