//! Runs the tools that make a target ready (compilers, package managers, version probes):
//! bounded output, a deadline, never anything that is measured.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::PrepareError;

/// Output kept of one stream.
const KEPT: usize = 64 << 10;
/// Time for a program to name its version.
const VERSION_LIMIT: Duration = Duration::from_mins(1);
/// Lines of a failed tool that are shown.
const SHOWN_LINES: usize = 40;

/// How often a waiting tool looks whether it is to stop.
const SLICE: Duration = Duration::from_millis(100);

static STOP: OnceLock<fn() -> bool> = OnceLock::new();
static MARK: OnceLock<(&str, String)> = OnceLock::new();

/// Tells how to find out that a person asked for the end; tools are killed then.
pub fn stop_when(asked: fn() -> bool) {
    // The first to tell is the program; there is no second.
    let _ = STOP.set(asked);
}

/// Sets a variable in the environment of every tool, by which tools are found that outlive memcase.
pub fn mark_tools(name: &'static str, value: String) {
    // The first to tell is the program; there is no second.
    let _ = MARK.set((name, value));
}

/// Whether a person asked for the end.
pub(super) fn stopped() -> bool {
    STOP.get().is_some_and(|stop| stop())
}

/// What a tool that succeeded wrote on standard output.
pub(super) fn run(
    what: &str,
    command: &mut Command,
    limit: Duration,
) -> Result<String, PrepareError> {
    let failed = |output: String| PrepareError::Tool {
        what: what.to_owned(),
        output,
    };
    if let Some((name, value)) = MARK.get() {
        command.env(name, value);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| PrepareError::Io {
            what: format!("{what}: {}", command.get_program().display()),
            error,
        })?;
    let (sender, receiver) = channel();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    read_along(out, Stream::Out, sender.clone());
    read_along(err, Stream::Err, sender);
    let deadline = Instant::now() + limit;
    let mut kept = [Vec::new(), Vec::new()];
    let mut open = 2;
    while open > 0 {
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left.min(SLICE)) {
            Ok((_, bytes)) if bytes.is_empty() => open -= 1,
            Ok((stream, bytes)) => keep(&mut kept[stream as usize], &bytes),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline && !stopped() => {}
            Err(RecvTimeoutError::Timeout) => {
                if let Some(group) = Pid::from_raw(child.id() as i32) {
                    // It may be gone already; there is nothing else to do about it.
                    let _ = kill_process_group(group, Signal::KILL);
                }
                let _ = child.wait();
                let output = tail(&kept);
                return Err(failed(if stopped() {
                    format!("{output}interrupted")
                } else {
                    format!("{output}stopped after {} s", limit.as_secs())
                }));
            }
        }
    }
    let status = child.wait().map_err(|error| PrepareError::Io {
        what: what.to_owned(),
        error,
    })?;
    if status.success() {
        Ok(String::from_utf8_lossy(&kept[0]).into_owned())
    } else {
        Err(failed(explained(&kept, status)))
    }
}

/// As [`run`], but each command is run once, and its answer is kept.
pub(super) fn run_once(
    what: &str,
    command: &mut Command,
    limit: Duration,
) -> Result<String, PrepareError> {
    static KNOWN: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let key = format!("{command:?}");
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(said) = known.get(&key) {
        return Ok(said.clone());
    }
    let said = run(what, command, limit)?;
    known.insert(key, said.clone());
    Ok(said)
}

/// The first line that a program prints for `--version`; each one is asked once.
pub(super) fn version(program: &Path) -> Result<String, PrepareError> {
    let what = format!("asking {} for its version", program.display());
    let said = run_once(&what, Command::new(program).arg("--version"), VERSION_LIMIT)?;
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

/// Which stream a piece of output came from.
#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

/// Sends what a stream gives, and an empty piece at its end.
fn read_along(
    stream: Option<impl Read + Send + 'static>,
    name: Stream,
    sender: Sender<(Stream, Vec<u8>)>,
) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        if let Some(mut stream) = stream {
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => {
                        if sender.send((name, buffer[..count].to_vec())).is_err() {
                            return;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
        }
        // The receiver is gone when the deadline has passed.
        let _ = sender.send((name, Vec::new()));
    });
}

/// Appends, and drops the oldest half when there is too much.
fn keep(kept: &mut Vec<u8>, bytes: &[u8]) {
    kept.extend_from_slice(bytes);
    if kept.len() > 2 * KEPT {
        kept.drain(..kept.len() - KEPT);
    }
}

/// The last lines of standard error, or of standard output where there are none.
fn tail(kept: &[Vec<u8>; 2]) -> String {
    let spoken = kept[Stream::Err as usize].trim_ascii();
    let spoken = if spoken.is_empty() {
        kept[Stream::Out as usize].trim_ascii()
    } else {
        spoken
    };
    let text = String::from_utf8_lossy(spoken);
    let lines: Vec<_> = text.lines().collect();
    let mut shown = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
    if !shown.is_empty() {
        shown.push('\n');
    }
    shown
}

/// The last lines, or the exit status of a tool that said nothing.
fn explained(kept: &[Vec<u8>; 2], status: ExitStatus) -> String {
    let shown = tail(kept);
    if shown.is_empty() {
        format!("it said nothing and ended with {status}\n")
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<String, PrepareError> {
        run("the tool", Command::new("sh").args(["-c", script]), limit)
    }

    #[test]
    fn a_tool_that_fails_is_quoted() {
        let error =
            sh("echo fine; echo broken >&2; exit 3", Duration::from_mins(1)).expect_err("it fails");
        assert_eq!(error.to_string(), "the tool failed:\nbroken\n");
    }

    #[test]
    fn a_tool_that_does_not_end_is_stopped() {
        let error = sh("echo waiting; exec sleep 600", Duration::from_millis(300))
            .expect_err("it is stopped");
        assert!(error.to_string().contains("stopped after 0 s"), "{error}");
    }

    #[test]
    fn a_flood_of_output_is_bounded() {
        let output = sh("yes | head -c 2000000", Duration::from_mins(1)).expect("it succeeds");
        assert!(output.len() <= 2 * KEPT);
    }
}
