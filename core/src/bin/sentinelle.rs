//! The executable: a sentinel in the place of `redis-sentinel`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let arguments: Vec<String> = words.collect();
    ExitCode::from(sentinelle::cli::run(&program, &arguments))
}
