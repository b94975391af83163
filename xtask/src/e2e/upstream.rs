//! The images of others that the chart runs: the Collector's and Jaeger's.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::console;
use crate::program::{self, call};

const CHART: &str = "charts/onetrace";
const OURS: &str = "onetrace/";

/// Those that Docker has here; the cluster pulls the others.
pub(super) async fn on_this_machine() -> Result<Vec<String>> {
    let manifest = program::output(call("helm", ["template", "onetrace", CHART])).await?;
    let mut here = Vec::new();
    for image in images(&manifest) {
        if program::succeeds(call("docker", ["image", "inspect", image])).await {
            here.push(image.to_owned());
        } else {
            console::progress(format!("the cluster pulls {image}"));
        }
    }
    Ok(here)
}

/// The images of a manifest that are not built here.
fn images(manifest: &str) -> BTreeSet<&str> {
    let lines = manifest.lines().map(str::trim_start);
    let images = lines.filter_map(|line| line.strip_prefix("image: "));
    let images = images.map(|image| image.trim_matches('"'));
    images.filter(|image| !image.starts_with(OURS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_image_of_others_is_named_once() {
        let manifest = "containers:\n  - name: a\n    image: onetrace/hello:1\n  - name: b\n    \
                        image: jaegertracing/jaeger:2\n    image: \"otel/collector:3\"\n    \
                        image: jaegertracing/jaeger:2\n";
        let images: Vec<_> = images(manifest).into_iter().collect();
        assert_eq!(images, ["jaegertracing/jaeger:2", "otel/collector:3"]);
    }
}
