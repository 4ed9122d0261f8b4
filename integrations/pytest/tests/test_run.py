"""What becomes of a case as a test. Each of them is measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from conftest import LEAK, NO_INTERPRETER, STABLE, TOO_SHORT, Project


def explanation(project: Project, case: str) -> str:
    """What memcase shows of the result that it kept."""
    report = project.path / "shown.json"
    subprocess.run(
        [os.environ["MEMCASE_BINARY"], "merge", ".memcase", f"--report=libtest-json={report}"],
        cwd=project.path,
        capture_output=True,
        check=False,
    )
    lines = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    texts: list[str] = [line["stdout"] for line in lines if line.get("name") == case and "stdout" in line]
    assert len(texts) == 1
    return texts[0]


def properties(project: Project, *arguments: str) -> dict[str, str]:
    project.pytest("--junit-xml=junit.xml", *arguments)
    tree = ElementTree.parse(project.path / "junit.xml")
    found = {each.get("name"): each.get("value") for each in tree.iter("property")}
    return {name: value for name, value in found.items() if name is not None and value is not None}


def test_a_case_that_is_as_claimed_passes_with_its_figures(project: Project) -> None:
    project.write("cases/flat.yaml", STABLE)
    figures = properties(project)
    assert (figures["outcome"], figures["verdict"], figures["iterations"]) == ("passed", "stable", "240")
    assert abs(float(figures["slope"])) < float(figures["detection_limit"])
    assert figures["slope_unit"] == "B/iter"
    result = project.pytest("-rP")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*verdict*", "stable would have seen * over 240 iterations*"])


def test_a_leak_fails_with_the_text_of_memcase(project: Project) -> None:
    project.write("cases/kept.yaml", LEAK)
    figures = properties(project)
    assert (figures["outcome"], figures["verdict"]) == ("failed", "leak")
    assert float(figures["slope_low"]) <= float(figures["slope"]) <= float(figures["slope_high"])
    failure = ElementTree.parse(project.path / "junit.xml").find(".//failure")
    assert failure is not None and failure.text is not None
    headline, _, text = failure.text.partition("\n")
    assert headline.startswith("leak +1.0")
    assert text == explanation(project, "kept").rstrip("\n")


def test_a_leak_that_is_claimed_passes(project: Project) -> None:
    project.write("cases/kept.yaml", f"{LEAK}expect: leak\n")
    project.pytest().assert_outcomes(passed=1)


def test_an_undecided_case_fails_and_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("cases/short.yaml", TOO_SHORT)
    result = project.pytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["inconclusive: too few samples*", "  not enough evidence for a verdict: *"])
    project.write("memcase.toml", "[profile.lenient]\ninconclusive = 'pass'\n")
    monkeypatch.setenv("MEMCASE_PROFILE", "lenient")
    project.pytest().assert_outcomes(passed=1)
    project.ini("memcase_inconclusive = fail")
    project.pytest().assert_outcomes(failed=1)
    monkeypatch.delenv("MEMCASE_PROFILE")
    project.ini("memcase_inconclusive = pass")
    result = project.pytest("-rP")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["inconclusive: too few samples*"])


def test_a_missing_interpreter_is_skipped_and_under_ci_it_fails(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("cases/none.yaml", NO_INTERPRETER)
    result = project.pytest("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * cases/none.yaml:1: Python cases need `python-of-nowhere`*"])
    for value, expected in (("true", {"failed": 1}), ("0", {"skipped": 1}), ("false", {"skipped": 1})):
        monkeypatch.setenv("CI", value)
        project.pytest().assert_outcomes(**expected)
    monkeypatch.setenv("CI", "true")
    project.ini("memcase_missing = skip")
    project.pytest().assert_outcomes(skipped=1)
    monkeypatch.delenv("CI")
    project.ini("memcase_missing = fail")
    result = project.pytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["broken: Python cases need `python-of-nowhere`*"])


def test_a_case_that_says_ignore_is_skipped_with_its_reason(project: Project) -> None:
    project.write("cases/later.yaml", f"ignore: needs a database\n{STABLE}")
    result = project.pytest("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * cases/later.yaml:1: needs a database"])
    project.ini("memcase_args = --run-ignored all")
    project.pytest().assert_outcomes(passed=1)


def test_a_target_that_crashes_fails(project: Project) -> None:
    project.write("cases/crash.yaml", "target: {language: python, run: '1 / (10 - iteration)'}\n")
    result = project.pytest()
    result.assert_outcomes(failed=1)
    assert "ZeroDivisionError" in result.stdout.str()


def test_the_first_failure_ends_the_run_where_that_is_asked_for(project: Project) -> None:
    project.write("cases/a.yaml", TOO_SHORT)
    project.write("cases/b.yaml", STABLE)
    project.pytest("-x").assert_outcomes(failed=1)
    assert not (project.path / ".memcase/b").exists()


def test_processes_of_xdist_share_the_cases(project: Project) -> None:
    pytest.importorskip("xdist")
    for name in ("a", "b", "c"):
        project.write(f"cases/{name}.yaml", f"tags: [tagged]\n{STABLE}")
    project.write("cases/short.yaml", TOO_SHORT)
    result = project.pytest("-n", "2", "--strict-markers", "-m", "tagged or memcase")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["inconclusive: too few samples*"])


def test_results_are_left_pending_where_that_is_asked_for(project: Project) -> None:
    # One process alone is no baseline.
    project.write("cases/flat.yaml", STABLE.replace("processes: 1", "processes: 3"))
    project.pytest().assert_outcomes(passed=1)
    assert not (project.path / "cases/snapshots").exists()
    project.pytest("--memcase-update=new").assert_outcomes(passed=1)
    pending = [file.name for file in (project.path / "cases/snapshots").iterdir()]
    assert [name.partition("@")[0] for name in pending] == ["flat"]
    assert pending[0].endswith(".snap.new")


def test_cases_of_one_name_in_two_folders_keep_their_own_traces(project: Project) -> None:
    for place in ("more/a", "more/b", "cases"):
        project.write(f"{place}/same.yaml", STABLE)
    project.pytest().assert_outcomes(passed=3)
    for kept in ("more/a/same", "more/b/same", "same"):
        assert (project.path / ".memcase" / kept / "result.json").is_file(), kept


def test_a_part_of_the_cases_is_not_taken_twice(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMCASE_PARTITION", "slice:2/2")
    project.write("cases/flat.yaml", STABLE)
    project.pytest().assert_outcomes(passed=1)


def test_targets_are_not_traced_by_a_coverage_tool(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COV_CORE_SOURCE", ".")
    monkeypatch.setenv("COVERAGE_PROCESS_START", ".coveragerc")
    monkeypatch.setenv("KEPT_FOR_TARGETS", "yes")
    project.write(
        "cases/seen.yaml",
        """\
