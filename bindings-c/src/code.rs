//! Decides which number stands for each result: never renumbered, one for each kind of failure.

use std::ffi::CStr;

use sentinelle::facade::ErrorKind;

/// What a call returns: 0 when it did what it says, negative when it failed, positive when there was nothing to do.
///
/// Functions return it as `int32_t`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snl_code {
    /// Done.
    SNL_OK = 0,
    /// It is under way.
    SNL_PENDING = 1,
    /// Nothing came in time.
    SNL_EMPTY = 2,
    /// Nothing will come any more.
    SNL_CLOSED = 3,
    /// An argument cannot be used.
    SNL_E_ARG = -1,
    /// The handle is NULL, freed, or of another kind.
    SNL_E_HANDLE = -2,
    /// The call does not fit the state the object is in.
    SNL_E_STATE = -3,
    /// An option, a URL or a configuration file cannot be used.
    SNL_E_CONFIG = -4,
    /// This build or server cannot do it.
    SNL_E_UNSUPPORTED = -5,
    /// Too many objects of the kind live.
    SNL_E_NOMEM = -6,
    /// A bug of this library was caught at its border.
    SNL_E_PANIC = -7,
    /// The handle belongs to the parent process.
    SNL_E_FORKED = -8,
    /// Another thread uses the object at this moment.
    SNL_E_BUSY = -9,
    /// The sentinel is stopped.
    SNL_E_STOPPED = -10,
    /// It did not happen in time.
    SNL_E_TIMEOUT = -20,
    /// The caller withdrew the call.
    SNL_E_CANCELLED = -21,
    /// A connection could not be made or was lost.
    SNL_E_IO = -22,
    /// The TLS handshake failed, or a certificate is not trusted.
    SNL_E_TLS = -23,
    /// A server refused the user name or password, or wants one.
    SNL_E_AUTH = -24,
    /// A peer sent what the protocol does not allow.
    SNL_E_PROTOCOL = -25,
    /// Every connection of the pool is in use and the wait for one was too long.
    SNL_E_POOL_EXHAUSTED = -26,
    /// More commands wait than may wait.
    SNL_E_BACKPRESSURE = -27,
    /// No sentinel answers.
    SNL_E_SENTINELS_UNREACHABLE = -40,
    /// The sentinels that answer monitor no master of this name.
    SNL_E_MASTER_UNKNOWN = -41,
    /// The sentinels name a master, but no server confirms that it is the one.
    SNL_E_MASTER_NOT_READY = -42,
    /// Too few sentinels name the same master.
    SNL_E_NO_AGREEMENT = -43,
    /// No replica may be read from.
    SNL_E_NO_REPLICA = -44,
    /// The connection belonged to a master that has been replaced.
    SNL_E_MOVED = -45,
    /// The server answered with an error.
    SNL_E_SERVER = -60,
    /// The server is a replica and takes no writes.
    SNL_E_READONLY = -61,
    /// The server is not ready: it loads its data, or its master is gone.
    SNL_E_LOADING = -62,
    /// The user may not run this command.
    SNL_E_NOPERM = -63,
    /// Too few sentinels can be reached for a failover.
    SNL_E_QUORUM = -80,
    /// A listening address cannot be had.
    SNL_E_BIND = -81,
    /// A file or folder cannot be read or written.
    SNL_E_STORAGE = -82,
    /// No server program for tests was found.
    SNL_E_SPAWN = -83,
}

/// The code of a kind of failure.
pub(crate) fn code_of(kind: ErrorKind) -> Option<snl_code> {
    Some(match kind {
        ErrorKind::Argument => snl_code::SNL_E_ARG,
        ErrorKind::Handle => snl_code::SNL_E_HANDLE,
        ErrorKind::State => snl_code::SNL_E_STATE,
        ErrorKind::Config => snl_code::SNL_E_CONFIG,
        ErrorKind::Unsupported => snl_code::SNL_E_UNSUPPORTED,
        ErrorKind::Panic => snl_code::SNL_E_PANIC,
        ErrorKind::Forked => snl_code::SNL_E_FORKED,
        ErrorKind::Busy => snl_code::SNL_E_BUSY,
        ErrorKind::Stopped => snl_code::SNL_E_STOPPED,
        ErrorKind::Timeout => snl_code::SNL_E_TIMEOUT,
        ErrorKind::Cancelled => snl_code::SNL_E_CANCELLED,
        ErrorKind::Connection => snl_code::SNL_E_IO,
        ErrorKind::Tls => snl_code::SNL_E_TLS,
        ErrorKind::Auth => snl_code::SNL_E_AUTH,
        ErrorKind::Protocol => snl_code::SNL_E_PROTOCOL,
        ErrorKind::PoolExhausted => snl_code::SNL_E_POOL_EXHAUSTED,
        ErrorKind::Backpressure => snl_code::SNL_E_BACKPRESSURE,
        ErrorKind::SentinelsUnreachable => snl_code::SNL_E_SENTINELS_UNREACHABLE,
        ErrorKind::MasterUnknown => snl_code::SNL_E_MASTER_UNKNOWN,
        ErrorKind::MasterNotReady => snl_code::SNL_E_MASTER_NOT_READY,
        ErrorKind::NoAgreement => snl_code::SNL_E_NO_AGREEMENT,
        ErrorKind::NoReplica => snl_code::SNL_E_NO_REPLICA,
        ErrorKind::Moved => snl_code::SNL_E_MOVED,
        ErrorKind::Server => snl_code::SNL_E_SERVER,
        ErrorKind::ReadOnly => snl_code::SNL_E_READONLY,
        ErrorKind::Loading => snl_code::SNL_E_LOADING,
        ErrorKind::NoPermission => snl_code::SNL_E_NOPERM,
        ErrorKind::Quorum => snl_code::SNL_E_QUORUM,
        ErrorKind::Listen => snl_code::SNL_E_BIND,
        ErrorKind::File => snl_code::SNL_E_STORAGE,
        ErrorKind::NoServer => snl_code::SNL_E_SPAWN,
        // Kinds may be added; the test below refuses one without a code.
        _ => return None,
    })
}

