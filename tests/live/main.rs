//! Every adapter against the real service. A service that is not there fails the test and says how to start it.

mod embedded_stream;
