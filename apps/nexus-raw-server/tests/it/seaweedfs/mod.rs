//! The program on SeaweedFS and SQLite.

mod browsers;
mod versions;

mod blackbox {
    crate::smoke::smoke!(crate::house::OnSeaweedFs);
}
