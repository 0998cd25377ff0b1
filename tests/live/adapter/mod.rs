//! The Kinesis adapter, through the AWS SDK on loopback, against each server that it is to work with: the same tests for all.

/// Makes a test of each function for each server.
macro_rules! on_each_server {
    ($($test:ident,)*) => {
        mod embedded {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(super::Server::Embedded).await;
                }
            )*
        }

        mod localstack {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(super::Server::LocalStack).await;
                }
            )*
        }
    };
}

mod positions;
mod reading;
mod resharding;
pub(crate) mod world;
