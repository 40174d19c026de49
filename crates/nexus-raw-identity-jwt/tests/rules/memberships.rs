use nexus_raw::tenancy::{Environment, Principal, Scope, TenantId};
use nexus_raw_identity_jwt::TokenFault;
use serde_json::{Value, json};

use crate::forge::{HEADER, claims, good, sign, verify, without};

fn bearer_of(tenant_ids: Value, role_map: Value) -> Result<Principal, TokenFault> {
    let mut claims = claims();
    claims.insert("tenant_ids".to_owned(), tenant_ids);
    claims.insert("role_map".to_owned(), role_map);
    verify(&sign(HEADER, &Value::Object(claims).to_string()))
}

/// Whether the bearer reads, and writes, in a tenant.
fn rights(principal: &Principal, tenant: &str) -> (bool, bool) {
    let scope = Scope {
        tenant: TenantId::parse(tenant).unwrap(),
        environment: Environment::parse("dev").unwrap(),
    };
    (
        principal.authorize_read(&scope).is_ok(),
        principal.authorize_write(&scope).is_ok(),
    )
}

#[test]
fn membership_reads_and_owner_and_admin_write() {
    let principal = verify(&good()).unwrap();
    assert_eq!(rights(&principal, "t_a"), (true, true));
    assert_eq!(rights(&principal, "t_b"), (true, false));
    assert_eq!(rights(&principal, "t_c"), (false, false));
    for (role, writes) in [
        ("owner", true),
        ("admin", true),
        ("member", false),
        ("viewer", false),
    ] {
        let principal = bearer_of(json!(["t_a"]), json!({"t_a": role})).unwrap();
        assert_eq!(rights(&principal, "t_a"), (true, writes), "{role}");
    }
}

#[test]
fn an_unknown_role_gives_no_right_to_write() {
    for role in ["", "Owner", "OWNER", "root", "owner ", "owner,admin", "*"] {
        let principal = bearer_of(json!(["t_a"]), json!({"t_a": role})).unwrap();
        assert_eq!(rights(&principal, "t_a"), (true, false), "{role}");
    }
}

#[test]
fn a_role_for_a_tenant_that_is_not_listed_gives_no_right() {
    let principal = bearer_of(json!(["t_a"]), json!({"t_b": "owner", "*": "owner"})).unwrap();
    assert_eq!(rights(&principal, "t_a"), (true, false));
    assert_eq!(rights(&principal, "t_b"), (false, false));
}

#[test]
fn a_token_without_tenants_proves_somebody_without_rights() {
    let principal = verify(&without("tenant_ids")).unwrap();
    assert_eq!(rights(&principal, "t_a"), (false, false));
    let principal = verify(&without("role_map")).unwrap();
    assert_eq!(rights(&principal, "t_a"), (true, false));
    let principal = bearer_of(json!([]), json!({})).unwrap();
    assert_eq!(rights(&principal, "t_a"), (false, false));
}

#[test]
fn a_member_that_is_no_tenants_name_is_no_membership() {
    let listed = json!(["*", "", "T_A", "t_", "t_a ", "t_a/../t_b", "t_%61", "t_c"]);
    let principal = bearer_of(listed, json!({"*": "owner", "": "owner", "t_a ": "owner"})).unwrap();
    assert_eq!(rights(&principal, "t_a"), (false, false));
    assert_eq!(rights(&principal, "t_b"), (false, false));
    assert_eq!(rights(&principal, "t_c"), (true, false));
}

#[test]
fn a_tenant_whose_name_begins_with_anothers_stays_apart() {
    let principal = bearer_of(json!(["t_a"]), json!({"t_a": "owner"})).unwrap();
    assert_eq!(rights(&principal, "t_a"), (true, true));
    assert_eq!(rights(&principal, "t_ab"), (false, false));
    assert_eq!(rights(&principal, "t_a-b"), (false, false));
}

#[test]
fn a_tenant_listed_twice_is_one_membership() {
    let principal = bearer_of(json!(["t_a", "t_a"]), json!({"t_a": "admin"})).unwrap();
    assert_eq!(rights(&principal, "t_a"), (true, true));
}

#[test]
fn members_and_values_must_be_strings() {
    let wrong_type = |name: &str| {
        Err(TokenFault::ClaimType {
            name: name.to_owned(),
        })
    };
    for other in [
        json!(null),
        json!(1),
        json!(true),
        json!(["t_a"]),
        json!({"t_a": "owner"}),
    ] {
        assert_eq!(
            bearer_of(json!(["t_a", other]), json!({})),
            wrong_type("tenant_ids"),
            "{other}"
        );
        assert_eq!(
            bearer_of(json!(["t_a"]), json!({"t_a": "owner", "t_b": other})),
            wrong_type("role_map"),
            "{other}"
        );
    }
}
