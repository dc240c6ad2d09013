//! The kernel of a world: one thread that polls tasks, and a clock that jumps to the next alarm when nothing else is to do.
//!
//! Which of the woken tasks goes next is drawn from the seed, so every order of steps that the machine could take is met
//! sooner or later, and each can be met again.

mod alarms;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use base::BoxFuture;

use alarms::Alarms;
pub use alarms::Sleep;

use crate::chance::{Chance, mixed};
use crate::story::{Note, Recorder};

/// A machine of the world.
pub type NodeId = u32;

/// What one step of a task takes of the world's time: so that nothing can go round for ever at one moment.
const STEP_NANOS: u64 = 2_000;

/// A task's place and how often the place was used before, so that a late wake-up finds nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TaskId(usize, u64);

/// The future for which the world runs.
const MAIN: TaskId = TaskId(usize::MAX, 0);

struct Task {
    node: NodeId,
    /// Taken out while it is polled, with what wakes it.
    polled: Option<(BoxFuture<'static, ()>, Waker)>,
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

struct State {
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

struct Inner {
    /// The time since the world began, in nanoseconds.
    now: AtomicU64,
    state: Mutex<State>,
    alarms: Mutex<Alarms>,
    woken: Arc<Mutex<Vec<TaskId>>>,
    recorder: Option<Recorder>,
}

/// A clonable handle of the kernel.
#[derive(Clone)]
pub struct Kernel(Arc<Inner>);

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
        Kernel::told(seed, steps_max, None)
    }

    /// Begins a world's time; somebody takes notes of what happens, if a recorder is given.
    pub fn told(seed: u64, steps_max: u64, recorder: Option<Recorder>) -> Kernel {
        let state = State {
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
        let (alarms, woken) = (Mutex::default(), Arc::default());
        Kernel(Arc::new(Inner { now: AtomicU64::new(0), state: Mutex::new(state), alarms, woken, recorder }))
    }

    /// Tells whether somebody takes notes.
    pub fn is_told(&self) -> bool {
        self.0.recorder.is_some()
    }

    /// Tells what happens, if somebody takes notes; gives the note's number. It changes nothing in the world.
    pub fn tell(&self, note: impl FnOnce() -> Note) -> Option<usize> {
        let recorder = self.0.recorder.as_ref()?;
        let mut note = note();
        let state = lock(&self.0.state);
        (note.at, note.step) = (self.now(), state.steps);
        if note.node == NodeId::MAX {
            note.node = state.node;
        }
        drop(state);
        Some(recorder.add(note))
    }

    /// Gives the time since the world began.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.0.now.load(Ordering::Relaxed))
    }

    /// Moves the time on, never back.
    fn move_to(&self, moment: Duration) {
        self.0.now.fetch_max(u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Gives 64 bits of the world's chance.
    pub fn bits(&self) -> u64 {
        lock(&self.0.state).chance.bits()
    }

    /// Gives a number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        lock(&self.0.state).chance.below(end)
    }

    /// Gives a number from `first` up to and with `last`.
    pub fn between(&self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// Tells whether something happens that happens so many times in a thousand.
    pub fn happens(&self, per_mille: u64) -> bool {
        lock(&self.0.state).chance.happens(per_mille)
    }

    /// Takes something that happened into the hash by which two runs are compared.
    pub fn note(&self, what: u64) {
        let mut state = lock(&self.0.state);
        state.trace = mixed(state.trace ^ what).wrapping_add(u64::try_from(self.now().as_micros()).unwrap_or(u64::MAX));
    }

    /// Gives the hash of all that happened, and how many steps it took.
    pub fn trace(&self) -> (u64, u64) {
        let state = lock(&self.0.state);
        (state.trace, state.steps)
    }

    /// Gives what panicked.
    pub fn panics(&self) -> Vec<String> {
        lock(&self.0.state).panics.clone()
    }

    /// Lets a task run on a node.
    pub fn spawn(&self, node: NodeId, task: BoxFuture<'static, ()>) {
        let mut state = lock(&self.0.state);
        let place = state.free.pop().unwrap_or_else(|| {
            state.tasks.push(None);
            state.tasks.len() - 1
        });
        state.uses += 1;
        let id = TaskId(place, state.uses);
        let bell = Arc::new(Bell { id, rung: AtomicBool::new(true), woken: self.0.woken.clone() });
        let waker = Waker::from(bell.clone());
        state.tasks[place] = Some(Task { node, polled: Some((task, waker)), bell });
        drop(state);
        lock(&self.0.woken).push(id);
    }

    /// Ends all tasks of a node at once, wherever they are.
    pub fn end(&self, node: NodeId) {
        let mut ended = Vec::new();
        {
            let mut state = lock(&self.0.state);
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
        lock(&self.0.state).frozen.entry(node).or_default();
    }

    /// Tells whether a node stands still.
    pub fn is_frozen(&self, node: NodeId) -> bool {
        lock(&self.0.state).frozen.contains_key(&node)
    }

    /// Lets a node go on.
    pub fn thaw(&self, node: NodeId) {
        let waited = lock(&self.0.state).frozen.remove(&node).unwrap_or_default();
        lock(&self.0.woken).extend(waited);
    }

    /// Waits.
    pub fn sleep(&self, span: Duration) -> Sleep {
        let until = self.now() + span;
        Sleep::new(self.clone(), until)
    }

    /// Runs the world until a future is done. It belongs to no node, and need not be able to move between threads.
    pub fn run<T>(&self, main: impl Future<Output = T>) -> Result<T, Stuck> {
        let mut main = pin!(main);
        let bell = Arc::new(Bell { id: MAIN, rung: AtomicBool::new(false), woken: self.0.woken.clone() });
        let waker = Waker::from(bell.clone());
        bell.wake_by_ref();
        loop {
            match self.draw() {
                None if self.ring(Duration::MAX) => {}
                None => return Err(Stuck::Silence),
                Some(MAIN) => {
                    bell.rung.store(false, Ordering::Relaxed);
                    self.begin_step(&mut lock(&self.0.state), 0, 0)?;
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
        let mut state = lock(&self.0.state);
        let mut woken = lock(&self.0.woken);
        if woken.is_empty() {
            return None;
        }
        // In the order of their birth, not of their waking: a channel may wake those who wait in an order of its own chance.
        woken.sort_unstable_by_key(|TaskId(_, uses)| *uses);
        let which = usize::try_from(state.chance.below(woken.len() as u64)).unwrap_or(0);
        Some(woken.remove(which))
    }

    fn begin_step(&self, state: &mut State, uses: u64, node: NodeId) -> Result<(), Stuck> {
        self.0.now.fetch_add(STEP_NANOS, Ordering::Relaxed);
        state.steps += 1;
        state.node = node;
        state.trace = mixed(state.trace ^ uses).wrapping_add(u64::from(node));
        if state.steps > state.steps_max { Err(Stuck::TooLong) } else { Ok(()) }
    }

    /// Polls a task, if it is still there and its node is not frozen.
    fn step(&self, id: TaskId) -> Result<(), Stuck> {
        let TaskId(place, uses) = id;
        let (mut future, waker) = {
            let mut state = lock(&self.0.state);
            let Some(node) = state.tasks[place].as_ref().filter(|task| task.bell.id == id).map(|task| task.node) else {
                return Ok(());
            };
            if let Some(waiting) = state.frozen.get_mut(&node) {
                waiting.push(id);
                return Ok(());
            }
            self.begin_step(&mut state, uses, node)?;
            let Some(task) = state.tasks[place].as_mut() else { return Ok(()) };
            task.bell.rung.store(false, Ordering::Relaxed);
            let Some(polled) = task.polled.take() else { return Ok(()) };
            polled
        };
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut future).poll(&mut Context::from_waker(&waker))));
        let mut state = lock(&self.0.state);
        let is_there = state.tasks[place].as_ref().is_some_and(|task| task.bell.id == id);
        match polled {
            Ok(Poll::Pending) if is_there => {
                if let Some(task) = state.tasks[place].as_mut() {
                    task.polled = Some((future, waker));
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
                    self.move_to(moment);
                    return Ok(());
                }
            }
        }
    }

    /// Goes to the moment of the next alarm; false when there is none by the last moment.
    fn ring(&self, last: Duration) -> bool {
        let Some((at, waker)) = lock(&self.0.alarms).first_until(last) else { return false };
        self.move_to(at);
        waker.wake();
        true
    }

    /// Drops every task: what they hold goes with them.
    pub fn close(&self) {
        let nodes: BTreeSet<NodeId> = lock(&self.0.state).tasks.iter().flatten().map(|task| task.node).collect();
        for node in nodes {
            self.end(node);
        }
        let alarms = lock(&self.0.alarms).take();
        drop(alarms);
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no words".to_owned())
}

#[cfg(test)]
mod tests;
