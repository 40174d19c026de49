use serde_json::{Value, json};

use super::{
    program::{Variables, printed, variables},
    text, yaml,
};

const BUCKET: &str = "nexus-raw-prod";
const ORIGINS: [&str; 2] = ["https://app.example.com", "capacitor://localhost"];

/// The configuration that the template is for.
fn configuration() -> Variables {
    let mut all = variables(&text("kubernetes/nexus-raw.env"));
    for (name, value) in [
        ("NEXUS_RAW_CATALOG__URL", "postgres://x@db.example.com/x"),
        ("NEXUS_RAW_HTTP__CORS_ORIGINS", &json!(ORIGINS).to_string()),
    ] {
        all.push((name.to_owned(), value.to_owned()));
    }
    all
}

fn document(command: &str) -> Value {
    serde_json::from_str(&printed(&configuration(), &[command])).unwrap()
}

/// The properties of a resource, with pages and with references resolved.
fn properties(resource: &str) -> Value {
    let template = yaml("cloudformation/nexus-raw.yaml");
    resolved(&template["Resources"][resource]["Properties"])
}

fn resolved(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut all = members.iter();
            match (all.next(), all.next()) {
                (Some((name, reference)), None) if name == "Ref" => referred(reference),
                (Some((name, text)), None) if name == "Fn::Sub" => {
                    let text = text.as_str().unwrap();
                    let text = text.replace("${AWS::Partition}", "aws");
                    json!(text.replace("${BucketName}", BUCKET))
                }
                (Some((name, cases)), None) if name == "Fn::If" => resolved(&cases[1]),
                _ => members
                    .iter()
                    .map(|(name, value)| (name.clone(), resolved(value)))
                    .collect(),
            }
        }
        Value::Array(entries) => entries.iter().map(resolved).collect(),
        other => other.clone(),
    }
}

fn referred(reference: &Value) -> Value {
    match reference.as_str().unwrap() {
        "Bucket" | "BucketName" => json!(BUCKET),
        "CorsOrigins" => json!(ORIGINS),
        other => json!(other),
    }
}

#[test]
fn the_bucket_has_the_policy_that_the_program_prints() {
    let policy = properties("BucketPolicy");
    assert_eq!(policy["Bucket"], BUCKET);
    assert_eq!(policy["PolicyDocument"], document("bucket-policy"));
}

#[test]
fn the_role_has_the_permissions_that_the_program_prints_and_no_more() {
    let role = properties("Role");
    let [policy] = &role["Policies"].as_array().unwrap()[..] else {
        panic!("not one policy: {role}");
    };
    assert_eq!(policy["PolicyDocument"], document("iam-policy"));
    assert_eq!(role["ManagedPolicyArns"], Value::Null);
}

/// The template has names of its own for what the API of S3 has in its documents.
#[test]
fn the_bucket_has_the_rules_that_the_program_prints() {
    let bucket = properties("Bucket");
    let mut cors = document("cors")["CORSRules"].take();
    let mut lifecycle = document("lifecycle")["Rules"].take();
    for rule in cors.as_array_mut().unwrap() {
        let rule = rule.as_object_mut().unwrap();
        for (theirs, ours) in [
            ("ID", "Id"),
            ("ExposeHeaders", "ExposedHeaders"),
            ("MaxAgeSeconds", "MaxAge"),
        ] {
            let value = rule.remove(theirs).unwrap();
            rule.insert(ours.to_owned(), value);
        }
    }
    for rule in lifecycle.as_array_mut().unwrap() {
        let rule = rule.as_object_mut().unwrap();
        let id = rule.remove("ID").unwrap();
        rule.insert("Id".to_owned(), id);
        let prefix = rule.remove("Filter").unwrap()["Prefix"].take();
        rule.insert("Prefix".to_owned(), prefix);
    }
    assert_eq!(bucket["CorsConfiguration"]["CorsRules"], cors);
    assert_eq!(bucket["LifecycleConfiguration"]["Rules"], lifecycle);
}

/// What OPERATIONS.md requires of a bucket, besides.
#[test]
fn the_bucket_is_private_versioned_and_outlives_its_stack() {
    let template = yaml("cloudformation/nexus-raw.yaml");
    for resource in ["Bucket", "BucketPolicy"] {
        let resource = &template["Resources"][resource];
        assert_eq!(resource["DeletionPolicy"], "Retain");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain");
    }
    let bucket = properties("Bucket");
    let open = bucket["PublicAccessBlockConfiguration"]
        .as_object()
        .unwrap();
    assert_eq!(open.len(), 4);
    assert!(open.values().all(|it| it == true));
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    let owner = &bucket["OwnershipControls"]["Rules"][0]["ObjectOwnership"];
    assert_eq!(owner, "BucketOwnerEnforced");
}
