//! The contract of the wire: one suite, run on the local arm and on the remote one, plain and with mutual TLS.
#![allow(clippy::disallowed_methods)] // this is the world that the tests make up, on a paused clock

mod breaker;
mod carried;
mod ended;
mod house;
mod instances;
mod limits;
mod repeated;
mod seal;
mod secured;
mod streams;
mod watched;

#[allow(clippy::all, clippy::pedantic, unused_imports)]
mod echo_generated;

/// Makes a test per arm of each function that takes a [`house::House`].
#[macro_export]
macro_rules! on_all_arms {
    ($($name:ident),* $(,)?) => {
        mod local {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                super::$name($crate::house::House::local()).await;
            })*
        }
        mod remote {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                super::$name($crate::house::House::remote().await).await;
            })*
        }
        mod secured {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                super::$name($crate::house::House::secured().await).await;
            })*
        }
    };
}
