# strategies: iterative annealing temperature
import numpy as np
from helpers import extract_code


def improve_algorithm(s, u, lm):
    here, e_here = s, u(s)
    top, e_top = here, e_here
    t = 1.0
    while t > 0.05:
        try:
            reply = lm.prompt("Coder", "Perturb:\n```python\n" + here + "\n```\n" + u.str, temperature=t)[0]
        except Exception:
            break
        there = extract_code(reply)
        e_there = u(there)
        delta = e_there - e_here
        p = np.exp(delta / t)
        if delta > 0 or p > np.random.rand():
            here, e_here = there, e_there
        if e_there > e_top:
            top, e_top = there, e_there
        t *= 0.7
    return top
