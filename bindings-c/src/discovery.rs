//! Decides how a host finds its master, and hears of switches.

use std::{
    ffi::{CString, c_char, c_void},
    sync::OnceLock,
};

use sentinelle::facade::{Address, Discovery, Events, Failure, Options, Patience, Reply, Topology};

use crate::{
    code::snl_code,
    config::{snl_config, wishes_of},
    error::{c_text, snl_error},
    event::{self, Gate, snl_event, snl_event_cb},
    reply::{self, snl_reply},
    token::Table,
    wall::{self, Handled, Out, bad_argument, enter, find, free, give, look},
};

/// Finds masters through sentinels and watches them. Made by `snl_discovery_open`, freed by `snl_discovery_free`.
///
/// All that are opened with the same options share one connection to each watched sentinel.
pub struct snl_discovery {
    _private: [u8; 0],
}

/// One master as it was at one moment. Given by the calls below, freed by `snl_topology_free`.
pub struct snl_topology {
    _private: [u8; 0],
}

/// What a node does.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snl_role {
    /// It takes writes.
    SNL_ROLE_MASTER = 0,
    /// It follows a master.
    SNL_ROLE_REPLICA = 1,
    /// It watches.
    SNL_ROLE_SENTINEL = 2,
}

/// A discovery, and its events once they were asked for.
pub(crate) struct DiscoveryObject {
    pub(crate) discovery: Discovery,
    events: OnceLock<Events>,
    gate: Gate,
}

/// A topology and its texts as C wants them.
pub(crate) struct TopologyObject {
    topology: Topology,
    phase: CString,
    nodes: [Vec<(CString, u16)>; 3],
    json: OnceLock<CString>,
}

static DISCOVERIES: Table<DiscoveryObject> = Table::new(8);
static TOPOLOGIES: Table<TopologyObject> = Table::new(9);

impl Handled for DiscoveryObject {
    type Opaque = snl_discovery;
    const NAME: &'static str = "discovery";
    fn table() -> &'static Table<Self> {
        &DISCOVERIES
    }
}

impl Handled for TopologyObject {
    type Opaque = snl_topology;
    const NAME: &'static str = "topology";
    fn table() -> &'static Table<Self> {
        &TOPOLOGIES
    }
}

impl DiscoveryObject {
    pub(crate) fn open(options: &Options) -> Result<Self, Failure> {
        Ok(Self { discovery: Discovery::open(options)?, events: OnceLock::new(), gate: Gate::new() })
    }

    fn events(&self) -> Result<Events, Failure> {
        if let Some(events) = self.events.get() {
            return Ok(events.clone());
        }
        let events = self.discovery.events()?;
        Ok(self.events.get_or_init(|| events).clone())
    }
}

impl TopologyObject {
    fn new(topology: Topology) -> Self {
        let named = |address: &Address| (c_text(address.host.clone()), address.port);
        let nodes = [
            topology.master.iter().map(named).collect(),
            topology.replicas.iter().map(|replica| named(&replica.address)).collect(),
            topology.sentinels.iter().map(|sentinel| named(&sentinel.address)).collect(),
        ];
        Self { phase: c_text(topology.phase), topology, nodes, json: OnceLock::new() }
    }

    fn nodes(&self, role: i32) -> Option<&[(CString, u16)]> {
        self.nodes.get(usize::try_from(role).ok()?).map(Vec::as_slice)
    }
}

/// The time limit of a question: negative means a day.
fn limit(timeout_ms: i64) -> u64 {
    const DAY_MS: u64 = 86_400_000;
    u64::try_from(timeout_ms).map_or(DAY_MS, |limit| limit.min(DAY_MS))
}

/// Opens a discovery; `c` has to name the `sentinels`, best by a URL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_discovery_open(
    c: *const snl_config,
    out: *mut *mut snl_discovery,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        out.put(give(DiscoveryObject::open(&wishes_of(c)?.with_sentinels()?.options)?)?);
        Ok(snl_code::SNL_OK)
    })
}

/// The picture of a master once it is verified; waits `timeout_ms` at most, negative: for a day.
///
/// The error of a master that was not found says what each sentinel said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_discovery_master(
    h: *mut snl_discovery,
    name: *const c_char,
    timeout_ms: i64,
    out: *mut *mut snl_topology,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<DiscoveryObject>(h)?;
        // SAFETY: both are the caller's, as the header says.
        let (name, out) = unsafe { (wall::word(name, "name")?, Out::at(out, "out")?) };
        let topology = object.discovery.resolve(name, limit(timeout_ms)).wait(&Patience::endless())?;
        out.put(give(TopologyObject::new(topology))?);
        Ok(snl_code::SNL_OK)
    })
}

/// The picture of a master at this moment, without a wait; its `phase` tells whether writes should wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_discovery_look(
    h: *mut snl_discovery,
    name: *const c_char,
    out: *mut *mut snl_topology,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<DiscoveryObject>(h)?;
        // SAFETY: both are the caller's, as the header says.
        let (name, out) = unsafe { (wall::word(name, "name")?, Out::at(out, "out")?) };
        out.put(give(TopologyObject::new(object.discovery.topology(name)?))?);
        Ok(snl_code::SNL_OK)
    })
}

/// Asks the sentinels again; returns when they have answered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_discovery_refresh(
    h: *mut snl_discovery,
    name: *const c_char,
    timeout_ms: i64,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<DiscoveryObject>(h)?;
        // SAFETY: `name` is the caller's, as the header says.
        let name = unsafe { wall::word(name, "name") }?;
        object.discovery.refresh(name, limit(timeout_ms)).wait(&Patience::endless())?;
        Ok(snl_code::SNL_OK)
    })
}

