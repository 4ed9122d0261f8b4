//! `memcase.toml`: profiles, overrides and groups, read and held against their schema, and the values that
//! follow from them for a case.

mod apply;
mod file;
mod key;
mod lower;
mod model;
mod resolve;
mod schema;
mod source;
mod value;
mod written;

pub use apply::{applies, of_case, set};
pub use file::{NAMES, find, load, parse};
pub use key::Key;
pub use model::{Config, DEFAULT_PROFILE, Group};
pub use resolve::{Chain, Effective, Given, Origin};
pub use schema::json as schema_json;
pub use value::{Inconclusive, MaxFail, Mode, NoTests, RunIgnored, Value};
