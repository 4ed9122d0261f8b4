//! A document with a matrix: its cases, their ids and values, and what is refused.

use memcase::case::Claim;

use super::{read, shown, snippet, told};

const TWO_BY_TWO: &str = r#"
matrix:
  codec: [zlib, bz2]
  size: [1.10, "a b"]
description: ${codec} of ${size}
target:
  language: python
  run: |
    ${codec}.compress("${size}")  # $${size}, ${HOME}, $$
"#;

#[test]
fn a_document_is_a_case_for_each_combination_the_last_name_varying_fastest() {
    let cases = read(TWO_BY_TWO);
    let ids: Vec<&str> = cases.iter().map(|case| case.id.0.as_str()).collect();
    assert_eq!(
        ids,
        ["a[zlib,1.10]", "a[zlib,a-b]", "a[bz2,1.10]", "a[bz2,a-b]"]
    );
    let told: Vec<_> = cases.iter().map(|c| c.description.as_deref()).collect();
    assert_eq!(told[1], Some("zlib of a b"));
}

#[test]
fn values_stand_in_the_code_as_they_were_written_and_nothing_else_is_touched() {
    let cases = read(TWO_BY_TWO);
    let run = &snippet(&cases[2]).run;
    assert_eq!(
        run.text.trim_end(),
        r#"bz2.compress("1.10")  # ${size}, ${HOME}, $$"#
    );
    assert_eq!(run.line, 9, "the line is that of the file");
}

#[test]
fn a_text_that_is_nothing_but_a_name_takes_the_type_of_the_value() {
    let cases = read(
        r#"
matrix: {n: [240, 1000], claim: [leak], collect: [true, false]}
target: {language: python, run: pass}
expect: ${claim}
measure: {iterations: "${n}", collect: "${collect}"}
"#,
    );
    let of: Vec<_> = cases
        .iter()
        .map(|case| (case.measure.iterations, case.measure.collect))
        .collect();
    assert_eq!(
        of,
        [
            (Some(240), Some(true)),
            (Some(240), Some(false)),
            (Some(1000), Some(true)),
            (Some(1000), Some(false)),
        ]
    );
    assert!(cases.iter().all(|case| case.expect.claim == Claim::Leak));
}

#[test]
fn a_document_of_several_has_its_name_before_the_values() {
    let cases = read(
        r#"
name: one
matrix: {n: [1, 2]}
target: {language: python, run: "x = ${n}"}
---
name: two
target: {language: python, run: "x = '${n}'"}
"#,
    );
    let ids: Vec<&str> = cases.iter().map(|case| case.id.0.as_str()).collect();
    assert_eq!(ids, ["a/one[1]", "a/one[2]", "a/two"]);
    let run = &snippet(&cases[2]).run;
    assert_eq!(
        run.text, "x = '${n}'",
        "without a matrix nothing is replaced"
    );
}

#[test]
fn a_name_that_is_used_nowhere_is_refused() {
    insta::assert_snapshot!(told(r"matrix: {n: [1, 2]}
target:
  language: python
  run: pass
"), @r"
    error: `matrix.n`: is used nowhere in the case
     --> a.yaml:1:10
      |
    1 | matrix: {n: [1, 2]}
      |          ^
      |
      = help: write `${n}` where its values belong, or remove it
    ");
}

#[test]
fn a_mistake_that_all_combinations_share_is_told_once() {
    insta::assert_snapshot!(told(r#"matrix: {n: [0, -1]}
target:
  language: python
  run: pass
measure: {iterations: "${n}"}
"#), @r#"
    error: `measure.iterations`: must be from 1 to 1000000000, found 0
     --> a.yaml:5:23
      |
    5 | measure: {iterations: "${n}"}
      |                       ^^^^^^
      |
      = help: write for example `iterations: 5000`
    "#);
}

#[test]
fn values_that_are_no_words_and_too_many_cases_and_equal_ids_are_refused() {
    let case = |matrix: &str| {
        let target = "target: {language: python, run: 'x = ${n}'}";
        format!("matrix: {matrix}\n{target}\n")
    };
    let first = |matrix: &str| {
        let shown = told(&case(matrix));
        shown.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(first("{n: []}"), "error: `matrix.n`: the list is empty");
    assert_eq!(
        first("{n: [[1]]}"),
        "error: `matrix.n[0]`: needs text, found a list"
    );
    assert_eq!(
        first("[n]"),
        "error: `matrix`: needs a mapping, found a list"
    );
    let many: Vec<String> = (0..257).map(|n| n.to_string()).collect();
    assert_eq!(
        first(&format!("{{n: [{}]}}", many.join(", "))),
        "error: `matrix`: stands for more than 256 cases"
    );
    let twins = super::refused(case("{n: [a/b, a-b]}").as_bytes());
    assert!(
        shown(&twins).contains("two cases are called `a[a-b]`"),
        "{}",
        shown(&twins)
    );
}
