//! The program on PostgreSQL and SeaweedFS.

mod ipv6;
mod watching;

mod blackbox {
    crate::blackbox::whole!(crate::house::OnPostgres);
}
