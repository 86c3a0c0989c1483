//! Decides what a test group is to a binding: real servers and sentinels, faults by method and by name, waits and views.

use std::{fmt, sync::Arc};

use super::{
    Address, call::Call, event::Event, failure::Failure, fault::Fault, group_setup, group_view::GroupView,
    options::Options, reply::Reply,
};
use crate::{
    error::{Error, ErrorKind, Result},
    testing::{self, Heard},
    types::{Millis, UnixMs},
};

pub use crate::testing::Member;

/// A running test group; clones stand for the same one, and its processes end with the last of them.
///
/// # Example
/// ```
/// use sentinelle::facade::{Fault, HaGroup, Options, Patience};
///
/// # fn main() -> Result<(), sentinelle::facade::Failure> {
/// # if sentinelle::testing::find_server().is_err() { return Ok(()); }
/// let patience = Patience::ms(30_000);
/// let group = HaGroup::start(&Options::new()).wait(&patience)?;
/// let old = group.master().wait(&patience)?;
///
/// group.inflict(Fault::Kill { member: old }).wait(&patience)?;
/// let new = group.wait_master_other_than(old).wait(&patience)?;
///
/// assert_ne!(group.address(new)?, group.address(old)?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HaGroup {
    shared: Arc<Shared>,
}

struct Shared {
    pid: u32,
    /// None only while this is dropped.
    group: Option<testing::HaGroup>,
    began: UnixMs,
}

impl Shared {
    fn group(&self) -> &testing::HaGroup {
        self.group.as_ref().expect("it is taken only when this is dropped")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            // A forked child must not end its parent's processes.
            std::mem::forget(self.group.take());
        }
    }
}

impl HaGroup {
    /// Starts a group; done when every write arrives on every replica and all sentinels know all members.
    ///
    /// Options: those of [`super::Scope::Group`].
    ///
    /// # Errors
    /// [`ErrorKind::Config`], [`ErrorKind::NoServer`], [`ErrorKind::Timeout`] with the state of the group.
    pub fn start(options: &Options) -> Call<Self> {
        let builder = match group_setup::builder(options) {
            Ok(builder) => builder,
            Err(failure) => return Call::done(Err(failure)),
        };
        Call::start_blocking(move || {
            let began = crate::net::Clock::start().now().unix;
            let group = Some(builder.start()?);
            Ok(Self { shared: Arc::new(Shared { pid: std::process::id(), group, began }) })
        })
    }

    /// The name under which clients ask for the master.
    pub fn name(&self) -> &str {
        self.shared.group().name()
    }

    /// How many sentinels must call the master down.
    pub fn quorum(&self) -> u32 {
        self.shared.group().quorum()
    }

    /// Where clients find the master: `redis+sentinel://host:port,host:port/name`.
    pub fn url(&self) -> String {
        self.shared.group().url()
    }

    /// The addresses of the sentinels, as clients are given them.
    pub fn sentinel_addresses(&self) -> Vec<Address> {
        self.shared.group().sentinel_addresses().into_iter().map(Address::from).collect()
    }

    /// All data servers.
    pub fn servers(&self) -> Vec<Member> {
        self.shared.group().servers()
    }

    /// All sentinels.
    pub fn sentinels(&self) -> Vec<Member> {
        self.shared.group().sentinels()
    }

    /// The address a member announces.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is no process of this group.
    pub fn address(&self, member: Member) -> super::Result<Address> {
        Ok(self.shared.group().address(member)?.into())
    }

    /// The server that most of the running sentinels call the master.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when they name none of this group.
    pub fn master(&self) -> Call<Member> {
        self.run(testing::HaGroup::master)
    }

    /// All servers but the master.
    ///
    /// # Errors
    /// As [`HaGroup::master`].
    pub fn replicas(&self) -> Call<Vec<Member>> {
        self.run(testing::HaGroup::replicas)
    }

    /// Runs a command on a member, over a connection of its own that suffers what clients suffer; an error reply is a reply.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`], [`ErrorKind::Config`] when it is no process of this group.
    pub fn command<W: Into<Vec<u8>>>(&self, member: Member, words: impl IntoIterator<Item = W>) -> Call<Reply> {
        let words: Vec<Vec<u8>> = words.into_iter().map(Into::into).collect();
        self.run(move |group| {
            let mut client = group.connect(member)?;
            client.send_raw(&packed(&words))?;
            client.read()
        })
    }

    /// Inflicts a fault, or undoes one.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it does not fit the member, those of the fault.
    pub fn inflict(&self, fault: Fault) -> Call<()> {
        self.run(move |group| fault.inflict(group))
    }

