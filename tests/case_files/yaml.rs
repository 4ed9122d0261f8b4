//! Texts that are not YAML, or more YAML than a case needs.

use crate::told;

#[test]
fn tabs_are_explained() {
    insta::assert_snapshot!(told("target:\n\tlanguage: python\n\trun: pass\n"), @r"
    error: a tab indents this line, and YAML allows only spaces there
     --> a.yaml:2:1
      |
    2 | 	language: python
      | ^
      |
      = help: indent with two spaces a level
    ");
}

#[test]
fn a_second_colon_is_explained() {
    insta::assert_snapshot!(told(r"description: note: this
target:
  language: python
  run: pass
"), @r"
    error: this `:` cannot stand here
     --> a.yaml:1:18
      |
    1 | description: note: this
      |                  ^
      |
      = help: put quotes around text that holds `: ` or ` #` or begins with a sign; a nested mapping begins on the next line, indented; see also that the line above has its `:`
    ");
}

#[test]
fn a_wrong_indentation_is_explained() {
    insta::assert_snapshot!(told(r"target:
  language: python
 run: pass
"), @r"
    error: a key is expected here
     --> a.yaml:3:2
      |
    3 |  run: pass
      |  ^
      |
      = help: indent by two spaces a level, all keys of one mapping alike, with a space after each `key:`
    ");
}

#[test]
fn an_open_bracket_is_explained() {
    insta::assert_snapshot!(told(r"tags: [a, b
target:
  language: python
  run: pass
"), @r"
    error: a `:` cannot stand here
     --> a.yaml:2:7
      |
    2 | target:
      |       ^
      |
      = help: a bracket or a quote may be open above; close it
    ");
}

#[test]
fn code_that_is_not_indented_is_explained() {
    insta::assert_snapshot!(told(r"target:
  language: python
  run: |
  import os
  os.getpid()
"), @r"
    error: a `:` is missing
     --> a.yaml:5:3
      |
    5 |   os.getpid()
      |   ^
      |
      = help: write `key: value`; the lines of a text after `|` are indented deeper than its key
    ");
}

#[test]
fn an_alias_without_anchor_is_explained() {
    insta::assert_snapshot!(told(r"target:
  language: c
  run: *p = 1;
"), @r"
    error: the alias `*…` has no anchor `&…` above it
     --> a.yaml:3:8
      |
    3 |   run: *p = 1;
      |        ^
      |
      = help: put quotes around text that begins with `*`
    ");
}

#[test]
fn merge_keys_and_tags_are_refused() {
    insta::assert_snapshot!(told(r"target: &t
  language: python
  run: pass
limits:
  <<: *t
expect: !claim leak
"), @r"
    error: `<<`: merge keys are not part of a case file
     --> a.yaml:5:3
      |
    5 |   <<: *t
      |   ^^
      |
      = help: write the keys out; an alias `*name` may stand for a whole value

    error: the tag `!claim` has no meaning in a case file
     --> a.yaml:6:9
      |
    6 | expect: !claim leak
      |         ^^^^^^^^^^^
      |
      = help: remove it, or put the text in quotes if it starts with `!`
    ");
}

#[test]
fn an_empty_file_holds_no_case() {
    insta::assert_snapshot!(told(r"# nothing yet
---
"), @r"
    error: there is no case in this file
     --> a.yaml
      = help: `memcase new NAME --language python` writes one to start from
    ");
}
