"""GitHub's own OpenAPI description as a judge: of every request that is made, and of every answer a test server gives."""

import json
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict


def _nullable_enums(node):
    """The description says ``nullable`` beside an ``enum`` without null and means that null may stand there."""
    if node.get("nullable") and "enum" in node and None not in node["enum"]:
        node["enum"] = [*node["enum"], None]
    return node


FILE = Path(__file__).parent / "contract" / "github-openapi.json"
SPEC = json.loads(FILE.read_text(), object_hook=_nullable_enums)
HOST = "https://api.github.com"


class Request:
    """A request as openapi-core wants it."""

    content_type = "application/json"

    def __init__(self, method, path, query, body):
        self.method, self.path, self.body = method.lower(), path, body
        self.host_url = HOST
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(query)), header=Headers(), cookie=ImmutableMultiDict()
        )


class Response:
    """An answer as openapi-core wants it."""

    content_type = "application/json"

    def __init__(self, status, body):
        self.status_code, self.data, self.headers = status, body, Headers()


@cache
def openapi():
    return OpenAPI.from_dict(SPEC)


def request_faults(method, path, query="", body=b""):
    """Return what GitHub's description says against a request; the description allows unknown fields, this does not."""
    try:
        openapi().validate_request(Request(method, path, query, body))
    except OpenAPIError as error:
        return [f"{type(error).__name__}: {error.__cause__ or error}"]
    return _unknown(method, path, body) if body else []


def response_faults(method, path, status, body):
    try:
        openapi().validate_response(Request(method, path, "", b""), Response(status, body))
    except OpenAPIError as error:
        return [f"{type(error).__name__}: {error.__cause__ or error} {getattr(error.__cause__, 'schema_errors', '')}"]
    return []


def _unknown(method, path, body):
    schema = operation(method, path)["requestBody"]["content"]["application/json"]["schema"]
    return _strangers(json.loads(body), schema, "")


def _strangers(value, schema, where):
    schema = resolved(schema)
    if isinstance(value, list):
        return [fault for one in value for fault in _strangers(one, schema.get("items", {}), where + "[]")]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    faults = [f"unknown field {where}/{key}" for key in value if key not in schema["properties"]]
    for key, one in value.items():
        faults += _strangers(one, schema["properties"].get(key, {}), f"{where}/{key}")
    return faults


def operation(method, path):
    """Return the operation that answers *path*."""
    parts = path.split("/")
    for template, methods in SPEC["paths"].items():
        names = template.split("/")
        wild = names[-1] == "{path}" and len(parts) >= len(names)
        same = all(a == b or a.startswith("{") for a, b in zip(names, parts, strict=False))
        if same and (len(names) == len(parts) or wild) and method.lower() in methods:
            return methods[method.lower()]
    raise LookupError(f"{method} {path} is not in GitHub's description, or not in the slice")


def resolved(schema):
    while "$ref" in schema:
        node = SPEC
        for key in schema["$ref"].removeprefix("#/").split("/"):
            node = node[key]
        schema = node
    return schema


def answer(method, path, status, given):
    """Return a whole answer as GitHub describes it, in which *given* is what matters; the rest is filled in."""
    schema = operation(method, path)["responses"][str(status)]["content"]["application/json"]["schema"]
    return filled(schema, given)


def filled(schema, given=None):
    schema = resolved(schema)
    if schema.get("type") == "array":
        return [filled(schema["items"], one) for one in given or []]
    for kind in ("allOf", "anyOf", "oneOf"):
        if kind in schema and "properties" not in schema:
            return filled(_fitting(schema[kind], given), given)
    if schema.get("type") == "object" or "properties" in schema:
        return _filled_object(schema, given or {})
    return _scalar(schema) if given is None else given


def _fitting(schemas, given):
    """Return the first of *schemas* that has every field of *given*."""
    schemas = [resolved(one) for one in schemas]
    if not isinstance(given, dict):
        return schemas[0]
    return next((one for one in schemas if set(given) <= set(one.get("properties", {}))), schemas[0])


def _filled_object(schema, given):
    properties = schema.get("properties", {})
    value = {}
    for name in dict.fromkeys([*schema.get("required", []), *given]):
        one = resolved(properties.get(name, {}))
        if name in given:
            nested = isinstance(given[name], (dict, list)) and one
            value[name] = filled(one, given[name]) if nested else given[name]
        else:
            value[name] = None if one.get("nullable") else filled(one)
    return value


def _scalar(schema):
    if schema.get("nullable"):
        return None
    if "enum" in schema:
        return schema["enum"][0]
    text = {"date-time": "2026-11-22T00:00:00Z", "uri": "https://github.com/x", "email": "a@b.cd"}
    return {"integer": 1, "number": 1, "boolean": False}.get(schema.get("type"), text.get(schema.get("format"), "x"))
