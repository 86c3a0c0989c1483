//! Decides what a test group is to JavaScript: members by name, faults and waits by name, everything else as JSON.

use napi::{
    Env, Result,
    bindgen_prelude::{Either, Object, Uint8Array},
};
use napi_derive::napi;
use sentinelle::facade::{Failure, HaGroup, Member, parse_member, reply_json};

use crate::{
    options::{Pair, options},
    promise::{promise, thrown},
    sentinel::bytes_of,
};

/// A running test group; its processes end when this object is collected or `stop` is called.
#[napi]
#[derive(Debug)]
pub struct NativeGroup {
    group: Option<HaGroup>,
}

#[napi]
impl NativeGroup {
    /// Starts a group; done when it is ready.
    #[napi(ts_return_type = "Promise<NativeGroup>")]
    pub fn start(env: &Env, pairs: Vec<Pair>) -> Result<Object<'_>> {
        let options = options(&pairs).map_err(|failure| thrown(&failure))?;
        promise(env, HaGroup::start(&options), |group| Self { group: Some(group) })
    }

    /// The name under which clients ask for the master.
    #[napi(getter)]
    pub fn name(&self) -> Result<String> {
        Ok(self.group()?.name().to_owned())
    }

    /// Where clients find the master.
    #[napi(getter)]
    pub fn url(&self) -> Result<String> {
        Ok(self.group()?.url())
    }

    /// The names and addresses of all members, servers first.
    #[napi]
    pub fn members(&self) -> Result<Vec<Pair>> {
        let group = self.group()?;
        let members = group.servers().into_iter().chain(group.sentinels());
        let pair = |member: Member| {
            Ok(vec![member.to_string(), group.address(member).map_err(|failure| thrown(&failure))?.to_string()])
        };
        members.map(pair).collect()
    }

    /// The name of the server that most sentinels call the master.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn master<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        promise(env, self.group()?.master(), |member| member.to_string())
    }

    /// Runs a command on a member; gives the reply as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn command<'env>(
        &self,
        env: &'env Env,
        member: String,
        words: Vec<Either<String, Uint8Array>>,
    ) -> Result<Object<'env>> {
        let member = parse_member(&member).map_err(|error| thrown(&Failure::from(error)))?;
        promise(env, self.group()?.command(member, bytes_of(words)), |reply| reply_json(&reply))
    }

    /// Inflicts a fault by its name.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn fault<'env>(&self, env: &'env Env, name: String, arguments: Vec<Pair>) -> Result<Object<'env>> {
        let pairs: Vec<_> =
            arguments.iter().filter_map(|pair| Some((pair.first()?.as_str(), pair.get(1)?.as_str()))).collect();
        promise(env, self.group()?.fault(&name, &pairs), |()| ())
    }

    /// Waits for a condition by its name.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn wait<'env>(&self, env: &'env Env, condition: String) -> Result<Object<'env>> {
        promise(env, self.group()?.wait(&condition), |()| ())
    }

    /// Waits until another server than that one is the master; gives its name.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn wait_master_other_than<'env>(&self, env: &'env Env, old: String) -> Result<Object<'env>> {
        let old = parse_member(&old).map_err(|error| thrown(&Failure::from(error)))?;
        promise(env, self.group()?.wait_master_other_than(old), |member| member.to_string())
    }

    /// Waits until a server has a role.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn wait_role<'env>(&self, env: &'env Env, member: String, role: String) -> Result<Object<'env>> {
        let member = parse_member(&member).map_err(|error| thrown(&Failure::from(error)))?;
        promise(env, self.group()?.wait_role(member, &role), |()| ())
    }

    /// Waits for an event of any sentinel; gives it as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn wait_event<'env>(&self, env: &'env Env, channel: String) -> Result<Object<'env>> {
        promise(env, self.group()?.wait_event(&channel), |event| event.json())
    }

    /// What all sentinels told since the start, each as JSON.
    #[napi]
    pub fn events(&self) -> Result<Vec<String>> {
        Ok(self.group()?.events().iter().map(sentinelle::facade::Event::json).collect())
    }

    /// All that a member has logged.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn logs<'env>(&self, env: &'env Env, member: String) -> Result<Object<'env>> {
        let member = parse_member(&member).map_err(|error| thrown(&Failure::from(error)))?;
        promise(env, self.group()?.logs(member), |text| text)
    }

    /// The group at this moment, as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn view<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        promise(env, self.group()?.view(), |view| view.json())
    }

    /// Makes the group fit for the next test.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn reset<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        promise(env, self.group()?.reset(), |()| ())
    }

    /// Ends every process of the group.
    #[napi]
    pub fn stop(&mut self) {
        self.group = None;
    }

    fn group(&self) -> Result<&HaGroup> {
        let stopped =
            || thrown(&Failure::new(sentinelle::facade::ErrorKind::Stopped, "use a test group", "it was stopped"));
        self.group.as_ref().ok_or_else(stopped)
    }
}