/// The names of all masters that fit the glob, as an array of strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_discovery_masters(
    h: *mut snl_discovery,
    glob: *const c_char,
    timeout_ms: i64,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<DiscoveryObject>(h)?;
        // SAFETY: both are the caller's, as the header says.
        let (glob, out) = unsafe { (wall::word(glob, "glob")?, Out::at(out, "out")?) };
        let names = object.discovery.masters(glob, limit(timeout_ms)).wait(&Patience::endless())?;
        reply::put(&out, Reply::Array(names.into_iter().map(Reply::bulk).collect()))?;
        Ok(snl_code::SNL_OK)
    })
}

/// Waits until the generation of a master is greater than `after_gen`; `SNL_E_TIMEOUT` after `timeout_ms`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_discovery_wait_switch(
    h: *mut snl_discovery,
    name: *const c_char,
    after_gen: u64,
    timeout_ms: i64,
    out: *mut *mut snl_topology,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<DiscoveryObject>(h)?;
        // SAFETY: both are the caller's, as the header says.
        let (name, out) = unsafe { (wall::word(name, "name")?, Out::at(out, "out")?) };
        let switching = object.discovery.wait_switch(name, after_gen, limit(timeout_ms));
        out.put(give(TopologyObject::new(switching.wait(&Patience::endless())?))?);
        Ok(snl_code::SNL_OK)
    })
}

/// A descriptor that is readable while an event waits; only to be polled. Negative: a code.
#[unsafe(no_mangle)]
pub extern "C" fn snl_discovery_event_fd(h: *mut snl_discovery) -> i32 {
    event::descriptor(|| find::<DiscoveryObject>(h)?.events())
}

/// Waits for the next event: `switched`, `hold-start`, `sentinel-down` and others, from the first call on.
///
/// `SNL_EMPTY` when none came in time, `SNL_CLOSED` when none will come.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_discovery_event_next(
    h: *mut snl_discovery,
    timeout_ms: i64,
    out: *mut *mut snl_event,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let events = find::<DiscoveryObject>(h)?.events()?;
        // SAFETY: `out` is the caller's, as the header says.
        unsafe { event::fetch(&events, timeout_ms, out) }
    })
}

/// Has `callback` called with each event from now on, on a thread of the library; those events cannot be fetched.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_discovery_on_event(
    h: *mut snl_discovery,
    callback: snl_event_cb,
    userdata: *mut c_void,
) -> i32 {
    enter(std::ptr::null_mut(), || {
        let object = find::<DiscoveryObject>(h)?;
        event::listen(&object.events()?, &object.gate, callback, userdata)?;
        Ok(snl_code::SNL_OK)
    })
}

/// Frees a discovery; its connections close when nobody else uses them. NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_discovery_free(h: *mut snl_discovery) {
    if let Some(object) = free::<DiscoveryObject>(h) {
        object.gate.close();
    }
}

/// The generation: 0 before the first master, one more with each switch.
#[unsafe(no_mangle)]
pub extern "C" fn snl_topology_gen(t: *const snl_topology) -> u64 {
    look(0, || Some(find::<TopologyObject>(t).ok()?.topology.generation))
}

/// The configuration epoch of the sentinels.
#[unsafe(no_mangle)]
pub extern "C" fn snl_topology_epoch(t: *const snl_topology) -> u64 {
    look(0, || Some(find::<TopologyObject>(t).ok()?.topology.epoch))
}

/// What goes on: `resolving`, `up`, `suspect`, `hold` (a replica is promoted: writes should wait), `down`, `closed`.
#[unsafe(no_mangle)]
pub extern "C" fn snl_topology_phase(t: *const snl_topology) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<TopologyObject>(t).ok()?.phase.as_ptr()))
}

/// How many nodes of a role (`snl_role`) there are.
#[unsafe(no_mangle)]
pub extern "C" fn snl_topology_count(t: *const snl_topology, role: i32) -> usize {
    look(0, || Some(find::<TopologyObject>(t).ok()?.nodes(role)?.len()))
}

/// The address of a node. Lives as long as `t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_topology_node(
    t: *const snl_topology,
    role: i32,
    i: usize,
    host: *mut *const c_char,
    port: *mut i32,
) -> i32 {
    enter(std::ptr::null_mut(), || {
        let object = find::<TopologyObject>(t)?;
        // SAFETY: both are the caller's, as the header says.
        let (host, port) = unsafe { (Out::at(host, "host")?, Out::at(port, "port")?) };
        let nodes = object.nodes(role).ok_or_else(|| bad_argument("role", format!("is none: {role}")))?;
        let node = nodes.get(i).ok_or_else(|| bad_argument("i", format!("is not below {}: {i}", nodes.len())))?;
        host.put(node.0.as_ptr());
        port.put(i32::from(node.1));
        Ok(snl_code::SNL_OK)
    })
}

/// Everything as JSON. Lives as long as `t`.
#[unsafe(no_mangle)]
pub extern "C" fn snl_topology_json(t: *const snl_topology) -> *const c_char {
    look(c"{}".as_ptr(), || {
        let object = find::<TopologyObject>(t).ok()?;
        Some(object.json.get_or_init(|| c_text(object.topology.json())).as_ptr())
    })
}

/// Frees a topology; NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_topology_free(t: *mut snl_topology) {
    free::<TopologyObject>(t);
}
