//! Decides what a discovery is to JavaScript: pictures and events that are told, questions that are promises.

use std::sync::{Arc, Mutex, PoisonError};

use napi::{
    Env, Result, Status,
    bindgen_prelude::{Function, Object},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use sentinelle::facade::{Address, Discovery, ErrorKind, Failure, Gate, Sign, Topology, Watch};

use crate::{
    events::listen,
    options::{Pair, options},
    promise::{promise, thrown},
};

/// A discovery; discoveries with the same options share their connections.
#[napi]
#[derive(Debug)]
pub struct NativeDiscovery {
    discovery: Discovery,
    /// Of the master that is watched.
    gate: Mutex<Option<Gate>>,
}

/// Calls the listener of a watch without keeping its thread's loop alive.
type Told = ThreadsafeFunction<String, (), String, Status, false, true>;

#[napi]
impl NativeDiscovery {
    /// Opens one; its search begins at the first question.
    #[napi(constructor)]
    pub fn new(pairs: Vec<Pair>) -> Result<Self> {
        let opened = options(&pairs).and_then(|options| Discovery::open(&options));
        Ok(Self { discovery: opened.map_err(|failure| thrown(&failure))?, gate: Mutex::default() })
    }

    /// The whole picture of a master once it is verified, as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn resolve<'env>(&self, env: &'env Env, name: String, limit_ms: f64) -> Result<Object<'env>> {
        promise(env, self.discovery.resolve(&name, limit_ms as u64), |topology| topology.json())
    }

    /// The same after the sentinels were asked again.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn refresh<'env>(&self, env: &'env Env, name: String, limit_ms: f64) -> Result<Object<'env>> {
        promise(env, self.discovery.refresh(&name, limit_ms as u64), |topology| topology.json())
    }

    /// The names of all masters that fit a glob.
    #[napi(ts_return_type = "Promise<string[]>")]
    pub fn masters<'env>(&self, env: &'env Env, glob: String, limit_ms: f64) -> Result<Object<'env>> {
        promise(env, self.discovery.masters(&glob, limit_ms as u64), |names| names)
    }

    /// Has `listener` called with each picture of a master, as JSON, the first at once.
    #[napi(ts_args_type = "name: string, listener: (topology: string) => void")]
    pub fn watch(&self, name: String, listener: Function<'_, String, ()>) -> Result<()> {
        let watch = self.discovery.watch(&name).map_err(|failure| thrown(&failure))?;
        let gate = self.discovery.gate(&name).map_err(|failure| thrown(&failure))?;
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = Some(gate);
        let told = listener.build_threadsafe_function().weak::<true>().build()?;
        tell_next(watch, Arc::new(told));
        Ok(())
    }

    /// Has `listener` called with each event of all masters, as JSON.
    #[napi(ts_args_type = "listener: (event: string) => void")]
    pub fn listen(&self, listener: Function<'_, String, ()>) -> Result<()> {
        let events = self.discovery.events().map_err(|failure| thrown(&failure))?;
        listen(&events, &listener)
    }

    /// Tells what a client saw: `read-only`, `not-ready`, `disconnected`, `timed-out`, `redirected host:port`.
    #[napi]
    pub fn suspect(&self, name: String, generation: f64, sign: String) -> Result<()> {
        let told = read_sign(&sign).and_then(|sign| self.discovery.suspect(&name, generation as u64, sign));
        told.map_err(|failure| thrown(&failure))
    }

    /// Whether a write may leave for the watched master of that generation at this very moment.
    #[napi]
    pub fn may_write(&self, generation: f64) -> bool {
        let gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.as_ref().is_some_and(|gate| gate.may_write(generation as u64))
    }

    /// Lets go of it.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner).take();
        promise(env, self.discovery.close(), |()| ())
    }
}

/// Tells each picture in turn, until there are no more or nobody listens.
fn tell_next(watch: Watch, told: Arc<Told>) {
    watch.next_call().then(move |next| {
        let Ok(Some(topology)) = next else { return };
        if told.call(Topology::json(&topology), ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok {
            tell_next(watch, told);
        }
    });
}

fn read_sign(text: &str) -> std::result::Result<Sign, Failure> {
    let unknown = || Failure::new(ErrorKind::Argument, "tell of a sign", text);
    Ok(match text.split_once(' ') {
        None if text == "read-only" => Sign::ReadOnly,
        None if text == "not-ready" => Sign::NotReady,
        None if text == "disconnected" => Sign::Disconnected,
        None if text == "timed-out" => Sign::TimedOut,
        Some(("redirected", address)) => Sign::Redirected(Address::parse(address).ok_or_else(unknown)?),
        _ => return Err(unknown()),
    })
}

/// The name by which JavaScript tells a sign.
pub(crate) fn sign_name(sign: &Sign) -> String {
    match sign {
        Sign::ReadOnly => "read-only".to_owned(),
        Sign::NotReady => "not-ready".to_owned(),
        Sign::Disconnected => "disconnected".to_owned(),
        Sign::TimedOut => "timed-out".to_owned(),
        Sign::Redirected(address) => format!("redirected {address}"),
    }
}
