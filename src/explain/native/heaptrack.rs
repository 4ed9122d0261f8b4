//! What heaptrack wrote of a run, as `heaptrack_interpret` turns it into text: from its lines to findings.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::io::BufRead;
use std::time::Duration;

use addr2line::demangle_auto;

use super::owner::{Of, Surroundings};
use super::sites::merge;
use super::symbols::Frame;
use super::tidy::{In, tidy};
use crate::explain::{Findings, Place, Site};

/// Versions of the text that are understood. From the last on a text tells its length.
const VERSIONS: std::ops::RangeInclusive<u64> = 1..=3;
const WITH_LENGTHS: u64 = 3;
/// How far into a rest its mark is sought: two ticks of the clock that the file has.
const WITHIN: Duration = Duration::from_millis(20);
/// A line that is longer than this is none of heaptrack's.
const LONGEST: u64 = 1 << 20;
/// No block is larger, and no sum of them too large for its type.
const LARGEST: u64 = 1 << 40;
/// By what the names of its own libraries are known.
const OWN: &str = "libheaptrack_";

/// A rest of the target at the begin, the middle or the end of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rest {
    /// Iterations completed.
    pub done: u64,
    /// When it began and ended, counted from the start of the process.
    pub from: Duration,
    /// See `from`.
    pub to: Duration,
}

/// What grew between the first and the last of three rests, by call path.
///
/// The file knows no iterations: it has a line with its time in milliseconds about every 10 ms, counted from when
/// the loader called the library, which is a little after the start of the process. In a rest the target waits for
/// memcase and does nothing, so that any line within it is at the same place between two iterations. So a mark is
/// exact as long as loading took less than the rest, and wrong by what threads of the target's own do meanwhile.
pub fn heaptrack_findings(
    text: impl BufRead,
    rests: [Rest; 3],
    surroundings: &Surroundings,
) -> Result<Findings, String> {
    let recorded = Recorded::read(text, rests.map(|rest| rest.from + WITHIN))?;
    let mut findings = Findings {
        tracer: recorded.tracer(),
        from: rests[0].done,
        to: rests[2].done,
        ..Findings::default()
    };
    let late = recorded.marks.iter().zip(rests);
    let late = late.filter_map(|(mark, rest)| mark.at.checked_sub(rest.to));
    if let Some(late) = late.max().filter(|late| !late.is_zero()) {
        findings.notes.push(format!(
            "heaptrack's clock stood still at a mark of the window, which is too late by up to {} ms",
            late.as_millis()
        ));
    }
    let [begin, half, end] = &recorded.marks[..] else {
        return Err("heaptrack's file ends before the window does".to_owned());
    };
    let at = |mark: &Mark, number: usize| mark.held.get(number).copied().unwrap_or(0);
    // Blocks that a call path has more of, by their size.
    let mut sites: BTreeMap<usize, Site> = BTreeMap::new();
    for (number, allocation) in recorded.allocations.iter().enumerate() {
        let (begin, half, end) = (at(begin, number), at(half, number), at(end, number));
        let blocks = (half - begin, end - half);
        if blocks != (0, 0) {
            let site = sites.entry(allocation.path).or_default();
            let size = chunk(allocation.size);
            site.bytes.0 += blocks.0 * size;
            site.bytes.1 += blocks.1 * size;
            site.blocks.0 += blocks.0;
            site.blocks.1 += blocks.1;
        }
    }
    let modules = recorded.with_lines();
    findings.sites = sites
        .into_iter()
        .map(|(path, site)| Site {
            stack: recorded.stack(path, &modules, surroundings),
            ..site
        })
        .collect();
    merge(&mut findings.sites);
    Ok(findings)
}

/// What the C library takes for so many bytes.
fn chunk(size: u64) -> i64 {
    let size = i64::try_from(size.min(LARGEST)).unwrap_or_default();
    ((size + 23) & !15).max(32)
}

/// Blocks of one size by one call path.
#[derive(Debug)]
struct Allocation {
    size: u64,
    path: usize,
}

/// One instruction that called: the functions there, those that were put into others first.
#[derive(Debug, Default)]
struct Call {
    module: usize,
    frames: Vec<(usize, usize, u32)>,
}

/// What was in use at a moment.
#[derive(Debug)]
struct Mark {
    /// The time of the file.
    at: Duration,
    /// Blocks by their `Allocation`.
    held: Vec<i64>,
}

/// All of a file that counts here. What is named by a number is counted from 1 in it, and 0 is none.
#[derive(Debug, Default)]
struct Recorded {
    /// Of heaptrack, as it writes it.
    version: u64,
    format: u64,
    texts: Vec<String>,
    calls: Vec<Call>,
    /// A call and the path that led to it.
    paths: Vec<(usize, usize)>,
    allocations: Vec<Allocation>,
    held: Vec<i64>,
    marks: Vec<Mark>,
}

