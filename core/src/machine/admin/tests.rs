//! What clients are answered, asked of a machine without sockets.

use super::Desk;
use crate::{
    config::{MasterSettings, Settings},
    machine::{Input, Machine, Output},
    resp::{Protocol, Request, Value},
    types::{ClientId, Endpoint, MasterName, Millis, Now, RunId, Secret, Tick, UnixMs},
};

const CLIENT: ClientId = ClientId::new(5);

#[test]
fn commands_that_do_not_exist_are_named_with_their_arguments() {
    let mut port = Port::open(Settings::default());

    for (line, expected) in [
        ("config get x", "ERR unknown command 'config', with args beginning with: 'get' 'x' "),
        ("quit", "ERR unknown command 'quit', with args beginning with: "),
        ("sentinel|masters", "ERR unknown command 'sentinel|masters', with args beginning with: "),
        ("sentinel Foo", "ERR unknown subcommand 'Foo'. Try SENTINEL HELP."),
        ("client no-touch on", "ERR unknown subcommand 'no-touch'. Try CLIENT HELP."),
        ("sentinel", "ERR wrong number of arguments for 'sentinel' command"),
        ("SENTINEL MASTERS x", "ERR wrong number of arguments for 'sentinel|masters' command"),
    ] {
        assert_eq!(port.ask(line), Value::error(expected), "{line}");
    }
}

#[test]
fn a_masters_map_has_the_references_fields_in_order() {
    let mut port = Port::open(monitoring());

    let Value::Map(map) = port.ask("sentinel master mymaster") else { panic!("a map") };

    let names: Vec<&str> = map.iter().filter_map(|(name, _)| name.as_text()).collect();
    assert_eq!(names.join(" "), MASTER_FIELDS);
    assert!(map.contains(&(Value::bulk("flags"), Value::bulk("master,disconnected"))));
}

#[test]
fn a_client_must_authenticate_where_there_is_a_password() {
    let mut settings = monitoring();
    settings.server.requirepass = Some(Secret::new("pw"));
    let mut port = Port::open(settings);

    assert_eq!(port.ask("ping"), Value::error("NOAUTH Authentication required."));
    assert!(!port.machine.is_authenticated(CLIENT));
    assert!(matches!(port.ask("hello 3"), Value::Error(text) if text.starts_with("NOAUTH HELLO must be")));
    let refused = "WRONGPASS invalid username-password pair or user is disabled.";
    assert_eq!(port.ask("auth no"), Value::error(refused));
    assert_eq!(port.ask("auth pw"), Value::ok());
    assert!(port.machine.is_authenticated(CLIENT));
    assert_eq!(port.ask("ping"), Value::Simple("PONG".into()));
}

#[test]
fn hello_changes_the_protocol_of_its_own_reply() {
    let mut port = Port::open(Settings::default());

    port.send("hello 3 setname probe");

    let [Output::Reply { protocol, values, .. }] = &port.outputs()[..] else { panic!("one reply") };
    assert_eq!(*protocol, Protocol::Resp3);
    let [Value::Map(map)] = &values[..] else { panic!("a map") };
    assert_eq!(map.len(), 6);
    assert_eq!(port.ask("client getname"), Value::bulk("probe"));
}

#[test]
fn events_reach_channel_subscribers_and_pattern_subscribers() {
    let mut port = Port::open(monitoring());
    port.send("subscribe +set");
    port.send("psubscribe +s* -*");
    port.outputs();

    port.machine.client_opened(port.now, ClientId::new(6), None, None);
    port.send_from(ClientId::new(6), "sentinel set mymaster quorum 3");

    let mut pushed = Vec::new();
    for output in port.outputs() {
        if let Output::Push { client: CLIENT, value: Value::Push(words), .. } = output {
            pushed.push(words.iter().filter_map(Value::as_text).collect::<Vec<_>>().join("|"));
        }
    }
    let text = "master mymaster 127.0.0.1 6380 quorum 3";
    let expected = [format!("message|+set|{text}"), format!("pmessage|+s*|+set|{text}")];
    assert_eq!(pushed, expected);
    assert!(port.machine.is_subscriber(CLIENT));
}

