//! Decides how every call enters and leaves: panics stop here, arguments are checked, outputs are written only on success.

use std::{
    ffi::{CStr, c_char},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
    sync::Arc,
};

use sentinelle::facade::{ErrorKind, Failure, Patience};

use crate::{
    code::{code_of, snl_code},
    error::{ErrorObject, snl_error},
    process,
    token::{Table, Token},
};

/// What a call comes to inside the wall.
pub(crate) type Done = Result<snl_code, Failure>;

/// The length that stands for "up to the first NUL".
pub(crate) const SNL_NTS: usize = usize::MAX;

/// Runs a call; a failure is told by the code and, where `err` is not NULL, by a new error object.
///
/// `err` must be NULL or point to writable memory for a pointer.
pub(crate) fn enter(err: *mut *mut snl_error, work: impl FnOnce() -> Done) -> i32 {
    let done = catch_unwind(AssertUnwindSafe(|| process::check().and_then(|()| work())));
    let failure = match done {
        Ok(Ok(code)) => return code as i32,
        Ok(Err(failure)) => failure,
        Err(_) => Failure::new(ErrorKind::Panic, "carry out a call", "a bug of this library was caught"),
    };
    let code = code_of(failure.kind).unwrap_or(snl_code::SNL_E_PANIC);
    // A second panic, while the first one is told, leaves the number alone to tell it.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let (Some(err), Ok(object)) = (NonNull::new(err), give(ErrorObject::new(&failure))) {
            // SAFETY: the caller says that `err` is NULL or points to memory for a pointer.
            unsafe { err.write(object) };
        }
    }));
    code as i32
}

/// Runs a call that cannot fail but for a wrong handle, which gives `otherwise`; so does a panic.
pub(crate) fn look<T>(otherwise: T, work: impl FnOnce() -> Option<T>) -> T {
    catch_unwind(AssertUnwindSafe(work)).ok().flatten().unwrap_or(otherwise)
}

/// A kind of object that has handles.
pub(crate) trait Handled: Sized + 'static {
    /// What its handles point at, to the compiler of the host.
    type Opaque;
    /// What it is called in failures.
    const NAME: &'static str;
    /// Where those that live are kept.
    fn table() -> &'static Table<Self>;
}

/// Gives an object a handle.
pub(crate) fn give<T: Handled>(object: T) -> Result<*mut T::Opaque, Failure> {
    let token = T::table().insert(object);
    token.map(Token::pointer).ok_or_else(|| {
        Failure::new(ErrorKind::Busy, "make a handle", format!("a million objects of the kind {} live", T::NAME))
    })
}

/// The object of a handle.
pub(crate) fn find<T: Handled>(handle: *const T::Opaque) -> Result<Arc<T>, Failure> {
    T::table().find(Token::of(handle)).ok_or_else(|| wrong_handle(T::NAME, handle))
}

/// Frees a handle; a wrong one, and NULL, is let be. Gives the object.
pub(crate) fn free<T: Handled>(handle: *mut T::Opaque) -> Option<Arc<T>> {
    look(None, || Some(T::table().remove(Token::of(handle))))
}

/// Why a handle finds nothing.
pub(crate) fn wrong_handle<P>(name: &str, handle: *const P) -> Failure {
    let what = if handle.is_null() { "is NULL" } else { "is freed, or of another kind" };
    Failure::new(ErrorKind::Handle, "use a handle", format!("argument {name}: the handle {what}"))
}

/// A place the host gives for a result.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// The place `pointer` leads to, which `name` calls.
    ///
    /// # Safety
    /// `pointer` is NULL or leads to memory for a `T` that stays writable during the call.
    pub(crate) unsafe fn at(pointer: *mut T, name: &str) -> Result<Self, Failure> {
        NonNull::new(pointer).map(Self).ok_or_else(|| bad_argument(name, "is NULL"))
    }

    /// Writes the result.
    pub(crate) fn put(&self, value: T) {
        // SAFETY: `Out::at` was promised memory for a `T`; what stood there has no destructor.
        unsafe { self.0.write(value) };
    }
}

