//! Page furniture: what a web page puts around an article. The rules are cautious: what may be content is content.
//!
//! A line is furniture as a whole if it opens with a sure cue, or consists of dates, labels with their values, counters
//! and buttons, with at most a few words (a site's name) besides. A line of prose loses furniture at its two ends only.

use std::sync::LazyLock;

use super::{
    Token, TokenKind,
    lines::{Line, Reader, ends_with_stop},
    phrases::Phrases,
};

/// What a phrase of furniture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cue {
    /// Opens a line, or stands after the last stop of one, and takes all that follows in the line.
    Tail,
    /// Followed by a colon and a short value: `Source: Daily`, `Editor: Li`.
    Label,
    /// The same as a link to another page: it takes all of its line, however long.
    Link,
    /// A count with its number before or after: `Views 402`, `0 Comment`, `Like(7)`.
    Counter,
    /// A button: `Print`, `Close`, `big middle small`.
    Button,
}

/// The cues. Case and punctuation do not matter.
static CUES: LazyLock<Phrases<Cue>> = LazyLock::new(|| {
    Phrases::new(&[
        (
            Cue::Tail,
            "share this|share to|share on|share it|see also|you may also like|you might also like|you may be interested in|\
             you may like|leave a reply|leave a comment|related articles|related article|related reading|related news|\
             related links|relevant read|relevant reading|relevant recommend|recommended reading|recommend reading|\
             guess you like|read more|read again|hot article|hot text|hot list|hot news|hot words|hot word|the next article|\
             next article|previous article|last article|next story|next one|last one|next page|last page|upper page|\
             previous none|previous nothing|click to read|click the blue|click look again|tap to read|scan the qr code|\
             scan the code|back to list|back to top|copyright|all rights reserved|copy right|disclaimer|original statement|\
             reprinted from|reprint please|statement reprinted|statement this article|statement the article|this article comes from|this article from|this article is from|\
             this paper comes from|editor's note photo|share to wechat|your email address|continue reading|below pull to see|\
             printed from|complaint phone|\
             上一篇|下一篇|分享到|分享至|相关阅读|相关新闻|相关链接|推荐阅读|猜你喜欢|延伸阅读|免责声明|版权所有|点击展开|\
             扫一扫|扫描二维码|返回顶部|返回列表|本文由机器翻译|阅读原文|发表评论|特别声明",
        ),
        (
            Cue::Label,
            "source|come source|come from|source of picture|origin|original title|the original title|release time|release date|release|\
             release unit|published|publish time|publish date|publisher|updated|update time|date|time|date add in|editor|\
             edit|edited by|edited|web editor|editor in charge|responsible editor|editor of duty|duty editor|chief editor|\
             author|translator|translated by|translated|proofreader|proofreading|proofread|reviewer|review|reviewed by|\
             first review|second review|final review|first instance|final|contribution|contributed by|correspondent|\
             reporter|intern|photo|photos|photo by|photos by|picture|text|column|\
             webmaster|clerk|information officer|transcript|interpretation|issued by|issuing body|\
             read times|reading times|views|view|hits|clicks|click|\
             visit|visits|browse|pageviews|font|font size|type size|text size|share|from|by|no|index number|reporting phone|\
             tel|telephone|hot line|hotline|contact|attachment|\
             来源|信息来源|稿件来源|文章来源|责任编辑|责编|编辑|作者|记者|通讯员|发布时间|发布日期|发稿时间|日期|时间|浏览次数|浏览量|\
             浏览|点击数|点击|点击量|阅读|阅读量|字号|字体|供稿|审核|校对|摄影|图文|原标题|分享|发布机构|索引号|信息来源于",
        ),
        (
            Cue::Link,
            "next|previous|hot|more|recommended|recommend|relate|related|advert|statement|tag|tags|keyword|keywords|\
             key words|标签|关键词",
        ),
        (
            Cue::Counter,
            "views|view|hits|hit|click|clicks|read times|reading times|reading|page read|read|look|visit|visits|browse|comment|\
             comments|netizen comment|like|likes|collect|zan|star|times|reply|replies|by|0 by|1 by|0 by admin|by admin|\
             by editor|by net police|admin|浏览次数|浏览|点击|阅读|点赞|评论|次",
        ),
        (
            Cue::Button,
            "print|print this|print this page|print page|close|close window|close the window|close this page|\
             close this window|email this|e mail this|send to friend|save|download|download map|top|back|home|share|\
             wechat|weibo|facebook|twitter|reddit|qq|douban|sina|tencent|linkedin|font|size|text size|\
             type size|font size|text|large|medium|small|big|middle|l|m|s|a|collect|add collection|report|like|star|more|next|\
             previous|prev|news|more pictures|contact us|about us|index|original|forward|comment|favorite|bookmark|\
             copy link|打印|关闭|关闭窗口|打印本页|大|中|小|字号|收藏|分享|返回|微信|微博|首页|下一页|上一页|转发|纠错",
        ),
    ])
});

