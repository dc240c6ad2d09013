// What a guest typed, checked kindly and at once. Gives the key of what is wrong, or nothing.

export const CHECKS = {
  name: (value) => (value.trim() ? '' : 'check.name'),
  phone(value, form) {
    const digits = value.replace(/\D/g, '');
    if (!value.trim()) return form.fulfilment === 'pickup' ? 'check.phone.pickup' : 'check.phone';
    if (/[^\d\s()+.\-–/]/.test(value)) return 'check.phone.letters';
    return digits.length < 7 ? 'check.phone.short' : digits.length > 15 ? 'check.phone.long' : '';
  },
  address(value, form) {
    if (form.fulfilment === 'pickup') return '';
    if (!value.trim()) return 'check.address';
    return value.trim().length < 6 || !/\d/.test(value) ? 'check.address.short' : '';
  },
  email(value) {
    return !value.trim() || /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value.trim()) ? '' : 'check.email';
  },
  note: (value) => (new TextEncoder().encode(value).length > 1000 ? 'check.long' : ''),
};

/** Checks all of it; gives what is wrong by field. */
export function wrongs(form) {
  return Object.fromEntries(Object.entries(CHECKS).map(([field, check]) => [field, check(form[field] || '', form)]).filter(([, wrong]) => wrong));
}

// The cards of the pretend provider. A card is a token here: no number is ever typed into a page of the shop.

export const CARDS = [
  { token: 'tok_visa', name: 'card.visa' },
  { token: 'tok_declined', name: 'card.declined' },
  { token: 'tok_insufficient_funds', name: 'card.poor' },
];
