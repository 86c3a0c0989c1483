//! Decides how a host's test suite has a real group: started, harmed, waited for and reset in single calls.

use std::ffi::{CString, c_char};

use sentinelle::facade::{Failure, HaGroup, Member, Patience, Reply, parse_member};

use crate::{
    code::snl_code,
    command::{CommandObject, snl_cmd},
    config::{snl_config, wishes_of},
    error::{c_text, snl_error},
    reply::{self, snl_reply},
    token::Table,
    wall::{self, Handled, Out, bad_argument, enter, find, free, give, items, look},
};

/// A running test group. Made by `snl_testgroup_start`; its processes end when it is freed, and with the host in any case.
///
/// Members are named `server-0`, `sentinel-2` and `client`; `master` and `replica` mean whoever is at the moment.
pub struct snl_testgroup {
    _private: [u8; 0],
}

/// A group and its address as C wants it.
pub(crate) struct GroupObject {
    group: HaGroup,
    url: CString,
    name: CString,
}

static GROUPS: Table<GroupObject> = Table::new(7);

impl Handled for GroupObject {
    type Opaque = snl_testgroup;
    const NAME: &'static str = "testgroup";
    fn table() -> &'static Table<Self> {
        &GROUPS
    }
}

impl GroupObject {
    /// The member of that name.
    fn member(&self, name: &str) -> Result<Member, Failure> {
        match name {
            "master" => self.group.master().wait(&Patience::endless()),
            "replica" => {
                let replicas = self.group.replicas().wait(&Patience::endless())?;
                replicas.first().copied().ok_or_else(|| bad_argument("member", "is \"replica\", and there is none"))
            }
            other => parse_member(other).map_err(Failure::from),
        }
    }
}

/// Starts a group: by default a master, two replicas, three sentinels, quorum 2. Returns when it is ready. `c` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_testgroup_start(
    c: *const snl_config,
    out: *mut *mut snl_testgroup,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        let group = HaGroup::start(&wishes_of(c)?.options).wait(&Patience::endless())?;
        let (url, name) = (c_text(group.url()), c_text(group.name()));
        out.put(give(GroupObject { group, url, name })?);
        Ok(snl_code::SNL_OK)
    })
}

/// Where clients find the master, ready for `snl_pool_open_url`. Lives as long as `g`.
#[unsafe(no_mangle)]
pub extern "C" fn snl_testgroup_url(g: *const snl_testgroup) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<GroupObject>(g).ok()?.url.as_ptr()))
}

/// The name under which clients ask for the master. Lives as long as `g`.
#[unsafe(no_mangle)]
pub extern "C" fn snl_testgroup_name(g: *const snl_testgroup) -> *const c_char {
    look(c"".as_ptr(), || Some(find::<GroupObject>(g).ok()?.name.as_ptr()))
}

/// The address of a member, as `host:port` in a reply of type bulk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_testgroup_address(
    g: *const snl_testgroup,
    member: *const c_char,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<GroupObject>(g)?;
        // SAFETY: both are the caller's, as the header says.
        let (member, out) = unsafe { (wall::word(member, "member")?, Out::at(out, "out")?) };
        let address = object.group.address(object.member(member)?)?;
        reply::put(&out, Reply::bulk(address.to_string()))?;
        Ok(snl_code::SNL_OK)
    })
}

/// Runs a command on a member, over a connection of its own that suffers what clients suffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_testgroup_command(
    g: *mut snl_testgroup,
    member: *const c_char,
    cmd: *const snl_cmd,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<GroupObject>(g)?;
        // SAFETY: both are the caller's, as the header says.
        let (member, out) = unsafe { (wall::word(member, "member")?, Out::at(out, "out")?) };
        let words = find::<CommandObject>(cmd)?.words()?;
        let given = object.group.command(object.member(member)?, words).wait(&Patience::endless())?;
        reply::put(&out, given)?;
        Ok(snl_code::SNL_OK)
    })
}

