# strategies: iterative bandit
import math
import random

from helpers import extract_code

STYLES = ("Be bold.", "Be careful.", "Be fast.")


def improve_algorithm(initial_solution, utility, language_model):
    stats = {style: [0.0, 1e-9] for style in STYLES}
    state = (utility(initial_solution), initial_solution)
    for _ in range(language_model.budget):
        weights = [math.exp(stats[s][0] / stats[s][1]) for s in STYLES]
        style = random.choices(STYLES, weights)[0]
        text = style + "\n```python\n" + state[1] + "\n```\n" + utility.str
        reply = extract_code(language_model.prompt("Expert", text)[0])
        score = utility(reply)
        stats[style][0] += score - state[0]
        stats[style][1] += 1
        state = max(state, (score, reply))
    return state[1]
