//! How much of answers may be under way at once: bytes, each counted to the tenant whose member asked
//! (or to nobody, where none was proved), and pages of events that are being made (ADR 0032).

use std::{fmt, sync::Arc, time::Duration};

use actix_gated_stream::{AnswerBudget, Connection, OverBudget};
use actix_web::HttpResponse;
use nexus_raw::tenancy::TenantId;

use super::ApiError;
use crate::admission::{Turn, Turns};

/// Bytes of an answer that count, until they are sent.
pub(crate) type Charge = actix_gated_stream::Charge<Option<TenantId>>;

/// How much of answers there may be at once.
#[derive(Debug, Clone, Copy)]
pub struct AnswerSettings {
    /// How many bytes may be under way.
    pub bytes: usize,
    /// How many pages of events are read from the catalogue and written as JSON at once: each may
    /// take several times its bytes meanwhile.
    pub pages_at_once: usize,
    /// How many of these may be one tenant's.
    pub pages_of_one: usize,
    /// How long a caller waits for its turn to have a page read.
    pub patience: Duration,
}

impl Default for AnswerSettings {
    fn default() -> Self {
        Self {
            bytes: 64 * 1024 * 1024,
            pages_at_once: 4,
            pages_of_one: 2,
            patience: Duration::from_secs(3),
        }
    }
}

/// The answers of all callers. A clone is another handle to them.
#[derive(Clone)]
pub struct Answers {
    settings: AnswerSettings,
    budget: AnswerBudget<Option<TenantId>>,
    pages: Arc<Turns>,
}

impl Default for Answers {
    fn default() -> Self {
        Self::new(AnswerSettings::default())
    }
}

impl Answers {
    /// Lets as much be under way as `settings` say.
    #[must_use]
    pub fn new(settings: AnswerSettings) -> Self {
        let AnswerSettings {
            pages_at_once,
            pages_of_one,
            patience,
            ..
        } = settings;
        Self {
            settings,
            budget: AnswerBudget::new(settings.bytes),
            pages: Arc::new(Turns::new(pages_at_once, pages_of_one, patience)),
        }
    }

    /// How many bytes are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.budget.under_way()
    }

    /// A turn to have a page read, until it is dropped.
    ///
    /// # Errors
    /// [`ApiError::TooMuchUnderWay`] when there is none in time.
    pub(crate) async fn page_turn(&self, tenant: &TenantId) -> Result<Turn<'_>, ApiError> {
        let turn = self.pages.turn(tenant).await;
        turn.ok_or(ApiError::TooMuchUnderWay)
    }

    /// Counts bytes that are to be answered to `tenant`.
    pub(crate) fn charge(&self, tenant: &TenantId, bytes: usize) -> Result<Charge, OverBudget> {
        self.budget.charge(Some(tenant.clone()), bytes)
    }

    /// Has an answer counted until it is sent. What was `reserved` before it was made is enough.
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
