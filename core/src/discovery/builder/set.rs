//! Decides what each option does to a discovery when it is set by its name, as URLs and tables of options do.

use super::DiscoveryBuilder;
use crate::{
    discovery::{Access, Credentials, Login},
    error::{Error, ErrorKind, Result},
    finder::{AddressMap, Agreement, HoldWrites, Verify},
    net::{Identity, Pem, TlsSettings, Verification},
    resp::Protocol,
    types::{Endpoint, Millis, Secret},
};

impl DiscoveryBuilder {
    /// Sets one option by its name; the value is text.
    ///
    /// Names and values are those of [`crate::manual::clients`]: spans are whole milliseconds and their names end in `_ms`,
    /// switches are `yes` or `no`, addresses are `host:port` with commas between.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that names key and value; never a password.
    pub fn set(mut self, key: &str, value: &str) -> Result<Self> {
        if let Some(of_sentinels) = key.strip_prefix("sentinel_")
            && set_access(&mut self.sentinel_access, of_sentinels, key, value)?
        {
            return Ok(self);
        }
        if set_access(&mut self.data_access, key, key, value)? || self.set_time(key, value)? {
            return Ok(self);
        }
        let settings = &mut self.settings;
        match key {
            "sentinels" => settings.seeds.extend(parse_hosts(key, value)?),
            "address_map" => settings.address_map = parse_map(key, value, settings.address_map.clone())?,
            "follow" => settings.follow = Some(value.to_owned()),
            "discover_peers" => settings.discover_peers = parse_switch(key, value)?,
            "watch_max" => settings.watch_max = parse_number(key, value)? as usize,
            "agreement" => {
                settings.agreement =
                    choose(key, value, &[("newest", Agreement::Newest), ("majority", Agreement::Majority)])?;
            }
            "verify" => settings.verify = choose(key, value, &[("role", Verify::Role), ("off", Verify::Off)])?,
            "hold" => settings.hold = choose(key, value, &[("auto", HoldWrites::Auto), ("off", HoldWrites::Off)])?,
            _ => return Err(refused(key, value, "there is no such option")),
        }
        Ok(self)
    }

    /// Sets a span; whether the key is one of a span.
    fn set_time(&mut self, key: &str, value: &str) -> Result<bool> {
        let settings = &mut self.settings;
        let times = &mut settings.times;
        let span = match key {
            "hold_max_ms" => &mut settings.hold_max,
            "refresh_ms" => &mut settings.refresh,
            "sentinel_time_ms" => &mut times.sentinel,
            "stagger_ms" => &mut times.stagger,
            "wave_ms" => &mut times.wave,
            "grace_ms" => &mut times.grace,
            "verify_time_ms" => &mut times.verify,
            "watch_ping_ms" => &mut times.watch_ping,
            "watch_pong_ms" => &mut times.watch_pong,
            "peer_expiry_ms" => &mut times.peer_expiry,
            _ => return Ok(false),
        };
        *span = Millis::new(parse_number(key, value)?);
        Ok(true)
    }
}

/// Sets what concerns one kind of server; whether the name is one of those. `key` is the name with what stood before it.
fn set_access(access: &mut Access, name: &str, key: &str, value: &str) -> Result<bool> {
    match name {
        "username" => {
            let password = fixed(access).map_or_else(|| Secret::new(""), |known| known.password.clone());
            access.login = Login::Fixed(Credentials { user: Some(value.to_owned()), password });
        }
        "password" => {
            let user = fixed(access).and_then(|known| known.user.clone());
            access.login = Login::Fixed(Credentials { user, password: Secret::new(value) });
        }
        "client_name" => access.client_name = Some(value.to_owned()),
        "protocol" if name == key => {
            access.protocol = choose(key, value, &[("2", Protocol::Resp2), ("3", Protocol::Resp3)])?;
        }
        "connect_time_ms" => access.connect_time = Millis::new(parse_number(key, value)?),
        "tls" if parse_switch(key, value)? => {
            access.tls.get_or_insert_default();
        }
        "tls" => access.tls = None,
        "tls_ca_file" => tls(access).authorities = Some(Pem::parse(value)),
        "tls_cert_file" => identity(access).certificate = Pem::parse(value),
        "tls_key_file" => identity(access).key = Pem::parse(value),
        "tls_server_name" => tls(access).server_name = Some(value.to_owned()),
        "tls_insecure" => {
            let insecure = parse_switch(key, value)?;
            tls(access).verification = if insecure { Verification::None } else { Verification::Full };
        }
        "tls_verify" => {
            let choices = [("full", Verification::Full), ("ca", Verification::Authority), ("none", Verification::None)];
            tls(access).verification = choose(key, value, &choices)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn fixed(access: &Access) -> Option<&Credentials> {
    if let Login::Fixed(credentials) = &access.login { Some(credentials) } else { None }
}

/// The settings of encryption: whoever says how to encrypt wants it.
fn tls(access: &mut Access) -> &mut TlsSettings {
    access.tls.get_or_insert_default()
}

/// The client certificate; the half that is not named yet is empty, and refused when the files are read.
fn identity(access: &mut Access) -> &mut Identity {
    let nothing = || Identity { certificate: Pem::parse(""), key: Pem::parse("") };
    tls(access).identity.get_or_insert_with(nothing)
}

fn parse_hosts(key: &str, value: &str) -> Result<Vec<Endpoint>> {
    let unusable = || refused(key, value, "it is host:port, several with commas between");
    value.split(',').map(|host| parse_host(host).ok_or_else(unusable)).collect()
}

/// `host:port=host:port`, or `host=host` for all ports, several with commas between.
fn parse_map(key: &str, value: &str, known: AddressMap) -> Result<AddressMap> {
    let unusable = || refused(key, value, "it is host:port=host:port or host=host, several with commas between");
    value.split(',').try_fold(known, |map, pair| {
        let (told, reached) = pair.split_once('=').ok_or_else(unusable)?;
        match (parse_host(told), parse_host(reached)) {
            (Some(told), Some(reached)) => Ok(map.entry(&told, reached)),
            (None, None) if is_host(told) && is_host(reached) => Ok(map.host(told.trim(), reached.trim())),
            _ => Err(unusable()),
        }
    })
}

fn is_host(text: &str) -> bool {
    Endpoint::parse(text.trim(), 1).is_some()
        && (!text.contains(':') || text.trim().parse::<std::net::IpAddr>().is_ok())
}

/// `host:port`, with brackets around an IPv6 address.
fn parse_host(text: &str) -> Option<Endpoint> {
    let (host, port) = text.trim().rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    Endpoint::parse(host, port.parse().ok().filter(|port| *port > 0)?)
}

fn parse_number(key: &str, value: &str) -> Result<u64> {
    value.parse().map_err(|_| refused(key, value, "it is a whole number"))
}

fn parse_switch(key: &str, value: &str) -> Result<bool> {
    choose(key, value, &[("yes", true), ("no", false)])
}

fn choose<T: Copy>(key: &str, value: &str, choices: &[(&str, T)]) -> Result<T> {
    if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == value) {
        return Ok(*chosen);
    }
    let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
    Err(refused(key, value, &format!("it is {}", words.join(" or "))))
}

fn refused(key: &str, value: &str, why: &str) -> Error {
    Error::new(ErrorKind::Config, "set up discovery", format!("{key} = \"{value}\": {why}"))
}
