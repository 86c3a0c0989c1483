//! Decides how a host runs a sentinel inside its own process.

use std::{
    ffi::{CString, c_char, c_void},
    sync::OnceLock,
};

use sentinelle::facade::{Events, FailoverKind, Failure, Patience, Sentinel};

use crate::{
    code::snl_code,
    command::{CommandObject, snl_cmd},
    config::{monitor_of, snl_config, wishes_of},
    error::{c_text, snl_error},
    event::{self, Gate, snl_event, snl_event_cb},
    reply::{self, snl_reply},
    token::Table,
    wall::{self, Handled, Out, bad_argument, enter, find, free, give, look, patience},
};

/// A running sentinel. Made by `snl_sentinel_start`; stopped by `snl_sentinel_stop`, or when it is freed.
pub struct snl_sentinel {
    _private: [u8; 0],
}

/// A sentinel, and what was asked of it once.
pub(crate) struct SentinelObject {
    sentinel: Sentinel,
    host: CString,
    port: u16,
    id: CString,
    events: OnceLock<Events>,
    gate: Gate,
}

static SENTINELS: Table<SentinelObject> = Table::new(5);

impl Handled for SentinelObject {
    type Opaque = snl_sentinel;
    const NAME: &'static str = "sentinel";
    fn table() -> &'static Table<Self> {
        &SENTINELS
    }
}

impl SentinelObject {
    fn new(sentinel: Sentinel) -> Self {
        let address = sentinel.address();
        let events = OnceLock::new();
        // From the start, so that nothing is missed before the host asks.
        if let Ok(stream) = sentinel.events() {
            let _ = events.set(stream);
        }
        Self {
            id: c_text(sentinel.id()),
            port: address.as_ref().map_or(0, |address| address.port),
            host: c_text(address.map(|address| address.host).unwrap_or_default()),
            sentinel,
            events,
            gate: Gate::new(),
        }
    }

    fn events(&self) -> Result<Events, Failure> {
        if let Some(events) = self.events.get() {
            return Ok(events.clone());
        }
        let events = self.sentinel.events()?;
        Ok(self.events.get_or_init(|| events).clone())
    }
}

/// Starts a sentinel; returns when it listens.
///
/// It monitors the masters of `snl_config_monitor`, or is what the `sentinel.conf` of `c` says (the option `conf_file`, or
/// a text given to `snl_config_load`). `c` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_start(
    c: *const snl_config,
    out: *mut *mut snl_sentinel,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let wishes = wishes_of(c)?;
        let starting = match (&wishes.path, &wishes.conf) {
            (Some(_), _) | (_, Some(_)) if !wishes.masters.is_empty() => {
                return Err(bad_argument("c", "has masters of its own beside a sentinel.conf"));
            }
            (Some(_), Some(_)) => return Err(bad_argument("c", "has both the path and the text of a sentinel.conf")),
            (Some(path), None) => Sentinel::start_from_file(path, &wishes.options),
            (None, Some(text)) => Sentinel::start_from_text(text, &wishes.options),
            (None, None) => Sentinel::start(&wishes.options, &wishes.masters),
        };
        out.put(give(SentinelObject::new(starting.wait(&Patience::endless())?))?);
        Ok(snl_code::SNL_OK)
    })
}

/// The first address it listens on. Lives as long as `s`; `SNL_EMPTY` when it listens nowhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_address(s: *const snl_sentinel, host: *mut *const c_char, port: *mut i32) -> i32 {
    enter(std::ptr::null_mut(), || {
        let object = find::<SentinelObject>(s)?;
        // SAFETY: both are the caller's, as the header says.
        let (host, port) = unsafe { (Out::at(host, "host")?, Out::at(port, "port")?) };
        if object.port == 0 {
            return Ok(snl_code::SNL_EMPTY);
        }
        host.put(object.host.as_ptr());
        port.put(i32::from(object.port));
        Ok(snl_code::SNL_OK)
    })
}

/// Its identity: 40 hexadecimal digits. Lives as long as `s`.
#[unsafe(no_mangle)]
pub extern "C" fn snl_sentinel_id(s: *const snl_sentinel) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<SentinelObject>(s).ok()?.id.as_ptr()))
}

/// Monitors a further master (`SENTINEL MONITOR`); `options` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_monitor(
    s: *mut snl_sentinel,
    name: *const c_char,
    host: *const c_char,
    port: i32,
    quorum: i32,
    options: *const snl_config,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<SentinelObject>(s)?;
        // SAFETY: `name` and `host` are the caller's, as the header says.
        let master = unsafe { monitor_of(name, host, port, quorum, options) }?;
        object.sentinel.monitor(&master).wait(&Patience::endless())?;
        Ok(snl_code::SNL_OK)
    })
}

