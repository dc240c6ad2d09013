//! What delivery does when its time has come: goods that are packed, couriers at the door.

use base::id::OrderId;
use base::{Fault, Timestamp};
use host::{Change, Ctx, Job};

use crate::batch::Batch;
use crate::domain::{Decision, Delivery, Settings};
use crate::store;

/// Ships goods that are packed.
pub async fn ship(ctx: Ctx, jobs: Vec<Job>) -> Result<Change, Fault> {
    on_time(&ctx, jobs, Delivery::is_packed).await
}

/// Hands over what is at the door.
pub async fn deliver(ctx: Ctx, jobs: Vec<Job>) -> Result<Change, Fault> {
    on_time(&ctx, jobs, |delivery, _, now| delivery.is_due(now)).await
}

async fn on_time(
    ctx: &Ctx,
    jobs: Vec<Job>,
    decide: impl Fn(&mut Delivery, &Settings, Timestamp) -> Decision,
) -> Result<Change, Fault> {
    let orders: Vec<OrderId> = jobs.iter().map(|job| OrderId(job.key)).collect();
    let known = store::deliveries(ctx.store(), &orders).await?;
    let mut batch = Batch::begin(ctx);
    for job in &jobs {
        let Some(before) = known.get(&OrderId(job.key)) else { continue };
        let mut delivery = before.clone();
        let settings = batch.settings(before.shop_id).await?;
        let decision = decide(&mut delivery, &settings, batch.now());
        batch.keep(before, &delivery, decision, &job.correlation);
    }
    Ok(batch.end())
}
