//! Schemas of texts that occur in several places of the document.
//!
//! If a rule cannot be a pattern (bytes instead of characters, normal forms), the description has
//! it, and a custom `format` names it for tools.
#![expect(
    dead_code,
    reason = "these types are descriptions: the domain's own types are what is read and written"
)]

use serde::Deserialize;
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, Schema, SchemaFormat, Type},
};

/// An asset: a UUID in lower case, with hyphens.
#[derive(Deserialize, ToSchema, PartialEq, Eq, PartialOrd, Ord)]
#[schema(
    format = "uuid",
    pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    examples("019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11")
)]
pub(crate) struct AssetId(String);

/// SHA-256 of the whole content.
#[derive(Deserialize, ToSchema)]
#[schema(
    pattern = "^[0-9a-f]{64}$",
    examples("dbef254508d970eb9ff21cb5947d17c64bc0e8f0b10d2968ccc2609f772919ad")
)]
pub(crate) struct Sha256(String);

/// SHA-256 of a part.
#[derive(Deserialize, ToSchema)]
#[schema(
    pattern = "^[0-9a-f]{64}$",
    examples("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
)]
pub(crate) struct PartSha256(String);

/// A file's name: Unicode NFC, 1 to 255 bytes of UTF-8, one path segment, no control,
/// bidirectional-format or zero-width character nor a blank filler (U+200C and U+200D may stand
/// between two characters that are neither ASCII nor one of the two), no noncharacter, no space of
/// any kind at an end; nor anything that NFKC turns into another than that.
#[derive(Deserialize, ToSchema)]
#[schema(
    format = "nexus-filename",
    min_length = 1,
    max_length = 255,
    pattern = r"^(?:[^ ./\\\x00-\x1f\x7f]|[^ /\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*[^ ./\\\x00-\x1f\x7f])$",
    examples("DSCN0010.jpg")
)]
pub(crate) struct Filename(String);

/// A media type by RFC 9110 without wildcards, kept byte for byte.
#[derive(Deserialize, ToSchema)]
#[schema(
    min_length = 3,
    max_length = 127,
    pattern = r#"^[!#$%&'+.^_`|~0-9A-Za-z-]+/[!#$%&'+.^_`|~0-9A-Za-z-]+(?: ?; ?[!#$%&'*+.^_`|~0-9A-Za-z-]+=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[!#-\[\]-~]| (?! )|\\[!-~]|\\ (?! ))*"))*$"#,
    examples("image/jpeg")
)]
pub(crate) struct ContentType(String);

// The next four stand in parameters alone, which have descriptions of their own.
//
// A media type as a record has it, or a type and `/*`.
#[derive(Deserialize, ToSchema)]
#[schema(
    min_length = 3,
    max_length = 127,
    pattern = r#"^[!#$%&'+.^_`|~0-9A-Za-z-]+/(?:\*|[!#$%&'+.^_`|~0-9A-Za-z-]+(?: ?; ?[!#$%&'*+.^_`|~0-9A-Za-z-]+=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[!#-\[\]-~]| (?! )|\\[!-~]|\\ (?! ))*"))*)$"#,
    examples("image/*")
)]
pub(crate) struct ContentTypeFilter(String);

// A user: 1 to 255 characters, none of them a control.
#[derive(Deserialize, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 255,
    pattern = r"^[^\x00-\x1f\x7f-\x9f]*$",
    examples("u_demo")
)]
pub(crate) struct UserId(String);

// The start of a file name: 1 to 256 bytes of UTF-8.
#[derive(Deserialize, ToSchema)]
#[schema(
    format = "nexus-text-256",
    min_length = 1,
    max_length = 256,
    pattern = r"^[^\x00]+$",
    examples("DSC")
)]
pub(crate) struct FilenamePrefix(String);

// The value of a label: up to 256 bytes of UTF-8.
#[derive(Deserialize, ToSchema)]
#[schema(format = "nexus-text-256", max_length = 256, pattern = r"^[^\x00]*$")]
pub(crate) struct LabelValue(String);