/// Words that end the name of a news source.
static SOURCE_WORDS: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "daily|news|net|network|online|release|evening|morning post|post|media|times|tv|portal|website|headline|headlines|forum|\
         hotline|hot line|mirror|window|broadcasting|newspaper|our newspaper|web|newspaper news|日报|晚报|新闻网|讯|网|发布|电视台",
    )])
});

/// Months, with the short forms.
static MONTHS: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|\
         sep|sept|oct|nov|dec",
    )])
});

/// The page a trail begins with.
static HOME: LazyLock<Phrases<()>> =
    LazyLock::new(|| Phrases::new(&[((), "home|homepage|home page|front page|index|首页")]));

/// What stands before the trail of pages that leads to an article.
static TRAILS: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "you are here|current location|current position|your position|your location|当前位置|您的位置|您所在的位置|您当前的位置",
    )])
});

/// Words that tell a line of prose from a name: no site is called so.
static GRAMMAR: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "the|a|an|is|was|were|are|will|has|have|held|hold|holds|that|which|who|its|their|he|she|they|on",
    )])
});

/// Where a line stands among the lines of prose.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The first line of all: perhaps the headline.
    First,
    /// Before the first line of prose.
    Front,
    /// Between lines of prose.
    Middle,
    /// After the last one.
    Back,
}

/// Takes the furniture out of `lines`, which keep what is content; returns the byte ranges taken, in no order.
pub(super) fn remove(reader: Reader<'_>, lines: &mut Vec<Line>) -> Vec<(usize, usize)> {
    let mut taken = Vec::new();
    let first_prose = lines.iter().position(|line| is_prose(reader, line));
    let last_prose = lines.iter().rposition(|line| is_prose(reader, line));
    let mut tail = false;
    let mut index = 0;
    let mut content_seen = false;
    lines.retain_mut(|line| {
        let place = match (first_prose, last_prose) {
            (Some(first), Some(last)) => {
                if index == 0 {
                    Place::First
                } else if index < first {
                    Place::Front
                } else if index > last {
                    Place::Back
                } else {
                    Place::Middle
                }
            }
            _ if index == 0 => Place::First,
            _ => Place::Front,
        };
        index += 1;
        if tail && place == Place::Back {
            taken.push((line.start, line.end));
            return false;
        }
        let whole = whole_line(reader, line, place);
        if let Some(opens_tail) = whole {
            tail |= opens_tail && content_seen;
            taken.push((line.start, line.end));
            return false;
        }
        let front = matches!(place, Place::First | Place::Front) || first_prose == Some(index - 1);
        let before = taken.len();
        let tail_cut = trim_ends(reader, line, front, &mut taken);
        let cut = taken.len() > before;
        tail |= tail_cut;
        // What is left of a line of furniture that a cut made recognisable.
        if cut && !line.tokens.is_empty() && whole_line(reader, line, place).is_some() {
            taken.push((line.start, line.end));
            return false;
        }
        content_seen |= !line.tokens.is_empty();
        !line.tokens.is_empty()
    });
    taken
}

