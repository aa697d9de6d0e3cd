# strategies: sampling temperature hints parallel-scoring
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    advice = ["use numpy", "use recursion", "use a heuristic", "use a table"]
    candidates = []
    for heat in (0.2, 0.6, 1.0)[: language_model.budget]:
        batch = [f"Improve ({tip}):\n```python\n{initial_solution}\n```\n{utility.str}" for tip in advice]
        candidates.extend(extract_code(language_model.batch_prompt("Expert", batch[: language_model.max_responses_per_call], heat)))
    candidates = candidates[: utility.budget]
    return max(zip(utility.map(candidates), candidates))[1]
