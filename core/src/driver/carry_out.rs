//! Decides how each output of the machine is carried out, and what goes to the log beside its lines.

use std::sync::Arc;

use tokio::{sync::oneshot, task::spawn_blocking};

use super::{
    client::Patience,
    log::LogLine,
    store,
    turn::{Driver, SideNews, stopped},
};
use crate::{
    config::{LogLevel, Settings},
    error::Result,
    machine::{Input, Output},
    net::look_up,
    resp::{Refusal, Value},
    types::{ClientId, Millis, StoreId, Tick},
};

impl Driver {
    /// Carries out what the machine asks for, and what follows from that, until it asks for nothing more.
    pub(super) fn carry_out_all(&mut self) {
        loop {
            while let Some(output) = self.machine.poll_output() {
                self.carry_out(output);
            }
            let Some(input) = self.work.backlog.pop_front() else { return };
            self.machine.handle(self.clock.now(), input);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Open { link, target } => self.links.open(link, target),
            Output::Close { link } => self.links.close(link),
            Output::Send { link, request, command } => {
                let broken = self.links.send(link, request, &command);
                self.work.backlog.extend(broken);
            }
            Output::Reply { client, protocol, values } => {
                if let Some(answer) = self.work.insiders.remove(&client) {
                    self.answer_insider(client, answer, values);
                } else {
                    self.server.replied(client, self.work.served);
                    self.write(client, |bytes| values.iter().for_each(|value| value.encode(protocol, bytes)));
                }
            }
            Output::Push { client, protocol, value } => self.write(client, |bytes| value.encode(protocol, bytes)),
            Output::Hangup { client } => self.hang_up(client),
            Output::Publish(event) => {
                self.log.event(&event);
                // Nobody may be listening.
                let _ = self.events.send(event);
            }
            Output::Log { level, text } => self.log(level, text),
            Output::Store { store, settings } => self.store(store, settings),
            Output::Resolve { host } => self.resolve(host),
            Output::RunScript { job, argv } => self.scripts.run(job, argv),
            Output::KillScript { job } => self.scripts.kill(job),
            Output::Exit { code } => {
                self.work.exit.get_or_insert(code);
            }
        }
    }

    fn write(&mut self, client: ClientId, append: impl FnOnce(&mut Vec<u8>)) {
        let patience = if self.machine.is_subscriber(client) { Patience::Endless } else { Patience::AsSet };
        if !self.server.write(self.clock.now().tick, client, patience, append) {
            self.log(LogLevel::Warning, format!("Client id={client} closed for overcoming of output buffer limits."));
            self.work.backlog.push_back(Input::ClientClosed { client });
        }
    }

    fn hang_up(&mut self, client: ClientId) {
        if let Some(answer) = self.work.insiders.remove(&client) {
            // The asker may be gone.
            let _ = answer.send(Err(stopped("the command ended the connection")));
            self.work.backlog.push_back(Input::ClientClosed { client });
        }
        self.server.hang_up(client);
    }

    /// Writes a line for the log.
    pub(super) fn log(&mut self, level: LogLevel, text: String) {
        self.log.line(&LogLine { level, text, at: self.clock.now().unix });
    }

    fn store(&mut self, store: StoreId, settings: Box<Settings>) {
        let Some(file) = self.file.clone() else {
            self.work.backlog.push_back(Input::Stored { store, result: Ok(()) });
            return;
        };
        self.work.is_storing = true;
        let (side, storage) = (self.side.clone(), self.storage);
        spawn_blocking(move || {
            let result = store::write(&file, &settings, storage).map(|()| file.path);
            // The loop that would hear it is gone when the sentinel has ended meanwhile.
            let _ = side.blocking_send(SideNews::Stored { store, result });
        });
    }

    fn resolve(&mut self, host: String) {
        let (side, desk) = (self.side.clone(), Arc::clone(&self.work.resolver));
        while self.work.lookups.try_join_next().is_some() {}
        self.work.lookups.spawn(async move {
            let result = look_up(&host, &desk).await;
            // The loop that would hear it is gone when the sentinel has ended meanwhile.
            let _ = side.send(SideNews::Input(Input::Resolved { host, result })).await;
        });
    }

    fn answer_insider(&mut self, client: ClientId, answer: oneshot::Sender<Result<Value>>, mut values: Vec<Value>) {
        let value = match values.len() {
            0 => Value::Null,
            1 => values.remove(0),
            _ => Value::Array(values),
        };
        // The asker may be gone.
        let _ = answer.send(Ok(value));
        self.work.backlog.push_back(Input::ClientClosed { client });
    }

    /// Writes a line about a client that sent no command.
    pub(super) fn report(&mut self, refusal: &Refusal) {
        match refusal {
            Refusal::Malformed(text) => self.log(LogLevel::Verbose, format!("Protocol error from client: {text}")),
            Refusal::CrossProtocol => {
                let now = self.clock.now().tick;
                if is_due(&mut self.work.last_warning, now) {
                    self.log(LogLevel::Warning, CROSS_PROTOCOL.to_owned());
                }
            }
        }
    }
}

/// Whether a warning that may come often is due again; if so, it counts as given.
pub(super) fn is_due(last: &mut Option<Tick>, now: Tick) -> bool {
    let due = last.is_none_or(|last| now.since(last) >= WARNING_PAUSE);
    if due {
        *last = Some(now);
    }
    due
}

const WARNING_PAUSE: Millis = Millis::new(60_000);

const CROSS_PROTOCOL: &str = "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands \
    to Redis. This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis \
    instance. Connection aborted.";
