//! Decides how a host runs commands: through the pool, on a connection to itself, or many at once.

use std::{
    ffi::c_char,
    sync::{Mutex, MutexGuard, TryLockError},
};

use sentinelle::facade::{
    Atomicity, Class, Command, Failure, Lease, LeaseFor, Millis, Options, Patience, Pool, ReadFrom, Reply, classify,
};

use crate::{
    code::snl_code,
    command::{CommandObject, Parts, Repeat, busy, snl_cmd},
    config::{snl_config, wishes_of},
    discovery::{DiscoveryObject, snl_discovery, snl_role},
    error::snl_error,
    reply::{self, snl_reply},
    token::Table,
    wall::{self, Handled, Out, bad_argument, enter, find, free, give, items, look, patience},
};

/// Connections to one master and its replicas. Made by `snl_pool_open`, freed by `snl_pool_free`; threads may share it.
pub struct snl_pool {
    _private: [u8; 0],
}

/// A connection to oneself, for `WATCH`, `MULTI` and commands that wait on the server.
///
/// One thread at a time may use it; another one gets `SNL_E_BUSY`.
pub struct snl_conn {
    _private: [u8; 0],
}

/// Commands to be sent together. One thread at a time may use it.
pub struct snl_pipe {
    _private: [u8; 0],
}

/// A pool.
pub(crate) struct PoolObject {
    pub(crate) pool: Pool,
}

/// A connection until it is given back.
pub(crate) struct ConnObject {
    lease: Mutex<Option<Lease>>,
}

/// Commands, and whether they are one transaction.
pub(crate) struct PipeObject {
    atomicity: Atomicity,
    commands: Mutex<Vec<Command>>,
}

static POOLS: Table<PoolObject> = Table::new(10);
static CONNECTIONS: Table<ConnObject> = Table::new(11);
static PIPES: Table<PipeObject> = Table::new(12);

impl Handled for PoolObject {
    type Opaque = snl_pool;
    const NAME: &'static str = "pool";
    fn table() -> &'static Table<Self> {
        &POOLS
    }
}

impl Handled for ConnObject {
    type Opaque = snl_conn;
    const NAME: &'static str = "conn";
    fn table() -> &'static Table<Self> {
        &CONNECTIONS
    }
}

impl Handled for PipeObject {
    type Opaque = snl_pipe;
    const NAME: &'static str = "pipe";
    fn table() -> &'static Table<Self> {
        &PIPES
    }
}

/// The object behind a lock that only one thread at a time may want.
fn own<'a, T>(lock: &'a Mutex<T>, name: &str) -> Result<MutexGuard<'a, T>, Failure> {
    match lock.try_lock() {
        Ok(guard) => Ok(guard),
        Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => Err(busy(name)),
    }
}

/// The command as it was built.
pub(crate) fn command_of(parts: &Parts) -> Result<Command, Failure> {
    let mut command = Command::new(&parts.words);
    match parts.repeat {
        Repeat::ByName => {}
        Repeat::Harmless if classify(&command) == Class::Read => {}
        Repeat::Harmless => command = command.treated_as(Class::Idempotent),
        Repeat::Harmful => command = command.treated_as(Class::Write),
    }
    if let Some(name) = &parts.read_from {
        let from = ReadFrom::parse(name);
        command = command.read_from(from.ok_or_else(|| bad_argument("read_from", format!("is none: \"{name}\"")))?);
    }
    Ok(match parts.timeout_ms {
        Some(limit) => command.timeout(Millis::new(limit)),
        None => command,
    })
}

/// Opens a pool over a discovery; it connects at the first command. `overrides` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pool_open(
    h: *mut snl_discovery,
    master: *const c_char,
    overrides: *const snl_config,
    out: *mut *mut snl_pool,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let discovery = find::<DiscoveryObject>(h)?;
        // SAFETY: both are the caller's, as the header says.
        let (master, out) = unsafe { (wall::word(master, "master")?, Out::at(out, "out")?) };
        let pool = Pool::open_over(&discovery.discovery, master, &wishes_of(overrides)?.options)?;
        out.put(give(PoolObject { pool })?);
        Ok(snl_code::SNL_OK)
    })
}

/// Opens a pool for a URL: `redis+sentinel://[user:password@]host:port,host:port/master[/db]?key=value`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pool_open_url(
    url: *const c_char,
    out: *mut *mut snl_pool,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        // SAFETY: both are the caller's, as the header says.
        let (url, out) = unsafe { (wall::word(url, "url")?, Out::at(out, "out")?) };
        out.put(give(PoolObject { pool: Pool::open(&Options::from_url(url)?)? })?);
        Ok(snl_code::SNL_OK)
    })
}

