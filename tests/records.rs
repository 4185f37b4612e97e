//! Articles in and out of files: formats, compression, positions, and everything that can be wrong with them.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use chuanda::records::{Articles, Format, Id, Input, Inputs, MAX_RECORD_BYTES, Publication};
use proptest::prelude::*;
use tempfile::TempDir;

/// Reads a file of that name and content and compares what comes of it, one line per record.
fn check(name: &str, content: &[u8], expect: &[&str]) {
    assert_eq!(records(name, content), expect, "{name}: {:?}", String::from_utf8_lossy(content));
}

/// What comes of a file of that name and content.
fn records(name: &str, content: &[u8]) -> Vec<String> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    read(&path, directory.path())
}

/// The records of a file, each as `line id title text other`, or as the message of its error.
fn read(path: &Path, directory: &Path) -> Vec<String> {
    let strip = |message: String| message.replace(&format!("{}/", directory.display()), "");
    let input = Input::file(path.to_owned(), None).unwrap();
    let articles = match Articles::open(&input) {
        Ok(articles) => articles,
        Err(error) => return vec![strip(error.to_string())],
    };
    let json = |value: &_| serde_json::to_string(value).unwrap();
    articles
        .map(|record| match record {
            Ok(article) => {
                let id = match article.id {
                    Id::Given(id) => format!("={id}"),
                    Id::Position(id) => strip(id),
                };
                let language = article.language_code;
                format!(
                    "{} {id} {:?} {:?} {language}{}",
                    article.line,
                    article.title,
                    article.text,
                    json(&article.other)
                )
            }
            Err(rejected) => {
                format!(
                    "{} ({}) {}",
                    strip(rejected.error.to_string()),
                    strip(rejected.id.as_str().to_owned()),
                    json(&rejected.other)
                )
            }
        })
        .collect()
}

