//! What a configuration text must mean, and the words in which it is refused.

use std::collections::BTreeMap;

use super::{Outside, join_pieces, parse, read};
use crate::{
    config::{LogLevel, Settings, rewrite},
    types::{Epoch, HostStyle, Millis, Secret},
};

/// Files by name; two scripts are executable.
#[derive(Default)]
struct Files(BTreeMap<&'static str, &'static str>);

impl Outside for Files {
    fn include(&mut self, path: &str) -> Result<String, String> {
        self.0.get(path).map(|text| (*text).to_owned()).ok_or_else(|| "No such file or directory".to_owned())
    }

    fn is_executable(&mut self, path: &str) -> bool {
        path == "/n.sh" || path == "/c.sh"
    }

    fn enter(&mut self, folder: &str) -> Result<(), String> {
        if folder == "/gone" { Err("No such file or directory".to_owned()) } else { Ok(()) }
    }
}

fn refusal(text: &str) -> (Option<usize>, String) {
    let fault = read(text, &mut Files::default()).expect_err(text);
    (fault.line(), fault.message().to_owned())
}

const MASTER: &str = "sentinel monitor m 127.0.0.1 6379 2\n";

#[test]
fn a_whole_file_is_read() {
    let text = "# comment\nport 26380\nbind 127.0.0.1 ::1\n\
        sentinel down-after-milliseconds m 5000\nSentinel Monitor m 127.0.0.1 6379 2\n\
        sentinel failover-timeout m 15000x\nsentinel parallel-syncs m 3\n\
        sentinel notification-script m /n.sh\nsentinel client-reconfig-script m /c.sh\n\
        sentinel auth-pass m \"a b\"\nsentinel auth-user m u\nsentinel primary-reboot-down-after-period m 7\n\
        sentinel config-epoch m 3\nsentinel leader-epoch m 4\nsentinel current-epoch 5\n\
        sentinel known-slave m 127.0.0.1 6380\nsentinel known-replica m 127.0.0.1 6381\n\
        sentinel known-sentinel m 127.0.0.1 26381 aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd\n\
        sentinel known-sentinel m 127.0.0.1 26382\n\
        sentinel rename-command m CONFIG CFG\nsentinel announce-ip 10.0.0.1\nsentinel announce-port 36379\n\
        sentinel myid 0000000000111111111122222222223333333333\nsentinel deny-scripts-reconfig NO\n\
        sentinel sentinel-user su\nsentinel sentinel-pass sp\nsentinel announce-hostnames yes\n\
        loglevel debug\nrequirepass pw\nuser a on >p ~* +@all\nmaxclients 99\n\
        client-output-buffer-limit normal 1mb 0 0 pubsub 5 4 3\nrename-command ping \"\"\nsave 900 1\n";

    let settings = read(text, &mut Files::default()).expect("every line is right").settings;

    let master = &settings.masters[0];
    assert_eq!(master.address.to_string(), "127.0.0.1:6379");
    assert_eq!((master.quorum, master.down_after, master.failover_timeout), (2, Millis::new(5000), Millis::new(15000)));
    assert_eq!((master.parallel_syncs, master.reboot_down_after), (3, Millis::new(7)));
    assert_eq!(
        (master.notification_script.as_deref(), master.client_reconfig_script.as_deref()),
        (Some("/n.sh"), Some("/c.sh"))
    );
    assert_eq!((master.auth_pass.as_ref().map(Secret::reveal), master.auth_user.as_deref()), (Some("a b"), Some("u")));
    assert_eq!(
        (master.config_epoch, master.leader_epoch, settings.current_epoch),
        (Epoch::new(3), Epoch::new(4), Epoch::new(5))
    );
    assert_eq!((master.replicas.len(), master.sentinels.len()), (2, 1));
    assert_eq!(master.renamed_commands, [("CONFIG".to_owned(), "CFG".to_owned())]);
    assert_eq!((settings.announce_ip.as_deref(), settings.announce_port), (Some("10.0.0.1"), Some(36379)));
    assert_eq!((settings.deny_scripts_reconfig, settings.host_style), (false, HostStyle::Name));
    assert_eq!(
        (settings.server.port, settings.server.maxclients, settings.server.loglevel),
        (26380, 99, LogLevel::Debug)
    );
    assert_eq!(settings.server.bind, ["127.0.0.1", "::1"]);
    assert_eq!(
        (settings.server.normal_output.hard, settings.server.pubsub_output.soft_for),
        (1 << 20, Millis::new(3000))
    );
    assert_eq!(settings.server.users[0].rules, ["on", ">p", "~*", "+@all"]);
    assert_eq!(settings.server.renamed_commands, [("ping".to_owned(), String::new())]);
}

