//! What memcase costs beside the bare thing, side by side in one run, as ratios.
//!
//! `cargo bench --bench ratios` prints a Markdown table. Started again with
//! `MEMCASE_READ_FD` set, this program is its own target: a loop of the step
//! protocol around nothing.
#![expect(clippy::print_stdout, reason = "the table is the output")]

mod counting;

use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use memcase::analysis::{self, Policy};
use memcase::measure::{Session, SessionOptions};
use memcase::runtime::Launch;
use memcase::trace::{Header, Metric, Trace};
use tempfile::TempDir;

/// Turns a run; the least of the runs is taken, as the machine may be busy otherwise.
const TURNS: u64 = 20_000;
const RUNS: usize = 7;
const CASES: usize = 200;
const LISTED: usize = 1_000;

fn main() {
    if std::env::var_os("MEMCASE_READ_FD").is_some() {
        return target();
    }
    memcase::measure::process::keeper::enter_if_asked();
    println!("| what | bare | memcase | ratio | target |");
    println!("|---|--:|--:|--:|--:|");
    iteration();
    tree();
    counting::counting();
    start_up();
    look();
    listing();
    suite();
}

fn row(what: &str, bare: &str, ours: &str, ratio: f64, target: &str) {
    println!("| {what} | {bare} | {ours} | {ratio:.2} | {target} |");
}

/// The target: answers every turn.
#[expect(unsafe_code, reason = "the protocol's descriptors are inherited")]
fn target() {
    use std::os::fd::FromRawFd;
    // SAFETY: the harness put its pipes on these descriptors before the exec.
    let (mut read, mut write) = unsafe { (File::from_raw_fd(3), File::from_raw_fd(4)) };
    let mut byte = [0];
    let threads = std::env::var(counting::THREADS).map_or(0, |n| n.parse().unwrap_or(0));
    while write.write_all(b"\n").is_ok() && read.read(&mut byte).is_ok_and(|n| n == 1) {
        if threads > 0 {
            counting::allocate(threads);
        }
    }
}

fn this() -> std::path::PathBuf {
    std::env::current_exe().expect("this program has a path")
}

/// One iteration of nothing: a pipe round trip and one read of `statm`, against a session.
fn iteration() {
    let bare = (0..RUNS).map(|_| bare_loop()).min().unwrap_or_default();
    let ours = (0..RUNS).map(|_| session_loop()).min().unwrap_or_default();
    let each = |total: Duration| total.as_secs_f64() * 1e6 / TURNS as f64;
    row(
        "one iteration of an empty body (µs)",
        &format!("{:.1}", each(bare)),
        &format!("{:.1}", each(ours)),
        each(ours) / each(bare),
        "1.50",
    );
}

/// The cheapest that can be written: both on one processor, pipe, `statm`, no checks.
fn bare_loop() -> Duration {
    let (read, to_target) = std::io::pipe().expect("a pipe can be made");
    let (from_target, write) = std::io::pipe().expect("a pipe can be made");
    let (read, write): (OwnedFd, OwnedFd) = (read.into(), write.into());
    let mut command = Command::new(this());
    command.env("MEMCASE_READ_FD", "3");
    set_up(&mut command, &read, &write);
    drop((read, write));
    let mut child = command.spawn().expect("this program can be started");
    drop(command);
    let (mut to_target, mut from_target) = (to_target, from_target);
    let statm = File::open(format!("/proc/{}/statm", child.id())).expect("proc is mounted");
    let mut byte = [0];
    let mut text = [0; 128];
    let mut most = 0;
    from_target.read_exact(&mut byte).expect("it gets ready");
    let began = Instant::now();
    for _ in 0..TURNS {
        to_target.write_all(b"\n").expect("it reads");
        from_target.read_exact(&mut byte).expect("it answers");
        let n = statm.read_at(&mut text, 0).expect("it lives");
        let resident = text[..n].split(|b| *b == b' ').nth(1).unwrap_or(b"0");
        most = most.max(resident.iter().fold(0, |n, b| n * 10 + u64::from(b - b'0')));
    }
    let took = began.elapsed();
    assert!(most > 0);
    drop(to_target);
    child.wait().expect("it ends");
    took
}

