//! The document: an article, read once.

use std::sync::LazyLock;

use super::{
    Article, Language, Part, Span, Token, TokenKind, Zone, furniture, headline, language,
    lines::{self, Line, Reader},
    phrases::Phrases,
    sentences, tokens, zones,
};

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

/// What padded closing paragraphs open with.
static CLOSING_OPENERS: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "overall|in conclusion|in summary|to sum up|all in all|in short|in sum|to conclude|ultimately|in essence|\
         looking ahead|going forward|by engaging in|by holding this|by holding such|总之|综上|综上所述|总的来说|总体而言",
    )])
});

/// What only padded closing paragraphs say.
static CLOSING_PHRASES: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "marks an important milestone|marked an important milestone|marks a significant milestone|marks an important step|\
         marked an important step|marks a significant step|marked a significant step|is an important milestone|\
         is poised to|are poised to|served as a platform|serves as a platform|demonstrated its commitment|\
         demonstrates the commitment|demonstrated the commitment|has demonstrated its commitment|demonstrates its commitment|\
         reflects the commitment|sent a clear signal|sends a clear signal|laid a solid foundation for|\
         lays a solid foundation for|injected fresh impetus|injects new momentum|brighter future|remains dedicated to|\
         remains committed to|a testament to|is determined to protect|leaves behind a clear|for a better future|\
         stands ready to|set the stage for|sets the stage for|sustainable growth",
    )])
});

impl<'a> Document<'a> {
    /// Reads an article. A language the caller states wins over the one found. Text and title are read up to 4 GiB.
    #[must_use]
    pub fn new(article: Article<'a>, language: Option<Language>) -> Self {
        let text = readable(article.text);
        let title = article.title.map(readable).filter(|title| !title.trim().is_empty());
        let title_tokens = title.map(|title| tokens::tokenize(title, Part::Title));
        let text_tokens = tokens::tokenize(text, Part::Text);
        let reader = Reader { text, tokens: &text_tokens };
        let language = language.unwrap_or_else(|| language::detect(reader));

        let all_lines = lines::lines(reader);
        let mut content = all_lines.clone();
        let mut taken = furniture::remove(reader, &mut content);
        let only_furniture = content.is_empty() && !text_tokens.is_empty();
        if only_furniture {
            content = all_lines.into_iter().filter(|line| !line.tokens.is_empty()).collect();
            taken.clear();
        }
        let found = headline::take(reader, title_tokens.as_deref(), &mut content, &mut taken);

        let mut builder = Builder { reader, tokens: title_tokens.unwrap_or_default(), sentences: Vec::new() };
        builder.tokens.reserve(text_tokens.len());
        if let Some(title) = title {
            let reader = Reader { text: title, tokens: &builder.tokens.clone() };
            builder.mark_title(reader);
        }
        for line in &found.lines {
            builder.headline(line);
        }
        builder.body(&content);
        let span = |start: usize, end: usize| Span { start, end, part: Part::Text };
        let headline = match title {
            Some(title) => {
                let start = title.len() - title.trim_start().len();
                Some(Span { start, end: start + title.trim().len(), part: Part::Title })
            }
            None => found.lines.get(found.main).map(|line| span(line.start, line.end)),
        };
        taken.retain(|(start, end)| start < end);
        taken.sort_unstable();
        let mut furniture: Vec<Span> = Vec::with_capacity(taken.len());
        for (start, end) in taken {
            match furniture.last_mut() {
                Some(last) if start < last.end => last.end = last.end.max(end),
                Some(_) | None => furniture.push(span(start, end)),
            }
        }
        Document {
            article,
            language,
            headline,
            sentences: builder.sentences,
            tokens: builder.tokens,
            furniture,
            only_furniture,
        }
    }
}

/// The part of a string that 32-bit positions reach.
fn readable(string: &str) -> &str {
    let mut end = string.len().min(u32::MAX as usize);
    while !string.is_char_boundary(end) {
        end -= 1;
    }
    string.get(..end).unwrap_or_default()
}

/// Puts tokens with their zones and sentences together, in reading order.
struct Builder<'a> {
    reader: Reader<'a>,
    tokens: Vec<Token>,
    sentences: Vec<Sentence>,
}

