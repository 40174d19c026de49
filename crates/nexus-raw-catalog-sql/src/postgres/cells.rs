use sqlx::{Column, Row, TypeInfo, ValueRef, postgres::PgRow};
use uuid::Uuid;

use crate::rows::{Cells, WrongCell, column_index};

/// Calls use the text format ([`super::statement`]), so values are parsed here: `boolean` as a
/// number, `uuid` as bytes, `json` as text.
impl Cells for PgRow {
    fn integer(&self, column: &'static str) -> Result<Option<i64>, WrongCell> {
        self.text(column)?
            .map(|text| match text {
                "f" => Ok(0),
                "t" => Ok(1),
                number => number.parse().map_err(|_| WrongCell),
            })
            .transpose()
    }

    fn real(&self, column: &'static str) -> Result<Option<f64>, WrongCell> {
        let text = self.text(column)?;
        text.map(|text| text.parse().map_err(|_| WrongCell))
            .transpose()
    }

    fn text(&self, column: &'static str) -> Result<Option<&str>, WrongCell> {
        let value = self.try_get_raw(index(self, column)?);
        let value = value.map_err(|_| WrongCell)?;
        if value.is_null() {
            return Ok(None);
        }
        value.as_str().map(Some).map_err(|_| WrongCell)
    }

    fn bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, WrongCell> {
        let index = index(self, column)?;
        let value = self.try_get_raw(index).map_err(|_| WrongCell)?;
        if value.type_info().name() == "UUID" {
            let text = self.text(column)?;
            let id = text.map(|text| Uuid::try_parse(text).map_err(|_| WrongCell));
            return Ok(id.transpose()?.map(|id| id.as_bytes().to_vec()));
        }
        self.try_get(index).map_err(|_| WrongCell)
    }
}

fn index(row: &PgRow, column: &'static str) -> Result<usize, WrongCell> {
    let names = row.columns().iter().map(Column::name);
    column_index(names, column).ok_or(WrongCell)
}
