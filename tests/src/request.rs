//! Decides whether a bench is wanted at all, and how much of it.

use std::env;

/// Whether this program runs as a bench: cargo starts it among all tests too, where it is not worth the time.
pub fn is_bench() -> bool {
    env::args().any(|argument| argument == "--bench")
}

/// The number behind `--name` on the command line, else that of the environment's `NAME`, else `usual`.
pub fn asked_for(name: &str, usual: usize) -> usize {
    let option = format!("--{name}");
    let argument = env::args().skip_while(|argument| *argument != option).nth(1);
    let wanted = argument.or_else(|| env::var(name.to_uppercase()).ok());
    wanted.and_then(|text| text.parse().ok()).filter(|&count| count > 0).unwrap_or(usual)
}
