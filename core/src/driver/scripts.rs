//! Decides how a program is run, killed, and how its end is told.

use std::{collections::BTreeMap, io, os::unix::process::ExitStatusExt as _, process::ExitStatus, sync::Arc};

use tokio::{
    process::Command,
    sync::{Notify, mpsc},
    task::JoinSet,
};

use super::turn::SideNews;
use crate::{
    machine::{Input, ScriptExit},
    types::JobId,
};

/// The programs that run.
pub(super) struct Scripts {
    running: BTreeMap<JobId, Arc<Notify>>,
    tasks: JoinSet<()>,
    news: mpsc::Sender<SideNews>,
}

impl Scripts {
    /// None yet; their news goes to `news`.
    pub(super) fn new(news: mpsc::Sender<SideNews>) -> Self {
        Self { running: BTreeMap::new(), tasks: JoinSet::new(), news }
    }

    /// Runs a program with the standard streams of this process.
    pub(super) fn run(&mut self, job: JobId, argv: Vec<String>) {
        let kill = Arc::new(Notify::new());
        self.running.insert(job, Arc::clone(&kill));
        self.tasks.spawn(live(job, argv, kill, self.news.clone()));
        while self.tasks.try_join_next().is_some() {}
    }

    /// Kills a program.
    pub(super) fn kill(&mut self, job: JobId) {
        if let Some(kill) = self.running.get(&job) {
            kill.notify_one();
        }
    }

    /// Forgets a program that ended.
    pub(super) fn ended(&mut self, job: JobId) {
        self.running.remove(&job);
    }

    /// Leaves the programs alone: they run to their end without this sentinel.
    pub(super) async fn end(&mut self) {
        self.running.clear();
        self.tasks.shutdown().await;
    }
}

async fn live(job: JobId, argv: Vec<String>, kill: Arc<Notify>, news: mpsc::Sender<SideNews>) {
    let exit = run(job, &argv, &kill, &news).await;
    // The loop that would hear it is gone only when this task is about to be dropped too.
    let _ = news.send(SideNews::Input(Input::ScriptEnded { job, exit })).await;
}

async fn run(job: JobId, argv: &[String], kill: &Notify, news: &mpsc::Sender<SideNews>) -> ScriptExit {
    let Some((program, arguments)) = argv.split_first() else { return ScriptExit::NotStarted };
    let mut child = match Command::new(program).args(arguments).spawn() {
        Ok(child) => child,
        Err(error) => return not_executed(&error),
    };
    let pid = child.id().unwrap_or_default();
    let _ = news.send(SideNews::Input(Input::ScriptStarted { job, pid })).await;
    let end = tokio::select! {
        end = child.wait() => end,
        () = kill.notified() => {
            // It may have ended in this moment; then there is nothing to kill.
            let _ = child.start_kill();
            child.wait().await
        }
    };
    end.map_or(ScriptExit::NotStarted, ended_with)
}

/// A process that could not be made is tried again; a program that cannot be executed ends with 2, as in redis.
fn not_executed(error: &io::Error) -> ScriptExit {
    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory) {
        ScriptExit::NotStarted
    } else {
        ScriptExit::Code(2)
    }
}

fn ended_with(status: ExitStatus) -> ScriptExit {
    match (status.code(), status.signal()) {
        (Some(code), _) => ScriptExit::Code(code),
        (None, Some(signal)) => ScriptExit::Signal(signal),
        (None, None) => ScriptExit::NotStarted,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::{Scripts, SideNews};
    use crate::{
        machine::{Input, ScriptExit},
        types::JobId,
    };

    async fn end_of(argv: &[&str], and_kill: impl FnOnce(&mut Scripts)) -> ScriptExit {
        let (news, mut heard) = mpsc::channel(8);
        let mut scripts = Scripts::new(news);
        scripts.run(JobId::new(1), argv.iter().map(|&word| word.to_owned()).collect());
        let mut and_kill = Some(and_kill);
        loop {
            match heard.recv().await {
                Some(SideNews::Input(Input::ScriptEnded { exit, .. })) => return exit,
                Some(SideNews::Input(Input::ScriptStarted { .. })) => {
                    and_kill.take().expect("it starts once")(&mut scripts);
                }
                other => panic!("a script has nothing else to tell: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn the_exit_code_is_told() {
        let exit = end_of(&["/bin/sh", "-c", "exit 7"], |_| {}).await;

        assert_eq!(exit, ScriptExit::Code(7));
    }

    #[tokio::test]
    async fn a_program_that_is_missing_ends_with_2() {
        let exit = end_of(&["/nonexistent/program"], |_| {}).await;

        assert_eq!(exit, ScriptExit::Code(2));
    }

    #[tokio::test]
    async fn a_killed_program_ends_by_the_signal() {
        let exit = end_of(&["/bin/sleep", "60"], |scripts| scripts.kill(JobId::new(1))).await;

        assert_eq!(exit, ScriptExit::Signal(9));
    }
}
