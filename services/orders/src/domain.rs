//! The rules of orders: pure, and the only place where they are.
//!
//! An order is the sum of its happenings: [`Order::apply`] is the one way in which it changes, so the state that is
//! kept and the state rebuilt from the happenings cannot differ.

use base::id::{ContactId, DeviceId, ItemId, MethodId, OrderId, ShopId};
use base::{Currency, Fault, Mistake, Principal, Texts, Timestamp, planted};
use orders_api::events::{CancelReason, Fulfilment, ItemKind, Need, PaymentKind};
use serde::{Deserialize, Serialize};

/// How far an order has come, in the order in which it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Accepted; its stock is being set aside.
    Pending,
    /// Its stock is set aside.
    Reserved,
    /// Cash was promised.
    Promised,
    /// The money was taken.
    Paid,
    /// The kitchen has begun.
    Cooking,
    /// Every dish is ready.
    Ready,
    /// It has left the shop.
    Shipped,
    /// It was handed over.
    Delivered,
    /// It ended without being handed over.
    Cancelled,
}

impl State {
    /// Every state, in the order in which an order goes.
    pub const ALL: [State; 9] = [
        State::Pending,
        State::Reserved,
        State::Promised,
        State::Paid,
        State::Cooking,
        State::Ready,
        State::Shipped,
        State::Delivered,
        State::Cancelled,
    ];

    /// Gives its word, as rows and answers have it.
    pub fn word(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Reserved => "reserved",
            State::Promised => "promised",
            State::Paid => "paid",
            State::Cooking => "cooking",
            State::Ready => "ready",
            State::Shipped => "shipped",
            State::Delivered => "delivered",
            State::Cancelled => "cancelled",
        }
    }

    /// Finds the state of a word.
    pub fn of(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Tells whether nothing more will happen.
    pub fn is_over(self) -> bool {
        matches!(self, State::Delivered | State::Cancelled)
    }
}

/// One line, frozen when the order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The item.
    pub item_id: ItemId,
    /// Its short name.
    pub slug: String,
    /// Its name in the shop's languages.
    pub name: Texts,
    /// The size.
    pub size: String,
    /// How many.
    pub quantity: i64,
    /// The price of one, options included.
    pub unit_minor: i64,
    /// Dish or goods.
    pub kind: ItemKind,
    /// The tax rate in basis points.
    pub tax_rate_bp: i64,
    /// The options chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

impl Line {
    /// Gives the price of the whole line; sizes and prices were checked to fit.
    pub fn total_minor(&self) -> i64 {
        self.unit_minor.saturating_mul(self.quantity)
    }
}

/// What is added to the lines, or contained in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// `delivery_fee`, `tax`, `discount` or `tip`.
    pub kind: String,
    /// How much, in minor units; a discount is negative.
    pub amount_minor: i64,
    /// Whether the lines contain it already, so that it is shown but not added.
    pub included: bool,
    /// The rate in basis points, where there is one.
    pub rate_bp: i64,
}

/// All that is frozen when an order is placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The shop.
    pub shop_id: ShopId,
    /// When the customer ordered.
    pub placed_at: Timestamp,
    /// The lines.
    pub lines: Vec<Line>,
    /// The charges.
    pub charges: Vec<Charge>,
    /// The sum of lines and added charges.
    pub total_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// How it is paid.
    pub payment: PaymentKind,
    /// The card, if it is paid by card.
    pub method_id: Option<MethodId>,
    /// How it reaches the customer.
    pub fulfilment: Fulfilment,
    /// The customer's language.
    pub language: String,
    /// The guest's device; none for orders that staff took.
    pub device_id: Option<DeviceId>,
    /// The record of the person, which can be erased; none where nobody gave anything.
    pub contact_id: Option<ContactId>,
    /// The staff's own name for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
}

/// How an order ended that did not reach its customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Why.
    pub reason: CancelReason,
    /// By whom: `guest`, `staff` or `platform`.
    pub by: String,
    /// What it still costs.
    pub fee_minor: i64,
}

/// What can happen to an order. Its history is a list of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// It was placed.
    Placed(Box<Frozen>),
    /// It came further.
    Advanced {
        /// How far.
        to: State,
    },
    /// Its money was taken after it had come further: cash at the door.
    MoneyTaken,
    /// It ended early.
    Cancelled(Ending),
}

impl Happening {
    /// Gives its word for the history.
    pub fn word(&self) -> &'static str {
        match self {
            Happening::Placed(_) => "placed",
            Happening::Advanced { to } => to.word(),
            Happening::MoneyTaken => "money_taken",
            Happening::Cancelled(_) => "cancelled",
        }
    }
}

