//! Whatever a client sends, it gets exactly one answer, and the machine stands.

use proptest::{collection::vec, prelude::*, sample::select, test_runner::Config};

use crate::{
    config::{MasterSettings, Settings},
    machine::{Input, Machine, Output},
    resp::Request,
    types::{ClientId, Endpoint, MasterName, Now, RunId, Secret, Tick},
};

const CLIENT: ClientId = ClientId::new(1);

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_command_line_gets_one_answer(lines in vec(line(), 1..40), pause in 0..2_500_u64) {
        let mut now = Now::default();
        let mut machine = Machine::new(settings(), RunId::from_bytes([7; 20]), 1, now);
        machine.handle(now, Input::ClientOpened { client: CLIENT, address: None, local: None });
        machine.handle(now, Input::Asked { client: CLIENT, request: Request::new(["AUTH", "pw"]) });
        drain(&mut machine, now);

        for line in lines {
            now.tick = Tick::from_ms(now.tick.as_ms() + pause);
            machine.handle(now, Input::Elapsed);
            drain(&mut machine, now);
            machine.handle(now, Input::Asked { client: CLIENT, request: Request::new(line.clone()) });

            let end = drain(&mut machine, now);

            prop_assert!(end.replies == 1 || end.exits, "{:?} replies to {line:?}", end.replies);
            machine.status(now);
            if end.hung_up || end.exits {
                break;
            }
        }
    }
}

/// What became of a command line.
#[derive(Default)]
struct End {
    replies: usize,
    exits: bool,
    hung_up: bool,
}

/// Carries out all that the machine asks for, as a driver on a healthy disk and network would.
fn drain(machine: &mut Machine, now: Now) -> End {
    let mut end = End::default();
    while let Some(output) = machine.poll_output() {
        if let Output::Store { store, .. } = output {
            machine.handle(now, Input::Stored { store, result: Ok(()) });
        } else if let Output::Open { link, .. } = output {
            machine.handle(now, Input::LinkOpened { link, local: [127, 0, 0, 1].into() });
        } else if let Output::Reply { .. } = output {
            end.replies += 1;
        } else if let Output::Exit { .. } = output {
            end.exits = true;
        } else if let Output::Hangup { .. } = output {
            end.hung_up = true;
        }
    }
    end
}

/// Mostly lines that mean something, with words that do not belong.
fn line() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let commands: Vec<&str> = super::table::COMMANDS.iter().map(|command| command.name).collect();
    let known = (select(commands), vec(word(), 0..6)).prop_map(|(name, rest)| {
        let name = name.split('|').map(|part| part.as_bytes().to_vec());
        name.chain(rest).collect()
    });
    prop_oneof![9 => known, 1 => vec(word(), 1..6)]
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    let useful = select(WORDS).prop_map(|word| word.as_bytes().to_vec());
    prop_oneof![12 => useful, 1 => vec(any::<u8>(), 0..40), 1 => (0..3_000_usize).prop_map(|length| vec![b'*'; length])]
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.server.requirepass = Some(Secret::new("pw"));
    let name = MasterName::parse("mymaster").expect("a legal name");
    let mut master = MasterSettings::new(name, local(6380), 1, &settings.periods);
    master.replicas.push(local(6381));
    master.sentinels.push((local(26380), RunId::from_bytes([2; 20])));
    settings.masters.push(master);
    settings
}

fn local(port: u16) -> Endpoint {
    Endpoint::parse("127.0.0.1", port).expect("a legal address")
}

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "mymaster", "other", "", "*", "[", "\\", "[^a-", "127.0.0.1", "::1", "localhost", "a b", "a,b", "a\r\nb", "\0",
    "0", "1", "-1", "2", "3", "6380", "65535", "65536", "4294967296", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "18446744073709551615", "1.5", "0x10", "dddddddddddddddddddddddddddddddddddddddd",
    "0707070707070707070707070707070707070707", "quorum", "down-after-milliseconds", "failover-timeout",
    "parallel-syncs", "auth-pass", "auth-user", "notification-script", "client-reconfig-script", "rename-command",
    "master-reboot-down-after-period", "get", "set", "announce-ip", "announce-port", "resolve-hostnames",
    "announce-hostnames", "sentinel-user", "sentinel-pass", "loglevel", "debug", "yes", "no", "info-period",
    "ping-period", "tilt-period", "tilt-trigger", "publish-period", "ask-period", "crash-after-election", "help",
    "auth", "setname", "default", "pw", "on", "off", "skip", "type", "normal", "pubsub", "id", "user", "skipme",
    "filterby", "pattern", "aclcat", "module", "nosave", "abort", "__sentinel__:hello", "+switch-master", "+*",
    "127.0.0.1,26390,3333333333333333333333333333333333333333,1,mymaster,127.0.0.1,6380,0",
    "127.0.0.1,26390,3333333333333333333333333333333333333333,9,mymaster,127.0.0.1,6399,9", "sentinel", "everything",
];
