//! `pelton run` on a topic, with a folder of its own: a template, a function that keeps a journal, and what Pelton stores.

use super::journal::Journal;
use super::topic::{Offsets, Topic};
use crate::site::{POLLING, Site};
use crate::{Exit, Program, Running, Signal, pelton, wait};
use pelton::clock::Clock;
use std::fmt;
use std::time::Duration;

/// The session of the pollers of tests, as an option.
pub const SESSION: &str = "6s";
/// How long that is.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(6);

/// The longest that a poller takes to end after SIGTERM.
const STOP_MAX: Duration = Duration::from_secs(20);

/// A member of a group.
#[derive(Debug)]
pub struct Poller {
    /// Its folder.
    pub site: Site,
    /// The process.
    pub running: Running,
}

/// The template: one function, `Clicks`, with one mapping, `ClicksTopic`. `settings`: lines of its properties.
fn template(topic: &Topic, settings: &str) -> String {
    let lines: String = settings.lines().map(|line| format!("            {}\n", line.trim())).collect();
    format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  Clicks:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: function
      Timeout: 300
      Events:
        Topic:
          Type: SelfManagedKafka
          Properties:
            KafkaBootstrapServers: [{}]
            Topics: [{}]
{lines}",
        topic.cluster().servers(),
        topic.name(),
    )
}

impl Poller {
    /// A folder for a member of the group that has the topic's name. `settings`: lines of the mapping's properties.
    pub fn site(topic: &Topic, settings: &str) -> Site {
        Self::site_without_group(topic, &format!("ConsumerGroupId: {}\n{settings}", topic.name()))
    }

    /// The same, of a mapping that names no group.
    pub fn site_without_group(topic: &Topic, settings: &str) -> Site {
        Site::new(&template(topic, settings))
    }

    /// `pelton run`, with a short session.
    pub fn program() -> Program {
        pelton(["run", "--listen", "127.0.0.1:0", "--kafka-session-timeout", SESSION])
    }

    /// Starts it in this folder.
    #[must_use]
    pub fn begin(site: Site) -> Self {
        let running = Self::program().start(&site.folder);
        Self { site, running }
    }

    /// Starts a member of the topic's group, and waits until it has partitions.
    pub async fn start(topic: &Topic, settings: &str) -> Self {
        Self::start_in(Self::site(topic, settings)).await
    }

    /// Starts it in this folder, and waits until it has partitions.
    pub async fn start_in(site: Site) -> Self {
        let poller = Self::begin(site);
        poller.running.wait_for_line(POLLING).await;
        poller
    }

    /// The journal of its function.
    #[must_use]
    pub fn journal(&self) -> Journal {
        Journal::of(&self.site.function())
    }

    /// Waits until this is true.
    ///
    /// # Panics
    /// If it does not come true in time; the message holds what the program printed.
    pub async fn until(&self, what: impl fmt::Display, is_true: impl Fn(&Self) -> bool) {
        self.until_within(wait::PATIENCE, what, is_true).await;
    }

    /// The same, within this time.
    ///
    /// # Panics
    /// Like [`Poller::until`].
    pub async fn until_within(
        &self,
        time: Duration,
        what: impl fmt::Display,
        is_true: impl Fn(&Self) -> bool,
    ) {
        let came_true = wait::within(time, async || is_true(self).then_some(())).await;
        assert!(came_true.is_some(), "waited {time:?} in vain: {what}\n{}", self.running.printed());
    }

    /// Waits until as many records as this were done with, counted once for each time.
    ///
    /// # Panics
    /// Like [`Poller::until`].
    pub async fn until_ended(&self, records: usize) {
        let what = format!("{records} records are done with");
        self.until(what, |poller| poller.journal().values_ended().len() >= records).await;
    }

    /// Waits until the topic's group has committed these offsets, and no others.
    ///
    /// # Panics
    /// Like [`Poller::until`].
    pub async fn until_committed(&self, topic: &Topic, wanted: &Offsets) {
        let met = async || (topic.committed(topic.name()).await == *wanted).then_some(());
        if wait::within(wait::PATIENCE, met).await.is_none() {
            let committed = topic.committed(topic.name()).await;
            panic!(
                "waited in vain: {wanted:?} is committed, and not {committed:?}\n{}",
                self.running.printed()
            );
        }
    }

    /// Kills it, with `kill -9`.
    ///
    /// # Panics
    /// If something of it survives.
    pub async fn kill(mut self) -> Site {
        self.running.signal(Signal::KILL);
        self.running.wait_for_exit().await;
        self.running.assert_no_survivors().await;
        self.site
    }

    /// Stops it, by SIGTERM: it ends well and in time.
    ///
    /// # Panics
    /// If it does not, or something of it survives.
    pub async fn stop(mut self) -> (Site, Exit) {
        let clock = Clock::start();
        let begun = clock.now();
        self.running.signal(Signal::TERM);
        let exit = self.running.wait_for_exit().await;
        let took = clock.now().since(begun);
        exit.assert_code(0);
        assert!(took < STOP_MAX, "it took {took:?} to end\n{}", exit.printed);
        self.running.assert_no_survivors().await;
        (self.site, exit)
    }
}
