/// What a migration would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MigrationPlan {
    /// The migrations that would be applied, in order.
    pub migrations: Vec<PlannedMigration>,
    /// The functions that would be created again, on PostgreSQL.
    pub functions: Vec<PlannedFunction>,
}

impl MigrationPlan {
    /// Returns whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.migrations.is_empty() && self.functions.is_empty()
    }
}

/// A migration that would be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedMigration {
    /// Its number.
    pub version: i64,
    /// What it does, in a few words.
    pub description: String,
}

/// A function that would be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedFunction {
    /// Its name.
    pub name: &'static str,
    /// Why.
    pub reason: PlanReason,
}

/// Why a function would be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanReason {
    /// There is none.
    Missing,
    /// That of another version is there.
    OtherVersion,
    /// The one that is there was changed from outside.
    Changed,
}

impl PlanReason {
    /// Returns the reason in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::OtherVersion => "is of another version",
            Self::Changed => "was changed",
        }
    }
}
