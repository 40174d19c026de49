//! The program on SeaweedFS and SQLite.

mod browsers;
mod versions;

mod blackbox {
    crate::blackbox::whole!(crate::house::OnSeaweedFs);
}
