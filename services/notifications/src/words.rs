//! The words of messages. They are put together when a message is read, so that an amount is written as its reader's
//! language writes it. Numbers stand after a colon: no language has to bend a noun for them.

use base::Texts;
use orders_api::events::CancelReason;

use crate::domain::{Draft, Template};
use crate::money::money;

/// The languages that messages are written in.
pub const LANGUAGES: [&str; 2] = ["en", "ru"];

/// Gives the title in every language.
pub fn title(template: Template, pickup: bool) -> Texts {
    let (en, ru) = match template {
        Template::OrderReceived => ("We have your order", "Заказ принят"),
        Template::OrderPaid => ("Your order is paid", "Заказ оплачен"),
        Template::OrderPromised => ("You pay when you get it", "Оплата при получении"),
        Template::CookingStarted => ("Your order is being made", "Заказ готовится"),
        Template::OrderShipped if pickup => ("Your order waits for you", "Заказ ждёт вас"),
        Template::OrderShipped => ("Your order is on its way", "Заказ в пути"),
        Template::OrderDelivered => ("Enjoy!", "Приятного аппетита!"),
        Template::OrderCancelled => ("Your order was cancelled", "Заказ отменён"),
        Template::PaymentRefunded => ("Your money is on its way back", "Деньги возвращаются"),
    };
    Texts::en_ru(en, ru)
}

/// Gives the text in every language.
pub fn text(draft: &Draft) -> Texts {
    Texts(LANGUAGES.into_iter().map(|language| (language.to_owned(), in_language(draft, language))).collect())
}

fn in_language(draft: &Draft, language: &str) -> String {
    let params = &draft.params;
    let amount = match (params.amount_minor, params.currency) {
        (Some(minor), Some(currency)) => money(minor, currency, language),
        _ => String::new(),
    };
    let things = params.things.unwrap_or_default();
    let russian = language == "ru";
    let pick = |en: &str, ru: &str| if russian { ru.to_owned() } else { en.to_owned() };
    match draft.template {
        Template::OrderReceived if russian => format!("Мы получили ваш заказ. Позиций: {things}, сумма: {amount}."),
        Template::OrderReceived => format!("Thank you for your order. Items: {things}, total: {amount}."),
        Template::OrderPaid if russian => format!("Оплата получена: {amount}."),
        Template::OrderPaid => format!("We have received your payment: {amount}."),
        Template::OrderPromised if russian => format!("Пожалуйста, подготовьте к получению: {amount}."),
        Template::OrderPromised => format!("Please have this ready when your order arrives: {amount}."),
        Template::CookingStarted => pick("The kitchen has begun with your order.", "Кухня начала готовить ваш заказ."),
        Template::OrderShipped if params.pickup => {
            pick("You can fetch your order at the counter.", "Ваш заказ можно забрать у стойки.")
        }
        Template::OrderShipped => pick("Your order has left the shop.", "Ваш заказ передан курьеру."),
        Template::OrderDelivered => pick("Your order was handed over.", "Ваш заказ вручён."),
        Template::OrderCancelled => {
            let why = params.reason.map_or_else(String::new, |reason| why(reason, russian).to_owned());
            match (amount.is_empty(), russian) {
                (true, _) => why,
                (false, true) => format!("{why} К оплате остаётся: {amount}."),
                (false, false) => format!("{why} Still to be paid: {amount}."),
            }
        }
        Template::PaymentRefunded if russian => format!("Возврат отправлен: {amount}."),
        Template::PaymentRefunded => format!("We have sent your money back: {amount}."),
    }
}

fn why(reason: CancelReason, russian: bool) -> &'static str {
    let (en, ru) = match reason {
        CancelReason::CustomerAsked => ("It was cancelled as you asked.", "Заказ отменён по вашей просьбе."),
        CancelReason::StaffDecided => ("The shop had to cancel it.", "Магазину пришлось отменить заказ."),
        CancelReason::OutOfStock => ("Something you ordered has run out.", "Часть заказанного закончилась."),
        CancelReason::PaymentDeclined => ("Your payment was declined.", "Платёж отклонён."),
        CancelReason::PaymentTimeout => ("Your payment did not arrive in time.", "Платёж не поступил вовремя."),
        CancelReason::StockTimeout | CancelReason::TooLate => {
            ("We could not finish it in time.", "Мы не успели выполнить заказ вовремя.")
        }
        CancelReason::KitchenFailed => ("The kitchen could not make it.", "Кухня не смогла его приготовить."),
        CancelReason::DeliveryFailed => ("It could not be handed over.", "Заказ не удалось вручить."),
    };
    if russian { ru } else { en }
}

#[cfg(test)]
mod tests {
    use base::id::OrderId;
    use base::{Currency, Timestamp};

    use super::*;
    use crate::domain::{Params, TEMPLATES};

    #[test]
    fn every_message_has_words_in_both_languages() {
        for (template, _) in TEMPLATES {
            let params = Params {
                amount_minor: Some(123_450),
                currency: Some(Currency::USD),
                things: Some(5),
                reason: Some(CancelReason::TooLate),
                pickup: false,
            };
            let draft = Draft { order_id: OrderId(1), template, nth: 0, params, at: Timestamp(0) };
            let (title, text) = (title(template, false), text(&draft));
            for language in LANGUAGES {
                assert!(!title.0[language].is_empty() && !text.0[language].is_empty(), "{template:?} {language}");
            }
            assert_ne!(text.get("en"), text.get("ru"));
            let russian: usize = text.get("ru").chars().filter(|letter| ('а'..='я').contains(letter)).count();
            assert!(russian > 5, "{}", text.get("ru"));
        }
    }

    #[test]
    fn amounts_stand_in_the_readers_way_of_writing() {
        let params = Params { amount_minor: Some(123_450), currency: Some(Currency::USD), things: Some(3), ..Params::default() };
        let draft = Draft { order_id: OrderId(1), template: Template::OrderReceived, nth: 0, params, at: Timestamp(0) };
        assert_eq!(text(&draft).get("en"), "Thank you for your order. Items: 3, total: $1,234.50.");
        assert_eq!(text(&draft).get("ru"), "Мы получили ваш заказ. Позиций: 3, сумма: 1\u{a0}234,50\u{a0}$.");
    }
}
