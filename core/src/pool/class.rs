//! Decides what a command may do to the data, and with that whether it is held, where it may run and what is tried again.
//!
//! The lists follow the flags of `COMMAND` in redis 7.0 to 8.2, one name beside the other; what is in none is a write.

use super::command::{Command, Words};

/// What a command may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It changes nothing: it may run on a replica, goes on during a promotion, and is always tried again.
    Read,
    /// It writes, and twice is as good as once: it is tried again even when it may have been executed.
    Idempotent,
    /// It writes, or is not known: tried again only when it was certainly not executed.
    Write,
    /// It waits on the server, so it has a connection to itself; tried again as a [`Class::Write`].
    Blocking,
    /// It changes the state of its connection, so it belongs on a lease and is never tried again.
    Session,
}

impl Class {
    /// Whether a command of this class waits while a promotion is under way.
    pub fn is_held(self) -> bool {
        self != Self::Read
    }
}

/// Judges a command by its words.
pub(super) fn judge(command: &Command) -> Class {
    let mut words = command.words();
    let Some(first) = words.next() else { return Class::Write };
    let Some(name) = Name::of(first) else { return Class::Write };
    let name = name.as_str();
    if READS.binary_search(&name).is_ok() {
        return Class::Read;
    }
    if SESSIONS.binary_search(&name).is_ok() {
        return Class::Session;
    }
    if BLOCKING.binary_search(&name).is_ok() {
        return Class::Blocking;
    }
    if IDEMPOTENT.binary_search(&name).is_ok() {
        return Class::Idempotent;
    }
    by_arguments(name, words)
}

/// Commands whose class depends on what follows their name.
fn by_arguments(name: &str, mut rest: Words<'_>) -> Class {
    match name {
        "SET" => unless(rest.skip(2), &["NX", "XX", "GET", "IFEQ", "IFNE"], Class::Idempotent, Class::Write),
        "ZADD" => unless(rest.skip(1), &["INCR", "NX", "XX", "GT", "LT", "CH"], Class::Idempotent, Class::Write),
        "XREAD" => unless(rest, &["BLOCK"], Class::Read, Class::Blocking),
        "XREADGROUP" => unless(rest, &["BLOCK"], Class::Write, Class::Blocking),
        // Servers take these for writes even where they only read, so a replica refuses them.
        "SORT" => unless(rest, &["STORE"], Class::Idempotent, Class::Write),
        "GEORADIUS" | "GEORADIUSBYMEMBER" => unless(rest, &["STORE", "STOREDIST"], Class::Idempotent, Class::Write),
        "CLIENT" => client(rest.next()),
        "ACL" | "CLUSTER" | "COMMAND" | "CONFIG" | "FUNCTION" | "LATENCY" | "MEMORY" | "MODULE" | "SCRIPT"
        | "SLOWLOG" => inspection(rest.next()),
        _ => Class::Write,
    }
}

fn unless<'a>(words: impl Iterator<Item = &'a [u8]>, options: &[&str], without: Class, with: Class) -> Class {
    let is_option = |word: &[u8]| options.iter().any(|option| word.eq_ignore_ascii_case(option.as_bytes()));
    if words.into_iter().any(is_option) { with } else { without }
}

fn client(subcommand: Option<&[u8]>) -> Class {
    match subcommand.and_then(Name::of).as_ref().map(Name::as_str) {
        Some("LIST" | "INFO" | "ID" | "GETNAME" | "GETREDIR" | "TRACKINGINFO" | "HELP") => Class::Read,
        Some("KILL" | "PAUSE" | "UNPAUSE" | "UNBLOCK") => Class::Write,
        _ => Class::Session,
    }
}

fn inspection(subcommand: Option<&[u8]>) -> Class {
    match subcommand.and_then(Name::of).as_ref().map(Name::as_str) {
        Some(name) if INSPECTIONS.binary_search(&name).is_ok() => Class::Read,
        _ => Class::Write,
    }
}

