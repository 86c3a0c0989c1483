//! Decides which discovery a handle works with: one for all handles of a process that were opened with the same options.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    failure::{Failure, Result},
    options::{Options, Scope},
    process::PerProcess,
    runtime::{self, Round},
};
use crate::{
    discovery::{Discovery, DiscoveryBuilder},
    error::ErrorKind,
};

/// The discoveries of this process that somebody uses.
static HUBS: PerProcess<Mutex<BTreeMap<Options, Weak<Hub>>>> = PerProcess::new();

/// A discovery, as long as somebody uses it.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) discovery: Discovery,
    round: Round,
}

/// What a handle was opened with, and the hub it has in each process.
#[derive(Debug)]
pub(super) struct HubPlace {
    key: Options,
    here: PerProcess<Mutex<Option<Arc<Hub>>>>,
    is_closed: AtomicBool,
}

impl HubPlace {
    /// A place for the hub of these options, which are checked.
    pub(super) fn new(options: &Options) -> Result<Self> {
        let key = options.part(Scope::Discovery);
        let _ = builder(&key)?;
        Ok(Self { key, here: PerProcess::new(), is_closed: AtomicBool::new(false) })
    }

    /// The hub of this process, built when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Stopped`] after [`HubPlace::close`].
    pub(super) fn hub(&self) -> Result<Arc<Hub>> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Failure::new(ErrorKind::Stopped, "find the master", "the discovery is closed"));
        }
        let (_, round) = runtime::current()?;
        let mut here = self.here.here().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hub) = here.as_ref().filter(|hub| hub.round == round) {
            return Ok(Arc::clone(hub));
        }
        let hub = shared_hub(&self.key)?;
        *here = Some(Arc::clone(&hub));
        Ok(hub)
    }

    /// Lets go of the hub.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.here.here().lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The one hub of these options.
fn shared_hub(key: &Options) -> Result<Arc<Hub>> {
    let (runtime, round) = runtime::current()?;
    let mut hubs = HUBS.here().lock().unwrap_or_else(PoisonError::into_inner);
    hubs.retain(|_, hub| hub.strong_count() > 0);
    if let Some(hub) = hubs.get(key).and_then(Weak::upgrade).filter(|hub| hub.round == round) {
        return Ok(hub);
    }
    let builder = builder(key)?;
    let entered = runtime.enter();
    let hub = Arc::new(Hub { discovery: builder.start()?, round });
    drop(entered);
    hubs.insert(key.clone(), Arc::downgrade(&hub));
    Ok(hub)
}

fn builder(options: &Options) -> Result<DiscoveryBuilder> {
    let mut builder = Discovery::builder();
    for key in options.keys() {
        for value in options.lines(key) {
            builder = builder.set(key, value)?;
        }
    }
    // Whoever says how to encrypt wants it, except who says that he does not.
    for key in ["tls", "sentinel_tls"].into_iter().filter(|key| options.switch(key) == Some(false)) {
        builder = builder.set(key, "no")?;
    }
    Ok(builder)
}
