"""Validate the documents under openapi/ (`make check`): one line a document, exit status 1 at the first wrong one."""

import sys

from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from sched_emulator import spec
from sched_emulator.spec import assumptions

DOCUMENTS = {
    "openapi/emulator.yaml": spec.load("emulator"),
    "openapi/scheduling.yaml, documented": spec.resolve(spec.load("scheduling"), assumptions.preset("documented")),
    "openapi/scheduling.yaml, observed": spec.resolve(spec.load("scheduling"), assumptions.preset("observed")),
}


def main() -> int:
    """Validate all documents."""
    for name, document in DOCUMENTS.items():
        try:
            spec.check(document)
            validate(document)
        except (ValueError, OpenAPIValidationError) as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
        sys.stdout.write(f"{name}: valid OpenAPI {document['openapi']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
