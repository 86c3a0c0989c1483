//! What a pool does while nothing happens.

use sentinelle::{
    error::{ErrorKind, Outcome},
    pool::{Atomicity, Command, LeaseFor, Pool, ReadFrom},
    resp::Value,
    testing::{HaGroup, Profile},
    types::Millis,
};

use crate::stage::{SOON, Stage};

#[test]
fn tasks_threads_and_callbacks_read_what_the_others_wrote() {
    let stage = Stage::usual();

    assert_eq!(stage.run(["SET", "colour", "green"]).expect("it is written"), Value::ok());
    assert_eq!(stage.run_async(["GET", "colour"]).expect("it is read").as_text(), Some("green"));
    let (told, replied) = std::sync::mpsc::channel();
    stage.pool.submit(Command::new(["GET", "colour"]), move |result| {
        told.send(result).expect("the test waits");
    });
    let result = replied.recv_timeout(SOON.into()).expect("it is told");

    assert_eq!(result.expect("it is read").as_text(), Some("green"));
}

#[test]
fn a_url_says_all_that_a_pool_needs() {
    let stage = Stage::usual();
    let url = format!("{}/3?max=2&read_from=replica_preferred", stage.group.url());
    let pool = stage.runtime.block_on(async { Pool::open(&url) }).expect("the URL is right");

    pool.execute_blocking(&Command::new(["SET", "colour", "green"])).expect("it is written");

    let moved = stage.run(["MOVE", "colour", "1"]).expect("it is asked");
    assert_eq!(moved, Value::Integer(0), "it is not in the usual database");
    let error = stage.runtime.block_on(async { Pool::open("redis+sentinel://127.0.0.1:26379") });
    assert_eq!(error.expect_err("there is no master").kind(), ErrorKind::Config);
}

#[test]
fn an_error_reply_is_told_with_its_text_and_code() {
    let stage = Stage::usual();
    stage.run(["SET", "text", "a"]).expect("it is written");

    for error in [stage.run(["LPUSH", "text", "b"]), stage.run_async(["LPUSH", "text", "b"])] {
        let error = error.expect_err("a string is no list");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Server, Some(Outcome::Rejected)));
        assert_eq!(error.server_code(), Some("WRONGTYPE"));
        assert!(error.subject().starts_with("WRONGTYPE Operation against a key"), "{error}");
    }
}

#[test]
fn pipelines_and_transactions_give_one_reply_for_each_command() {
    let stage = Stage::usual();
    let commands = [Command::new(["INCR", "n"]), Command::new(["LPUSH", "n", "a"]), Command::new(["INCR", "n"])];

    for atomicity in [Atomicity::Pipeline, Atomicity::Transaction] {
        stage.run(["DEL", "n"]).expect("it is deleted");
        let of_thread = stage.pool.pipeline_blocking(&commands, atomicity).expect("it runs");
        let of_task = stage.runtime.block_on(stage.pool.pipeline(&commands, atomicity)).expect("it runs");

        assert_eq!((&of_thread[0], &of_thread[2]), (&Value::Integer(1), &Value::Integer(2)));
        assert_eq!((&of_task[0], &of_task[2]), (&Value::Integer(3), &Value::Integer(4)));
        assert!(matches!(&of_task[1], Value::Error(text) if text.starts_with("WRONGTYPE")), "{of_task:?}");
    }
}

#[test]
fn a_blocking_command_holds_up_nobody_else() {
    let stage = Stage::usual();
    let pop = stage.runtime.spawn({
        let pool = stage.pool.clone();
        async move { pool.execute(Command::new(["BLPOP", "queue", "0"])).await }
    });
    stage.wait("the pop has a connection", |pool| pool.stats().in_use > 0);

    stage.run_async(["SET", "a", "b"]).expect("it is written");
    stage.run_async(["RPUSH", "queue", "job"]).expect("it is pushed");

    let popped = stage.runtime.block_on(pop).expect("it has not panicked").expect("there was a job");
    assert_eq!(popped, Value::Array(vec![Value::bulk("queue"), Value::bulk("job")]));
}

#[test]
fn a_lease_is_one_connection_and_is_clean_for_the_next() {
    let stage = Stage::with(HaGroup::builder(), |pool| pool.max(1));
    let id = |lease: &mut sentinelle::pool::BlockingLease| lease.execute(&Command::new(["CLIENT", "ID"]));
    let mut lease = stage.pool.lease_blocking(LeaseFor::Writes).expect("one is free");
    let first = id(&mut lease).expect("it answers");

    drop(lease);
    let mut lease = stage.pool.lease_blocking(LeaseFor::Writes).expect("one is free");
    let second = id(&mut lease).expect("it answers");
    lease.execute(&Command::new(["MULTI"])).expect("it begins");
    drop(lease);
    let mut lease = stage.pool.lease_blocking(LeaseFor::Writes).expect("one is free");
    let third = id(&mut lease).expect("it answers");

    assert_eq!(first, second);
    assert_ne!(second, third, "a connection inside of MULTI was handed on");
    assert!(lease.is_current());
}