/// Whether a line is surely part of an article's text: long, or a sentence with its stop.
pub(super) fn is_prose(reader: Reader<'_>, line: &Line) -> bool {
    let words = reader.words(line.tokens.clone());
    words > 40 || (words >= 8 && ends_with_stop(reader.line_text(line)) && opens_tail(reader, line).is_none())
}

/// The kind of a tail cue at the start of a line.
fn opens_tail(reader: Reader<'_>, line: &Line) -> Option<usize> {
    match CUES.at(reader.tokens(line.tokens.clone())) {
        Some((length, Cue::Tail)) => Some(length),
        Some((_, Cue::Label | Cue::Link | Cue::Counter | Cue::Button)) | None => None,
    }
}

/// `Next: ...`, `[previous] ...`, `>>> hot: ...`: a link to another page.
fn opens_link(reader: Reader<'_>, line: &Line) -> bool {
    match CUES.at(reader.tokens(line.tokens.clone())) {
        Some((length, Cue::Link)) => {
            let gap = reader.gap_after(line.tokens.start + length - 1);
            gap_has_colon(reader, line.tokens.start + length - 1) || gap.starts_with([']', '】', '：'])
        }
        Some((_, Cue::Tail | Cue::Label | Cue::Counter | Cue::Button)) | None => false,
    }
}

/// Whether the whole line is furniture; if so, whether what follows at the end of the page is, too.
fn whole_line(reader: Reader<'_>, line: &Line, place: Place) -> Option<bool> {
    let words = reader.words(line.tokens.clone());
    let text = reader.line_text(line);
    if words > 40 {
        return None;
    }
    if words == 0 {
        // A rule, an arrow, a row of stars; nothing is lost by it.
        return Some(false);
    }
    if opens_tail(reader, line).is_some() && (place != Place::First || words <= 4) && words <= 25 {
        return Some(place == Place::Back);
    }
    if place != Place::First && place != Place::Middle && words <= 25 && opens_link(reader, line) {
        return Some(false);
    }
    if place == Place::Middle && words > 12 {
        return None;
    }
    let scan = scan_line(reader, line);
    if scan.remaining == 0 {
        return (scan.strong > 0 || scan.buttons >= 2 || text.starts_with(['[', '【']) || place == Place::Back)
            .then_some(false);
    }
    if ends_with_stop(text) || words > 24 {
        return None;
    }
    if place == Place::Middle {
        let labelled = scan.labels > 0 && scan.opens && scan.remaining <= 3;
        let dated = scan.strong > 0 && scan.remaining <= 2 && words <= 9 && ends_or_begins_dated(reader, line);
        return (labelled || dated).then_some(false);
    }
    // On the first line a leading date stands before the headline; elsewhere beside the name of a site.
    let leading_date = date_at(reader, line.tokens.start, line.tokens.end).is_some();
    let grammar = line.tokens.clone().any(|at| GRAMMAR.at(reader.tokens(at..line.tokens.end)).is_some());
    let allowed = if place == Place::First { 4 } else { 5 };
    let dated_label = place != Place::First && leading_date && scan.labels > 0;
    let site = scan.strong > 0
        && scan.remaining <= allowed
        && !grammar
        && !(place == Place::First && leading_date && scan.labels == 0 && scan.counters == 0);
    let label_first = scan.opens && scan.labels > 0 && place != Place::First && scan.remaining <= 12 && !grammar;
    let bracketed = place == Place::Back
        && words <= 12
        && (text.starts_with('(') && text.ends_with(')')
            || text.starts_with('[') && text.ends_with(']')
            || text.starts_with('（') && text.ends_with('）'));
    let source_name =
        place != Place::First && words <= 4 && !grammar && ends_in_source_word(reader, line.tokens.clone());
    let byline = place != Place::First && words <= 8 && is_byline(reader, line);
    (site || dated_label || label_first || bracketed || source_name || byline || is_breadcrumb(reader, line, place))
        .then_some(false)
}

