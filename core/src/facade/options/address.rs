//! Decides which options a URL stands for: those that the discovery reads from it.

use super::Options;
use crate::{discovery::ClientUrl, facade::failure::Result};

/// Reads a URL into options.
pub(super) fn read(url: &str) -> Result<Options> {
    let parsed = ClientUrl::parse(url)?;
    let mut options = Options::new();
    for (key, value) in parsed.options.iter() {
        match (key, options.get("sentinels")) {
            // Sentinels that stand in several places add up.
            ("sentinels", Some(known)) => options.set(key, &format!("{known},{value}"))?,
            _ => options.set(key, value)?,
        }
    }
    Ok(options)
}
