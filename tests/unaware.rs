//! Programs that know nothing of memcase: run to a count and read in their exit, or read over time.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use memcase::measure::{Finished, SessionOptions, run_by_clock, run_to_count};
use memcase::runtime::Launch;
use memcase::trace::{Axis, Driver, FinalReading, Metric, StopReason, Trace};
use regex::bytes::Regex;
use tempfile::TempDir;

const PAGE: u64 = 4096;
const MIB: u64 = 1 << 20;
const LONG: Duration = Duration::from_mins(1);

fn launch(argv: &[&str]) -> Launch {
    Launch {
        argv: argv.iter().map(OsString::from).collect(),
        cwd: "/".into(),
        ..Launch::default()
    }
}

fn options(folder: &Path, timeout: Duration) -> SessionOptions {
    SessionOptions {
        case: "test".to_owned(),
        process: 1,
        timeout,
        growth_cap: 1 << 30,
        horizon: 1,
        collect: true,
        trim: true,
        batch: 1,
        children: true,
        memory: None,
        log: folder.join("output.log"),
    }
}

fn to_count_within(timeout: Duration, argv: &[&str], count: u64) -> Finished {
    let folder = TempDir::new().expect("a folder can be made");
    run_to_count(&launch(argv), &options(folder.path(), timeout), count, 7).expect("it starts")
}

/// Python with a count of iterations as its argument.
fn python(code: &str, count: u64) -> Finished {
    let code = format!("import mmap, os, signal, sys\ncount = int(sys.argv[1])\n{code}");
    to_count_within(LONG, &["python3", "-c", &code, "{iterations}"], count)
}

fn over_time(script: &str, time: Duration, progress: Option<&str>) -> Finished {
    let folder = TempDir::new().expect("a folder can be made");
    let options = options(folder.path(), LONG);
    let pattern = progress.map(|text| Regex::new(text).expect("the pattern is one"));
    let launch = launch(&["/bin/sh", "-c", script]);
    run_by_clock(
        &launch,
        &options,
        (time, 7),
        pattern.as_ref(),
        &mut |_, _| {},
    )
    .expect("it starts")
}

fn values(trace: &Trace, metric: Metric) -> &[u64] {
    trace.get(metric).map_or(&[], |series| &series.values)
}

