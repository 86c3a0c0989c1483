//! Decides what a URL says: the sentinels, the master, the database, and every option of discovery and pool.
//!
//! *Reads* `redis+sentinel://` and the spellings of fred, Lettuce and go-redis, so that a URL that is in use stays in use.
//! *Never* shows a password in a failure.

mod key;
mod span;
mod text;

use std::fmt;

use key::{Key, Part};
use text::decode;

use super::DiscoveryBuilder;
use crate::{
    error::{Error, ErrorKind, Result},
    types::MasterName,
};

/// A URL of a master behind sentinels, taken apart.
///
/// # Example
/// ```
/// use sentinelle::discovery::ClientUrl;
///
/// let url = ClientUrl::parse("redis+sentinel://app:secret@10.0.0.1,10.0.0.2:26380/cart/3?hold_max=1s&max=8")?;
/// assert_eq!(url.master.as_ref().map(|name| name.as_str()), Some("cart"));
/// assert_eq!((url.database, url.pool), (3, vec![("max".into(), "8".into())]));
/// # Ok::<(), sentinelle::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientUrl {
    /// The sentinels and how they and the data servers are reached.
    pub discovery: DiscoveryBuilder,
    /// The master; `None` when the URL names none.
    pub master: Option<MasterName>,
    /// The database; 0 when the URL names none.
    pub database: u32,
    /// The options that are for the pool, as key and value; the keys are known, spans are in milliseconds.
    pub pool: Vec<(String, String)>,
    /// All that the URL says, as key and value: what is built from other sources can be built from these.
    pub options: UrlOptions,
}

/// What a URL says, as keys and values in the form the table of options has them; its `Debug` form shows no values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UrlOptions(Vec<(&'static str, String)>);

impl ClientUrl {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that names the part, or the key and the value, that cannot be used; never a password.
    pub fn parse(text: &str) -> Result<Self> {
        let options = read(text)?;
        let mut discovery = DiscoveryBuilder::default();
        let (mut master, mut database, mut pool) = (None, 0, Vec::new());
        for (name, value) in options.iter() {
            let key = Key::named(name).ok_or_else(|| refused(format!("unknown option: \"{name}\"")))?;
            match (key.part, key.name) {
                (Part::Place, "master") => master = Some(parse_master(value)?),
                (Part::Place, _) => database = value.parse().map_err(|_| refused(format!("database \"{value}\"")))?,
                (Part::Discovery, name) => discovery = discovery.set(name, value)?,
                (Part::Pool, name) => pool.push((name.trim_end_matches("_ms").to_owned(), value.to_owned())),
            }
        }
        if !options.iter().any(|(name, _)| name == "sentinels") {
            return Err(refused("no sentinel is named"));
        }
        Ok(Self { discovery, master, database, pool, options })
    }
}

impl UrlOptions {
    /// Each key with its value, in the order they stand in the URL; a key may come again.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    fn push(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.push((name, value.into()));
    }
}

impl fmt::Debug for UrlOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// What a scheme says about the rest.
struct Scheme {
    is_encrypted: bool,
    path: PathForm,
}

/// What stands behind the hosts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PathForm {
    /// The master, then the database.
    Master,
    /// The database, as Lettuce, fred and go-redis have it.
    Database,
}

