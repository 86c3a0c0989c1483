//! What the executable does with files as people write them, and how it lives as a process.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixDatagram,
    },
    process::Command,
};

use sentinelle::{
    config,
    resp::Value,
    testing::{Client, DataServer, ServerPlan, wait_until},
    types::Millis,
};
use sentinelle_tests::{SentinelView, built_sentinelle};

use super::process::{PATIENCE, Place, send_signal};

fn view(client: &mut Client, name: &str) -> SentinelView {
    SentinelView::ask(client, name).expect("the master is monitored")
}

#[test]
fn the_minimal_file_of_the_documentation_monitors_two_groups() {
    let text = include_str!("../../configs/two-groups.conf");
    let mut place = Place::with(text);
    let port = place.port().to_string();

    place.start(&["sentinel.conf", "--port", &port]);
    wait_for_state(&place);

    let mut client = place.client();
    for (name, address, down_after, quorum, parallel) in
        [("mymaster", "127.0.0.1:6379", 60_000, 2, 1), ("resque", "192.168.1.3:6380", 10_000, 4, 5)]
    {
        let view = view(&mut client, name);
        assert_eq!(view.address().map(|address| address.to_string()).as_deref(), Some(address));
        assert_eq!(view.number("down-after-milliseconds"), down_after);
        assert_eq!((view.number("quorum"), view.number("parallel-syncs")), (quorum, parallel));
    }
    assert_eq!(config::parse(text).expect("the file is right").server.port, 26379);
    let kept = place.read("sentinel.conf");
    assert!(kept.starts_with(text) && kept.contains(&format!("port {port}\n")), "{kept}");
}

#[test]
fn the_file_with_a_password_authenticates() {
    let mut place = Place::with(include_str!("../../configs/auth.conf"));

    place.start(&["sentinel.conf"]);
    wait_for_state(&place);

    assert_eq!(view(&mut place.client(), "mymaster").number("down-after-milliseconds"), 60_000);
    let kept = config::parse(&place.read("sentinel.conf")).expect("it can be read again");
    assert_eq!(kept.masters[0].auth_pass.as_ref().map(|pass| pass.reveal().to_owned()).as_deref(), Some("1"));
}

#[test]
fn a_file_from_the_middle_of_a_life_is_taken_over_in_the_background() {
    let place = Place::with(include_str!("../../configs/midlife.conf"));

    let started = place.run(&built_sentinelle(), &["sentinel.conf"]);

    assert_eq!((started.status.code(), started.stdout.len(), started.stderr.len()), (Some(0), 0, 0));
    let daemon = Daemon(wait_for_pid(&place, "sentinel.pid"));
    let pid = daemon.0;
    place.wait_for(|answering| answering == pid);
    let mut client = place.client();
    assert_eq!(client.text(&["SENTINEL", "MYID"]).expect("it answers"), "994ea01af0f13692c13eeda116a0668084bb5e68");
    let view = view(&mut client, "mymaster");
    assert_eq!((view.number("config-epoch"), view.number("num-slaves")), (3, 2));
    assert_eq!(client.text(&["SENTINEL", "FLUSHCONFIG"]).expect("it answers"), "OK");
    let kept = place.read("sentinel.conf");
    assert_eq!((kept.matches("known-slave").count(), kept.matches("\nsentinel known-replica ").count()), (0, 2));
    assert!(place.read("26379.log").contains(&format!("{pid}:X ")));
    daemon.end(&place, "sentinel.pid");
}

#[test]
fn behind_port_mapping_the_others_are_told_the_mapped_address() {
    let server = DataServer::start(&ServerPlan::default()).expect("redis-server is installed");
    let mut place = Place::with(include_str!("../../configs/nat.conf"));
    let (host, port) = (server.address().ip().to_string(), server.address().port().to_string());
    let mut hellos = server.client().expect("it listens");
    hellos.command(&["SUBSCRIBE", "__sentinel__:hello"]).expect("it answers");

    place.start(&["sentinel.conf"]);

    let mut client = place.client();
    assert_eq!(view(&mut client, "mymaster").text("port"), "6379");
    let reply = client.command(&["SENTINEL", "MONITOR", "near", &host, &port, "1"]).expect("it answers");
    assert_eq!(reply, Value::ok());
    let hello = hellos.read_within(PATIENCE).expect("the link stays").expect("a hello comes");
    let Value::Array(words) = hello else { panic!("no message: {hello:?}") };
    let payload = words[2].as_text().expect("a hello is text");
    assert!(payload.starts_with("203.0.113.7,36379,"), "{payload}");
    assert!(place.read("sentinel.conf").contains("sentinel monitor mymaster redis-master.invalid 6379 2\n"));
}

