//! Decides the order of one turn: the stall check, the news, the deadlines that are due, the store.

use super::{Event, EventKind, Input, Machine, Output, Why};
use crate::{
    config::LogLevel,
    types::{Endpoint, GroupId, NodeId, Now},
};

impl Machine {
    /// Begins life: creates the configured masters with all they had, and stores a fresh identity.
    pub(super) fn begin(&mut self, now: Now) {
        let masters = std::mem::take(&mut self.settings.masters);
        for master in &masters {
            let group = self.restore(now, master);
            let text = format!("{} quorum {}", self.describe(self.groups[&group].master), master.quorum);
            self.publish(now, EventKind::Monitor, Some(group), text);
        }
        if self.settings.my_id.as_ref() != Some(&self.me) {
            self.settings.my_id = Some(self.me.clone());
            self.save(None);
        }
        self.flush_store(now);
        self.start_scripts(now);
    }

    /// One turn: what came late is noticed first, then the news counts, then whatever is due, then the disk.
    pub(super) fn turn(&mut self, now: Now, input: Input) {
        self.notice_stall(now);
        self.take(now, input);
        // Every deadline handled sets its successor later than now, so this ends; the bound is for the proof.
        for _ in 0..MOST_DEADLINES_A_TURN {
            let Some((_, why)) = self.deadlines.pop_due(now.tick) else { break };
            self.act(now, why);
        }
        self.flush_store(now);
        self.start_scripts(now);
    }

    fn take(&mut self, now: Now, input: Input) {
        match input {
            Input::Elapsed => {}
            Input::LinkOpened { link, local } => self.link_opened(now, link, local),
            Input::LinkClosed { link, reason } => self.link_closed(now, link, &reason),
            Input::Answer { link, request, value } => self.answered(now, link, request, &value),
            Input::Heard { link, value } => self.heard(now, link, &value),
            Input::ClientOpened { client, address, local } => self.client_opened(now, client, address, local),
            Input::ClientClosed { client } => self.client_closed(client),
            Input::Asked { client, request } => self.asked(now, client, &request),
            Input::Resolved { host, result } => self.resolved(now, &host, &result),
            Input::Stored { store, result } => self.stored(now, store, &result),
            Input::ScriptStarted { job, pid } => self.script_started(now, job, pid),
            Input::ScriptEnded { job, exit } => self.script_ended(now, job, exit),
            Input::Measured(gauges) => self.gauges = *gauges,
        }
    }

    fn act(&mut self, now: Now, why: Why) {
        match why {
            Why::Reconnect(link) => self.connect(now, link),
            Why::Ping(link) => self.ping(now, link),
            Why::Silence(link) => self.drop_silent_link(now, link),
            Why::Judge(node) => self.judge(now, node),
            Why::Info(node) => self.ask_info(now, node),
            Why::Hello(node) => self.say_hello(now, node),
            Why::Ask(node) => self.ask_peer(now, node),
            Why::Stale(node) => self.forget_answer(now, node),
            Why::Attempt(group) => self.attempt_failover(now, group),
            Why::Patience(group) => self.lose_patience(now, group),
            Why::Reconfigure(node) => self.give_up_reconfiguration(now, node),
            Why::Tilt => self.leave_tilt(now),
            Why::Script(_) => {}
            Why::ScriptLimit(job) => self.kill_script(now, job),
        }
    }

    /// Publishes an event about a master, or about none: to the log, the subscribers and the notification script.
    pub(super) fn publish(&mut self, now: Now, kind: EventKind, group: Option<GroupId>, text: String) {
        let about = group.and_then(|id| self.groups.get(&id));
        let master = about.map(|group| group.name.clone());
        let script = about.and_then(|group| group.notification_script.clone());
        let event = Event { kind, master, text, at: now.unix };
        if kind.level() == LogLevel::Warning
            && let Some(path) = script
        {
            self.queue_script(now, vec![path, kind.name().to_owned(), event.text.clone()]);
        }
        self.announce_event(event);
    }

    /// Publishes an event whose text is the details of one instance.
    pub(super) fn publish_node(&mut self, now: Now, kind: EventKind, node: NodeId) {
        let Some(group) = self.nodes.get(&node).map(|node| node.group) else { return };
        let text = self.describe(node);
        self.publish(now, kind, Some(group), text);
    }

    /// Publishes an event whose text is the details of a master.
    pub(super) fn publish_group(&mut self, now: Now, kind: EventKind, group: GroupId) {
        let Some(master) = self.groups.get(&group).map(|group| group.master) else { return };
        let text = self.describe(master);
        self.publish(now, kind, Some(group), text);
    }

    /// Hands an event that is ready to the log and to the subscribers.
    pub(super) fn announce_event(&mut self, event: Event) {
        if event.kind.level() != LogLevel::Debug {
            self.deliver(&event);
        }
        self.outputs.push_back(Output::Publish(event));
    }

    /// Writes a log line that is no event.
    pub(super) fn log(&mut self, level: LogLevel, text: String) {
        self.outputs.push_back(Output::Log { level, text });
    }

    /// The instance details of an event: `master <name> <ip> <port>`, or
    /// `<kind> <name> <ip> <port> @ <master> <ip> <port>`.
    pub(super) fn describe(&self, node: NodeId) -> String {
        let Some(node) = self.nodes.get(&node) else { return String::new() };
        let group = &self.groups[&node.group];
        let master = &self.nodes[&group.master];
        if node.id == group.master {
            return format!("master {} {}", group.name, self.spell(&node.address));
        }
        let name = match (&node.run_id, node.peer()) {
            (Some(run_id), Some(_)) => run_id.to_string(),
            (_, _) => node.address.key(self.settings.host_style),
        };
        let (own, head) = (self.spell(&node.address), self.spell(&master.address));
        format!("{} {name} {own} @ {} {head}", node.kind_word(), group.name)
    }

    /// An address as events write it: `<host> <port>`.
    pub(super) fn spell(&self, address: &Endpoint) -> String {
        format!("{} {}", address.announced(self.settings.host_style), address.port())
    }
}

/// More than any turn needs: a few deadlines for each instance of a thousand masters.
const MOST_DEADLINES_A_TURN: usize = 1 << 16;
