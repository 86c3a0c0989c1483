//! Where reads go that have a choice, and when a write counts as written.

use sentinelle::{
    discovery::Discovery,
    error::{ErrorKind, Outcome, Result},
    pool::{Class, Command, Pool, ReadFrom, WriteFence},
    resp::Value,
    testing::{
        Backend, DataServer, Flavour, HaGroup, Member, Profile, SentinelPlan, SentinelProcess, ServerPlan, Watched,
        find_sentinel, wait_until,
    },
    types::{Endpoint, Millis},
};

use crate::stage::{SOON, Stage};

#[test]
fn a_write_that_too_few_replicas_acknowledge_fails_with_an_unknown_outcome() {
    let patience = Millis::new(2_000);
    let group = HaGroup::builder().profile(Profile::Stock);
    let stage = Stage::with(group, |pool| pool.write_fence(WriteFence::Wait { replicas: 2, patience }));
    let set = ["SET", "colour", "green"];
    assert_eq!(stage.run(set).expect("both acknowledge"), Value::ok());
    assert_eq!(stage.run_async(set).expect("both acknowledge"), Value::ok());

    let replica = stage.group.replicas().expect("there are two")[0];
    stage.group.pause(replica).expect("it is a server");

    for result in [stage.run(set), stage.run_async(set)] {
        let error = result.expect_err("one is silent");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::NoReplica, Some(Outcome::Unknown)), "{error}");
        assert!(error.to_string().contains("2 replicas have to acknowledge"), "{error}");
    }
    assert_eq!(stage.run(["GET", "colour"]).expect("reads are not fenced").as_text(), Some("green"));
}

#[test]
fn a_master_that_would_write_alone_gets_no_write_where_that_is_demanded() {
    let stage =
        Stage::with(HaGroup::builder().profile(Profile::Stock), |pool| pool.write_fence(WriteFence::MinReplicas));
    let set = ["SET", "colour", "green"];

    for result in [stage.run(set), stage.run_async(set)] {
        let error = result.expect_err("min-replicas-to-write is 0");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unsupported, Some(Outcome::NotSent)), "{error}");
    }
    stage.group.servers().into_iter().for_each(|server| demand_replicas(&stage.group, server));
    stage.wait("the setting is seen", |pool| pool.execute_blocking(&Command::new(set)).is_ok());
}

#[test]
fn a_new_master_that_is_fenced_gets_writes_at_once() {
    let stage = Stage::with(Stage::calm(Backend::Real), |pool| pool.write_fence(WriteFence::MinReplicas));
    stage.group.servers().into_iter().for_each(|server| demand_replicas(&stage.group, server));
    let set = ["SET", "colour", "green"];
    stage.wait("the setting is seen", |pool| pool.execute_blocking(&Command::new(set)).is_ok());

    stage.group.failover().expect("it begins");
    stage.wait_switched();

    // Refused by the server it may be, while its replicas are not connected yet; never by the pool.
    let waited = wait_until(SOON, "a write is taken", || match stage.run(set) {
        Ok(_) => true,
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::Unsupported, "{error}");
            false
        }
    });
    waited.expect("the replicas follow");
}

#[test]
fn the_nearest_server_is_read_from() {
    for is_default in [true, false] {
        let stage = Stage::with(HaGroup::builder().profile(Profile::Stock), |pool| {
            if is_default { pool.read_from(ReadFrom::Nearest) } else { pool }
        });
        let replicas = stage.group.replicas().expect("there are two");
        let (near, far) = (replicas[1], [stage.group.master().expect("there is one"), replicas[0]]);
        for member in far {
            stage.group.slow(Member::Client, member, Millis::new(20), Millis::ZERO);
        }
        let run_id = stage.group.connect(near).and_then(|mut client| client.info("server", "run_id"));
        let run_id = run_id.expect("it is a server");

        stage.wait("the nearest is read from", |pool| about_itself(pool, ReadFrom::Nearest).contains(&run_id));
    }
}

#[test]
fn a_replica_in_the_readers_zone_is_read_from() -> Result<()> {
    let valkey = find_sentinel(Flavour::Valkey)?;
    let plan = ServerPlan { program: Some(valkey), ..ServerPlan::default() };
    let servers = DataServer::start_replicated(&plan, 2)?;
    for (server, zone) in servers.iter().zip(["eu-1a", "eu-1b", "eu-1c"]) {
        server.client()?.text(&["CONFIG", "SET", "availability-zone", zone])?;
    }
    let sentinel = watch(servers[0].address())?;
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    let pool = runtime.block_on(async {
        let discovery = Discovery::builder().seeds([Endpoint::numeric(sentinel.address())]).start()?;
        Pool::builder(&discovery, "cart").build()
    })?;

    for zone in ["eu-1c", "eu-1b", "eu-1a"] {
        let there = format!("availability_zone:{zone}");
        wait_until(SOON, "a server of the zone is read from", || {
            about_itself(&pool, ReadFrom::Zone(zone.into())).contains(&there)
        })?;
    }
    Ok(())
}

/// What the server that is read from says of itself.
fn about_itself(pool: &Pool, policy: ReadFrom) -> String {
    let asked = Command::new(["INFO", "server"]).treated_as(Class::Read).read_from(policy);
    let told = pool.execute_blocking(&asked).expect("somebody answers");
    told.as_text().expect("INFO is text").to_owned()
}

/// Sets a server to take writes only while a replica is connected.
fn demand_replicas(group: &HaGroup, server: Member) {
    let mut client = group.connect(server).expect("it is a server");
    client.text(&["CONFIG", "SET", "min-replicas-to-write", "1"]).expect("it is an option");
}

/// A sentinel of Valkey that monitors that server as `cart`.
fn watch(address: std::net::SocketAddr) -> Result<SentinelProcess> {
    let watched = Watched {
        name: "cart".into(),
        address,
        quorum: 1,
        down_after: Millis::new(5_000),
        failover_timeout: Millis::new(10_000),
        options: Vec::new(),
    };
    let masters = vec![watched];
    SentinelProcess::start(&SentinelPlan { flavour: Flavour::Valkey, program: None, masters, lines: Vec::new() })
}
