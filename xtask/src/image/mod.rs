//! `image`: the images of the services and of the trace test, and into a cluster.

mod binaries;
mod build;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ::tests::{services, workspace};
use anyhow::{Context, Result, bail};
use clap::Args;

use crate::console;
use crate::interrupt::Interrupts;
use crate::program::{self, call};

pub(crate) use build::{CONTEXT, DOCKERFILE, Image, build_arguments, make_executable};

/// What an image may have, uncompressed.
const SIZE_BAR: u64 = 8_000_000;
/// The program of `helm test`, which has an image beside the services.
const TEST: &str = "trace-contract";

/// Build the images of the services and of trace-contract
///
/// Static binaries (Linux with musl, release) in images from scratch. A tag is made
/// from the version and the content, so that a new image never has an old tag. What
/// is there already is not built again. target/image/values.yaml has the tags for
/// helm. The exit status is 1 where an image is larger than 8 MB.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Load them into the nodes of this kind cluster
    #[arg(long, value_name = "CLUSTER")]
    load: Option<String>,

    /// Give them this tag, too, such as the version that the chart has by default
    #[arg(long)]
    tag: Option<String>,

    /// Put the list of its crates into each binary, for SBOMs and scanners, by cargo-auditable
    #[arg(long)]
    auditable: bool,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    let images = interrupts.or(build_all(arguments.auditable)).await?;
    interrupts
        .or(finish(&images, &arguments))
        .await
        .map(|()| fits(&images))
}

/// Builds all images, or finds them built.
pub(crate) async fn all() -> Result<Vec<Image>> {
    build_all(false).await
}

async fn build_all(auditable: bool) -> Result<Vec<Image>> {
    let architecture = program::engine_architecture().await?;
    console::progress("building static binaries in release, which takes minutes the first time");
    let names = names()?;
    let binaries = binaries::build(&architecture, &names, auditable).await?;
    let mut images = Vec::new();
    for name in names {
        let binary = binaries.get(&name);
        let binary = binary.with_context(|| format!("the build has made no program {name}"))?;
        images.push(build::image(&name, binary, &architecture).await?);
    }
    write_values(&images)?;
    Ok(images)
}

/// The programs that have images.
pub(crate) fn names() -> Result<Vec<String>> {
    let mut names = services::names()?;
    names.push(TEST.to_owned());
    Ok(names)
}

/// Loads them into every node that has not got them.
pub(crate) async fn load(images: &[String], cluster: &str) -> Result<()> {
    console::progress(format!("loading {}", images.join(", ")));
    let mut load = call("kind", ["load", "docker-image", "--name", cluster]);
    load.args(images);
    // It has a line for each image and node, which matter when it fails.
    program::output(load).await.map(drop)
}

/// Where the tags are, as values of the chart.
pub(crate) fn values_file() -> PathBuf {
    workspace().join("target/image/values.yaml")
}

async fn finish(images: &[Image], arguments: &Arguments) -> Result<()> {
    let mut tagged: Vec<_> = images.iter().map(Image::reference).collect();
    if let Some(tag) = &arguments.tag {
        if tag == "latest" {
            bail!("--tag latest: nodes do not take it from what was loaded; name a version");
        }
        for image in images {
            tagged.push(image.tag_also(tag).await?);
        }
    }
    if let Some(cluster) = &arguments.load {
        program::require(&["kind"])?;
        load(&tagged, cluster).await?;
    }
    for image in images {
        println!("{:>9} bytes  {}", image.size, image.reference());
    }
    println!(
        "try:\n  helm install onetrace charts/onetrace -f {}",
        shown(&values_file())
    );
    Ok(())
}

/// Whether all keep to the bar; says which does not.
pub(crate) fn fits(images: &[Image]) -> bool {
    let large: Vec<_> = images.iter().filter(|it| it.size > SIZE_BAR).collect();
    for image in &large {
        let reference = image.reference();
        println!("{reference} has {} bytes, more than {SIZE_BAR}", image.size);
    }
    large.is_empty()
}

fn write_values(images: &[Image]) -> Result<()> {
    let path = values_file();
    fs::write(&path, values(images)).with_context(|| path.display().to_string())
}

fn values(images: &[Image]) -> String {
    let (test, services): (Vec<_>, Vec<_>) = images.iter().partition(|it| it.name == TEST);
    let mut values =
        "# The images that were built last, by `cargo xtask image`.\nservices:\n".to_owned();
    for Image { name, tag, .. } in services {
        writeln!(values, "  {name}: {{image: {{tag: {tag}}}}}").expect("a String takes everything");
    }
    for Image { tag, .. } in test {
        writeln!(values, "test: {{image: {{tag: {tag}}}}}").expect("a String takes everything");
    }
    values
}

/// A path as seen from the root of this repository.
fn shown(path: &Path) -> String {
    let path = path.strip_prefix(workspace()).unwrap_or(path);
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_and_the_test_get_the_tag_of_their_image() {
        let image = |name: &str, tag: &str| Image {
            name: name.to_owned(),
            tag: tag.to_owned(),
            size: 0,
        };
        let images = [
            image("gateway", "1-a"),
            image("bye", "1-b"),
            image(TEST, "1-c"),
        ];
        let expected = "# The images that were built last, by `cargo xtask image`.\nservices:\n  \
                        gateway: {image: {tag: 1-a}}\n  bye: {image: {tag: 1-b}}\n\
                        test: {image: {tag: 1-c}}\n";
        assert_eq!(values(&images), expected);
    }
}
