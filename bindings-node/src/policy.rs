//! Decides how the data path in JavaScript asks the engine what a command may do, and what follows a failure.

use napi::{
    Result,
    bindgen_prelude::{Either, Uint8Array},
};
use napi_derive::napi;
use sentinelle::facade::{Class, Command, ErrorKind, Failure, Outcome, class_name, classify, judge_failure};

use crate::{discovery::sign_name, promise::thrown, sentinel::bytes_of};

/// What to do after a failed attempt.
#[napi(object)]
#[derive(Debug)]
pub struct NativeVerdict {
    /// Whether the same command may be sent again.
    pub may_retry: bool,
    /// What to tell the discovery.
    pub sign: Option<String>,
    /// Whether the credentials must be fetched again first.
    pub needs_credentials: bool,
}

/// What a command may do: `read`, `idempotent`, `write`, `blocking`, `session`.
#[napi]
pub fn classify_command(words: Vec<Either<String, Uint8Array>>) -> &'static str {
    class_name(classify(&Command::new(bytes_of(words))))
}

/// Judges a failed attempt: the command's class, `not-sent`, `rejected` or `unknown`, and the server's error reply.
#[napi]
pub fn judge_attempt(kind: String, outcome: String, reply: Option<String>) -> Result<NativeVerdict> {
    let known = CLASSES.into_iter().find(|known| class_name(*known) == kind);
    let class = known.ok_or_else(|| unknown(&kind))?;
    let outcome = match outcome.as_str() {
        "not-sent" => Outcome::NotSent,
        "rejected" => Outcome::Rejected,
        "unknown" => Outcome::Unknown,
        other => return Err(unknown(other)),
    };
    let verdict = judge_failure(class, outcome, reply.as_deref());
    Ok(NativeVerdict {
        may_retry: verdict.may_retry,
        sign: verdict.sign.as_ref().map(sign_name),
        needs_credentials: verdict.needs_credentials,
    })
}

/// The names of all kinds of failure.
#[napi]
pub fn error_kinds() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.name()).collect()
}

fn unknown(word: &str) -> napi::Error {
    thrown(&Failure::new(ErrorKind::Argument, "judge an attempt", word))
}

const CLASSES: [Class; 5] = [Class::Read, Class::Idempotent, Class::Write, Class::Blocking, Class::Session];
