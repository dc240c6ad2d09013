//! What every engine checks before it runs a service's migrations.

use base::Fault;

use crate::Migration;

/// Gives a number that changes with the text (FNV-1a, 64 bits), so that an edited migration is noticed.
pub(crate) fn checksum(text: &str) -> i64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    i64::from_ne_bytes(hash.to_ne_bytes())
}

/// Tells which migrations are still to run, given those that ran: version and checksum.
///
/// Tables that a newer program has made are refused, and so is a migration whose text has changed since it ran.
pub(crate) fn pending<'a>(service: &str, migrations: &'a [Migration], ran: &[(i64, i64)]) -> Result<Vec<&'a Migration>, Fault> {
    let newest = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    if let Some((version, _)) = ran.iter().find(|(version, _)| *version > newest) {
        let message =
            format!("The tables of {service} are of version {version}, this program knows {newest}: use a newer program.");
        return Err(Fault::refused("data_newer", message).with("version", *version));
    }
    let mut left = Vec::new();
    for migration in migrations {
        match ran.iter().find(|(version, _)| *version == migration.version) {
            None => left.push(migration),
            Some((_, known)) if *known == checksum(migration.text) => {}
            Some(_) => {
                let message = format!("Migration {} of {service} was edited after it had run.", migration.version);
                return Err(Fault::internal("migration_changed", message));
            }
        }
    }
    left.sort_by_key(|migration| migration.version);
    Ok(left)
}

/// Replaces a whole word, whatever its case, outside of quotes.
#[cfg(any(feature = "postgres", test))]
pub(crate) fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quoted = false;
    let mut token = String::new();
    let end = |out: &mut String, token: &mut String, quoted: bool| {
        out.push_str(if !quoted && token.eq_ignore_ascii_case(word) { by } else { token });
        token.clear();
    };
    for letter in text.chars() {
        if letter.is_alphanumeric() || letter == '_' {
            token.push(letter);
            continue;
        }
        end(&mut out, &mut token, quoted);
        quoted ^= letter == '\'';
        out.push(letter);
    }
    end(&mut out, &mut token, quoted);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration = Migration { version: 1, name: "one", text: "create table x (id bigint primary key);" };
    const TWO: Migration = Migration { version: 2, name: "two", text: "create table y (id bigint primary key);" };

    #[test]
    fn only_what_has_not_run_is_pending() {
        let ran = [(1, checksum(ONE.text))];
        let left: Vec<i64> = pending("x", &[TWO, ONE], &ran).unwrap().iter().map(|migration| migration.version).collect();
        assert_eq!(left, [2]);
    }

    #[test]
    fn newer_tables_and_edited_migrations_are_refused() {
        assert_eq!(pending("x", &[ONE], &[(1, checksum(ONE.text)), (2, 5)]).unwrap_err().code, "data_newer");
        assert_eq!(pending("x", &[ONE], &[(1, 5)]).unwrap_err().code, "migration_changed");
    }

    #[test]
    fn only_whole_words_outside_of_quotes_are_replaced() {
        assert_eq!(replace_word("a bytes, bytes_b BYTES 'bytes'", "bytes", "bytea"), "a bytea, bytes_b bytea 'bytes'");
    }
}
