//! What comes of small texts.

use super::*;
use crate::diagnostics::Colour;
use crate::text::node::Entry;
use std::path::Path;

fn read(text: &str) -> (Option<Node>, Diagnostics) {
    let source = Source::new(Path::new("template.yaml"), text.to_owned());
    let mut diagnostics = Diagnostics::new(source.clone());
    let node = parse(&source, &mut diagnostics);
    (node, diagnostics)
}

/// Maps as `{k=v}`, lists as `[v]`, nothing as `~`: enough to see what was read.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Null => "~".to_owned(),
        Value::Scalar(scalar) => scalar.text.clone(),
        Value::Sequence(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Mapping(entries) => {
            let entry = |entry: &Entry| format!("{}={}", entry.key, shown(&entry.value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
        }
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let (node, diagnostics) = read(text);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(Colour::Never));
    assert_eq!(shown(&node.expect("no problem was reported")), expected);
}

#[track_caller]
fn check_refused(text: &str, message: &str, line: usize, column: usize) {
    let (_, diagnostics) = read(text);
    let first = diagnostics.iter().next().expect("a problem is reported");
    assert!(first.message.contains(message), "{}", first.message);
    let position = diagnostics.position(first).expect("it has a place");
    assert_eq!((position.line, position.column), (line, column), "{}", diagnostics.render(Colour::Never));
}

#[test]
fn short_tags_are_written_out() {
    check("a: !Ref B", "{a={Ref=B}}");
    check("a: !GetAtt B.Arn", "{a={Fn::GetAtt=B.Arn}}");
    check("a: !Join\n  - ','\n  - [x, !Ref y]", "{a={Fn::Join=[, [x {Ref=y}]]}}");
    check("a: !Equals [!Condition x, 'true']", "{a={Fn::Equals=[{Condition=x} true]}}");
    check("a: !!str 5", "{a=5}");
    check("a: !Sub |\n  x\n  y\n", "{a={Fn::Sub=x\ny\n}}");
}

#[test]
fn a_dash_alone_in_brackets_is_a_text() {
    check("a: !Join [-, [a, b]]", "{a={Fn::Join=[- [a b]]}}");
    check("a: !Split [ -, x ]", "{a={Fn::Split=[- x]}}");
    check("{k: -}", "{k=-}");
}

#[test]
fn a_closing_bracket_may_be_as_far_out_as_its_key() {
    for item in ["'x'", "\"x\"", "!!str x", "x", "&y x"] {
        check(&format!("a:\n  b: [\n    {item}\n  ]\nc: 1"), "{a={b=[x]} c=1}");
        check(&format!("a:\n  b: {{\n    k: {item}\n}}\nc: 1"), "{a={b={k=x}} c=1}");
    }
    check("x: &x y\na:\n  b: [\n    *x\n]", "{x=y a={b=[y]}}");
}

#[test]
fn the_lines_of_a_quoted_text_may_be_as_far_out_as_its_key() {
    check("a:\n  b: 'x\n  y\nz'\nc: 1", "{a={b=x y z} c=1}");
    check("a:\n  b: \"x\n\n  y\\\nz\"\nc: 1", "{a={b=x\nyz} c=1}");
}

#[test]
fn keys_of_mappings_are_values_and_other_keys_are_names() {
    check("Mappings: {M: {True: 1, 010: 2, '010': 3}}", "{Mappings={M={true=1 8=2 010=3}}}");
    check("a: {True: 1, 010: 2}\nyes: {Mappings: {no: 1}}", "{a={True=1 010=2} yes={Mappings={no=1}}}");
}

#[test]
fn of_merged_maps_the_last_one_counts_and_a_quoted_merge_key_is_a_name() {
    check("a: &x {k: 1}\nb: &y {k: 2}\nc: {<<: *x, <<: *y}", "{a={k=1} b={k=2} c={k=2}}");
    check("a: {'<<': {k: 1}}", "{a={<<={k=1}}}");
}

#[test]
fn an_empty_value_is_nothing_unless_quoted() {
    check("{a: yes, b: ~, c: , d: '', e: !!str null, null: f}", "{a=yes b=~ c=~ d= e=null null=f}");
}

#[test]
fn json_is_read_with_tabs_and_surrogate_pairs() {
    check("{\n\t\"a\": [1,\t\"\\ud83d\\ude00\\/\"],\n\t\"b\":{\"c\":true}\n}", "{a=[1 😀/] b={c=true}}");
    check(r#"{"a":{"Fn::GetAtt":["B","Arn"]}}"#, "{a={Fn::GetAtt=[B Arn]}}");
}

#[test]
fn aliases_and_merge_keys_are_copied() {
    check("a: &x {k: v}\nb: *x", "{a={k=v} b={k=v}}");
    check("a: &x {k: v, l: w}\nb:\n  <<: *x\n  l: own", "{a={k=v l=w} b={l=own k=v}}");
    check("a: &x {k: 1}\nc: &y {k: 2, m: 3}\nb: {<<: [*x, *y]}", "{a={k=1} c={k=2 m=3} b={k=1 m=3}}");
}

#[test]
fn what_is_no_yaml_is_refused_with_its_place() {
    check_refused("a: b: c", "neither YAML nor JSON", 1, 5);
    check_refused("a: [1, 2\nb: 3", "neither YAML nor JSON", 2, 2);
    check_refused("a:\n\tb: 1", "neither YAML nor JSON", 2, 1);
    check_refused("a: 'b\nc: d", "neither YAML nor JSON", 2, 5);
    check_refused("a:\n  b: 1\n c: 2", "neither YAML nor JSON", 3, 2);
    check_refused("a: \u{7}", "neither YAML nor JSON", 1, 4);
    check_refused("!Ref a: b", "a key must be a string", 1, 1);
    check_refused("é: *nope", "neither YAML nor JSON", 1, 4);
    check_refused("a: 1\n---\nb: 2", "more than one document", 2, 1);
    check_refused("? [a, b]\n: 1", "a key must be a string", 1, 3);
    check_refused("a: &x [*x]", "inside the value that it names", 1, 8);
}

#[test]
fn a_comment_in_json_is_refused_with_its_place() {
    check_refused("{\n  // why\n  \"a\": 1\n}", "JSON has no comments", 2, 3);
    check_refused("{\"a\": 1, /* why */ \"b\": 2}", "JSON has no comments", 1, 10);
}

#[test]
fn of_a_key_that_stands_twice_the_last_one_counts_and_one_warning_says_so() {
    let (node, diagnostics) = read("a: 1\nb: 2\na: 3\na: 4");
    assert_eq!(shown(&node.expect("it can be read")), "{a=4 b=2}");
    assert!(!diagnostics.has_errors());
    let [only] = &diagnostics.iter().collect::<Vec<_>>()[..] else { panic!("there is one problem") };
    assert_eq!(only.message, "`a` is a duplicate key of this map");
    assert_eq!(diagnostics.position(only).map(|position| position.line), Some(4));
}

#[test]
fn however_many_keys_stand_twice_the_template_is_read() {
    let text: String = (0..500).map(|number| format!("a{}: 1\n", number / 2)).collect();
    let (node, diagnostics) = read(&text);
    assert!(node.is_some());
    assert!(!diagnostics.has_errors());
}

#[test]
fn json_is_read_as_json() {
    let key = "k".repeat(2000);
    check(&format!("{{\"{key}\"\n:1, \"a\":\"x // y\"}}"), &format!("{{{key}=1 a=x // y}}"));
    check("{\"a\":\"\u{2028}\u{7f}\"}", "{a=\u{2028}\u{7f}}");
}

#[test]
fn depth_is_limited() {
    check_refused(&"[".repeat(DEPTH_MAX + 1), "nested deeper than 64 levels", 1, 65);
}

#[test]
fn an_alias_bomb_does_not_explode() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..20 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let (node, diagnostics) = read(&text);
    assert!(node.is_none());
    assert!(diagnostics.render(Colour::Never).contains("expands to more than"));
}

#[test]
fn an_empty_template_is_refused() {
    assert!(read("# nothing\n").0.is_none());
    assert!(read("").1.has_errors());
}
