# strategies: iterative early-stop
from helpers import extract_code


class Search:
    def __init__(self, utility, model):
        self.utility, self.model = utility, model
        self.idle = 0

    def tries(self, text):
        reply = self.model.prompt("Expert", f"Improve\n```python\n{text}\n```\n{self.utility.str}", n_responses=4)
        return sorted(((self.utility(t), t) for t in extract_code(reply)), reverse=True)

    def run(self, text):
        held = (self.utility(text), text)
        for _ in range(self.model.budget):
            first = self.tries(held[1])[0]
            self.idle = 0 if first > held else self.idle + 1
            held = max(held, first)
            if self.idle == 2:
                break
        return held[1]


def improve_algorithm(initial_solution, utility, language_model):
    return Search(utility, language_model).run(initial_solution)
