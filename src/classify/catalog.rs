//! The label catalog: the labels of both axes, what they mean, and the names they go by in articles.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Axis;

/// The labels of both axes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// By [`Axis`].
    axes: [AxisCatalog; 2],
    /// Rulings on cases that the rules leave open.
    rulings: Vec<String>,
}

/// The labels of one axis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisCatalog {
    /// The rule annotators follow.
    #[serde(default)]
    pub guide: String,
    /// The labels, in the catalog's order.
    #[serde(default)]
    pub labels: Vec<Label>,
}

/// One label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Such as `study_session`.
    pub id: String,
    /// English name.
    #[serde(default)]
    pub name_en: String,
    /// Chinese name.
    #[serde(default)]
    pub name_zh: String,
    /// What it means.
    #[serde(default)]
    pub definition: String,
    /// How it is told from its neighbours.
    #[serde(default)]
    pub rule: String,
    /// Names it goes by in articles.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// Why a catalog was refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Not TOML, or not the fields of a catalog.
    #[error("the label catalog cannot be read: line {line}: {reason}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What is wrong there, without what stands there but for a name of a field: it may be another file by mistake.
        reason: String,
    },
    /// Ids are 1 to 128 bytes without white space or control characters.
    #[error("{axis}: {id:?} is no label id: 1 to 128 bytes without white space or control characters")]
    BadId {
        /// The axis.
        axis: &'static str,
        /// The id; of a long one the beginning and an ellipsis.
        id: String,
    },
    /// An id stands twice on one axis.
    #[error("{axis}: label {id:?} stands twice")]
    Double {
        /// The axis.
        axis: &'static str,
        /// The id.
        id: String,
    },
    /// More labels than a model can hold.
    #[error("{axis}: {count} labels are over the limit {limit}", limit = Catalog::MAX_LABELS)]
    TooMany {
        /// The axis.
        axis: &'static str,
        /// How many.
        count: usize,
    },
}

/// The file, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    meeting_type: AxisCatalog,
    #[serde(default)]
    relaying_department: AxisCatalog,
    #[serde(default)]
    rulings: RawRulings,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRulings {
    #[serde(default)]
    cases: Vec<String>,
}

/// Bytes that a message shows of what may be long.
const MAX_SHOWN: usize = 128;

/// What a message shows: of a long text the beginning and an ellipsis.
pub(crate) fn shown(text: &str) -> String {
    let shown = &text[..text.floor_char_boundary(MAX_SHOWN)];
    let more = if shown.len() < text.len() { "\u{2026}" } else { "" };
    format!("{shown}{more}")
}

/// Whether a string can be a label id.
#[must_use]
pub fn is_label_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && !id.chars().any(|c| c.is_whitespace() || c.is_control())
}

impl Catalog {
    /// Labels an axis can have at most.
    pub const MAX_LABELS: usize = 4096;

    /// Reads a catalog file.
    ///
    /// # Errors
    ///
    /// Not TOML, unknown fields, ids that are malformed or stand twice, too many labels.
    pub fn from_toml(toml: &str) -> Result<Self, CatalogError> {
        let raw: Raw = toml::from_str(toml).map_err(|error| {
            let before = error.span().and_then(|span| toml.get(..span.start)).unwrap_or_default();
            // A value of the wrong type is quoted before what was expected.
            let reason = match error.message().strip_prefix("invalid ").and_then(|told| told.rsplit_once(", expected "))
            {
                Some((_, expected)) => &format!("expected {expected}"),
                None => error.message(),
            };
            CatalogError::Syntax { line: before.matches('\n').count() + 1, reason: shown(reason) }
        })?;
        let catalog = Catalog { axes: [raw.meeting_type, raw.relaying_department], rulings: raw.rulings.cases };
        catalog.check()?;
        Ok(catalog)
    }

    /// The catalog of the embedded model.
    ///
    /// # Errors
    ///
    /// None in a build whose tests pass: a test reads it.
    pub fn builtin() -> Result<Self, CatalogError> {
        Self::from_toml(include_str!("../../models/default/labels.toml"))
    }

    /// Checks ids and sizes; a catalog that comes from a model file is checked as well.
    ///
    /// # Errors
    ///
    /// As [`Catalog::from_toml`].
    pub fn check(&self) -> Result<(), CatalogError> {
        for axis in Axis::ALL {
            let labels = self.labels(axis);
            if labels.len() > Self::MAX_LABELS {
                return Err(CatalogError::TooMany { axis: axis.name(), count: labels.len() });
            }
            let mut seen = BTreeSet::new();
            for label in labels {
                if !is_label_id(&label.id) {
                    return Err(CatalogError::BadId { axis: axis.name(), id: shown(&label.id) });
                }
                if !seen.insert(&label.id) {
                    return Err(CatalogError::Double { axis: axis.name(), id: label.id.clone() });
                }
            }
        }
        Ok(())
    }

