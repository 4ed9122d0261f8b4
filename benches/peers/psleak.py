#!/usr/bin/env python3
"""The Python cases that need no package, judged by psleak and by memcase in one run: verdicts and seconds.

    cargo build --release
    python3 benches/peers/psleak.py [FOLDER]

psleak comes from PyPI into an environment of its own, below target/. Each snippet runs in a fresh process, as
psleak asks for: PYTHONMALLOC=malloc, its own defaults. The order of the two alternates from case to case, so that
neither always has the warmer machine.
"""

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "target" / "peers"
MEMCASE = ROOT / "target" / "release" / "memcase"
LIMIT = 300

# Runs one snippet under psleak: `setup` once, `run` as the function that is called again and again.
HARNESS = """
import asyncio, itertools, json, sys, textwrap
import psleak

case = json.load(sys.stdin)
names, numbers = {}, itertools.count()
exec(case["setup"], names)
names["__numbers"] = numbers
body = textwrap.indent(case["run"], "    ")
head = "async def" if "await " in case["run"] else "def"
shared = [n for n in names if n.isidentifier() and not n.startswith("__")]
code = f"{head} __run():\\n    iteration = next(__numbers)\\n"
try:
    exec(compile(code + body, "run", "exec"), names)
    if shared:
        exec(compile(code.replace("    iteration", f"    global {', '.join(shared)}\\n    iteration") + body,
                     "run", "exec"), names)
except SyntaxError:
    pass
run = names["__run"]
if head == "async def":
    loop = asyncio.new_event_loop()
    call = lambda: loop.run_until_complete(run())
else:
    call = run
try:
    psleak.MemoryLeakTestCase("execute").execute(call)
    print("stable")
except psleak.Error as error:
    # Descriptors, threads and uncollectable garbage have errors of their own.
    print("leak", type(error).__name__, file=sys.stderr)
    print("leak")
"""


def environment():
    python = PLACE / "psleak" / "bin" / "python"
    if not python.exists():
        venv.create(PLACE / "psleak", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "psleak", "pyyaml"], check=True)
    return python


def cases(folder, python):
    """Snippets of Python without packages: (id, what is claimed, setup, run)."""
    read = (
        "import json, sys, yaml, pathlib\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "for file in sorted(root.rglob('*.yaml')):\n"
        "    for case in yaml.safe_load_all(file.read_text()):\n"
        "        target = case['target']\n"
        "        if target.get('language') != 'python' or 'requires' in target or 'run' not in target:\n"
        "            continue\n"
        "        expect = case.get('expect', 'stable')\n"
        "        if isinstance(expect, dict):\n"
        "            expect = next((word for word in ('leak', 'spike') if word in expect), 'stable')\n"
        "        name = str(file.relative_to(root).with_suffix(''))\n"
        "        name += '/' + case['name'] if 'name' in case else ''\n"
        "        print(json.dumps([name, expect, target.get('setup', ''), target['run']]))\n"
    )
    said = subprocess.run([python, "-c", read, folder], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in said.stdout.splitlines()]


def by_psleak(python, setup, run):
    began = time.monotonic()
    try:
        done = subprocess.run(
            [python, "-c", HARNESS],
            input=json.dumps({"setup": setup, "run": run}),
            env={**os.environ, "PYTHONMALLOC": "malloc", "PYTHONUNBUFFERED": "1"},
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        verdict = (done.stdout.splitlines() or ["broken"])[-1]
    except subprocess.TimeoutExpired:
        verdict = "no end"
    return verdict, time.monotonic() - began


def by_memcase(folder, name):
    began = time.monotonic()
    done = subprocess.run(
        [MEMCASE, "run", folder, "--exact", name, "--format", "json"],
        cwd=PLACE,
        capture_output=True,
        text=True,
    )
    verdict = "broken"
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event["type"] == "case":
            verdict = event["verdict"] or event["outcome"]
    return verdict, time.monotonic() - began


def main():
    if not MEMCASE.exists():
        raise SystemExit("build memcase first: cargo build --release")
    PLACE.mkdir(parents=True, exist_ok=True)
    folder = str(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "cases/idioms/python").resolve())
    python = environment()
    right, seconds = {"psleak": 0, "memcase": 0}, {"psleak": 0.0, "memcase": 0.0}
    print("| case | claimed | psleak | s | memcase | s |\n|---|---|---|--:|---|--:|")
    all_cases = cases(folder, python)
    for number, (name, expect, setup, run) in enumerate(all_cases):
        measure = {
            "psleak": lambda: by_psleak(python, setup, run),
            "memcase": lambda: by_memcase(folder, name),
        }
        order = ["psleak", "memcase"] if number % 2 == 0 else ["memcase", "psleak"]
        found = {tool: measure[tool]() for tool in order}
        for tool, (verdict, took) in found.items():
            # psleak knows no spikes: whatever does not leak is right when it says stable.
            same = verdict == expect or (tool == "psleak" and (verdict == "leak") == (expect == "leak"))
            right[tool] += same and verdict in ("leak", "stable", "spike")
            seconds[tool] += took
        cells = " | ".join(f"{found[tool][0]} | {found[tool][1]:.1f}" for tool in ("psleak", "memcase"))
        print(f"| {name} | {expect} | {cells} |", flush=True)
    total = len(all_cases)
    for tool in right:
        print(f"\n{tool}: {right[tool]} of {total} right, {seconds[tool]:.0f} s", end="")
    print()


if __name__ == "__main__":
    main()
