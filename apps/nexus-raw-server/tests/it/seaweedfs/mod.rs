//! The program on SeaweedFS and SQLite.

mod browsers;
mod doctor;
mod printed_setup;
mod versions;

mod blackbox {
    crate::smoke::smoke!(crate::house::OnSeaweedFs);
}