/// A command's name in upper case, kept without an allocation.
struct Name {
    letters: [u8; Self::LONGEST],
    length: usize,
}

impl Name {
    const LONGEST: usize = 24;

    fn of(word: &[u8]) -> Option<Self> {
        let mut letters = [0; Self::LONGEST];
        let place = letters.get_mut(..word.len())?;
        place.copy_from_slice(word);
        place.make_ascii_uppercase();
        Some(Self { letters, length: word.len() })
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.letters[..self.length]).unwrap_or_default()
    }
}

/// Commands that change nothing, in order.
#[rustfmt::skip]
const READS: &[&str] = &[
    "BITCOUNT", "BITFIELD_RO", "BITPOS", "DBSIZE", "DIGEST", "DUMP", "ECHO", "EVALSHA_RO", "EVAL_RO", "EXISTS",
    "EXPIRETIME", "FCALL_RO", "GEODIST", "GEOHASH", "GEOPOS", "GEORADIUSBYMEMBER_RO", "GEORADIUS_RO", "GEOSEARCH",
    "GET", "GETBIT", "GETRANGE", "HEXISTS", "HEXPIRETIME", "HGET", "HGETALL", "HKEYS", "HLEN", "HMGET",
    "HPEXPIRETIME", "HPTTL", "HRANDFIELD", "HSCAN", "HSTRLEN", "HTTL", "HVALS", "INFO", "KEYS", "LASTSAVE", "LCS",
    "LINDEX", "LLEN", "LOLWUT", "LPOS", "LRANGE", "MGET", "OBJECT", "PEXPIRETIME", "PFCOUNT", "PING", "PTTL",
    "PUBSUB", "RANDOMKEY", "ROLE", "SCAN", "SCARD", "SDIFF", "SINTER", "SINTERCARD", "SISMEMBER", "SMEMBERS",
    "SMISMEMBER", "SORT_RO", "SRANDMEMBER", "SSCAN", "STRLEN", "SUBSTR", "SUNION", "TIME", "TOUCH", "TTL", "TYPE",
    "VCARD", "VDIM", "VEMB", "VGETATTR", "VINFO", "VISMEMBER", "VLINKS", "VRANDMEMBER", "VSIM", "XINFO", "XLEN",
    "XPENDING", "XRANGE", "XREVRANGE", "ZCARD", "ZCOUNT", "ZDIFF", "ZINTER", "ZINTERCARD", "ZLEXCOUNT", "ZMSCORE",
    "ZRANDMEMBER", "ZRANGE", "ZRANGEBYLEX", "ZRANGEBYSCORE", "ZRANK", "ZREVRANGE", "ZREVRANGEBYLEX",
    "ZREVRANGEBYSCORE", "ZREVRANK", "ZSCAN", "ZSCORE", "ZUNION",
];

/// Commands that change the state of their connection, in order.
#[rustfmt::skip]
const SESSIONS: &[&str] = &[
    "ASKING", "AUTH", "DISCARD", "EXEC", "HELLO", "MONITOR", "MULTI", "PSUBSCRIBE", "PSYNC", "PUNSUBSCRIBE", "QUIT",
    "READONLY", "READWRITE", "REPLCONF", "RESET", "SELECT", "SSUBSCRIBE", "SUBSCRIBE", "SUNSUBSCRIBE", "SYNC",
    "UNSUBSCRIBE", "UNWATCH", "WATCH",
];

/// Commands that always may wait on the server, in order.
#[rustfmt::skip]
const BLOCKING: &[&str] = &[
    "BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH", "BZMPOP", "BZPOPMAX", "BZPOPMIN", "WAIT", "WAITAOF",
];

