mod document;
mod page;
mod table;
