use std::{
    io::{self, ErrorKind},
    path::PathBuf,
    time::Duration,
};

use nexus_raw::asset::{AssetId, Sha256Digest};
use nexus_raw_config::EmbeddedError;
use nexus_raw_identity_jwt::{IssueError, JwtSettingsError};
use reqwest::StatusCode;

use crate::{exit::Exit, option_faults::OptionFault, problem::Problem};

/// The error of a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("the command line is wrong")]
    Options(Vec<OptionFault>),
    /// The service or the caller is not completely given, or given wrong.
    #[error("settings are missing or wrong")]
    Settings(Vec<OptionFault>),
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The upload has ended, or its object is not what was declared.
    #[error("asset {asset_id} can no longer be registered: {problem}")]
    NotRegistrable {
        asset_id: AssetId,
        problem: Box<Problem>,
    },
    /// No upload in parts, or one that is complete.
    #[error("the upload of asset {asset_id} cannot be aborted: {problem}")]
    NotAborted {
        asset_id: AssetId,
        problem: Box<Problem>,
    },
    /// The timeout came before the service had hashed the object.
    #[error("asset {asset_id} is uploaded but not registered yet: the service is still hashing it")]
    StillHashed {
        asset_id: AssetId,
        problem: Box<Problem>,
    },
    /// The timeout came before the service had read the object.
    #[error("asset {asset_id} is not verified yet: the service is still reading it")]
    StillRead {
        asset_id: AssetId,
        problem: Box<Problem>,
    },
    #[error("asset {asset_id} is corrupt: its object in the store is not what its record says")]
    Corrupt { asset_id: AssetId },
    #[error("asset {asset_id} is missing: its object is no longer in the store")]
    Missing { asset_id: AssetId },
    #[error("{} is not the content of asset {asset_id}: it has sha256 {found}, the record says {recorded}", path.display())]
    FileDiffers {
        path: PathBuf,
        asset_id: AssetId,
        found: Sha256Digest,
        recorded: Sha256Digest,
    },
    /// Without the URL, since that of an upload is a secret.
    #[error("no answer from {from}")]
    NoAnswer { from: Peer, source: reqwest::Error },
    #[error("unexpected response from {from} ({status})")]
    UnexpectedResponse { from: Peer, status: StatusCode },
    #[error("the store refused the upload ({status} {code})")]
    Store { status: StatusCode, code: String },
    #[error("the store took the upload and did not answer")]
    Silent,
    /// The failures of items are reported already.
    #[error("some files were not stored")]
    Reported(Exit),
    /// Without the URL, since that of a download is a secret.
    #[error("no complete answer from the store")]
    NotDownloaded { source: reqwest::Error },
    #[error("the store refused the download ({status} {code})")]
    Download { status: StatusCode, code: String },
    #[error("the content of asset {asset_id} is not what its record says")]
    Mismatch { asset_id: AssetId },
    #[error("{} exists", path.display())]
    Exists { path: PathBuf },
    #[error("cannot write {}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("cannot read {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} changed during the upload", path.display())]
    FileChanged { path: PathBuf },
    #[error("cannot create a token")]
    Embedded(#[from] EmbeddedError),
    #[error("cannot create a token")]
    TokenSettings(#[from] JwtSettingsError),
    #[error("cannot create a token")]
    Token(#[from] IssueError),
    #[error("cannot create the HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("cannot get random bytes")]
    Random(#[source] getrandom::Error),
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("event sequence has a gap: {next} after {last}")]
    Gap { last: u64, next: u64 },
    #[error("cannot write the output")]
    Output(#[from] io::Error),
    /// What the command did stands, although nobody was told.
    #[error("{done}, but the output cannot be written")]
    NotPrinted { done: String, source: io::Error },
}

/// The server of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Service,
    Store,
}

impl std::fmt::Display for Peer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Service => "the service",
            Self::Store => "the store",
        })
    }
}

impl Failure {
    pub(crate) fn no_answer(from: Peer, error: reqwest::Error) -> Self {
        Self::NoAnswer {
            from,
            source: error.without_url(),
        }
    }

