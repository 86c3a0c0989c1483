//! The command surface beside redis-sentinel 7.0.15: the same command lines get the same replies, in RESP2 and RESP3.
//!
//! The reference runs as a process, ours as a machine without sockets; both monitor the same servers. Ages, ids and
//! counters are masked. What differs on purpose stands in tests of its own below, with its reason.

use std::{collections::BTreeMap, net::SocketAddr};

use sentinelle::{
    config::{MasterSettings, Settings},
    machine::{Input, Machine, Output},
    resp::{Protocol, Request, Value, ValueDecoder},
    testing::{Client, DataServer, Flavour, SentinelPlan, SentinelProcess, ServerPlan, Watched, wait_until},
    types::{ClientId, Endpoint, LinkId, MasterName, Millis, Now, RunId, Tick, UnixMs},
};

#[test]
fn every_reply_equals_the_references() {
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let mut pair = Pair::start(protocol);
        let mut differences = Vec::new();

        for line in include_str!("command_surface.txt").lines().filter(|line| !line.starts_with('#')) {
            let words = words(&pair.fill(line));
            if words.is_empty() {
                continue;
            }
            let (theirs, ours) = pair.ask(&words);
            if theirs != ours {
                differences.push(format!("> {line}\n  reference {}\n  ours      {}", shown(&theirs), shown(&ours)));
            }
        }

        assert!(differences.is_empty(), "{protocol:?}:\n{}", differences.join("\n"));
    }
}

#[test]
fn every_command_we_list_is_described_as_the_reference_describes_it() {
    let mut pair = Pair::start(Protocol::Resp2);

    let (theirs, ours) = pair.ask(&["COMMAND".into()]);

    let (theirs, ours) = (described(&theirs), described(&ours));
    for (name, facts) in &ours {
        match theirs.get(name) {
            Some(known) => assert_eq!(facts, known, "{name}"),
            None => assert!(OURS_ALONE.contains(&name.as_str()), "{name}"),
        }
    }
    let missing: Vec<&str> = theirs.keys().filter(|name| !ours.contains_key(*name)).map(String::as_str).collect();
    assert_eq!(missing, NOT_OURS);
}

#[test]
fn info_has_the_references_lines_in_its_order() {
    let mut pair = Pair::start(Protocol::Resp2);

    for section in ["everything", "server", "clients", "stats", "cpu", "SENTINEL"] {
        let (theirs, ours) = pair.ask(&["INFO".into(), section.into()]);

        assert_eq!(ours, theirs, "{section}");
    }
}

#[test]
fn changes_are_told_as_the_reference_tells_them() {
    let mut pair = Pair::start(Protocol::Resp2);
    pair.listen();

    for line in [
        "SENTINEL SET mymaster Quorum 2 down-after-milliseconds 40000",
        "SENTINEL SET mymaster rename-command PING PONG failover-timeout 1000 foo bar",
        "SENTINEL SET mymaster notification-script /x",
        "SENTINEL SET mymaster master-reboot-down-after-period 5",
        "SENTINEL MONITOR other 127.0.0.1 0 3",
        "SENTINEL RESET oth*",
        "SENTINEL REMOVE other",
        "SENTINEL SET mymaster auth-pass secret AUTH-USER me",
    ] {
        let line = words(line);
        pair.ask(&line);
    }

    let ours = std::mem::take(&mut pair.ours.pushed);
    assert_eq!(ours.len(), 10, "{:?}", ours.iter().map(shown).collect::<Vec<_>>());
    for our in ours {
        assert_eq!(shown(&our), shown(&pair.next_heard()));
    }
}

#[test]
fn names_and_numbers_that_would_break_files_or_hellos_are_refused() {
    let mut pair = Pair::start(Protocol::Resp2);

    for line in [
        "SENTINEL MONITOR a,b 127.0.0.1 1 1",
        "SENTINEL MONITOR a~b 127.0.0.1 1 1",
        "SENTINEL MONITOR a 127.0.0.1 1 4294967296",
        "SENTINEL SET mymaster quorum 4294967296",
    ] {
        let ours = pair.ours.ask(&words(line));
        assert!(matches!(ours, Value::Error(_)), "{line}: {ours:?}");
    }
}

/// Sub-commands of later versions that are answered too, so that their users are not turned away.
const OURS_ALONE: &[&str] = &[
    "client|setinfo",
    "sentinel|get-primary-addr-by-name",
    "sentinel|is-primary-down-by-addr",
    "sentinel|primaries",
    "sentinel|primary",
];

/// Sub-commands that change users while the sentinel runs, or concern keys, which a sentinel does not have.
const NOT_OURS: &[&str] = &[
    "acl|deluser",
    "acl|dryrun",
    "acl|genpass",
    "acl|load",
    "acl|log",
    "acl|save",
    "acl|setuser",
    "client|caching",
    "client|getredir",
    "client|pause",
    "client|tracking",
    "client|trackinginfo",
    "client|unblock",
    "client|unpause",
];