/// The origin of the content: a URI by RFC 3986, up to 2048 bytes, of the scheme https, http, s3,
/// gs, az, abfss, ftp, ftps, sftp, file, urn, doi or ipfs; without user information, and without a
/// parameter of query, path or fragment that is a signature or a key.
#[derive(Deserialize, ToSchema)]
#[schema(
    format = "nexus-source-uri",
    min_length = 1,
    max_length = 2048,
    pattern = r"^(?:(?:[Hh][Tt][Tt][Pp][Ss]?|[Ss]3|[Gg][Ss]|[Aa][Zz]|[Aa][Bb][Ff][Ss][Ss]|[Ff][Tt][Pp][Ss]?|[Ss][Ff][Tt][Pp])://[^/?#@]+(?:[/?#]|$)|(?:[Ff][Ii][Ll][Ee]|[Uu][Rr][Nn]|[Dd][Oo][Ii]|[Ii][Pp][Ff][Ss]):(?!//[^/?#]*@))",
    examples("https://camera.example.com/2008/DSCN0010.jpg")
)]
pub(crate) struct SourceUri(String);

/// The activity that made an asset, as free text: up to 128 bytes of UTF-8.
#[derive(Deserialize, ToSchema)]
#[schema(format = "nexus-text-128", max_length = 128, pattern = r"^[^\x00]*$")]
pub(crate) struct Activity(String);

/// RFC 3339 with an offset and at most six digits of fraction, not more than 5 minutes ahead of
/// now.
#[derive(Deserialize, ToSchema)]
#[schema(
    format = DateTime,
    pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})$",
    examples("2008-10-22T16:28:39Z")
)]
pub(crate) struct CapturedAt(String);

/// An SPDX license expression (SPDX 2.3, annex D), up to 128 bytes. Names are not looked up.
#[derive(Deserialize, ToSchema)]
#[schema(
    format = "nexus-license",
    min_length = 1,
    max_length = 128,
    pattern = r"^[0-9A-Za-z.+:(-](?:[0-9A-Za-z.+:() -]*[0-9A-Za-z.+:)-])?$",
    examples("CC-BY-4.0")
)]
pub(crate) struct License(String);

/// Who holds the rights in the content: 1 to 256 bytes of UTF-8, with the characters of a
/// `Filename`, `/`, `\` and spaces.
#[derive(Deserialize, ToSchema)]
#[schema(
    format = "nexus-visible-256",
    min_length = 1,
    max_length = 256,
    pattern = r"^[^\x00-\x1f\x7f]+$",
    examples("Example Photos Ltd")
)]
pub(crate) struct RightsHolder(String);

/// Why a fact is stated: 1 to 512 bytes of UTF-8, with the characters of a `Filename`, `/`, `\` and
/// spaces.
#[derive(Deserialize, ToSchema)]
#[schema(
    format = "nexus-visible-512",
    min_length = 1,
    max_length = 512,
    pattern = r"^[^\x00-\x1f\x7f]+$",
    examples("asked for by the person in the photograph")
)]
pub(crate) struct Reason(String);

/// The name of a malware scanner: 1 to 128 bytes of UTF-8, with the characters of a `Filename`, `/`,
/// `\` and spaces.
#[derive(Deserialize, ToSchema)]
#[schema(
    format = "nexus-visible-128",
    min_length = 1,
    max_length = 128,
    pattern = r"^[^\x00-\x1f\x7f]+$",
    examples("clamav 1.4.3")
)]
pub(crate) struct Scanner(String);

/// A time in UTC, with six digits of fraction where it is not zero.
#[derive(Deserialize, ToSchema)]
#[schema(
    format = DateTime,
    pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?Z$",
    examples("2026-11-24T01:00:07.123456Z")
)]
pub(crate) struct Time(String);

/// Returns the schema of labels; the derive macro cannot express a limit of members.
pub(super) fn labels() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let name = text().pattern(Some("^[a-z0-9][a-z0-9._-]{0,62}$"));
    let value = text()
        .format(Some(SchemaFormat::Custom("nexus-text-256".to_owned())))
        .max_length(Some(256))
        .pattern(Some(r"^[^\x00]*$"));
    let labels = ObjectBuilder::new()
        .description(Some(
            "The caller's own labels: up to 32, values up to 256 bytes of UTF-8.",
        ))
        .property_names(Some(Schema::from(name)))
        .additional_properties(Some(Schema::from(value)))
        .max_properties(Some(32));
    Schema::from(labels)
}
