"""A small stand-in for `terraform plan` and `apply`, as no Terraform can be had in every place where tests run.

A module's files are read, and each resource is made when it is first referred to, by whatever `Provider` is given:
one that invents identifiers, or one that calls moto. Every reference must resolve, every input be declared and
given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import hcl2
from hcl_expressions import UnknownNameError, evaluate
from lark import Tree

TERRAFORM = Path(__file__).resolve().parent.parent.parent / "server_stub" / "deploy" / "terraform"
_META = ("count", "for_each", "depends_on", "lifecycle", "source", "provider")


class PlanError(Exception):
    """What Terraform would refuse."""


class Provider(Protocol):
    def make(self, kind: str, address: str, config: dict[str, Any]) -> dict[str, Any]:
        """Make a resource (`aws_vpc`) or read a data source (`data.aws_region`); return its attributes."""


@dataclass(kw_only=True)
class Block:
    """`kind "label" … { }`: attributes are expressions not yet evaluated."""

    kind: str
    labels: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


def _word(node: Any) -> str:
    return "".join(str(token) for token in node.scan_values(lambda token: True)).strip().strip('"')


def _read_body(tree: Tree[Any], into: Block) -> Block:
    for node in tree.children:
        if not isinstance(node, Tree):
            continue
        parts = [part for part in node.children if isinstance(part, Tree)]
        if node.data == "attribute":
            into.attributes[_word(parts[0])] = parts[1]
        elif node.data == "block":
            kind, *labels, body = [part for part in parts if part.data != "new_line_or_comment"]
            into.blocks.append(_read_body(body, Block(kind=_word(kind), labels=tuple(map(_word, labels)))))
    return into


@cache
def read_folder(folder: Path) -> Block:
    """Return all files of a module as one block."""
    found = Block(kind="module", labels=())
    for path in sorted(folder.glob("*.tf")):
        tree = hcl2.parses_to_tree(path.read_text("utf-8"))
        _read_body(next(child for child in tree.children if isinstance(child, Tree)), found)
    return found


class Module:
    """One module with its inputs. `resources` holds what was made, by address; `outputs()` evaluates them."""

    def __init__(self, folder: Path, inputs: Mapping[str, Any], provider: Provider, *, address: str = "") -> None:
        self._address, self._folder, self._provider = address, folder, provider
        body = read_folder(folder)
        self._named = {(block.kind, *block.labels): block for block in body.blocks if block.labels}
        self._locals = {
            k: v for block in body.blocks if block.kind == "locals" for k, v in block.attributes.items()
        }
        self._made: dict[tuple[str, ...], Any] = {}
        self.resources: dict[str, dict[str, Any]] = {}
        self.children: dict[str, list[Module]] = {}
        self.variables = self._check_inputs(inputs)

    def apply(self) -> Module:
        """Make everything, and evaluate every output."""
        for kind, *labels in self._named:
            if kind in ("resource", "data", "module"):
                self._thing(kind, *labels)
        self.outputs()
        return self

    def outputs(self) -> dict[str, Any]:
        found = {}
        for (kind, *labels), block in self._named.items():
            if kind == "output":
                self._depend(block)
                found[labels[0]] = self._value(block.attributes["value"])
        return found

    def all_resources(self) -> dict[str, dict[str, Any]]:
        """Return the arguments of all resources of this module and those below, by address."""
        found = dict(self.resources)
        for children in self.children.values():
            for child in children:
                found.update(child.all_resources())
        return found

    def _check_inputs(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        declared = {labels[0]: block for (kind, *labels), block in self._named.items() if kind == "variable"}
        if unknown := set(inputs) - set(declared):
            raise PlanError(f"{self._folder.name} has no variable {sorted(unknown)}")
        values = dict(inputs)
        for name, block in declared.items():
            if name not in values:
                if "default" not in block.attributes:
                    raise PlanError(f"{self._folder.name} is not given {name}")
                values[name] = self._value(block.attributes["default"])
        for block in declared.values():
            for check in block.blocks:
                if not evaluate(check.attributes["condition"], lambda _: values):
                    raise PlanError(self._value(check.attributes["error_message"]))
        return values

    def _value(self, node: Any, bound: Mapping[str, Any] | None = None) -> Any:
        return evaluate(node, lambda name: self._lookup(name, bound or {}))

    def _lookup(self, name: str, bound: Mapping[str, Any]) -> Any:
        if name in bound:
            return bound[name]
        if name == "var":
            return self.variables
        if name == "local":
            return _Lazy(lambda local: self._value(self._locals[local]), self._locals)
        if name == "module":
            return _Lazy(lambda label: self._thing("module", label), self._labels("module"))
        if name == "data":
            kinds = self._labels("data")
            return _Lazy(
                lambda kind: _Lazy(lambda label: self._thing("data", kind, label), self._labels("data", kind)),
                kinds,
            )
        if name in self._labels("resource"):
            return _Lazy(lambda label: self._thing("resource", name, label), self._labels("resource", name))
        raise UnknownNameError(f"{self._folder.name}: {name}")

    def _labels(self, *prefix: str) -> set[str]:
        length = len(prefix)
        return {key[length] for key in self._named if key[:length] == prefix}

    def _thing(self, *key: str) -> Any:
        """Return a resource's attributes or a module's outputs: a list with `count`, a map with `for_each`."""
        if key not in self._made:
            self._made[key] = None  # a cycle shows as a reference to nothing
            block = self._named[key]
            self._depend(block)
            if "count" in block.attributes:
                count = self._value(block.attributes["count"])
                self._made[key] = [
                    self._instance(key, block, f"[{index}]", {"count": {"index": index}}) for index in range(count)
                ]
            elif "for_each" in block.attributes:
                items = self._value(block.attributes["for_each"])
                self._made[key] = {
                    item: self._instance(key, block, f'["{item}"]', {"each": {"key": item, "value": item}})
                    for item in items
                }
            else:
                self._made[key] = self._instance(key, block, "", {})
        return self._made[key]

    def _instance(self, key: tuple[str, ...], block: Block, suffix: str, bound: Mapping[str, Any]) -> Any:
        for lifecycle in (inner for inner in block.blocks if inner.kind == "lifecycle"):
            for check in lifecycle.blocks:
                if not self._value(check.attributes["condition"], bound):
                    raise PlanError(self._value(check.attributes["error_message"], bound))
        name = ".".join(key[1:] if key[0] == "resource" else key) + suffix
        config = self._config(block, bound)
        if key[0] == "module":
            folder = (self._folder / self._value(block.attributes["source"])).resolve()
            child = Module(folder, config, self._provider, address=f"{self._address}{name}.")
            self.children.setdefault(key[1], []).append(child)
            return child.apply().outputs()
        kind = key[1] if key[0] == "resource" else f"data.{key[1]}"
        self.resources[self._address + name] = config
        return {**self._provider.make(kind, self._address + name, config), **config}

    def _config(self, block: Block, bound: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a block; blocks within are lists of such, those of `dynamic` unrolled."""
        config = {name: self._value(node, bound) for name, node in block.attributes.items() if name not in _META}
        for inner in block.blocks:
            if inner.kind == "lifecycle":
                continue
            if inner.kind != "dynamic":
                config.setdefault(inner.kind, []).append(self._config(inner, bound))
                continue
            (name,), (content,) = inner.labels, inner.blocks
            for item in self._value(inner.attributes["for_each"], bound):
                config.setdefault(name, []).append(self._config(content, {**bound, name: {"value": item}}))
        return config

    def _depend(self, block: Block) -> None:
        if "depends_on" in block.attributes:
            self._value(block.attributes["depends_on"])


class _Lazy(dict[str, Any]):
    """Values made when they are asked for; a name that is not declared is a KeyError."""

    def __init__(self, make: Any, names: Any) -> None:
        super().__init__(dict.fromkeys(names))
        self._make = make

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return self._make(name)
