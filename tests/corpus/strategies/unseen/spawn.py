# strategies: iterative parallel-scoring feedback
import threading

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    results = {}

    def judge(text):
        results[text] = utility(text)

    def judge_all(texts):
        jobs = [threading.Thread(target=judge, args=(t,)) for t in texts]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()

    judge_all([initial_solution])
    for _ in range(language_model.budget):
        top = max(results, key=results.get)
        why = utility.feedback(top)
        judge_all(set(extract_code(language_model.prompt("Expert", f"{why}\n```python\n{top}\n```\n{utility.str}", 3))))
    return max(results, key=results.get)
