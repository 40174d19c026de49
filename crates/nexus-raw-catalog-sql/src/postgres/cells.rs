use sqlx::{Row, TypeInfo, ValueRef, postgres::PgRow};
use uuid::Uuid;

use crate::rows::{Cells, column_index};

/// Calls use the text format ([`super::statement`]), so values are parsed here: `boolean` as a
/// number, `uuid` as bytes, `json` as text.
impl Cells for PgRow {
    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        self.text(column)?
            .map(|text| match text {
                "f" => Ok(0),
                "t" => Ok(1),
                number => number.parse().map_err(decode),
            })
            .transpose()
    }

    fn real(&self, column: &str) -> Result<Option<f64>, sqlx::Error> {
        let text = self.text(column)?;
        text.map(|text| text.parse().map_err(decode)).transpose()
    }

    fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error> {
        let value = self.try_get_raw(column_index(self, column)?)?;
        if value.is_null() {
            return Ok(None);
        }
        value.as_str().map(Some).map_err(sqlx::Error::Decode)
    }

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        let index = column_index(self, column)?;
        if self.try_get_raw(index)?.type_info().name() == "UUID" {
            let text = self.text(column)?;
            let id = text.map(|text| Uuid::try_parse(text).map_err(decode));
            return Ok(id.transpose()?.map(|id| id.as_bytes().to_vec()));
        }
        self.try_get(index)
    }
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
