//! What a vote is worth when its voter is killed or its disk fails (design row 3), on a real process.

use std::{fs, net::SocketAddr};

use sentinelle::{
    resp::Value,
    testing::{Flavour, SentinelPlan, SentinelProcess, Watched},
    types::Millis,
};
use sentinelle_tests::built_sentinelle;

/// A sentinel that watches a master that nobody has ever seen.
fn voter() -> SentinelProcess {
    let watched = Watched {
        name: "mymaster".into(),
        address: MASTER,
        quorum: 2,
        down_after: Millis::new(30_000),
        failover_timeout: Millis::new(60_000),
        options: Vec::new(),
    };
    let plan = SentinelPlan {
        flavour: Flavour::Sentinelle,
        program: Some(built_sentinelle()),
        masters: vec![watched],
        lines: Vec::new(),
    };
    SentinelProcess::start(&plan).expect("the sentinel starts")
}

fn request_vote(voter: &SentinelProcess, epoch: &str, candidate: &str) -> Value {
    let mut client = voter.client().expect("it listens");
    let (host, port) = (MASTER.ip().to_string(), MASTER.port().to_string());
    let question = ["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", &host, &port, epoch, candidate];
    client.command(&question).expect("it answers")
}

fn vote(leader: &str, epoch: i64) -> Value {
    Value::Array(vec![Value::Integer(0), Value::bulk(leader), Value::Integer(epoch)])
}

/// The reference keeps its word too, at the price of two syncs a vote on its only thread.
#[test]
fn a_voter_killed_right_after_its_reply_does_not_vote_again() {
    let (first, second) = ("1".repeat(40), "2".repeat(40));
    let mut voter = voter();

    let given = request_vote(&voter, "5", &first);
    voter.kill();
    let file = voter.config();
    voter.restart().expect("it starts again from its file");
    let again = request_vote(&voter, "5", &second);
    let newer = request_vote(&voter, "6", &second);

    assert_eq!(given, vote(&first, 5));
    assert!(file.contains("sentinel leader-epoch mymaster 5\n"), "{file}");
    assert!(file.contains("sentinel current-epoch 5\n"), "{file}");
    assert_eq!(again, vote("*", 5), "it knows that it has voted, if not for whom");
    assert_eq!(newer, vote(&second, 6));
}

/// The reference says its vote although it could not write it.
#[test]
fn a_voter_that_cannot_write_its_file_refuses_the_vote() {
    let candidate = "1".repeat(40);
    let voter = voter();
    let folder = voter.config_file().parent().expect("a file lies in a folder").to_owned();

    fs::remove_dir_all(&folder).expect("the folder is ours");
    let refused = request_vote(&voter, "5", &candidate);
    fs::create_dir(&folder).expect("its place is free");
    let granted = request_vote(&voter, "6", &candidate);

    assert_eq!(refused, vote("*", 0));
    assert_eq!(granted, vote(&candidate, 6));
    assert!(voter.config().contains("sentinel leader-epoch mymaster 6\n"), "{}", voter.config());
}

/// Of TEST-NET-1: nobody answers there.
const MASTER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 6_379);
