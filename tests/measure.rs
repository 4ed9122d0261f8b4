//! Sessions against real processes whose behaviour and growth are known.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use memcase::measure::{MeasureError, Session, SessionOptions, Stopped};
use memcase::runtime::Launch;
use memcase::trace::{Metric, StopReason, Trace};
use tempfile::TempDir;

/// A loop in the protocol around `body`, in POSIX shell.
fn shell(body: &str) -> Launch {
    let script = format!(
        "i=0; printf '\\n' >&4; while read -r _ <&3; do {body}\ni=$((i+1)); printf '\\n' >&4; done"
    );
    launch(&["/bin/sh", "-c", &script])
}

/// The same in Python, with memory that can be sized exactly.
fn python(setup: &str, body: &str) -> Launch {
    let script = format!(
        "import os, mmap\n{setup}\nos.write(4, b'\\n')\ni = 0\nwhile os.read(3, 1):\n    {body}\n    i += 1\n    os.write(4, b'\\n')\n"
    );
    launch(&["python3", "-c", &script])
}

fn launch(argv: &[&str]) -> Launch {
    Launch {
        argv: argv.iter().map(OsString::from).collect(),
        cwd: "/".into(),
        ..Launch::default()
    }
}

fn options(folder: &Path) -> SessionOptions {
    SessionOptions {
        case: "test".to_owned(),
        process: 1,
        timeout: Duration::from_secs(30),
        growth_cap: 1 << 30,
        horizon: 1000,
        collect: true,
        trim: true,
        batch: 1,
        children: true,
        memory: None,
        log: folder.join("output.log"),
    }
}

struct Run {
    trace: Trace,
    result: Result<(), Stopped>,
    broken: Option<String>,
    exit: String,
    output: String,
    folder: TempDir,
}

fn run_with(launch: &Launch, to: u64, change: impl FnOnce(&mut SessionOptions)) -> Run {
    let folder = TempDir::new().expect("a folder can be made");
    let mut options = options(folder.path());
    change(&mut options);
    let mut session = Session::start(launch, options).expect("the target starts");
    let far = Instant::now() + Duration::from_mins(1);
    let result = session.advance(to, far, &mut |_, _| {});
    let finished = session.finish();
    Run {
        trace: finished.trace,
        result,
        broken: finished.broken,
        exit: finished.exit,
        output: finished.output,
        folder,
    }
}

fn run(launch: &Launch, to: u64) -> Run {
    run_with(launch, to, |_| {})
}

fn values(trace: &Trace, metric: Metric) -> Vec<u64> {
    trace
        .get(metric)
        .map(|series| series.values.clone())
        .unwrap_or_default()
}

/// A time to sleep that only this run of this test uses.
fn own_nap(number: u32) -> String {
    format!("{}.{}", 4000 + number, std::process::id())
}

/// Whether any process of this machine that lives has `word` in its command line.
fn is_running(word: &str) -> bool {
    let Ok(entries) = fs::read_dir("/proc") else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        fs::read(path.join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(word))
            && fs::read_to_string(path.join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
    })
}

#[test]
fn touched_pages_are_seen_one_by_one() {
    let launch = python(
        "m = mmap.mmap(-1, 4096 * 400, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)",
        "m[i * 4096] = 1",
    );
    let run = run(&launch, 300);
    assert_eq!(run.result, Ok(()));
    let anon = values(&run.trace, Metric::Anon);
    assert_eq!(anon.len(), 301);
    let steps: Vec<u64> = anon[51..]
        .windows(2)
        .map(|pair| pair[1].wrapping_sub(pair[0]))
        .collect();
    let exact = steps.iter().filter(|&&step| step == 4096).count();
    assert!(exact >= steps.len() - 2, "{steps:?}");
    assert_eq!(run.broken, None, "{}", run.output);
    assert_eq!(run.exit, "exit code 0");
    assert_eq!(run.trace.ending.expect("it ended").iterations, 300);
}

