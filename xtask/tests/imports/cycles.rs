//! Import cycles: each pair of files that import each other, and the shortest
//! longer cycles that contain no such pair.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::path::Path;

use crate::dependencies::{Dependencies, Place};

/// Files, each of which depends on the next, and the last on the first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cycle(Vec<String>);

pub(crate) fn cycles(dependencies: &Dependencies) -> BTreeSet<Cycle> {
    let edges = dependencies
        .iter()
        .flat_map(|(from, others)| others.keys().map(move |to| (from.as_path(), to.as_path())));
    let cycle = |(from, to)| {
        let mut files = shortest_way(dependencies, to, from)?;
        let pair = |(from, to): (&&Path, &&Path)| depends(dependencies, to, from);
        if files.len() > 2 && files.iter().zip(files.iter().skip(1)).any(pair) {
            return None;
        }
        // The same cycle is found from each of its files: begin with the least.
        let least = (0..files.len()).min_by_key(|place| files[*place])?;
        files.rotate_left(least);
        let next = files.iter().cycle().skip(1);
        let lines = files.iter().zip(next).map(|(from, to)| {
            let Place { line, item } = &dependencies[*from][*to];
            format!("{}:{line} uses {item} of {}", from.display(), to.display())
        });
        Some(Cycle(lines.collect()))
    };
    edges.filter_map(cycle).collect()
}

fn depends(dependencies: &Dependencies, from: &Path, to: &Path) -> bool {
    dependencies
        .get(from)
        .is_some_and(|others| others.contains_key(to))
}

/// The files from `from` to `to`, both included.
fn shortest_way<'a>(all: &'a Dependencies, from: &'a Path, to: &'a Path) -> Option<Vec<&'a Path>> {
    let mut came_from = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(file) = queue.pop_front() {
        if file == to {
            let mut way = vec![to];
            while way[way.len() - 1] != from {
                way.push(came_from[way[way.len() - 1]]);
            }
            way.reverse();
            return Some(way);
        }
        for next in all.get(file).into_iter().flat_map(BTreeMap::keys) {
            if !came_from.contains_key(next.as_path()) {
                came_from.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
