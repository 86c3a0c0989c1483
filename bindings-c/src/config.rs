//! Decides how a host says what it wants: a URL or a file's text, then any number of options by key.

use std::{
    collections::BTreeSet,
    ffi::{CString, c_char},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use sentinelle::facade::{ErrorKind, Failure, Monitor, Options, options_json};

use crate::{
    code::snl_code,
    error::{c_text, snl_error},
    token::Table,
    wall::{self, Handled, Out, bad_argument, enter, find, free, give, port, whole},
};

/// Options for a sentinel, a discovery, a pool or a test group. Made by `snl_config_new`, freed by `snl_config_free`.
pub struct snl_config {
    _private: [u8; 0],
}

/// What a text given to `snl_config_load` is.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snl_format {
    /// A URL when it has `://` in its first line, else a `sentinel.conf`.
    SNL_FORMAT_AUTO = 0,
    /// `redis+sentinel://[user:password@]host:port,host:port/master[/db]?key=value`
    SNL_FORMAT_URL = 1,
    /// The text of a `sentinel.conf`.
    SNL_FORMAT_CONF = 2,
}

/// What was configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) options: Options,
    pub(crate) masters: Vec<Monitor>,
    /// The text of a `sentinel.conf`.
    pub(crate) conf: Option<String>,
    /// The path of a `sentinel.conf`.
    pub(crate) path: Option<String>,
}

impl Wishes {
    /// The same wishes when they say which sentinels to ask.
    pub(crate) fn with_sentinels(self) -> Result<Self, Failure> {
        if self.options.get("sentinels").is_some() {
            return Ok(self);
        }
        Err(Failure::new(ErrorKind::Config, "check an argument", "argument c: the option sentinels is missing"))
    }
}

/// Wishes that can be changed, and the texts that were shown of them.
#[derive(Default)]
pub(crate) struct ConfigObject {
    wishes: Mutex<Wishes>,
    /// Keeps each value that was looked at where it was looked at.
    shown: Mutex<BTreeSet<CString>>,
}

static CONFIGS: Table<ConfigObject> = Table::new(2);

impl Handled for ConfigObject {
    type Opaque = snl_config;
    const NAME: &'static str = "config";
    fn table() -> &'static Table<Self> {
        &CONFIGS
    }
}

impl ConfigObject {
    /// What was configured until now.
    pub(crate) fn wishes(&self) -> Wishes {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value with a NUL behind it, kept until the configuration is freed.
    fn show(&self, value: &str) -> (*const c_char, usize) {
        let text = c_text(value);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if !shown.contains(&text) {
            shown.insert(text.clone());
        }
        shown.get(&text).map_or((c"".as_ptr(), 0), |kept| (kept.as_ptr(), kept.as_bytes().len()))
    }
}

/// The wishes of a configuration; none of NULL.
pub(crate) fn wishes_of(c: *const snl_config) -> Result<Wishes, Failure> {
    if c.is_null() { Ok(Wishes::default()) } else { Ok(find::<ConfigObject>(c)?.wishes()) }
}

/// Makes an empty configuration: every default holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_config_new(out: *mut *mut snl_config, err: *mut *mut snl_error) -> i32 {
    enter(err, || {
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        out.put(give(ConfigObject::default())?);
        Ok(snl_code::SNL_OK)
    })
}

/// Reads a URL or the text of a `sentinel.conf` into a configuration; `format` is one of `snl_format`.
///
/// Options of a URL are added to those that are set. A `sentinel.conf` is used by `snl_sentinel_start` alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_config_load(
    c: *mut snl_config,
    text: *const c_char,
    n: usize,
    format: i32,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let config = find::<ConfigObject>(c)?;
        // SAFETY: `text` and `n` are the caller's, as the header says.
        let text = unsafe { wall::text(text, n, "text") }?;
        let is_url = match format {
            0 => text.lines().next().unwrap_or_default().contains("://"),
            1 => true,
            2 => false,
            other => return Err(bad_argument("format", format!("is none: {other}"))),
        };
        if is_url {
            let options = Options::from_url(text.trim())?;
            let mut wishes = config.lock();
            wishes.options = wishes.options.overlaid(&options);
        } else {
            config.lock().conf = Some(text.to_owned());
        }
        Ok(snl_code::SNL_OK)
    })
}

/// Sets an option; `snl_config_keys_json` lists them. The key `conf_file` names a `sentinel.conf` to start from.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_config_set(
    c: *mut snl_config,
    key: *const c_char,
    value: *const c_char,
    n: usize,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let config = find::<ConfigObject>(c)?;
        // SAFETY: `key`, `value` and `n` are the caller's, as the header says.
        let (key, value) = unsafe { (wall::word(key, "key")?, wall::text(value, n, "value")?) };
        if key == "conf_file" {
            config.lock().path = Some(value.to_owned());
        } else {
            config.lock().options.set(key, value)?;
        }
        Ok(snl_code::SNL_OK)
    })
}

/// The value that an option was set to; `SNL_EMPTY` when it was not set. Lives as long as `c`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_config_get(
    c: *const snl_config,
    key: *const c_char,
    value: *mut *const c_char,
    n: *mut usize,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let config = find::<ConfigObject>(c)?;
        // SAFETY: all three are the caller's, as the header says.
        let (key, value, n) = unsafe { (wall::word(key, "key")?, Out::at(value, "value")?, Out::at(n, "n")?) };
        let wishes = config.lock();
        let found = if key == "conf_file" { wishes.path.as_deref() } else { wishes.options.get(key) };
        let Some(found) = found else { return Ok(snl_code::SNL_EMPTY) };
        let (text, length) = config.show(found);
        value.put(text);
        n.put(length);
        Ok(snl_code::SNL_OK)
    })
}

/// Adds a master that an embedded sentinel shall monitor; `options` may be NULL.
///
/// Of `options`, those for a monitored master hold: `down_after_ms`, `failover_timeout_ms` and so on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_config_monitor(
    c: *mut snl_config,
    name: *const c_char,
    host: *const c_char,
    port_number: i32,
    quorum: i32,
    options: *const snl_config,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let config = find::<ConfigObject>(c)?;
        // SAFETY: `name` and `host` are the caller's, as the header says.
        let master = unsafe { monitor_of(name, host, port_number, quorum, options) }?;
        config.lock().masters.push(master);
        Ok(snl_code::SNL_OK)
    })
}

/// A master as the arguments say.
///
/// # Safety
/// `name` and `host` are NULL or texts that end in NUL.
pub(crate) unsafe fn monitor_of(
    name: *const c_char,
    host: *const c_char,
    port_number: i32,
    quorum: i32,
    options: *const snl_config,
) -> Result<Monitor, Failure> {
    // SAFETY: the same duty.
    let (name, host) = unsafe { (wall::word(name, "name")?, wall::word(host, "host")?) };
    let monitor = Monitor::new(name, host, port(port_number, "port_number")?, whole(quorum, "quorum")?);
    Ok(monitor.with(wishes_of(options)?.options))
}

/// The table of all options, as a JSON array: key, type, unit, default, bounds, scopes, text. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn snl_config_keys_json() -> *const c_char {
    static KEYS: OnceLock<CString> = OnceLock::new();
    wall::look(c"[]".as_ptr(), || Some(KEYS.get_or_init(|| c_text(options_json())).as_ptr()))
}

/// Frees a configuration; what was started from it goes on. NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_config_free(c: *mut snl_config) {
    free::<ConfigObject>(c);
}