/// The reference and the machine, with one client each, over the same master and replica.
struct Pair {
    servers: Vec<DataServer>,
    reference: SentinelProcess,
    theirs: Client,
    listener: Option<Client>,
    ours: Local,
}

impl Pair {
    fn start(protocol: Protocol) -> Self {
        let servers = DataServer::start_replicated(&ServerPlan::default(), 1).expect("servers start");
        let watched = Watched {
            name: "mymaster".into(),
            address: servers[0].address(),
            quorum: 1,
            down_after: Millis::new(30_000),
            failover_timeout: Millis::new(180_000),
            options: Vec::new(),
        };
        let plan = SentinelPlan { flavour: Flavour::Redis, program: None, masters: vec![watched], lines: Vec::new() };
        let reference = SentinelProcess::start(&plan).expect("the reference starts");
        let mut theirs = reference.client().expect("the reference answers");
        wait_until(Millis::new(30_000), "the reference knows the replica's state", || {
            let reply = theirs.command(&["SENTINEL", "REPLICAS", "mymaster"]);
            reply.is_ok_and(|reply| format!("{reply:?}").contains(&format!("{:?}", Value::bulk("ok"))))
        })
        .expect("the reference finds the replica");
        let mut ours = Local::start(&servers);
        if protocol == Protocol::Resp3 {
            theirs.command(&["HELLO", "3"]).expect("the reference speaks RESP3");
            ours.ask(&words("HELLO 3"));
        }
        Self { servers, reference, theirs, listener: None, ours }
    }

    /// The line with `MASTER` and `REPLICA` as the servers' ports.
    fn fill(&self, line: &str) -> String {
        let port = |server: &DataServer| server.address().port().to_string();
        line.replace("<MASTER>", &port(&self.servers[0])).replace("<REPLICA>", &port(&self.servers[1]))
    }

    /// Subscribes a second client of each to everything.
    fn listen(&mut self) {
        let mut listener = self.reference.client().expect("the reference answers");
        listener.command(&["PSUBSCRIBE", "*"]).expect("the reference lets listen");
        self.listener = Some(listener);
        self.ours.handle(Input::ClientOpened { client: LISTENER, address: None, local: None });
        self.ours.handle(Input::Asked { client: LISTENER, request: Request::new(["PSUBSCRIBE", "*"]) });
        self.ours.replies.clear();
    }

    /// The next event the reference tells of what operators change.
    fn next_heard(&mut self) -> Value {
        let listener = self.listener.as_mut().expect("listening");
        loop {
            let heard = listener.read().expect("an event");
            let words = if let Value::Array(words) = &heard { &words[..] } else { &[] };
            let channel = words.get(2).and_then(Value::as_text).unwrap_or_default();
            if ["+set", "+monitor", "-monitor", "+reset-master"].contains(&channel) {
                return heard;
            }
        }
    }

    /// Both replies, masked.
    fn ask(&mut self, words: &[String]) -> (Value, Value) {
        let line: Vec<&str> = words.iter().map(String::as_str).collect();
        let theirs = self.theirs.command(&line).expect("the reference answers");
        (masked(theirs), masked(self.ours.ask(words)))
    }
}

/// The machine with one client, its links answered as the servers would.
struct Local {
    machine: Machine,
    now: Now,
    links: BTreeMap<LinkId, SocketAddr>,
    info: BTreeMap<SocketAddr, String>,
    replies: Vec<Value>,
    pushed: Vec<Value>,
}

const CLIENT: ClientId = ClientId::new(3);
const LISTENER: ClientId = ClientId::new(4);

impl Local {
    fn start(servers: &[DataServer]) -> Self {
        let info = servers.iter().map(|server| {
            let text = server.client().and_then(|mut client| client.text(&["INFO"])).expect("a server tells");
            (server.address(), text)
        });
        let mut settings = Settings::default();
        let name = MasterName::parse("mymaster").expect("a legal name");
        let address = Endpoint::numeric(servers[0].address());
        settings.masters.push(MasterSettings::new(name, address, 1, &settings.periods));
        let now = Now { tick: Tick::from_ms(1_000), unix: UnixMs::from_ms(1_700_000_000_000) };
        let machine = Machine::new(settings, RunId::from_bytes([1; 20]), 1, now);
        let (info, links) = (info.collect(), BTreeMap::new());
        let mut local = Self { machine, now, links, info, replies: Vec::new(), pushed: Vec::new() };
        local.handle(Input::ClientOpened { client: CLIENT, address: None, local: None });
        while let Some((at, _)) = local.machine.deadline().filter(|(at, _)| *at <= Tick::from_ms(4_000)) {
            local.now.tick = at;
            local.handle(Input::Elapsed);
        }
        local
    }

