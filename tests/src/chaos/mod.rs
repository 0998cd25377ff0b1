//! Chaos: pollers that are killed at random moments, streams that are resharded at random, faults and lies on the way, functions
//! that fail or report records, poison, and records all the while. Afterwards every record was handled or is in the on-failure
//! destination, in order, each is in exactly one tumbling window, and what was repeated was allowed to be.
//!
//! In: a seed and a time. Out: counts, or what went wrong and where the evidence lies. The seed decides what is tried;
//! when exactly it happens depends on the machine.

pub mod books;
mod forgetting;
mod journal;
pub mod judge;
mod mappings;
mod producer;
mod resharding;
pub mod side_by_side;
mod site;
mod source;
mod stream;
mod summary;
mod trouble;
pub mod verdict;

pub use source::Source;
pub use summary::{Counts, Failed, Summary};

use crate::fault_proxy::{FaultProxy, Weather};
use books::StreamContent;
use judge::Tumbling;
use mappings::{MAPPINGS, Order};
use pelton::clock::Clock;
use producer::Accepted;
use site::{Ended, Plan, Site};
use source::Service;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, LocalSet};
use trouble::Trouble;
use verdict::Verdict;

/// How long nothing may happen at the end before it counts as never.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);

/// From one look at the end to the next.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides what is tried.
    pub seed: u64,
    /// How long to make trouble.
    pub time: Duration,
    /// What is read.
    pub source: Source,
    /// A Kinesis endpoint that is there already, such as LocalStack; `None`: an embedded stream in a process of its own.
    pub endpoint: Option<String>,
    /// How often to say how far it is; `None`: never.
    pub progress_every: Option<Duration>,
}

/// A run, while it goes on.
struct Chaos {
    options: Options,
    trouble: Trouble,
    clock: Clock,
    service: Service,
    proxy: FaultProxy,
    site: Site,
    counts: Counts,
    said_at: Duration,
}

/// Who writes and reshards meanwhile.
struct Others {
    stop: watch::Sender<bool>,
    producers: Vec<JoinHandle<Accepted>>,
    resharders: Vec<JoinHandle<()>>,
}

/// Makes trouble for a while, and looks what came of it.
///
/// # Errors
/// What is not as it should be.
///
/// # Panics
/// If the stream itself does not work, or a process does not end.
pub async fn run(options: Options) -> Result<Summary, Failed> {
    let mut chaos = Chaos::prepare(options).await;
    match LocalSet::new().run_until(chaos.run()).await {
        Ok(()) => {
            let summary = chaos.summary();
            chaos.site.clean_up();
            Ok(summary)
        }
        Err(wrongs) => {
            Err(Failed { summary: chaos.summary(), wrongs, evidence: chaos.site.path().to_owned() })
        }
    }
}

impl Chaos {
    async fn prepare(options: Options) -> Self {
        let service = Service::start(options.source, options.endpoint.clone()).await;
        // An endpoint that was there before has streams of earlier runs.
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let proxy = FaultProxy::start(&service.endpoint(), Weather::calm()).await;
        let site = Site::new(&proxy.endpoint(), (options.source, &service), &MAPPINGS, &mark).await;
        let trouble = Trouble::of(options.seed);
        let clock = Clock::start();
        let said_at = clock.elapsed();
        Self { options, trouble, clock, service, proxy, site, counts: Counts::default(), said_at }
    }

    async fn run(&mut self) -> Result<(), Vec<String>> {
        let others = self.start_others();
        while self.clock.elapsed() < self.options.time {
            self.live().await.map_err(|wrong| vec![wrong])?;
            self.forget();
            self.say_progress();
        }
        let accepted = others.stop().await;
        self.proxy.change(Weather::calm());
        let contents = self.contents(&accepted).await?;
        self.heal(&contents).await?;
        self.close(&contents)
    }

    fn start_others(&mut self) -> Others {
        let (stop, stopped) = watch::channel(false);
        let mut others = Others { stop, producers: Vec::new(), resharders: Vec::new() };
        for function in &self.site.functions {
            let way = function.mapping.resharded;
            let (count, stopped) = (Arc::clone(&self.counts.put), stopped.clone());
            let seed = self.trouble.seed();
            others.producers.push(self.service.produce(&function.stream, seed, stopped.clone(), count));
            let (count, seed) = (Arc::clone(&self.counts.reshards), self.trouble.seed());
            let stream = (function.stream.as_str(), function.arn.as_str());
            others.resharders.push(self.service.reshard(stream, way, seed, stopped, count));
        }
        others
    }