target:
  language: python
  setup: |
    import os
    assert not [name for name in os.environ if name.startswith(("COV", "PYTEST_CURRENT"))]
    assert os.environ["KEPT_FOR_TARGETS"] == "yes"
  run: pass
measure: {iterations: 240, processes: 1}
""",
    )
    project.pytest().assert_outcomes(passed=1)


def test_arguments_that_memcase_refuses_are_told_of(project: Project) -> None:
    project.ini("memcase_args = --no-such-flag")
    project.write("cases/flat.yaml", STABLE)
    result = project.pytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["memcase measured nothing and ended with exit code 2:", "error: *--no-such-flag*"])


def test_a_memcase_that_dies_passes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    program = project.program(
        "bin/memcase", 'test "$1" = list || { echo "error: a bug" >&2; exit 70; }\nexec "$REAL_MEMCASE" "$@"'
    )
    monkeypatch.setenv("REAL_MEMCASE", os.environ["MEMCASE_BINARY"])
    monkeypatch.setenv("MEMCASE_BINARY", str(program))
    project.write("cases/flat.yaml", STABLE)
    result = project.pytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["memcase measured nothing and ended with exit code 70:", "error: a bug"])


def test_an_interrupt_of_pytest_ends_the_targets(project: Project) -> None:
    project.write(
        "cases/long.yaml",
        """\
target:
  language: python
  setup: |
    import os, pathlib
    pathlib.Path(os.environ["STARTED"], str(os.getpid())).touch()
    import time
  run: time.sleep(0.01)
measure: {time: 60s}
""",
    )
    started = project.path / "started"
    started.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest"],
        cwd=project.path,
        env={**os.environ, "STARTED": str(started)},
        stdout=subprocess.PIPE,
        text=True,
        # Only pytest is told, and not its group, as a supervisor would do it.
        start_new_session=True,
    )
    while process.poll() is None and not list(started.iterdir()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert process.returncode == pytest.ExitCode.INTERRUPTED, out
    targets = [Path("/proc", file.name) for file in started.iterdir()]
    assert targets
    assert [target for target in targets if target.exists()] == []
