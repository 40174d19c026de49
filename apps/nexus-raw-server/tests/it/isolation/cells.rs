//! The axes of the matrix.

use std::collections::BTreeSet;

use nexus_raw::tenancy;
use nexus_raw_server::http::Route;

use super::world::World;

/// One request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) pattern: &'static str,
    pub(crate) method: &'static str,
    pub(crate) role: Role,
    pub(crate) tenant: Tenant,
    pub(crate) environment: &'static str,
    pub(crate) object: Object,
}

/// What the caller is in its own tenant. In its second one it is the opposite, so that a right
/// taken from the wrong tenant shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Owner,
    Admin,
    Member,
    Viewer,
    /// A member whose role nobody knows.
    Unknown,
    /// No caller at all.
    None,
}

/// Which tenant the request is for, as seen by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tenant {
    Own,
    Second,
    Foreign,
    /// Its name is the beginning of the caller's own.
    Shorter,
    /// Its name begins with the caller's own.
    Longer,
}

/// Which asset the request names, by where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Object {
    /// Registered in the tenant's `dev`.
    In(Tenant),
    /// Registered in the caller's own tenant's `prod`.
    InProd,
    /// Promised and uploaded in the caller's own tenant's `dev`, not registered.
    Pending,
    /// Promised and uploaded in the foreign tenant's `dev`.
    ForeignPending,
    Absent,
    Malformed,
}

pub(crate) const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
pub(crate) const ROLES: [Role; 6] = [
    Role::Owner,
    Role::Admin,
    Role::Member,
    Role::Viewer,
    Role::Unknown,
    Role::None,
];
pub(crate) const TENANTS: [Tenant; 5] = [
    Tenant::Own,
    Tenant::Second,
    Tenant::Foreign,
    Tenant::Shorter,
    Tenant::Longer,
];
/// That of most assets, another one, and one that is not served.
pub(crate) const ENVIRONMENTS: [&str; 3] = ["dev", "prod", "qa"];
pub(crate) const OBJECTS: [Object; 10] = [
    Object::In(Tenant::Own),
    Object::In(Tenant::Second),
    Object::In(Tenant::Foreign),
    Object::In(Tenant::Shorter),
    Object::In(Tenant::Longer),
    Object::InProd,
    Object::Pending,
    Object::ForeignPending,
    Object::Absent,
    Object::Malformed,
];
/// What a caller in its own tenant's `dev` must not distinguish from an absent asset, the last one.
pub(crate) const OBJECTS_OF_OTHERS: &[Object] = &[
    Object::In(Tenant::Second),
    Object::In(Tenant::Foreign),
    Object::In(Tenant::Shorter),
    Object::In(Tenant::Longer),
    Object::InProd,
    Object::ForeignPending,
    Object::Absent,
];

impl Tenant {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Own => "t_demo",
            Self::Second => "t_second",
            Self::Foreign => "t_other",
            Self::Shorter => "t_dem",
            Self::Longer => "t_demo_b",
        }
    }
}

impl Role {
    pub(crate) fn in_own(self) -> Option<tenancy::Role> {
        match self {
            Self::Owner => Some(tenancy::Role::Owner),
            Self::Admin => Some(tenancy::Role::Admin),
            Self::Member => Some(tenancy::Role::Member),
            Self::Viewer => Some(tenancy::Role::Viewer),
            Self::Unknown | Self::None => None,
        }
    }

    pub(crate) fn in_second(self) -> Option<tenancy::Role> {
        match self {
            Self::Owner => Some(tenancy::Role::Viewer),
            Self::Admin | Self::None => None,
            Self::Member | Self::Unknown => Some(tenancy::Role::Owner),
            Self::Viewer => Some(tenancy::Role::Admin),
        }
    }
}

impl Cell {
    /// The same of the route for one, if the route is for many.
    pub(crate) fn single(self) -> Option<Self> {
        let pattern = match self.pattern {
            "/nexus/raw/presign-upload/batch" => "/nexus/raw/presign-upload",
            "/nexus/raw/register/batch" => "/nexus/raw/register",
            "/nexus/raw/presign-download/batch" => "/nexus/raw/{asset_id}/presign-download",
            _ => return None,
        };
        Some(Self { pattern, ..self })
    }

    pub(crate) fn path(&self, world: &World) -> String {
        self.pattern.replace("{asset_id}", &world.id(self.object))
    }
}

/// Every cell of these routes.
pub(crate) fn all(routes: &'static [Route]) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut patterns = BTreeSet::new();
    for route in routes {
        // a pattern may have several routes, and its cells have all methods
        if !patterns.insert(route.pattern) {
            continue;
        }
        // where nothing of the request names an asset, one object is enough
        let names_one = route.pattern.contains('{')
            || ["/register", "/register/batch", "/presign-download/batch"]
                .iter()
                .any(|names| route.pattern.ends_with(names));
        let objects = if names_one {
            &OBJECTS[..]
        } else {
            &OBJECTS[..1]
        };
        for method in METHODS {
            for role in ROLES {
                for tenant in TENANTS {
                    for environment in ENVIRONMENTS {
                        cells.extend(objects.iter().map(|object| Cell {
                            pattern: route.pattern,
                            method,
                            role,
                            tenant,
                            environment,
                            object: *object,
                        }));
                    }
                }
            }
        }
    }
    cells
}
