//! The contract's verbs: who may, then the store, then the answer.

use std::sync::Arc;

use base::id::{EventId, Id, OrderId, PaymentId, ShopId};
use base::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, TEXT_BYTES_MAX};
use base::{Fault, Principal, Timestamp};
use host::Ctx;
use payments_api::payments_server::Payments;
use payments_api::{self as api, card};
use sql::{Once, Outcome};
use tonic::{Request, Response, Status};
use wire::Call;

use crate::breaker::{Breaker, View};
use crate::domain::{Command, Error, decide};
use crate::payment::{Entry, Method, Payment, State};
use crate::provider::Provider;
use crate::provider_http::HttpProvider;
use crate::retention::CARD_NOTED_EVERY;
use crate::{reconcile, store};

/// The longest token, its prefix `tok_` not counted.
const TOKEN_REST_MAX: usize = 64;
/// How many rows of the provider's books are read at once.
const BOOK_ROWS: u32 = 2_000;
/// The most rows of the books that are compared in one call; `comanda audit` has no such limit.
const BOOK_ROWS_MAX: usize = 2_000_000;
/// How many differences are told; more help nobody.
const DISCREPANCIES_MAX: usize = 1_000;

/// The server of the contract.
pub struct Rpc {
    ctx: Ctx,
    breaker: Arc<Breaker>,
}

impl Rpc {
    /// Makes it.
    pub fn new(ctx: Ctx, breaker: Arc<Breaker>) -> Rpc {
        Rpc { ctx, breaker }
    }

    async fn shown(&self, call: &Call, payment: Option<Payment>) -> Result<api::Payment, Fault> {
        // Whose it is not, for them it is not there.
        let payment = payment.filter(|payment| may_see(&call.principal, payment)).ok_or_else(|| Error::Unknown.fault())?;
        let entries = store::entries(self.ctx.store(), payment.id).await?;
        Ok(answer_of(&payment, &entries))
    }

    fn breaker_now(&self) -> api::Breaker {
        let View { position, failures, calls, since, opened_times } = self.breaker.view(self.ctx.world());
        api::Breaker { state: position.word().to_owned(), failures, calls, since: since.micros(), opened_times }
    }

    async fn books(&self) -> Result<Vec<crate::provider::BookRow>, Fault> {
        let provider = HttpProvider::of(&self.ctx, &self.breaker)?;
        let mut books = Vec::new();
        let mut after = 0;
        loop {
            let page = provider.books(after, BOOK_ROWS).await?;
            let full = page.len() >= BOOK_ROWS as usize;
            after = page.last().map_or(after, |row| row.seq);
            books.extend(page);
            if books.len() > BOOK_ROWS_MAX {
                return Err(Fault::internal(
                    "too_many_rows",
                    format!("The provider's books have more than {BOOK_ROWS_MAX} rows."),
                ));
            }
            if !full {
                return Ok(books);
            }
        }
    }
}

#[tonic::async_trait]
impl Payments for Rpc {
    async fn register_method(&self, request: Request<api::RegisterMethodRequest>) -> Result<Response<api::Method>, Status> {
        host::answer(async {
            Call::of(&request)?;
            let token = request.into_inner().card_token;
            check_token(&token)?;
            let method = store::method_of(self.ctx.key(), &token);
            let hint = hint_of(&token);
            let noted = store::noted_at(self.ctx.store(), method).await?;
            // Noted again while it is in use, or retention would take it for forgotten.
            if noted.is_none_or(|noted| noted < self.ctx.now() - CARD_NOTED_EVERY) {
                let kept = store::keep_method(method, &token, &hint, self.ctx.now());
                // The same token is the same row, so a repeat needs no record of its own.
                if self.ctx.store().commit(Once::Nothing, kept).await? == Outcome::Unknown {
                    return Err(Fault::unavailable("commit_in_doubt", "Nobody knows whether the method was kept; ask again."));
                }
            }
            Ok(api::Method { method_id: method.number(), kind: "card".to_owned(), hint })
        })
        .await
    }

