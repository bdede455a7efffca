"""Writes down what the AWS provider takes and gives, for the resources that the Terraform files use.

    pip download --no-deps --dest DIR cdktf-cdktf-provider-aws==21.22.1
    python tests/deploy/extract_provider_schema.py DIR/*.whl > tests/deploy/aws_provider_schema.json

The package is generated from the schema of hashicorp/aws 6.25 and is read without being imported. An argument that
must be given ends in "!", and a block holds its own arguments; attributes are what can be read. Run it again when
a new kind of resource is used.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import zipfile
from typing import Any

from terraform_kit import TERRAFORM

_NOT_ARGUMENTS = {"connection", "count", "depends_on", "for_each", "id", "lifecycle", "provider", "provisioners"}
_HEADER = re.compile(r'^(resource|data) "aws_(\w+)"', re.MULTILINE)


def used_kinds() -> set[tuple[str, str]]:
    """Return (`resource` or `data`, name without `aws_`) of all that the files use."""
    return {kind for path in TERRAFORM.rglob("*.tf") for kind in _HEADER.findall(path.read_text("utf-8"))}


def _arguments(cls: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> dict[str, Any]:
    constructor = next(part for part in cls.body if isinstance(part, ast.FunctionDef) and part.name == "__init__")
    found: dict[str, Any] = {}
    for argument, default in zip(constructor.args.kwonlyargs, constructor.args.kw_defaults, strict=True):
        if argument.arg in _NOT_ARGUMENTS:
            continue
        name = argument.arg.rstrip("_") + ("!" if default is None else "")
        assert argument.annotation is not None
        inner = [word for word in re.findall(r"\w+", ast.unparse(argument.annotation)) if word in classes]
        found[name] = _arguments(classes[inner[0]], classes) if inner else None
    return found


def _properties(cls: ast.ClassDef) -> list[str]:
    """Return what can be read of a resource, without what is the package's own."""
    methods = [part for part in cls.body if isinstance(part, ast.FunctionDef)]
    names = {each.name for each in methods if any("property" in ast.unparse(by) for by in each.decorator_list)}
    return sorted(name for name in names if name.islower() and not name.endswith("_input"))


def main(wheel: str) -> None:
    schema = {}
    with zipfile.ZipFile(wheel) as package:
        for kind, name in sorted(used_kinds()):
            module = f"data_aws_{name}" if kind == "data" else name
            source = package.read(f"cdktf_cdktf_provider_aws/{module}/__init__.py").decode()
            classes = {part.name: part for part in ast.parse(source).body if isinstance(part, ast.ClassDef)}
            main_class = next(cls for cls in classes.values() if f"{cls.name}Config" in classes)
            schema[f"{'data.' if kind == 'data' else ''}aws_{name}"] = {
                "arguments": _arguments(main_class, classes),
                "attributes": _properties(main_class),
            }
    json.dump(schema, sys.stdout, indent=0, sort_keys=True)


if __name__ == "__main__":
    main(sys.argv[1])
