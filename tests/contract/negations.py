"""What negates each choice: the emulator as it would be, had it been decided otherwise and as well documented.

Judged as a stranger, an emulator with any of these conforms, and exactly the choices that it does not share are told.
The changes of one choice are made together. `APART` are choices whose negations cannot live with all others: each set
is tried by itself.
"""

from tests.contract.mutant import Mutant

MESSAGES = "core/messages.py"
QUEUES = "core/queues.py"
PUSHES = "core/pushes.py"
STORE = "core/store.py"
URLS = "core/urls.py"
ENCODING = "core/encoding.py"
BINDING = "server/binding.py"
EXCHANGE = "server/exchange.py"
ERRORS = "server/http_errors.py"
SPEC = "openapi/scheduling.yaml"

Negations = dict[str, tuple[Mutant, ...]]

FORM: Negations = {
    "http.envelope_members": (
        Mutant("a success has no member error", EXCHANGE, '"data":%b,"error":null,', '"data":%b,'),
    ),
    "http.metadata": (Mutant("metadata does not tell of caches", EXCHANGE, '"cache_hit":false,', ""),),
    "http.error_members": (Mutant("errors have no hint", ERRORS, '        "hint": error.hint,\n', ""),),
    "http.further_members": (Mutant("answers tell a version", EXCHANGE, '{"ok":true,', '{"version":"9","ok":true,'),),
    "http.media_type": (
        Mutant("answers are text", "server/exchange.py", '"application/json; charset', '"text/plain; charset'),
    ),
    "http.statuses": (
        Mutant(
            "a wrong key answers 403",
            ERRORS,
            'code = "UNAUTHORIZED"\n    status = 401',
            'code = "UNAUTHORIZED"\n    status = 403',
        ),
    ),
    "http.error_codes": (
        Mutant(
            "what is missing is told in other words", "core/errors.py", "' not found\")", "' is nowhere to be seen\")"
        ),
        Mutant("what is missing has another code", "core/errors.py", '    code = "NOT_FOUND"', '    code = "MISSING"'),
    ),
    "http.media_types_refused": (
        Mutant(
            "text/plain is taken for JSON",
            "server/json_body.py",
            '    if content_type is None or content_type == "application/json":\n',
            "    if True:\n",
        ),
    ),
    "http.bodies_optional": (
        Mutant(
            "a body must be there",
            EXCHANGE,
            '        if received.raw and received.method not in {"GET", "HEAD"}:\n',
            '        if not received.raw and received.method in {"POST", "PUT", "PATCH"}:\n'
            '            raise json_body.MalformedBody("the body must be there")\n'
            '        if received.raw and received.method not in {"GET", "HEAD"}:\n',
        ),
    ),
    "http.unknown_parameters": (
        Mutant(
            "an unknown query parameter is refused",
            BINDING,
            "        for parameter in self.parameters:\n            source = sources",
            "        for name in set(sources[1]) - {item.name for item in self.parameters}:\n"
            '            raise InvalidRequest("is unknown", parameter=name)\n'
            "        for parameter in self.parameters:\n            source = sources",
        ),
    ),
    "http.given_once": (
        Mutant(
            "of a parameter given twice the first counts",
            BINDING,
            "    refuse_repeated(source, parameter.name)\n",
            "",
        ),
    ),
    "http.described_requests": (
        Mutant(
            "a null is taken for absent",
            EXCHANGE,
            '            journaled = b"null" if body is None else received.raw\n',
            '            journaled = b"null" if body is None else received.raw\n'
            '            if isinstance(body, dict) and body.get("max_retries", 0) is None:\n'
            '                del body["max_retries"]\n',
        ),
    ),
    "http.newer_paths": (
        Mutant(
            "only the documented paths are served",
            BINDING,
            "for path in (bound.operation.path, bound.operation.newer_path)",
            "for path in (bound.operation.path, None)",
        ),
    ),
    "http.key_first": (
        Mutant(
            "what a path names is looked for before the key",
            "server/api.py",
            "        key = self._sandboxes.key_in(request.headers)\n        raw = await",
            "        if matched.path and request.headers.get('Authorization', '')[:11] != 'Bearer ifr_':\n"
            "            raise __import__('sched_emulator').core.errors.NotFound('thing', 'of that name')\n"
            "        key = self._sandboxes.key_in(request.headers)\n        raw = await",
        ),
    ),
    "http.other_schemes": (
        Mutant(
            "other schemes are accepted",
            "server/sandboxes.py",
            'if scheme.lower() != "bearer" or not key:',
            "if not key:",
        ),
    ),
    "http.public": (
        Mutant(
            "discovery writes methods small",
            "server/discovery.py",
            '"method": operation.method,',
            '"method": operation.method.lower(),',
        ),
    ),
    "account.credit": (Mutant("a top-up has to be paid", "core/account.py", " + float(amount_usd))", ")"),),
}

