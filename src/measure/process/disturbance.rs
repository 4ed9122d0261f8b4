//! What works on a target beside memcase, and makes its memory another's: a sanitizer that is built in,
//! a tool that it runs under, a tracer.

use std::fs;
use std::path::Path;

use super::preload;
use crate::runtime::Launch;

/// Programs that run another one under their own rules, and what that does to its memory.
const TOOLS: [(&str, &str); 8] = [
    (
        "valgrind",
        "runs it on a machine and an allocator of its own",
    ),
    ("rr", "records it, and holds memory for that"),
    ("heaptrack", "keeps a record of every block in it"),
    ("memray", "keeps a record of every block in it"),
    ("gdb", "is measured in its place, and stops it"),
    ("lldb", "is measured in its place, and stops it"),
    (
        "strace",
        "is measured in its place, and stops it at every call",
    ),
    (
        "ltrace",
        "is measured in its place, and stops it at every call",
    ),
];

/// What would disturb a program started so, in a clause; none as far as can be seen.
pub fn disturbance(launch: &Launch) -> Option<String> {
    let program = Path::new(launch.argv.first()?);
    let preloaded = preload::given(launch);
    if let Some(name) = preloaded.and_then(|given| preload::sanitizer_in(&given.to_string_lossy()))
    {
        return Some(format!(
            "LD_PRELOAD holds {name}, which holds memory of its own in the target and keeps what was freed"
        ));
    }
    if let Some(name) = preload::sanitizer(program) {
        return Some(format!(
            "`{}` is built with {name}, which holds memory of its own and keeps what was freed",
            program.display()
        ));
    }
    let name = program.file_name()?.to_str()?;
    let (tool, effect) = TOOLS.iter().find(|(tool, _)| *tool == name)?;
    Some(format!("the target is run under `{tool}`, which {effect}"))
}

/// The process that traces this one, in words; none where nobody does but memcase.
pub fn tracer_of(pid: u32) -> Option<String> {
    let tracer = tracer(pid)?;
    let own = fs::read_dir("/proc/self/task").is_ok_and(|tasks| {
        tasks
            .flatten()
            .any(|task| task.file_name().to_str() == Some(&tracer.to_string()))
    });
    if own {
        return None;
    }
    let name = fs::read_to_string(format!("/proc/{tracer}/comm")).unwrap_or_default();
    Some(match name.trim() {
        "" => format!("process {tracer}"),
        name => format!("`{name}` (process {tracer})"),
    })
}

/// The process that traces this one.
pub(super) fn tracer(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let tracer = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"))?;
    tracer.trim().parse().ok().filter(|&tracer| tracer != 0)
}
