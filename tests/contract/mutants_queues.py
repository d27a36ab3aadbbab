"""Mutants of queues: leases, nacks, dead letters, order."""

from tests.contract.mutant import Mutant

MESSAGES = "core/messages.py"
QUEUES = "core/queues.py"

QUEUES_MUTANTS = (
    # --- Leases, delays, acks, nacks
    Mutant(
        "a lease never expires",
        MESSAGES,
        '"hand_out", due_ms=store.now_ms + lease_ms',
        '"hand_out", due_ms=store.now_ms + 10**12',
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
        "visibility_timeout_ms or record",
        "record",
    ),
    Mutant("the queue's default lease is ignored", MESSAGES, "or record.visibility_timeout_default_ms", "or 30_000"),
    Mutant(
        "delay_seconds is ignored",
        MESSAGES,
        "_publish(store, record, payload, delay_ms, priority)",
        "_publish(store, record, payload, 0, priority)",
    ),
    Mutant(
        "a delay is taken for milliseconds",
        MESSAGES,
        "message, store.now_ms + delay_ms)",
        "message, store.now_ms + delay_ms // 1000)",
    ),
    Mutant(
        "a delay loses its fraction",
        MESSAGES,
        "message, store.now_ms + delay_ms)",
        "message, store.now_ms + delay_ms // 1000 * 1000)",
    ),
    Mutant(
        "max_messages takes one more",
        MESSAGES,
        "most = max_messages or",
        "most = 1 + max_messages if max_messages else",
    ),
    Mutant("max_messages is ignored", MESSAGES, "most = max_messages or", "most = 0 or"),
    Mutant(
        "consuming takes messages away",
        MESSAGES,
        "taken.append(view(message))",
        "taken.append(view(message)); queues.remove(store, message)",
    ),
    Mutant(
        "an ack changes nothing",
        MESSAGES,
        'earlier holder may have acked it"\n        queues.remove(store, message, "ack")',
        'earlier holder may have acked it"',
    ),
    Mutant(
        "an ack does not look at the queue",
        MESSAGES,
        "message = store.contents[queue].live.messages.get(message_id)\n    if message is not None",
        "message = store.messages.get(message_id)\n    if message is not None",
    ),
    Mutant("a nack with requeue false requeues", MESSAGES, "if not requeue or _spent(", "if _spent("),
    Mutant("a nack with requeue true kills", MESSAGES, "if not requeue or _spent(", "if requeue or _spent("),
    Mutant("one retry too many", MESSAGES, "else message.failures > allowed", "else message.failures > allowed + 1"),
    Mutant("max_retries is ignored", MESSAGES, "else message.failures > allowed", "else False"),
    Mutant("requeued is always true", MESSAGES, '"requeued": requeue}', '"requeued": True}'),
    Mutant(
        "a dead message is lost",
        MESSAGES,
        "    queues.withdraw(store, message)\n    message.died_ms = store.now_ms",
        "    return queues.withdraw(store, message)\n    message.died_ms = store.now_ms",
    ),
    Mutant(
        "a batch loses its last message",
        MESSAGES,
        "for item in messages]\n",
        "for item in messages[: max(len(messages) - 1, 1)]]\n",
    ),
    Mutant(
        "a batch is published backwards",
        MESSAGES,
        "for item in messages]\n",
        "for item in reversed(messages)]\n",
    ),
    Mutant("a batch's delays are ignored", MESSAGES, 'item.get("delay_ms", 0)', "0"),
    Mutant(
        "a batch is published up to what is refused",
        MESSAGES,
        "    for number, item in enumerate(messages):\n        _refuse",
        "    for number, item in enumerate(messages[:1]):\n        _refuse",
    ),
    # --- Dead letters and redrive
    Mutant(
        "redrive ignores message_id",
        MESSAGES,
        "chosen = [message]\n",
        "chosen = list(page(store.dead_letters(queue), None, None)[0])\n",
    ),
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
        "core/contents.py",
        "live.available.add(message_id, message.position, message.priority)",
        "live.available.add(message_id, -message.position if self.fifo else message.position, message.priority)",
    ),
    Mutant(
        "FIFO honours priorities",
        QUEUES,
        'if queue.type == "fifo" or not store.contents[queue.queue].live.available.has_priorities():',
        "if not store.contents[queue.queue].live.available.has_priorities():",
    ),
    Mutant(
        "priorities are ignored",
        QUEUES,
        'return "low_first" if store.answers.ask("queue.priority_order") == "low_first" else "high_first"',
        'return "published"',
    ),
    Mutant(
        "a priority forgets the age", "core/ranked.py", "lane.add(item_id, position)", "lane.add(item_id, -position)"
    ),
    Mutant(
        "stats counts the dead as available",
        QUEUES,
        "    available = len(live.available)\n",
        "    available = len(live.available) + sum(map(len, store.dead_letters(queue)))\n",
    ),
    Mutant("stats forgets what is in flight", QUEUES, '"in_flight": live.in_flight', '"in_flight": 0'),
    Mutant("the age is in milliseconds", QUEUES, "oldest.kept_from_ms) // 1000", "oldest.kept_from_ms)"),
    Mutant(
        "purge spares what is in flight",
        QUEUES,
        "    store.let_go += (*contents.purge(), *store.timeline.close(queue))\n    want_push",
        "    for message in [m for m in contents.live.messages.values() if m.place != 'in_flight']:\n        withdraw(store, message)\n    want_push",
    ),
    Mutant(
        "purge removes the dead too",
        QUEUES,
        "    store.let_go += (*contents.purge(), *store.timeline.close(queue))\n    want_push",
        "    store.let_go += (*contents.purge(), *store.timeline.close(queue))\n    for index in store.dead_letters(queue):\n        for message in list(index.items.values()):\n            withdraw(store, message)\n    want_push",
    ),
    Mutant("purge counts nothing", QUEUES, '"purged": purged}', '"purged": 0}'),
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
