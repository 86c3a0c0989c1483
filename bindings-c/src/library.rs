//! Decides what a host learns of the library itself: version, features, names of codes, its log, and how it is ended.

use std::{
    ffi::{CString, c_char},
    sync::OnceLock,
};

use sentinelle::facade::{LogLevel, logs, set_log_level, shutdown};

use crate::{
    code::{name_of, snl_code},
    error::{c_text, snl_error},
    event::{self, snl_event},
    process,
    wall::{self, bad_argument, enter, look},
};

/// The library's version, such as `0.1.0`.
#[unsafe(no_mangle)]
pub extern "C" fn snl_version() -> *const c_char {
    static VERSION: OnceLock<CString> = OnceLock::new();
    look(c"".as_ptr(), || Some(VERSION.get_or_init(|| c_text(env!("CARGO_PKG_VERSION"))).as_ptr()))
}

/// The number of the binary interface: 1. Another number means other functions.
#[unsafe(no_mangle)]
pub extern "C" fn snl_abi() -> i32 {
    1
}

/// 1 when the library has the feature (`embed`, `pool`, `testgroup`, `tls`), else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_has_feature(name: *const c_char) -> i32 {
    look(0, || {
        // SAFETY: `name` is the caller's, as the header says.
        let name = unsafe { wall::word(name, "name") }.ok()?;
        Some(i32::from(["embed", "pool", "testgroup", "tls"].contains(&name)))
    })
}

/// The name of a code, such as `SNL_E_TIMEOUT`.
#[unsafe(no_mangle)]
pub extern "C" fn snl_code_name(code: i32) -> *const c_char {
    name_of(code).as_ptr()
}

/// Sets from which level on log records are kept: `error`, `warn`, `info`, `debug`, `trace`, or `off` (the default).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_log_level(level: *const c_char, err: *mut *mut snl_error) -> i32 {
    enter(err, || {
        // SAFETY: `level` is the caller's, as the header says.
        let level = unsafe { wall::word(level, "level") }?;
        let level = LogLevel::parse(level).ok_or_else(|| bad_argument("level", format!("is none: \"{level}\"")))?;
        set_log_level(level);
        Ok(snl_code::SNL_OK)
    })
}

/// A descriptor that is readable while a log record waits; only to be polled. Negative: a code.
#[unsafe(no_mangle)]
pub extern "C" fn snl_log_fd() -> i32 {
    event::descriptor(|| Ok(logs()))
}

/// Waits for the next log record, which is an event. `SNL_EMPTY` when none came in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_log_next(timeout_ms: i64, out: *mut *mut snl_event, err: *mut *mut snl_error) -> i32 {
    enter(err, || {
        // SAFETY: `out` is the caller's, as the header says.
        unsafe { event::fetch(&logs(), timeout_ms, out) }
    })
}

/// Lets a forked child use the library anew. Handles of the parent stay unusable, but for being freed.
#[unsafe(no_mangle)]
pub extern "C" fn snl_after_fork() -> i32 {
    process::renew();
    snl_code::SNL_OK as i32
}

/// Ends the library's threads, for `timeout_ms` at most; what still runs on them is dropped. The next call starts them anew.
#[unsafe(no_mangle)]
pub extern "C" fn snl_shutdown(timeout_ms: i64) -> i32 {
    enter(std::ptr::null_mut(), || {
        shutdown(u64::try_from(timeout_ms).unwrap_or(u64::MAX));
        Ok(snl_code::SNL_OK)
    })
}
