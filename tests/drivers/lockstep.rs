//! The harness side of the step protocol, as small as it can be: pipes, a slot, a log.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use memcase::runtime::Launch;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::pipe::{PipeFlags, pipe_with};

pub(crate) const COLLECTS: u32 = 1;
pub(crate) const HEAP: u32 = 2;
pub(crate) const BLOCKS: u32 = 4;
pub(crate) const EXTERNAL: u32 = 8;
pub(crate) const MALLOC: u32 = 16;
pub(crate) const FULL: u32 = 32;

/// Bytes by which CPython's heap may change of its own accord: in about one process of
/// twenty a name is dropped from the cache of attributes, by where it lies in memory.
pub(crate) const NOISE: u64 = 256;

/// What the slot says at a quiescent point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) version: u32,
    pub(crate) flags: u32,
    pub(crate) heap: u64,
    pub(crate) blocks: u64,
    pub(crate) external: u64,
    pub(crate) malloc: u64,
    pub(crate) iterations: u64,
    /// Resident less shared pages, in bytes.
    pub(crate) anon: u64,
}

impl Reading {
    /// What `live` is made of.
    pub(crate) fn live(&self) -> u64 {
        let valid = |flag, value| if self.flags & flag != 0 { value } else { 0 };
        valid(HEAP, self.heap) + valid(MALLOC, self.malloc)
    }
}

/// A target that waits at a quiescent point.
pub(crate) struct Target {
    child: Child,
    orders: Option<File>,
    answers: File,
    slot: File,
    statm: File,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Target {
    /// Starts a program and waits until it is ready; its output when it is not.
    pub(crate) fn start(launch: &Launch, extra: &[(&str, &str)]) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let (orders_read, orders) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (answers, answers_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let slot = memfd_create("slot", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&slot, 64).unwrap();
        // The three descriptors travel as standard ones and are moved by a shell.
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg("exec 3<&0 4>&1 5>&2 0</dev/null 1>>\"$LOG\" 2>&1; unset LOG; exec \"$@\"")
            .arg("sh")
            .args(&launch.argv)
            .current_dir(&launch.cwd)
            .stdin(Stdio::from(orders_read))
            .stdout(Stdio::from(answers_write))
            .stderr(Stdio::from(slot.try_clone().unwrap()));
        if launch.clean_env {
            command.env_clear();
        }
        for (name, value) in [
            ("MEMCASE", "1"),
            ("MEMCASE_PROTOCOL", "1"),
            ("MEMCASE_READ_FD", "3"),
            ("MEMCASE_WRITE_FD", "4"),
            ("MEMCASE_SLOT_FD", "5"),
            ("MEMCASE_BATCH", "1"),
            ("MEMCASE_COLLECT", "1"),
            ("MEMCASE_TRIM", "1"),
        ] {
            command.env(name, value);
        }
        for (name, value) in &launch.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.envs(extra.iter().copied()).env("LOG", &log);
        let child = command.spawn().unwrap();
        drop(command);
        let statm = File::open(format!("/proc/{}/statm", child.id())).unwrap();
        let mut target = Self {
            child,
            orders: Some(File::from(orders)),
            answers: File::from(answers),
            slot: File::from(slot),
            statm,
            log,
            _folder: folder,
        };
        if target.answer() {
            Ok(target)
        } else {
            let _ = target.child.wait();
            Err(launch.source_map.translate(&target.output()))
        }
    }

    fn answer(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.answers.read(&mut byte), Ok(1)) && byte[0] == b'\n'
    }

    fn order(&mut self, byte: u8) -> bool {
        let sent = self.orders.as_mut().unwrap().write_all(&[byte]);
        sent.is_ok() && self.answer()
    }

    /// Runs turns; whether all were answered.
    pub(crate) fn turns(&mut self, count: u64) -> bool {
        (0..count).all(|_| self.order(b'\n'))
    }

    /// Asks for a full collection.
    pub(crate) fn collect(&mut self) -> bool {
        self.order(b'c')
    }

    /// Asks for twice as many iterations in a turn.
    pub(crate) fn double(&mut self) -> bool {
        self.order(b'2')
    }

    /// What it says and what the kernel says of it.
    pub(crate) fn read(&mut self) -> Reading {
        let mut bytes = [0; 64];
        self.slot.read_exact_at(&mut bytes, 0).unwrap();
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let mut statm = [0; 128];
        let length = self.statm.read_at(&mut statm, 0).unwrap();
        let pages: Vec<u64> = std::str::from_utf8(&statm[..length])
            .unwrap()
            .split_whitespace()
            .map(|field| field.parse().unwrap())
            .collect();
        Reading {
            version: word(0),
            flags: word(4),
            heap: number(8),
            blocks: number(16),
            external: number(24),
            malloc: number(32),
            iterations: number(40),
            anon: (pages[1] - pages[2]) * 4096,
        }
    }

    /// What it wrote so far.
    pub(crate) fn output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Ends it by the end of file; its exit code and all that it wrote.
    pub(crate) fn finish(mut self) -> (Option<i32>, String) {
        drop(self.orders.take());
        let status = self.child.wait().unwrap();
        (status.code(), self.output())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
