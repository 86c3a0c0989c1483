//! Decides how a host builds a command: word by word, as bytes, with how it shall be carried out.

use std::{
    ffi::c_char,
    sync::{
        Arc, Mutex, MutexGuard, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
};

use sentinelle::facade::{ErrorKind, Failure, Outcome, Patience};

use crate::{
    code::snl_code,
    error::snl_error,
    token::Table,
    wall::{self, Handled, Out, bad_argument, enter, find, free, give},
};

/// A command. Made by `snl_cmd_new`, filled by the calls below, used as often as wished, freed by `snl_cmd_free`.
///
/// One thread at a time may use it; another one gets `SNL_E_BUSY`.
pub struct snl_cmd {
    _private: [u8; 0],
}

/// What ends commands that wait, from another thread. Made by `snl_cancel_new`, freed by `snl_cancel_free`.
pub struct snl_cancel {
    _private: [u8; 0],
}

/// Words and wishes, guarded against two threads at once.
pub(crate) struct CommandObject(Mutex<Parts>);

/// What a command is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) words: Vec<Vec<u8>>,
    pub(crate) repeat: Repeat,
    pub(crate) read_from: Option<String>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) cancel: Option<Arc<CancelObject>>,
}

/// Whether it was fired.
#[derive(Debug, Default)]
pub(crate) struct CancelObject(AtomicBool);

/// Whether a command whose fate is unknown may be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// As its name says.
    #[default]
    ByName,
    /// Twice is as good as once.
    Harmless,
    /// Never.
    Harmful,
}

static COMMANDS: Table<CommandObject> = Table::new(6);
static CANCELS: Table<CancelObject> = Table::new(15);

impl Handled for CommandObject {
    type Opaque = snl_cmd;
    const NAME: &'static str = "cmd";
    fn table() -> &'static Table<Self> {
        &COMMANDS
    }
}

impl Handled for CancelObject {
    type Opaque = snl_cancel;
    const NAME: &'static str = "cancel";
    fn table() -> &'static Table<Self> {
        &CANCELS
    }
}

impl Parts {
    /// Runs what waits for the command, for as long as nobody ends it.
    pub(crate) fn wait<T>(&self, work: impl FnOnce(&Patience<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let Some(cancel) = &self.cancel else { return work(&Patience::endless()) };
        let is_fired = || cancel.0.load(Ordering::Relaxed);
        if is_fired() {
            let failure = Failure::new(ErrorKind::Cancelled, "run a command", "it was ended before it began");
            return Err(failure.with_outcome(Outcome::NotSent));
        }
        work(&Patience::endless().unless(&is_fired))
    }
}

impl CommandObject {
    /// Its words; there is at least one.
    pub(crate) fn words(&self) -> Result<Vec<Vec<u8>>, Failure> {
        Ok(self.parts()?.words)
    }

    /// All of it; there is at least one word.
    pub(crate) fn parts(&self) -> Result<Parts, Failure> {
        let parts = self.lock()?.clone();
        if parts.words.is_empty() { Err(bad_argument("cmd", "has no words")) } else { Ok(parts) }
    }

    fn lock(&self) -> Result<MutexGuard<'_, Parts>, Failure> {
        match self.0.try_lock() {
            Ok(parts) => Ok(parts),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(busy("cmd")),
        }
    }

    fn push(&self, word: Vec<u8>) -> Result<snl_code, Failure> {
        let mut parts = self.lock()?;
        if parts.words.len() >= MOST_WORDS {
            return Err(bad_argument("cmd", format!("has {MOST_WORDS} words already")));
        }
        parts.words.push(word);
        Ok(snl_code::SNL_OK)
    }
}

/// The failure of an object that another thread uses.
pub(crate) fn busy(name: &str) -> Failure {
    Failure::new(ErrorKind::Busy, "use a handle", format!("argument {name}: another thread uses it"))
}

/// Makes a command without words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_cmd_new(out: *mut *mut snl_cmd) -> i32 {
    enter(std::ptr::null_mut(), || {
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        out.put(give(CommandObject(Mutex::default()))?);
        Ok(snl_code::SNL_OK)
    })
}

/// Adds a word of any bytes; the first one is the command's name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_cmd_arg(c: *mut snl_cmd, p: *const c_char, n: usize) -> i32 {
    enter(std::ptr::null_mut(), || {
        let command = find::<CommandObject>(c)?;
        // SAFETY: `p` and `n` are the caller's, as the header says.
        command.push(unsafe { wall::bytes(p, n, "p") }?.to_vec())
    })
}

