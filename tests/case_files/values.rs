//! Values of the wrong type, range or unit.

use crate::told;

#[test]
fn wrong_types_are_told_with_what_is_wanted() {
    insta::assert_snapshot!(told(r"name: 12
description: [a]
tags: slow
target:
  language: python
  run: true
  env: [A=1]
  shell: maybe
measure:
  processes: three
  collect: 1
"), @r#"
    error: `name`: needs text, found the number 12
     --> a.yaml:1:7
      |
    1 | name: 12
      |       ^^
      |
      = help: put it in quotes: `"12"`

    error: `description`: needs text, found a list
     --> a.yaml:2:14
      |
    2 | description: [a]
      |              ^
      |
      = help: write for example `description: functools.lru_cache on a method keeps every instance alive`

    error: `tags`: needs a list, found the text `slow`
     --> a.yaml:3:7
      |
    3 | tags: slow
      |       ^^^^
      |
      = help: write `tags: [slow]`

    error: `target.run`: needs text, found `true`
     --> a.yaml:6:8
      |
    6 |   run: true
      |        ^^^^
      |
      = help: put it in quotes: `"true"`

    error: `target.env`: needs a mapping, found a list
     --> a.yaml:7:8
      |
    7 |   env: [A=1]
      |        ^
      |
      = help: write for example `env: {LC_ALL: C, DEBUG: null}`

    error: `target.shell`: needs `true` or `false`, found the text `maybe`
     --> a.yaml:8:10
      |
    8 |   shell: maybe
      |          ^^^^^
      |
      = help: write for example `shell: true`

    error: `measure.processes`: needs a whole number, found the text `three`
      --> a.yaml:10:14
       |
    10 |   processes: three
       |              ^^^^^
       |
       = help: write for example `processes: 3`

    error: `measure.collect`: needs `true` or `false`, found the number 1
      --> a.yaml:11:12
       |
    11 |   collect: 1
       |            ^
       |
       = help: write for example `collect: false`
    "#);
}

#[test]
fn numbers_out_of_range_are_told_with_the_range() {
    insta::assert_snapshot!(told(r"target:
  language: python
  run: pass
limits: {fds: -1, threads: 1.5}
measure: {processes: 0, batch: 5000000}
"), @r"
    error: `limits.fds`: must be at least 0, found -1
     --> a.yaml:4:15
      |
    4 | limits: {fds: -1, threads: 1.5}
      |               ^^
      |
      = help: write for example `fds: 0`

    error: `limits.threads`: needs a whole number, found the number 1.5
     --> a.yaml:4:28
      |
    4 | limits: {fds: -1, threads: 1.5}
      |                            ^^^
      |
      = help: write for example `threads: 0`

    error: `measure.processes`: must be from 1 to 100, found 0
     --> a.yaml:5:22
      |
    5 | measure: {processes: 0, batch: 5000000}
      |                      ^
      |
      = help: write for example `processes: 3`

    error: `measure.batch`: must be from 1 to 1000000, found 5000000
     --> a.yaml:5:32
      |
    5 | measure: {processes: 0, batch: 5000000}
      |                                ^^^^^^^
      |
      = help: write for example `batch: 10`
    ");
}

#[test]
fn amounts_and_durations_need_units_that_exist() {
    insta::assert_snapshot!(told(r"target:
  language: python
  run: pass
limits:
  slope: 64
  peak: 5 Mb
  spike: lots
  timeout: 60
measure:
  time: 5 minutes
"), @r"
    error: `limits.slope`: needs a number with its unit, found the number 64
     --> a.yaml:5:10
      |
    5 |   slope: 64
      |          ^^
      |
      = help: write for example `slope: 64 B`

    error: `limits.peak`: `Mb` is not a unit of memory
     --> a.yaml:6:9
      |
    6 |   peak: 5 Mb
      |         ^^^^
      |
      = help: write a number and a unit: `512 MiB`, `64 KiB`, `10 MB`

    error: `limits.spike`: `lots` does not start with a number
     --> a.yaml:7:10
      |
    7 |   spike: lots
      |          ^^^^
      |
      = help: write a number and a unit: `512 MiB`, `64 KiB`, `10 MB`

    error: `limits.timeout`: needs a number with its unit, found the number 60
     --> a.yaml:8:12
      |
    8 |   timeout: 60
      |            ^^
      |
      = help: write for example `timeout: 60 s`

    error: `measure.time`: `minutes` is not a unit of time
      --> a.yaml:10:9
       |
    10 |   time: 5 minutes
       |         ^^^^^^^^^
       |
       = help: write a number and a unit: `500 ms`, `60 s`, `2 min`, `1 h`
    ");
}

#[test]
fn unknown_words_are_told_with_the_nearest_one() {
    insta::assert_snapshot!(told(r"target:
  language: javascript
  run: x
expect: leek
measure:
  metric: rss
"), @r"
    error: `target.language`: `javascript` is not known here
     --> a.yaml:2:13
      |
    2 |   language: javascript
      |             ^^^^^^^^^^
      |
      = help: did you mean `node`? Otherwise write `python`, `node`, `c`, `cpp`, `rust`, `shell`, `java`, `ruby`, `perl`, `php` or `lua`

    error: `expect`: `leek` is not known here
     --> a.yaml:4:9
      |
    4 | expect: leek
      |         ^^^^
      |
      = help: did you mean `leak`? Otherwise write `stable`, `leak` or `spike`

    error: `measure.metric`: `rss` is not known here
     --> a.yaml:6:11
      |
    6 |   metric: rss
      |           ^^^
      |
      = help: did you mean `anon`? Otherwise write `live`, `external`, `native`, `mapped`, `anon`, `peak`, `blocks`, `pss`, `shmem`, `swap`, `fds`, `threads` or `children`
    ");
}

#[test]
fn a_bad_range_of_slopes_is_refused() {
    insta::assert_snapshot!(told(r"target:
  language: python
  run: pass
expect:
  leak: {slope: 2 KiB..1 KiB}
"), @r"
    error: `expect.leak.slope`: does not run from a lower to a higher growth
     --> a.yaml:5:17
      |
    5 |   leak: {slope: 2 KiB..1 KiB}
      |                 ^^^^^^^^^^^^
      |
      = help: write the lowest and the highest growth: `slope: 1 KiB..2 KiB`
    ");
}

#[test]
fn a_slope_that_is_no_range_is_refused() {
    insta::assert_snapshot!(told(r"target:
  language: python
  run: pass
expect:
  leak: {slope: 1 KiB}
  spike: {}
"), @r"
    error: `expect`: makes more than one claim
     --> a.yaml:4:1
      |
    4 | expect:
      | ^^^^^^
      |
      = help: keep one of `stable`, `leak` and `spike`

    error: `expect.leak.slope`: `1 KiB` is not a range
     --> a.yaml:5:17
      |
    5 |   leak: {slope: 1 KiB}
      |                 ^^^^^
      |
      = help: write the lowest and the highest growth: `slope: 1 KiB..2 KiB`
    ");
}

#[test]
fn names_of_variables_cannot_hold_an_equals_sign() {
    insta::assert_snapshot!(told(r"target:
  language: python
  run: pass
  env: {A=B: c, D: true}
"), @r#"
    error: `target.env`: `A=B` is not the name of a variable
     --> a.yaml:4:9
      |
    4 |   env: {A=B: c, D: true}
      |         ^^^
      |
      = help: write `NAME: value`

    error: `target.env.D`: needs text, found `true`
     --> a.yaml:4:20
      |
    4 |   env: {A=B: c, D: true}
      |                    ^^^^
      |
      = help: put it in quotes: `"true"`
    "#);
}

#[test]
fn a_list_is_not_a_case() {
    insta::assert_snapshot!(told(r"- target:
    language: python
"), @r"
    error: needs a mapping, found a list
     --> a.yaml:1:1
      |
    1 | - target:
      | ^
      |
      = help: start with `target:`, and below it `language:` and `run:`
    ");
}

#[test]
fn a_cap_that_no_program_can_keep_is_refused() {
    insta::assert_snapshot!(told(r"target:
  language: python
  run: pass
limits: {memory: 64 KiB}
"), @r"
    error: `limits.memory`: `64 KiB` is less than any program needs
     --> a.yaml:4:18
      |
    4 | limits: {memory: 64 KiB}
      |                  ^^^^^^
      |
      = help: write at least `1 MiB`; an interpreter alone takes 10 to 60 MiB
    ");
}
