use super::{RawStorageService, ReadError, VerifyError, hashing::retry_after};
use crate::{
    asset::{AssetId, Verification},
    event::RequestContext,
    ports::{VerificationOrder, WorkProgress},
    tenancy::{ReadAccess, WriteAccess},
};

impl RawStorageService {
    /// Has the object of a registered asset read again and compared with its record. A verdict that
    /// is younger than a minute is returned again, without a reading or an event.
    ///
    /// # Errors
    /// See [`VerifyError`].
    pub async fn verify(
        &self,
        access: &WriteAccess,
        context: &RequestContext,
        asset: AssetId,
    ) -> Result<Verification, VerifyError> {
        let known = self
            .catalog
            .find_verification(access.scope(), asset)
            .await?;
        let known = known.ok_or(VerifyError::AssetNotFound)?;
        if let Some(latest) = known.latest
            && latest.is_fresh(self.clock.now())
        {
            return Ok(latest);
        }
        let size_bytes = known.listed.asset.facts().size_bytes;
        let order = VerificationOrder {
            asset: Box::new(known.listed.asset),
            user: access.user().clone(),
            context: context.clone(),
        };
        let urgency = self.urgency_of(size_bytes);
        match self.worker.verify(order, urgency).await? {
            WorkProgress::Done(verification) => Ok(verification),
            WorkProgress::Pending => Err(VerifyError::Pending {
                retry_after: retry_after(size_bytes),
            }),
        }
    }

    /// The latest verification of a registered asset, if there was one.
    ///
    /// # Errors
    /// [`ReadError::AssetNotFound`] when the scope has no such asset.
    pub async fn latest_verification(
        &self,
        access: &ReadAccess,
        asset: AssetId,
    ) -> Result<Option<Verification>, ReadError> {
        let known = self
            .catalog
            .find_verification(access.scope(), asset)
            .await?;
        Ok(known.ok_or(ReadError::AssetNotFound)?.latest)
    }
}
