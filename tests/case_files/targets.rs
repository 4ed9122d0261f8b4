//! Targets that cannot be run as they are written.

use crate::told;

#[test]
fn a_target_with_nothing_to_run_is_refused() {
    insta::assert_snapshot!(told(r"target:
  language: python
  setup: pass
"), @r"
    error: `target.run`: is missing, so there is nothing to run
     --> a.yaml:1:1
      |
    1 | target:
      | ^^^^^^
      |
      = help: add `run:` with a snippet, `file:` with functions, or `command:` or `service:` with a program
    ");
}

#[test]
fn a_target_without_a_language_is_refused() {
    insta::assert_snapshot!(told(r"target:
  run: pass
"), @r"
    error: `target.language`: is missing
     --> a.yaml:1:1
      |
    1 | target:
      | ^^^^^^
      |
      = help: add `language:` with `python`, `node`, `ruby`, `perl`, `php`, `lua`, `java`, `c`, `cpp`, `rust` or `shell`
    ");
}

#[test]
fn a_case_without_a_target_is_refused() {
    insta::assert_snapshot!(told(r"description: nothing here
"), @r"
    error: `target`: is missing, so there is nothing to run
     --> a.yaml:1:1
      |
    1 | description: nothing here
      | ^
      |
      = help: add `target:`, and below it `language:` and `run:`, or `command:`, or `service:`
    ");
}

#[test]
fn code_and_a_file_do_not_go_together() {
    insta::assert_snapshot!(told(r"target:
  language: python
  file: body.py
  run: pass
  setup: pass
"), @r"
    error: `target.run`: cannot stand beside `file`
     --> a.yaml:4:3
      |
    4 |   run: pass
      |   ^^^
      |
      = help: keep either the file or the inline code

    error: `target.setup`: cannot stand beside `file`
     --> a.yaml:5:3
      |
    5 |   setup: pass
      |   ^^^^^
      |
      = help: keep either the file or the inline code
    ");
}

#[test]
fn a_command_and_code_do_not_go_together() {
    insta::assert_snapshot!(told(r"target:
  command: [./server]
  language: python
  run: pass
"), @r"
    error: `target.language`: cannot stand beside `command`
     --> a.yaml:3:3
      |
    3 |   language: python
      |   ^^^^^^^^
      |
      = help: a command is a whole program; keep either the command or the code

    error: `target.run`: cannot stand beside `command`
     --> a.yaml:4:3
      |
    4 |   run: pass
      |   ^^^
      |
      = help: a command is a whole program; keep either the command or the code
    ");
}

#[test]
fn a_command_in_one_text_needs_a_shell() {
    insta::assert_snapshot!(told(r"target:
  command: ./server --port 80
"), @r"
    error: `target.command`: is one text, and no shell splits it
     --> a.yaml:2:12
      |
    2 |   command: ./server --port 80
      |            ^^^^^^^^^^^^^^^^^^
      |
      = help: write `command: [./server, --port, 80]`, or add `shell: true`
    ");
}

#[test]
fn shell_takes_one_line_and_a_command() {
    insta::assert_snapshot!(told(r"target:
  command: [./server, --step]
  shell: true
---
name: b
target:
  language: shell
  shell: true
  run: 'true'
"), @r"
    error: `name`: is missing, and the file holds several cases
     --> a.yaml:1:1
      |
    1 | target:
      | ^
      |
      = help: add `name:` to each document

    error: `target.command`: is a list, and `shell: true` takes one line
     --> a.yaml:2:12
      |
    2 |   command: [./server, --step]
      |            ^
      |
      = help: write the line as text, or remove `shell: true`

    error: `target.shell`: speaks of `command`, and there is none
     --> a.yaml:8:3
      |
    8 |   shell: true
      |   ^^^^^
      |
      = help: for a snippet of shell write `language: shell`
    ");
}

#[test]
fn keys_that_do_not_fit_the_language_are_refused() {
    insta::assert_snapshot!(told(r"target:
  language: python
  prelude: import os
  run: pass
---
name: c
target:
  language: c
  requires: [zlib]
  run: x();
"), @r"
    error: `name`: is missing, and the file holds several cases
     --> a.yaml:1:1
      |
    1 | target:
      | ^
      |
      = help: add `name:` to each document

    error: `target.prelude`: has no meaning in python
     --> a.yaml:3:3
      |
    3 |   prelude: import os
      |   ^^^^^^^
      |
      = help: it holds file-level code of a compiled language; put imports and functions into `setup`

    error: `target.requires`: memcase knows no packages for c
     --> a.yaml:9:3
      |
    9 |   requires: [zlib]
      |   ^^^^^^^^
      |
      = help: link a library of the system with `flags: [-lz]`
    ");
}

#[test]
fn an_option_of_the_installer_is_no_package_but_of_pip() {
    insta::assert_snapshot!(told(r"target:
  language: node
  requires: [express, '--registry=x', '']
  run: f()
"), @r"
    error: `target.requires[1]`: `--registry=x` is an option, not a package
     --> a.yaml:3:23
      |
    3 |   requires: [express, '--registry=x', '']
      |                       ^^^^^^^^^^^^^^
      |
      = help: name the package alone; only Python takes options of pip here (`--no-binary ijson`)

    error: `target.requires[2]`: is not a package
     --> a.yaml:3:39
      |
    3 |   requires: [express, '--registry=x', '']
      |                                       ^^
      |
      = help: write for example `requires: [pandas==2.0.3]`
    ");
}

#[test]
fn lines_of_code_that_yaml_would_join_are_refused() {
    insta::assert_snapshot!(told("target:\n  language: python\n  run:\n    import re\n    re.purge()\n"), @r"
    error: `target.run`: stands on several lines, and YAML joins them into one
     --> a.yaml:4:5
      |
    4 |     import re
      |     ^^^^^^^^^
      |
      = help: write `run: |` and the code below it, indented; that keeps the lines
    ");
}
