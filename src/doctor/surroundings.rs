//! The machine, what its kernel lets memcase read, and the folders.

use super::facts::{Counted, Facts, FolderKind, Library};
use super::findings::{Finding, Group};
use crate::measure::kernel::Kernel;
use crate::units::Bytes;

/// Below this a process of its own for each of a case's is too much.
const LITTLE_MEMORY: u64 = 512 << 20;
/// Free bytes below which a run may fill the disk: a long trace has some ten MiB.
const LITTLE_SPACE: u64 = 256 << 20;

pub(super) fn machine(facts: &Facts, all: &mut Vec<Finding>) {
    let machine = &facts.machine;
    let group = Group::Machine;
    let kernel = format!(
        "Linux {} on {}, pages of {}",
        machine.kernel,
        machine.arch,
        Bytes(machine.page)
    );
    all.push(Finding::ok(group, "kernel", kernel));
    all.push(match &machine.c_library {
        Some(name) => Finding::ok(group, "c-library", name.clone()),
        None => Finding::note(
            group,
            "c-library",
            "no glibc was found; the C allocator is counted in programs of glibc alone",
            "measure such cases on a machine or in an image with glibc (Debian, Ubuntu, Fedora); elsewhere \
             anonymous memory decides",
        ),
    });
    let cores = format!(
        "{} core{} for memcase",
        machine.cpus,
        if machine.cpus == 1 { "" } else { "s" }
    );
    all.push(match machine.cpus {
        0 | 1 => Finding::note(
            group,
            "cores",
            format!("{cores}: the processes of a case take turns"),
            "nothing is less certain for it, but a run takes longer; give it two cores or more",
        ),
        _ => Finding::ok(group, "cores", cores),
    });
    let within = machine
        .memory_limit
        .map_or(machine.memory, |limit| limit.min(machine.memory));
    let mut memory = format!("{} of memory", Bytes(machine.memory));
    if let Some(limit) = machine.memory_limit {
        memory += ", of which the container allows ";
        memory += &Bytes(limit).to_string();
    }
    match facts.kernel.swap {
        Some(0) => memory.push_str(", no swap"),
        Some(swap) => {
            let swap = Bytes(swap).to_string();
            memory.extend([", ", &swap, " of swap"]);
        }
        None => {}
    }
    all.push(if within < LITTLE_MEMORY {
        Finding::note(
            group,
            "memory",
            memory,
            "run fewer cases at once (`--test-threads 1`), or give it more memory: growth is stopped at a share of it",
        )
    } else {
        Finding::ok(group, "memory", memory)
    });
    all.push(match facts.kernel.random_addresses {
        Some(false) => Finding::note(
            group,
            "addresses",
            "addresses are not random, so the processes of a case are more alike than they will be elsewhere",
            "start memcase without `setarch -R` and outside a debugger; for the machine: `sysctl \
             kernel.randomize_va_space=2`",
        ),
        Some(true) => Finding::ok(group, "addresses", "each process has addresses of its own"),
        None => Finding::ok(group, "addresses", "the kernel does not tell whether addresses are random"),
    });
    all.push(match facts.kernel.huge_pages.as_deref() {
        Some("always") => Finding::note(
            group,
            "huge-pages",
            "transparent huge pages: always; cases are measured without, but `record` leaves its program as it is, and \
             sees steps of up to 2 MiB",
            "for records: `echo madvise > /sys/kernel/mm/transparent_hugepage/enabled`, as root",
        ),
        Some(word) => Finding::ok(
            group,
            "huge-pages",
            format!("transparent huge pages: {word}"),
        ),
        None => Finding::ok(group, "huge-pages", "no transparent huge pages"),
    });
}

