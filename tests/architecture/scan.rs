//! Reads one file of the crate as tokens: what it imports, which macros it calls, which words stand in it.
//!
//! Tokens, so that neither a comment nor a string counts, and what stands inside a macro does. Imports are found in
//! `use` trees and in path expressions alike, `self` and `super` resolved by where they stand.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// What one file imports and calls, with the lines where it does.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) imports: Vec<(usize, Import)>,
    pub(crate) macros: Vec<(usize, String)>,
    /// How many lines are compiled for tests only.
    pub(crate) test_lines: usize,
    /// The modules in files of their own that are compiled for tests only, named from the crate's root.
    pub(crate) test_modules: Vec<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Import {
    /// Something of a module at the crate's top.
    Module(String),
    /// The same, and handed on under this module's name.
    Reexport(String),
    /// Something that lib.rs names again for users.
    Root,
    /// Something that cannot be followed: the whole crate, or a module from another path.
    Opaque(String),
}

/// Reads what stands in the module `module`, named from the crate's root. `is_module` knows the modules at its top.
pub(crate) fn scan(source: &str, module: &[String], is_module: fn(&str) -> bool) -> Scan {
    let mut scanner = Scanner { is_module, found: Scan::default() };
    scanner.walk(parse(source), module);
    scanner.found
}

/// Every word of a file, in code that is compiled for tests only as well, with its line.
pub(crate) fn words(source: &str) -> Vec<(usize, String)> {
    fn collect(stream: TokenStream, found: &mut Vec<Ident>) {
        for token in stream {
            match token {
                TokenTree::Ident(ident) => found.push(ident),
                TokenTree::Group(group) => collect(group.stream(), found),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
    let mut found = Vec::new();
    collect(parse(source), &mut found);
    found.iter().map(|ident| (ident.span().start().line, ident.to_string())).collect()
}

struct Scanner {
    is_module: fn(&str) -> bool,
    found: Scan,
}

impl Scanner {
    fn walk(&mut self, stream: TokenStream, module: &[String]) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            let line = token.span().start().line;
            if let Some(length) = test_item(rest) {
                let item = &rest[..length];
                self.found.test_lines += item[length - 1].span().end().line - line + 1;
                if let [.., word, TokenTree::Ident(name), end] = item
                    && is_word(word, "mod")
                    && is_mark(end, ';')
                {
                    self.found.test_modules.push([module, &[name.to_string()]].concat());
                }
                at += length;
                continue;
            }
            at += match rest {
                [TokenTree::Group(group), ..] => {
                    if is_path_attribute(group) {
                        self.opaque(line, "a module from another path");
                    }
                    self.walk(group.stream(), module);
                    1
                }
                [word, next, ..] if is_word(word, "use") && !is_mark(next, '<') => {
                    let length = rest.iter().position(|token| is_mark(token, ';')).unwrap_or(rest.len());
                    let mut paths = Vec::new();
                    flatten(&rest[1..length], &[], &mut paths);
                    for path in paths {
                        self.import(line, &path, module, is_public(&tokens[..at]));
                    }
                    length
                }
                [word, next, ..] if is_word(word, "extern") && is_word(next, "crate") => {
                    self.opaque(line, "extern crate");
                    2
                }
                [word, TokenTree::Ident(name), TokenTree::Group(body), ..] if is_word(word, "mod") => {
                    self.walk(body.stream(), &[module, &[name.to_string()]].concat());
                    3
                }
                [TokenTree::Ident(_), ..] => {
                    let (path, length) = path(rest);
                    if let Some(last) = path.last()
                        && rest.get(length).is_some_and(|next| is_mark(next, '!'))
                    {
                        self.found.macros.push((line, last.clone()));
                    }
                    if path.len() > 1 {
                        self.import(line, &path, module, false);
                    }
                    length
                }
                _ => 1,
            };
        }
    }

    fn import(&mut self, line: usize, path: &[String], module: &[String], public: bool) {
        let Some((base, rest)) = resolve(path, module) else { return };
        let import = match (base.first(), rest.first().map(String::as_str)) {
            (Some(own), _) => Import::Module(own.clone()),
            (None, None | Some("*")) => {
                Import::Opaque(format!("`{}`, which is the whole crate", path.join("::")))
            }
            (None, Some(name)) if !(self.is_module)(name) => Import::Root,
            (None, Some(name)) if public => Import::Reexport(name.into()),
            (None, Some(name)) => Import::Module(name.into()),
        };
        self.found.imports.push((line, import));
    }

    fn opaque(&mut self, line: usize, what: &str) {
        self.found.imports.push((line, Import::Opaque(what.into())));
    }
}

/// The module that a path begins at, and what follows; None for other crates and for names that are in scope already.
fn resolve<'a>(path: &'a [String], module: &[String]) -> Option<(Vec<String>, &'a [String])> {
    let (first, mut rest) = path.split_first()?;
    let binary = module.first().is_some_and(|first| first == "bin");
    let mut base = match first.as_str() {
        "crate" if binary => module[..1].to_vec(),
        "crate" | "crumbtrail" => Vec::new(),
        "self" => module.to_vec(),
        "super" => module[..module.len().saturating_sub(1)].to_vec(),
        _ => return None,
    };
    while let Some((step, further)) = rest.split_first() {
        match step.as_str() {
            "super" => drop(base.pop()),
            "self" => {}
            _ => break,
        }
        rest = further;
    }
    Some((base, rest))
}