/// Opens a pool for a configuration that names the `sentinels` and the `master`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pool_open_config(
    c: *const snl_config,
    out: *mut *mut snl_pool,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        out.put(give(PoolObject { pool: Pool::open(&wishes_of(c)?.with_sentinels()?.options)? })?);
        Ok(snl_code::SNL_OK)
    })
}

/// The pool of this process with these options: opened by the first call, kept by the library until `snl_pool_close`.
///
/// Each call gives a handle of its own, to be freed; connections stay when it is. For hosts whose values end with each
/// request, such as PHP. A process keeps 100 of them at most, then the code is `SNL_E_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pool_shared(
    c: *const snl_config,
    out: *mut *mut snl_pool,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        out.put(give(PoolObject { pool: Pool::shared(&wishes_of(c)?.with_sentinels()?.options)? })?);
        Ok(snl_code::SNL_OK)
    })
}

/// Runs a command where it belongs, again where that is safe. An error reply is an error with `SNL_OUTCOME_REJECTED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pool_exec(
    p: *mut snl_pool,
    c: *const snl_cmd,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<PoolObject>(p)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let parts = find::<CommandObject>(c)?.parts()?;
        let command = command_of(&parts)?;
        reply::put(&out, parts.wait(|patience| object.pool.execute(&command, patience))?)?;
        Ok(snl_code::SNL_OK)
    })
}

/// Runs a command of `argc` words; `lens` may be NULL when all end in NUL. `timeout_ms` 0 or less: the pool's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pool_exec_argv(
    p: *mut snl_pool,
    argc: usize,
    argv: *const *const c_char,
    lens: *const usize,
    timeout_ms: i64,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<PoolObject>(p)?;
        // SAFETY: all are the caller's, as the header says.
        let (words, out) = unsafe { (argument_words(argc, argv, lens)?, Out::at(out, "out")?) };
        if words.is_empty() {
            return Err(bad_argument("argc", "is 0"));
        }
        let command = Command::new(&words);
        let patience = if timeout_ms > 0 { patience(timeout_ms) } else { Patience::endless() };
        reply::put(&out, object.pool.execute(&command, &patience)?)?;
        Ok(snl_code::SNL_OK)
    })
}

/// The words of an argument vector.
///
/// # Safety
/// `argv` is NULL or leads to `argc` texts, each of the length `lens` says, or ending in NUL where `lens` is NULL.
pub(crate) unsafe fn argument_words<'a>(
    argc: usize,
    argv: *const *const c_char,
    lens: *const usize,
) -> Result<Vec<&'a [u8]>, Failure> {
    // SAFETY: the same duty.
    let texts = unsafe { items(argv, argc, "argv") }?;
    let lens = if lens.is_null() {
        None
    } else {
        // SAFETY: the same duty.
        Some(unsafe { items(lens, argc, "lens") }?)
    };
    let length = |index: usize| lens.map_or(wall::SNL_NTS, |lens| lens[index]);
    // SAFETY: the same duty.
    texts.iter().enumerate().map(|(index, text)| unsafe { wall::bytes(*text, length(index), "argv") }).collect()
}

/// Takes a connection for oneself; `role` is `SNL_ROLE_MASTER` or `SNL_ROLE_REPLICA`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pool_checkout(
    p: *mut snl_pool,
    role: i32,
    timeout_ms: i64,
    out: *mut *mut snl_conn,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<PoolObject>(p)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let purpose = match role {
            role if role == snl_role::SNL_ROLE_MASTER as i32 => LeaseFor::Master,
            role if role == snl_role::SNL_ROLE_REPLICA as i32 => LeaseFor::Replica,
            other => return Err(bad_argument("role", format!("is none: {other}"))),
        };
        let lease = object.pool.lease_blocking(purpose, &patience(timeout_ms))?;
        out.put(give(ConnObject { lease: Mutex::new(Some(lease)) })?);
        Ok(snl_code::SNL_OK)
    })
}

/// Its figures, as JSON in a reply of type bulk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pool_stats_json(p: *const snl_pool, out: *mut *mut snl_reply) -> i32 {
    enter(std::ptr::null_mut(), || {
        let object = find::<PoolObject>(p)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        reply::put(&out, Reply::bulk(object.pool.stats_json()?))?;
        Ok(snl_code::SNL_OK)
    })
}

/// Closes it once the commands under way are done, after `timeout_ms` in any case. May be called again.
#[unsafe(no_mangle)]
pub extern "C" fn snl_pool_close(p: *mut snl_pool, timeout_ms: i64) -> i32 {
    enter(std::ptr::null_mut(), || {
        find::<PoolObject>(p)?.pool.close().wait(&patience(timeout_ms))?;
        Ok(snl_code::SNL_OK)
    })
}

/// Frees a pool; NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_pool_free(p: *mut snl_pool) {
    free::<PoolObject>(p);
}

