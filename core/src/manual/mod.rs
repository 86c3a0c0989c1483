//! The longer explanations: how a failover comes about, what the defaults are, where this differs from the reference.

#[doc = include_str!("how_it_works.md")]
pub mod how_it_works {}

#[doc = include_str!("defaults.md")]
pub mod defaults {}

#[doc = include_str!("compatibility.md")]
pub mod compatibility {}

#[doc = include_str!("embedding.md")]
#[cfg(feature = "testing")]
pub mod embedding {}

#[doc = include_str!("clients.md")]
#[cfg(feature = "discovery")]
pub mod clients {}

#[doc = include_str!("pools.md")]
#[cfg(feature = "pool")]
pub mod pools {}

#[doc = include_str!("options.md")]
#[cfg(feature = "facade")]
pub mod options {}

#[doc = include_str!("testing.md")]
#[cfg(feature = "testing")]
pub mod testing {}
