//! An article becomes a [`Document`]: furniture, headline, sentences, tokens, zones.
//!
//! Total functions: every `&str` has an answer, nothing here can fail, block, log or read the clock. Every position is
//! a byte offset on a char boundary of the string as the caller sent it; normalising makes terms and never moves spans.

/// One article as the caller sent it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Article<'a> {
    /// The headline, if the caller holds it apart from the text. A blank title counts as none.
    pub title: Option<&'a str>,
    /// The text as it was scraped.
    pub text: &'a str,
}

/// Which of the two strings of an [`Article`] a position points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// [`Article::title`].
    Title,
    /// [`Article::text`].
    Text,
}

/// A piece of an article: the half-open byte range `start..end` of one of its strings, on char boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Span {
    /// First byte inside.
    pub start: usize,
    /// First byte after the piece.
    pub end: usize,
    /// The string that the range points into.
    pub part: Part,
}

impl Span {
    /// The piece itself; empty if the span does not fit the article.
    #[must_use]
    pub fn slice<'a>(&self, article: &Article<'a>) -> &'a str {
        let string = match self.part {
            Part::Title => article.title.unwrap_or_default(),
            Part::Text => article.text,
        };
        string.get(self.start..self.end).unwrap_or_default()
    }
}

/// The language an article is read as, found from its script and commonest words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    English,
    /// Chinese, in either script.
    Chinese,
    /// Anything else, or too little to tell.
    Undetermined,
}

impl Language {
    /// BCP 47 primary subtag.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
            Language::Undetermined => "und",
        }
    }

    /// The language of a BCP 47 code, by its primary subtag; `None` if it is another one.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let primary = code.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Language::English),
            "zh" => Some(Language::Chinese),
            "und" => Some(Language::Undetermined),
            _ => None,
        }
    }
}

/// The role of a token's place in the article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Zone {
    /// Headline, outside a clause that names a conveyed meeting.
    HeadlineOwn = 0,
    /// The clause of a headline that names the meeting being conveyed, studied, implemented.
    HeadlineConveyed = 1,
    /// Lead, outside a clause that names a conveyed meeting.
    LeadOwn = 2,
    /// The clause of the lead that names the meeting being conveyed, studied, implemented.
    LeadConveyed = 3,
    /// Everything after the lead.
    Body = 4,
}

impl Zone {
    /// All zones, in the order of their numbers.
    pub const ALL: [Zone; 5] =
        [Zone::HeadlineOwn, Zone::HeadlineConveyed, Zone::LeadOwn, Zone::LeadConveyed, Zone::Body];
}

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Letters, perhaps with digits, apostrophes or hyphen-free marks inside.
    Word,
    /// Digits only (with separators inside, as in `3.5` or `1,000`).
    Number,
    /// One Han character.
    Han,
}

/// A word, a number or a Han character, outside page furniture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Hash of the normalised word: [`term_hash`].
    pub term: u64,
    /// First byte in the token's string.
    pub start: u32,
    /// First byte after it.
    pub end: u32,
    /// The string it stands in.
    pub part: Part,
    /// The role of its place.
    pub zone: Zone,
    /// What it is made of.
    pub kind: TokenKind,
    /// Whether an n-gram may reach from the token before to this one: the same sentence or headline line, the same
    /// zone, and nothing but white space or light punctuation between (for Han characters: nothing at all).
    pub joins_previous: bool,
}

impl Token {
    /// Where the token stands.
    #[must_use]
    pub fn span(&self) -> Span {
        Span { start: self.start as usize, end: self.end as usize, part: self.part }
    }
}

/// What a sentence does in its article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Part of the lead.
    Lead,
    /// Any sentence in between.
    Body,
    /// A sentence of a padded closing paragraph that says nothing new. Does not compete for a place in a summary.
    Closing,
}

/// A sentence of [`Article::text`], outside furniture and headline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// First byte in the text. No white space at either end.
    pub start: usize,
    /// First byte after the sentence.
    pub end: usize,
    /// Its tokens, as a range of [`Document::tokens`].
    pub tokens: std::ops::Range<usize>,
    /// Its role.
    pub role: Role,
    /// Which paragraph it stands in, counted from 0.
    pub paragraph: usize,
}