/// Runs a command on the connection, once. An error reply is a reply of type error. `SNL_E_MOVED` after a switch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_conn_exec(
    k: *mut snl_conn,
    c: *const snl_cmd,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<ConnObject>(k)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let parts = find::<CommandObject>(c)?.parts()?;
        let command = command_of(&parts)?;
        let lease = own(&object.lease, "conn")?;
        let lease = lease.as_ref().ok_or_else(|| bad_argument("k", "is given back"))?;
        reply::put(&out, parts.wait(|patience| lease.execute(&command, patience))?)?;
        Ok(snl_code::SNL_OK)
    })
}

/// 1 while its server is the one to talk to, else 0.
#[unsafe(no_mangle)]
pub extern "C" fn snl_conn_is_current(k: *const snl_conn) -> i32 {
    look(0, || {
        let object = find::<ConnObject>(k).ok()?;
        Some(i32::from(own(&object.lease, "conn").ok()?.as_ref()?.is_current()))
    })
}

/// The generation it belongs to; 0 when `k` is no connection.
#[unsafe(no_mangle)]
pub extern "C" fn snl_conn_gen(k: *const snl_conn) -> u64 {
    look(0, || {
        let object = find::<ConnObject>(k).ok()?;
        Some(own(&object.lease, "conn").ok()?.as_ref()?.generation())
    })
}

/// Gives the connection back to the pool as if it was new, and frees the handle. NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_conn_release(k: *mut snl_conn) {
    end_lease(k, Lease::release);
}

/// Closes the connection, and frees the handle. NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_conn_discard(k: *mut snl_conn) {
    end_lease(k, Lease::discard);
}

fn end_lease(k: *mut snl_conn, end: impl FnOnce(Lease)) {
    look((), || {
        let object = free::<ConnObject>(k)?;
        let lease = object.lease.try_lock().ok()?.take()?;
        end(lease);
        Some(())
    });
}

/// Makes a pipeline; with `atomic` 1 it is one transaction, with 0 others' commands may come between.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pipe_new(atomic: i32, out: *mut *mut snl_pipe) -> i32 {
    enter(std::ptr::null_mut(), || {
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let atomicity = match atomic {
            0 => Atomicity::Loose,
            1 => Atomicity::Atomic,
            other => return Err(bad_argument("atomic", format!("is neither 0 nor 1: {other}"))),
        };
        out.put(give(PipeObject { atomicity, commands: Mutex::default() })?);
        Ok(snl_code::SNL_OK)
    })
}

/// Adds a command as it is at this moment.
#[unsafe(no_mangle)]
pub extern "C" fn snl_pipe_add(b: *mut snl_pipe, c: *const snl_cmd) -> i32 {
    enter(std::ptr::null_mut(), || {
        let object = find::<PipeObject>(b)?;
        let command = command_of(&find::<CommandObject>(c)?.parts()?)?;
        let mut commands = own(&object.commands, "pipe")?;
        if commands.len() >= MOST_COMMANDS {
            return Err(bad_argument("b", format!("has {MOST_COMMANDS} commands already")));
        }
        commands.push(command);
        Ok(snl_code::SNL_OK)
    })
}

/// Adds a command of `argc` words, as `snl_pool_exec_argv` takes them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pipe_add_argv(
    b: *mut snl_pipe,
    argc: usize,
    argv: *const *const c_char,
    lens: *const usize,
) -> i32 {
    enter(std::ptr::null_mut(), || {
        let object = find::<PipeObject>(b)?;
        // SAFETY: all are the caller's, as the header says.
        let words = unsafe { argument_words(argc, argv, lens) }?;
        if words.is_empty() {
            return Err(bad_argument("argc", "is 0"));
        }
        let mut commands = own(&object.commands, "pipe")?;
        if commands.len() >= MOST_COMMANDS {
            return Err(bad_argument("b", format!("has {MOST_COMMANDS} commands already")));
        }
        commands.push(Command::new(&words));
        Ok(snl_code::SNL_OK)
    })
}

/// Sends all commands together; the reply is an array with one reply for each, errors among them. The pipeline is empty then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pipe_exec(
    b: *mut snl_pipe,
    p: *mut snl_pool,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let (pipe, pool) = (find::<PipeObject>(b)?, find::<PoolObject>(p)?);
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let commands = std::mem::take(&mut *own(&pipe.commands, "pipe")?);
        let replies = if commands.is_empty() {
            Vec::new()
        } else {
            pool.pool.pipeline(&commands, pipe.atomicity, &Patience::endless())?
        };
        reply::put(&out, Reply::Array(replies))?;
        Ok(snl_code::SNL_OK)
    })
}

/// Frees a pipeline; NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_pipe_free(b: *mut snl_pipe) {
    free::<PipeObject>(b);
}

/// How many commands a pipeline holds at most.
const MOST_COMMANDS: usize = 1 << 20;
