//! Decides which texts are legal values: the shapes of options.

use super::super::Address;
use crate::types::Endpoint;

/// The shape of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// Any text.
    Text,
    /// Any text, never shown.
    Secret,
    /// The path of a file; for certificates and keys also their PEM text.
    Path,
    /// `yes` or `no`; `true`, `false`, `1`, `0`, `on` and `off` mean the same.
    Switch,
    /// A whole number of milliseconds, from the first to the second.
    Millis(u64, u64),
    /// A whole number, from the first to the second.
    Number(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `host:port`, several with commas between; `[::1]:26379` for IPv6.
    Addresses,
    /// `host:port=host:port`, or `host=host` for all ports, several with commas between.
    AddressMap,
    /// A name and a value with a blank between; may be set several times.
    Lines,
}

impl OptionKind {
    /// The stable name of the shape: `text`, `secret`, `path`, `switch`, `ms`, `number`, `choice`, `addresses`,
    /// `address-map`, `lines`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Secret => "secret",
            Self::Path => "path",
            Self::Switch => "switch",
            Self::Millis(..) => "ms",
            Self::Number(..) => "number",
            Self::Choice(_) => "choice",
            Self::Addresses => "addresses",
            Self::AddressMap => "address-map",
            Self::Lines => "lines",
        }
    }

    /// What the manual says of the values.
    pub fn bounds(self) -> String {
        match self {
            Self::Millis(least, most) | Self::Number(least, most) => format!("{least} to {most}"),
            Self::Choice(words) => words.join(", "),
            Self::Switch => "yes, no".to_owned(),
            Self::Text | Self::Secret | Self::Path | Self::Addresses | Self::AddressMap | Self::Lines => String::new(),
        }
    }

    /// The least and the most that a number may be.
    pub fn range(self) -> Option<(u64, u64)> {
        if let Self::Millis(least, most) | Self::Number(least, most) = self { Some((least, most)) } else { None }
    }

    /// Whether values must not be shown.
    pub fn is_secret(self) -> bool {
        self == Self::Secret
    }

    /// Says why `value` is not legal.
    pub(super) fn check(self, value: &str) -> Result<(), String> {
        let is_pem = self == Self::Path && value.starts_with("-----BEGIN");
        if value.contains('\0') || (value.contains(['\n', '\r']) && !is_pem) {
            return Err("line breaks and NUL are not allowed".to_owned());
        }
        match self {
            Self::Path if value.is_empty() => Err("an empty path".to_owned()),
            Self::Text | Self::Secret | Self::Path => Ok(()),
            Self::Switch => is_switch(value).then_some(()).ok_or_else(|| "neither yes nor no".to_owned()),
            Self::Millis(least, most) | Self::Number(least, most) => match value.parse::<u64>() {
                Ok(number) if (least..=most).contains(&number) => Ok(()),
                _ => Err(format!("not a whole number from {least} to {most}")),
            },
            Self::Choice(words) if words.contains(&value) => Ok(()),
            Self::Choice(words) => Err(format!("none of {}", words.join(", "))),
            Self::Addresses => addresses(value).map(drop),
            Self::AddressMap => is_address_map(value).then_some(()).ok_or_else(|| "not host:port=host:port".to_owned()),
            Self::Lines => match value.split_once(' ') {
                Some((name, _)) if !name.is_empty() => Ok(()),
                _ => Err("not a name and a value".to_owned()),
            },
        }
    }
}

/// Whether a legal switch is on.
pub(super) fn is_yes(value: &str) -> bool {
    YES.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Reads `host:port,host:port`.
pub(super) fn addresses(value: &str) -> Result<Vec<Address>, String> {
    value.split(',').map(|part| Address::parse(part.trim()).ok_or_else(|| "not host:port".to_owned())).collect()
}

/// The value as everybody reads it.
pub(super) fn in_one_form(kind: OptionKind, value: &str) -> String {
    match kind {
        OptionKind::Switch => if is_yes(value) { "yes" } else { "no" }.to_owned(),
        OptionKind::Addresses => {
            addresses(value).unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        }
        OptionKind::Text
        | OptionKind::Secret
        | OptionKind::Path
        | OptionKind::Millis(..)
        | OptionKind::Number(..)
        | OptionKind::Choice(_)
        | OptionKind::AddressMap
        | OptionKind::Lines => value.to_owned(),
    }
}

fn is_address_map(value: &str) -> bool {
    let is_host = |host: &str| Endpoint::parse(host, 1).is_some();
    value.split(',').all(|pair| match pair.split_once('=') {
        Some((from, to)) => {
            let (from, to) = (from.trim(), to.trim());
            let both_addresses = Address::parse(from).is_some() && Address::parse(to).is_some();
            both_addresses || (is_host(from) && is_host(to))
        }
        None => false,
    })
}

fn is_switch(value: &str) -> bool {
    YES.iter().chain(NO).any(|word| value.eq_ignore_ascii_case(word))
}

const YES: &[&str] = &["yes", "true", "1", "on"];
const NO: &[&str] = &["no", "false", "0", "off"];