/// An article, read once: what summariser and classifier both work on.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// The article as sent.
    pub article: Article<'a>,
    /// The language it is read as.
    pub language: Language,
    /// The title if there is one, else the headline found at the start of the text.
    pub headline: Option<Span>,
    /// The sentences of the text in reading order. Not empty if the text has a token.
    pub sentences: Vec<Sentence>,
    /// All tokens outside furniture, in reading order: those of the title first, then those of the text.
    pub tokens: Vec<Token>,
    /// The furniture found, in reading order, without overlaps.
    pub furniture: Vec<Span>,
    /// Nothing but furniture was found, so that all of the text was read as an article.
    pub only_furniture: bool,
}

/// The version of everything that decides which term an article's words become: tokens, folding, hash, zones. A model
/// learnt under one scheme cannot read articles under another.
pub const SCHEME: u16 = 1;

/// Hash of a term: FNV-1a with 64 bits over the UTF-8 of the word, folded to lower case, then finished with the mixing
/// step of SplitMix64. Fixed for ever under one [`SCHEME`], since it ends in model files.
#[must_use]
pub fn term_hash(word: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for folded in word.chars().flat_map(char::to_lowercase) {
        let mut buffer = [0; 4];
        for byte in folded.encode_utf8(&mut buffer).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    mix(hash)
}

/// The mixing step of SplitMix64 (Steele, Lea and Flood 2014): a bijection that spreads every bit.
#[must_use]
pub fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl<'a> Document<'a> {
    /// Reads an article. A language the caller states wins over the one found.
    #[must_use]
    pub fn new(article: Article<'a>, language: Option<Language>) -> Self {
        // Thin path: every line a paragraph, sentences at full stops, lead = the first 40 words.
        let text = article.text;
        let mut tokens = Vec::new();
        let mut sentences = Vec::new();
        let mut start = 0;
        let mut paragraph = 0;
        let bytes = text.as_bytes();
        let mut sentence_start = 0;
        let mut words = 0;
        let mut flush = |from: usize, to: usize, paragraph: usize, tokens: &mut Vec<Token>| {
            let piece = &text[from..to];
            let trimmed = piece.trim();
            if trimmed.is_empty() {
                return;
            }
            let begin = from + (piece.len() - piece.trim_start().len());
            let first = tokens.len();
            let mut at = None;
            for (i, c) in trimmed.char_indices().chain([(trimmed.len(), ' ')]) {
                if c.is_alphanumeric() {
                    at.get_or_insert(i);
                } else if let Some(s) = at.take() {
                    words += 1;
                    tokens.push(Token {
                        term: term_hash(&trimmed[s..i]),
                        start: (begin + s) as u32,
                        end: (begin + i) as u32,
                        part: Part::Text,
                        zone: if words <= 40 { Zone::LeadOwn } else { Zone::Body },
                        kind: TokenKind::Word,
                        joins_previous: tokens.len() > first,
                    });
                }
            }
            sentences.push(Sentence {
                start: begin,
                end: begin + trimmed.len(),
                tokens: first..tokens.len(),
                role: if words <= 40 { Role::Lead } else { Role::Body },
                paragraph,
            });
        };
        while start < bytes.len() {
            if bytes[start] == b'\n'
                || (bytes[start] == b'.' && bytes.get(start + 1).is_none_or(u8::is_ascii_whitespace))
            {
                flush(sentence_start, start + 1, paragraph, &mut tokens);
                sentence_start = start + 1;
                paragraph += usize::from(bytes[start] == b'\n');
            }
            start += 1;
        }
        flush(sentence_start, bytes.len(), paragraph, &mut tokens);
        Document {
            article,
            language: language.unwrap_or(Language::English),
            headline: None,
            sentences,
            tokens,
            furniture: Vec::new(),
            only_furniture: false,
        }
    }
}
