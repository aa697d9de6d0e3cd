# strategies: iterative hints cache
from helpers import extract_code

IDEAS = {"speed": "Make it faster.", "size": "Make it shorter.", "depth": "Search deeper.", "luck": "Add randomness."}


def improve_algorithm(initial_solution, utility, language_model):
    memory = {}

    def grade(text):
        hit = memory.get(text)
        if hit is None:
            hit = memory[text] = utility(text)
        return hit

    leader = initial_solution
    grade(leader)
    for kind, idea in list(IDEAS.items())[: language_model.budget]:
        for text in extract_code(language_model.prompt(kind, f"{idea}\n```python\n{leader}\n```\n{utility.str}", 4)):
            if grade(text) > grade(leader):
                leader = text
    return leader