#[test]
fn a_file_with_a_script_starts_in_the_background_when_the_script_is_there() {
    let place = Place::with(include_str!("../../configs/vip.conf"));
    place.write("notify_master6800.sh", "#!/bin/sh\n");
    let script = place.path("notify_master6800.sh");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("the file is ours");

    let started = place.run(&built_sentinelle(), &["sentinel.conf"]);

    assert_eq!(started.status.code(), Some(0));
    let daemon = Daemon(wait_for_pid(&place, "sentinel.pid"));
    let pid = daemon.0;
    place.wait_for(|answering| answering == pid);
    let view = view(&mut place.client(), "master8000");
    assert_eq!(view.text("client-reconfig-script"), script.display().to_string());
    assert_eq!((view.number("down-after-milliseconds"), view.number("failover-timeout")), (5000, 15000));
    let line = "+monitor master master8000 192.168.56.101 8000 quorum 2";
    wait_until(PATIENCE, "the master is in the log", || place.read("sentinel.log").contains(line)).expect("it is");
    daemon.end(&place, "sentinel.pid");
}

/// The process id that a file comes to hold.
fn wait_for_pid(place: &Place, name: &str) -> u32 {
    let mut pid = None;
    wait_until(PATIENCE, "the pid file is written", || {
        pid = place.read(name).trim().parse().ok();
        pid.is_some()
    })
    .expect("it is written");
    pid.expect("it was read")
}

/// Waits until a first state is in the file.
fn wait_for_state(place: &Place) {
    wait_until(PATIENCE, "the state is written", || place.read("sentinel.conf").contains("sentinel myid "))
        .expect("it is written");
}

/// A sentinel in the background.
struct Daemon(u32);

impl Daemon {
    /// Ends it as an operator would, and waits until it has put its things in order.
    fn end(self, place: &Place, name: &str) {
        send_signal("TERM", self.0);
        wait_until(Millis::new(1000), "the pid file is removed", || !place.path(name).exists()).expect("it ends");
    }
}

impl Drop for Daemon {
    /// Nobody waits for it, and it outlives the test program: it is killed if the test did not come to its end.
    fn drop(&mut self) {
        if std::thread::panicking() {
            // It may have ended by itself.
            let _ = Command::new("kill").args(["-KILL", &self.0.to_string()]).status();
        }
    }
}

#[test]
fn a_sentinel_starts_logs_and_ends_as_the_reference_does() {
    let mut place = Place::with("port {port}\nbind 127.0.0.1\npidfile x.pid\nsentinel monitor m 127.0.0.1 1 1\n");
    let pid = place.start(&["sentinel.conf"]);
    let my_id = place.client().text(&["SENTINEL", "MYID"]).expect("it answers");
    send_signal("HUP", pid);
    send_signal("PIPE", pid);
    assert_eq!(wait_for_pid(&place, "x.pid"), pid);
    wait_until(PATIENCE, "the first state is stored", || place.read("stdout.txt").contains("saved on disk"))
        .expect("it is stored");

    let code = place.end();

    assert_eq!((code, place.read("stderr.txt").as_str(), place.path("x.pid").exists()), (Some(0), "", false));
    let log = place.read("stdout.txt");
    let said: Vec<_> = log.lines().map(|line| line.get(line.find(['#', '*']).unwrap_or(0)..).unwrap_or(line)).collect();
    let port = place.port();
    assert_eq!(
        said[..7],
        [
            "# oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
            &format!("# Redis version=7.0.15, bits=64, commit=00000000, modified=0, pid={pid}, just started"),
            "# Configuration loaded",
            "* monotonic clock: POSIX clock_gettime",
            &format!("* Running mode=sentinel, port={port}."),
            &format!("# Sentinel ID is {my_id}"),
            "# +monitor master m 127.0.0.1 1 quorum 1",
        ]
    );
    assert!(said[said.len() - 4].ends_with(" Received SIGTERM scheduling shutdown..."), "{log}");
    assert_eq!(
        said[said.len() - 3..],
        ["# User requested shutdown...", "* Removing the pid file.", "# Sentinel is now ready to exit, bye bye..."]
    );
    assert!(place.read("sentinel.conf").contains(&format!("sentinel myid {my_id}\n")));
}

