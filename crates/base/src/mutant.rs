//! Mistakes that real systems have made, planted in the product's own code for the simulator to find.
//!
//! Whoever checks a promise is checked by these: `cargo xtask mutants` commits each of them and expects a checker to see
//! it. Without the feature `mutants`, which no product is built with, `planted` is a constant `false`, and nothing of
//! them is left in the program.

macro_rules! mistakes {
    ($($name:ident breaks $($promise:ident)+: $text:literal;)+) => {
        /// A planted mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mistake {
            $(#[doc = $text] $name,)+
        }

        impl Mistake {
            /// All of them.
            pub const ALL: &[Mistake] = &[$(Mistake::$name,)+];

            /// Gives its name.
            pub fn name(self) -> &'static str {
                match self { $(Mistake::$name => stringify!($name),)+ }
            }

            /// Says what is done wrong.
            pub fn text(self) -> &'static str {
                match self { $(Mistake::$name => $text,)+ }
            }

            /// Gives the promises that are broken by it.
            pub fn breaks(self) -> &'static [&'static str] {
                match self { $(Mistake::$name => &[$(stringify!($promise)),+],)+ }
            }
        }
    };
}

mistakes! {
    // How a request is answered.
    AnsweredBeforeTheCommit breaks NoOrderIsLost: "The client is told before the commit has ended.";
    DoubtTakenForDone breaks NoOrderIsLost: "A commit of which nobody knows whether it happened is taken for done.";
    DoubtTakenForLost breaks EffectsHappenOnce: "A commit in doubt is tried again as a new request.";
    AnswerKeptApart breaks EffectsHappenOnce: "What was answered is remembered in a commit of its own, after the effect.";
    KeyNotRemembered breaks EffectsHappenOnce: "A write is not bound to the key that its client gave it.";
    KeyOfAnybody breaks NobodyElsesData: "An idempotency key is remembered without whose it is.";
    KeyOfAnyRoute breaks EffectsHappenOnce: "An idempotency key is remembered without what it was used for.";
    KeyOfAnyBody breaks EffectsHappenOnce: "An idempotency key is remembered without what was asked under it.";
    TimeoutIsTheirs breaks EffectsHappenOnce NoOrderIsLost: "A request that was not answered in time is answered as if its client were to blame, which is a no.";
    RefusalRemembered breaks NoOrderIsLost EffectsHappenOnce: "A request that was refused is remembered as one that was carried out.";

    // How events and state are kept together.
    EventsSaidApart breaks NoOrderIsLost NothingIsSwallowed EveryOrderEnds: "What is said goes into the log in a commit of its own, after the state.";
    EventSaidTwice breaks EffectsHappenOnce: "After a doubt, the events are said again without looking.";
    CursorMovedApart breaks EffectsHappenOnce: "The cursor is moved in a commit of its own, after the effect.";
    CursorMovedFirst breaks NothingIsSwallowed EveryOrderEnds: "The cursor is moved in a commit of its own, before the effect.";
    CursorSkipsTheSlow breaks NothingIsSwallowed EveryOrderEnds: "The cursor moves to the last that is done, over slower ones before it.";
    AheadNotRecorded breaks EffectsHappenOnce: "What was done ahead of a slower event is not written down.";
    RefusedHalfStays breaks StockIsNeverNegative EffectsHappenOnce: "Of a commit whose guard does not hold, what came before the guard stays.";
    HeardBeforeTheFlush breaks NothingIsSwallowed EffectsHappenOnce NoOrderIsLost EveryOrderEnds: "Events are handed out before they are on the disk, and not taken back.";
    RelayFollowsIds breaks NoOrderIsLost NothingIsSwallowed EveryOrderEnds: "The relay takes what has a higher id than the last, though ids become visible out of their order.";
    NoFlush breaks NoOrderIsLost: "The store does not wait for the disk.";

    // What cannot be processed, and what is to be done later.
    FaultSwallowed breaks NothingIsSwallowed EveryOrderEnds: "A reaction that keeps failing is logged and forgotten.";
    LetterWithoutCause breaks NothingIsSwallowed: "A dead letter does not say why it is one.";
    ParkedKeyGoesOn breaks OrderPerKey: "Later events of a key do not wait behind its dead letter.";
    RedriveSkipsTheQueue breaks OrderPerKey: "A redrive processes a letter before those that came before it.";
    TimersForgotten breaks EveryOrderEnds NothingIsSwallowed: "What a process had in hand when it died is not done by the next.";
    JobNotTriedAgain breaks NothingIsSwallowed EveryOrderEnds MoneyIsConserved: "A job that fails is not tried again.";

    // The wire.
    RepeatWithoutKey breaks EffectsHappenOnce: "A call whose answer was lost is repeated under a new key.";
    CallsAsThePlatform breaks NobodyElsesData: "A call is made in the name of the platform instead of whoever asks.";
    WireBreakerStaysOpen breaks EveryOrderEnds: "The breaker of an edge never lets a probe through.";

    // Orders.
    PriceFromTheClient breaks MoneyIsConserved: "An order costs what its client says.";
    TaxRoundedOnce breaks MoneyIsConserved: "Tax is rounded on the sum of the lines instead of on each.";
    DeadlineNotSet breaks EveryOrderEnds: "An order is accepted without the timer that ends it when nobody answers.";
    OwnerNotAsked breaks NobodyElsesData: "Whoever knows its id sees an order.";
    ListOfAll breaks NobodyElsesData: "A guest's list of orders has everybody's.";
    CancelledWithoutRecall breaks EffectsHappenOnce MoneyIsConserved: "An order is cancelled without asking whether it was handed over.";
    OrderOverwritten breaks NoOrderIsLost EffectsHappenOnce: "An order is saved whatever version it is at.";
    ProjectionCountsTwice breaks EffectsHappenOnce: "The statistics count an order in its old state too.";
    BoardNotCleared breaks EffectsHappenOnce: "A cancelled order stays on the board.";
    PageSkipsARow breaks NoOrderIsLost: "A page of a list begins behind the row that the page before it only peeked at.";
    NeedsOfOneEach breaks StockIsNeverNegative: "A line of several takes from stock what one takes.";

    // Payments.
    ChargedAgain breaks MoneyIsConserved: "After a lost answer the card is charged under a new key.";
    RefundedAgain breaks MoneyIsConserved: "After a lost answer money is given back under a new key.";
    RefundWithoutLooking breaks MoneyIsConserved: "Money is given back without looking how much is left of it.";
    RefundOfHalf breaks MoneyIsConserved: "A cancelled order gets half of its money back.";
    WithdrawnUnasked breaks MoneyIsConserved EffectsHappenOnce: "A charge under way is called off without asking the provider what became of it.";
    LateCaptureKept breaks MoneyIsConserved: "Money that comes after the order was cancelled is kept.";
    CancelOvertaken breaks MoneyIsConserved EffectsHappenOnce: "A cancellation that is heard before the reservation is forgotten.";
    PaymentOverwritten breaks MoneyIsConserved EffectsHappenOnce: "A payment is saved whatever version it is at.";
    CashNotNoted breaks MoneyIsConserved: "Cash that was taken at the door is not noted.";
    RefundKeyedByAmount breaks MoneyIsConserved: "A refund is asked for under a key of its amount, which another refund may have too.";
    RefundToldFirst breaks MoneyIsConserved: "Money is said to be back before the provider was asked to give it back.";
    RestKeptWhileRefunding breaks MoneyIsConserved: "A cancellation that comes while a part is on its way back leaves the rest where it is.";
    ProviderBreakerStaysOpen breaks EveryOrderEnds MoneyIsConserved NothingIsSwallowed: "The breaker towards the provider never lets a probe through.";

    // Inventory.
    GuardReadBefore breaks StockIsNeverNegative: "Whether there is enough is read before the commit instead of guarded within it.";
    LedgerNotWritten breaks StockIsNeverNegative: "What is put back is not written into the ledger.";
    NotPutBack breaks StockIsNeverNegative: "What a cancelled order held stays set aside.";
    NotUsedUp breaks StockIsNeverNegative: "What goods-only orders take with them stays set aside.";
    LowAtTheMark breaks EveryOrderEnds NothingIsSwallowed: "A level that falls just to its mark counts as below it for the decision, and not for the guard.";
    StaleCountAccepted breaks EffectsHappenOnce StockIsNeverNegative: "A count is accepted from staff who have not seen the latest edit.";

    // Kitchen, delivery, and those who look on.
    CancelledIsCooked breaks EffectsHappenOnce: "A ticket is not taken back when its order is cancelled.";
    ExpiryByWallClock breaks EveryOrderEnds: "A timer that rings is compared with a wall clock, of whole seconds, instead of with the time for which it was set.";
    RecallNotKept breaks EffectsHappenOnce MoneyIsConserved: "A delivery says that it was called back, and goes on.";
    DeliveredTwice breaks EffectsHappenOnce: "A delivery says again that it was handed over when it is asked again.";
    ReadyForgotten breaks EveryOrderEnds NothingIsSwallowed: "Delivery forgets that dishes are ready when it hears so before it has heard of the order.";
    FloorNotGuarded breaks EffectsHappenOnce: "The places of the kitchen are saved whoever else has booked them meanwhile.";
    RefundsToldOnce breaks NothingIsSwallowed: "Of several refunds of an order its guest is told of the first.";
    MessagesOfAnyOrder breaks NobodyElsesData: "Whoever knows the id of an order reads its messages.";
    LinesCountedNotThings breaks EffectsHappenOnce: "What sells best counts lines instead of things.";
    RebuildCountsTwice breaks EffectsHappenOnce: "A rebuild counts again what came in while it was at work.";
    FirstSizePrice breaks MoneyIsConserved: "Every size costs what the first one costs.";
    MenuByTheClock breaks EffectsHappenOnce: "The menu at hand is compared only with what is newer than it, by clocks that differ.";
    StaleItemAccepted breaks EffectsHappenOnce: "An item is changed by staff who have not seen the latest edit.";
}

#[cfg(feature = "mutants")]
static CHOSEN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(usize::MAX);

/// Makes this process commit one mistake, or none.
#[cfg(feature = "mutants")]
pub fn choose(mistake: Option<Mistake>) {
    CHOSEN.store(mistake.map_or(usize::MAX, |mistake| mistake as usize), std::sync::atomic::Ordering::SeqCst);
}

/// Tells whether this process is to commit a mistake.
#[cfg(feature = "mutants")]
#[inline]
pub fn planted(mistake: Mistake) -> bool {
    CHOSEN.load(std::sync::atomic::Ordering::Relaxed) == mistake as usize
}

/// Tells whether this process is to commit a mistake: never.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn planted(_: Mistake) -> bool {
    false
}
