//! The senses: clocks, chance, addresses and connections, as the operating system offers them.

mod clock;
mod connection;
mod entropy;
mod files;
mod listener;
mod reason;
mod resolve;

pub use clock::Clock;
pub use connection::{Route, dial, tune_client};
pub use entropy::{run_id, seed};
pub use files::{affordable_clients, raise_file_limit};
pub use listener::listen;
pub use reason::reason;
pub use resolve::{first_address, look_up};
