"""What the tests share: a project with cases, and the program under test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_memcase.program import find

pytest_plugins = ["pytester"]

#: One process each: what is tested is what becomes of a verdict.
STABLE = """\
target: {language: python, run: "x = [1] * 100"}
measure: {iterations: 240, processes: 1}
"""

LEAK = """\
target:
  language: python
  setup: |
    kept = []
  run: |
    kept.append(bytearray(1000))
measure: {iterations: 480}
"""

#: Too few iterations for any verdict.
TOO_SHORT = """\
target: {language: python, run: "x = bytearray(5000 if iteration % 2 else 1)"}
measure: {iterations: 4, processes: 1}
"""

NO_INTERPRETER = """\
target: {language: python, interpreter: python-of-nowhere, run: "pass"}
"""


class Project:
    """A folder with case files, away from what the surroundings say."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.ini()

    def ini(self, *lines: str) -> None:
        self.write("pytest.ini", "\n".join(["[pytest]", "memcase_cases = cases more", *lines, ""]))

    def write(self, path: str, text: str) -> Path:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def program(self, path: str, script: str) -> Path:
        """A program that says what memcase never says by itself."""
        file = self.write(path, f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def pytest(self, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest("-p", "no:cacheprovider", *arguments)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    program = find("", Path())
    for name in list(os.environ):
        if name == "CI" or name.startswith(("MEMCASE_", "PYTEST_ADDOPTS")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MEMCASE_BINARY", program)
    return Project(pytester)