/// Whether a date is the first or the last thing in a line.
fn ends_or_begins_dated(reader: Reader<'_>, line: &Line) -> bool {
    let end = line.tokens.end;
    line.tokens
        .clone()
        .any(|at| date_at(reader, at, end).is_some_and(|length| at == line.tokens.start || at + length == end))
}

/// `By Mei Yutong`, `Reporter Kou Jing intern Mo Qi`, `Correspondent ...`: a cue and names only.
fn is_byline(reader: Reader<'_>, line: &Line) -> bool {
    let first = reader.word(line.tokens.start);
    let opens = ["by", "reporter", "correspondent", "editor", "photo", "author", "text"]
        .iter()
        .any(|cue| first.eq_ignore_ascii_case(cue));
    let names = line.tokens.clone().skip(1).all(|at| {
        let word = reader.word(at);
        word.starts_with(char::is_uppercase) || ["intern", "by", "and", "correspondent"].contains(&word)
    });
    opens && names && (2..=8).contains(&line.tokens.len()) && !reader.line_text(line).contains('.')
}

/// `home > NEWS`, `City Today / politics / 2022-07-21`: short pieces parted by arrows, or by bars with a home word.
fn is_breadcrumb(reader: Reader<'_>, line: &Line, place: Place) -> bool {
    let text = reader.line_text(line);
    let arrows = text.matches(['>', '»', '›']).count();
    let bars = text.matches(['|', '/', '_', '·', '•']).count();
    let from_home = HOME.at(reader.tokens(line.tokens.clone())).is_some();
    if arrows == 0 && (bars < 2 || (place == Place::First && !from_home)) {
        return false;
    }
    let sentence = place == Place::First
        && TRAILS.at(reader.tokens(line.tokens.clone())).is_none()
        && line.tokens.clone().any(|at| GRAMMAR.at(reader.tokens(at..line.tokens.end)).is_some());
    !sentence
        && text.split(['>', '»', '›', '|', '/', '_', '·', '•']).all(|piece| piece.split_whitespace().count() <= 8)
        && reader.words(line.tokens.clone()) <= 16
}

fn ends_in_source_word(reader: Reader<'_>, tokens: std::ops::Range<usize>) -> bool {
    (tokens.start + 1..tokens.end)
        .rev()
        .take(4)
        .any(|at| SOURCE_WORDS.at(reader.tokens(at..tokens.end)).is_some_and(|(length, ())| at + length == tokens.end))
}

/// What a short line consists of.
#[derive(Debug, Default)]
struct Scan {
    /// Dates, labels, counters, bracketed buttons: what prose does not have.
    strong: usize,
    labels: usize,
    counters: usize,
    buttons: usize,
    /// Words that are none of it.
    remaining: usize,
    /// Whether the line opens with a label.
    opens: bool,
}

fn scan_line(reader: Reader<'_>, line: &Line) -> Scan {
    let mut scan = Scan::default();
    let mut at = line.tokens.start;
    let end = line.tokens.end;
    while at < end {
        if let Some(length) = date_at(reader, at, end) {
            scan.strong += 1;
            at += length;
            continue;
        }
        let is_number = |at: usize| at < end && reader.tokens[at].kind == TokenKind::Number;
        match CUES.at(reader.tokens(at..end)) {
            Some((length, Cue::Label)) if at + length < end && gap_has_colon(reader, at + length - 1) => {
                scan.opens |= at == line.tokens.start;
                scan.labels += 1;
                scan.strong += 1;
                at += length;
                at += value_length(reader, at, end);
            }
            Some((length, Cue::Counter)) if is_number(at + length) || (at > line.tokens.start && is_number(at - 1)) => {
                scan.counters += 1;
                scan.strong += 1;
                at += length + usize::from(is_number(at + length));
            }
            Some((length, Cue::Tail)) => {
                scan.strong += 1;
                at += length;
            }
            Some((length, Cue::Button | Cue::Counter | Cue::Label | Cue::Link)) => {
                let before = reader.slice(line.start, reader.tokens[at].start as usize);
                scan.strong += usize::from(before.trim_end().ends_with(['[', '【']));
                scan.buttons += 1;
                at += length;
            }
            // A number alone is a count whose name is missing.
            None if is_number(at) => at += 1,
            None => {
                scan.remaining += 1;
                at += 1;
            }
        }
    }
    scan
}

