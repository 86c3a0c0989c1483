//! Decides how asynchronous work is done behind a blocking call, from a plain test and from one inside a runtime.

use std::{future::Future, sync::mpsc, thread, time::Duration};

use tokio::runtime::{self, Handle, Runtime};

use crate::{
    error::{Error, ErrorKind, Result},
    types::Millis,
};

/// How long tasks may take to end before they are left to themselves.
const FAREWELL: Duration = Duration::from_secs(2);

/// A runtime with threads of its own; dropping it ends its tasks and waits for them.
#[derive(Debug)]
pub(super) struct Background {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Background {
    /// A runtime with so many threads.
    pub(super) fn start(name: &str, threads: usize) -> Result<Self> {
        let mut builder = runtime::Builder::new_multi_thread();
        let built = builder.worker_threads(threads).thread_name(name).enable_all().build();
        let runtime = built.map_err(|error| Error::new(ErrorKind::Stopped, "start threads", name).because(error))?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Where tasks are started.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Makes a thread stand still until what this gives is dropped; a runtime with one thread stops in its tracks.
    pub(super) fn brake(&self) -> mpsc::Sender<()> {
        let (brake, released) = mpsc::channel::<()>();
        let (tell, stopped) = mpsc::channel();
        self.handle.spawn(async move {
            let _ = tell.send(());
            // It blocks the thread until the brake is dropped.
            let _ = released.recv();
        });
        // Fails only when the thread is gone.
        let _ = stopped.recv();
        brake
    }

    /// Runs `work` over there, and waits for what it gives.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when that takes longer than `limit`; the work is dropped then.
    pub(super) fn run<T: Send + 'static>(
        &self,
        limit: Millis,
        what: &str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = mpsc::channel();
        let task = self.handle.spawn(async move {
            // Nobody waits any more when the limit has passed.
            let _ = answer.send(work.await);
        });
        answered.recv_timeout(limit.into()).map_err(|error| {
            task.abort();
            Error::new(ErrorKind::Timeout, "wait", format!("not within {limit}: {what}")).because(error)
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        // A thread of its own, because a runtime must not be awaited inside another one.
        let ending = thread::spawn(move || runtime.shutdown_timeout(FAREWELL));
        // It has nothing to say.
        let _ = ending.join();
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use super::Background;
    use crate::{error::ErrorKind, types::Millis};

    #[test]
    fn work_that_takes_too_long_is_given_up() {
        let background = Background::start("test", 1).expect("the system has threads");

        let error = background.run(Millis::new(5), "the end", future::pending::<()>()).expect_err("it never ends");

        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    #[tokio::test]
    async fn work_is_done_and_ended_inside_another_runtime() {
        let background = Background::start("test", 1).expect("the system has threads");

        let given = background.run(Millis::new(5000), "a number", async { 7 });

        assert_eq!(given.expect("it is given at once"), 7);
    }
}