    /// The reply, as its bytes are read by a client.
    fn ask(&mut self, words: &[String]) -> Value {
        let request = Request::new(words.iter().map(String::as_bytes));
        self.handle(Input::Asked { client: CLIENT, request });
        let mut replies = std::mem::take(&mut self.replies);
        assert_eq!(replies.len(), 1, "{words:?}: one reply for one command: {replies:?}");
        replies.remove(0)
    }

    fn handle(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        while let Some(output) = self.machine.poll_output() {
            if let Some(input) = self.react(output) {
                self.machine.handle(self.now, input);
            }
        }
    }

    fn react(&mut self, output: Output) -> Option<Input> {
        if let Output::Open { link, target } = output {
            self.links.insert(link, target);
            return Some(Input::LinkOpened { link, local: [127, 0, 0, 1].into() });
        }
        if let Output::Send { link, request, command } = output {
            let info = self.links.get(&link).and_then(|target| self.info.get(target))?;
            let value = match command.text(0)? {
                "INFO" => Value::bulk(info),
                "PING" => Value::Simple("PONG".into()),
                _ => Value::ok(),
            };
            return Some(Input::Answer { link, request, value });
        }
        if let Output::Store { store, .. } = output {
            return Some(Input::Stored { store, result: Ok(()) });
        }
        if let Output::Push { protocol, value, .. } = output {
            self.pushed.push(read_back(&value, protocol));
        } else if let Output::Reply { protocol, values, .. } = output {
            self.replies.extend(values.iter().map(|value| read_back(value, protocol)));
        }
        None
    }
}

/// The value as its bytes say it.
fn read_back(value: &Value, protocol: Protocol) -> Value {
    let mut bytes = Vec::new();
    value.encode(protocol, &mut bytes);
    let mut decoder = ValueDecoder::default();
    decoder.feed(&bytes);
    decoder.poll_value().expect("we write what we can read").expect("a whole value")
}

/// A value as the bytes that say it.
fn shown(value: &Value) -> String {
    let mut bytes = Vec::new();
    value.encode(Protocol::Resp3, &mut bytes);
    bytes.escape_ascii().to_string()
}

/// A line's words: `''` is an empty one, `~` a blank inside one, `\n` a line end inside one.
fn words(line: &str) -> Vec<String> {
    let unfold = |word: &str| word.replace("''", "").replace('~', " ").replace("\\n", "\n");
    line.split_whitespace().map(unfold).collect()
}

/// The value without ages, ids, counters and measured figures.
fn masked(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut masked: Vec<Value> = Vec::with_capacity(items.len());
            for item in items {
                let hides = masked.last().is_some_and(is_volatile);
                masked.push(if hides { Value::bulk("*") } else { self::masked(item) });
            }
            Value::Array(masked)
        }
        Value::Map(pairs) => {
            let mask = |(key, value)| {
                let value = if is_volatile(&key) { Value::bulk("*") } else { masked(value) };
                (key, value)
            };
            Value::Map(pairs.into_iter().map(mask).collect())
        }
        Value::Bulk(text) => Value::bulk(masked_text(&text)),
        Value::Verbatim(text) => Value::Verbatim(masked_text(&text).into_bytes()),
        Value::Set(items) => Value::Set(items.into_iter().map(masked).collect()),
        other @ (Value::Simple(_)
        | Value::Error(_)
        | Value::Integer(_)
        | Value::Null
        | Value::NullArray
        | Value::Push(_)
        | Value::Boolean(_)
        | Value::Double(_)
        | Value::BigNumber(_)) => other,
    }
}

fn is_volatile(key: &Value) -> bool {
    key.as_text().is_some_and(|key| VOLATILE.contains(&key))
}

const VOLATILE: &[&str] = &[
    "id",
    "info-refresh",
    "last-ok-ping-reply",
    "last-ping-reply",
    "last-ping-sent",
    "link-pending-commands",
    "role-reported-time",
    "slave-repl-offset",
];

/// INFO and CLIENT LIST with the names of their fields alone; other texts as they are.
fn masked_text(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    if text.starts_with("# ") {
        text.lines().map(|line| line.split(':').next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    } else if text.starts_with("id=") {
        text.split(' ').map(|field| field.split('=').next().unwrap_or_default()).collect::<Vec<_>>().join(" ")
    } else {
        text.into_owned()
    }
}

/// A COMMAND reply as facts by name, sub-commands included.
fn described(reply: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Value::Array(commands) = reply else { panic!("an array: {reply:?}") };
    for command in commands {
        let Value::Array(facts) = command else { panic!("an array: {command:?}") };
        let (subcommands, facts) = facts.split_last().expect("ten facts");
        found.insert(facts[0].as_text().expect("a name").into(), format!("{facts:?}"));
        found.extend(described(subcommands));
    }
    found
}
