"""contract: schema/openapi.yaml as something that checks answers, events and messages."""

import re
from pathlib import Path

import jsonschema
import yaml

SCHEMA = Path(__file__).resolve().parents[3] / "schema" / "openapi.yaml"

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")

# What may be answered to any request, whatever its path (see the description in the file).
UNROUTED = {
    307: "TrailingSlash",
    400: "BadRequest",
    404: "UnknownRoute",
    405: "MethodNotAllowed",
    411: "LengthRequired",
    414: "UriTooLong",
}


def _by_discriminator(validator, choices, instance, schema):
    """`oneOf`, told apart by the member that says which one it is: quicker, and the error is about that one."""
    union = schema.get("discriminator")
    if union is None or not isinstance(instance, dict):
        yield from ONE_OF(validator, choices, instance, schema)
        return
    kind = instance.get(union["propertyName"])
    ref = union["mapping"].get(kind) if isinstance(kind, str) else None
    if ref is None:
        yield jsonschema.ValidationError(f"no such {union['propertyName']}: {kind!r}")
        return
    yield from validator.descend(instance, {"$ref": ref})


ONE_OF = jsonschema.Draft202012Validator.VALIDATORS["oneOf"]
Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"oneOf": _by_discriminator}
)


class Contract:
    def __init__(self, path=SCHEMA):
        self.document = yaml.safe_load(path.read_text())
        self.components = self.document["components"]
        self._resolver = jsonschema.RefResolver.from_schema(self.document)
        self._validators = {}
        self._refs = {}
        self._paths = [
            (self._path_pattern(path), item)
            for path, item in self.document["paths"].items()
        ]

    @staticmethod
    def _path_pattern(path):
        return re.compile("/".join(map(_segment_pattern, path.split("/"))) + r"\Z")

    def routes(self):
        """As `notebookd --print-routes` prints them."""
        return sorted(
            f"{method.upper()} {path}"
            for path, item in self.document["paths"].items()
            for method in METHODS
            if method in item
        )

    def methods(self, path):
        """The methods of a path, empty for an unknown one."""
        for pattern, item in self._paths:
            if pattern.match(path):
                return {method.upper() for method in METHODS if method in item}
        return set()

    def check_answer(self, request, answer):
        """An answer must be one that the file gives for the route."""
        operation = self._operation(request.method, request.path)
        response = self._response(operation, request, answer)
        for name, header in response.get("headers", {}).items():
            self._check_header(name, header, answer)
        if request.method == "HEAD":
            return
        content = response.get("content")
        if content is not None:
            (media_type,) = content
            assert answer.headers.get("content-type") == media_type
            if media_type == "application/json":
                self.validate(content[media_type]["schema"], answer.json())
        if operation is not None:
            self._check_request(operation, request, answer)

    def check_event(self, event, union="ServerEvent"):
        """What the server says; the union is that of the version of the protocol."""
        self.validate(self._ref(f"#/components/schemas/{union}"), event)

    def check_message(self, message, union="ClientMessage"):
        """What a client says."""
        self.validate(self._ref(f"#/components/schemas/{union}"), message)

    def check_result(self, kind, result):
        """What a message of version 2 is answered with."""
        results = self.components["schemas"]["ClientMessage2"]["x-results"]
        self.validate(results[kind], result)

    def validate(self, schema, value):
        error = jsonschema.exceptions.best_match(
            self._validator(schema).iter_errors(value)
        )
        if error is not None:
            where = "/".join(map(str, error.absolute_path)) or "the whole"
            raise AssertionError(f"{error.message} (at {where}, in {value!r:.2000})")

    def _validator(self, schema):
        key = id(schema)
        if key not in self._validators:
            self._validators[key] = Validator(
                schema,
                resolver=self._resolver,
                format_checker=jsonschema.FormatChecker(),
            )
        return self._validators[key]

    def _resolve(self, node):
        while "$ref" in node:
            node = self._resolver.resolve(node["$ref"])[1]
        return node

    def _operation(self, method, path):
        method = "GET" if method == "HEAD" else method  # the same without a body
        for pattern, item in self._paths:
            if pattern.match(path):
                return item.get(method.lower())
        return None

    def _response(self, operation, request, answer):
        listed = (operation or {}).get("responses", {})
        if str(answer.status) in listed:
            return self._resolve(listed[str(answer.status)])
        name = UNROUTED.get(answer.status)
        # A listed operation must list its own 404; nothing but the unrouted may use the general one.
        assert name is not None and (operation is None or answer.status != 404), (
            f"{request.method} {request.path} may not be answered with {answer.status}:"
            f" {answer.text:.500}"
        )
        return self.components["responses"][name]

    def _check_header(self, name, header, answer):
        value = answer.headers.get(name.lower())
        if value is None:
            assert not header.get("required"), f"{answer.status} without {name}"
            return
        self.validate(header["schema"], value)

    def _check_request(self, operation, request, answer):
        """What was accepted must be valid by the file, and what was refused must not be."""
        body = operation.get("requestBody")
        if body is None or not 200 <= answer.status < 300:
            return
        schema = body["content"]["application/json"]["schema"]
        if request.body is not None or body["required"]:
            self.validate(schema, request.json())

    def _ref(self, ref):
        return self._refs.setdefault(ref, {"$ref": ref})


def _segment_pattern(segment):
    return "[^/]+" if segment.startswith("{") else re.escape(segment)


CONTRACT = Contract()
