//! Decides how a connection becomes an encrypted one: rustls with its ring provider, chosen here and nowhere else.

use std::{
    io::{self, Write as _},
    net::TcpStream as BlockingTcp,
    sync::Arc,
};

use tokio::net::TcpStream;
use tokio_rustls::{
    client::TlsStream,
    rustls::{
        self, ClientConfig, ClientConnection, StreamOwned,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

use super::{
    super::{BlockingStream, Stream},
    Identity, Pem, TlsSettings, trust,
};
use crate::error::{Error, ErrorKind, Result};

/// Encrypts connections as its settings say.
#[derive(Clone, Debug)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

/// An encrypted connection that tokio waits for.
#[derive(Debug)]
pub struct Tls(Box<TlsStream<TcpStream>>);

/// An encrypted connection that its thread waits for.
#[derive(Debug)]
pub struct BlockingTls(Box<StreamOwned<ClientConnection, BlockingTcp>>);

impl TlsConnector {
    /// Reads the certificates and keys.
    ///
    /// # Errors
    /// [`ErrorKind::File`] for a file that cannot be read, [`ErrorKind::Tls`] for what stands in it.
    pub fn new(settings: &TlsSettings) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("versions").because(error))?
            .dangerous()
            .with_custom_certificate_verifier(trust::verifier(settings, &provider)?);
        let config = match &settings.identity {
            None => config.with_no_client_auth(),
            Some(Identity { certificate, key }) => config
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|error| unusable("client certificate").because(error))?,
        };
        let server_name = settings.server_name.as_deref().map(expected_name).transpose()?;
        Ok(Self { config: Arc::new(config), server_name })
    }

    /// Encrypts `stream`, which was dialled as `host`.
    ///
    /// # Errors
    /// The system's, and rustls' as [`is_tls_failure`] tells.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<Stream> {
        let name = self.name(host)?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(name, stream).await?;
        Ok(Stream::Tls(Tls(Box::new(stream))))
    }

    /// Encrypts `stream`, which was dialled as `host`; its own time limits hold.
    ///
    /// # Errors
    /// The system's, and rustls' as [`is_tls_failure`] tells.
    pub fn connect_blocking(&self, host: &str, stream: BlockingTcp) -> io::Result<BlockingStream> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name(host)?).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        stream.flush()?;
        Ok(BlockingStream::Tls(BlockingTls(Box::new(stream))))
    }

    fn name(&self, host: &str) -> io::Result<ServerName<'static>> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => ServerName::try_from(host.to_owned()).map_err(io::Error::other),
        }
    }
}

impl Tls {
    pub(in crate::net) fn socket(&self) -> &TcpStream {
        self.0.get_ref().0
    }

    pub(in crate::net) fn inner(&mut self) -> &mut TlsStream<TcpStream> {
        &mut self.0
    }

    pub(in crate::net) fn into_blocking(self) -> io::Result<BlockingTls> {
        let (stream, connection) = self.0.into_inner();
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        Ok(BlockingTls(Box::new(StreamOwned::new(connection, stream))))
    }
}

impl BlockingTls {
    pub(in crate::net) fn socket(&self) -> &BlockingTcp {
        self.0.get_ref()
    }

    pub(in crate::net) fn inner(&mut self) -> &mut StreamOwned<ClientConnection, BlockingTcp> {
        &mut self.0
    }
}

/// Whether a failure is one of encryption: a certificate that is not trusted, a peer that speaks no TLS.
pub fn is_tls_failure(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>() || inner.is::<rustls::pki_types::InvalidDnsNameError>())
}

/// The certificates that stand in `pem`; at least one.
pub(super) fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>> {
    let text = read(pem)?;
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| unusable("certificate").because(error))?;
    if found.is_empty() { Err(unusable("certificate").because("none stands in it")) } else { Ok(found) }
}

fn private_key(pem: &Pem) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(&read(pem)?).map_err(|error| unusable("private key").because(error))
}

fn read(pem: &Pem) -> Result<Vec<u8>> {
    match pem {
        Pem::Text(text) => Ok(text.reveal().as_bytes().to_vec()),
        Pem::File(path) => std::fs::read(path)
            .map_err(|error| Error::new(ErrorKind::File, "set up TLS", path.display().to_string()).because(error)),
    }
}

fn expected_name(name: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(name.to_owned()).map_err(|error| unusable("server name").because(error))
}

/// A failure about the part of the settings that cannot be used.
pub(super) fn unusable(what: &str) -> Error {
    Error::new(ErrorKind::Tls, "set up TLS", what)
}
