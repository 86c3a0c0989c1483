//! Decides how a connection to a sentinel or data server comes to be: names looked up, connected, encrypted, greeted.

use std::{
    io::{self, Read as _, Write as _},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Semaphore,
    task::spawn_blocking,
    time::timeout,
};

use super::{Access, Credentials, Handshake, Introduction, Login, ServerKind, Welcome};
use crate::{
    error::{Error, ErrorKind, Result},
    net::{
        BlockingStream, Clock, Stream, TlsConnector, connect, connect_blocking, is_tls_failure, look_up_all,
        look_up_all_blocking, reason,
    },
    resp::ValueDecoder,
    types::{Endpoint, Millis, Tick},
};

/// Makes connections to one kind of server, as its [`Access`] says.
///
/// Cheap to clone; clones share what the credential source gave.
#[derive(Clone, Debug)]
pub struct Dialer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    access: Access,
    connector: Option<TlsConnector>,
    /// What the source gave last.
    fetched: Mutex<Option<Credentials>>,
    desk: Arc<Semaphore>,
}

/// A connection that has been greeted, for whoever waits with tokio.
#[derive(Debug)]
pub struct Connection {
    /// The bytes.
    pub stream: Stream,
    /// Whatever came behind the greeting's last answer.
    pub decoder: ValueDecoder,
    /// Who the server said it is.
    pub welcome: Welcome,
}

/// A connection that has been greeted, for a thread that waits itself.
#[derive(Debug)]
pub struct BlockingConnection {
    /// The bytes.
    pub stream: BlockingStream,
    /// Whatever came behind the greeting's last answer.
    pub decoder: ValueDecoder,
    /// Who the server said it is.
    pub welcome: Welcome,
}

impl Dialer {
    /// Reads the certificates that the access names.
    ///
    /// # Errors
    /// [`ErrorKind::File`] and [`ErrorKind::Tls`] for certificates that cannot be used, [`ErrorKind::Unsupported`] for
    /// encryption in a build without it.
    pub fn new(access: Access) -> Result<Self> {
        let connector = access.tls.as_ref().map(TlsConnector::new).transpose()?;
        let desk = Arc::new(Semaphore::new(MAX_LOOKUPS));
        Ok(Self { shared: Arc::new(Shared { access, connector, fetched: Mutex::default(), desk }) })
    }

    /// What it dials with.
    pub fn access(&self) -> &Access {
        &self.shared.access
    }

    /// Connects and greets, within `patience` and the time that the access gives.
    ///
    /// A name is looked up each time, and all its addresses are tried. A server that refuses the password of a
    /// credential source is dialled once more with what the source gives then.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], [`ErrorKind::Timeout`], [`ErrorKind::Tls`], those of [`Handshake::handle_received`] and
    /// those of the credential source; all name the address.
    pub async fn dial(&self, target: &Endpoint, kind: ServerKind, patience: Millis) -> Result<Connection> {
        let patience = Duration::from(patience.min(self.shared.access.connect_time));
        let dialling = async {
            let first = self.credentials().await?;
            match self.attempt(target, kind, first.clone(), patience).await {
                Err(error) if error.kind() == ErrorKind::Auth && self.has_source() => {
                    let fresh = self.other_than(first).await?;
                    self.attempt(target, kind, fresh, patience).await
                }
                ended => ended,
            }
        };
        let ended = timeout(patience, dialling).await.unwrap_or_else(|_| Err(silence()));
        ended.map_err(|error| error.at(target))
    }

    /// Connects and greets as [`Dialer::dial`] does, on a thread without a runtime.
    ///
    /// # Errors
    /// Those of [`Dialer::dial`].
    pub fn dial_blocking(&self, target: &Endpoint, kind: ServerKind, patience: Millis) -> Result<BlockingConnection> {
        let patience = patience.min(self.shared.access.connect_time);
        let time = Allowance { clock: Clock::start(), patience };
        let first = self.shared.credentials_blocking();
        let ended = first.and_then(|first| match self.attempt_blocking(target, kind, first.clone(), &time) {
            Err(error) if error.kind() == ErrorKind::Auth && self.has_source() => {
                let fresh = self.shared.other_than_blocking(first.as_ref())?;
                self.attempt_blocking(target, kind, fresh, &time)
            }
            ended => ended,
        });
        ended.map_err(|error| error.at(target))
    }

    async fn attempt(
        &self,
        target: &Endpoint,
        kind: ServerKind,
        credentials: Option<Credentials>,
        patience: Duration,
    ) -> Result<Connection> {
        let looked_up = look_up_all(target.host(), &self.shared.desk).await;
        let addresses = looked_up.map_err(|why| unnamed(target, why))?;
        let socket = connect(&addresses, target.port(), patience).await.map_err(|error| failed(target, &error))?;
        let mut stream = match &self.shared.connector {
            None => Stream::Plain(socket),
            Some(tls) => tls.connect(target.host(), socket).await.map_err(|error| failed(target, &error))?,
        };
        let mut handshake = self.shared.handshake(kind, credentials);
        let mut chunk = [0; CHUNK];
        loop {
            if let Some(bytes) = handshake.poll_bytes() {
                stream.write_all(&bytes).await.map_err(|error| failed(target, &error))?;
            }
            let count = stream.read(&mut chunk).await.map_err(|error| failed(target, &error))?;
            if count == 0 {
                return Err(failed(target, &io::ErrorKind::UnexpectedEof.into()));
            }
            if let Some(welcome) = handshake.handle_received(&chunk[..count])? {
                return Ok(Connection { stream, decoder: handshake.into_decoder(), welcome });
            }
        }
    }