/// Adds a whole number.
#[unsafe(no_mangle)]
pub extern "C" fn snl_cmd_arg_int(c: *mut snl_cmd, v: i64) -> i32 {
    enter(std::ptr::null_mut(), || find::<CommandObject>(c)?.push(v.to_string().into_bytes()))
}

/// Adds a floating-point number, in the shortest form that reads back as the same.
#[unsafe(no_mangle)]
pub extern "C" fn snl_cmd_arg_double(c: *mut snl_cmd, v: f64) -> i32 {
    enter(std::ptr::null_mut(), || {
        let text = if v.is_infinite() { if v > 0.0 { "inf".into() } else { "-inf".into() } } else { v.to_string() };
        find::<CommandObject>(c)?.push(text.into_bytes())
    })
}

/// Adds the words of a line as redis-cli takes it: `SET k "a b"`, with `\n`, `\xff` inside double quotes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_cmd_line(c: *mut snl_cmd, line: *const c_char, n: usize, err: *mut *mut snl_error) -> i32 {
    enter(err, || {
        let command = find::<CommandObject>(c)?;
        // SAFETY: `line` and `n` are the caller's, as the header says.
        let line = unsafe { wall::bytes(line, n, "line") }?;
        let words = sentinelle::facade::split_line(line)?;
        words.into_iter().try_for_each(|word| command.push(word).map(drop))?;
        Ok(snl_code::SNL_OK)
    })
}

/// Says how it shall be carried out.
///
/// `idempotent`: 1 when twice is as good as once, 0 when not, -1 as its name says (the default). `read_from`: who may answer
/// a read, as the option of that name says; NULL for the pool's. `timeout_ms`: for all attempts; 0 or less for the pool's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_cmd_flags(
    c: *mut snl_cmd,
    idempotent: i32,
    read_from: *const c_char,
    timeout_ms: i64,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let command = find::<CommandObject>(c)?;
        let repeat = match idempotent {
            -1 => Repeat::ByName,
            0 => Repeat::Harmful,
            1 => Repeat::Harmless,
            other => return Err(bad_argument("idempotent", format!("is neither -1, 0 nor 1: {other}"))),
        };
        let read_from = if read_from.is_null() {
            None
        } else {
            // SAFETY: `read_from` is the caller's, as the header says.
            Some(unsafe { wall::word(read_from, "read_from") }?.to_owned())
        };
        let mut parts = command.lock()?;
        parts.repeat = repeat;
        parts.read_from = read_from;
        parts.timeout_ms = u64::try_from(timeout_ms).ok().filter(|limit| *limit > 0);
        Ok(snl_code::SNL_OK)
    })
}

/// Makes what ends commands that wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_cancel_new(out: *mut *mut snl_cancel) -> i32 {
    enter(std::ptr::null_mut(), || {
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        out.put(give(CancelObject::default())?);
        Ok(snl_code::SNL_OK)
    })
}

/// Lets `snl_pool_exec` and `snl_conn_exec` with this command end with `SNL_E_CANCELLED` once `x` is fired; NULL for never.
#[unsafe(no_mangle)]
pub extern "C" fn snl_cmd_cancel_with(c: *mut snl_cmd, x: *const snl_cancel) -> i32 {
    enter(std::ptr::null_mut(), || {
        let command = find::<CommandObject>(c)?;
        command.lock()?.cancel = if x.is_null() { None } else { Some(find::<CancelObject>(x)?) };
        Ok(snl_code::SNL_OK)
    })
}

/// Ends the commands that wait with `x`, within a tenth of a second, and all that come; from any thread.
#[unsafe(no_mangle)]
pub extern "C" fn snl_cancel_fire(x: *mut snl_cancel) -> i32 {
    enter(std::ptr::null_mut(), || {
        find::<CancelObject>(x)?.0.store(true, Ordering::Relaxed);
        Ok(snl_code::SNL_OK)
    })
}

/// Frees it; commands that have it keep it. NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_cancel_free(x: *mut snl_cancel) {
    free::<CancelObject>(x);
}

/// Removes all words; how it shall be carried out stays.
#[unsafe(no_mangle)]
pub extern "C" fn snl_cmd_clear(c: *mut snl_cmd) -> i32 {
    enter(std::ptr::null_mut(), || {
        find::<CommandObject>(c)?.lock()?.words.clear();
        Ok(snl_code::SNL_OK)
    })
}

/// Frees a command; NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_cmd_free(c: *mut snl_cmd) {
    free::<CommandObject>(c);
}

/// As many words as a server takes in one command.
const MOST_WORDS: usize = 1 << 20;
