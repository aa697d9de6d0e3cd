"""Containers and objects that a program builds from others: by their own methods, and by the standard library."""

from __future__ import annotations

import ast
import json
import keyword
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from expressions import DICTIONARIES
from resolving import Resolving
from scopes import NOTHING, Own, Values, constants

HOLDERS = {
    "queue.Queue", "queue.SimpleQueue", "queue.LifoQueue", "queue.PriorityQueue", "asyncio.Queue", "contextvars.ContextVar",
    "itertools.repeat",
}  # fmt: skip
"""What gives back later what was put into it."""
NAMESPACES = {"types.SimpleNamespace", "argparse.Namespace"}
TAKEN_OUT = "taken out"
"""Stands before the key of an entry that a function takes out of the keywords it was given."""
_READING = {"json.loads": json.loads, "ast.literal_eval": ast.literal_eval}


class Building(Resolving):
    """A program gone through, what is built from other things included."""

    def __init__(self, tree: ast.Module) -> None:
        super().__init__(tree)
        self._records: dict[Any, ast.stmt] = {}

    def _spread(self, held: Values) -> list[Values]:
        """The arguments that `*held` gives."""
        for kind, what in held:
            if kind == "seq":
                places = self.at(what).entries
                return [places[i] for i in range(len(places)) if i in places] or [self.at(what).items]
            if kind == "const" and isinstance(what, tuple):
                return [frozenset({("const", one)}) for one in cast("tuple[Any, ...]", what)]
        return [self.items(held)]

    def keywords(self, values: Values) -> dict[str, Values]:
        """What `**values` gives to a call."""
        found: dict[str, Values] = {}
        for kind, what in values:
            if kind == "inst":
                for one in self._returned(what, "keys"):
                    for name in constants(self.items(frozenset({one}))):
                        found[str(name)] = found.get(str(name), NOTHING) | self._returned(what, "__getitem__")
            if kind == "map" or (kind == "inst" and self.is_dictionary(what)):
                for key, held in self.at(what).entries.items():
                    if isinstance(key, str):
                        found[key] = found.get(key, NOTHING) | held
        return found

    def _returned(self, number: int, method: str) -> Values:
        """What a method of an object of the program's own returns."""
        methods = [what for how, what in self._member(number, method, 0) if how == "bound"]
        return NOTHING.union(*(self.at(what).returns for what in methods))

    def _container(self, what: str, given: list[Values], named: Mapping[str, Values], node: ast.AST) -> Values:
        last = what.rpartition(".")[2]
        made, own = self.made("map", node)
        owner = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        if what in DICTIONARIES:
            for name, values in named.items():
                self.put(own, name, values)
            if what.endswith("defaultdict") and given:
                own.returns = self._default(given[0], node)
            for one in given:
                self._merge(own, one)
                self._put_pairs(own, one)
            return made
        if what.endswith((".__dict__.__setitem__", ".__dict__.setdefault")) and len(given) > 1:
            for name in constants(given[0]):
                self.set(node, frozenset({("ref", what.rpartition(".__dict__")[0])}), str(name), given[1])
        if what.endswith(".__dict__.update"):
            for name, values in (self.keywords(given[0]) if given else {}).items() | named.items():
                self.set(node, frozenset({("ref", what.removesuffix(".__dict__.update"))}), name, values)
        if what.removesuffix(f".{last}") in {"builtins", "<globals>", "sys.modules"} or what.endswith(
            (".__dict__.get", ".__dict__.pop")
        ):
            return self.entry(frozenset({("ref", what.removesuffix(f".{last}"))}), given[0] if given else NOTHING)
        return self._changed(owner, last, given, named) | frozenset(
            {("ref", f"{what}()" if what.count("()") < 4 else "<>")}
        )

    def _changed(self, owner: ast.AST | None, last: str, given: list[Values], named: Mapping[str, Values]) -> Values:
        """A method of a list or a dictionary of the program's own: what it puts there or takes from it."""
        found: Values = NOTHING
        for kind, what in self._held(owner):
            if kind not in {"seq", "map"}:
                continue
            one = self.at(what)
            if last == "copy":
                found |= self._copied(frozenset({(kind, what)}), owner)
            elif last == "__setitem__":
                for key in constants(given[0]) if len(given) > 1 else ():
                    self.put(one, key, given[1])
            elif last == "update":
                for name, values in named.items():
                    self.put(one, name, values)
                self._merge(one, given[0] if given else NOTHING)
                self._put_pairs(one, given[0] if given else NOTHING)
            elif last in {"get", "get_nowait", "pop", "setdefault"}:
                default = given[1] if len(given) > 1 else NOTHING
                keys = list(constants(given[0] if given else NOTHING))
                if last == "get" and len(given) == 1 and keys and not one.entries and not one.items:
                    default = frozenset({("const", None)})
                found |= self.entry(frozenset({(kind, what)}), given[0] if given else NOTHING) or default
                if last == "pop" and isinstance(one.node, ast.arg):
                    found |= self._take_out(one, keys)
                for key in (
                    [key for how, key in (given[0] if given else NOTHING) if how == "const"]
                    if last == "setdefault"
                    else []
                ):
                    self.put(one, key, default)
            else:
                self.put(
                    one, None, given[-1] if last != "extend" and given else self.items(given[0]) if given else NOTHING
                )
        return found

    def _default(self, making: Values, node: ast.AST) -> Values:
        """What a dictionary with a default puts where nothing is yet."""
        empty = frozenset(
            ("const", False) for one in making if one in {("ref", "builtins.bool"), ("ref", "builtins.int")}
        )
        return empty | self.call(making, [], {}, node)

    def _take_out(self, one: Own, keys: Sequence[Any]) -> Values:
        """A function takes keywords out of those it was given, and hands on the others."""
        for key in keys:
            one.taken_out.add(key)
            if key in one.entries:
                one.entries[TAKEN_OUT, key] = one.entries.pop(key) | one.entries.get((TAKEN_OUT, key), NOTHING)
        return NOTHING.union(*(one.entries.get((TAKEN_OUT, key), NOTHING) for key in keys))

    def _copied(self, values: Values, node: ast.AST | None) -> Values:
        """Copies: what is put into one is not in what it was made of."""
        maps = frozenset(one for one in values if one[0] == "map")
        if not maps or node is None:
            return values
        made, own = self.made("copy", node)
        self._merge(own, maps)
        return (values - maps) | frozenset(("map", number) for _, number in made)

    def _put_pairs(self, own: Own, values: Values) -> None:
        """Entries of a dictionary given as pairs of keys and values."""
        for kind, what in self.items(frozenset(one for one in values if one[0] != "map")):
            pair = (
                self._spread(frozenset({(kind, what)}))
                if kind in {"seq", "const"} and not isinstance(what, str)
                else []
            )
            if len(pair) == 2:
                for key in constants(pair[0]):
                    self.put(own, key, pair[1])
                self.put(own, None, pair[1])

    def _built(self, what: str, given: list[Values], named: Mapping[str, Values], node: ast.AST) -> Values | None:
        """Containers and objects that the standard library makes of what it is given; None where it is something else."""
        first = given[0] if given else NOTHING
        if what == "builtins.zip" and given:
            return self._zipped(given, node)
        if what in HOLDERS:
            made, own = self.made("seq", node)
            self.put(own, None, named.get("default", NOTHING) | (first if what == "itertools.repeat" else NOTHING))
            return made
        if what.endswith("dict.fromkeys") and given:
            made, own = self.made("map", node)
            for key in constants(self.items(first)):
                self.put(own, key, given[1] if len(given) > 1 else frozenset({("const", None)}))
            return made
        if what == "operator.setitem" and len(given) == 3:
            self._set_entry(node, first, given[1], given[2])
        if what == "dataclasses.field":
            return named.get("default") or self.call(named.get("default_factory", NOTHING), [], {}, node)
        if what in _READING:
            return self._read(_READING[what], first)
        return self._object(what, given, named, node)

    def _object(self, what: str, given: list[Values], named: Mapping[str, Values], node: ast.AST) -> Values | None:
        """Objects with fields that the standard library makes, or takes apart; None where it is something else."""
        first = given[0] if given else NOTHING
        if what in NAMESPACES:
            made, own = self.made("inst", node)
            for name, values in named.items():
                self.put(own, name, values)
            return made
        if what in {"collections.namedtuple", "typing.NamedTuple"} and len(given) > 1:
            return self._record(first, given[1], named, node)
        if what == "dataclasses.asdict" or what.endswith("._asdict"):
            return self._as_dictionary(first if what == "dataclasses.asdict" else self._owner(node), node)
        if what in {"dataclasses.replace", "copy.replace"} or what.endswith("._replace"):
            owners = self._owner(node) if what.endswith("._replace") else first
            for number in (number for kind, number in owners if kind == "inst"):
                for name, values in named.items():
                    self.put(self.at(number), name, values)
            return owners
        return None

    def _owner(self, node: ast.AST) -> Values:
        """What a method that is called is one of."""
        return (
            self._held(node.func.value)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            else NOTHING
        )

    def _zipped(self, given: list[Values], node: ast.AST) -> Values:
        """`zip`: pairs by their places where these are known, else one pair that may hold anything."""
        made, own = self.made("seq", node)
        columns = [self._spread(one) for one in given]
        for place, parts in enumerate(zip(*columns, strict=False)):
            number = self.number(f"pair {place}", node)
            for i, values in enumerate(parts):
                self.put(self.at(number), i, values)
                self.put(self.at(number), None, values)
            self.put(own, place, frozenset({("seq", number)}))
            self.put(own, None, frozenset({("seq", number)}))
        return made

    def _record(self, names: Values, fields: Values, named: Mapping[str, Values], node: ast.AST) -> Values:
        """The class that `namedtuple` makes, written out."""
        listed = list(constants(fields | self.items(fields)))
        words = [word for one in listed if isinstance(one, str) for word in one.replace(",", " ").split()]
        told = [word for word in words if word.isidentifier() and not keyword.iskeyword(word)]
        name = next((one for one in constants(names) if isinstance(one, str) and one.isidentifier()), "Record")
        key = (id(node), *told)
        if key not in self._records:
            text = f"class {name}:\n" + "".join(f"    {one}: object\n" for one in told or ["_"])
            self._records[key] = ast.parse(text).body[0]
        made, own = self.made("class", self._records[key])
        defaults = self._spread(named["defaults"]) if "defaults" in named else []
        for one, values in zip(reversed(told), reversed(defaults), strict=False):
            self.put(own, one, values)
        return made

    def _as_dictionary(self, values: Values, node: ast.AST) -> Values:
        made, own = self.made("map", node)
        for kind, number in values:
            for name in self.fields(number) if kind == "inst" else ():
                self.put(own, name, frozenset(self._member(number, name, 0)))
        return made

    def _read(self, reading: Callable[[str], Any], texts: Values) -> Values | None:
        """What a constant text of data says."""
        found: Values = NOTHING
        for text in constants(texts):
            if not isinstance(text, str):
                continue
            if (reading.__name__, text) not in self._written:
                try:
                    self._written[reading.__name__, text] = ast.parse(repr(reading(text)), mode="eval").body
                except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                    continue
            found |= self.of(self._written[reading.__name__, text], self.module)
        return found or None

    def _held(self, owner: ast.AST | None) -> Values:
        return self.last(owner) if owner is not None else NOTHING