    fn attempt_blocking(
        &self,
        target: &Endpoint,
        kind: ServerKind,
        credentials: Option<Credentials>,
        time: &Allowance,
    ) -> Result<BlockingConnection> {
        let looked_up = look_up_all_blocking(target.host(), time.left()?);
        let addresses = looked_up.map_err(|why| unnamed(target, why))?;
        let fail = |error: io::Error| failed(target, &error);
        let socket = connect_blocking(&addresses, target.port(), time.left()?).map_err(fail)?;
        let left = Some(time.left()?);
        socket.set_read_timeout(left).and_then(|()| socket.set_write_timeout(left)).map_err(fail)?;
        let mut stream = match &self.shared.connector {
            None => BlockingStream::Plain(socket),
            Some(tls) => tls.connect_blocking(target.host(), socket).map_err(fail)?,
        };
        let mut handshake = self.shared.handshake(kind, credentials);
        let mut chunk = [0; CHUNK];
        loop {
            stream.set_patience(Some(time.left()?)).map_err(fail)?;
            if let Some(bytes) = handshake.poll_bytes() {
                stream.write_all(&bytes).and_then(|()| stream.flush()).map_err(fail)?;
            }
            let count = stream.read(&mut chunk).map_err(fail)?;
            if count == 0 {
                return Err(fail(io::ErrorKind::UnexpectedEof.into()));
            }
            if let Some(welcome) = handshake.handle_received(&chunk[..count])? {
                stream.set_patience(None).map_err(fail)?;
                return Ok(BlockingConnection { stream, decoder: handshake.into_decoder(), welcome });
            }
        }
    }

    fn has_source(&self) -> bool {
        matches!(self.shared.access.login, Login::From(_))
    }

    async fn credentials(&self) -> Result<Option<Credentials>> {
        if !self.has_source() || self.shared.fetched().is_some() {
            return self.shared.credentials_blocking();
        }
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || shared.credentials_blocking()).await.unwrap_or_else(|error| Err(broken(error)))
    }

    async fn other_than(&self, refused: Option<Credentials>) -> Result<Option<Credentials>> {
        let shared = Arc::clone(&self.shared);
        let fetching = spawn_blocking(move || shared.other_than_blocking(refused.as_ref()));
        fetching.await.unwrap_or_else(|error| Err(broken(error)))
    }
}

impl Shared {
    fn handshake(&self, kind: ServerKind, credentials: Option<Credentials>) -> Handshake {
        let Access { client_name, protocol, .. } = &self.access;
        Handshake::new(Introduction { credentials, client_name: client_name.clone(), protocol: *protocol, to: kind })
    }

    fn fetched(&self) -> Option<Credentials> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The credentials of the moment; the source is asked when it has not been.
    fn credentials_blocking(&self) -> Result<Option<Credentials>> {
        match &self.access.login {
            Login::None => Ok(None),
            Login::Fixed(credentials) => Ok(Some(credentials.clone())),
            Login::From(_) => match self.fetched() {
                Some(credentials) => Ok(Some(credentials)),
                None => self.other_than_blocking(None),
            },
        }
    }

    /// What the source gives, unless another connection has fetched other credentials than `refused` meanwhile.
    fn other_than_blocking(&self, refused: Option<&Credentials>) -> Result<Option<Credentials>> {
        let Login::From(source) = &self.access.login else { return Ok(None) };
        if let Some(fetched) = self.fetched().filter(|fetched| Some(fetched) != refused) {
            return Ok(Some(fetched));
        }
        let fresh = source.fetch()?;
        *self.fetched.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(Some(fresh))
    }
}

/// The time that is left to a call on its own thread.
struct Allowance {
    clock: Clock,
    patience: Millis,
}

impl Allowance {
    fn left(&self) -> Result<Duration> {
        let spent = self.clock.now().tick.since(Tick::from_ms(0));
        let left = self.patience.as_ms().saturating_sub(spent.as_ms());
        if left == 0 { Err(silence()) } else { Ok(Duration::from_millis(left)) }
    }
}

fn failed(target: &Endpoint, error: &io::Error) -> Error {
    let is = |kind: io::ErrorKind| error.kind() == kind;
    // A read on a thread of its own that takes too long ends with WouldBlock.
    let (kind, why) = if is_tls_failure(error) {
        (ErrorKind::Tls, reason(error))
    } else if is(io::ErrorKind::TimedOut) || is(io::ErrorKind::WouldBlock) {
        (ErrorKind::Timeout, "no answer in time".to_owned())
    } else if is(io::ErrorKind::UnexpectedEof) {
        (ErrorKind::Connection, "the server closed the connection".to_owned())
    } else {
        (ErrorKind::Connection, reason(error))
    };
    Error::new(kind, OPERATION, target.to_string()).because(why)
}

fn unnamed(target: &Endpoint, why: String) -> Error {
    Error::new(ErrorKind::Connection, OPERATION, target.to_string()).because(why)
}

fn silence() -> Error {
    Error::new(ErrorKind::Timeout, OPERATION, "no answer in time")
}

fn broken(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Auth, "ask the source of credentials", "it gave nothing").because(error)
}

const OPERATION: &str = "connect";

/// How many lookups of names may be under way.
const MAX_LOOKUPS: usize = 16;

/// How many bytes are read at once; the whole greeting fits.
const CHUNK: usize = 4096;