#[test]
fn subscribers_of_the_second_protocol_are_confined_until_they_unsubscribe() {
    let mut port = Port::open(Settings::default());
    port.send("subscribe a b");
    port.outputs();

    assert_eq!(
        port.ask("sentinel masters"),
        Value::error(
            "ERR Can't execute 'sentinel|masters': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
        )
    );
    assert_eq!(port.ask("ping hi"), Value::Array(vec![Value::bulk("pong"), Value::bulk("hi")]));
    port.send("unsubscribe");
    let [Output::Reply { values, .. }] = &port.outputs()[..] else { panic!("one reply") };
    assert_eq!(values.len(), 2);
    assert_eq!(port.ask("ping"), Value::Simple("PONG".into()));
}

#[test]
fn subscriptions_are_bounded() {
    let mut port = Port::open(Settings::default());
    let many: Vec<String> = (0..1024).map(|number| number.to_string()).collect();

    port.send(&format!("subscribe {}", many.join(" ")));
    port.outputs();

    assert!(matches!(port.ask("psubscribe one-more"), Value::Error(_)));
    port.send("unsubscribe");
    port.outputs();
    assert!(matches!(port.ask(&format!("subscribe {}", "x".repeat(1025))), Value::Error(_)));
}

#[test]
fn what_rests_on_the_file_is_answered_once_it_is_written() {
    let mut port = Port::open(Settings::default());

    port.send("sentinel monitor m 127.0.0.1 6380 2");

    assert!(!port.machine.outputs.iter().any(|output| matches!(output, Output::Reply { .. })));
    port.store(&Err("disk full".into()));
    let failed = Value::error("ERR Failed to save config file. Check server logs.");
    let outputs = port.outputs();
    let reply = outputs
        .iter()
        .position(|output| matches!(output, Output::Reply { values, .. } if values[..] == [failed.clone()]));
    let event = outputs.iter().position(
        |output| matches!(output, Output::Publish(event) if event.text == "master m 127.0.0.1 6380 quorum 2"),
    );
    assert!(reply.expect("a reply") < event.expect("an event"));
}

#[test]
fn options_before_a_mistake_stay_in_force() {
    let mut port = Port::open(monitoring());

    let answer = port.ask("sentinel set mymaster quorum 7 parallel-syncs 0");

    assert_eq!(answer, Value::error("ERR Invalid argument '0' for SENTINEL SET 'parallel-syncs'"));
    let Value::Map(map) = port.ask("sentinel master mymaster") else { panic!("a map") };
    assert!(map.contains(&(Value::bulk("quorum"), Value::bulk("7"))));
}

#[test]
fn control_characters_do_not_reach_the_file() {
    let mut port = Port::open(monitoring());

    for (words, index, command) in [
        (&["sentinel", "set", "mymaster", "auth-pass", "a\nb"][..], 4, "SET"),
        (&["sentinel", "monitor", "a\rb", "127.0.0.1", "1", "1"], 2, "MONITOR"),
        (&["sentinel", "config", "set", "announce-ip", "a\tb"], 4, "CONFIG"),
    ] {
        let text =
            format!("ERR Invalid argument at index {index} for SENTINEL {command}: control characters are not allowed");
        port.send_words(words);
        assert_eq!(port.reply(), Value::error(text));
    }
}

#[test]
fn a_client_may_switch_replies_off_and_on() {
    let mut port = Port::open(Settings::default());

    let counts = ["client reply off", "ping", "client reply on", "client reply skip", "ping", "ping"].map(|line| {
        port.send(line);
        let [Output::Reply { values, .. }] = &port.outputs()[..] else { panic!("one output for each command") };
        values.len()
    });

    assert_eq!(counts, [0, 0, 1, 0, 0, 1]);
}

#[test]
fn a_killed_client_gets_its_reply_and_nothing_more() {
    let mut port = Port::open(Settings::default());

    port.send("client kill id 5 skipme no");

    let outputs = port.outputs();
    assert!(matches!(&outputs[..], [Output::Reply { .. }, Output::Hangup { client: CLIENT }]));
    port.send("ping");
    assert_eq!(port.outputs(), []);
}

