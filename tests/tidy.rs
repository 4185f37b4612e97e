//! Holds the rules of the house that the compiler does not know: the direction between rooms, what may stand only in
//! which of them, how a file begins, what must not be left behind, and that the label catalog is in order.
//!
//! A rule is a function from one file to the complaints about it. Each is run on the whole tree, and on snippets that
//! break it, so that a rule which sees nothing is noticed.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
};

/// The rooms from the innermost to the outermost. `config` checks what an operator wrote and makes the settings of the
/// service from it, so the service does not know it.
const ROOMS: [&str; 10] =
    ["text", "summarize", "classify", "model", "learn", "records", "engine", "service", "config", "cli"];

/// What belongs to the two doors.
const AROUND_THE_DOORS: [&str; 2] = ["telemetry", "shutdown"];

/// The rooms that may wait, log, and look at the clock and the environment.
const ENGINE_AND_OUTWARD: &[&str] = &["engine", "config", "telemetry", "shutdown", "service", "cli", "main"];

/// Words of the code (`x!` is a macro call) and the only rooms of `src` in which they may stand.
const ONLY_HERE: [(&[&str], &[&str]); 7] = [
    (&["linfa", "linfa_bayes", "ndarray"], &["learn"]),
    (&["tonic", "tonic_health", "tonic_prost", "tonic_reflection", "tonic_types"], &["service", "lib"]),
    (&["async", "await", "tokio", "tracing", "env", "Instant", "SystemTime"], ENGINE_AND_OUTWARD),
    (&["fs", "File"], &["model", "records", "engine", "config", "telemetry", "shutdown", "service", "cli", "main"]),
    (&["anyhow"], &["cli", "main"]),
    (&["#[allow", "#![allow", "#[expect", "#![expect"], &["lib"]),
    (&["print!", "println!", "eprint!", "eprintln!", "stdout", "stderr"], &["cli", "main", "telemetry"]),
];

/// One file, by its path from the root of the repository.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The room of `src` that the file belongs to; `lib` and `main` for the two roots.
    fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        inside.split('/').next().map(|first| first.trim_end_matches(".rs"))
    }

    /// The text with comments, strings and character literals blanked, so that only code is left. Lines stay lines.
    fn code(&self) -> String {
        let mut code = String::with_capacity(self.text.len());
        let mut rest = self.text.as_str();
        while let Some(first) = rest.chars().next() {
            let ends_word = code.chars().next_back().is_some_and(is_word);
            let raw = rest.trim_start_matches(['b', 'c', 'r']);
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            let length = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                comment_length(rest)
            } else if !ends_word && rest[..rest.len() - raw.len()].contains('r') && raw[hashes..].starts_with('"') {
                let close = format!("\"{}", "#".repeat(hashes));
                let open = rest.len() - raw.len() + hashes + 1;
                rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len())
            } else if first == '"' {
                literal_length(rest, '"')
            } else if first == '\'' && is_char_literal(rest) {
                literal_length(rest, '\'')
            } else {
                code.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            };
            // A blank, and not nothing, so that the words on both sides stay apart.
            code.push(' ');
            code.extend(rest[..length].chars().filter(|&c| c == '\n'));
            rest = &rest[length..];
        }
        code
    }

    fn complaint(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of a block comment with those nested in it.
fn comment_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (change, step) = if rest.starts_with("/*") {
            (1, 2)
        } else if rest.starts_with("*/") {
            (-1, 2)
        } else {
            (0, rest.chars().next().map_or(1, char::len_utf8))
        };
        depth = depth.saturating_add_signed(change);
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length of a literal between two equal quotes in which a backslash hides the next character.
fn literal_length(text: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Whether a quote opens a character and not a lifetime.
fn is_char_literal(text: &str) -> bool {
    let mut next = text.chars().skip(1);
    next.next() == Some('\\') || next.next() == Some('\'')
}

/// Line of a byte offset, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// Every place where a word stands that is not part of a longer one.
fn places<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let open = word.starts_with(is_word) && code[..at].ends_with(is_word);
        let close = word.ends_with(is_word) && code[at + word.len()..].starts_with(is_word);
        !open && !close
    })
}

