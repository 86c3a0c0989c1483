//! Decides what a connection is to those who use it: bytes both ways, encrypted or not.

use std::{
    io::{self, Read, Write},
    net::TcpStream as BlockingTcp,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::tls::{BlockingTls, Tls};

/// A connection that tokio waits for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Tls),
}

/// A connection that its thread waits for.
#[derive(Debug)]
#[non_exhaustive]
pub enum BlockingStream {
    /// As it is.
    Plain(BlockingTcp),
    /// Encrypted.
    Tls(BlockingTls),
}

impl Stream {
    /// The socket underneath, for its addresses and options.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.socket(),
        }
    }

    /// The same connection for a thread without a runtime.
    ///
    /// # Errors
    /// The system's.
    pub fn into_blocking(self) -> io::Result<BlockingStream> {
        match self {
            Self::Plain(stream) => {
                let stream = stream.into_std()?;
                stream.set_nonblocking(false)?;
                Ok(BlockingStream::Plain(stream))
            }
            Self::Tls(stream) => stream.into_blocking().map(BlockingStream::Tls),
        }
    }
}

impl BlockingStream {
    /// The socket underneath, for its addresses and options.
    pub fn socket(&self) -> &BlockingTcp {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.socket(),
        }
    }

    /// How long one read and one write may take; `None` = without end, less than a millisecond = one.
    ///
    /// # Errors
    /// The system's.
    pub fn set_patience(&self, patience: Option<Duration>) -> io::Result<()> {
        let patience = patience.map(|patience| patience.max(Duration::from_millis(1)));
        self.socket().set_read_timeout(patience)?;
        self.socket().set_write_timeout(patience)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream.inner()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.inner()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.inner()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.inner()).poll_shutdown(context),
        }
    }
}

impl Read for BlockingStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.inner().read(buffer),
        }
    }
}

impl Write for BlockingStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.inner().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.inner().flush(),
        }
    }
}