/// An order as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// How many happenings it has had.
    pub version: i64,
    /// How far it has come.
    pub state: State,
    /// Whether its money was taken.
    pub paid: bool,
    /// How it ended early, if it did.
    pub ending: Option<Ending>,
    /// When the platform accepted it.
    pub accepted_at: Timestamp,
    /// When it changed last.
    pub changed_at: Timestamp,
    /// Its shop.
    pub shop_id: ShopId,
    /// When the customer ordered.
    pub placed_at: Timestamp,
    /// The guest's device; none for orders that staff took.
    pub device_id: Option<DeviceId>,
    /// The record of the person.
    pub contact_id: Option<ContactId>,
    /// What it costs, all charges included.
    pub total_minor: i64,
}

/// Why an order cannot do what is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The kitchen is at it, or it is on its way.
    #[error("This order is {} already and cannot be cancelled any more.", .0.word())]
    TooLate(State),
    /// It was handed over.
    #[error("This order was delivered.")]
    Delivered,
    /// An amount does not fit.
    #[error("The order is too large.")]
    TooLarge,
    /// It costs something else than its customer was told.
    #[error("This order costs {now_minor} now, in minor units, and not {told_minor} as the customer was told.")]
    TotalChanged {
        /// What the customer was told.
        told_minor: i64,
        /// What it costs.
        now_minor: i64,
    },
}

impl Error {
    /// Gives the fault for the outside.
    pub fn fault(&self) -> Fault {
        match self {
            Error::TooLate(state) => Fault::refused("too_late_to_cancel", self.to_string()).with("state", state.word()),
            Error::Delivered => Fault::refused("already_delivered", self.to_string()),
            Error::TooLarge => Fault::invalid("amount_too_large", self.to_string()),
            Error::TotalChanged { told_minor, now_minor } => Fault::refused("total_changed", self.to_string())
                .with("expected_total_minor", *told_minor)
                .with("total_minor", *now_minor),
        }
    }
}

impl Order {
    /// Begins an order.
    pub fn place(id: OrderId, frozen: Frozen, now: Timestamp) -> (Order, Happening) {
        (Order::begun(id, &frozen, now), Happening::Placed(Box::new(frozen)))
    }

    fn begun(id: OrderId, frozen: &Frozen, now: Timestamp) -> Order {
        Order {
            id,
            version: 1,
            state: State::Pending,
            paid: false,
            ending: None,
            accepted_at: now,
            changed_at: now,
            shop_id: frozen.shop_id,
            placed_at: frozen.placed_at,
            device_id: frozen.device_id,
            contact_id: frozen.contact_id,
            total_minor: frozen.total_minor,
        }
    }

    /// Rebuilds an order from its happenings; none when they do not begin with its placing.
    pub fn rebuild(id: OrderId, happenings: impl IntoIterator<Item = (Timestamp, Happening)>) -> Option<Order> {
        let mut happenings = happenings.into_iter();
        let (at, first) = happenings.next()?;
        let Happening::Placed(frozen) = first else { return None };
        let mut order = Order::begun(id, &frozen, at);
        for (at, happening) in happenings {
            order.apply(&happening, at);
        }
        Some(order)
    }

    /// Lets something happen: the one way in which an order changes.
    pub fn apply(&mut self, happening: &Happening, at: Timestamp) {
        self.version += 1;
        self.changed_at = at;
        match happening {
            Happening::Placed(_) => {}
            Happening::Advanced { to } => {
                self.state = *to;
                self.paid |= *to == State::Paid;
            }
            Happening::MoneyTaken => self.paid = true,
            Happening::Cancelled(ending) => {
                self.state = State::Cancelled;
                self.ending = Some(ending.clone());
            }
        }
    }

    /// Notes that another service has brought it further; late news of an earlier step, or after its end, changes nothing.
    pub fn advance(&self, to: State) -> Option<Happening> {
        if self.state == State::Cancelled {
            return None;
        }
        if to == State::Paid && !self.paid && self.state > State::Paid {
            return Some(Happening::MoneyTaken);
        }
        (to > self.state).then_some(Happening::Advanced { to })
    }

    /// Cancels at the wish of a person: a customer until the kitchen begins, staff until it leaves the shop.
    /// `None` when it is cancelled already.
    pub fn cancel(&self, by: &Principal) -> Result<Option<Happening>, Error> {
        let staff = !matches!(by, Principal::Guest { .. } | Principal::Nobody);
        let latest = if staff { State::Ready } else { State::Paid };
        match self.state {
            State::Cancelled => Ok(None),
            State::Delivered => Err(Error::Delivered),
            state if state > latest => Err(Error::TooLate(state)),
            _ => {
                let reason = if staff { CancelReason::StaffDecided } else { CancelReason::CustomerAsked };
                Ok(Some(cancelled(reason, if staff { "staff" } else { "guest" })))
            }
        }
    }

