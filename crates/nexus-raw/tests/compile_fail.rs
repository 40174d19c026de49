//! What must not compile: a write that nobody authorised, and a change of what never changes.

#[test]
fn what_nobody_authorised_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
