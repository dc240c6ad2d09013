//! The kernel of a world: one thread that polls tasks, and a clock that jumps to the next alarm when nothing else is to do.
//!
//! Which of the woken tasks goes next is drawn from the seed, so every order of steps that the machine could take is met
//! sooner or later, and each can be met again.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use base::BoxFuture;

use crate::chance::{Chance, mixed};
use crate::story::{Note, Recorder};

/// A machine of the world.
pub type NodeId = u32;

/// What one step of a task takes of the world's time: so that nothing can go round for ever at one moment.
const STEP: Duration = Duration::from_micros(2);

/// A task's place and how often the place was used before, so that a late wake-up finds nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TaskId(usize, u64);

/// The future for which the world runs.
const MAIN: TaskId = TaskId(usize::MAX, 0);

struct Task {
    node: NodeId,
    /// Taken out while it is polled.
    future: Option<BoxFuture<'static, ()>>,
    bell: Arc<Bell>,
}

/// Wakes one task.
struct Bell {
    id: TaskId,
    rung: AtomicBool,
    woken: Arc<Mutex<Vec<TaskId>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::Relaxed) {
            lock(&self.woken).push(self.id);
        }
    }
}

#[derive(Default)]
struct Alarms {
    by_time: BTreeMap<(Duration, u64), Waker>,
    set: u64,
}

struct State {
    now: Duration,
    /// Whose step this is.
    node: NodeId,
    chance: Chance,
    tasks: Vec<Option<Task>>,
    free: Vec<usize>,
    uses: u64,
    frozen: BTreeMap<NodeId, Vec<TaskId>>,
    steps: u64,
    steps_max: u64,
    trace: u64,
    panics: Vec<String>,
}

/// A clonable handle of the kernel.
#[derive(Clone)]
pub struct Kernel {
    state: Arc<Mutex<State>>,
    alarms: Arc<Mutex<Alarms>>,
    woken: Arc<Mutex<Vec<TaskId>>>,
    recorder: Option<Recorder>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a world came to a stand before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stuck {
    /// Nothing will ever happen again.
    Silence,
    /// It went on for more steps than any sound world takes.
    TooLong,
}

impl Kernel {
    /// Begins a world's time.
    pub fn new(seed: u64, steps_max: u64) -> Kernel {
        let state = State {
            now: Duration::ZERO,
            node: 0,
            chance: Chance::new(seed),
            tasks: Vec::new(),
            free: Vec::new(),
            uses: 0,
            frozen: BTreeMap::new(),
            steps: 0,
            steps_max,
            trace: mixed(seed),
            panics: Vec::new(),
        };
        Kernel { state: Arc::new(Mutex::new(state)), alarms: Arc::default(), woken: Arc::default(), recorder: None }
    }

    /// Has somebody take notes of what happens from now on.
    #[must_use]
    pub fn told_to(self, recorder: Option<Recorder>) -> Kernel {
        Kernel { recorder, ..self }
    }

    /// Tells whether somebody takes notes.
    pub fn is_told(&self) -> bool {
        self.recorder.is_some()
    }

    /// Tells what happens, if somebody takes notes; gives the note's number. It changes nothing in the world.
    pub fn tell(&self, note: impl FnOnce() -> Note) -> Option<usize> {
        let recorder = self.recorder.as_ref()?;
        let mut note = note();
        let state = lock(&self.state);
        (note.at, note.step) = (state.now, state.steps);
        if note.node == NodeId::MAX {
            note.node = state.node;
        }
        drop(state);
        Some(recorder.add(note))
    }

    /// Gives the time since the world began.
    pub fn now(&self) -> Duration {
        lock(&self.state).now
    }

    /// Gives 64 bits of the world's chance.
    pub fn bits(&self) -> u64 {
        lock(&self.state).chance.bits()
    }

    /// Gives a number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        lock(&self.state).chance.below(end)
    }

