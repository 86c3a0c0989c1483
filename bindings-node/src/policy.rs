//! Decides how the data path in JavaScript asks the engine what a command may do, and what follows a failure.

use napi::{
    Result,
    bindgen_prelude::{Either, Uint8Array},
};
use napi_derive::napi;
use sentinelle::facade::{Class, Command, ErrorKind, Failure, Outcome, Retries, class_name, classify, judge_failure};

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

/// How often all calls of one client are tried again.
#[napi]
#[derive(Debug)]
pub struct NativeRetries {
    retries: Retries,
}

#[napi]
impl NativeRetries {
    /// A full budget.
    #[napi(constructor)]
    pub fn new() -> Result<Self> {
        Ok(Self { retries: Retries::new().map_err(|failure| thrown(&failure))? })
    }

    /// How many milliseconds to wait before a call that was tried so often is tried again; null when it may not be.
    #[napi(js_name = "nextMs")]
    pub fn next_ms(&self, attempts: u32, calls: f64) -> Option<f64> {
        self.retries.next_ms(attempts, calls as u64).map(|pause| pause as f64)
    }
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