    /// Inflicts a fault by its name; `arguments` are those of [`super::FAULTS`].
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the fault or argument, and as [`HaGroup::inflict`].
    pub fn fault(&self, name: &str, arguments: &[(&str, &str)]) -> Call<()> {
        match Fault::parse(name, arguments) {
            Ok(fault) => self.inflict(fault),
            Err(failure) => Call::done(Err(failure)),
        }
    }

    /// Waits until all running sentinels name the same server, and that server calls itself master.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] with the state of the group, after its `patience_ms`; so do all waits.
    pub fn wait_agreement(&self) -> Call<Member> {
        self.run(testing::HaGroup::wait_agreement)
    }

    /// Waits until most sentinels name another server than `old`, and that server calls itself master.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_master_other_than(&self, old: Member) -> Call<Member> {
        self.run(move |group| group.wait_master_other_than(old))
    }

    /// Waits until all sentinels agree and know all members, and a write has arrived on every replica.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_ready(&self) -> Call<()> {
        self.run(testing::HaGroup::wait_ready)
    }

    /// Waits until a write to the master has arrived on every server that runs.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_synced(&self) -> Call<()> {
        self.run(testing::HaGroup::wait_synced)
    }

    /// Waits until a server reports that role: `master` or `slave`.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], [`ErrorKind::Config`]
    pub fn wait_role(&self, member: Member, role: &str) -> Call<()> {
        let role = role.to_owned();
        self.run(move |group| group.wait_role(member, &role))
    }

    /// Waits for an event of any sentinel, such as `+switch-master`; gives the first one since the start or the last reset.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]
    pub fn wait_event(&self, channel: &str) -> Call<Event> {
        let (channel, began) = (channel.to_owned(), self.shared.began);
        self.run(move |group| group.wait_event(&channel).map(|heard| event_of(began, heard)))
    }

    /// Waits for a condition by its name: `ready`, `synced`, `agreement`, or `switched` (another master than at the call).
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], [`ErrorKind::Config`] for a name that is none of these.
    pub fn wait(&self, condition: &str) -> Call<()> {
        match condition {
            "ready" => self.wait_ready(),
            "synced" => self.wait_synced(),
            "agreement" => self.run(|group| group.wait_agreement().map(drop)),
            "switched" => self.run(|group| group.wait_master_other_than(group.master()?).map(drop)),
            other => Call::done(Err(Failure::new(
                ErrorKind::Config,
                "wait",
                format!("unknown condition: \"{other}\" (ready, synced, agreement, switched)"),
            ))),
        }
    }

    /// What all sentinels told since the start, in order of arrival.
    pub fn events(&self) -> Vec<Event> {
        self.shared.group().events().events().into_iter().map(|heard| event_of(self.shared.began, heard)).collect()
    }

    /// All that a member has logged.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is no process of this group.
    pub fn logs(&self, member: Member) -> Call<String> {
        self.run(move |group| group.logs(member))
    }

    /// The group at this moment, as every member that answers sees it.
    pub fn view(&self) -> Call<GroupView> {
        self.run(|group| Ok(GroupView::from(group.snapshot())))
    }

    /// Makes the group fit for the next test: heals it, removes all data, and waits until it is ready.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] with the state of the group.
    pub fn reset(&self) -> Call<()> {
        self.run(testing::HaGroup::reset)
    }

    fn run<T: Send + 'static>(&self, work: impl FnOnce(&testing::HaGroup) -> Result<T> + Send + 'static) -> Call<T> {
        if self.shared.pid != std::process::id() {
            return Call::done(Err(Failure::forked("test group")));
        }
        let shared = Arc::clone(&self.shared);
        Call::start_blocking(move || work(shared.group()))
    }
}

impl fmt::Debug for HaGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HaGroup({})", self.url())
    }
}

/// The member of that name: `server-0`, `sentinel-2`, `client`.
///
/// # Errors
/// [`ErrorKind::Config`]
pub fn parse_member(name: &str) -> Result<Member> {
    let unknown = || {
        Error::new(
            ErrorKind::Config,
            "find a member",
            format!("unknown member: \"{name}\" (server-0, sentinel-0, client)"),
        )
    };
    if name == "client" {
        return Ok(Member::Client);
    }
    let (role, index) = name.rsplit_once('-').ok_or_else(unknown)?;
    let index = index.parse().map_err(|_| unknown())?;
    match role {
        "server" => Ok(Member::Server(index)),
        "sentinel" => Ok(Member::Sentinel(index)),
        _ => Err(unknown()),
    }
}

/// The words as a command line goes over the wire.
fn packed(words: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn event_of(began: UnixMs, heard: Heard) -> Event {
    let at = began.after(Millis::new(heard.at.as_ms()));
    Event {
        name: heard.channel,
        source: "group",
        at_ms: at.as_ms(),
        fields: vec![("from".to_owned(), heard.from)],
        text: heard.text,
        ..Event::default()
    }
}
