"""Whether plain data is of the shape that its typed dictionary says."""

from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict


def misfits(value, shape, at="document"):
    """Where a value is not of the shape that its type says."""
    if shape is Any:
        return []
    if is_typeddict(shape):
        if not isinstance(value, dict):
            return [f"{at}: {value!r} is no {shape.__name__}"]
        hints = get_type_hints(shape)
        strange = [f"{at}: {name}" for name in value.keys() - hints.keys()]
        marked = get_type_hints(shape, include_extras=True)
        needed = {name for name, hint in marked.items() if get_origin(hint) is not NotRequired}
        missing = [f"{at}: no {name}" for name in needed - value.keys()]
        return (
            strange
            + missing
            + [m for name in value.keys() & hints for m in misfits(value[name], hints[name], f"{at}.{name}")]
        )
    origin, inner = get_origin(shape), get_args(shape)
    if isinstance(value, dict) and origin is not None and hasattr(origin, "keys"):
        return [m for name, one in value.items() for m in misfits(one, inner[1], f"{at}[{name}]")]
    if isinstance(value, list) and origin is not None and hasattr(origin, "__len__"):
        return [m for i, one in enumerate(value) for m in misfits(one, inner[0], f"{at}[{i}]")]
    if inner and all(isinstance(one, str) for one in inner):
        return [] if value in inner else [f"{at}: {value}"]
    if inner and origin not in (list, dict):
        tried = [misfits(value, one, at) for one in inner]
        return [] if [] in tried else min(tried, key=len)
    allowed = (int, float) if shape is float else shape
    return [] if isinstance(shape, type) and isinstance(value, allowed) else [f"{at}: {value!r} is not {shape}"]
