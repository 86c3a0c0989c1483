//! What the executable refuses, in the reference's words to the byte, and what it checks beyond the reference.

use std::{fs, os::unix::fs::symlink, path::Path};

use sentinelle::{
    config,
    resp::Value,
    testing::{DataServer, Flavour, ServerPlan, find_sentinel, find_server},
};
use sentinelle_tests::built_sentinelle;

use super::process::Place;

/// What a program answers when it refuses: exit code, standard error, and its log without process id and time.
fn refusal(place: &Place, program: &Path, arguments: &[&str]) -> (Option<i32>, String, Vec<String>) {
    let output = place.run(program, arguments);
    let log = String::from_utf8(output.stdout).expect("the log is text");
    let said = log.lines().map(|line| line.split_once(" # ").map_or(line, |(_, text)| text).to_owned()).collect();
    (output.status.code(), String::from_utf8(output.stderr).expect("errors are text"), said)
}

/// Lines that both refuse, one file each.
const BROKEN: &[&str] = &[
    "bogus 1",
    "port",
    "port 1 2",
    "port abc",
    "port 70000",
    "port -1",
    "port ''",
    "port 1mb",
    "PORT x",
    "protected-mode maybe",
    "daemonize 1",
    "maxclients 0",
    "maxclients 4294967296",
    "tcp-backlog -1",
    "timeout 99999999999999999999",
    "bind 1.1.1.1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
    "supervised foo",
    "client-output-buffer-limit normal 1 2",
    "client-output-buffer-limit foo 1 2 3",
    "client-output-buffer-limit normal x 2 3",
    "client-output-buffer-limit normal 1mb 1 -3",
    "dir {folder}/gone",
    "user",
    "user a on\nuser a on",
    "rename-command foo bar",
    "rename-command ping publish",
    "rename-command ping",
    "include",
    "loadmodule",
    "foo.bar",
    "list-max-ziplist-entries 3 4",
    "hz",
    "\"unbalanced",
    "port 1\"2\"x",
    "logfile 'a",
    "logfile {folder}/gone/x.log",
    "sentinel foo",
    "  sentinel   foo\tbar  ",
    "sentinel monitor a b",
    "sentinel monitor a 127.0.0.1 1 0",
    "sentinel monitor a 127.0.0.1 1 x",
    "sentinel monitor a 127.0.0.1 70000 1",
    "sentinel monitor a 127.0.0.1 -1 1",
    "sentinel monitor a name.invalid 7000 1",
    "sentinel monitor m 127.0.0.1 7000 1",
    "sentinel down-after-milliseconds m 0",
    "sentinel down-after-milliseconds m x",
    "sentinel down-after-milliseconds gone 1",
    "sentinel failover-timeout m -1",
    "sentinel parallel-syncs gone 1",
    "sentinel master-reboot-down-after-period m -1",
    "sentinel notification-script m /gone.sh",
    "sentinel client-reconfig-script m /gone.sh",
    "sentinel client-reconfig-script m {folder}/sentinel.conf",
    "sentinel auth-pass m a b",
    "sentinel auth-pass gone a",
    "sentinel auth-user gone a",
    "sentinel myid short",
    "sentinel myid",
    "sentinel deny-scripts-reconfig x",
    "sentinel resolve-hostnames x",
    "sentinel announce-hostnames x",
    "sentinel config-epoch gone 1",
    "sentinel leader-epoch gone 1",
    "sentinel known-replica gone 127.0.0.1 1",
    "sentinel known-replica m 127.0.0.1 70000",
    "sentinel known-slave m name.invalid 1",
    "sentinel known-sentinel gone 127.0.0.1 1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "sentinel known-sentinel m 127.0.0.1 1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\
     sentinel known-sentinel m 127.0.0.1 2 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "sentinel rename-command gone a b",
    "sentinel rename-command m PING a\nsentinel rename-command m ping b",
    "include {folder}/gone.conf",
    "include {folder}/broken.conf",
    "include {folder}/br?ken.conf",
];

#[test]
fn a_broken_file_is_refused_as_the_reference_refuses_it() {
    let reference = find_sentinel(Flavour::Redis).expect("redis-sentinel is installed");
    for line in BROKEN {
        let text = format!("# comment\nport {{port}}\n\nsentinel monitor m 127.0.0.1 6379 2\n{line}\nsave 900 1\n");
        let place = Place::with(&text);
        place.write("broken.conf", "# one\nsentinel monitor z 127.0.0.1 0 0\n");

        let theirs = refusal(&place, &reference, &["sentinel.conf"]);
        let ours = refusal(&place, &built_sentinelle(), &["sentinel.conf"]);

        assert_eq!(ours, theirs, "{line}");
        assert_eq!(ours.0, Some(1), "{line}");
    }
}

