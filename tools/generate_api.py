"""Generates the Engine API's wire types and its list of operations from Docker's own description of it.

    tools/engine-api/v1.55.yaml      Docker's description (Swagger 2.0) of the newest released version
    tools/engine-api/operations.json which version each operation appeared in
      -> src/wherry/api/types.py     one Struct per object, members named in snake case, None or UNSET if absent
      -> src/wherry/api/operations.py

Run by `make gen`; a test fails if the output is not current.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "tools" / "engine-api" / "v1.55.yaml"
VERSIONS = ROOT / "tools" / "engine-api" / "operations.json"
TYPES = ROOT / "src" / "wherry" / "api" / "types.py"
OPERATIONS = ROOT / "src" / "wherry" / "api" / "operations.py"

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_METHODS = ("get", "head", "post", "put", "delete")
_OLDEST = "1.24"

Schema = dict[str, Any]


def snake(name: str) -> str:
    """CpusetCpus as cpuset_cpus, IPAMConfig as ipam_config, IOMaximumIOps as io_maximum_iops."""
    name = (
        name.replace("IOps", "Iops")
        .replace("IDs", "Ids")
        .replace("IPs", "Ips")
        .replace("CPUs", "Cpus")
        .replace("IPv", "Ipv")
    )
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"[^0-9a-zA-Z]+", "_", name).strip("_").lower()
    return name + "_" if keyword.iskeyword(name) else name


def pascal(name: str) -> str:
    words = re.split(r"[^0-9a-zA-Z]+", name)
    return "".join(word[:1].upper() + word[1:] for word in words)


class Types:
    """Collects the structs: named definitions first, objects found inside them as they come up."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self._definitions = definitions
        self._done: dict[str, str] = {}
        self._busy: set[str] = set()
        for name, schema in definitions.items():
            if self._members(schema):
                self._define(pascal(name), schema)

    def add(self, name: str, schema: Schema) -> None:
        self._define(name, schema)

    def _members(self, schema: Schema, owner: str = "") -> dict[str, tuple[str, Schema]]:
        """The properties of an object, those of allOf included, each with the name of the object that declares it."""
        while "$ref" in schema:
            target = schema["$ref"].rpartition("/")[2]
            schema, owner = self._definitions[target], pascal(target)
        members: dict[str, tuple[str, Schema]] = {}
        for part in schema.get("allOf", ()):
            members.update(self._members(part, owner))
        members.update({name: (owner, of) for name, of in schema.get("properties", {}).items()})
        return members

    def _define(self, name: str, schema: Schema) -> None:
        if name in self._done or name in self._busy:
            return
        self._busy.add(name)
        fields, renamed = [], []
        for member, (owner, of) in self._members(schema, name).items():
            attribute = snake(member)
            fields.append(f"    {attribute}: {self._type(of, owner + pascal(member))} | None | UnsetType = UNSET")
            renamed.append(f'"{attribute}": "{member}"')
        rename = "{" + ", ".join(renamed) + "}"
        lines = [f"class {name}(Struct, kw_only=True, rename={rename}):", *(fields or ["    pass"])]
        self._done[name] = "\n".join(lines)

    def _type(self, schema: Schema, name: str) -> str:
        if "$ref" in schema:
            target = schema["$ref"].rpartition("/")[2]
            if self._members(schema):
                self._define(pascal(target), self._definitions[target])
                return pascal(target)
            return self._type(self._definitions[target], pascal(target))
        kind = schema.get("type")
        if "allOf" in schema and len(schema["allOf"]) == 1 and not schema.get("properties"):
            return self._type(schema["allOf"][0], name)
        if kind == "array":
            return f"list[{self._element(schema['items'], name)}]"
        if self._members(schema):
            self._define(name, schema)
            return name
        if kind == "object" or "additionalProperties" in schema:
            values = schema.get("additionalProperties")
            return f"dict[str, {self._element(values, name)}]" if isinstance(values, dict) else "dict[str, Any]"
        return _SCALARS.get(str(kind), "Any")

    def _element(self, schema: Schema, name: str) -> str:
        """Elements of lists and maps may be null too where they are containers themselves."""
        element = self._type(schema, name)
        return f"{element} | None" if element.startswith(("list", "dict")) else element

    def text(self) -> str:
        return "\n\n\n".join(self._done.values())


def bodies(paths: dict[str, Any]) -> dict[str, Schema]:
    """Objects that operations take or give and that have no name of their own: <OperationId>Request and ...Response."""
    found: dict[str, Schema] = {}
    for methods in paths.values():
        for method, operation in methods.items():
            if method not in _METHODS:
                continue
            for parameter in operation.get("parameters", ()):
                schema = parameter.get("schema", {})
                if parameter.get("in") == "body" and ("properties" in schema or "allOf" in schema):
                    found[operation["operationId"] + "Request"] = schema
            for status, response in operation.get("responses", {}).items():
                if str(status).startswith("2") and "properties" in response.get("schema", {}):
                    found[operation["operationId"] + "Response"] = response["schema"]
    return found


def types_module(document: dict[str, Any]) -> str:
    types = Types(document["definitions"])
    for name, schema in bodies(document["paths"]).items():
        types.add(name, schema)
    return f'''"""The Engine API's objects as they travel. Generated by tools/generate_api.py; do not edit.

Every member may be absent (UNSET) or null (None): which of them Docker writes is decided where an answer is made.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType


{types.text()}
'''


def _first_versions() -> dict[tuple[str, str], str]:
    listed = json.loads(VERSIONS.read_text())["operations"]
    return {(each["method"], each["path"]): each["first_yaml_version"].removeprefix("<=") for each in listed}


def operations_module(document: dict[str, Any]) -> str:
    since = _first_versions()
    rows = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in _METHODS:
                continue
            version = since.get((method.upper(), path), _OLDEST)
            version = _OLDEST if version == "1.25" else version
            summary = " ".join(operation.get("summary", "").split())
            values = (method.upper(), path, operation["operationId"], version, operation["tags"][0], summary)
            rows.append("    Operation(" + ", ".join(json.dumps(value) for value in values) + "),")
    body = "\n".join(rows)
    return f'''"""The operations of the Engine API. Generated by tools/generate_api.py; do not edit."""

from __future__ import annotations

from typing import NamedTuple


class Operation(NamedTuple):
    """`path` without version prefix; `since` is the first version that has it, 1.24 for all older ones."""

    method: str
    path: str
    id: str
    since: str
    tag: str
    summary: str


OPERATIONS: tuple[Operation, ...] = (
{body}
)
'''


def outputs() -> dict[Path, str]:
    """What the files have to contain."""
    document = yaml.safe_load(SOURCE.read_text())
    return {TYPES: types_module(document), OPERATIONS: operations_module(document)}


def main() -> int:
    for path, text in outputs().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
