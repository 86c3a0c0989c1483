//! Decides how a host reads a reply: an immutable tree whose values are borrowed from its root, or all of it in one call.

use std::{
    ffi::{CString, c_char},
    sync::{Arc, OnceLock},
};

use sentinelle::facade::{Failure, Flat, Reply, ReplyType, flatten, reply_json};

use crate::{
    code::snl_code,
    error::c_text,
    token::{Table, Token},
    wall::{self, Handled, Out, bad_argument, enter, free, give, look, wrong_handle},
};

/// A reply, or a value inside one. Made by a call that asks a server; its root is freed by `snl_reply_free`.
pub struct snl_reply {
    _private: [u8; 0],
}

/// The type of a value.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snl_type {
    /// Nothing.
    SNL_T_NIL = 0,
    /// A whole number.
    SNL_T_INT = 1,
    /// A floating-point number.
    SNL_T_DOUBLE = 2,
    /// 0 or 1.
    SNL_T_BOOL = 3,
    /// A string of bytes.
    SNL_T_BULK = 4,
    /// A short text, such as `OK`.
    SNL_T_SIMPLE = 5,
    /// An error inside a reply, its code first.
    SNL_T_ERROR = 6,
    /// Items in order.
    SNL_T_ARRAY = 7,
    /// Pairs in order.
    SNL_T_MAP = 8,
    /// Items that differ.
    SNL_T_SET = 9,
    /// A message that nobody asked for.
    SNL_T_PUSH = 10,
    /// A number of any size, as its digits.
    SNL_T_BIGNUM = 11,
    /// A text with a format; the text alone.
    SNL_T_VERBATIM = 12,
}

/// A reply and the forms of it that were asked for.
pub(crate) struct ReplyObject {
    reply: Reply,
    flat: OnceLock<Flat>,
    tree: OnceLock<Tree>,
    json: OnceLock<CString>,
}

/// Where the items of each value stand among all values.
struct Tree {
    /// For each value where its items begin in `items`.
    first: Vec<usize>,
    items: Vec<usize>,
}

/// One value of a reply, as three numbers of its flat form.
struct Row {
    kind: i64,
    number: i64,
    length: usize,
}

static REPLIES: Table<ReplyObject> = Table::new(4);

impl Handled for ReplyObject {
    type Opaque = snl_reply;
    const NAME: &'static str = "reply";
    fn table() -> &'static Table<Self> {
        &REPLIES
    }
}

impl ReplyObject {
    pub(crate) fn new(reply: Reply) -> Self {
        Self { reply, flat: OnceLock::new(), tree: OnceLock::new(), json: OnceLock::new() }
    }

    fn flat(&self) -> &Flat {
        self.flat.get_or_init(|| flatten(&self.reply))
    }

    fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| Tree::of(&self.flat().words))
    }

    fn row(&self, node: usize) -> Option<Row> {
        let words = self.flat().words.get(3 * node..)?.first_chunk::<3>()?;
        Some(Row { kind: words[0], number: words[1], length: usize::try_from(words[2]).ok()? })
    }

    fn text(&self, row: &Row) -> Option<&[u8]> {
        let start = usize::try_from(row.number).ok()?;
        self.flat().blob.get(start..start.checked_add(row.length)?)
    }
}

impl Row {
    fn is(&self, kinds: &[ReplyType]) -> bool {
        kinds.iter().any(|kind| i64::from(*kind as i32) == self.kind)
    }

    fn has_text(&self) -> bool {
        use ReplyType::{BigNumber, Bulk, Error, Simple, Verbatim};
        self.is(&[Bulk, Simple, Error, BigNumber, Verbatim])
    }

    /// How many values stand directly in this one.
    fn items(&self) -> usize {
        use ReplyType::{Array, Map, Push, Set};
        match self.kind {
            _ if self.is(&[Map]) => 2 * self.length,
            _ if self.is(&[Array, Set, Push]) => self.length,
            _ => 0,
        }
    }
}

impl Tree {
    fn of(words: &[i64]) -> Self {
        let rows = words.chunks_exact(3);
        let counts: Vec<_> = rows
            .map(|words| {
                Row { kind: words[0], number: words[1], length: usize::try_from(words[2]).unwrap_or(0) }.items()
            })
            .collect();
        let mut first = Vec::with_capacity(counts.len());
        let mut total = 0;
        for count in &counts {
            first.push(total);
            total += count;
        }
        let mut items = vec![0; total];
        // The values that still miss items, each with where its next item is noted.
        let mut open: Vec<(usize, usize)> = Vec::new();
        for (node, count) in counts.iter().enumerate() {
            if let Some((next, missing)) = open.last_mut() {
                items[*next] = node;
                *next += 1;
                *missing -= 1;
                if *missing == 0 {
                    open.pop();
                }
            }
            if *count > 0 {
                open.push((first[node], *count));
            }
        }
        Self { first, items }
    }
}

/// Gives a reply a handle, at the place the host gave.
pub(crate) fn put(out: &Out<*mut snl_reply>, reply: Reply) -> Result<(), Failure> {
    out.put(give(ReplyObject::new(reply))?);
    Ok(())
}

