//! Model files: what is written is read, what is damaged is refused by name, and the embedded model is what the corpus
//! in the repository makes.
#![allow(clippy::unwrap_used)]

mod support;

use std::{fs, path::Path};

use chuanda::{
    classify::Catalog,
    learn::{Added, CatalogChoice, LabelledArticle, Trainer},
    model::{Counts, Model, ModelError, ModelFile},
};
use proptest::prelude::*;
use support::tiny_model;

fn small_model() -> Vec<u8> {
    tiny_model(["study_session", "work_conference"]).model
}

#[test]
fn what_is_written_is_read() {
    let bytes = small_model();
    let file = ModelFile::from_bytes(&bytes).unwrap();
    let model = Model::from_bytes(&bytes).unwrap();
    assert_eq!(model.version(), file.model.version());
    assert_eq!(model.version().len(), 32);
    assert_eq!(file.counts.ledger.len(), 6);
    assert_eq!(file.counts.sample.len(), 6);
    assert_eq!(file.counts.axes[0].labels, ["study_session", "work_conference"]);
    assert!(file.counts.axes[1].labels.is_empty());
    assert_eq!(ModelFile::write(file.serving, &file.counts).unwrap(), (bytes, model.version().to_owned()));
}

/// A damaged file is refused, or the damage is in a bit that means nothing and the model is the same.
#[test]
fn every_damaged_byte_is_found() {
    let bytes = small_model();
    let whole = ModelFile::from_bytes(&bytes).unwrap();
    let mut harmless = 0;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert_eq!(Counts::from_bytes(&damaged).is_ok(), ModelFile::from_bytes(&damaged).is_ok(), "byte {at}");
        if let Ok(file) = ModelFile::from_bytes(&damaged) {
            assert_eq!(file.model.version(), whole.model.version(), "byte {at}");
            assert_eq!((&file.serving, &file.counts), (&whole.serving, &whole.counts), "byte {at}");
            harmless += 1;
        }
    }
    assert!(harmless <= 24, "bits of two zstd frames that mean nothing: {harmless}");
}

