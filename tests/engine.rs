//! The engine without a network: limits, snapshots, batches, cores, panics.

mod support;

use std::sync::Arc;

use chuanda::engine::{
    AnalyzeError, ArticleInput, Batch, Engine, INLINE_BYTES, Limits, OffsetEncoding, OptionsInput, SummaryLength,
    analyze, analyze_caught,
};
use chuanda::{classify::Axis, text::Part};
use support::{Gate, SECRET, gated, long_text, text, until};

fn article(id: &str, text: &str) -> ArticleInput {
    ArticleInput { id: id.to_owned(), text: text.to_owned(), ..ArticleInput::default() }
}

async fn read(engine: &Engine, article: ArticleInput) -> Result<String, AnalyzeError> {
    let model = engine.snapshot()?;
    let options = OptionsInput::default().check(&model)?;
    engine.analyze(&model, "article", article, options).await.map(|analysis| analysis.article_id)
}

#[tokio::test]
async fn nothing_is_answered_without_a_model() {
    let engine = Engine::new(Limits::default(), 1);
    assert_eq!(read(&engine, article("a", "text")).await, Err(AnalyzeError::NoModel));
    let changes = engine.changes();
    engine.activate(support::model());
    assert!(changes.has_changed().unwrap());
    assert_eq!(read(&engine, article("a", "text")).await.as_deref(), Ok("a"));
}

#[tokio::test]
async fn versions_are_looked_up() {
    let gate = Gate::new();
    let engine = gated(1, &gate);
    let current = engine.snapshot().unwrap();
    assert!(Arc::ptr_eq(&current, &engine.model("").await.unwrap()));
    assert!(Arc::ptr_eq(&current, &engine.model(current.version()).await.unwrap()));
    let other = engine.model("0123").await.unwrap_err();
    assert_eq!(other, AnalyzeError::ModelVersionNotFound("0123".to_owned()));
    // A version that cannot be one is not quoted.
    let endless = engine.model(&"v".repeat(129)).await.unwrap_err();
    assert_eq!(endless.to_string(), "model_version: 129 is over the limit max_version_bytes of 128");
}

#[tokio::test]
async fn articles_are_read_alike_here_and_on_a_thread() {
    let gate = Gate::new();
    let engine = gated(1, &gate);
    let model = engine.snapshot().unwrap();
    let options = OptionsInput::default().check(&model).unwrap();
    for text in [text(), "x ".repeat(INLINE_BYTES / 2), "x ".repeat(INLINE_BYTES / 2) + "y", long_text()] {
        let article = article("a", &text);
        let expect = analyze(&model, &article, &options);
        assert_eq!(analyze_caught(&model, &article, &options).unwrap(), expect);
        assert_eq!(engine.analyze(&model, "article", article, options.clone()).await.unwrap(), expect);
    }
}