/// The reply of a handle and the value it means.
fn value_of(r: *const snl_reply) -> Result<(Arc<ReplyObject>, Row, Token), Failure> {
    let token = Token::of(r);
    let object = REPLIES.find(token).ok_or_else(|| wrong_handle("reply", r))?;
    let row = object.row(token.node()).ok_or_else(|| wrong_handle("reply", r))?;
    Ok((object, row, token))
}

/// The type of a value: one of `snl_type`; `SNL_E_HANDLE` when `r` is no reply.
#[unsafe(no_mangle)]
pub extern "C" fn snl_reply_type(r: *const snl_reply) -> i32 {
    look(snl_code::SNL_E_HANDLE as i32, || Some(value_of(r).ok()?.1.kind as i32))
}

/// The value of an integer or a boolean, or of a string that is a whole number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_reply_int(r: *const snl_reply, out: *mut i64) -> i32 {
    enter(std::ptr::null_mut(), || {
        let (object, row, _) = value_of(r)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let number =
            if row.is(&[ReplyType::Integer, ReplyType::Boolean]) { Some(row.number) } else { parsed(&object, &row) };
        out.put(number.ok_or_else(|| bad_argument("r", "is no whole number"))?);
        Ok(snl_code::SNL_OK)
    })
}

/// The value of a number of any type, or of a string that is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_reply_double(r: *const snl_reply, out: *mut f64) -> i32 {
    enter(std::ptr::null_mut(), || {
        let (object, row, _) = value_of(r)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let number = if row.is(&[ReplyType::Double]) {
            Some(f64::from_bits(row.number as u64))
        } else if row.is(&[ReplyType::Integer, ReplyType::Boolean]) {
            Some(row.number as f64)
        } else {
            parsed(&object, &row)
        };
        out.put(number.ok_or_else(|| bad_argument("r", "is no number"))?);
        Ok(snl_code::SNL_OK)
    })
}

fn parsed<T: std::str::FromStr>(object: &ReplyObject, row: &Row) -> Option<T> {
    let text = row.has_text().then(|| object.text(row))??;
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The bytes of a string of any type, with a NUL behind them. They live as long as the root.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_reply_bytes(r: *const snl_reply, p: *mut *const c_char, n: *mut usize) -> i32 {
    enter(std::ptr::null_mut(), || {
        let (object, row, _) = value_of(r)?;
        // SAFETY: `p` and `n` are the caller's, as the header says.
        let (p, n) = unsafe { (Out::at(p, "p")?, Out::at(n, "n")?) };
        let text = row.has_text().then(|| object.text(&row)).flatten();
        let text = text.ok_or_else(|| bad_argument("r", "is no string"))?;
        p.put(text.as_ptr().cast());
        n.put(text.len());
        Ok(snl_code::SNL_OK)
    })
}

/// Copies the bytes of a string into `buf`; `need` is how long it is. `SNL_E_ARG` when `cap` is less, and nothing is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_reply_copy(r: *const snl_reply, buf: *mut c_char, cap: usize, need: *mut usize) -> i32 {
    enter(std::ptr::null_mut(), || {
        let (object, row, _) = value_of(r)?;
        // SAFETY: `need` is the caller's, as the header says.
        let need = unsafe { Out::at(need, "need") }?;
        let text = row.has_text().then(|| object.text(&row)).flatten();
        let text = text.ok_or_else(|| bad_argument("r", "is no string"))?;
        need.put(text.len());
        if text.len() > cap || buf.is_null() && !text.is_empty() {
            return Err(bad_argument("cap", format!("is less than {}: {cap}", text.len())));
        }
        // SAFETY: the caller says that `cap` bytes can be written, and the reply's own memory is not the caller's.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr().cast(), buf, text.len()) };
        Ok(snl_code::SNL_OK)
    })
}

/// How many items an array, set or push has, how many pairs a map has, how many bytes a string has; else 0.
#[unsafe(no_mangle)]
pub extern "C" fn snl_reply_len(r: *const snl_reply) -> usize {
    look(0, || Some(value_of(r).ok()?.1.length))
}

/// An item; in a map `2 * i` is the key of pair `i` and `2 * i + 1` its value. NULL when there is none.
///
/// It is borrowed: it lives as long as the root.
#[unsafe(no_mangle)]
pub extern "C" fn snl_reply_at(r: *const snl_reply, i: usize) -> *const snl_reply {
    look(std::ptr::null(), || {
        let (object, row, token) = value_of(r).ok()?;
        if i >= row.items() {
            return None;
        }
        let tree = object.tree();
        let node = *tree.items.get(tree.first.get(token.node())?.checked_add(i)?)?;
        Some(token.at(node)?.pointer())
    })
}

/// The value of a key, in a map or in an array of keys and values. NULL when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_reply_get(r: *const snl_reply, key: *const c_char, n: usize) -> *const snl_reply {
    look(std::ptr::null(), || {
        let (object, row, token) = value_of(r).ok()?;
        // SAFETY: `key` and `n` are the caller's, as the header says.
        let key = unsafe { wall::bytes(key, n, "key") }.ok()?;
        let tree = object.tree();
        let first = *tree.first.get(token.node())?;
        let items = tree.items.get(first..first + row.items())?;
        let pair = items.chunks_exact(2).find(|pair| {
            let row = object.row(pair[0]).filter(Row::has_text);
            row.and_then(|row| object.text(&row).map(|text| text == key)).unwrap_or(false)
        })?;
        Some(token.at(pair[1])?.pointer())
    })
}

