"""How fast the emulator is, by CPU time, as ratios against baselines taken in the same run.

A baseline is another program that does as much, the same work at another size, or a fixed pure-Python loop (see
`measuring`).

`python -m bench` runs all topics, each in a process of its own; `python -m bench year` runs one of them; `--quick`
makes every size small, so that the whole takes seconds and says nothing.
"""

import argparse
import multiprocessing
import sys

from bench import growth, publish, queues, schedule, turns, year

TOPICS = {
    "publish": publish.run,  # a request over HTTP, beside a bare aiohttp handler
    "turns": turns.run,  # for how long the server's loop serves nobody
    "queues": queues.run,  # operations on a queue of a million messages, beside one of a thousand
    "year": year.run,  # a minutely cron over a virtual year
    "schedule": schedule.run,  # a step through a schedule, beside cronsim and croniter
    "growth": growth.run,  # what the cost of a thousand crons grows with
}


def main() -> int:
    """Run the topics asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the emulator.")
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=f"what to measure: {', '.join(TOPICS)} (all)")
    parser.add_argument("--quick", action="store_true", help="small sizes: a smoke test")
    options = parser.parse_args()
    if unknown := set(options.topics) - TOPICS.keys():
        parser.error(f"there is no topic {', '.join(sorted(unknown))}; expected some of {', '.join(TOPICS)}")
    processes = multiprocessing.get_context("fork")
    for topic in options.topics or TOPICS:
        process = processes.Process(target=TOPICS[topic], kwargs={"quick": options.quick})
        process.start()
        process.join()
        if process.exitcode:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
