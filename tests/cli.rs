//! The program as its users call it: arguments, files and pipes in; output, messages and exit codes out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

use serde_json::{Value, json};
use support::program::{Ran, RunningServer, program, ran};
use tempfile::TempDir;

/// Calls the program in a directory.
fn run(directory: &Path, arguments: &[&str], stdin: &[u8]) -> Ran {
    ran(&mut program(directory, arguments), stdin)
}

/// Analyses with the model of these tests.
fn analyze(directory: &Path, arguments: &[&str], stdin: &[u8]) -> Ran {
    let model = model().to_str().unwrap();
    run(directory, &[&["analyze", "--model", model], arguments].concat(), stdin)
}

/// Labelled articles of two types of meeting and two departments, as JSONL.
fn labelled() -> String {
    let cities = ["Anyang", "Beilin", "Chuzhou", "Dahe", "Enping", "Fushan", "Guyuan", "Hekou"];
    let mut lines = String::new();
    for (number, city) in cities.iter().enumerate() {
        for (kind, form) in [("study_session", "a theoretical study session"), ("symposium", "a symposium")] {
            for (department, body, task) in [
                ("court", "Intermediate Court", "trials and judgments"),
                ("audit_bureau", "Audit Bureau", "auditing accounts"),
            ] {
                let text = format!(
                    "The {city} {body} held {form} on May {}, 2023.\nThe meeting was about {task}.\nAll staff of the {body} \
                     took part in it.",
                    number + 1
                );
                let record = json!({
                    "id": format!("{kind}-{department}-{number}"), "text": text, "group": city, "meeting_type": kind,
                    "relaying_department": department,
                });
                lines += &format!("{record}\n");
            }
        }
    }
    lines
}

/// A model learnt from [`labelled`], once for all tests.
fn model() -> &'static Path {
    static MODEL: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    &MODEL
        .get_or_init(|| {
            let directory = TempDir::new().unwrap();
            fs::write(directory.path().join("data.jsonl"), labelled()).unwrap();
            let ran = run(directory.path(), &["train", "--data", "data.jsonl", "--output", "model.chuanda"], b"");
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            let path = directory.path().join("model.chuanda");
            (directory, path)
        })
        .1
}

