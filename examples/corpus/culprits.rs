//! Explanations against the truth: whether the right place is named first, and the true holder is on the first chain.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

/// Where each leak comes from and who keeps it.
const CULPRITS: &str = include_str!("culprits.yaml");

/// What is true of one entry.
#[derive(Debug, Default, Deserialize)]
struct Truth {
    place: Vec<String>,
    #[serde(default)]
    holder: Vec<String>,
}

/// The part of an explanation that is scored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Explanation {
    culprits: Vec<Culprit>,
    unexplained: Option<f64>,
    chains: Vec<Chain>,
    cause: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Culprit {
    place: Place,
    source: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    file: String,
    line: u32,
    function: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chain {
    root: String,
    links: Vec<Link>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Link {
    by: String,
    kind: String,
}

impl Culprit {
    fn told(&self) -> String {
        let Place {
            file,
            line,
            function,
        } = &self.place;
        // A file of a package is told with its package.
        let in_package = file.rsplit_once("node_modules/").map(|(_, name)| name);
        let name = in_package.or(file.rsplit('/').next()).unwrap_or_default();
        let source = self.source.as_deref().unwrap_or_default();
        format!("{name}:{line} {function} `{source}`")
    }
}

impl Chain {
    fn told(&self) -> String {
        let links = self.links.iter();
        let links: Vec<String> = links.map(|l| format!("{} ({})", l.by, l.kind)).collect();
        format!("{} {}", self.root, links.join(" "))
    }
}

/// The table of a run of `memcase explain`, from its events.
pub(crate) fn markdown(events: &str) -> crate::Result<String> {
    let truths: BTreeMap<String, Truth> = serde_yaml::from_str(CULPRITS)?;
    let (mut places, mut holders) = ((0, 0), (0, 0));
    let mut rows = String::new();
    for line in events.lines() {
        let event: serde_json::Value = serde_json::from_str(line)?;
        let id = event["id"].as_str().unwrap_or_default();
        let entry = id.split('/').nth(1).unwrap_or_default();
        let (true, Some(truth)) = (event["type"] == "case", truths.get(entry)) else {
            continue;
        };
        let found: Explanation = serde_json::from_value(event["why"].clone()).unwrap_or_default();
        let place = found
            .culprits
            .first()
            .map(Culprit::told)
            .unwrap_or_default();
        let chain = found.chains.first().map(Chain::told).unwrap_or_default();
        let is_in = |all: &[String], text: &str| all.iter().any(|one| text.contains(one.as_str()));
        let right = is_in(&truth.place, &place);
        places = (places.0 + u32::from(right), places.1 + 1);
        let held = (!truth.holder.is_empty()).then(|| is_in(&truth.holder, &chain));
        if let Some(held) = held {
            holders = (holders.0 + u32::from(held), holders.1 + 1);
        }
        let word = |right| if right { "yes" } else { "**no**" };
        let explained = found.unexplained.map_or(String::new(), |part| {
            format!("{:.0} %", 100.0 - part * 100.0)
        });
        let cell = |text: &str| {
            text.replace('|', "\\|")
                .chars()
                .take(110)
                .collect::<String>()
        };
        writeln!(
            rows,
            "| {entry} | {} | {} | {explained} | {} | {} | {} |",
            cell(&place),
            word(right),
            cell(&chain),
            held.map_or("", word),
            cell(found.cause.as_deref().unwrap_or_default()),
        )?;
    }
    let head = "| leak | named first | right | explained | first chain | true holder | cause |\n|---|---|---|--:|---|---|---|\n";
    Ok(format!(
        "{head}{rows}\nRight place first: {} of {}. True holder on the first chain: {} of {}.\n",
        places.0, places.1, holders.0, holders.1
    ))
}