    /// Ends it because it cannot be had; what is over stays as it is.
    pub fn fail(&self, reason: CancelReason) -> Option<Happening> {
        self.end(reason, "platform")
    }

    /// Ends it for whoever had it called back: how far it has come meanwhile does not matter, for nobody will hand it over.
    pub fn end(&self, reason: CancelReason, by: &str) -> Option<Happening> {
        (!self.state.is_over()).then(|| cancelled(reason, by))
    }

    /// Decides what a deadline that has passed means; `None` when there is still time until the last one.
    pub fn overdue(&self, last: bool) -> Option<Happening> {
        match self.state {
            State::Pending => self.fail(CancelReason::StockTimeout),
            State::Reserved => self.fail(CancelReason::PaymentTimeout),
            _ if last => self.fail(CancelReason::TooLate),
            _ => None,
        }
    }

    /// Tells whether its customer may still cancel it.
    pub fn is_cancellable(&self) -> bool {
        self.state <= State::Paid
    }
}

fn cancelled(reason: CancelReason, by: &str) -> Happening {
    Happening::Cancelled(Ending { reason, by: by.to_owned(), fee_minor: 0 })
}

/// Computes the charges and the total of lines: the tax of each line is rounded once, half away from zero, on the line.
pub fn price(
    lines: &[Line],
    currency: Currency,
    tax_included: bool,
    delivery_fee_minor: i64,
    tip_minor: i64,
) -> Result<(Vec<Charge>, i64), Error> {
    let too_large = |_: Fault| Error::TooLarge;
    let mut total: i64 = 0;
    let mut taxes: std::collections::BTreeMap<i64, i64> = std::collections::BTreeMap::new();
    let mut sums: std::collections::BTreeMap<i64, i64> = std::collections::BTreeMap::new();
    for line in lines {
        let amount = line.unit_minor.checked_mul(line.quantity).ok_or(Error::TooLarge)?;
        total = total.checked_add(amount).ok_or(Error::TooLarge)?;
        if line.tax_rate_bp > 0 {
            let sum = sums.entry(line.tax_rate_bp).or_insert(0);
            *sum += amount;
            let once = planted(Mistake::TaxRoundedOnce);
            let money = base::Money::new(if once { *sum } else { amount }, currency);
            let tax = if tax_included { money.tax_included(line.tax_rate_bp) } else { money.tax_added(line.tax_rate_bp) };
            let known = taxes.entry(line.tax_rate_bp).or_default();
            *known = tax.map_err(too_large)?.minor + if once { 0 } else { *known };
        }
    }
    let mut charges = Vec::new();
    let mut add = |kind: &str, amount_minor: i64, included: bool, rate_bp: i64| {
        if amount_minor != 0 {
            charges.push(Charge { kind: kind.to_owned(), amount_minor, included, rate_bp });
        }
    };
    add("delivery_fee", delivery_fee_minor, false, 0);
    for (rate_bp, amount) in &taxes {
        add("tax", *amount, tax_included, *rate_bp);
    }
    add("tip", tip_minor, false, 0);
    for charge in charges.iter().filter(|charge| !charge.included) {
        total = total.checked_add(charge.amount_minor).ok_or(Error::TooLarge)?;
    }
    Ok((charges, total))
}

/// Refuses a total that is not the one the customer was told; who was told none takes any.
pub fn agreed(told_minor: Option<i64>, now_minor: i64) -> Result<(), Error> {
    match told_minor {
        Some(told_minor) if told_minor != now_minor => Err(Error::TotalChanged { told_minor, now_minor }),
        _ => Ok(()),
    }
}

/// Sums what all lines take from stock; `per_line` gives, for each line, what one of it takes.
pub fn needs(lines: &[(i64, Vec<Need>)]) -> Result<Vec<Need>, Error> {
    let mut sums: std::collections::BTreeMap<base::id::StockId, i64> = std::collections::BTreeMap::new();
    for (quantity, needs) in lines {
        for need in needs {
            let quantity = if planted(Mistake::NeedsOfOneEach) { &1 } else { quantity };
            let more = need.quantity.checked_mul(*quantity).ok_or(Error::TooLarge)?;
            let sum = sums.entry(need.stock_id).or_default();
            *sum = sum.checked_add(more).ok_or(Error::TooLarge)?;
        }
    }
    Ok(sums.into_iter().map(|(stock_id, quantity)| Need { stock_id, quantity }).collect())
}