/// Reads the URL into keys and values.
fn read(text: &str) -> Result<UrlOptions> {
    let (scheme, rest) = text.split_once("://").ok_or_else(|| refused("it has no scheme"))?;
    let scheme = parse_scheme(scheme)?;
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A password may have an `@` in it that was not escaped, a host may not.
    let (user, place) = rest.rsplit_once('@').map_or(("", rest), |(user, place)| (user, place));
    let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
    let mut options = UrlOptions::default();
    if scheme.is_encrypted {
        options.push("tls", "yes");
        options.push("sentinel_tls", "yes");
    }
    read_user(user, &mut options)?;
    let read = read_hosts(hosts, &mut options);
    if read.is_err() && user.is_empty() && (query.contains('@') || fragment.contains('@')) {
        return Err(refused("the hosts cannot be read; in a password ? is written %3F and # is written %23"));
    }
    read?;
    read_path(path, scheme.path, &mut options)?;
    if !fragment.is_empty() {
        options.push("master", decode(fragment, "the fragment")?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        read_pair(pair, &mut options)?;
    }
    if scheme.is_encrypted {
        share_encryption(&mut options);
    }
    Ok(options)
}

/// What is said about the encryption of data servers holds for the sentinels too, where nothing is said about theirs.
fn share_encryption(options: &mut UrlOptions) {
    for (of_data, of_sentinels) in SHARED {
        let is_said = options.iter().any(|(name, _)| name == *of_sentinels);
        let value = options.iter().filter(|(name, _)| name == of_data).last().map(|(_, value)| value.to_owned());
        if let (false, Some(value)) = (is_said, value) {
            options.push(of_sentinels, value);
        }
    }
}

fn parse_scheme(scheme: &str) -> Result<Scheme> {
    let lower = scheme.to_ascii_lowercase();
    let (store, path) = if let Some(store) = lower.strip_suffix("+sentinel") {
        (store, PathForm::Master)
    } else {
        (lower.strip_suffix("-sentinel").unwrap_or(&lower), PathForm::Database)
    };
    let is_encrypted = match store {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return Err(refused(format!("unknown scheme: \"{scheme}\""))),
    };
    Ok(Scheme { is_encrypted, path })
}

/// A user and a password, or a password alone.
fn read_user(user: &str, options: &mut UrlOptions) -> Result<()> {
    if user.is_empty() {
        return Ok(());
    }
    let (name, password) = user.split_once(':').unwrap_or(("", user));
    if !name.is_empty() {
        options.push("username", decode(name, "the user name")?);
    }
    if !password.is_empty() {
        options.push("password", decode(password, "the password")?);
    }
    Ok(())
}

fn read_hosts(hosts: &str, options: &mut UrlOptions) -> Result<()> {
    if !hosts.is_empty() {
        options.push("sentinels", Key::SENTINELS.value(&decode(hosts, "the hosts")?)?);
    }
    Ok(())
}

fn read_path(path: &str, form: PathForm, options: &mut UrlOptions) -> Result<()> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (first, second) = (parts.next(), parts.next());
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (master, database) = match (first, second) {
        (Some(only), None) if form == PathForm::Database && is_number(only) => (None, Some(only)),
        (first, second) => (first, second),
    };
    if let Some(master) = master {
        options.push("master", decode(master, "the path")?);
    }
    if let Some(database) = database {
        options.push("db", Key::DATABASE.value(database)?);
    }
    match parts.next() {
        None => Ok(()),
        Some(part) => Err(refused(format!("the path goes on behind the database: \"{part}\""))),
    }
}

fn read_pair(pair: &str, options: &mut UrlOptions) -> Result<()> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, "yes"));
    let name = decode(name, "a key")?;
    let value = decode(value, "a value")?;
    if let Some(policy) = key::read_policy(&name, &value)? {
        options.push("read_from", policy);
        return Ok(());
    }
    // What stands there may be a piece of a password that was not escaped.
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let shown = if is_word { &name } else { "******" };
    let (key, unit) = Key::find(&name).ok_or_else(|| refused(format!("unknown option: \"{shown}\"")))?;
    options.push(key.name, key.value_in(&value, unit)?);
    Ok(())
}

fn parse_master(name: &str) -> Result<MasterName> {
    MasterName::parse(name).ok_or_else(|| refused(format!("master \"{name}\" can be no name")))
}

/// A failure about what cannot be used.
fn refused(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, "read the URL", what)
}

const SHARED: &[(&str, &str)] = &[
    ("tls_ca_file", "sentinel_tls_ca_file"),
    ("tls_cert_file", "sentinel_tls_cert_file"),
    ("tls_key_file", "sentinel_tls_key_file"),
    ("tls_insecure", "sentinel_tls_insecure"),
    ("tls_verify", "sentinel_tls_verify"),
];

#[cfg(test)]
mod tests;
