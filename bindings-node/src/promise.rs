//! Decides how an operation of the engine becomes a promise, and how its failure becomes an error JavaScript can read.

use napi::{
    Env, Error, Result,
    bindgen_prelude::{Object, ToNapiValue},
};
use sentinelle::facade::{Call, Failure};

/// A promise of what `call` gives, seen through `convert`.
///
/// A failure rejects it with an error whose message is the failure as JSON.
pub(crate) fn promise<T, D>(
    env: &Env,
    call: Call<T>,
    convert: impl FnOnce(T) -> D + Send + 'static,
) -> Result<Object<'_>>
where
    T: Send + 'static,
    D: ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred::<D, Box<dyn FnOnce(Env) -> Result<D> + Send>>()?;
    call.then(move |result| match result {
        Ok(value) => deferred.resolve(Box::new(move |_| Ok(convert(value)))),
        Err(failure) => deferred.reject(thrown(&failure)),
    });
    Ok(promise)
}

/// The failure as an error whose message is JSON.
pub(crate) fn thrown(failure: &Failure) -> Error {
    Error::from_reason(failure.json())
}