/// Puts the pipes in place and keeps both sides on one processor, as a session does.
#[expect(unsafe_code, reason = "descriptors are moved between fork and exec")]
fn set_up(command: &mut Command, read: &OwnedFd, write: &OwnedFd) {
    use rustix::thread::{CpuSet, sched_setaffinity};
    let mut one = CpuSet::new();
    one.set(0);
    // Left on for the rest of the benchmark's thread by `session_loop`, which follows its target.
    sched_setaffinity(None, &one).expect("processor 0 is ours");
    let read = rustix::io::fcntl_dupfd_cloexec(read.as_fd(), 10).expect("there is room");
    let write = rustix::io::fcntl_dupfd_cloexec(write.as_fd(), 10).expect("there is room");
    // SAFETY: only system calls between fork and exec.
    unsafe {
        command.pre_exec(move || {
            use std::mem::ManuallyDrop;
            use std::os::fd::FromRawFd;
            for (from, to) in [(&read, 3), (&write, 4)] {
                let mut target = ManuallyDrop::new(OwnedFd::from_raw_fd(to));
                rustix::io::dup2(from, &mut target)?;
            }
            Ok(())
        });
    }
}

fn options(folder: &Path, children: bool) -> SessionOptions {
    SessionOptions {
        case: "bench".to_owned(),
        process: 1,
        timeout: Duration::from_mins(1),
        growth_cap: u64::MAX,
        horizon: TURNS,
        collect: true,
        trim: true,
        batch: 1,
        children,
        memory: None,
        log: folder.join("log"),
    }
}

fn session(folder: &Path, children: bool) -> Session {
    let launch = Launch {
        argv: vec![this().into()],
        cwd: "/".into(),
        ..Launch::default()
    };
    Session::start(&launch, options(folder, children)).expect("this program can be measured")
}

fn session_loop() -> Duration {
    let folder = TempDir::new().expect("a folder can be made");
    let mut session = session(folder.path(), true);
    let far = Instant::now() + Duration::from_mins(1);
    let began = Instant::now();
    session
        .advance(TURNS, far, &mut |_, _| {})
        .expect("it goes on");
    let took = began.elapsed();
    session.finish();
    took
}

/// An iteration of nothing with and without a look for child processes: the least of many short
/// stretches, the two in turn.
fn tree() {
    const STRETCH: u64 = 250;
    let folder = TempDir::new().expect("a folder can be made");
    let mut sessions = [true, false].map(|children| session(folder.path(), children));
    let far = Instant::now() + Duration::from_mins(1);
    let mut least = [Duration::MAX; 2];
    for stretch in 1..=TURNS / STRETCH {
        for (session, least) in sessions.iter_mut().zip(&mut least) {
            let began = Instant::now();
            session
                .advance(stretch * STRETCH, far, &mut |_, _| {})
                .expect("it goes on");
            *least = (*least).min(began.elapsed());
        }
    }
    let [ours, alone] = least.map(|time| time.as_secs_f64() * 1e6 / STRETCH as f64);
    row(
        "one iteration of an empty body (µs; bare: a session without child processes)",
        &format!("{alone:.1}"),
        &format!("{ours:.1}"),
        ours / alone,
        "1.30",
    );
}

/// From nothing to the first iteration, against an exec that does nothing.
fn start_up() {
    let folder = TempDir::new().expect("a folder can be made");
    let far = Instant::now() + Duration::from_mins(10);
    let mut bare = Duration::MAX;
    let mut ours = Duration::MAX;
    for _ in 0..50 {
        let began = Instant::now();
        let mut command = Command::new("/bin/true");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.status().expect("true can be started");
        bare = bare.min(began.elapsed());
        let began = Instant::now();
        let mut session = session(folder.path(), true);
        session.advance(1, far, &mut |_, _| {}).expect("it goes on");
        ours = ours.min(began.elapsed());
        session.finish();
    }
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    row(
        "start of a native target to its first iteration (ms; bare: `/bin/true`)",
        &format!("{:.2}", ms(bare)),
        &format!("{:.2}", ms(ours)),
        ms(ours) / ms(bare),
        "",
    );
}