#[test]
fn an_empty_text_is_the_default() {
    for text in ["", "\n\n", "# nothing", "\u{feff}", "sentinel\n", "\r\n\t \n"] {
        assert_eq!(parse(text).expect("nothing is wrong"), Settings::default(), "{text:?}");
    }
}

#[test]
fn a_wrong_line_is_refused_in_the_words_of_the_reference() {
    for (line, message) in [
        ("bogus 1", "Bad directive or wrong number of arguments"),
        ("port", "wrong number of arguments"),
        ("port 1 2", "wrong number of arguments"),
        ("port abc", "argument couldn't be parsed into an integer"),
        ("port 70000", "argument must be between 0 and 65535 inclusive"),
        ("maxclients 0", "argument must be between 1 and 4294967295 inclusive"),
        ("protected-mode maybe", "argument must be 'yes' or 'no'"),
        ("port \"1", "Unbalanced quotes in configuration line"),
        ("dir /gone", "No such file or directory"),
        ("rename-command foo bar", "No such command in rename-command"),
        ("rename-command ping publish", "Target command name already exists"),
        ("client-output-buffer-limit normal 1 2", "Wrong number of arguments in buffer limit configuration."),
        ("client-output-buffer-limit foo 1 2 3", "Invalid client class specified in buffer limit configuration."),
        ("x.y", "Module config specified without value"),
        ("sentinel foo", "Unrecognized sentinel configuration statement."),
        ("sentinel monitor a b", "Unrecognized sentinel configuration statement."),
        ("sentinel auth-pass m a b", "Unrecognized sentinel configuration statement."),
        ("sentinel monitor a 127.0.0.1 1 0", "Quorum must be 1 or greater."),
        ("sentinel monitor a 127.0.0.1 70000 1", "Invalid port number."),
        ("sentinel monitor a host 7000 1", "Can't resolve instance hostname."),
        ("sentinel monitor m 127.0.0.1 7000 1", "Duplicate master name."),
        ("sentinel down-after-milliseconds m abc", "negative or zero time parameter."),
        ("sentinel failover-timeout m -1", "negative or zero time parameter."),
        ("sentinel master-reboot-down-after-period m -1", "negative time parameter."),
        ("sentinel auth-pass gone x", "No such master with specified name."),
        ("sentinel notification-script m /x", "Notification script seems non existing or non executable."),
        ("sentinel client-reconfig-script m /x", "Client reconfiguration script seems non existing or non executable."),
        ("sentinel myid short", "Malformed Sentinel id in myid option."),
        ("sentinel deny-scripts-reconfig x", "Please specify yes or no for the deny-scripts-reconfig options."),
        ("sentinel resolve-hostnames x", "Please specify yes or no for the resolve-hostnames option."),
        ("sentinel announce-hostnames x", "Please specify yes or no for the announce-hostnames option."),
    ] {
        let refused = refusal(&format!("{MASTER}{line}\n"));

        assert_eq!(refused, (Some(2), message.to_owned()), "{line}");
    }
}

#[test]
fn what_would_break_the_hello_the_file_or_the_election_is_refused() {
    for line in [
        "sentinel monitor a,b 127.0.0.1 1 1",
        "sentinel monitor \"a b\" 127.0.0.1 1 1",
        "sentinel monitor \"a\\nb\" 127.0.0.1 1 1",
        "sentinel announce-ip a,b",
        "sentinel current-epoch 18446744073709551615",
        "sentinel leader-epoch m 9223372036854775808",
        "sentinel known-sentinel m 127.0.0.1 1 abc",
        "tls-port 6380",
        "tls-replication yes",
        "aclfile /etc/users.acl",
        "port 1\0",
    ] {
        assert_eq!(refusal(&format!("{MASTER}{line}\n")).0, Some(2), "{line}");
    }
}

#[test]
fn the_block_names_the_line_and_quotes_it() {
    let fault = parse("# one\n\n  sentinel monitor a 127.0.0.1 1 0  \n").expect_err("the quorum is zero");

    assert_eq!(
        fault.block().as_deref(),
        Some(
            "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 3\n\
             >>> 'sentinel monitor a 127.0.0.1 1 0'\nQuorum must be 1 or greater.\n"
        )
    );
}

#[test]
fn a_name_waits_for_its_look_up_when_names_are_looked_up() {
    let settings = parse("sentinel monitor m redis-master 6379 2\nsentinel resolve-hostnames yes\n")
        .expect("order does not matter");

    assert_eq!((settings.masters[0].address.host(), settings.masters[0].address.ip()), ("redis-master", None));
}

#[test]
fn a_refused_name_is_told_to_the_log() {
    let fault = parse("sentinel monitor m redis-master 6379 2\n").expect_err("names are not looked up");

    assert_eq!(fault.remark(), Some("Failed to resolve hostname 'redis-master'"));
}

