//! Documents as people write them, and as nobody would.
//!
//! In: a seed. Out: always the same document for it.

mod words;

use fastrand::Rng;
use words::{PIECES, PLAIN, TAGS};

/// The document of a seed.
pub(super) fn document(seed: u64) -> String {
    let mut writer = Writer { random: Rng::with_seed(seed), text: String::new(), anchors: 0 };
    match writer.random.u8(..10) {
        0 => writer.pieces(),
        1 => writer.json(0),
        2..5 => {
            writer.template();
            writer.mutate();
        }
        _ => writer.template(),
    }
    writer.text
}

struct Writer {
    random: Rng,
    text: String,
    anchors: usize,
}

impl Writer {
    fn is_one_in(&mut self, count: u32) -> bool {
        self.random.u32(..count) == 0
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.random.usize(..choices.len())]
    }

    fn push_one_of(&mut self, choices: &[&str]) {
        let chosen = self.one_of(choices);
        self.text.push_str(chosen);
    }

    fn pieces(&mut self) {
        for _ in 0..self.random.usize(1..25) {
            self.push_one_of(&PIECES);
        }
    }

    /// Puts pieces in, takes characters out, and moves lines.
    fn mutate(&mut self) {
        for _ in 0..self.random.usize(1..4) {
            let places: Vec<usize> = self.text.char_indices().map(|(at, _)| at).collect();
            let Some(&at) = self.random.choice(&places) else { return };
            match self.random.u8(..4) {
                0 => drop(self.text.remove(at)),
                1 => {
                    let line = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
                    self.text.insert(line, ' ');
                }
                _ => {
                    let piece = self.one_of(&PIECES);
                    self.text.insert_str(at, piece);
                }
            }
        }
    }

    fn template(&mut self) {
        if self.is_one_in(15) {
            self.push_one_of(&[
                "\u{feff}",
                "---\n",
                "%YAML 1.1\n---\n",
                "--- # x\n",
                "# first\n\n",
                "%TAG !e! !\n---\n",
                "--- ",
            ]);
        }
        let section = self.one_of(&["Resources", "Mappings", "Outputs", "a"]);
        self.text.push_str(section);
        self.text.push(':');
        self.value(0, 0);
        if self.is_one_in(2) {
            self.text.push_str("Mappings:");
            self.value(0, 0);
        }
        if self.is_one_in(15) {
            self.push_one_of(&["...\n", "---\n", "# end", "... # x"]);
        }
        if self.is_one_in(8) {
            self.text = self.text.replace('\n', "\r\n");
        }
        if self.is_one_in(8) {
            self.text.truncate(self.text.trim_end().len());
        }
    }

    /// What stands behind `key:` or `-`, up to and with the end of the line.
    fn value(&mut self, indent: usize, depth: usize) {
        match self.random.u8(..12) {
            0 if depth > 0 => self.line_end(),
            1..5 if depth < 4 => {
                self.properties();
                self.line_end();
                let deeper = indent + self.random.usize(1..4);
                self.mapping(deeper, depth + 1);
            }
            5 | 6 if depth < 4 => {
                self.properties();
                self.line_end();
                // A list in a map needs no indentation of its own.
                let deeper = indent + self.random.usize(0..3);
                self.sequence(deeper, depth + 1);
            }
            7 => {
                self.text.push(' ');
                self.properties();
                self.block_scalar(indent);
            }
            _ => {
                self.text.push(' ');
                self.properties();
                self.flow(indent, depth);
                self.line_end();
            }
        }
    }

    /// A blank, and perhaps an anchor or a tag.
    fn properties(&mut self) {
        self.text.push(' ');
        if self.is_one_in(12) {
            self.anchors += 1;
            let anchor = format!("&x{} ", self.anchors);
            self.text.push_str(&anchor);
        }
        if self.is_one_in(5) {
            self.push_one_of(&TAGS);
        }
    }

    fn line_end(&mut self) {
        match self.random.u8(..14) {
            0 => self.text.push_str(" # a comment: 'x"),
            1 => self.text.push_str("  "),
            2 => self.text.push_str("\n\n   # between"),
            3 => self.text.push('\n'),
            _ => {}
        }
        self.text.push('\n');
    }

    fn mapping(&mut self, indent: usize, depth: usize) {
        for _ in 0..self.random.usize(1..4) {
            self.text.push_str(&" ".repeat(indent));
            match self.random.u8(..20) {
                0 if self.anchors > 0 => {
                    let alias = format!("<<: *x{}", self.random.usize(1..=self.anchors));
                    self.text.push_str(&alias);
                    self.line_end();
                    continue;
                }
                1 => {
                    self.text.push_str("? ");
                    self.push_one_of(&PLAIN);
                    self.text.push('\n');
                    self.text.push_str(&" ".repeat(indent));
                    self.text.push(':');
                }
                2..4 => {
                    self.quoted(indent);
                    self.text.push(':');
                }
                4 => self.text.push_str("\"k\" :"),
                5 => self.push_one_of(&["&k a:", "!!str 010:", "*x1 :", ":", "~:", "'':", "null:"]),
                _ => {
                    self.push_one_of(&PLAIN);
                    self.text.push(':');
                }
            }
            self.value(indent, depth);
        }
    }

    fn sequence(&mut self, indent: usize, depth: usize) {
        for _ in 0..self.random.usize(1..4) {
            self.text.push_str(&" ".repeat(indent));
            self.text.push('-');
            match self.random.u8(..6) {
                0 if depth < 4 => {
                    self.text.push_str(" k:");
                    self.value(indent + 2, depth + 1);
                }
                1 if depth < 4 => {
                    self.text.push_str(" - ");
                    self.flow(indent + 2, depth);
                    self.line_end();
                }
                _ => self.value(indent, depth),
            }
        }
    }

    /// A value on a line, or in brackets or quotes.
    fn flow(&mut self, indent: usize, depth: usize) {
        match self.random.u8(..14) {
            0..2 if depth < 6 => self.brackets('[', ']', indent, depth),
            2..4 if depth < 6 => self.brackets('{', '}', indent, depth),
            4..6 => self.quoted(indent),
            6 if self.anchors > 0 => {
                let alias = format!("*x{}", self.random.usize(1..=self.anchors));
                self.text.push_str(&alias);
            }
            7 => {
                self.push_one_of(&PLAIN);
                self.folded_break(indent + 1);
                self.push_one_of(&PLAIN);
            }
            _ => self.push_one_of(&PLAIN),
        }
    }

    fn brackets(&mut self, open: char, close: char, indent: usize, depth: usize) {
        self.text.push(open);
        let entries = self.random.usize(..4);
        for entry in 0..entries {
            self.flow_gap();
            if self.is_one_in(10) {
                self.push_one_of(&TAGS);
            }
            if (open == '{') != self.is_one_in(8) {
                self.flow_key();
            }
            if !self.is_one_in(8) {
                self.flow(indent, depth + 1);
            }
            if self.is_one_in(6) {
                self.flow_gap();
            }
            if entry + 1 < entries || self.is_one_in(6) {
                self.text.push(',');
            }
        }
        self.flow_gap();
        self.text.push(close);
    }

    fn flow_key(&mut self) {
        match self.random.u8(..8) {
            0 => self.text.push_str("\"k\":"),
            1 => self.text.push_str("'k' :"),
            2 => self.text.push_str("? k : "),
            3 => self.text.push_str(": "),
            _ => {
                self.push_one_of(&PLAIN);
                self.text.push_str(": ");
            }
        }
    }

    /// Between the tokens of a list or map in brackets: nothing, a blank, or a line break with any indentation.
    fn flow_gap(&mut self) {
        self.push_one_of(&["", "", "", " ", " ", "  ", "\n", "\n  ", "\n      ", " # c\n "]);
    }

    fn quoted(&mut self, indent: usize) {
        let quote = self.one_of(&["'", "\""]);
        self.text.push_str(quote);
        for _ in 0..self.random.usize(..5) {
            match self.random.u8(..8) {
                0 => self.folded_break(0),
                1 => self.folded_break(indent + 1),
                2 if quote == "'" => self.text.push_str("''"),
                2 => self.push_one_of(&[
                    "\\n",
                    "\\\"",
                    "\\u00e9",
                    "\\ud83d\\ude00",
                    "\\/",
                    "\\\n  ",
                    "\\x41",
                    "\\U0001f600",
                    "\\ud83d",
                ]),
                3 => self.push_one_of(&[" ", ": ", " # ", "- ", "{", ",", "\t"]),
                _ => {
                    let text = self.one_of(&PLAIN).replace(['\'', '\\'], "");
                    self.text.push_str(&text);
                }
            }
        }
        self.text.push_str(quote);
    }

    /// A line break, perhaps empty lines, and an indentation.
    fn folded_break(&mut self, least: usize) {
        self.push_one_of(&["\n", "\n", "\n", " \n", "\n\n", "\n  \n", "\n \n\n", "\u{85}", "\u{2028}"]);
        let indent = least + self.random.usize(..4);
        self.text.push_str(&" ".repeat(indent));
    }

    fn block_scalar(&mut self, indent: usize) {
        self.push_one_of(&["|", ">"]);
        let header = self.one_of(&["", "", "", "-", "+", "2", "1-", "+1", " # c", "  "]);
        self.text.push_str(header);
        self.text.push('\n');
        let deeper = indent + self.random.usize(1..4);
        for _ in 0..self.random.usize(..5) {
            match self.random.u8(..8) {
                0 => self.text.push('\n'),
                1 => {
                    let blanks = " ".repeat(self.random.usize(..deeper + 2));
                    self.text.push_str(&blanks);
                    self.text.push('\n');
                }
                kind => {
                    let further = if kind == 2 { self.random.usize(..3) } else { 0 };
                    self.text.push_str(&" ".repeat(deeper + further));
                    self.push_one_of(&[
                        "x",
                        "# no comment",
                        "key: 'v",
                        "- [",
                        "\ttab",
                        "x  ",
                        "\"",
                        "é",
                        "...",
                        "---",
                    ]);
                    self.text.push('\n');
                }
            }
        }
    }

    /// JSON, mostly.
    fn json(&mut self, depth: usize) {
        let gap = self.one_of(&["", "", " ", "\n", "\n\t"]);
        match self.random.u8(..8) {
            _ if depth == 0 => self.json_object(gap, depth),
            0 | 1 if depth < 4 => self.json_object(gap, depth),
            2 if depth < 4 => {
                self.text.push('[');
                for entry in 0..self.random.usize(..4) {
                    if entry > 0 {
                        self.text.push(',');
                    }
                    self.text.push_str(gap);
                    self.json(depth + 1);
                }
                self.text.push(']');
            }
            3 => self.push_one_of(&["1", "-0", "1.5", "1e3", "true", "false", "null", "[]", "{}"]),
            _ => self.json_text(),
        }
    }

    fn json_object(&mut self, gap: &str, depth: usize) {
        self.text.push('{');
        for entry in 0..self.random.usize(..4) {
            if entry > 0 {
                self.text.push(',');
            }
            self.text.push_str(gap);
            self.json_text();
            self.push_one_of(&[":", ": ", " : ", "\n:"]);
            self.json(depth + 1);
        }
        self.text.push_str(gap);
        self.text.push('}');
        if depth == 0 && self.is_one_in(10) {
            self.mutate();
        }
    }

    fn json_text(&mut self) {
        let text = self.one_of(&[
            "a",
            "b",
            "Mappings",
            "",
            "a b",
            "\\n",
            "\\u00e9",
            "\\ud83d\\ude00",
            "\\/",
            "\\\\ud83d",
            "é😀",
            "\u{2028}",
            "\u{7f}",
            "# x",
            "//",
            "010",
            "yes",
            "<<",
            "\\ud83d",
        ]);
        self.text.push('"');
        self.text.push_str(text);
        self.text.push('"');
    }
}
