"""Which files and cases become tests, and which of them are chosen."""

from __future__ import annotations

import pytest
from conftest import LEAK, NO_INTERPRETER, STABLE, Project


def collected(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


def test_files_are_cases_by_their_name_or_by_their_folder(project: Project) -> None:
    for path in (
        "cases/a.yaml",
        "cases/deep/b.yml",
        "cases/snapshots/no.yaml",
        "cases/target/no.yaml",
        "more/c.yaml",
        "tests/d.memcase.yaml",
        "tests/no.yaml",
        "no.yaml",
    ):
        project.write(path, STABLE)
    result = project.pytest("--collect-only", "-q")
    assert collected(result) == [
        "cases/a.yaml::a",
        "cases/deep/b.yml::deep/b",
        "more/c.yaml::c",
        "tests/d.memcase.yaml::d.memcase",
    ]
    assert result.ret == 0
    assert not (project.path / ".memcase").exists(), "nothing is run while tests are collected"


def test_a_file_that_is_named_on_the_command_line_is_a_case(project: Project) -> None:
    project.write("elsewhere/case.yaml", STABLE)
    assert collected(project.pytest("--collect-only", "-q")) == []
    result = project.pytest("--collect-only", "-q", "elsewhere/case.yaml")
    assert collected(result) == ["elsewhere/case.yaml::case"]


def test_without_the_option_a_folder_of_yaml_is_left_alone(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\n")
    project.write("cases/a.yaml", "of: another tool\n")
    result = project.pytest("--collect-only", "-q")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_each_document_of_a_file_is_a_test_with_its_own_line(project: Project) -> None:
    project.write("cases/two.yaml", f"name: one\n{STABLE}---\nname: other\n{NO_INTERPRETER}")
    result = project.pytest("--collect-only", "-q")
    assert collected(result) == ["cases/two.yaml::two/one", "cases/two.yaml::two/other"]
    result = project.pytest("-rs", "cases/two.yaml::two/other")
    result.stdout.fnmatch_lines(["SKIPPED * cases/two.yaml:5: Python cases need `python-of-nowhere`*"])


def test_each_combination_of_a_matrix_is_a_test_that_can_be_named(project: Project) -> None:
    project.write("cases/sized.yaml", STABLE.replace("[1] * 100", "[${way}] * ${size}") + "matrix: {size: [10, 20], way: [1]}\n")
    tests = ["cases/sized.yaml::sized[10,1]", "cases/sized.yaml::sized[20,1]"]
    assert collected(project.pytest("--collect-only", "-q")) == tests
    project.pytest(tests[1]).assert_outcomes(passed=1)
    kept = [file.name for file in (project.path / ".memcase").iterdir() if file.is_dir()]
    assert kept == ["sized[20,1]"]


def test_a_mistake_is_an_error_of_its_file_with_place_key_and_remedy(project: Project) -> None:
    project.write("cases/good.yaml", STABLE)
    project.write("cases/wrong.yaml", "target: {language: python, run: pass}\nexpcet: leak\n")
    result = project.pytest("--collect-only", "-q")
    assert result.ret != 0
    assert collected(result) == ["cases/good.yaml::good"]
    result.stdout.fnmatch_lines(["*ERROR collecting cases/wrong.yaml*", "error: *expcet*", " --> cases/wrong.yaml:2:1"])
    assert "did you mean `expect`?" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_tags_are_keywords_and_marks(project: Project) -> None:
    project.ini("addopts = --strict-markers")
    project.write("cases/frame.yaml", f"tags: [pandas, slow-one]\n{STABLE}")
    project.write("cases/other.yaml", f"tags: [numpy]\n{STABLE}")
    project.write("test_plain.py", "def test_plain(): pass\n")
    frame, other, plain = "cases/frame.yaml::frame", "cases/other.yaml::other", "test_plain.py::test_plain"
    for arguments, expected in (
        (["-k", "pandas"], [frame]),
        (["-k", "not pandas"], [other, plain]),
        (["-m", "pandas"], [frame]),
        (["-m", "slow-one"], [frame]),
        (["-m", "memcase"], [frame, other]),
        (["-m", "not memcase"], [plain]),
        (["-m", "memcase and not numpy"], [frame]),
    ):
        # pytest 8 has changed which comes first, files or folders.
        assert sorted(collected(project.pytest("--collect-only", "-q", *arguments))) == expected, arguments


def test_a_tag_that_is_a_mark_of_pytest_does_not_act_as_one(project: Project) -> None:
    project.write("cases/a.yaml", f"tags: [skip, xfail, usefixtures]\n{LEAK}")
    result = project.pytest("-k", "skip")
    result.assert_outcomes(failed=1)


@pytest.mark.parametrize("how", ["variable", "option"])
def test_a_program_that_is_named_and_is_none_is_told_of(
    project: Project, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    project.write("cases/a.yaml", STABLE)
    if how == "variable":
        monkeypatch.setenv("MEMCASE_BINARY", "/nowhere/memcase")
        names = "the variable MEMCASE_BINARY names `/nowhere/memcase`*"
    else:
        monkeypatch.delenv("MEMCASE_BINARY")
        project.ini("memcase_binary = memcase-of-nowhere")
        names = "the ini option memcase_binary names `memcase-of-nowhere`*"
    result = project.pytest()
    result.stdout.fnmatch_lines([names])
    result.assert_outcomes(errors=1)


def test_a_missing_program_is_told_of_with_what_to_install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("cases/a.yaml", STABLE)
    monkeypatch.delenv("MEMCASE_BINARY")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sysconfig.get_path", lambda name: "/nowhere")
    result = project.pytest()
    result.stdout.fnmatch_lines(["the program memcase was not found *pip install memcase*"])
    result.assert_outcomes(errors=1)


def test_a_program_is_looked_for_on_the_path_and_beside_python_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("cases/a.yaml", STABLE)
    monkeypatch.delenv("MEMCASE_BINARY")
    for place in ("beside", "path"):
        project.program(f"{place}/memcase", f"echo 'error: I am {place}' >&2; exit 2")
    monkeypatch.setenv("PATH", str(project.path / "path"), prepend=":")
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(project.path / "nowhere"))
    project.pytest().stdout.fnmatch_lines(["error: I am path"])
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(project.path / "beside"))
    project.pytest().stdout.fnmatch_lines(["error: I am beside"])


def test_json_of_another_version_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("cases/a.yaml", STABLE)
    project.program("memcase", """echo '{"type":"listed","version":2,"name":"a"}'""")
    project.write("below/README", "")
    # A path in the configuration is one from its folder, wherever pytest is called.
    project.ini("memcase_binary = ./memcase")
    monkeypatch.delenv("MEMCASE_BINARY")
    monkeypatch.chdir(project.path / "below")
    result = project.pytest("../cases")
    result.stdout.fnmatch_lines(["this memcase writes version 2 of its JSON, and pytest-memcase reads version 1:*"])
    result.assert_outcomes(errors=1)


def test_a_word_that_is_none_is_refused(project: Project) -> None:
    project.ini("memcase_missing = ignore")
    result = project.pytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*memcase_missing = ignore: write skip or fail"])
