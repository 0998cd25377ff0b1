//! What the tests of the whole share: fakes of the ports.

pub mod fakes;
