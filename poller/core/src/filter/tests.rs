use super::*;
#[test]
fn smoke() {
    let f = Filters::compile_bare(&[r#"{"a":[{"prefix":"x"}],"b":{"c":[1]}}"#.to_owned()]).unwrap().unwrap();
    assert_eq!(f.explain_document(r#"{"a":"xyz","b":{"c":1}}"#), Ok(Explanation::Pass));
    assert_ne!(f.explain_document(r#"{"a":"yz","b":{"c":1}}"#).unwrap(), Explanation::Pass);
}
