//! Words, numbers and Han characters with the hash of their term, in one pass and without a string per token.

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Part, Span, Zone};

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

/// The version of everything that decides which term an article's words become: tokens, folding, hash, zones. A model
/// learnt under one scheme cannot read articles under another.
pub const SCHEME: u16 = 1;

/// Hash of a term: FNV-1a with 64 bits over the UTF-8 of the word, folded to lower case, full-width ASCII to ASCII and
/// the curly apostrophe to the straight one, then finished with the mixing step of SplitMix64. Soft hyphens and
/// zero-width characters do not count. Fixed for ever under one [`SCHEME`], since it ends in model files.
#[must_use]
pub fn term_hash(word: &str) -> u64 {
    let mut hash = TermHasher::new();
    for character in word.chars() {
        hash.push(character);
    }
    hash.finish()
}

/// The mixing step of SplitMix64 (Steele, Lea and Flood 2014): a bijection that spreads every bit.
#[must_use]
pub fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// [`term_hash`] while the characters come by.
struct TermHasher(u64);

impl TermHasher {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    fn push(&mut self, character: char) {
        let folded = match character {
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => return,
            '\u{2019}' => '\'',
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
            _ => character,
        };
        if folded.is_ascii() {
            // The cast is exact: the character is ASCII.
            return self.byte((folded as u8).to_ascii_lowercase());
        }
        if is_han(folded) {
            return self.encoded(folded);
        }
        folded.to_lowercase().for_each(|lower| self.encoded(lower));
    }

    fn encoded(&mut self, character: char) {
        let mut buffer = [0; 4];
        character.encode_utf8(&mut buffer).bytes().for_each(|byte| self.byte(byte));
    }

    fn finish(&self) -> u64 {
        mix(self.0)
    }
}

/// Whether a character is Han: the unified ideographs with all extensions, the compatibility ideographs and radicals,
/// and the marks that stand for one. Kana is not Han: a run of kana is a word.
#[must_use]
pub fn is_han(character: char) -> bool {
    matches!(character,
        '\u{4e00}'..='\u{9fff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{f900}'..='\u{faff}'
        | '\u{2e80}'..='\u{2fdf}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{3029}'
        | '\u{20000}'..='\u{3ffff}')
}

/// An ASCII letter in lower case, or a digit, for every byte that is one; 0 for all others.
pub(crate) const FOLDED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

/// What a character does in the scanner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    Han,
    /// Belongs to the word before it, if there is one.
    Mark,
    Other,
}

#[inline]
fn class(character: char) -> Class {
    if character.is_ascii() {
        return if character.is_ascii_alphabetic() {
            Class::Letter
        } else if character.is_ascii_digit() {
            Class::Digit
        } else {
            Class::Other
        };
    }
    class_beyond_ascii(character)
}

fn class_beyond_ascii(character: char) -> Class {
    match character {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => Class::Mark,
        // General punctuation is frequent and holds no letter but two.
        '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' => Class::Other,
        _ if is_han(character) => Class::Han,
        _ if character.is_numeric() => Class::Digit,
        _ if character.is_alphanumeric() => Class::Letter,
        _ if extends_grapheme(character) => Class::Mark,
        _ => Class::Other,
    }
}

/// Whether the character combines with a letter before it: then the two are one grapheme.
fn extends_grapheme(character: char) -> bool {
    let mut buffer = [b'a'; 5];
    let length = 1 + character.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..length]).is_ok_and(|pair| pair.graphemes(true).nth(1).is_none())
}

