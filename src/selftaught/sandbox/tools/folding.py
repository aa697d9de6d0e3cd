"""Works constant expressions out: what `"".join(map(chr, (111, 115)))` comes to, without running the program.

Only operations named here are done, on plain values, with bounds on size and steps: nothing of the program is executed.
"""

# Values of any type go through here, as in the programs that are read.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false
from __future__ import annotations

import ast
import base64
import binascii
import codecs
import html
import itertools
import operator
import re
import urllib.parse
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

_LONGEST = 20_000
_STEPS = 20_000
_DEPTH = 40


class Unknown(Exception):
    """It is not constant, or more than is worked out."""


def _decompressed(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _LONGEST)


def _decoded(data: Any, how: str = "utf-8", errors: str = "strict") -> Any:
    if how.lower().replace("_", "-") not in {"utf-8", "utf8", "ascii", "rot13", "rot-13", "hex", "base64", "latin-1"}:
        raise Unknown
    return codecs.decode(data, how, errors)


def _range(*bounds: int) -> tuple[int, ...]:
    found = range(*bounds)
    if len(found) > _LONGEST:
        raise Unknown
    return tuple(found)


def _reduced(join: Any, items: Any, *first: Any) -> Any:
    """`functools.reduce`, where the function is one of those here."""
    made = iter((*first, *items))
    total = next(made)
    for one in made:
        total = join(total, one)
    return total


PURE: Mapping[str, Callable[..., Any]] = {
    **{f"builtins.{one.__name__}": one for one in (chr, ord, len, str, int, float, bool, bytes, repr, hex, oct, bin, abs)},
    **{f"builtins.{one.__name__}": one for one in (ascii, max, min, sum, round, divmod, any, all, format)},
    "builtins.tuple": tuple, "builtins.list": tuple, "builtins.sorted": lambda *a, **k: tuple(sorted(*a, **k)),
    "builtins.bytearray": bytes, "builtins.range": _range, "builtins.iter": iter, "builtins.next": next,
    "builtins.reversed": lambda one: tuple(reversed(one)), "builtins.enumerate": lambda *a: tuple(enumerate(*a)),
    "builtins.zip": lambda *a, **_: tuple(zip(*a)),  # noqa: B905 - as the program would
    "builtins.map": lambda f, *a: tuple(map(f, *a)), "builtins.filter": lambda f, a: tuple(filter(f, a)),
    "itertools.chain": lambda *a: tuple(itertools.chain(*a)), "functools.reduce": _reduced,
    "base64.b64decode": base64.b64decode, "base64.b32decode": base64.b32decode, "base64.b16decode": base64.b16decode,
    "base64.b85decode": base64.b85decode, "base64.a85decode": base64.a85decode, "base64.decodebytes": base64.decodebytes,
    "base64.urlsafe_b64decode": base64.urlsafe_b64decode, "base64.b64encode": base64.b64encode,
    "binascii.unhexlify": binascii.unhexlify, "binascii.a2b_hex": binascii.a2b_hex, "binascii.a2b_base64": binascii.a2b_base64,
    "builtins.bytes.fromhex": bytes.fromhex, "builtins.bytearray.fromhex": bytes.fromhex,
    "codecs.decode": _decoded, "codecs.encode": _decoded, "zlib.decompress": _decompressed,
    "urllib.parse.unquote": urllib.parse.unquote, "html.unescape": html.unescape,
    "builtins.str.join": str.join, "builtins.str.lower": str.lower, "builtins.str.replace": str.replace,
    "builtins.str.maketrans": lambda *a: tuple(str.maketrans(*a).items()), "operator.add": operator.add,
    "operator.xor": operator.xor, "operator.sub": operator.sub, "operator.concat": operator.concat,
    **{f"numpy.{name}": bool for name in ("bool_", "bool")}, "numpy.int64": int, "numpy.int32": int, "numpy.float64": float,
    "builtins.int.from_bytes": int.from_bytes, "builtins.bytes.decode": bytes.decode,
}  # fmt: skip
_METHODS = frozenset(
    [
        "join",
        "replace",
        "lower",
        "upper",
        "strip",
        "lstrip",
        "rstrip",
        "title",
        "capitalize",
        "swapcase",
        "casefold",
        "encode",
        "decode",
        "split",
        "rsplit",
        "splitlines",
        "partition",
        "rpartition",
        "removeprefix",
        "removesuffix",
        "format",
        "zfill",
        "translate",
        "hex",
        "index",
        "find",
        "count",
        "startswith",
        "endswith",
        "copy",
        "to_bytes",
        "isalpha",
        "isdigit",
        "isupper",
        "islower",
        "items",
        "keys",
        "values",
        "get",
    ]
)
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mod: lambda a, b: a % b, ast.BitXor: lambda a, b: a ^ b,
    ast.BitAnd: lambda a, b: a & b, ast.BitOr: lambda a, b: a | b, ast.FloorDiv: lambda a, b: a // b,
    ast.Div: lambda a, b: a / b, ast.RShift: lambda a, b: a >> b,
}  # fmt: skip
_COMPARING: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: lambda a, b: a is b, ast.IsNot: lambda a, b: a is not b,
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_, ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
}  # fmt: skip
Lookup = Callable[[ast.AST], Any]
"""The value of a name or an attribute: a constant or, for what is called, a function on constants; raises Unknown."""


