//! Decides what a host learns of a failure: an object that owns every text of it.

use std::ffi::{CString, c_char};

use sentinelle::facade::{Failure, Outcome};

use crate::{
    code::{code_of, snl_code},
    token::Table,
    wall::{Handled, find, free, look},
};

/// A failure. Made by a call that failed; freed by `snl_error_free`.
pub struct snl_error {
    _private: [u8; 0],
}

/// What is known of a command that failed.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snl_outcome {
    /// No byte of it left this process: it was not executed.
    SNL_OUTCOME_NOT_SENT = 0,
    /// The server refused it: it was not executed.
    SNL_OUTCOME_REJECTED = 1,
    /// It was sent and no reply came: it may have been executed.
    SNL_OUTCOME_UNKNOWN = 2,
    /// The failure concerns no command.
    SNL_OUTCOME_NONE = -1,
}

/// A failure and its texts as C wants them.
pub(crate) struct ErrorObject {
    code: snl_code,
    outcome: snl_outcome,
    is_retryable: bool,
    message: CString,
    server_code: CString,
    address: CString,
    detail: CString,
}

static ERRORS: Table<ErrorObject> = Table::new(1);

impl Handled for ErrorObject {
    type Opaque = snl_error;
    const NAME: &'static str = "error";
    fn table() -> &'static Table<Self> {
        &ERRORS
    }
}

impl ErrorObject {
    pub(crate) fn new(failure: &Failure) -> Self {
        let outcome = match failure.outcome {
            None => snl_outcome::SNL_OUTCOME_NONE,
            Some(Outcome::NotSent) => snl_outcome::SNL_OUTCOME_NOT_SENT,
            Some(Outcome::Rejected) => snl_outcome::SNL_OUTCOME_REJECTED,
            Some(Outcome::Unknown) => snl_outcome::SNL_OUTCOME_UNKNOWN,
        };
        Self {
            code: code_of(failure.kind).unwrap_or(snl_code::SNL_E_PANIC),
            outcome,
            is_retryable: failure.retryable,
            detail: c_text(failure.json()),
            message: c_text(failure.message.clone()),
            server_code: c_text(failure.server_code.clone().unwrap_or_default()),
            address: c_text(failure.address.clone().unwrap_or_default()),
        }
    }
}

/// The text up to its first NUL.
pub(crate) fn c_text(text: impl Into<Vec<u8>>) -> CString {
    let mut bytes = text.into();
    bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
    CString::new(bytes).unwrap_or_default()
}

/// The error's code: one of `snl_code`; `SNL_E_HANDLE` when `e` is no error.
#[unsafe(no_mangle)]
pub extern "C" fn snl_error_code(e: *const snl_error) -> i32 {
    look(snl_code::SNL_E_HANDLE as i32, || Some(find::<ErrorObject>(e).ok()?.code as i32))
}

/// What is known of the command: one of `snl_outcome`.
#[unsafe(no_mangle)]
pub extern "C" fn snl_error_outcome(e: *const snl_error) -> i32 {
    look(snl_outcome::SNL_OUTCOME_NONE as i32, || Some(find::<ErrorObject>(e).ok()?.outcome as i32))
}

/// 1 when the same call may succeed later, else 0.
#[unsafe(no_mangle)]
pub extern "C" fn snl_error_retryable(e: *const snl_error) -> i32 {
    look(0, || Some(i32::from(find::<ErrorObject>(e).ok()?.is_retryable)))
}

/// The whole text, for people. Lives as long as `e`, as all texts of an error do.
#[unsafe(no_mangle)]
pub extern "C" fn snl_error_message(e: *const snl_error) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<ErrorObject>(e).ok()?.message.as_ptr()))
}

/// The first word of the server's error reply, such as `READONLY`; empty when the server said none.
#[unsafe(no_mangle)]
pub extern "C" fn snl_error_server_code(e: *const snl_error) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<ErrorObject>(e).ok()?.server_code.as_ptr()))
}

/// The server it concerns, as `host:port`; empty when it concerns none.
#[unsafe(no_mangle)]
pub extern "C" fn snl_error_address(e: *const snl_error) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<ErrorObject>(e).ok()?.address.as_ptr()))
}

/// Everything as one JSON object; `evidence` holds what each sentinel said.
#[unsafe(no_mangle)]
pub extern "C" fn snl_error_detail_json(e: *const snl_error) -> *const c_char {
    look(c"{}".as_ptr(), || Some(find::<ErrorObject>(e).ok()?.detail.as_ptr()))
}

/// Frees an error; NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_error_free(e: *mut snl_error) {
    free::<ErrorObject>(e);
}
