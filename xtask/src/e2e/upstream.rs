//! The chart's images of other projects: the Collector and Jaeger.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::console;
use crate::program::{self, command};

const CHART: &str = "charts/onetrace";
const OUR_REPOSITORY: &str = "onetrace/";

/// The images that Docker has on this machine. The cluster pulls the others.
pub(super) async fn on_this_machine() -> Result<Vec<String>> {
    let manifest = program::output(command("helm", ["template", "onetrace", CHART])).await?;
    let mut found = Vec::new();
    for image in images(&manifest) {
        if program::succeeds(command("docker", ["image", "inspect", image])).await {
            found.push(image.to_owned());
        } else {
            console::progress(format!("the cluster will pull {image}"));
        }
    }
    Ok(found)
}

/// The images of a manifest that we do not build.
fn images(manifest: &str) -> BTreeSet<&str> {
    let lines = manifest.lines().map(str::trim_start);
    let images = lines.filter_map(|line| line.strip_prefix("image: "));
    let images = images.map(|image| image.trim_matches('"'));
    images
        .filter(|image| !image.starts_with(OUR_REPOSITORY))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_upstream_image_is_listed_once() {
        let manifest = "containers:\n  - name: a\n    image: onetrace/hello:1\n  - name: b\n    \
                        image: jaegertracing/jaeger:2\n    image: \"otel/collector:3\"\n    \
                        image: jaegertracing/jaeger:2\n";
        let images: Vec<_> = images(manifest).into_iter().collect();
        assert_eq!(images, ["jaegertracing/jaeger:2", "otel/collector:3"]);
    }
}
