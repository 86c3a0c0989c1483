//! Decides what a caller may say about encryption: whom to trust, what to show, which name to expect.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod present;
#[cfg(feature = "tls")]
mod trust;

use std::path::PathBuf;

#[cfg(not(feature = "tls"))]
pub use absent::{BlockingTls, Tls, TlsConnector, is_tls_failure};
#[cfg(feature = "tls")]
pub use present::{BlockingTls, Tls, TlsConnector, is_tls_failure};

use crate::types::Secret;

/// How connections to one kind of server are encrypted.
///
/// The default trusts the system's authorities, shows no certificate and expects the name that was dialled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// The authorities that are trusted; `None` = the system's.
    pub authorities: Option<Pem>,
    /// What we show of ourselves; `None` = nothing.
    pub identity: Option<Identity>,
    /// The name that the server's certificate must have, which is also sent as SNI; `None` = the host dialled.
    pub server_name: Option<String>,
    /// How the server's certificate is checked.
    pub verification: Verification,
}

/// A client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, with those that signed it behind.
    pub certificate: Pem,
    /// Its private key.
    pub key: Pem,
}

/// Certificates or a key in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pem {
    /// In this file, read when the connections are set up.
    File(PathBuf),
    /// The text itself.
    Text(Secret),
}

/// How a server's certificate is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// Signed by a trusted authority, and made out to the name expected.
    #[default]
    Full,
    /// Signed by a trusted authority, whatever its name.
    Authority,
    /// Not at all: whoever is between us and the server can read and change everything.
    None,
}

impl Pem {
    /// The text itself when it looks like PEM, else the name of a file.
    pub fn parse(text: &str) -> Self {
        if text.trim_start().starts_with("-----BEGIN") {
            Self::Text(Secret::new(text))
        } else {
            Self::File(text.into())
        }
    }
}
