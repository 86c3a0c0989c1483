//! A program that writes through a pool until its input ends, `pool_child <url>`, and tells then what was acknowledged;
//! for tests that stop it in its tracks.

use std::{
    fmt::Write as _,
    io::{self, Read as _, Write as _},
    sync::mpsc::{RecvTimeoutError, channel},
    time::Duration,
};

use sentinelle::facade::{Command, Patience, Pool};

/// Between two writes.
const PACE: Duration = Duration::from_millis(5);

fn main() -> io::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_default();
    let pool = Pool::open_url(&url).map_err(|failure| io::Error::other(failure.to_string()))?;
    let (end, ended) = channel::<()>();
    std::thread::spawn(move || {
        // Whatever ends the input ends the program.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        drop(end);
    });
    let (mut acknowledged, mut errors) = (String::new(), String::new());
    let mut number = 0;
    while ended.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
        let command = Command::new(["SET", &format!("written:{number}"), "1"]);
        match pool.execute(&command, &Patience::ms(20_000)) {
            Ok(_) => write!(acknowledged, " {number}").expect("a string takes all"),
            Err(failure) => write!(errors, " [{failure}]").expect("a string takes all"),
        }
        if number == 0 {
            writeln!(io::stdout(), "ready").and_then(|()| io::stdout().flush())?;
        }
        number += 1;
    }
    writeln!(io::stdout(), "acknowledged{acknowledged}\nerrors{errors}")
}
