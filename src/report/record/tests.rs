//! What a record tells, word for word.

use super::*;
use crate::analysis::Counted;
use crate::trace::{Part, Phase, Share};

fn tally() -> Tally {
    let mut tally = Tally::new(Some(100 << 20));
    for (process, command) in [(0, "python train.py"), (1, "worker")] {
        tally.process(&Part {
            process,
            pid: 40 + process,
            command: command.to_owned(),
            ..Part::default()
        });
    }
    let share = |process, pss: u64, peak: u64| Share {
        process,
        pss: pss << 20,
        peak: peak << 20,
    };
    let rows = [
        (0, 10, 10, vec![share(0, 10, 10)]),
        (100, 30, 40, vec![share(0, 10, 20), share(1, 20, 20)]),
        (200, 30, 140, vec![share(0, 10, 10), share(1, 20, 130)]),
    ];
    for (at, sum, peak, each) in rows {
        if at == 200 {
            let name = "load".to_owned();
            tally.phase(&Phase { at: 100, name });
        }
        tally.sample(&Counted {
            at,
            sum: Some(sum << 20),
            peak: peak << 20,
            at_most: peak << 20,
            charged: peak << 20,
            charged_at_most: peak << 20,
            each: &each,
        });
    }
    tally
}

#[test]
fn the_summary_says_how_high_when_in_which_phase_and_by_whom() {
    let report = RecordReport {
        kind: "record",
        command: vec!["python".to_owned(), "train.py".to_owned()],
        file: Some("a b.jsonl".to_owned()),
        exit: "exit code 0".to_owned(),
        code: 0,
        seconds: 0.25,
        interval: 100,
        tally: tally(),
        left: 1,
        processor: 0.2,
        own_processor: 0.001,
    };
    let expected = [
        "recorded 0.2 s of `python train.py`: 3 samples, 2 processes, exit code 0",
        "  peak  140 MiB at 0.2 s in phase \"load\"",
        "  mean  25.0 MiB, last 30.0 MiB",
        "  phase          from        for       peak     growth",
        "  (before)      0.0 s      0.1 s   40.0 MiB  +20.0 MiB",
        "  load          0.1 s      0.1 s    140 MiB        0 B",
        "       peak        at  process",
        "    130 MiB     0.2 s  41 worker",
        "   20.0 MiB     0.1 s  40 python train.py",
        "  limit 100 MiB: it would have been killed: it held 140 MiB at 0.2 s in phase \"load\" that can not be given up; most was held by 41 worker",
        "  1 process of it lives on",
        "  memcase itself took 0.40 % of a core",
        "plot it by: memcase plot 'a b.jsonl'",
    ];
    let text = report.text();
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn what_may_be_and_what_was_not_read_is_told_as_that() {
    let mut tally = Tally::new(Some(100 << 20));
    for process in 0..2 {
        tally.process(&Part {
            process,
            pid: 40 + process,
            command: "worker".to_owned(),
            ..Part::default()
        });
    }
    let share = |process, bytes| Share {
        process,
        pss: bytes,
        peak: bytes,
    };
    tally.sample(&Counted {
        at: 0,
        sum: Some(90 << 20),
        peak: 90 << 20,
        at_most: 150 << 20,
        charged: 80 << 20,
        charged_at_most: 140 << 20,
        each: &[share(0, 90 << 20), share(1, 0)],
    });
    let report = RecordReport {
        kind: "record",
        command: vec!["worker".to_owned()],
        file: None,
        exit: "exit code 0".to_owned(),
        code: 0,
        seconds: 0.1,
        interval: 100,
        tally,
        left: 0,
        processor: 0.1,
        own_processor: 0.001,
    };
    let text = report.text();
    for expected in [
        "  peak  90.0 MiB at 0.0 s (at most 150 MiB, had its",
        "\n   not read            41 worker\n",
        "it may have been killed: it held at most 140 MiB at 0.0 s that can not",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn the_live_line_fits_its_terminal() {
    let line = record_line(&tally(), 12_000, 30 << 20, &[1, 2, 3], 200);
    assert_eq!(line, "▁▅█ 30.0 MiB, peak 140 MiB, 2 processes, 12 s, load");
    let at = |width| record_line(&tally(), 12_000, 30 << 20, &[1, 2, 3], width);
    for (width, expected) in [
        (52, "▁▅█ 30.0 MiB, peak 140 MiB, 2 processes, 12 s, load"),
        (51, "30.0 MiB, peak 140 MiB, 2 processes, 12 s, load"),
        (47, "▁▅█ 30.0 MiB, peak 140 MiB, 2 processes, 12 s"),
        (24, "30.0 MiB, peak 140 MiB"),
        (23, "30.0 MiB, peak 140 MiB"),
        (22, "▁▅█ 30.0 MiB"),
        (9, "30.0 MiB"),
        (8, ""),
        (0, ""),
    ] {
        assert_eq!(at(width), expected, "{width}");
    }
}

#[test]
fn a_path_can_be_typed_as_it_is_shown() {
    assert_eq!(quoted("a/b-1.jsonl"), "a/b-1.jsonl");
    assert_eq!(quoted("it's"), "'it'\\''s'");
}
