use std::{io, path::PathBuf, time::Duration};

use nexus_raw::asset::AssetId;
use nexus_raw_config::EmbeddedError;
use nexus_raw_identity_jwt::{IssueError, JwtSettingsError};
use reqwest::StatusCode;

use crate::{exit::Exit, problem::Problem};

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("{} ({} {})", .0.title, .0.status, .0.code)]
    Problem(Box<Problem>),
    /// Patience ended before the service had hashed the object.
    #[error("asset {asset_id} is uploaded and not registered yet: the service still hashes it")]
    StillHashed {
        asset_id: AssetId,
        problem: Box<Problem>,
    },
    /// Never carries a URL: an upload's is a secret.
    #[error("no answer from {from}")]
    NoAnswer { from: Peer, source: reqwest::Error },
    #[error("{from} answered {status}, and not as it should")]
    StrangeAnswer { from: Peer, status: StatusCode },
    #[error("the store refused the upload ({status} {code})")]
    Store { status: StatusCode, code: String },
    #[error("cannot read {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} changed while it was uploaded", path.display())]
    FileChanged { path: PathBuf },
    #[error("no token could be made")]
    Embedded(#[from] EmbeddedError),
    #[error("no token could be made")]
    TokenSettings(#[from] JwtSettingsError),
    #[error("no token could be made")]
    Token(#[from] IssueError),
    #[error("the HTTP client could not be set up")]
    Client(#[source] reqwest::Error),
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    #[error("cannot run")]
    Runtime(#[source] io::Error),
    #[error("after event {last} came {next}: this is not the catalogue that it was")]
    Gap { last: u64, next: u64 },
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

/// Who was asked.
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

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Token(IssueError::Ttl { .. }) => Exit::Usage,
            Self::Problem(problem) => problem.exit(),
            Self::NoAnswer { .. } | Self::StillHashed { .. } => Exit::Unavailable,
            Self::Store { status, .. } if is_passing(*status) => Exit::Unavailable,
            Self::Store { .. } => Exit::Refused,
            Self::StrangeAnswer { status, .. } if is_passing(*status) => Exit::Unavailable,
            _ => Exit::Other,
        }
    }

    /// Whether the very same request may succeed in a moment.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Store { status, .. } => {
                // S3 says 409 to a create-once write that meets another (ConditionalRequestConflict)
                *status == StatusCode::CONFLICT || is_passing(*status)
            }
            // a matter of patience, not of chance
            Self::Problem(problem) if problem.is_verification_pending() => false,
            other => other.exit() == Exit::Unavailable,
        }
    }

    /// How long the service asks to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Problem(problem) => problem.hint(),
            Self::StillHashed { .. } => Some(
                "it goes on by itself: register that asset again later with the same body, or repeat this put, which uploads anew as another asset; --wait-seconds gives it longer",
            ),
            Self::NoAnswer {
                from: Peer::Service,
                ..
            } => Some("is the server running, and is it where --server or NEXUS_RAW_SERVER says?"),
            Self::NoAnswer {
                from: Peer::Store, ..
            } => Some("is the store reachable from this machine? Nothing was registered"),
            Self::StrangeAnswer {
                from: Peer::Service,
                ..
            } => Some("something else than the service may answer at --server or NEXUS_RAW_SERVER"),
            Self::Store { status, .. } => Some(match *status {
                StatusCode::FORBIDDEN => {
                    "the time to upload is over, or the store does not know the service's key; put the file again"
                }
                StatusCode::BAD_REQUEST => {
                    "the store got other bytes than were hashed; put the file again"
                }
                _ => "nothing was registered; put the file again",
            }),
            Self::Client(_) => Some(
                "install the system's certificates (ca-certificates), or name a file of them in SSL_CERT_FILE",
            ),
            Self::Gap { .. } => Some(
                "was the catalogue restored from a backup, or is --server another one? What was printed before may not stand",
            ),
            Self::FileChanged { .. } => {
                Some("nothing was registered; put the file again when nobody writes to it")
            }
            _ => None,
        }
    }
}

/// Whether an answer speaks of the moment and not of the request.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504)
}
