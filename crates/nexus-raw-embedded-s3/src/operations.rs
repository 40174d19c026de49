//! What each operation supports.

/// The headers and parameters of one operation, besides the neutral headers.
pub(crate) struct Supported {
    pub(crate) operation: &'static str,
    pub(crate) headers: &'static [&'static str],
    pub(crate) query: &'static [&'static str],
    pub(crate) metadata: bool,
}

impl Supported {
    const fn nothing(operation: &'static str) -> Self {
        Self {
            operation,
            headers: &[],
            query: &[],
            metadata: false,
        }
    }
}

/// The supported operations.
pub(crate) static OPERATIONS: [Supported; 14] = [
    Supported::nothing("CreateBucket"),
    Supported::nothing("HeadBucket"),
    Supported {
        query: &["location"],
        ..Supported::nothing("GetBucketLocation")
    },
    Supported {
        operation: "PutObject",
        headers: &[
            "content-md5",
            "if-none-match",
            "x-amz-checksum-crc32",
            "x-amz-checksum-crc32c",
            "x-amz-checksum-crc64nvme",
            "x-amz-checksum-sha1",
            "x-amz-checksum-sha256",
            "x-amz-decoded-content-length",
            "x-amz-sdk-checksum-algorithm",
            "x-amz-trailer",
        ],
        query: &[],
        metadata: true,
    },
    Supported {
        operation: "GetObject",
        headers: &["if-match", "if-none-match", "range", "x-amz-checksum-mode"],
        query: &[
            "response-cache-control",
            "response-content-disposition",
            "response-content-encoding",
            "response-content-language",
            "response-content-type",
            "response-expires",
        ],
        metadata: false,
    },
    Supported {
        headers: &["if-match", "if-none-match", "x-amz-checksum-mode"],
        ..Supported::nothing("HeadObject")
    },
    Supported::nothing("DeleteObject"),
    Supported {
        query: &[
            "encoding-type",
            "key-marker",
            "max-keys",
            "prefix",
            "version-id-marker",
            "versions",
        ],
        ..Supported::nothing("ListObjectVersions")
    },
    Supported {
        operation: "CreateMultipartUpload",
        headers: &["x-amz-checksum-algorithm", "x-amz-checksum-type"],
        query: &["uploads"],
        metadata: true,
    },
    Supported {
        headers: &[
            "content-md5",
            "x-amz-checksum-crc32",
            "x-amz-checksum-crc32c",
            "x-amz-checksum-crc64nvme",
            "x-amz-checksum-sha1",
            "x-amz-checksum-sha256",
            "x-amz-decoded-content-length",
            "x-amz-sdk-checksum-algorithm",
            "x-amz-trailer",
        ],
        query: &["partNumber", "uploadId"],
        ..Supported::nothing("UploadPart")
    },
    Supported {
        query: &["max-parts", "part-number-marker", "uploadId"],
        ..Supported::nothing("ListParts")
    },
    Supported {
        query: &[
            "encoding-type",
            "key-marker",
            "max-uploads",
            "prefix",
            "upload-id-marker",
            "uploads",
        ],
        ..Supported::nothing("ListMultipartUploads")
    },
    Supported {
        query: &["uploadId"],
        ..Supported::nothing("AbortMultipartUpload")
    },
    Supported {
        headers: &[
            "if-none-match",
            "x-amz-checksum-sha256",
            "x-amz-checksum-type",
            "x-amz-mp-object-size",
        ],
        query: &["uploadId"],
        ..Supported::nothing("CompleteMultipartUpload")
    },
];
