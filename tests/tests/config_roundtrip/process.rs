//! Decides how the executable is run by itself: to its end, or until its folder is cleared away.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use sentinelle::{
    testing::{Client, Port, wait_until},
    types::Millis,
};
use sentinelle_tests::built_sentinelle;

/// How long a start or an end may take.
pub(crate) const PATIENCE: Millis = Millis::new(10_000);

/// A folder with a configuration file in it, and what was started there.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    port: Port,
    children: Vec<Child>,
}

impl Place {
    /// A folder with this text as `sentinel.conf`; `{port}` and `{folder}` are filled in.
    pub(crate) fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let port = Port::take_free().expect("loopback has a free port");
        let place = Self { folder, port, children: Vec::new() };
        place.write("sentinel.conf", text);
        place
    }

    /// Writes a file; `{port}` and `{folder}` are filled in.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let folder = self.folder.path().display().to_string();
        let text = text.replace("{port}", &self.port().to_string()).replace("{folder}", &folder);
        fs::write(self.path(name), text).expect("the folder is writable");
    }

    /// The text of a file; empty when there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// A command that runs a program in the folder.
    pub(crate) fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs a program in the folder to its end.
    pub(crate) fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        let (out, errors) = (self.path("stdout.txt"), self.path("stderr.txt"));
        let file = |path: &Path| fs::File::create(path).expect("the folder is writable");
        let mut child = self
            .command(program, arguments)
            .stdout(file(&out))
            .stderr(file(&errors))
            .spawn()
            .expect("the program can be started");
        let mut status = None;
        let ended = wait_until(PATIENCE, "the program ends", || {
            status = child.try_wait().expect("the child is ours");
            status.is_some()
        });
        let _ = child.kill();
        let _ = child.wait();
        let output = |path: &Path| fs::read(path).expect("the file was made");
        ended.unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&output(&out))));
        Output { status: status.expect("it ended"), stdout: output(&out), stderr: output(&errors) }
    }

    /// Starts our executable in the folder and waits until it answers; gives its process id.
    pub(crate) fn start(&mut self, arguments: &[&str]) -> u32 {
        self.start_command(self.command(&built_sentinelle(), arguments))
    }

    /// Starts this command and waits until it answers; gives its process id.
    pub(crate) fn start_command(&mut self, mut command: Command) -> u32 {
        let file = |name: &str| fs::File::create(self.path(name)).expect("the folder is writable");
        let (out, errors) = (file("stdout.txt"), file("stderr.txt"));
        let child = command.stdout(out).stderr(errors).spawn().expect("the program can be started");
        let pid = child.id();
        self.children.push(child);
        self.wait_for(|answering| answering == pid);
        pid
    }

    /// Waits until a sentinel whose process id passes answers on the port.
    pub(crate) fn wait_for(&self, is_right: impl Fn(u32) -> bool) {
        let answered = wait_until(PATIENCE, "the sentinel answers", || {
            let pid = self.try_client().and_then(|mut client| client.info("server", "process_id").ok());
            pid.and_then(|pid| pid.parse().ok()).is_some_and(&is_right)
        });
        let shown = || format!("{}{}{}", self.read("stdout.txt"), self.read("stderr.txt"), self.read("sentinel.conf"));
        answered.unwrap_or_else(|error| panic!("{error}\n{}", shown()));
    }

    /// Ends what was started last by SIGTERM; gives its exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let mut child = self.children.pop().expect("something was started");
        send_signal("TERM", child.id());
        let mut code = None;
        wait_until(Millis::new(1000), "it ends within a second", || {
            code = child.try_wait().expect("the child is ours");
            code.is_some()
        })
        .expect("it ends");
        code.and_then(|status| status.code())
    }

    /// A connection to what listens on the port.
    pub(crate) fn client(&self) -> Client {
        self.try_client().expect("it listens")
    }

    fn try_client(&self) -> Option<Client> {
        Client::connect(([127, 0, 0, 1], self.port()).into(), Millis::new(2000)).ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Both fail only when it has ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sends a signal to a process.
pub(crate) fn send_signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().expect("the system has kill");
    assert!(sent.success(), "no process {pid} takes SIG{name}");
}
