//! Which file names items of which other file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ItemFn, ItemImpl, ItemMod, Macro, MetaList};

use crate::modules::{Crate, Id, imports, is_test};

/// For each file and each other file that it depends on: the first place that
/// names an item of it.
pub(crate) type Dependencies = BTreeMap<PathBuf, BTreeMap<PathBuf, Place>>;

/// A place where an item is named.
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) item: String,
}

/// All dependencies between the files of a crate.
pub(crate) fn dependencies(krate: &Crate) -> Dependencies {
    let mut found = Dependencies::new();
    for (module, content) in krate.modules.iter().enumerate() {
        let mut names = Names {
            krate,
            module,
            found: &mut found,
        };
        for import in content.imports.iter().filter(|import| !import.re_export) {
            names.add(&import.path, import.line);
        }
        for item in &content.items {
            names.visit_item(item);
        }
    }
    found
}

/// Visits every path in a module.
struct Names<'a> {
    krate: &'a Crate,
    module: Id,
    found: &'a mut Dependencies,
}

impl Names<'_> {
    fn add(&mut self, path: &[String], line: usize) {
        let Some((file, item)) = self.krate.item(self.module, path) else {
            return;
        };
        let this: &Path = &self.krate.modules[self.module].file;
        if file != this {
            let files = self.found.entry(this.to_owned()).or_default();
            files.entry(file.to_owned()).or_insert(Place { line, item });
        }
    }

    /// Paths in the arguments of a macro or an attribute, as far as they can be
    /// seen without its grammar.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add(&std::mem::take(&mut path), line);
                    }
                    if path.is_empty() {
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.add(&std::mem::take(&mut path), line);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.add(&path, line);
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            let segments: Vec<_> = segments.collect();
            self.add(&segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    /// A `use` within a function.
    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        for import in imports(import) {
            self.add(&import.path, import.line);
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_meta_list(&mut self, list: &'ast MetaList) {
        self.tokens(list.tokens.clone());
    }

    /// Its name is not a path of this crate; its arguments may have some.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.visit_meta_list(list);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if !is_test(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, _: &'ast ItemMod) {
        // A module within a function; the others are in `Crate::modules`.
    }
}
