#!/usr/bin/env python3
"""`memcase record` beside `mprof run --include-children` on the same programs, in one run and in turn.

    benches/record.py [MEMCASE [MPROF [PROGRAM...]]]

Told as ratios: processor time of the recorder to time recorded, time of the program to its time alone, samples taken,
and whether a spike of 100 MiB for 20 ms shows. MPROF is `mprof` of memory_profiler in an environment of its own
(`python3 -m venv env && env/bin/pip install memory_profiler`).
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 5
SPIKE = """
import mmap, time
a = bytearray(20 << 20)
time.sleep(1.03)
b = mmap.mmap(-1, 100 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
b.madvise(mmap.MADV_HUGEPAGE)  # Taken page by page it would last longer than it is held.
for at in range(0, 100 << 20, 1 << 20):
    b[at] = 1
time.sleep(0.02)
b.close()
time.sleep(1)
"""
BUSY = """
import time
end = time.process_time() + 3
kept = []
while time.process_time() < end:
    kept = [bytearray(1000) for _ in range(2000)]
"""
CHILDREN = """
import os, time
a = bytearray(60 << 20)
for _ in range(4):
    if os.fork() == 0:
        b = bytearray(20 << 20)
        time.sleep(2)
        os._exit(0)
for _ in range(4):
    os.wait()
"""


def spent(argv, **more):
    """Wall time, and processor time of the command and all that it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, **more)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    memcase = os.path.realpath(sys.argv[1] if len(sys.argv) > 1 else "target/release/memcase")
    mprof = os.path.realpath(sys.argv[2]) if len(sys.argv) > 2 else "mprof"
    python = os.path.realpath(sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, text in [("spike", SPIKE), ("busy", BUSY), ("children", CHILDREN)]:
            with open(f"{name}.py", "w") as file:
                file.write(text)
        print("| program | recorder | processor time of the recorder | slow-down | samples a second | highest | spike seen |")
        print("|---|---|--:|--:|--:|--:|--:|")
        for name in sys.argv[3:] or ["spike", "busy", "children"]:
            program = [python, f"{name}.py"]
            rows = {"memcase": [], "mprof": []}
            for _ in range(ROUNDS):
                alone_wall, alone_cpu = spent(program)
                wall, cpu = spent([memcase, "record", "-q", "-o", "m.jsonl", "--", *program])
                samples, highest = of_memcase("m.jsonl")
                rows["memcase"].append(((cpu - alone_cpu) / wall, wall / alone_wall, samples / wall, highest))
                if os.path.exists("m.dat"):
                    os.remove("m.dat")  # It is appended to.
                mine = [mprof, "run", "--include-children", "-o", "m.dat", *program]
                wall, cpu = spent(mine, stderr=subprocess.DEVNULL)
                samples, highest = of_mprof("m.dat")
                rows["mprof"].append(((cpu - alone_cpu) / wall, wall / alone_wall, samples / wall, highest))
            for recorder, found in rows.items():
                share, slow, rate, highest = (statistics.median(column) for column in zip(*found))
                seen = sum(highest > 120 * 2**20 for *_, highest in found)
                seen = f"{seen} of {len(found)}" if name == "spike" else ""
                print(
                    f"| {name} | {recorder} | {share * 100:.1f} % of a core | {slow:.2f} | {rate:.1f} "
                    f"| {highest / 2**20:.0f} MiB | {seen} |",
                    flush=True,
                )


def of_memcase(path):
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    samples = [row for row in rows if "i" in row]
    return len(samples), max(row["peak"] for row in samples)


def of_mprof(path):
    with open(path) as file:
        values = [float(line.split()[1]) for line in file if line.startswith("MEM ")]
    return len(values), max(values) * 2**20


main()
