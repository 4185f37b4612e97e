//! Which language a text is read as.

use std::sync::LazyLock;

use super::{TokenKind, lines::Reader, phrases::Phrases};

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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Common {
    English,
    Other,
}

/// The commonest words, only those that one side does not share with the other.
static COMMON: LazyLock<Phrases<Common>> = LazyLock::new(|| {
    Phrases::new(&[
        (
            Common::English,
            "the|of|and|to|is|was|were|be|been|that|with|as|by|this|from|have|has|had|which|are|at|not|or|it|its|they|their|\
             will|would|should|must|all|who|after|before|also|into|more|new|year|people|work|said|city|county|province|meeting|\
             held|hold|party|committee|government|bureau|development|study|spirit|we|our|you|for|on",
        ),
        (
            Common::Other,
            "der|das|und|ist|nicht|mit|für|von|zu|auf|dem|den|ein|eine|sich|auch|le|la|les|des|du|une|est|et|dans|pour|qui|que|\
             sur|avec|el|los|las|del|una|por|para|con|se|il|della|di|che|per|sono|gli|het|een|van|niet|os|um|uma|não|dos|\
             och|att|det|som|på|ja|ve|bir|yang|dan|di|ini|untuk|của|và|là",
        ),
    ])
});

/// About so many tokens, evenly spread over the text, are enough to tell.
const SAMPLE: usize = 256;

/// The language of the tokens: Chinese if Han characters outnumber the letters of other scripts, English if Latin
/// letters dominate and the common words of other languages written in them do not.
pub(super) fn detect(reader: Reader<'_>) -> Language {
    let (mut han, mut latin, mut other, mut accented) = (0_usize, 0_usize, 0_usize, 0_usize);
    let (mut english, mut foreign, mut words) = (0_usize, 0_usize, 0_usize);
    let step = reader.tokens.len() / SAMPLE + 1;
    for (index, token) in reader.tokens.iter().enumerate().step_by(step) {
        match token.kind {
            TokenKind::Han => han += 1,
            TokenKind::Number => {}
            TokenKind::Word => {
                words += 1;
                let bytes = reader.text.as_bytes().get(token.start as usize..token.end as usize).unwrap_or_default();
                if bytes.is_ascii() {
                    latin += bytes.len();
                } else {
                    for character in reader.word(index).chars() {
                        match character {
                            'a'..='z' | 'A'..='Z' | '\u{ff21}'..='\u{ff5a}' => latin += 1,
                            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => {
                                latin += 1;
                                accented += 1;
                            }
                            _ if character.is_alphabetic() => other += 1,
                            _ => {}
                        }
                    }
                }
                match COMMON.at(std::slice::from_ref(token)) {
                    Some((_, Common::English)) => english += 1,
                    Some((_, Common::Other)) => foreign += 1,
                    None => {}
                }
            }
        }
    }
    // A Han character says about as much as three letters.
    if han > 0 && han * 3 > latin + other {
        return Language::Chinese;
    }
    // However broken, English has one of its commonest words in 25; a few words may do without.
    let speaks_against = foreign > english || accented * 25 > latin || english * 25 < words.saturating_sub(7);
    if latin > other + han * 3 && !speaks_against { Language::English } else { Language::Undetermined }
}
