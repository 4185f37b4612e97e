//! Counts read column by column beside counts that are read at once.

use std::{fs, path::Path};

use proptest::prelude::*;
use serde::{Serialize, Serializer, ser::SerializeTuple as _};

use super::*;
use crate::{classify::features::feature_id, model::codec};

/// Counts of 300 articles, of which four are in the sample; numbers of one byte and of several.
fn some_counts() -> Counts {
    let digest = |n: u16| {
        let mut digest = Digest([7; 16]);
        digest.0[..2].copy_from_slice(&n.to_be_bytes());
        digest
    };
    let field = Field::all().next().unwrap();
    let mut features: Vec<u64> = (0..9).map(|n| feature_id(n, field)).collect();
    features.sort_unstable();
    let axis = |labels: [&str; 2], turn: u16| AxisCounts {
        labels: labels.map(str::to_owned).to_vec(),
        documents: vec![150; 2],
        cells: Cells {
            cells: (0..9).map(|n| (n + turn) % 3).collect(),
            labels: (0..9).flat_map(|n| 0..(n + turn) % 3).collect(),
            counts: (0..9).map(|n| n * 16 + 1).collect(),
        },
    };
    let sampled = |n: u16| SampleArticle {
        digest: digest(n),
        source: (n == 1).then(|| "portal".repeat(5)),
        labels: [Some(0), None],
        features: vec![n.into(), u32::from(n) + 4],
        terms: vec![0, 2],
        ..SampleArticle::default()
    };
    Counts {
        languages: [200, 100, 0],
        features,
        axes: [axis(["a", "b"], 0), axis(["c", "d"], 1)],
        terms: vec![1, 300, u64::MAX],
        term_documents: vec![300, 1, 0],
        ledger: (0..300).map(|n| LedgerEntry { article: digest(n), text: digest(0) }).collect(),
        sample: (0..4).map(sampled).collect(),
        ..Counts::default()
    }
}

/// Bytes that are packed as they are.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        self.0.iter().try_for_each(|byte| tuple.serialize_element(byte))?;
        tuple.end()
    }
}

/// A file of counts with this section, whose checksum is right.
fn file_of(raw: &[u8]) -> Vec<u8> {
    codec::write(Kind::Counts, vec![codec::pack(&Raw(raw), SECTION, None).unwrap()]).unwrap().0
}

/// Reads all of it at once.
fn plainly(file: &[u8]) -> Result<Counts, ModelError> {
    let counts: Counts = Container::open(file)?.section(SECTION)?;
    let fault = counts.catalog.check().map_err(|error| error.to_string()).err();
    fault.or_else(|| counts.fault().map(str::to_owned)).map_or(Ok(counts), |fault| Err(malformed(&fault)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Whatever a section says whose checksum is right: it is the same as read at once, or refused as then.
    #[test]
    fn columns_say_what_the_section_says(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4), 0..4),
        keep in prop_oneof![9 => Just(usize::MAX), 1 => 0_usize..11_000],
    ) {
        let mut raw = postcard::to_stdvec(&some_counts()).unwrap();
        // Most of it is the ledger.
        let ledger = raw.windows(2).position(|pair| pair == [0xac, 2]).unwrap();
        let interesting: Vec<usize> = (0..ledger + 40).chain(raw.len() - 400..raw.len() - 5).collect();
        for (at, byte, what) in changes {
            let at = *at.get(&interesting);
            match what {
                0 => raw[at] = byte,
                1 => raw[at] ^= 1 << (byte % 8),
                2 => raw.insert(at, byte),
                _ => {
                    raw.remove(at);
                }
            }
        }
        raw.truncate(keep);
        let file = file_of(&raw);
        let stored = StoredCounts::from_bytes(file.clone()).and_then(StoredCounts::load);
        match plainly(&file) {
            Ok(counts) => prop_assert_eq!(stored.unwrap(), counts),
            Err(error) => prop_assert!(stored.is_err(), "{}", error),
        }
    }
}

#[test]
fn what_is_on_the_disk_is_what_is_held() {
    let counts = some_counts();
    assert_eq!(counts.fault(), None);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("counts");
    fs::write(&path, counts.to_bytes().unwrap()).unwrap();
    let open = |path: &Path| StoredCounts::from_file(File::open(path).unwrap());
    assert_eq!(open(&path).unwrap().load().unwrap(), counts);
    let opened = open(&path).unwrap();
    assert_eq!(opened.digest(), crate::model::PackedCounts::new(&counts).unwrap().digest());
    // Replaced, it is there until it is let go of; overwritten, it is not.
    fs::rename(&path, directory.path().join("before")).unwrap();
    fs::write(&path, b"other").unwrap();
    assert_eq!(opened.load().unwrap(), counts);
    assert!(matches!(open(&path), Err(ModelError::NotCounts)));
    let path = directory.path().join("before");
    let opened = open(&path).unwrap();
    fs::write(&path, [counts.to_bytes().unwrap(), vec![0]].concat()).unwrap();
    assert!(matches!(opened.each_feature_id(|_| {}), Err(ModelError::Read(_))));
    assert!(matches!(opened.load(), Err(ModelError::Read(_))));
    assert!(matches!(open(directory.path()), Err(ModelError::Read(_))), "a directory");
}

/// Counts are held to be damaged before all memory is taken by an article whose features have no end.
#[test]
fn endless_articles_are_refused() {
    let mut counts = some_counts();
    let held = |counts: &Counts| StoredCounts::from_bytes(file_of(&postcard::to_stdvec(counts).unwrap()));
    counts.sample[1].features = (0..1_000).collect();
    let told = |counts: &Counts| held(counts).unwrap_err().to_string();
    assert!(!told(&counts).contains("too long"), "{}", told(&counts));
    counts.sample[1].features = (0..200_000).collect();
    assert!(told(&counts).contains("a piece that is too long"), "{}", told(&counts));
    counts.sample[1].features = Vec::new();
    counts.axes[1].labels = vec![String::new(); 5_000];
    assert!(told(&counts).contains("a sequence that is too long"), "{}", told(&counts));
}