/// The name of a number.
pub(crate) fn name_of(number: i32) -> &'static CStr {
    NAMES.iter().find(|(code, _)| *code as i32 == number).map_or(c"SNL_E_?", |(_, name)| name)
}

const NAMES: &[(snl_code, &CStr)] = &[
    (snl_code::SNL_OK, c"SNL_OK"),
    (snl_code::SNL_PENDING, c"SNL_PENDING"),
    (snl_code::SNL_EMPTY, c"SNL_EMPTY"),
    (snl_code::SNL_CLOSED, c"SNL_CLOSED"),
    (snl_code::SNL_E_ARG, c"SNL_E_ARG"),
    (snl_code::SNL_E_HANDLE, c"SNL_E_HANDLE"),
    (snl_code::SNL_E_STATE, c"SNL_E_STATE"),
    (snl_code::SNL_E_CONFIG, c"SNL_E_CONFIG"),
    (snl_code::SNL_E_UNSUPPORTED, c"SNL_E_UNSUPPORTED"),
    (snl_code::SNL_E_NOMEM, c"SNL_E_NOMEM"),
    (snl_code::SNL_E_PANIC, c"SNL_E_PANIC"),
    (snl_code::SNL_E_FORKED, c"SNL_E_FORKED"),
    (snl_code::SNL_E_BUSY, c"SNL_E_BUSY"),
    (snl_code::SNL_E_STOPPED, c"SNL_E_STOPPED"),
    (snl_code::SNL_E_TIMEOUT, c"SNL_E_TIMEOUT"),
    (snl_code::SNL_E_CANCELLED, c"SNL_E_CANCELLED"),
    (snl_code::SNL_E_IO, c"SNL_E_IO"),
    (snl_code::SNL_E_TLS, c"SNL_E_TLS"),
    (snl_code::SNL_E_AUTH, c"SNL_E_AUTH"),
    (snl_code::SNL_E_PROTOCOL, c"SNL_E_PROTOCOL"),
    (snl_code::SNL_E_POOL_EXHAUSTED, c"SNL_E_POOL_EXHAUSTED"),
    (snl_code::SNL_E_BACKPRESSURE, c"SNL_E_BACKPRESSURE"),
    (snl_code::SNL_E_SENTINELS_UNREACHABLE, c"SNL_E_SENTINELS_UNREACHABLE"),
    (snl_code::SNL_E_MASTER_UNKNOWN, c"SNL_E_MASTER_UNKNOWN"),
    (snl_code::SNL_E_MASTER_NOT_READY, c"SNL_E_MASTER_NOT_READY"),
    (snl_code::SNL_E_NO_AGREEMENT, c"SNL_E_NO_AGREEMENT"),
    (snl_code::SNL_E_NO_REPLICA, c"SNL_E_NO_REPLICA"),
    (snl_code::SNL_E_MOVED, c"SNL_E_MOVED"),
    (snl_code::SNL_E_SERVER, c"SNL_E_SERVER"),
    (snl_code::SNL_E_READONLY, c"SNL_E_READONLY"),
    (snl_code::SNL_E_LOADING, c"SNL_E_LOADING"),
    (snl_code::SNL_E_NOPERM, c"SNL_E_NOPERM"),
    (snl_code::SNL_E_QUORUM, c"SNL_E_QUORUM"),
    (snl_code::SNL_E_BIND, c"SNL_E_BIND"),
    (snl_code::SNL_E_STORAGE, c"SNL_E_STORAGE"),
    (snl_code::SNL_E_SPAWN, c"SNL_E_SPAWN"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ErrorKind, NAMES, code_of, name_of};

    #[test]
    fn every_kind_of_failure_has_a_code_of_its_own() {
        let codes: BTreeSet<_> = ErrorKind::ALL.iter().filter_map(|kind| Some(code_of(*kind)? as i32)).collect();

        assert_eq!(codes.len(), ErrorKind::ALL.len());
        assert!(codes.iter().all(|code| *code < 0 && name_of(*code) != c"SNL_E_?"));
    }

    #[test]
    fn every_code_has_its_name() {
        for (code, name) in NAMES {
            assert_eq!(name.to_str(), Ok(format!("{code:?}").as_str()));
            assert_eq!(name_of(*code as i32), *name);
        }
        assert_eq!(name_of(-999), c"SNL_E_?");
    }
}
