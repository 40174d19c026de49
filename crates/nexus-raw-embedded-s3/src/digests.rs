//! The digests that an upload declares, and their verification.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::header::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::{S3Result, s3_error};

use crate::checksum::{Checksum, ChecksumAlgorithm};

/// The digests that a client declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    content_md5: Option<[u8; 16]>,
    checksum: DeclaredChecksum,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum DeclaredChecksum {
    Nothing,
    Header(Checksum),
    /// The value follows the content (`x-amz-trailer`).
    Trailer(ChecksumAlgorithm),
}

/// The digests of the received bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Computed {
    pub(crate) md5: [u8; 16],
    pub(crate) checksum: Checksum,
}

impl Declared {
    /// Reads `Content-MD5`, `x-amz-checksum-*`, `x-amz-trailer` and
    /// `x-amz-sdk-checksum-algorithm`.
    ///
    /// # Errors
    /// 400 for a malformed value, more than one checksum, or an algorithm without its value.
    pub(crate) fn parse(headers: &HeaderMap) -> S3Result<Self> {
        let declared = Self {
            content_md5: content_md5(headers)?,
            checksum: checksum(headers)?,
        };
        let algorithm = headers.get("x-amz-sdk-checksum-algorithm");
        match (algorithm, declared.declared_algorithm()) {
            (None, _) => Ok(declared),
            (Some(_), None) => Err(s3_error!(
                InvalidRequest,
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* \
                 or x-amz-trailer headers were found."
            )),
            (Some(named), Some(algorithm)) if named.as_bytes() == algorithm.name().as_bytes() => {
                Ok(declared)
            }
            (Some(_), Some(_)) => Err(s3_error!(
                InvalidRequest,
                "Value for x-amz-sdk-checksum-algorithm header is invalid."
            )),
        }
    }

    /// Returns the algorithm of the declared checksum, if there is one.
    pub(crate) fn declared_algorithm(&self) -> Option<ChecksumAlgorithm> {
        match &self.checksum {
            DeclaredChecksum::Nothing => None,
            DeclaredChecksum::Header(checksum) => Some(checksum.algorithm),
            DeclaredChecksum::Trailer(algorithm) => Some(*algorithm),
        }
    }

    /// Returns the algorithm to store: the declared one, or the default of S3:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>.
    pub(crate) fn algorithm(&self) -> ChecksumAlgorithm {
        self.declared_algorithm()
            .unwrap_or(ChecksumAlgorithm::Crc64nvme)
    }

    /// Returns the value in the head of the request, unverified.
    pub(crate) fn claimed_checksum(&self) -> Option<&Checksum> {
        match &self.checksum {
            DeclaredChecksum::Header(checksum) => Some(checksum),
            DeclaredChecksum::Nothing | DeclaredChecksum::Trailer(_) => None,
        }
    }

    /// Verifies every declared digest. `trailers` are those after the content.
    ///
    /// # Errors
    /// 400 `BadDigest` if the bytes differ, `InvalidRequest` if an announced trailer is absent or
    /// malformed.
    pub(crate) fn verify(&self, computed: &Computed, trailers: Option<&HeaderMap>) -> S3Result<()> {
        if self.content_md5.is_some_and(|md5| md5 != computed.md5) {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        let declared = match &self.checksum {
            DeclaredChecksum::Nothing => return Ok(()),
            DeclaredChecksum::Header(checksum) => checksum.clone(),
            DeclaredChecksum::Trailer(algorithm) => {
                let value = trailers.and_then(|trailers| trailers.get(algorithm.header()));
                parse_value(*algorithm, value.map(hyper::header::HeaderValue::as_bytes))?
            }
        };
        if declared != computed.checksum {
            return Err(s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                declared.algorithm.name()
            ));
        }
        Ok(())
    }
}

