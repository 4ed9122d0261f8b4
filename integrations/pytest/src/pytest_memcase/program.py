"""Finds the program memcase, calls it, and reads what it says. Knows nothing of pytest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Sequence

#: The version of memcase's JSON that is read here.
FORMAT = 1

#: How long memcase may take to end its targets and keep their results.
ORDERLY_END = 15

#: Of the surroundings, what must not reach memcase: a part of the cases (one is asked for by name), what pytest
#: changes before every test, and what would have targets written in Python traced by a coverage tool.
KEPT_OUT = ("MEMCASE_PARTITION", "PYTEST_CURRENT_TEST")
KEPT_OUT_PREFIXES = ("COV_CORE_", "COVERAGE_PROCESS_")


class NotFound(Exception):
    """There is no memcase to call."""


class Refused(Exception):
    """memcase did not do what it was asked for, and says why."""


@dataclass(frozen=True)
class Listed:
    """A case, as `memcase list` tells it."""

    id: str
    file: str
    line: int
    tags: tuple[str, ...]
    #: What is missing on this machine to run it.
    missing: str | None
    #: Why it says that it is not to be run.
    ignored: str | None


@dataclass(frozen=True)
class Ended:
    """What became of a case."""

    #: `passed`, `failed`, `inconclusive`, `broken`, `skipped` or `ignored`.
    outcome: str
    #: Whether it is to be taken for a pass.
    accepted: bool
    #: In one line: the verdict and its figures, or the reason.
    headline: str
    #: What the terminal shows of a case that is not as claimed, to the letter.
    explanation: str = ""
    #: Figures for a report, by name.
    figures: Mapping[str, object] = field(default_factory=dict)
    #: What memcase printed to standard error.
    notes: str = ""


def find(named: str, root: Path) -> str:
    """The program: named by the environment or the configuration, installed beside this Python, or on PATH."""
    if os.sep in named:
        named = os.path.join(root, named)
    by_environment = os.environ.get("MEMCASE_BINARY", "")
    for name, source in ((by_environment, "the variable MEMCASE_BINARY"), (named, "the ini option memcase_binary")):
        if not name:
            continue
        found = shutil.which(name)
        if found is None:
            raise NotFound(f"{source} names `{name}`, which is no program: correct it, or take it away")
        return os.path.abspath(found)
    beside = shutil.which("memcase", path=sysconfig.get_path("scripts"))
    found = beside or shutil.which("memcase")
    if found is None:
        raise NotFound(
            "the program memcase was not found beside this Python or on PATH: install it (`pip install memcase` or "
            "`cargo install memcase`), or name it by the ini option memcase_binary or the variable MEMCASE_BINARY"
        )
    return found


def list_cases(program: str, file: str, root: Path) -> list[Listed]:
    """The cases of one file; nothing of them is run."""
    command = [program, "list", "--format=json", file]
    code, out, err = _call(command, root, {"NO_COLOR": "1"})
    if code != 0:
        raise Refused(err.strip() or f"`{' '.join(command)}` ended with exit code {code} and said nothing")
    cases = []
    for entry in _lines(out):
        if entry.get("type") == "listed":
            cases.append(
                Listed(
                    id=entry["id"],
                    file=entry["file"],
                    line=entry["line"],
                    tags=tuple(entry["tags"]),
                    missing=entry["missing"],
                    ignored=entry["ignored"],
                )
            )
    return cases


def run_case(
    program: str, case: Listed, root: Path, arguments: Sequence[str], variables: Mapping[str, str]
) -> Ended:
    """Measures one case."""
    with tempfile.TemporaryDirectory(prefix="pytest-memcase-") as scratch:
        events, tests = Path(scratch, "events"), Path(scratch, "tests")
        reports = [f"--report=json={events}", f"--report=libtest-json={tests}"]
        command = [program, "run", case.file, "--exact", "--color=never", *reports, *arguments, "--", case.id]
        code, out, err = _call(command, root, variables)
        told = [_lines(path.read_text("utf-8")) if path.exists() else [] for path in (events, tests)]
    started = next((event for event in told[0] if event["type"] == "run-started"), {})
    report = next((event for event in told[0] if event["type"] == "case"), None)
    if report is None and case.ignored is not None:
        return Ended("ignored", accepted=False, headline=case.ignored)
    if report is None:
        said = (err.strip() or out.strip()) or "it said nothing"
        raise Refused(f"memcase measured nothing and ended with exit code {code}:\n{said}\n\n{' '.join(command)}")
    outcome: str = report["outcome"]
    lenient = outcome == "inconclusive" and started.get("inconclusive") == "pass"
    line = next((line for line in out.splitlines() if line.startswith(f"test {case.id} ")), "")
    explained = (test.get("stdout") for test in told[1] if test["type"] == "test" and test["name"] == case.id)
    return Ended(
        outcome,
        accepted=outcome == "passed" or lenient,
        headline=_headline(line.partition(" ... ")[2]) or f"{outcome}: {report['reason']}",
        explanation=next((text for text in explained if text), report["reason"]),
        figures=_figures(report),
        notes=err,
    )


def _headline(line: str) -> str:
    """What stands beside the case in memcase's own report; a word that is also pytest's says nothing new."""
    word, _, rest = " ".join(line.split()).partition(" ")
    return rest if word in ("ok", "FAILED") else f"{word.lower()}: {rest}" if rest else ""


def _figures(report: Mapping[str, Any]) -> dict[str, object]:
    slope = report["slope"] or {}
    figures = {
        "outcome": report["outcome"],
        "verdict": report["verdict"],
        "slope": slope.get("estimate"),
        "slope_low": slope.get("low"),
        "slope_high": slope.get("high"),
        "slope_unit": report["unit"] if slope else None,
        "detection_limit": report["detection_limit"],
        "iterations": report["iterations"] if report["axis"] == "iterations" and slope else None,
        "baseline": (report["baseline"] or {}).get("kind"),
        "flaky": report["flaky"] or None,
    }
    return {name: value for name, value in figures.items() if value is not None}


def _lines(text: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines() if line]
    for entry in entries:
        if entry.get("version", FORMAT) != FORMAT:
            raise Refused(
                f"this memcase writes version {entry['version']} of its JSON, and pytest-memcase reads version {FORMAT}: "
                "install versions of the two that belong together"
            )
    return entries


def _call(command: Sequence[str], root: Path, variables: Mapping[str, str]) -> tuple[int, str, str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in KEPT_OUT and not name.startswith(KEPT_OUT_PREFIXES)
    }
    with subprocess.Popen(
        command,
        cwd=root,
        env={**environment, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            out, err = process.communicate()
        except BaseException:
            # A Ctrl-C, or a plugin that has waited long enough. memcase ends its targets before it ends.
            process.terminate()
            try:
                process.communicate(timeout=ORDERLY_END)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
    return process.returncode, out, err