    /// Adds to a failed output what the command did before. A closed pipe stays one, and ends the
    /// command quietly.
    pub(crate) fn after(self, done: String) -> Self {
        match self {
            Self::Output(source) if source.kind() != ErrorKind::BrokenPipe => {
                Self::NotPrinted { done, source }
            }
            other => other,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_)
            | Self::Options(_)
            | Self::Settings(_)
            | Self::Token(IssueError::Ttl { .. }) => Exit::Usage,
            Self::Problem(problem) => problem.exit(),
            Self::Reported(exit) => *exit,
            Self::NoAnswer { .. }
            | Self::Silent
            | Self::NotDownloaded { .. }
            | Self::StillHashed { .. }
            | Self::StillRead { .. } => Exit::Unavailable,
            Self::Store { status, code } if is_retried_by_stores(*status, code) => {
                Exit::Unavailable
            }
            // S3 answers 500 to what it could not do now
            Self::Download { status, .. }
                if is_temporary(*status) || *status == StatusCode::INTERNAL_SERVER_ERROR =>
            {
                Exit::Unavailable
            }
            Self::Store { .. }
            | Self::Download { .. }
            | Self::NotRegistrable { .. }
            | Self::NotAborted { .. } => Exit::Refused,
            Self::UnexpectedResponse { status, .. } if is_temporary(*status) => Exit::Unavailable,
            _ => Exit::Other,
        }
    }

    /// Returns whether a retry of the same request may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            // the rest needs a new command, or has its own retries, in `pending`
            Self::Problem(problem) => problem.is_transient(),
            other => other.exit() == Exit::Unavailable,
        }
    }

    /// Returns whether the store refuses the URL, which may have ended.
    pub(crate) fn may_need_another_url(&self) -> bool {
        matches!(
            self,
            Self::Store { status, code } if *status == StatusCode::FORBIDDEN || URL_ENDS.contains(&&**code)
        )
    }

    /// Returns whether the upload cannot be continued, but its content may go up as another asset.
    pub(crate) fn needs_another_upload(&self) -> bool {
        match self {
            Self::Problem(problem) => matches!(
                &*problem.code,
                "upload-expired" | "asset-conflict" | "idempotency-key-reused"
            ),
            Self::Store { code, .. } => code == "NoSuchUpload",
            _ => false,
        }
    }

    /// Returns whether the service refuses the token, which may have ended.
    pub(crate) fn is_token_refused(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.status == 401)
    }

    /// Returns whether the store has no object to register.
    pub(crate) fn is_not_uploaded(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.code == "object-not-uploaded")
    }

    /// Returns whether the service refuses the size of the request.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.code == "payload-too-large")
    }

    /// Returns whether the service cannot be reached or used for now.
    pub(crate) fn is_service_away(&self) -> bool {
        match self {
            Self::NoAnswer { from, .. } | Self::UnexpectedResponse { from, .. } => {
                *from == Peer::Service && self.exit() == Exit::Unavailable
            }
            Self::Problem(problem) => matches!(problem.status, 502..=504),
            _ => false,
        }
    }

    /// Returns whether the service may answer otherwise in some minutes.
    pub(crate) fn is_waited_for(&self) -> bool {
        let is_busy = |problem: &Problem| matches!(problem.status, 408 | 429);
        self.is_service_away() || matches!(self, Self::Problem(problem) if is_busy(problem))
    }

    /// Returns whether the upload cannot be registered any more, by any run.
    pub(crate) fn ends_upload(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.ends_upload())
    }

    /// Returns the service's `Retry-After`.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// Returns a hint for the user.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Problem(problem) => problem.hint(),
            Self::StillHashed { .. } => Some(
                "the service continues: register that asset later with nexus-raw register and the same metadata, or put the file again, as another asset; --wait-seconds sets a longer wait",
            ),
            Self::StillRead { .. } => Some(
                "the service continues: verify the asset again later; --wait-seconds sets a longer wait",
            ),
            Self::Corrupt { .. } | Self::Missing { .. } => Some(
                "report this to the operator of the service; the record does not change, and an intact copy can be put as another asset",
            ),
            Self::FileDiffers { .. } => {
                Some("the store was not read; without --file only its object is verified")
            }
            Self::NoAnswer {
                from: Peer::Service,
                ..
            } => Some("is the server running at that address? nexus-raw whoami prints it"),
            Self::NoAnswer {
                from: Peer::Store, ..
            } => Some("is the store reachable from this machine? Nothing was registered"),
            Self::UnexpectedResponse { status, .. } if is_temporary(*status) => Some(
                "something between this machine and the service answers in its place; try again later",
            ),
            Self::UnexpectedResponse {
                from: Peer::Service,
                ..
            } => {
                Some("another server may be running at that address, which nexus-raw whoami prints")
            }
            Self::Store { code, .. } if DAMAGES.contains(&&**code) => {
                Some("the store received other bytes than were hashed; put the file again")
            }
            Self::Store { status, .. } if *status == StatusCode::FORBIDDEN => Some(
                "the store refuses the URLs that the service signs; report this to the operator of the service",
            ),
            Self::Store { .. } if self.exit() == Exit::Unavailable => {
                Some("nothing was registered; put the file again")
            }
            Self::Store { .. } => {
                Some("nothing was registered; report this to the operator of the service")
            }
            Self::NotRegistrable { .. } => Some("put the file, which uploads it as another asset"),
            Self::NotAborted { .. } => Some(
                "only an upload in parts can be aborted, until it is completed or registered; one that was begun otherwise ends by itself",
            ),
            Self::Embedded(_) => Some(
                "--data-dir names the data directory of a server in embedded mode; without it, .nexus-raw in the current directory",
            ),
            Self::NotDownloaded { .. } => Some("is the store reachable from this machine?"),
            Self::Download { .. } if self.exit() == Exit::Unavailable => {
                Some("this error is temporary; try again later")
            }
            Self::Download { .. } => Some(
                "the store refuses the service's URL; report this to the operator of the service",
            ),
            Self::Mismatch { .. } => Some(
                "what was received is damaged, or the object was changed in the store; no file was written, and what was printed is not the asset",
            ),
            Self::Exists { .. } => Some("choose another place with -o, or replace it with --force"),
            Self::Client(_) => Some(
                "install the system's certificates (ca-certificates), or set SSL_CERT_FILE to a file of certificates",
            ),
            Self::Gap { .. } => Some(
                "was the catalogue restored from a backup, or is --server another one? Events printed before may be invalid",
            ),
            Self::FileChanged { .. } => {
                Some("nothing was registered; put the file again when it no longer changes")
            }
            _ => None,
        }
    }
}

