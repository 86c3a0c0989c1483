//! Encrypted connections to both kinds of server: whom we trust, what we show, and what happens when either is wrong.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use sentinelle::{
    discovery::{Access, Dialer, Discovery, ServerKind},
    error::{ErrorKind, Result},
    finder::AddressMap,
    net::{Identity, Pem, TlsSettings, Verification},
    pool::{Command, LeaseFor, Pool, Subscription},
    testing::{Client, DataServer, Flavour, Port, SentinelPlan, SentinelProcess, ServerPlan, Watched},
    types::{Endpoint, Millis},
};
use tempfile::TempDir;

use crate::stage::{PATIENCE, Stage};

const DATA: ServerKind = ServerKind::Data { database: 0 };

#[test]
fn a_master_is_found_with_both_sides_encrypted() -> Result<()> {
    let papers = Papers::issue();
    let (server, server_port) = papers.server("yes")?;
    let (_sentinel, sentinel_port) = papers.sentinel(&server)?;
    let stage = Stage::open();
    let told = Endpoint::numeric(server.address());
    let reached = at("127.0.0.1", &server_port);

    let builder = Discovery::builder().sentinel("localhost", sentinel_port.number())?;
    let builder = builder.address_map(AddressMap::default().entry(&told, reached.clone()));
    let discovery = stage.start(builder.tls(papers.settings()).sentinel_tls(papers.settings()))?;
    let found = stage.run(discovery.master("cart", PATIENCE))?;

    assert_eq!(found, reached);
    Ok(())
}

#[test]
fn a_blocking_connection_is_encrypted_like_any_other() -> Result<()> {
    let papers = Papers::issue();
    let (_server, port) = papers.server("yes")?;
    let stage = Stage::open();
    let dialer = dialer(papers.settings())?;

    let mut blocking = dialer.dial_blocking(&at("localhost", &port), DATA, PATIENCE)?;
    let waiting = stage.run(dialer.dial(&at("127.0.0.1", &port), DATA, PATIENCE))?;
    let mut turned = waiting.stream.into_blocking().expect("it is idle");

    assert!(blocking.welcome.role.is_master());
    for stream in [&mut blocking.stream, &mut turned] {
        assert_eq!(pong(stream), b"+PONG\r\n");
    }
    Ok(())
}

#[test]
fn all_connections_of_a_pool_are_encrypted() -> Result<()> {
    let papers = Papers::issue();
    let (server, server_port) = papers.server("yes")?;
    let (_sentinel, sentinel_port) = papers.sentinel(&server)?;
    let stage = Stage::open();
    let map = AddressMap::default().entry(&Endpoint::numeric(server.address()), at("localhost", &server_port));
    let builder = Discovery::builder().sentinel("localhost", sentinel_port.number())?.address_map(map);
    let discovery = stage.start(builder.tls(papers.settings()).sentinel_tls(papers.settings()))?;
    let pool = stage.run(async { Pool::builder(&discovery, "cart").build() })?;

    pool.execute_blocking(&Command::new(["SET", "colour", "green"]))?;
    let shared = stage.run(pool.execute(Command::new(["GET", "colour"])))?;
    let leased =
        stage.run(async { pool.lease(LeaseFor::Writes).await?.execute(&Command::new(["GET", "colour"])).await })?;
    let subscriber = pool.subscribe();
    subscriber.change_blocking(Subscription::Subscribe, &["news"], PATIENCE)?;
    let told = server.client()?.text(&["CLIENT", "LIST"])?;

    assert_eq!((shared.as_text(), leased.as_text()), (Some("green"), Some("green")));
    let on_plain_port = format!("laddr={}", server.address());
    let ours: Vec<_> = told.lines().filter(|line| !line.contains("cmd=client|list")).collect();
    let ours: Vec<_> = ours.into_iter().filter(|line| !line.contains("name=sentinel-")).collect();
    assert!(ours.len() >= 4, "a thread's, the shared one, a lease and a subscription: {told}");
    assert!(ours.iter().all(|line| !line.contains(&on_plain_port)), "{told}");
    Ok(())
}

