//! The modules of a crate, what each defines and imports, and what a path means.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::{Attribute, Item, ItemUse, Meta, Token, UseTree, Visibility};

/// How many imports a path may lead through.
const MAX_IMPORTS: usize = 16;

/// The place of a module in [`Crate::modules`].
pub(crate) type Id = usize;

/// A crate; its root module comes first.
#[derive(Default)]
pub(crate) struct Crate {
    pub(crate) modules: Vec<Module>,
}

/// A module in a file of its own or within another's.
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    parent: Option<Id>,
    /// Without child modules and without tests.
    pub(crate) items: Vec<Item>,
    defined: Vec<String>,
    children: HashMap<String, Id>,
    pub(crate) imports: Vec<Import>,
}

/// One name of a `use`.
pub(crate) struct Import {
    /// The name in this module; `None` for `*`.
    name: Option<String>,
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    pub(crate) re_export: bool,
}

/// What a path leads to.
enum Target {
    Module(Id),
    /// An item, by name, with the module that defines it.
    Item(Id, String),
}

impl Crate {
    /// Reads the crate whose root is this file.
    pub(crate) fn load(root: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut this = Self::default();
        let directory = root.parent().unwrap_or(Path::new(""));
        this.load_file(root, directory, None, read);
        this
    }

    fn load_file(
        &mut self,
        file: &Path,
        directory: &Path,
        parent: Option<Id>,
        read: &dyn Fn(&Path) -> Option<String>,
    ) -> Id {
        let source = read(file).unwrap_or_else(|| panic!("cannot read {}", file.display()));
        let parsed = syn::parse_file(&source);
        let parsed = parsed.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(file, directory, parent, parsed.items, read)
    }

    /// Adds a module; those of its children that have their own file are in `directory`.
    fn add(
        &mut self,
        file: &Path,
        directory: &Path,
        parent: Option<Id>,
        items: Vec<Item>,
        read: &dyn Fn(&Path) -> Option<String>,
    ) -> Id {
        let id = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            items: Vec::new(),
            defined: Vec::new(),
            children: HashMap::new(),
            imports: Vec::new(),
        });
        for item in items {
            if is_test(attributes(&item)) {
                continue;
            }
            if let Item::Mod(module) = item {
                let name = module.ident.to_string();
                let inner = directory.join(&name);
                let child = if let Some((_, items)) = module.content {
                    self.add(file, &inner, Some(id), items, read)
                } else {
                    let flat = directory.join(format!("{name}.rs"));
                    let nested = inner.join("mod.rs");
                    let file = if read(&flat).is_some() { flat } else { nested };
                    self.load_file(&file, &inner, Some(id), read)
                };
                self.modules[id].children.insert(name, child);
                continue;
            }
            let this = &mut self.modules[id];
            if let Item::Use(import) = &item {
                this.imports.extend(imports(import));
            } else {
                this.defined.extend(defined_name(&item));
                this.items.push(item);
            }
        }
        id
    }

    /// The item that a path in a module leads to, and the file that defines it;
    /// `None` for modules, local variables, and items of other crates.
    pub(crate) fn item(&self, from: Id, path: &[String]) -> Option<(&Path, String)> {
        match self.resolve(from, path, 0)? {
            Target::Module(_) => None,
            Target::Item(module, name) => Some((&self.modules[module].file, name)),
        }
    }

    fn resolve(&self, from: Id, path: &[String], imports: usize) -> Option<Target> {
        let mut segments = path.iter();
        let mut module = from;
        let mut started = false;
        loop {
            let Some(segment) = segments.next() else {
                return started.then_some(Target::Module(module));
            };
            match segment.as_str() {
                "crate" => module = 0,
                "self" => {}
                "super" => module = self.modules[module].parent?,
                name => match self.lookup(module, name, imports)? {
                    Target::Module(found) => module = found,
                    // What follows belongs to the item: a variant, a function of a type.
                    item @ Target::Item(..) => return Some(item),
                },
            }
            started = true;
        }
    }

    /// What a name means in a module.
    fn lookup(&self, module: Id, name: &str, imports: usize) -> Option<Target> {
        let this = &self.modules[module];
        if this.defined.iter().any(|defined| defined == name) {
            return Some(Target::Item(module, name.to_owned()));
        }
        if let Some(child) = this.children.get(name) {
            return Some(Target::Module(*child));
        }
        if imports == MAX_IMPORTS {
            return None;
        }
        let named = this
            .imports
            .iter()
            .filter(|it| it.name.as_deref() == Some(name));
        // `use http::…` next to a function `http` must not lead to itself.
        let mut named = named.filter(|it| it.path.first().is_none_or(|first| first != name));
        if let Some(import) = named.next() {
            return self.resolve(module, &import.path, imports + 1);
        }
        let mut globs = this.imports.iter().filter(|import| import.name.is_none());
        globs.find_map(
            |glob| match self.resolve(module, &glob.path, imports + 1)? {
                Target::Module(found) if found != module => self.lookup(found, name, imports + 1),
                _ => None,
            },
        )
    }
}

/// The names that an item imports from this crate, or that may be from it.
pub(crate) fn imports(item: &ItemUse) -> Vec<Import> {
    let mut names = Vec::new();
    // `use ::name` is another crate's.
    if item.leading_colon.is_none() {
        let re_export = !matches!(item.vis, Visibility::Inherited);
        import_names(&item.tree, &[], re_export, &mut names);
    }
    names
}

fn import_names(tree: &UseTree, prefix: &[String], re_export: bool, names: &mut Vec<Import>) {
    let mut path = prefix.to_vec();
    let (name, segment) = match tree {
        UseTree::Path(tree) => {
            path.push(tree.ident.to_string());
            return import_names(&tree.tree, &path, re_export, names);
        }
        UseTree::Group(group) => {
            let trees = group.items.iter();
            return trees.for_each(|tree| import_names(tree, prefix, re_export, names));
        }
        UseTree::Name(tree) if tree.ident == "self" => (path.last().cloned(), None),
        UseTree::Name(tree) => (Some(tree.ident.to_string()), Some(&tree.ident)),
        UseTree::Rename(tree) => {
            let segment = Some(&tree.ident).filter(|ident| *ident != "self");
            (Some(tree.rename.to_string()), segment)
        }
        UseTree::Glob(_) => (None, None),
    };
    path.extend(segment.map(ToString::to_string));
    let line = syn::spanned::Spanned::span(tree).start().line;
    names.push(Import {
        name,
        path,
        line,
        re_export,
    });
}

pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    let is_cfg_test = |attribute: &Attribute| {
        let Meta::List(list) = &attribute.meta else {
            return false;
        };
        let conditions = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        list.path.is_ident("cfg") && conditions.is_ok_and(|all| all.iter().any(requires_test))
    };
    attributes.iter().any(is_cfg_test)
}

fn requires_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => {
            let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            inner.is_ok_and(|all| all.iter().any(requires_test))
        }
        _ => false,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn defined_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
