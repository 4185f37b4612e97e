//! Calls of the program, and servers that it runs as.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    thread,
};

use serde_json::Value;

/// What a call came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The lines of JSON on standard output.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The program in a directory, whatever the environment of the tests says.
pub(crate) fn program(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chuanda"));
    command.current_dir(directory).args(arguments).stdin(Stdio::null());
    for name in ["CHUANDA_LOG", "CHUANDA_MODEL", "CHUANDA_MODELS"] {
        command.env_remove(name);
    }
    command
}

/// Runs it, with this on its standard input.
pub(crate) fn ran(command: &mut Command, stdin: &[u8]) -> Ran {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    let mut input = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        // A thread of its own, since the program answers while it reads. One that does not read closes its input.
        scope.spawn(move || input.write_all(stdin));
        child.wait_with_output().unwrap()
    });
    Ran {
        code: output.status.code().expect("no signal ended it"),
        stdout: String::from_utf8(output.stdout).expect("the output is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("the messages are UTF-8"),
    }
}

/// `chuanda serve`, which ends when the test ends, however it ends.
pub(crate) struct RunningServer {
    child: Child,
    /// What it logs; `None` once nobody reads it any more.
    log: Option<Lines<BufReader<ChildStderr>>>,
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl RunningServer {
    /// Starts it in a directory.
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut command = program(directory, &[&["serve"], arguments].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, log: Some(log) }
    }

    /// The next line of the log that has this in it.
    pub(crate) fn until(&mut self, what: &str) -> String {
        let mut lines = self.log.as_mut().unwrap().map(Result::unwrap);
        lines.find(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what}"))
    }

    /// Where it listens, once it does.
    pub(crate) fn address(&mut self) -> String {
        address(&self.until("listening"))
    }

    /// Closes the pipe that it logs into.
    pub(crate) fn close_log(&mut self) {
        self.log = None;
    }

    /// Reads what it logs from now on and forgets it: whoever logs into a pipe that nobody reads is stopped by it.
    pub(crate) fn ignore_log(&mut self) {
        let log = self.log.take().unwrap();
        thread::spawn(move || log.for_each(drop));
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends it SIGTERM; its exit code and what it logged.
    pub(crate) fn terminate(&mut self) -> (Option<i32>, Vec<String>) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let code = self.child.wait().unwrap().code();
        (code, self.log.take().into_iter().flatten().map(Result::unwrap).collect())
    }
}

/// The address in the line of the log that tells where a server listens.
pub(crate) fn address(listening: &str) -> String {
    listening.split_once("address=").unwrap().1.split_whitespace().next().unwrap().to_owned()
}