#[test]
fn every_command_has_a_handler_and_every_container_its_subcommands() {
    for command in super::table::COMMANDS {
        assert_eq!(command.name, command.name.to_lowercase());
        assert!(command.arity != 0, "{}", command.name);
        if let Some(container) = command.container() {
            assert!(super::table::find(container).is_some(), "{}", command.name);
        }
    }
    assert_eq!(super::table::top_level().count(), 15);
}

#[test]
fn renamed_commands_answer_to_their_new_name_alone() {
    let mut settings = Settings::default();
    settings.server.renamed_commands = vec![("PING".into(), "pong".into()), ("SHUTDOWN".into(), String::new())];
    let desk = Desk::new(&settings.server);

    assert!(desk.find("ping").is_none());
    assert_eq!(desk.find("PONG").map(|command| command.name), Some("ping"));
    assert!(desk.find("shutdown").is_none());
    assert!(desk.find("").is_none());
}

/// A machine with one client, and the moment it lives in.
struct Port {
    machine: Machine,
    now: Now,
}

impl Port {
    fn open(settings: Settings) -> Self {
        let now = Now { tick: Tick::from_ms(1_000), unix: UnixMs::from_ms(1_700_000_000_000) };
        let mut machine = Machine::new(settings, RunId::from_bytes([7; 20]), 1, now);
        machine.handle(
            now,
            Input::ClientOpened { client: CLIENT, address: Some(([10, 0, 0, 9], 50_000).into()), local: None },
        );
        let mut port = Self { machine, now };
        port.store(&Ok(()));
        port.outputs();
        port
    }

    /// The reply to a command line; what it wants stored is stored.
    fn ask(&mut self, line: &str) -> Value {
        self.send(line);
        self.reply()
    }

    fn reply(&mut self) -> Value {
        let mut values = Vec::new();
        while let Some(output) = self.machine.poll_output() {
            if let Output::Store { store, .. } = output {
                self.machine.handle(self.now, Input::Stored { store, result: Ok(()) });
            } else if let Output::Reply { values: said, .. } = output {
                values.extend(said);
            }
        }
        assert_eq!(values.len(), 1, "{values:?}");
        values.remove(0)
    }

    fn send(&mut self, line: &str) {
        self.send_from(CLIENT, line);
    }

    fn send_from(&mut self, client: ClientId, line: &str) {
        let request = Request::new(line.split(' '));
        self.machine.handle(self.now, Input::Asked { client, request });
    }

    fn send_words(&mut self, words: &[&str]) {
        let request = Request::new(words.iter().copied());
        self.machine.handle(self.now, Input::Asked { client: CLIENT, request });
    }

    /// Ends the store under way.
    fn store(&mut self, result: &Result<(), String>) {
        let is_store = |output: &Output| if let Output::Store { store, .. } = output { Some(*store) } else { None };
        let stores: Vec<_> = self.machine.outputs.iter().filter_map(is_store).collect();
        for store in stores {
            self.machine.handle(self.now, Input::Stored { store, result: result.clone() });
        }
    }

    /// The outputs so far, without what the machine does by itself.
    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.machine.poll_output())
            .filter(|output| !matches!(output, Output::Open { .. } | Output::Log { .. }))
            .collect()
    }
}

fn monitoring() -> Settings {
    let mut settings = Settings { my_id: Some(RunId::from_bytes([7; 20])), ..Settings::default() };
    let name = MasterName::parse("mymaster").expect("a legal name");
    let address = Endpoint::parse("127.0.0.1", 6380).expect("a legal address");
    let mut master = MasterSettings::new(name, address, 2, &settings.periods);
    master.down_after = Millis::new(2_000);
    settings.masters.push(master);
    settings
}

const MASTER_FIELDS: &str = "name ip port runid flags link-pending-commands link-refcount last-ping-sent \
    last-ok-ping-reply last-ping-reply down-after-milliseconds info-refresh role-reported role-reported-time \
    config-epoch num-slaves num-other-sentinels quorum failover-timeout parallel-syncs";