    /// Gives a number from `first` up to and with `last`.
    pub fn between(&self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// Tells whether something happens that happens so many times in a thousand.
    pub fn happens(&self, per_mille: u64) -> bool {
        lock(&self.state).chance.happens(per_mille)
    }

    /// Takes something that happened into the hash by which two runs are compared.
    pub fn note(&self, what: u64) {
        let mut state = lock(&self.state);
        state.trace = mixed(state.trace ^ what).wrapping_add(u64::try_from(state.now.as_micros()).unwrap_or(u64::MAX));
    }

    /// Gives the hash of all that happened, and how many steps it took.
    pub fn trace(&self) -> (u64, u64) {
        let state = lock(&self.state);
        (state.trace, state.steps)
    }

    /// Gives what panicked.
    pub fn panics(&self) -> Vec<String> {
        lock(&self.state).panics.clone()
    }

    /// Lets a task run on a node.
    pub fn spawn(&self, node: NodeId, task: BoxFuture<'static, ()>) {
        let mut state = lock(&self.state);
        let place = state.free.pop().unwrap_or_else(|| {
            state.tasks.push(None);
            state.tasks.len() - 1
        });
        state.uses += 1;
        let id = TaskId(place, state.uses);
        let bell = Arc::new(Bell { id, rung: AtomicBool::new(true), woken: self.woken.clone() });
        state.tasks[place] = Some(Task { node, future: Some(task), bell });
        drop(state);
        lock(&self.woken).push(id);
    }

    /// Ends all tasks of a node at once, wherever they are.
    pub fn end(&self, node: NodeId) {
        let mut ended = Vec::new();
        {
            let mut state = lock(&self.state);
            state.frozen.remove(&node);
            for place in 0..state.tasks.len() {
                if state.tasks[place].as_ref().is_some_and(|task| task.node == node) {
                    ended.push(state.tasks[place].take());
                    state.free.push(place);
                }
            }
        }
        // Dropped outside of the lock: what goes with a task may wake others.
        drop(ended);
    }

    /// Lets a node stand still: nothing of it runs until it is thawed, but its clock goes on.
    pub fn freeze(&self, node: NodeId) {
        lock(&self.state).frozen.entry(node).or_default();
    }

    /// Lets a node go on.
    pub fn thaw(&self, node: NodeId) {
        let waited = lock(&self.state).frozen.remove(&node).unwrap_or_default();
        lock(&self.woken).extend(waited);
    }

    /// Waits.
    pub fn sleep(&self, span: Duration) -> Sleep {
        let until = self.now() + span;
        Sleep { kernel: self.clone(), until, set: None }
    }

    /// Runs the world until a future is done. It belongs to no node, and need not be able to move between threads.
    pub fn run<T>(&self, main: impl Future<Output = T>) -> Result<T, Stuck> {
        let mut main = pin!(main);
        let bell = Arc::new(Bell { id: MAIN, rung: AtomicBool::new(false), woken: self.woken.clone() });
        let waker = Waker::from(bell.clone());
        bell.wake_by_ref();
        loop {
            match self.draw() {
                None if self.ring(Duration::MAX) => {}
                None => return Err(Stuck::Silence),
                Some(MAIN) => {
                    bell.rung.store(false, Ordering::Relaxed);
                    self.begin_step(0, 0)?;
                    if let Poll::Ready(value) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
                        return Ok(value);
                    }
                }
                Some(id) => self.step(id)?,
            }
        }
    }

    /// Draws one of the woken tasks.
    fn draw(&self) -> Option<TaskId> {
        let mut state = lock(&self.state);
        let mut woken = lock(&self.woken);
        if woken.is_empty() {
            return None;
        }
        // In the order of their birth, not of their waking: a channel may wake those who wait in an order of its own chance.
        woken.sort_unstable_by_key(|TaskId(_, uses)| *uses);
        let which = usize::try_from(state.chance.below(woken.len() as u64)).unwrap_or(0);
        Some(woken.remove(which))
    }

    fn begin_step(&self, uses: u64, node: NodeId) -> Result<(), Stuck> {
        let mut state = lock(&self.state);
        state.now += STEP;
        state.steps += 1;
        state.node = node;
        state.trace = mixed(state.trace ^ uses).wrapping_add(u64::from(node));
        if state.steps > state.steps_max { Err(Stuck::TooLong) } else { Ok(()) }
    }

    /// Polls a task, if it is still there and its node is not frozen.
    fn step(&self, id: TaskId) -> Result<(), Stuck> {
        let TaskId(place, uses) = id;
        let (mut future, waker, node) = {
            let mut state = lock(&self.state);
            let Some(node) = state.tasks[place].as_ref().filter(|task| task.bell.id == id).map(|task| task.node) else {
                return Ok(());
            };
            if let Some(waiting) = state.frozen.get_mut(&node) {
                waiting.push(id);
                return Ok(());
            }
            let Some(task) = state.tasks[place].as_mut() else { return Ok(()) };
            task.bell.rung.store(false, Ordering::Relaxed);
            let Some(future) = task.future.take() else { return Ok(()) };
            (future, Waker::from(task.bell.clone()), node)
        };
        self.begin_step(uses, node)?;
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut future).poll(&mut Context::from_waker(&waker))));
        let mut state = lock(&self.state);
        let is_there = state.tasks[place].as_ref().is_some_and(|task| task.bell.id == id);
        match polled {
            Ok(Poll::Pending) if is_there => {
                if let Some(task) = state.tasks[place].as_mut() {
                    task.future = Some(future);
                }
                return Ok(());
            }
            Ok(_) => {}
            Err(panic) => state.panics.push(words(&*panic)),
        }
        let done = if is_there { state.tasks[place].take() } else { None };
        if done.is_some() {
            state.free.push(place);
        }
        drop(state);
        drop((done, future));
        Ok(())
    }

    /// Does what is to be done up to a moment, for those outside who keep the time of such a world.
    pub fn keep_up_with(&self, moment: Duration) -> Result<(), Stuck> {
        loop {
            match self.draw() {
                Some(MAIN) => {}
                Some(id) => self.step(id)?,
                None if self.ring(moment) => {}
                None => {
                    let mut state = lock(&self.state);
                    state.now = state.now.max(moment);
                    return Ok(());
                }
            }
        }
    }

    /// Goes to the moment of the next alarm; false when there is none by the last moment.
    fn ring(&self, last: Duration) -> bool {
        let first = {
            let mut alarms = lock(&self.alarms);
            let due = alarms.by_time.first_key_value().is_some_and(|((at, _), _)| *at <= last);
            if due { alarms.by_time.pop_first() } else { None }
        };
        let Some(((at, _), waker)) = first else { return false };
        let mut state = lock(&self.state);
        state.now = state.now.max(at);
        drop(state);
        waker.wake();
        true
    }

    /// Drops every task: what they hold goes with them.
    pub fn close(&self) {
        let nodes: BTreeSet<NodeId> = lock(&self.state).tasks.iter().flatten().map(|task| task.node).collect();
        for node in nodes {
            self.end(node);
        }
        let alarms = std::mem::take(&mut lock(&self.alarms).by_time);
        drop(alarms);
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no words".to_owned())
}