fn gap_has_colon(reader: Reader<'_>, token: usize) -> bool {
    reader.gap_after(token).trim_start_matches([' ', '\u{3000}', ']', '】']).starts_with([':', '：'])
}

/// Length of the value after a label: up to a wide gap, a bar, a bracket, a date or the next label; at most 8 tokens,
/// otherwise it is prose and nothing is taken.
fn value_length(reader: Reader<'_>, from: usize, end: usize) -> usize {
    let mut at = from;
    while at < end && at - from <= 12 {
        let next_label = match CUES.at(reader.tokens(at..end)) {
            Some((length, Cue::Label)) => gap_has_colon(reader, at + length - 1),
            Some((_, Cue::Tail | Cue::Link | Cue::Counter | Cue::Button)) | None => false,
        };
        if at > from && (next_label || date_at(reader, at, end).is_some()) {
            return at - from;
        }
        at += 1;
        let gap = reader.gap_after(at - 1);
        if at == end || gap.contains("  ") || gap.contains(['|', '[', '【', '\u{3000}', '/', '\t']) {
            break;
        }
    }
    if at - from <= 8 { at - from } else { 0 }
}

fn digits(token: &Token) -> usize {
    if token.kind == TokenKind::Number { (token.end - token.start) as usize } else { 0 }
}

/// Length in tokens of the numeric or written-out date at `at`, a time of day included; `None` if there is none. A
/// year must stand in it, or a time after it.
fn date_at(reader: Reader<'_>, at: usize, end: usize) -> Option<usize> {
    let tokens = reader.tokens(at..end);
    let first = tokens.first()?;
    let word = reader.word(at);
    let is_year = |word: &str| {
        word.len() == 4
            && (word.starts_with("19") || word.starts_with("20"))
            && word.bytes().all(|b| b.is_ascii_digit())
    };
    let small = |index: usize| tokens.get(index).is_some_and(|token| (1..=2).contains(&digits(token)));
    let gap = |index: usize| reader.gap_after(at + index);
    let month = |index: usize| tokens.get(index..).is_some_and(|rest| MONTHS.at(rest).is_some());
    let year = |index: usize| tokens.get(index).is_some() && is_year(reader.word(at + index));
    let day = |index: usize| {
        small(index)
            || tokens.get(index).is_some_and(|_| {
                let word = reader.word(at + index).trim_end_matches(|c: char| c.is_ascii_alphabetic());
                (1..=2).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())
            })
    };
    let separated = |index: usize| matches!(gap(index).trim(), "-" | "/" | "." | "");
    let in_digits = is_year(word) && small(1) && small(2) && separated(0) && separated(1) && !gap(0).is_empty();
    let year_last = small(0) && small(1) && year(2) && gap(0) == "-" && gap(1) == "-";
    let with_name =
        is_year(word) && month(1) && day(2) || month(0) && day(1) && year(2) || day(0) && month(1) && year(2);
    let mut length = if in_digits || year_last || with_name {
        3
    } else if is_year(word)
        && gap(0).is_empty()
        && reader.word(at + 1) == "年"
        && reader.word(at + 3) == "月"
        && tokens.len() > 3
    {
        if reader.word(at + 5) == "日" && tokens.len() > 5 { 6 } else { 4 }
    } else if small(0) && small(1) && gap(0) == "-" && small(2) && small(3) && gap(2) == ":" {
        2
    } else if first.kind == TokenKind::Number
        && word.len() >= 8
        && is_year(word.get(..4)?)
        && word.matches('.').count() == 2
    {
        1
    } else if word.starts_with(|c: char| c.is_ascii_digit()) && (word.contains("moon") || word.contains("month")) {
        1
    } else {
        return None;
    };
    if tokens.get(length).is_some_and(|token| (1..=2).contains(&digits(token)))
        && tokens.get(length + 1).is_some_and(|token| digits(token) == 2)
        && gap(length) == ":"
    {
        length += 2;
        if tokens.get(length).is_some_and(|token| digits(token) == 2) && gap(length - 1) == ":" {
            length += 1;
        }
    }
    Some(length)
}

