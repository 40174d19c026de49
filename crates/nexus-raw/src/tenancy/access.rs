use super::{Scope, UserId};

/// Proof that a caller may presign and register in one scope.
///
/// Comes only out of [`Principal::authorize_write`](super::Principal::authorize_write): a write
/// that nobody authorised does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteAccess {
    scope: Scope,
    user: UserId,
}

/// Proof that a caller may read in one scope.
///
/// Comes only out of [`Principal::authorize_read`](super::Principal::authorize_read).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAccess {
    scope: Scope,
    user: UserId,
}

/// Proof that a caller may download in one scope.
///
/// Comes only out of [`Principal::authorize_download`](super::Principal::authorize_download).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadAccess {
    scope: Scope,
    user: UserId,
}

macro_rules! granted_access {
    ($access:ident) => {
        impl $access {
            pub(super) fn granted(scope: Scope, user: UserId) -> Self {
                Self { scope, user }
            }

            /// Where the access holds, and nowhere else.
            #[must_use]
            pub fn scope(&self) -> &Scope {
                &self.scope
            }

            /// Who was granted it.
            #[must_use]
            pub fn user(&self) -> &UserId {
                &self.user
            }
        }
    };
}

granted_access!(WriteAccess);
granted_access!(ReadAccess);
granted_access!(DownloadAccess);
