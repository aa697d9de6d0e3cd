# strategies: iterative
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    best, score = initial_solution, utility(initial_solution)
    for turn in range(language_model.budget):
        message = "Turn " + str(turn) + "\n" + "\n".join(["Improve this.", best, utility.str])
        for text in extract_code(language_model.prompt("Expert", message, 2)):
            found = utility(text)
            if found > score:
                best, score = text, found
    return best
