//! The senses: clocks, chance, addresses and connections, as the operating system offers them.

mod clock;
mod connect;
mod connection;
mod entropy;
mod files;
mod listener;
mod reason;
mod resolve;
mod stream;
mod tls;

pub use clock::Clock;
pub use connect::{connect, connect_blocking};
pub use connection::{Route, dial, tune_client};
pub use entropy::{run_id, seed};
pub use files::{affordable_clients, raise_file_limit};
pub use listener::listen;
pub use reason::reason;
pub use resolve::{first_address, look_up, look_up_all, look_up_all_blocking};
pub use stream::{BlockingStream, Stream};
pub use tls::{BlockingTls, Identity, Pem, Tls, TlsConnector, TlsSettings, Verification, is_tls_failure};