/// The whole reply of which `r` is the root, in one call: three numbers for each value, parents first, and all bytes.
///
/// The numbers are the type (`snl_type`); the value itself (integer, boolean, bits of a double) or where its bytes begin
/// in `blob`; and the length: of the bytes, or the number of items or pairs. Both live as long as the root.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_reply_flat(
    r: *const snl_reply,
    words: *mut *const i64,
    nwords: *mut usize,
    blob: *mut *const c_char,
    nblob: *mut usize,
) -> i32 {
    enter(std::ptr::null_mut(), || {
        let (object, _, _) = value_of(r)?;
        // SAFETY: all four are the caller's, as the header says.
        let (words, nwords) = unsafe { (Out::at(words, "words")?, Out::at(nwords, "nwords")?) };
        // SAFETY: as above.
        let (blob, nblob) = unsafe { (Out::at(blob, "blob")?, Out::at(nblob, "nblob")?) };
        let flat = object.flat();
        words.put(flat.words.as_ptr());
        nwords.put(flat.words.len());
        blob.put(flat.blob.as_ptr().cast());
        nblob.put(flat.blob.len());
        Ok(snl_code::SNL_OK)
    })
}

/// The whole reply of which `r` is the root, as JSON. Lives as long as the root.
#[unsafe(no_mangle)]
pub extern "C" fn snl_reply_json(r: *const snl_reply) -> *const c_char {
    look(c"null".as_ptr(), || {
        let (object, _, _) = value_of(r).ok()?;
        Some(object.json.get_or_init(|| c_text(reply_json(&object.reply))).as_ptr())
    })
}

/// Frees a reply with all its values; a value inside one is let be, and so is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn snl_reply_free(r: *mut snl_reply) {
    if Token::of(r).node() == 0 {
        free::<ReplyObject>(r);
    }
}

#[cfg(test)]
mod tests {
    use sentinelle::facade::Reply;

    use super::{
        ReplyObject, snl_reply, snl_reply_at, snl_reply_bytes, snl_reply_free, snl_reply_get, snl_reply_int,
        snl_reply_len, snl_reply_type,
    };
    use crate::wall::give;

    fn handle(reply: Reply) -> *mut snl_reply {
        give(ReplyObject::new(reply)).expect("there is room")
    }

    fn text(r: *const snl_reply) -> Option<&'static [u8]> {
        let (mut p, mut n) = (std::ptr::null(), 0);
        // SAFETY: both places are on this stack; the reply outlives the test's use of it.
        let code = unsafe { snl_reply_bytes(r, &raw mut p, &raw mut n) };
        // SAFETY: the call said so many bytes, and a NUL behind them.
        (code == 0).then(|| unsafe { std::slice::from_raw_parts(p.cast(), n + 1) })
    }

    #[test]
    fn every_value_of_a_tree_is_reached_and_lives_with_its_root() {
        let pair = Reply::Array(vec![Reply::Integer(7), Reply::Array(vec![]), Reply::bulk("end")]);
        let root = handle(Reply::Map(vec![(Reply::bulk("a"), pair), (Reply::bulk("b"), Reply::Null)]));

        let pair = snl_reply_at(root, 1);
        let mut seven = 0;

        assert_eq!((snl_reply_type(root), snl_reply_len(root)), (8, 2));
        assert_eq!(text(snl_reply_at(root, 0)), Some(&b"a\0"[..]));
        // SAFETY: the place is on this stack.
        assert_eq!((unsafe { snl_reply_int(snl_reply_at(pair, 0), &raw mut seven) }, seven), (0, 7));
        assert_eq!(snl_reply_len(snl_reply_at(pair, 1)), 0);
        assert_eq!(text(snl_reply_at(pair, 2)), Some(&b"end\0"[..]));
        // SAFETY: the key ends in NUL.
        assert_eq!(unsafe { snl_reply_get(root, c"a".as_ptr(), usize::MAX) }, pair);
        assert!(snl_reply_at(pair, 3).is_null() && snl_reply_at(root, 4).is_null());
        snl_reply_free(pair.cast_mut());
        assert_eq!(snl_reply_len(pair), 3);
        snl_reply_free(root);
        assert_eq!((snl_reply_type(pair), snl_reply_type(root)), (-2, -2));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused() {
        let root = handle(Reply::Array(vec![]));
        let mut number = 5;

        // SAFETY: the place is on this stack.
        assert_eq!((unsafe { snl_reply_int(root, &raw mut number) }, number), (-1, 5));
        assert_eq!(text(root), None);
        // SAFETY: NULL is refused before anything is written.
        assert_eq!(unsafe { snl_reply_int(root, std::ptr::null_mut()) }, -1);
        snl_reply_free(root);
    }
}
