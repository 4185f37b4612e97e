//! The words that open and close the clause of a conveyed meeting, as tables.

use std::sync::LazyLock;

use crate::text::phrases::Phrases;

/// What a phrase does to the clause it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// A verb that governs the conveyed meeting; what follows it is conveyed.
    Convey,
    /// A noun that ends a conveyed clause in Chinese: what stands before is conveyed, what follows is own.
    SpiritAfter,
    /// The name of an own form that holds a conveying verb: `theory study center group`.
    Form,
    /// Held, convened, presided: from here the own meeting again, with the words back to the last comma.
    Hold,
    /// Another act of the own meeting: discussed, arranged, emphasised.
    Act,
}

/// The cues. A rule about the words around each follows in [`super::conveyed`].
pub(super) static CUES: LazyLock<Phrases<Cue>> = LazyLock::new(|| {
    Phrases::new(&[
        (
            Cue::Convey,
            "convey|conveys|conveyed|conveying|relay|relays|relayed|relaying|transmit|transmits|transmitted|transmitting|\
             pass on|passes on|passed on|pass down|passes down|passed down|passing down|study|studies|studied|studying|\
             learn|learns|learned|learnt|learning|implement|implements|implemented|implementing|implementation of|\
             carry out the spirit of|communicate|communicates|communicated|communicating|disseminate|disseminated|\
             publicize|publicized|publicise|spirit of|spirits of|message of|in the spirit of|absorb|absorbs|reread|\
             传达|传达学习|学习传达|学习贯彻|传达贯彻|学习|贯彻|贯彻落实|宣传贯彻|学习宣传贯彻|深入学习|落实|领会",
        ),
        (Cue::SpiritAfter, "精神|讲话精神|会议精神|全会精神"),
        (
            Cue::Form,
            "theory study center group|theoretical study center group|theory learning center group|\
             theoretical learning center group|theory study centre group|theoretical study centre group|\
             theory learning centre group|theoretical learning centre group|theory study central group|\
             theoretical learning central group|theory learning central group|theory central group|theory center group|\
             study session|study sessions|study meeting|study meetings|special study|special learning|thematic study|\
             collective study|collective learning|group study|study class|study group|learning group|learning meeting|\
             study and learning meeting|reading class|study conference|study heart group|theory study heart group|\
             study forum|learning session|study and discussion|study exchange|theoretical study|theoretical learning|learn about|learned about|learned at|learnt about|conveying meeting|relay meeting|\
             implementation meeting|study seminar|study tour|learning class|theory learning|theory study|\
             理论学习中心组|学习中心组|学习会|专题学习|集体学习|学习班|读书班|学习教育|传达学习会|传达会|学习会议|传达会议|主题教育",
        ),
        (
            Cue::Hold,
            "held|hold|holds|holding|convened|convene|convenes|convening|organized|organised|organizes|organises|organize|\
             organise|presided|presides|preside|presiding|chaired|chairs|chair|chairing|hosted|hosts|host|hosting|attended|\
             attends|attend|attending|launched|launches|opened|opens|gathered|gathers|met|meets|called together|called a|\
             took place|takes place|open meet|open meeting|opens meeting|opened meeting|召开|举行|主持|组织|组织召开|出席|参加|主持召开|主持会议",
        ),
        (
            Cue::Act,
            "discussed|discuss|discusses|arranged|arrange|arranges|deployed|deploy|deploys|heard|hear|hears|reviewed|review|\
             reviews|deliberated|emphasized|emphasised|emphasizes|stressed|stresses|stress|pointed out|required|requires|\
             demanded|urged|urges|said|spoke|speaks|delivered|delivers|made a speech|gave a speech|summarized|summarised|\
             approved|approve|considered|listened|exchanged|participated|analyzed|analysed|led by|put forward|announced|\
             made arrangements|made plans|laid out|called for|calls for|say|says|told|tells|summed up|sum up|sums up|talked about|\
             talk about|carried out|carry out|read out|reads out|shared|share|listen|listens|listen to|drew up|put forth|\
             blowing the bugle|blew the bugle|\
             研究部署|部署|安排部署|研究|审议|听取|强调|指出|要求|讨论|通过",
        ),
    ])
});

/// Verbs whose subject holds or leads a meeting, and whose object is the meeting.
pub(super) static HOLDING: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "held|hold|holds|convened|convene|convenes|convening|organized|organised|organizes|organises|organize|organise|\
         presided|presided over|presides|presides over|preside|presiding|presiding over|chaired|chairs|hosted|hosts|launched|\
         launches|called|calls|summoned|summons|gathered|gathers|opened|opens|met|meets|sponsored|undertaken|undertakes|\
         召开|举行|主持|主持召开|组织召开|组织|召集|主办|承办|举办",
    )])
});

/// Nouns for the form of a meeting.
pub(super) static FORM_NOUNS: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "meeting|meetings|session|sessions|conference|conferences|group|class|symposium|forum|seminar|meet|activity|\
         activities|plenum|plenary|congress|day|tour|hall|discussion|visit|trip|network",
    )])
});

/// What may stand between a conveying verb and the form noun of one compound name: `learning and exchange meeting`.
pub(super) static COMPOUND: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "and|center|centre|central|heart|special|theory|theoretical|collective|expanded|expansion|enlarged|expanding|work|\
         exchange|discussion|study|learning|conveying|implementation|implementing|study and|thematic|mobilization|promotion",
    )])
});

pub(super) static AUXILIARIES: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[((), "was|were|is|are|be|been|being|has|have|had|will|also|recently|jointly|then")])
});

/// Words after a participle that tell where or when the conveyed meeting was held.
pub(super) static PLACES: LazyLock<Phrases<()>> =
    LazyLock::new(|| Phrases::new(&[((), "in|on|at|from|by|last|yesterday|earlier|recently|this|today|during")]));

/// Words after a conveying verb whose object stood before it: `spirit of the congress conveyed to members`.
pub(super) static TARGETS: LazyLock<Phrases<()>> = LazyLock::new(|| Phrases::new(&[((), "to|at|by|in|on|among")]));

/// Words that no name of a meeting ends with.
pub(super) static LINKS: LazyLock<Phrases<()>> =
    LazyLock::new(|| Phrases::new(&[((), "and|was|were|is|are|to|at|which|the|also")]));

/// Before the name of a month.
pub(super) static ON: LazyLock<Phrases<()>> = LazyLock::new(|| Phrases::new(&[((), "on|in")]));