/// Cuts furniture off both ends of a line of content. Says whether a tail cue was cut off its end.
fn trim_ends(reader: Reader<'_>, line: &mut Line, front: bool, taken: &mut Vec<(usize, usize)>) -> bool {
    // Each round takes at least one token, and a page has few labels in a row.
    for _ in 0..6 {
        let Some(length) = prefix_length(reader, line, front) else { break };
        cut_front(reader, line, length, taken);
    }
    let mut tail = false;
    for _ in 0..6 {
        let Some((start, opens_tail)) = suffix_start(reader, line) else { break };
        tail |= opens_tail;
        taken.push((start, line.end));
        cut_back(reader, line, start);
    }
    tail
}

/// Takes the first `length` tokens of a line away, with the punctuation after them.
fn cut_front(reader: Reader<'_>, line: &mut Line, length: usize, taken: &mut Vec<(usize, usize)>) {
    let begin = line.tokens.start + length;
    let next = if begin < line.tokens.end { reader.tokens[begin].start as usize } else { line.end };
    let after = begin.checked_sub(1).and_then(|last| reader.tokens.get(last)).map_or(next, |token| token.end as usize);
    // An opening quote or bracket belongs to what follows.
    let gap = reader.slice(after, next);
    let kept = gap.len() - gap.trim_end_matches(['"', '“', '‘', '(', '（', '「', '『', '《', '[', '【', '\'']).len();
    let cut = next - kept;
    let piece = reader.slice(line.start, cut);
    taken.push((line.start, line.start + piece.trim_end().len()));
    line.start = cut;
    line.tokens.start = begin;
}

fn cut_back(reader: Reader<'_>, line: &mut Line, start: usize) {
    let kept = reader.slice(line.start, start).trim_end();
    line.end = line.start + kept.len();
    while line.tokens.end > line.tokens.start && reader.tokens[line.tokens.end - 1].end as usize > line.end {
        line.tokens.end -= 1;
    }
}

/// Length in tokens of the furniture at the start of a line of content.
fn prefix_length(reader: Reader<'_>, line: &Line, front: bool) -> Option<usize> {
    let Line { tokens, .. } = line;
    let (from, end) = (tokens.start, tokens.end);
    let text = reader.line_text(line);
    // ` date 2023-08-14 ` and a bare numeric date, which no sentence begins with.
    let date_word = usize::from(reader.word(from).eq_ignore_ascii_case("date"));
    if let Some(length) = date_at(reader, from + date_word, end) {
        let numeric = reader.word(from + date_word).bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && !reader.word(from + date_word + 1).starts_with(|c: char| c.is_alphabetic());
        if numeric && (date_word == 1 || front) && from + date_word + length < end {
            return Some(date_word + length);
        }
    }
    if from >= end {
        return None;
    }
    // A bracket with a reporter, a source or a channel: `(Reporter Li correspondent/Wang)`, `[laitimes]`.
    if let Some(open) = text.chars().next().filter(|c| matches!(c, '(' | '（' | '[' | '【')) {
        let close = match open {
            '(' => ')',
            '（' => '）',
            '[' => ']',
            _ => '】',
        };
        let inside = text.char_indices().take(120).find(|(_, c)| *c == close).map(|(at, _)| line.start + at)?;
        let length = tokens.clone().take_while(|at| (reader.tokens[*at].start as usize) < inside).count();
        let cue = CUES.at(reader.tokens(from..end)).is_some_and(|(_, cue)| cue == Cue::Label)
            || ends_in_source_word(reader, from..from + length)
            || (matches!(open, '[' | '【') && front && length <= 4);
        return (cue && length > 0 && from + length < end).then_some(length);
    }
    if !front {
        return None;
    }
    // `0 By admin`, `Original title:`, `Home »`, `City Daily:`, `City net news:`.
    if let Some((length, cue)) = CUES.at(reader.tokens(from..end)) {
        if cue == Cue::Label
            && reader.word(from).eq_ignore_ascii_case("original")
                | reader.word(from + 1).eq_ignore_ascii_case("original")
            || cue == Cue::Label && text.starts_with("原标题")
        {
            return gap_has_colon(reader, from + length - 1).then_some(length);
        }
    }
    let mut last_arrow = None;
    for at in from..end.min(from + 12) {
        let gap = reader.gap_after(at);
        if gap.contains(['»', '›', '>']) && at + 1 < end {
            last_arrow = Some(at + 1 - from);
        }
        if gap_has_colon(reader, at) && at + 1 < end {
            if at - from < 5 && ends_in_source_word(reader, from..at + 1) {
                return Some(at + 1 - from);
            }
            break;
        }
        // `Baoji Municipal People's Government Portal-`.
        if gap.trim() == "-" && reader.word(at).eq_ignore_ascii_case("portal") && at + 1 < end {
            return Some(at + 1 - from);
        }
        if gap.contains(['.', '!', '?', '。']) {
            break;
        }
    }
    if last_arrow.is_some() {
        return last_arrow;
    }
    dateline_length(reader, from, end)
}

