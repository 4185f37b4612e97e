//! Whether an article is like those of training, whatever its labels: by how common its words are there.
//!
//! Two figures are taken over the distinct words of an article: the share that stands in at least two training articles,
//! which other subjects and languages lower, and the mean rarity of the commonest words, which a text too short or too
//! strange to be an article raises. How far each may go is learnt from the training articles themselves, each measured
//! against the others; no text from elsewhere is needed, and a model of other labels gets limits of its own.

use serde::{Deserialize, Serialize};

/// The commonest words of an article that its rarity is taken over.
const COMMONEST: usize = 40;

/// How typical an article is of those of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Typicality {
    /// Share of its distinct words that two or more training articles hold; 0 without words.
    pub known: f64,
    /// Mean inverse document frequency of its 40 commonest distinct words; words that it is short of count as unknown.
    pub rarity: f64,
}

/// How far from typical an article of training may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypicalityLimits {
    /// The least share of known words.
    pub least_known: f64,
    /// The greatest rarity.
    pub most_rarity: f64,
}

impl Default for TypicalityLimits {
    /// No article is beyond these.
    fn default() -> Self {
        TypicalityLimits { least_known: 0.0, most_rarity: f64::MAX }
    }
}

impl Typicality {
    /// From the inverse document frequencies of the distinct words of an article, `None` for those that fewer than two
    /// training articles hold, which count as `unknown`.
    #[must_use]
    pub fn new(words: impl Iterator<Item = Option<f64>>, unknown: f64) -> Self {
        let (mut count, mut known) = (0_usize, 0_usize);
        let mut rarities: Vec<f64> = Vec::with_capacity(words.size_hint().1.unwrap_or(0));
        rarities.extend(words.map(|rarity| {
            count += 1;
            known += usize::from(rarity.is_some());
            rarity.unwrap_or(unknown)
        }));
        if rarities.len() > COMMONEST {
            rarities.select_nth_unstable_by(COMMONEST - 1, f64::total_cmp);
            rarities.truncate(COMMONEST);
        }
        // The same words in another order must not differ in the last bit.
        rarities.sort_unstable_by(f64::total_cmp);
        let missing = (COMMONEST - rarities.len()) as f64 * unknown;
        Typicality {
            known: known as f64 / count.max(1) as f64,
            rarity: (rarities.iter().sum::<f64>() + missing) / COMMONEST as f64,
        }
    }

    /// Whether it is beyond the limits.
    #[must_use]
    pub fn is_foreign(&self, limits: &TypicalityLimits) -> bool {
        self.known < limits.least_known || self.rarity > limits.most_rarity
    }
}

/// Share of training articles that may be beyond each limit.
const FOREIGN_SHARE: f64 = 0.0025;

/// With fewer articles their extremes say little, and nothing is foreign.
const MIN_ARTICLES: usize = 50;

impl TypicalityLimits {
    /// From training articles, each measured against the others.
    #[must_use]
    pub fn new(articles: &[Typicality]) -> Self {
        if articles.len() < MIN_ARTICLES {
            return Self::default();
        }
        let beyond = (articles.len() as f64 * FOREIGN_SHARE) as usize;
        let mut known: Vec<f64> = articles.iter().map(|article| article.known).collect();
        let mut rarity: Vec<f64> = articles.iter().map(|article| article.rarity).collect();
        known.sort_unstable_by(f64::total_cmp);
        rarity.sort_unstable_by(|a, b| b.total_cmp(a));
        // Rounded outwards, so that the article on the limit is inside whatever its last bits.
        const GRID: f64 = 1e6;
        TypicalityLimits {
            least_known: (known[beyond] * GRID).floor() / GRID,
            most_rarity: (rarity[beyond] * GRID).ceil() / GRID,
        }
    }

    /// Whether the values are numbers that can be compared with.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        (0.0..=1.0).contains(&self.least_known) && self.most_rarity >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_and_shortness_are_untypical() {
        let of = |known: usize, unknown: usize| {
            let words = std::iter::repeat_n(Some(2.0), known).chain(std::iter::repeat_n(None, unknown));
            Typicality::new(words, 8.0)
        };
        assert_eq!(of(100, 0), Typicality { known: 1.0, rarity: 2.0 });
        assert_eq!(of(100, 100), Typicality { known: 0.5, rarity: 2.0 });
        assert_eq!(of(20, 0), Typicality { known: 1.0, rarity: 5.0 });
        assert_eq!(of(0, 0), Typicality { known: 0.0, rarity: 8.0 });
        let limits = TypicalityLimits { least_known: 0.8, most_rarity: 3.0 };
        assert!(!of(90, 10).is_foreign(&limits));
        assert!(of(70, 30).is_foreign(&limits) && of(20, 0).is_foreign(&limits));
        assert!(!of(0, 0).is_foreign(&TypicalityLimits::default()));
    }

    #[test]
    fn limits_leave_out_few_articles() {
        let articles: Vec<Typicality> = (0..1000)
            .map(|i| Typicality { known: f64::from(i) / 1000.0, rarity: 10.0 - f64::from(i) / 1000.0 })
            .collect();
        let limits = TypicalityLimits::new(&articles);
        assert_eq!(articles.iter().filter(|article| article.is_foreign(&limits)).count(), 2);
        assert_eq!(TypicalityLimits::new(&articles[..40]), TypicalityLimits::default());
    }
}