fn content_md5(headers: &HeaderMap) -> S3Result<Option<[u8; 16]>> {
    let Some(value) = headers.get("content-md5") else {
        return Ok(None);
    };
    BASE64_STANDARD
        .decode(value.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .map(Some)
        .ok_or_else(|| s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid."))
}

fn checksum(headers: &HeaderMap) -> S3Result<DeclaredChecksum> {
    let mut found = DeclaredChecksum::Nothing;
    let too_many = || {
        s3_error!(
            InvalidRequest,
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    };
    for algorithm in ChecksumAlgorithm::ALL {
        if let Some(value) = headers.get(algorithm.header()) {
            if found != DeclaredChecksum::Nothing {
                return Err(too_many());
            }
            let checksum = parse_value(algorithm, Some(value.as_bytes()))?;
            found = DeclaredChecksum::Header(checksum);
        }
    }
    if let Some(trailer) = headers.get("x-amz-trailer") {
        if found != DeclaredChecksum::Nothing {
            return Err(too_many());
        }
        let is_sent = headers
            .get("x-amz-content-sha256")
            .is_some_and(|payload| payload.as_bytes().ends_with(b"-TRAILER"));
        found = trailer
            .to_str()
            .ok()
            .filter(|_| is_sent)
            .and_then(ChecksumAlgorithm::of_header)
            .map(DeclaredChecksum::Trailer)
            .ok_or_else(|| {
                s3_error!(
                    InvalidRequest,
                    "The value specified in the x-amz-trailer header is not supported"
                )
            })?;
    }
    Ok(found)
}

fn parse_value(algorithm: ChecksumAlgorithm, value: Option<&[u8]>) -> S3Result<Checksum> {
    value
        .and_then(|value| std::str::from_utf8(value).ok())
        .and_then(|value| Checksum::parse(algorithm, value))
        .ok_or_else(|| {
            s3_error!(
                InvalidRequest,
                "Value for {} header is invalid.",
                algorithm.header()
            )
        })
}

/// The hashers of an upload.
pub(crate) struct Hashers {
    md5: Md5,
    algorithm: ChecksumAlgorithm,
    hasher: ChecksumHasher,
}

impl Hashers {
    pub(crate) fn new(algorithm: ChecksumAlgorithm) -> Self {
        use ChecksumAlgorithm as Algorithm;
        let hasher = ChecksumHasher {
            crc32: (algorithm == Algorithm::Crc32).then(Default::default),
            crc32c: (algorithm == Algorithm::Crc32c).then(Default::default),
            crc64nvme: (algorithm == Algorithm::Crc64nvme).then(Default::default),
            sha1: (algorithm == Algorithm::Sha1).then(Default::default),
            sha256: (algorithm == Algorithm::Sha256).then(Default::default),
        };
        Self {
            md5: Md5::new(),
            algorithm,
            hasher,
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.hasher.update(bytes);
    }

    pub(crate) fn finish(self) -> Computed {
        let sums = self.hasher.finalize();
        // only the requested one is present
        let value = sums
            .checksum_crc32
            .or(sums.checksum_crc32c)
            .or(sums.checksum_crc64nvme)
            .or(sums.checksum_sha1)
            .or(sums.checksum_sha256)
            .unwrap_or_default();
        Computed {
            md5: self.md5.finalize(),
            checksum: Checksum {
                algorithm: self.algorithm,
                value,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header_pairs::headers;
    use s3s::S3ErrorCode;

    /// The check values of the algorithms' catalogues, over the digits 1 to 9.
    const OF_DIGITS: [(ChecksumAlgorithm, &str); 5] = [
        (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
        (ChecksumAlgorithm::Crc32c, "4waSgw=="),
        (ChecksumAlgorithm::Crc64nvme, "rosUhgp5mIg="),
        (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
        (
            ChecksumAlgorithm::Sha256,
            "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
        ),
    ];
    const MD5_OF_DIGITS: &str = "JfnnlDI7RTiF9RgfG2JNCw==";

    fn check(
        pairs: &[(&str, &str)],
        content: &[u8],
        trailers: &[(&str, &str)],
    ) -> Result<(), S3ErrorCode> {
        let code = |error: s3s::S3Error| error.code().clone();
        let declared = Declared::parse(&headers(pairs)).map_err(code)?;
        let mut running = Hashers::new(declared.algorithm());
        content.chunks(4).for_each(|chunk| running.update(chunk));
        let trailers = headers(trailers);
        declared
            .verify(&running.finish(), Some(&trailers))
            .map_err(code)
    }

    #[test]
    fn every_algorithm_is_checked() {
        for (algorithm, value) in OF_DIGITS {
            let header = [(algorithm.header(), value)];
            assert_eq!(check(&header, b"123456789", &[]), Ok(()), "{algorithm:?}");
            assert_eq!(
                check(&header, b"123456780", &[]),
                Err(S3ErrorCode::BadDigest),
                "{algorithm:?}"
            );
        }
        let md5 = [("content-md5", MD5_OF_DIGITS)];
        assert_eq!(check(&md5, b"123456789", &[]), Ok(()));
        assert_eq!(check(&md5, b"12345678", &[]), Err(S3ErrorCode::BadDigest));
    }

    #[test]
    fn every_algorithm_is_checked_in_a_trailer() {
        for (algorithm, value) in OF_DIGITS {
            let head = [
                ("x-amz-trailer", algorithm.header()),
                ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
                ("x-amz-sdk-checksum-algorithm", algorithm.name()),
            ];
            let trailer = [(algorithm.header(), value)];
            assert_eq!(
                check(&head, b"123456789", &trailer),
                Ok(()),
                "{algorithm:?}"
            );
            assert_eq!(
                check(&head, b"12345678", &trailer),
                Err(S3ErrorCode::BadDigest)
            );
            assert_eq!(
                check(&head, b"123456789", &[]),
                Err(S3ErrorCode::InvalidRequest)
            );
        }
    }

    #[test]
    fn without_a_declared_checksum_crc64nvme_is_kept() {
        let declared = Declared::parse(&HeaderMap::new()).unwrap();
        let mut running = Hashers::new(declared.algorithm());
        running.update(b"123456789");
        let (algorithm, value) = OF_DIGITS[2];
        assert_eq!(
            running.finish().checksum,
            Checksum {
                algorithm,
                value: value.to_owned()
            }
        );
    }

    #[test]
    fn a_malformed_or_ambiguous_declaration_is_refused() {
        let (crc32, sha256) = (OF_DIGITS[0], OF_DIGITS[4]);
        for pairs in [
            vec![("x-amz-checksum-sha256", crc32.1)],
            vec![
                ("x-amz-checksum-sha256", sha256.1),
                ("x-amz-checksum-crc32", crc32.1),
            ],
            vec![("x-amz-sdk-checksum-algorithm", "SHA256")],
            vec![
                ("x-amz-sdk-checksum-algorithm", "SHA1"),
                ("x-amz-checksum-sha256", sha256.1),
            ],
            vec![("x-amz-trailer", "x-amz-checksum-crc32")],
            vec![
                ("x-amz-trailer", "x-amz-meta-a"),
                ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ],
        ] {
            assert_eq!(
                check(&pairs, b"123456789", &[]),
                Err(S3ErrorCode::InvalidRequest),
                "{pairs:?}"
            );
        }
        assert_eq!(
            check(&[("content-md5", "JfnnlDI7")], b"", &[]),
            Err(S3ErrorCode::InvalidDigest)
        );
    }
}