#[test]
fn every_truncation_is_found() {
    let bytes = small_model();
    for length in 0..bytes.len() {
        let error = Model::from_bytes(&bytes[..length]).unwrap_err();
        assert!(matches!(error, ModelError::NotAModel | ModelError::Truncated { .. }), "{length}: {error}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(Model::from_bytes(&longer), Err(ModelError::TrailingBytes { .. })));
}

#[test]
fn other_formats_and_schemes_are_named() {
    let mut bytes = small_model();
    bytes[8] = 99;
    assert_eq!(Model::from_bytes(&bytes).unwrap_err().to_string(), "the file has format 99; this build reads format 1");
    bytes[8] = 1;
    bytes[10] = 77;
    assert!(matches!(Model::from_bytes(&bytes), Err(ModelError::Scheme { found: 77, .. })));
    assert!(matches!(Model::from_bytes(b"PK\x03\x04"), Err(ModelError::NotAModel)));
    assert!(matches!(Model::from_bytes(b""), Err(ModelError::NotAModel)));
}

/// Tables that contradict themselves are refused even when every checksum is right.
#[test]
fn forged_tables_are_refused() {
    let file = ModelFile::from_bytes(&small_model()).unwrap();
    type Forge = fn(&mut chuanda::classify::AxisTables);
    let forgeries: [(&str, Forge); 9] = [
        ("labels out of order", |axis| axis.labels.reverse()),
        ("prior", |axis| axis.prior[0] = f64::NAN),
        ("floors", |axis| axis.floors[3].clear()),
        ("weights", |axis| axis.weights[0] = f32::NAN),
        ("calibration", |axis| axis.calibration.temperature.slope = f64::NAN),
        ("settings", |axis| axis.length_exponent = f64::INFINITY),
        ("number of cells", |axis| axis.cells[0] += 1),
        ("cells", |axis| axis.cell_labels[0] = 999),
        ("cells", |axis| axis.cell_values[0] = f32::NAN),
    ];
    for (expect, forge) in forgeries {
        let mut serving = file.serving.clone();
        serving.tables.axes.iter_mut().flatten().for_each(forge);
        let error = ModelFile::write(serving, &file.counts).unwrap_err().to_string();
        assert!(error.contains(expect), "{expect}: {error}");
    }
    let mut counts = file.counts.clone();
    counts.ledger.reverse();
    assert!(ModelFile::write(file.serving.clone(), &counts).is_err());
    let mut counts = file.counts.clone();
    counts.sample[0].features.push(u32::MAX);
    assert!(ModelFile::write(file.serving.clone(), &counts).is_err());
    let mut counts = file.counts.clone();
    counts.axes[0].cells.counts[0] = u32::MAX;
    assert!(ModelFile::write(file.serving.clone(), &counts).is_err());
    let mut counts = file.counts.clone();
    counts.languages = [u64::MAX, u64::MAX, 8];
    assert!(ModelFile::write(file.serving.clone(), &counts).is_err());

    // Sections of two models, each sound by itself.
    let mut counts = file.counts.clone();
    counts.axes[0].labels.push("zoo".to_owned());
    counts.axes[0].documents.push(0);
    let error = ModelFile::write(file.serving.clone(), &counts).unwrap_err().to_string();
    assert!(error.contains("not of the same model"), "{error}");

    let mut serving = file.serving.clone();
    if let Some(report) = &mut serving.report.axes[0] {
        report.settings.alpha = f64::NAN;
    }
    let error = ModelFile::write(serving, &file.counts).unwrap_err().to_string();
    assert!(error.contains("settings"), "{error}");
}

/// Numbers as large as their type holds are no model of anything, but load and answer all the same.
#[test]
fn absurd_numbers_do_not_overflow() {
    let file = ModelFile::from_bytes(&small_model()).unwrap();
    let mut serving = file.serving;
    serving.languages = [u64::MAX; 3];
    serving.report.articles = u64::MAX;
    serving.term_documents.fill(u32::MAX);
    let model = Model::from_bytes(&ModelFile::write(serving, &file.counts).unwrap().0).unwrap();
    assert_eq!(model.languages().len(), 3);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), keep in 0_usize..120) {
        let mut file = small_model_once().to_vec();
        file.truncate(keep);
        file.extend_from_slice(&bytes);
        prop_assert!(ModelFile::from_bytes(&file).is_err());
        prop_assert!(Model::from_bytes(&bytes).is_err());
    }
}

fn small_model_once() -> &'static [u8] {
    static MODEL: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    MODEL.get_or_init(small_model)
}

/// The corpus of the embedded model, as `chuanda train` reads it.
fn default_corpus() -> Vec<LabelledArticle> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default/corpus");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let mut corpus = Vec::new();
    for file in files {
        for line in fs::read_to_string(file).unwrap().lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| value[name].as_str().map(str::to_owned);
            corpus.push(LabelledArticle {
                id: field("id").unwrap(),
                title: field("title"),
                text: field("text").unwrap(),
                labels: [field("meeting_type"), field("relaying_department")],
                group: field("group"),
                source: field("source"),
            });
        }
    }
    corpus
}

/// The committed file is what the committed corpus makes, byte for byte, and small enough to be built in.
#[test]
fn the_embedded_model_is_reproduced() {
    let mut trainer = Trainer::new(CatalogChoice::Given(Catalog::builtin().unwrap()));
    for result in trainer.add_all(&default_corpus()) {
        assert_eq!(result, Ok(Added::New));
    }
    let trained = trainer.finish().unwrap().model;
    let committed = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default/default.chuanda")).unwrap();
    assert!(committed.len() < 8 << 20);
    assert!(trained == committed, "train models/default/default.chuanda again: see CONTRIBUTING.md");
}
