//! What the catalogue hears: nothing. The menu is changed by staff, never by what happens to orders or stock.