/// The codes of a store for a URL, or credentials that signed it, that have ended.
const URL_ENDS: [&str; 4] = [
    "ExpiredToken",
    "ExpiredRequest",
    "RequestExpired",
    "TokenRefreshRequired",
];

/// The codes of a store for bytes that were damaged or lost on their way.
const DAMAGES: [&str; 3] = ["BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch"];

/// Returns whether a store may take the same upload later. S3 tells by its code, under several
/// statuses: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
fn is_retried_by_stores(status: StatusCode, code: &str) -> bool {
    // 409 is for concurrent create-once writes (ConditionalRequestConflict), 499 and 520 are of proxies
    matches!(status.as_u16(), 408 | 409 | 429 | 499 | 500 | 502..=504 | 520..=524)
        || [
            "RequestTimeout",
            "SlowDown",
            "InternalError",
            "ServiceUnavailable",
        ]
        .contains(&code)
        || DAMAGES.contains(&code)
}

/// Returns whether a status is temporary.
pub(crate) fn is_temporary(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the exit code, and that the hint asks for a repetition only if that may help.
    fn assert_agree(failure: &Failure, expected: Exit) {
        assert_eq!(failure.exit(), expected, "{failure}");
        let hint = failure.hint().unwrap();
        let repeats = hint.contains("put the file again") || hint.contains("again later");
        assert_eq!(repeats, expected == Exit::Unavailable, "{failure}: {hint}");
    }

    #[test]
    fn what_the_store_answers_has_an_exit_code_and_a_hint_that_agree() {
        for (status, code, of_upload, of_download) in [
            (307, "", Exit::Refused, Exit::Refused),
            (400, "BadDigest", Exit::Unavailable, Exit::Refused),
            (400, "InvalidRequest", Exit::Refused, Exit::Refused),
            (403, "AccessDenied", Exit::Refused, Exit::Refused),
            (404, "NoSuchBucket", Exit::Refused, Exit::Refused),
            (408, "", Exit::Unavailable, Exit::Unavailable),
            (409, "", Exit::Unavailable, Exit::Refused),
            (411, "", Exit::Refused, Exit::Refused),
            (429, "", Exit::Unavailable, Exit::Unavailable),
            (500, "", Exit::Unavailable, Exit::Unavailable),
            (501, "", Exit::Refused, Exit::Refused),
            (503, "SlowDown", Exit::Unavailable, Exit::Unavailable),
            (520, "", Exit::Unavailable, Exit::Refused),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let code = code.to_owned();
            let upload = Failure::Store {
                status,
                code: code.clone(),
            };
            assert_agree(&upload, of_upload);
            assert_agree(&Failure::Download { status, code }, of_download);
        }
        for code in ["BadDigest", "RequestTimeout", "IncompleteBody", "SlowDown"] {
            let (status, code) = (StatusCode::BAD_REQUEST, code.to_owned());
            assert_agree(&Failure::Store { status, code }, Exit::Unavailable);
        }
    }

    #[test]
    fn an_unexpected_response_has_an_exit_code_and_a_hint_that_agree() {
        for (status, expected) in [
            (StatusCode::OK, Exit::Other),
            (StatusCode::INTERNAL_SERVER_ERROR, Exit::Other),
            (StatusCode::BAD_GATEWAY, Exit::Unavailable),
        ] {
            let from = Peer::Service;
            assert_agree(&Failure::UnexpectedResponse { from, status }, expected);
        }
    }

    /// A pipe that is closed is no failure, and what was done before is no reason to say more.
    #[test]
    fn a_failed_output_says_what_was_done_unless_its_reader_has_gone() {
        let after = |kind: ErrorKind| {
            let failure = Failure::Output(kind.into());
            failure.after("it is registered".to_owned())
        };
        let text = after(ErrorKind::StorageFull).to_string();
        assert_eq!(text, "it is registered, but the output cannot be written");
        assert!(matches!(after(ErrorKind::BrokenPipe), Failure::Output(_)));
    }
}