/// The bytes of an argument; `length` [`SNL_NTS`] means up to the first NUL.
///
/// # Safety
/// `pointer` is NULL or leads to `length` readable bytes, or to a text that ends in NUL.
pub(crate) unsafe fn bytes<'a>(pointer: *const c_char, length: usize, name: &str) -> Result<&'a [u8], Failure> {
    if pointer.is_null() {
        return if length == 0 { Ok(&[]) } else { Err(bad_argument(name, "is NULL")) };
    }
    if length == SNL_NTS {
        // SAFETY: the caller says that the text ends in NUL.
        return Ok(unsafe { CStr::from_ptr(pointer) }.to_bytes());
    }
    if length > isize::MAX as usize {
        return Err(bad_argument(name, format!("has an impossible length: {length}")));
    }
    // SAFETY: the caller says that so many bytes can be read.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), length) })
}

/// The text of an argument of known length.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(pointer: *const c_char, length: usize, name: &str) -> Result<&'a str, Failure> {
    // SAFETY: the same duty.
    let bytes = unsafe { bytes(pointer, length, name) }?;
    let shown = || bad_argument(name, format!("is not UTF-8: \"{}\"", bytes[..bytes.len().min(80)].escape_ascii()));
    std::str::from_utf8(bytes).map_err(|_| shown())
}

/// The text of an argument that ends in NUL.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn word<'a>(pointer: *const c_char, name: &str) -> Result<&'a str, Failure> {
    // SAFETY: the same duty.
    unsafe { text(pointer, SNL_NTS, name) }
}

/// The items of an array argument.
///
/// # Safety
/// `pointer` is NULL or leads to `count` readable items.
pub(crate) unsafe fn items<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(bad_argument(name, "is NULL"));
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(bad_argument(name, format!("has an impossible length: {count}")));
    }
    // SAFETY: the caller says that so many items can be read.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// How long to wait: milliseconds, or for ever when negative.
pub(crate) fn patience(timeout_ms: i64) -> Patience<'static> {
    u64::try_from(timeout_ms).map_or_else(|_| Patience::endless(), Patience::ms)
}

/// A port number.
pub(crate) fn port(number: i32, name: &str) -> Result<u16, Failure> {
    u16::try_from(number).map_err(|_| bad_argument(name, format!("is no port: {number}")))
}

/// A count or index.
pub(crate) fn whole(number: i32, name: &str) -> Result<u32, Failure> {
    u32::try_from(number).map_err(|_| bad_argument(name, format!("is negative: {number}")))
}

/// A failure that names the argument.
pub(crate) fn bad_argument(name: &str, what: impl std::fmt::Display) -> Failure {
    Failure::new(ErrorKind::Argument, "check an argument", format!("argument {name} {what}"))
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::{enter, look};
    use crate::{
        code::snl_code,
        error::{snl_error_code, snl_error_free, snl_error_message},
    };

    #[test]
    fn a_panic_ends_at_the_wall_as_a_code_and_an_error() {
        let mut error = std::ptr::null_mut();

        let code = enter(&raw mut error, || panic!("a bug"));

        assert_eq!((code, snl_error_code(error)), (snl_code::SNL_E_PANIC as i32, snl_code::SNL_E_PANIC as i32));
        // SAFETY: the error lives, and its text ends in NUL.
        let text = unsafe { CStr::from_ptr(snl_error_message(error)) };
        assert!(text.to_string_lossy().contains("a bug of this library was caught"), "{text:?}");
        snl_error_free(error);
    }

    #[test]
    fn a_panic_of_a_call_that_has_no_code_is_its_empty_answer() {
        assert_eq!(look(7, || panic!("a bug")), 7);
    }

    #[test]
    fn the_wall_stands_after_a_panic() {
        let _ = enter(std::ptr::null_mut(), || panic!("a bug"));

        assert_eq!(enter(std::ptr::null_mut(), || Ok(snl_code::SNL_OK)), 0);
    }
}
