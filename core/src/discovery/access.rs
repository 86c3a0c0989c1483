//! Decides how we introduce ourselves to one kind of server: with which password, how encrypted, under which name.

use std::{fmt, sync::Arc};

use crate::{
    error::Result,
    net::TlsSettings,
    resp::Protocol,
    types::{Millis, Secret},
};

/// How one kind of server is reached; sentinels have theirs, data servers have theirs.
///
/// The default: no password, no encryption, no name, one second to connect.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// Who we say we are.
    pub login: Login,
    /// How connections are encrypted; `None` = not at all.
    pub tls: Option<TlsSettings>,
    /// The name our connections have in `CLIENT LIST`; `None` = none.
    pub client_name: Option<String>,
    /// What is spoken with data servers, where they can; sentinels are spoken to in RESP2. Default RESP3.
    pub protocol: Protocol,
    /// How long connecting may take, the encryption and the handshake included; default 1 s.
    pub connect_time: Millis,
}

/// Who we say we are.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Login {
    /// Nobody in particular.
    #[default]
    None,
    /// Always this user.
    Fixed(Credentials),
    /// Whoever the source names; it is asked again when a server refuses what it named.
    From(CredentialSource),
}

/// A user name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user; `None` = the default user.
    pub user: Option<String>,
    /// The password.
    pub password: Secret,
}

/// A function that names the user and password of the moment.
///
/// It is called when the first connection is made, and once more when a server refuses what it gave. It may block: it
/// runs on a thread for that.
///
/// # Example
/// ```
/// use sentinelle::discovery::{Credentials, CredentialSource, Login};
///
/// let source = CredentialSource::new(|| Ok(Credentials::new(Some("app"), "secret of today")));
/// let login = Login::From(source);
/// ```
#[derive(Clone)]
pub struct CredentialSource(Arc<dyn Fn() -> Result<Credentials> + Send + Sync>);

impl Credentials {
    /// The user, or the default user, with a password.
    pub fn new(user: Option<&str>, password: &str) -> Self {
        Self { user: user.map(str::to_owned), password: Secret::new(password) }
    }
}

impl CredentialSource {
    /// A source that calls `fetch`.
    pub fn new(fetch: impl Fn() -> Result<Credentials> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fetch))
    }

    /// Asks the source.
    ///
    /// # Errors
    /// Those of the function.
    pub fn fetch(&self) -> Result<Credentials> {
        (self.0)()
    }
}

impl PartialEq for CredentialSource {
    /// Whether both are the same function, not whether they give the same.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialSource")
    }
}

impl Default for Access {
    fn default() -> Self {
        Self {
            login: Login::None,
            tls: None,
            client_name: None,
            protocol: Protocol::Resp3,
            connect_time: Millis::new(1_000),
        }
    }
}
