"""Mutants of queues: leases, nacks, dead letters, order."""

from tests.contract.mutant import Mutant

MESSAGES = "core/messages.py"
QUEUES = "core/queues.py"

QUEUES_MUTANTS = (
    # --- Leases, delays, acks, nacks
    Mutant(
        "a lease never expires",
        MESSAGES,
        '"in_flight", due_ms=store.now_ms + lease_ms',
        '"in_flight", due_ms=store.now_ms + 10**12',
    ),
    Mutant(
        "a lease is a second too short",
        MESSAGES,
        "due_ms=store.now_ms + lease_ms",
        "due_ms=store.now_ms + lease_ms - 1000",
    ),
    Mutant(
        "a lease is a second too long",
        MESSAGES,
        "due_ms=store.now_ms + lease_ms",
        "due_ms=store.now_ms + lease_ms + 1000",
    ),
    Mutant(
        "visibility_timeout is ignored",
        MESSAGES,
        "to_ms(visibility_timeout) if visibility_timeout else record",
        "record",
    ),
    Mutant("the queue's default lease is ignored", MESSAGES, "else record.visibility_timeout_ms", "else 30_000"),
    Mutant("delay_seconds is ignored", MESSAGES, "delay_ms = to_ms(delay_seconds)", "delay_ms = 0"),
    Mutant(
        "a delay is taken for milliseconds",
        MESSAGES,
        "delay_ms = to_ms(delay_seconds)",
        "delay_ms = int(delay_seconds)",
    ),
    Mutant(
        "a delay loses its fraction",
        MESSAGES,
        "delay_ms = to_ms(delay_seconds)",
        "delay_ms = 1000 * int(delay_seconds)",
    ),
    Mutant(
        "max_messages takes one more",
        MESSAGES,
        "for _ in range(max_messages or",
        "for _ in range(1 + max_messages if max_messages else",
    ),
    Mutant("max_messages is ignored", MESSAGES, "for _ in range(max_messages or", "for _ in range(0 or"),
    Mutant(
        "consuming takes messages away",
        MESSAGES,
        "taken.append(view(message))",
        "taken.append(view(message)); queues.remove(store, message)",
    ),
    Mutant(
        "an ack changes nothing",
        MESSAGES,
        'earlier holder may have acked it"\n        queues.remove(store, message)',
        'earlier holder may have acked it"',
    ),
    Mutant(
        "an ack does not look at the queue",
        MESSAGES,
        "message is not None and message.queue == queue else None",
        "message is not None else None",
    ),
    Mutant("a nack with requeue false requeues", MESSAGES, "if not requeue or _spent(", "if _spent("),
    Mutant("a nack with requeue true kills", MESSAGES, "if not requeue or _spent(", "if requeue or _spent("),
    Mutant("one retry too many", MESSAGES, "else message.failures > allowed", "else message.failures > allowed + 1"),
    Mutant("max_retries is ignored", MESSAGES, "else message.failures > allowed", "else False"),
    Mutant("requeued is always true", MESSAGES, '"requeued": requeue}', '"requeued": True}'),
    Mutant(
        "a dead message is lost",
        MESSAGES,
        "    queues.withdraw(store, message)\n    if message.died_ms is not None:",
        "    return queues.remove(store, message)\n    if message.died_ms is not None:",
    ),
    Mutant(
        "a batch loses its last message",
        MESSAGES,
        "for item in messages\n    ]",
        "for item in messages[: max(len(messages) - 1, 1)]\n    ]",
    ),
    Mutant(
        "a batch is published backwards",
        MESSAGES,
        "for item in messages\n    ]",
        "for item in reversed(messages)\n    ]",
    ),
    Mutant("a batch's delays are ignored", MESSAGES, 'item.get("delay_seconds", 0)', "0"),
    Mutant(
        "a batch is published up to what is refused",
        MESSAGES,
        "    for number, item in enumerate(messages):\n        _refuse",
        "    for number, item in enumerate(messages[:1]):\n        _refuse",
    ),
    # --- Dead letters and redrive
    Mutant("redrive ignores message_id", MESSAGES, "if message.message_id == message_id]", "]"),
    Mutant("redrive ignores since", MESSAGES, "if since_ms is None or (message.died_ms or 0) >= since_ms]", "]"),
    Mutant(
        "redrive takes what died before since",
        MESSAGES,
        "(message.died_ms or 0) >= since_ms]",
        "(message.died_ms or 0) < since_ms]",
    ),
    Mutant("redrive leaves the letters dead", MESSAGES, "for message in chosen:", "for message in chosen[:0]:"),
    Mutant("redrive remembers the nacks", MESSAGES, "    message.failures = 0\n", ""),
    Mutant("redrive counts one too many", MESSAGES, '"redriven": len(chosen)}', '"redriven": len(chosen) + 1}'),
    Mutant(
        "a dead-letter queue need not exist",
        QUEUES,
        "if name is not None and name not in store.queues:",
        "if False:",
    ),
    Mutant("a queue may be its own dead-letter queue", QUEUES, "    if name == queue:\n", "    if False:\n"),
    # --- Queues
    Mutant(
        "a FIFO queue forgets its order",
        QUEUES,
        "return (0, message.position)\n    if not queue",
        "return (0, message.position if queue.type != 'fifo' else -message.position)\n    if not queue",
    ),
    Mutant(
        "FIFO honours priorities",
        QUEUES,
        'if message.priority is None or queue.type == "fifo":',
        "if message.priority is None:",
    ),
    Mutant(
        "priorities are ignored",
        QUEUES,
        "return (message.priority if low_first else -message.priority, message.position)",
        "return (0, message.position)",
    ),
    Mutant(
        "a priority forgets the age",
        QUEUES,
        "else -message.priority, message.position)",
        "else -message.priority, -message.position)",
    ),
    Mutant(
        "stats counts the dead as available",
        QUEUES,
        "    available = len(index.available)\n",
        "    available = len(index.available) + len(index.dead)\n",
    ),
    Mutant("stats forgets what is in flight", QUEUES, '"in_flight": index.in_flight', '"in_flight": 0'),
    Mutant("the age is in milliseconds", QUEUES, "oldest.kept_from_ms) // 1000", "oldest.kept_from_ms)"),
    Mutant(
        "purge spares what is in flight",
        QUEUES,
        "held = list(store.indexes[queue].held)",
        "held = [m for m in store.indexes[queue].held if store.messages[m].place != 'in_flight']",
    ),
    Mutant(
        "purge removes the dead too",
        QUEUES,
        "held = list(store.indexes[queue].held)",
        "held = [*store.indexes[queue].held, *[m for m in store.indexes[queue].dead.ids.values() if m not in store.indexes[queue].held]]",
    ),
    Mutant("purge counts nothing", QUEUES, '"purged": len(held)}', '"purged": 0}'),
    Mutant(
        "update forgets max_retries",
        QUEUES,
        '    check_dead_letter_queue(store, queue, changes.get("dead_letter_queue"))\n',
        "    check_dead_letter_queue(store, queue, changes.get(\"dead_letter_queue\"))\n    changes.pop('max_retries', None)\n",
    ),
    Mutant(
        "a queue in use as dead-letter queue can be deleted",
        QUEUES,
        "    refuse_if_used_for_dead_letters(store, queue)\n",
        "",
    ),
    Mutant(
        "messages are kept a day longer",
        QUEUES,
        "kept_ms = queue.message_retention_days * DAY_MS",
        "kept_ms = (queue.message_retention_days + 1) * DAY_MS",
    ),
    Mutant("a queue that exists takes other settings", QUEUES, "    if different or store", "    if store"),
)
