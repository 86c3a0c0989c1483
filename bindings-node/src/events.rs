//! Decides how events reach JavaScript: one call for each, on its thread, without keeping its loop alive.

use napi::{Result, Status, bindgen_prelude::Function, threadsafe_function::ThreadsafeFunctionCallMode};
use sentinelle::facade::{Events, Listen};

use crate::promise::thrown;

/// How many events wait for a thread that is busy; further ones are lost, and the next one says how many.
const KEPT: usize = 1024;

/// Has `listener` called with each event as JSON, until its thread or the stream ends.
pub(crate) fn listen(events: &Events, listener: &Function<'_, String, ()>) -> Result<()> {
    let function = listener.build_threadsafe_function().weak::<true>().max_queue_size::<KEPT>().build()?;
    let mut lost = 0;
    let told = events.listen(move |mut event| {
        event.lost += lost;
        let status = function.call(event.json(), ThreadsafeFunctionCallMode::NonBlocking);
        if status == Status::Ok {
            lost = 0;
        } else if status == Status::QueueFull {
            lost = event.lost + 1;
        } else {
            // The thread of JavaScript ends.
            return Listen::Stop;
        }
        Listen::On
    });
    told.map_err(|failure| thrown(&failure))
}