/// The tokens of `text`, whose length must fit `u32`; zone and joins are filled in later.
///
/// A word is a run of letters and digits with the marks and apostrophes inside; the possessive `'s` is skipped. A
/// number is a run of digits with a point or comma between two digits. A Han character stands for itself.
pub(super) fn tokenize(text: &str, part: Part) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 5 + 1);
    let mut scan = Scanner { text, at: 0 };
    loop {
        scan.skip_ascii();
        let Some(first) = scan.peek() else { break };
        let start = scan.at;
        let mut hash = TermHasher::new();
        let kind = match class(first) {
            Class::Mark | Class::Other => {
                scan.at += first.len_utf8();
                continue;
            }
            Class::Han => {
                hash.push(first);
                scan.at += first.len_utf8();
                TokenKind::Han
            }
            class @ (Class::Letter | Class::Digit) => scan.word(class, &mut hash),
        };
        tokens.push(Token {
            term: hash.finish(),
            start: start as u32,
            end: scan.at as u32,
            part,
            zone: Zone::Body,
            kind,
            joins_previous: false,
        });
        scan.skip_possessive();
    }
    tokens
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    #[inline]
    fn peek(&self) -> Option<char> {
        let byte = *self.text.as_bytes().get(self.at)?;
        if byte.is_ascii() { Some(char::from(byte)) } else { self.text.get(self.at..)?.chars().next() }
    }

    /// The character behind the next one, which is `width` bytes long.
    fn peek_behind(&self, width: usize) -> Option<char> {
        self.text.get(self.at + width..)?.chars().next()
    }

    /// Reads the word or number that begins with a character of class `first`.
    fn word(&mut self, first: Class, hash: &mut TermHasher) -> TokenKind {
        let mut only_digits = first == Class::Digit;
        let mut separated = false;
        loop {
            if !separated {
                only_digits &= !self.ascii_run(hash);
            }
            let Some(character) = self.peek() else { break };
            let width = character.len_utf8();
            let inside = match class(character) {
                Class::Digit | Class::Mark => true,
                Class::Letter if separated => false,
                Class::Letter => {
                    only_digits = false;
                    true
                }
                Class::Han => false,
                Class::Other => match character {
                    '.' | ',' if only_digits => {
                        separated |= self.peek_behind(width).is_some_and(|next| class(next) == Class::Digit);
                        separated && self.peek_behind(width).is_some_and(|next| class(next) == Class::Digit)
                    }
                    '\'' | '\u{2019}' if !only_digits => {
                        !self.at_possessive()
                            && self.peek_behind(width).is_some_and(|next| class(next) == Class::Letter)
                    }
                    _ => false,
                },
            };
            if !inside {
                break;
            }
            hash.push(character);
            self.at += width;
        }
        if only_digits { TokenKind::Number } else { TokenKind::Word }
    }

    /// Reads ASCII letters and digits, the common case, byte by byte; says whether there was a letter among them.
    fn ascii_run(&mut self, hash: &mut TermHasher) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let (mut seen, mut length, mut local) = (0, 0, TermHasher(hash.0));
        for byte in rest {
            let folded = FOLDED[usize::from(*byte)];
            if folded == 0 {
                break;
            }
            local.byte(folded);
            seen |= folded;
            length += 1;
        }
        *hash = local;
        self.at += length;
        // Letters in lower case have this bit, digits do not.
        seen & 0x40 != 0
    }

    /// Passes over ASCII white space and punctuation.
    fn skip_ascii(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| byte.is_ascii() && FOLDED[usize::from(**byte)] == 0).count();
    }

    fn at_possessive(&self) -> bool {
        self.text.get(self.at..).is_some_and(|rest| {
            let mut characters = rest.chars();
            matches!(characters.next(), Some('\'' | '\u{2019}'))
                && matches!(characters.next(), Some('s' | 'S'))
                && characters
                    .next()
                    .is_none_or(|next| !matches!(class(next), Class::Letter | Class::Digit | Class::Mark))
        })
    }

    fn skip_possessive(&mut self) {
        if matches!(self.peek(), Some('\'' | '\u{2019}')) && self.at_possessive() {
            self.at += self.peek().map_or(0, char::len_utf8) + 1;
        }
    }
}

/// Whether an n-gram may cross what stands between two tokens: white space, hyphens, quotes and brackets. Between Han
/// characters nothing may stand.
pub(super) fn joins(gap: &str, before: TokenKind, after: TokenKind) -> bool {
    if before == TokenKind::Han && after == TokenKind::Han {
        return gap.is_empty();
    }
    let gap = gap.strip_prefix("'s").or_else(|| gap.strip_prefix("\u{2019}s")).unwrap_or(gap);
    // A longer gap is a layout, not a phrase; the limit also keeps the work linear.
    gap.len() <= 12
        && gap.chars().all(|character| {
            character.is_whitespace()
                || matches!(
                    character,
                    '-' | '\u{2010}'
                        | '\u{2011}'
                        | '\''
                        | '"'
                        | '\u{2018}'
                        | '\u{2019}'
                        | '\u{201c}'
                        | '\u{201d}'
                        | '('
                        | ')'
                        | '\u{ff08}'
                        | '\u{ff09}'
                        | '&'
                        | '/'
                        | '\u{b7}'
                        | '\u{300a}'
                        | '\u{300b}'
                )
        })
}