fn files(contents: &[(&str, &[u8])]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, content) in contents {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

const COURT: &str = "The Intermediate Court held a theoretical study session. The meeting was about trials and judgments. \
                     The court of the city took part. All judges spoke. Nobody was absent.";

/// Checks one field of one answer, found by JSON pointer.
fn check(answer: &Value, pointer: &str, expect: &Value) {
    assert_eq!(answer.pointer(pointer).unwrap_or(&Value::Null), expect, "{pointer} of {answer}");
}

#[test]
fn an_article_becomes_a_line_with_the_names_of_the_contract() {
    let directory = files(&[("a.txt", COURT.as_bytes())]);
    let ran = analyze(directory.path(), &["a.txt"], b"");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let [answer] = ran.lines().try_into().unwrap();
    check(&answer, "/id", &json!("a.txt"));
    check(&answer, "/meeting_type/label", &json!("study_session"));
    check(&answer, "/relaying_department/label", &json!("court"));
    check(&answer, "/meeting_type/decision", &json!("accepted"));
    check(&answer, "/language_code", &json!("en"));
    check(&answer, "/input", &Value::Null);
    assert_eq!(answer["summary"]["sentences"].as_array().unwrap().len(), 3);
    for sentence in answer["summary"]["sentences"].as_array().unwrap() {
        let at = |name: &str| usize::try_from(sentence[name].as_u64().unwrap()).unwrap();
        assert_eq!(sentence["text"].as_str().unwrap(), &COURT[at("start")..at("end")]);
    }
    let version = answer["model_version"].as_str().unwrap();
    assert_eq!(version.len(), 32);
    let span = &answer["relaying_department"]["evidence"][0]["spans"][0];
    assert_eq!(span["part"], "text");
}

#[test]
fn good_and_bad_records_of_all_formats_come_in_order() {
    let csv = "text,id,year\n\"One,\ntwo.\",c1,2023\nshort\n";
    let gz = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(csv.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let jsonl = "{\"id\":\"j1\",\"text\":\"Good.\",\"n\":1.50,\"tags\":[1, 2]}\n{\"id\":\"j2\",\"n\":3}\n\nnot json\n\
                 {\"text\":\" \"}\n{\"text\":\"Good too.\",\"title\":\"T\"}\n";
    let directory = files(&[
        ("in/a.csv.gz", &gz),
        ("in/b.jsonl.zst", &zstd::encode_all(jsonl.as_bytes(), 1).unwrap()),
        ("in/c.txt", b"Latin \xE9."),
        ("in/d/e.txt", COURT.as_bytes()),
        ("in/readme.md", b"not read"),
        ("in/.hidden.txt", b"not read"),
    ]);
    let ran = analyze(directory.path(), &["in", "missing.txt"], b"");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let lines = ran.lines();
    let ids: Vec<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "c1",
            "in/a.csv.gz:4",
            "j1",
            "j2",
            "in/b.jsonl.zst:4",
            "in/b.jsonl.zst:5",
            "in/b.jsonl.zst:6",
            "in/c.txt",
            "in/d/e.txt",
            "missing.txt"
        ]
    );
    check(&lines[0], "/input", &json!({"year": "2023"}));
    assert!(ran.stdout.contains(r#""input":{"n":1.50,"tags":[1, 2]}"#), "other fields come back as they were written");
    for (line, expect) in [
        (
            1,
            json!({"code": "invalid_argument", "message": "1 fields where the header has 3", "file": "in/a.csv.gz", "line": 4}),
        ),
        (
            3,
            json!({"code": "invalid_argument", "message": "field text is missing", "file": "in/b.jsonl.zst", "line": 2}),
        ),
        (
            4,
            json!({"code": "invalid_argument", "message": "not JSON at column 2", "file": "in/b.jsonl.zst", "line": 4}),
        ),
        (7, json!({"code": "invalid_argument", "message": "not UTF-8 at byte 6", "file": "in/c.txt", "line": 1})),
        (
            9,
            json!({"code": "not_found", "message": "No such file or directory (os error 2)", "file": "missing.txt", "line": null}),
        ),
    ] {
        check(&lines[line], "/error", &expect);
    }
    check(&lines[3], "/input", &json!({"n": 3}));
    check(&lines[5], "/error/code", &json!("invalid_argument"));
    assert!(lines[5]["error"]["message"].as_str().unwrap().contains("text"));
    let told: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(told.len(), 7, "{told:?}");
    assert_eq!(told[1], "in/b.jsonl.zst:2: field text is missing");
    assert_eq!(told[6], "6 of 10 failed");
}

#[test]
fn a_damaged_file_is_lost_data_however_it_is_compressed() {
    let directory = files(&[("a.txt.gz", b"certainly not gzip"), ("b.jsonl.zst", b"certainly not zstd")]);
    let ran = analyze(directory.path(), &["a.txt.gz", "b.jsonl.zst"], b"");
    assert_eq!(ran.code, 1);
    for line in ran.lines() {
        check(&line, "/error/code", &json!("data_loss"));
    }
}

#[test]
fn limits_are_told_and_do_not_end_the_others() {
    let long = json!({"text": "a ".repeat(1 << 20)}).to_string();
    let id = json!({"text": "Good.", "id": "x".repeat(1025)}).to_string();
    let directory = files(&[("a.jsonl", format!("{long}\n{id}\n{{\"text\":\"Good.\"}}\n").as_bytes())]);
    let ran = analyze(directory.path(), &["a.jsonl"], b"");
    assert_eq!(ran.code, 1);
    let lines = ran.lines();
    assert!(
        lines[0]["error"]["message"].as_str().unwrap().contains("max_article_bytes of 1048576"),
        "{}",
        lines[0]["error"]
    );
    assert!(lines[1]["error"]["message"].as_str().unwrap().contains("max_id_bytes of 1024"));
    check(&lines[2], "/error", &Value::Null);
}

#[test]
fn failures_beyond_a_hundred_are_counted() {
    let ran = analyze(Path::new("."), &["--input-format", "jsonl"], "bad\n".repeat(250).as_bytes());
    assert_eq!(ran.lines().len(), 250);
    let told: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!((told[0], told.len()), ("-:1: not JSON at column 1", 102));
    assert_eq!(told[100..], ["... and 150 more", "250 of 250 failed"]);
}

#[test]
fn standard_input_is_text_unless_said_otherwise() {
    let cases: [(&[&str], &str, &str); 4] = [
        (&[], COURT, "-"),
        (&["-"], COURT, "-"),
        (&["--input-format", "jsonl", "-"], "\n{\"text\":\"One.\"}", "-:2"),
        (&["--input-format", "csv"], "text\nOne.\n", "-:2"),
    ];
    for (arguments, input, id) in cases {
        let ran = analyze(Path::new("."), arguments, input.as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        check(&ran.lines()[0], "/id", &json!(id));
    }
}

#[test]
fn the_order_and_the_bytes_do_not_depend_on_the_threads() {
    let input: String =
        (0..500).map(|n| format!("{}\n", json!({"id": n.to_string(), "text": COURT.repeat(n % 7 + 1)}))).collect();
    let one = analyze(Path::new("."), &["--input-format", "jsonl", "--threads", "1"], input.as_bytes());
    let ids: Vec<String> = one.lines().iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (0..500).map(|n| n.to_string()).collect::<Vec<_>>());
    let many = analyze(Path::new("."), &["--input-format", "jsonl", "--threads", "7"], input.as_bytes());
    assert!(one.stdout == many.stdout);
}

#[test]
fn options_reach_the_analysis() {
    let with = |arguments: &[&str]| analyze(Path::new("."), arguments, COURT.as_bytes()).lines().remove(0);
    let sentences = |answer: &Value| answer["summary"]["sentences"].as_array().unwrap().len();
    assert_eq!(sentences(&with(&["--max-sentences", "2"])), 2);
    let words = with(&["--max-words", "9"]);
    assert!(words["summary"]["text"].as_str().unwrap().split_whitespace().count() <= 9);
    assert!(with(&["--max-chars", "12"])["summary"]["text"].as_str().unwrap().chars().count() <= 12);
    assert_eq!(sentences(&with(&["--ratio", "1"])), 5);
    let ranked = with(&["--order", "rank", "--max-sentences", "5", "--redundancy", "0"]);
    let ranks: Vec<u64> =
        ranked["summary"]["sentences"].as_array().unwrap().iter().map(|s| s["rank"].as_u64().unwrap()).collect();
    assert_eq!(ranks, [1, 2, 3, 4, 5]);
    let favoured = with(&["--focus", "was absent", "--max-sentences", "1", "--lead-bias", "0"]);
    check(&favoured, "/summary/text", &json!("Nobody was absent."));
    let long = with(&["--focus", "was absent", "--max-sentences", "5", "--min-sentence-words", "4"]);
    assert!(!long["summary"]["text"].as_str().unwrap().contains("absent"));
    let few = with(&["--max-evidence", "1", "--max-alternatives", "0"]);
    assert_eq!(few["meeting_type"]["evidence"].as_array().unwrap().len(), 1);
    check(&few, "/meeting_type/alternatives", &json!([]));
    check(&few, "/meeting_type/explanation", &Value::Null);
    let asked = with(&["--explain", "symposium", "--precision", "0.01", "--coverage", "0.999"]);
    check(&asked, "/meeting_type/explanation/label", &json!("symposium"));
    check(&asked, "/meeting_type/explanation/display_name", &json!("Symposium / forum"));
    check(&asked, "/relaying_department/explanation", &Value::Null);
    check(&asked, "/meeting_type/decision", &json!("accepted"));
    // Too few articles were trained on to leave any label out.
    check(&asked, "/meeting_type/label_set/0", &json!("study_session"));
    assert_eq!(asked["meeting_type"]["label_set"].as_array().unwrap().len(), 17);
    let narrow = with(&["--coverage", "0.001"]);
    check(&narrow, "/meeting_type/label_set", &json!(["study_session"]));
}

#[test]
fn offsets_are_counted_in_the_unit_asked_for() {
    // Two units of UTF-16 and four bytes, one code point.
    let text = format!("\u{1F600} {COURT}");
    for (encoding, shift) in [("utf8_bytes", 3), ("utf16_code_units", 1), ("code_points", 0)] {
        let answer =
            analyze(Path::new("."), &["--offset-encoding", encoding, "--max-sentences", "5"], text.as_bytes()).lines();
        let last = answer[0]["summary"]["sentences"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["text"], "Nobody was absent.");
        assert_eq!(last["end"], json!(text.chars().count() + shift), "{encoding}");
    }
}

#[test]
fn wrong_usage_names_the_flag() {
    let directory =
        files(&[("a.txt", COURT.as_bytes()), ("b.md", b""), ("d.jsonl", labelled().as_bytes()), ("dir/x", b"")]);
    let cases: [(&[&str], &str); 41] = [
        (&["analyze", "--max-words", "0"], "--max-words"),
        (&["analyze", "--max-words", "x"], "--max-words"),
        (&["analyze", "--max-chars", "9"], "--max-chars"),
        (&["analyze", "--ratio", "NaN"], "--ratio"),
        (&["analyze", "--ratio", "-1"], "--ratio"),
        (&["analyze", "--redundancy", "1.5"], "--redundancy"),
        (&["analyze", "--lead-bias", "-1"], "--lead-bias: -1.0 is not between 0 and 1"),
        (&["analyze", "--focus", "x", "--focus", "?"], "--focus[1]: has no word"),
        (&["analyze", "--max-evidence", "101"], "--max-evidence"),
        (
            &["analyze", "--explain", "simposium"],
            "--explain: the model has no label \"simposium\"; the nearest is \"symposium\"",
        ),
        (&["analyze", "--explain", "sympo\u{1b}sium"], "--explain: not a label id"),
        (&["analyze", "--explain="], "--explain"),
        (&["analyze", "--precision", "0"], "--precision"),
        (&["analyze", "--coverage", "1"], "--coverage"),
        (&["analyze", "--max-words", "5", "--ratio", "0.5"], "--ratio"),
        (&["analyze", "--offset-encoding", "bytes"], "utf16_code_units"),
        (&["analyze", "--format", "xml"], "--format"),
        (&["analyze", "--threads", "0"], "--threads"),
        (&["analyze", "--frobnicate"], "--frobnicate"),
        (&["analyze", "b.md"], "--input-format"),
        (&["analyze", "-", "-"], "standard input"),
        (&["analyze", "a.txt", "--output", "missing/out"], "--output"),
        (&["analyze", "a.txt", "--output", "dir"], "--output"),
        (&["train", "--data", "d.jsonl"], "--output"),
        (&["train", "--data", "d.jsonl", "--output", "./d.jsonl"], "--output"),
        (&["train", "--data", "d.jsonl", "--output", "m", "--labels", "a.txt"], "--labels"),
        (&["serve", "--listen", "nowhere"], "--listen"),
        (&["evaluate"], "--data <FILE>...|--summaries <FILE>..."),
        (&["evaluate", "--data", "d.jsonl", "--words", "5"], "--words"),
        (&["evaluate", "--data", "d.jsonl", "--sentences", "5"], "--sentences"),
        (&["evaluate", "--data", "d.jsonl", "--lead-bias", "0"], "--lead-bias"),
        (&["evaluate", "--summaries", "d.jsonl", "--data", "d.jsonl"], "--summaries"),
        (&["evaluate", "--summaries", "d.jsonl", "--model", "d.jsonl"], "--model"),
        (&["evaluate", "--summaries", "d.jsonl", "--models", "dir"], "--models"),
        (&["evaluate", "--summaries", "d.jsonl", "--against", "d.jsonl"], "--against"),
        (&["evaluate", "--summaries", "d.jsonl", "--report", "r.html"], "--report"),
        (&["evaluate", "--summaries", "d.jsonl", "--words", "0"], "--words"),
        (&["evaluate", "--summaries", "d.jsonl", "--words", "5", "--sentences", "1"], "--sentences"),
        (&["evaluate", "--summaries", "d.jsonl", "--sentences", "0"], "--sentences"),
        (&["evaluate", "--summaries", "d.jsonl", "--redundancy", "2"], "--redundancy: 2.0 is not between 0 and 1"),
        (&["evaluate", "--summaries", "b.md"], "--summaries"),
    ];
    for (arguments, names) in cases {
        let arguments = if arguments[0] == "analyze" {
            [arguments, &["--model", model().to_str().unwrap()]].concat()
        } else {
            arguments.to_vec()
        };
        let ran = run(directory.path(), &arguments, COURT.as_bytes());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(names), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(fs::read_to_string(directory.path().join("d.jsonl")).unwrap(), labelled());
    assert!(!directory.path().join("m").exists());
}

#[test]
fn summaries_are_measured_against_references() {
    let second = COURT.replace("Nobody was absent", "It rained");
    let good = format!(
        "{}\n{}\n",
        json!({"id": "a", "source": "x", "text": COURT, "reference": "All judges spoke.\nNobody was absent."}),
        json!({"title": "Court", "text": second, "reference": "It rained.\n\n All  judges spoke."}),
    );
    let bad = format!("{}\nnot json\n{{\"reference\":\"a\",\"text\":\" \"}}\n", json!({"text": COURT}));
    let free = format!("{}\n", json!({"text": COURT, "reference": "The court met. Nobody was absent."}));
    let directory = files(&[
        ("good.jsonl.zst", &zstd::encode_all(good.as_bytes(), 1).unwrap()),
        ("bad.jsonl", bad.as_bytes()),
        ("free.jsonl", free.as_bytes()),
        ("empty.jsonl", b""),
    ]);
    let evaluate = |arguments: &[&str]| run(directory.path(), &[&["evaluate", "--summaries"], arguments].concat(), b"");

    let ran = evaluate(&["good.jsonl.zst", "--format", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let [found] = ran.lines().try_into().unwrap();
    check(&found, "/articles", &json!(2));
    check(&found, "/length", &json!("reference"));
    check(&found, "/words/random/mean", &json!(5.5));
    check(&found, "/options", &json!({"redundancy": 0.25, "lead_bias": 1.0, "min_sentence_words": 0}));
    check(&found, "/sentence_f1/lead", &json!({"mean": 0.0, "interval": [0.0, 0.0]}));
    for kind in ["rouge1", "rouge2", "rouge_l", "rouge_lsum"] {
        assert!(found[kind]["over_lead"]["interval"].is_array(), "{found}");
    }
    // Whole sentences, as many as the extract has, are the extract if all of them are taken.
    let ran =
        evaluate(&["good.jsonl.zst", "--format", "json", "--sentences", "5", "--lead-bias", "0", "--threads", "1"]);
    let [found] = ran.lines().try_into().unwrap();
    check(&found, "/length", &json!({"sentences": 5}));
    check(&found, "/options/lead_bias", &json!(0.0));
    check(&found, "/rouge_l/over_random/mean", &json!(0.0));

    // A record that cannot be used is told; the others count. One that is no extract leaves that figure out.
    let ran = evaluate(&["bad.jsonl", "good.jsonl.zst", "free.jsonl", "--words", "4"]);
    let expect = [
        "bad.jsonl:1: field reference is missing",
        "bad.jsonl:2: not JSON at column 2",
        "bad.jsonl:3: text: has no sentence",
        "3 of 6 failed",
    ];
    assert_eq!((ran.code, ran.stderr.lines().collect::<Vec<_>>()), (1, expect.to_vec()));
    assert!(ran.stdout.starts_with("3 articles, summaries of 4 words\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\nROUGE-Lsum ") && !ran.stdout.contains("\nsentences "), "{}", ran.stdout);
    assert!(evaluate(&["good.jsonl.zst"]).stdout.contains("\nsentences "));

    let ran = evaluate(&["empty.jsonl"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("--summaries"), "{}", ran.stderr);
}

#[test]
fn help_has_an_example_for_every_command() {
    let commands = ["analyze", "serve", "train", "count", "merge", "update", "evaluate", "models"];
    for command in std::iter::once(vec!["--help"]).chain(commands.map(|command| vec![command, "--help"])) {
        let ran = run(Path::new("."), &command, b"");
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains("Examples:\n  "), "{}", ran.stdout);
    }
}

#[test]
fn a_model_that_cannot_be_used_is_exit_code_3() {
    let directory =
        files(&[("a.txt", COURT.as_bytes()), ("bad.chuanda", b"no model"), ("d.jsonl", labelled().as_bytes())]);
    for arguments in [
        &["analyze", "a.txt", "--model", "bad.chuanda"][..],
        &["analyze", "a.txt", "--model", "missing.chuanda"],
        &["evaluate", "--data", "d.jsonl", "--model", "bad.chuanda"],
        &["serve", "--listen", "127.0.0.1:0", "--model", "bad.chuanda"],
    ] {
        let ran = run(directory.path(), arguments, b"");
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("--model"), "{}", ran.stderr);
    }
}

#[test]
fn output_goes_to_a_file_that_is_never_an_input() {
    let directory = files(&[("in/a.txt", COURT.as_bytes()), ("in/b.jsonl", b"{\"text\":\"One.\"}\n")]);
    let path = directory.path();
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(path.join("in")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    for refused in [&["in/b.jsonl", "--output", "in/../in/b.jsonl"][..], &["in", "--output", "in/b.jsonl"]] {
        let ran = analyze(path, refused, b"");
        assert_eq!((ran.code, names().len()), (2, 2), "{}", ran.stderr);
        assert!(ran.stderr.contains("also an input"), "{}", ran.stderr);
        assert_eq!(fs::read(path.join("in/b.jsonl")).unwrap(), b"{\"text\":\"One.\"}\n");
    }
    // Into the directory that is read: neither the file nor what it is made from is an article.
    let ran = analyze(path, &["in", "--output", "in/out.jsonl"], b"");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(path.join("in/out.jsonl")).unwrap().lines().count(), 2);
    assert_eq!(names(), ["a.txt", "b.jsonl", "out.jsonl"]);
}

/// A pipe is written to, and not replaced by a file.
#[cfg(unix)]
#[test]
fn output_goes_into_a_pipe() {
    use std::os::unix::fs::FileTypeExt as _;
    let more = labelled().replace("Anyang", "Zunyi");
    let directory = files(&[
        ("a.txt", COURT.as_bytes()),
        ("labelled.jsonl", labelled().as_bytes()),
        ("more.jsonl", more.as_bytes()),
    ]);
    let (path, model) = (directory.path(), model().to_str().unwrap());
    let pipe = path.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (command, file) in [
        (&["analyze", "a.txt"][..], "answers"),
        (&["count", "--data", "labelled.jsonl"], "counts"),
        (&["merge", "counts"], "merged"),
        (&["train", "--data", "labelled.jsonl"], "trained"),
        (&["update", "--model", model, "--remove", "labelled.jsonl", "--add", "more.jsonl"], "updated"),
    ] {
        let ran = run(path, &[command, &["--output", file]].concat(), b"");
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.stderr);
        let (ran, read) = thread::scope(|scope| {
            // Open for reading and writing, so that neither side waits for the other.
            let held = fs::File::options().read(true).write(true).open(&pipe).unwrap();
            let mut reader = fs::File::open(&pipe).unwrap();
            let read = scope.spawn(move || {
                let mut bytes = Vec::new();
                reader.read_to_end(&mut bytes).map(|_| bytes)
            });
            let ran = run(path, &[command, &["--output", "pipe"]].concat(), b"");
            drop(held);
            (ran, read.join().unwrap().unwrap())
        });
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.stderr);
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo(), "{command:?}");
        assert!(read == fs::read(path.join(file)).unwrap(), "{command:?}");
    }
    // A server that removes the file at its end takes none of these.
    let ran = run(path, &["serve", "--listen", "127.0.0.1:0", "--address-file", "pipe", "--model", model], b"");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--address-file pipe: is no file"), "{}", ran.stderr);
}

#[test]
fn the_view_is_for_people_and_safe_for_their_terminal() {
    let text = format!("{COURT}\nEvil \u{1b}[2Jtext\u{7}\u{202e} 全会。");
    let directory = files(&[("a.txt", text.as_bytes()), ("b\u{1b}.txt", b"\xFF")]);
    let ran = analyze(directory.path(), &["--format", "text", "a.txt", "b\u{1b}.txt"], b"");
    assert_eq!(ran.code, 1);
    for part in [
        "── a.txt ─",
        "Meeting type         ",
        "(study_session)  ",
        "Summary\n  - ",
        "Text (",
        "[",
        "\\u{1b}[2Jtext\\u{7}\\u{202e}",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} in {}", ran.stdout);
    }
    for written in [&ran.stdout, &ran.stderr] {
        let raw = written.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(raw, None, "{written}");
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("b\\u{1b}.txt:1: not UTF-8 at byte 0\n"), "{}", ran.stderr);

    let ran = analyze(directory.path(), &["c\u{1b}[2J.md"], b"");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with("error: the format of c\\u{1b}[2J.md cannot be told"), "{}", ran.stderr);
}

