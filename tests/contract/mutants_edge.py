"""Mutants of what goes in and out: deliveries, idempotency, lists, envelopes."""

from tests.contract.mutant import Mutant

MESSAGES = "core/messages.py"
QUEUES = "core/queues.py"
DELIVERIES = "core/deliveries.py"
PUSHES = "core/pushes.py"
PAGING = "core/paging.py"
IDEMPOTENCY = "core/idempotency.py"
SIGNING = "core/signing.py"
BINDING = "server/binding.py"
API = "server/exchange.py"
SPEC = "openapi/scheduling.yaml"

EDGE_MUTANTS = (
    # --- Deliveries, signatures, pushes
    Mutant("deliveries lose the headers configured", DELIVERIES, "    if delivery.headers:\n", "    if False:\n"),
    Mutant("nothing is signed", DELIVERIES, "    if delivery.secret is not None:\n", "    if False:\n"),
    Mutant(
        "the body is signed after re-serialising",
        DELIVERIES,
        "body=text.encode(),",
        "body=__import__('json').dumps(__import__('json').loads(text), sort_keys=True).encode(),",
    ),
    Mutant(
        "the secret is signed with its length",
        SIGNING,
        '"sha256=" + _digest(secret.encode(), body).hex()',
        '"sha256=" + _digest(secret[:8].encode(), body).hex()',
    ),
    Mutant(
        "everything is signed, without a secret too",
        DELIVERIES,
        "    if delivery.secret is not None:\n",
        "    if True:\n        delivery.secret = delivery.secret or 'x'\n",
    ),
    Mutant(
        "payloads are delivered with sorted keys",
        DELIVERIES,
        "    text = encode(body)\n",
        "    from .encoding import encode_sorted\n\n    text = encode_sorted(body)\n",
    ),
    Mutant(
        "one push too many",
        MESSAGES,
        "if message.failures > queues.push_retries(store, queue):",
        "if message.failures > queues.push_retries(store, queue) + 1:",
    ),
    Mutant(
        "a pushed message stays",
        PUSHES,
        '    elif outcome.succeeded:\n        queues.remove(store, message, "ack")\n',
        "    elif outcome.succeeded:\n        messages.push_failed(store, queue, message)\n",
    ),
    Mutant(
        "a subscription's own dead-letter queue is ignored",
        MESSAGES,
        "name = queue.subscription.dead_letter_queue or name",
        "name = name",
    ),
    Mutant(
        "a push ignores visibility_timeout",
        PUSHES,
        "lease_ms = queue.subscription.visibility_timeout_ms or queue",
        "lease_ms = queue",
    ),
    Mutant(
        "a push goes to a plain http URL",
        "core/urls.py",
        'if push and target.scheme != "https" and kind != "loopback":',
        "if False:",
    ),
    # --- Idempotency
    Mutant(
        "idempotency keys are ignored", "core/sandbox.py", "        if idempotency_key is None:\n", "        if True:\n"
    ),
    Mutant(
        "a replay does it again",
        IDEMPOTENCY,
        "return remembered.result, remembered.request_seq",
        "return operation(), remembered.request_seq",
    ),
    Mutant(
        "keys count over all operations",
        IDEMPOTENCY,
        "place = encode([operation_id, *(arguments[name] for name in path), key])",
        "place = key",
    ),
    Mutant(
        "refused requests are remembered",
        IDEMPOTENCY,
        "    result = operation()\n",
        "    store.remembered[place] = RememberedCall(scope=place, fingerprint='', result={}, at_ms=store.now_ms, request_seq=1)\n    result = operation()\n",
    ),
    Mutant(
        "the header is ignored",
        BINDING,
        'if PLACES[parameter.place] == "header" or key is None',
        "if key is None and PLACES[parameter.place] != 'header'",
    ),
    # --- Lists
    Mutant(
        "a cursor repeats its last item",
        PAGING,
        "bisect_right(self._numbers, after)",
        "bisect_left(self._numbers, after)",
    ),
    Mutant(
        "a cursor skips an item",
        PAGING,
        "else bisect_right(self._numbers, after)",
        "else bisect_right(self._numbers, after) + 1",
    ),
    Mutant(
        "made-up cursors begin anew",
        PAGING,
        "    raise InvalidRequest(\n",
        "    return 0\n    raise InvalidRequest(\n",
    ),
    Mutant(
        "a page is one too long",
        PAGING,
        "return [item for _, item in found[:limit]], found[limit - 1][0]",
        "return [item for _, item in found], found[limit][0]",
    ),
    Mutant("there is never another page", "core/store.py", "    if last is not None:\n", "    if False:\n"),
    # --- The edge
    Mutant(
        "keys are not looked at",
        "server/sandboxes.py",
        'if not key.startswith("ifr_") or',
        "if False and",
    ),
    Mutant(
        "other schemes are accepted", "server/sandboxes.py", 'if scheme.lower() != "bearer" or not key:', "if not key:"
    ),
    Mutant(
        "credit is not looked at",
        "core/account.py",
        "if charged and store.balance_usd is not None and",
        "if False and",
    ),
    Mutant(
        "text/plain is taken for JSON",
        "server/json_body.py",
        '    if content_type is None or content_type == "application/json":\n',
        "    if True:\n",
    ),
    Mutant(
        "405 does not say what is allowed",
        "server/http_errors.py",
        'self.headers = {"Allow": allowed}',
        "self.headers = {}",
    ),
    Mutant(
        "errors have no hint of a code",
        "server/http_errors.py",
        '        "code": error.code,\n',
        '        "code": error.code.lower(),\n',
    ),
    Mutant(
        "the request id differs from the header",
        API,
        'return {"X-Infrai-Request-Id": identity,',
        'return {"X-Infrai-Request-Id": identity[::-1],',
    ),
    Mutant(
        "data is null in the envelope",
        API,
        "content = _ENVELOPE % (content,",
        'content = _ENVELOPE % (b"null",',
    ),
    Mutant("ok is true in errors", API, """b'{"ok":false,"data":null,""", """b'{"ok":true,"data":null,"""),
    Mutant("404 does not say not found", "core/errors.py", 'not found")', 'missing")'),
    Mutant("creations answer 202", SPEC, "x-created-status: 200\n", "x-created-status: 202\n"),
    Mutant(
        "get loses the time zone",
        SPEC,
        "        timezone: &cronZone {type: string, description: The time zone of the expression.}\n        enabled: &cronEnabled",
        "        zone: &cronZone {type: string, x-from: timezone, description: The time zone of the expression.}\n        enabled: &cronEnabled",
    ),
    Mutant(
        "timeout_seconds may be 0",
        SPEC,
        "    TimeoutSeconds:\n      type: number\n      x-unit: seconds\n      minimum: 1\n",
        "    TimeoutSeconds:\n      type: number\n      x-unit: seconds\n      minimum: 0\n",
    ),
    Mutant(
        "retry may be 11",
        SPEC,
        "    Retry:\n      type: integer\n      minimum: 0\n      maximum: 10\n",
        "    Retry:\n      type: integer\n      minimum: 0\n      maximum: 11\n",
    ),
    Mutant("the newer paths are not served", SPEC, "  /v1/scheduling/: /v1/\n", "  /v1/scheduling/: /v2/\n"),
    Mutant(
        "instants are numbers", BINDING, "        return to_text\n", "        return lambda instant_ms: instant_ms\n"
    ),
    Mutant(
        "absent fields are null",
        BINDING,
        "for name, source, render in parts if source in result}",
        "for name, source, render in parts if source in result} | {name: None for name, source, _ in parts if source not in result}",
    ),
    Mutant(
        "undocumented fields are returned",
        BINDING,
        "for name, source, render in parts if source in result}",
        "for name, source, render in parts if source in result} | {'internal': 1}",
    ),
    Mutant(
        "large numbers are rounded",
        "core/encoding.py",
        "    return _decoder.decode(raw)",
        "    return __import__('json').loads(raw, parse_int=lambda text: int(float(text)))",
    ),
)
