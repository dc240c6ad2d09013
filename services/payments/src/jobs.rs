//! What is done with the provider, outside of any transaction: charge, withdraw, refund.

use std::sync::Arc;
use std::time::Duration;

use base::id::{EventId, Id, PaymentId};
use base::{Fault, Mistake, World, planted};
use host::Ctx;
use payments_api::events::FailureReason;
use saga::Retry;
use sql::{Change, Job, Once};

use crate::asking::{self, Found};
use crate::breaker::Breaker;
use crate::domain::{Command, decide};
use crate::payment::{Payment, State};
use crate::provider::{ChargeRequest, Provider};
use crate::provider_http::HttpProvider;
use crate::store;

/// A charge decides its own end, by the setting `payment_deadline_seconds`; the attempts only bound an outage.
pub const CHARGE_RETRY: Retry =
    Retry { attempts_max: 1_000, first: Duration::from_millis(50), longest: Duration::from_secs(5), concurrency: 256 };
/// Money that must go back is tried for over an hour; then a person is asked, by way of the dead letters.
pub const RETURN_RETRY: Retry =
    Retry { attempts_max: 240, first: Duration::from_millis(100), longest: Duration::from_secs(30), concurrency: 64 };

/// How long a payment may take when nothing is set.
const DEADLINE_SECONDS: f64 = 120.0;

/// Asks for the money of one payment; past its deadline it makes sure that none was taken.
pub async fn charge(ctx: Ctx, breaker: Arc<Breaker>, job: Job) -> Result<Change, Fault> {
    let found = store::payment_and_token(ctx.store(), PaymentId(job.key)).await?;
    let Some((payment, token)) = found else { return Ok(Change::new()) };
    // Cancelled meanwhile: the job that withdraws it takes care of the rest.
    if payment.state != State::Requested {
        return Ok(Change::new());
    }
    let Some(token) = token else {
        let unknown = Command::GiveUp { reason: FailureReason::UnknownMethod, attempts: job.attempts };
        return settled(&ctx, &payment, unknown, &job);
    };
    let provider = HttpProvider::of(&ctx, &breaker)?;
    let again = planted(Mistake::ChargedAgain) && job.attempts > 1;
    let purpose = if again { format!("charge-{}", job.attempts) } else { "charge".to_owned() };
    let request = ChargeRequest {
        key: asking::key(payment.id, &purpose),
        amount_minor: payment.amount_minor,
        currency: payment.currency,
        token,
        capture: true,
        order_reference: payment.order().show(ctx.key()),
    };
    let found = if is_overdue(&ctx, &payment) {
        asking::withdraw(&provider, &request.key).await?
    } else {
        asking::charge(&provider, &request, job.attempts > 1).await?
    };
    settled(&ctx, &payment, command_of(found, job.attempts, ctx.world()), &job)
}

/// Makes sure that a cancelled order is not charged, or learns that it was; the money then goes back.
pub async fn withdraw(ctx: Ctx, breaker: Arc<Breaker>, job: Job) -> Result<Change, Fault> {
    let Some(payment) = store::payment(ctx.store(), PaymentId(job.key)).await? else { return Ok(Change::new()) };
    if payment.state != State::Withdrawing {
        return Ok(Change::new());
    }
    let provider = HttpProvider::of(&ctx, &breaker)?;
    let key = asking::key(payment.id, "charge");
    let found = asking::withdraw(&provider, &key).await?;
    settled(&ctx, &payment, command_of(found, payment.attempts, ctx.world()), &job)
}

/// Gives back what one entry says.
pub async fn refund(ctx: Ctx, breaker: Arc<Breaker>, job: Job) -> Result<Change, Fault> {
    let Some((entry, id)) = store::refund(ctx.store(), job.key).await? else { return Ok(Change::new()) };
    if entry.done {
        return Ok(Change::new());
    }
    let lost = || Fault::internal("refund_without_charge", "Money is to go back that never came.");
    let payment = store::payment(ctx.store(), id).await?.ok_or_else(lost)?;
    let charge_id = store::charge_id(ctx.store(), id).await?.ok_or_else(lost)?;
    let provider = HttpProvider::of(&ctx, &breaker)?;
    let which = if planted(Mistake::RefundKeyedByAmount) { entry.amount_minor } else { entry.id };
    let key = asking::key(id, &format!("refund-{}", asking::spelt(which)));
    let key = if planted(Mistake::RefundedAgain) { format!("{key}-{}", job.attempts) } else { key };
    let returned = |provider_id| {
        let command = Command::Return { refund: entry.id, amount_minor: entry.amount_minor, provider_id };
        settled(&ctx, &payment, command, &job)
    };
    if planted(Mistake::RefundToldFirst) {
        ctx.store().commit(Once::Nothing, returned(String::new())?).await?;
        return provider.refund(&charge_id, &key, entry.amount_minor).await.map(|_| Change::new());
    }
    let provider_id = provider.refund(&charge_id, &key, entry.amount_minor).await?;
    returned(provider_id)
}

fn is_overdue(ctx: &Ctx, payment: &Payment) -> bool {
    let patience = Duration::try_from_secs_f64(ctx.number("payment_deadline_seconds", DEADLINE_SECONDS)).unwrap_or(Duration::MAX);
    payment.requested_at.is_some_and(|requested| ctx.now() >= requested + patience)
}

/// Turns what the provider has done into what the payment hears.
pub(crate) fn command_of(found: Found, attempts: i64, world: &World) -> Command {
    let fresh = || world.next_id::<EventId>().0;
    match found {
        Found::Captured(provider_id) => Command::Capture { provider_id, attempts, entry: fresh(), refund: fresh() },
        Found::Declined(provider_id) => Command::Decline { provider_id, attempts, entry: fresh() },
        Found::Nothing => Command::GiveUp { reason: FailureReason::ProviderUnavailable, attempts },
    }
}

fn settled(ctx: &Ctx, payment: &Payment, command: Command, job: &Job) -> Result<Change, Fault> {
    let decision = decide(payment.order(), payment.shop, Some(payment), command, ctx.now()).map_err(|error| error.fault())?;
    Ok(store::change_of(Some(payment), decision, &job.correlation))
}