/// Nothing known rules nothing out: programs get all labels, people are not shown them.
#[test]
fn without_evidence_the_label_set_is_all_labels() {
    let directory = files(&[("a.txt", "Вчера прошёл концерт.".as_bytes())]);
    let ran = analyze(directory.path(), &["a.txt", "--coverage", "0.01"], b"");
    check(&ran.lines()[0], "/meeting_type/decision", &json!("no_evidence"));
    check(&ran.lines()[0], "/relaying_department/decision", &json!("no_evidence"));
    assert_eq!(ran.lines()[0]["meeting_type"]["label_set"].as_array().unwrap().len(), 17);
    let ran = analyze(directory.path(), &["a.txt", "--format", "text"], b"");
    assert!(ran.stdout.contains("no evidence") && !ran.stdout.contains("label set"), "{}", ran.stdout);
}

#[test]
fn the_view_tells_why_and_why_not() {
    // What hides inside a word is shown with the reasons as well, and must be as safe there as in the text.
    let text = COURT.replace("theoretical", "theo\u{200b}retical");
    let view = |arguments: &[&str]| {
        let ran = analyze(Path::new("."), &[&["--format", "text"], arguments].concat(), text.as_bytes());
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        let raw = ran.stdout.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{200b}');
        assert_eq!(raw, None, "{}", ran.stdout);
        // Where lines break depends on what the model has learnt.
        ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let plain = view(&["--coverage", "0.001"]);
    assert!(!plain.contains("Why") && !plain.contains("label set"), "{plain}");
    let not = view(&["--explain", "symposium", "--coverage", "0.999", "--max-evidence", "100"]);
    for part in [
        " label set: study_session, ",
        " and 7 more Relaying department ",
        " Why not symposium? Probability 0.",
        " where study_session has ",
        " against \"",
        "\"theo\\u{200b}retical\" -",
        " and how frequent it was ",
    ] {
        assert!(not.contains(part), "{part:?} in {not}");
    }
    let chosen = view(&["--explain", "study_session"]);
    for part in [" Why study_session? Probability ", " for \""] {
        assert!(chosen.contains(part), "{part:?} in {chosen}");
    }
    assert!(!chosen.contains(" where "), "{chosen}");
}

#[test]
fn a_closed_pipe_ends_quietly_even_if_more_input_may_come() {
    let mut command = program(Path::new("."), &["analyze", "--input-format", "jsonl", "--model"]);
    command.arg(model());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    // An answer comes before the input ends.
    let mut line = String::new();
    writeln!(stdin, "{}", json!({"text": COURT})).unwrap();
    stdout.read_line(&mut line).unwrap();
    check(&serde_json::from_str(&line).unwrap(), "/id", &json!("-:1"));
    drop(stdout);
    writeln!(stdin, "{}", json!({"text": COURT})).unwrap();
    let status = child.wait().unwrap();
    drop(stdin);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn training_tells_what_it_learnt_and_what_it_could_not() {
    let bad = "{\"text\":\"x\",\"meeting_type\":\"study_sesion\"}\n{\"text\":\"x\"}\nnonsense\n{\"text\":\" \",\"meeting_type\":\"symposium\"}\n";
    let double = labelled().lines().next().unwrap().to_owned();
    let half = "id,text,meeting_type,relaying_department\nh,\"The court held a symposium, again.\",symposium,\n";
    let directory = files(&[
        ("a.jsonl", labelled().as_bytes()),
        ("b.jsonl", format!("{bad}{double}\n").as_bytes()),
        ("c.csv", half.as_bytes()),
    ]);
    let path = directory.path();
    let ran = run(path, &["train", "--data", "a.jsonl", "b.jsonl", "--data", "c.csv", "--output", "m.chuanda"], b"");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let told: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(told.len(), 5, "{told:?}");
    for (expect, place) in [
        ("neither meeting_type nor relaying_department is given", "b.jsonl:2: "),
        ("not JSON at column 2", "b.jsonl:3: "),
        ("\"study_session\"", "b.jsonl:1: "),
        ("text", "b.jsonl:4: "),
        ("4 of 38 failed", ""),
    ] {
        assert!(told.iter().any(|line| line.starts_with(place) && line.contains(expect)), "{expect} in {told:?}");
    }
    assert!(ran.stdout.contains("held out by group"), "{}", ran.stdout);
    assert!(ran.stdout.contains("from 33 articles (1 doubles not counted)"), "{}", ran.stdout);

    // The same model in another order, on one thread, and in JSON.
    fs::write(path.join("bad.jsonl"), bad).unwrap();
    fs::write(
        path.join("reversed.jsonl"),
        labelled().lines().rev().map(|line| format!("{line}\n")).collect::<String>(),
    )
    .unwrap();
    let ran = run(
        path,
        &["train", "--data", "c.csv", "reversed.jsonl", "--output", "n.chuanda", "--threads", "1", "--format", "json"],
        b"",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    check(&report, "/articles", &json!(33));
    assert_eq!(fs::read(path.join("m.chuanda")).unwrap(), fs::read(path.join("n.chuanda")).unwrap());

    let ran = run(path, &["train", "--data", "bad.jsonl", "a.jsonl", "--output", "s.chuanda", "--strict"], b"");
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("bad.jsonl:1: "), "{}", ran.stderr);
    let ran = run(path, &["train", "--data", "bad.jsonl", "--output", "s.chuanda"], b"");
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    assert!(!path.join("s.chuanda").exists());
    assert!(fs::read_dir(path).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().starts_with('.')));
}

/// Every n-th of the labelled articles, as JSONL.
fn every(n: usize, from: usize) -> String {
    labelled().lines().skip(from).step_by(n).map(|line| format!("{line}\n")).collect()
}

#[test]
fn shards_are_counted_apart_and_merged_to_the_trained_model() {
    let (even, odd) = (every(2, 0), every(2, 1));
    let directory = files(&[
        ("even.jsonl", even.as_bytes()),
        ("odd.jsonl", format!("{odd}nonsense\n{}", every(10, 0)).as_bytes()),
        ("other.jsonl", every(2, 1).replace("symposium", "round_table").as_bytes()),
        ("bad.counts", b"no counts"),
        ("empty.jsonl", b""),
    ]);
    let path = directory.path();
    let ran = run(path, &["count", "--data", "even.jsonl", "--output", "even.counts"], b"");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout, "counts of 16 articles (0 doubles not counted), written to even.counts\n");
    let ran = run(path, &["count", "--data", "odd.jsonl", "--output", "odd.counts", "--format", "json"], b"");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("odd.jsonl:17: not JSON"), "{}", ran.stderr);
    assert_eq!(ran.lines()[0], json!({"articles": 20, "doubles": 0}));

    let expect = fs::read(model()).unwrap();
    for (order, threads) in [(["even.counts", "odd.counts"], "1"), (["odd.counts", "even.counts"], "2")] {
        let ran = run(path, &["merge", order[0], order[1], "--output", "m.chuanda", "--threads", threads], b"");
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(
            ran.stdout.contains("from 32 articles (4 stand in several files and are counted once)"),
            "{}",
            ran.stdout
        );
        assert!(fs::read(path.join("m.chuanda")).unwrap() == expect);
    }
    let ran = run(path, &["merge", "m.chuanda", "even.counts", "--output", "n.chuanda", "--format", "json"], b"");
    assert_eq!(ran.code, 0);
    assert_eq!(ran.stderr, "even.counts: adds nothing: all its articles stand in m.chuanda\n");
    check(&ran.lines()[0], "/contained", &json!(["even.counts"]));
    assert!(fs::read(path.join("n.chuanda")).unwrap() == expect);

    let ran = run(path, &["count", "--data", "other.jsonl", "--labels", "none", "--output", "other.counts"], b"");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for (code, arguments, told) in [
        (1, &["merge", "even.counts", "other.counts"][..], "even.counts and other.counts were counted with different"),
        (1, &["count", "--data", "empty.jsonl"], "--data empty.jsonl: no labelled articles: name files whose records"),
        (1, &["train", "--data", "empty.jsonl"], "--data empty.jsonl: no labelled articles: name files whose records"),
        (1, &["count", "--data", "other.jsonl", "--strict"], "other.jsonl:2: meeting_type"),
        (2, &["merge", "even.counts", "x"], "--output"),
        (2, &["merge"], "<COUNTS>"),
        (3, &["merge", "even.counts", "bad.counts"], "bad.counts: neither a file of counts nor a model file"),
        (3, &["merge", "missing.counts"], "missing.counts"),
        (3, &["update", "--model", "even.counts", "--add", "odd.jsonl"], "`chuanda merge` makes a model of it"),
        (3, &["evaluate", "--model", "even.counts", "--data", "odd.jsonl"], "--model even.counts: a file of counts"),
    ] {
        fs::write(path.join("x"), "as it was").unwrap();
        let output = if arguments[0] == "evaluate" { &[][..] } else { &["--output", "x"] };
        let ran = run(path, &[arguments, output].concat(), b"");
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{arguments:?}: {}", ran.stderr);
        assert_eq!(fs::read(path.join("x")).unwrap(), b"as it was");
    }
}

