//! The program on PostgreSQL and SeaweedFS.

mod ipv6;
mod watching;

mod blackbox {
    crate::smoke::smoke!(crate::house::OnPostgres);
}
