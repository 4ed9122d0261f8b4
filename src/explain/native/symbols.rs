//! The names of addresses in a program or library: by its debug information, else by its table of symbols.

use std::borrow::Cow;

use addr2line::gimli::{Dwarf, DwarfSections, EndianSlice, RunTimeEndian, SectionId};
use addr2line::{Context, demangle_auto};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::measure::Image;

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// A function that was called, or that the compiler put into the one that was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Frame {
    /// Its name as people write it; empty where it has none.
    pub(super) function: String,
    /// The source file and its line, where these are known.
    pub(super) source: Option<(String, u32)>,
}

/// The parsed files of an image, and its debug information, uncompressed.
pub(super) struct Loaded<'a> {
    files: Vec<object::File<'a>>,
    debug: DwarfSections<Cow<'a, [u8]>>,
    has_lines: bool,
    endian: RunTimeEndian,
}

/// What names the addresses of an image.
pub(super) struct Symbols<'a> {
    /// Where the parts of the file lie that are mapped: in it, their length, and their address.
    segments: Vec<(u64, u64, u64)>,
    context: Option<Context<Slice<'a>>>,
    has_lines: bool,
    /// Functions by their address, with their size.
    functions: Vec<(u64, u64, &'a str)>,
}

impl<'a> Loaded<'a> {
    /// None where it is no program or library.
    pub(super) fn of(image: &'a Image) -> Option<Self> {
        let mut files = vec![object::File::parse(&*image.bytes).ok()?];
        let apart = image.debug.as_deref();
        files.extend(apart.and_then(|bytes| object::File::parse(bytes).ok()));
        let endian = if files[0].is_little_endian() {
            RunTimeEndian::Little
        } else {
            RunTimeEndian::Big
        };
        let has_lines = |file: &&object::File| file.section_by_name(".debug_line").is_some();
        let told_by = files.iter().find(has_lines);
        let load = |id: SectionId| -> Result<Cow<'a, [u8]>, object::Error> {
            let section = told_by.and_then(|file| file.section_by_name(id.name()));
            section.map_or(Ok(Cow::Borrowed(&[])), |section| {
                section.uncompressed_data()
            })
        };
        // Damaged debug information is as good as none.
        let debug = DwarfSections::load(load).unwrap_or_default();
        let has_lines = told_by.is_some();
        Some(Self {
            files,
            debug,
            has_lines,
            endian,
        })
    }
}

impl<'a> Symbols<'a> {
    pub(super) fn of(loaded: &'a Loaded<'a>) -> Self {
        let image = &loaded.files[0];
        let segments = image.segments().map(|segment| {
            let (offset, size) = segment.file_range();
            (offset, size, segment.address())
        });
        let dwarf: Dwarf<Slice> = loaded
            .debug
            .borrow(|section| EndianSlice::new(section, loaded.endian));
        let mut functions: Vec<_> = loaded
            .files
            .iter()
            .flat_map(|file| file.symbols().chain(file.dynamic_symbols()))
            .filter(|symbol| symbol.is_definition() && symbol.kind() == SymbolKind::Text)
            .filter_map(|symbol| Some((symbol.address(), symbol.size(), symbol.name().ok()?)))
            .collect();
        // Of several names of one function the shortest is the plain one.
        functions.sort_by_key(|&(address, _, name)| (address, name.len()));
        functions.dedup_by_key(|&mut (address, _, _)| address);
        Self {
            has_lines: loaded.has_lines,
            segments: segments.collect(),
            context: Context::from_dwarf(dwarf).ok(),
            functions,
        }
    }

    /// Whether there is debug information, of some of its code at least.
    pub(super) fn has_lines(&self) -> bool {
        self.has_lines
    }

    /// The frames at a place in the file: functions that were put into others first, and at least one.
    pub(super) fn frames(&self, offset: u64) -> Vec<Frame> {
        let within = |&&(start, size, _): &&(u64, u64, u64)| offset.wrapping_sub(start) < size;
        let Some(&(start, _, address)) = self.segments.iter().find(within) else {
            return vec![Frame::default()];
        };
        let address = offset - start + address;
        let mut frames = self.told(address).unwrap_or_default();
        match frames.last_mut() {
            Some(outer) if outer.function.is_empty() => outer.function = self.symbol(address),
            Some(_) => {}
            None => frames.push(Frame {
                function: self.symbol(address),
                source: None,
            }),
        }
        frames
    }

    /// By the debug information.
    fn told(&self, address: u64) -> Option<Vec<Frame>> {
        let mut found = self
            .context
            .as_ref()?
            .find_frames(address)
            .skip_all_loads()
            .ok()?;
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = found.next() {
            let name = frame
                .function
                .as_ref()
                .and_then(|name| name.demangle().ok());
            let location = frame.location.as_ref();
            frames.push(Frame {
                function: name.map(Cow::into_owned).unwrap_or_default(),
                source: location.and_then(|at| Some((at.file?.to_owned(), at.line?))),
            });
        }
        Some(frames)
    }

    fn symbol(&self, address: u64) -> String {
        let behind = self
            .functions
            .partition_point(|&(start, ..)| start <= address);
        let name = self.functions[..behind]
            .last()
            // One written in assembly may not tell its size.
            .filter(|&&(start, size, _)| size == 0 || address - start < size)
            .map(|&(_, _, name)| demangle_auto(Cow::Borrowed(name), None));
        name.map(Cow::into_owned).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn named_here() -> u32 {
        line!()
    }

    #[test]
    fn a_function_of_this_program_is_told_with_its_file_and_line() {
        let image = Image {
            bytes: std::fs::read("/proc/self/exe").unwrap(),
            debug: None,
        };
        let loaded = Loaded::of(&image).unwrap();
        let symbols = Symbols::of(&loaded);
        let line = named_here();
        let is_it = |&&(_, _, name): &&(u64, u64, &str)| name.contains("named_here");
        let &(address, ..) = symbols.functions.iter().find(is_it).unwrap();
        let segment = |&&(_, size, start): &&(u64, u64, u64)| address.wrapping_sub(start) < size;
        let &(offset, _, start) = symbols.segments.iter().find(segment).unwrap();
        let frames = symbols.frames(address - start + offset);
        let [frame] = &frames[..] else {
            panic!("{frames:?}")
        };
        assert!(frame.function.ends_with("tests::named_here"), "{frame:?}");
        let (file, told) = frame.source.as_ref().unwrap();
        assert!(file.ends_with("explain/native/symbols.rs"), "{file}");
        // Of a function without a frame the first instruction is that of its end.
        assert!(
            (line - 1..=line + 1).contains(told),
            "{told}, and not {line}"
        );
        assert_eq!(symbols.frames(u64::MAX), [Frame::default()]);
    }

    #[test]
    fn what_is_no_program_is_not_loaded() {
        for bytes in [&b""[..], b"text", b"\x7fELF"] {
            let image = Image {
                bytes: bytes.to_owned(),
                debug: None,
            };
            assert!(Loaded::of(&image).is_none());
        }
    }
}