#[test]
fn a_model_is_updated_with_articles_and_without() {
    let all = labelled();
    let (first, rest) = all.split_at(all.lines().take(28).map(|line| line.len() + 1).sum());
    // One label corrected, a thing that is not in, and one that is.
    let wrong = first.lines().next().unwrap().to_owned() + "\n";
    let right = wrong.replace("\"court\"", "\"audit_bureau\"");
    let changed = format!("{right}{}{rest}", &first[wrong.len()..]);
    let directory = files(&[
        ("first.jsonl", first.as_bytes()),
        ("wrong.jsonl", wrong.as_bytes()),
        ("add.jsonl", format!("{right}{rest}").as_bytes()),
        ("changed.jsonl", changed.as_bytes()),
        ("all.jsonl", all.as_bytes()),
    ]);
    let path = directory.path();
    for (data, output) in [("first.jsonl", "first.chuanda"), ("changed.jsonl", "retrained.chuanda")] {
        let ran = run(path, &["train", "--data", data, "--output", output], b"");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let retrained = fs::read(path.join("retrained.chuanda")).unwrap();
    let update = ["update", "--model", "first.chuanda", "--remove", "wrong.jsonl", "--add", "add.jsonl", "--output"];

    let ran = run(path, &[&update[..], &["u.chuanda"]].concat(), b"");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("settings and fitted values of the model are older than its articles"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("from 32 articles (5 added to model "), "{}", ran.stdout);
    assert!(ran.stdout.contains("settings, weights and calibration are those of model "), "{}", ran.stdout);
    let ran = run(path, &["evaluate", "--model", "u.chuanda", "--data", "changed.jsonl"], b"");
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("older than its articles"), "{}", ran.stderr);
    assert!(ran.stdout.contains("32 articles; the model was trained on 32 of them"), "{}", ran.stdout);

    let calibrated = ["c.chuanda", "--calibrate-on", "changed.jsonl", "--format", "json"];
    let ran = run(path, &[&update[..], &calibrated].concat(), b"");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    check(&ran.lines()[0], "/calibrated", &json!(true));
    check(&ran.lines()[0], "/calibrated_on", &json!(32));
    check(&ran.lines()[0], "/added", &json!(5));
    check(&ran.lines()[0], "/removed", &json!(1));
    assert!(fs::read(path.join("c.chuanda")).unwrap() == retrained);

    // In place, and what cannot be done is told while the rest is done.
    let again =
        ["update", "--model", "u.chuanda", "--remove", "wrong.jsonl", "--add", "all.jsonl", "--output", "u.chuanda"];
    let ran = run(path, &[&again[..], &["--calibrate-on", "first.jsonl"]].concat(), b"");
    assert_eq!(ran.code, 1);
    let told = |expect: &str| assert!(ran.stderr.contains(expect), "{expect} in {}", ran.stderr);
    told("wrong.jsonl:1: study_session-court-0: not removed: among the articles of the model only with other labels");
    told("all.jsonl:2: study_session-audit_bureau-0: not added: among the articles of the model already");
    told("--calibrate-on: 5 articles of the model are missing");
    assert!(ran.stdout.contains("from 33 articles (1 added to model "), "{}", ran.stdout);
    assert!(
        ran.stdout.ends_with("settings, weights and calibration learnt from 28 of its 33 articles\n"),
        "{}",
        ran.stdout
    );
    let ran =
        run(path, &["update", "--model", "u.chuanda", "--output", "v.chuanda", "--calibrate-on", "all.jsonl"], b"");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("--calibrate-on: 1 articles of the model are missing"), "{}", ran.stderr);
    assert!(
        ran.stdout.ends_with("settings, weights and calibration learnt from 32 of its 33 articles\n"),
        "{}",
        ran.stdout
    );
    let ran =
        run(path, &["update", "--model", "first.chuanda", "--output", "v.chuanda", "--calibrate-on", "all.jsonl"], b"");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("not calibrated on: not among the articles of the model"), "{}", ran.stderr);

    for (arguments, names) in [
        (&["update", "--model", "u.chuanda", "--output", "x"][..], "--add"),
        (&["update", "--model", "u.chuanda", "--add", "add.jsonl", "--output", "add.jsonl"], "also --add"),
        (&["update", "--model", "u.chuanda", "--remove", "missing.doc", "--output", "x"], "--remove"),
    ] {
        let ran = run(path, arguments, b"");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(names), "{arguments:?}: {}", ran.stderr);
    }
}

