"""Evaluates the expressions of Terraform files, as far as the files of this project use the language.

What is not known here is an error, so that a test cannot pass over it. The tree is python-hcl2's.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from lark import Token, Tree

Lookup = Callable[[str], Any]
"""Gives what a name at the start of an expression stands for: `var`, `local`, `module`, `aws_vpc`, `each`, …"""


class UnknownNameError(Exception):
    """A reference to what there is not."""


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "alltrue": all,
    "base64encode": lambda text: base64.b64encode(text.encode()).decode(),
    "cidrhost": lambda cidr, host: str(ipaddress.ip_network(cidr, strict=False)[host]),
    "cidrsubnet": lambda cidr, bits, number: str(list(ipaddress.ip_network(cidr).subnets(bits))[number]),
    "coalesce": lambda *values: next(value for value in values if value not in (None, "")),
    "concat": lambda *lists: [item for each in lists for item in each],
    "contains": lambda items, item: item in items,
    "endswith": str.endswith,
    "floor": math.floor,
    "join": lambda separator, items: separator.join(items),
    "jsonencode": json.dumps,
    "length": len,
    "max": max,
    "merge": lambda *maps: {key: value for each in maps for key, value in each.items()},
    "one": lambda items: None if not items else items[0] if len(items) == 1 else _fail("one() of several"),
    "regex": lambda pattern, text: (re.search(pattern, text) or _fail(f"{text!r} does not match"))[0],
    "tostring": lambda value: str(value).lower() if isinstance(value, bool) else str(value),
    "toset": lambda items: list(dict.fromkeys(items)),
}
_LEVELS: tuple[dict[str, Callable[[Any, Any], Any]], ...] = (
    {"||": lambda a, b: a or b},
    {"&&": lambda a, b: a and b},
    {"==": operator.eq, "!=": operator.ne},
    {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv, "%": operator.mod},
)
_ESCAPES = {"\\n": "\n", "\\t": "\t", '\\"': '"', "\\\\": "\\"}


def _fail(why: str) -> Any:
    raise ValueError(why)


def evaluate(node: Any, lookup: Lookup) -> Any:
    """Return the value of an expression: text, numbers, booleans, None, lists and dictionaries."""
    if isinstance(node, Token):
        raise NotImplementedError(f"token {node!r}")
    return _RULES[node.data](_parts(node), lookup)


def _parts(node: Tree[Any]) -> list[Any]:
    """Return the children but blanks and comments."""
    blank = ("new_line_or_comment",)
    return [
        child
        for child in node.children
        if child is not None and not (isinstance(child, Tree) and child.data in blank)
    ]


def _trees(parts: list[Any]) -> list[Tree[Any]]:
    return [part for part in parts if isinstance(part, Tree)]


def _word(node: Tree[Any]) -> str:
    return "".join(str(child) for child in node.scan_values(lambda token: True)).strip()


def _term(parts: list[Any], lookup: Lookup) -> Any:
    return evaluate(_trees(parts)[0], lookup)


def _literal(parts: list[Any], _: Lookup) -> Any:
    return {"true": True, "false": False, "null": None}[str(parts[0])]


def _conditional(parts: list[Any], lookup: Lookup) -> Any:
    condition, yes, no = _trees(parts)
    return evaluate(yes if evaluate(condition, lookup) else no, lookup)


def _binary(parts: list[Any], lookup: Lookup) -> Any:
    """The tree leans to the right whatever binds more, so it is flattened and put together anew."""
    operands, operators = [], []
    while True:
        left, rest = _trees(parts)
        operands.append(left)
        sign, right = _trees(_parts(rest))
        operators.append(_word(sign))
        if right.data != "binary_op":
            operands.append(right)
            break
        parts = _parts(right)
    return _fold(operands, operators, 0, lookup)


def _fold(operands: list[Any], operators: list[str], level: int, lookup: Lookup) -> Any:
    if not operators:
        return evaluate(operands[0], lookup)
    here = [index for index, sign in enumerate(operators) if sign in _LEVELS[level]]
    if not here:
        return _fold(operands, operators, level + 1, lookup)
    last = here[-1]  # of equal rank the left one is first
    left = _fold(operands[: last + 1], operators[:last], level, lookup)
    if operators[last] in ("&&", "||") and left == (operators[last] == "||"):
        return left
    right = _fold(operands[last + 1 :], operators[last + 1 :], level + 1, lookup)
    return _LEVELS[level][operators[last]](left, right)


def _unary(parts: list[Any], lookup: Lookup) -> Any:
    value = evaluate(_trees(parts)[-1], lookup)
    return not value if str(parts[0]).strip() == "!" else -value


def _string(parts: list[Any], lookup: Lookup) -> Any:
    pieces: list[Any] = []
    for part in _trees(parts):
        inner = part.children[0]
        if isinstance(inner, Tree):
            pieces.append(evaluate(_trees(_parts(inner))[0], lookup))
        else:
            pieces.append(re.sub(r"\\.", lambda match: _ESCAPES[match[0]], str(inner)))
    if any(piece is None for piece in pieces):
        raise ValueError("null within a text")
    return "".join(_FUNCTIONS["tostring"](piece) for piece in pieces)


def _object(parts: list[Any], lookup: Lookup) -> Any:
    found = {}
    for element in _trees(parts):
        key, value = _trees(_parts(element))
        inner = key.children[0]
        bare = isinstance(inner, Tree) and inner.data == "expr_term" and inner.children[0].data == "identifier"
        found[_word(key) if bare else evaluate(inner, lookup)] = evaluate(value, lookup)
    return found


def _call(parts: list[Any], lookup: Lookup) -> Any:
    name = _word(parts[0])
    given = [part for part in _trees(parts) if part.data == "arguments"]
    arguments = _trees(_parts(given[0])) if given else []
    if name == "can":
        try:
            evaluate(arguments[0], lookup)
        except (ValueError, IndexError):
            return False
        return True
    if name not in _FUNCTIONS:
        raise UnknownNameError(f"{name}()")
    return _FUNCTIONS[name](*(evaluate(argument, lookup) for argument in arguments))


def _attribute(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        try:
            return value[name]
        except KeyError:
            raise UnknownNameError(f".{name} of {sorted(value)}") from None
    raise UnknownNameError(f".{name} of {value!r}")


def _get_attribute(parts: list[Any], lookup: Lookup) -> Any:
    value, name = _trees(parts)
    return _attribute(evaluate(value, lookup), _word(name).lstrip("."))


def _index(parts: list[Any], lookup: Lookup) -> Any:
    value, index = _trees(parts)
    return evaluate(value, lookup)[evaluate(_trees(_parts(index))[0], lookup)]


def _splat(parts: list[Any], lookup: Lookup) -> Any:
    value, splat = _trees(parts)
    items = evaluate(value, lookup)
    items = [] if items is None else items if isinstance(items, list) else [items]
    for step in _trees(_parts(splat)):
        items = [_attribute(item, _word(step).lstrip(".")) for item in items]
    return items


def _for_tuple(parts: list[Any], lookup: Lookup) -> Any:
    intro, body, *condition = _trees(parts)
    *names, items = _trees(_parts(intro))
    words = [_word(name) for name in names]
    values = evaluate(items, lookup)
    pairs = list(values.items() if isinstance(values, Mapping) else enumerate(values))
    found = []
    for pair in pairs:
        bound = dict(zip(words, pair if len(words) == 2 else pair[1:], strict=True))

        def inner(name: str, bound: dict[str, Any] = bound) -> Any:
            return bound[name] if name in bound else lookup(name)

        if not condition or evaluate(_trees(_parts(condition[0]))[0], inner):
            found.append(evaluate(body, inner))
    return found


_RULES: dict[str, Callable[[list[Any], Lookup], Any]] = {
    "attr_splat_expr_term": _splat,
    "binary_op": _binary,
    "conditional": _conditional,
    "expr_term": _term,
    "float_lit": lambda parts, _: float("".join(map(str, parts))),
    "for_tuple_expr": _for_tuple,
    "full_splat_expr_term": _splat,
    "function_call": _call,
    "get_attr_expr_term": _get_attribute,
    "identifier": lambda parts, lookup: lookup(str(parts[0])),
    "index_expr_term": _index,
    "int_lit": lambda parts, _: int("".join(map(str, parts))),
    "literal_value": _literal,
    "object": _object,
    "string": _string,
    "tuple": lambda parts, lookup: [evaluate(item, lookup) for item in _trees(parts)],
    "unary_op": _unary,
}
