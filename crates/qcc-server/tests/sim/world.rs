//! One run: a configuration, providers, clients, and what befalls them, all from a seed, in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use qcc_server::testing::{Dial, Inside, Simulated, Stage};
use qcc_server::{Event, testing};
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout};

use crate::book::{Book, Line, Shared, lock};
use crate::check::{self, Counts};
use crate::client::{Clients, Session};
use crate::nature::{Nature, Script};
use crate::net::Clock;
use crate::operator;
use crate::provider::{Look, Providers, look};
use crate::random::Random;
use crate::setting::Setting;
use crate::store::{self, Unsteady};

/// A run that takes longer turns in circles.
const LONGEST: Duration = Duration::from_hours(3);

/// Where the wall clock stands at the beginning: 2026-11-20.
const WALL_MS: i64 = 1_795_132_800_000;

/// What came of a run.
pub(crate) struct Ran {
    pub(crate) counts: Counts,
    /// Of everything that was said.
    pub(crate) digest: u64,
    /// Where it was kept.
    pub(crate) said: Vec<String>,
}

/// Runs a seed. `talks`: prints what happens. `keeps`: keeps what would be printed.
pub(crate) fn run(seed: u64, talks: bool, keeps: bool) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without sockets needs nothing");
    let (book, inside) = runtime.block_on(async {
        let world = World::new(seed, talks, keeps);
        timeout(LONGEST, world.run()).await.expect("it ends")
    });
    drop(runtime);
    testing::leave();
    assert!(inside.is_alone(), "something of the gateway outlives it");
    let mut book = lock(&book);
    Ran { counts: check::counts(&book), digest: book.digest(), said: book.said.take().unwrap_or_default() }
}

struct World {
    random: Random,
    book: Shared,
    clock: Clock,
    stage: Stage,
    gateway: Simulated,
    inside: Inside,
    look: Look,
    /// Providers have faults until then, and clients talk a little longer.
    end: Duration,
}

impl World {
    fn new(seed: u64, talks: bool, keeps: bool) -> Self {
        let mut random = Random::new(seed);
        let clock = Clock::start();
        let book: Shared = Arc::new(Mutex::new(Book::new(clock.clone(), talks, keeps)));
        let setting = Setting::any(&mut random);
        let end = random.millis(30_000..180_000);
        let wall = wall(&clock);
        let inside = Look::default();
        let providers = Arc::new(Providers {
            book: Arc::clone(&book),
            clock: clock.clone(),
            scripts: scripts(&setting, end, &mut random),
            dialects: setting.providers.iter().map(|provider| provider.dialect).collect(),
            random: Mutex::new(random.fork()),
            inside: Arc::clone(&inside),
            wall: Arc::new(wall),
        });
        let (dialled, fails) = (Arc::clone(&providers), store::failures(end, &mut random));
        let dial: Dial = Arc::new(move |uri| Arc::clone(&dialled).dial(uri));
        let shelf_book = Arc::clone(&book);
        let stage = Stage {
            dial,
            shelf: Arc::new(move |told| Box::new(Unsteady::new(Arc::clone(&shelf_book), fails.clone(), told))),
            began_ms: WALL_MS,
            jumped_ms: Arc::default(),
        };
        let text = setting.text();
        lock(&book).say(&format!("seed {seed}:\n{text}"));
        lock(&book).scripts.clone_from(&providers.scripts);
        for (number, script) in providers.scripts.iter().enumerate() {
            lock(&book).say(&format!("p{number}: {script:?}"));
        }
        let begins = clock.stamp();
        lock(&book).settings.push((begins, setting));
        let (heard, looked) = (Arc::clone(&book), Arc::clone(&inside));
        let hear = move |event: &Event| hear(&heard, &looked, event);
        let gateway = Simulated::start(&text, random.draw(), stage.clone(), hear).expect("the configuration is valid");
        let inward = gateway.inside();
        *inside.lock().expect("one thread") = Some(inward.clone());
        Self { random, book, clock, stage, gateway, inside: inward, look: inside, end }
    }