/// A part of the articles is not all of them, and none is an error that names the flag.
#[test]
fn an_update_says_what_it_was_calibrated_on() {
    let directory =
        files(&[("all.jsonl", labelled().as_bytes()), ("few.jsonl", every(2, 0).as_bytes()), ("0.jsonl", b"")]);
    let path = directory.path();
    let update = |extra: &[&str]| {
        let model = model().to_str().unwrap();
        run(path, &[&["update", "--model", model, "--output", "u.chuanda", "--format", "json"], extra].concat(), b"")
    };
    for (calibrate_on, code, expect) in [
        (&["all.jsonl"][..], 0, json!([true, 32, 0, 32])),
        (&["few.jsonl"], 1, json!([false, 16, 16, 16])),
        (&["few.jsonl", "all.jsonl"], 0, json!([true, 32, 0, 32])),
    ] {
        let ran = update(&[&["--calibrate-on"], calibrate_on].concat());
        assert_eq!(ran.code, code, "{}", ran.stderr);
        let names = ["calibrated", "calibrated_on", "not_calibrated_on", "sample"];
        let found = names.map(|name| ran.lines()[0][name].clone());
        assert_eq!(json!(found), expect, "{calibrate_on:?}");
    }
    let ran = update(&["--remove", "few.jsonl"]);
    check(&ran.lines()[0], "/calibrated", &json!(false));
    check(&ran.lines()[0], "/calibrated_on", &Value::Null);

    fs::remove_file(path.join("u.chuanda")).unwrap();
    for (extra, expect) in [
        (&["--remove", "all.jsonl"][..], "error: --remove all.jsonl: these are all articles of the model: leave some"),
        (&["--calibrate-on", "0.jsonl"], "error: --calibrate-on 0.jsonl: no article of the model: name files"),
        (&["--remove", "few.jsonl", "--calibrate-on", "few.jsonl"], "error: --calibrate-on few.jsonl: no article of"),
        (&["--remove", "all.jsonl", "--add", "1.jsonl"], "error: --remove: articles of at least two labels"),
        (&["--calibrate-on", "1.jsonl"], "error: --calibrate-on: articles of at least two labels"),
    ] {
        fs::write(path.join("1.jsonl"), every(32, 0)).unwrap();
        let ran = update(extra);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{extra:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(expect), "{extra:?}: {}", ran.stderr);
        assert!(!path.join("u.chuanda").exists(), "{extra:?}");
    }
}

