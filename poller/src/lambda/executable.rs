//! Runs a program, and says why one did not run, or cannot.
//!
//! The kernel alone decides what runs: what it refuses is not handed to a shell, as `execvp` would. Why it refused is
//! seen from the first bytes. Some files that look wrong do run, such as those of another kind of machine where an
//! emulator is installed: before a program was tried, only what is wrong for certain counts.

use nix::unistd::execv;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

const ELF_MAGIC: &[u8] = b"\x7fELF";
const SCRIPT_MAGIC: &[u8] = b"#!";

/// `e_ident[EI_CLASS]` of an ELF header, and its value for 32 bits.
const CLASS: usize = 4;
const CLASS_32: u8 = 1;

/// `e_machine` of an ELF header: which processor it is for.
const MACHINE: std::ops::Range<usize> = 18..20;

/// As much of a script's first line as the kernel reads.
const FIRST_LINE_BYTES: u64 = 256;

const NOT_A_PROGRAM: &str = "it is neither a program of this system nor a script that begins with `#!`";
const NO_INTERPRETER: &str = "the program that its first line names does not exist";
const CARRIAGE_RETURN: &str = "its first line ends in CR LF: save it with the line ends of Unix";
const FOREIGN: &str = "it was built for another kind of processor: build it for this machine";

/// Where the kernel lists who runs programs that it cannot run itself, beside two files that are always there.
const EMULATORS: &str = "/proc/sys/fs/binfmt_misc";
const NO_EMULATORS: [&str; 2] = ["register", "status"];

/// Becomes `program`, with the environment of this process. Returns only if that fails.
pub(super) fn execute(program: &Path) -> io::Error {
    match CString::new(program.as_os_str().as_bytes()) {
        Ok(path) => match execv(&path, &[&path]) {
            Err(error) => error.into(),
        },
        Err(error) => error.into(),
    }
}

/// What is wrong with `program` that was not tried yet, if it cannot run for certain.
pub(super) fn certain_defect(program: &Path) -> Option<&'static str> {
    defect(program).filter(|&defect| defect != FOREIGN || !(has_emulators() || is_for_32_bits(program)))
}

/// Many kernels run programs of their processor's 32-bit kin too.
fn is_for_32_bits(program: &Path) -> bool {
    header(program).is_some_and(|header| header.get(CLASS) == Some(&CLASS_32))
}

fn has_emulators() -> bool {
    let Ok(mut entries) = std::fs::read_dir(EMULATORS) else { return false };
    entries.any(|entry| entry.is_ok_and(|entry| !NO_EMULATORS.iter().any(|name| entry.file_name() == *name)))
}

/// What is wrong with `program`, if that can be seen.
pub(super) fn defect(program: &Path) -> Option<&'static str> {
    let header = header(program)?;
    if let Some(first_line) = header.strip_prefix(SCRIPT_MAGIC) {
        return defect_of_script(first_line);
    }
    if !header.starts_with(ELF_MAGIC) {
        return Some(NOT_A_PROGRAM);
    }
    let own_header = header_of_this_program()?;
    let is_foreign = header.get(MACHINE) != own_header.get(MACHINE);
    is_foreign.then_some(FOREIGN)
}

/// What is wrong with a script whose first line goes on like this after `#!`.
fn defect_of_script(first_line: &[u8]) -> Option<&'static str> {
    let first_line = first_line.split(|&byte| byte == b'\n').next()?.trim_ascii_start();
    let interpreter = first_line.split(|byte| matches!(byte, b' ' | b'\t')).next()?;
    if Path::new(OsStr::from_bytes(interpreter)).exists() {
        return None;
    }
    Some(if interpreter.ends_with(b"\r") { CARRIAGE_RETURN } else { NO_INTERPRETER })
}

fn header_of_this_program() -> Option<Vec<u8>> {
    header(Path::new("/proc/self/exe"))
}

fn header(program: &Path) -> Option<Vec<u8>> {
    let mut header = Vec::new();
    File::open(program).ok()?.take(FIRST_LINE_BYTES).read_to_end(&mut header).ok()?;
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn check(bytes: &[u8], defect_found: Option<&str>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let found = defect(file.path());
        assert!(
            match defect_found {
                Some(text) => found.is_some_and(|found| found.contains(text)),
                None => found.is_none(),
            },
            "{found:?}"
        );
    }

    #[test]
    fn a_defect_is_seen_in_the_first_bytes() {
        let mut own = header_of_this_program().unwrap();
        check(&own, None);
        own[MACHINE.start] ^= 0xff;
        check(&own, Some("another kind of processor"));
        check(b"#!/bin/sh\n", None);
        check(b"#! /bin/sh -e\n", None);
        check(b"#!/bin/sh\r\n", Some("CR LF"));
        check(b"#!/no/such/python\n", Some("does not exist"));
        check(b"#!", Some("does not exist"));
        check(b"echo hello\n", Some("neither a program"));
        check(b"", Some("neither a program"));
    }

    #[test]
    fn a_program_for_32_bits_is_tried_since_the_kernel_may_run_it() {
        let mut header = header_of_this_program().unwrap();
        header[CLASS] = CLASS_32;
        header[MACHINE.start] ^= 0xff;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&header).unwrap();
        assert_eq!((defect(file.path()), certain_defect(file.path())), (Some(FOREIGN), None));
    }
}
