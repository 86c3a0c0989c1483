//! What users of the `redis` crate get: its commands, pipelines and scripts on our connections.

use redis::{AsyncCommands as _, Commands as _, RedisResult, Script};
use sentinelle::pool::LeaseFor;

use crate::stage::Stage;

#[test]
fn a_lease_of_a_task_is_a_connection() {
    let stage = Stage::usual();
    stage.runtime.block_on(async {
        let mut lease = stage.pool.lease(LeaseFor::Writes).await.expect("one is free");
        let () = lease.set("colour", "green").await.expect("it is written");
        let colour: String = lease.get("colour").await.expect("it is read");
        let counts: (i64, i64) =
            redis::pipe().atomic().incr("n", 1).incr("n", 2).query_async(&mut lease).await.expect("it runs");
        let sum: i64 =
            Script::new("return ARGV[1] + ARGV[2]").arg(1).arg(2).invoke_async(&mut lease).await.expect("it runs");
        let wrong: RedisResult<i64> = lease.lpush("colour", "a").await;

        assert_eq!((colour.as_str(), counts, sum), ("green", (1, 3), 3));
        assert_eq!(wrong.expect_err("a string is no list").code(), Some("WRONGTYPE"));
    });
}

#[test]
fn a_lease_of_a_thread_is_a_connection() {
    let stage = Stage::usual();
    let mut lease = stage.pool.lease_blocking(LeaseFor::Writes).expect("one is free");

    let () = lease.set("colour", "green").expect("it is written");
    let counts: (i64, i64) = redis::pipe().atomic().incr("n", 1).incr("n", 2).query(&mut lease).expect("it runs");
    let sum: i64 = Script::new("return ARGV[1] + ARGV[2]").arg(1).arg(2).invoke(&mut lease).expect("it runs");

    assert_eq!(lease.get::<_, String>("colour").expect("it is read"), "green");
    assert_eq!((counts, sum), ((1, 3), 3));
}

#[test]
fn a_pool_takes_commands_and_transactions_too() {
    let stage = Stage::usual();
    let mut pool = stage.pool.clone();

    let () = redis::Commands::set(&mut pool, "colour", "green").expect("it is written");
    let of_thread: (i64,) =
        redis::pipe().atomic().incr("n", 1).ignore().incr("n", 2).query(&mut pool).expect("it runs");
    let of_task: (String, i64) = stage
        .runtime
        .block_on(async { redis::pipe().get("colour").incr("n", 1).query_async(&mut pool).await.expect("it runs") });

    assert_eq!((of_thread, of_task), ((3,), ("green".to_owned(), 4)));
}