VALUES: Negations = {
    "values.instants_out": (
        Mutant(
            "instants are written with an offset",
            BINDING,
            "        return to_text\n",
            '        return lambda instant_ms: to_text(instant_ms).replace("Z", "+00:00")\n',
        ),
    ),
    "values.whole_numbers": (
        Mutant(
            "a consume of half a message takes one",
            SPEC,
            "integer\n                  minimum: 1\n                  x-limits: {maximum: limits.max_messages",
            "number\n                  minimum: 1\n                  x-limits: {maximum: limits.max_messages",
        ),
    ),
    "values.ranges": (
        Mutant(
            "a delay may be below zero",
            SPEC,
            "    DelaySeconds:\n      type: number\n      x-unit: seconds\n      minimum: 0\n",
            "    DelaySeconds:\n      type: number\n      x-unit: seconds\n      minimum: -1\n",
        ),
        Mutant("such a delay is none", BINDING, "    return to_ms(seconds)\n", "    return max(to_ms(seconds), 0)\n"),
    ),
    "values.texts": (
        Mutant(
            "a secret may be empty",
            SPEC,
            "      x-secret: true\n      minLength: 1\n",
            "      x-secret: true\n      minLength: 0\n",
        ),
    ),
    "values.names": (
        Mutant(
            "names have no spaces", SPEC, r"pattern: '^[^\x00-\x1f\x7f-\x9f]+$'", r"pattern: '^[^\x00- \x7f-\x9f]+$'"
        ),
    ),
    "values.special_numbers": (
        Mutant(
            "1e999 is taken for 0",
            ENCODING,
            '        raise ValueError("a number is too large")\n',
            "        return 0.0\n",
        ),
    ),
    "values.exact_numbers": (
        Mutant(
            "whole numbers become floats",
            MESSAGES,
            '        "payload": message.payload,\n',
            '        "payload": __import__("json").loads(\n'
            "            encode_bytes(message.payload),\n"
            "            parse_int=lambda text: float(text) if len(text) < 300 else int(text),\n"
            "        ),\n",
        ),
    ),
    "values.headers": (
        Mutant(
            "headers may be numbers",
            SPEC,
            "      additionalProperties:\n        type: string\n        maxLength: 8192\n",
            "      additionalProperties:\n        type: [string, integer]\n        maxLength: 8192\n",
        ),
        Mutant(
            "numbers are checked as texts",
            URLS,
            "        if not isinstance(value, str):\n",
            "        value = str(value)\n        if False:\n",
        ),
    ),
    "values.max_runs": (
        Mutant(
            "a cron may be meant to run never",
            SPEC,
            "    MaxRuns:\n      type: integer\n      minimum: 1\n",
            "    MaxRuns:\n      type: integer\n      minimum: 0\n",
        ),
    ),
    "values.url_schemes": (
        Mutant("ftp is a scheme", URLS, "(?P<scheme>https?)", "(?P<scheme>https?|ftp)"),
        Mutant("ftp has a port", URLS, '{"http": 80, "https": 443}', '{"http": 80, "https": 443, "ftp": 21}'),
    ),
    "values.private_addresses": (
        Mutant(
            "crons and tasks may lead anywhere",
            URLS,
            "    if kind is not None and (strict",
            "    if push and kind is not None and (strict",
        ),
    ),
    "values.limits_of_lists": (
        Mutant(
            "a limit of 0 asks for all",
            SPEC,
            "    Limit:\n      type: integer\n      minimum: 1\n",
            "    Limit:\n      type: integer\n      minimum: 0\n",
        ),
    ),
    "values.unknown_things": (
        Mutant(
            "a purge of a queue that is not there removes nothing",
            QUEUES,
            "    record = find(store, queue)\n    contents = store.contents[queue]\n    purged",
            '    if queue not in store.queues:\n        return {"queue": queue, "purged": 0}\n'
            "    record = find(store, queue)\n    contents = store.contents[queue]\n    purged",
        ),
    ),
    "values.cursors": (
        Mutant(
            "made-up cursors begin anew",
            "core/paging.py",
            "    raise InvalidRequest(\n",
            "    return 0\n    raise InvalidRequest(\n",
        ),
    ),
}

