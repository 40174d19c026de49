//! Contents that are registered already.

use nexus_raw::asset::{AssetId, Sha256Digest};

use super::{
    Import,
    manifest::ManifestRow,
    outcome::{Setback, Target, Verdict},
};

impl Import<'_> {
    /// Returns whether the content is registered already. What an earlier run has left at the key is
    /// registered all the same: nobody would ever find it.
    pub(super) async fn same_content(
        &self,
        target: Target<'_>,
        sha256: Sha256Digest,
    ) -> Result<Option<Verdict>, Setback> {
        let Target { intent, row } = target;
        let scope = &intent.scope;
        let same = self
            .catalog
            .find_content(scope, sha256, intent.facts.size_bytes)
            .await?;
        let same = same.map(|it| it.asset_id());
        let Some(same) = same else { return Ok(None) };
        if self.storage.stat(&intent.address).await?.is_some() {
            return Ok(None);
        }
        let restricted = match row {
            Some(row) => self.restricts(row, same).await?,
            None => false,
        };
        Ok(Some(if restricted {
            Verdict::Refused(format!(
                "its content is that of asset {same}, which has no such pii_flags or allows training: \
                 state these as facts of that asset first"
            ))
        } else {
            Verdict::SameContent(same)
        }))
    }

    /// Whether a row restricts what may be done with a content more than what is in force of the asset
    /// that has it: that must not be lost.
    async fn restricts(&self, row: &ManifestRow, same: AssetId) -> Result<bool, Setback> {
        let scope = self.settings.access.scope();
        let found = self.catalog.find_asset(scope, same).await?;
        Ok(found.is_some_and(|found| {
            let in_force = found.in_force;
            let stated = row.provenance.pii_flags.as_slice();
            let known = in_force.pii_flags.as_slice();
            (row.denies_training && in_force.train_ok)
                || stated.iter().any(|flag| !known.contains(flag))
        }))
    }
}
