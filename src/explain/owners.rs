//! Memory that native code allocates for objects of a language: put down to where these objects are made.

use super::findings::{Findings, Made, Owner, Place, Site};

/// The part of all owners that must be made at one place, so that no other one is blamed for them.
const ALL_BUT_FEW: f64 = 0.9;
/// How far from a whole number the blocks of an owner may be.
const ROUND: f64 = 0.1;

/// Extends the call paths of native blocks by the one by which the objects are made that own native memory
/// (`made` of the kind `native`), where all of these are made at one place and so many blocks belong to each. An
/// object gives its memory back when it dies: if it stays, so do its blocks.
pub fn give_to_owners(native: &mut Findings, language: &Findings) {
    let owners = || language.made.iter().filter(|made| made.kind == "native");
    let Some(most) = owners().max_by_key(|made| number(made)) else {
        return;
    };
    let all: i64 = owners().map(number).sum();
    let few = (number(most) as f64) < ALL_BUT_FEW * all as f64;
    if few || most.count.0 <= 0 || most.count.1 <= 0 {
        return;
    }
    let an_iteration = number(most) as f64 / turns(language);
    let window = turns(native);
    for site in &mut native.sites {
        let blocks = (site.blocks.0 + site.blocks.1) as f64 / window;
        let each = blocks / an_iteration;
        if each < 1.0 - ROUND || (each - each.round()).abs() > ROUND {
            continue;
        }
        below(site, most);
    }
}

fn number(made: &Made) -> i64 {
    made.count.0 + made.count.1
}

fn turns(findings: &Findings) -> f64 {
    findings.to.saturating_sub(findings.from).max(1) as f64
}

/// Puts a native call path below the one of the language: what its library is called with is what can be changed.
fn below(site: &mut Site, owner: &Made) {
    for place in &mut site.stack {
        if matches!(place.owner, Owner::Case | Owner::Package) {
            place.owner = Owner::Language;
        }
    }
    let is_own = |place: &Place| !place.file.is_empty() || !place.function.is_empty();
    site.stack.retain(is_own);
    site.stack.extend(owner.stack.iter().cloned());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(function: &str, owner: Owner) -> Place {
        Place {
            function: function.to_owned(),
            owner,
            ..Place::default()
        }
    }

    fn owner(count: i64, function: &str) -> Made {
        Made {
            kind: "native".to_owned(),
            count: (count, count),
            stack: vec![
                place("Cleaner.register", Owner::Language),
                place(function, Owner::Case),
            ],
        }
    }

    fn findings(blocks: &[i64], made: Vec<Made>) -> Findings {
        let site = |&blocks: &i64| Site {
            bytes: (blocks * 100, blocks * 100),
            blocks: (blocks, blocks),
            stack: vec![place("deflateInit2_", Owner::Package)],
            replaces: false,
        };
        Findings {
            from: 0,
            to: 100,
            sites: blocks.iter().map(site).collect(),
            made,
            ..Findings::default()
        }
    }

    /// Whom each native call path is put down to.
    fn blamed(native: &Findings) -> Vec<&str> {
        let innermost = |site: &'_ Site| {
            let not_of_language = |place: &&Place| place.owner != Owner::Language;
            let at = site.stack.iter().position(|place| not_of_language(&place));
            at.unwrap_or_default()
        };
        native
            .sites
            .iter()
            .map(|site| site.stack[innermost(site)].function.as_str())
            .collect()
    }

    #[test]
    fn native_blocks_go_to_the_one_place_that_makes_their_owners() {
        let mut native = findings(&[50, 250, 70], Vec::new());
        let language = findings(&[], vec![owner(50, "compress"), owner(1, "other")]);
        give_to_owners(&mut native, &language);
        assert_eq!(blamed(&native), ["compress", "compress", "deflateInit2_"]);
    }

    #[test]
    fn of_several_places_none_is_blamed() {
        let mut native = findings(&[50], Vec::new());
        let language = findings(&[], vec![owner(50, "compress"), owner(50, "other")]);
        give_to_owners(&mut native, &language);
        assert_eq!(blamed(&native), ["deflateInit2_"]);
        give_to_owners(&mut native, &findings(&[], Vec::new()));
        assert_eq!(blamed(&native), ["deflateInit2_"]);
    }
}
