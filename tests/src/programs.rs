//! Decides which executable of ours is tested: the one built from this very source.

use std::{env, path::PathBuf, process::Command, sync::OnceLock};

/// The `sentinelle` executable, built when it is not up to date.
///
/// # Panics
/// When it does not build.
pub fn built_sentinelle() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> PathBuf {
    if let Some(program) = env::var_os("SENTINELLE_TEST_SENTINEL") {
        return program.into();
    }
    // This program is target/<profile>/deps/<test>, so the executable goes to target/<profile>/sentinelle.
    let this = env::current_exe().expect("a running program has a path");
    let profile_folder = this.ancestors().nth(2).expect("test programs lie in a profile's deps folder");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "sentinelle", "--bin", "sentinelle"]);
    if profile_folder.ends_with("release") {
        command.arg("--release");
    }
    let built = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
    assert!(built.success(), "the executable `sentinelle` does not build");
    profile_folder.join("sentinelle")
}
