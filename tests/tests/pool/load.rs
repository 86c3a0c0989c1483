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

/// So that no two loads write the same keys.
static LOADS: AtomicU64 = AtomicU64::new(0);

/// Writers at work, until [`Load::end`].
pub(crate) struct Load {
    number: u64,
    writing: Writing,
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
    load: u64,
    writing: Writing,
    pub(crate) acknowledged: BTreeSet<u64>,
    pub(crate) errors: Vec<Error>,
}

impl Load {
    pub(crate) fn start(stage: &Stage, manner: Manner, writing: Writing) -> Self {
        let told = Arc::new(Told::default());
        let load = LOADS.fetch_add(1, Ordering::Relaxed);
        let (mut stop, mut writers) = (Vec::new(), Vec::new());
        for _ in 0..WRITERS {
            let (end, ended) = mpsc::channel();
            let (pool, runtime, told) = (stage.pool.clone(), stage.runtime.handle().clone(), Arc::clone(&told));
            stop.push(end);
            writers.push(std::thread::spawn(move || {
                while ended.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                    let number = told.next.fetch_add(1, Ordering::Relaxed);
                    let command = command(writing, load, number);
                    let result = match manner {
                        Manner::Threads => pool.execute_blocking(&command),
                        Manner::Tasks => runtime.block_on(pool.execute(command)),
                    };
                    told.note(number, result);
                }
            }));
        }
        Self { number: load, writing, stop, writers, told }
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
        Toll { load: self.number, writing: self.writing, acknowledged, errors }
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
    /// How many acknowledged writes the master does not have.
    pub(crate) fn lost(&self, pool: &Pool) -> usize {
        let run = |words: &[&str]| pool.execute_blocking(&Command::new(words)).expect("the master answers");
        match self.writing {
            Writing::Keys => {
                let is_there = |number: u64| run(&["EXISTS", &key(self.load, number)]) == Value::Integer(1);
                self.acknowledged.iter().filter(|number| !is_there(**number)).count()
            }
            Writing::Counter => {
                let counted = run(&["GET", "counter"]).as_text().and_then(|text| text.parse().ok());
                self.acknowledged.len().saturating_sub(counted.unwrap_or(0))
            }
        }
    }

    /// How many failed that may have been executed.
    pub(crate) fn unknown(&self) -> i64 {
        self.errors.iter().filter(|error| error.outcome() == Some(Outcome::Unknown)).count() as i64
    }
}

fn command(writing: Writing, load: u64, number: u64) -> Command {
    match writing {
        Writing::Keys => Command::new(["SET", &key(load, number), "1"]),
        Writing::Counter => Command::new(["INCR", "counter"]),
    }
}

fn key(load: u64, number: u64) -> String {
    format!("written:{load}:{number}")
}
