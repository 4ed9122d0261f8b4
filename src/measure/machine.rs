//! What machine this is, from `sysinfo`; read once.

use std::sync::OnceLock;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::process;
use crate::trace::Environment;

/// The machine's part of a trace's environment; `runtime` and `reducers` are left empty.
pub fn environment() -> Environment {
    static MACHINE: OnceLock<Environment> = OnceLock::new();
    MACHINE
        .get_or_init(|| Environment {
            kernel: System::kernel_version().unwrap_or_else(|_| "unknown".to_owned()),
            arch: System::cpu_arch(),
            cpus: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
            memory: total_memory(),
            memory_limit: process::own_limit(),
            page: rustix::param::page_size() as u64,
            ..Environment::default()
        })
        .clone()
}

fn total_memory() -> u64 {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    System::new_with_specifics(memory).map_or(0, |system| system.total_memory())
}

/// Seconds since 1970.
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