#[test]
fn a_text_file_is_one_article() {
    check("a.txt", b"One.\r\nTwo.\n", &[r#"1 a.txt "" "One.\r\nTwo.\n" {}"#]);
    check("a.txt", b"\xEF\xBB\xBFOne.", &[r#"1 a.txt "" "One." {}"#]);
    check("a.txt", b"", &[r#"1 a.txt "" "" {}"#]);
    check("a.txt", b"caf\xE9!", &["a.txt:1: not UTF-8 at byte 3 (a.txt) {}"]);
    let long = vec![b'a'; MAX_RECORD_BYTES + 1];
    check("a.txt", &long, &["a.txt:1: longer than the limit of 33554432 bytes (a.txt) {}"]);
}

#[test]
fn a_line_of_jsonl_is_one_article() {
    check(
        "a.jsonl",
        b"\xEF\xBB\xBF{\"text\":\"One.\"}\r\n\n  \n{\"z\":1.50,\"text\":\"Two.\",\"id\":\"x\",\"title\":\"T\",\"a\":{\"k\": [12345678901234567890123]},\"language_code\":\"en\"}",
        &[
            r#"1 a.jsonl:1 "" "One." {}"#,
            r#"4 =x "T" "Two." en{"z":1.50,"a":{"k": [12345678901234567890123]}}"#,
        ],
    );
    // Missing, null and empty are the same, except for the text.
    check("a.jsonl", br#"{"text":"","id":"","title":null}"#, &[r#"1 a.jsonl:1 "" "" {}"#]);
}

#[test]
fn a_bad_line_of_jsonl_does_not_end_the_others() {
    for (line, expect) in [
        (r#"{"text":"a""#, "a.jsonl:2: not JSON at column 11 (a.jsonl:2) {}"),
        ("nonsense", "a.jsonl:2: not JSON at column 2 (a.jsonl:2) {}"),
        (r#"{"text":"a"} {"#, "a.jsonl:2: not JSON at column 14 (a.jsonl:2) {}"),
        (r#""secret""#, "a.jsonl:2: not a JSON object (a.jsonl:2) {}"),
        ("[1]", "a.jsonl:2: not a JSON object (a.jsonl:2) {}"),
        ("null", "a.jsonl:2: not a JSON object (a.jsonl:2) {}"),
        (r#"{"id":"x","k":2}"#, r#"a.jsonl:2: field text is missing (x) {"k":2}"#),
        (r#"{"text":null}"#, "a.jsonl:2: field text is missing (a.jsonl:2) {}"),
        (r#"{"text":["a"]}"#, "a.jsonl:2: field text must be a string and is an array (a.jsonl:2) {}"),
        (r#"{"text":{}}"#, "a.jsonl:2: field text must be a string and is an object (a.jsonl:2) {}"),
        (r#"{"text":true}"#, "a.jsonl:2: field text must be a string and is a boolean (a.jsonl:2) {}"),
        (r#"{"text":"a","id":17}"#, "a.jsonl:2: field id must be a string and is a number (a.jsonl:2) {}"),
        (r#"{"text":"a","title":-1,"id":"x"}"#, "a.jsonl:2: field title must be a string and is a number (x) {}"),
        (r#"{"text":"a","text":"b"}"#, r#"a.jsonl:2: field text is given more than once (a.jsonl:2) {"text":"b"}"#),
        (r#"{"text":"\ud800"}"#, "a.jsonl:2: field text holds an escape that stands for no character (a.jsonl:2) {}"),
    ] {
        let content = format!("{{\"text\":\"before\"}}\n{line}\n{{\"text\":\"after\"}}\n");
        let (before, after) = (r#"1 a.jsonl:1 "" "before" {}"#, r#"3 a.jsonl:3 "" "after" {}"#);
        check("a.jsonl", content.as_bytes(), &[before, expect, after]);
    }
    check(
        "a.jsonl",
        b"{\"text\":\"\xFF\"}\n{\"text\":\"after\"}",
        &["a.jsonl:1: not UTF-8 at byte 9 (a.jsonl:1) {}", r#"2 a.jsonl:2 "" "after" {}"#],
    );
    let mut long = vec![b'x'; MAX_RECORD_BYTES + 1];
    long.extend_from_slice(b"\n{\"text\":\"after\"}");
    let too_long = "a.jsonl:1: longer than the limit of 33554432 bytes (a.jsonl:1) {}";
    check("a.jsonl", &long, &[too_long, r#"2 a.jsonl:2 "" "after" {}"#]);
    let deep = format!("{{\"text\":\"a\",\"k\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let back = format!("1 a.jsonl:1 \"\" \"a\" {{\"k\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    check("a.jsonl", deep.as_bytes(), &[&back]);
}

#[test]
fn a_row_of_csv_is_one_article() {
    check(
        "a.csv",
        b"\xEF\xBB\xBFid,text,year\r\nx,\"One,\r\n\"\"two\"\".\",2023\r\n\r\n,Three.,\r\n",
        &[r#"2 =x "" "One,\r\n\"two\"." {"year":"2023"}"#, r#"5 a.csv:5 "" "Three." {"year":""}"#],
    );
    check("a.csv", b"text\n\n\nOne.", &[r#"4 a.csv:4 "" "One." {}"#]);
    check("a.csv", b"text\n", &[]);
}

#[test]
fn a_bad_row_of_csv_does_not_end_the_others() {
    check(
        "a.csv",
        b"id,text\nx\ny,b,c\nz,d\n",
        &[
            "a.csv:2: 1 fields where the header has 2 (a.csv:2) {}",
            "a.csv:3: 3 fields where the header has 2 (a.csv:3) {}",
            r#"4 =z "" "d" {}"#,
        ],
    );
    check(
        "a.csv",
        b"id,text\n\"\n\nx\",ab\xFF\nz,d\n",
        &["a.csv:2: field text: not UTF-8 at byte 2 of the field (a.csv:2) {}", r#"5 =z "" "d" {}"#],
    );
    check(
        "a.csv",
        b"text\na\n\"b\nc\n",
        &[r#"2 a.csv:2 "" "a" {}"#, "a.csv:3: a quoted field is never closed (a.csv:3) {}"],
    );
    check("a.csv", b"text\n\"", &["a.csv:2: a quoted field is never closed (a.csv:2) {}"]);
    check("a.csv", b"id,body\nx,a\n", &["a.csv:1: the header has no column text"]);
    check("a.csv", b"", &["a.csv:1: the header has no column text"]);
    let mut long = b"text\n".to_vec();
    long.extend(std::iter::repeat_n(b'x', MAX_RECORD_BYTES + 1));
    long.extend_from_slice(b"\nafter\n");
    let too_long = "a.csv:2: longer than the limit of 33554432 bytes (a.csv:2) {}";
    check("a.csv", &long, &[too_long, r#"3 a.csv:3 "" "after" {}"#]);
    let wide = format!("text\n{}\nafter\n", ",".repeat(5000));
    check(
        "a.csv",
        wide.as_bytes(),
        &["a.csv:2: more than the limit of 4096 fields (a.csv:2) {}", r#"3 a.csv:3 "" "after" {}"#],
    );
    // Each row takes as much again as the header.
    let header = |length: usize| format!("text,{}\none,x\n", "h".repeat(length - 4));
    check("a.csv", header((256 << 10) + 1).as_bytes(), &["a.csv:1: longer than the limit of 262144 bytes"]);
    check_one("a.csv", header(256 << 10).as_bytes());
    let mut not_utf8 = header(2000).into_bytes();
    not_utf8.extend_from_slice(b"one,\xFF\n");
    let told = format!("a.csv:3: field {}\u{2026}: not UTF-8 at byte 0 of the field (a.csv:3) {{}}", "h".repeat(128));
    assert_eq!(records("a.csv", &not_utf8)[1], told);
}

/// That a file holds one article and nothing else.
fn check_one(name: &str, content: &[u8]) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    let articles: Vec<_> = Articles::open(&Input::file(path, None).unwrap()).unwrap().collect();
    assert!(
        matches!(articles.as_slice(), [Ok(article)] if article.text == "one"),
        "{name}: {} records",
        articles.len()
    );
}

#[test]
fn an_object_of_too_many_fields_is_passed_over() {
    let object = |others: usize, rest: &str| format!("{{\"text\":\"one\"{}{rest}\n", ",\"\":1".repeat(others));
    check_one("a.jsonl", object(4095, "}").as_bytes());
    let after = r#"2 a.jsonl:2 "" "after" {}"#;
    let next = r#"{"text":"after"}"#;
    let too_many = "a.jsonl:1: more than the limit of 4096 fields (a.jsonl:1) {}";
    check("a.jsonl", format!("{}{next}", object(4096, "}")).as_bytes(), &[too_many, after]);
    check("a.jsonl", format!("{}{next}", object(9999, "}")).as_bytes(), &[too_many, after]);
    let not_json = "a.jsonl:1: not JSON at column 50010 (a.jsonl:1) {}";
    check("a.jsonl", format!("{}{next}", object(9999, ",}")).as_bytes(), &[not_json, after]);
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_may_have_several_parts_and_may_be_damaged() {
    let (one, two) = (b"{\"text\":\"One.\"}\n", b"{\"text\":\"Two.\"}\n");
    let (first, second) = (r#"1 NAME:1 "" "One." {}"#, r#"2 NAME:2 "" "Two." {}"#);
    for (name, compress) in
        [("a.jsonl.gz", gzip as fn(&[u8]) -> Vec<u8>), ("a.JSONL.zst", |bytes| zstd::encode_all(bytes, 1).unwrap())]
    {
        let [first, second] = [first, second].map(|expect| expect.replace("NAME", name));
        let mut parts = compress(one);
        let length = parts.len();
        parts.extend(compress(two));
        check(name, &parts, &[&first, &second]);
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, &parts[..length + 9]).unwrap();
        let records = read(&path, directory.path());
        assert_eq!(records.len(), 2, "{records:?}");
        assert_eq!(records[0], first);
        assert!(records[1].starts_with(&format!("{name}:1: ")), "{records:?}");
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.txt.gz");
    fs::write(&path, b"certainly not gzip").unwrap();
    assert_eq!(read(&path, directory.path()), ["a.txt.gz:1: invalid gzip header (a.txt.gz) {}"]);
}

#[test]
fn a_directory_stands_for_its_files_in_name_order() {
    let directory = TempDir::new().unwrap();
    let root = directory.path();
    for name in [
        "b.txt",
        "a.csv.gz",
        "c/z.jsonl",
        "c/a.TXT",
        "c/deep/m.txt.zst",
        "d.md",
        ".hidden.txt",
        ".git/x.txt",
        "c.txt",
        "C.txt",
    ] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(root, root.join("c/loop.txt")).unwrap();
        std::os::unix::fs::symlink(root.join("b.txt"), root.join("link.txt")).unwrap();
    }
    let walked: Vec<String> = Inputs::new(vec![root.to_owned(), root.join("b.txt")], None)
        .unwrap()
        .map(|input| input.unwrap().name().replace(&format!("{}/", root.display()), ""))
        .collect();
    let mut expect = vec!["C.txt", "a.csv.gz", "b.txt", "c/a.TXT", "c/deep/m.txt.zst", "c/z.jsonl", "c.txt"];
    if cfg!(unix) {
        expect.push("link.txt");
    }
    expect.push("b.txt");
    assert_eq!(walked, expect);
}

#[test]
fn a_format_is_told_by_the_name_or_given() {
    let unknown = Inputs::new(vec![PathBuf::from("-"), PathBuf::from("a.md")], None).unwrap_err();
    assert!(unknown.to_string().contains("a.md"), "{unknown}");
    let inputs: Vec<_> = Inputs::new(vec!["-".into(), "a.md".into(), "a.txt".into()], Some(Format::Csv))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(inputs.iter().all(|input| input.format() == Format::Csv));
    assert_eq!(inputs[0], Input::stdin(Format::Csv));
    let error = Articles::open(&Input::file("missing.txt".into(), None).unwrap()).err().unwrap();
    assert_eq!((error.line, &*error.file), (None, "missing.txt"));
}

#[test]
fn a_file_is_published_whole_or_not_at_all() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out");
    let names = || fs::read_dir(directory.path()).unwrap().count();
    let mut given_up = Publication::begin(&path).unwrap();
    given_up.write_all(b"half").unwrap();
    assert!(!path.exists());
    drop(given_up);
    assert_eq!(names(), 0);
    for content in [b"first".as_slice(), b"second"] {
        let mut publication = Publication::begin(&path).unwrap();
        publication.write_all(content).unwrap();
        publication.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    assert_eq!(names(), 1);
    assert!(Publication::begin(&directory.path().join("missing/out")).is_err());
}

proptest! {
    /// Whatever bytes a file has, it is read to its end, and every record has a line in it.
    #[test]
    fn no_bytes_stop_the_reader(content in proptest::collection::vec(
        prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), Just(b'{'), Just(b'a'), any::<u8>()], 0..200
    )) {
        let directory = TempDir::new().unwrap();
        for (name, head) in [("a.txt", ""), ("a.jsonl", ""), ("a.csv", "text,id\n"), ("a.txt.gz", ""), ("a.csv.zst", "")] {
            let path = directory.path().join(name);
            let content = [head.as_bytes(), &content].concat();
            fs::write(&path, &content).unwrap();
            let lines = 1 + content.iter().filter(|&&byte| byte == b'\n').count() as u64;
            if let Ok(articles) = Articles::open(&Input::file(path, None).unwrap()) {
                for record in articles {
                    let line = match record {
                        Ok(article) => article.line,
                        Err(rejected) => rejected.error.line.unwrap(),
                    };
                    prop_assert!((1..=lines).contains(&line));
                }
            }
        }
    }

    /// Rows written by the rules of RFC 4180 come back as they were.
    #[test]
    fn csv_comes_back(rows in proptest::collection::vec((".{0,20}", "[a\",\r\n ]{0,9}"), 0..20)) {
        let quote = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
        let body: String = rows.iter().map(|(title, text)| format!("{},{}\r\n", quote(title), quote(text))).collect();
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("a.csv");
        fs::write(&path, format!("title,text\r\n{body}")).unwrap();
        let read = Articles::open(&Input::file(path, None).unwrap()).unwrap();
        let read: Vec<_> = read.map(|article| article.map(|article| (article.title, article.text)).unwrap()).collect();
        prop_assert_eq!(read, rows);
    }
}