#[test]
fn labels_come_from_a_catalog_or_from_the_data() {
    let renamed = labelled().replace("\"symposium\"", "\"round_table\"");
    let directory =
        files(&[("a.jsonl", renamed.as_bytes()), ("b.txt", "The Intermediate Court held a symposium.".as_bytes())]);
    let path = directory.path();
    for extra in [&["--labels", "none"][..], &["--allow-new-labels"]] {
        let ran = run(path, &[&["train", "--data", "a.jsonl", "--output", "m.chuanda"], extra].concat(), b"");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let ran = run(path, &["analyze", "--model", "m.chuanda", "b.txt"], b"");
        check(&ran.lines()[0], "/meeting_type/label", &json!("round_table"));
    }
}

#[test]
fn evaluation_knows_what_was_trained_on() {
    let fresh = json!({"text": COURT, "meeting_type": "study_session", "relaying_department": "audit_bureau"});
    let directory = files(&[("a.jsonl", format!("{}{fresh}\n", labelled()).as_bytes())]);
    let model = model().to_str().unwrap();
    let ran = run(directory.path(), &["evaluate", "--data", "a.jsonl", "--model", model, "--format", "json"], b"");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let figures: Value = serde_json::from_str(&ran.stdout).unwrap();
    check(&figures, "/articles", &json!(33));
    check(&figures, "/trained_on", &json!(32));
    check(&figures, "/axes/1/metrics/confusions/0/predicted", &json!("court"));
    let ran = run(directory.path(), &["evaluate", "--data", "a.jsonl", "--model", model], b"");
    assert!(ran.stdout.contains("33 articles; the model was trained on 32 of them"), "{}", ran.stdout);
    assert!(ran.stdout.contains("  label          articles  precision  recall     F1\n"), "{}", ran.stdout);
}

