//! Stems of English words, as the reference implementation of ROUGE takes them.
//!
//! The algorithm is that of Porter (1980), "An algorithm for suffix stripping", with the departures that NLTK documents
//! and makes by default (`NLTK_EXTENSIONS`): a list of irregular forms; `ies` and `ied` become `ie` in words of four
//! letters; `y` becomes `i` after any consonant that is not the first letter; `alli` is taken first and the rest looked
//! at again; `bli` in place of `abli`; `fulli` and `logi` beside the other suffixes; a vowel and a consonant alone count as
//! a short syllable. Words stand in ASCII lower case; digits are consonants.
//!
//! No crate gives these stems: those at hand follow the paper or its successor, Snowball's English stemmer.

/// Words whose stem is not what the rules say.
const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// Suffixes of the second step and what they become after a stem of measure above 0.
const STEP_2: [(&str, &str); 21] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];

/// Those of the third step, likewise.
const STEP_3: [(&str, &str); 7] =
    [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];

/// Those of the fourth step, which go after a stem of measure above 1.
const STEP_4: [&str; 19] = [
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti",
    "ous", "ive", "ize",
];

/// The stem of a word.
pub(super) fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(irregular, _)| *irregular == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 {
        return word.to_owned();
    }
    let mut word = y_to_i(past(plural(word)));
    while let Some(stem) = word.strip_suffix("alli").filter(|stem| measure(stem) > 0) {
        word = format!("{stem}al");
    }
    if let Some(rest) = word.strip_suffix("logi") {
        // The l counts with the stem, so that short ones such as geo are treated as archaeo is.
        if measure(&format!("{rest}l")) > 0 {
            word = format!("{rest}log");
        }
    } else {
        word = replaced(word, &STEP_2);
    }
    word = replaced(word, &STEP_3);
    let suffix = STEP_4.iter().find_map(|suffix| Some((*suffix, word.strip_suffix(suffix)?)));
    if let Some((suffix, stem)) = suffix
        && measure(stem) > 1
        && (suffix != "ion" || stem.ends_with(['s', 't']))
    {
        word.truncate(stem.len());
    }
    if let Some(stem) = word.strip_suffix('e')
        && (measure(stem) > 1 || (measure(stem) == 1 && !ends_short(stem)))
    {
        word.truncate(stem.len());
    }
    if let Some(stem) = word.strip_suffix('l')
        && stem.ends_with('l')
        && measure(stem) > 1
    {
        word.truncate(stem.len());
    }
    word
}

/// Step 1a.
fn plural(word: &str) -> String {
    let ending = [("sses", "ss"), ("ies", if word.len() == 4 { "ie" } else { "i" }), ("ss", "ss"), ("s", "")];
    let ending = ending.into_iter().find_map(|(suffix, other)| Some((word.strip_suffix(suffix)?, other)));
    ending.map_or(word.to_owned(), |(stem, other)| format!("{stem}{other}"))
}

/// Step 1b.
fn past(word: String) -> String {
    if let Some(stem) = word.strip_suffix("ied") {
        return format!("{stem}{}", if word.len() == 4 { "ie" } else { "i" });
    }
    if let Some(stem) = word.strip_suffix("eed") {
        return if measure(stem) > 0 { format!("{stem}ee") } else { word };
    }
    let stem = word.strip_suffix("ed").or_else(|| word.strip_suffix("ing"));
    let Some(stem) = stem.filter(|stem| consonants(stem).any(|consonant| !consonant)) else { return word };
    let mut stem = stem.to_owned();
    let is_double = matches!(stem.as_bytes(), [.., a, b] if a == b);
    if stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz") {
        stem.push('e');
    } else if is_double && consonants(&stem).last() == Some(true) {
        if !stem.ends_with(['l', 's', 'z']) {
            stem.pop();
        }
    } else if measure(&stem) == 1 && ends_short(&stem) {
        stem.push('e');
    }
    stem
}

/// Step 1c.
fn y_to_i(mut word: String) -> String {
    let stem = word.strip_suffix('y').filter(|stem| stem.len() > 1);
    if stem.is_some_and(|stem| consonants(stem).last() == Some(true)) {
        word.pop();
        word.push('i');
    }
    word
}

/// The word with the first suffix of a list that it has replaced, if what stands before it has a measure above 0.
fn replaced(word: String, suffixes: &[(&str, &str)]) -> String {
    let found = suffixes.iter().find_map(|(suffix, other)| Some((word.strip_suffix(suffix)?, *other)));
    match found {
        Some((stem, other)) if measure(stem) > 0 => format!("{stem}{other}"),
        Some(_) | None => word,
    }
}

/// Of each letter, whether it is a consonant. A y is one at the start and after a vowel.
fn consonants(word: &str) -> impl Iterator<Item = bool> {
    word.bytes().scan(false, |before, byte| {
        *before = match byte {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => !*before,
            _ => true,
        };
        Some(*before)
    })
}

/// How many times a vowel is followed by a consonant.
fn measure(word: &str) -> usize {
    consonants(word).zip(consonants(word).skip(1)).filter(|(first, second)| !first && *second).count()
}

/// Whether a word ends in consonant, vowel and a consonant other than w, x and y, or is a vowel and a consonant.
fn ends_short(word: &str) -> bool {
    let ending: Vec<bool> = consonants(word).skip(word.len().saturating_sub(3)).collect();
    ending == [false, true] || (ending == [true, false, true] && !word.ends_with(['w', 'x', 'y']))
}