/// The first names of the paths that begin after `crate::` or the like: one, or those of a braced group.
fn first_names(after: &str) -> Vec<&str> {
    let name = |text: &str| text.find(|c| !is_word(c)).unwrap_or(text.len());
    let after = after.trim_start();
    let Some(group) = after.strip_prefix('{') else { return vec![&after[..name(after).max(1).min(after.len())]] };
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut expect = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expect = true,
            _ if expect && depth == 0 && !c.is_whitespace() => {
                names.push(&group[at..at + name(&group[at..]).max(c.len_utf8())]);
                expect = false;
            }
            _ => {}
        }
    }
    names
}

/// Whether the rules let a room use what stands under a name at the root of the crate.
fn may_use(room: &str, name: &str) -> bool {
    let rank = |room: &str| ROOMS.iter().position(|other| *other == room);
    match (rank(room), rank(name)) {
        // Summariser and classifier do not know each other.
        (Some(_), Some(_)) if (room, name) == ("classify", "summarize") => false,
        (Some(outer), Some(inner)) => inner < outer,
        (Some(_), None) => ["service", "cli"].contains(&room) && (name == "proto" || AROUND_THE_DOORS.contains(&name)),
        (None, Some(inner)) => Some(inner) <= rank("engine"),
        (None, None) => AROUND_THE_DOORS.contains(&name),
    }
}

/// A room uses only rooms further in. `own` tells whether the room has a module of that name itself.
fn direction(source: &Source, own: impl Fn(&str) -> bool) -> Vec<String> {
    let is_room = |name: &str| ROOMS.contains(&name) || AROUND_THE_DOORS.contains(&name);
    let Some(room) = source.room().filter(|room| is_room(room)) else { return Vec::new() };
    let code = source.code();
    let mut found = Vec::new();
    for root in ["crate", "super"] {
        for at in places(&code, root) {
            let Some(after) = code[at + root.len()..].trim_start().strip_prefix("::") else { continue };
            for name in first_names(after).into_iter().filter(|name| *name != room) {
                // `super::` leaves the room only if the name is that of another one and of no module in this one.
                let leaves = root == "crate" || ((is_room(name) || name == "proto") && !own(name));
                if leaves && !may_use(room, name) {
                    found.push(source.complaint(line_of(&code, at), &format!("`{room}` must not use `{name}`")));
                }
            }
        }
    }
    found
}

/// Some words may stand in some rooms only.
fn only_here(source: &Source) -> Vec<String> {
    let Some(room) = source.room() else { return Vec::new() };
    let code = source.code();
    let mut found = Vec::new();
    for (words, rooms) in ONLY_HERE.iter().filter(|(_, rooms)| !rooms.contains(&room)) {
        for word in *words {
            // `env!` is read when the program is compiled and is no look at the environment.
            for at in places(&code, word).filter(|at| *word != "env" || !code[at + word.len()..].starts_with('!')) {
                let rooms = rooms.join(", ");
                found.push(source.complaint(line_of(&code, at), &format!("`{word}` may stand only in: {rooms}")));
            }
        }
    }
    found
}

/// Every file says first what it is for.
fn opening(source: &Source) -> Vec<String> {
    let first = source.text.lines().next().unwrap_or_default();
    if first.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty()) {
        Vec::new()
    } else {
        vec![source.complaint(1, "does not open with a `//!` line that says what it is for")]
    }
}

/// Unfinished code.
fn leftover_code(source: &Source) -> Vec<String> {
    let code = source.code();
    let words = ["todo!", "unimplemented!", "dbg!", "#[ignore"];
    let found = words.iter().flat_map(|word| places(&code, word).map(move |at| (at, word)));
    found.map(|(at, word)| source.complaint(line_of(&code, at), &format!("`{word}` is left in"))).collect()
}

