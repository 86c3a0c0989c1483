//! Writers that know what they were told, and can say afterwards what was lost.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::Duration,
};

use sentinelle::{
    error::{Error, Outcome},
    pool::{Command, Pool},
    resp::Value,
};

use crate::stage::Stage;

/// Between two writes of one writer; four of them make 500 a second.
const PACE: Duration = Duration::from_millis(8);
const WRITERS: u64 = 4;

/// How the writers call the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// Each blocks its own thread.
    Threads,
    /// Each is a task.
    Tasks,
}

/// What the writers write.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Writing {
    /// A key of its own each time, which may be written twice.
    Keys,
    /// One counter, which may not.
    Counter,
}

/// Writers at work, until [`Load::end`].
pub(crate) struct Load {
    stop: Vec<mpsc::Sender<()>>,
    writers: Vec<JoinHandle<()>>,
    told: Arc<Told>,
}

/// What the writers were told.
#[derive(Default)]
struct Told {
    next: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    errors: Mutex<Vec<Error>>,
}

/// What came of it.
pub(crate) struct Toll {
    pub(crate) acknowledged: BTreeSet<u64>,
    pub(crate) errors: Vec<Error>,
}

impl Load {
    pub(crate) fn start(stage: &Stage, manner: Manner, writing: Writing) -> Self {
        let told = Arc::new(Told::default());
        let (mut stop, mut writers) = (Vec::new(), Vec::new());
        for _ in 0..WRITERS {
            let (stopper, stopped) = mpsc::channel();
            let (pool, runtime, told) = (stage.pool.clone(), stage.runtime.handle().clone(), Arc::clone(&told));
            stop.push(stopper);
            writers.push(std::thread::spawn(move || {
                while stopped.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                    let number = told.next.fetch_add(1, Ordering::Relaxed);
                    let command = command(writing, number);
                    let result = match manner {
                        Manner::Threads => pool.execute_blocking(&command),
                        Manner::Tasks => runtime.block_on(pool.execute(command)),
                    };
                    told.note(number, result);
                }
            }));
        }
        Self { stop, writers, told }
    }

    /// Waits until so many more writes were acknowledged.
    pub(crate) fn wait_for_more(&self, stage: &Stage, count: usize) {
        let before = self.acknowledged();
        stage.wait("writes are acknowledged", |_| self.acknowledged() >= before + count);
    }

    pub(crate) fn end(self) -> Toll {
        drop(self.stop);
        self.writers.into_iter().for_each(|writer| writer.join().expect("a writer does not panic"));
        let acknowledged = std::mem::take(&mut *self.told.acknowledged.lock().expect("nobody panicked"));
        let errors = std::mem::take(&mut *self.told.errors.lock().expect("nobody panicked"));
        Toll { acknowledged, errors }
    }

    fn acknowledged(&self) -> usize {
        self.told.acknowledged.lock().expect("nobody panicked").len()
    }
}

impl Told {
    fn note(&self, number: u64, result: Result<Value, Error>) {
        match result {
            Ok(_) => drop(self.acknowledged.lock().expect("nobody panicked").insert(number)),
            Err(error) => self.errors.lock().expect("nobody panicked").push(error),
        }
    }
}

impl Toll {
    /// The acknowledged keys that the master does not have.
    pub(crate) fn lost(&self, pool: &Pool) -> Vec<u64> {
        let is_there = |number: &u64| {
            let reply = pool.execute_blocking(&Command::new(["EXISTS", &key(*number)]));
            reply.expect("the master answers") == Value::Integer(1)
        };
        self.acknowledged.iter().copied().filter(|number| !is_there(number)).collect()
    }

    /// How many failed that may have been executed.
    pub(crate) fn unknown(&self) -> u64 {
        self.errors.iter().filter(|error| error.outcome() == Some(Outcome::Unknown)).count() as u64
    }
}

fn command(writing: Writing, number: u64) -> Command {
    match writing {
        Writing::Keys => Command::new(["SET", &key(number), "1"]),
        Writing::Counter => Command::new(["INCR", "counter"]),
    }
}

fn key(number: u64) -> String {
    format!("written:{number}")
}