#[test]
fn a_peak_that_is_given_back_at_once_is_seen_at_its_iteration() {
    let launch = python(
        "",
        "x = bytearray(b'x') * (50 << 20) if i == 36 else None; x = None",
    );
    let run = run(&launch, 60);
    let peaks = run.trace.get(Metric::Peak).expect("peaks are read");
    let (at, peak) = peaks
        .at
        .iter()
        .zip(&peaks.values)
        .max_by_key(|(_, value)| **value)
        .expect("there are some");
    assert_eq!(*at, 37);
    let anon = values(&run.trace, Metric::Anon);
    let base = anon.last().expect("there are some");
    assert!(peak - base > 50 << 20);
    assert!(anon.iter().max() < Some(peak), "the samples cannot see it");
}

#[test]
fn descriptors_and_threads_are_counted_at_an_even_stride() {
    let launch = python(
        "held = []",
        "held.append(os.open('/dev/null', os.O_RDONLY))",
    );
    let run = run(&launch, 64);
    let fds = run.trace.get(Metric::Fds).expect("descriptors are read");
    let stride = fds.stride().expect("they are evenly spaced");
    let (first, last) = (fds.values[0], fds.values[fds.len() - 1]);
    assert_eq!(last - first, fds.at[fds.len() - 1]);
    assert!(stride <= 16);
    assert!(values(&run.trace, Metric::Threads).iter().all(|&n| n == 1));
}

#[test]
fn a_process_can_be_advanced_in_stages_and_told_how_far_it_is() {
    let folder = TempDir::new().expect("a folder can be made");
    let mut session = Session::start(&shell(""), options(folder.path())).expect("it starts");
    let far = Instant::now() + Duration::from_mins(1);
    let mut told = Vec::new();
    for to in [10, 25, 25, 40] {
        session
            .advance(to, far, &mut |at, _| told.push(at))
            .expect("it goes on");
        assert_eq!(session.trace().iterations(), to);
    }
    assert!(told.is_sorted() && !told.is_empty());
    session.settle().expect("it can be asked to settle");
    let ending = session.finish().trace.ending.expect("it ended");
    assert!(ending.settled_anon.is_some());
    assert_eq!(ending.reason, StopReason::Decided);
}

#[test]
fn a_batch_counts_its_runs() {
    let run = run_with(&shell(""), 100, |options| options.batch = 10);
    let anon = run.trace.get(Metric::Anon).expect("it is read").at.clone();
    assert_eq!(anon, (0..=10).map(|k| k * 10).collect::<Vec<u64>>());
}

#[test]
fn a_target_that_ends_keeps_its_samples_and_says_how() {
    for (body, how) in [
        (
            "[ $i = 7 ] && exit 3",
            "ended with exit code 3 in iteration 7",
        ),
        (
            "[ $i = 7 ] && kill -SEGV $$",
            "signal 11 (SIGSEGV) in iteration 7",
        ),
        ("[ $i = 7 ] && exec 4>&-", "iteration 7"),
        ("[ $i = 7 ] && printf garbage >&4", "wrote \"garbage"),
    ] {
        let run = run(&shell(&format!("echo at $i >&2; {body}")), 20);
        let Err(Stopped::Died(why)) = &run.result else {
            panic!("{body}: {:?}", run.result);
        };
        assert!(why.contains(how), "{body}: {why}");
        assert_eq!(run.broken.as_ref(), Some(why));
        assert_eq!(values(&run.trace, Metric::Anon).len(), 8, "{body}");
        assert!(run.output.contains("at 7"), "{body}: {}", run.output);
        let ending = run.trace.ending.expect("it ended");
        assert_eq!(ending.reason, StopReason::Died);
    }
}

#[test]
fn a_target_that_hangs_is_ended_at_its_deadline_with_all_it_started() {
    let nap = own_nap(1);
    let body = format!("trap '' TERM; [ $i = 3 ] && {{ setsid sleep {nap} & sleep {nap}; }}");
    let run = run_with(&shell(&body), 20, |options| {
        options.timeout = Duration::from_millis(700);
    });
    let Err(Stopped::Died(why)) = &run.result else {
        panic!("{:?}", run.result);
    };
    assert!(
        why.contains("iteration 3 did not end within the 0.7 s"),
        "{why}"
    );
    assert!(!is_running(&nap));
}