#[test]
fn who_is_not_trusted_and_who_does_not_trust_us_is_a_failure_of_tls() -> Result<()> {
    let papers = Papers::issue();
    let strangers = Papers::issue();
    let (_server, port) = papers.server("yes")?;
    let (right, other_name) = (at("localhost", &port), at("127.0.0.2", &port));
    let nameless = TlsSettings { verification: Verification::Authority, ..papers.settings() };
    let careless = TlsSettings {
        authorities: strangers.settings().authorities,
        verification: Verification::None,
        ..papers.settings()
    };
    let renamed = TlsSettings { server_name: Some("localhost".into()), ..papers.settings() };

    let distrusted = TlsSettings { authorities: strangers.settings().authorities, ..papers.settings() };
    let anonymous = TlsSettings { identity: None, ..papers.settings() };
    for (settings, target) in [(distrusted, &right), (anonymous, &right), (papers.settings(), &other_name)] {
        let error = dialer(settings)?.dial_blocking(target, DATA, Millis::new(3_000)).expect_err("one does not trust");
        let is_elsewhere = target == &other_name && error.kind() == ErrorKind::Connection;
        assert!(error.kind() == ErrorKind::Tls || is_elsewhere, "{error}");
    }
    for settings in [nameless, careless, renamed] {
        assert!(dialer(settings)?.dial_blocking(&right, DATA, PATIENCE).is_ok());
    }
    Ok(())
}

#[test]
fn papers_that_cannot_be_read_are_refused_at_the_start() {
    let missing = TlsSettings { authorities: Some(Pem::parse("no such file.pem")), ..TlsSettings::default() };
    let empty = TlsSettings {
        authorities: Some(Pem::parse("-----BEGIN NOTHING-----\n-----END NOTHING-----\n")),
        ..TlsSettings::default()
    };

    assert_eq!(dialer(missing).map_err(|error| error.kind()).err(), Some(ErrorKind::File));
    assert_eq!(dialer(empty).map_err(|error| error.kind()).err(), Some(ErrorKind::Tls));
}

/// An authority and one certificate of it, made out to `localhost` and 127.0.0.1, for servers and clients.
struct Papers {
    folder: TempDir,
}

impl Papers {
    fn issue() -> Self {
        let mut of_authority = CertificateParams::new(Vec::new()).expect("no names");
        of_authority.distinguished_name.push(DnType::CommonName, "an authority");
        of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(of_authority, KeyPair::generate().expect("keys can be made"))
            .expect("the authority signs itself");
        let key = KeyPair::generate().expect("keys can be made");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names)
            .and_then(|params| params.signed_by(&key, &authority))
            .expect("the authority signs it");
        let folder = TempDir::new().expect("there is room for files");
        for (name, text) in [("ca", authority.pem()), ("cert", certificate.pem()), ("key", key.serialize_pem())] {
            fs::write(folder.path().join(name), text).expect("the folder is ours");
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn settings(&self) -> TlsSettings {
        let file = |name: &str| Pem::parse(&self.path(name));
        let identity = Identity { certificate: file("cert"), key: file("key") };
        TlsSettings { authorities: Some(file("ca")), identity: Some(identity), ..TlsSettings::default() }
    }

    fn options(&self, port: &Port, clients: &str) -> [(&'static str, String); 5] {
        [
            ("tls-port", port.number().to_string()),
            ("tls-cert-file", self.path("cert")),
            ("tls-key-file", self.path("key")),
            ("tls-ca-cert-file", self.path("ca")),
            ("tls-auth-clients", clients.to_owned()),
        ]
    }

    /// A server with a plain port and an encrypted one.
    fn server(&self, clients: &str) -> Result<(DataServer, Port)> {
        let port = Port::take_free()?;
        let options = self.options(&port, clients).map(|(name, value)| (name.to_owned(), value));
        let server = DataServer::start(&ServerPlan { options: options.into(), ..ServerPlan::default() })?;
        Ok((server, port))
    }

    /// A sentinel with a plain port and an encrypted one, which monitors the server's plain port as `cart`.
    fn sentinel(&self, server: &DataServer) -> Result<(SentinelProcess, Port)> {
        let port = Port::take_free()?;
        let watched = Watched {
            name: "cart".into(),
            address: server.address(),
            quorum: 1,
            down_after: Millis::new(5_000),
            failover_timeout: Millis::new(10_000),
            options: Vec::new(),
        };
        let lines = self.options(&port, "yes").map(|(name, value)| format!("{name} {value}")).into();
        let plan = SentinelPlan { flavour: Flavour::Redis, program: None, masters: vec![watched], lines };
        Ok((SentinelProcess::start(&plan)?, port))
    }
}

fn dialer(settings: TlsSettings) -> Result<Dialer> {
    Dialer::new(Access { tls: Some(settings), connect_time: PATIENCE, ..Access::default() })
}

fn at(host: &str, port: &Port) -> Endpoint {
    Endpoint::parse(host, port.number()).expect("it is a host")
}

fn pong(stream: &mut sentinelle::net::BlockingStream) -> Vec<u8> {
    use std::io::{Read as _, Write as _};
    stream.set_patience(Some(Client::PATIENCE.into())).expect("it is open");
    stream.write_all(b"PING\r\n").and_then(|()| stream.flush()).expect("it is open");
    let mut answer = vec![0; 7];
    stream.read_exact(&mut answer).expect("it answers");
    answer
}
