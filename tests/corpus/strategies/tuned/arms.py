# strategies: iterative ucb
from math import log, sqrt

from helpers import extract_code


class Arm:
    def __init__(self, text, value):
        self.text, self.total, self.count = text, value, 1

    def index(self, now):
        return self.total / self.count + sqrt(2 * log(now) / self.count)


def improve_algorithm(initial_solution, utility, language_model):
    arms = [Arm(initial_solution, utility(initial_solution))]
    finals = {initial_solution: arms[0].total}
    for step in range(1, language_model.budget + 1):
        arm = max(arms, key=lambda a: a.index(step + 1))
        message = "Improve\n```python\n{}\n```\n{}".format(arm.text, utility.str)
        text = extract_code(language_model.prompt("Expert", message)[0])
        value = utility(text)
        arm.total += value
        arm.count += 1
        arms.append(Arm(text, value))
        finals[text] = value
    return max(finals, key=finals.get)
