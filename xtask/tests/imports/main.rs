//! No two files of a crate import each other, directly or through other files.
//!
//! A file depends on another when it names an item that is defined there, in a
//! `use` or in a path. These are not dependencies: `mod` declarations, re-exports
//! (`pub use`, `pub(crate) use`; a path through one leads to the file that
//! defines the item), and code under `#[cfg(test)]`. Methods are not seen: a
//! call `value.method()` names no path.

mod cycles;
mod dependencies;
mod modules;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cycles::cycles;
use dependencies::dependencies;
use modules::Crate;

#[test]
fn no_two_files_import_each_other() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let roots = roots(workspace);
    assert!(roots.len() > 5, "the workspace has more crates: {roots:?}");
    let found: Vec<_> = roots
        .iter()
        .flat_map(|root| cycles(&dependencies(&Crate::load(root, &read))))
        .map(|cycle| {
            cycle
                .to_string()
                .replace(&format!("{}/", workspace.display()), "")
        })
        .collect();
    assert!(
        found.is_empty(),
        "{} import cycles:\n\n{}",
        found.len(),
        found.join("\n")
    );
}

/// The `lib.rs` and `main.rs` of every package in the workspace.
fn roots(workspace: &Path) -> BTreeSet<PathBuf> {
    let mut roots = BTreeSet::new();
    let mut directories = vec![workspace.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                directories.push(path);
            } else if name == "Cargo.toml" {
                let files = ["src/lib.rs", "src/main.rs"].map(|file| directory.join(file));
                roots.extend(files.into_iter().filter(|file| file.is_file()));
            }
        }
    }
    roots
}

/// The cycles in a crate made of these files; the first is its root.
fn cycles_of(files: &[(&str, &str)]) -> Vec<String> {
    let read = |path: &Path| {
        let file = files.iter().find(|(name, _)| Path::new(name) == path);
        file.map(|(_, source)| (*source).to_owned())
    };
    let found = cycles(&dependencies(&Crate::load(Path::new(files[0].0), &read)));
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_cycle_is_shown_with_its_files_and_lines() {
    let found = cycles_of(&[
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "use crate::b::B;\npub struct A(B);"),
        ("b.rs", "pub struct B;\n\nfn make() { super::a::A::new() }"),
    ]);
    assert_eq!(
        found,
        ["a.rs:1 uses B of b.rs\nb.rs:3 uses A of a.rs\n"],
        "each line has the place, the item, and the file that defines it"
    );
}

#[test]
fn longer_cycles_are_found() {
    let found = cycles_of(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;"),
        ("a.rs", "use crate::b;\npub fn a() { b::b() }"),
        ("b.rs", "use crate::c::*;\npub fn b() { c() }"),
        ("c.rs", "pub fn c() { vec![crate::a::a()]; }"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].lines().count(), 3, "{found:?}");
}

#[test]
fn an_item_defined_in_the_parent_makes_a_cycle() {
    let files = |parent| {
        cycles_of(&[
            ("lib.rs", "mod a;"),
            ("a/mod.rs", parent),
            (
                "a/child.rs",
                "use super::Shared;\npub fn child(_: Shared) {}",
            ),
            ("a/shared.rs", "pub struct Shared;"),
        ])
    };
    let defined = files("mod child;\npub struct Shared;\nfn run() { child::child(Shared) }");
    assert_eq!(defined.len(), 1, "{defined:?}");
    let re_exported = files(
        "mod child;\nmod shared;\npub use shared::Shared;\nfn run() { child::child(todo!()) }",
    );
    assert_eq!(re_exported, [""; 0], "shared.rs defines it");
}

#[test]
fn re_exports_and_tests_are_exempt() {
    let found = cycles_of(&[
        ("lib.rs", "mod a;\npub use a::A;\npub struct Root;"),
        (
            "a.rs",
            "pub struct A(crate::Root);\n#[cfg(test)]\nmod tests { use super::*; }",
        ),
    ]);
    assert_eq!(found, [""; 0], "lib.rs only re-exports A");
}
