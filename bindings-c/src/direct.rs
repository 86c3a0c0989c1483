//! Decides how a host whose calls are dear runs a command: in one call, the words and the reply in its own memory.

use std::{
    ffi::{c_char, c_void},
    ptr::NonNull,
};

use sentinelle::facade::{Command, Failure, Flat, Patience, flatten};

use crate::{
    code::snl_code,
    error::snl_error,
    pool::{PoolObject, snl_pool},
    reply::{self, snl_reply},
    wall::{Out, bad_argument, bytes, enter, find, items, patience},
};

/// Runs a command of `argc` words that lie end to end in `words`, each as long as `lens` says.
///
/// The reply is laid into the `cap` bytes of `buf`, flat as `snl_reply_flat` gives it: how many numbers there are and how many
/// bytes, as two `int64_t`, then the numbers, then the bytes; `out` is NULL then. One that does not fit is given in `out`,
/// and the first number in `buf` is 0. `cap` is 16 at least. `timeout_ms` 0 or less: the pool's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_pool_exec_into(
    p: *mut snl_pool,
    argc: usize,
    words: *const c_char,
    lens: *const usize,
    timeout_ms: i64,
    buf: *mut c_void,
    cap: usize,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<PoolObject>(p)?;
        // SAFETY: all are the caller's, as the header says.
        let (command, room, out) =
            unsafe { (packed_command(argc, words, lens)?, Room::at(buf, cap)?, Out::at(out, "out")?) };
        let patience = if timeout_ms > 0 { patience(timeout_ms) } else { Patience::endless() };
        let given = object.pool.execute(&command, &patience)?;
        let flat = flatten(&given);
        if room.holds(&flat) {
            room.lay(&flat);
            out.put(std::ptr::null_mut());
        } else {
            reply::put(&out, given)?;
            room.lay(&Flat::default());
        }
        Ok(snl_code::SNL_OK)
    })
}

/// A command of words that lie end to end.
///
/// # Safety
/// `lens` is NULL or leads to `argc` lengths, `words` is NULL or leads to as many bytes as they add up to.
unsafe fn packed_command(argc: usize, words: *const c_char, lens: *const usize) -> Result<Command, Failure> {
    if argc == 0 {
        return Err(bad_argument("argc", "is 0"));
    }
    // SAFETY: the same duty.
    let lens = unsafe { items(lens, argc, "lens") }?;
    let total = lens.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length));
    let total = total.filter(|total| isize::try_from(*total).is_ok());
    let total = total.ok_or_else(|| bad_argument("lens", "adds up to an impossible length"))?;
    // SAFETY: the same duty.
    let mut rest = unsafe { bytes(words, total, "words") }?;
    let mut command = Command::new([b""; 0]);
    for length in lens {
        let (word, behind) = rest.split_at(*length);
        command = command.word(word);
        rest = behind;
    }
    Ok(command)
}

/// The memory that the host gives for a reply.
struct Room {
    start: NonNull<u8>,
    length: usize,
}

impl Room {
    /// # Safety
    /// `start` is NULL or leads to `length` writable bytes.
    unsafe fn at(start: *mut c_void, length: usize) -> Result<Self, Failure> {
        let start = NonNull::new(start.cast()).ok_or_else(|| bad_argument("buf", "is NULL"))?;
        if !(HEAD..=isize::MAX as usize).contains(&length) {
            return Err(bad_argument("cap", format!("is less than {HEAD}, or an impossible length: {length}")));
        }
        Ok(Self { start, length })
    }

    fn holds(&self, flat: &Flat) -> bool {
        HEAD + size_of_val(flat.words.as_slice()) + flat.blob.len() <= self.length
    }

    /// Writes what [`Room::holds`] has said to fit.
    fn lay(&self, flat: &Flat) {
        let counts = [flat.words.len() as i64, flat.blob.len() as i64];
        let words = size_of_val(flat.words.as_slice());
        let start = self.start.as_ptr();
        // SAFETY: `Room::at` was promised so much writable memory, which is the host's own: no part of it is the reply's.
        unsafe {
            std::ptr::copy_nonoverlapping(counts.as_ptr().cast(), start, HEAD);
            std::ptr::copy_nonoverlapping(flat.words.as_ptr().cast(), start.add(HEAD), words);
            std::ptr::copy_nonoverlapping(flat.blob.as_ptr(), start.add(HEAD + words), flat.blob.len());
        }
    }
}

/// The two counts in front.
const HEAD: usize = 16;
