# strategies: iterative tree ucb
import math

from helpers import extract_code


class Node:
    def __init__(self, program, up=None):
        self.program, self.up, self.below = program, up, []
        self.visits, self.sum = 0, 0.0

    def urge(self):
        if not self.visits:
            return float("inf")
        return self.sum / self.visits + 0.7 * (math.log(self.up.visits) / self.visits) ** 0.5


def improve_algorithm(initial_solution, utility, language_model):
    root, best = Node(initial_solution), (utility(initial_solution), initial_solution)
    for _ in range(language_model.budget):
        node = root
        while node.below:
            node = max(node.below, key=Node.urge)
        answers = language_model.prompt("Expert", f"Improve\n```python\n{node.program}\n```\n{utility.str}", 2)
        for program in extract_code(answers):
            child = Node(program, node)
            node.below.append(child)
            value = utility(program)
            best = max(best, (value, program))
            while child:
                child.visits, child.sum, child = child.visits + 1, child.sum + value, child.up
    return best[1]
