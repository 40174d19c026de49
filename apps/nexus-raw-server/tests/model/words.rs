//! What the model and its driver speak of: who, where, which content, and one step of a sequence.

/// A tenant's environment. One tenant's name begins with the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) tenant: &'static str,
    pub(crate) env: &'static str,
}

pub(crate) const TENANTS: [&str; 2] = ["t_a", "t_ab"];

const fn place(tenant: &'static str, env: &'static str) -> Place {
    Place { tenant, env }
}

pub(crate) const PLACES: [Place; 4] = [
    place("t_a", "dev"),
    place("t_a", "prod"),
    place("t_ab", "dev"),
    place("t_ab", "prod"),
];

pub(crate) const PEOPLE: [&str; 3] = ["u_ada", "u_ben", "u_cy"];

/// What somebody is in a tenant, as a token says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    Nothing,
    /// A member whose role nobody knows.
    Unknown,
    Viewer,
    Member,
    Admin,
    Owner,
}

impl Grant {
    /// The role's name in a token; `None` for one who is no member.
    pub(crate) fn role(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Unknown => Some("guest"),
            Self::Viewer => Some("viewer"),
            Self::Member => Some("member"),
            Self::Admin => Some("admin"),
            Self::Owner => Some("owner"),
        }
    }
}

/// Bytes, with what `sha256sum` and `openssl dgst -sha256 -binary | base64` say of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) bytes: &'static [u8],
    pub(crate) hex: &'static str,
    pub(crate) base64: &'static str,
    /// The digests of its parts, in both forms.
    pub(crate) parts: &'static [(&'static str, &'static str)],
}

impl Content {
    /// The bytes of a part.
    pub(crate) fn part(&self, at: usize) -> &'static [u8] {
        self.bytes.chunks(PART_BYTES).nth(at).unwrap()
    }
}

/// The length of every part but the last.
pub(crate) const PART_BYTES: usize = 8;

/// How many parts a content has that is not empty.
pub(crate) const PARTS: usize = 3;

/// The first two are of one length, and differ in every part.
pub(crate) const CONTENTS: [Content; 3] = [
    Content {
        bytes: b"not quite a photograph",
        hex: "dbef254508d970eb9ff21cb5947d17c64bc0e8f0b10d2968ccc2609f772919ad",
        base64: "2+8lRQjZcOuf8hy1lH0XxkvA6PCxDSlozMJgn3cpGa0=",
        parts: &[
            (
                "ba0a226630cfea77108cff6f48417e476e8eda207df7be341ed97f534c6cd2df",
                "ugoiZjDP6ncQjP9vSEF+R26O2iB99740Htl/U0xs0t8=",
            ),
            (
                "12093ee01580de545c53994f0d7540fb12749151d3b4193f74a84a7c26d1d6c7",
                "Egk+4BWA3lRcU5lPDXVA+xJ0kVHTtBk/dKhKfCbR1sc=",
            ),
            (
                "617a22d75eae005b40f0a3754b3eea8c974e793e1c12838fd572406dfec84ecf",
                "YXoi116uAFtA8KN1Sz7qjJdOeT4cEoOP1XJAbf7ITs8=",
            ),
        ],
    },
    Content {
        bytes: b"NOT QUITE A PHOTOGRAPH",
        hex: "8c590265859225a30d42fb562d8334c4bdd0793b6c160f6bb9833cebe0bca4da",
        base64: "jFkCZYWSJaMNQvtWLYM0xL3QeTtsFg9ruYM86+C8pNo=",
        parts: &[
            (
                "6c1bd2841fc5c058554539d07047539ed4061717b58abf77679be0fefd29b296",
                "bBvShB/FwFhVRTnQcEdTntQGFxe1ir93Z5vg/v0pspY=",
            ),
            (
                "640917c6cc5d6ecf1b020f56f7ba46c487db35cf8c59e030fc55a5bb901e95e9",
                "ZAkXxsxdbs8bAg9W97pGxIfbNc+MWeAw/FWlu5Aelek=",
            ),
            (
                "b5761dcd82d1a91c69b38fcb087c154957e881abd0143be8c60ad701ccfa4fa6",
                "tXYdzYLRqRxps4/LCHwVSVfogavQFDvoxgrXAcz6T6Y=",
            ),
        ],
    },
    Content {
        bytes: b"",
        hex: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        base64: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        parts: &[],
    },
];

pub(crate) const NAMES: [&str; 3] = ["DSCN0010.jpg", "DSCN 0010+ü.jpg", "tenants"];

/// A media type, or none said.
pub(crate) const TYPES: [Option<&str>; 3] =
    [Some("image/jpeg"), Some("text/plain; charset=utf-8"), None];

/// Idempotency keys. Each person has its own by these names.
pub(crate) const KEYS: [&str; 2] = ["upload-1", "upload-2"];

pub(crate) const OCTET_STREAM: &str = "application/octet-stream";

/// How a file is uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Single,
    InParts,
    /// In parts, with a digest of the whole that presign does not state.
    InPartsUnstated,
}