const TOUCH: &str = "
m = mmap.mmap(-1, 4096 * 4000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
m.madvise(mmap.MADV_NOHUGEPAGE)
for k in range(count):
    m[k * 4096] = 1
";

#[test]
fn pages_that_are_held_to_the_end_are_read_in_the_exit() {
    let held = |count| {
        let finished = python(&format!("{TOUCH}os._exit(0)"), count);
        assert_eq!(finished.broken, None, "{}", finished.output);
        let trace = finished.trace;
        assert_eq!(trace.header.driver, Driver::Ramp);
        let read = trace.header.final_reading;
        assert_eq!(read, Some(FinalReading::Exit), "is ptrace refused here?");
        assert_eq!(trace.get(Metric::Anon).expect("it was read").at, [count]);
        values(&trace, Metric::Anon)[0]
    };
    let more = held(3000) - held(1000);
    assert!(more.abs_diff(2000 * PAGE) <= 32 * PAGE, "{more}");
}

#[test]
fn what_is_given_back_before_the_end_is_in_the_peak_alone() {
    let finished = python("x = bytearray(count << 20)\ndel x\nos._exit(0)", 64);
    assert_eq!(finished.broken, None, "{}", finished.output);
    let last = values(&finished.trace, Metric::Anon)[0];
    let peak = values(&finished.trace, Metric::Peak)[0];
    assert!(last < 48 * MIB && peak >= 64 * MIB, "{last} {peak}");
}

#[test]
fn signals_reach_the_program_whatever_their_number() {
    let code = "
seen = []
for number in (signal.SIGUSR1, signal.SIGRTMIN + 3, signal.SIGCONT, signal.SIGTRAP):
    signal.signal(number, lambda got, _: seen.append(got))
    os.kill(os.getpid(), number)
os._exit(0 if len(seen) == 4 else 9)";
    let finished = python(code, 1);
    assert_eq!(
        (finished.exit.as_str(), finished.broken),
        ("exit code 0", None)
    );
}

#[test]
fn a_program_that_ends_from_another_thread_is_read_too() {
    let code = format!(
        "{TOUCH}import threading\nthread = threading.Thread(target=lambda: os._exit(0))\nthread.start()\nthread.join()"
    );
    let finished = python(&code, 2000);
    assert_eq!(finished.broken, None, "{}", finished.output);
    assert!(values(&finished.trace, Metric::Anon)[0] >= 2000 * PAGE);
}

#[test]
fn children_are_seen_and_what_a_wrapper_did_before_its_exec_is_not() {
    let children = |script: &str| {
        let argv = ["/bin/sh", "-c", script, "sh", "{iterations}"];
        let finished = to_count_within(LONG, &argv, 5);
        assert_eq!(finished.broken, None);
        values(&finished.trace, Metric::Children)[0]
    };
    assert!(children("cat /dev/null; :") > 0);
    assert_eq!(children("cat /dev/null; exec cat /dev/null"), 0);
}

#[test]
fn a_program_that_fails_hangs_or_is_killed_is_broken_and_says_with_how_many_iterations() {
    let run = |timeout, script| {
        let argv = ["/bin/sh", "-c", script, "sh", "{iterations}"];
        let finished = to_count_within(timeout, &argv, 317);
        (finished.broken.unwrap_or_default(), finished.trace)
    };
    for (script, words) in [
        ("exit 3", "exit code 3 with 317 iterations"),
        ("kill -9 $$", "SIGKILL"),
        ("kill -SEGV $$", "SIGSEGV"),
    ] {
        let (broken, trace) = run(LONG, script);
        assert!(broken.contains(words), "{script}: {broken}");
        assert_eq!(
            trace.ending.map(|ending| ending.reason),
            Some(StopReason::Died)
        );
    }
    let (broken, _) = run(Duration::from_millis(300), "sleep 4321");
    assert!(broken.contains("limits.timeout"), "{broken}");
}

#[test]
fn a_program_that_knows_nothing_has_nothing_of_the_protocol() {
    let script = "test -z \"$MEMCASE_READ_FD$MEMCASE_SLOT_FD\" && test ! -e /proc/self/fd/3";
    let finished = over_time(script, LONG, None);
    assert!(finished.exit == "exit code 0", "{}", finished.exit);
    let argv = ["/bin/sh", "-c", script, "sh", "{iterations}"];
    assert_eq!(to_count_within(LONG, &argv, 5).broken, None);
}

#[test]
fn the_children_of_a_program_are_counted_in_over_time() {
    let script = "python3 -c 'import time; x = bytearray(64 << 20); print(1); time.sleep(0.3)' ; :";
    let finished = over_time(script, LONG, None);
    assert_eq!(finished.broken, None, "{}", finished.output);
    let trace = &finished.trace;
    assert_eq!(
        (trace.header.axis, trace.header.driver),
        (Axis::Seconds, Driver::Clock)
    );
    let highest = values(trace, Metric::Anon).iter().max();
    assert!(highest >= Some(&(64 * MIB)), "{highest:?}");
    assert!(values(trace, Metric::Children).contains(&1));
    let at = &trace.get(Metric::Anon).expect("it was read").at;
    assert!(at.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn time_that_is_up_ends_a_program_and_breaks_nothing() {
    let finished = over_time("sleep 4322", Duration::from_millis(300), None);
    assert_eq!(finished.broken, None);
    assert!(finished.exit.ends_with("by memcase"), "{}", finished.exit);
    let ending = finished.trace.ending.expect("it ended");
    assert_eq!(ending.reason, StopReason::Time);
}

#[test]
fn progress_is_the_number_of_lines_that_match() {
    let script = "i=0; while [ $i -lt 300 ]; do echo \"done $i\"; echo other >&2; cat /dev/null; i=$((i+1)); done";
    let finished = over_time(script, LONG, Some("^done [0-9]+$"));
    assert_eq!(finished.broken, None, "{}", finished.output);
    let trace = &finished.trace;
    assert_eq!(trace.header.axis, Axis::Lines);
    assert!(
        (1..=300).contains(&trace.iterations()),
        "{}",
        trace.iterations()
    );
}

#[test]
fn a_program_that_fails_while_it_is_read_is_broken() {
    let finished = over_time("cat /dev/null; exit 7", LONG, None);
    let broken = finished.broken.unwrap_or_default();
    assert!(broken.contains("exit code 7"), "{broken}");
}

#[test]
fn the_output_of_a_program_is_kept() {
    let folder = TempDir::new().expect("a folder can be made");
    let options = options(folder.path(), LONG);
    let argv = ["/bin/sh", "-c", "echo \"ran $1\"", "sh", "{iterations}"];
    run_to_count(&launch(&argv), &options, 41, 7).expect("it starts");
    assert_eq!(
        fs::read_to_string(&options.log).unwrap_or_default(),
        "ran 41\n"
    );
}
