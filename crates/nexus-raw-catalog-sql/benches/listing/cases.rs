use nexus_raw::{
    asset::{ByteSize, PiiFlag},
    ports::{AssetFilter, ContentTypeFilter},
    tenancy::UserId,
};
use nexus_raw_testkit::sample;

use crate::fill;

/// A filter that many assets match.
pub(crate) struct Common {
    pub(crate) name: &'static str,
    pub(crate) filter: AssetFilter,
    /// How many of four successive assets match.
    pub(crate) of_four: u64,
}

/// A filter that hardly any asset matches.
pub(crate) struct Rare {
    pub(crate) name: &'static str,
    pub(crate) filter: AssetFilter,
    /// How many of four successive assets are checked row by row.
    pub(crate) candidates_of_four: u64,
}

type Set = fn(&mut AssetFilter);

fn of(sets: &[Set]) -> AssetFilter {
    let mut filter = AssetFilter::default();
    for set in sets {
        set(&mut filter);
    }
    filter
}

const SHA256: Set = |it| it.sha256 = fill::common().facts.sha256;
const SIZE: Set = |it| it.size_bytes = Some(fill::common().facts.size_bytes);
const CONTENT_TYPE: Set = |it| it.content_type = ContentTypeFilter::parse("image/jpeg").ok();
const KIND: Set = |it| it.content_type = ContentTypeFilter::parse("image/*").ok();
const FILENAME: Set = |it| it.filename = Some("DSCN0010.jpg".to_owned());
const PREFIX: Set = |it| it.filename_prefix = Some("DSCN".to_owned());
const USER: Set = |it| it.registered_by = Some(sample::user());
const LABEL: Set = |it| it.labels = [("project".to_owned(), "arezzo".to_owned())].into();
const LABELS: Set = |it| {
    let labels = [("camera", "COOLPIX P6000"), ("project", "arezzo")];
    it.labels = labels
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
};
const CAPTURED_FROM: Set = |it| it.captured_from = Some(fill::between_captures());
const CAPTURED_TO: Set = |it| it.captured_to = Some(fill::between_captures());
const IMPORTED_FROM: Set = |it| it.imported_from = Some(sample::now());
const IMPORTED_TO: Set = |it| it.imported_to = Some(sample::seconds_after(100_000_000));
const PARENT: Set = |it| it.derived_from = Some(fill::parent());
const FLAG: Set = |it| it.pii_flag = Some(PiiFlag::Face);
const ALLOWED: Set = |it| it.train_ok = Some(true);
const WITHHELD: Set = |it| it.train_ok_effective = Some(false);
const FOR_TRAINING: Set = |it| it.train_ok_effective = Some(true);

pub(crate) fn common() -> Vec<Common> {
    let all: &[Set] = &[
        SHA256,
        SIZE,
        CONTENT_TYPE,
        FILENAME,
        PREFIX,
        USER,
        LABELS,
        CAPTURED_TO,
        IMPORTED_FROM,
        IMPORTED_TO,
        PARENT,
    ];
    let cases: [(&str, &[Set], u64); 19] = [
        ("none", &[], 4),
        ("sha256", &[SHA256], 1),
        ("size_bytes", &[SIZE], 1),
        ("content_type, whole", &[CONTENT_TYPE], 1),
        ("content_type, every subtype", &[KIND], 1),
        ("filename", &[FILENAME], 1),
        ("filename_prefix", &[PREFIX], 1),
        ("registered_by", &[USER], 1),
        ("labels, one", &[LABEL], 1),
        ("labels, two", &[LABELS], 1),
        ("captured_from", &[CAPTURED_FROM], 3),
        ("captured_to", &[CAPTURED_TO], 1),
        ("imported_from", &[IMPORTED_FROM], 4),
        ("imported_to", &[IMPORTED_TO], 4),
        ("derived_from", &[PARENT], 1),
        ("pii_flag", &[FLAG], 4),
        ("train_ok", &[ALLOWED], 4),
        ("train_ok_effective, false", &[WITHHELD], 4),
        ("all but captured_from", all, 1),
    ];
    let case = |(name, sets, of_four)| Common {
        name,
        filter: of(sets),
        of_four,
    };
    cases.into_iter().map(case).collect()
}

const RARE_SHA256: Set = |it| it.sha256 = fill::rare().facts.sha256;
const RARE_SIZE: Set = |it| it.size_bytes = ByteSize::parse(fill::RARE_CONTENT.len() as u64).ok();
const RARE_CONTENT_TYPE: Set = |it| it.content_type = ContentTypeFilter::parse("audio/ogg").ok();
const RARE_KIND: Set = |it| it.content_type = ContentTypeFilter::parse("audio/*").ok();
const RARE_FILENAME: Set = |it| it.filename = Some("needle.ogg".to_owned());
const RARE_PREFIX: Set = |it| it.filename_prefix = Some("needle".to_owned());
const RARE_USER: Set = |it| it.registered_by = UserId::parse("u_rare").ok();
const RARE_LABEL: Set = |it| it.labels = [("rare".to_owned(), "yes".to_owned())].into();
const RARE_PARENT: Set = |it| it.derived_from = Some(fill::parent_of_rare());
const RARE_CAPTURED: Set = |it| it.captured_to = Some(fill::before_captures());
const RARE_IMPORTED: Set = |it| it.imported_to = Some(sample::seconds_after(61));

pub(crate) fn rare() -> Vec<Rare> {
    let cases: [(&str, &[Set], u64); 21] = [
        ("sha256", &[RARE_SHA256], 0),
        ("size_bytes", &[RARE_SIZE], 0),
        ("content_type, whole", &[RARE_CONTENT_TYPE], 0),
        ("filename", &[RARE_FILENAME], 0),
        ("registered_by", &[RARE_USER], 0),
        ("labels", &[RARE_LABEL], 0),
        ("derived_from", &[RARE_PARENT], 0),
        ("train_ok_effective, true", &[FOR_TRAINING], 0),
        ("content_type, every subtype", &[RARE_KIND], 4),
        ("filename_prefix", &[RARE_PREFIX], 4),
        ("captured_to", &[RARE_CAPTURED], 4),
        ("imported_to", &[RARE_IMPORTED], 4),
        ("sha256 of many, rare subtype", &[SHA256, RARE_KIND], 1),
        ("filename of many, rare subtype", &[FILENAME, RARE_KIND], 1),
        ("size_bytes of many, rare subtype", &[SIZE, RARE_KIND], 1),
        (
            "registered_by of many, rare prefix",
            &[USER, RARE_PREFIX],
            1,
        ),
        (
            "content_type of many, rare prefix",
            &[CONTENT_TYPE, RARE_PREFIX],
            1,
        ),
        (
            "label of many, rare captured_to",
            &[LABEL, RARE_CAPTURED],
            1,
        ),
        (
            "label of many, rare content_type",
            &[LABEL, RARE_CONTENT_TYPE],
            1,
        ),
        (
            "derived_from of many, rare size_bytes",
            &[PARENT, RARE_SIZE],
            1,
        ),
        ("derived_from of many, rare label", &[PARENT, RARE_LABEL], 1),
    ];
    let case = |(name, sets, candidates_of_four)| Rare {
        name,
        filter: of(sets),
        candidates_of_four,
    };
    cases.into_iter().map(case).collect()
}
