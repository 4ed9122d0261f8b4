//! An entry of the corpus, and the case files that say the same.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A labelled program: one that does not leak, or a leaky and a fixed variant.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) language: String,
    pub(crate) kind: Kind,
    pub(crate) title: String,
    shape: String,
    source: String,
    #[serde(default)]
    setup: String,
    #[serde(default)]
    body: String,
    /// Java: imports.
    #[serde(default)]
    imports: String,
    #[serde(default)]
    cflags: Vec<String>,
    /// Java: arguments for the JVM.
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    packages: Vec<String>,
    /// Arguments for pip, where the packages need any.
    #[serde(default)]
    pip_args: Vec<String>,
    #[serde(default)]
    children: u32,
    leaky: Option<Part>,
    fixed: Option<Part>,
    #[serde(default)]
    measured: BTreeMap<String, BTreeMap<String, Recorded>>,
    /// The fixed variant still grows by so much; it is not flat.
    fixed_residual_live_bytes: Option<f64>,
}

/// What was recorded of a variant in one way of collecting.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Recorded {
    Slopes { live_heap_slope: Estimates },
    Other(serde::de::IgnoredAny),
}

/// The estimates of one slope.
#[derive(Debug, Deserialize)]
struct Estimates {
    ols: f64,
}

/// Whether there is a leaky variant.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Leak,
    NoLeak,
}

/// What is particular to one variant.
#[derive(Debug, Clone, Default, Deserialize)]
struct Part {
    body: Option<String>,
    #[serde(default)]
    packages: Vec<String>,
}

/// One program of an entry.
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) leaks: bool,
    part: Part,
    residual: Option<f64>,
}

impl Entry {
    /// The programs of this entry.
    pub(crate) fn variants(&self) -> Vec<Variant> {
        let variant = |name, leaks, part: &Option<Part>, residual| Variant {
            name,
            leaks,
            part: part.clone().unwrap_or_default(),
            residual,
        };
        match self.kind {
            Kind::NoLeak => vec![variant("no-leak", false, &None, None)],
            Kind::Leak => vec![
                variant("leaky", true, &self.leaky, None),
                variant("fixed", false, &self.fixed, self.fixed_residual_live_bytes),
            ],
        }
    }

    /// The slope of live bytes that was recorded, where memcase reads the same bytes: `mallinfo2` of C and
    /// Rust, and the used heap of V8 and of the JVM after a collection. Python's was recorded without the
    /// blocks of its own allocator.
    pub(crate) fn recorded(&self, variant: &Variant) -> Option<f64> {
        let way = match self.language.as_str() {
            "c" | "cpp" | "rust" => "nogc",
            "node" | "java" => "gc",
            _ => return None,
        };
        match self.measured.get(variant.name)?.get(way)? {
            Recorded::Slopes { live_heap_slope } => Some(live_heap_slope.ols),
            Recorded::Other(_) => None,
        }
    }

    /// The case file that says the same.
    pub(crate) fn case(&self, variant: &Variant) -> Value {
        let mut target = Map::new();
        let mut put = |key: &str, value: Value| {
            if value != json!("") && value != json!([]) {
                target.insert(key.to_owned(), value);
            }
        };
        let body = variant.part.body.as_ref().unwrap_or(&self.body);
        let mut packages = [&self.packages[..], &variant.part.packages].concat();
        if !self.pip_args.is_empty() {
            packages.push(self.pip_args.join(" "));
        }
        put("language", json!(self.language));
        put("requires", json!(packages));
        put("flags", json!([&self.cflags[..], &self.args[..]].concat()));
        let binding = match self.language.as_str() {
            "c" | "cpp" => {
                let (prelude, setup) = c_setup(&self.setup);
                put("prelude", json!(prelude));
                put("setup", json!(setup));
                "long i = (long)iteration;"
            }
            "rust" => {
                put("prelude", json!(self.setup));
                "let i = iteration as u64;"
            }
            "node" => {
                put("setup", json!(self.setup));
                "const i = iteration;"
            }
            "java" => {
                put("prelude", json!(java_prelude(&self.imports, &self.setup)));
                put("setup", json!(java_call(&self.setup)));
                "int i = iteration;"
            }
            "perl" => {
                put("setup", json!(self.setup));
                "my $i = $iteration;"
            }
            "shell" => {
                put("interpreter", json!("bash"));
                put("setup", json!(self.setup));
                "i=$iteration"
            }
            _ => {
                put("setup", json!(self.setup));
                "i = iteration"
            }
        };
        put("run", json!(format!("{binding}\n{body}")));
        let expect = match (variant.leaks, self.shape.as_str()) {
            (true, _) => "leak",
            (false, "periodic") => "spike",
            (false, _) => "stable",
        };
        let mut case = json!({
            "description": self.title,
            "source": self.source,
            "target": target,
            "expect": expect,
        });
        if let Some(residual) = variant.residual {
            let tolerated = (residual * 2.0).max(16.0).ceil();
            case["limits"] = json!({ "slope": format!("{tolerated} B") });
        }
        if self.children > 0 {
            case["measure"] = json!({ "children": true });
        }
        case
    }
}

/// The members of the class `Body` around the Java entries.
fn java_prelude(imports: &str, setup: &str) -> String {
    let setup = setup
        .replace("Body$", "MemcaseCase$")
        .replace("Body.", "MemcaseCase.");
    format!("{}\n{setup}", imports.replace("; ", ";\n"))
}

/// They may define a method `setup`.
fn java_call(setup: &str) -> &'static str {
    if setup.contains("static void setup()") {
        "setup();"
    } else {
        ""
    }
}

/// The C entries may define a function `setup`, which the driver program has as well.
fn c_setup(setup: &str) -> (String, &'static str) {
    let headers = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n";
    let prelude = setup.replace("void setup(void)", "void corpus_setup(void)");
    let call = if prelude == setup {
        ""
    } else {
        "corpus_setup();"
    };
    (format!("{headers}{prelude}"), call)
}
