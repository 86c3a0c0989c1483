//! Decides what a server's error reply says of the command: refused for now, for good, or by a server that is no master.

use crate::{
    error::{Error, ErrorKind, Outcome},
    types::Endpoint,
};

/// What an error reply means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) kind: ErrorKind,
    pub(super) course: Course,
}

/// What is to be done about an error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// It is the answer.
    Tell,
    /// The command was not executed and may be in a moment.
    Again,
    /// The server is not, or no longer, the master: the command was not executed, and the master has to be found.
    FindMaster(Option<Endpoint>),
    /// A new password has to be fetched.
    Authenticate,
}

/// Reads an error reply such as `READONLY You can't write against a read only replica.`
pub(super) fn read(text: &str) -> Refused {
    let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (kind, course) = match code {
        "READONLY" => (ErrorKind::ReadOnly, Course::FindMaster(None)),
        "REDIRECT" => (ErrorKind::ReadOnly, Course::FindMaster(endpoint(rest))),
        "LOADING" | "MASTERDOWN" => (ErrorKind::Loading, Course::FindMaster(None)),
        "UNBLOCKED" => (ErrorKind::Moved, Course::Tell),
        "BUSY" | "TRYAGAIN" | "NOREPLICAS" => (ErrorKind::Server, Course::Again),
        "ERR" if rest.starts_with("max number of clients") => (ErrorKind::Server, Course::Again),
        "NOAUTH" | "WRONGPASS" => (ErrorKind::Auth, Course::Authenticate),
        "NOPERM" => (ErrorKind::NoPermission, Course::Tell),
        _ => (ErrorKind::Server, Course::Tell),
    };
    Refused { kind, course }
}

/// The failure that an error reply is; its subject is the server's text.
pub(super) fn failure(text: &str, kind: ErrorKind) -> Error {
    let code = text.split(' ').next().unwrap_or_default();
    Error::new(kind, "run a command", text).with_outcome(Outcome::Rejected).with_server_code(code)
}

fn endpoint(text: &str) -> Option<Endpoint> {
    let (host, port) = text.trim().rsplit_once(':')?;
    Endpoint::parse(host.trim_start_matches('[').trim_end_matches(']'), port.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{Course, read};
    use crate::{error::ErrorKind, types::Endpoint};

    #[test]
    fn an_error_reply_says_what_is_to_be_done() {
        let other = Endpoint::parse("10.0.0.2", 6380);
        for (text, kind, course) in [
            ("READONLY You can't write against a read only replica.", ErrorKind::ReadOnly, Course::FindMaster(None)),
            ("REDIRECT 10.0.0.2:6380", ErrorKind::ReadOnly, Course::FindMaster(other)),
            ("LOADING Redis is loading the dataset in memory", ErrorKind::Loading, Course::FindMaster(None)),
            ("TRYAGAIN Multiple keys request", ErrorKind::Server, Course::Again),
            ("NOREPLICAS Not enough good replicas to write.", ErrorKind::Server, Course::Again),
            ("ERR max number of clients reached", ErrorKind::Server, Course::Again),
            ("ERR syntax error", ErrorKind::Server, Course::Tell),
            ("WRONGPASS invalid username-password pair", ErrorKind::Auth, Course::Authenticate),
            ("NOPERM this user has no permissions", ErrorKind::NoPermission, Course::Tell),
            ("", ErrorKind::Server, Course::Tell),
        ] {
            let refused = read(text);
            assert_eq!((refused.kind, refused.course), (kind, course), "{text}");
        }
    }
}
