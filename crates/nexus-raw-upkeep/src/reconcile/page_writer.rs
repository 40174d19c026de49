use nexus_raw::ports::{ListedMultipart, ListedVersion};
use rusqlite::{Transaction, params};

use super::difference::Difference;

/// An item of a list.
pub(super) trait ListedItem {
    /// Writes it down, and returns whether it is new.
    fn write(&self, to: &PageWriter<'_>) -> rusqlite::Result<bool>;
}

impl ListedItem for ListedVersion {
    fn write(&self, to: &PageWriter<'_>) -> rusqlite::Result<bool> {
        const SQL: &str = "INSERT OR IGNORE INTO object (key, version_id, is_delete_marker)
            VALUES (?1, ?2, ?3)";
        let version_id = self.version_id.as_deref().unwrap_or_default();
        let values = params![self.key, version_id, self.is_delete_marker];
        Ok(to.0.prepare_cached(SQL)?.execute(values)? == 1)
    }
}

impl ListedItem for ListedMultipart {
    fn write(&self, to: &PageWriter<'_>) -> rusqlite::Result<bool> {
        const SQL: &str = "INSERT OR IGNORE INTO upload (key, upload_id) VALUES (?1, ?2)";
        let values = params![self.key, self.upload_id];
        Ok(to.0.prepare_cached(SQL)?.execute(values)? == 1)
    }
}

/// Writes within the transaction of a page.
pub(super) struct PageWriter<'a>(&'a Transaction<'a>);

impl<'a> PageWriter<'a> {
    pub(super) fn within(transaction: &'a Transaction<'a>) -> Self {
        Self(transaction)
    }

    /// Writes down that the list has named this page.
    pub(super) fn page(&self, list: &str, token: &str) -> rusqlite::Result<()> {
        const SQL: &str = "INSERT INTO page (list, token) VALUES (?1, ?2)";
        let values = params![list, token];
        self.0.prepare_cached(SQL)?.execute(values).map(drop)
    }

    pub(super) fn forget_objects(&self) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM object", []).map(drop)
    }

    pub(super) fn forget_uploads(&self) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM upload", []).map(drop)
    }

    pub(super) fn forget_pages(&self, list: &str) -> rusqlite::Result<()> {
        const SQL: &str = "DELETE FROM page WHERE list = ?1";
        self.0.execute(SQL, [list]).map(drop)
    }

    /// Writes down that an intent knows the object at a key.
    pub(super) fn matched(&self, key: &str) -> rusqlite::Result<()> {
        const SQL: &str = "UPDATE object SET is_matched = 1 WHERE key = ?1";
        self.0.prepare_cached(SQL)?.execute([key]).map(drop)
    }

    /// Writes the differences of an object, in the place of those that are there.
    pub(super) fn differences(
        &self,
        key: &str,
        differences: &[Difference],
    ) -> rusqlite::Result<()> {
        const SQL: &str = "DELETE FROM difference WHERE key = ?1 AND upload_id = ''";
        self.0.prepare_cached(SQL)?.execute([key])?;
        differences
            .iter()
            .zip(0..)
            .try_for_each(|(it, nth)| self.difference(it, nth))
    }

    /// Writes a difference, the `nth` of its object.
    pub(super) fn difference(&self, difference: &Difference, nth: i64) -> rusqlite::Result<()> {
        const SQL: &str = "INSERT OR REPLACE INTO difference (key, upload_id, kind, nth, line)
            VALUES (?1, ?2, ?3, ?4, ?5)";
        let upload_id = difference.upload_id.as_deref().unwrap_or_default();
        let line = serde_json::to_string(difference)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let kind = difference.kind as u8;
        let values = params![difference.key, upload_id, kind, nth, line];
        self.0.prepare_cached(SQL)?.execute(values).map(drop)
    }
}
