# strategies: iterative annealing
import math
import random
from dataclasses import dataclass

from helpers import extract_code


@dataclass
class Walker:
    judge: object
    place: str
    height: float
    warmth: float = 0.2

    def move(self, other):
        level = self.judge(other)
        drop = self.height - level
        if drop <= 0 or math.exp(-drop / self.warmth) > random.uniform(0, 1):
            self.place, self.height = other, level
        self.warmth *= 0.8
        return level


def improve_algorithm(initial_solution, utility, language_model):
    walker = Walker(utility, initial_solution, utility(initial_solution))
    top = (walker.height, walker.place)
    for _ in range(language_model.budget):
        said = language_model.prompt("You change programs.", "\n".join(["Change:", "```python", walker.place, "```", utility.str]))
        draft = extract_code(said[0])
        top = max(top, (walker.move(draft), draft))
    return top[1]
