//! Decides how an event reaches a host: as an object with the common facts, all of it as JSON, and how it is waited for.

use std::{
    cell::Cell,
    ffi::{CString, c_char, c_void},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sentinelle::facade::{Event, Events, Failure, Listen, Next};

use crate::{
    code::snl_code,
    error::c_text,
    token::Table,
    wall::{Done, Handled, Out, enter, find, free, give, look, patience},
};

/// Something that happened. Given by the `..._event_next` calls and `snl_log_next`, freed by `snl_event_free`.
pub struct snl_event {
    _private: [u8; 0],
}

/// A function that is called with each event, on a thread of the library.
///
/// It must not block and must not free or close what it listens to. The event lives until it returns. It is not called any
/// more once what it listens to is freed.
pub type snl_event_cb = Option<unsafe extern "C" fn(userdata: *mut c_void, event: *const snl_event)>;

/// An event and its texts as C wants them.
pub(crate) struct EventObject {
    name: CString,
    source: CString,
    master: CString,
    text: CString,
    json: CString,
    at_ms: i64,
    epoch: u64,
    lost: u64,
}

static EVENTS: Table<EventObject> = Table::new(3);

impl Handled for EventObject {
    type Opaque = snl_event;
    const NAME: &'static str = "event";
    fn table() -> &'static Table<Self> {
        &EVENTS
    }
}

impl EventObject {
    pub(crate) fn new(event: Event) -> Self {
        Self {
            json: c_text(event.json()),
            source: c_text(event.source),
            at_ms: i64::try_from(event.at_ms).unwrap_or(i64::MAX),
            epoch: event.epoch.unwrap_or(0),
            lost: event.lost,
            name: c_text(event.name),
            master: c_text(event.master.unwrap_or_default()),
            text: c_text(event.text),
        }
    }
}

/// Waits for the next event of a stream and gives it a handle.
///
/// # Safety
/// `out` is NULL or leads to memory for a pointer.
pub(crate) unsafe fn fetch(events: &Events, timeout_ms: i64, out: *mut *mut snl_event) -> Done {
    // SAFETY: the same duty.
    let out = unsafe { Out::at(out, "out") }?;
    Ok(match events.next(&patience(timeout_ms))? {
        Next::Item(event) => {
            out.put(give(EventObject::new(event))?);
            snl_code::SNL_OK
        }
        Next::Empty => snl_code::SNL_EMPTY,
        Next::Closed => snl_code::SNL_CLOSED,
    })
}

/// Whether the host may still be called: open until its handle is freed, and never again.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    is_closed: AtomicBool,
    /// Held during each call.
    calling: Mutex<()>,
    pid: u32,
}

thread_local! {
    /// Whether this thread is inside a function of the host.
    static CALLS: Cell<bool> = const { Cell::new(false) };
}

impl Gate {
    pub(crate) fn new() -> Self {
        let shared = Shared { is_closed: AtomicBool::new(false), calling: Mutex::new(()), pid: std::process::id() };
        Self { shared: Arc::new(shared) }
    }

    /// Closes it; a call under way ends before this returns.
    pub(crate) fn close(&self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        // A forked child has no threads that call, and the lock may be held by one of the parent's.
        let is_ours = self.shared.pid == std::process::id();
        // A function that frees what it listens to, against the header's word, shall not wait for itself.
        if is_ours && !CALLS.get() {
            drop(self.shared.calling.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Makes a call when it is open, and gives whether it was.
    fn pass(&self, call: impl FnOnce()) -> Listen {
        let _calling = self.shared.calling.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.is_closed.load(Ordering::SeqCst) {
            return Listen::Stop;
        }
        CALLS.set(true);
        call();
        CALLS.set(false);
        Listen::On
    }
}

/// Has a function of the host called with each event of a stream, until the gate is closed.
pub(crate) fn listen(
    events: &Events,
    gate: &Gate,
    callback: snl_event_cb,
    userdata: *mut c_void,
) -> Result<(), Failure> {
    /// What the host passes through us: its own affair, on whichever thread.
    struct Userdata(*mut c_void);
    // SAFETY: the header says that the function is called on a thread of the library with this pointer.
    unsafe impl Send for Userdata {}
    impl Userdata {
        fn pointer(&self) -> *mut c_void {
            self.0
        }
    }

    let callback = callback.ok_or_else(|| crate::wall::bad_argument("callback", "is NULL"))?;
    let userdata = Userdata(userdata);
    let gate = gate.clone();
    events.listen(move |event| {
        let Ok(handle) = give(EventObject::new(event)) else { return Listen::On };
        let listen = gate.pass(|| {
            // SAFETY: the host gave a function of this type and keeps it callable until its handle is freed.
            unsafe { callback(userdata.pointer(), handle) }
        });
        free::<EventObject>(handle);
        listen
    })
}

/// The stable name, such as `+switch-master`, `hold-start`, `switched`. Lives as long as `e`, as all its texts do.
#[unsafe(no_mangle)]
pub extern "C" fn snl_event_name(e: *const snl_event) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<EventObject>(e).ok()?.name.as_ptr()))
}

/// Who tells it: `sentinel`, `discovery`, `group` or `log`.
#[unsafe(no_mangle)]
pub extern "C" fn snl_event_source(e: *const snl_event) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<EventObject>(e).ok()?.source.as_ptr()))
}

/// The name of the master it concerns; empty when it concerns none.
#[unsafe(no_mangle)]
pub extern "C" fn snl_event_master(e: *const snl_event) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<EventObject>(e).ok()?.master.as_ptr()))
}

/// The whole text.
#[unsafe(no_mangle)]
pub extern "C" fn snl_event_text(e: *const snl_event) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<EventObject>(e).ok()?.text.as_ptr()))
}

/// When, in milliseconds since 1970.
#[unsafe(no_mangle)]
pub extern "C" fn snl_event_time_ms(e: *const snl_event) -> i64 {
    look(0, || Some(find::<EventObject>(e).ok()?.at_ms))
}

/// The epoch it tells of; 0 when it tells of none.
#[unsafe(no_mangle)]
pub extern "C" fn snl_event_epoch(e: *const snl_event) -> u64 {
    look(0, || Some(find::<EventObject>(e).ok()?.epoch))
}

/// How many events were lost before this one, because they were not fetched.
#[unsafe(no_mangle)]
pub extern "C" fn snl_event_lost(e: *const snl_event) -> u64 {
    look(0, || Some(find::<EventObject>(e).ok()?.lost))
}

/// Everything as one JSON object.
#[unsafe(no_mangle)]
pub extern "C" fn snl_event_json(e: *const snl_event) -> *const c_char {
    look(c"{}".as_ptr(), || Some(find::<EventObject>(e).ok()?.json.as_ptr()))
}

/// Frees an event; NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_event_free(e: *mut snl_event) {
    free::<EventObject>(e);
}

/// The descriptor of a stream, or a negative code.
pub(crate) fn descriptor(work: impl FnOnce() -> Result<Events, Failure>) -> i32 {
    let mut fd = -1;
    let code = enter(std::ptr::null_mut(), || {
        fd = work()?.fd()?;
        Ok(snl_code::SNL_OK)
    });
    if code == 0 { fd } else { code }
}