#[test]
fn repetitions_that_the_reference_writes_are_taken_once() {
    let id = "a".repeat(40);
    let text = format!(
        "{MASTER}sentinel known-slave m 127.0.0.1 6380\nsentinel known-replica m 127.0.0.1 6380\n\
         sentinel known-replica m 127.0.0.1 6379\n\
         sentinel known-sentinel m 127.0.0.1 1 {id}\nsentinel known-sentinel m 127.0.0.1 1 {id}\n"
    );

    let settings = parse(&text).expect("nothing contradicts");

    assert_eq!((settings.masters[0].replicas.len(), settings.masters[0].sentinels.len()), (1, 1));
    assert_eq!(
        refusal(&format!("{text}sentinel known-sentinel m 127.0.0.1 2 {id}\n")).1,
        "Duplicate runid for sentinel."
    );
}

#[test]
fn the_last_assignment_wins_over_file_input_and_command_line() {
    let text = join_pieces("port 1\nloglevel debug\n", "port 2\nmaxclients 5\n", "port \"3\"\n");

    let settings = parse(&text).expect("every line is right");

    assert_eq!((settings.server.port, settings.server.maxclients, settings.server.loglevel), (3, 5, LogLevel::Debug));
}

#[test]
fn a_line_of_the_command_line_is_counted_behind_the_file() {
    let text = join_pieces("port 1\n", "", "port \"x\"\n");

    assert_eq!(parse(&text).expect_err("x is no port").line(), Some(3));
}

#[test]
fn an_included_file_stands_in_the_place_of_its_line() {
    let mut files = Files(BTreeMap::from([("more.conf", "port 5\nsentinel monitor m 127.0.0.1 1 1\n")]));

    let settings = read("port 4\ninclude more.conf\nmaxclients 7\n", &mut files).expect("both are right").settings;

    assert_eq!((settings.server.port, settings.masters.len()), (5, 1));
}

#[test]
fn the_text_itself_overrules_where_an_included_file_says_the_master_is() {
    let mut files = Files(BTreeMap::from([("more.conf", "sentinel monitor m 127.0.0.1 1 1\n")]));

    for text in [
        "include more.conf\nsentinel monitor m 127.0.0.1 2 1\n",
        "sentinel monitor m 127.0.0.1 2 1\ninclude more.conf\n",
    ] {
        let settings = read(text, &mut files).expect("one overrules the other").settings;

        assert_eq!((settings.masters.len(), settings.masters[0].address.port()), (1, 2));
    }
}

#[test]
fn a_file_that_includes_itself_is_refused() {
    let mut files = Files(BTreeMap::from([("loop.conf", "include loop.conf\ninclude loop.conf\n")]));

    let fault = read("include loop.conf\n", &mut files).expect_err("it never ends");

    assert!(fault.message().starts_with("Too many include"));
}

#[test]
fn a_missing_include_is_told_to_the_log_alone() {
    let fault = read("include gone.conf\n", &mut Files::default()).expect_err("there is no such file");

    assert_eq!(fault.message(), "Fatal error, can't open config file 'gone.conf': No such file or directory");
    assert_eq!(fault.block(), None);
}

#[test]
fn directives_without_effect_are_told() {
    let loaded = read("unixsocket /tmp/x.sock\nsyslog-enabled yes\n", &mut Files::default()).expect("both are known");

    assert_eq!(loaded.remarks.len(), 2);
}

#[test]
fn a_file_cut_off_anywhere_is_read_or_refused_and_can_be_rewritten() {
    let id = "c".repeat(40);
    let text = format!(
        "# Ümläut\r\nport 26380\r\ndir \"/data dir\"\nrequirepass \"a\\x41\\\"b\"\nuser a on >p 'q r' ~* +@all\n\
         sentinel myid {id}\n{MASTER}sentinel auth-pass m 'it\\'s'\nsentinel known-replica m ::1 6380\n\
         sentinel known-sentinel m 127.0.0.1 26381 {id}\ninclude more.conf\nsentinel current-epoch 12\n"
    );
    let mut files = Files(BTreeMap::from([("more.conf", "maxclients 7\n")]));
    let whole = read(&text, &mut files).expect("it is right").settings;
    for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        let cut = &text[..end];
        if let Ok(loaded) = read(cut, &mut files) {
            assert!(loaded.settings.current_epoch <= whole.current_epoch);
        }

        let written = rewrite(cut, &whole, &mut files);

        match read(&written, &mut files) {
            Ok(loaded) => assert_eq!(loaded.settings, whole, "{written}"),
            // The name of the included file was cut, and is still the user's.
            Err(fault) => assert!(fault.message().starts_with("Fatal error, can't open config file 'm"), "{written}"),
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "((sentinel|port|dir|user|bind|include|monitor|known-replica|m|127.0.0.1|[0-9]{0,20}|\"|'|\\PC|\n| ){0,3} ?){0,40}") {
        let _ = read(&text, &mut Files::default());
    }
}