pub(super) fn readings(facts: &Facts, all: &mut Vec<Finding>) {
    let kernel = &facts.kernel;
    anonymous(kernel, all);
    let group = Group::Readings;
    all.push(match &kernel.peak_refused {
        None => Finding::ok(
            group,
            "peaks",
            "peaks are read at each iteration: the high-water mark can be reset",
        ),
        Some(why) => Finding::problem(
            group,
            "peaks",
            format!("the high-water mark can not be reset ({why}), so spikes between samples are not seen"),
            "run memcase where /proc is writable by the user of the process; the kernel needs CONFIG_PROC_PAGE_MONITOR",
        ),
    });
    all.push(match &kernel.children_refused {
        None => Finding::ok(group, "children", "child processes are found as they come"),
        Some(why) => Finding::note(
            group,
            "children",
            format!("child processes are not listed ({why}): a leak in a worker is not seen"),
            "use a kernel with CONFIG_PROC_CHILDREN",
        ),
    });
    all.push(match &kernel.pagemap_refused {
        None => Finding::ok(
            group,
            "pagemap",
            "mappings are counted by the pages that are there",
        ),
        Some(why) => Finding::note(
            group,
            "pagemap",
            format!(
                "the pages of mappings can not be read ({why}): what is held is told without them"
            ),
            "mount /proc without `hidepid`, and run memcase as the user of its targets",
        ),
    });
    library(facts.library.as_ref(), all);
    caps(kernel, all);
    tracing(kernel, all);
}

fn anonymous(kernel: &Kernel, all: &mut Vec<Finding>) {
    let (group, name) = (Group::Readings, "anonymous");
    all.push(match (kernel.statm_exact, &kernel.walk_refused) {
        (Some(true), _) => Finding::ok(
            group,
            name,
            "anonymous memory is exact to the page: the kernel's counter (statm) shows each page at once",
        ),
        (Some(false), None) => Finding::note(
            group,
            name,
            "the kernel's counter (statm) lags, so all pages of a process are walked at each sample (smaps_rollup): \
             as exact, and slower by about 20 µs for each MiB",
            "kernels before 6.2 and many later ones count exactly",
        ),
        (Some(false), Some(why)) => Finding::problem(
            group,
            name,
            format!("the kernel's counter (statm) lags, and pages can not be walked in its place ({why})"),
            "use another kernel, or one with CONFIG_PROC_PAGE_MONITOR for /proc/PID/smaps_rollup",
        ),
        (None, _) => Finding::problem(
            group,
            name,
            "/proc/self/statm can not be read: nothing can be measured",
            "mount /proc (in a container: without masking it)",
        ),
    });
    if kernel.statm_exact.is_some() {
        all.push(match &kernel.walk_refused {
            None => Finding::ok(group, "shared", "shared pages can be told from own ones (smaps_rollup)"),
            Some(why) => Finding::note(
                group,
                "shared",
                format!("pages can not be walked ({why}): no PSS, so `record` can not count shared pages once"),
                "use a kernel from 4.14 on with CONFIG_PROC_PAGE_MONITOR",
            ),
        });
    }
}

fn library(library: Option<&Library>, all: &mut Vec<Finding>) {
    let (group, name) = (Group::Readings, "allocator");
    let Some(library) = library else {
        all.push(Finding::note(
            group,
            name,
            "whether the C allocator can be counted is not known: there is neither a C compiler nor a shell to try it with",
            "install a C compiler (Debian: gcc libc6-dev)",
        ));
        return;
    };
    let tried = library.language.map_or("", |language| language.name());
    all.push(match (&library.count_refused, &library.counted) {
        (Some(why), _) => Finding::problem(
            group,
            name,
            format!("the C allocator of a {tried} program is not counted: {why}"),
            "see that nothing forbids LD_PRELOAD, /proc/PID/fd and memfd_create (seccomp, SELinux, a filesystem \
             mounted noexec); without it anonymous memory decides, which sees leaks only in whole pages",
        ),
        (None, Some(Counted { iterations, least, most })) if least == most => Finding::ok(
            group,
            name,
            format!(
                "the C allocator is counted from inside the program: malloc(64) kept {iterations} times is {most} B each time"
            ),
        ),
        (None, Some(Counted { least, most, .. })) => Finding::problem(
            group,
            name,
            format!("the C allocator is counted, and not exactly: malloc(64) kept is {least} to {most} B"),
            "please report this, with the output of `memcase doctor --json`",
        ),
        (None, None) => Finding::ok(
            group,
            name,
            format!("the C allocator is counted from inside the program ({tried}); install a C compiler to see how exactly"),
        ),
    });
    if library.count_refused.is_none() {
        all.push(match &library.paths_refused {
            None => Finding::ok(
                group,
                "call-paths",
                "`explain` sees the call paths of native memory",
            ),
            Some(why) => Finding::note(
                group,
                "call-paths",
                format!("`explain` does not see native memory: {why}"),
                "install libgcc_s (Debian: libgcc-s1)",
            ),
        });
    }
}