/// One look at 5,000 samples of 3 processes in three metrics, against the 5 ms it may take.
fn look() {
    let traces: Vec<Trace> = (0..3u64).map(recorded).collect();
    let traces: Vec<&Trace> = traces.iter().collect();
    let policy = Policy::default();
    let once = || {
        let began = Instant::now();
        black_box(analysis::look(&traces, 5_000, true, &policy));
        began.elapsed()
    };
    let ms = (0..50)
        .map(|_| once())
        .min()
        .unwrap_or_default()
        .as_secs_f64()
        * 1e3;
    row(
        "one look at 5,000 samples of 3 processes in live, anon and peak (ms)",
        "5.00",
        &format!("{ms:.2}"),
        ms / 5.0,
        "1.00",
    );
}

/// A trace with noise from a small linear congruential generator.
fn recorded(seed: u64) -> Trace {
    let mut trace = Trace::new(Header {
        live_complete: true,
        ..Header::default()
    });
    let mut state = seed;
    for at in 0..=5_000u64 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let noise = state >> 48;
        trace.push(Metric::Live, at, (9 << 20) + noise);
        trace.push(
            Metric::Anon,
            at,
            ((20 << 20) + 40 * at + noise) / 4096 * 4096,
        );
        trace.push(Metric::Peak, at, (30 << 20) + 64 * noise);
    }
    trace
}

/// Writes `count` trivial Python cases.
fn cases(folder: &Path, count: usize) {
    for k in 0..count {
        let text =
            "target:\n  language: python\n  run: x = [0] * 100\nmeasure:\n  iterations: 240\n";
        std::fs::write(folder.join(format!("case-{k}.yaml")), text).expect("it can be written");
    }
}

/// Highest resident bytes of a command, from `/proc/PID/status` while its output is held back.
fn listing() {
    let folder = TempDir::new().expect("a folder can be made");
    cases(folder.path(), LISTED);
    let mut child = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .arg("list")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("memcase can be started");
    let mut out = child.stdout.take().expect("its output is ours");
    // The list is longer than a pipe holds, so it still runs after the first bytes.
    let mut first = [0; 1];
    out.read_exact(&mut first).expect("it lists");
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let peak: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0);
    std::io::copy(&mut out, &mut std::io::sink()).expect("it goes on");
    child.wait().expect("it ends");
    let mib = peak / 1024.0;
    row(
        "highest resident MiB of `memcase list` with 1,000 cases",
        "30.0",
        &format!("{mib:.1}"),
        mib / 30.0,
        "1.00",
    );
}

/// The interpreter itself, where `python3` is a version manager's script that takes longer to start.
fn interpreter() -> String {
    let mut python = Command::new("python3");
    python.args(["-c", "import sys; print(sys.executable)"]);
    let output = python.output().expect("python can be started");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// 200 trivial cases of 3 processes, against as many bare interpreter starts and bodies.
fn suite() {
    let folder = TempDir::new().expect("a folder can be made");
    cases(folder.path(), CASES);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let script = "for i in range(240):\n    x = [0] * 100\n";
    let python = interpreter();
    let python = python.as_str();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for core in 0..cores {
            scope.spawn(move || {
                for _ in (core..CASES * 3).step_by(cores) {
                    let mut python = Command::new(python);
                    python.args(["-c", script]).stdin(Stdio::null());
                    assert!(python.status().is_ok_and(|status| status.success()));
                }
            });
        }
    });
    let bare = began.elapsed();
    let began = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_memcase"))
        .arg("run")
        .arg(folder.path())
        .env("MEMCASE_DIR", folder.path().join("artifacts"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    let ours = began.elapsed();
    assert!(
        status.is_ok_and(|status| status.success()),
        "the suite passes"
    );
    row(
        "200 trivial Python cases (s; bare: 600 interpreter starts with their bodies)",
        &format!("{:.1}", bare.as_secs_f64()),
        &format!("{:.1}", ours.as_secs_f64()),
        ours.as_secs_f64() / bare.as_secs_f64(),
        "1.50",
    );
}
