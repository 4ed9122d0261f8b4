//! A call path as it helps people: without frames that have no name, and below those that only hand out memory.

use crate::explain::{Owner, Place};

/// How the names of functions end that hand out memory for whoever calls them.
const HANDS_OUT: [&str; 6] = [
    "alloc",
    "allocate",
    "strdup",
    "strndup",
    "memdup",
    "operator new",
];

/// A place, and the program or library that it is in.
pub(super) type In<'a> = (&'a str, Place);

/// The path, the innermost place first.
///
/// Inner functions of a stripped library have no names: the function of it that was called from outside stands for
/// them. An allocator's wrapper is nobody's culprit: it is told as the language's own.
pub(super) fn tidy(path: &[In]) -> Vec<Place> {
    let is_nameless = |place: &Place| place.function.is_empty() && place.line == 0;
    let mut kept: Vec<Place> = Vec::with_capacity(path.len());
    for (k, (image, place)) in path.iter().enumerate() {
        // The next frame with a name, if it is of the same library.
        let outer = path[k..].iter().find(|(_, place)| !is_nameless(place));
        if !is_nameless(place) || outer.is_none_or(|(outer, _)| outer != image) {
            kept.push(place.clone());
        }
    }
    for place in &mut kept {
        if place.owner == Owner::Package && hands_out(&place.function) {
            place.owner = Owner::Language;
        } else if place.owner != Owner::Language {
            break;
        }
    }
    kept
}

/// Whether a function only hands out memory, by its name.
fn hands_out(function: &str) -> bool {
    // Of `<bumpalo::Bump>::alloc::<u8>` the last name, of `Arena::allocate(unsigned long)` the one before the arguments.
    let name = function.split('(').next().unwrap_or_default();
    let name = name.split("::<").next().unwrap_or_default();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let name = name.to_ascii_lowercase();
    HANDS_OUT.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(owner: Owner, file: &str, function: &str) -> Place {
        Place {
            file: file.to_owned(),
            line: 0,
            function: function.to_owned(),
            owner,
        }
    }

    fn told(path: &[(Owner, &'static str, &str)]) -> Vec<(Owner, String)> {
        let path = path
            .iter()
            .map(|&(owner, file, function)| (file, place(owner, file, function)));
        let tidied = tidy(&path.collect::<Vec<_>>());
        tidied
            .into_iter()
            .map(|place| (place.owner, place.function))
            .collect()
    }

    #[test]
    fn functions_without_names_are_those_of_the_one_that_called_them() {
        let path = [
            (Owner::Package, "libsqlite3.so.0", ""),
            (Owner::Package, "libsqlite3.so.0", "sqlite3_malloc64"),
            (Owner::Package, "libsqlite3.so.0", ""),
            (Owner::Package, "libsqlite3.so.0", "sqlite3_prepare_v2"),
            (Owner::Package, "libother.so", ""),
            (Owner::Case, "program", "main"),
        ];
        assert_eq!(
            told(&path),
            [
                (Owner::Language, "sqlite3_malloc64".to_owned()),
                (Owner::Package, "sqlite3_prepare_v2".to_owned()),
                (Owner::Package, String::new()),
                (Owner::Case, "main".to_owned()),
            ]
        );
    }

    #[test]
    fn what_hands_out_memory_is_known_by_its_name() {
        for name in [
            "CRYPTO_zalloc",
            "g_malloc0",
            "xmlStrdup",
            "sqlite3_malloc64",
            "<bumpalo::Bump>::alloc",
            "bumpalo::Bump::alloc::<u8>",
            "PyObject_Malloc",
            "Arena::allocate(unsigned long)",
        ] {
            let found = told(&[(Owner::Package, "a", name), (Owner::Case, "b", "main")]);
            assert_eq!(found[0].0, Owner::Language, "{name}");
        }
        for name in [
            "EVP_MD_CTX_new",
            "xmlDictCreate",
            "lexbor_mem_chunk_init",
            "",
        ] {
            let found = told(&[(Owner::Package, "a", name), (Owner::Case, "b", "main")]);
            assert_eq!(found[0].0, Owner::Package, "{name}");
        }
    }

    #[test]
    fn a_wrapper_of_the_case_is_its_own_and_so_is_one_above_other_code() {
        let path = [
            (Owner::Case, "program", "xmalloc"),
            (Owner::Package, "a", "a_malloc"),
        ];
        let owners: Vec<Owner> = told(&path).into_iter().map(|(owner, _)| owner).collect();
        assert_eq!(owners, [Owner::Case, Owner::Package]);
    }
}
