"""A cron that fires every minute in New York, over a virtual year, to a scripted receiver.

The baseline is one step of croniter in the same run: less than a whole fire needs of us (the next instant, a run, a
delivery, its journal entry, its end, retention).
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import croniter

from bench.measuring import DAY_MS, call, loop_seconds, new_sandbox, peak_megabytes, say, script, seconds
from sched_emulator.config import FROZEN_START_MS

TARGET = 4  # loops a fire
URL = "https://api.acme.com/minutely"


def run(*, quick: bool) -> None:
    """Print what a fire costs and the memory."""
    days = 1 if quick else 365
    sandbox = new_sandbox()
    script(sandbox, {"url": URL, "responses": [{"status": 200}]})
    call(sandbox, "scheduling.cron.create", cron_expr="* * * * *", timezone="America/New_York", task=URL)
    before = peak_megabytes()
    took = seconds(lambda: sandbox.poll(FROZEN_START_MS + days * DAY_MS))
    assert sandbox.store.fired == days * 1440, sandbox.store.fired
    fire = took / sandbox.store.fired
    say(f"year: a minutely cron in New York over {days} virtual days, {sandbox.store.fired:,} fires on the core")
    say(f"  {fire / loop_seconds():.2f} loops a fire (target: at most {TARGET}), {took:.2f} s of CPU time in all")
    say(f"  {croniter_step() / fire:.1f} fires in the time of one step of croniter")
    kept = len(sandbox.store.runs), len(sandbox.store.journal.deliveries)
    say("  {:,} runs kept by their retention, {:,} deliveries by the journal".format(*kept))
    say(f"  {before:.0f} MB before, {peak_megabytes():.0f} MB at the peak\n")


def croniter_step() -> float:
    """Return the seconds that one step of croniter takes."""
    start = datetime.fromtimestamp(FROZEN_START_MS // 1000, UTC).astimezone(ZoneInfo("America/New_York"))
    steps, times = croniter("* * * * *", start), 2_000
    return seconds(lambda: [steps.get_next(datetime) for _ in range(times)]) / times