#[test]
fn a_broken_command_line_is_refused_as_the_reference_refuses_it() {
    let reference = find_sentinel(Flavour::Redis).expect("redis-sentinel is installed");
    for arguments in [
        &[][..],
        &["--sentinel"],
        &["--port"],
        &["--port", "--loglevel", "debug"],
        &["gone.conf"],
        &["--sentinel", "sentinel.conf"],
        &["sentinel.conf", "--bogus", "1"],
        &["sentinel.conf", "--port 1 2"],
        &["sentinel.conf", "--port", "1", "2"],
        &["sentinel.conf", "--sentinel", "monitor", "m", "127.0.0.1", "1", "0"],
        &["sentinel.conf", "--port", "x", "-"],
        &["sentinel.conf", "more", "words"],
        &["-x"],
    ] {
        let place = Place::with("port {port}\nsentinel monitor m 127.0.0.1 6379 2\n");

        let theirs = refusal(&place, &reference, arguments);
        let ours = refusal(&place, &built_sentinelle(), arguments);

        assert_eq!((ours.0, &ours.1), (theirs.0, &theirs.1), "{arguments:?}");
        assert_eq!(ours.2, theirs.2, "{arguments:?}");
    }
}

#[test]
fn a_port_in_use_is_named_as_the_reference_names_it() {
    let reference = find_sentinel(Flavour::Redis).expect("redis-sentinel is installed");
    let place = Place::with("port {port}\nbind 127.0.0.1\nsentinel myid 994ea01af0f13692c13eeda116a0668084bb5e68\n");
    let _taken = std::net::TcpListener::bind(("127.0.0.1", place.port())).expect("the port is free");

    let theirs = refusal(&place, &reference, &["sentinel.conf"]);
    let ours = refusal(&place, &built_sentinelle(), &["sentinel.conf"]);

    assert_eq!((ours.0, &ours.1), (theirs.0, &theirs.1));
    assert_eq!(ours.2[ours.2.len() - 2..], theirs.2[theirs.2.len() - 2..]);
}

#[test]
fn a_file_that_cannot_be_replaced_is_refused_by_its_path() {
    // A file of the kernel: it can be opened for writing, and no file can be made beside it.
    let path = "/proc/sys/net/ipv4/ip_local_reserved_ports";
    let place = Place::with("");

    let (code, errors, log) = refusal(&place, &built_sentinelle(), &[path]);

    assert_eq!((code, errors.as_str()), (Some(1), ""));
    assert!(log[0].starts_with(&format!("Sentinel config file {path} is not writable: ")), "{log:?}");
}

#[test]
fn a_folder_as_the_file_is_refused_by_its_path() {
    let place = Place::with("");
    fs::create_dir(place.path("folder.conf")).expect("the folder is writable");

    let (code, _, log) = refusal(&place, &built_sentinelle(), &["folder.conf"]);

    assert_eq!(code, Some(1));
    assert!(log[0].contains("folder.conf"), "{log:?}");
}

#[test]
fn what_orders_encryption_is_refused_with_its_line() {
    for line in ["tls-port 6380", "tls-replication yes", "aclfile users.acl"] {
        let place = Place::with(&format!("port {{port}}\n{line}\n"));

        let (code, errors, _) = refusal(&place, &built_sentinelle(), &["sentinel.conf"]);

        assert_eq!(code, Some(1));
        assert!(errors.contains(&format!("at line 2\n>>> '{line}'\n")), "{errors}");
    }
}

#[test]
fn every_directive_of_the_installed_servers_is_known() {
    let mut unknown = Vec::new();
    for program in [find_server(), find_sentinel(Flavour::Valkey)] {
        let plan = ServerPlan { program: Some(program.expect("it is installed")), ..ServerPlan::default() };
        let server = DataServer::start(&plan).expect("the server starts");
        let reply = server.client().and_then(|mut client| client.command(&["CONFIG", "GET", "*"]));
        let Value::Array(words) = reply.expect("it answers") else { panic!("no list of directives") };
        assert!(words.len() > 300);
        for name in words.iter().step_by(2).filter_map(Value::as_text) {
            let without_value = config::parse(name).map_err(|error| error.message().to_owned());
            if without_value.is_err_and(|message| message.starts_with("Bad directive")) {
                unknown.push(name.to_owned());
            }
        }
    }

    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn a_link_named_as_the_reference_answers_as_the_reference() {
    let place = Place::with("");
    let link = place.path("redis-sentinel");
    symlink(built_sentinelle(), &link).expect("the folder is writable");

    let version = place.run(&link, &["--version"]);
    let help = place.run(&link, &["-h"]);
    let own_help = place.run(&built_sentinelle(), &["-h"]);

    let version = String::from_utf8(version.stdout).expect("it is text");
    assert!(version.starts_with("Redis server v=7.0.15 sha=00000000:0 malloc="), "{version}");
    assert_eq!(version.lines().count(), 1);
    assert_eq!((help.status.code(), help.stdout.len()), (Some(1), 0));
    assert!(help.stderr.ends_with(b"Sentinel mode:\n       ./redis-server /etc/sentinel.conf --sentinel\n"));
    assert_eq!((own_help.status.code(), own_help.stderr.len()), (Some(0), 0));
}
