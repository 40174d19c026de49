//! Rows back into what they were written from, whichever database they are of.

mod cells;
mod columns;
pub(crate) mod decode;

pub(crate) use self::{
    cells::{Cells, place},
    columns::Columns,
};
