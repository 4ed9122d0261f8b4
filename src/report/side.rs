//! Which of several sides of a case a result is.

use serde::{Deserialize, Serialize};

/// Which of several sides of a case a result is: they were measured one beside the other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Side {
    /// The case without its side, as filters know it.
    pub case: String,
    /// The interpreter that ran it, where there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// The flags that ask for its sides.
    pub flags: Vec<String>,
}
