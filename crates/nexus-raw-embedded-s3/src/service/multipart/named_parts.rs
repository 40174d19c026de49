//! The parts that a completion names, and their comparison with the stored ones.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{CompletedMultipartUpload, CompletedPart};
use s3s::{S3Result, s3_error};
use sha2::{Digest as _, Sha256};

use super::MAX_PARTS;
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::service::errors;
use crate::store::StoredPart;

/// The maximum size of an object, 5 TiB.
const MAX_OBJECT_BYTES: u64 = 5 * 1024 * 1024 * 1024 * 1024;

/// A part as a completion names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedPart {
    pub(super) number: u16,
    etag: String,
    sha256: Option<String>,
}

/// What the parts make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) parts: Vec<StoredPart>,
    pub(super) content_bytes: u64,
    /// The MD5 of the MD5s of the parts, in lower-case hex.
    pub(super) md5: String,
    /// The composite checksum; absent if a part has none.
    pub(super) checksum: Option<Checksum>,
}

/// Reads the body of a completion, whose parts must be in ascending order.
pub(super) fn parse(body: Option<CompletedMultipartUpload>) -> S3Result<Vec<NamedPart>> {
    let parts = body.and_then(|body| body.parts).unwrap_or_default();
    if parts.is_empty() {
        return Err(malformed());
    }
    let parts: Vec<_> = parts.into_iter().map(parse_part).collect::<S3Result<_>>()?;
    if !parts.is_sorted_by(|one, next| one.number < next.number) {
        return Err(s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number."
        ));
    }
    Ok(parts)
}

fn parse_part(part: CompletedPart) -> S3Result<NamedPart> {
    let is_of_another_algorithm = part.checksum_crc32.is_some()
        || part.checksum_crc32c.is_some()
        || part.checksum_crc64nvme.is_some()
        || part.checksum_sha1.is_some();
    if is_of_another_algorithm {
        return Err(s3_error!(
            InvalidRequest,
            "The upload was created using a sha256 checksum. The complete request has another one."
        ));
    }
    let (Some(number), Some(etag)) = (part.part_number, part.e_tag) else {
        return Err(malformed());
    };
    let number = u16::try_from(number)
        .ok()
        .filter(|number| (1..=MAX_PARTS).contains(number))
        .ok_or_else(errors::invalid_part)?;
    Ok(NamedPart {
        number,
        etag: etag.value().to_owned(),
        sha256: part.checksum_sha256,
    })
}

fn malformed() -> s3s::S3Error {
    s3_error!(
        MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
}

/// Compares the named parts with the stored ones, which are in the same order.
pub(super) fn verify(
    named: &[NamedPart],
    stored: Vec<Option<StoredPart>>,
    min_part_bytes: u64,
) -> S3Result<Whole> {
    let parts: Vec<_> = named
        .iter()
        .zip(stored)
        .map(|(named, stored)| verify_part(named, stored))
        .collect::<S3Result<_>>()?;
    let (_, all_but_last) = parts.split_last().ok_or_else(malformed)?;
    if all_but_last
        .iter()
        .any(|part| part.content_bytes < min_part_bytes)
    {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    // with checksums, part numbers must be consecutive and begin with 1, and AWS documents this answer
    if !named
        .iter()
        .map(|part| part.number)
        .eq(1..=named.last().map_or(0, |part| part.number))
    {
        return Err(s3_error!(
            InternalError,
            "We encountered an internal error. Please try again."
        ));
    }
    let content_bytes = parts.iter().map(|part| part.content_bytes).sum();
    if content_bytes > MAX_OBJECT_BYTES {
        return Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        ));
    }
    Ok(Whole {
        content_bytes,
        md5: md5(&parts)?,
        checksum: composite(&parts)?,
        parts,
    })
}

