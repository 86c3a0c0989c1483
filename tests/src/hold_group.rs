//! A program that starts a group, says so, and holds it until its input ends; for tests that kill it. It fails when its
//! input says `fail`.

use std::io::{self, Read as _, Write as _};

use sentinelle::{error::Result, testing::HaGroup};

fn main() -> Result<()> {
    let group = HaGroup::builder().start()?;
    // Nobody may be reading or writing, which is an end too.
    let _ = writeln!(io::stdout(), "{}", group.url()).and_then(|()| io::stdout().flush());
    let mut input = String::new();
    let _ = io::stdin().read_to_string(&mut input);
    assert!(input != "fail", "as ordered");
    Ok(())
}