/// What can be no label is refused with the same words by whatever reads labelled articles.
#[test]
fn labels_that_are_none_are_refused_alike() {
    let label = |label: &str| format!("{}\n", json!({"text": COURT, "meeting_type": label}));
    let data =
        [label("\u{1b}[31mred"), label(&"a".repeat(100_000)), label(&"会".repeat(50)), label("two words")].concat();
    let directory = files(&[("bad.jsonl", data.as_bytes()), ("good.jsonl", labelled().as_bytes())]);
    let model = model().to_str().unwrap();
    let limit = "is no label id: 1 to 128 bytes without white space or control characters";
    let expect = [
        format!("bad.jsonl:1: meeting_type: \"\\u{{1b}}[31mred\" {limit}"),
        format!("bad.jsonl:2: meeting_type: \"{}\u{2026}\" {limit}", "a".repeat(128)),
        format!("bad.jsonl:3: meeting_type: \"{}\u{2026}\" {limit}", "会".repeat(42)),
        format!("bad.jsonl:4: meeting_type: \"two words\" {limit}"),
        "4 of 36 failed".to_owned(),
    ];
    for arguments in [
        &["train", "--output", "m.chuanda", "--labels", "none"][..],
        &["count", "--output", "c.counts", "--allow-new-labels"],
        &["evaluate", "--model", model],
        &["evaluate", "--model", model, "--against", model, "--report", "r.html"],
    ] {
        let ran = run(directory.path(), &[arguments, &["--data", "bad.jsonl", "good.jsonl"]].concat(), b"");
        assert_eq!(
            (ran.code, ran.stderr.lines().collect::<Vec<_>>()),
            (1, expect.iter().map(String::as_str).collect())
        );
    }
}

/// Labelled articles, of which some are hostile and one carries a label that no model has.
fn asked() -> String {
    let hostile = json!({
        "id": "<script>alert(1)</script>", "title": "</title><img src=x onerror=alert(1)>",
        "text": format!("{COURT} <b>\"'&amp;"), "meeting_type": "symposium", "relaying_department": "tea&<i>house</i>",
    });
    format!("{}{hostile}\n", labelled())
}