    async fn get_payment(&self, request: Request<api::GetPaymentRequest>) -> Result<Response<api::Payment>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            let id = PaymentId(request.into_inner().payment_id);
            self.shown(&call, store::payment(self.ctx.store(), id).await?).await
        })
        .await
    }

    async fn get_payment_by_order(
        &self,
        request: Request<api::GetPaymentByOrderRequest>,
    ) -> Result<Response<api::Payment>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            let order = OrderId(request.into_inner().order_id);
            self.shown(&call, store::payment_of_order(self.ctx.store(), order).await?).await
        })
        .await
    }

    async fn list_payments(&self, request: Request<api::ListPaymentsRequest>) -> Result<Response<api::PaymentPage>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            let asked = request.into_inner();
            let shop = ShopId(asked.shop_id);
            call.principal.must_serve(shop)?;
            let bad_state = || Fault::invalid("bad_payment_state", "There is no such state of a payment.");
            let state = (!asked.state.is_empty()).then(|| State::of(&asked.state).ok_or_else(bad_state)).transpose()?;
            let bad_page = || Fault::invalid("bad_page", "The page's mark is not one that was given out.");
            let before = if asked.after.is_empty() { i64::MAX } else { asked.after.parse().map_err(|_| bad_page())? };
            let limit = if asked.limit == 0 { PAGE_ROWS_DEFAULT } else { asked.limit.min(PAGE_ROWS_MAX) };
            let page = store::page(self.ctx.store(), shop, state, before, limit).await?;
            let full = page.len() >= limit as usize;
            let next = page.last().filter(|_| full).map_or_else(String::new, |last| last.id.0.to_string());
            Ok(api::PaymentPage { payments: page.iter().map(|payment| answer_of(payment, &[])).collect(), next })
        })
        .await
    }

    async fn refund(&self, request: Request<api::RefundRequest>) -> Result<Response<api::Payment>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            let asked = request.into_inner();
            if asked.reason.trim().is_empty() || asked.reason.len() > TEXT_BYTES_MAX {
                return Err(Fault::invalid("reason_needed", format!("Say why, in at most {TEXT_BYTES_MAX} bytes.")));
            }
            let id = PaymentId(asked.payment_id);
            saga::settle(self.ctx.store(), self.ctx.world(), &call, || async {
                let payment = store::payment(self.ctx.store(), id).await?;
                let payment =
                    payment.filter(|payment| may_see(&call.principal, payment)).ok_or_else(|| Error::Unknown.fault())?;
                call.principal.must_serve(payment.shop)?;
                let refund =
                    Command::Refund { amount_minor: asked.amount_minor, refund: self.ctx.world().next_id::<EventId>().0 };
                let decision = decide(payment.order(), payment.shop, Some(&payment), refund, self.ctx.now())
                    .map_err(|error| error.fault())?;
                let after = decision.after.clone().unwrap_or_else(|| payment.clone());
                let act = self.ctx.store().act(&call.principal, "refund", &id.show(self.ctx.key()), &asked.reason);
                let change = store::change_of(Some(&payment), decision, &call.correlation).write(act);
                let entries = store::entries(self.ctx.store(), id).await?;
                Ok((change, answer_of(&after, &entries)))
            })
            .await
        })
        .await
    }

    async fn get_breaker(&self, request: Request<api::GetBreakerRequest>) -> Result<Response<api::Breaker>, Status> {
        host::answer(async {
            must_be_staff(&Call::of(&request)?.principal)?;
            Ok(self.breaker_now())
        })
        .await
    }

    async fn reset_breaker(&self, request: Request<api::ResetBreakerRequest>) -> Result<Response<api::Breaker>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            must_be_staff(&call.principal)?;
            let reason = request.into_inner().reason;
            if reason.len() > TEXT_BYTES_MAX {
                return Err(Fault::invalid("reason_too_long", format!("A reason has at most {TEXT_BYTES_MAX} bytes.")));
            }
            saga::settle(self.ctx.store(), self.ctx.world(), &call, || async {
                let act = self.ctx.store().act(&call.principal, "reset_breaker", "provider", &reason);
                self.breaker.reset(self.ctx.world());
                Ok((sql::Change::new().write(act), self.breaker_now()))
            })
            .await
        })
        .await
    }

    async fn reconcile(&self, request: Request<api::ReconcileRequest>) -> Result<Response<api::ReconcileAnswer>, Status> {
        host::answer(async {
            must_be_staff(&Call::of(&request)?.principal)?;
            // The books last: then everything that we noted must be in them already.
            let began = self.ctx.now();
            let (ours, unsettled) = store::for_reconciling(self.ctx.store()).await?;
            let mut books = self.books().await?;
            reconcile::leave_out_dropped(&mut books, &ours, self.ctx.store().trimmed().await?.ids_below);
            let found = reconcile::compare(&ours, &books, &unsettled, began);
            Ok(api::ReconcileAnswer {
                compared: books.len() as u64,
                discrepancies: found.into_iter().take(DISCREPANCIES_MAX).map(told).collect(),
            })
        })
        .await
    }
}

