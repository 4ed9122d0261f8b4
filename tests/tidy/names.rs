//! Every path that a file names: in `use`, in code, in types, and inside macros.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// A path as it is written, and how many inline modules it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) segments: Vec<String>,
    /// Names of the inline modules around it, outermost first.
    pub(crate) inside: Vec<String>,
    /// Whether it stands in code that only tests see.
    pub(crate) in_tests: bool,
}

/// All paths of a file with more than one segment, and all of its imports.
pub(crate) fn names(file: &syn::File) -> Vec<Name> {
    let mut collector = Collector::default();
    collector.visit_file(file);
    collector.names
}

#[derive(Default)]
struct Collector {
    names: Vec<Name>,
    inside: Vec<String>,
    in_tests: bool,
}

impl Collector {
    fn push(&mut self, segments: Vec<String>) {
        self.names.push(Name {
            segments,
            inside: self.inside.clone(),
            in_tests: self.in_tests,
        });
    }

    fn push_tree(&mut self, tree: &syn::UseTree, prefix: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.push_tree(&path.tree, prefix);
                prefix.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.push_tree(tree, prefix);
                }
            }
            leaf => {
                let last = match leaf {
                    syn::UseTree::Name(name) => name.ident.to_string(),
                    syn::UseTree::Rename(rename) => rename.ident.to_string(),
                    _ => "*".to_owned(),
                };
                let mut segments = prefix.clone();
                segments.push(last);
                self.push(segments);
            }
        }
    }

    /// Paths in tokens that are not parsed: `a :: b :: c` runs.
    fn push_tokens(&mut self, tokens: TokenStream) {
        let mut run: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.flush(&mut run);
                    }
                    run.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Group(group) => {
                    self.flush(&mut run);
                    self.push_tokens(group.stream());
                    colons = 0;
                }
                _ => {
                    self.flush(&mut run);
                    colons = 0;
                }
            }
        }
        self.flush(&mut run);
    }

    fn flush(&mut self, run: &mut Vec<String>) {
        if run.len() > 1 {
            self.push(run.clone());
        }
        run.clear();
    }
}

fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|argument| argument.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let before = self.in_tests;
        self.in_tests |= is_test_only(&module.attrs);
        self.inside.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.inside.pop();
        self.in_tests = before;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.push_tree(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.push(path.segments.iter().map(|s| s.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.push_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}
