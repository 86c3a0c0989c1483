//! Decides which scripts run, when, and how often again: the queue of notification and reconfiguration scripts.
//!
//! Mirrors spec 10.5 and 10.6. The driver runs them; the queue is bounded and is not stored.

use std::collections::BTreeMap;

use super::{EventKind, Machine, Output, ScriptExit, Why};
use crate::types::{JobId, Millis, Now, Tick};

/// The scripts that wait or run, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct ScriptDesk {
    /// By the order they were queued in.
    pub(super) jobs: BTreeMap<JobId, Job>,
}

/// One script with its arguments, from its event to its end.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Program and arguments.
    pub(super) argv: Vec<String>,
    /// How often it was started.
    pub(super) starts: u32,
    /// What it does.
    pub(super) state: JobState,
}

/// What a script does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobState {
    /// It waits until then.
    Scheduled(Tick),
    /// It was started then; the process id is known a moment later.
    Running {
        /// When it was started.
        since: Tick,
        /// Its process id; 0 until known.
        pid: u32,
    },
}

impl Machine {
    /// Queues a script; when the queue is full the oldest one that does not run makes room.
    pub(super) fn queue_script(&mut self, now: Now, argv: Vec<String>) {
        if self.scripts.jobs.len() >= MOST_JOBS {
            let oldest = self.scripts.jobs.iter().find(|(_, job)| matches!(job.state, JobState::Scheduled(_)));
            let Some(oldest) = oldest.map(|(id, _)| *id) else { return };
            self.drop_job(oldest);
        }
        let id = JobId::new(self.fresh_number());
        self.scripts.jobs.insert(id, Job { argv, starts: 0, state: JobState::Scheduled(now.tick) });
    }

    fn drop_job(&mut self, id: JobId) {
        self.scripts.jobs.remove(&id);
        self.deadlines.clear(Why::Script(id));
        self.deadlines.clear(Why::ScriptLimit(id));
    }

    /// At the end of a turn: starts what may run, oldest first.
    pub(super) fn start_scripts(&mut self, now: Now) {
        let running = self.running_scripts();
        let ready = |job: &&mut Job| matches!(job.state, JobState::Scheduled(at) if at <= now.tick);
        let free = MOST_RUNNING.saturating_sub(running);
        let limit = now.tick.after(self.settings.periods.script_runtime);
        let mut started = Vec::new();
        for (id, job) in self.scripts.jobs.iter_mut().filter(|(_, job)| ready(job)).take(free) {
            job.starts += 1;
            job.state = JobState::Running { since: now.tick, pid: 0 };
            self.outputs.push_back(Output::RunScript { job: *id, argv: job.argv.clone() });
            started.push(*id);
        }
        for id in started {
            self.deadlines.clear(Why::Script(id));
            self.deadlines.set(Why::ScriptLimit(id), limit);
        }
    }

    /// The number of scripts that run.
    pub(super) fn running_scripts(&self) -> usize {
        self.scripts.jobs.values().filter(|job| matches!(job.state, JobState::Running { .. })).count()
    }

    /// The driver started a script.
    pub(super) fn script_started(&mut self, now: Now, id: JobId, started: u32) {
        let Some(job) = self.scripts.jobs.get_mut(&id) else { return };
        if let JobState::Running { pid, .. } = &mut job.state {
            *pid = started;
            self.publish(now, EventKind::ScriptChild, None, started.to_string());
        }
    }

    /// A script has run for too long.
    pub(super) fn kill_script(&mut self, now: Now, id: JobId) {
        let Some(job) = self.scripts.jobs.get(&id) else { return };
        if let JobState::Running { pid, .. } = job.state {
            let text = format!("{} {pid}", job.argv.first().map_or("", String::as_str));
            self.publish(now, EventKind::ScriptTimeout, None, text);
            self.outputs.push_back(Output::KillScript { job: id });
        }
    }

    /// A script ended: done, to be run again, or failed for good.
    pub(super) fn script_ended(&mut self, now: Now, id: JobId, exit: ScriptExit) {
        let Some(job) = self.scripts.jobs.get(&id) else { return };
        let JobState::Running { pid, .. } = job.state else { return };
        let path = job.argv.first().cloned().unwrap_or_default();
        let starts = job.starts;
        let (code, signal) = match exit {
            ScriptExit::Code(code) => (code, 0),
            ScriptExit::Signal(signal) => (0, signal),
            ScriptExit::NotStarted => (0, 99),
        };
        self.deadlines.clear(Why::ScriptLimit(id));
        self.publish(now, EventKind::ScriptChildEnded, None, format!("{pid} {code} {signal}"));
        let deserves_retry = signal != 0 || code == 1;
        if deserves_retry && starts < MOST_STARTS {
            let at = now.tick.after(retry_delay(self.settings.periods.script_retry, starts));
            if let Some(job) = self.scripts.jobs.get_mut(&id) {
                job.state = JobState::Scheduled(at);
            }
            self.deadlines.set(Why::Script(id), at);
        } else {
            self.drop_job(id);
        }
        if exit == ScriptExit::NotStarted || (exit != ScriptExit::Code(0) && !(deserves_retry && starts < MOST_STARTS))
        {
            self.publish(now, EventKind::ScriptError, None, format!("{path} {signal} {code}"));
        }
    }
}

/// The pause before a script is started again: doubling from the first.
fn retry_delay(first: Millis, starts: u32) -> Millis {
    first.times(1 << starts.saturating_sub(1).min(MOST_STARTS))
}

/// Scripts that wait or run.
const MOST_JOBS: usize = 256;

/// Scripts that run at once.
const MOST_RUNNING: usize = 16;

/// Starts of one script, in all.
const MOST_STARTS: u32 = 10;
