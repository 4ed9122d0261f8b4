//! Recorded traces: the settle probe counts, and judging repeats the verdict of the run.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

mod synthetic;

use memcase::analysis::{VerdictKind, looks};
use memcase::trace::{Ending, Heap, Metric, StopReason, Trace};
use synthetic::{MIB, at_the_end, pages, run, traces};

fn ended(
    mut traces: Vec<Trace>,
    settled: Option<u64>,
    reason: StopReason,
    looks: &[u64],
) -> Vec<Trace> {
    for trace in &mut traces {
        trace.ending = Some(Ending {
            inventory: None,
            reason,
            iterations: trace.iterations(),
            exit: "exit code 0".to_owned(),
            micros: 1,
            settled_anon: settled,
            settled_live: settled,
            looks: looks.to_vec(),
            leak_from: *looks.last().unwrap(),
            tolerances: [(Metric::Anon, 32)].into(),
            only: None,
            ..Ending::default()
        });
    }
    traces
}

#[test]
fn growth_that_a_collection_gives_back_is_not_a_leak() {
    let growing = || {
        traces(Heap::Cpython, 1000, |_, at| {
            vec![
                (Metric::Live, 9 * MIB + 1024 * at),
                (Metric::Anon, 20 * MIB),
            ]
        })
    };
    let horizon = StopReason::Horizon;
    let kept = ended(growing(), Some(10 * MIB), horizon, &[240, 480, 960, 1000]);
    assert_eq!(at_the_end(&kept).kind, VerdictKind::Leak);
    let given_back = ended(growing(), Some(9 * MIB), horizon, &[240, 480, 960, 1000]);
    let verdict = at_the_end(&given_back);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert_eq!(verdict.shape.0, "collectable growth");
    assert!(verdict.remedy.unwrap().contains("gives the growth back"));
}

#[test]
fn a_collected_heap_read_without_collections_needs_the_settle_probe() {
    let mut growing = traces(Heap::Cpython, 1000, |_, at| {
        vec![(Metric::Live, MIB + 1024 * at)]
    });
    for trace in &mut growing {
        trace.header.collected = false;
    }
    let verdict = at_the_end(&growing);
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert!(verdict.remedy.unwrap().contains("measure.collect: true"));
    let probed = ended(growing, Some(2 * MIB), StopReason::Horizon, &[1000]);
    assert_eq!(at_the_end(&probed).kind, VerdictKind::Leak);
}

#[test]
fn judging_recorded_traces_repeats_the_verdict_of_the_run() {
    let shapes: [fn(u64, u64) -> u64; 4] = [
        |_, _| 0,
        |_, at| 640 * at,
        |_, at| 900 * at.min(650),
        |k, at| (at * 7919 + k * 104_729) % 65_536,
    ];
    for shape in shapes {
        let all = traces(Heap::Cpython, 3000, |k, at| {
            let bytes = 9 * MIB + shape(k, at);
            vec![(Metric::Live, bytes), (Metric::Anon, pages(bytes))]
        });
        let (verdict, n) = run(&all, 3000);
        let cut: Vec<Trace> = all
            .iter()
            .map(|trace| {
                let mut cut = Trace::new(trace.header.clone());
                for (&metric, series) in &trace.series {
                    for (&at, &value) in series.at.iter().zip(&series.values) {
                        if at <= n {
                            cut.push(metric, at, value);
                        }
                    }
                }
                cut
            })
            .collect();
        let reason = if n == 3000 {
            StopReason::Horizon
        } else {
            StopReason::Decided
        };
        let taken: Vec<u64> = looks(3000).into_iter().filter(|&look| look <= n).collect();
        let mut recorded = ended(cut, None, reason, &taken);
        for trace in &mut recorded {
            trace.ending.as_mut().unwrap().leak_from = 3000;
        }
        assert_eq!(at_the_end(&recorded), verdict);
    }
}

#[test]
fn what_a_broken_run_left_is_judged_with_a_word_about_it() {
    let flat = traces(Heap::Malloc, 300, |_, _| vec![(Metric::Live, MIB)]);
    let left = ended(flat, None, StopReason::Died, &[300]);
    let left: Vec<&Trace> = left.iter().collect();
    let notes = memcase::analysis::judge(&left).notes;
    let told = notes
        .iter()
        .filter(|note| note.contains("the run was broken"));
    assert_eq!(told.count(), left.len(), "{notes:?}");
}

#[test]
fn a_trace_of_the_largest_readings_is_judged_and_its_words_are_not_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace-1.jsonl");
    let mut trace = traces(Heap::Malloc, 300, |_, at| {
        vec![(Metric::Live, (at % 2) << 53), (Metric::Anon, 1 << 53)]
    })
    .remove(0);
    trace.header.case = "\u{1b}[2Jcase".to_owned();
    memcase::trace::write(&trace, std::fs::File::create(&path).unwrap()).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_memcase"))
        .arg("judge")
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.starts_with("\u{fffd}[2Jcase: "), "{out}");
}
