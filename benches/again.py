#!/usr/bin/env python3
"""How often a gate of baselines is wrong where nothing changed, and how often it sees a small growth.

    cargo build --release
    python3 benches/again.py [--runs 20] [--seconds 2] [FOLDER ...]

The inline cases in Python, C, Rust and Node of the folders (default: cases/idioms and cases/ground-truth) are copied, with a
line added to each `run` that keeps as many bytes as the variable GROWTH says. Their baselines are accepted without it, the
cases that took longer than --seconds are left out, and the rest is measured again: --runs times as it is, then with 64 B,
256 B and 1 KiB. What is counted is what each comparison says. Nothing is written outside of target/.
"""

import argparse
import collections
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "target" / "again"
MEMCASE = ROOT / "target" / "release" / "memcase"
# What keeps GROWTH bytes, in one line of each language. Without the variable nothing is kept.
KEEPS = {
    "python": 'if "GROWTH" in __import__("os").environ: '
    '__import__("builtins").__dict__.setdefault("kept_by_study", []).append('
    'bytearray(int(__import__("os").environ["GROWTH"])))',
    "c": 'if (getenv("GROWTH")) { static char *volatile kept; kept = malloc(atoi(getenv("GROWTH"))); kept[0] = 1; }',
    "rust": 'if let Ok(bytes) = std::env::var("GROWTH") '
    "{ std::mem::forget(std::hint::black_box(vec![1_u8; bytes.parse().unwrap()])); }",
    "node": "if (process.env.GROWTH) "
    "(globalThis.keptByStudy ??= []).push(new Array(Number(process.env.GROWTH) / 8).fill(0.5));",
}


def with_growth(text: str) -> str | None:
    """The case with the line added behind its `run`; none where that cannot be done."""
    language = re.search(r"^  language: (\w+)$", text, re.M)
    if not language or language[1] not in KEEPS or "\n---" in text or "\n  requires:" in text:
        return None
    lines = text.splitlines()
    places = [at for at, line in enumerate(lines) if line.startswith("  run:")]
    if len(places) != 1:
        return None
    (at,) = places
    if lines[at] == "  run: |":
        end = at + 1
        while end < len(lines) and (not lines[end].strip() or lines[end].startswith("    ")):
            end += 1
        while not lines[end - 1].strip():
            end -= 1
    elif '"' in lines[at] or "'" in lines[at]:
        return None
    else:
        lines[at : at + 1] = ["  run: |", "    " + lines[at].removeprefix("  run:").strip()]
        end = at + 2
    lines.insert(end, "    " + KEEPS[language[1]])
    return "\n".join(lines) + "\n"


def measure(update: str, growth: int | None = None) -> list[dict]:
    """One run of all cases: the event of each."""
    surroundings = {k: v for k, v in os.environ.items() if k not in ("CI", "GROWTH")}
    if growth:
        surroundings["GROWTH"] = str(growth)
    ran = subprocess.run(
        [MEMCASE, "run", "cases", "--format=json", f"--update={update}"],
        cwd=PLACE,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    return [event for event in events if event["type"] == "case"]


def compared(event: dict) -> str:
    return (event["baseline"] or {}).get("kind") or f"not compared ({event['outcome']})"


def table(rows: dict[str, collections.Counter]) -> None:
    words = sorted({word for row in rows.values() for word in row})
    print("| growth | " + " | ".join(words) + " | all |")
    print("|---|" + "--:|" * (len(words) + 1))
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(str(row[word]) for word in words) + f" | {row.total()} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="runs without growth")
    parser.add_argument("--grown", type=int, default=2, help="runs with each growth")
    parser.add_argument("--seconds", type=float, default=2, help="longest case")
    parser.add_argument("folders", nargs="*", type=Path)
    given = parser.parse_args()
    folders = given.folders or [ROOT / "cases" / "idioms", ROOT / "cases" / "ground-truth"]
    shutil.rmtree(PLACE, ignore_errors=True)
    written = 0
    for folder in folders:
        for file in sorted(folder.rglob("*.yaml")):
            if text := with_growth(file.read_text("utf-8")):
                copy = PLACE / "cases" / folder.name / file.relative_to(folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(text, "utf-8")
                written += 1
    accepted = measure("always")
    for event in accepted:
        settled = event["outcome"] == "passed" and event["seconds"] <= given.seconds
        if not settled:
            (PLACE / event["file"]).unlink(missing_ok=True)
    seconds = sum(event["seconds"] for event in accepted)
    kept = len(list((PLACE / "cases").rglob("*.yaml")))
    print(f"{written} files, {kept} of them pass in {given.seconds} s; all together took {seconds:.0f} s\n", flush=True)

    rows: dict[str, collections.Counter] = {"none": collections.Counter()}
    for run in range(given.runs):
        for event in measure("no"):
            said = compared(event)
            rows["none"][said] += 1
            if said != "unchanged":
                reason = (event["baseline"] or {}).get("reason") or event["reason"]
                print(f"run {run + 1}: {event['id']}: {said}: {reason}", flush=True)
    for growth in (64, 256, 1024):
        row = rows[f"{growth} B/iter"] = collections.Counter()
        for _ in range(given.grown):
            for event in measure("no", growth):
                said = compared(event)
                row[said] += 1
                if said != "regressed":
                    print(f"{growth} B/iter: {event['id']}: {said}", flush=True)
    print()
    table(rows)


if __name__ == "__main__":
    main()
