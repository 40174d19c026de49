use std::{collections::BTreeMap, sync::Arc};

use super::{DownloadAccess, ReadAccess, Scope, TenantId, UserId, WriteAccess};

/// What a member may do in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Reads, downloads and writes.
    Owner,
    /// Reads, downloads and writes.
    Admin,
    /// Reads and downloads.
    Member,
    /// Reads records and events.
    Viewer,
}

impl Role {
    /// The role of this exact name. Any other name is no role and gives no right.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "owner" => Some(Self::Owner),
            "admin" => Some(Self::Admin),
            "member" => Some(Self::Member),
            "viewer" => Some(Self::Viewer),
            _ => None,
        }
    }

    /// The role's name in a token.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// Whether the role may download content.
    #[must_use]
    pub fn may_download(self) -> bool {
        match self {
            Self::Owner | Self::Admin | Self::Member => true,
            Self::Viewer => false,
        }
    }

    /// Whether the role may presign and register.
    #[must_use]
    pub fn may_write(self) -> bool {
        match self {
            Self::Owner | Self::Admin => true,
            Self::Member | Self::Viewer => false,
        }
    }
}

/// A verified caller: who it is, and of which tenants it is a member, in which role.
///
/// Only an [`IdentityVerifier`](crate::ports::IdentityVerifier) makes one, from a credential
/// that it has verified. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    user: UserId,
    memberships: Arc<BTreeMap<TenantId, Option<Role>>>,
}

/// The caller has no right to do this in this scope. The reason is not given: not a member, no such
/// role, or a role that only reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the caller has no right to do this in this tenant")]
pub struct AccessDenied;

impl Principal {
    /// States what a verifier has verified. `memberships` has each tenant of the caller and the
    /// role there, `None` where the role is absent or unknown.
    ///
    /// For implementers of [`IdentityVerifier`](crate::ports::IdentityVerifier) only: calling it
    /// with anything but verified facts is forging a caller.
    #[must_use]
    pub fn from_verified(user: UserId, memberships: BTreeMap<TenantId, Option<Role>>) -> Self {
        Self {
            user,
            memberships: Arc::new(memberships),
        }
    }

    /// Who it is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Returns the right to read in `scope`: needs membership of the tenant, in any role or none.
    ///
    /// # Errors
    /// [`AccessDenied`] when the caller is no member.
    pub fn authorize_read(&self, scope: &Scope) -> Result<ReadAccess, AccessDenied> {
        if self.memberships.contains_key(&scope.tenant) {
            Ok(ReadAccess::granted(scope.clone(), self.user.clone()))
        } else {
            Err(AccessDenied)
        }
    }

    /// Returns the right to download in `scope`: needs membership and a role other than viewer.
    ///
    /// # Errors
    /// [`AccessDenied`] when the caller is no member or its role there does not download.
    pub fn authorize_download(&self, scope: &Scope) -> Result<DownloadAccess, AccessDenied> {
        match self.memberships.get(&scope.tenant) {
            Some(Some(role)) if role.may_download() => {
                Ok(DownloadAccess::granted(scope.clone(), self.user.clone()))
            }
            _ => Err(AccessDenied),
        }
    }

    /// Returns the right to presign and register in `scope`: needs membership and role owner or admin.
    ///
    /// # Errors
    /// [`AccessDenied`] when the caller is no member or its role there does not write.
    pub fn authorize_write(&self, scope: &Scope) -> Result<WriteAccess, AccessDenied> {
        match self.memberships.get(&scope.tenant) {
            Some(Some(role)) if role.may_write() => {
                Ok(WriteAccess::granted(scope.clone(), self.user.clone()))
            }
            _ => Err(AccessDenied),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenancy::Environment;

    fn scope(tenant: &str) -> Scope {
        Scope {
            tenant: TenantId::parse(tenant).unwrap(),
            environment: Environment::parse("dev").unwrap(),
        }
    }

    fn principal(role: Option<Role>) -> Principal {
        let memberships = BTreeMap::from([(TenantId::parse("t_a").unwrap(), role)]);
        Principal::from_verified(UserId::parse("u").unwrap(), memberships)
    }

    #[test]
    fn a_role_has_one_name() {
        for role in [Role::Owner, Role::Admin, Role::Member, Role::Viewer] {
            assert_eq!(Role::from_name(role.as_str()), Some(role));
        }
    }

    #[test]
    fn only_owner_and_admin_write_and_every_member_reads() {
        for (role, writes) in [
            (Some(Role::Owner), true),
            (Some(Role::Admin), true),
            (Some(Role::Member), false),
            (Some(Role::Viewer), false),
            (None, false),
        ] {
            let caller = principal(role);
            assert_eq!(
                caller.authorize_write(&scope("t_a")).is_ok(),
                writes,
                "{role:?}"
            );
            assert!(caller.authorize_read(&scope("t_a")).is_ok(), "{role:?}");
        }
    }

    #[test]
    fn a_member_of_one_tenant_has_no_right_in_a_tenant_whose_name_it_prefixes() {
        let caller = principal(Some(Role::Owner));
        assert_eq!(caller.authorize_read(&scope("t_ab")), Err(AccessDenied));
        assert_eq!(caller.authorize_write(&scope("t_ab")), Err(AccessDenied));
    }

    #[test]
    fn a_role_is_known_by_its_exact_name() {
        for unknown in ["Owner", "owner ", "root", "", "OWNER"] {
            assert_eq!(Role::from_name(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn access_names_the_scope_and_the_user_it_was_granted_for() {
        let access = principal(Some(Role::Admin))
            .authorize_write(&scope("t_a"))
            .unwrap();
        assert_eq!(access.scope(), &scope("t_a"));
        assert_eq!(access.user().as_str(), "u");
    }
}