/// Length of a newspaper's dateline at `from`: `Jiaxing, August 18, 2023 –`, `BEIJING —`, `April 20, 2023, Jinlou –`.
pub(super) fn dateline_length(reader: Reader<'_>, from: usize, end: usize) -> Option<usize> {
    let mut names = 0;
    let mut dated = false;
    let mut at = from;
    while at < end && at - from < 10 {
        if let Some(length) = date_at(reader, at, end) {
            dated = true;
            at += length;
        } else if MONTHS.at(reader.tokens(at..end)).is_some()
            && reader.tokens.get(at + 1).is_some_and(|token| digits(token) > 0)
        {
            dated = true;
            at += 2;
        } else if reader.word(at).starts_with(char::is_uppercase) && GRAMMAR.at(reader.tokens(at..end)).is_none() {
            names += 1;
            at += 1;
        } else {
            return None;
        }
        let gap = reader.gap_after(at - 1);
        let dash = gap.trim();
        if at < end && (matches!(dash, "–" | "—" | "--" | "——") || (dash == "-" && dated && gap.starts_with(' ')))
        {
            let allowed = if dated { 5 } else { 3 };
            return (names <= allowed && (dated || gap.starts_with(' ') || dash != "–")).then_some(at - from);
        }
        if !matches!(dash, "" | "," | "'" | "(" | ")" | "-") {
            return None;
        }
    }
    None
}

