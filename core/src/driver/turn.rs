//! Decides the order of one turn of the loop: wait for news, tell the machine, carry out its outputs, write everything.
//!
//! News of links comes before news of clients, so that no flood of commands delays judgement or a failover.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use tokio::{
    sync::{Semaphore, broadcast, mpsc, oneshot},
    task::{JoinSet, spawn_blocking, yield_now},
    time::{sleep_until, timeout_at},
};

use super::{
    Exit,
    client::{ClientNews, Patience},
    gauges::Meter,
    links::{LinkNews, Links},
    log::{Log, LogLine},
    scripts::Scripts,
    server::{Decoded, Server},
    store::{self, ConfigFile},
};
use crate::{
    config::{LogLevel, Settings},
    error::{Error, ErrorKind, Result},
    machine::{Event, Input, Machine, Output, Status},
    net::{Clock, look_up},
    resp::{Refusal, Request, Standing, Value},
    types::{ClientId, Millis, StoreId, Tick},
};

/// What the handle asks of the loop.
#[derive(Debug)]
pub(super) enum Order {
    /// Run a command as a client inside this process.
    Command { request: Request, answer: oneshot::Sender<Result<Value>> },
    /// Tell all that is known.
    Status { answer: oneshot::Sender<Status> },
    /// End.
    Stop,
}

/// News that comes neither from a link nor from a client.
#[derive(Debug)]
pub(super) enum SideNews {
    /// For the machine.
    Input(Input),
    /// A store ended.
    Stored { store: StoreId, result: std::result::Result<PathBuf, store::Failure> },
}

/// Everything of one running sentinel. One task owns it.
pub(super) struct Driver {
    pub(super) machine: Machine,
    pub(super) clock: Clock,
    pub(super) links: Links,
    pub(super) server: Server,
    pub(super) scripts: Scripts,
    pub(super) meter: Meter,
    pub(super) log: Log,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) file: Option<ConfigFile>,
    pub(super) inbox: Inbox,
    pub(super) side: mpsc::Sender<SideNews>,
    pub(super) work: Work,
}

/// Where news comes from.
pub(super) struct Inbox {
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) links: mpsc::Receiver<LinkNews>,
    pub(super) clients: mpsc::Receiver<ClientNews>,
    pub(super) side: mpsc::Receiver<SideNews>,
}

/// What is under way in the loop.
pub(super) struct Work {
    /// Inputs that came out of carrying out outputs.
    backlog: VecDeque<Input>,
    /// Commands from inside this process that wait for their reply.
    insiders: BTreeMap<ClientId, oneshot::Sender<Result<Value>>>,
    last_client: u64,
    /// The client whose commands are decoded in this moment.
    served: Option<ClientId>,
    is_storing: bool,
    exit: Option<i32>,
    lookups: JoinSet<()>,
    resolver: Arc<Semaphore>,
    last_warning: Option<Tick>,
    last_accept_warning: Option<Tick>,
}

enum Happening {
    Order(Option<Order>),
    Deadline,
    Link(LinkNews),
    Side(SideNews),
    Client(ClientNews),
    Ready,
}

impl Driver {
    /// Runs until it is told to end, by the handle or by the machine.
    pub(super) async fn run(mut self) -> Exit {
        self.carry_out_all();
        while self.work.exit.is_none() {
            match self.wait().await {
                Happening::Order(Some(Order::Command { request, answer })) => self.run_inside(request, answer),
                Happening::Order(Some(Order::Status { answer })) => {
                    // The asker may be gone.
                    let _ = answer.send(self.machine.status(self.clock.now()));
                }
                Happening::Order(Some(Order::Stop) | None) => break,
                Happening::Deadline => self.wake_machine(),
                Happening::Link(news) => self.hear(news),
                Happening::Side(news) => self.note(news),
                Happening::Client(news) => self.attend(news),
                Happening::Ready => self.serve(),
            }
            self.links.flush();
            self.server.flush();
        }
        let exit = Exit { code: self.work.exit };
        self.end().await;
        exit
    }

    async fn wait(&mut self) -> Happening {
        let now = self.clock.now().tick;
        // The timer stands still while the machine sleeps, so it is never set for long.
        let latest = now.after(LONGEST_WAIT);
        let wake = self.machine.deadline().map_or(latest, |(at, _)| at.min(latest));
        let wake = self.clock.instant(wake);
        tokio::select! {
            biased;
            order = self.inbox.orders.recv() => Happening::Order(order),
            () = sleep_until(wake) => Happening::Deadline,
            Some(news) = self.inbox.links.recv() => Happening::Link(news),
            Some(news) = self.inbox.side.recv() => Happening::Side(news),
            Some(news) = self.inbox.clients.recv() => Happening::Client(news),
            // It yields to the other tasks too: the clients' own have to write what was put on its way.
            () = yield_now(), if self.server.has_ready() => Happening::Ready,
        }
    }

    /// Tells the machine one piece of news and carries out what follows from it.
    fn tell(&mut self, input: Input) {
        self.machine.handle(self.clock.now(), input);
        self.carry_out_all();
    }

