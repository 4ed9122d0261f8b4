//! Keys that are unknown, misplaced, doubled or not yet supported.

use crate::told;

#[test]
fn an_unknown_key_is_told_with_the_nearest_one() {
    insta::assert_snapshot!(told(r"target:
  langage: python
  run: |
    pass
expct: leak
"), @r"
    error: `target.langage`: is not a key of `target`
     --> a.yaml:2:3
      |
    2 |   langage: python
      |   ^^^^^^^
      |
      = help: did you mean `language`?

    error: `expct`: is not a key of a case
     --> a.yaml:5:1
      |
    5 | expct: leak
      | ^^^^^
      |
      = help: did you mean `expect`?
    ");
}

#[test]
fn a_key_in_the_wrong_place_is_told_with_its_place() {
    insta::assert_snapshot!(told(r"language: python
target:
  run: pass
  timeout: 5 s
  Tags: [a]
"), @r"
    error: `language`: is not a key of a case
     --> a.yaml:1:1
      |
    1 | language: python
      | ^^^^^^^^
      |
      = help: `language` belongs under `target:`

    error: `target.timeout`: is not a key of `target`
     --> a.yaml:4:3
      |
    4 |   timeout: 5 s
      |   ^^^^^^^
      |
      = help: `timeout` belongs under `limits:`

    error: `target.Tags`: is not a key of `target`
     --> a.yaml:5:3
      |
    5 |   Tags: [a]
      |   ^^^^
      |
      = help: `tags` belongs at the left margin
    ");
}

#[test]
fn a_key_that_resembles_nothing_is_told_with_all_keys_there_are() {
    insta::assert_snapshot!(told(r"target:
  language: python
  run: pass
limits:
  quota: 1
"), @r"
    error: `limits.quota`: is not a key of `limits`
     --> a.yaml:5:3
      |
    5 |   quota: 1
      |   ^^^^^
      |
      = help: the keys of `limits` are `slope`, `peak`, `spike`, `memory`, `garbage`, `fds`, `threads`, `children`, `timeout`
    ");
}

#[test]
fn keys_of_other_tools_are_known_by_their_other_names() {
    insta::assert_snapshot!(told(r"target:
  lang: python
  script: pass
  dependencies: [numpy]
"), @r"
    error: `target.lang`: is not a key of `target`
     --> a.yaml:2:3
      |
    2 |   lang: python
      |   ^^^^
      |
      = help: did you mean `language`?

    error: `target.script`: is not a key of `target`
     --> a.yaml:3:3
      |
    3 |   script: pass
      |   ^^^^^^
      |
      = help: did you mean `run`?

    error: `target.dependencies`: is not a key of `target`
     --> a.yaml:4:3
      |
    4 |   dependencies: [numpy]
      |   ^^^^^^^^^^^^
      |
      = help: did you mean `requires`?
    ");
}

#[test]
fn a_snake_case_key_is_told_in_kebab_case() {
    insta::assert_snapshot!(told(r"target:
  language: python
  run: pass
  clean_env: true
"), @r"
    error: `target.clean_env`: is not a key of `target`
     --> a.yaml:4:3
      |
    4 |   clean_env: true
      |   ^^^^^^^^^
      |
      = help: did you mean `clean-env`?
    ");
}

#[test]
fn empty_keys_and_empty_code_are_refused() {
    insta::assert_snapshot!(told(r"description:
target:
  language: python
  setup: ''
  run: |

  teardown: '  '
"), @r"
    error: `description`: has no value
     --> a.yaml:1:1
      |
    1 | description:
      | ^^^^^^^^^^^
      |
      = help: write for example `description: functools.lru_cache on a method keeps every instance alive`, or remove the key

    error: `target.setup`: is empty
     --> a.yaml:4:3
      |
    4 |   setup: ''
      |   ^^^^^
      |
      = help: write code below it, indented, after a `|`; or remove the key

    error: `target.run`: is empty
     --> a.yaml:5:3
      |
    5 |   run: |
      |   ^^^
      |
      = help: write code below it, indented, after a `|`; or remove the key

    error: `target.teardown`: is empty
     --> a.yaml:7:3
      |
    7 |   teardown: '  '
      |   ^^^^^^^^
      |
      = help: write code below it, indented, after a `|`; or remove the key
    ");
}

#[test]
fn odd_names_and_tags_are_refused() {
    insta::assert_snapshot!(told(r"name: a b/c
tags: ['two words', ok]
target:
  language: python
  run: pass
"), @r"
    error: `name`: `a b/c` cannot be a name
     --> a.yaml:1:7
      |
    1 | name: a b/c
      |       ^^^^^
      |
      = help: use up to 100 letters, digits, `-`, `_`, `.` and `+`, beginning with a letter or a digit

    error: `tags[0]`: `two words` cannot be a tag
     --> a.yaml:2:8
      |
    2 | tags: ['two words', ok]
      |        ^^^^^^^^^^^
      |
      = help: use up to 100 letters, digits, `-`, `_`, `.` and `+`, beginning with a letter or a digit
    ");
}

#[test]
fn documents_of_one_file_need_names_of_their_own() {
    insta::assert_snapshot!(told(r"name: one
target:
  language: python
  run: pass
---
name: one
target:
  language: python
  run: pass
---
target:
  language: python
  run: pass
"), @r"
    error: `name`: two cases are called `a/one`; the first begins in line 1
     --> a.yaml:6:7
      |
    6 | name: one
      |       ^^^
      |
      = help: give each document a name of its own

    error: `name`: is missing, and the file holds several cases
      --> a.yaml:11:1
       |
    11 | target:
       | ^
       |
       = help: add `name:` to each document
    ");
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    insta::assert_snapshot!(told(r"target:
  language: python
  run: a()
  run: b()
expect: leek
"), @r"
    error: `run`: stands twice in one mapping, first in line 3
     --> a.yaml:4:3
      |
    4 |   run: b()
      |   ^^^
      |
      = help: keep one of the two

    error: `expect`: `leek` is not known here
     --> a.yaml:5:9
      |
    5 | expect: leek
      |         ^^^^
      |
      = help: did you mean `leak`? Otherwise write `stable`, `leak` or `spike`
    ");
}

#[test]
fn a_mistake_in_one_document_does_not_hide_those_of_the_next() {
    insta::assert_snapshot!(told(r"name: one
target: {language: python}
---
name: two
target: {language: python, run: pass, x: 1}
"), @r"
    error: `target.run`: is missing, so there is nothing to run
     --> a.yaml:2:1
      |
    2 | target: {language: python}
      | ^^^^^^
      |
      = help: add `run:` with a snippet, `file:` with functions, or `command:` or `service:` with a program

    error: `target.x`: is not a key of `target`
     --> a.yaml:5:39
      |
    5 | target: {language: python, run: pass, x: 1}
      |                                       ^
      |
      = help: the keys of `target` are `language`, `prelude`, `setup`, `run`, `teardown`, `file`, `flags`, `requires`, `interpreter`, `command`, `shell`, `service`, `env`, `clean-env`, `cwd`, `stdin`
    ");
}
