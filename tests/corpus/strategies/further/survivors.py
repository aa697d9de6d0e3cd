# strategies: iterative beam temperature
import heapq

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    alive = [(utility(initial_solution), initial_solution)]
    for heat in (1.0, 0.7, 0.4)[: language_model.budget]:
        texts = language_model.batch_prompt(
            "Expert", [f"Improve\n```python\n{t}\n```\n{utility.str}" for _, t in alive], temperature=heat
        )
        alive = heapq.nlargest(3, {*alive, *((utility(t), t) for t in map(extract_code, texts))})
    return alive[0][1]
