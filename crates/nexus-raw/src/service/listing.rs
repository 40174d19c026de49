use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::{RawStorageService, ReadError};
use crate::{
    asset::{AssetId, RawAsset, Sha256Digest},
    ports::{AssetFilter, AssetHead, AssetPage, AssetQuery, CursorKey, ListItem, ListedAsset},
    tenancy::{ReadAccess, Scope},
};

/// What a caller asks of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListRequest {
    /// Which assets.
    pub filter: AssetFilter,
    /// The maximum number of assets.
    pub limit: u32,
    /// Where to go on: a cursor that an earlier page of the same filters gave.
    pub cursor: Option<String>,
}

/// One page of a list, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetList<A = ListedAsset> {
    assets: Vec<A>,
    next: Option<u64>,
    sealer: CursorSealer,
}

/// A failed list.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The cursor is none of this scope and these filters.
    #[error("the cursor is not one of this list")]
    InvalidCursor,
    /// See [`ReadError`].
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ListRequest {
    /// The newest `limit` assets that match.
    #[must_use]
    pub fn new(filter: AssetFilter, limit: u32) -> Self {
        Self {
            filter,
            limit,
            cursor: None,
        }
    }

    /// Goes on where an earlier page ended.
    #[must_use]
    pub fn with_cursor(self, cursor: Option<String>) -> Self {
        Self { cursor, ..self }
    }
}

impl<A: ListItem> AssetList<A> {
    fn of(page: AssetPage<A>, sealer: CursorSealer) -> Self {
        Self {
            assets: page.assets,
            next: page.next,
            sealer,
        }
    }

    /// Returns the assets.
    #[must_use]
    pub fn assets(&self) -> &[A] {
        &self.assets
    }

    /// Returns the cursor of what follows the page; `None` after the last one.
    #[must_use]
    pub fn next_cursor(&self) -> Option<String> {
        self.next.map(|before| self.sealer.seal(before))
    }

    /// Returns the cursor of what follows the first `count` assets of the page.
    #[must_use]
    pub fn cursor_after(&self, count: usize) -> Option<String> {
        if count >= self.assets.len() {
            return self.next_cursor();
        }
        let last = count.checked_sub(1).and_then(|at| self.assets.get(at));
        last.map(|it| self.sealer.seal(it.sequence()))
    }
}

impl RawStorageService {
    /// Lists registered assets of the scope, newest first. A record that matches all the while is
    /// neither skipped nor repeated, also while others register.
    ///
    /// # Errors
    /// See [`ListError`].
    pub async fn list(
        &self,
        access: &ReadAccess,
        request: ListRequest,
    ) -> Result<AssetList, ListError> {
        let (query, sealer) = self.query(access, request).await?;
        let page = self.catalog.assets(access.scope(), &query).await;
        Ok(AssetList::of(page.map_err(ReadError::from)?, sealer))
    }

    /// Like [`Self::list`], without the records, for one who has most of them; see
    /// [`Self::records`].
    ///
    /// # Errors
    /// See [`ListError`].
    pub async fn list_heads(
        &self,
        access: &ReadAccess,
        request: ListRequest,
    ) -> Result<AssetList<AssetHead>, ListError> {
        let (query, sealer) = self.query(access, request).await?;
        let page = self.catalog.asset_heads(access.scope(), &query).await;
        Ok(AssetList::of(page.map_err(ReadError::from)?, sealer))
    }

    /// Returns the records of those of these assets that the scope has, in any order.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn records(
        &self,
        access: &ReadAccess,
        assets: &[AssetId],
    ) -> Result<Vec<RawAsset>, ReadError> {
        Ok(self.catalog.find_records(access.scope(), assets).await?)
    }

    async fn query(
        &self,
        access: &ReadAccess,
        request: ListRequest,
    ) -> Result<(AssetQuery, CursorSealer), ListError> {
        let key = self.cursor_key().await?;
        let sealer = CursorSealer::new(key, access.scope(), &request.filter);
        let before = match &request.cursor {
            Some(cursor) => Some(sealer.open(cursor).ok_or(ListError::InvalidCursor)?),
            None => None,
        };
        let query = AssetQuery::newest(request.filter, request.limit).before(before);
        Ok((query, sealer))
    }

    /// It never changes, so it is looked up once.
    async fn cursor_key(&self) -> Result<CursorKey, ReadError> {
        if let Some(key) = self.cursor_key.get() {
            return Ok(*key);
        }
        let key = self.catalog.cursor_key().await?;
        Ok(*self.cursor_key.get_or_init(|| key))
    }
}