fn verify_part(named: &NamedPart, stored: Option<StoredPart>) -> S3Result<StoredPart> {
    let stored = stored.ok_or_else(errors::invalid_part)?;
    let Some(sha256) = &named.sha256 else {
        return Err(s3_error!(
            InvalidRequest,
            "The upload was created using a sha256 checksum. The complete request must include \
             the checksum for each part. It was missing for part {} in the request.",
            named.number
        ));
    };
    let checksum = stored.record.checksum.as_ref();
    let is_it = named.etag == stored.record.md5
        && checksum.is_none_or(|checksum| checksum.value == *sha256);
    if is_it {
        Ok(stored)
    } else {
        Err(errors::invalid_part())
    }
}

fn md5(parts: &[StoredPart]) -> S3Result<String> {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(&hex::decode(&part.record.md5).map_err(|error| errors::internal(&error))?);
    }
    Ok(hex::encode(md5.finalize()))
}

fn composite(parts: &[StoredPart]) -> S3Result<Option<Checksum>> {
    let mut sha256 = Sha256::new();
    for part in parts {
        let Some(checksum) = &part.record.checksum else {
            return Ok(None);
        };
        let digest = BASE64_STANDARD.decode(&checksum.value);
        sha256.update(digest.map_err(|error| errors::internal(&error))?);
    }
    let digest = BASE64_STANDARD.encode(sha256.finalize());
    Ok(Some(Checksum {
        algorithm: ChecksumAlgorithm::Sha256,
        value: format!("{digest}-{}", parts.len()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PartRecord;
    use s3s::S3ErrorCode as Code;
    use s3s::dto::ETag;

    fn completed(number: i32, content: &[u8]) -> CompletedPart {
        CompletedPart {
            part_number: Some(number),
            e_tag: Some(ETag::Strong(md5_of(content))),
            checksum_sha256: Some(sha256_of(content)),
            ..Default::default()
        }
    }

    fn stored(number: u16, content: &[u8]) -> StoredPart {
        StoredPart {
            record: PartRecord {
                number,
                modified_unix_ms: 1,
                md5: md5_of(content),
                checksum: Checksum::parse(ChecksumAlgorithm::Sha256, &sha256_of(content)),
            },
            content_bytes: content.len() as u64,
        }
    }

    fn md5_of(content: &[u8]) -> String {
        let mut md5 = Md5::new();
        md5.update(content);
        hex::encode(md5.finalize())
    }

    fn sha256_of(content: &[u8]) -> String {
        BASE64_STANDARD.encode(Sha256::digest(content))
    }

    fn read(parts: Vec<CompletedPart>) -> Result<Vec<NamedPart>, Code> {
        let parts = Some(parts);
        parse(Some(CompletedMultipartUpload { parts })).map_err(|error| error.code().clone())
    }

    fn check(parts: Vec<CompletedPart>, stored: Vec<Option<StoredPart>>) -> Result<Whole, Code> {
        verify(&read(parts)?, stored, 2).map_err(|error| error.code().clone())
    }

    /// The digests are from Python's `hashlib`.
    #[test]
    fn the_parts_make_a_whole() {
        let parts = vec![completed(1, b"one"), completed(2, b"2")];
        let whole = check(parts, vec![Some(stored(1, b"one")), Some(stored(2, b"2"))]).unwrap();
        assert_eq!(whole.content_bytes, 4);
        assert_eq!(whole.md5, "71c438c5334454b2718f3114459b0a90");
        let checksum = whole.checksum.unwrap();
        assert_eq!(
            checksum.value,
            "nLgUZiUhR2wdIDr/Xhmdo4L2fIwu4FnpKaNZGe6iSe0=-2"
        );
    }

    /// AWS answered this composite of these digests: <https://github.com/floci-io/floci/issues/3083>.
    #[test]
    fn a_composite_is_that_of_aws() {
        let part = |value: &str| {
            let mut part = stored(1, b"one");
            part.record.checksum = Checksum::parse(ChecksumAlgorithm::Sha256, value);
            part
        };
        let parts = [
            "lcKa6Boe7a167tUCN5C4OaFygGSYD8MBnBARTrdL+1w=",
            "gHjhbUT4oo2tSCtSZJdlKi+jeNXJT+VImqdPXsXvkOc=",
            "4l9PQ3zOPZ0oGFvknFX+J4zZwE4WMzO+l3r8XrbWOeM=",
        ]
        .map(part);
        assert_eq!(
            composite(&parts).unwrap().unwrap().value,
            "rVWtNbadtsaKXJAcgWPWjifHzJaXde/iV4jaJAOdivc=-3"
        );
    }

    #[test]
    fn a_list_has_parts_in_ascending_order() {
        let part = |number| completed(number, b"one");
        assert_eq!(read(Vec::new()), Err(Code::MalformedXML));
        for numbers in [[2, 1], [1, 1]] {
            let parts = numbers.map(part).to_vec();
            assert_eq!(read(parts), Err(Code::InvalidPartOrder), "{numbers:?}");
        }
        for number in [-1, 0, 10_001] {
            assert_eq!(read(vec![part(number)]), Err(Code::InvalidPart), "{number}");
        }
    }

    #[test]
    fn a_part_has_a_number_a_tag_and_a_sha256() {
        let part = completed(1, b"one");
        let without = |change: fn(&mut CompletedPart)| {
            let mut other = part.clone();
            change(&mut other);
            check(vec![other], vec![Some(stored(1, b"one"))]).map(drop)
        };
        assert_eq!(without(|_| ()), Ok(()));
        assert_eq!(
            without(|part| part.part_number = None),
            Err(Code::MalformedXML)
        );
        assert_eq!(without(|part| part.e_tag = None), Err(Code::MalformedXML));
        let refused = Err(Code::InvalidRequest);
        assert_eq!(without(|part| part.checksum_sha256 = None), refused);
        assert_eq!(
            without(|part| part.checksum_crc32 = Some(String::new())),
            refused
        );
    }

    #[test]
    fn a_part_is_the_stored_one() {
        let part = completed(1, b"one");
        let refused = Err(Code::InvalidPart);
        assert_eq!(check(vec![part.clone()], vec![None]).map(drop), refused);
        let mut other_tag = part.clone();
        other_tag.e_tag = completed(1, b"two").e_tag;
        let mut other_digest = part;
        other_digest.checksum_sha256 = completed(1, b"two").checksum_sha256;
        for other in [other_tag, other_digest] {
            let stored = vec![Some(stored(1, b"one"))];
            assert_eq!(check(vec![other], stored).map(drop), refused);
        }
    }

    #[test]
    fn only_the_last_part_may_be_small_and_none_is_left_out() {
        let check = |parts: &[(u16, &[u8])]| {
            let named = parts
                .iter()
                .map(|(number, it)| completed((*number).into(), it));
            let stored = parts.iter().map(|(number, it)| Some(stored(*number, it)));
            check(named.collect(), stored.collect()).map(drop)
        };
        assert_eq!(check(&[(1, b"22"), (2, b"1")]), Ok(()));
        assert_eq!(check(&[(1, b"1"), (2, b"22")]), Err(Code::EntityTooSmall));
        assert_eq!(check(&[(2, b"22")]), Err(Code::InternalError));
        assert_eq!(check(&[(1, b"22"), (3, b"22")]), Err(Code::InternalError));
    }

    #[test]
    fn an_object_has_at_most_5_tib() {
        let sized = |content_bytes| {
            let part = StoredPart {
                content_bytes,
                ..stored(1, b"one")
            };
            check(vec![completed(1, b"one")], vec![Some(part)]).map(drop)
        };
        assert_eq!(sized(MAX_OBJECT_BYTES), Ok(()));
        assert_eq!(sized(MAX_OBJECT_BYTES + 1), Err(Code::EntityTooLarge));
    }
}
