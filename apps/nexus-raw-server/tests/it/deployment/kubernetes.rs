use std::{collections::BTreeSet, fs};

use nexus_raw_server::http::ROUTES;
use serde_json::{Value, json};

use super::{
    named, parsed, path,
    program::{Effective, Variables, assert_takes, variables},
    text, texts, yaml,
};

fn kubernetes(name: &str) -> Value {
    yaml(&format!("kubernetes/{name}.yaml"))
}

/// The pod of a Deployment or a Job.
fn pod(name: &str) -> Value {
    kubernetes(name)["spec"]["template"].take()
}

fn container(pod: &Value) -> &Value {
    let [container] = &pod["spec"]["containers"].as_array().unwrap()[..] else {
        panic!("not one container: {pod}");
    };
    container
}

/// The configuration of a container; the files of secrets have a value of ours.
fn configuration(container: &Value, secrets: &std::path::Path) -> Variables {
    let from = &container["envFrom"][0]["configMapRef"]["name"];
    let generated = &kubernetes("kustomization")["configMapGenerator"];
    let file = named(generated, from.as_str().unwrap())["envs"][0].clone();
    let mut all = variables(&text(&format!("kubernetes/{}", file.as_str().unwrap())));
    let mounted = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
    for variable in container["env"].as_array().unwrap() {
        let (name, value) = (&variable["name"], variable["value"].as_str().unwrap());
        let file = value.strip_prefix(mounted).unwrap().trim_start_matches('/');
        // as a Secret is mounted: links to files
        let content = secrets.join(format!("..data-{file}"));
        fs::write(&content, "postgres://nexus_raw:x@db.example.com/nexus_raw").unwrap();
        let link = secrets.join(file);
        std::os::unix::fs::symlink(content, &link).unwrap();
        all.push((
            name.as_str().unwrap().to_owned(),
            link.display().to_string(),
        ));
    }
    all
}

#[test]
fn every_manifest_is_in_the_kustomization() {
    let listed = kubernetes("kustomization");
    let listed: BTreeSet<&str> = texts(&listed["resources"]).into_iter().collect();
    let files = fs::read_dir(path("kubernetes")).unwrap();
    let files = files.map(|it| it.unwrap().file_name().into_string().unwrap());
    // the configuration, and the list itself
    let others = ["nexus-raw.env", "kustomization.yaml"];
    let files: BTreeSet<String> = files.filter(|it| !others.contains(&&**it)).collect();
    assert_eq!(listed, files.iter().map(String::as_str).collect());
}

#[test]
fn each_pod_runs_a_command_of_the_program_with_a_configuration_that_it_accepts() {
    let images = kubernetes("kustomization")["images"].take();
    for name in ["deployment", "migrate"] {
        let (pod, secrets) = (pod(name), tempfile::tempdir().unwrap());
        let container = container(&pod);
        assert_takes(&texts(&container["args"]));
        named(&images, container["image"].as_str().unwrap());
        let variables = configuration(container, secrets.path());
        let effective = Effective::of(&variables, &[]);
        assert!(effective.get("catalog.url").starts_with("postgres://"));

        let user = &pod["spec"]["securityContext"];
        assert_eq!(
            (&user["runAsNonRoot"], &user["runAsUser"]),
            (&json!(true), &json!(65532))
        );
        let security = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        });
        assert_eq!(container["securityContext"], security, "{name}");
    }
}

#[test]
fn a_pod_that_is_deleted_has_the_time_that_its_configuration_takes() {
    let (pod, secrets) = (pod("deployment"), tempfile::tempdir().unwrap());
    let effective = Effective::of(&configuration(container(&pod), secrets.path()), &[]);
    let grace = pod["spec"]["terminationGracePeriodSeconds"]
        .as_u64()
        .unwrap();
    assert!(grace > effective.seconds_to_end(), "{grace}");
    // until the proxies know, a probe has failed
    let drain: u64 = effective.get("http.drain_seconds").parse().unwrap();
    let readiness = &container(&pod)["readinessProbe"];
    let of = |name: &str| readiness[name].as_u64().unwrap();
    assert!(drain > of("periodSeconds") * of("failureThreshold") + of("timeoutSeconds"));
}

#[test]
fn ports_and_paths_are_those_of_the_program() {
    let (pod, secrets) = (pod("deployment"), tempfile::tempdir().unwrap());
    let container = container(&pod);
    let effective = Effective::of(&configuration(container, secrets.path()), &[]);
    let port = |key| json!(effective.port(key));
    let ports = &container["ports"];
    assert_eq!(named(ports, "http")["containerPort"], port("http.bind"));
    assert_eq!(
        named(ports, "metrics")["containerPort"],
        port("metrics.bind")
    );
    for probe in ["readinessProbe", "livenessProbe"] {
        let get = &container[probe]["httpGet"];
        assert_eq!(get["port"], "http");
        let route = ROUTES.iter().find(|route| get["path"] == route.pattern);
        assert!(route.is_some(), "{get}");
    }

    let service = kubernetes("service");
    for port in service["spec"]["ports"].as_array().unwrap() {
        assert_eq!(
            port["name"],
            named(ports, port["targetPort"].as_str().unwrap())["name"]
        );
    }
    let endpoints = kubernetes("service-monitor")["spec"]["endpoints"].take();
    let metrics = json!([{"port": "metrics", "path": "/metrics", "interval": "15s"}]);
    assert_eq!(endpoints, metrics);
    named(&service["spec"]["ports"], "metrics");
    let policy = kubernetes("network-policy");
    let into = policy["spec"]["ingress"].as_array().unwrap();
    let into: Vec<_> = into.iter().map(|rule| &rule["ports"][0]["port"]).collect();
    assert_eq!(into, ["http", "metrics"]);
}

#[test]
fn selectors_select_the_pods_of_the_server() {
    let labels = pod("deployment")["metadata"]["labels"].take();
    let spec = |name| kubernetes(name)["spec"].take();
    assert_eq!(spec("deployment")["selector"]["matchLabels"], labels);
    assert_eq!(spec("service")["selector"], labels);
    let budget = spec("disruption-budget");
    assert_eq!(budget["selector"]["matchLabels"], labels);
    let replicas = spec("deployment")["replicas"].as_u64().unwrap();
    assert!(budget["maxUnavailable"].as_u64().unwrap() < replicas);
    // the migration's pods are bound by the policy too, and serve nothing
    let name = json!({"app.kubernetes.io/name": labels["app.kubernetes.io/name"]});
    assert_eq!(spec("network-policy")["podSelector"]["matchLabels"], name);
    let migrate = pod("migrate")["metadata"]["labels"].take();
    let key = "app.kubernetes.io/name";
    assert_eq!(migrate[key], labels[key]);
    assert_ne!(migrate, labels);
}

/// The alarms are tried by `promtool` where they are documented.
#[test]
fn the_alarms_are_the_documented_ones_and_know_the_replicas() {
    let documented = parsed(include_str!(
        "../../../../../docs/prometheus/nexus-raw.rules.yaml"
    ));
    assert_eq!(kubernetes("prometheus-rule")["spec"], documented);
    let monitor = kubernetes("service-monitor")["spec"].take();
    let service = kubernetes("service")["metadata"]["labels"].take();
    let job = &service[monitor["jobLabel"].as_str().unwrap()];
    let used = format!("job=\"{}\"", job.as_str().unwrap());
    assert!(
        documented.to_string().contains(&used.replace('"', "\\\"")),
        "{used}"
    );
    let selected = monitor["selector"]["matchLabels"].as_object().unwrap();
    assert!(selected.iter().all(|(name, value)| service[name] == *value));
}
