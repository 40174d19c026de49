//! Rows of either database.

mod cells;
mod columns;
pub(crate) mod decode;
pub(crate) mod encode;

pub(crate) use self::{
    cells::{Cells, WrongCell, column_index},
    columns::Columns,
};
