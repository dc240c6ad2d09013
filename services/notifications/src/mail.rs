//! Mail as RFC 5322 wants it: words outside of ASCII encoded by RFC 2047 in headers, by base64 in the body.

use base::Timestamp;
use data_encoding::BASE64;
use jiff::fmt::rfc2822::DateTimePrinter;

/// RFC 2047 allows lines of 76 characters; 9 are for `Subject: `, 12 are the frame of a word, and base64 makes 4 of 3 bytes.
const WORD_BYTES_MAX: usize = 39;
/// RFC 2045: base64 in lines of at most 76 characters, which hold 57 bytes.
const LINE_BYTES: usize = 57;

/// What a mail consists of.
pub struct Mail<'a> {
    pub id: String,
    pub from: &'a str,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub language: &'a str,
    pub at: Timestamp,
}

impl Mail<'_> {
    /// Writes the mail with its line ends of CRLF.
    pub fn write(&self) -> Vec<u8> {
        let date = jiff::Timestamp::from_microsecond(self.at.micros())
            .ok()
            .and_then(|at| DateTimePrinter::new().timestamp_to_string(&at).ok());
        let headers = [
            ("Date", date.unwrap_or_default()),
            ("From", self.from.to_owned()),
            ("To", self.to.to_owned()),
            ("Subject", encoded(self.subject)),
            ("Message-ID", format!("<{}@comanda.invalid>", self.id)),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
            ("Content-Transfer-Encoding", "base64".to_owned()),
            ("Content-Language", self.language.to_owned()),
            ("Auto-Submitted", "auto-generated".to_owned()),
        ];
        let mut mail: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        mail.push_str("\r\n");
        for line in self.text.as_bytes().chunks(LINE_BYTES) {
            mail.push_str(&BASE64.encode(line));
            mail.push_str("\r\n");
        }
        mail.into_bytes()
    }
}

/// Encodes a header's text: plain ASCII stays, anything else becomes encoded words that end between letters.
fn encoded(text: &str) -> String {
    if text.len() < 60 && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for letter in text.chars() {
        if words.last().is_some_and(|word| word.len() + letter.len_utf8() > WORD_BYTES_MAX) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(letter);
        }
    }
    let words: Vec<String> = words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64.encode(word.as_bytes()))).collect();
    words.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_russian_mail_is_plain_ascii_on_the_wire_and_leads_back() {
        let subject = "Заказ принят, спасибо, что вы с нами, и приятного вам аппетита 🍕";
        let text = "Мы получили ваш заказ. Позиций: 3, сумма: 28,50 $.\r\n".repeat(4);
        let at = Timestamp::parse("2015-01-01T16:38:36Z").unwrap();
        let mail = Mail {
            id: "17".into(),
            from: "Comanda <a@b.invalid>",
            to: "anna@example.org",
            subject,
            text: &text,
            language: "ru",
            at,
        };
        let mail = String::from_utf8(mail.write()).unwrap();
        assert!(mail.is_ascii());
        assert!(mail.split("\r\n").all(|line| line.len() <= 76 && !line.contains('\n')), "{mail}");
        assert!(mail.contains("Date: Thu, 1 Jan 2015 16:38:36 "), "{mail}");
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        let words: Vec<u8> = head
            .split("=?utf-8?B?")
            .skip(1)
            .flat_map(|word| BASE64.decode(word.split("?=").next().unwrap().as_bytes()).unwrap())
            .collect();
        assert_eq!(String::from_utf8(words).unwrap(), subject);
        let body = BASE64.decode(body.replace("\r\n", "").as_bytes()).unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), text);
    }

    #[test]
    fn a_subject_cannot_smuggle_a_header_in() {
        assert!(!encoded("Hi\r\nBcc: x@y").contains("Bcc"));
        assert_eq!(encoded("Your order is paid"), "Your order is paid");
    }
}