/// Notes to oneself, and paths that exist on one machine only. The words are built from parts, or this file would
/// break its own rule.
fn leftover_text(source: &Source) -> Vec<String> {
    let words = [["FIX", "ME"], ["TO", "DO"], ["XX", "X"]].map(|parts| parts.concat());
    let paths = [["../", "shared"], ["/wo", "rk/"]].map(|parts| parts.concat());
    let mut found = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        let word = words.iter().filter(|word| places(line, word).next().is_some());
        let path = paths.iter().filter(|path| line.contains(*path));
        found.extend(word.chain(path).map(|left| source.complaint(number + 1, &format!("`{left}` is left in"))));
    }
    found
}

/// The program's root parses, starts telemetry, runs one command; more belongs into a room.
fn short_main(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines < 80 { Vec::new() } else { vec![source.complaint(lines, "main.rs has to stay under 80 lines")] }
}

/// The label catalog as it stands in its file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalog {
    meeting_type: Labels,
    relaying_department: Labels,
    rulings: Rulings,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    guide: String,
    labels: Vec<Label>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    id: String,
    name_en: String,
    name_zh: String,
    definition: String,
    #[serde(rename = "rule")]
    _rule: String,
    aliases: Vec<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rulings {
    cases: Vec<String>,
}

/// Ids are unique and in snake case, nothing that is needed is blank, and a name belongs to one label of its axis.
fn catalog(source: &Source) -> Vec<String> {
    let catalog: Catalog = match toml::from_str(&source.text) {
        Ok(catalog) => catalog,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start.min(source.text.len()));
            return vec![source.complaint(line_of(&source.text, at), error.message())];
        }
    };
    // The line of a label's id, or of an alias after it.
    let line = |id: &str, alias: Option<&str>| {
        let id = source.text.find(&format!("id = \"{id}\"")).unwrap_or_default();
        let alias = alias.and_then(|alias| source.text[id..].find(&format!("\"{alias}\""))).unwrap_or_default();
        line_of(&source.text, id + alias)
    };
    let mut found = Vec::new();
    for (axis, labels) in
        [("meeting_type", &catalog.meeting_type), ("relaying_department", &catalog.relaying_department)]
    {
        let mut ids = HashMap::new();
        let mut names = BTreeMap::new();
        if labels.guide.trim().is_empty() {
            found.push(source.complaint(1, &format!("the guide of {axis} is empty")));
        }
        for label in &labels.labels {
            let snake = label
                .id
                .split('_')
                .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
            let at = line(&label.id, None);
            if !snake {
                found.push(source.complaint(at, &format!("`{}` is not in snake case", label.id)));
            }
            if ids.insert(&label.id, ()).is_some() {
                found.push(source.complaint(at, &format!("`{}` stands twice in {axis}", label.id)));
            }
            if [&label.name_en, &label.name_zh, &label.definition].iter().any(|text| text.trim().is_empty()) {
                found.push(source.complaint(at, &format!("`{}` lacks a name or a definition", label.id)));
            }
            if !(3..=30).contains(&label.aliases.len()) {
                found.push(source.complaint(at, &format!("`{}` has {} aliases", label.id, label.aliases.len())));
            }
            for alias in &label.aliases {
                let at = line(&label.id, Some(alias));
                if alias.is_empty() || alias.trim() != alias || *alias != alias.to_lowercase() {
                    found.push(source.complaint(at, &format!("`{alias}` is not a trimmed name in lower case")));
                }
                // The same words with other punctuation are the same name to a reader of terms.
                let words: Vec<&str> = alias.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
                if let Some(other) = names.insert(words.join(" "), &label.id) {
                    found.push(source.complaint(at, &format!("`{alias}` of {} is a name of {other} too", label.id)));
                }
            }
        }
        for label in &labels.labels {
            if let Some(other) = names.get(&label.name_en.to_lowercase()).filter(|other| **other != &label.id) {
                let at = line(&label.id, None);
                found.push(source.complaint(at, &format!("`{}` is an alias of {other}", label.name_en)));
            }
        }
    }
    if catalog.rulings.cases.is_empty() {
        found.push(source.complaint(1, "there are no rulings"));
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file of the repository, in the order of paths.
fn repository() -> io::Result<Vec<Source>> {
    fn walk(directory: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // Not of the repository: what cargo and git keep, and what README has a reader put here.
            let foreign = name.starts_with('.') && name != ".ci" || ["target", "venv", "gen"].contains(&name);
            if path.is_dir() && !foreign {
                walk(&path, paths)?;
            } else if path.is_file() && name != ".git" {
                paths.push(path);
            }
        }
        Ok(())
    }
    let mut paths = Vec::new();
    walk(root(), &mut paths)?;
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        // What is no text, a model file for one, is not read either.
        let Ok(text) = String::from_utf8(fs::read(&path)?) else { continue };
        let path = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        sources.push(Source { path, text });
    }
    Ok(sources)
}