    /// One life of the poller.
    async fn live(&mut self) -> Result<(), String> {
        let weather = self.trouble.weather();
        self.proxy.change(weather);
        let mut running = self.site.start();
        let end = self.clock.elapsed() + self.service.start_takes() + self.trouble.life();
        while self.clock.elapsed() < end && !running.has_ended() {
            for function in 0..self.site.functions.len() {
                let tricks = self.site.functions[function].mapping.tricks;
                let behavior = self.trouble.behavior(tricks);
                self.site.behave(function, &behavior);
            }
            let time_left = end.saturating_sub(self.clock.elapsed());
            self.clock.sleep(self.trouble.behavior_time().min(time_left)).await;
        }
        let plan = self.trouble.end();
        match self.site.end(running, plan).await? {
            Ended::Killed => self.counts.kills += 1,
            Ended::Stopped => self.counts.stops += 1,
            Ended::RefusedToStart => self.counts.refused_starts += 1,
        }
        Ok(())
    }

    /// Between two lives the streams of tables forget some of what was handled. Mappings with lanes, windows or a destination are left
    /// out: what they are done with is harder to tell.
    fn forget(&mut self) {
        let mut random = fastrand::Rng::with_seed(self.trouble.seed());
        for function in &self.site.functions {
            if function.mapping.order == Order::OfShard(Tumbling::No) {
                let forgotten = self.service.forget(&function.arn, function.entries(), &mut random);
                self.counts.trimmed += forgotten.records;
                self.counts.vanished += forgotten.shards;
            }
        }
    }

    /// What stands in the streams. What was accepted must be there: else the stream is to blame, and nothing can be judged.
    async fn contents(&self, accepted: &[Accepted]) -> Result<Vec<StreamContent>, Vec<String>> {
        let mut contents = Vec::new();
        for (function, accepted) in self.site.functions.iter().zip(accepted) {
            let content = self.service.content(&function.stream, &function.arn).await;
            let missing = summary::missing(&content, accepted);
            if !missing.is_empty() {
                return Err(vec![format!("the stream {} itself lost records: {missing:?}", function.stream)]);
            }
            contents.push(content);
        }
        Ok(contents)
    }

    /// A last life without trouble, until nothing is left to be handled.
    async fn heal(&mut self, contents: &[StreamContent]) -> Result<(), Vec<String>> {
        (0..self.site.functions.len()).for_each(|function| self.site.behave(function, "succeed"));
        let running = self.site.start();
        let mut missing = usize::MAX;
        let mut moved_at = self.clock.elapsed();
        while missing > 0 && self.clock.elapsed() - moved_at < STANDSTILL_MAX {
            self.clock.sleep(LOOK_EVERY).await;
            let still_missing = self.verdicts(contents).iter().map(|verdict| verdict.missing).sum();
            if still_missing < missing {
                moved_at = self.clock.elapsed();
            }
            missing = still_missing;
        }
        let ended = self.site.end(running, Plan::Stop).await.map_err(|wrong| vec![wrong])?;
        self.counts.stops += 1;
        if ended == Ended::Stopped { Ok(()) } else { Err(vec![format!("the last life: {ended:?}")]) }
    }

    /// What the judge says, also of a life that has not ended yet.
    fn verdicts(&mut self, contents: &[StreamContent]) -> Vec<Verdict> {
        let judge_function = |(function, content): (&mut site::Function, &StreamContent)| {
            let so_far = function.life_so_far();
            let lives: Vec<_> = function.lives.iter().cloned().chain([so_far]).collect();
            function.judge(content, &lives)
        };
        self.site.functions.iter_mut().zip(contents).map(judge_function).collect()
    }

    fn close(&mut self, contents: &[StreamContent]) -> Result<(), Vec<String>> {
        let mut wrongs = Vec::new();
        for (number, verdict) in self.verdicts(contents).into_iter().enumerate() {
            let name = self.site.functions[number].mapping.name;
            wrongs.extend(verdict.violations.iter().map(|violation| format!("{name}: {violation:?}")));
            self.counts.add(&verdict, contents[number].shards.len());
        }
        if wrongs.is_empty() {
            return Ok(());
        }
        self.site.keep_evidence(contents);
        Err(wrongs)
    }

    fn say_progress(&mut self) {
        let Some(every) = self.options.progress_every else { return };
        if self.clock.elapsed() - self.said_at >= every {
            self.said_at = self.clock.elapsed();
            println!("{}", self.summary().progress());
        }
    }

    fn summary(&self) -> Summary {
        let (calls, faults) = self.proxy.counts();
        Summary {
            seed: self.options.seed,
            took: self.clock.elapsed(),
            calls,
            faults,
            lies: self.proxy.lies(),
            counts: self.counts.clone(),
        }
    }
}

impl Others {
    /// Stops them. What each producer's stream accepted, in order.
    async fn stop(self) -> Vec<Accepted> {
        self.stop.send_replace(true);
        for resharder in self.resharders {
            resharder.await.expect("resharding works");
        }
        let mut accepted = Vec::new();
        for producer in self.producers {
            accepted.push(producer.await.expect("the stream takes records"));
        }
        accepted
    }
}