/// Start of the furniture at the end of a line of content, and whether it is a tail cue.
fn suffix_start(reader: Reader<'_>, line: &Line) -> Option<(usize, bool)> {
    let text = reader.line_text(line);
    let (from, end) = (line.tokens.start, line.tokens.end);
    if from >= end {
        return None;
    }
    // A bracket at the end: buttons, or who wrote it.
    if let Some(close) = text.chars().next_back().filter(|c| matches!(c, ')' | '）' | ']' | '】')) {
        let open = match close {
            ')' => '(',
            '）' => '（',
            ']' => '[',
            _ => '【',
        };
        let window_start = floor_boundary(text, text.len().saturating_sub(160));
        if let Some(at) = text[window_start..].rfind(open) {
            let start = line.start + window_start + at;
            let first = tokens_from(reader, line, start);
            let length = end - first;
            let cue = CUES.at(reader.tokens(first..end));
            let is_cue = match cue {
                Some((_, Cue::Tail)) => true,
                Some((length, Cue::Label)) => {
                    gap_has_colon(reader, first + length - 1) || first + 1 < end || close != ')'
                }
                Some((cue_length, Cue::Button | Cue::Link | Cue::Counter)) => {
                    matches!(close, ']' | '】')
                        || cue_length == length
                        || first + cue_length < end && reader.tokens[first + cue_length].kind == TokenKind::Number
                }
                None => ends_in_source_word(reader, first..end) && matches!(close, ']' | '】'),
            };
            if is_cue && length > 0 && length <= 14 && start > line.start {
                return Some((start, false));
            }
        }
    }
    // A tail cue or a label after the last stop: `... growth. Share this: Twitter`.
    let window = end.saturating_sub(24).max(from + 1);
    for at in window..end {
        let before = reader.gap_after(at - 1);
        let opens =
            before.contains(['.', '!', '?', '。', '！', '？', '|', '…', '[', '【', '>', '<']) || before.contains("  ");
        if !opens {
            continue;
        }
        let start = reader.tokens[at].start as usize;
        let bracket = before.rfind(['[', '【', '<', '>', '|']).map_or(start, |inside| start - before.len() + inside);
        match CUES.at(reader.tokens(at..end)) {
            // A sentence with its stop is prose, unless a colon gives the cue away.
            Some((length, Cue::Tail)) if !ends_with_stop(text) || gap_has_colon(reader, at + length - 1) => {
                return Some((bracket, true));
            }
            Some((length, Cue::Label)) if at + length < end && gap_has_colon(reader, at + length - 1) => {
                let rest = Line { start, end: line.end, tokens: at..end };
                if !ends_with_stop(text) && scan_line(reader, &rest).remaining <= 1 {
                    return Some((bracket, false));
                }
            }
            // `Photos:` with the pictures gone.
            Some((length, Cue::Label)) if at + length == end && gap_has_colon(reader, end - 1) => {
                return Some((bracket, false));
            }
            Some((length, Cue::Link)) if gap_has_colon(reader, at + length - 1) && !ends_with_stop(text) => {
                return Some((bracket, true));
            }
            Some((_, Cue::Counter | Cue::Button)) => {
                let scan = scan_line(reader, &Line { start, end: line.end, tokens: at..end });
                if scan.remaining == 0 && scan.strong > 0 {
                    return Some((bracket, false));
                }
            }
            Some((_, Cue::Tail | Cue::Label | Cue::Link)) | None => {}
        }
    }
    // `... by admin` after a headline.
    if end - from > 4
        && reader.word(end - 1).eq_ignore_ascii_case("admin")
        && reader.word(end - 2).eq_ignore_ascii_case("by")
    {
        return Some((reader.tokens[end - 2].start as usize, false));
    }
    None
}

/// Start of a source's name at the end of a headline: `_Yongzhou News_Yongzhou Government Network`, ` - Haiqu Focus
/// Net`, `|Sheling County`.
pub(super) fn source_suffix(reader: Reader<'_>, line: &Line) -> Option<usize> {
    let text = reader.line_text(line);
    if let Some(at) = text.find('_') {
        let rest = reader.words(tokens_from(reader, line, line.start + at)..line.tokens.end);
        let head = reader.words(line.tokens.clone()).saturating_sub(rest);
        return (head >= 3 && rest <= 12).then_some(line.start + at);
    }
    for separator in [" - ", "|", "-", "——"] {
        if let Some(at) = text.rfind(separator) {
            let first = tokens_from(reader, line, line.start + at);
            let rest = line.tokens.end - first;
            let named = ends_in_source_word(reader, first.saturating_sub(1).max(line.tokens.start)..line.tokens.end);
            let head = first - line.tokens.start;
            if rest > 0 && rest <= 5 && head >= 4 && (named || separator == "|") {
                return Some(line.start + at);
            }
        }
    }
    None
}

/// Cuts `line` at the byte `start` and reports the rest as taken.
pub(super) fn cut_at(reader: Reader<'_>, line: &mut Line, start: usize, taken: &mut Vec<(usize, usize)>) {
    taken.push((start, line.end));
    cut_back(reader, line, start);
}

/// Index of the first token of `line` at or after the byte `start`.
fn tokens_from(reader: Reader<'_>, line: &Line, start: usize) -> usize {
    let tokens = reader.tokens(line.tokens.clone());
    line.tokens.start + tokens.partition_point(|token| (token.start as usize) < start)
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
