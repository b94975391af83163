//! The containers of a manifest that run with configuration files from `ConfigMap`s.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_norway::{Deserializer, Value};

const ARGUMENT: &str = "--config=";
/// The value of a variable that is known only in a cluster, such as a name or a password.
const UNKNOWN: &str = "unknown";

/// A container with configuration files.
#[derive(Debug)]
pub(in crate::chart) struct Container {
    /// The kind and name of its workload.
    pub(super) workload: String,
    pub(super) image: String,
    /// Its environment variables.
    pub(super) environment: Vec<(String, String)>,
    /// Its configuration files, in the order of its arguments: name and text.
    files: Vec<(String, String)>,
}

/// Whether both have the same configuration.
impl PartialEq for Container {
    fn eq(&self, other: &Self) -> bool {
        let configuration =
            |it: &Self| (it.image.clone(), it.environment.clone(), it.files.clone());
        configuration(self) == configuration(other)
    }
}

/// All containers in a manifest with an argument `--config=FILE`.
///
/// # Errors
/// If a file is not in a `ConfigMap` that the container mounts.
pub(in crate::chart) fn all(manifest: &str) -> Result<Vec<Container>> {
    let documents = Deserializer::from_str(manifest).map(Value::deserialize);
    let objects = documents.collect::<Result<Vec<_>, _>>()?;
    let mut containers = Vec::new();
    for workload in &objects {
        let pod = &workload["spec"]["template"]["spec"];
        for container in list(&pod["containers"]) {
            let name = format!(
                "{} {}",
                text(&workload["kind"]),
                text(&workload["metadata"]["name"])
            );
            let parsed = Container::parse(&name, container, pod, &objects);
            containers.extend(parsed.with_context(|| name)?);
        }
    }
    Ok(containers)
}

impl Container {
    fn parse(
        workload: &str,
        container: &Value,
        pod: &Value,
        objects: &[Value],
    ) -> Result<Option<Self>> {
        let arguments = list(&container["args"]).filter_map(Value::as_str);
        let paths = arguments.filter_map(|argument| argument.strip_prefix(ARGUMENT));
        let files = paths.map(|path| {
            let text = file(path, container, pod, objects);
            let text = text.with_context(|| format!("{path} is in no ConfigMap"))?;
            Ok((path.replace('/', "_"), text.to_owned()))
        });
        let files = files.collect::<Result<Vec<_>>>()?;
        let variables = list(&container["env"]).map(|entry| {
            let value = entry["value"].as_str().unwrap_or(UNKNOWN);
            (text(&entry["name"]).to_owned(), value.to_owned())
        });
        Ok((!files.is_empty()).then(|| Self {
            workload: workload.to_owned(),
            image: text(&container["image"]).to_owned(),
            environment: variables.collect(),
            files,
        }))
    }

    /// The repository and the tag of its image.
    pub(super) fn image(&self) -> (&str, &str) {
        self.image.rsplit_once(':').unwrap_or((&self.image, ""))
    }

    /// Writes its files into a new directory. Returns the arguments that name them.
    pub(super) fn write(&self, directory: &Path) -> Result<Vec<String>> {
        fs::create_dir_all(directory)?;
        let files = self.files.iter().map(|(name, text)| {
            let path = directory.join(name);
            fs::write(&path, text)?;
            Ok(format!("{ARGUMENT}{}", path.display()))
        });
        files.collect()
    }
}

/// The text of a file that a container mounts from a `ConfigMap`.
fn file<'a>(path: &str, container: &Value, pod: &Value, objects: &'a [Value]) -> Option<&'a str> {
    let (directory, key) = path.rsplit_once('/')?;
    let mut mounts = list(&container["volumeMounts"]);
    let mount = mounts.find(|mount| mount["mountPath"] == directory)?;
    let mut volumes = list(&pod["volumes"]);
    let volume = volumes.find(|volume| volume["name"] == mount["name"])?;
    let is_map = |object: &&Value| {
        object["kind"] == "ConfigMap" && object["metadata"]["name"] == volume["configMap"]["name"]
    };
    objects.iter().find(is_map)?["data"][key].as_str()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_sequence().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
