//! Directories of models on the command line: `chuanda models`, and `--models` of the other commands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::{fs, path::Path, process::Command};

use chuanda::proto::v1::{AnalyzeRequest, Article, analysis_service_client::AnalysisServiceClient};
use serde_json::{Value, json};
use support::program::{Ran, RunningServer, address, program, ran};
use tempfile::TempDir;

const COURT: &str = "The Intermediate Court held a theoretical study session. The meeting was about trials.";

fn run(directory: &Path, arguments: &[&str]) -> Ran {
    ran(&mut program(directory, arguments), b"")
}

/// Runs what has to succeed, and reads its JSON.
fn json(directory: &Path, arguments: &[&str]) -> Value {
    let ran = run(directory, &[arguments, &["--format", "json"]].concat());
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn models(directory: &Path, arguments: &[&str]) -> Value {
    json(directory, &[&["models", "--models", "m"], arguments].concat())
}

/// Checks how a call is refused.
fn check(directory: &Path, arguments: &[&str], code: i32, told: &str) {
    let ran = run(directory, arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{arguments:?}: {}", ran.stderr);
    assert_eq!(ran.stderr.matches(told).count(), 1, "{arguments:?}: {}", ran.stderr);
}

/// Labelled articles of some cities.
fn labelled(cities: &[&str]) -> String {
    let mut lines = String::new();
    for city in cities {
        for (kind, form) in [("study_session", "a theoretical study session"), ("symposium", "a symposium")] {
            for (department, body, task) in
                [("court", "Intermediate Court", "trials"), ("audit_bureau", "Audit Bureau", "accounts")]
            {
                let text = format!("The {city} {body} held {form}. The meeting was about {task}.");
                let record = json!({
                    "text": text, "group": city, "meeting_type": kind, "relaying_department": department,
                });
                lines += &format!("{record}\n");
            }
        }
    }
    lines
}

/// A directory with articles to read and to learn from, and a store of one version, not active.
fn prepared() -> (TempDir, String) {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    fs::write(path.join("a.txt"), COURT).unwrap();
    fs::write(path.join("d.jsonl"), labelled(&["Anyang", "Beilin", "Chuzhou"])).unwrap();
    fs::write(path.join("more.jsonl"), labelled(&["Dahe"])).unwrap();
    let trained =
        json(path, &["train", "--data", "d.jsonl", "--models", "m", "--actor", "an", "--note", "first labels"]);
    let version = trained["version"].as_str().unwrap().to_owned();
    (directory, version)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The version that answers.
fn answers(command: &mut Command) -> String {
    let ran = ran(command.args(["--format", "jsonl", "a.txt"]), b"");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    text(&answer["model_version"]).to_owned()
}

#[test]
fn a_model_is_trained_activated_updated_and_rolled_back() {
    let (directory, first) = prepared();
    let path = directory.path();
    let list = models(path, &["list"]);
    assert_eq!((&list["current"], &list["versions"][0]["active"]), (&Value::Null, &json!(false)));
    let info = &list["versions"][0]["info"];
    assert_eq!([&info["actor"], &info["how"], &info["note"]], ["an", "train", "first labels"]);
    assert_eq!((&info["actor_verified"], &info["parent"]), (&json!(false), &Value::Null));
    check(path, &["analyze", "--models", "m", "a.txt"], 3, "m: no version is active");

    let done = models(path, &["activate", &first[..6], "--why", "to begin with", "--expect", "none"]);
    assert_eq!(done, json!({"from": null, "to": first, "changed": true}));
    assert_eq!(answers(&mut program(path, &["analyze", "--models", "m"])), first);
    assert_eq!(fs::read_to_string(path.join("m/CURRENT")).unwrap(), format!("{first}\n"));

    let updated = json(path, &["update", "--models", "m", "--add", "more.jsonl"]);
    let second = text(&updated["version"]).to_owned();
    assert_eq!((text(&updated["base"]), &updated["added"]), (first.as_str(), &json!(4)));
    let shown = models(path, &["show", &second]);
    assert_eq!([text(&shown["info"]["parent"]), text(&shown["info"]["how"])], [first.as_str(), "update"]);
    assert_eq!(
        (&shown["articles"], &shown["calibrated"], &shown["active"]),
        (&json!(16), &json!(false), &json!(false))
    );
    assert_eq!(answers(&mut program(path, &["analyze", "--models", "m"])), first, "publishing activates nothing");

    let measured = json(path, &["evaluate", "--models", "m", "--data", "more.jsonl"]);
    assert_eq!(measured["model_version"], json!(first));
    let file = format!("m/{second}.chuanda");
    let measured = json(path, &["evaluate", "--model", &file, "--data", "more.jsonl"]);
    assert_eq!((&measured["model_version"], &measured["trained_on"]), (&json!(second), &json!(4)));

    let activate = ["models", "--models", "m", "activate", &second, "--expect"];
    check(path, &[&activate[..], &[&second]].concat(), 1, &format!("and it is version {first}"));
    models(path, &["activate", &second, "--expect", &first]);
    assert_eq!(models(path, &["activate", &second])["changed"], json!(false));
    assert_eq!(answers(&mut program(path, &["analyze", "--models", "m"])), second);
    check(path, &["models", "--models", "m", "delete", &second], 1, "is active and cannot be deleted");
    assert_eq!(models(path, &["rollback", "--why", "worse"]), json!({"from": second, "to": first, "changed": true}));
    check(path, &["models", "--models", "m", "rollback"], 1, "nothing to roll back to");

    let log = models(path, &["log"]);
    let lines = log["activations"].as_array().unwrap();
    let line =
        |at: usize| (&lines[at]["number"], text(&lines[at]["kind"]), text(&lines[at]["to"]), text(&lines[at]["why"]));
    assert_eq!(lines.len(), 3);
    assert_eq!(line(0), (&json!(3), "rollback", first.as_str(), "worse"));
    assert_eq!(line(2), (&json!(1), "activate", first.as_str(), "to begin with"));
    assert_eq!(models(path, &["log", "--limit", "1", "--before", "3"])["activations"], json!([lines[1]]));

    let readable = |arguments: &[&str]| run(path, &[&["models", "--models", "m"], arguments].concat()).stdout;
    let list = readable(&["list"]);
    assert!(list.lines().nth(1).unwrap().contains(&second), "newest first: {list}");
    assert!(list.contains(&format!("{first}  active")) && list.contains("first labels"), "{list}");
    let shown = readable(&["show"]);
    for expect in [&format!("version {first}, active"), "by an (unverified): train", "note: first labels", "accuracy"] {
        assert!(shown.contains(expect), "{expect} in {shown}");
    }
    assert_eq!(readable(&["log", "--limit", "1"]).lines().count(), 2);
    assert_eq!(readable(&["delete", &second[..8]]), format!("{second} is deleted\n"));
    check(path, &["models", "--models", "m", "show", &second], 3, &format!("m: there is no version {second}"));
}

#[test]
fn versions_go_out_and_in_as_files() {
    let (directory, version) = prepared();
    let path = directory.path();
    models(path, &["export", &version, "--output", "out.chuanda"]);
    let import = |file: &str| json(path, &["models", "import", file, "--models", "other/m", "--note", "from m"]);
    assert_eq!(import("out.chuanda"), json!({"version": version, "new": true}));
    assert_eq!(import("out.chuanda"), json!({"version": version, "new": false}));
    let bytes = fs::read(path.join(format!("m/{version}.chuanda"))).unwrap();
    assert!(fs::read(path.join(format!("other/m/{version}.chuanda"))).unwrap() == bytes);
    let info = &json(path, &["models", "show", &version, "--models", "other/m"])["info"];
    assert_eq!([text(&info["how"]), text(&info["note"])], ["import", "from m"]);

    fs::write(path.join("cut.chuanda"), &bytes[..bytes.len() - 1]).unwrap();
    let import = ["models", "--models", "m", "import"];
    check(path, &[&import[..], &["cut.chuanda"]].concat(), 3, "the file is cut off");
    check(path, &[&import[..], &["cut.chuanda"]].concat(), 3, "cut.chuanda: not published: the file is cut off");
    check(path, &[&import[..], &["missing"]].concat(), 3, "missing: No such file");
    let export = ["models", "--models", "m", "export"];
    let own = format!("m/{version}.chuanda");
    check(path, &[&export[..], &[&version, "--output", &own]].concat(), 2, "is in the directory of models");
    check(path, &[&export[..], &["--output", "x"]].concat(), 3, "no version is active");

    // Damaged behind the back of everybody: refused by name, whatever is asked of it.
    models(path, &["activate", &version]);
    let mut damaged = bytes.clone();
    damaged[200] ^= 1;
    fs::write(path.join(&own), &damaged).unwrap();
    for arguments in [
        &["analyze", "--models", "m", "a.txt"][..],
        &["evaluate", "--models", "m", "--data", "d.jsonl"],
        &["update", "--models", "m", "--add", "more.jsonl"],
        &["serve", "--models", "m", "--listen", "127.0.0.1:0"],
        &["models", "--models", "m", "show"],
        &["models", "--models", "m", "activate", &version],
        &["models", "--models", "m", "export", "--output", "x"],
    ] {
        check(path, arguments, 3, &format!("{version}.chuanda: the serving section is damaged"));
    }
    models(path, &["import", "out.chuanda"]);
    assert_eq!(answers(&mut program(path, &["analyze", "--models", "m"])), version);
}

#[test]
fn flags_go_before_the_environment() {
    let (directory, version) = prepared();
    let path = directory.path();
    models(path, &["activate", &version]);
    models(path, &["export", "--output", "same.chuanda"]);
    let with = |arguments: &[&str], models: &str| {
        let mut command = program(path, arguments);
        command.env("CHUANDA_MODELS", models);
        command
    };
    assert_eq!(answers(&mut with(&["analyze"], "m")), version);
    assert_eq!(answers(&mut with(&["analyze", "--model", "same.chuanda"], "missing")), version);
    assert_eq!(answers(&mut with(&["analyze", "--models", "m"], "missing")), version);
    assert_eq!(ran(&mut with(&["analyze", "a.txt"], "missing"), b"").code, 3);
    assert_ne!(answers(&mut with(&["analyze"], "")), version, "an empty variable is none");
    assert_eq!(ran(&mut with(&["models", "list"], "m"), b"").code, 0);
    let serve = ran(with(&["serve"], "m").env("CHUANDA_MODEL", "same.chuanda"), b"");
    assert_eq!((serve.code, serve.stderr.as_str()), (2, "error: CHUANDA_MODEL and CHUANDA_MODELS are both set\n"));
    let update = &["update", "--add", "d.jsonl", "--output", "u"];
    let told = "error: CHUANDA_MODEL and CHUANDA_MODELS are both set\n";
    assert_eq!(ran(with(update, "m").env("CHUANDA_MODEL", "same.chuanda"), b"").stderr, told);
    let base_of = |command: &mut Command| {
        let done = ran(command.args(["--format", "json"]), b"");
        serde_json::from_str::<Value>(&done.stdout).unwrap()["base"].as_str().unwrap().to_owned()
    };
    assert_eq!(base_of(program(path, update).env("CHUANDA_MODEL", "same.chuanda")), version);
    assert_eq!(base_of(&mut with(update, "m")), version);
    assert_eq!(base_of(with(update, "missing").args(["--model", "same.chuanda"])), version);
    assert_ne!(base_of(&mut program(path, update)), version);
    // The environment says where a model goes only if no flag does.
    let train = ["train", "--data", "d.jsonl"];
    assert_eq!(ran(&mut with(&[&train[..], &["--output", "o"]].concat(), "elsewhere"), b"").code, 0);
    assert!(path.join("o").exists() && !path.join("elsewhere").exists());
    let trained = ran(&mut with(&train, "elsewhere"), b"");
    assert!(trained.stdout.ends_with("published in elsewhere\n"), "{}", trained.stdout);
    let both = run(path, &[&train[..], &["--output", "p", "--models", "elsewhere"]].concat());
    assert!(both.stdout.ends_with("written to p and there already in elsewhere\n"), "{}", both.stdout);
}

#[test]
fn wrong_usage_names_what_is_wrong() {
    let (directory, version) = prepared();
    let path = directory.path();
    let long = "x".repeat(5000);
    let cases: [(&[&str], i32, &str); 14] = [
        (&["models", "list"], 2, "--models DIR or --server URL is needed"),
        (&["models", "list", "--models", "missing"], 3, "--models: missing: No such file"),
        (&["models", "list", "--models", "a.txt"], 3, "--models: a.txt: Not a directory"),
        (&["models", "show", "--models", "m"], 3, "m: no version is active"),
        (&["models", "show", "abc", "--models", "m"], 2, "\"abc\" is not a version"),
        (&["models", "show", "../m", "--models", "m"], 2, "is not a version"),
        (&["models", "show", "ffffffffffff", "--models", "m"], 3, "m: there is no version ffffffffffff"),
        (&["models", "rollback", "--models", "m"], 3, "m: no version is active"),
        (
            &["models", "activate", &version, "--why", &long, "--models", "m"],
            2,
            "why is 5000 bytes long, 4096 are allowed",
        ),
        (&["models", "activate", &version, "--expect", "nil", "--models", "m"], 2, "\"nil\" is not a version"),
        (&["analyze", "--model", "x", "--models", "m", "a.txt"], 2, "--models"),
        (&["train", "--data", "d.jsonl"], 2, "at least one of --output MODEL and --models DIR"),
        (&["train", "--data", "d.jsonl", "--models", "a.txt"], 2, "--models: a.txt"),
        (&["serve", "--models", "m", "--models-poll-seconds", "0"], 2, "--models-poll-seconds: 0 is not between"),
    ];
    for (arguments, code, told) in cases {
        check(path, arguments, code, told);
    }
    assert_eq!(models(path, &["log"]), json!({"activations": []}));
}

#[test]
fn a_server_is_asked_as_a_directory_is() {
    let (directory, first) = prepared();
    let path = directory.path();
    models(path, &["activate", &first, "--why", "to begin with"]);
    let second = json(path, &["update", "--models", "m", "--add", "more.jsonl", "--note", "of June"]);
    let second = text(&second["version"]);
    let mut running = RunningServer::start(path, &["--models", "m", "--listen", "0.0.0.0:0", "--allow-model-changes"]);
    let port = running.address().rsplit_once(':').unwrap().1.to_owned();
    assert!(running.until("nobody is authenticated").contains("WARN"));
    let server = format!("http://127.0.0.1:{port}");
    let asked = |arguments: &[&str]| json(path, &[&["models", "--server", &server], arguments].concat());

    let same = |arguments: &[&str]| assert_eq!(asked(arguments), models(path, arguments), "{arguments:?}");
    let readable =
        |place: [&str; 2], arguments: &[&str]| run(path, &[&["models"], &place[..], arguments].concat()).stdout;
    for arguments in [&["list"][..], &["log"], &["log", "--limit", "1"], &["log", "--before", "1"]] {
        same(arguments);
        assert_eq!(readable(["--server", &server], arguments), readable(["--models", "m"], arguments));
    }
    for arguments in [&["show"][..], &["show", &second[..8]]] {
        let mut local = models(path, arguments);
        local.as_object_mut().unwrap().remove("file").unwrap();
        assert_eq!(asked(arguments), local);
        let local = readable(["--models", "m"], arguments);
        let without_file: String = local.split_inclusive('\n').filter(|line| !line.starts_with("file ")).collect();
        assert_eq!(readable(["--server", &server], arguments), without_file);
    }

    let done = asked(&["activate", &second[..8], "--expect", &first, "--why", "better", "--actor", "an"]);
    assert_eq!(done, json!({"from": first, "to": second, "changed": true}));
    assert_eq!(asked(&["activate", second])["changed"], json!(false));
    assert_eq!(asked(&["rollback"]), json!({"from": second, "to": first, "changed": true}));
    same(&["log"]);
    asked(&["export", second, "--output", "out.chuanda"]);
    assert!(fs::read(path.join("out.chuanda")).unwrap() == fs::read(path.join(format!("m/{second}.chuanda"))).unwrap());
    assert_eq!(asked(&["delete", second]), json!({"version": second}));
    assert_eq!(asked(&["import", "out.chuanda", "--note", "again"]), json!({"version": second, "new": true}));
    same(&["list"]);

    let asked = |arguments: &[&str], code, told| {
        check(path, &[&["models", "--server", &server], arguments].concat(), code, told);
    };
    asked(&["activate", second, "--expect", "none"], 1, "to be active, and it is");
    asked(&["rollback"], 1, "nothing to roll back to");
    asked(&["delete", &first], 1, "is active and cannot be deleted");
    asked(&["show", "ffffffff"], 3, "there is no version ffffffff");
    asked(&["delete", &"f".repeat(32)], 3, "there is no model with version");
    asked(&["import", "a.txt"], 3, "a.txt: --server: the model was refused: not a chuanda model file");
    asked(&["activate", second, "--why", &"x".repeat(5000)], 2, "over the limit max_note_bytes of 4096");
    asked(&["list", "--models", "m"], 2, "--models and --server name two places");
    check(path, &["models", "list", "--server", "nowhere"], 2, "--server: \"nowhere\" is not the address");
    check(path, &["models", "list", "--server", "http://127.0.0.1:1"], 3, "no connection");
    check(path, &["serve", "--allow-model-changes"], 2, "--allow-model-changes needs a directory");
    let mut elsewhere = program(path, &["models", "--server", &server, "list"]);
    assert_eq!(ran(elsewhere.env("CHUANDA_MODELS", "elsewhere"), b"").code, 0, "a flag goes before the environment");
}

#[test]
fn a_server_answers_with_what_is_activated_meanwhile() {
    let (directory, first) = prepared();
    let path = directory.path();
    let mut server = RunningServer::start(path, &["--models", "m", "--listen", "127.0.0.1:0"]);
    assert!(server.until("no version is active yet").starts_with("m:"));
    let listening = server.until("listening");
    let address = address(&listening);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut client = runtime.block_on(AnalysisServiceClient::connect(format!("http://{address}"))).unwrap();
    let mut answering = || {
        let article = Some(Article { text: COURT.to_owned(), ..Article::default() });
        let request = AnalyzeRequest { article, ..AnalyzeRequest::default() };
        runtime.block_on(client.analyze(request)).unwrap().into_inner().analysis.unwrap().model_version
    };
    assert!(listening.contains(&answering()), "the model that is built in");

    models(path, &["activate", &first]);
    server.until(&first);
    assert_eq!(answering(), first);
    let second = json(path, &["update", "--models", "m", "--add", "more.jsonl"]);
    let second = text(&second["version"]);
    models(path, &["activate", second]);
    server.until(second);
    assert_eq!(answering(), second);

    // The file is lost before it is activated again from elsewhere: the server keeps what it has.
    models(path, &["rollback"]);
    server.until(&first);
    let file = path.join(format!("m/{second}.chuanda"));
    let line = fs::read_to_string(path.join("m/activations.jsonl")).unwrap().lines().nth(1).unwrap().to_owned();
    fs::remove_file(&file).unwrap();
    let lines = fs::read_to_string(path.join("m/activations.jsonl")).unwrap() + &line + "\n";
    fs::write(path.join("m/activations.jsonl"), lines).unwrap();
    let refused = server.until("cannot be loaded");
    assert!(refused.contains("ERROR") && refused.contains(&format!("there is no version {second}")), "{refused}");
    assert_eq!(answering(), first);
    models(path, &["rollback"]);
    assert_eq!(answering(), first);
}

/// Whoever started it may have gone, and its log with them.
#[test]
fn a_server_that_cannot_log_serves_on() {
    let (directory, first) = prepared();
    let path = directory.path();
    let mut server = RunningServer::start(path, &["--models", "m", "--listen", "127.0.0.1:0", "--allow-model-changes"]);
    let url = format!("http://{}", server.address());
    server.close_log();
    let asked = |arguments: &[&str]| json(path, &[&["models", "--server", &url], arguments].concat());
    assert_eq!(asked(&["activate", &first])["changed"], json!(true));
    assert_eq!(asked(&["list"])["current"], json!(first));
}