fn caps(kernel: &Kernel, all: &mut Vec<Finding>) {
    let (group, name) = (Group::Readings, "caps");
    all.push(match (&kernel.group_refused, kernel.cgroup) {
        (None, version) => Finding::ok(
            group,
            name,
            format!(
                "`limits.memory` is held up by the kernel, in a control group of its own (version {})",
                version.unwrap_or(2)
            ),
        ),
        (Some(why), version) => {
            let version = version.map_or_else(
                || "no control groups".to_owned(),
                |version| format!("control groups of version {version}"),
            );
            Finding::note(
                group,
                name,
                format!(
                    "`limits.memory` is held up by watching, which may see a fast target a moment late: no group can be \
                     made ({version}: {why})"
                ),
                "`systemd-run --user --scope -p Delegate=yes memcase ...`; in a container, mount /sys/fs/cgroup writable",
            )
        }
    });
}

fn tracing(kernel: &Kernel, all: &mut Vec<Finding>) {
    let (group, name) = (Group::Readings, "tracing");
    all.push(match kernel.ptrace_scope {
        None | Some(0 | 1) => Finding::ok(
            group,
            name,
            "a debugger may trace the programs that it starts",
        ),
        Some(scope) => Finding::note(
            group,
            name,
            format!(
                "tracing is {} (kernel.yama.ptrace_scope is {scope}): no debugger can be used",
                match scope {
                    2 => "for root alone",
                    _ => "forbidden",
                }
            ),
            match scope {
                2 => "`sysctl kernel.yama.ptrace_scope=1`, as root; cases are measured without it",
                _ => "only a restart of the machine takes 3 back; cases are measured without it",
            },
        ),
    });
}

pub(super) fn folders(facts: &Facts, all: &mut Vec<Finding>) {
    for folder in &facts.folders {
        let path = folder.path.display();
        let (name, purpose, remedy) = match folder.kind {
            FolderKind::Artifacts => (
                "artifacts",
                "traces and results",
                "set MEMCASE_DIR to a folder that you may write to",
            ),
            FolderKind::Environments => (
                "environments",
                "packages that cases require",
                "set MEMCASE_CACHE_DIR to the absolute path of a folder that you may write to",
            ),
        };
        let group = Group::Folders;
        all.push(match (&folder.refused, folder.free) {
            (Some(why), _) if folder.kind == FolderKind::Artifacts => Finding::problem(
                group,
                name,
                format!("{purpose} can not be kept in `{path}`: {why}"),
                remedy,
            ),
            (Some(why), _) => Finding::note(
                group,
                name,
                format!("{purpose} can not be installed in `{path}`: {why}"),
                remedy,
            ),
            (None, Some(free)) if free < LITTLE_SPACE => Finding::note(
                group,
                name,
                format!("{purpose}: `{path}`, with only {} free", Bytes(free)),
                format!("free some space, or {remedy}"),
            ),
            (None, free) => {
                let free = free.map_or(String::new(), |free| format!(", {} free", Bytes(free)));
                Finding::ok(group, name, format!("{purpose}: `{path}`{free}"))
            }
        });
    }
}