impl Builder<'_> {
    fn mark_title(&mut self, title: Reader<'_>) {
        let all = 0..self.tokens.len();
        finish(title, all.clone(), &mut self.tokens, Zone::HeadlineOwn, Zone::HeadlineConveyed, all.end);
    }

    fn headline(&mut self, line: &Line) {
        self.append(line.tokens.clone(), Zone::HeadlineOwn, Zone::HeadlineConveyed, line.tokens.end);
    }

    /// Adds the tokens of one headline line or sentence; those from `body_from` on are body.
    fn append(
        &mut self,
        range: std::ops::Range<usize>,
        own: Zone,
        conveyed: Zone,
        body_from: usize,
    ) -> std::ops::Range<usize> {
        let first = self.tokens.len();
        self.tokens.extend_from_slice(self.reader.tokens(range.clone()));
        if let Some(added) = self.tokens.get_mut(first..) {
            finish(self.reader, range, added, own, conveyed, body_from);
        }
        first..self.tokens.len()
    }

    fn body(&mut self, content: &[Line]) {
        let mut pieces = Vec::new();
        let mut paragraphs = Vec::new();
        for (paragraph, line) in content.iter().enumerate() {
            sentences::split(self.reader, line, &mut pieces);
            paragraphs.resize(pieces.len(), paragraph);
        }
        let (lead, lead_end) = zones::lead(self.reader, pieces.iter().map(|piece| piece.tokens.clone()));
        let closing = closing(self.reader, &pieces, &paragraphs);
        self.sentences.reserve(pieces.len());
        for (index, (piece, paragraph)) in pieces.into_iter().zip(paragraphs).enumerate() {
            let role = match index {
                _ if index < lead => Role::Lead,
                _ if index >= closing => Role::Closing,
                _ => Role::Body,
            };
            let tokens = match role {
                Role::Lead => self.append(piece.tokens, Zone::LeadOwn, Zone::LeadConveyed, lead_end),
                Role::Body | Role::Closing => self.append(piece.tokens, Zone::Body, Zone::Body, 0),
            };
            self.sentences.push(Sentence { start: piece.start, end: piece.end, tokens, role, paragraph });
        }
    }
}

/// Fills in zone and joins of `tokens`, which are those of `range` of the reader.
fn finish(
    reader: Reader<'_>,
    range: std::ops::Range<usize>,
    tokens: &mut [Token],
    own: Zone,
    conveyed: Zone,
    body_from: usize,
) {
    for (token, at) in tokens.iter_mut().zip(range.clone()) {
        token.zone = if at < body_from { own } else { Zone::Body };
    }
    if own != conveyed {
        zones::conveyed(reader, range.start..range.end.min(body_from).max(range.start), |marked| {
            for token in tokens.iter_mut().take(marked.end - range.start).skip(marked.start - range.start) {
                token.zone = conveyed;
            }
        });
    }
    let mut before: Option<Token> = None;
    for token in tokens.iter_mut() {
        token.joins_previous = before.is_some_and(|before| before.zone == token.zone && joins(reader, &before, token));
        before = Some(*token);
    }
}

/// Whether an n-gram may cross what stands between two neighbouring tokens.
fn joins(reader: Reader<'_>, before: &Token, token: &Token) -> bool {
    let (end, start) = (before.end as usize, token.start as usize);
    // One space, as there is nearly always.
    if end + 1 == start && reader.text.as_bytes().get(end) == Some(&b' ') {
        return before.kind != TokenKind::Han || token.kind != TokenKind::Han;
    }
    tokens::joins(reader.slice(end, start), before.kind, token.kind)
}

/// Index of the first sentence of a padded closing paragraph; the number of sentences if there is none.
///
/// It is the last paragraph of at least three, opens with a closing cue or says one of the phrases of such paragraphs,
/// and holds no number: figures are facts.
fn closing(reader: Reader<'_>, pieces: &[sentences::Piece], paragraphs: &[usize]) -> usize {
    let none = pieces.len();
    let (Some(&first), Some(&last)) = (paragraphs.first(), paragraphs.last()) else { return none };
    let start = paragraphs.partition_point(|paragraph| *paragraph < last);
    if last == first {
        return none;
    }
    let opens = |piece: &sentences::Piece| CLOSING_OPENERS.at(reader.tokens(piece.tokens.clone())).is_some();
    let pads = |piece: &sentences::Piece| {
        piece.tokens.clone().any(|at| CLOSING_PHRASES.at(reader.tokens(at..piece.tokens.end)).is_some())
    };
    let Some(found) = pieces.get(start..).and_then(|last| last.iter().position(|piece| opens(piece) || pads(piece)))
    else {
        return none;
    };
    // Phrases in the paragraph tell of all of it, a cue only of what follows.
    let from = match pieces.get(start + found) {
        Some(piece) if opens(piece) => start + found,
        Some(_) | None => start,
    };
    let has_figures = pieces.get(from..).is_some_and(|pieces| {
        pieces.iter().flat_map(|piece| reader.tokens(piece.tokens.clone())).any(|token| token.kind == TokenKind::Number)
    });
    if has_figures { none } else { from }
}