/// Inflicts a fault, or undoes one: `kill`, `restart`, `pause`, `resume`, `isolate`, `cut`, `slow`, `heal` and others.
///
/// `arguments` are keys and values in turn, `count` in all, such as `member`, `master`. An unknown fault or key is refused
/// with the list of those there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_testgroup_fault(
    g: *mut snl_testgroup,
    fault: *const c_char,
    arguments: *const *const c_char,
    count: usize,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<GroupObject>(g)?;
        // SAFETY: all are the caller's, as the header says.
        let (fault, words) = unsafe { (wall::word(fault, "fault")?, items(arguments, count, "arguments")?) };
        if count % 2 == 1 {
            return Err(bad_argument("count", format!("is odd, but keys and values come in pairs: {count}")));
        }
        let mut pairs: Vec<(&str, String)> = Vec::new();
        for pair in words.chunks_exact(2) {
            // SAFETY: each item is a text that ends in NUL, as the header says.
            let (key, value) = unsafe { (wall::word(pair[0], "arguments")?, wall::word(pair[1], "arguments")?) };
            let is_role = matches!(value, "master" | "replica");
            pairs.push((key, if is_role { object.member(value)?.to_string() } else { value.to_owned() }));
        }
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        object.group.fault(fault, &pairs).wait(&Patience::endless())?;
        Ok(snl_code::SNL_OK)
    })
}

/// Waits for a condition: `ready`, `synced`, `agreement`, or `switched` (another master than at the call).
///
/// `SNL_E_TIMEOUT` after the option `patience_ms`, with the state of the group in its text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_testgroup_wait(
    g: *mut snl_testgroup,
    condition: *const c_char,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<GroupObject>(g)?;
        // SAFETY: `condition` is the caller's, as the header says.
        let condition = unsafe { wall::word(condition, "condition") }?;
        object.group.wait(condition).wait(&Patience::endless())?;
        Ok(snl_code::SNL_OK)
    })
}

/// Has the sentinels promote a replica, and waits until all agree.
#[unsafe(no_mangle)]
pub extern "C" fn snl_testgroup_failover(g: *mut snl_testgroup, err: *mut *mut snl_error) -> i32 {
    enter(err, || {
        let group = &find::<GroupObject>(g)?.group;
        let old = group.master().wait(&Patience::endless())?;
        group.fault("failover", &[]).wait(&Patience::endless())?;
        group.wait_master_other_than(old).wait(&Patience::endless())?;
        group.wait_agreement().wait(&Patience::endless())?;
        Ok(snl_code::SNL_OK)
    })
}

/// Makes the group fit for the next test: heals it, removes all data, and waits until it is ready.
#[unsafe(no_mangle)]
pub extern "C" fn snl_testgroup_reset(g: *mut snl_testgroup, err: *mut *mut snl_error) -> i32 {
    enter(err, || {
        find::<GroupObject>(g)?.group.reset().wait(&Patience::endless())?;
        Ok(snl_code::SNL_OK)
    })
}

/// The group at this moment, as JSON in a reply of type bulk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_testgroup_view_json(
    g: *const snl_testgroup,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<GroupObject>(g)?;
        // SAFETY: `out` is the caller's, as the header says.
        let out = unsafe { Out::at(out, "out") }?;
        reply::put(&out, Reply::bulk(object.group.view().wait(&Patience::endless())?.json()))?;
        Ok(snl_code::SNL_OK)
    })
}

/// All that a member has logged, in a reply of type bulk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snl_testgroup_logs(
    g: *const snl_testgroup,
    member: *const c_char,
    out: *mut *mut snl_reply,
    err: *mut *mut snl_error,
) -> i32 {
    enter(err, || {
        let object = find::<GroupObject>(g)?;
        // SAFETY: both are the caller's, as the header says.
        let (member, out) = unsafe { (wall::word(member, "member")?, Out::at(out, "out")?) };
        let logs = object.group.logs(object.member(member)?).wait(&Patience::endless())?;
        reply::put(&out, Reply::bulk(logs))?;
        Ok(snl_code::SNL_OK)
    })
}

/// Frees a group: all its processes end. NULL is let be.
#[unsafe(no_mangle)]
pub extern "C" fn snl_testgroup_free(g: *mut snl_testgroup) {
    free::<GroupObject>(g);
}