/// Runs a rule over the files that `which` picks. Picking none is a mistake in the test.
fn check_tree(which: impl Fn(&str) -> bool, rule: impl Fn(&Source) -> Vec<String>) {
    let all = repository().unwrap_or_else(|error| panic!("the repository cannot be read: {error}"));
    let sources: Vec<Source> = all.into_iter().filter(|source| which(&source.path)).collect();
    assert!(!sources.is_empty(), "no file to check");
    let found: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Runs a rule on a snippet and compares the lines it complains about.
fn check(rule: impl Fn(&Source) -> Vec<String>, path: &str, text: &str, expect: &[usize]) {
    let found = rule(&Source { path: path.into(), text: text.into() });
    let line = |complaint: &String| complaint.split(':').nth(1).and_then(|line| line.parse().ok()).unwrap_or(0);
    assert_eq!(found.iter().map(line).collect::<Vec<usize>>(), expect, "{path}: {text:?}: {found:?}");
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

#[test]
fn rooms_use_only_rooms_further_in() {
    check_tree(
        |path| is_rust(path) && path.starts_with("src/"),
        |source| {
            let room = root().join("src").join(source.room().unwrap_or_default());
            direction(source, |name| room.join(format!("{name}.rs")).exists() || room.join(name).is_dir())
        },
    );
    let none = |source: &Source| direction(source, |_| false);
    check(none, "src/text/mod.rs", "use crate::text::Span;\nuse crate::model::Model;", &[2]);
    check(none, "src/summarize/graph.rs", "fn f() {\n    crate::classify::score()\n}", &[2]);
    check(none, "src/classify/mod.rs", "use crate::{\n    text::{Span, model},\n    summarize::Idf,\n};", &[1]);
    check(none, "src/classify/mod.rs", "use super::summarize;\nuse crate :: learn;\nuse crate::*;", &[2, 3, 1]);
    check(none, "src/engine/mod.rs", "use crate::{config, proto::v1, shutdown};", &[1, 1, 1]);
    check(none, "src/service/mod.rs", "use crate::{engine, shutdown, proto::v1};\nuse crate::{cli, config};", &[2, 2]);
    check(none, "src/config.rs", "use crate::{engine::Limits, service};\nuse crate::cli;", &[2]);
    check(none, "src/cli/serve.rs", "use crate::{config, service};\nuse crate::model::Model;", &[]);
    check(none, "src/learn/mod.rs", "// crate::engine\nlet s = \"crate::engine\"; let c = '\"'; // crate::cli", &[]);
    check(
        none,
        "src/learn/mod.rs",
        "let r = br#\"\"crate::cli\"#;\n/* crate::cli /* */ crate::cli */ crate::cli",
        &[2],
    );
    check(|source| direction(source, |name| name == "model"), "src/service/mod.rs", "use super::model::x;", &[]);
}

#[test]
fn some_words_stand_in_some_rooms_only() {
    check_tree(|path| is_rust(path) && path.starts_with("src/"), only_here);
    check(only_here, "src/model/mod.rs", "use linfa::Dataset;\nuse ndarray::Array2;\nlet linfas = 1;", &[1, 2]);
    check(only_here, "src/learn/mod.rs", "use linfa::Dataset;\nuse std::fs;", &[2]);
    check(only_here, "src/engine/mod.rs", "fn f() -> tonic::Status {}\nasync fn g() {}", &[1]);
    check(only_here, "src/cli/mod.rs", "use anyhow::Result;\nuse tonic_types::StatusExt;\nprintln!();", &[2]);
    check(only_here, "src/records/mod.rs", "use std::{env, fs};\nenv!(\"X\");\nstd::time::Instant::now();", &[1, 3]);
    check(only_here, "src/service/mod.rs", "eprintln!(\"println!\");\nanyhow::bail!()", &[2, 1]);
    check(only_here, "src/text/mod.rs", "//! async\nfn f() {}\nfn g() { tokio::spawn() }", &[3]);
}

#[test]
fn files_open_with_their_purpose() {
    let parts = ["src/", "tests/", "benches/", "examples/"];
    check_tree(
        |path| is_rust(path) && (path == "build.rs" || parts.iter().any(|part| path.starts_with(part))),
        opening,
    );
    check(opening, "src/text/mod.rs", "//! Tokens.\n", &[]);
    for text in ["", "use std::fs;\n//! Late.", "//!\n", "/// Not of the file.", "// Nor this."] {
        check(opening, "src/text/mod.rs", text, &[1]);
    }
}

#[test]
fn nothing_is_left_behind() {
    check_tree(is_rust, leftover_code);
    check(leftover_code, "build.rs", "dbg!(x);\n\ntodo!()\n// dbg! in a comment\n\"todo!\"", &[3, 1]);
    check(leftover_code, "tests/x.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}", &[2]);

    check_tree(|_| true, leftover_text);
    let text = ["a FIX", "ME b\nfine\nsee ../", "shared/x\n/wo", "rk/x\nTO", "DO_LIST"].concat();
    check(leftover_text, "README.md", &text, &[1, 3, 4]);
}

#[test]
fn main_is_short() {
    check_tree(|path| path == "src/main.rs", short_main);
    check(short_main, "src/main.rs", &"\n".repeat(79), &[]);
    check(short_main, "src/main.rs", &"\n".repeat(80), &[80]);
}

#[test]
fn label_catalog_is_in_order() {
    check_tree(|path| path == "models/default/labels.toml", catalog);

    let with = |first: &str, second: &str| {
        let label = |rest: &str| format!("[[meeting_type.labels]]\nid = {rest}\nname_zh = \"会\"\nrule = \"\"\n");
        let (first, second) = (label(first), label(second));
        format!(
            "[meeting_type]\nguide = \"1.\"\n{first}{second}[relaying_department]\nguide = \"1.\"\nlabels = []\n\
             [rulings]\ncases = [\"1.\"]\n"
        )
    };
    let rest = "name_en = \"A\"\ndefinition = \"d\"\naliases = [\"a\", \"b\", \"c\"]";
    let good = format!("\"one\"\n{rest}");
    let bad = |second: &str, expect: &[usize]| check(catalog, "labels.toml", &with(&good, second), expect);
    bad("\"two\"\nname_en = \"Two\"\ndefinition = \"d\"\naliases = [\"x\", \"y\", \"z\"]", &[]);
    bad("\"two\"\nname_en = \"Two\"\ndefinition = \"d\"\naliases = [\"x\", \"y\", \"(b)\"]", &[14]);
    bad("\"Two\"\nname_en = \"Two\"\ndefinition = \"\"\naliases = [\"x\", \"Y\"]", &[11, 11, 11, 14]);
    bad("\"one\"\nname_en = \"Two\"\ndefinition = \"d\"\naliases = [\"x\", \"y\", \"z\"]", &[4]);
    bad("\"two\"\nname_en = \"C\"\ndefinition = \"d\"\naliases = [\"x\", \"y\", \"z\"]", &[11]);
    bad("\"two\"\nname = \"Two\"", &[12]);
}
