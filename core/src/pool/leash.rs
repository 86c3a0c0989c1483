//! Decides how a switch reaches a connection that somebody is using: writes end at once, reads a little later.

use std::{
    net::{Shutdown, TcpStream},
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

use tokio::sync::Notify;

use super::{
    broken::{Broken, Cause},
    class::Class,
};

/// What the pool keeps of a connection that is in use.
#[derive(Debug, Default)]
pub(super) struct Leash {
    is_cut: AtomicBool,
    using: AtomicU8,
    pulled: Notify,
    /// A second handle on the socket of a thread that waits in the kernel.
    socket: Option<TcpStream>,
}

impl Leash {
    /// A leash on a thread's socket.
    pub(super) fn on(socket: TcpStream) -> Self {
        Self { socket: Some(socket), ..Self::default() }
    }

    /// Says that a command of this class is about to be sent.
    ///
    /// # Errors
    /// When the master has been replaced: nothing may be sent.
    pub(super) fn begin(&self, class: Class) -> Result<(), Broken> {
        // Whoever cuts sets the flag and then looks at the use; here it is the other way round. With one order for all,
        // at least one of both sees the other.
        self.using.store(if class == Class::Read { READING } else { WRITING }, Ordering::SeqCst);
        if self.is_cut.load(Ordering::SeqCst) {
            self.end();
            return Err(Broken::not_sent(Cause::Cut));
        }
        Ok(())
    }

    /// Says that the command is through.
    pub(super) fn end(&self) {
        self.using.store(IDLE, Ordering::SeqCst);
    }

    /// Whether the master was replaced.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::SeqCst)
    }

    /// Ends a write that is under way, and lets no other command begin.
    pub(super) fn cut_writes(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        if self.using.load(Ordering::SeqCst) == WRITING {
            self.pull();
        }
    }

    /// Ends whatever is under way.
    pub(super) fn cut_all(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.pull();
    }

    /// Until the connection is cut while it is in use.
    pub(super) async fn pulled(&self) {
        self.pulled.notified().await;
    }

    fn pull(&self) {
        self.pulled.notify_one();
        if let Some(socket) = &self.socket {
            // It fails when the connection has ended already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

const IDLE: u8 = 0;
const READING: u8 = 1;
const WRITING: u8 = 2;
