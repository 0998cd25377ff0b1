//! Names and values that are worth trying, and how they are written.

use super::{any, once_in};
use fastrand::Rng;

const PLAIN: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Sorted otherwise in UTF-8 than in Java: those beyond the basic plane, and those at its end.
const FOREIGN: [&str; 6] = ["é", "名", "\u{ffee}", "😀", "e\u{301}", "A"];
/// event-ruler joins names by dots, and knows only the parts.
const ODD: [&str; 9] = ["", ".", "a.", ".a", "a.b", "a..b", "$or", "prefix", "numeric"];

/// The names of one pair: few, so that those of pattern and event meet.
pub(crate) struct Names(Vec<&'static str>);

impl Names {
    pub(crate) fn choose(random: &mut Rng) -> Self {
        let mut names: Vec<&str> = (0..random.usize(1..4)).map(|_| any(random, &PLAIN)).collect();
        if once_in(random, 4) {
            names.push(any(random, &FOREIGN));
        }
        if once_in(random, 10) {
            names.extend([any(random, &ODD), any(random, &ODD)]);
        }
        Self(names)
    }

    pub(crate) fn any(&self, random: &mut Rng) -> String {
        any(random, &self.0).to_owned()
    }
}

pub(crate) const STRINGS: [&str; 62] = [
    "",
    "a",
    "b",
    "ab",
    "aab",
    "abc",
    "ABC",
    "aBc",
    "abcabc",
    "xyz",
    "us-east-1",
    "US-EAST-1",
    "us-",
    ".png",
    "a.png",
    "A.PNG",
    "*",
    "a*b",
    "**",
    "\\",
    "a\\b",
    "\"",
    "\"\"",
    "a\"",
    "\"a",
    "300",
    "true",
    "null",
    "N",
    "ß",
    "SS",
    "ss",
    "ẞ",
    "é",
    "É",
    "e\u{301}",
    "İ",
    "i̇",
    "ı",
    "ǅ",
    "ǆ",
    "Σ",
    "σ",
    "ς",
    "Ⱥ",
    "ⱥ",
    "ΰ",
    "ŉ",
    "K",
    "k",
    "😀",
    "??",
    "😀a",
    "𝔘",
    "\n",
    "\t \r",
    "\u{7f}",
    "\u{2028}",
    "日本",
    "日本語",
    "x😀y",
    "a b",
];

pub(crate) const ADDRESSES: [&str; 22] = [
    "10.0.0.1",
    "010.0.0.01",
    "10.0.0.2",
    "10.255.255.255",
    "192.168.1.127",
    "192.168.1.128",
    "16.0.0.1",
    "16.18.52.86",
    "255.255.255.255",
    "0.0.0.0",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::",
    "2001:db8::1",
    "2001:DB8:0:0:0:0:0:1",
    "2001:db8::f",
    "::ffff:a00:1",
    "1000:1::",
    "a00:1::",
    "fe80::1",
    "1::2:3",
    ":",
];

pub(crate) const RANGES: [&str; 15] = [
    "10.0.0.0/8",
    "10.0.0.0/24",
    "192.168.1.128/25",
    "16.0.0.0/8",
    "16.0.0.0/12",
    "0.0.0.0/0",
    "10.0.0.1/31",
    "10.0.0.3/30",
    "2001:db8::/32",
    "2001:db8::/127",
    "::/0",
    "1000::/4",
    "10.0.0.0/32",
    "10.0.0.0",
    "fe80::/10",
];

pub(crate) const NUMBERS: [&str; 71] = [
    "0",
    "-0",
    "0.0",
    "-0.0",
    "0e5",
    "1",
    "1.0",
    "10e-1",
    "-1",
    "-1.5",
    "1.5",
    "300",
    "300.0",
    "3.0e2",
    "3E2",
    "30000e-2",
    "301",
    "0.1",
    "0.10",
    "0.3",
    "0.30000000000000004",
    "1e-7",
    "1e21",
    "1e22",
    "1e23",
    "1e308",
    "-1e308",
    "1e309",
    "1e400",
    "1e-400",
    "9007199254740992",
    "9007199254740993",
    "9007199254740994",
    "123456789012345678901234567890",
    "123456789.123456789",
    "0.1000000000000000055511151231257827",
    "10000001",
    "16",
    "1012345",
    "1E5",
    "10123456",
    "100000019",
    "12345678",
    "5e3",
    // At the ends of what a double holds, and of what older versions of event-ruler compared.
    "5e-324",
    "4.9e-324",
    "2e-324",
    "1.5e-323",
    "-2e-323",
    "2.2250738585072014e-308",
    "2.225073858507201e-308",
    // Not the largest double itself: event-ruler takes it for no bound at all, and refuses it as one.
    "1.7976931348623155e308",
    "1.7976931348623159e308",
    "5000000000",
    "-5000000000",
    "5000000000.000001",
    "4999999999.999999",
    "0.000001",
    "0.0000001",
    "-0e5",
    "-0.0e-3",
    "18446744073709551615",
    "-9223372036854775808",
    // Beyond what Java counts with.
    "1e2147483647",
    "1e-2147483648",
    "1e999999999",
    "1.0E+999999999",
    "-1e-999999999",
    "0e999999999",
    "0e-2147483648",
    "1e99999999999999999999",
];

/// A string, most often one of few, so that those of pattern and event meet.
pub(crate) fn string(random: &mut Rng) -> String {
    match random.u32(..20) {
        0..10 => any(random, &STRINGS[..16]).to_owned(),
        10..16 => any(random, &STRINGS).to_owned(),
        16..18 => any(random, &ADDRESSES).to_owned(),
        _ => (0..random.usize(..6))
            .map(|_| any(random, &['a', 'b', 'A', '*', '\\', '"', 'é', '😀', ' ']))
            .collect(),
    }
}

pub(crate) fn number(random: &mut Rng) -> String {
    match random.u32(..10) {
        0..4 => any(random, &NUMBERS[..24]).to_owned(),
        4..7 => any(random, &NUMBERS).to_owned(),
        7 => random.i64(-1000..1000).to_string(),
        8 => format!("{}.{}", random.i32(-50..50), random.u32(..1000)),
        _ => format!("{}e{}", random.u32(1..1_000_000), random.i32(-30..30)),
    }
}

/// Writes a string as JSON, its characters escaped or not.
pub(crate) fn write_string(random: &mut Rng, text: &str, into: &mut String) {
    let escapes_often = once_in(random, 8);
    into.push('"');
    for character in text.chars() {
        match character {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' if once_in(random, 2) => into.push_str("\\n"),
            '/' if once_in(random, 2) => into.push_str("\\/"),
            _ if character < ' ' || (escapes_often && once_in(random, 3)) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    into.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => into.push(character),
        }
    }
    into.push('"');
}

/// Nothing, or white space.
pub(crate) fn space(random: &mut Rng, into: &mut String) {
    if once_in(random, 12) {
        into.push_str(any(random, &[" ", "\t", "\r\n", "  \n "]));
    }
}
