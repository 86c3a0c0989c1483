//! Decides the order of one turn of the loop: wait for news, tell the machine, have its outputs carried out, write everything.
//!
//! News of links comes before news of clients, so that no flood of commands delays judgement or a failover.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
};

use tokio::{
    sync::{Semaphore, broadcast, mpsc, oneshot},
    task::{JoinSet, yield_now},
    time::{sleep_until, timeout_at},
};

use super::{
    Exit,
    carry_out::is_due,
    client::ClientNews,
    disturb::{Disturbance, Storage},
    gauges::Meter,
    links::{LinkNews, Links},
    log::Log,
    scripts::Scripts,
    server::{Decoded, Server},
    store::{self, ConfigFile},
};
use crate::{
    config::LogLevel,
    error::{Error, ErrorKind, Result},
    machine::{Event, Input, Machine, Status},
    net::Clock,
    resp::{Request, Standing, Value},
    types::{ClientId, Millis, StoreId, Tick},
};

/// What the handle asks of the loop.
#[derive(Debug)]
pub(super) enum Order {
    /// Run a command as a client inside this process.
    Command { request: Request, answer: oneshot::Sender<Result<Value>> },
    /// Tell all that is known.
    Status { answer: oneshot::Sender<Status> },
    /// Break something, for a test.
    Disturb { disturbance: Disturbance, answer: oneshot::Sender<()> },
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
    pub(super) storage: Storage,
    /// Whether clients from elsewhere are turned away while there is no password.
    pub(super) is_protected: bool,
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
    pub(super) backlog: VecDeque<Input>,
    /// Commands from inside this process that wait for their reply.
    pub(super) insiders: BTreeMap<ClientId, oneshot::Sender<Result<Value>>>,
    pub(super) last_client: u64,
    /// The client whose commands are decoded in this moment.
    pub(super) served: Option<ClientId>,
    pub(super) is_storing: bool,
    pub(super) exit: Option<i32>,
    pub(super) lookups: JoinSet<()>,
    pub(super) resolver: Arc<Semaphore>,
    pub(super) last_warning: Option<Tick>,
    pub(super) last_accept_warning: Option<Tick>,
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
                Happening::Order(Some(Order::Disturb { disturbance, answer })) => {
                    self.suffer(disturbance);
                    // The asker may be gone.
                    let _ = answer.send(());
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

    fn suffer(&mut self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Storage(storage) => self.storage = storage,
            Disturbance::Nudge => {
                self.machine.look_around(self.clock.now());
                self.wake_machine();
            }
            Disturbance::Jump(span_ms) => {
                self.clock.jump(span_ms);
                self.wake_machine();
            }
        }
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
                    self.protect(client, address);
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
            ClientNews::Ended { client } => self.server.ended(client),
            ClientNews::Gone { client } => {
                if self.server.remove(client) {
                    self.tell(Input::ClientClosed { client });
                }
            }
        }
    }

    /// Turns a client from elsewhere away while nobody has to authenticate (`protected-mode`).
    fn protect(&mut self, client: ClientId, address: SocketAddr) {
        let is_open = self.is_protected && self.standing(client) == Standing::Known;
        if is_open && !address.ip().to_canonical().is_loopback() {
            self.server.dismiss(client, &Value::error(PROTECTED));
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
                Decoded::Overfull => {
                    self.server.remove(client);
                    self.log(
                        LogLevel::Warning,
                        format!("Client id={client} closed: commands of all clients too long."),
                    );
                    self.tell(Input::ClientClosed { client });
                    break;
                }
                Decoded::Refused(refusal) => {
                    if refusal.told().is_none() && self.server.remove(client) {
                        self.tell(Input::ClientClosed { client });
                    }
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

/// How many commands of one client are served before the others have their turn.
const SLICE: usize = 256;

const LONGEST_WAIT: Millis = Millis::new(1000);

const LAST_STORE: Millis = Millis::new(80);

/// A resolver that hangs keeps a thread for each lookup.
const MAX_LOOKUPS: usize = 8;

const PROTECTED: &str = "DENIED Redis is running in protected mode because protected mode is enabled and no password is set \
    for the default user. In this mode connections are only accepted from the loopback interface. If you \
    want to connect from external computers to Redis you may adopt one of the following solutions: 1) \
    Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback \
    interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis \
    is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change \
    permanent. 2) Alternatively you can just disable the protected mode by editing the Redis \
    configuration file, and setting the protected mode option to 'no', and then restarting the server. \
    3) If you started the server manually just for testing, restart it with the '--protected-mode no' \
    option. 4) Setup a an authentication password for the default user. NOTE: You only need to do one of \
    the above things in order for the server to start accepting connections from the outside.";
