// How each ingredient looks from above, about twenty units wide around the origin. `size` is how much room one takes,
// `grams` how much of the recipe one piece stands for, `layer` what lies under what.

const seeds = (n, r, dot, colour) =>
  Array.from({ length: n }, (_, i) => {
    const a = (i * 2.4) % 6.283;
    const d = r * (0.35 + 0.65 * ((i * 0.618) % 1));
    return `<circle cx="${(Math.cos(a) * d).toFixed(1)}" cy="${(Math.sin(a) * d).toFixed(1)}" r="${dot}" fill="${colour}"/>`;
  }).join('');

const round = (edge, flesh, inner, fat, r = 9) =>
  `<circle r="${r}" fill="${edge}"/><circle r="${r - 1.2}" fill="${flesh}"/><path d="M-${r - 3} -2A${r - 2.5} ${r - 2.5} 0 0 1 1 -${r - 3}" stroke="${inner}" stroke-width="1.6" fill="none" stroke-linecap="round"/>${seeds(7, r - 3, 0.9, fat)}`;

const ring = (colour, light, r = 6, hole = '#f3d38a', width = 3) =>
  `<circle r="${r}" fill="${hole}" fill-opacity=".45" stroke="${colour}" stroke-width="${width}"/><path d="M-${r} -1A${r} ${r} 0 0 1 0 -${r}" stroke="${light}" stroke-width="1" fill="none" stroke-linecap="round"/>`;

const crumb = (fill, shade) => `<path d="M-5 1C-6-4-1-6 3-5 7-4 6 1 5 4 2 7-4 6-5 1Z" fill="${shade}"/><path d="M-4.6 0C-5-4-1-5.4 2.6-4.4 5.6-3.4 5 .4 4 2.6 1 5-3.6 4-4.6 0Z" fill="${fill}"/>`;

const ribbon = (fill, fat, shade) =>
  `<path d="M-13 2C-9-6-5-7-1-3 3 1 7-4 13-3 14 2 10 7 6 6 1 5-2 8-6 7-10 7-13 6-13 2Z" fill="${shade}"/><path d="M-13 1C-9-7-5-7-1-4 3 0 7-5 13-4 13 1 10 5 6 4 1 3-2 7-6 6-10 6-13 5-13 1Z" fill="${fill}"/><path d="M-10 2C-7-3-4-2-1 0 3 3 7-1 11-1" stroke="${fat}" stroke-width="1.7" fill="none" stroke-linecap="round"/>`;

const pepper = (colour, light) => `<path d="M-9 3C-8-6 4-9 9-2" stroke="${colour}" stroke-width="3.6" fill="none" stroke-linecap="round"/><path d="M-7.6 1C-6-5 3-7 7-2.6" stroke="${light}" stroke-width="1" fill="none" stroke-linecap="round"/>`;

const leaf = (fill, vein) => `<path d="M-10 1C-7-7 3-8 10-1 4 7-6 8-10 1Z" fill="${fill}"/><path d="M-8 1C-3-1 3-1 8-1M-3 0-1-4M1-1 3-4.4M-3 0-1 4M1-1 3 3" stroke="${vein}" stroke-width=".9" fill="none" stroke-linecap="round"/>`;

const blob = (fill, light) => `<path d="M-9 1C-9-6-2-8 4-7 10-5 10 2 6 6 1 9-8 8-9 1Z" fill="${fill}"/><path d="M-5-1C-4-4 0-5 3-4" stroke="${light}" stroke-width="1.8" fill="none" stroke-linecap="round"/>`;

