//! Card numbers are recognised in order to be refused: nobody here may accept, keep or log one.

/// The fewest and the most digits of a card number (ISO/IEC 7812).
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Tells whether a text holds what looks like a card number: 13 to 19 digits, single blanks or dashes between them
/// allowed, whose last one is right (Luhn).
pub fn looks_like_number(text: &str) -> bool {
    // Groups of digits that single separators join; anything else ends the chain.
    let mut groups: Vec<Vec<u32>> = vec![Vec::new()];
    for letter in text.chars() {
        match letter.to_digit(10) {
            Some(digit) => groups.last_mut().expect("there is always a last group").push(digit),
            None if matches!(letter, ' ' | '-') && groups.last().is_some_and(|group| !group.is_empty()) => {
                groups.push(Vec::new())
            }
            None => {
                if chain_holds_number(&groups) {
                    return true;
                }
                groups = vec![Vec::new()];
            }
        }
    }
    chain_holds_number(&groups)
}

/// Looks at every row of neighbouring groups, so that a number is seen beside its date of expiry too.
fn chain_holds_number(groups: &[Vec<u32>]) -> bool {
    (0..groups.len()).any(|from| {
        let mut digits = Vec::new();
        groups[from..].iter().take_while(|group| !group.is_empty()).any(|group| {
            digits.extend_from_slice(group);
            DIGITS.contains(&digits.len()) && luhn(&digits)
        })
    })
}

/// The check that the last digit makes right (ISO/IEC 7812-1, annex B).
fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => *digit,
            _ if *digit > 4 => 2 * digit - 9,
            _ => 2 * digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_seen_however_they_are_written() {
        for number in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242 12/27",
            "4242 4242 4242 4242 12 27",
            "378282246310005",
            "4222222222222",
            "tok_4242424242424242",
            "карта 5555555555554444 🍕",
            "{\"token\":\"6011111111111117\"}",
        ] {
            assert!(looks_like_number(number), "{number}");
        }
    }

    #[test]
    fn what_is_no_card_number_is_let_through() {
        for text in [
            "",
            "tok_visa",
            "4242424242424241",
            "424242424242",
            "+7 912 345-67-89",
            "2015-01-01 11:38:36",
            "pay_01h455vb4pex5",
            "1,4,2,4,2,4,2",
        ] {
            assert!(!looks_like_number(text), "{text}");
        }
    }
}
