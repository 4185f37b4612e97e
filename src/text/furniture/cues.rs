//! The words and phrases that give furniture away, as tables.

use std::sync::LazyLock;

use crate::text::phrases::Phrases;

/// What a phrase of furniture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
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
pub(super) static CUES: LazyLock<Phrases<Cue>> = LazyLock::new(|| {
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
             printed from|complaint phone|posted on|posted by|posted in|long press|follow us on|follow us|welcome to follow|\
             site map|\
             上一篇|下一篇|分享到|分享至|相关阅读|相关新闻|相关链接|推荐阅读|猜你喜欢|延伸阅读|免责声明|版权所有|点击展开|\
             扫一扫|扫描二维码|返回顶部|返回列表|本文由机器翻译|阅读原文|发表评论|特别声明|点击蓝字|点击上方|长按|扫码",
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
             tel|telephone|fax|address|postcode|zip code|postal code|email|e mail|sponsor|sponsored by|organizer|organiser|\
             wechat id|wechat account|wechat|public number|official account|hot line|hotline|contact|attachment|\
             来源|信息来源|稿件来源|文章来源|责任编辑|责编|编辑|作者|记者|通讯员|发布时间|发布日期|发稿时间|日期|时间|浏览次数|浏览量|\
             浏览|点击数|点击|点击量|阅读|阅读量|字号|字体|供稿|审核|校对|摄影|图文|原标题|分享|发布机构|索引号|信息来源于|地址|电话|邮编|传真|邮箱|主办|主办单位|承办|承办单位|微信号|微信公众号|公众号|网站标识码",
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
             previous|prev|news|more pictures|contact us|about us|english|chinese|search|login|register|index|original|forward|comment|favorite|bookmark|\
             copy link|打印|关闭|关闭窗口|打印本页|大|中|小|字号|收藏|分享|返回|微信|微博|首页|下一页|上一页|转发|纠错|中文|简体|繁体|搜索",
        ),
    ])
});

/// Words that end the name of a news source.
pub(super) static SOURCE_WORDS: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "daily|news|net|network|online|release|evening|morning post|post|media|times|tv|portal|website|headline|headlines|forum|\
         hotline|hot line|mirror|window|broadcasting|newspaper|our newspaper|web|newspaper news|日报|晚报|新闻网|讯|网|发布|电视台",
    )])
});

/// The page a trail begins with.
pub(super) static HOME: LazyLock<Phrases<()>> =
    LazyLock::new(|| Phrases::new(&[((), "home|homepage|home page|front page|index|首页")]));

/// What stands before the trail of pages that leads to an article.
pub(super) static TRAILS: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "you are here|current location|current position|your position|your location|当前位置|您的位置|您所在的位置|您当前的位置",
    )])
});

/// Words that tell a line of prose from a name: no site is called so.
pub(super) static GRAMMAR: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "the|a|an|is|was|were|are|will|has|have|held|hold|holds|that|which|who|its|their|he|she|they|on",
    )])
});

/// Labels of the headline under which an article first stood.
pub(super) static ORIGINAL_TITLE: LazyLock<Phrases<()>> =
    LazyLock::new(|| Phrases::new(&[((), "original title|the original title|原标题")]));

/// What only lines at the foot of a page hold: the number under which a site is registered.
pub(super) static FOOT: LazyLock<Phrases<()>> = LazyLock::new(|| Phrases::new(&[((), "icp|公网安备")]));

/// Nouns for the bodies that sign what they publish.
pub(super) static BODIES: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "committee|bureau|office|government|court|procuratorate|commission|department|federation|hospital|school|college|\
         university|station|detachment|brigade|administration|section|headquarters|league",
    )])
});