class _Returned(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class Folding:
    """One attempt to work something out; `lookup` knows the names that are not bound within it."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._steps = 0
        self._depth = 0

    def value(self, node: ast.AST, names: dict[str, Any]) -> Any:
        """What an expression comes to; raises Unknown."""
        self._steps += 1
        if self._steps > _STEPS or self._depth > _DEPTH:
            raise Unknown
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise Unknown
        self._depth += 1
        try:
            return _bounded(method(node, names))
        except (Unknown, _Returned):
            raise
        except Exception as error:  # whatever the program's own operation raises: it comes to nothing
            raise Unknown from error
        finally:
            self._depth -= 1

    def called(self, function: ast.FunctionDef | ast.Lambda, given: list[Any], named: Mapping[str, Any]) -> Any:
        """What a function of the program returns for these arguments; raises Unknown."""
        taken = function.args
        parameters = [one.arg for one in (*taken.posonlyargs, *taken.args)]
        if taken.vararg or taken.kwarg or len(given) > len(parameters):
            raise Unknown
        defaults = zip(reversed(parameters), reversed(taken.defaults), strict=False)
        names = {name: self.value(one, {}) for name, one in defaults if name not in named}
        names |= dict(zip(parameters, given, strict=False)) | dict(named)
        if isinstance(function, ast.Lambda):
            return self.value(function.body, names)
        try:
            self._do(function.body, names)
        except _Returned as end:
            return end.value
        return None

    # --- statements ---------------------------------------------------------------------------------------------------

    def _do(self, body: list[ast.stmt], names: dict[str, Any]) -> None:
        for one in body:
            self._steps += 1
            if self._steps > _STEPS:
                raise Unknown
            match one:
                case ast.Return(value=value):
                    raise _Returned(self.value(value, names) if value else None)
                case ast.Assign(targets=targets, value=value):
                    found = self.value(value, names)
                    for target in targets:
                        _bind(target, found, names)
                case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                    names[name] = _bounded(_BINARY[type(op)](names[name], self.value(value, names)))
                case ast.For(target=target, iter=source, body=inner, orelse=[]):
                    for item in self.value(source, names):
                        _bind(target, item, names)
                        self._do(inner, names)
                case ast.If(test=test, body=then, orelse=otherwise):
                    self._do(then if self.value(test, names) else otherwise, names)
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[item])):
                    names[name] = _bounded((*names[name], self.value(item, names)))
                case ast.Expr(value=ast.Constant()) | ast.Pass():
                    pass
                case _:
                    raise Unknown

    # --- expressions --------------------------------------------------------------------------------------------------

    def _constant(self, node: ast.Constant, _: dict[str, Any]) -> Any:
        return node.value

    def _name(self, node: ast.Name, names: dict[str, Any]) -> Any:
        return names[node.id] if node.id in names else self._lookup(node)

    def _attribute(self, node: ast.Attribute, _: dict[str, Any]) -> Any:
        return self._lookup(node)

    def _list(self, node: ast.List | ast.Tuple, names: dict[str, Any]) -> Any:
        return tuple(self._items(node.elts, names))

    _tuple = _list

    def _items(self, nodes: list[ast.expr], names: dict[str, Any]) -> Iterator[Any]:
        for one in nodes:
            if isinstance(one, ast.Starred):
                yield from self.value(one.value, names)
            else:
                yield self.value(one, names)

    def _binop(self, node: ast.BinOp, names: dict[str, Any]) -> Any:
        first, *others = operands(node)
        found = self.value(first, names)
        for op, one in zip(operators(node), others, strict=True):
            found = _bounded(self._operated(op, found, self.value(one, names)))
        return found

    def _operated(self, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Mult):
            sizes = [len(one) if hasattr(one, "__len__") else 1 for one in (left, right)]
            counts = [one if isinstance(one, int) else 1 for one in (left, right)]
            if max(sizes) * max(counts) > _LONGEST and max(sizes) > 1:
                raise Unknown
            return left * right
        if isinstance(op, ast.Mod) and isinstance(left, str | bytes) and (len(str(right)) > 1000 or _wide(left)):
            raise Unknown
        return _BINARY[type(op)](left, right)

    def _unaryop(self, node: ast.UnaryOp, names: dict[str, Any]) -> Any:
        return _UNARY[type(node.op)](self.value(node.operand, names))

    def _boolop(self, node: ast.BoolOp, names: dict[str, Any]) -> Any:
        found: Any = None
        for one in node.values:
            found = self.value(one, names)
            if bool(found) is isinstance(node.op, ast.Or):
                break
        return found

    def _ifexp(self, node: ast.IfExp, names: dict[str, Any]) -> Any:
        return self.value(node.body if self.value(node.test, names) else node.orelse, names)

    def _compare(self, node: ast.Compare, names: dict[str, Any]) -> Any:
        left = self.value(node.left, names)
        for op, one in zip(node.ops, node.comparators, strict=True):
            right = self.value(one, names)
            if not _COMPARING[type(op)](left, right):
                return False
            left = right
        return True

    def _subscript(self, node: ast.Subscript, names: dict[str, Any]) -> Any:
        return self.value(node.value, names)[self.value(node.slice, names)]

    def _slice(self, node: ast.Slice, names: dict[str, Any]) -> Any:
        return slice(*(self.value(one, names) if one else None for one in (node.lower, node.upper, node.step)))

    def _joinedstr(self, node: ast.JoinedStr, names: dict[str, Any]) -> Any:
        return "".join(str(self.value(one, names)) for one in node.values)

    def _formattedvalue(self, node: ast.FormattedValue, names: dict[str, Any]) -> Any:
        form = self.value(node.format_spec, names) if node.format_spec else ""
        if len(form) > 4:
            raise Unknown
        return format(self.value(node.value, names), form)

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp, names: dict[str, Any]) -> Any:
        return tuple(self._comprehended(node.elt, node.generators, names))

    _generatorexp = _listcomp

    def _comprehended(self, made: ast.expr, parts: list[ast.comprehension], names: dict[str, Any]) -> Iterator[Any]:
        if not parts:
            yield self.value(made, names)
            return
        for item in self.value(parts[0].iter, names):
            inner = dict(names)
            _bind(parts[0].target, item, inner)
            if all(self.value(one, inner) for one in parts[0].ifs):
                yield from self._comprehended(made, parts[1:], inner)

    def _lambda(self, node: ast.Lambda, names: dict[str, Any]) -> Any:
        taken = [one.arg for one in node.args.args]

        def function(*given: Any) -> Any:
            return self.value(node.body, {**names, **dict(zip(taken, given, strict=False))})

        return function

    def _call(self, node: ast.Call, names: dict[str, Any]) -> Any:
        given = list(self._items(node.args, names))
        named = {one.arg: self.value(one.value, names) for one in node.keywords if one.arg}
        if len(named) < len(node.keywords):
            raise Unknown
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            try:
                owner = self.value(node.func.value, names)
            except Unknown:
                owner = None
            if owner is not None and not callable(owner):
                return self._method(owner, node.func.attr, given, named)
        function = self._lambda(node.func, names) if isinstance(node.func, ast.Lambda) else self.value(node.func, names)
        if not callable(function):
            raise Unknown
        return function(*given, **named)

    def _method(self, owner: Any, name: str, given: list[Any], named: Mapping[str, Any]) -> Any:
        if name == "translate" and given and isinstance(given[0], tuple):
            given = [dict(given[0])]
        if name == "decode" or (name == "encode" and given):
            return _decoded(owner, *given) if name == "decode" else owner.encode(*given)
        if name in {"zfill", "to_bytes"} and given[0] > 1000:
            raise Unknown
        if (
            name == "format"
            and "{" in owner
            and any(len(part) > 12 for part in owner.split("{")[1:] if ":" in part[:12])
        ):
            raise Unknown
        found = getattr(owner, name)(*given, **named)
        return tuple(cast("list[Any]", found)) if isinstance(found, list) else found


def _wide(text: str | bytes) -> bool:
    """Whether a text with `%` in it may ask for more than a thousand places."""
    return re.search(r"%[^a-zA-Z%]*(\d{4}|\*)", text if isinstance(text, str) else text.decode("latin-1")) is not None


def _spine(node: ast.BinOp) -> list[ast.BinOp]:
    """The operations that are done for this one from left to right, this one the last."""
    found: list[ast.BinOp] = []
    one: ast.expr = node
    while isinstance(one, ast.BinOp):
        found.append(one)
        one = one.left
    return found[::-1]


def operands(node: ast.BinOp) -> list[ast.expr]:
    """What stands between the operators of `a + b + c`, from left to right."""
    spine = _spine(node)
    return [spine[0].left, *(one.right for one in spine)]


def operators(node: ast.BinOp) -> list[ast.operator]:
    """The operators of `a + b - c`, from left to right."""
    return [one.op for one in _spine(node)]


def _bind(target: ast.AST, value: Any, names: dict[str, Any]) -> None:
    match target:
        case ast.Name(id=name):
            names[name] = value
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for one, part in zip(targets, value, strict=True):
                _bind(one, part, names)
        case _:
            raise Unknown


def _bounded(value: Any) -> Any:
    if isinstance(value, str | bytes | tuple) and len(cast("tuple[Any, ...]", value)) > _LONGEST:
        raise Unknown
    if isinstance(value, int) and abs(value) > 1 << 2000:
        raise Unknown
    return cast("Any", value)


def hashable(value: Any) -> bool:
    """Whether a value is a plain constant."""
    if isinstance(value, tuple):
        return all(map(hashable, cast("tuple[Any, ...]", value)))
    return value is None or isinstance(value, str | bytes | int | float | bool)