/// Changes an option of a master (`SENTINEL SET`): those of a monitored master, and `quorum`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_set(
    s: *mut snl_sentinel,
    name: *const c_char,
    option: *const c_char,
    value: *const c_char,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<SentinelObject>(s)?;
        // SAFETY: all three are the caller's, as the header says.
        let (name, option, value) =
            unsafe { (wall::word(name, "name")?, wall::word(option, "option")?, wall::word(value, "value")?) };
        object.sentinel.set(name, &[(option, value)]).wait(&Patience::endless())?;
        Ok(snl_code::SNL_OK)
    })
}

/// Stops monitoring a master (`SENTINEL REMOVE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_remove(
    s: *mut snl_sentinel,
    name: *const c_char,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<SentinelObject>(s)?;
        // SAFETY: `name` is the caller's, as the header says.
        let name = unsafe { wall::word(name, "name") }?;
        object.sentinel.remove(name).wait(&Patience::endless())?;
        Ok(snl_code::SNL_OK)
    })
}

/// Orders a failover (`SENTINEL FAILOVER`); returns when it has begun.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_failover(
    s: *mut snl_sentinel,
    name: *const c_char,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<SentinelObject>(s)?;
        // SAFETY: `name` is the caller's, as the header says.
        let name = unsafe { wall::word(name, "name") }?;
        object.sentinel.failover(name, FailoverKind::Usual).wait(&Patience::endless())?;
        Ok(snl_code::SNL_OK)
    })
}

/// Asks whether enough sentinels can be reached for a failover (`SENTINEL CKQUORUM`); `SNL_E_QUORUM` when not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_ckquorum(
    s: *mut snl_sentinel,
    name: *const c_char,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<SentinelObject>(s)?;
        // SAFETY: `name` is the caller's, as the header says.
        let name = unsafe { wall::word(name, "name") }?;
        object.sentinel.check_quorum(name).wait(&Patience::endless())?;
        Ok(snl_code::SNL_OK)
    })
}

/// Runs any command as a client inside this process who needs no password; an error reply is a reply of type error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_command(
    s: *mut snl_sentinel,
    cmd: *const snl_cmd,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<SentinelObject>(s)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let words = find::<CommandObject>(cmd)?.words()?;
        let given = object.sentinel.command(words).wait(&Patience::endless())?;
        reply::put(&out, given)?;
        Ok(snl_code::SNL_OK)
    })
}

/// All that it knows at this moment, as JSON in a reply of type bulk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_state_json(
    s: *const snl_sentinel,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<SentinelObject>(s)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let status = object.sentinel.status().wait(&Patience::endless())?;
        reply::put(&out, sentinelle::facade::Reply::bulk(status.json()))?;
        Ok(snl_code::SNL_OK)
    })
}

/// A descriptor that is readable while an event waits; only to be polled. Negative: a code.
#[unsafe(no_mangle)]
pub extern "C" fn snl_sentinel_event_fd(s: *mut snl_sentinel) -> i32 {
    event::descriptor(|| find::<SentinelObject>(s)?.events())
}

/// Waits for the next event. `SNL_EMPTY` when none came in time, `SNL_CLOSED` when none will come.
///
/// `timeout_ms` 0 looks once; negative waits for ever.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_event_next(
    s: *mut snl_sentinel,
    timeout_ms: i64,
    out: *mut *mut snl_event,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let events = find::<SentinelObject>(s)?.events()?;
        // SAFETY: `out` is the caller's, as the header says.
        unsafe { event::fetch(&events, timeout_ms, out) }
    })
}

/// Has `callback` called with each event from now on, on a thread of the library; those events cannot be fetched.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sentinel_on_event(
    s: *mut snl_sentinel,
    callback: snl_event_cb,
    userdata: *mut c_void,
) -> i32 {
    enter(std::ptr::null_mut(), || {
        let object = find::<SentinelObject>(s)?;
        event::listen(&object.events()?, &object.gate, callback, userdata)?;
        Ok(snl_code::SNL_OK)
    })
}

/// Stops it and waits until its sockets and files are closed; `SNL_E_TIMEOUT` when that takes longer than `timeout_ms`.
///
/// May be called again. The handle stays and is still to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn snl_sentinel_stop(s: *mut snl_sentinel, timeout_ms: i64, err: *mut *mut snl_error) -> i32 {
    enter(err, || {
        find::<SentinelObject>(s)?.sentinel.stop().wait(&patience(timeout_ms))?;
        Ok(snl_code::SNL_OK)
    })
}

/// Frees it, and stops it when it still runs. NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_sentinel_free(s: *mut snl_sentinel) {
    if let Some(object) = free::<SentinelObject>(s) {
        object.gate.close();
    }
}
