//! Decides what a sentinel inside the program is to JavaScript: one small handle whose operations are promises.

use napi::{
    Env, Result,
    bindgen_prelude::{Either, Function, Object, Uint8Array},
};
use napi_derive::napi;
use sentinelle::facade::{Call, Exit, FailoverKind, Sentinel, reply_json};

use crate::{
    events::listen,
    options::{NativeMonitor, Pair, monitor, options},
    promise::{promise, thrown},
};

/// A running sentinel; it ends when this object is collected.
#[napi]
#[derive(Debug)]
pub struct NativeSentinel {
    sentinel: Sentinel,
}

/// How a sentinel is begun.
#[napi(object)]
#[derive(Debug)]
pub struct NativeStart {
    /// The path of a configuration file.
    pub config_file: Option<String>,
    /// The text of a configuration file.
    pub config: Option<String>,
    /// Options.
    pub options: Vec<Pair>,
    /// Masters to be monitored.
    pub monitor: Vec<NativeMonitor>,
}

#[napi]
impl NativeSentinel {
    /// Starts one; done when it listens.
    #[napi(ts_return_type = "Promise<NativeSentinel>")]
    pub fn start(env: &Env, how: NativeStart) -> Result<Object<'_>> {
        let options = options(&how.options).map_err(|failure| thrown(&failure))?;
        let masters: std::result::Result<Vec<_>, _> = how.monitor.iter().map(monitor).collect();
        let masters = masters.map_err(|failure| thrown(&failure))?;
        let call = match (&how.config_file, &how.config) {
            (Some(path), _) => Sentinel::start_from_file(path, &options),
            (None, Some(text)) => Sentinel::start_from_text(text, &options),
            (None, None) => Sentinel::start(&options, &masters),
        };
        promise(env, call, |sentinel| Self { sentinel })
    }

    /// Its identity.
    #[napi(getter)]
    pub fn id(&self) -> &str {
        self.sentinel.id()
    }

    /// The addresses it listens on, as `host:port`.
    #[napi(getter)]
    pub fn addresses(&self) -> Vec<String> {
        self.sentinel.addresses().iter().map(ToString::to_string).collect()
    }

    /// Runs a command; gives the reply as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn command<'env>(&self, env: &'env Env, words: Vec<Either<String, Uint8Array>>) -> Result<Object<'env>> {
        promise(env, self.sentinel.command(bytes_of(words)), |reply| reply_json(&reply))
    }

    /// Monitors a further master.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn monitor<'env>(&self, env: &'env Env, master: NativeMonitor) -> Result<Object<'env>> {
        let master = monitor(&master).map_err(|failure| thrown(&failure))?;
        done(env, self.sentinel.monitor(&master))
    }

    /// Stops monitoring a master.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn remove<'env>(&self, env: &'env Env, master: String) -> Result<Object<'env>> {
        done(env, self.sentinel.remove(&master))
    }

    /// Changes options of a master.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn set<'env>(&self, env: &'env Env, master: String, options: Vec<Pair>) -> Result<Object<'env>> {
        let pairs: Vec<_> =
            options.iter().filter_map(|pair| Some((pair.first()?.as_str(), pair.get(1)?.as_str()))).collect();
        done(env, self.sentinel.set(&master, &pairs))
    }

    /// Orders a failover; done when it has begun.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn failover<'env>(&self, env: &'env Env, master: String) -> Result<Object<'env>> {
        done(env, self.sentinel.failover(&master, FailoverKind::Usual))
    }

    /// Asks whether enough sentinels can be reached; gives the sentinel's words.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn check_quorum<'env>(&self, env: &'env Env, master: String) -> Result<Object<'env>> {
        promise(env, self.sentinel.check_quorum(&master), |words| words)
    }

    /// Forgets the replicas and peers of the masters whose name matches; gives how many those are.
    #[napi(ts_return_type = "Promise<number>")]
    pub fn reset<'env>(&self, env: &'env Env, pattern: String) -> Result<Object<'env>> {
        promise(env, self.sentinel.reset(&pattern), |count| count as f64)
    }

    /// All that it knows, as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn status<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        promise(env, self.sentinel.status(), |status| status.json())
    }

    /// Has `listener` called with each event, as JSON.
    #[napi(ts_args_type = "listener: (event: string) => void")]
    pub fn listen(&self, listener: Function<'_, String, ()>) -> Result<()> {
        let events = self.sentinel.events().map_err(|failure| thrown(&failure))?;
        listen(&events, &listener)
    }

    /// Ends it; done when everything of it is closed.
    #[napi(ts_return_type = "Promise<number | null>")]
    pub fn stop<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        promise(env, self.sentinel.stop(), exit_code)
    }
}

/// The words of a command as bytes.
pub(crate) fn bytes_of(words: Vec<Either<String, Uint8Array>>) -> Vec<Vec<u8>> {
    let bytes = |word: Either<String, Uint8Array>| match word {
        Either::A(text) => String::into_bytes(text),
        Either::B(bytes) => bytes.as_ref().to_vec(),
    };
    words.into_iter().map(bytes).collect()
}

fn done(env: &Env, call: Call<()>) -> Result<Object<'_>> {
    promise(env, call, |()| ())
}

fn exit_code(exit: Exit) -> Option<i32> {
    exit.code
}
