use std::time::Duration;

use nexus_raw::{
    ports::{CatalogError, VerificationBacklog},
    time::Timestamp,
};
use tokio::time::sleep;

/// How many scopes or assets are read at once.
const PAGE: u32 = 1000;

/// How many of the registered assets were verified, by their registration or since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// All registered assets.
    pub registered: u64,
    /// Those that were not verified in the time that counts.
    pub unverified: u64,
}

impl Coverage {
    /// Returns the share of the registered assets that were verified: from 0 to 1, and 1 of none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn share(self) -> f64 {
        if self.registered == 0 {
            return 1.0;
        }
        let verified = self.registered.saturating_sub(self.unverified);
        verified as f64 / self.registered as f64
    }
}

/// Counts what was not verified since `before`, by the index in which the longest unverified come
/// first: a page costs in proportion to the overdue assets in it, and between pages nothing is asked for
/// as long as `pause`. Assets that are registered or verified meanwhile may count or not.
///
/// # Errors
/// If the catalogue does not respond.
pub async fn coverage(
    backlog: &dyn VerificationBacklog,
    before: Timestamp,
    pause: Duration,
) -> Result<Coverage, CatalogError> {
    let mut coverage = Coverage::default();
    let mut last = None;
    loop {
        let scopes = backlog.scopes_with_records(None, last, PAGE).await?;
        for it in &scopes {
            coverage.registered += it.registered;
            let mut after = None;
            loop {
                let page = backlog.unverified(&it.scope, before, after, PAGE).await?;
                coverage.unverified += u64::try_from(page.len()).unwrap_or(u64::MAX);
                if page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                    break;
                }
                after = page.last().map(|it| it.place);
                sleep(pause).await;
            }
        }
        match scopes.into_iter().next_back() {
            Some(it) => last = Some(it.scope),
            None => return Ok(coverage),
        }
    }
}
