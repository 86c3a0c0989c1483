//! Decides how a host hears what is published, through every switch of the master.

use std::ffi::c_char;

use sentinelle::facade::{Change, Message, Next, Patience, Reply, Subscriber};

use crate::{
    code::snl_code,
    error::snl_error,
    pool::{PoolObject, argument_words, snl_pool},
    reply::{self, snl_reply},
    token::Table,
    wall::{Handled, Out, bad_argument, enter, find, free, give, patience},
};

/// A subscription that moves with the master. Made by `snl_sub_open`, freed by `snl_sub_free`.
pub struct snl_sub {
    _private: [u8; 0],
}

/// A change of what is subscribed to.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snl_change {
    /// These channels too.
    SNL_SUBSCRIBE = 0,
    /// Not these channels; all when none is named.
    SNL_UNSUBSCRIBE = 1,
    /// These patterns too.
    SNL_PSUBSCRIBE = 2,
    /// Not these patterns; all when none is named.
    SNL_PUNSUBSCRIBE = 3,
    /// These shard channels too.
    SNL_SSUBSCRIBE = 4,
    /// Not these shard channels; all when none is named.
    SNL_SUNSUBSCRIBE = 5,
}

/// A subscription.
pub(crate) struct SubObject {
    subscriber: Subscriber,
}

static SUBSCRIPTIONS: Table<SubObject> = Table::new(13);

impl Handled for SubObject {
    type Opaque = snl_sub;
    const NAME: &'static str = "sub";
    fn table() -> &'static Table<Self> {
        &SUBSCRIPTIONS
    }
}

/// Opens a subscription to nothing yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sub_open(p: *mut snl_pool, out: *mut *mut snl_sub, err: *mut *mut snl_error) -> i32 {
    enter(err, || {
        let object = find::<PoolObject>(p)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        out.put(give(SubObject { subscriber: object.pool.subscribe()? })?);
        Ok(snl_code::SNL_OK)
    })
}

/// Changes what is subscribed to (`op` is one of `snl_change`); returns when the server has confirmed it.
///
/// `lens` may be NULL when all `names` end in NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sub_change(
    s: *mut snl_sub,
    op: i32,
    n: usize,
    names: *const *const c_char,
    lens: *const usize,
    timeout_ms: i64,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<SubObject>(s)?;
        let change = match op {
            0 => Change::Subscribe,
            1 => Change::Unsubscribe,
            2 => Change::PatternSubscribe,
            3 => Change::PatternUnsubscribe,
            4 => Change::ShardSubscribe,
            5 => Change::ShardUnsubscribe,
            other => return Err(bad_argument("op", format!("is none: {other}"))),
        };
        // SAFETY: all are the caller's, as the header says.
        let names = unsafe { argument_words(n, names, lens) }?;
        let names = names.into_iter().map(<[u8]>::to_vec);
        object.subscriber.change(change, names).wait(&patience(timeout_ms))?;
        Ok(snl_code::SNL_OK)
    })
}

/// A descriptor that is readable while a message waits; only to be polled. Negative: a code.
#[unsafe(no_mangle)]
pub extern "C" fn snl_sub_fd(s: *mut snl_sub) -> i32 {
    let mut fd = -1;
    let code = enter(std::ptr::null_mut(), || {
        fd = find::<SubObject>(s)?.subscriber.fd()?;
        Ok(snl_code::SNL_OK)
    });
    if code == 0 { fd } else { code }
}

/// Waits for the next message, as the server sends it: `message`, channel, payload; `pmessage`, pattern, channel, payload.
///
/// A gap is `gap`, the generation before, the generation now, milliseconds without subscription: messages may have been
/// missed. `SNL_EMPTY` when nothing came in time, `SNL_CLOSED` when nothing will come.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_sub_next(
    s: *mut snl_sub,
    timeout_ms: i64,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<SubObject>(s)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let limit: Patience<'_> = patience(timeout_ms);
        Ok(match object.subscriber.next(&limit)? {
            Next::Item(message) => {
                reply::put(&out, said(message))?;
                snl_code::SNL_OK
            }
            Next::Empty => snl_code::SNL_EMPTY,
            Next::Closed => snl_code::SNL_CLOSED,
        })
    })
}

fn said(message: Message) -> Reply {
    Reply::Push(match message {
        Message::Published { channel, pattern: None, payload } => {
            vec![Reply::bulk("message"), Reply::Bulk(channel), Reply::Bulk(payload)]
        }
        Message::Published { channel, pattern: Some(pattern), payload } => {
            vec![Reply::bulk("pmessage"), Reply::Bulk(pattern), Reply::Bulk(channel), Reply::Bulk(payload)]
        }
        Message::Gap { from, to, ms } => {
            let numbers = [from, to, ms].map(|number| Reply::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
            [Reply::bulk("gap")].into_iter().chain(numbers).collect()
        }
    })
}

/// Ends and frees a subscription; NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_sub_free(s: *mut snl_sub) {
    if let Some(object) = free::<SubObject>(s) {
        object.subscriber.close();
    }
}