impl Recorded {
    /// Reads up to the last of the `marks`, which are given in the time of the file.
    fn read(mut text: impl BufRead, marks: [Duration; 3]) -> Result<Self, String> {
        let mut recorded = Self::default();
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let mut bounded = std::io::Read::take(&mut text, LONGEST);
            bounded
                .read_until(b'\n', &mut line)
                .map_err(|error| format!("heaptrack's file can not be read: {error}"))?;
            if line.is_empty() {
                break;
            }
            let Some(whole) = line.strip_suffix(b"\n") else {
                return Err(format!("heaptrack's file is cut in line {number}"));
            };
            let whole = String::from_utf8_lossy(whole);
            let understood = recorded.take(&whole, &marks);
            understood.ok_or_else(|| {
                let shown: String = whole.chars().take(60).collect();
                format!("line {number} of heaptrack's file is not understood: `{shown}`")
            })?;
            if recorded.marks.len() == marks.len() {
                return Ok(recorded);
            }
        }
        Err("heaptrack's file ends before the window does".to_owned())
    }

    /// Takes one line in; none where it makes no sense.
    fn take(&mut self, line: &str, marks: &[Duration; 3]) -> Option<()> {
        let (kind, rest) = line.split_at_checked(1).unwrap_or((line, ""));
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        if self.format == 0 && kind != "v" {
            return None;
        }
        let mut numbers = rest.split(' ').map(hexadecimal);
        let mut next = || numbers.next().flatten();
        match kind {
            "v" => {
                self.version = next()?;
                self.format = next().filter(|format| VERSIONS.contains(format))?;
            }
            "s" if self.format >= WITH_LENGTHS => {
                let (length, text) = rest.split_once(' ')?;
                if hexadecimal(length)? != text.len() as u64 {
                    // A text that is not UTF-8 is longer here than it was.
                    text.contains(char::REPLACEMENT_CHARACTER).then_some(())?;
                }
                self.texts.push(text.to_owned());
            }
            "s" => self.texts.push(rest.to_owned()),
            "i" => {
                let _address = next()?;
                let module = self.text(next()?)?;
                let mut call = Call {
                    module,
                    ..Call::default()
                };
                while let Some(function) = next() {
                    // Without debug information there is no more than a name.
                    let (file, line) = (next().unwrap_or(0), next().unwrap_or(0));
                    let frame = (self.text(function)?, self.text(file)?, line as u32);
                    call.frames.push(frame);
                }
                self.calls.push(call);
            }
            "t" => {
                let (call, from) = (next()? as usize, next()? as usize);
                // A path goes on from an earlier one, so that following it comes to an end.
                let known = (1..=self.calls.len()).contains(&call) && from <= self.paths.len();
                known.then(|| self.paths.push((call, from)))?;
            }
            "a" => {
                let (size, path) = (next()?, next()? as usize);
                (path <= self.paths.len()).then(|| {
                    self.allocations.push(Allocation { size, path });
                    self.held.push(0);
                })?;
            }
            "+" => *self.held.get_mut(next()? as usize)? += 1,
            "-" => *self.held.get_mut(next()? as usize)? -= 1,
            "c" => {
                let at = Duration::from_millis(next()?);
                while marks.get(self.marks.len()).is_some_and(|mark| at >= *mark) {
                    let held = self.held.clone();
                    self.marks.push(Mark { at, held });
                }
            }
            // The command, the machine, resident pages, suppressions, where it was attached, remarks, and nothing.
            "X" | "I" | "R" | "S" | "A" | "#" | "" => {}
            _ => return None,
        }
        Some(())
    }

    /// A number of a text that is there, or 0.
    fn text(&self, number: u64) -> Option<usize> {
        let number = usize::try_from(number).ok()?;
        (number <= self.texts.len()).then_some(number)
    }

    fn named(&self, number: usize) -> &str {
        let at = number.checked_sub(1);
        at.and_then(|at| self.texts.get(at))
            .map_or("", String::as_str)
    }

    /// `heaptrack 1.4.0`, of 10400 in hexadecimal.
    fn tracer(&self) -> String {
        let part = |shift: u32| self.version >> shift & 0xff;
        format!("heaptrack {:x}.{:x}.{:x}", part(16), part(8), part(0))
    }

    /// Modules with debug information, of some of their code at least.
    fn with_lines(&self) -> HashSet<usize> {
        let has_lines = |call: &&Call| call.frames.iter().any(|&(_, file, _)| file != 0);
        let calls = self.calls.iter().filter(has_lines);
        calls.map(|call| call.module).collect()
    }

    /// The places of a call path, the innermost first.
    fn stack(
        &self,
        mut path: usize,
        with_lines: &HashSet<usize>,
        surroundings: &Surroundings,
    ) -> Vec<Place> {
        let mut found: Vec<In> = Vec::new();
        while let Some(&(call, from)) = path.checked_sub(1).and_then(|at| self.paths.get(at)) {
            path = from;
            let Some(call) = self.calls.get(call - 1) else {
                continue;
            };
            let name = self.named(call.module);
            if name.is_empty() || name.contains(OWN) {
                continue;
            }
            let image = Of {
                name,
                // The program is the first of all texts.
                is_program: call.module == 1,
                has_lines: with_lines.contains(&call.module),
            };
            let nameless = [(0, 0, 0)];
            let frames = match &call.frames[..] {
                [] => &nameless[..],
                frames => frames,
            };
            for &(function, file, line) in frames {
                let function = demangle_auto(Cow::Borrowed(self.named(function)), None);
                let source = (file != 0).then(|| (self.named(file).to_owned(), line));
                let frame = Frame {
                    function: function.into_owned(),
                    source,
                };
                found.push((name, surroundings.place(image, frame)));
            }
        }
        tidy(&found)
    }
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Owner;

    /// A program whose `keep` calls `malloc` and whose `main` calls `keep`; `events` lie behind that.
    fn file(events: &str) -> String {
        let head = "v 10400 3\nX ./program\nI 1000 5e2922\ns 8 /program\ns 4 keep\ns a /program.c\ns 4 main\n";
        let calls = "i 55c0 1 2 3 5\ni 55d0 1 4 3 9\nt 2 0\nt 1 1\na 3e8 2\na 14 1\n";
        format!("{head}{calls}{events}")
    }

    fn rests() -> [Rest; 3] {
        [(10, 100), (20, 200), (30, 300)].map(|(done, at)| Rest {
            done,
            from: Duration::from_millis(at),
            to: Duration::from_millis(at + 50),
        })
    }

    fn found(text: &[u8]) -> Result<Findings, String> {
        let surroundings = Surroundings {
            is_own: true,
            ..Surroundings::default()
        };
        heaptrack_findings(text, rests(), &surroundings)
    }

    #[test]
    fn what_stays_in_each_half_is_told_by_its_call_path() {
        let events = "+ 0\nc 5\nc 7f\n+ 0\n+ 1\n+ 1\n- 1\nc e0\n+ 0\n+ 0\n- 1\nc 145\n+ 0\n";
        let found = found(file(events).as_bytes()).unwrap();
        assert_eq!(found.tracer, "heaptrack 1.4.0");
        assert_eq!((found.from, found.to), (10, 30));
        let told: Vec<_> = found
            .sites
            .iter()
            .map(|site| (site.bytes, site.blocks, site.stack.len()))
            .collect();
        assert_eq!(told, [((1008, 2016), (1, 2), 2), ((32, -32), (1, -1), 1)]);
        let [inner, outer] = &found.sites[0].stack[..] else {
            panic!("{:?}", found.sites[0].stack)
        };
        assert_eq!((&*inner.function, inner.line), ("keep", 5));
        assert_eq!((&*outer.file, outer.line), ("/program.c", 9));
        assert_ne!(inner.owner, Owner::Driver);
        assert_eq!(found.notes, [""; 0]);
    }

    #[test]
    fn a_mark_behind_its_rest_is_told_with_how_late_it_is() {
        let found = found(file("c 7f\nc e0\n+ 0\nc 200\n").as_bytes()).unwrap();
        assert!(found.notes[0].contains("by up to 162 ms"), "{found:?}");
    }

    #[test]
    fn no_file_is_taken_for_one_that_it_is_not() {
        let whole = file("c 7f\nc e0\nc 200\n");
        for (text, why) in [
            ("", "ends before"),
            ("v 10400 9\n", "line 1"),
            ("v 10400\n", "line 1"),
            ("s 1 a\n", "line 1"),
            (&file("c 7f\nc e0\n"), "ends before the window"),
            (&file("t 9 0\n"), "`t 9 0`"),
            (&file("t 1 9\n"), "`t 1 9`"),
            (&file("a 8 9\n"), "`a 8 9`"),
            (&file("+ 9\n"), "`+ 9`"),
            (&file("i 1 9\n"), "`i 1 9`"),
            (&file("s 9 a\n"), "`s 9 a`"),
            (&file("+ é\n"), "`+ é`"),
            (&file("é\n"), "`é`"),
            (&file("c ffffffffffffffffff\n"), "not understood"),
        ] {
            let error = found(text.as_bytes()).expect_err(text);
            assert!(error.contains(why), "{error}");
        }
        for cut in 0..whole.len() - "c 200\n".len() {
            let error = found(&whole.as_bytes()[..cut]).expect_err("it is cut");
            assert!(error.contains("cut") || error.contains("ends"), "{error}");
        }
        assert!(found(b"\xff\xfe\x00\n").is_err());
    }

    #[test]
    fn numbers_at_their_limits_are_no_harm() {
        let events = "a ffffffffffffffff 2\n+ 2\nc 7f\n+ 2\nc e0\nc 200\n";
        let found = found(file(events).as_bytes()).unwrap();
        assert!(found.sites[0].bytes.0 >= 1 << 40);
    }
}