#[test]
fn evaluation_writes_a_page_that_stands_alone() {
    let directory = files(&[("a.jsonl", asked().as_bytes()), ("old.html", b"what stood there")]);
    let path = directory.path();
    let model = model().to_str().unwrap();
    let mut pages = Vec::new();
    for (report, threads) in [("new.html", "2"), ("old.html", "1")] {
        let arguments = ["evaluate", "--data", "a.jsonl", "--model", model, "--report", report, "--threads", threads];
        let ran = run(path, &arguments, b"");
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(ran.stdout.contains("95% interval"), "{}", ran.stdout);
        pages.push(fs::read_to_string(path.join(report)).unwrap());
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(fs::read_dir(path).unwrap().count(), 3, "nothing else is left");
    let page = &pages[0];
    for part in [
        "33 articles. The model was trained on 32 of them",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&lt;/title&gt;&lt;img src=x",
        "tea&amp;&lt;i&gt;house&lt;/i&gt;",
        "&lt;b&gt;&quot;&#39;&amp;amp;",
        "<mark>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for part in ["<script", "<img", "<b>", "<i>", "://"] {
        assert!(!page.contains(part), "{part}");
    }
    #[cfg(unix)]
    {
        let ran = run(path, &["evaluate", "--data", "a.jsonl", "--model", model, "--report", "/dev/stdout"], b"");
        assert!(ran.stdout.starts_with(page), "{}", ran.stdout);
    }
}

#[test]
fn two_models_are_compared_article_by_article() {
    let renamed = labelled().replace("\"symposium\"", "\"round_table\"");
    let directory = files(&[("a.jsonl", asked().as_bytes()), ("b.jsonl", renamed.as_bytes())]);
    let path = directory.path();
    let ran = run(path, &["train", "--data", "b.jsonl", "--output", "b.chuanda", "--labels", "none"], b"");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let model = model().to_str().unwrap();
    let compare = |extra: &[&str]| {
        let ran = run(path, &[&["evaluate", "--data", "a.jsonl", "--model", model], extra].concat(), b"");
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        ran.stdout
    };

    let figures: Value = serde_json::from_str(&compare(&["--against", model, "--format", "json"])).unwrap();
    assert_eq!(figures["against"]["axes"], figures["axes"]);
    for axis in ["/comparison/0", "/comparison/1"] {
        let at = |name: &str| figures.pointer(&format!("{axis}/{name}")).unwrap_or(&Value::Null);
        assert_eq!((at("accuracy_difference"), at("p_value")), (&json!(0.0), &json!(1.0)));
        assert_eq!((at("only_correct"), at("log_loss_difference")), (&json!([0, 0]), &json!(0.0)));
        assert_eq!(at("log_loss_difference_interval"), &json!([0.0, 0.0]));
    }
    check(&figures, "/comparison/1/unknown_labels", &json!([1, 1]));

    // Half of the types go by another name there: as many wrong answers, though it was trained on the same texts.
    let figures: Value = serde_json::from_str(&compare(&["--against", "b.chuanda", "--format", "json"])).unwrap();
    check(&figures, "/against/trained_on", &json!(32));
    check(&figures, "/comparison/0/articles", &json!(33));
    check(&figures, "/comparison/0/unknown_labels", &json!([0, 17]));
    check(&figures, "/comparison/0/only_correct", &json!([16, 0]));
    let p = figures["comparison"][0]["p_value"].as_f64().unwrap();
    assert!((p * 32768.0 - 1.0).abs() < 1e-9, "{p}: twice one half to the power of 16");
    check(&figures, "/comparison/1/only_correct", &json!([0, 0]));
    let text = compare(&["--against", "b.chuanda", "--report", "r.html"]);
    for part in ["right in this model only 16, in the other only 0: p < 0.0001", "does not have 0, the other 17"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let page = fs::read_to_string(path.join("r.html")).unwrap();
    for part in ["Comparison", "16 only in this one", "p &lt; 0.0001", "17 one that the other does not have"] {
        assert!(page.contains(part), "{part}");
    }
}

/// No command writes over what it reads, be it named, in a directory or the catalog.
#[test]
fn data_are_not_written_over() {
    let catalog = fs::read("models/default/labels.toml").unwrap();
    let directory = files(&[("a.jsonl", labelled().as_bytes()), ("labels.toml", &catalog)]);
    let path = directory.path();
    for command in ["train", "count"] {
        for arguments in [
            &["--data", "a.jsonl", "--output", "a.jsonl"][..],
            &["--data", ".", "--output", "a.jsonl"],
            &["--data", "a.jsonl", "--labels", "labels.toml", "--output", "labels.toml"],
        ] {
            let ran = run(path, &[&[command], arguments].concat(), b"");
            assert_eq!(ran.code, 2, "{command} {arguments:?}: {}", ran.stderr);
            assert!(ran.stderr.contains("error: --output: the file is "), "{}", ran.stderr);
        }
    }
    assert_eq!(fs::read(path.join("a.jsonl")).unwrap(), labelled().as_bytes());
    assert_eq!(fs::read(path.join("labels.toml")).unwrap(), catalog);
}

#[test]
fn evaluation_refuses_what_it_cannot_read_or_write() {
    let directory =
        files(&[("a.jsonl", labelled().as_bytes()), ("m.chuanda", &fs::read(model()).unwrap()), ("e.jsonl", b"")]);
    let path = directory.path();
    for (extra, code, expect) in [
        (&["--against", "none.chuanda"][..], 3, "error: --against none.chuanda: "),
        (&["--against", "a.jsonl"], 3, "error: --against a.jsonl: not a chuanda model file"),
        (&["--report", "no/such/report.html"], 2, "error: --report no/such/report.html: "),
        (&["--report", "."], 2, "error: --report .: is a directory"),
        (&["--report", "./a.jsonl"], 2, "error: --report: the file is also --data a.jsonl"),
        (&["--report", "m.chuanda"], 2, "error: --report: the file is also --model m.chuanda"),
        (&["--report", "e.jsonl", "--against", "e.jsonl"], 2, "error: --report: the file is also --against e.jsonl"),
    ] {
        let ran = run(path, &[&["evaluate", "--data", "a.jsonl", "--model", "m.chuanda"], extra].concat(), b"");
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{extra:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with(expect), "{expect} in {}", ran.stderr);
    }
    let ran = run(path, &["evaluate", "--data", "e.jsonl", "--model", "m.chuanda", "--report", "r.html"], b"");
    let expect = "error: --data e.jsonl: no labelled articles: name files whose records have \"text\", and \"meeting_type\" \
                  or \"relaying_department\"\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (1, expect));
    assert_eq!(fs::read_dir(path).unwrap().count(), 3, "no page without figures");
}

#[cfg(unix)]
#[test]
fn the_server_says_where_it_listens_and_ends_on_a_signal() {
    let directory = TempDir::new().unwrap();
    let address_file = directory.path().join("address");
    let arguments = ["--listen", "127.0.0.1:0", "--address-file", "address", "--model", model().to_str().unwrap()];
    let mut server = RunningServer::start(directory.path(), &arguments);
    let address = server.address();
    TcpStream::connect(&address).expect("the address logged can be connected to");
    assert_eq!(fs::read_to_string(&address_file).unwrap(), format!("{address}\n"));
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log:?}");
    assert!(!address_file.exists());
}

/// Interrupted while it writes a file, the program leaves neither a half-written file nor a temporary one.
#[cfg(unix)]
#[test]
fn a_signal_leaves_no_temporary_file() {
    for signal in ["-INT", "-TERM"] {
        let directory = TempDir::new().unwrap();
        let output = directory.path().join("answers.jsonl");
        fs::write(&output, "what stood there").unwrap();
        let mut command = program(directory.path(), &["analyze", "--input-format", "jsonl", "--output"]);
        command.arg(&output).arg("--model").arg(model());
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let files = || fs::read_dir(directory.path()).unwrap().count();
        // The program waits for its input, which stays open; the temporary file appears before it reads any.
        while files() < 2 {
            thread::yield_now();
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        }
        // Waiting would close the input, and the end of the input may be seen before the signal.
        let _stdin = child.stdin.take().unwrap();
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(files(), 1);
        assert_eq!(fs::read_to_string(&output).unwrap(), "what stood there");
    }
}