#[tokio::test]
async fn a_panic_is_an_error_and_the_engine_goes_on() {
    let gate = Gate::new();
    let engine = gated(1, &gate);
    for text in [text(), long_text()] {
        assert_eq!(read(&engine, article("panic", &text)).await, Err(AnalyzeError::Internal));
        assert_eq!(read(&engine, article("b", &text)).await.as_deref(), Ok("b"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_answers_in_order_and_names_the_bad() {
    let gate = Gate::new();
    let engine = gated(2, &gate);
    let articles = (0..40).map(|i| {
        let text = match i {
            7 => String::new(),
            i if i % 3 == 0 => long_text(),
            _ => text(),
        };
        article(&i.to_string(), &text)
    });
    let options = OptionsInput::default().check(&engine.snapshot().unwrap()).unwrap();
    let mut batch = Batch::new(&engine, engine.snapshot().unwrap(), articles.collect(), options);
    for i in 0..40 {
        let answer = batch.next().await.unwrap();
        if i == 7 {
            let error = answer.unwrap_err().to_string();
            assert_eq!(error, "articles[7].text: required: must hold a character that is not white space");
        } else {
            assert_eq!(answer.unwrap().article_id, i.to_string());
        }
    }
    assert!(batch.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_articles_share_the_cores_and_a_dropped_batch_begins_no_more() {
    let gate = Gate::new();
    let engine = gated(2, &gate);
    let articles = (0..20).map(|i| article(&format!("hold {i}"), &long_text())).collect();
    let options = OptionsInput::default().check(&engine.snapshot().unwrap()).unwrap();
    let mut batch = Batch::new(&engine, engine.snapshot().unwrap(), articles, options);
    let first = tokio::select! {
        biased;
        answer = batch.next() => answer,
        // Two are held on the two cores, two wait for one.
        () = async { gate.entered().await; gate.entered().await; until(|| engine.waiting() == 2).await } => None,
    };
    assert_eq!((first, gate.begun()), (None, 2));
    drop(batch);
    until(|| engine.waiting() == 0).await;
    gate.open();
    assert_eq!(read(&engine, article("after", &long_text())).await.as_deref(), Ok("after"));
    assert_eq!(gate.begun(), 3);
}

#[test]
fn options_out_of_range_are_named() {
    let length = |length| OptionsInput { length: Some(length), ..OptionsInput::default() };
    let redundancy = |redundancy| OptionsInput { redundancy: Some(redundancy), ..OptionsInput::default() };
    let focus = |focus| OptionsInput { focus, ..OptionsInput::default() };
    let precision = |precision| OptionsInput { precision: Some(precision), ..OptionsInput::default() };
    let coverage = |coverage| OptionsInput { coverage: Some(coverage), ..OptionsInput::default() };
    let explain = |label: &str| OptionsInput { explain_label: label.to_owned(), ..OptionsInput::default() };
    let cases = [
        (length(SummaryLength::MaxSentences(0)), "summary_options.max_sentences: 0 is not between 1 and 1000"),
        (length(SummaryLength::MaxSentences(1001)), "summary_options.max_sentences: 1001 is not between 1 and 1000"),
        (length(SummaryLength::MaxWords(0)), "summary_options.max_words: 0 is not between 1 and 100000"),
        (length(SummaryLength::MaxWords(100_001)), "summary_options.max_words: 100001 is not between 1 and 100000"),
        (length(SummaryLength::MaxChars(9)), "summary_options.max_chars: 9 is not between 10 and 1000000"),
        (
            length(SummaryLength::MaxChars(u32::MAX)),
            "summary_options.max_chars: 4294967295 is not between 10 and 1000000",
        ),
        (length(SummaryLength::Ratio(0.0)), "summary_options.ratio: 0.0 is not above 0 and at most 1"),
        (length(SummaryLength::Ratio(-1e-300)), "summary_options.ratio: -1e-300 is not above 0 and at most 1"),
        (length(SummaryLength::Ratio(1.5)), "summary_options.ratio: 1.5 is not above 0 and at most 1"),
        (length(SummaryLength::Ratio(f64::NAN)), "summary_options.ratio: NaN is not above 0 and at most 1"),
        (redundancy(-0.1), "summary_options.redundancy: -0.1 is not between 0 and 1"),
        (redundancy(f64::INFINITY), "summary_options.redundancy: inf is not between 0 and 1"),
        (
            OptionsInput { lead_bias: Some(1.1), ..OptionsInput::default() },
            "summary_options.lead_bias: 1.1 is not between 0 and 1",
        ),
        (
            OptionsInput { min_sentence_words: 101, ..OptionsInput::default() },
            "summary_options.min_sentence_words: 101 is not between 0 and 100",
        ),
        (focus(vec!["x".to_owned(); 21]), "summary_options.focus: 21 words and phrases are over the maximum of 20"),
        (
            focus(vec!["x".to_owned(), "x".repeat(201)]),
            "summary_options.focus[1]: 201 bytes are over the maximum of 200",
        ),
        (focus(vec![" ?".to_owned()]), "summary_options.focus[0]: has no word"),
        (
            OptionsInput { max_evidence: Some(101), ..OptionsInput::default() },
            "classification_options.max_evidence: 101 is not between 0 and 100",
        ),
        (
            OptionsInput { max_alternatives: Some(101), ..OptionsInput::default() },
            "classification_options.max_alternatives: 101 is not between 0 and 100",
        ),
        (precision(0.0), "classification_options.precision: 0.0 is not above 0 and at most 1"),
        (precision(1.1), "classification_options.precision: 1.1 is not above 0 and at most 1"),
        (precision(f64::NAN), "classification_options.precision: NaN is not above 0 and at most 1"),
        (coverage(0.0), "classification_options.coverage: 0.0 is not above 0 and below 1"),
        (coverage(1.0), "classification_options.coverage: 1.0 is not above 0 and below 1"),
        (coverage(f64::NAN), "classification_options.coverage: NaN is not above 0 and below 1"),
        (
            explain("study_sesion"),
            "classification_options.explain_label: the model has no label \"study_sesion\"; the nearest is \
             \"study_session\"",
        ),
        (
            explain("statistics_bureaux"),
            "classification_options.explain_label: the model has no label \"statistics_bureaux\"; the nearest is \
             \"statistics_bureau\"",
        ),
        (explain("xyz"), "classification_options.explain_label: the model has no label \"xyz\""),
        (
            explain("study session"),
            "classification_options.explain_label: not a label id: 1 to 128 bytes without white space or control \
             characters",
        ),
    ];
    let model = support::model();
    for (options, expect) in cases {
        assert_eq!(options.check(&model).unwrap_err().to_string(), expect);
    }
    for options in [precision(1.0), precision(f64::MIN_POSITIVE), coverage(0.999), coverage(f64::MIN_POSITIVE)] {
        options.check(&model).unwrap();
    }
}

#[test]
fn a_label_is_explained_on_the_axis_that_has_it() {
    let model = support::model();
    for (label, expect) in
        [("", None), ("court", Some(Axis::RelayingDepartment)), ("work_conference", Some(Axis::MeetingType))]
    {
        let options = OptionsInput { explain_label: label.to_owned(), ..OptionsInput::default() };
        let analysis = analyze(&model, &article("a", &text()), &options.check(&model).unwrap());
        for axis in Axis::ALL {
            let explanation = analysis.axis(axis).unwrap().explanation.as_ref();
            assert_eq!(
                explanation.map(|explanation| explanation.label.as_str()),
                (expect == Some(axis)).then_some(label)
            );
        }
    }
}

#[test]
fn articles_over_a_limit_are_named_without_their_text() {
    let limits = Limits { max_article_bytes: 20, max_id_bytes: 3, ..Limits::default() };
    let base = ArticleInput { id: "abc".to_owned(), text: SECRET.to_owned(), ..ArticleInput::default() };
    assert_eq!(base.check("article", &limits), Ok(()));
    let cases = [
        (ArticleInput { id: "abcd".to_owned(), ..base.clone() }, "article.id: 4 is over the limit max_id_bytes of 3"),
        (
            ArticleInput { text: " \n\u{3000}".to_owned(), ..base.clone() },
            "article.text: required: must hold a character that is not white space",
        ),
        (
            ArticleInput { title: SECRET.repeat(2), ..base.clone() },
            "article.text: 27 is over the limit max_article_bytes of 20",
        ),
        (
            ArticleInput { language_code: "en US".to_owned(), ..base.clone() },
            "article.language_code: not a BCP 47 code",
        ),
        (ArticleInput { language_code: "e".repeat(36), ..base }, "article.language_code: not a BCP 47 code"),
    ];
    for (article, expect) in cases {
        assert_eq!(article.check("article", &limits).unwrap_err().to_string(), expect);
    }
}

/// The piece of a string between two offsets of an encoding.
fn slice(string: &str, encoding: OffsetEncoding, start: usize, end: usize) -> String {
    match encoding {
        OffsetEncoding::Utf8Bytes => string[start..end].to_owned(),
        OffsetEncoding::Utf16CodeUnits => {
            let units: Vec<u16> = string.encode_utf16().collect();
            String::from_utf16_lossy(&units[start..end])
        }
        OffsetEncoding::CodePoints => string.chars().skip(start).take(end - start).collect(),
    }
}

#[test]
fn offsets_count_what_they_say() {
    let model = support::model();
    let text = "First 𝄞 line 会议 ends here. 第二句😀很短。 The court 😀 held a work conference. Last one.";
    let title = "𝄞 Court holds work conference";
    let input = ArticleInput { title: title.to_owned(), ..article("a", text) };
    for encoding in [OffsetEncoding::Utf8Bytes, OffsetEncoding::Utf16CodeUnits, OffsetEncoding::CodePoints] {
        let options = OptionsInput {
            offset_encoding: encoding,
            length: Some(SummaryLength::MaxSentences(10)),
            explain_label: "study_session".to_owned(),
            max_evidence: Some(100),
            ..OptionsInput::default()
        };
        let analysis = analyze(&model, &input, &options.check(&model).unwrap());
        assert!(!analysis.summary.sentences.is_empty());
        for sentence in analysis.summary.sentences {
            assert_eq!(slice(text, encoding, sentence.start, sentence.end), sentence.text);
        }
        let answer = analysis.meeting_type.unwrap();
        for evidence in [answer.chosen.evidence, answer.explanation.unwrap().evidence] {
            for part in [Part::Text, Part::Title] {
                assert!(evidence.iter().flat_map(|evidence| &evidence.spans).any(|span| span.part == part));
            }
            for evidence in evidence {
                let first = evidence.spans[0];
                let string = match first.part {
                    Part::Text => text,
                    Part::Title => title,
                };
                assert_eq!(slice(string, encoding, first.start, first.end), evidence.text);
            }
        }
    }
}