#[test]
fn a_shutdown_by_command_ends_it_as_a_signal_does() {
    let mut place = Place::with("port {port}\nbind 127.0.0.1\n");
    place.start(&["sentinel.conf"]);

    place.client().send(&["SHUTDOWN"]).expect("it listens");

    wait_until(PATIENCE, "it says goodbye", || place.read("stdout.txt").ends_with("bye bye...\n")).expect("it ends");
}

#[test]
fn the_command_line_and_standard_input_add_to_the_file_and_are_kept_in_it() {
    let mut place = Place::with("port 1\nsentinel monitor m 127.0.0.1 1 1\n");
    place.write("input.txt", "sentinel down-after-milliseconds m 7777\nmaxclients 77\n");
    let port = place.port().to_string();
    let mut command =
        place.command(&built_sentinelle(), &["sentinel.conf", "--sentinel", "--port", &port, "--loglevel debug", "-"]);
    command.stdin(fs::File::open(place.path("input.txt")).expect("the file was written"));

    place.start_command(command);

    wait_for_state(&place);
    let kept = config::parse(&place.read("sentinel.conf")).expect("it can be read again");
    assert_eq!((kept.server.port, kept.server.maxclients), (place.port(), 77));
    assert_eq!(kept.masters[0].down_after, Millis::new(7777));
    assert!(place.read("sentinel.conf").starts_with(&format!("port {port}\nsentinel monitor m 127.0.0.1 1 1\n")));
}

#[test]
fn relative_paths_begin_at_the_folder_of_dir() {
    let mut place = Place::with("port {port}\nbind 127.0.0.1\ndir sub\nlogfile x.log\npidfile x.pid\n");
    fs::create_dir(place.path("sub")).expect("the folder is writable");

    let pid = place.start(&["sentinel.conf"]);

    assert_eq!(wait_for_pid(&place, "sub/x.pid"), pid);
    wait_until(PATIENCE, "the log is written", || place.read("sub/x.log").contains("Running mode=sentinel"))
        .expect("it is written");
    assert_eq!(place.read("stdout.txt"), "");
    wait_for_state(&place);
    let folder = fs::canonicalize(place.path("sub")).expect("the folder is there");
    assert!(place.read("sentinel.conf").contains(&format!("dir \"{}\"\n", folder.display())));
}

#[test]
fn a_supervisor_is_told_when_the_sentinel_is_ready() {
    let mut place = Place::with("port {port}\nbind 127.0.0.1\ndaemonize yes\n");
    let socket = UnixDatagram::bind(place.path("notify.sock")).expect("the folder is writable");
    socket.set_read_timeout(Some(PATIENCE.into())).expect("the time is not zero");
    let mut command = place.command(&built_sentinelle(), &["sentinel.conf", "--supervised", "systemd"]);
    command.env("NOTIFY_SOCKET", place.path("notify.sock"));

    place.start_command(command);

    let mut state = [0; 64];
    let length = socket.recv(&mut state).expect("it tells that it is ready");
    assert_eq!(&state[..length], b"READY=1\n");
    assert_eq!(place.end(), Some(0));
    let length = socket.recv(&mut state).expect("it tells that it stops");
    assert_eq!(&state[..length], b"STOPPING=1\n");
}

#[test]
fn the_log_shows_local_time() {
    let mut place = Place::with("port {port}\nbind 127.0.0.1\n");
    let now_there = || {
        let output = Command::new("date").arg("+%d %b %Y %H").env("TZ", "Asia/Kathmandu").env("LC_ALL", "C").output();
        String::from_utf8(output.expect("the system has date").stdout).expect("it is text").trim().to_owned()
    };
    let before = now_there();
    let mut command = place.command(&built_sentinelle(), &["sentinel.conf"]);
    command.env("TZ", "Asia/Kathmandu");

    place.start_command(command);

    let log = place.read("stdout.txt");
    let (_, stamp) = log.split_once(":X ").expect("a line has a stamp");
    assert!(stamp.starts_with(&before) || stamp.starts_with(&now_there()), "{stamp}");
}

#[test]
fn a_link_named_redis_sentinel_starts_a_sentinel() {
    let mut place = Place::with("port {port}\nbind 127.0.0.1\n");
    let link = place.path("redis-sentinel");
    symlink(built_sentinelle(), &link).expect("the folder is writable");

    place.start_command(place.command(&link, &["sentinel.conf", "--sentinel"]));

    assert_eq!(place.client().info("server", "redis_mode").expect("it answers"), "sentinel");
    assert_eq!(place.end(), Some(0));
}
