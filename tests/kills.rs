//! Servers and commands that are killed in the midst of their work: what they said they had done is done, the last
//! version activated answers, and nothing is left lying about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Stdio,
};

use chuanda::model::store::{Store, Version};
use serde_json::{Value, json};
use support::{
    Random,
    program::{RunningServer, program, ran},
};
use tempfile::TempDir;

/// Articles of two labels on an event of their own.
fn labelled(event: usize) -> String {
    let line = |(label, form): (&str, &str)| {
        let text = format!("The Intermediate Court of place {event} held a {form}. The {form} was long.");
        json!({"text": text, "group": format!("event {event}"), "meeting_type": label}).to_string() + "\n"
    };
    [("study_session", "lecture"), ("symposium", "panel")].map(line).concat()
}

/// A directory of models, what was acknowledged of it, and the files that commands on it read.
struct Place {
    directory: TempDir,
    /// Versions that are there.
    present: BTreeSet<String>,
    /// Reasons of activations that are in the log.
    activated: BTreeSet<String>,
    /// Changes acknowledged, by name.
    done: BTreeMap<&'static str, usize>,
    calls: usize,
}

/// Files of articles, each an event more than the one before.
const CORPORA: usize = 4;

impl Place {
    /// With two versions, of which one is active.
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let mut corpus: String = (0..3).map(labelled).collect();
        for number in 0..CORPORA {
            corpus += &labelled(3 + number);
            fs::write(directory.path().join(format!("{number}.jsonl")), &corpus).unwrap();
            fs::write(directory.path().join(format!("more{number}.jsonl")), labelled(100 + number)).unwrap();
        }
        let (present, activated, done) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        let mut place = Self { directory, present, activated, done, calls: 0 };
        for number in 0..2 {
            let data = format!("{number}.jsonl");
            let trained = place.run(&["train", "--data", &data, "--models", "m", "--format", "json"]).unwrap();
            place.present.insert(trained["version"].as_str().unwrap().to_owned());
        }
        let first = place.present.first().unwrap().clone();
        place.run(&["models", "activate", &first, "--models", "m", "--why", "first", "--format", "json"]).unwrap();
        place.run(&["models", "export", "--models", "m", "--output", "exported", "--format", "json"]);
        place
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn run(&self, arguments: &[&str]) -> Option<Value> {
        let ran = ran(&mut program(self.path(), arguments), b"");
        (ran.code == 0).then(|| serde_json::from_str(&ran.stdout).unwrap_or_default())
    }

    /// Some change, as a command without the place where it is to be made.
    fn change(&mut self, random: &mut Random) -> Vec<String> {
        self.calls += 1;
        let why = format!("call {}", self.calls);
        let number = random.below(CORPORA);
        let versions: Vec<&String> = self.present.iter().collect();
        let version = versions[random.below(versions.len())];
        let words = match random.below(6) {
            0 => format!("train --data {number}.jsonl"),
            1 => format!("update --add more{number}.jsonl"),
            2 => format!("update --add more{number}.jsonl --calibrate-on {number}.jsonl"),
            3 => "models import exported".to_owned(),
            4 => "models rollback".to_owned(),
            _ => format!("models activate {version}"),
        };
        let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        if ["rollback", "activate"].contains(&words[1].as_str()) {
            words.extend(["--why".to_owned(), why]);
        }
        words
    }

    /// Notes what a command said it had done.
    fn note(&mut self, command: &[String], said: &Value) {
        match command[1].as_str() {
            "activate" | "rollback" => {
                if said["changed"] == json!(true) {
                    self.activated.insert(command.last().unwrap().clone());
                    *self.done.entry("activation").or_default() += 1;
                }
            }
            "import" => *self.done.entry("import").or_default() += 1,
            _ => {
                self.present.insert(said["version"].as_str().unwrap().to_owned());
                *self.done.entry(if command[0] == "train" { "training" } else { "update" }).or_default() += 1;
            }
        }
    }

    /// Checks the directory after a server has started on it.
    fn check(&self, listening: &str) {
        let names = fs::read_dir(self.path().join("m")).unwrap().map(|entry| entry.unwrap().file_name());
        let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        let is_known = |name: &String| {
            let is_of_version = name.ends_with(".chuanda") || name.ends_with(".info.json");
            is_of_version || ["CURRENT", "activations.jsonl", ".lock"].contains(&name.as_str())
        };
        assert!(names.iter().all(is_known), "{names:?}");
        let store = Store::open(self.path().join("m")).unwrap();
        let log = store.activations(None, usize::MAX).unwrap();
        let (_, last) = log.first().unwrap();
        assert!(listening.contains(&format!("model=\"{}\"", last.to)), "{} in {listening}", last.to);
        assert_eq!(store.current().unwrap().unwrap(), last.to);
        let logged: BTreeSet<&str> = log.iter().map(|(_, activation)| activation.why.as_str()).collect();
        let lost: Vec<&String> = self.activated.iter().filter(|why| !logged.contains(why.as_str())).collect();
        assert!(lost.is_empty(), "{lost:?}");
        for version in &self.present {
            store.load_file(&Version::new(version).unwrap()).unwrap();
        }
    }
}

/// Kills a server that is asked for a change, or the command that makes it, after a random number of idle turns.
#[test]
fn no_kill_undoes_what_was_acknowledged() {
    let kills: usize = env::var("CHUANDA_TEST_KILLS").map_or(20, |kills| kills.parse().unwrap());
    let mut random = Random::new();
    let mut place = Place::new();
    let serve = ["--models", "m", "--listen", "127.0.0.1:0", "--allow-model-changes"];
    let mut cut = 0;
    for kill in 0..=kills {
        let mut server = RunningServer::start(place.path(), &serve);
        let listening = server.until("listening");
        place.check(&listening);
        if kill == kills {
            break;
        }
        let url = format!("http://{}", support::program::address(&listening));
        server.ignore_log();
        let command = place.change(&mut random);
        let is_remote = random.below(2) == 0;
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.extend(if is_remote { ["--server", &url] } else { ["--models", "m"] });
        arguments.extend(["--format", "json"]);
        let mut call = program(place.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // From a few milliseconds to half a second: short and long calls are met in their midst alike.
        let turns = 10_000_000 << random.below(8);
        for turn in 0..random.below(turns) {
            std::hint::black_box(turn);
        }
        if !is_remote {
            let _ = call.kill();
        }
        server.kill();
        let output = call.wait_with_output().unwrap();
        // A command that could not do all of it says what it did as well.
        match serde_json::from_slice(&output.stdout) {
            Ok(said) => place.note(&command, &said),
            Err(_) => cut += 1,
        }
    }
    println!("{kills} kills, {cut} calls cut, acknowledged: {:?}", place.done);
    assert!(cut > 0 && !place.done.is_empty(), "{cut} calls cut, acknowledged: {:?}", place.done);
}