#[test]
fn daemons_that_leave_their_session_do_not_survive_the_target() {
    let nap = own_nap(2);
    let body = format!("[ $i = 2 ] && (setsid sh -c 'sleep {nap} & sleep {nap}' &)");
    let run = run(&shell(&body), 10);
    assert_eq!(run.result, Ok(()));
    assert!(!is_running(&nap));
}

#[test]
fn time_and_growth_stop_a_process_at_a_quiescent_point() {
    let folder = TempDir::new().expect("a folder can be made");
    let mut session = Session::start(&shell(""), options(folder.path())).expect("it starts");
    let stopped = session.advance(1000, Instant::now(), &mut |_, _| {});
    assert_eq!(stopped, Err(Stopped::Time));
    assert_eq!(session.finish().broken, None);

    let grower = python("held = []", "held.append(bytearray(b'x') * (1 << 20))");
    let run = run_with(&grower, 1000, |options| options.growth_cap = 20 << 20);
    assert_eq!(run.result, Err(Stopped::Growth));
    assert_eq!(run.broken, None);
    assert!(run.trace.iterations() < 30);
    let ending = run.trace.ending.expect("it ended");
    assert_eq!(ending.reason, StopReason::Growth);
}

#[test]
fn a_settle_probe_is_void_once_the_target_goes_on() {
    let folder = TempDir::new().expect("a folder can be made");
    let mut session = Session::start(&shell(""), options(folder.path())).expect("it starts");
    let far = Instant::now() + Duration::from_mins(1);
    session.advance(20, far, &mut |_, _| {}).expect("it runs");
    session.settle().expect("it lives");
    assert!(session.trace().ending.is_some());
    session.advance(50, far, &mut |_, _| {}).expect("it runs");
    let ending = session.finish().trace.ending.expect("it ended");
    assert_eq!((ending.iterations, ending.settled_anon), (50, None));
}

#[test]
fn a_flood_of_output_is_kept_in_part_and_never_blocks() {
    let line = "echo 'a line of output that nobody reads at all'; echo 'an error' >&2";
    let body = format!("j=0; while [ $j -lt 400 ]; do {line}; j=$((j+1)); done");
    let run = run(&shell(&body), 50);
    assert_eq!(run.result, Ok(()));
    let kept = fs::metadata(run.folder.path().join("output.log"))
        .expect("it is kept")
        .len();
    assert!(kept > 64 * 1024 && kept < 140 * 1024, "{kept}");
    assert!(run.output.len() <= 4096);
}

#[test]
fn a_target_that_fails_before_its_first_iteration_says_why() {
    let folder = TempDir::new().expect("a folder can be made");
    let failing = launch(&["/bin/sh", "-c", "echo no such luck >&2; exit 9"]);
    match Session::start(&failing, options(folder.path())) {
        Err(MeasureError::Setup { reason, output }) => {
            assert!(reason.contains("exit code 9"), "{reason}");
            assert_eq!(output, "no such luck");
        }
        other => panic!("{other:?}"),
    }
    let absent = launch(&["/nowhere/at-all"]);
    match Session::start(&absent, options(folder.path())) {
        Err(error @ MeasureError::Spawn { .. }) => {
            let text = error.to_string();
            assert!(text.contains("/nowhere/at-all"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    let nap = own_nap(3);
    let silent = launch(&["/bin/sh", "-c", &format!("sleep {nap}")]);
    let mut short = options(folder.path());
    short.timeout = Duration::from_millis(300);
    match Session::start(&silent, short) {
        Err(MeasureError::Setup { reason, .. }) => {
            assert!(reason.contains("not ready within 0.3 s"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert!(!is_running(&nap));
}

#[test]
fn standard_input_and_the_environment_are_as_asked() {
    let mut asked = shell("read -r line; echo got $line $A $B $MEMCASE_CASE $MEMCASE_PROCESS >&2");
    asked.stdin = b"hello\n".to_vec();
    asked.env.insert("A".into(), Some("a".into()));
    asked.env.insert("B".into(), None);
    let run = run(&asked, 1);
    assert_eq!(run.output, "got hello a test 1");
}