export const TOPPINGS = {
  pepperoni: { draw: round('#8f2016', '#c8412b', '#e2745a', '#e9a07f'), size: 10, grams: 6, layer: 2 },
  salami: { draw: round('#7d2a2a', '#b5474a', '#d07a76', '#f0cfc4'), size: 10, grams: 8, layer: 2 },
  soppressata: { draw: round('#6e211f', '#a5352f', '#c66455', '#f2d9cd', 10), size: 11, grams: 9, layer: 2 },
  chorizo: { draw: round('#7a2410', '#b9481d', '#dd7d3f', '#f0b36f', 7), size: 8, grams: 8, layer: 2 },
  capocollo: { draw: ribbon('#c05a52', '#f4ddd0', '#8f3a37'), size: 12, grams: 12, layer: 2 },
  prosciutto: { draw: ribbon('#d98a80', '#fbe9df', '#b0605a'), size: 12, grams: 11, layer: 2 },
  bacon: { draw: '<path d="M-12 3C-8-2-6 4-2 0 2-4 5 3 12-3" stroke="#8c2f22" stroke-width="6" fill="none" stroke-linecap="round"/><path d="M-12 2C-8-3-6 3-2-1 2-5 5 2 12-4" stroke="#f1c9ab" stroke-width="1.6" fill="none" stroke-linecap="round"/>', size: 10, grams: 8, layer: 3 },
  ham: { draw: '<path d="M-8-6 6-8 9 5-6 8Z" fill="#c9757a" stroke="#c9757a" stroke-width="3" stroke-linejoin="round"/><path d="M-8-7 6-9 9 4-6 7Z" fill="#eda5a4" stroke="#eda5a4" stroke-width="3" stroke-linejoin="round"/><path d="M-5-3 4-5M-4 2 5 0" stroke="#f8cdc8" stroke-width="1.5" stroke-linecap="round"/>', size: 11, grams: 10, layer: 2 },
  beef: { draw: '<path d="M-11 2C-6-5 4-4 11-2 10 4 2 6-4 6-8 6-11 5-11 2Z" fill="#5a3021"/><path d="M-9 1C-4-3 4-3 9-1M-7 4C-2 1 3 2 7 1" stroke="#925a40" stroke-width="1.4" fill="none" stroke-linecap="round"/>', size: 10, grams: 9, layer: 3 },
  chicken: { draw: '<path d="M-10 3C-11-4-3-8 4-6 11-4 11 3 6 6 0 8-8 9-10 3Z" fill="#c98a45"/><path d="M-9 1C-9-5-3-8 3-6 9-4 9 1 5 4 0 6-8 6-9 1Z" fill="#f1d3a0"/><path d="M-5-3 0 3M-1-5 4 1M3-5 7-1" stroke="#b9783a" stroke-width="1.4" stroke-linecap="round"/>', size: 10, grams: 11, layer: 3 },
  italian_sausage: { draw: crumb('#a4613f', '#6d3a24'), size: 7, grams: 6, layer: 3 },
  nduja: { draw: crumb('#d1431f', '#8c2410'), size: 7, grams: 6, layer: 3 },
  anchovies: { draw: '<path d="M-14 2C-6-6 6 4 14-2 6 8-6 0-14 2Z" fill="#6f5a4c"/><path d="M-11 1C-5-3 6 4 11-1" stroke="#b9a492" stroke-width="1.1" fill="none"/>', size: 11, grams: 1.2, layer: 4 },
  mushrooms: { draw: '<path d="M-8 0C-9-7-3-10 0-10 3-10 9-7 8 0 6 2 4 0 3 1L3.4 8C1 10-1 10-3.4 8L-3 1C-4 0-6 2-8 0Z" fill="#9a7550"/><path d="M-6.5-1C-7-6-3-8.6 0-8.6 3-8.6 7-6 6.5-1 4-1.4 3-1 1.8 0L2 7C1 8-1 8-2 7L-1.8 0C-3-1-4-1.4-6.5-1Z" fill="#f0e0c4"/><path d="M-4.6-2.4C-2-4.4 2-4.4 4.6-2.4" stroke="#8a6744" stroke-width="1.5" fill="none" stroke-linecap="round"/>', size: 9, grams: 8, layer: 4 },
  green_olives: { draw: ring('#8a9a3c', '#c3cf78', 4.4, '#c8402a'), size: 6, grams: 1.2, layer: 4 },
  kalamata_olives: { draw: ring('#3a2436', '#7c5c77', 4.4, '#d9a25a'), size: 6, grams: 1.2, layer: 4 },
  tomatoes: { draw: '<circle r="9" fill="#b82a1c"/><circle r="7.6" fill="#e2563f"/><g fill="#f6b08b"><ellipse cx="-3.4" cy="-2" rx="2.6" ry="1.7" transform="rotate(40)"/><ellipse cx="3.6" cy="-1.4" rx="2.6" ry="1.7" transform="rotate(-20)"/><ellipse cx="-1" cy="4" rx="2.6" ry="1.7"/></g><circle r="1" fill="#fbd9b8"/>', size: 10, grams: 9, layer: 3 },
  sun_dried_tomatoes: { draw: '<path d="M-8 2C-9-4-3-7 2-5 8-5 9 1 6 4 1 7-6 7-8 2Z" fill="#7e1c12"/><path d="M-5 1C-3-3 2-1 5-2M-3 4C0 2 3 3 5 1" stroke="#cf5a3c" stroke-width="1.5" fill="none" stroke-linecap="round"/>', size: 8, grams: 6, layer: 3 },
  red_onion: { draw: '<path d="M-10 4C-9-6 6-9 10 0" stroke="#8e3b72" stroke-width="2" fill="none" stroke-linecap="round"/><path d="M-7 5C-6-3 4-5 7 1" stroke="#e9cfe0" stroke-width="2.2" fill="none" stroke-linecap="round"/>', size: 9, grams: 5, layer: 5 },
  caramelised_onion: { draw: '<path d="M-10 3C-6-6 2 4 10-4M-7 6C-2 0 3 7 8 2" stroke="#a2601f" stroke-width="2.4" fill="none" stroke-linecap="round"/>', size: 9, grams: 7, layer: 4 },
  sweet_pepper: { draw: pepper('#e0a21b', '#ffe08a'), size: 9, grams: 8, layer: 5 },
  roasted_pepper: { draw: pepper('#c23016', '#f18a63'), size: 9, grams: 8, layer: 5 },
  jalapeno: { draw: '<circle r="6" fill="#2f6b28"/><circle r="4.7" fill="#a9cf72"/><circle r="2.5" fill="#dcebb0"/><g fill="#f7f1cf"><circle cx="-2.6" cy="-1.6" r="1"/><circle cx="2.4" cy="-2" r="1"/><circle cx="0" cy="3" r="1"/></g>', size: 8, grams: 3.5, layer: 5 },
  peperoncini: { draw: ring('#b9bf3a', '#eef0a4', 5, '#f4e6a0', 2.4), size: 7, grams: 3.5, layer: 5 },
  zucchini: { draw: '<circle r="8.4" fill="#3b6e2d"/><circle r="7" fill="#d6dfa1"/><circle r="4" fill="#e8ecc2"/><g fill="#b6c17c"><circle cx="-1.6" cy="-1.4" r=".8"/><circle cx="1.8" cy="-1" r=".8"/><circle cx="0" cy="1.9" r=".8"/></g>', size: 10, grams: 7, layer: 3 },
  eggplant: { draw: '<ellipse rx="10" ry="8" fill="#42254a"/><ellipse rx="8.6" ry="6.6" fill="#d9c9a0"/><g fill="#a58d5e"><circle cx="-3" cy="-1" r=".9"/><circle cx="2" cy="-2" r=".9"/><circle cx="3" cy="2" r=".9"/><circle cx="-1" cy="2.4" r=".9"/></g>', size: 11, grams: 9, layer: 3 },
  artichokes: { draw: '<path d="M0 9C-8 6-10-2-6-9-3-6-2-7 0-10 2-7 3-6 6-9 10-2 8 6 0 9Z" fill="#8f9a4e"/><path d="M0 7C-4 4-5-1-3-5M0 7C4 4 5-1 3-5M0 7V-6" stroke="#dfe0a6" stroke-width="1.5" fill="none" stroke-linecap="round"/>', size: 10, grams: 9, layer: 4 },
  pineapple: { draw: '<path d="M-9 5C-7-2 2-7 8-6L10 1C5 1-2 4-5 9Z" fill="#d79a16"/><path d="M-8.4 4C-6-2 2-6.4 7.6-5.6L9 0C4 .4-2 3-5 7.4Z" fill="#ffd95c"/><path d="M-4 4-5 1M0 1-1-2M4-1 3-4" stroke="#d79a16" stroke-width="1.2" stroke-linecap="round"/>', size: 9, grams: 8, layer: 3 },
  pear: { draw: '<path d="M-12 3C-10-3-4-1 0-4 4-8 11-7 12-1 12 6 4 8-2 7-7 7-13 8-12 3Z" fill="#b9b04a"/><path d="M-11 3C-9-2-4 0 0-3 4-7 10-6 11-1 11 4 4 6-2 5.6-7 5.4-12 6-11 3Z" fill="#f4efc4"/><path d="M4-1 7-2M5 2 8 1" stroke="#a6863e" stroke-width="1.2" stroke-linecap="round"/>', size: 11, grams: 11, layer: 3 },
  sweetcorn: { draw: '<g fill="#f7c52b" stroke="#cf9110" stroke-width=".7"><circle cx="-4" cy="-2" r="2.5"/><circle cx="2" cy="-4" r="2.5"/><circle cx="4" cy="2" r="2.5"/><circle cx="-2" cy="4" r="2.5"/></g>', size: 8, grams: 5, layer: 5 },
  spinach: { draw: leaf('#35692f', '#7fae62'), size: 9, grams: 6, layer: 4 },
  basil: { draw: leaf('#3f8a35', '#a7d684'), size: 10, grams: 0.7, layer: 6 },
  arugula: { draw: '<path d="M-12 2C-8 0-8-5-4-3-2-8 2-6 3-3 7-6 10-3 12 0 9 2 7 3 4 2 3 6-1 7-3 3-6 6-9 5-12 2Z" fill="#4c8a33"/><path d="M-13 2C-5 1 3 0 10 0" stroke="#b9d98d" stroke-width="1" fill="none" stroke-linecap="round"/>', size: 9, grams: 2.4, layer: 6 },
  cilantro: { draw: '<g fill="#4f9a3a"><circle cx="-3" cy="-1" r="2.4"/><circle cx="0" cy="-4" r="2.4"/><circle cx="3" cy="-1" r="2.4"/></g><path d="M0-1V5" stroke="#4f9a3a" stroke-width="1.2" stroke-linecap="round"/>', size: 7, grams: 0.8, layer: 6 },
  capers: { draw: '<circle r="2.4" fill="#5c6b2b"/><circle cx="-.7" cy="-.8" r=".8" fill="#a9b567"/>', size: 4, grams: 1.2, layer: 6 },
  feta: { draw: '<path d="M-5-3 1-6 6-1 3 5-4 4Z" fill="#e3d8c2" stroke="#e3d8c2" stroke-width="1.5" stroke-linejoin="round"/><path d="M-5-4 1-7 6-2 2 3-4 2Z" fill="#fffdf5"/>', size: 7, grams: 6, layer: 5 },
  goat_cheese: { draw: '<circle r="7" fill="#e6dac0"/><circle cy="-.8" r="6.4" fill="#fffaf0"/>', size: 9, grams: 8, layer: 3 },
  brie: { draw: '<path d="M-11 5-2-9C5-8 10-3 11 4Z" fill="#d9c48e" stroke="#d9c48e" stroke-width="2" stroke-linejoin="round"/><path d="M-9 3-2-7C4-6 8-2 9 3Z" fill="#fff3cf"/>', size: 12, grams: 22, layer: 2 },
  gorgonzola: { draw: `${blob('#f1ead2', '#fffaf0')}<path d="M-5 2C-3 0-2 3 0 1M2-2C4-3 4 1 6 0M-1 5 2 4" stroke="#5a7f86" stroke-width="1.5" fill="none" stroke-linecap="round"/>`, size: 9, grams: 6, layer: 3 },
  ricotta: { draw: blob('#fdf6e6', '#ffffff'), size: 10, grams: 8, layer: 2 },
  provolone: { draw: blob('#f5d27c', '#fff0c0'), size: 10, grams: 9, layer: 1 },
  smoked_gouda: { draw: blob('#e2a24a', '#f9d391'), size: 10, grams: 7, layer: 1 },
  asiago: { draw: blob('#f7dd97', '#fff3cb'), size: 10, grams: 9, layer: 1 },
  parmesan: { draw: '<path d="M-8 1C-3-3 3-3 8-1 4 2-3 3-8 1Z" fill="#fbe9b4" stroke="#d8b565" stroke-width=".8"/>', size: 7, grams: 3, layer: 6 },
  pecorino: { draw: '<path d="M-7 1-1-3 7 0 0 3Z" fill="#fff4d2" stroke="#d8b565" stroke-width=".8"/>', size: 6, grams: 2.5, layer: 6 },
  garlic: { draw: '<path d="M-3 1C-3-3 3-3 3 1 1 2-1 2-3 1Z" fill="#fff4dc" stroke="#cfae74" stroke-width=".7"/>', size: 4, grams: 0.8, layer: 6 },
  black_pepper: { draw: '<circle r="1.1" fill="#2b2320"/>', size: 2.5, grams: 0.12, layer: 7 },
  chilli_flakes: { draw: '<path d="M-1.6 0 1.6-1 .6 1.2Z" fill="#a81c10" stroke="#a81c10" stroke-width=".6"/>', size: 2.5, grams: 0.12, layer: 7 },
  oregano: { draw: '<ellipse rx="1.7" ry=".9" fill="#4a6b2f"/>', size: 2.5, grams: 0.12, layer: 7 },
  thyme: { draw: '<path d="M-6 2C-2 0 2 0 6-2M-3 1-4-2M0 0-1-3M3-1 2-4" stroke="#4f6d36" stroke-width="1.3" fill="none" stroke-linecap="round"/>', size: 6, grams: 0.4, layer: 6 },
  olive_oil: { draw: '<ellipse rx="3" ry="2.4" fill="#dcb83f" fill-opacity=".55"/><path d="M-1.4-.8C-.8-1.6.6-1.6 1.2-1" stroke="#fff6c9" stroke-width=".7" fill="none" stroke-linecap="round"/>', size: 5, grams: 1.4, layer: 6 },
};

/** What lies on the dough under the cheese: the dark of it at the edge, and its own colour. */
export const SAUCES = {
  tomato_sauce: ['#a82a18', '#cf4a2c'],
  barbecue_sauce: ['#521d10', '#7c3318'],
  alfredo_sauce: ['#e2c68a', '#fbeecb'],
  pesto: ['#3f6424', '#6f9438'],
  chipotle_sauce: ['#8f3312', '#c65f23'],
  sweet_chilli_sauce: ['#b0340f', '#e8702a'],
  olive_oil: ['#d3a94e', '#f4e0a4'],
};