/// Waits until a moment of the world's time.
pub struct Sleep {
    kernel: Kernel,
    until: Duration,
    set: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let now = self.kernel.now();
        let mut alarms = lock(&self.kernel.alarms);
        if let Some(set) = self.set {
            alarms.by_time.remove(&(self.until, set));
        }
        if now >= self.until {
            drop(alarms);
            self.set = None;
            return Poll::Ready(());
        }
        alarms.set += 1;
        let set = alarms.set;
        alarms.by_time.insert((self.until, set), context.waker().clone());
        drop(alarms);
        self.set = Some(set);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(set) = self.set {
            let waker = lock(&self.kernel.alarms).by_time.remove(&(self.until, set));
            drop(waker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64) -> (Vec<u64>, u64) {
        let kernel = Kernel::new(seed, 100_000);
        let heard: Arc<Mutex<Vec<u64>>> = Arc::default();
        for name in 0..8 {
            let (kernel, heard, own) = (kernel.clone(), heard.clone(), kernel.clone());
            own.spawn(
                1,
                Box::pin(async move {
                    kernel.sleep(Duration::from_secs(name % 3)).await;
                    lock(&heard).push(name);
                }),
            );
        }
        let clock = kernel.clone();
        let ended = kernel.run(async move {
            clock.sleep(Duration::from_secs(10)).await;
            clock.now()
        });
        assert!(ended.unwrap() >= Duration::from_secs(10));
        let heard = lock(&heard).clone();
        (heard, kernel.trace().0)
    }

    #[test]
    fn a_seed_decides_who_goes_first_and_time_jumps() {
        assert_eq!(order(3), order(3));
        let orders: BTreeSet<Vec<u64>> = (0..20).map(|seed| order(seed).0).collect();
        assert!(orders.len() > 10, "seeds give {} orders", orders.len());
        for heard in orders {
            let late: Vec<u64> = heard.iter().map(|name| name % 3).collect();
            assert!(late.is_sorted(), "alarms ring in their order: {heard:?}");
        }
    }

    #[test]
    fn a_node_that_ends_does_nothing_more_and_one_that_freezes_goes_on_later() {
        let kernel = Kernel::new(1, 100_000);
        let beats: Arc<Mutex<BTreeMap<NodeId, u32>>> = Arc::default();
        for node in [1, 2] {
            let (inner, beats) = (kernel.clone(), beats.clone());
            let beat = async move {
                loop {
                    inner.sleep(Duration::from_secs(1)).await;
                    *lock(&beats).entry(node).or_default() += 1;
                }
            };
            kernel.spawn(node, Box::pin(beat));
        }
        let inner = kernel.clone();
        let main = async move {
            inner.sleep(Duration::from_millis(3_500)).await;
            inner.end(1);
            inner.freeze(2);
            inner.sleep(Duration::from_secs(10)).await;
            inner.thaw(2);
            inner.sleep(Duration::from_millis(1_500)).await;
        };
        kernel.run(main).unwrap();
        let beats = lock(&beats).clone();
        assert_eq!(beats[&1], 3);
        assert_eq!(beats[&2], 5, "one when it thawed, and one a second later");
    }

    #[test]
    fn silence_and_endlessness_are_told_and_a_panic_ends_one_task_only() {
        let kernel = Kernel::new(1, 1_000);
        kernel.spawn(1, Box::pin(async { panic!("a defect") }));
        assert_eq!(kernel.run(std::future::pending::<()>()), Err(Stuck::Silence));
        assert_eq!(kernel.panics(), ["a defect"]);
        let busy = kernel.clone();
        let ended = kernel.run(async move {
            loop {
                busy.sleep(Duration::ZERO).await;
                let mut once = false;
                std::future::poll_fn(|context| {
                    context.waker().wake_by_ref();
                    if std::mem::replace(&mut once, true) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
        });
        let ended: Result<(), Stuck> = ended;
        assert_eq!(ended, Err(Stuck::TooLong));
    }
}
