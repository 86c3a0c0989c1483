//! Decides which texts are legal values: the shapes of options.

use super::super::Address;

/// The shape of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// Any text.
    Text,
    /// Any text, never shown.
    Secret,
    /// The path of a file.
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
    /// `host:port=host:port`, several with commas between.
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
        if value.contains(['\0', '\n', '\r']) {
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
            Self::AddressMap => address_map(value).map(drop),
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

/// Reads `host:port=host:port,host:port=host:port`.
pub(super) fn address_map(value: &str) -> Result<Vec<(Address, Address)>, String> {
    let pair = |part: &str| {
        let (from, to) = part.split_once('=')?;
        Some((Address::parse(from.trim())?, Address::parse(to.trim())?))
    };
    value.split(',').map(|part| pair(part).ok_or_else(|| "not host:port=host:port".to_owned())).collect()
}

fn is_switch(value: &str) -> bool {
    YES.iter().chain(NO).any(|word| value.eq_ignore_ascii_case(word))
}

const YES: &[&str] = &["yes", "true", "1", "on"];
const NO: &[&str] = &["no", "false", "0", "off"];