    fn carry_out_all(&mut self) {
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

    fn wake_machine(&mut self) {
        let now = self.clock.now();
        if self.machine.deadline().is_some_and(|(at, _)| at <= now.tick) {
            self.machine.handle(now, Input::Elapsed);
            self.carry_out_all();
        }
    }

    fn hear(&mut self, news: LinkNews) {
        let mut heard = self.links.receive(news);
        while let Some(input) = self.links.next_input(&mut heard) {
            self.tell(input);
        }
    }

    fn note(&mut self, news: SideNews) {
        match news {
            SideNews::Input(input) => {
                if let Input::ScriptEnded { job, .. } = &input {
                    self.scripts.ended(*job);
                }
                self.tell(input);
            }
            SideNews::Stored { store, result } => {
                self.work.is_storing = false;
                let (level, line) = match &result {
                    Ok(path) => (LogLevel::Debug, format!("Rewritten config file ({}) successfully", path.display())),
                    Err(failure) => (LogLevel::Warning, failure.line.clone()),
                };
                self.log(level, line);
                let result = result.map(|_| ()).map_err(|failure| failure.reason);
                self.tell(Input::Stored { store, result });
            }
        }
    }

    fn attend(&mut self, news: ClientNews) {
        match news {
            ClientNews::Arrived { stream, address } => {
                let client = self.next_client();
                let local = stream.local_addr().ok();
                self.meter.connections += 1;
                if self.server.admit(client, stream) {
                    self.tell(Input::ClientOpened { client, address: Some(address), local });
                } else {
                    self.meter.rejected += 1;
                }
            }
            ClientNews::NotAccepted { reason } => {
                let now = self.clock.now().tick;
                if is_due(&mut self.work.last_accept_warning, now) {
                    self.log(LogLevel::Warning, format!("Accepting client connection: accept: {reason}"));
                }
            }
            ClientNews::Came { client, bytes } => self.server.feed(client, &bytes),
            ClientNews::Drained { client } => self.server.drained(client),
            ClientNews::Gone { client } => {
                if self.server.remove(client) {
                    self.tell(Input::ClientClosed { client });
                }
            }
        }
    }

    /// Serves the client whose turn it is, for a while.
    fn serve(&mut self) {
        let Some(client) = self.server.next_ready() else { return };
        self.work.served = Some(client);
        for _ in 0..SLICE {
            let standing = self.standing(client);
            match self.server.decode(client, standing) {
                Decoded::Request(request) => {
                    let now = self.clock.now();
                    if let Some(gauges) = self.meter.measure(now.tick, self.server.count()) {
                        self.tell(Input::Measured(gauges));
                    }
                    self.tell(Input::Asked { client, request });
                }
                Decoded::Nothing => break,
                Decoded::Refused(refusal) => {
                    self.report(&refusal);
                    break;
                }
            }
        }
        self.work.served = None;
        self.server.put_off(client);
    }

    fn standing(&self, client: ClientId) -> Standing {
        if self.machine.is_authenticated(client) { Standing::Known } else { Standing::Stranger }
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

    fn report(&mut self, refusal: &Refusal) {
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

    fn log(&mut self, level: LogLevel, text: String) {
        self.log.line(&LogLine { level, text, at: self.clock.now().unix });
    }

    fn store(&mut self, store: StoreId, settings: Box<Settings>) {
        let Some(file) = self.file.clone() else {
            self.work.backlog.push_back(Input::Stored { store, result: Ok(()) });
            return;
        };
        self.work.is_storing = true;
        let side = self.side.clone();
        spawn_blocking(move || {
            let result = store::write(&file, &settings).map(|()| file.path);
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

    fn run_inside(&mut self, request: Request, answer: oneshot::Sender<Result<Value>>) {
        let client = self.next_client();
        let now = self.clock.now().tick;
        if let Some(gauges) = self.meter.measure(now, self.server.count()) {
            self.tell(Input::Measured(gauges));
        }
        self.work.insiders.insert(client, answer);
        self.tell(Input::ClientOpened { client, address: None, local: None });
        self.tell(Input::Asked { client, request });
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

    fn next_client(&mut self) -> ClientId {
        self.work.last_client += 1;
        ClientId::new(self.work.last_client)
    }

    /// Closes everything; what the machine still wants on disk gets a moment to arrive there.
    async fn end(mut self) {
        self.inbox.orders.close();
        for (_, answer) in std::mem::take(&mut self.work.insiders) {
            // The asker may be gone.
            let _ = answer.send(Err(stopped("the sentinel is ending")));
        }
        self.links.flush();
        self.server.flush();
        let latest = self.clock.instant(self.clock.now().tick.after(LAST_STORE));
        while self.work.is_storing {
            match timeout_at(latest, self.inbox.side.recv()).await {
                Ok(Some(news)) => self.note(news),
                Ok(None) | Err(_) => break,
            }
        }
        self.links.end().await;
        self.server.end().await;
        self.scripts.end().await;
        self.work.lookups.shutdown().await;
    }
}

impl Default for Work {
    fn default() -> Self {
        Self {
            backlog: VecDeque::new(),
            insiders: BTreeMap::new(),
            last_client: 0,
            served: None,
            is_storing: false,
            exit: None,
            lookups: JoinSet::new(),
            resolver: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            last_warning: None,
            last_accept_warning: None,
        }
    }
}

/// The failure of a call to a sentinel that has ended.
pub(super) fn stopped(why: &str) -> Error {
    Error::new(ErrorKind::Stopped, "ask the sentinel", why)
}

/// Whether a warning that may come often is due again; if so, it counts as given.
fn is_due(last: &mut Option<Tick>, now: Tick) -> bool {
    let due = last.is_none_or(|last| now.since(last) >= WARNING_PAUSE);
    if due {
        *last = Some(now);
    }
    due
}

/// How many commands of one client are served before the others have their turn.
const SLICE: usize = 256;

const LONGEST_WAIT: Millis = Millis::new(1000);

const LAST_STORE: Millis = Millis::new(80);

const WARNING_PAUSE: Millis = Millis::new(60_000);

/// A resolver that hangs keeps a thread for each lookup.
const MAX_LOOKUPS: usize = 8;

const CROSS_PROTOCOL: &str = "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands \
    to Redis. This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis \
    instance. Connection aborted.";
