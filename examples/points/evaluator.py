import importlib.util
import math


def evaluate(program_path):
    spec = importlib.util.spec_from_file_location("program", program_path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    points = module.run()
    if len(points) != 7 or not all(0 <= x <= 1 and 0 <= y <= 1 for x, y in points):
        return {"combined_score": 0.0, "valid": 0.0}
    nearest = [min(math.dist(a, b) for b in points if b is not a) for a in points]
    return {"combined_score": sum(nearest) / 7, "closest": min(nearest), "valid": 1.0}
