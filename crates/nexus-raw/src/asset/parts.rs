use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{ByteSize, Sha256Digest};

/// The number of a part of an upload: 1 to 10,000 (Amazon S3 User Guide, "Amazon S3 multipart
/// upload limits").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PartNumber(u16);

/// A number is no [`PartNumber`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an integer from 1 to 10000")]
#[non_exhaustive]
pub struct PartNumberError;

impl PartNumber {
    /// The highest number.
    pub const MAX: u16 = 10_000;

    /// Takes a number.
    ///
    /// # Errors
    /// If it is not from 1 to 10,000.
    pub fn parse(number: u64) -> Result<Self, PartNumberError> {
        match u16::try_from(number) {
            Ok(number @ 1..=Self::MAX) => Ok(Self(number)),
            _ => Err(PartNumberError),
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl<'de> Deserialize<'de> for PartNumber {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(u64::deserialize(from)?).map_err(de::Error::custom)
    }
}

/// How a content is cut into parts: all but the last have one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartLayout {
    size_bytes: ByteSize,
    part_size_bytes: ByteSize,
}

impl PartLayout {
    /// Cuts a content into parts of `least` bytes, doubled until there are at most 10,000. An empty
    /// content, or a size of 0, has no layout.
    #[must_use]
    pub fn of(size_bytes: ByteSize, least: ByteSize) -> Option<Self> {
        let mut part = least.get();
        if part == 0 {
            return None;
        }
        while size_bytes.get().div_ceil(part) > u64::from(PartNumber::MAX) {
            part = part.checked_mul(2)?;
        }
        Self::with_parts_of(size_bytes, ByteSize::parse(part).ok()?)
    }

    /// Cuts a content into parts of this size; `None` if that gives no part or more than 10,000.
    #[must_use]
    pub fn with_parts_of(size_bytes: ByteSize, part_size_bytes: ByteSize) -> Option<Self> {
        let (size, part) = (size_bytes.get(), part_size_bytes.get());
        let fits = size > 0 && part > 0 && size.div_ceil(part) <= u64::from(PartNumber::MAX);
        fits.then_some(Self {
            size_bytes,
            part_size_bytes,
        })
    }

    /// The size of each part but the last.
    #[must_use]
    pub fn part_size_bytes(self) -> ByteSize {
        self.part_size_bytes
    }

    /// The number of parts, 1 to 10,000.
    #[must_use]
    pub fn count(self) -> u16 {
        let count = self.size_bytes.get().div_ceil(self.part_size_bytes.get());
        // the constructor has checked it
        u16::try_from(count).unwrap_or(PartNumber::MAX)
    }

    /// The size of a part; `None` if there is no such part.
    #[must_use]
    pub fn size_of(self, part: PartNumber) -> Option<ByteSize> {
        let before = u64::from(part.get() - 1) * self.part_size_bytes.get();
        let rest = self.size_bytes.get().checked_sub(before)?;
        let size = rest.min(self.part_size_bytes.get());
        (size > 0).then(|| ByteSize::parse(size).ok()).flatten()
    }

    /// The numbers of all parts, ascending.
    pub fn numbers(self) -> impl Iterator<Item = PartNumber> {
        (1..=self.count()).map(PartNumber)
    }
}

/// A part as it was declared: the store accepts no other bytes for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeclaredPart {
    /// Its number.
    pub number: PartNumber,
    /// Its length.
    pub size_bytes: ByteSize,
    /// Its digest.
    pub sha256: Sha256Digest,
}

impl DeclaredPart {
    /// The composite digest of an object that was uploaded in these parts: SHA-256 over the digests
    /// of all parts, in order (Amazon S3 User Guide, "Checking object integrity", composite
    /// checksums). S3 appends the number of parts to it.
    #[must_use]
    pub fn composite_sha256(parts: &[Self]) -> Sha256Digest {
        let digests: Vec<u8> = parts
            .iter()
            .flat_map(|part| part.sha256.as_bytes().iter().copied())
            .collect();
        Sha256Digest::of(&digests)
    }
}

