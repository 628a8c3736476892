"""Processes that measure at the same time."""

import json
import multiprocessing
import queue
import sys


def run_together(measure, arguments, count):
    """Runs `measure(arguments, barrier, results)` in `count` processes and prints their rates' sum as one JSON line.

    Each waits at the barrier before it measures, and puts its rate and its peak memory in bytes into the results.
    """
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(count), context.Queue()
    started = [context.Process(target=measure, args=(arguments, barrier, results)) for _ in range(count)]
    for process in started:
        process.start()
    found = []
    while len(found) < count:
        try:
            found.append(results.get(timeout=0.5))
        except queue.Empty:
            if any(process.exitcode not in (None, 0) for process in started):
                for process in started:
                    process.kill()
                sys.exit("a measuring process failed; its error stands above")
    for process in started:
        process.join()
    rate, memory = sum(rate for rate, _ in found), max(memory for _, memory in found)
    print(json.dumps({"examples_per_second": rate, "peak_memory_bytes": memory}))
