//! Decides which number stands for each result: never renumbered, one for each kind of failure.

use sentinelle::facade::ErrorKind;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal $(<- $kind:ident)?;)+) => {
        /// What a call returns: 0 when it did what it says, negative when it failed, positive when there was nothing
        /// to do. Functions return it as `int32_t`.
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum snl_code {
            $($(#[doc = $doc])+ $name = $number,)+
        }

        /// The code of a kind of failure.
        pub(crate) fn code_of(kind: ErrorKind) -> Option<snl_code> {
            match kind {
                $($(ErrorKind::$kind => Some(snl_code::$name),)?)+
                _ => None,
            }
        }

        /// The name of a number, as C text.
        pub(crate) fn name_of(number: i32) -> &'static std::ffi::CStr {
            match number {
                $($number => const {
                    match std::ffi::CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                        Ok(name) => name,
                        Err(_) => panic!("a name holds no NUL"),
                    }
                },)+
                _ => c"SNL_E_?",
            }
        }
    };
}

codes! {
    /// Done.
    SNL_OK = 0;
    /// It is under way.
    SNL_PENDING = 1;
    /// Nothing came in time.
    SNL_EMPTY = 2;
    /// Nothing will come any more.
    SNL_CLOSED = 3;
    /// An argument cannot be used.
    SNL_E_ARG = -1 <- Argument;
    /// The handle is NULL, freed, or of another kind.
    SNL_E_HANDLE = -2 <- Handle;
    /// The call does not fit the state the object is in.
    SNL_E_STATE = -3 <- State;
    /// An option, a URL or a configuration file cannot be used.
    SNL_E_CONFIG = -4 <- Config;
    /// This build or server cannot do it.
    SNL_E_UNSUPPORTED = -5 <- Unsupported;
    /// Too many objects of the kind live.
    SNL_E_NOMEM = -6;
    /// A bug of this library was caught at its border.
    SNL_E_PANIC = -7 <- Panic;
    /// The handle belongs to the parent process.
    SNL_E_FORKED = -8 <- Forked;
    /// Another thread uses the object at this moment.
    SNL_E_BUSY = -9 <- Busy;
    /// The sentinel is stopped.
    SNL_E_STOPPED = -10 <- Stopped;
    /// It did not happen in time.
    SNL_E_TIMEOUT = -20 <- Timeout;
    /// The caller withdrew the call.
    SNL_E_CANCELLED = -21 <- Cancelled;
    /// A connection could not be made or was lost.
    SNL_E_IO = -22 <- Connection;
    /// The TLS handshake failed, or a certificate is not trusted.
    SNL_E_TLS = -23 <- Tls;
    /// A server refused the user name or password, or wants one.
    SNL_E_AUTH = -24 <- Auth;
    /// A peer sent what the protocol does not allow.
    SNL_E_PROTOCOL = -25 <- Protocol;
    /// Every connection of the pool is in use and the wait for one was too long.
    SNL_E_POOL_EXHAUSTED = -26 <- PoolExhausted;
    /// More commands wait than may wait.
    SNL_E_BACKPRESSURE = -27 <- Backpressure;
    /// No sentinel answers.
    SNL_E_SENTINELS_UNREACHABLE = -40 <- SentinelsUnreachable;
    /// The sentinels that answer monitor no master of this name.
    SNL_E_MASTER_UNKNOWN = -41 <- MasterUnknown;
    /// The sentinels name a master, but no server confirms that it is the one.
    SNL_E_MASTER_NOT_READY = -42 <- MasterNotReady;
    /// Too few sentinels name the same master.
    SNL_E_NO_AGREEMENT = -43 <- NoAgreement;
    /// No replica may be read from.
    SNL_E_NO_REPLICA = -44 <- NoReplica;
    /// The connection belonged to a master that has been replaced.
    SNL_E_MOVED = -45 <- Moved;
    /// The server answered with an error.
    SNL_E_SERVER = -60 <- Server;
    /// The server is a replica and takes no writes.
    SNL_E_READONLY = -61 <- ReadOnly;
    /// The server is not ready: it loads its data, or its master is gone.
    SNL_E_LOADING = -62 <- Loading;
    /// The user may not run this command.
    SNL_E_NOPERM = -63 <- NoPermission;
    /// Too few sentinels can be reached for a failover.
    SNL_E_QUORUM = -80 <- Quorum;
    /// A listening address cannot be had.
    SNL_E_BIND = -81 <- Listen;
    /// A file or folder cannot be read or written.
    SNL_E_STORAGE = -82 <- File;
    /// No server program for tests was found.
    SNL_E_SPAWN = -83 <- NoServer;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ErrorKind, code_of, name_of};

    #[test]
    fn every_kind_of_failure_has_a_code_of_its_own() {
        let codes: BTreeSet<_> = ErrorKind::ALL.iter().filter_map(|kind| Some(code_of(*kind)? as i32)).collect();

        assert_eq!(codes.len(), ErrorKind::ALL.len());
        assert!(codes.iter().all(|code| *code < 0 && name_of(*code) != c"SNL_E_?"));
    }
}