/// Makes and reads the cursors of one list: a sequence, and a code that binds it to catalogue,
/// scope and filters.
#[derive(Clone)]
struct CursorSealer(Hmac<Sha256>);

const SEQUENCE: usize = 8;

impl CursorSealer {
    fn new(key: CursorKey, scope: &Scope, filter: &AssetFilter) -> Self {
        #[derive(Serialize)]
        struct CanonicalList<'a> {
            v: u8,
            tenant_id: &'a str,
            env: &'a str,
            filter: &'a AssetFilter,
        }
        let list = serde_json::to_vec(&CanonicalList {
            v: 1,
            tenant_id: scope.tenant.as_str(),
            env: scope.environment.as_str(),
            filter,
        });
        // only a map with non-text keys or a failing writer could err, and there is neither
        let list = Sha256Digest::of(&list.unwrap_or_default());
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut code = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key");
        code.update(list.as_bytes());
        Self(code)
    }

    fn code(&self, sequence: &[u8]) -> Hmac<Sha256> {
        let mut code = self.0.clone();
        code.update(sequence);
        code
    }

    fn seal(&self, sequence: u64) -> String {
        let sequence = sequence.to_be_bytes();
        let mut cursor = sequence.to_vec();
        cursor.extend_from_slice(&self.code(&sequence).finalize().into_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(cursor)
    }

    fn open(&self, cursor: &str) -> Option<u64> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (sequence, code) = bytes.split_first_chunk::<SEQUENCE>()?;
        self.code(sequence).verify_slice(code).ok()?;
        Some(u64::from_be_bytes(*sequence))
    }
}

impl PartialEq for CursorSealer {
    fn eq(&self, other: &Self) -> bool {
        self.seal(0) == other.seal(0)
    }
}

impl std::fmt::Debug for CursorSealer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("CursorSealer")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tenancy::{Environment, TenantId};

    fn sealer(key: u8, tenant: &str, filter: &AssetFilter) -> CursorSealer {
        let scope = Scope {
            tenant: TenantId::parse(tenant).unwrap(),
            environment: Environment::parse("dev").unwrap(),
        };
        CursorSealer::new(CursorKey::new([key; 32]), &scope, filter)
    }

    #[test]
    fn a_cursor_opens_for_its_own_catalogue_scope_and_filters_alone() {
        let filter = AssetFilter {
            filename: Some("a".to_owned()),
            ..AssetFilter::default()
        };
        let cursor = sealer(1, "t_a", &filter).seal(7);
        assert_eq!(sealer(1, "t_a", &filter).open(&cursor), Some(7));
        for other in [
            sealer(2, "t_a", &filter),
            sealer(1, "t_b", &filter),
            sealer(1, "t_a", &AssetFilter::default()),
        ] {
            assert_eq!(other.open(&cursor), None);
        }
    }

    proptest! {
        #[test]
        fn a_changed_cursor_opens_nothing(sequence: u64, at in 0_usize..54, to in "[A-Za-z0-9_-]") {
            let sealer = sealer(1, "t_a", &AssetFilter::default());
            let cursor = sealer.seal(sequence);
            prop_assert_eq!(sealer.open(&cursor), Some(sequence));
            let mut changed = cursor.clone();
            changed.replace_range(at..=at, &to);
            if changed != cursor {
                prop_assert_eq!(sealer.open(&changed), None);
            }
            prop_assert_eq!(sealer.open(&cursor[..at]), None);
        }

        #[test]
        fn no_text_panics_the_reader(text in "\\PC{0,80}") {
            prop_assert_eq!(sealer(1, "t_a", &AssetFilter::default()).open(&text), None);
        }
    }
}
