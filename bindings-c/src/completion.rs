//! Decides how results reach a host's event loop: in one queue with one descriptor.

use sentinelle::facade::{Completions, Next};

use crate::{
    code::snl_code,
    command::{CommandObject, snl_cmd},
    error::{ErrorObject, snl_error},
    pool::{PoolObject, command_of, snl_pool},
    reply::{ReplyObject, snl_reply},
    token::Table,
    wall::{Handled, Out, enter, find, free, give, patience},
};

/// A queue of results. Made by `snl_cq_new`, freed by `snl_cq_free`.
pub struct snl_cq {
    _private: [u8; 0],
}

/// A queue.
pub(crate) struct QueueObject {
    completions: Completions,
}

static QUEUES: Table<QueueObject> = Table::new(14);

impl Handled for QueueObject {
    type Opaque = snl_cq;
    const NAME: &'static str = "cq";
    fn table() -> &'static Table<Self> {
        &QUEUES
    }
}

/// Makes an empty queue.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_cq_new(out: *mut *mut snl_cq) -> i32 {
    enter(std::ptr::null_mut(), || {
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        out.put(give(QueueObject { completions: Completions::new() })?);
        Ok(snl_code::SNL_OK)
    })
}

/// A descriptor that is readable while a result waits; only to be polled. Negative: a code.
#[unsafe(no_mangle)]
pub extern "C" fn snl_cq_fd(q: *mut snl_cq) -> i32 {
    let mut fd = -1;
    let code = enter(std::ptr::null_mut(), || {
        fd = find::<QueueObject>(q)?.completions.fd()?;
        Ok(snl_code::SNL_OK)
    });
    if code == 0 { fd } else { code }
}

/// Runs a command on the library's threads; its result comes into the queue with `tag`.
#[unsafe(no_mangle)]
pub extern "C" fn snl_pool_submit(
    p: *mut snl_pool,
    q: *mut snl_cq,
    c: *const snl_cmd,
    tag: u64,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let (pool, queue) = (find::<PoolObject>(p)?, find::<QueueObject>(q)?);
        let command = command_of(&find::<CommandObject>(c)?.parts()?)?;
        pool.pool.submit(command, &queue.completions, tag)?;
        Ok(snl_code::SNL_PENDING)
    })
}

/// Waits for the next result: its tag, and either its reply or its error; the other one is NULL.
///
/// `SNL_EMPTY` when none came in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_cq_next(
    q: *mut snl_cq,
    timeout_ms: i64,
    tag: *mut u64,
    reply: *mut *mut snl_reply,
    op_err: *mut *mut snl_error,
) -> i32 {
    enter(std::ptr::null_mut(), || {
        let object = find::<QueueObject>(q)?;
        // SAFETY: all three are the caller's, as the header says.
        let (tag, reply, op_err) =
            unsafe { (Out::at(tag, "tag")?, Out::at(reply, "reply")?, Out::at(op_err, "op_err")?) };
        let completion = match object.completions.next(&patience(timeout_ms))? {
            Next::Item(completion) => completion,
            Next::Empty => return Ok(snl_code::SNL_EMPTY),
            Next::Closed => return Ok(snl_code::SNL_CLOSED),
        };
        let (given, failed) = match completion.result {
            Ok(given) => (give(ReplyObject::new(given))?, std::ptr::null_mut()),
            Err(failure) => (std::ptr::null_mut(), give(ErrorObject::new(&failure))?),
        };
        tag.put(completion.tag);
        reply.put(given);
        op_err.put(failed);
        Ok(snl_code::SNL_OK)
    })
}

/// Frees a queue; results that come later are dropped. NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_cq_free(q: *mut snl_cq) {
    free::<QueueObject>(q);
}
