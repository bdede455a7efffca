"""Writes down which arguments the AWS provider takes, for the resources that the Terraform files use.

    pip download --no-deps --dest DIR cdktf-cdktf-provider-aws==21.22.1
    python tests/deploy/extract_provider_schema.py DIR/*.whl > tests/deploy/aws_provider_schema.json

The package is generated from the schema of hashicorp/aws 6.25 and is read without being imported. An argument that
must be given ends in "!"; a block holds its own arguments. To be run again when a new kind of resource is used.
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


def main(wheel: str) -> None:
    schema = {}
    with zipfile.ZipFile(wheel) as package:
        for kind, name in sorted(used_kinds()):
            module = f"data_aws_{name}" if kind == "data" else name
            source = package.read(f"cdktf_cdktf_provider_aws/{module}/__init__.py").decode()
            classes = {part.name: part for part in ast.parse(source).body if isinstance(part, ast.ClassDef)}
            main_class = next(cls for cls in classes.values() if f"{cls.name}Config" in classes)
            schema[f"{kind}.aws_{name}"] = _arguments(main_class, classes)
    json.dump(schema, sys.stdout, indent=0, sort_keys=True)


if __name__ == "__main__":
    main(sys.argv[1])