fn told(found: reconcile::Discrepancy) -> api::Discrepancy {
    api::Discrepancy { order_id: found.payment.map_or(0, |payment| payment.0), provider_id: found.provider_id, what: found.what }
}

fn check_token(token: &str) -> Result<(), Fault> {
    if card::looks_like_number(token) {
        return Err(Fault::invalid(
            "card_number_refused",
            "This looks like a card number. Send a token of the payment provider instead.",
        ));
    }
    let fits = token.strip_prefix("tok_").is_some_and(|rest| {
        (1..=TOKEN_REST_MAX).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    if fits {
        Ok(())
    } else {
        Err(Fault::invalid("bad_card_token", "A card's token looks like tok_… with letters, digits and underscores."))
    }
}

/// Gives the end of a token, by which its owner knows it again.
fn hint_of(token: &str) -> String {
    format!("…{}", &token[token.len().saturating_sub(4)..])
}

fn may_see(principal: &Principal, payment: &Payment) -> bool {
    principal.serves(payment.shop) || (payment.device.is_some() && principal.device() == payment.device)
}

/// Refuses all but staff and the platform: the provider serves every shop, so any shop's staff may look.
fn must_be_staff(principal: &Principal) -> Result<(), Fault> {
    match principal {
        Principal::Staff { shop, .. } => principal.must_serve(*shop),
        _ => principal.must_serve(ShopId(0)),
    }
}

fn answer_of(payment: &Payment, entries: &[(Entry, Timestamp)]) -> api::Payment {
    let transactions = entries.iter().map(|(entry, at)| api::Transaction {
        transaction_id: entry.id,
        kind: entry.kind.word().to_owned(),
        amount_minor: entry.amount_minor,
        provider_id: entry.provider_id.clone(),
        at: at.micros(),
    });
    api::Payment {
        payment_id: payment.id.0,
        order_id: payment.order().0,
        shop_id: payment.shop.0,
        method: if payment.method == Method::Cash { "cash" } else { "card" }.to_owned(),
        state: payment.state.word().to_owned(),
        amount_minor: payment.amount_minor,
        currency: payment.currency.code().to_owned(),
        taken_minor: payment.taken_minor,
        refunded_minor: payment.refunded_minor,
        reason: payment.reason.map_or_else(String::new, |reason| store::reason_word(reason).to_owned()),
        transactions: transactions.collect(),
        attempts: u32::try_from(payment.attempts).unwrap_or(u32::MAX),
        created_at: payment.created_at.micros(),
        changed_at: payment.changed_at.micros(),
        version: payment.version,
    }
}
