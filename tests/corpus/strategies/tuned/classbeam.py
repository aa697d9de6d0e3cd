# strategies: iterative beam cache
import heapq

from helpers import extract_code


class Searcher:
    def __init__(self, u, lm, width=4):
        self.u, self.lm, self.width = u, lm, width
        self.known = {}

    def value(self, text):
        if text not in self.known:
            self.known[text] = self.u(text)
        return self.known[text]

    def widen(self, front):
        texts = [f"Make this better:\n```python\n{t}\n```\n{self.u.str}" for t in front]
        return [extract_code(a) for a in self.lm.batch_prompt("You write Python.", texts)]

    def go(self, start):
        front = [start]
        for _ in range(self.lm.budget):
            pool = front + [t for t in self.widen(front) if t]
            front = heapq.nlargest(self.width, pool, key=self.value)
        return front[0]


def improve_algorithm(initial_solution, utility, language_model):
    return Searcher(utility, language_model).go(initial_solution)
