//! URLs of ours and of other libraries, what each says, and which are refused with which words.

use super::ClientUrl;
use crate::{discovery::Login, error::ErrorKind, net::Verification, types::Millis};

#[test]
fn every_spelling_says_the_same() {
    let wanted = [
        ("db", "3"),
        ("master", "cart"),
        ("password", "p@ss word"),
        ("sentinels", "10.0.0.1:26379,10.0.0.2:26380"),
        ("username", "app"),
    ];
    for text in [
        "redis+sentinel://app:p%40ss%20word@10.0.0.1,10.0.0.2:26380/cart/3",
        "valkey+sentinel://10.0.0.1:26379,10.0.0.2:26380/cart/3?username=app&password=p%40ss%20word",
        "REDIS+SENTINEL://app:p@ss word@10.0.0.1,10.0.0.2:26380/cart?db=3",
        "redis-sentinel://app:p%40ss%20word@10.0.0.1,10.0.0.2:26380/3?sentinelMasterId=cart",
        "redis-sentinel://app:p%40ss%20word@10.0.0.1,10.0.0.2:26380/3#cart",
        "redis-sentinel://app:p%40ss%20word@10.0.0.1:26379/3?node=10.0.0.2:26380&sentinelServiceName=cart",
        "redis://app:p%40ss%20word@10.0.0.1/3?master_name=cart&addr=10.0.0.2:26380",
    ] {
        assert_eq!(said(text), wanted.map(|(key, value)| (key.to_owned(), value.to_owned())), "{text}");
    }
}

#[test]
fn hosts_may_be_names_and_addresses_of_both_kinds() -> crate::error::Result<()> {
    let url = ClientUrl::parse("redis+sentinel://[2001:db8::1]:5000,[::1],cache.example,cache.example:7/cart")?;

    let seeds: Vec<_> = url.discovery.settings.seeds.iter().map(ToString::to_string).collect();
    assert_eq!(seeds, ["[2001:db8::1]:5000", "[::1]:26379", "cache.example:26379", "cache.example:7"]);
    Ok(())
}

#[test]
fn options_reach_discovery_and_pool() -> crate::error::Result<()> {
    let url = ClientUrl::parse(
        "redis+sentinel://h/cart?hold-max=1s&refreshMs=500&agreement=Majority&discover_peers=false&sentinelPassword=s\
         &address_map=172.17.0.2%3A6379=127.0.0.1:16379,db=10.0.0.1&dial_timeout=2&maxLag=9&poolSize=4&route_by_latency=true\
         &pool_timeout=4&timeout=10s&conn_max_lifetime=1h",
    )?;

    let settings = &url.discovery.settings;
    assert_eq!((settings.hold_max, settings.refresh), (Millis::new(1_000), Millis::new(500)));
    assert!(!settings.discover_peers);
    assert_eq!(url.discovery.data_access.connect_time, Millis::new(2_000));
    assert!(matches!(&url.discovery.sentinel_access.login, Login::Fixed(login) if login.password.reveal() == "s"));
    assert_eq!(url.discovery.data_access.login, Login::None);
    let pool: Vec<_> = url.pool.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let wanted = [
        ("max_lag", "9"),
        ("max", "4"),
        ("read_from", "nearest"),
        ("checkout_wait", "4000"),
        ("timeout", "10000"),
        ("max_life", "3600000"),
    ];
    assert_eq!(pool, wanted);
    Ok(())
}

#[test]
fn an_encrypted_url_encrypts_both_sides() -> crate::error::Result<()> {
    let url = ClientUrl::parse("rediss+sentinel://h/cart?tls_verify=CA&sentinel_tls_verify=none")?;
    let plain_sentinels = ClientUrl::parse("rediss+sentinel://h/cart?sentinel_tls=no")?;
    let data_alone = ClientUrl::parse("redis+sentinel://h/cart?tls=yes")?;

    let verification = |access: &crate::discovery::Access| access.tls.as_ref().map(|tls| tls.verification);
    assert_eq!(verification(&url.discovery.data_access), Some(Verification::Authority));
    assert_eq!(verification(&url.discovery.sentinel_access), Some(Verification::None));
    assert_eq!(verification(&plain_sentinels.discovery.sentinel_access), None);
    assert_eq!(verification(&data_alone.discovery.data_access), Some(Verification::Full));
    assert_eq!(verification(&data_alone.discovery.sentinel_access), None);
    Ok(())
}

#[test]
fn what_cannot_be_is_named_with_key_and_value() {
    for (text, named) in [
        ("cart", "no scheme"),
        ("http://h/cart", "unknown scheme: \"http\""),
        ("redis+sentinel:///cart", "no sentinel"),
        ("redis+sentinel://h:0/cart", "sentinels = \"h:0\""),
        ("redis+sentinel://h:99999/cart", "sentinels = \"h:99999\""),
        ("redis+sentinel://[::1/cart", "sentinels = \"[::1\""),
        ("redis+sentinel://h/ca%2Crt", "master \"ca,rt\""),
        ("redis+sentinel://h/cart/three", "db = \"three\""),
        ("redis+sentinel://h/cart/3/4", "the path goes on"),
        ("redis+sentinel://h/cart?hold_max=soon", "hold_max_ms = \"soon\""),
        ("redis+sentinel://h/cart?watch_max=0", "watch_max = \"0\""),
        ("redis+sentinel://h/cart?agreement=most", "agreement = \"most\" is not one of newest, majority"),
        ("redis+sentinel://h/cart?hold_maximum=1s", "unknown option: \"hold_maximum\""),
        ("redis+sentinel://h/cart?address_map=a:1", "address_map = \"a:1\""),
        ("redis+sentinel://h/ca%2", "a % in the path"),
        ("redis+sentinel://h/ca%00rt", "control character"),
        ("redis+sentinel://h/ca%FFrt", "the path is not UTF-8"),
    ] {
        let error = ClientUrl::parse(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(named), "{text}: {error}");
    }
}

#[test]
fn no_failure_shows_a_password() {
    for text in [
        "redis+sentinel://app:hunter2%@h/cart",
        "redis+sentinel://app:hunter2@h:0/cart",
        "redis+sentinel://app:hunter2@h/cart?hold=maybe",
        "redis+sentinel://h/cart?password=hunter2%",
        "redis+sentinel://h/cart?sentinel_password=hunter2%00",
        "redis+sentinel://h/cart?pasword=hunter2",
        "redis+sentinel://app:hunter2#x@h/cart",
        "redis+sentinel://app:x?hunter2@h/cart",
    ] {
        let error = ClientUrl::parse(text).expect_err(text);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}: {error}");
    }
    let url = ClientUrl::parse("redis+sentinel://app:hunter2@h/cart").expect("it is right");
    assert!(!format!("{url:?}").contains("hunter2"));
}

fn said(text: &str) -> Vec<(String, String)> {
    let url = ClientUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut said: Vec<(String, String)> = Vec::new();
    for (key, value) in url.options.iter() {
        match said.iter_mut().find(|(known, _)| known == key) {
            Some((_, values)) => *values = format!("{values},{value}"),
            None => said.push((key.to_owned(), value.to_owned())),
        }
    }
    said.sort();
    said
}