    /// The labels of an axis.
    #[must_use]
    pub fn labels(&self, axis: Axis) -> &[Label] {
        &self.axes[axis as usize].labels
    }

    /// A label by its id.
    #[must_use]
    pub fn get(&self, axis: Axis, id: &str) -> Option<&Label> {
        self.labels(axis).iter().find(|label| label.id == id)
    }

    /// The id on an axis that is nearest to a string by edit distance, first in the catalog's order among equals.
    #[must_use]
    pub fn nearest(&self, axis: Axis, id: &str) -> Option<&str> {
        let ids = self.labels(axis).iter().map(|label| label.id.as_str());
        ids.min_by_key(|candidate| edit_distance(candidate.as_bytes(), id.as_bytes()))
    }
}

/// Of some ids the one that is nearest to a string by edit distance, the first among equals, if it is near: no more than
/// a third of the string, rounded up, is mistyped.
#[must_use]
pub fn near_id<'a>(ids: impl Iterator<Item = &'a str>, id: &str) -> Option<&'a str> {
    let most = id.len().div_ceil(3);
    // The distance is at least the difference in length, which spares most of the work.
    let close = ids.filter(|candidate| candidate.len().abs_diff(id.len()) <= most);
    let distances = close.map(|candidate| (edit_distance(candidate.as_bytes(), id.as_bytes()), candidate));
    distances.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, near)| near)
}

/// Levenshtein distance over bytes, with at most the first 128 of each: enough to find a mistyped id.
fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let (a, b) = (&a[..a.len().min(128)], &b[..b.len().min(128)]);
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtin_catalog_is_whole() {
        let catalog = Catalog::builtin().unwrap();
        assert_eq!(catalog.labels(Axis::MeetingType).len(), 17);
        assert_eq!(catalog.labels(Axis::RelayingDepartment).len(), 66);
        for axis in Axis::ALL {
            for label in catalog.labels(axis) {
                assert!(!label.name_en.is_empty() && !label.name_zh.is_empty(), "{}", label.id);
            }
        }
    }

    #[test]
    fn bad_catalogs_are_refused() {
        let check = |toml: &str, expect: &str| {
            let error = Catalog::from_toml(toml).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check("[meeting_type", "line 1");
        check("[meeting_type]\nlables = []", "lables");
        check("[[meeting_type.labels]]\nid = \"\"", "no label id");
        check("\n{\"text\": \"secret\"}", "line 2");
        // However long what is wrong is, the message is not.
        for long in
            [format!("a{} = 1", "b".repeat(9_999)), format!("[[meeting_type.labels]]\nid = \"{}\"", "c".repeat(9_999))]
        {
            let told = Catalog::from_toml(&long).unwrap_err().to_string();
            assert!(told.len() < 400 && told.contains('\u{2026}'), "{told}");
        }
        for (secret, line) in [
            ("secret = \"", 1),
            ("[rulings]\nsecret secret", 2),
            ("{\"text\": \"secret\"}", 1),
            ("\nmeeting_type = \"secret\"", 2),
            ("[rulings]\ncases = \"secret\"", 2),
            ("[rulings]\ncases = [[\"secret\"]]", 2),
        ] {
            let told = Catalog::from_toml(secret).unwrap_err().to_string();
            assert!(told.contains(&format!("line {line}: ")) && !told.contains("secret"), "{told}");
        }
        check("[[meeting_type.labels]]\nid = \"a b\"", "no label id");
        check("[[meeting_type.labels]]\nid = \"a\"\n[[meeting_type.labels]]\nid = \"a\"", "stands twice");
    }

    #[test]
    fn nearest_id_is_found() {
        let catalog = Catalog::builtin().unwrap();
        assert_eq!(catalog.nearest(Axis::MeetingType, "studysession"), Some("study_session"));
        assert_eq!(catalog.nearest(Axis::RelayingDepartment, "cpcc"), Some("cppcc"));
        assert_eq!(Catalog::default().nearest(Axis::MeetingType, "x"), None);
        let near = |id| near_id(["court", "party_school", "party_group"].into_iter(), id);
        assert_eq!(near("cuort"), Some("court"));
        assert_eq!(near("qourx"), Some("court"));
        assert_eq!(near("qouxx"), None);
        assert_eq!(near("party_schol"), Some("party_school"));
        assert_eq!(near("party_grxxp"), Some("party_group"));
        assert_eq!(near("symposium"), None);
        assert_eq!(near(""), None);
    }
}