/// What is promised at presign; positions in [`NAMES`], [`CONTENTS`] and [`TYPES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: usize,
    pub(crate) content: usize,
    pub(crate) content_type: usize,
    pub(crate) form: Form,
}

impl File {
    pub(crate) fn is_in_parts(self) -> bool {
        self.form != Form::Single
    }

    /// The digest that presign states.
    pub(crate) fn stated(self) -> Option<&'static str> {
        (self.form != Form::InPartsUnstated).then_some(self.content().hex)
    }

    pub(crate) fn name(self) -> &'static str {
        NAMES[self.name]
    }

    pub(crate) fn content(self) -> &'static Content {
        &CONTENTS[self.content]
    }

    pub(crate) fn content_type(self) -> &'static str {
        TYPES[self.content_type].unwrap_or(OCTET_STREAM)
    }

    /// Other content of the same length, or else of another.
    pub(crate) fn other_bytes(self) -> &'static Content {
        &CONTENTS[self.other_content()]
    }

    /// The number of that content.
    pub(crate) fn other_content(self) -> usize {
        [1, 0, 0][self.content]
    }

    /// Content of another length.
    pub(crate) fn other_length(self) -> &'static Content {
        &CONTENTS[[2, 2, 0][self.content]]
    }
}

/// An asset by its number among those presigned so far, counted round; or one that never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Asset(usize),
    Absent,
}

/// Where somebody acts: where the asset is, or in one of [`PLACES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Its,
    At(usize),
}

/// How somebody uses an upload's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    AsSigned,
    /// Of the promised length where there are such.
    OtherBytes,
    OtherLength,
    WithoutMetadata,
    WithMoreMetadata,
    /// With headers that S3 takes unsigned, as browsers add them by themselves.
    AsABrowser,
    /// With another header that S3 takes unsigned and keeps.
    WithAnEncoding,
}

/// One part of a declaration, by its number from 1, with the digest of the promised content or of
/// other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Declaration {
    pub(crate) number: usize,
    pub(crate) other: bool,
}

/// How somebody uses the URL of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartUpload {
    AsSigned,
    /// Of the same length.
    OtherBytes,
    OtherLength,
}

/// What somebody with the bucket's own rights puts at an asset's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    AsPromised,
    OtherBytes,
    OtherLength,
    OtherType,
    OtherMetadata,
}

/// What is said of an asset at registration, beside its parents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Nothing,
    /// Nothing, with every default written out.
    Defaults,
    Much,
    /// The same as [`Said::Much`], written otherwise.
    MuchOtherwise,
    Trainable,
    /// Captured as far ahead of now as may be.
    JustAhead,
    /// Captured a second further ahead.
    Ahead,
}

/// Which facts of the intent are said again at registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restated {
    AsPromised,
    OtherName,
    OtherType,
    OtherSize,
    OtherDigest,
}

/// What is read of an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Record,
    Events,
    /// The parts that the store holds.
    Parts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Second,
    /// Until a relay that is dead has lost its lease.
    LeaseEnd,
    /// Longer than a URL lives.
    Quarter,
    /// Longer than an intent is valid.
    Day,
    /// Until the asset's intent has just ended.
    IntentEnd(usize),
}

/// What a sink does with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    Take,
    /// Takes so many and requests more.
    TakeOnly(usize),
    /// Takes so many and is down.
    Fail(usize),
    /// Takes so many and refuses the next for good.
    Refuse(usize),
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Grant {
        person: usize,
        tenant: usize,
        grant: Grant,
    },
    Presign {
        by: usize,
        at: usize,
        file: File,
        /// Under one of [`KEYS`].
        key: Option<usize>,
    },
    Upload {
        asset: usize,
        how: Upload,
    },
    /// Declares parts, each with another number.
    Declare {
        by: usize,
        at: Where,
        asset: Named,
        parts: Vec<Declaration>,
    },
    /// Uploads parts in this order, counted from 0, all in one way.
    UploadParts {
        asset: usize,
        parts: Vec<usize>,
        how: PartUpload,
    },
    Abort {
        by: usize,
        at: Where,
        asset: Named,
    },
    Place {
        asset: usize,
        what: Placed,
    },
    /// Takes the object away, as somebody with the bucket's own rights can.
    Remove {
        asset: usize,
    },
    Register {
        by: usize,
        at: Where,
        asset: Named,
        said: Said,
        restated: Option<Restated>,
        parents: Vec<Named>,
    },
    /// States whether models may be trained on an asset.
    State {
        by: usize,
        at: Where,
        asset: Named,
        allowed: bool,
    },
    Read {
        by: usize,
        at: Where,
        asset: Named,
        what: Reading,
    },
    Wait(Wait),
    /// Lets one of two relays work: until nothing is left, or until it has made so many calls and
    /// stops.
    Relay {
        slot: usize,
        batch: u32,
        sink: Vec<Reaction>,
        halt: Option<u32>,
    },
    /// Ends one of the relays at once.
    Kill {
        slot: usize,
    },
}