/// The names of a `use` tree, one list for each leaf; what follows `as` is left out.
fn flatten(tree: &[TokenTree], before: &[String], found: &mut Vec<Vec<String>>) {
    for branch in tree.split(|token| is_mark(token, ',')) {
        let mut names = before.to_vec();
        let mut nested = false;
        for token in branch {
            match token {
                TokenTree::Ident(word) if word == "as" => break,
                TokenTree::Ident(name) => names.push(name.to_string()),
                TokenTree::Punct(star) if star.as_char() == '*' => names.push("*".into()),
                TokenTree::Group(group) => {
                    nested = true;
                    flatten(&group.stream().into_iter().collect::<Vec<_>>(), &names, found);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        if !nested && names.len() > before.len() {
            found.push(names);
        }
    }
}

/// The path that these tokens begin with, and how many of them it takes.
fn path(tokens: &[TokenTree]) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    let mut length = 0;
    while let Some(TokenTree::Ident(name)) = tokens.get(length) {
        names.push(name.to_string());
        length += 1;
        match &tokens[length..] {
            [a, b, TokenTree::Ident(_), ..] if is_mark(a, ':') && is_mark(b, ':') => length += 2,
            _ => break,
        }
    }
    (names, length)
}

/// How many tokens the item takes that stands under `#[cfg(test)]`, the attribute included; None if none stands here.
fn test_item(tokens: &[TokenTree]) -> Option<usize> {
    let [hash, TokenTree::Group(attribute), ..] = tokens else { return None };
    if !is_mark(hash, '#') || !is_test_only(attribute.stream()) {
        return None;
    }
    // A field, an argument or an arm ends at its comma; an item, whose head may have commas, does not.
    let heads =
        ["mod", "use", "fn", "impl", "struct", "enum", "trait", "const", "static", "type", "macro_rules"];
    let mut item = false;
    for (at, token) in tokens.iter().enumerate().skip(2) {
        item |= heads.iter().any(|head| is_word(token, head));
        let body = matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if is_mark(token, ';') || (!item && is_mark(token, ',')) || body {
            return Some(at + 1);
        }
    }
    Some(tokens.len())
}

/// Whether what stands under this attribute is compiled for tests only: `cfg(test)`, or `cfg(all(…, test, …))`.
fn is_test_only(attribute: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = attribute.into_iter().collect();
    let [TokenTree::Ident(name), TokenTree::Group(inside)] = &tokens[..] else { return false };
    let inside: Vec<TokenTree> = inside.stream().into_iter().collect();
    let test = |condition: &[TokenTree]| match condition {
        [word] => is_word(word, "test"),
        [word, TokenTree::Group(_)] if is_word(word, "all") => {
            is_test_only(condition.iter().cloned().collect())
        }
        _ => false,
    };
    (name == "cfg" && test(&inside)) || (name == "all" && inside.split(|token| is_mark(token, ',')).any(test))
}

fn is_path_attribute(group: &Group) -> bool {
    let tokens: Vec<TokenTree> = group.stream().into_iter().take(2).collect();
    group.delimiter() == Delimiter::Bracket
        && matches!(&tokens[..], [name, equals] if is_word(name, "path") && is_mark(equals, '='))
}

/// Whether the last of these tokens say `pub` or `pub(…)`.
fn is_public(before: &[TokenTree]) -> bool {
    match before {
        [.., word, TokenTree::Group(_)] if is_word(word, "pub") => true,
        [.., word] => is_word(word, "pub"),
        [] => false,
    }
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn parse(source: &str) -> TokenStream {
    source.parse().unwrap()
}