OF_QUEUES: Negations = {
    "queue.list_order": (
        Mutant(
            "queues are listed newest first",
            QUEUES,
            "lambda name: view(queues[name]), cursor=cursor, limit=limit)",
            "lambda name: view(queues[name]), cursor=cursor, limit=limit, newest_first=True)",
        ),
    ),
    "queue.standard_order": (
        Mutant(
            "a standard queue hands out the newest first",
            MESSAGES,
            "        position=arrival,\n",
            '        position=arrival if queue.type == "fifo" else -arrival,\n',
        ),
    ),
    "queue.consume_fills": (
        Mutant(
            "a consume returns two messages at most",
            MESSAGES,
            "while len(taken) < most and",
            "while len(taken) < min(most, 2) and",
        ),
    ),
    "queue.batch": (
        Mutant("the ids of a batch come in any order", MESSAGES, '{"message_ids": ids}', '{"message_ids": ids[::-1]}'),
    ),
    "queue.ack_names_its_queue": (
        Mutant(
            "an ack does not look at the queue",
            MESSAGES,
            "message = store.contents[queue].live.messages.get(message_id)\n    if message is not None",
            "message = store.find_message(message_id, likely=queue)\n    if message is not None",
        ),
    ),
    "queue.create_conflict": (
        Mutant(
            "a create with other settings answers what is there", QUEUES, "    if different or store", "    if store"
        ),
    ),
    "queue.oldest_age": (
        Mutant(
            "the age in an empty queue is 0",
            QUEUES,
            "    oldest = live.oldest()\n    if",
            '    counts["oldest_age_seconds"] = 0\n    oldest = live.oldest()\n    if',
        ),
    ),
    "queue.create_configures": (
        Mutant(
            "a create of what publishing made changes nothing",
            QUEUES,
            "return view(configure(store, existing, wanted))",
            "return view(existing)",
        ),
    ),
    "queue.dead_letter_queue": (
        Mutant(
            "an update takes any dead-letter queue",
            QUEUES,
            '    check_dead_letter_queue(store, queue, changes.get("dead_letter_queue"))\n',
            "",
        ),
    ),
    "queue.dlq_own_name": (
        Mutant(
            "a dead-letter queue lists only what died in it",
            STORE,
            "found = [*own.live.dead.values(), *own.kept.dead.values()]",
            "found = [shelf.dead[queue] for shelf in (own.live, own.kept) if queue in shelf.dead]",
        ),
    ),
    "queue.redrive_order": (
        Mutant(
            "redrive begins with the newest", MESSAGES, "for message in chosen:", "for message in reversed(chosen):"
        ),
    ),
    "queue.redrive_unknown": (
        Mutant(
            "redrive of an unknown message brings none back",
            MESSAGES,
            '            raise NotFound("dead letter", message_id)\n',
            '            return {"queue": queue, "redriven": 0}\n',
        ),
    ),
    "queue.purge_spares_the_dead": (
        Mutant(
            "a purge takes the dead, too",
            QUEUES,
            "    purged = len(contents.live.messages)\n",
            "    purged = len(contents.live.messages)\n"
            "    for message in [item for index in store.dead_letters(queue) for item in index.items.values()]:\n"
            '        remove(store, message, "expire")\n',
        ),
    ),
    "queue.fifo_ignores_priority": (
        Mutant("FIFO honours priorities", QUEUES, '    if queue.type == "fifo" or not', "    if not"),
    ),
    "queue.retention_counts": (
        Mutant(
            "dead letters are as old as when they were published",
            MESSAGES,
            "    message.kept_from_ms = store.now_ms\n",
            "    message.kept_from_ms = message.published_ms\n",
        ),
    ),
    "push.one_subscription": (
        Mutant(
            "a second subscription changes nothing",
            PUSHES,
            "    record.subscription = Subscription(\n",
            "    if record.subscription is not None:\n"
            '        return {"subscription_id": record.subscription.subscription_id, "queue": queue, "url": url}\n'
            "    record.subscription = Subscription(\n",
        ),
    ),
    "push.takes_what_was_there": (
        Mutant(
            "a subscription begins with the next message",
            PUSHES,
            '    queues.want_push(store, record)\n    return {"subscription_id"',
            '    return {"subscription_id"',
        ),
    ),
    "push.fifo_one_by_one": (
        Mutant("FIFO messages are pushed side by side", QUEUES, "at_once = 1 if contents.fifo else", "at_once ="),
        Mutant(
            "a push under way holds no other back",
            QUEUES,
            "    return takeable(store, queue, fifo_barrier(store, queue))\n",
            "    return takeable(store, queue, None)\n",
        ),
    ),
    "push.lease_is_the_limit": (
        Mutant(
            "a push whose lease ran out is made again",
            MESSAGES,
            "    if message.pushed_by is not None:\n        push_failed(store, queue, message)\n        return\n",
            "",
        ),
    ),
    "push.settings_win": (
        Mutant(
            "the queue's dead-letter queue wins",
            MESSAGES,
            "name = queue.subscription.dead_letter_queue or name",
            "name = name or queue.subscription.dead_letter_queue",
        ),
    ),
}

NEGATIONS: Negations = {**FORM, **VALUES, **OF_QUEUES}
APART: tuple[frozenset[str], ...] = ()