/// Writes that leave the same data when they run twice, in order. Another client's write in between may be undone.
#[rustfmt::skip]
const IDEMPOTENT: &[&str] = &[
    "BITOP", "DEL", "EXPIRE", "EXPIREAT", "GEOSEARCHSTORE", "HDEL", "HEXPIREAT", "HMSET", "HPEXPIREAT", "HSET",
    "LSET", "MSET", "PERSIST", "PEXPIRE", "PEXPIREAT", "PFMERGE", "PSETEX", "SADD", "SDIFFSTORE", "SETBIT", "SETEX",
    "SETRANGE", "SINTERSTORE", "SREM", "SUNIONSTORE", "UNLINK", "XACK", "XDEL", "ZDIFFSTORE", "ZINTERSTORE",
    "ZRANGESTORE", "ZREM", "ZREMRANGEBYSCORE", "ZUNIONSTORE",
];

/// Subcommands that only look, in order.
#[rustfmt::skip]
const INSPECTIONS: &[&str] = &[
    "CAT", "COUNT", "COUNTKEYSINSLOT", "DOCS", "DOCTOR", "DRYRUN", "DUMP", "EXISTS", "GENPASS", "GET", "GETKEYS",
    "GETKEYSANDFLAGS", "GETKEYSINSLOT", "GETUSER", "GRAPH", "HELP", "HISTOGRAM", "HISTORY", "INFO", "KEYSLOT",
    "LATEST", "LEN", "LINKS", "LIST", "MALLOC-STATS", "MYID", "NODES", "REPLICAS", "SHARDS", "SLOTS", "STATS",
    "USAGE", "USERS", "WHOAMI",
];

#[cfg(test)]
mod tests {
    use super::{BLOCKING, Class, IDEMPOTENT, INSPECTIONS, READS, SESSIONS};
    use crate::pool::Command;

    #[test]
    fn the_lists_are_in_order_and_have_nothing_in_common() {
        for list in [READS, SESSIONS, BLOCKING, IDEMPOTENT, INSPECTIONS] {
            assert!(list.is_sorted_by(|one, next| one < next), "{list:?}");
        }
        let lists = [READS, SESSIONS, BLOCKING, IDEMPOTENT];
        for (at, list) in lists.iter().enumerate() {
            let others = lists.iter().skip(at + 1).flat_map(|other| other.iter());
            let shared: Vec<_> = others.filter(|name| list.contains(name)).collect();
            assert!(shared.is_empty(), "{shared:?}");
        }
    }

    #[test]
    fn a_command_is_judged_by_its_name_and_its_options() {
        for (words, expected) in [
            (&["get", "k"][..], Class::Read),
            (&["HGETALL", "k"], Class::Read),
            (&["EVAL", "return 1", "0"], Class::Write),
            (&["EVAL_RO", "return 1", "0"], Class::Read),
            (&["SET", "k", "v"], Class::Idempotent),
            (&["SET", "k", "nx"], Class::Idempotent),
            (&["SET", "k", "v", "nx"], Class::Write),
            (&["SET", "k", "v", "EX", "10"], Class::Idempotent),
            (&["SET", "k", "v", "GET"], Class::Write),
            (&["ZADD", "k", "1", "m"], Class::Idempotent),
            (&["ZADD", "k", "INCR", "1", "m"], Class::Write),
            (&["INCR", "k"], Class::Write),
            (&["BLPOP", "k", "0"], Class::Blocking),
            (&["XREAD", "STREAMS", "s", "0"], Class::Read),
            (&["XREAD", "BLOCK", "0", "STREAMS", "s", "$"], Class::Blocking),
            (&["XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"], Class::Write),
            (&["SORT", "k"], Class::Idempotent),
            (&["SORT", "k", "STORE", "d"], Class::Write),
            (&["MULTI"], Class::Session),
            (&["WATCH", "k"], Class::Session),
            (&["CLIENT", "LIST"], Class::Read),
            (&["CLIENT", "REPLY", "OFF"], Class::Session),
            (&["CONFIG", "get", "save"], Class::Read),
            (&["CONFIG", "SET", "save", ""], Class::Write),
            (&["SOME.MODULE", "k"], Class::Write),
            (&["A.VERY.LONG.NAME.OF.A.MODULES.COMMAND"], Class::Write),
            (&[], Class::Write),
        ] {
            assert_eq!(Command::new(words).class(), expected, "{words:?}");
        }
    }
}
