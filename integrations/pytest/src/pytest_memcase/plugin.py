"""Collects case files, one item a case, and tells what memcase says of each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generator, Iterator

import pytest

from .program import Listed, NotFound, Refused, find, list_cases, run_case

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

#: The endings of files that are cases wherever they lie.
NAMED = (".memcase.yaml", ".memcase.yml")
#: The endings of files that are cases below the folders of `memcase_cases`.
IN_FOLDERS = (".yaml", ".yml")
#: Folders in which memcase looks for no cases.
NEVER = {"snapshots", "target", "node_modules"}
#: Marks that pytest itself acts upon. A case is neither skipped nor expected to fail for its tag.
PYTESTS_OWN = {"filterwarnings", "parametrize", "skip", "skipif", "tryfirst", "trylast", "usefixtures", "xfail"}

UPDATES = ("auto", "new", "unseen", "always", "no", "force")
INCONCLUSIVE = ("", "fail", "pass")
MISSING = ("", "skip", "fail")

PROGRAM = pytest.StashKey[str]()
TAGS = pytest.StashKey[set[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("memcase_cases", "folders whose YAML files are cases of memcase", type="paths", default=[])
    parser.addini("memcase_binary", "the program memcase: a path, or a name on PATH", default="")
    parser.addini("memcase_args", "further arguments of `memcase run`", type="args", default=[])
    parser.addini(
        "memcase_inconclusive",
        "what becomes of a case that is not decided: fail or pass (default: as memcase.toml says, else fail)",
        default="",
    )
    parser.addini(
        "memcase_missing",
        "what becomes of a case whose interpreter is missing: skip or fail (default: skip; fail where CI is set)",
        default="",
    )
    group = parser.getgroup("memcase", "memory leaks (pytest-memcase)")
    group.addoption(
        "--memcase-update",
        metavar="HOW",
        choices=UPDATES,
        help=f"what is done with results that have no baseline, or are not as it: {', '.join(UPDATES)}",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "memcase: a case of memcase; its tags are markers too")
    for name, words in (("memcase_inconclusive", INCONCLUSIVE), ("memcase_missing", MISSING)):
        if config.getini(name) not in words:
            raise pytest.UsageError(f"{name} = {config.getini(name)}: write {' or '.join(words[1:])}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    named = file_path.name.endswith(NAMED)
    asked_for = file_path.name.endswith(IN_FOLDERS) and parent.session.isinitpath(file_path)
    if named or asked_for or _is_below(file_path, parent.config.getini("memcase_cases")):
        file: CaseFile = CaseFile.from_parent(parent, path=file_path)
        return file
    return None


def _is_below(file: Path, folders: list[Path]) -> bool:
    if not file.name.endswith(IN_FOLDERS):
        return False
    for folder in folders:
        try:
            between = file.relative_to(os.path.abspath(folder)).parts[:-1]
        except ValueError:
            continue
        if not any(part in NEVER or part.startswith(".") for part in between):
            return True
    return False


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """A case that is skipped is skipped at its place, not at the line of this file that says so."""
    outcome = yield
    report = outcome.get_result()
    if isinstance(item, Case) and report.skipped and isinstance(report.longrepr, tuple):
        report.longrepr = (str(item.path), item.listed.line, report.longrepr[2])


def _program(config: pytest.Config) -> str:
    if PROGRAM not in config.stash:
        config.stash[PROGRAM] = find(config.getini("memcase_binary"), config.rootpath)
    return config.stash[PROGRAM]


class CaseFile(pytest.File):
    """A case file."""

    def collect(self) -> Iterator[Case]:
        root = self.config.rootpath
        file = os.path.relpath(self.path, root) if self.path.is_relative_to(root) else str(self.path)
        try:
            cases = list_cases(_program(self.config), file, root)
        except (NotFound, Refused) as error:
            raise self.CollectError(str(error)) from None
        for listed in cases:
            yield Case.from_parent(self, name=listed.id, listed=listed)


class Case(pytest.Item):
    """A case."""

    def __init__(self, name: str, parent: CaseFile, listed: Listed) -> None:
        super().__init__(name, parent)
        self.listed = listed
        for tag in listed.tags:
            self.extra_keyword_matches.add(tag)
            if tag not in PYTESTS_OWN and not tag.startswith("_"):
                self._know(tag)
                self.add_marker(tag)
        self.add_marker("memcase")

    def _know(self, tag: str) -> None:
        """Tells pytest of a tag before it is a mark: --strict-markers is about slips of the pen in tests."""
        known = self.config.stash.setdefault(TAGS, set())
        if tag not in known:
            known.add(tag)
            self.config.addinivalue_line("markers", f"{tag}: a tag of cases of memcase")

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.listed.line - 1, self.name

    def runtest(self) -> None:
        missing = self.listed.missing
        if missing is not None and not self._missing_fails():
            pytest.skip(missing)
        ended = run_case(
            _program(self.config), self.listed, self.config.rootpath, self._arguments(), self._variables()
        )
        self.user_properties.extend(ended.figures.items())
        if ended.notes.strip():
            self.add_report_section("call", "memcase", ended.notes)
        if ended.outcome == "ignored":
            pytest.skip(ended.headline)
        if ended.accepted:
            self.add_report_section("call", "verdict", f"{ended.headline}\n")
            return
        pytest.fail(f"{ended.headline}\n{ended.explanation}", pytrace=False)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str | TerminalRepr:  # type: ignore[override]
        if isinstance(excinfo.value, Refused):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def _missing_fails(self) -> bool:
        said: str = self.config.getini("memcase_missing")
        return said == "fail" or (not said and os.environ.get("CI", "") not in ("", "0", "false"))

    def _arguments(self) -> list[str]:
        arguments: list[str] = list(self.config.getini("memcase_args"))
        if inconclusive := self.config.getini("memcase_inconclusive"):
            arguments.append(f"--inconclusive={inconclusive}")
        if update := self.config.getoption("memcase_update"):
            arguments.append(f"--update={update}")
        return arguments

    def _variables(self) -> dict[str, str]:
        """Ids are counted below `cases/`. Files elsewhere may share one, so each folder of them keeps its own traces."""
        root = self.config.rootpath
        if self.path.is_relative_to(root / "cases"):
            return {}
        kept = os.environ.get("MEMCASE_DIR") or ".memcase"
        folder = self.path.parent
        below = folder.relative_to(root) if folder.is_relative_to(root) else folder.relative_to(folder.anchor)
        return {"MEMCASE_DIR": os.path.join(kept, below)}