#[test]
fn no_more_connections_are_used_than_there_may_be() {
    let stage = Stage::with(HaGroup::builder(), |pool| pool.max(2).max_waiters(1).checkout_wait(Millis::new(50)));
    let take = || stage.pool.lease_blocking(LeaseFor::Writes);
    let held = [take(), take()].map(|lease| lease.expect("there are two"));

    let error = stage.runtime.block_on(stage.pool.lease(LeaseFor::Writes)).expect_err("there is no third");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::PoolExhausted, Some(Outcome::NotSent)));
    assert_eq!(take().expect_err("there is no third").kind(), ErrorKind::PoolExhausted);

    drop(held);
    assert!(stage.runtime.block_on(stage.pool.lease(LeaseFor::Writes)).is_ok());
    assert!(stage.pool.stats().idle <= 2, "{:?}", stage.pool.stats());
}

#[test]
fn somebody_who_waits_gets_the_connection_that_is_given_back() {
    let stage = Stage::with(HaGroup::builder(), |pool| pool.max(1).checkout_wait(SOON));
    let lease = stage.pool.lease_blocking(LeaseFor::Writes).expect("one is free");
    let of_task = stage.runtime.spawn({
        let pool = stage.pool.clone();
        async move { pool.lease(LeaseFor::Writes).await.map(drop) }
    });
    let of_thread = std::thread::spawn({
        let pool = stage.pool.clone();
        move || pool.lease_blocking(LeaseFor::Writes).map(drop)
    });
    stage.wait("both wait", |pool| pool.stats().waiting == 2);

    drop(lease);

    of_thread.join().expect("it has not panicked").expect("it got the connection");
    stage.runtime.block_on(of_task).expect("it has not panicked").expect("it got the connection");
}

#[test]
fn a_server_that_is_silent_costs_the_attempt_and_the_connection_only() {
    let group = HaGroup::builder().profile(Profile::Stock);
    let stage = Stage::with(group, |pool| pool.response_timeout(Millis::new(1_000)));
    let master = stage.group.master().expect("there is one");
    stage.run_async(["INCR", "n"]).expect("it counts");

    stage.group.pause(master).expect("it is a server");
    let errors = [stage.run(["INCR", "n"]), stage.run_async(["INCR", "n"])];
    stage.group.resume(master).expect("it is a server");

    for error in errors.map(|result| result.expect_err("the server is silent")) {
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Some(Outcome::Unknown)), "{error}");
    }
    // It counts on when it wakes up: that is what an unknown outcome means.
    assert_eq!(stage.run(["INCR", "n"]).expect("it counts"), Value::Integer(4));
}

#[test]
fn reads_go_to_replicas_where_they_may() {
    let stage = Stage::with(HaGroup::builder(), |pool| pool.read_from(ReadFrom::Replica));
    stage.wait("replicas are known", |pool| pool.stats().replicas == 2);
    let role = |command: Command| stage.pool.execute_blocking(&command).expect("there is a server");
    let word = |role: &Value| {
        let Value::Array(items) = role else { return None };
        items[0].as_text().map(str::to_owned)
    };

    assert_eq!(word(&role(Command::named("ROLE"))).as_deref(), Some("slave"));
    assert_eq!(word(&role(Command::named("ROLE").read_from(ReadFrom::Master))).as_deref(), Some("master"));
}

#[test]
fn a_closed_pool_says_so() {
    let stage = Stage::usual();

    stage.pool.close();

    let error = stage.run(["PING"]).expect_err("it is closed");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Stopped, Some(Outcome::NotSent)));
}

#[test]
fn what_waits_for_a_master_is_bounded() {
    let stage = Stage::with(HaGroup::builder(), |pool| pool.held(2, 1 << 20));
    stage.group.sentinels().into_iter().for_each(|sentinel| stage.group.kill(sentinel).expect("it is one"));
    stage.group.kill(stage.group.servers()[0]).expect("it is a server");
    let (told, results) = std::sync::mpsc::channel();

    for number in 0..8 {
        let told = told.clone();
        stage.pool.submit(Command::named("SET").word("k").number(number), move |result| {
            // The test may have seen enough.
            let _ = told.send(result);
        });
    }

    let first = results.recv_timeout(SOON.into()).expect("somebody is told").expect_err("there is no master");
    assert_eq!((first.kind(), first.outcome()), (ErrorKind::Backpressure, Some(Outcome::NotSent)));
}