/// The id that a store gave to an upload in parts. It is of no use without credentials.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(String);

/// A text is no [`UploadId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {} bytes", UploadId::MAX_BYTES)]
#[non_exhaustive]
pub struct UploadIdError;

impl UploadId {
    /// The maximum length in bytes. Stores differ in what they give; S3's have about 130.
    pub const MAX_BYTES: usize = 1024;

    /// Takes the id as the store gave it.
    ///
    /// # Errors
    /// If it is empty or longer than [`Self::MAX_BYTES`].
    pub fn parse(id: &str) -> Result<Self, UploadIdError> {
        if (1..=Self::MAX_BYTES).contains(&id.len()) {
            Ok(Self(id.to_owned()))
        } else {
            Err(UploadIdError)
        }
    }

    /// The id as the store gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(count: u64) -> ByteSize {
        ByteSize::parse(count).unwrap()
    }

    #[test]
    fn part_numbers_are_1_to_10000() {
        for good in [1, 2, 9_999, 10_000] {
            assert_eq!(u64::from(PartNumber::parse(good).unwrap().get()), good);
        }
        for bad in [0, 10_001, 65_537, u64::MAX] {
            assert_eq!(PartNumber::parse(bad), Err(PartNumberError), "{bad}");
        }
    }

    #[test]
    fn parts_are_doubled_until_there_are_at_most_10000() {
        let mib = 1024 * 1024;
        for (size, part_mib, count) in [
            (1, 8, 1),
            (8 * mib, 8, 1),
            (8 * mib + 1, 8, 2),
            (80_000 * mib, 8, 10_000),
            (80_000 * mib + 1, 16, 5_001),
            (1024 * 1024 * mib, 128, 8_192),
            (5 * 1024 * 1024 * mib, 1024, 5_120),
        ] {
            let layout = PartLayout::of(bytes(size), bytes(8 * mib)).unwrap();
            assert_eq!(layout.part_size_bytes(), bytes(part_mib * mib), "{size}");
            assert_eq!(layout.count(), count, "{size}");
        }
        assert_eq!(PartLayout::of(bytes(0), bytes(8)), None);
        assert_eq!(PartLayout::of(bytes(8), bytes(0)), None);
        assert_eq!(PartLayout::with_parts_of(bytes(10_001), bytes(1)), None);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole(size in 1..=(1_u64 << 43), least in 1..=(1_u64 << 30)) {
            let layout = PartLayout::of(bytes(size), bytes(least)).unwrap();
            let sizes: Vec<u64> = layout
                .numbers()
                .map(|number| layout.size_of(number).unwrap().get())
                .collect();
            prop_assert_eq!(sizes.iter().sum::<u64>(), size);
            let (last, others) = sizes.split_last().unwrap();
            let part = layout.part_size_bytes().get();
            prop_assert!(others.iter().all(|it| *it == part) && *last <= part);
            let next = u64::try_from(sizes.len()).unwrap() + 1;
            if let Ok(next) = PartNumber::parse(next) {
                prop_assert_eq!(layout.size_of(next), None);
            }
        }
    }

    #[test]
    fn a_composite_is_the_digest_of_the_digests() {
        // printf 'a' | openssl dgst -sha256 -binary > d; printf 'b' | … >> d; sha256sum d
        let part = |number, content: &[u8]| DeclaredPart {
            number: PartNumber::parse(number).unwrap(),
            size_bytes: bytes(1),
            sha256: Sha256Digest::of(content),
        };
        let composite = DeclaredPart::composite_sha256(&[part(1, b"a"), part(2, b"b")]);
        assert_eq!(
            composite.to_string(),
            "e5a01fee14e0ed5c48714f22180f25ad8365b53f9779f79dc4a3d7e93963f94a"
        );
    }

    #[test]
    fn an_upload_id_is_kept_as_it_is_and_bounded() {
        assert_eq!(UploadId::parse("a.b_C~9").unwrap().as_str(), "a.b_C~9");
        for bad in [String::new(), "a".repeat(1025)] {
            assert_eq!(UploadId::parse(&bad), Err(UploadIdError));
        }
    }
}
