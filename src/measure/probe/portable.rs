//! The portable probe, through `sysinfo`: resident bytes only, at some 60 µs a reading.
//!
//! It is what a port starts from. On Linux it is not used but tested, against the real one.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::{Counts, Probe, Resident, Shares};
use crate::trace::Member;

/// Reads resident bytes through `sysinfo`. It cannot tell anonymous from other
/// pages, nor peaks, so slopes carry the noise of the page cache.
#[derive(Debug)]
pub struct PortableProbe {
    pid: Pid,
    system: System,
}

impl PortableProbe {
    /// A probe of `pid`; none where `sysinfo` does not know the system.
    pub fn open(pid: u32) -> Option<Self> {
        Some(Self {
            pid: Pid::from_u32(pid),
            system: System::new().ok()?,
        })
    }
}

impl Probe for PortableProbe {
    fn resident(&mut self) -> Option<Resident> {
        self.system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[self.pid]),
            true,
            ProcessRefreshKind::nothing().with_memory(),
        );
        let bytes = self.system.process(self.pid)?.memory();
        (bytes > 0).then_some(Resident {
            anon: bytes,
            resident: bytes,
        })
    }

    fn take_peak(&mut self) -> Option<u64> {
        None
    }

    fn counts(&mut self) -> Counts {
        Counts::default()
    }

    fn shares(&mut self) -> Option<Shares> {
        None
    }

    fn below(&self) -> Vec<u32> {
        Vec::new()
    }

    fn members(&mut self) -> Vec<Member> {
        Vec::new()
    }

    fn private_allocator(&mut self, _: bool) -> Option<String> {
        None
    }

    fn faults_of_children(&mut self) -> Option<u64> {
        None
    }

    fn processor(&mut self) -> Option<usize> {
        None
    }

    fn is_ending(&mut self) -> bool {
        false
    }

    fn granularity(&self) -> u64 {
        rustix::param::page_size() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LinuxProbe, Statm};
    use super::*;

    #[test]
    fn both_probes_see_the_same_resident_bytes() {
        let me = std::process::id();
        let mut portable = PortableProbe::open(me).expect("sysinfo knows Linux");
        let mut linux = LinuxProbe::open(me, Statm::Exact, None, false).expect("proc is mounted");
        let portable = portable.resident().expect("alive").resident as f64;
        let linux = linux.resident().expect("alive").resident as f64;
        // Other tests of this process allocate meanwhile.
        assert!((portable / linux - 1.0).abs() < 0.5, "{portable} {linux}");
    }
}
