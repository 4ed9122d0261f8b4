//! What is mapped into a process, and which of its pages are there.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::os::unix::fs::FileExt;

/// A part of a file that is mapped into a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Its first address, and the first one behind it.
    pub range: std::ops::Range<u64>,
    /// Where in the file it begins.
    pub offset: u64,
    /// The file, as the kernel names it.
    pub path: String,
}

/// The files that are mapped into a process.
pub fn files_of(pid: u32) -> Result<Vec<Mapped>> {
    let maps = std::fs::read(format!("/proc/{pid}/maps"))?;
    Ok(parse(&String::from_utf8_lossy(&maps)))
}

fn parse(maps: &str) -> Vec<Mapped> {
    let one = |line: &str| {
        // A path may hold blanks; the five fields before it do not.
        let mut rest = line;
        let mut field = || {
            let (field, behind) = rest.split_once(' ')?;
            rest = behind.trim_start();
            Some(field)
        };
        let (range, _, offset, _, _) = (field()?, field()?, field()?, field()?, field()?);
        let (start, end) = range.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        rest.starts_with('/').then_some(())?;
        Some(Mapped {
            range: number(start)?..number(end)?,
            offset: number(offset)?,
            path: rest.to_owned(),
        })
    };
    maps.lines().filter_map(one).collect()
}

/// The kernel's table of a process's pages.
#[derive(Debug)]
pub(super) struct Pagemap(File);

const PAGE: u64 = 4096;
/// Larger mappings are not looked at page by page: they are reservations, and reading their entries takes long.
const LARGEST: u64 = 64 << 20;
/// An entry's bits: the page is there, or was swapped out.
const THERE: u64 = 0b11 << 62;

impl Pagemap {
    pub(super) fn open(pid: u32) -> Result<Self> {
        File::open(format!("/proc/{pid}/pagemap")).map(Self)
    }

    /// Bytes of the pages in a mapping that are there; none where that cannot be told.
    pub(super) fn present(&self, start: u64, length: u64) -> Option<u64> {
        if length > LARGEST {
            return None;
        }
        let mut entries = vec![0; (length.div_ceil(PAGE) * 8) as usize];
        let mut done = 0;
        while done < entries.len() {
            let at = start / PAGE * 8 + done as u64;
            match self.0.read_at(&mut entries[done..], at) {
                Ok(0) => return None,
                Ok(read) => done += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        let there = entries.chunks_exact(8).filter(|entry| {
            let entry = u64::from_le_bytes(std::array::from_fn(|i| entry[i]));
            entry & THERE != 0
        });
        Some(there.count() as u64 * PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_with_blanks_in_their_names_and_what_is_no_file_is_left_out() {
        let maps = "\
55d0-55e0 r-xp 00001000 fe:00 12                     /tmp/a program (deleted)
7f00-7f10 rw-p 00000000 00:00 0
7f20-7f30 rw-p 00000000 00:00 0                      [heap]
7f40-7f50 r--p 0002a000 fe:00 9                      /lib/libc.so.6
";
        let all = parse(maps);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].range, 0x55d0..0x55e0);
        assert_eq!(
            (all[0].offset, &*all[0].path),
            (0x1000, "/tmp/a program (deleted)")
        );
        assert_eq!((all[1].offset, &*all[1].path), (0x2a000, "/lib/libc.so.6"));
    }

    #[test]
    fn pages_that_were_touched_are_there() {
        // Larger than what the allocator keeps at hand, so it is mapped for itself, and not touched.
        let mut block = Vec::<u8>::with_capacity(8 << 20);
        let start = (block.as_ptr() as u64).next_multiple_of(PAGE);
        let pages = Pagemap::open(std::process::id()).unwrap();
        block.resize(2 << 20, 1);
        assert_eq!(pages.present(start, 1 << 20), Some(1 << 20));
        assert_eq!(pages.present(start + (5 << 20), 1 << 20), Some(0));
        assert_eq!(pages.present(start, LARGEST + 1), None);
    }
}