    async fn run(mut self) -> (Shared, Inside) {
        // One that nobody explains is held, and tried for as long as it waits.
        let holds = lock(&self.book).settings.iter().any(|(_, setting)| setting.max_wait > 0);
        let clients = Arc::new(Clients {
            refusals: if holds { &[400, 413, 422] } else { &[400, 413, 418] },
            book: Arc::clone(&self.book),
            clock: self.clock.clone(),
            door: self.gateway.door(),
            lengths: Mutex::default(),
            keys: lock(&self.book).setting().client_keys.clone(),
        });
        let until = self.end + self.random.millis(1000..20_000);
        let talking: Vec<_> = (0..self.random.within(1..5))
            .map(|number| {
                let session = Session::new(Arc::clone(&clients), number, &mut self.random);
                tokio::spawn(session.talk(until, self.random.fork()))
            })
            .collect();
        drop(clients);
        let drains = self.random.percent(30).then(|| self.random.millis(5000..self.end.as_millis() as u64));
        let mut changes = self.random.fork();
        let changes = self.changes(&mut changes);
        match drains {
            Some(after) => drop(timeout(after, changes).await),
            None => {
                changes.await;
                pause_until(&self.clock, until).await;
            }
        }
        let mut talking = talking;
        if drains.is_none() {
            for session in talking.drain(..) {
                session.await.expect("a session does not panic");
            }
        }
        let stamp = self.clock.stamp();
        {
            let mut book = lock(&self.book);
            book.draining = Some(stamp);
            book.say("it drains");
        }
        let drained = self.gateway.drain().await;
        lock(&self.book).say(&format!("it is drained: {drained:?}"));
        for session in talking {
            session.await.expect("a session does not panic");
        }
        check::book(&lock(&self.book));
        check::nothing_is_left(&self.inside, &lock(&self.book));
        self.look.lock().expect("one thread").take();
        (self.book, self.inside)
    }

    /// Reloads and jumps of the wall clock, until nothing more happens.
    async fn changes(&self, random: &mut Random) {
        let mut times: Vec<Duration> =
            (0..random.of(&[0, 1, 2, 4, 8])).map(|_| random.millis(0..self.end.as_millis() as u64)).collect();
        times.sort();
        for at in times {
            pause_until(&self.clock, at).await;
            if random.percent(40) {
                operator::act(&self.gateway.door(), &self.book, &self.clock, random).await;
            } else if random.percent(40) {
                let by = random.of(&[-86_400_000, -30_000, 45_000, 7_200_000, 400 * 86_400_000]);
                self.stage.jump(by);
                lock(&self.book).say(&format!("the wall clock jumps by {by} ms"));
            } else {
                self.reload(random);
            }
        }
    }

    fn reload(&self, random: &mut Random) {
        let next = lock(&self.book).setting().edited(random);
        if random.percent(20) {
            let text = format!("{}nonsense: [1\n", next.text());
            let refused = self.gateway.reload(&text);
            assert!(refused.is_err(), "a broken configuration is refused");
            return;
        }
        self.gateway.reload(&next.text()).expect("the configuration is valid");
        let stamp = self.clock.stamp();
        lock(&self.book).settings.push((stamp, next));
    }
}

async fn pause_until(clock: &Clock, at: Duration) {
    sleep_until(Instant::now() + at.saturating_sub(clock.now())).await;
}

/// The providers' wall clock, which never jumps.
fn wall(clock: &Clock) -> impl Fn() -> i64 + Send + Sync + 'static {
    let clock = clock.clone();
    move || WALL_MS + i64::try_from(clock.now().as_millis()).unwrap_or(0)
}

/// Who is ill when; now and then all of them, or a whole host.
fn scripts(setting: &Setting, end: Duration, random: &mut Random) -> Vec<Script> {
    let mut scripts: Vec<_> = setting.providers.iter().map(|_| Script::any(end, random)).collect();
    if random.percent(20) {
        let from = random.millis(0..end.as_millis() as u64);
        let most = random.of(&[60_000, 60_000, 240_000]);
        let to = from + random.millis(5000..most);
        let nature = random.of(&[Nature::Refusing, Nature::Failing(503), Nature::Overloaded, Nature::Swallowing]);
        scripts.iter_mut().for_each(|script| script.cut(from, to, nature));
    }
    if random.percent(15) {
        let host = random.of(&setting.providers.iter().map(|provider| provider.host).collect::<Vec<_>>());
        let from = random.millis(0..end.as_millis() as u64);
        let to = from + random.millis(5000..60_000);
        for (script, _) in scripts.iter_mut().zip(&setting.providers).filter(|(_, provider)| provider.host == host) {
            script.cut(from, to, Nature::Overloaded);
        }
    }
    scripts
}

/// Notes a line of the log. At the end of a request that failed, also how its candidates stand.
fn hear(book: &Shared, inside: &Look, event: &Event) {
    let event: Value = serde_json::to_value(event).expect("an event is data");
    let mut book = lock(book);
    let mut standings = Vec::new();
    if let (Some(inside), "request_finished") = (look(inside), event["event"].as_str().unwrap_or_default())
        && event["verdict"] == "failed"
    {
        let model = event["model"].as_str().unwrap_or_default();
        let bytes = event["bytes_in"].as_u64().unwrap_or_default();
        let candidates = book.setting().plan(model, true);
        standings.extend(candidates.into_iter().filter_map(|(provider, model)| {
            Some((provider.number, inside.standing(&provider.name(), &model, bytes)?))
        }));
    }
    book.say(&format!("log: {event}"));
    let stamp = book.clock.stamp();
    book.lines.push(Line { stamp, event, standings });
}
