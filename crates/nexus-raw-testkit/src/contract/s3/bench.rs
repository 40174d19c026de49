use crate::s3::{Answer, Endpoint, Presign, Signer, base64_sha256};

/// The content that most rules upload.
pub(super) const CONTENT: &[u8] = b"a photograph";
/// Other bytes of the same length.
pub(super) const OTHER: &[u8] = b"a holograph!";
/// The origin in the bucket's CORS rule.
pub(super) const ORIGIN: &str = "https://app.example.com";

/// A store with a bucket for the objects of rules. Each rule uses its own keys, so they may run
/// concurrently.
#[derive(Debug)]
pub struct Bench {
    pub(super) endpoint: Endpoint,
    bucket: String,
    rule: String,
}

/// An upload as the service presigns it.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) path: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
}

impl Bench {
    /// Returns the bench of one rule on an existing bucket.
    #[must_use]
    pub fn new(endpoint: &Endpoint, bucket: &str, rule: &str) -> Self {
        Self {
            endpoint: endpoint.clone(),
            bucket: bucket.to_owned(),
            rule: rule.to_owned(),
        }
    }

    /// Returns the path of a key of the rule, which is percent-encoded.
    pub(super) fn path(&self, key: &str) -> String {
        format!("/{}/{}/{key}", self.bucket, self.rule)
    }

    /// Creates another bucket for this rule, and returns its path.
    pub(super) fn new_bucket(&self) -> String {
        let name = format!("{}-{}", self.bucket, self.rule.replace('_', "-"));
        let path = format!("/{}", &name[..name.len().min(63)]);
        let path = path.trim_end_matches('-').to_owned();
        // it exists if the store is kept between runs
        let made = self.signed("PUT", &path, &[], b"");
        assert!([200, 409].contains(&made.status), "{made:?}");
        path
    }

    pub(super) fn signer(&self) -> Signer {
        self.endpoint.signer()
    }

    pub(super) fn signed(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.endpoint.signed(method, target, headers, body)
    }

    /// Sends a request unchanged.
    pub(super) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Answer {
        self.endpoint.send(method, target, headers, body)
    }

    /// Presigns an upload of [`CONTENT`], for ten minutes.
    pub(super) fn upload(&self) -> Upload {
        self.upload_by(&self.signer(), 600)
    }

    pub(super) fn upload_by(&self, signer: &Signer, expires: u32) -> Upload {
        let path = self.path("k");
        let headers = upload_headers();
        let presign = Presign {
            method: "PUT",
            path: &path,
            query: &[],
            headers: &headers,
            expires,
        };
        Upload {
            target: signer.presign(&presign),
            path,
            headers,
        }
    }

    /// Returns the response to an upload, and whether the store has done otherwise.
    pub(super) fn outcome(&self, path: &str, answer: &Answer) -> String {
        let stored = self.signed("HEAD", path, &[], b"").status == 200;
        let response = status_and_code(answer);
        match (answer.status < 300, stored) {
            (true, false) => format!("{response}, not stored"),
            (false, true) => format!("{response}, stored"),
            _ => response,
        }
    }

    /// Uploads the promised bytes and returns the outcome.
    pub(super) fn put(&self, upload: &Upload) -> String {
        let answer = self.send("PUT", &upload.target, &upload.headers, CONTENT);
        self.outcome(&upload.path, &answer)
    }

    /// Puts an object in one request, signed in its header.
    pub(super) fn place(&self, path: &str, headers: &[(&str, &str)], content: &[u8]) {
        let put = self.signed("PUT", path, headers, content);
        assert_eq!(put.error(), (200, String::new()), "{path}");
    }
}

impl Upload {
    /// Returns the same with another target.
    pub(super) fn at(&self, from: &str, to: &str) -> Self {
        let target = self.target.replacen(from, to, 1);
        assert_ne!(target, self.target, "{from} is not in the URL");
        Self {
            target,
            ..self.clone()
        }
    }

    /// Returns the same without one query parameter.
    pub(super) fn without_parameter(&self, name: &str) -> Self {
        let (path, query) = self.target.split_once('?').unwrap();
        let kept: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.starts_with(&format!("{name}=")))
            .collect();
        Self {
            target: format!("{path}?{}", kept.join("&")),
            ..self.clone()
        }
    }

    /// Returns the same with another value of a header, or with an added header.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.without(name);
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    /// Returns the same without a header.
    pub(super) fn without(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.headers.retain(|(it, _)| it != name);
        other
    }
}

fn upload_headers() -> Vec<(String, String)> {
    [
        ("content-length", CONTENT.len().to_string()),
        ("content-type", "image/jpeg".to_owned()),
        ("if-none-match", "*".to_owned()),
        ("x-amz-checksum-sha256", base64_sha256(CONTENT)),
        ("x-amz-meta-tenant-id", "t_demo".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// Returns status and error code.
pub(super) fn status_and_code(answer: &Answer) -> String {
    let (status, code) = answer.error();
    format!("{status} {code}").trim().to_owned()
}

/// Returns `yes`, or `otherwise`.
pub(super) fn or(holds: bool, otherwise: &str) -> String {
    if holds { "yes" } else { otherwise }.to_owned()
}
