//! Amounts of money as people of a language write them.

use base::Currency;

/// Writes an amount: `$1,234.50` in English, `1 234,50 $` in Russian (with spaces that do not break).
pub fn money(minor: i64, currency: Currency, language: &str) -> String {
    let decimals = currency.decimals();
    let unit = 10_u64.pow(decimals);
    let russian = language == "ru";
    let (group, point) = if russian { ('\u{a0}', ',') } else { (',', '.') };
    let digits = (minor.unsigned_abs() / unit).to_string();
    let mut number = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            number.push(group);
        }
        number.push(digit);
    }
    if decimals > 0 {
        number.push(point);
        number.push_str(&format!("{:0width$}", minor.unsigned_abs() % unit, width = decimals as usize));
    }
    let sign = match currency.code() {
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "RUB" => "₽",
        code => code,
    };
    let minus = if minor < 0 { "−" } else { "" };
    match (russian, sign.chars().count()) {
        (true, _) => format!("{minus}{number}\u{a0}{sign}"),
        (false, 1) => format!("{minus}{sign}{number}"),
        (false, _) => format!("{minus}{sign}\u{a0}{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_write_them() {
        assert_eq!(money(123_450, Currency::USD, "en"), "$1,234.50");
        assert_eq!(money(123_456_705, Currency::RUB, "ru"), "1\u{a0}234\u{a0}567,05\u{a0}₽");
        assert_eq!(money(-7, Currency::EUR, "en"), "−€0.07");
        assert_eq!(money(1_200, Currency::parse("JPY").unwrap(), "en"), "JPY\u{a0}1,200");
        assert_eq!(money(100_000, Currency::USD, "ru"), "1\u{a0}000,00\u{a0}$");
    }
}
