//! Decides which options a URL stands for.

use super::{Options, refused};
use crate::facade::failure::Result;

/// Reads `redis+sentinel://user:password@host:port,host:port/master/db?key=value`.
pub(super) fn read(url: &str) -> Result<Options> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| refused("a URL without ://"))?;
    let mut options = Options::new();
    match scheme {
        "redis+sentinel" => {}
        "rediss+sentinel" => options.set("tls", "yes")?,
        other => return Err(refused(format!("unknown URL scheme: \"{other}\""))),
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (place, path) = place.split_once('/').unwrap_or((place, ""));
    let hosts = match place.rsplit_once('@') {
        Some((user, hosts)) => {
            let (name, password) = user.split_once(':').unwrap_or(("", user));
            if !name.is_empty() {
                options.set("username", name)?;
            }
            options.set("password", password)?;
            hosts
        }
        None => place,
    };
    options.set("sentinels", hosts)?;
    let (master, db) = path.split_once('/').unwrap_or((path, ""));
    for (key, value) in [("master", master), ("db", db)] {
        if !value.is_empty() {
            options.set(key, value)?;
        }
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, "yes"));
        options.set(key, value)?;
    }
    Ok(options)
}
