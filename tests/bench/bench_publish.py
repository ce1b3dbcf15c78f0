"""`newswire publish jsonl` of many items: items a second of process CPU, and memory, against an embedded Kafka.

    python -m tests.bench.bench_publish [--items 100000]

Wall time depends on what else runs; the goal is 5,000 items a second of CPU and memory that does not grow.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
import time
from pathlib import Path

from streams.kafka.broker import KafkaBroker
from tests.flow.edges import ROOT, command, environment, make_wire

TEXT = "قال الوزير إن القطار الجديد سيربط المدينة بالميناء قبل نهاية العام وأضاف أن الرحلة تستغرق ساعة"


def write_items(path: Path, count: int, letters: int) -> None:
    """Items of the short form with `letters` letters of Arabic text."""
    rng = random.Random(1)
    words = TEXT.split()
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            text = ""
            while len(text) < letters:
                text += rng.choice(words) + (". " if rng.random() < 0.1 else " ")
            item = {
                "title": text[:60],
                "text": text,
                "url": f"https://example.org/{number}?utm_source=x",
                "source": "bench",
            }
            file.write(json.dumps(item, ensure_ascii=False) + "\n")


def resident_mebibytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def publish(bootstrap_servers: str, path: Path, *options: str) -> tuple[float, float, list[float]]:
    """CPU seconds, wall seconds and resident memory in MiB twice a second."""
    started = time.monotonic()
    process = subprocess.Popen(
        command("publish", "jsonl", str(path), *options), cwd=ROOT, env=environment(bootstrap_servers)
    )
    memory = []
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            break
        memory.append(resident_mebibytes(process.pid))
        time.sleep(0.5)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime, time.monotonic() - started, memory


def calibrate() -> float:
    """CPU seconds of a fixed loop: 0.09 on the quiet machine that the figures in the notes are from."""
    started = time.process_time()
    total = 0
    for number in range(2_000_000):
        total += number * number
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--letters", type=int, default=700)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, KafkaBroker(Path(folder) / "kafka") as broker:
        make_wire(broker.bootstrap_servers)
        path = Path(folder) / "items.jsonl"
        write_items(path, arguments.items, arguments.letters)
        size = path.stat().st_size / arguments.items
        for options in ((), ("--resume",)):
            cpu, wall, memory = publish(broker.bootstrap_servers, path, *options)
            quarter = memory[len(memory) // 4]
            print(
                f"{arguments.items:,} items of {size:.0f} bytes {' '.join(options) or 'plain'}: {arguments.items / cpu:,.0f} items/s of CPU,"
                f" {arguments.items / wall:,.0f} of wall; memory {quarter:.0f} MiB after a quarter, {max(memory):.0f} at most;"
                f" loop {calibrate():.2f} s"
            )


if __name__ == "__main__":
    main()
