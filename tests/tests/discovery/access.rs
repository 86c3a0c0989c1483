//! Passwords, users and their rights: on sentinels and on data servers, each with their own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sentinelle::{
    discovery::{Access, CredentialSource, Credentials, Dialer, Discovery, Login, ServerKind},
    error::{ErrorKind, Result},
    finder::AddressMap,
    resp::Value,
    testing::{DataServer, Flavour, SentinelPlan, SentinelProcess, ServerPlan, Watched},
    types::{Endpoint, Millis},
};

use crate::{
    faults::failure,
    stage::{Liar, PATIENCE, Stage, seeded},
};

#[test]
fn sentinels_and_servers_have_passwords_of_their_own() -> Result<()> {
    let server = guarded_server("of the server")?;
    let sentinel = sentinel_of(&server)?;
    sentinel.client()?.text(&["ACL", "SETUSER", "default", "resetpass", ">of the sentinel"])?;
    let stage = Stage::open();
    let builder = || seeded([sentinel.address()]).credentials(None, "of the server");

    let right = stage.start(builder().sentinel_credentials(None, "of the sentinel"))?;
    let found = stage.run(right.master("cart", PATIENCE))?;
    let wrong = stage.start(builder().sentinel_credentials(None, "of the server"))?;
    let error = failure(&stage, &wrong, "cart", &[ErrorKind::Auth]);

    assert_eq!(found.socket(), Some(server.address()));
    assert!(!error.to_string().contains("of the server"), "{error}");
    Ok(())
}

#[test]
fn a_user_with_the_least_rights_finds_the_master() -> Result<()> {
    let server = DataServer::start(&ServerPlan::default())?;
    let set_user = ["ACL", "SETUSER", "app", "on", ">secret"];
    server.client()?.text(&[&set_user[..], &["+hello", "+ping"]].concat())?;
    let sentinel = sentinel_of(&server)?;
    let least = ["+auth", "+hello", "+ping", "+client|setname", "+subscribe", "+unsubscribe", "resetchannels", "&+*"];
    let asking = ["+sentinel|get-master-addr-by-name", "+sentinel|master"];
    let mut client = sentinel.client()?;
    client.text(&[&set_user[..], &least, &asking].concat())?;
    client.text(&["ACL", "SETUSER", "default", "off"])?;
    let stage = Stage::open();

    let builder = seeded([sentinel.address()]).sentinel_credentials(Some("app"), "secret");
    let discovery = stage.start(builder.credentials(Some("app"), "secret"))?;
    let found = stage.run(discovery.master("cart", PATIENCE))?;

    assert_eq!(found.socket(), Some(server.address()));
    Ok(())
}

#[test]
fn a_server_that_may_not_be_asked_for_its_role_is_taken_on_the_sentinels_word() -> Result<()> {
    let server = DataServer::start(&ServerPlan::default())?;
    let sentinel = sentinel_of(&server)?;
    let close_mouthed = Liar::open(|command| match command {
        "ping" => Value::Simple("PONG".into()),
        "role" | "info replication" => Value::error("NOPERM this user has no permissions to run this command"),
        command if command.starts_with("hello") => Value::error("ERR unknown command 'HELLO'"),
        _ => Value::ok(),
    });
    let reached = Endpoint::numeric(close_mouthed.address());
    let map = AddressMap::default().entry(&Endpoint::numeric(server.address()), reached.clone());
    let stage = Stage::open();

    let discovery = stage.start(seeded([sentinel.address()]).address_map(map))?;
    let mut events = discovery.events();
    let found = stage.run(discovery.master("cart", PATIENCE))?;

    assert_eq!(found, reached);
    let mut names = Vec::new();
    while let Some(notice) = events.next_blocking(Millis::ZERO)? {
        names.push(notice.event.kind.name());
    }
    assert!(names.contains(&"verify-disabled"), "{names:?}");
    Ok(())
}

#[test]
fn a_source_of_credentials_is_asked_again_when_they_are_refused() -> Result<()> {
    let server = guarded_server("old")?;
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let source = CredentialSource::new(move || {
        let password = if counter.fetch_add(1, Ordering::Relaxed) == 0 { "old" } else { "new" };
        Ok(Credentials::new(None, password))
    });
    let dialer = Dialer::new(Access { login: Login::From(source), ..Access::default() })?;
    let target = Endpoint::numeric(server.address());
    let kind = ServerKind::Data { database: 0 };
    let stage = Stage::open();

    stage.run(dialer.dial(&target, kind, PATIENCE))?;
    server.client()?.text(&["CONFIG", "SET", "requirepass", "new"])?;
    stage.run(dialer.dial(&target, kind, PATIENCE))?;
    dialer.dial_blocking(&target, kind, PATIENCE)?;

    assert_eq!(asked.load(Ordering::Relaxed), 2);
    Ok(())
}

#[test]
fn a_refused_password_is_tried_no_second_time() -> Result<()> {
    let server = guarded_server("right")?;
    let access = Access { login: Login::Fixed(Credentials::new(Some("default"), "wrong")), ..Access::default() };
    let dialer = Dialer::new(access)?;
    let target = Endpoint::numeric(server.address());

    let error = dialer.dial_blocking(&target, ServerKind::Data { database: 0 }, PATIENCE).expect_err("it is wrong");
    let tries = server.client()?.info("errorstats", "errorstat_WRONGPASS")?;

    assert_eq!((error.kind(), error.server_code()), (ErrorKind::Auth, Some("WRONGPASS")));
    assert_eq!(error.address(), Some(server.address().to_string().as_str()));
    assert_eq!(tries, "count=1");
    Ok(())
}

#[test]
fn a_blocking_connection_is_greeted_like_any_other() -> Result<()> {
    let server = guarded_server("secret")?;
    let access = Access { login: Login::Fixed(Credentials::new(None, "secret")), ..Access::default() };
    let target = Endpoint::parse("localhost", server.address().port()).expect("it is a name");

    let connection = Dialer::new(access)?.dial_blocking(&target, ServerKind::Data { database: 2 }, PATIENCE)?;

    assert!(connection.welcome.role.is_master());
    assert!(connection.welcome.version.is_some() && connection.welcome.client_id.is_some());
    Ok(())
}

#[test]
fn a_name_is_looked_up_for_each_connection_and_all_its_addresses_are_tried() -> Result<()> {
    // The servers listen on 127.0.0.1 alone; the name has ::1 too where there is IPv6.
    let server = DataServer::start(&ServerPlan::default())?;
    let sentinel = sentinel_of(&server)?;
    let stage = Stage::open();

    let builder = Discovery::builder().sentinel("localhost", sentinel.address().port())?;
    let discovery = stage.start(builder)?;

    assert_eq!(stage.run(discovery.master("cart", PATIENCE))?.socket(), Some(server.address()));
    Ok(())
}

fn guarded_server(password: &str) -> Result<DataServer> {
    DataServer::start(&ServerPlan { password: Some(password.into()), ..ServerPlan::default() })
}

/// A sentinel of Redis that monitors the server as `cart`.
fn sentinel_of(server: &DataServer) -> Result<SentinelProcess> {
    let watched = Watched {
        name: "cart".into(),
        address: server.address(),
        quorum: 1,
        down_after: Millis::new(5_000),
        failover_timeout: Millis::new(10_000),
        options: Vec::new(),
    };
    let masters = vec![watched];
    SentinelProcess::start(&SentinelPlan { flavour: Flavour::Redis, program: None, masters, lines: Vec::new() })
}
