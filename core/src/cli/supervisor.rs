//! Decides how the service manager is told that the sentinel is ready: one datagram to the socket that systemd names.
//!
//! Mirrors `sd_notify(3)`.

use std::{
    ffi::OsStr,
    io,
    os::unix::{
        ffi::OsStrExt as _,
        net::{SocketAddr, UnixDatagram},
    },
};

use crate::config::Supervisor;

/// The way to the service manager, when there is one.
pub(super) struct Manager {
    socket: Option<SocketAddr>,
}

impl Manager {
    /// The manager that the configuration and the environment (`NOTIFY_SOCKET`) name.
    pub(super) fn find(supervised: Supervisor) -> Self {
        let is_looked_for = matches!(supervised, Supervisor::Systemd | Supervisor::Auto);
        let name = std::env::var_os("NOTIFY_SOCKET").filter(|_| is_looked_for);
        Self { socket: name.and_then(|name| address(&name).ok()) }
    }

    /// Whether there is one; the process then stays in the foreground.
    pub(super) fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// Tells a state, such as `READY=1`.
    pub(super) fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket {
            // A manager that does not listen finds out by itself.
            let _ = UnixDatagram::unbound().and_then(|from| from.send_to_addr(state.as_bytes(), socket));
        }
    }
}

/// The address a name stands for; one that begins with `@` lies outside of the file system.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', rest @ ..] => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(rest),
        _ => SocketAddr::from_pathname(name),
    }
}
