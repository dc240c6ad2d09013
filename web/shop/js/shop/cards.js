// The cards of the pretend provider. A card is a token here: no number is ever typed into a page of the shop.

export const CARDS = [
  { token: 'tok_visa', name: 'card.visa' },
  { token: 'tok_declined', name: 'card.declined' },
  { token: 'tok_insufficient_funds', name: 'card.poor' },
];
