//! The law of imports: a module names only what is declared above it in `src/lib.rs`, by home module.

use crate::names::{Name, names};
use crate::sources::Source;

/// Complaints about imports of modules that `order` declares below the importing one.
pub(crate) fn check(sources: &[Source], order: &[String]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let Some(module) = source.module() else {
            continue;
        };
        let Some(own) = module.first() else {
            continue;
        };
        let place = |name: &str| order.iter().position(|module| module == name);
        for name in names(&source.syntax) {
            let Some(target) = top_level(&module, &name) else {
                continue;
            };
            let complaint = match (place(own), place(&target)) {
                (None, _) => format!("`{own}` is not declared in src/lib.rs"),
                (_, None) => format!("`{target}` is no module; name the home module"),
                (Some(own), Some(target)) if target <= own => continue,
                _ => format!("`{target}` is declared below `{own}`"),
            };
            let path = name.segments.join("::");
            complaints.push(format!("{}: `{path}`: {complaint}", source.path));
        }
    }
    complaints
}

/// The top-level module of this crate that a path leads to, if it leaves the module's own.
fn top_level(module: &[String], name: &Name) -> Option<String> {
    let mut here = module.to_vec();
    here.extend(name.inside.iter().cloned());
    let mut segments = name.segments.iter().map(String::as_str).peekable();
    match *segments.peek()? {
        "crate" => {
            segments.next();
            here.clear();
        }
        "super" | "self" => {}
        _ => return None,
    }
    while let Some(&segment) = segments.peek() {
        match segment {
            "super" => {
                here.pop();
            }
            "self" => {}
            _ => break,
        }
        segments.next();
    }
    match here.first() {
        Some(top) => Some(top.clone()),
        None => segments.next().map(str::to_owned),
    }
}
