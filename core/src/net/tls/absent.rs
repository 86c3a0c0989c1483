//! Decides what encryption is in a build without it: refused when it is set up.

use std::{convert::Infallible, io, net::TcpStream as BlockingTcp};

use tokio::net::TcpStream;

use super::{
    super::{BlockingStream, Stream},
    TlsSettings,
};
use crate::error::{Error, ErrorKind, Result};

/// Encrypts connections; there is none in this build.
#[derive(Clone, Debug)]
pub struct TlsConnector(Infallible);

/// An encrypted connection; there is none in this build.
#[derive(Debug)]
pub struct Tls(Infallible);

/// An encrypted connection; there is none in this build.
#[derive(Debug)]
pub struct BlockingTls(Infallible);

impl TlsConnector {
    /// Refuses.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`]: this build has no encryption.
    pub fn new(_settings: &TlsSettings) -> Result<Self> {
        Err(Error::new(ErrorKind::Unsupported, "set up TLS", "this build is without the feature `tls`"))
    }

    /// Encrypts `stream`.
    ///
    /// # Errors
    /// None: there is no connector to call it on.
    #[expect(clippy::unused_async, reason = "called as in a build with encryption")]
    pub async fn connect(&self, _host: &str, _stream: TcpStream) -> io::Result<Stream> {
        match self.0 {}
    }

    /// Encrypts `stream`.
    ///
    /// # Errors
    /// None: there is no connector to call it on.
    pub fn connect_blocking(&self, _host: &str, _stream: BlockingTcp) -> io::Result<BlockingStream> {
        match self.0 {}
    }
}

impl Tls {
    pub(in crate::net) fn socket(&self) -> &TcpStream {
        match self.0 {}
    }

    pub(in crate::net) fn inner(&mut self) -> &mut TcpStream {
        match self.0 {}
    }

    pub(in crate::net) fn into_blocking(self) -> io::Result<BlockingTls> {
        match self.0 {}
    }
}

impl BlockingTls {
    pub(in crate::net) fn socket(&self) -> &BlockingTcp {
        match self.0 {}
    }

    pub(in crate::net) fn inner(&mut self) -> &mut BlockingTcp {
        match self.0 {}
    }
}

/// Whether a failure is one of encryption; never in this build.
pub fn is_tls_failure(_error: &io::Error) -> bool {
    false
}
