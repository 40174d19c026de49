//! The program on PostgreSQL and SeaweedFS.

mod backup;
mod ipv6;
mod remembered;
mod watching;

mod blackbox {
    crate::smoke::smoke!(crate::house::OnPostgres);
}
