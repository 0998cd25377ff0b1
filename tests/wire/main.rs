//! Pelton over its wires: real handler processes, real connections, the real clock.

mod lambda;
