//! Budgets of responses in flight: bytes, per tenant of the authenticated caller, and pages of
//! events in preparation (ADR 0032).

use std::{fmt, sync::Arc, time::Duration};

use actix_gated_stream::{AnswerBudget, Connection, OverBudget};
use actix_web::HttpResponse;
use nexus_raw::tenancy::TenantId;

use super::ApiError;
use crate::admission::{FairPermit, FairSemaphore};

/// The counted bytes of a response, until they are sent.
pub(crate) type Charge = actix_gated_stream::Charge<Option<TenantId>>;

/// The budgets of responses.
#[derive(Debug, Clone, Copy)]
pub struct AnswerSettings {
    /// The maximum number of bytes in flight.
    pub bytes: usize,
    /// The maximum number of pages of events in preparation. While a page is read and serialized,
    /// it takes several times its size.
    pub pages_at_once: usize,
    /// The maximum number of them per tenant.
    pub pages_per_tenant: usize,
    /// The timeout of a wait for a page's permit.
    pub page_timeout: Duration,
}

impl Default for AnswerSettings {
    fn default() -> Self {
        Self {
            bytes: 64 * 1024 * 1024,
            pages_at_once: 4,
            pages_per_tenant: 2,
            page_timeout: Duration::from_secs(3),
        }
    }
}

/// The budgets of all responses. Cheap to clone.
#[derive(Clone)]
pub struct Answers {
    settings: AnswerSettings,
    budget: AnswerBudget<Option<TenantId>>,
    pages: Arc<FairSemaphore>,
}

impl Default for Answers {
    fn default() -> Self {
        Self::new(AnswerSettings::default())
    }
}

impl Answers {
    /// Creates the budgets.
    #[must_use]
    pub fn new(settings: AnswerSettings) -> Self {
        let AnswerSettings {
            pages_at_once,
            pages_per_tenant,
            page_timeout,
            ..
        } = settings;
        Self {
            settings,
            budget: AnswerBudget::new(settings.bytes),
            pages: Arc::new(FairSemaphore::new(
                pages_at_once,
                pages_per_tenant,
                page_timeout,
            )),
        }
    }

    /// Returns the number of bytes in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.budget.in_flight()
    }

    /// Waits for the permit to prepare a page.
    ///
    /// # Errors
    /// [`ApiError::ResponseBudget`] after a timeout.
    pub(crate) async fn page_permit(&self, tenant: &TenantId) -> Result<FairPermit<'_>, ApiError> {
        let permit = self.pages.acquire(tenant).await;
        permit.ok_or(ApiError::ResponseBudget)
    }

    /// Reserves bytes of a response to `tenant`.
    pub(crate) fn charge(&self, tenant: &TenantId, bytes: usize) -> Result<Charge, OverBudget> {
        self.budget.charge(Some(tenant.clone()), bytes)
    }

    /// Counts a response until it is sent. A charge that was `reserved` before suffices.
    pub(crate) fn admit(
        &self,
        response: HttpResponse,
        tenant: Option<&TenantId>,
        reserved: Option<Charge>,
        connection: Option<&Connection>,
    ) -> Result<HttpResponse, OverBudget> {
        let tenant = tenant.cloned();
        self.budget.admit(response, tenant, reserved, connection)
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Answers").field(&self.settings).finish()
    }
}
